package policy

import (
	"slices"
	"strings"
)

// Verdict is what one statement says of a request, part by part.
type Verdict struct {
	Reason
	Matched                     bool // all parts match: the statement is among the decision's reasons
	Action, Resource, Principal bool
	// Failed are the conditions that don't hold, as "Operator key".
	Failed []string
}

// Explain returns the verdict of every statement, in the order in which [Evaluate] looks at them. Near misses show
// what keeps a statement from matching.
func Explain(q Request, p Policies) []Verdict {
	r := prepare(q, &p)
	var out []Verdict
	p.each(&q.Caller, func(layer Layer, pol *Policy, s *statement) {
		v := Verdict{
			Reason: Reason{layer, pol.id, s.index, s.sid, s.effect},
			Action: s.matchesAction(&r), Resource: s.matchesResource(&r, layer == ResourceLayer),
			Principal: !layer.named() || s.grants(&r) != noGrant,
		}
		for i := range s.conditions {
			if c := &s.conditions[i]; !c.holds(q.Context) {
				v.Failed = append(v.Failed, c.name+" "+c.key)
			}
		}
		v.Matched = v.Action && v.Resource && v.Principal && v.Failed == nil
		out = append(out, v)
	})
	return out
}

// Missing returns the condition keys that the policies ask for and the request's context doesn't have, as they are
// written, sorted, and each once in whatever case. Only statements count that are about the request's action, resource
// and caller. Variables with a default don't count.
func Missing(q Request, p Policies) []string {
	r := prepare(q, &p)
	var out []string
	missing := false // whether a key noted since it was reset is missing
	note := func(key string) {
		_, present := q.Context.lookup(key)
		missing = missing || !present
		if !present && !slices.ContainsFunc(out, func(k string) bool { return strings.EqualFold(k, key) }) {
			out = append(out, key)
		}
	}
	p.each(&q.Caller, func(layer Layer, _ *Policy, s *statement) {
		if !s.matchesAction(&r) || (layer.named() && s.grants(&r) == noGrant) {
			return
		}
		missing = false
		for i := range s.resources {
			if s.resources[i].fieldsMatch(&r) {
				s.resources[i].rest.variables(note)
			}
		}
		// Without its variables it can't be told whether a resource matches.
		if !missing && !s.matchesResource(&r, layer == ResourceLayer) {
			return
		}
		for i := range s.conditions {
			c := &s.conditions[i]
			note(c.key)
			for j := range c.values {
				c.values[j].text.variables(note)
				for k := range c.values[j].arn {
					c.values[j].arn[k].variables(note)
				}
			}
		}
	})
	slices.Sort(out)
	return out
}

// each calls f for every statement that has a say in a request of the caller.
func (p *Policies) each(c *Caller, f func(Layer, *Policy, *statement)) {
	walk := func(layer Layer, policies []*Policy) {
		for _, pol := range policies {
			for i := range pol.statements {
				f(layer, pol, &pol.statements[i])
			}
		}
	}
	if c.hasPolicies() {
		walk(IdentityLayer, p.Identity)
		walk(BoundaryLayer, p.Boundary)
		walk(SessionLayer, p.Session)
		for _, level := range p.ServiceControl {
			walk(ServiceControlLayer, level)
		}
	}
	for _, level := range p.ResourceControl {
		walk(ResourceControlLayer, level)
	}
	for _, level := range p.Endpoint {
		walk(EndpointLayer, level)
	}
	walk(ResourceLayer, p.Resource)
}
