package verify_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

// onReplica changes the policy of the replica of the stack global.
func onReplica(change func(*policy.Document)) func(*program) {
	return func(p *program) { p.edit("BucketPolicy", "replica", "policy", change) }
}

// expiry is the replica's rule that expires a folder.
func expiry(p *program, folder string) string {
	for i, r := range p.find(lifecycleKind, "replica").Inputs["rules"].ArrayValue() {
		if rule := r.ObjectValue(); rule.HasValue("expiration") && rule["filter"].ObjectValue()["prefix"].StringValue() == folder {
			return fmt.Sprintf("rules[%d]", i)
		}
	}
	panic("no rule expires " + folder)
}

const lifecycleKind = "BucketLifecycleConfigurationV2"

var replicaCases = []ruleCase{
	{rule: "replica-writers", name: "anybody writes", stack: "global", resource: "replica", reason: "to s3:PutObject, s3:PutObjectTagging, s3:ReplicateObject, s3:ReplicateTags",
		change: onReplica(func(d *policy.Document) { dropStatements(d, "OnlyReplicationWrites") })},
	{rule: "replica-writers", name: "anybody's replicas", stack: "global", resource: "replica", reason: "to s3:ReplicateObject",
		change: onReplica(func(d *policy.Document) {
			statement(d, "OnlyReplicationWrites").Action = []string{"s3:PutObject", "s3:PutObjectTagging", "s3:ReplicateTags"}
		})},
	{rule: "replica-writers", name: "deletions are replicated", stack: "global", resource: "replica", reason: "to s3:ReplicateDelete",
		change: onReplica(func(d *policy.Document) { dropStatements(d, "NobodyReplicatesDeletes") })},
	{rule: "replica-writers", name: "the replication deletes", stack: "global", resource: "replica", reason: "could replicate deletions",
		change: onReplica(func(d *policy.Document) {
			s := statement(d, "NobodyReplicatesDeletes")
			s.Condition = statement(d, "OnlyReplicationWrites").Condition
		})},
	{rule: "replica-retention", name: "expires earlier", stack: "global", resource: "replica", reason: "expires keys such as",
		change: func(p *program) { p.set(lifecycleKind, "replica", expiry(p, "logs/")+".expiration.days", 2556.0) }},
	{rule: "replica-retention", name: "a shorter lock", stack: "global", resource: "replica", reason: "is locked for 364 days, and for 365 in",
		change: func(p *program) {
			p.set("BucketObjectLockConfigurationV2", "replica", "rule.defaultRetention.days", 364.0)
		}},
	{rule: "replica-retention", name: "no lock", stack: "global", resource: "replica", reason: "is locked for 0 days, and for 365 in",
		change: func(p *program) { p.drop("BucketObjectLockConfigurationV2", "replica") }},
	{rule: "replica-retention", name: "a lock that can be lifted", stack: "global", resource: "replica", reason: "may lift the lock in mode GOVERNANCE",
		change: func(p *program) {
			p.set("BucketObjectLockConfigurationV2", "replica", "rule.defaultRetention.mode", "GOVERNANCE")
		}},
	// The rules that hold for every archive hold for the replica.
	{rule: "replication-deletes", name: "markers to the replica", stack: "global", resource: "replica", reason: `rule "replica" replicates delete markers`,
		change: func(p *program) { p.set(replication, "replica", "rules[0].deleteMarkerReplication.status", "Enabled") }},
	{rule: "replication-chain", name: "what lands isn't in the replica", stack: "global", resource: "landing", reason: "isn't replicated from there to example-log-replica",
		change: func(p *program) { p.set(replication, "landing", "rules[1].status", "Disabled") }},
	{rule: "replication-failures", name: "the composite's alarm on another rule", stack: "global", resource: "replica", reason: "no alarm goes off",
		change: func(p *program) {
			p.set("MetricAlarm", "path-replica-replication-failed", "dimensions.RuleId", "archive")
		}},
	{rule: "bucket-own-key", name: "S3's own key in the replica", stack: "global", resource: "replica", reason: `default encryption is "AES256"`,
		change: func(p *program) {
			p.set("BucketServerSideEncryptionConfigurationV2", "replica", "rules[0].applyServerSideEncryptionByDefault.sseAlgorithm", "AES256")
		}},
	{rule: "bucket-undeletable", name: "deletable replica", stack: "global", resource: "replica", reason: "isn't denied to everybody to s3:DeleteObject",
		change: onReplica(func(d *policy.Document) { dropStatements(d, "NobodyDeletes") })},
	{rule: "lifecycle-covers", name: "a folder of the replica is kept for ever", stack: "global", resource: "replica", reason: "are matched by 0 expiring rules",
		change: func(p *program) { p.set(lifecycleKind, "replica", expiry(p, "logs/")+".status", "Disabled") }},
	{rule: "compatible-lock-replication", name: "a replica that can't be locked", stack: "global", resource: "replica", reason: "has Object Lock and is replicated to it",
		change: func(p *program) { p.set("BucketV2", "replica", "objectLockEnabled", false) }},
}

// TestTheReplicaIsProven: one path leads from the archive to its replica, with a hop for each folder that is written to the archive;
// it breaks where the replication does.
func TestTheReplicaIsProven(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*program)
		want   string // a part of a violation; "" for none
	}{
		{"as it is", func(*program) {}, ""},
		{"the role may not read", func(p *program) {
			p.edit("RolePolicy", "replica-replication", "policy", func(d *policy.Document) { dropStatements(d, "ReadVersions") })
		}, "may not s3:GetObjectVersionForReplication"},
		{"the role may not read locks", func(p *program) {
			p.edit("RolePolicy", "replica-replication", "policy", func(d *policy.Document) {
				statement(d, "ReadVersions").Action = []string{"s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"}
			})
		}, "may not s3:GetObjectRetention"},
		{"the replica doesn't let it in", onReplica(func(d *policy.Document) { dropStatements(d, "ReplicateAsLogArchiveArchive") }), "may not s3:ReplicateObject"},
		{"the replica's own account is to own", onReplica(func(d *policy.Document) {
			statement(d, "ReplicateAsLogArchiveArchive").Action = []string{"s3:ReplicateObject", "s3:ReplicateTags"}
		}), "may not s3:ObjectOwnerOverrideToBucketOwner"},
		{"the archive's key", func(p *program) {
			p.edit("Key", "archive-key", "policy", func(d *policy.Document) { dropStatements(d, "DecryptForReplication") })
		}, "may not kms:Decrypt"},
		{"the replica's key", func(p *program) {
			p.edit("Key", "replica-key", "policy", func(d *policy.Document) { dropStatements(d, "EncryptReplicas") })
		}, "may not kms:Encrypt"},
		{"a folder is left out", func(p *program) {
			p.edit("RolePolicy", "replica-replication", "policy", func(d *policy.Document) {
				s := statement(d, "WriteReplicas")
				s.Resource = s.Resource[1:]
			})
		}, "may not s3:ReplicateObject"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := copyOf(t, "global")
			c.change(p)
			r := p.verify(verify.Options{})
			var path *verify.Path
			for _, one := range r.Paths {
				if one.Source.Kind == verify.KindReplication && strings.HasPrefix(one.Source.Name, "example-log-archive-") {
					path = one
				}
			}
			if path == nil {
				t.Fatal("no path leads from the archive to its replica")
			}
			if got := path.Proven(); got != (c.want == "") {
				t.Errorf("proven: %t", got)
			}
			if c.want != "" && !strings.Contains(violations(r), c.want) {
				t.Errorf("want %q in%s", c.want, violations(r))
			}
			folders := map[string]bool{}
			for _, step := range path.Steps {
				if !strings.HasPrefix(step.To.Name, "example-log-replica-") {
					t.Errorf("a step goes to %s", step.To.Name)
				}
				for _, v := range step.Hops {
					if v.Action == "s3:ReplicateObject" {
						folders[v.Resource] = true
					}
				}
			}
			if len(folders) < 10 {
				t.Errorf("only %d folders are replicated: %v", len(folders), folders)
			}
			for folder := range folders {
				if strings.Contains(folder, "/access-logs/") || strings.Contains(folder, "/resolver-query-logs/") {
					t.Errorf("%s arrives in the archive as a replica, which S3 doesn't replicate again", folder)
				}
			}
		})
	}
}
