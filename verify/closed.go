package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
)

// Violation is something that must be changed, or waived with a reason.
type Violation struct {
	// Rule is the rule's id, or "path" for a way that is closed.
	Rule string
	// Resource is the URN of what should be changed.
	Resource string
	// Reason says what is wrong, Remedy how to mend it.
	Reason, Remedy string
	// Statement is the smallest one that mends a closed way when it is added to the resource's policy, as JSON; empty when
	// something must be changed or taken away instead.
	Statement string
	// Source names the path that is closed, if one is.
	Source string
	// Waived is the reason for which it is tolerated; empty when it isn't.
	Waived string
}

// closed turns refused hops and broken links into violations of a rule. What one statement would mend is one of them, and what many
// paths share is reported once, with the first source and how many more there are.
func closed(rule string, paths []*Path) []Violation {
	var order []*finding
	found := map[string]*finding{}
	add := func(p *Path, f finding) {
		key := strings.Join([]string{f.Resource, f.what, f.Reason, f.Remedy, f.kind.String(), f.conditions()}, "\x00")
		known := found[key]
		if known == nil {
			known = &f
			found[key] = known
			order = append(order, known)
		}
		known.merge(p, f)
	}
	for _, p := range paths {
		if p.Proven() {
			continue
		}
		for _, b := range p.Breaks() {
			reason := b.Reason
			if b.Property != "" {
				reason = b.Property + ": " + reason
			}
			add(p, finding{Violation: Violation{Resource: b.Resource, Reason: reason, Remedy: b.Remedy}})
		}
		for _, v := range p.Hops() {
			if v.Allowed {
				continue
			}
			f := finding{what: fmt.Sprintf("%s: %s may not ", v.Title, v.Caller), actions: []string{v.Action}, on: []string{v.Resource}}
			if len(v.Remedies) == 0 {
				f.Resource, f.Remedy = v.Carrier, "no declared policy could allow it"
				add(p, f)
			}
			for _, m := range v.Remedies {
				f.Resource, f.Remedy, f.kind, f.statement = m.Carrier, m.Words, m.Kind, m.Statement
				add(p, f)
			}
		}
	}
	out := make([]Violation, 0, len(order))
	for _, f := range order {
		out = append(out, f.violation(rule))
	}
	return out
}

// finding is a violation under construction.
type finding struct {
	Violation
	what        string // who may not; empty for broken links
	actions, on []string
	kind        policy.Kind
	statement   *policy.Statement
	paths       []*Path
}

// conditions are what the statement to add has conditions on. Only those with the same can be one.
func (f *finding) conditions() string {
	var out []string
	if f.statement != nil {
		for _, op := range sortedKeys(f.statement.Condition) {
			for _, key := range sortedKeys(f.statement.Condition[op]) {
				out = append(out, op+" "+key)
			}
		}
	}
	return strings.Join(out, ", ")
}

// merge adds what another finding has that is of the same cause.
func (f *finding) merge(p *Path, other finding) {
	if !slices.Contains(f.paths, p) {
		f.paths = append(f.paths, p)
	}
	f.actions, f.on = union(f.actions, other.actions), union(f.on, other.on)
	if f.statement == nil || other.statement == nil || f.statement == other.statement {
		return
	}
	s, o := *f.statement, *other.statement
	s.Action, s.Resource = union(s.Action, o.Action), union(s.Resource, o.Resource)
	for _, op := range sortedKeys(o.Condition) {
		for _, key := range sortedKeys(o.Condition[op]) {
			s.Condition = s.Condition.With(op, key, union(s.Condition[op][key], o.Condition[op][key])...)
		}
	}
	f.statement = &s
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func (f *finding) violation(rule string) Violation {
	v := f.Violation
	v.Rule, v.Source = rule, f.paths[0].Source.Name
	if n := len(f.paths); n > 1 {
		v.Source = fmt.Sprintf("%s and %d more", v.Source, n-1)
	}
	if f.what != "" {
		v.Reason = f.what + strings.Join(f.actions, ", ") + " on " + strings.Join(f.on, ", ")
	}
	if f.statement != nil {
		v.Statement = statementJSON(*f.statement)
	}
	return v
}
