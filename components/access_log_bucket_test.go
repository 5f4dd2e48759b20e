package components_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

func accessArgs(place partition.Place) *components.AccessLogBucketArgs {
	return &components.AccessLogBucketArgs{
		Place: place, BucketName: "example-access", ExpireDays: 30,
		BalancerAccounts: []partition.Account{place.Account}, NetworkBalancerAccounts: []partition.Account{place.Account},
		Buckets: []string{"uploads", "downloads"},
	}
}

// The bucket has S3's own encryption and no lock, for nothing else takes these logs, and the grants of exactly those who write.
func TestAccessLogBucket(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		place    partition.Place
		balancer policy.Statement // besides Sid, Effect, Action and Resource
	}{
		{"China: an account", home, policy.Statement{Principal: policy.AWSPrincipals(partition.Place{Account: "638102146993", Region: home.Region}.RootARN().String())}},
		{"an old region: an account", virginia, policy.Statement{Principal: policy.AWSPrincipals(partition.Place{Account: "127311923021", Region: virginia.Region}.RootARN().String())}},
		{"a new region: the service", partition.Place{Account: "111122223333", Region: "eu-central-2"}, policy.Statement{
			Principal: policy.Services(serviceAt(t, partition.Place{Account: "111122223333", Region: "eu-central-2"}, partition.ELBLogDelivery)),
			Condition: policy.Conditions{}.With("ArnLike", "aws:SourceArn", partition.Place{Account: "111122223333", Region: "eu-central-2"}.ARN(partition.ELB, "loadbalancer/*").String()),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := record(t, func(p *program) error {
				_, err := components.NewAccessLogBucket(p.ctx, "access", accessArgs(c.place), p.at(c.place))
				return err
			})
			if _, locked := find(t, g, "aws:s3/bucketV2:BucketV2", "access").Inputs["objectLockEnabled"]; locked {
				t.Error("the bucket has Object Lock")
			}
			inputs(t, find(t, g, "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "access"), map[string]any{
				"bucket": "example-access", "rules": []any{map[string]any{"applyServerSideEncryptionByDefault": map[string]any{"sseAlgorithm": "AES256"}}},
			})
			part := c.place.Partition()
			object := func(key string) string { return partition.ObjectARN(part, "example-access", key).String() }
			c.balancer.Sid, c.balancer.Effect, c.balancer.Action = "DeliverBalancerLogs", policy.Allow, []string{"s3:PutObject"}
			c.balancer.Resource = []string{object("access-logs/elb/AWSLogs/" + string(c.place.Account) + "/*")}
			delivery, logging := serviceAt(t, c.place, partition.LogDelivery), serviceAt(t, c.place, partition.S3ServerAccessLogs)
			account := policy.Conditions{}.With("StringEquals", "aws:SourceAccount", string(c.place.Account))
			for _, want := range []policy.Statement{
				c.balancer,
				{
					Sid: "DeliverNetworkBalancerLogs", Effect: policy.Allow, Principal: policy.Services(delivery),
					Action:    []string{"s3:GetBucketAcl", "s3:ListBucket", "s3:PutObject"},
					Resource:  []string{partition.BucketARN(part, "example-access").String(), object("access-logs/elb/AWSLogs/" + string(c.place.Account) + "/*")},
					Condition: account.With("ArnLike", "aws:SourceArn", c.place.ARN(partition.Logs, "*").String()),
				},
				{
					Sid: "DeliverServerAccessLogs", Effect: policy.Allow, Principal: policy.Services(logging), Action: []string{"s3:PutObject"},
					Resource:  []string{object("access-logs/s3/downloads/*"), object("access-logs/s3/uploads/*")},
					Condition: account.With("ArnLike", "aws:SourceArn", partition.BucketARN(part, "downloads").String(), partition.BucketARN(part, "uploads").String()),
				},
			} {
				if diff := cmp.Diff(want, statementOf(t, g, "aws:s3/bucketPolicy:BucketPolicy", "access", want.Sid)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", want.Sid, diff)
				}
			}
			logged := find(t, g, "aws:s3/bucketLoggingV2:BucketLoggingV2", "access/uploads")
			inputs(t, logged, map[string]any{"bucket": "uploads", "targetBucket": "example-access", "targetPrefix": "access-logs/s3/uploads/"})
			dependsOn(t, g, logged, find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "access"))
		})
	}
}

func serviceAt(t *testing.T, place partition.Place, s partition.Service) partition.Principal {
	t.Helper()
	name, err := place.PrincipalFor(s, partition.Deliver)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// Into the archive of another account the objects go without keys, and belong to it.
func TestAccessLogsAreReplicated(t *testing.T) {
	t.Parallel()
	g := record(t, func(p *program) error {
		to := bucketArgs()
		to.Deliveries = []components.Delivery{components.AccessLogReplica(home, "replicate")}
		made, err := components.NewLogArchiveBucket(p.ctx, "archive", to, p.at(archive))
		if err != nil {
			return err
		}
		args := accessArgs(home)
		args.Archive, args.ArchivePlace, args.ArchiveBucketName, args.ReplicationRoleName = made, archive, to.BucketName, "replicate"
		_, err = components.NewAccessLogBucket(p.ctx, "access", args, p.at(home))
		return err
	})
	config := find(t, g, "aws:s3/bucketReplicationConfig:BucketReplicationConfig", "access")
	inputs(t, config, map[string]any{
		"bucket": "example-access", "role": home.RoleARN("replicate").String(),
		"rules": []any{map[string]any{
			"id": "archive", "status": "Enabled", "priority": 1, "filter": map[string]any{"prefix": ""}, "deleteMarkerReplication": map[string]any{"status": "Disabled"},
			"destination": map[string]any{
				"account": string(archive.Account), "bucket": bucketARN, "accessControlTranslation": map[string]any{"owner": "Destination"}, "metrics": map[string]any{"status": "Enabled"},
			},
		}},
	})
	dependsOn(t, g, find(t, g, "aws:s3/bucketLoggingV2:BucketLoggingV2", "access/uploads"), config)
	if s := statementOf(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive", "ReplicateAs"); !cmp.Equal(s.Resource, []string{object("access-logs/*")}) {
		t.Errorf("the archive lets the role write to %v", s.Resource)
	}
	if s := statementOf(t, g, "aws:kms/key:Key", "archive-key", "EncryptReplicas"); s.Sid != "" {
		t.Error("the archive's key is for the role, which has no use for it")
	}
}

func TestAccessLogBucketIsRefused(t *testing.T) {
	t.Parallel()
	wantProblems(t, refused(t, func(p *program) error {
		args := accessArgs(home)
		args.Buckets, args.BalancerAccounts, args.ExpireDays = []string{"example-access", "A"}, []partition.Account{"1"}, 0
		_, err := components.NewAccessLogBucket(p.ctx, "refused", args, p.at(home))
		return err
	}), map[string]string{"Buckets[0]": "for ever", "Buckets[1]": "lower-case", "BalancerAccounts[0].Account": "12 digits", "ExpireDays": "at least 1"})
	wantProblems(t, refused(t, func(p *program) error {
		_, err := components.NewAccessLogBucket(p.ctx, "refused", &components.AccessLogBucketArgs{Place: home, BucketName: "example-access", ExpireDays: 1}, p.at(home))
		return err
	}), map[string]string{"Buckets": "takes no logs"})
}
