package verify

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
)

var databaseRules = []Rule{
	{
		ID: "database-scope", Title: "a function that changes databases changes those that are named, and no others",
		Why:    "ModifyDBInstance also changes classes, passwords and who may connect, and no condition key tells what a call changes: only the resource bounds it. Tags decide what other policies allow",
		Remedy: "name the databases' ARNs as the resources of rds:ModifyDBInstance and rds:ModifyDBCluster, and the tags that may be written in conditions on aws:TagKeys",
		check:  databaseScope,
	},
	{
		ID: "invocation-in-place", Title: "a function that is called for a resource's whole life isn't called with delete after create",
		Why:    "triggers replace an invocation: the new one is created, and then the old one deleted, which takes back what the new one did (aws_lambda_invocation, lifecycle_scope)",
		Remedy: "put what shall call the function again into its input, and leave triggers out",
		check:  invocationInPlace,
	},
}

// modifiesDatabases are the actions that change a database.
var modifiesDatabases = []string{"rds:ModifyDBInstance", "rds:ModifyDBCluster"}

// tagsDatabases are the actions that change tags.
var tagsDatabases = []string{"rds:AddTagsToResource", "rds:RemoveTagsFromResource"}

func databaseScope(e *evaluation, report reporter) {
	for _, f := range e.byType[typeFunction] {
		o := e.roles[f.text("role")]
		if o == nil {
			continue
		}
		for _, at := range o.identity {
			for i, s := range at.document.Statements {
				if s.Effect == policy.Allow {
					databaseStatement(report, f, at, s, statementName(s.Sid, i))
				}
			}
		}
	}
}

// databaseStatement holds a statement of a function's role against what it may do with databases.
func databaseStatement(report reporter, f *Resource, at *policyAt, s policy.Statement, name string) {
	allows := func(action string) bool { return covers(s.Action, []string{action}) }
	for _, r := range s.Resource {
		if slices.ContainsFunc(modifiesDatabases, allows) && strings.ContainsAny(r, "*?") {
			report(at.carrier.URN, "name the databases", "statement %s lets function %s change every database of %s", name, f.text("name"), r)
		}
		if wild(r) && slices.ContainsFunc(s.Action, func(a string) bool { return strings.HasPrefix(a, "rds:") }) {
			report(at.carrier.URN, "name the type of the resource: pg:*, og:*, cluster-pg:*", "statement %s lets function %s reach everything of RDS", name, f.text("name"))
		}
	}
	// The set operator holds for a request without the key, and so needs the other condition.
	keys, given := s.Condition["ForAllValues:StringEquals"]["aws:TagKeys"], s.Condition["Null"]["aws:TagKeys"]
	if slices.ContainsFunc(tagsDatabases, allows) && (len(keys) == 0 || len(given) != 1 || given[0] != "false") {
		report(at.carrier.URN, "add ForAllValues:StringEquals and Null conditions on aws:TagKeys", "statement %s lets function %s write any tag of a database", name, f.text("name"))
	}
}

func invocationInPlace(e *evaluation, report reporter) {
	for _, r := range e.byType[typeInvocation] {
		if r.text("lifecycleScope") == "CRUD" && len(r.item("triggers")) > 0 {
			report(r.URN, "move the triggers into the input", "its triggers replace it, and the function is called with delete after create")
		}
	}
}
