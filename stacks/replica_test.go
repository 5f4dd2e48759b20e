package stacks

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// replicated is the whole configuration with a replica, whose keys are changed.
func replicated(t *testing.T, changes map[string]any) map[string]string {
	t.Helper()
	d := parse(t, whole).with(t, "archive.replica", map[string]any{"region": "cn-north-1", "bucket": "example-replica"})
	for key, value := range changes {
		d = d.with(t, "archive.replica."+key, value)
	}
	return d.engine(t)
}

func TestReplicaDefaults(t *testing.T) {
	t.Parallel()
	spec, err := ParseSpec("x", replicated(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := &ReplicaSpec{
		Key: "log-archive:archive.replica", Place: spec.LandingPlace(), Role: spec.ArchiveRole, ExternalID: "some-id", Bucket: "example-replica",
		BreakGlassRole: spec.ArchiveBucket.BreakGlassRole, RetentionDays: 400, LagMinutes: 60, PendingGiB: 100,
	}
	if diff := cmp.Diff(want, spec.Replica); diff != "" {
		t.Error(diff)
	}
}

func TestReplicaOfAnotherAccount(t *testing.T) {
	t.Parallel()
	spec, err := ParseSpec("x", replicated(t, map[string]any{
		"account": "777788889999", "role": "ops/Deployer", "externalId": "other-id", "retentionDays": 500, "lagMinutes": 15, "pendingGiB": 1,
		"transitions": list(step2(1, "DEEP_ARCHIVE")),
	}))
	if err != nil {
		t.Fatal(err)
	}
	place := partition.Place{Account: "777788889999", Region: "cn-north-1"}
	want := &ReplicaSpec{
		Key: "log-archive:archive.replica", Place: place, Role: place.RoleARN("ops/Deployer"), ExternalID: "other-id", Bucket: "example-replica",
		RetentionDays: 500, Transitions: []TransitionSpec{{1, partition.DeepArchive}}, LagMinutes: 15, PendingGiB: 1,
	}
	if diff := cmp.Diff(want, spec.Replica); diff != "" {
		t.Error(diff)
	}
	if !slices.ContainsFunc(spec.Externals(), func(e External) bool {
		return e.Kind == KindRole && e.ID == "ops/Deployer" && e.Place == place && e.Attributes[AttributeExternalID] == "other-id"
	}) {
		t.Errorf("the role of the replica's account needn't be there: %v", spec.Externals())
	}
	if got := spec.withoutSecrets().Replica.ExternalID; got != schema.Placeholder {
		t.Errorf("the external id is %q without secrets", got)
	}
	if spec.Replica.ExternalID != "other-id" {
		t.Error("the spec itself was changed")
	}
	secret := *spec.withoutSecrets()
	if got := secret.withSecrets(func(key string) string {
		return replicated(t, map[string]any{"externalId": "decrypted"})[Namespace+":"+key]
	}).Replica.ExternalID; got != "decrypted" {
		t.Errorf("the external id is %q with secrets", got)
	}
}

func TestReplicaProblems(t *testing.T) {
	t.Parallel()
	other := map[string]any{"account": "777788889999", "role": "Deployer", "externalId": "other-id"}
	for _, c := range []struct {
		name    string
		changes map[string]any
		want    []string
	}{
		{"no region", map[string]any{"region": removed{}}, []string{`region: is required; want another region of the archive's partition; in China the home region, since there are two`}},
		{"unknown region", map[string]any{"region": "cn-north-2"}, []string{`region: "cn-north-2" is not a known region: want one of cn-north-1, cn-northwest-1; did you mean cn-north-1?`}},
		{"the archive's region", map[string]any{"region": "cn-northwest-1"}, []string{`region: "cn-northwest-1" is the archive's region, too; want another, which a failure of that region leaves alone`}},
		{"another partition", map[string]any{"region": "us-east-1"}, []string{`region: cn-northwest-1 (partition aws-cn) can't copy to us-east-1 (partition aws): nothing is copied across partitions; want one of cn-north-1`}},
		{"no bucket", map[string]any{"bucket": removed{}}, []string{`bucket: is required; want 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last; a name that no other bucket of the stack has`}},
		{"the archive's bucket", map[string]any{"bucket": "example-archive"}, []string{`bucket: "example-archive" is another bucket of the stack, too; want another`}},
		{"the landing bucket", map[string]any{"bucket": "example-landing"}, []string{`bucket: "example-landing" is another bucket of the stack, too; want another`}},
		{"no bucket name", map[string]any{"bucket": "ab"}, []string{`bucket: "ab" is not a bucket name: it has 2 characters; want 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last`}},
		{"shorter", map[string]any{"retentionDays": 399}, []string{`retentionDays: 399 is less than in the archive; want at least archive.retentionDays, which is 400`}},
		{"transition too late", map[string]any{"transitions": list(step2(400, "GLACIER"))}, []string{`transitions[0].days: 400 is not before the objects expire; want less than retentionDays, which is 400`}},
		{"time control in China", map[string]any{"replicationTimeControl": true}, []string{`replicationTimeControl: S3 replication time control: it is not known whether it is available in cn-northwest-1 (source: China availability statement on S3 RTC: not found); leave it out`}},
		{"the archive's account", map[string]any{"account": "222233334444", "role": "R", "externalId": "some-id"}, []string{`account: "222233334444" is the archive's account; leave account, role and externalId out`}},
		{"the source account", map[string]any{"account": "111122223333", "role": "R", "externalId": "some-id"}, []string{`account: "111122223333" is the source account; want another account, out of reach of the source's administrators`}},
		{"an account alone", map[string]any{"account": "777788889999"}, []string{
			`role: is required with account; want the name of a role of that account, with its path if it has one, or the role's ARN`,
			`externalId: is required with account; want 2 to 1224 letters, digits and + = , . @ : / _ -`,
		}},
		{"no account", map[string]any{"role": "Deployer", "externalId": "some-id", "breakGlassRole": "BreakGlass"}, []string{
			`role: is for a replica in another account than the archive's; want account, too, or leave it out`,
			`externalId: is for a replica in another account than the archive's; want account, too, or leave it out`,
			`breakGlassRole: is for a replica in another account than the archive's; want account, too, or leave it out`,
		}},
		{"who deploys deletes", merged(other, map[string]any{"breakGlassRole": "Deployer"}), []string{`breakGlassRole: "Deployer" is the role that deploys, too; want another one, which nobody has but in an emergency`}},
		{"a role of the archive's account", merged(other, map[string]any{"role": beijing.RoleARN("Deployer").String()}), []string{
			`role: "` + beijing.RoleARN("Deployer").String() + `" is of account 111122223333; want 777788889999, the replica's`}},
		{"lag", map[string]any{"lagMinutes": 14}, []string{`lagMinutes: 14 is out of range; want an integer from 15 to 1440`}},
		{"pending", map[string]any{"pendingGiB": 0}, []string{`pendingGiB: 0 is out of range; want an integer from 1 to 1048576`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseSpec("x", replicated(t, c.changes))
			if err == nil {
				t.Fatal("it is accepted")
			}
			var want []string
			for _, line := range c.want {
				want = append(want, "log-archive:archive.replica."+line)
			}
			got := lines(t, err)
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func merged(maps ...map[string]any) map[string]any {
	out := map[string]any{}
	for _, m := range maps {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// TestReplicaIsComposed: every bucket that objects come from has a rule to the replica, each writer to the archive waits for the
// archive's, and each rule has its alarms below a composite one in the place of its bucket.
func TestReplicaIsComposed(t *testing.T) {
	t.Parallel()
	g, spec := example(t, "global")
	replica := partition.BucketARN(partition.AWS, spec.Replica.Bucket).String()
	rules := map[string]bool{}
	for _, r := range g.ByType("aws:s3/bucketReplicationConfig:BucketReplicationConfig") {
		for _, v := range r.Inputs["rules"].ArrayValue() {
			to := v.ObjectValue()["destination"].ObjectValue()
			if to["bucket"].StringValue() != replica {
				continue
			}
			rules[r.Inputs["bucket"].StringValue()] = true
			if to["account"].StringValue() != "777788889999" || to["accessControlTranslation"].ObjectValue()["owner"].StringValue() != "Destination" {
				t.Errorf("%s: replicas stay the source's: %v", r.URN, to)
			}
		}
	}
	for _, bucket := range []string{spec.ArchiveBucket.Bucket, spec.Landing.Bucket, spec.AccessLogs.Bucket} {
		if !rules[bucket] {
			t.Errorf("%s isn't replicated to the replica", bucket)
		}
	}
	config, ok := g.Find("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "replica")
	if !ok {
		t.Fatal("the archive isn't replicated")
	}
	waits := func(r *graph.Resource) {
		if !slices.Contains(r.Dependencies, config.URN) {
			t.Errorf("%s writes to the archive and doesn't wait for its replication", r.URN)
		}
	}
	streams := g.ByType("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")
	for _, r := range streams {
		waits(r)
	}
	if len(streams) == 0 {
		t.Error("there is no stream")
	}
	for _, r := range g.ByType("aws:ec2/flowLog:FlowLog") {
		if strings.HasSuffix(r.Inputs["logDestination"].StringValue(), spec.ArchiveBucket.Bucket) {
			waits(r)
		}
	}
	var composites []string
	for _, r := range g.ByType("aws:cloudwatch/compositeAlarm:CompositeAlarm") {
		if name := r.Inputs["alarmName"].StringValue(); strings.HasSuffix(name, "replica") {
			composites = append(composites, fmt.Sprint(name, " at ", r.Place, " of ", strings.Count(r.Inputs["alarmRule"].StringValue(), "ALARM(")))
		}
	}
	slices.Sort(composites)
	if diff := cmp.Diff([]string{
		"log-archive-access-logs-replica at 333344445555/us-east-1 of 3", "log-archive-landing-replica at 444455556666/us-east-1 of 3", "log-archive-replica at 444455556666/us-west-2 of 3",
	}, composites); diff != "" {
		t.Error(diff)
	}
	board, ok := g.Find("aws:cloudwatch/dashboard:Dashboard", "archive-dashboard")
	if !ok || !strings.Contains(board.Inputs["dashboardBody"].StringValue(), "BytesPendingReplication") {
		t.Error("no dashboard shows what waits for the replica")
	}
}

// Without monitoring the rules to the replica have alarms all the same: somebody may look at them.
func TestReplicaWithoutMonitoring(t *testing.T) {
	t.Parallel()
	spec, err := ParseSpec("x", parse(t, whole).with(t, "archive.replica", map[string]any{"region": "cn-north-1", "bucket": "example-replica"}).with(t, "monitoring", map[string]any{"enabled": false}).engine(t))
	if err != nil {
		t.Fatal(err)
	}
	g, err := spec.Record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	alarms := 0
	for _, a := range g.ByType("aws:cloudwatch/metricAlarm:MetricAlarm") {
		if a.Inputs["dimensions"].ObjectValue()["RuleId"].StringValue() == components.ReplicaRule {
			alarms++
		}
	}
	if alarms != 4 { // a failure and a lag, of the archive and of the landing bucket
		t.Errorf("%d alarms, want 4", alarms)
	}
}
