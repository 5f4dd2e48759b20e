package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/verify"
)

// replace replaces words in a policy.
func (p *program) replace(kind, name, old, with string) {
	p.t.Helper()
	text := p.find(kind, name).Outputs["policy"].StringValue()
	if !strings.Contains(text, old) {
		p.t.Fatalf("the policy of %s %s has no %s", kind, name, old)
	}
	p.set(kind, name, "policy", strings.ReplaceAll(text, old, with))
}

var databaseCases = []ruleCase{
	{rule: "database-scope", name: "every database", resource: "exports", reason: "change every database of",
		change: func(p *program) {
			p.replace("RolePolicy", "exports", home.ARN(partition.RDS, "db:shop").String(), home.ARN(partition.RDS, "db:*").String())
		}},
	{rule: "database-scope", name: "everything of RDS", resource: "exports", reason: "reach everything of RDS",
		change: func(p *program) {
			p.replace("RolePolicy", "exports", home.ARN(partition.RDS, "pg:*").String(), "*")
		}},
	{rule: "database-scope", name: "any tag", resource: "exports", reason: "write any tag of a database",
		change: func(p *program) {
			p.replace("RolePolicy", "exports", "ForAllValues:StringEquals", "ForAllValues:StringLike")
		}},
	{rule: "invocation-in-place", name: "triggers", resource: "exports-shop/instance", reason: "called with delete after create",
		change: func(p *program) {
			p.set("Invocation", "exports-shop/instance", "triggers", map[string]any{"code": "1"})
		}},
}

// TestDatabasePaths breaks the ways of the function to the databases, and of their backups to the other region.
func TestDatabasePaths(t *testing.T) {
	t.Parallel()
	drop := func(action string) func(*program) {
		return func(p *program) {
			p.replace("RolePolicy", "exports", `"`+action+`"`, `"rds:DescribeEvents"`)
		}
	}
	for _, tc := range []struct {
		name         string
		change       func(*program)
		kind, source string
		want         string // what is closed: an action, or a part of a break's reason
	}{
		{"the database may not be changed", drop("rds:ModifyDBInstance"), verify.KindDatabase, "shop", "rds:ModifyDBInstance"},
		{"the cluster may not be changed", drop("rds:ModifyDBCluster"), verify.KindDatabase, "ledger", "rds:ModifyDBCluster"},
		{"the database may not be seen", drop("rds:DescribeDBInstances"), verify.KindEventRule, "log-archive-rds-exports-check", "rds:DescribeDBInstances"},
		{"parameters may not be read", drop("rds:DescribeDBClusterParameters"), verify.KindDatabase, "ledger", "rds:DescribeDBClusterParameters"},
		{"another tag", func(p *program) {
			p.replace("RolePolicy", "exports", "log-archive:exports", "other")
		}, verify.KindDatabase, "shop", "rds:AddTagsToResource"},
		{"no function", func(p *program) { p.set("Invocation", "exports-shop/instance", "functionName", "other") }, verify.KindDatabase, "shop", `there is no function "other"`},
		{"called once", func(p *program) { p.set("Invocation", "exports-shop/instance", "lifecycleScope", "CREATE_ONLY") }, verify.KindDatabase, "shop", "isn't called for its whole life"},
		{"nothing to check", func(p *program) { p.set("EventTarget", "exports-check", "input", "{}") }, verify.KindEventRule, "log-archive-rds-exports-check", "names no database to check"},
		{"no grant for RDS", func(p *program) {
			p.replace("Key", "database-backups", "kms:CreateGrant", "kms:ListKeys")
		}, verify.KindAutoBackup, "shop", "kms:CreateGrant"},
		{"a key of another region", func(p *program) {
			p.set("InstanceAutomatedBackupsReplication", "database-backups-shop", "kmsKeyId", home.ARN(partition.KMS, "key/x").String())
		}, verify.KindAutoBackup, "shop", "there is no key"},
		{"a cluster's backups", func(p *program) {
			p.set("InstanceAutomatedBackupsReplication", "database-backups-shop", "sourceDbInstanceArn", home.ARN(partition.RDS, "cluster:shop").String())
		}, verify.KindAutoBackup, "shop", "is no DB instance"},
		{"within a region", func(p *program) {
			p.set("InstanceAutomatedBackupsReplication", "database-backups-shop", "sourceDbInstanceArn", ningxia.ARN(partition.RDS, "db:shop").String())
		}, verify.KindAutoBackup, "shop", "copy region of itself"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := copyOf(t, "beijing")
			tc.change(p)
			for _, path := range p.verify(verify.Options{}).Paths {
				if path.Source.Kind != tc.kind || path.Source.Name != tc.source {
					continue
				}
				closed := slices.ContainsFunc(path.Hops(), func(v *verify.Verdict) bool { return !v.Allowed && v.Action == tc.want })
				broken := slices.ContainsFunc(path.Breaks(), func(b verify.Break) bool { return strings.Contains(b.Reason, tc.want) })
				if !closed && !broken {
					t.Errorf("%s isn't closed; proven: %t, breaks %v", tc.want, path.Proven(), path.Breaks())
				}
				return
			}
			t.Errorf("no path %s %s", tc.kind, tc.source)
		})
	}
}
