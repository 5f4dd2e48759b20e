package verify

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
)

var databaseRules = []Rule{
	{
		ID: "database-scope", Title: "a function that changes databases changes those that are named, and no others",
		Why:    "ModifyDBInstance also changes classes, passwords and who may connect, and no condition key tells what a call changes: only the resource bounds it",
		Remedy: "name the databases' ARNs as the resources of rds:ModifyDBInstance and rds:ModifyDBCluster",
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

func databaseScope(e *evaluation, report reporter) {
	for _, f := range e.byType[typeFunction] {
		o := e.roles[f.text("role")]
		if o == nil {
			continue
		}
		for _, at := range o.identity {
			for i, s := range at.document.Statements {
				changes := slices.ContainsFunc(modifiesDatabases, func(a string) bool { return covers(s.Action, []string{a}) })
				if s.Effect != policy.Allow || !changes {
					continue
				}
				for _, r := range s.Resource {
					if strings.ContainsAny(r, "*?") {
						report(at.carrier.URN, "name the databases", "statement %s lets function %s change every database of %s", statementName(s.Sid, i), f.text("name"), r)
					}
				}
			}
		}
	}
}

func invocationInPlace(e *evaluation, report reporter) {
	for _, r := range e.byType[typeInvocation] {
		if r.text("lifecycleScope") == "CRUD" && len(r.item("triggers")) > 0 {
			report(r.URN, "move the triggers into the input", "its triggers replace it, and the function is called with delete after create")
		}
	}
}
