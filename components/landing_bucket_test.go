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

var landing = partition.Place{Account: archive.Account, Region: home.Region}

// landingArgs are those of a bucket whose archive is at a place, with the name example-log-archive.
func landingArgs() *components.LandingBucketArgs {
	return &components.LandingBucketArgs{
		Place: landing, BucketName: "example-landing", KeyAlias: "log-landing", ExpireDays: 30,
		Deliveries: []components.Delivery{
			{Kind: components.FlowLogDelivery, Source: home, Prefix: "flow-logs-direct/", Hive: true},
			{Kind: components.FlowLogDelivery, Source: home},
		},
		AdministratorRoleArns: []string{administer},
		ArchivePlace:          archive, ArchiveBucketName: "example-log-archive",
		ReplicationRoleName: "replicate",
	}
}

func landingProgram(args *components.LandingBucketArgs) func(*program) error {
	return func(p *program) error {
		to := bucketArgs()
		to.Deliveries = append(to.Deliveries, components.Replicas(args.Place, args.ReplicationRoleName, args.Deliveries)...)
		var err error
		if args.Archive, err = components.NewLogArchiveBucket(p.ctx, "archive", to, p.at(to.Place)); err != nil {
			return err
		}
		_, err = components.NewLandingBucket(p.ctx, "landing", args, p.at(args.Place))
		return err
	}
}

func TestLandingBucket(t *testing.T) {
	t.Parallel()
	g := record(t, landingProgram(landingArgs()))
	archiveKey, landingKey := find(t, g, "aws:kms/key:Key", "archive-key").Outputs["arn"].StringValue(), find(t, g, "aws:kms/key:Key", "landing-key").Outputs["arn"].StringValue()
	role := landing.RoleARN("replicate").String()
	config := find(t, g, "aws:s3/bucketReplicationConfig:BucketReplicationConfig", "landing")
	inputs(t, config, map[string]any{
		"bucket": "example-landing", "role": role,
		"rules": []any{map[string]any{
			"id": "archive", "status": "Enabled", "priority": 1, "filter": map[string]any{"prefix": ""},
			"deleteMarkerReplication": map[string]any{"status": "Disabled"},
			"sourceSelectionCriteria": map[string]any{"sseKmsEncryptedObjects": map[string]any{"status": "Enabled"}},
			"destination": map[string]any{
				"bucket": bucketARN, "encryptionConfiguration": map[string]any{"replicaKmsKeyId": archiveKey}, "metrics": map[string]any{"status": "Enabled"},
			},
		}},
	})
	dependsOn(t, g, config,
		find(t, g, "aws:s3/bucketVersioningV2:BucketVersioningV2", "landing"), find(t, g, "aws:s3/bucketVersioningV2:BucketVersioningV2", "archive"),
		find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive"), find(t, g, "aws:iam/rolePolicy:RolePolicy", "landing-replication"))
	when := policy.Conditions{}
	through := func(place partition.Place, bucket string) policy.Conditions {
		via, err := place.ViaService(partition.S3)
		if err != nil {
			t.Fatal(err)
		}
		return when.With("StringEquals", "kms:ViaService", via).With("StringLike", "kms:EncryptionContext:aws:s3:arn", bucket, bucket+"/*")
	}
	source := partition.BucketARN(partition.China, "example-landing").String()
	document(t, find(t, g, "aws:iam/rolePolicy:RolePolicy", "landing-replication"), "policy", policy.Inline,
		policy.Statement{Sid: "ReadConfiguration", Effect: policy.Allow, Action: []string{"s3:GetReplicationConfiguration", "s3:ListBucket"}, Resource: []string{source}},
		policy.Statement{Sid: "ReadVersions", Effect: policy.Allow, Resource: []string{source + "/*"}, Action: []string{"s3:GetObjectVersionAcl",
			"s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging", "s3:GetObjectLegalHold", "s3:GetObjectRetention"}},
		policy.Statement{Sid: "WriteReplicas", Effect: policy.Allow, Action: []string{"s3:ReplicateObject", "s3:ReplicateTags"}, Resource: []string{object("AWSLogs/*"), object("flow-logs-direct/*")}},
		policy.Statement{Sid: "DecryptSource", Effect: policy.Allow, Action: []string{"kms:Decrypt"}, Resource: []string{landingKey}, Condition: through(landing, source)},
		policy.Statement{Sid: "EncryptReplicas", Effect: policy.Allow, Action: []string{"kms:Decrypt", "kms:Encrypt"}, Resource: []string{archiveKey}, Condition: through(archive, bucketARN)})

	// The two keys let the role in, and the archive's bucket policy, which is of the same account, doesn't mention it.
	for _, k := range []struct{ key, sid string }{{"archive-key", "EncryptReplicas"}, {"landing-key", "DecryptForReplication"}} {
		if s := statementOf(t, g, "aws:kms/key:Key", k.key, k.sid); !slices.Equal(s.Condition["ArnLike"]["aws:PrincipalArn"], []string{role}) {
			t.Errorf("%s of %s is for %v", k.sid, k.key, s.Condition)
		}
	}
	if s := statementOf(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive", "ReplicateAs"); s.Sid != "" {
		t.Errorf("the archive's bucket policy has %s", s.Sid)
	}
	// No default retention: replicas would have it instead of the archive's.
	if r, ok := g.Find("aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2", "landing"); ok {
		t.Errorf("%s gives what lands a retention", r.URN)
	}
	var alarms []string
	for _, a := range g.ByType(alarmType) {
		alarms = append(alarms, fmt.Sprint(text(t, a, "name"), " ", text(t, a, "metricName"), " > ", a.Inputs["threshold"].NumberValue()))
	}
	slices.Sort(alarms)
	if diff := cmp.Diff([]string{"example-landing-replication-failed OperationsFailedReplication > 0", "example-landing-replication-lag ReplicationLatency > 3600"}, alarms); diff != "" {
		t.Error(diff)
	}
}

// statementOf is the statement whose Sid is or begins with sid, or the zero one.
func statementOf(t *testing.T, g *graph.Graph, token, name, sid string) policy.Statement {
	t.Helper()
	doc, err := policy.Parse([]byte(text(t, find(t, g, token, name), "policy")))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Statements {
		if len(s.Sid) >= len(sid) && s.Sid[:len(sid)] == sid {
			return s
		}
	}
	return policy.Statement{}
}

// A replica in another account becomes that account's, and its policies name the role; time control where it is known to exist.
func TestReplicationToAnotherAccount(t *testing.T) {
	t.Parallel()
	security := partition.Place{Account: "777788889999", Region: "us-east-2"}
	role := oregon.RoleARN("replicate").String()
	key := func(place partition.Place) pulumi.StringInput {
		return pulumi.String(place.ARN(partition.KMS, "key/0b5a0c6e-0000-0000-0000-000000000000").String())
	}
	g := record(t, func(p *program) error {
		to := bucketArgs()
		to.Place, to.BucketName, to.Transitions, to.AdministratorRoleArns = security, "example-replica", nil, nil
		to.Deliveries = []components.Delivery{{Kind: components.ReplicationDelivery, Source: oregon, RoleArn: role, Prefix: "logs/"}}
		if _, err := components.NewLogArchiveBucket(p.ctx, "replica", to, p.at(security)); err != nil {
			return err
		}
		_, err := components.NewBucketReplication(p.ctx, "archive", &components.BucketReplicationArgs{
			Source: oregon, SourceBucket: "example-archive", Folders: []string{"logs/"}, RoleName: "replicate", SourceKeyArn: key(oregon),
			Replicas: []components.Replica{{Rule: "all", Place: security, BucketName: "example-replica", KeyArn: key(security), TimeControl: true, LagSeconds: 900}},
		}, p.at(oregon))
		return err
	})
	config := find(t, g, "aws:s3/bucketReplicationConfig:BucketReplicationConfig", "archive")
	to := config.Inputs["rules"].ArrayValue()[0].ObjectValue()["destination"].ObjectValue().Mappable()
	delete(to, "encryptionConfiguration")
	if diff := cmp.Diff(map[string]any{
		"account": string(security.Account), "bucket": partition.BucketARN(partition.AWS, "example-replica").String(),
		"accessControlTranslation": map[string]any{"owner": "Destination"},
		"metrics":                  map[string]any{"status": "Enabled", "eventThreshold": map[string]any{"minutes": 15.0}},
		"replicationTime":          map[string]any{"status": "Enabled", "time": map[string]any{"minutes": 15.0}},
	}, to); diff != "" {
		t.Error(diff)
	}
	s := statementOf(t, g, "aws:s3/bucketPolicy:BucketPolicy", "replica", "ReplicateAs")
	want := policy.Statement{
		Sid: "ReplicateAsReplicate", Effect: policy.Allow, Principal: policy.AWSPrincipals(oregon.RootARN().String()),
		Action:    []string{"s3:ObjectOwnerOverrideToBucketOwner", "s3:ReplicateObject", "s3:ReplicateTags"},
		Resource:  []string{partition.ObjectARN(partition.AWS, "example-replica", "logs/*").String()},
		Condition: policy.Conditions{}.With("ArnLike", "aws:PrincipalArn", role),
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
}

// What has S3's own encryption is replicated without any key: neither the role nor the archive's key is asked.
func TestReplicationWithoutKeys(t *testing.T) {
	t.Parallel()
	g := record(t, func(p *program) error {
		to := bucketArgs()
		to.Deliveries = []components.Delivery{{Kind: components.ReplicationDelivery, Source: home, RoleArn: home.RoleARN("replicate").String(), Prefix: "access-logs/", ManagedKeys: true}}
		if _, err := components.NewLogArchiveBucket(p.ctx, "archive", to, p.at(archive)); err != nil {
			return err
		}
		_, err := components.NewBucketReplication(p.ctx, "access", &components.BucketReplicationArgs{
			Source: home, SourceBucket: "example-access", Folders: []string{"access-logs/"}, RoleName: "replicate",
			Replicas: []components.Replica{{Rule: "all", Place: archive, BucketName: "example-log-archive"}},
		}, p.at(home))
		return err
	})
	if s := statementOf(t, g, "aws:kms/key:Key", "archive-key", "EncryptReplicas"); s.Sid != "" {
		t.Error("the archive's key is for the role")
	}
	rule := find(t, g, "aws:s3/bucketReplicationConfig:BucketReplicationConfig", "access").Inputs["rules"].ArrayValue()[0].ObjectValue()
	if rule.HasValue("sourceSelectionCriteria") || rule["destination"].ObjectValue().HasValue("encryptionConfiguration") {
		t.Errorf("the rule is about keys: %v", rule)
	}
	doc, err := policy.Parse([]byte(text(t, find(t, g, "aws:iam/rolePolicy:RolePolicy", "access-replication"), "policy")))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(doc.Statements); n != 3 {
		t.Errorf("the role has %d statements, want those about the buckets", n)
	}
}

func TestLandingBucketIsRefused(t *testing.T) {
	t.Parallel()
	wantProblems(t, refused(t, func(p *program) error {
		args := landingArgs()
		args.ExpireDays, args.TimeControl, args.ReplicationRoleName, args.BucketName = 13, true, "a role", "Landing"
		args.ArchivePlace.Region = "us-east-1"
		_, err := components.NewLandingBucket(p.ctx, "refused", args, p.at(landing))
		return err
	}), map[string]string{
		"ExpireDays": "want at least 14", "Archive": "want the bucket", "Replicas[0].TimeControl": "not known", "RoleName": "want 1 to 64",
		"BucketName": "lower-case", "SourceBucket": "lower-case", "Replicas[0].Place": "nothing is copied across partitions",
	})
	wantProblems(t, refused(t, func(p *program) error {
		_, err := components.NewBucketReplication(p.ctx, "refused", &components.BucketReplicationArgs{
			Source: home, SourceBucket: "same", RoleName: "r", SourceKeyArn: pulumi.String(""), Folders: []string{"/logs"},
			Replicas: []components.Replica{
				{Rule: "all", Place: home, BucketName: "same", LagSeconds: -1, PendingBytes: -1},
				{Rule: "all", Place: home, BucketName: "other", KeyArn: pulumi.String("")},
			},
		}, p.at(home))
		return err
	}), map[string]string{
		"Replicas[0].BucketName": "another bucket", "Replicas[0].KeyArn": "both buckets or none", "Folders[0]": "want a key prefix",
		"Replicas[0].LagSeconds": "at least 0", "Replicas[0].PendingBytes": "at least 0", "Replicas[1].Rule": "no other rule of the name",
	})
	wantProblems(t, refused(t, func(p *program) error {
		_, err := components.NewBucketReplication(p.ctx, "refused", nil, p.at(home))
		return err
	}), map[string]string{"Source.Account": "", "Source.Region": "", "SourceBucket": "", "Folders": "want the folders", "RoleName": "", "Replicas": "want the buckets"})
}
