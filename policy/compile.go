package policy

import (
	"fmt"
	"strings"
)

// Policy is a document made ready for decisions. It is safe for use by many goroutines.
type Policy struct {
	id         string
	statements []statement
}

// ID returns the name that the policy was compiled under; reasons carry it.
func (p *Policy) ID() string { return p.id }

type statement struct {
	index        int
	sid          string
	effect       Effect
	actions      []string // compiled patterns, in lower case
	notAction    bool
	resources    []resourcePattern
	notResource  bool
	anyResource  bool // neither Resource nor NotResource, as in trust policies
	principals   *Principals
	notPrincipal bool
	conditions   []condition
}

// Compile makes a document ready for decisions; id names it in reasons. Only what can't be evaluated is an error: an
// effect, a version or a condition operator that doesn't exist. What AWS would refuse besides, [Document.Validate]
// finds.
func Compile(id string, d Document) (*Policy, error) {
	if d.Version != "" && d.Version != Version2012 && d.Version != Version2008 {
		return nil, fmt.Errorf("policy %s: Version: %q is not one of 2012-10-17, 2008-10-17", id, d.Version)
	}
	variables := d.Version != Version2008
	p := &Policy{id: id, statements: make([]statement, len(d.Statements))}
	for i, s := range d.Statements {
		if s.Effect != Allow && s.Effect != Deny {
			return nil, fmt.Errorf("policy %s: Statement[%d].Effect: %q is not one of Allow, Deny", id, i, s.Effect)
		}
		c := statement{
			index: i, sid: s.Sid, effect: s.Effect,
			notAction: s.Action == nil && s.NotAction != nil, notResource: s.Resource == nil && s.NotResource != nil,
			anyResource: s.Resource == nil && s.NotResource == nil,
			principals:  s.Principal, notPrincipal: s.Principal == nil && s.NotPrincipal != nil,
		}
		if c.notPrincipal {
			c.principals = s.NotPrincipal
		}
		for _, a := range append(s.Action[:len(s.Action):len(s.Action)], s.NotAction...) {
			c.actions = append(c.actions, encodeWildcards(strings.ToLower(strings.ToValidUTF8(a, "\uFFFD")), true))
		}
		for _, r := range append(s.Resource[:len(s.Resource):len(s.Resource)], s.NotResource...) {
			c.resources = append(c.resources, compileResource(r, variables))
		}
		for _, op := range sortedKeys(s.Condition) {
			for _, key := range sortedKeys(s.Condition[op]) {
				cond, ok := compileCondition(op, key, s.Condition[op][key], variables)
				if !ok {
					return nil, fmt.Errorf("policy %s: Statement[%d].Condition: %q is not a condition operator", id, i, op)
				}
				c.conditions = append(c.conditions, cond)
			}
		}
		p.statements[i] = c
	}
	return p, nil
}

// prepared is a request with what every statement needs of it, worked out once.
type prepared struct {
	Request
	action  string // in lower case
	arn     [6]string
	isARN   bool
	bounded bool // the caller has a permission boundary
}

func prepare(q Request, p *Policies) prepared {
	r := prepared{Request: q, action: strings.ToLower(q.Action), bounded: p.Boundary != nil}
	r.arn, r.isARN = splitARN(q.Resource)
	return r
}

func (s *statement) matchesAction(r *prepared) bool {
	for _, a := range s.actions {
		if matches(a, r.action) {
			return !s.notAction
		}
	}
	return s.notAction
}

func (s *statement) matchesResource(r *prepared, ofResource bool) bool {
	if s.anyResource {
		return true
	}
	for i := range s.resources {
		if s.resources[i].covers(r, ofResource) {
			return !s.notResource
		}
	}
	return s.notResource
}

// grants says how the statement names the caller. A Deny with NotPrincipal always reaches a caller with a permission
// boundary (access_policies_boundaries, "NotPrincipal").
func (s *statement) grants(r *prepared) grant {
	if s.principals == nil {
		return noGrant
	}
	g := s.principals.grants(&r.Caller)
	if !s.notPrincipal {
		return g
	}
	if g == noGrant || (s.effect == Deny && r.bounded) {
		return openGrant
	}
	return noGrant
}

func (s *statement) conditionsHold(ctx Context) bool {
	for i := range s.conditions {
		if !s.conditions[i].holds(ctx) {
			return false
		}
	}
	return true
}
