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
	// Part says which: "statement", "action s3:GetObject", "resource …", "principal …", "value … of StringEquals aws:SourceAccount".
	Part string
}

// String names the part and where it is.
func (u Unneeded) String() string {
	return fmt.Sprintf("%s of statement %s of the %s", u.Part, statementName(u.Sid, u.Index), u.Kind)
}

// element is a removable part of a statement: a grant.
type element struct {
	part   string
	remove func(policy.Statement) (policy.Statement, bool) // false: nothing of the statement is left
}

// elements are the parts of an Allow statement that could each be taken away, the whole statement first.
func elements(s policy.Statement) []element {
	out := []element{{"statement", func(s policy.Statement) (policy.Statement, bool) { return s, false }}}
	list := func(name string, values []string, set func(*policy.Statement, []string)) {
		for i, v := range values {
			out = append(out, element{name + " " + v, func(s policy.Statement) (policy.Statement, bool) {
				rest := slices.Delete(slices.Clone(values), i, i+1)
				set(&s, rest)
				return s, len(rest) > 0
			}})
		}
	}
	if len(s.Action) > 1 {
		list("action", s.Action, func(s *policy.Statement, v []string) { s.Action = v })
	}
	if len(s.Resource) > 1 {
		list("resource", s.Resource, func(s *policy.Statement, v []string) { s.Resource = v })
	}
	if s.Principal != nil && len(s.Principal.AWS)+len(s.Principal.Service) > 1 {
		list("principal", s.Principal.AWS, func(s *policy.Statement, v []string) {
			p := *s.Principal
			p.AWS = v
			s.Principal = &p
		})
	}
	for _, op := range sortedKeys(s.Condition) {
		if negated(op) {
			continue // fewer values of a negated operator allow more: that is a widening, not a grant
		}
		for _, key := range sortedKeys(s.Condition[op]) {
			if values := s.Condition[op][key]; len(values) > 1 {
				list(fmt.Sprintf("in %s %s, value", op, key), values, func(s *policy.Statement, v []string) {
					s.Condition = s.Condition.With(op, key, v...)
				})
			}
		}
	}
	return out
}

func negated(operator string) bool {
	return strings.Contains(operator, "Not")
}

// needless finds the parts of Allow statements that no proof needs: each is taken away in turn, and the hops that the
// statement allowed are decided again. A part that is covered by another statement as well is found, too.
func (e *evaluation) needless() []Unneeded {
	using := map[string][]*Verdict{}
	for _, v := range e.verdicts {
		for _, c := range v.Causes {
			if c.Effect == policy.Allow {
				k := causeKey(c.Carrier, c.Kind, c.Index)
				using[k] = append(using[k], v)
			}
		}
	}
	var out []Unneeded
	for _, id := range sortedKeys(e.policies) {
		at := e.policies[id]
		for i, s := range at.document.Statements {
			if s.Effect != policy.Allow {
				continue
			}
			hops := using[causeKey(at.carrier.URN, at.kind, i)]
			for _, el := range elements(s) {
				if e.holdsWithout(at, i, el, hops) {
					out = append(out, Unneeded{at.carrier.URN, at.kind, i, s.Sid, el.part})
					if el.part == "statement" {
						break // its parts needn't be named one by one
					}
				}
			}
		}
	}
	return out
}

func causeKey(carrier string, kind policy.Kind, index int) string {
	return fmt.Sprint(carrier, "#", int(kind), "#", index)
}

// holdsWithout says whether all hops are still allowed when the element is gone.
func (e *evaluation) holdsWithout(at *policyAt, index int, el element, hops []*Verdict) bool {
	changed := at.document
	changed.Statements = slices.Clone(changed.Statements)
	if s, left := el.remove(changed.Statements[index]); left {
		changed.Statements[index] = s
	} else {
		changed.Statements = slices.Delete(changed.Statements, index, index+1)
	}
	p, err := policy.Compile(at.compiled.ID(), changed)
	if err != nil {
		return false
	}
	for _, v := range hops {
		with := v.policies
		replace(&with.Identity, at.compiled, p)
		replace(&with.Boundary, at.compiled, p)
		replace(&with.Resource, at.compiled, p)
		if v.Allowed && !policy.Evaluate(v.request, with).Allowed() {
			return false
		}
	}
	return true
}

func replace(list *[]*policy.Policy, old, with *policy.Policy) {
	if i := slices.Index(*list, old); i >= 0 {
		*list = slices.Clone(*list)
		(*list)[i] = with
	}
}
