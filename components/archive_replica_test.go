package components_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const replicationConfig = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"

// replicaProgram is an archive with a replica in the other region, and a landing bucket and one of access logs before it.
func replicaProgram(change func(*components.ArchiveReplicaArgs)) func(*program) error {
	return func(p *program) error {
		of, land := bucketArgs(), landingArgs()
		of.Deliveries = append(of.Deliveries, components.Replicas(land.Place, land.ReplicationRoleName, land.Deliveries)...)
		of.Deliveries = append(of.Deliveries, components.AccessLogReplica(home, "replicate-access"))
		of.ReplicationRoleArns = []string{archive.RoleARN("replicate-archive").String()}
		made, err := components.NewLogArchiveBucket(p.ctx, "archive", of, p.at(archive))
		if err != nil {
			return err
		}
		args := &components.ArchiveReplicaArgs{
			Of: of, Archive: made, Place: landing, BucketName: "example-replica", KeyAlias: "log-replica",
			Deliveries:            append(components.Replicas(land.Place, land.ReplicationRoleName, land.Deliveries), components.AccessLogReplica(home, "replicate-access")),
			AdministratorRoleArns: []string{administer}, ReplicationRoleName: "replicate-archive",
			ArchiveProvider: p.provider(archive), ReplicaProvider: p.provider(landing), Tags: map[string]string{"data": "copies"},
		}
		change(args)
		replica, err := components.NewArchiveReplica(p.ctx, "replica", args)
		if err != nil {
			return err
		}
		land.Archive, land.Also = made, replica
		if _, err := components.NewLandingBucket(p.ctx, "landing", land, p.at(landing)); err != nil {
			return err
		}
		_, err = components.NewAccessLogBucket(p.ctx, "access-logs", &components.AccessLogBucketArgs{
			Place: home, BucketName: "example-access", ExpireDays: 30, Buckets: []string{"example-uploads"},
			Archive: made, ArchivePlace: archive, ArchiveBucketName: of.BucketName, ReplicationRoleName: "replicate-access", Also: replica,
		}, p.at(home))
		return err
	}
}

// Everything that gets into the archive gets to the replica: by the archive's replication, or straight from the bucket before
// it, since S3 replicates no replicas.
func TestArchiveReplica(t *testing.T) {
	t.Parallel()
	g := record(t, replicaProgram(func(*components.ArchiveReplicaArgs) {}))
	replicaARN := partition.BucketARN(partition.China, "example-replica").String()
	for _, of := range []struct {
		config string
		want   []string
	}{
		{"replica", []string{"1 replica " + replicaARN + " true"}},
		{"landing", []string{"1 archive " + bucketARN + " true", "2 replica " + replicaARN + " true"}},
		{"access-logs", []string{"1 archive " + bucketARN + " false", "2 replica " + replicaARN + " false"}},
	} {
		var got []string
		for _, r := range find(t, g, replicationConfig, of.config).Inputs["rules"].ArrayValue() {
			rule := r.ObjectValue()
			to := rule["destination"].ObjectValue()
			got = append(got, fmt.Sprint(rule["priority"].NumberValue(), " ", rule["id"].StringValue(), " ", to["bucket"].StringValue(), " ", to.HasValue("encryptionConfiguration")))
			if status := rule["deleteMarkerReplication"].ObjectValue()["status"].StringValue(); status != "Disabled" {
				t.Errorf("%s: deletions are replicated: %s", of.config, status)
			}
		}
		if diff := cmp.Diff(of.want, got); diff != "" {
			t.Errorf("%s: %s", of.config, diff)
		}
	}
	key := find(t, g, "aws:kms/key:Key", "replica-key").Outputs["arn"].StringValue()
	to := find(t, g, replicationConfig, "replica").Inputs["rules"].ArrayValue()[0].ObjectValue()["destination"].ObjectValue()
	if got := to["encryptionConfiguration"].ObjectValue()["replicaKmsKeyId"].StringValue(); got != key {
		t.Errorf("replicas are encrypted with %s, want the replica's key", got)
	}
	dependsOn(t, g, find(t, g, replicationConfig, "landing"), find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "replica"), find(t, g, "aws:s3/bucketVersioningV2:BucketVersioningV2", "replica"))
	dependsOn(t, g, find(t, g, replicationConfig, "replica"), find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "replica"), find(t, g, "aws:s3/bucketVersioningV2:BucketVersioningV2", "archive"))

	// The replication of the archive reads it all and writes below its folders, with both keys.
	role := statementOf(t, g, "aws:iam/rolePolicy:RolePolicy", "replica-replication", "WriteReplicas")
	want := []string{replicaARN + "/AWSLogs/*", replicaARN + "/errors/*", replicaARN + "/flow-logs-direct/*", replicaARN + "/logs/*"}
	if diff := cmp.Diff(want, role.Resource); diff != "" {
		t.Error(diff)
	}
	if s := statementOf(t, g, "aws:kms/key:Key", "archive-key", "DecryptForReplication"); !slices.Equal(s.Condition["ArnLike"]["aws:PrincipalArn"], []string{archive.RoleARN("replicate-archive").String()}) {
		t.Errorf("the archive's key is for %v", s.Condition)
	}
	sameSettings(t, g)
}

// sameSettings: the replica has each setting that the archive has, with the same values apart from its own key and name.
func sameSettings(t *testing.T, g *graph.Graph) {
	t.Helper()
	for _, token := range []string{
		"aws:s3/bucketVersioningV2:BucketVersioningV2", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
		"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2",
	} {
		of, as := find(t, g, token, "archive").Inputs.Mappable(), find(t, g, token, "replica").Inputs.Mappable()
		delete(of, "bucket")
		delete(as, "bucket")
		if diff := cmp.Diff(of, as); diff != "" {
			t.Errorf("%s: %s", token, diff)
		}
	}
	bucket := find(t, g, "aws:s3/bucketV2:BucketV2", "replica")
	if !bucket.Protect || !bucket.Inputs["objectLockEnabled"].BoolValue() {
		t.Error("the replica isn't protected, or can't be locked")
	}
}

// Only the three replications may write to the replica, nobody may delete, and no deletion can be replicated.
func TestOnlyReplicationsWriteToAReplica(t *testing.T) {
	t.Parallel()
	g := record(t, replicaProgram(func(args *components.ArchiveReplicaArgs) {
		args.BreakGlassRoleArns = []string{landing.RoleARN("break-glass").String()}
	}))
	objects := []string{partition.ObjectARN(partition.China, "example-replica", "*").String()}
	token := "aws:s3/bucketPolicy:BucketPolicy"
	if diff := cmp.Diff(policy.Statement{
		Sid: "OnlyReplicationWrites", Effect: policy.Deny, Principal: policy.AnyPrincipal(),
		Action: []string{"s3:PutObject", "s3:PutObjectTagging", "s3:ReplicateObject", "s3:ReplicateTags"}, Resource: objects,
		Condition: policy.Conditions{}.With("ArnNotEquals", "aws:PrincipalArn",
			home.RoleARN("replicate-access").String(), archive.RoleARN("replicate").String(), archive.RoleARN("replicate-archive").String()),
	}, statementOf(t, g, token, "replica", "OnlyReplicationWrites")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(policy.Statement{
		Sid: "NobodyReplicatesDeletes", Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: []string{"s3:ReplicateDelete"}, Resource: objects,
	}, statementOf(t, g, token, "replica", "NobodyReplicatesDeletes")); diff != "" {
		t.Error(diff)
	}
	if s := statementOf(t, g, token, "replica", "NobodyDeletes"); !slices.Equal(s.Condition["ArnNotEquals"]["aws:PrincipalArn"], []string{landing.RoleARN("break-glass").String()}) {
		t.Errorf("all but %v are denied to delete", s.Condition)
	}
	if s := statementOf(t, g, token, "archive", "OnlyReplicationWrites"); s.Sid != "" {
		t.Error("the archive takes replicas only")
	}
}

// With classes the replica has the lifecycle's folders, those that are delivered to.
func TestArchiveReplicaWithClasses(t *testing.T) {
	t.Parallel()
	g := record(t, replicaProgram(func(args *components.ArchiveReplicaArgs) {
		args.Of.Classes = []components.RetentionClass{{Name: "network", Folders: []string{"flow-logs-direct/", "unused/"}, RetentionDays: 200}}
		args.Of.OtherFolders = []string{"AWSLogs/", "access-logs/", "errors/logs/", "errors/unused/", "logs/"}
	}))
	replica := partition.BucketARN(partition.China, "example-replica").String()
	want := []string{replica + "/AWSLogs/*", replica + "/errors/logs/*", replica + "/flow-logs-direct/*", replica + "/logs/*"}
	if diff := cmp.Diff(want, statementOf(t, g, "aws:iam/rolePolicy:RolePolicy", "replica-replication", "WriteReplicas").Resource); diff != "" {
		t.Error(diff)
	}
	rules := find(t, g, "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", "replica").Inputs["rules"].ArrayValue()
	if len(rules) < 7 {
		t.Errorf("the replica has %d rules, want one for each folder", len(rules))
	}
}

// What is a replica in the archive itself isn't replicated from there, so nothing is.
func TestReplicaOfReplicas(t *testing.T) {
	t.Parallel()
	g := record(t, replicaProgram(func(args *components.ArchiveReplicaArgs) {
		args.Of.Deliveries = slices.DeleteFunc(args.Of.Deliveries, func(d components.Delivery) bool { return d.Kind != components.ReplicationDelivery })
	}))
	if r, ok := g.Find(replicationConfig, "replica"); ok {
		t.Errorf("%s replicates replicas", r.URN)
	}
	find(t, g, "aws:s3/bucketV2:BucketV2", "replica")
}

// A replica may be kept for longer, in cheaper classes, and its alarms may be those of a path.
func TestArchiveReplicaOfItsOwn(t *testing.T) {
	t.Parallel()
	g := record(t, replicaProgram(func(args *components.ArchiveReplicaArgs) {
		args.RetentionDays, args.Watched = 500, true
		args.Transitions = []components.Transition{{Days: 1, StorageClass: "GLACIER"}}
	}))
	rules := find(t, g, "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", "replica").Inputs["rules"].ArrayValue()
	if days := rules[0].ObjectValue()["expiration"].ObjectValue()["days"].NumberValue(); days != 500 {
		t.Errorf("the replica is kept for %v days", days)
	}
	for _, a := range g.ByType(alarmType) {
		if a.Inputs["dimensions"].ObjectValue()["RuleId"].StringValue() == components.ReplicaRule {
			t.Errorf("%s is made, though it is watched elsewhere", a.URN)
		}
	}
	var names []string
	for _, a := range components.ReplicationAlarms("example-log-archive", components.Replica{Rule: components.ReplicaRule, BucketName: "example-replica", LagSeconds: 900, PendingBytes: 7}) {
		names = append(names, fmt.Sprint(a.Name, " ", a.Metrics[0].Name, " ", a.Threshold, " ", a.Metrics[0].Dimensions))
	}
	dims := "map[DestinationBucket:example-replica RuleId:replica SourceBucket:example-log-archive]"
	if diff := cmp.Diff([]string{
		"replication-failed OperationsFailedReplication 0 " + dims, "replication-lag ReplicationLatency 900 " + dims, "replication-pending BytesPendingReplication 7 " + dims,
	}, names); diff != "" {
		t.Error(diff)
	}
}

func TestArchiveReplicaIsRefused(t *testing.T) {
	t.Parallel()
	wantProblems(t, refused(t, func(p *program) error {
		of := bucketArgs()
		_, err := components.NewArchiveReplica(p.ctx, "refused", &components.ArchiveReplicaArgs{
			Of: of, Place: archive, BucketName: of.BucketName, KeyAlias: "log-replica", RetentionDays: 399, ReplicationRoleName: "replicate",
			TimeControl: true, Deliveries: []components.Delivery{{Kind: components.FlowLogDelivery, Source: home}},
		})
		return err
	}), map[string]string{
		"Archive": "want the bucket", "ArchiveProvider": "want the provider", "ReplicaProvider": "want the provider", "Place": "another region",
		"RetentionDays": "at least 400", "Replicas[0].BucketName": "another bucket", "Replicas[0].TimeControl": "not known", "Deliveries[0].Kind": "replication",
	})
	wantProblems(t, refused(t, func(p *program) error {
		_, err := components.NewArchiveReplica(p.ctx, "refused", nil, pulumi.Protect(false))
		return err
	}), map[string]string{"Archive": "want the bucket", "Of": "want the archive's Args", "ArchiveProvider": "", "ReplicaProvider": ""})
}
