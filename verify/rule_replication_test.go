package verify_test

import (
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

const replication = "BucketReplicationConfig"

var replicationCases = []ruleCase{
	{rule: "replication-deletes", name: "markers", resource: "landing", reason: `rule "archive" replicates delete markers`,
		change: func(p *program) { p.set(replication, "landing", "rules[0].deleteMarkerReplication.status", "Enabled") }},
	{rule: "replication-deletes", name: "a rule of the old schema", resource: "landing", reason: "replicates delete markers", change: func(p *program) {
		p.set(replication, "landing", "rules[0].deleteMarkerReplication", nil)
		p.set(replication, "landing", "rules[0].filter", nil)
	}},
	{rule: "replication-chain", name: "a replica of the archive", resource: "landing", reason: "isn't replicated from there to example-replica", change: func(p *program) {
		p.add("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "archive", archive, map[string]any{"bucket": bucketName, "role": archive.RoleARN("r").String(), "rules": []any{
			map[string]any{"id": "all", "status": "Enabled", "filter": map[string]any{"prefix": ""}, "destination": map[string]any{"bucket": partition.BucketARN(partition.China, "example-replica").String()}},
		}})
	}},
	{rule: "replication-failures", name: "no metrics", resource: "landing", reason: "has no metrics",
		change: func(p *program) { p.set(replication, "landing", "rules[0].destination.metrics", nil) }},
	{rule: "replication-failures", name: "no alarm", resource: "landing", reason: "no alarm goes off",
		change: func(p *program) { p.drop("MetricAlarm", "landing-replication-failed") }},
	{rule: "replication-failures", name: "an alarm of another rule", resource: "landing", reason: "no alarm goes off",
		change: func(p *program) {
			p.set("MetricAlarm", "landing-replication-failed", "dimensions.RuleId", "everything")
		}},
	{rule: "landing-expiry", name: "a week", resource: "landing", reason: "expires versions after 7 days",
		change: func(p *program) {
			p.set("BucketLifecycleConfigurationV2", "landing", "rules[0].expiration.days", 7.0)
		}},
	{rule: "landing-expiry", name: "overwritten versions", resource: "landing", reason: "expires noncurrent versions after 1 days",
		change: func(p *program) {
			p.set("BucketLifecycleConfigurationV2", "landing", "rules[0].noncurrentVersionExpiration.noncurrentDays", 1.0)
		}},
	{rule: "landing-lock", name: "a short lock", resource: "landing", reason: "objects are locked for 20 days, and so are their replicas", change: func(p *program) {
		p.add("aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2", "landing", p.find("BucketV2", "landing").Place, map[string]any{
			"bucket": p.find("BucketV2", "landing").Inputs["bucket"].StringValue(), "rule": map[string]any{"defaultRetention": map[string]any{"mode": "GOVERNANCE", "days": 20.0}},
		})
	}},
}

// TestLandingIsFollowedToTheArchive: the path of a flow log that lands ends in the archive, and breaks where the replication does.
func TestLandingIsFollowedToTheArchive(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*program)
		want   string // a part of a violation about the flow log's path; "" for none
	}{
		{"as it is", func(*program) {}, ""},
		{"no rule", func(p *program) { p.set(replication, "landing", "rules[0].filter.prefix", "elsewhere/") }, "no enabled rule replicates keys such as flow-logs-direct/object"},
		{"the role may not read", func(p *program) {
			p.edit("RolePolicy", "landing-replication", "policy", func(d *policy.Document) { dropStatements(d, "ReadVersions") })
		}, "may not s3:GetObjectVersionForReplication"},
		{"the role may not write there", func(p *program) {
			p.edit("RolePolicy", "landing-replication", "policy", func(d *policy.Document) {
				statement(d, "WriteReplicas").Resource = []string{bucketARN + "/other/*"}
			})
		}, "may not s3:ReplicateObject"},
		{"another bucket's objects only", func(p *program) {
			p.edit("Key", "archive-key", "policy", func(d *policy.Document) { dropStatements(d, "EncryptReplicas") })
		}, "may not kms:Encrypt"},
		{"the landing key", func(p *program) {
			p.edit("Key", "landing-key", "policy", func(d *policy.Document) { dropStatements(d, "DecryptForReplication") })
		}, "may not kms:Decrypt"},
		{"nobody trusts S3", func(p *program) {
			p.edit("Role", "landing-replication", "assumeRolePolicy", func(d *policy.Document) {
				d.Statements[0].Condition = policy.Conditions{}.With("StringEquals", "aws:SourceAccount", "000000000000")
			})
		}, "may not sts:AssumeRole"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := copyOf(t, "beijing")
			c.change(p)
			r := p.verify(verify.Options{})
			var path *verify.Path
			for _, one := range r.Paths {
				if one.Source.Kind == verify.KindFlowLog && strings.HasPrefix(one.Source.Name, "vpc-") {
					path = one
				}
			}
			if path == nil || len(path.Steps) != 2 || c.want == "" && !strings.Contains(path.Steps[1].To.Name, "log-archive") {
				t.Fatalf("the flow log's path doesn't go on to the archive: %+v", path)
			}
			if open := path.Proven(); open != (c.want == "") {
				t.Errorf("proven: %t", open)
			}
			if c.want != "" && !strings.Contains(violations(r), c.want) {
				t.Errorf("want %q in%s", c.want, violations(r))
			}
		})
	}
}
