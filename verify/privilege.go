package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
)

// Unneeded is a part of an Allow statement without which every proof still holds.
type Unneeded struct {
	// Carrier is the URN of the resource that carries the policy.
	Carrier string
	Kind    policy.Kind
	Index   int // of the statement, from 0
	Sid     string
	// Part says which: "statement", "action s3:GetObject", "resource …", "principal …", "in StringEquals aws:SourceAccount, value …".
	Part string
}

// String names the part and where it is.
func (u Unneeded) String() string {
	return fmt.Sprintf("%s of statement %s of the %s", u.Part, statementName(u.Sid, u.Index), u.Kind)
}

// element is a removable part of a statement: a grant.
type element struct {
	part   string
	remove func(policy.Statement) policy.Statement
	// grants says that the part decides how much is granted, and not only whether the statement is about a request: a
	// principal may be named twice, as itself and by its account.
	grants bool
}

// elements are the parts of an Allow statement that could each be taken away, besides the whole statement.
func elements(s policy.Statement) []element {
	var out []element
	list := func(name string, values []string, grants bool, set func(*policy.Statement, []string)) {
		if len(values) < 2 {
			return
		}
		for i, v := range values {
			out = append(out, element{name + " " + v, func(s policy.Statement) policy.Statement {
				set(&s, slices.Delete(slices.Clone(values), i, i+1))
				return s
			}, grants})
		}
	}
	list("action", s.Action, false, func(s *policy.Statement, v []string) { s.Action = v })
	list("resource", s.Resource, false, func(s *policy.Statement, v []string) { s.Resource = v })
	if p := s.Principal; p != nil {
		all := principals(p)
		list("principal", all, true, func(s *policy.Statement, v []string) { s.Principal = onlyPrincipals(p, v) })
	}
	for _, op := range sortedKeys(s.Condition) {
		if negated(op) {
			continue // fewer values of a negated operator allow more: that is a widening, not a grant
		}
		for _, key := range sortedKeys(s.Condition[op]) {
			list(fmt.Sprintf("in %s %s, value", op, key), s.Condition[op][key], false, func(s *policy.Statement, v []string) {
				s.Condition = s.Condition.With(op, key, v...)
			})
		}
	}
	return out
}

// principals are all that a statement names, of whatever sort.
func principals(p *policy.Principals) []string {
	out := slices.Concat(p.AWS, p.Federated, p.CanonicalUser)
	for _, s := range p.Service {
		out = append(out, string(s))
	}
	return out
}

// onlyPrincipals are those of p that are kept.
func onlyPrincipals(p *policy.Principals, kept []string) *policy.Principals {
	only := func(values []string) []string {
		return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !slices.Contains(kept, v) })
	}
	out := &policy.Principals{AWS: only(p.AWS), Federated: only(p.Federated), CanonicalUser: only(p.CanonicalUser)}
	for _, s := range p.Service {
		if slices.Contains(kept, string(s)) {
			out.Service = append(out.Service, s)
		}
	}
	return out
}

func negated(operator string) bool {
	return strings.Contains(operator, "Not")
}

// uses are the hops that each statement allows.
func (e *evaluation) uses() map[statementAt][]*Verdict {
	if e.using != nil {
		return e.using
	}
	e.using = map[statementAt][]*Verdict{}
	for _, v := range e.verdicts {
		if !v.Allowed {
			continue
		}
		for _, s := range v.deciding {
			e.using[s] = append(e.using[s], v)
		}
	}
	return e.using
}

// needless finds the parts of Allow statements that no proof needs: each is taken away in turn, and the hops that the
// statement allowed are decided again. A part that is covered by another statement as well is found, too.
func (e *evaluation) needless() []Unneeded {
	using := e.uses()
	waiting := map[statementAt]bool{}
	for _, v := range e.verdicts {
		for _, s := range v.matching {
			waiting[s] = true
		}
	}
	var out []Unneeded
	for _, id := range sortedKeys(e.policies) {
		at := e.policies[id]
		for i, s := range at.document.Statements {
			if s.Effect != policy.Allow {
				continue
			}
			if waiting[statementAt{at, i}] {
				continue // for another policy: once that is mended, a path needs it
			}
			needs := e.needsOf(statementAt{at, i}, using[statementAt{at, i}])
			add := func(part string) { out = append(out, Unneeded{at.carrier.URN, at.kind, i, s.Sid, part}) }
			if !slices.ContainsFunc(needs, func(n need) bool { return !n.otherwise }) {
				add("statement") // its parts needn't be named one by one
				continue
			}
			for _, el := range elements(s) {
				if e.holdsWithout(statementAt{at, i}, el, needs) {
					add(el.part)
				}
			}
		}
	}
	return out
}

// need is a hop that a statement allows.
type need struct {
	*Verdict
	// otherwise says that the hop is allowed without the statement, too.
	otherwise bool
}

func (e *evaluation) needsOf(s statementAt, hops []*Verdict) []need {
	out := make([]need, 0, len(hops))
	for _, v := range hops {
		out = append(out, need{v, e.allowedWith(v, s, nil)})
	}
	return out
}

// holdsWithout says whether all hops are still allowed when the element is gone. For most it is enough to see that what is
// left of the statement still matches: the rest of the decision doesn't change then.
func (e *evaluation) holdsWithout(s statementAt, el element, needs []need) bool {
	left := el.remove(s.statement())
	p, err := compileStatement(s.compiled[s.index].ID(), s.document.Version, left)
	if err != nil {
		return false
	}
	ofResource := left.Principal != nil || left.NotPrincipal != nil
	for _, n := range needs {
		switch {
		case n.otherwise:
		case el.grants && !e.allowedWith(n.Verdict, s, p):
			return false
		case !el.grants && !matchesOnly(n.Verdict, p, ofResource):
			return false
		}
	}
	return true
}

// allowedWith says whether a hop is allowed with another policy in the place of a statement, or with none.
func (e *evaluation) allowedWith(v *Verdict, s statementAt, p *policy.Policy) bool {
	with, old := v.policies, s.compiled[s.index]
	for _, layer := range []*[]*policy.Policy{&with.Identity, &with.Boundary, &with.Resource} {
		i := slices.Index(*layer, old)
		if i < 0 {
			continue
		}
		*layer = slices.Clone(*layer)
		if p != nil {
			(*layer)[i] = p
		} else {
			(*layer)[i] = nothing
		}
	}
	return policy.Evaluate(v.request, with).Allowed()
}

// nothing is a policy that says nothing, in the place of a statement that was taken away.
var nothing = func() *policy.Policy {
	p, err := policy.Compile("nothing", policy.Document{})
	if err != nil {
		panic(err) // a constant
	}
	return p
}()
