package verify

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Boundary is the permission boundary that every role of an account must have. The program only names it.
type Boundary struct {
	Account partition.Account
	// ARN is that of the managed policy.
	ARN string
	// Document is what the policy says; "" if that isn't known. Then a hop that the role's policies allow is taken as allowed by
	// the boundary, too, and says so ([Verdict.Assumed]).
	Document string
}

// bounded is the deployment with the documents of boundaries that it only names. They are no policies that a rule looks at: a
// boundary grants nothing, so that it may be as wide as whoever wrote it wants.
func (d *Deployment) bounded(boundaries []Boundary) *Deployment {
	known := map[string]*policyAt{}
	more := *d
	for _, b := range boundaries {
		if b.Document == "" || known[b.ARN] != nil {
			continue
		}
		if len(known) == 0 {
			more.policies, more.statements, more.roles = maps.Clone(d.policies), maps.Clone(d.statements), maps.Clone(d.roles)
			more.problems = slices.Clone(d.problems)
		}
		carrier := &Resource{
			URN: b.ARN, Type: typePolicy, Name: b.ARN, ID: b.ARN, Place: partition.Place{Account: b.Account},
			State: resource.PropertyMap{"policy": resource.NewStringProperty(b.Document)},
		}
		known[b.ARN] = more.read(carrier, policy.Boundary, "", object(carrier.State), "policy")
		if at := known[b.ARN]; at != nil {
			delete(more.policies, at.id())
		}
	}
	if len(known) == 0 {
		return d
	}
	for arn, o := range more.roles {
		if at := known[o.foreignBoundary]; at != nil {
			with := *o
			with.boundary, with.foreignBoundary = at, ""
			more.roles[arn] = &with
		}
	}
	return &more
}

var boundaryRules = []Rule{{
	ID: "role-bounded", Title: "every role has the permission boundary that is asked for",
	Why:    "a role without it is what the boundary is to prevent: whoever changes its policies, changes what it may do without a limit (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html)",
	Remedy: "give the role the boundary of its account",
	check:  rolesBounded,
}}

// rolesBounded looks at the roles of accounts that have a boundary. Roles that AWS's services make for themselves are of another
// type, and can have none.
func rolesBounded(e *evaluation, report reporter) {
	for _, b := range e.options.Boundaries {
		for _, r := range e.byType[typeRole] {
			if r.Place.Account != b.Account {
				continue
			}
			switch has := r.text("permissionsBoundary"); has {
			case b.ARN:
			case "":
				report(r.URN, "set permissionsBoundary to "+b.ARN, "it has no permission boundary")
			default:
				report(r.URN, "set permissionsBoundary to "+b.ARN, "its permission boundary is %s", has)
			}
		}
	}
}
