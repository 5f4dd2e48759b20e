package verify

import (
	"slices"

	"github.com/logarchive/logarchive/policy"
)

// roleIndex finds roles and managed policies while policies are given to their roles.
type roleIndex struct {
	byName  map[string]*role     // by "account name"
	managed map[string]*policyAt // by ARN
}

func (d *Deployment) indexRoles() {
	x := roleIndex{byName: map[string]*role{}, managed: map[string]*policyAt{}}
	for _, r := range d.byType[typePolicy] {
		x.managed[r.text("arn")] = d.read(r, policy.Identity, "", object(r.State), "policy")
	}
	for _, r := range d.byType[typeRole] {
		o := &role{Resource: r, arn: r.text("arn")}
		o.trust = d.read(r, policy.Trust, "", object(r.State), "assumeRolePolicy")
		if boundary := r.text("permissionsBoundary"); boundary != "" {
			if p, ok := x.managed[boundary]; ok {
				o.boundary = p
			} else {
				o.foreignBoundary = boundary
			}
		}
		d.roles[o.arn] = o
		x.byName[string(r.Place.Account)+" "+r.text("name")] = o
	}
	separate := map[*role][]string{} // names of the inline policies that are resources of their own
	for _, r := range d.byType[typeRolePolicy] {
		if o, ok := x.byName[string(r.Place.Account)+" "+r.text("role")]; ok {
			separate[o] = append(separate[o], r.text("name"))
			if p := d.read(r, policy.Inline, "", object(r.State), "policy"); p != nil {
				o.identity = append(o.identity, p)
			}
		}
	}
	for _, r := range d.byType[typeRolePolicyAttachment] {
		x.attach(string(r.Place.Account), r.text("role"), r.text("policyArn"))
	}
	for _, r := range d.byType[typePolicyAttachment] {
		for _, name := range r.texts("roles") {
			x.attach(string(r.Place.Account), name, r.text("policyArn"))
		}
	}
	for _, r := range d.byType[typeRole] {
		o := d.roles[r.text("arn")]
		if o.Resource != r {
			continue
		}
		// In a stack's state these two properties also have the policies that are resources of their own.
		for _, inline := range r.items("inlinePolicies") {
			name := inline.text("name")
			if slices.Contains(separate[o], name) {
				continue
			}
			if p := d.read(r, policy.Inline, name, inline, "policy"); p != nil {
				o.identity = append(o.identity, p)
			}
		}
		for _, arn := range r.texts("managedPolicyArns") {
			x.give(o, arn)
		}
	}
}

func (x roleIndex) attach(account, name, arn string) {
	if o, ok := x.byName[account+" "+name]; ok {
		x.give(o, arn)
	}
}

// give attaches a managed policy, once.
func (x roleIndex) give(o *role, arn string) {
	p, ok := x.managed[arn]
	switch {
	case !ok && !slices.Contains(o.foreign, arn):
		o.foreign = append(o.foreign, arn)
	case p != nil && !slices.Contains(o.identity, p):
		o.identity = append(o.identity, p)
	}
}
