package components

import (
	"cmp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// BucketReplicationArgs are the Args of [NewBucketReplication].
type BucketReplicationArgs struct {
	// Source and Replica are where the two buckets are. Accounts may differ; the partition may not.
	Source, Replica partition.Place
	// SourceBucket and ReplicaBucket are the buckets' names. Both must have versions.
	SourceBucket, ReplicaBucket string
	// Folders are the beginnings of the keys that are replicated, each ending with "/": the role can write replicas
	// there and nowhere else.
	Folders []string
	// RoleName is the role of the source's account as which S3 replicates.
	RoleName string
	// SourceKeyArn and ReplicaKeyArn are the keys of the buckets (SSE-KMS), each in its bucket's region. Both are nil for
	// objects with S3's own encryption (SSE-S3): S3 gives their replicas the same, whatever the replica's default is.
	SourceKeyArn, ReplicaKeyArn pulumi.StringInput
	// ObjectLock says that the source has Object Lock; the replica must have it then, too. A replica takes over the
	// retention of its source, and gets its bucket's default when the source has none.
	ObjectLock bool
	// TimeControl asks S3 for 15 minutes (S3 RTC, charged by the GB). It is refused where the partition isn't known to have it.
	TimeControl bool
	// LagSeconds is the lag above which the alarm goes off; 0 means one hour.
	LagSeconds int
	// AlarmActions are the ARNs of what the alarms notify; none means that they only show.
	AlarmActions pulumi.StringArrayInput
	// DependsOn is what must be there first: both buckets' versioning, and the replica's policy.
	DependsOn []pulumi.Resource
	// Tags are put on the role and the alarms.
	Tags map[string]string
}

// BucketReplication replicates a bucket's new objects to another bucket.
type BucketReplication struct {
	pulumi.ResourceState
	// Config is what writers to the source must wait for: objects from before it aren't replicated.
	Config  *s3.BucketReplicationConfig
	RoleArn pulumi.StringOutput
}

// replicationRule is the id of the only rule, a dimension of the metrics.
const replicationRule = "archive"

const (
	defaultLagSeconds = 3600
	// timeControlMinutes is the only value that S3 takes
	// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationTimeValue.html).
	timeControlMinutes = 15
)

func (args *BucketReplicationArgs) check(name string) error {
	var p problems
	p.place("Source", args.Source)
	p.place("Replica", args.Replica)
	p.bucket("SourceBucket", args.SourceBucket)
	p.bucket("ReplicaBucket", args.ReplicaBucket)
	p.name("RoleName", args.RoleName, roleName)
	p.atLeast("LagSeconds", args.LagSeconds, 0)
	if len(args.Folders) == 0 {
		p.add("Folders", "", "want the folders that are replicated")
	}
	for i, folder := range args.Folders {
		p.keyPrefix(at("Folders", i, ""), folder)
	}
	if args.SourceBucket == args.ReplicaBucket {
		p.add("ReplicaBucket", args.ReplicaBucket, "want another bucket than the source")
	}
	if (args.SourceKeyArn == nil) != (args.ReplicaKeyArn == nil) {
		p.add("ReplicaKeyArn", "", "want the keys of both buckets or none: replicas have the same kind of encryption as their sources")
	}
	if args.Source.Region != args.Replica.Region {
		p.refuse("Replica", args.Replica, partition.CanCopy(args.Source.Region, args.Replica.Region))
		p.refuse("Replica", args.Replica, args.Source.Region.Require(partition.S3CrossRegionReplication))
	}
	if args.TimeControl {
		p.refuse("TimeControl", args.TimeControl, args.Source.Region.Require(partition.ReplicationTimeControl))
	}
	if len(p.list) == 0 {
		doc, err := args.rolePolicy(unknownKey(args.Source), unknownKey(args.Replica))
		p.document("Folders", "role policy", policy.Inline, doc, err)
	}
	return p.err("BucketReplication", name)
}

// trusted lets S3 act as the role for the source's account.
func (args *BucketReplicationArgs) trusted() (policy.Document, error) {
	return trust(args.Source, partition.S3, policy.Conditions{}.With("StringEquals", "aws:SourceAccount", string(args.Source.Account)))
}

// NewBucketReplication registers the role, the replication configuration of the source and two alarms. Deletions aren't
// replicated, neither markers nor versions. A bucket has one replication configuration. Errors: [ArgsError].
func NewBucketReplication(ctx *pulumi.Context, name string, args *BucketReplicationArgs, opts ...pulumi.ResourceOption) (*BucketReplication, error) {
	if args == nil {
		args = &BucketReplicationArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	trusted, err := args.trusted()
	if err != nil {
		return nil, err
	}
	c := &BucketReplication{}
	if err := ctx.RegisterComponentResource("logarchive:index:BucketReplication", name, c, opts...); err != nil {
		return nil, err
	}
	role, err := iam.NewRole(ctx, name+"-replication", &iam.RoleArgs{
		Name:             pulumi.String(args.RoleName),
		Description:      pulumi.Sprintf("S3 replicates bucket %s to %s", args.SourceBucket, args.ReplicaBucket),
		AssumeRolePolicy: pulumi.String(trusted.JSON()),
		Tags:             tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	c.RoleArn = role.Arn
	allowed, err := iam.NewRolePolicy(ctx, name+"-replication", &iam.RolePolicyArgs{
		Name:   pulumi.String("replicate"),
		Role:   role.Name,
		Policy: args.policyOutput(),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	c.Config, err = s3.NewBucketReplicationConfig(ctx, name, &s3.BucketReplicationConfigArgs{
		Bucket: pulumi.String(args.SourceBucket),
		Role:   role.Arn,
		Rules:  s3.BucketReplicationConfigRuleArray{args.rule()},
	}, pulumi.Parent(c), pulumi.RetainOnDelete(true), pulumi.DependsOn(append([]pulumi.Resource{allowed}, args.DependsOn...)))
	if err != nil {
		return nil, err
	}
	if err := c.registerAlarms(ctx, name, args); err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"roleArn": c.RoleArn})
}

// policyOutput is the role's policy when the ARNs of the keys are known.
func (args *BucketReplicationArgs) policyOutput() pulumi.StringInput {
	if args.SourceKeyArn == nil {
		return documentOf(pulumi.String(""), func(string) (policy.Document, error) { return args.rolePolicy("", "") })
	}
	return pulumi.All(args.SourceKeyArn, args.ReplicaKeyArn).ApplyT(func(keys []any) (string, error) {
		doc, err := args.rolePolicy(keys[0].(string), keys[1].(string))
		return doc.JSON(), err
	}).(pulumi.StringOutput)
}

func (args *BucketReplicationArgs) rule() *s3.BucketReplicationConfigRuleArgs {
	to := s3.BucketReplicationConfigRuleDestinationArgs{
		Bucket: pulumi.String(partition.BucketARN(args.Replica.Partition(), args.ReplicaBucket).String()),
		// Metrics tell of failures and lag, without time control, too
		// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html).
		Metrics: &s3.BucketReplicationConfigRuleDestinationMetricsArgs{Status: pulumi.String("Enabled")},
	}
	rule := &s3.BucketReplicationConfigRuleArgs{
		Id:       pulumi.String(replicationRule),
		Status:   pulumi.String("Enabled"),
		Priority: pulumi.Int(1),
		// Everything: an object that no rule is about would be left behind without a word.
		Filter: &s3.BucketReplicationConfigRuleFilterArgs{Prefix: pulumi.String("")},
		DeleteMarkerReplication: &s3.BucketReplicationConfigRuleDeleteMarkerReplicationArgs{
			Status: pulumi.String("Disabled"),
		},
	}
	if args.Replica.Account != args.Source.Account {
		to.Account = pulumi.String(args.Replica.Account)
		to.AccessControlTranslation = &s3.BucketReplicationConfigRuleDestinationAccessControlTranslationArgs{Owner: pulumi.String("Destination")}
	}
	if args.ReplicaKeyArn != nil {
		to.EncryptionConfiguration = &s3.BucketReplicationConfigRuleDestinationEncryptionConfigurationArgs{ReplicaKmsKeyId: args.ReplicaKeyArn}
		rule.SourceSelectionCriteria = &s3.BucketReplicationConfigRuleSourceSelectionCriteriaArgs{
			SseKmsEncryptedObjects: &s3.BucketReplicationConfigRuleSourceSelectionCriteriaSseKmsEncryptedObjectsArgs{Status: pulumi.String("Enabled")},
		}
	}
	if args.TimeControl {
		to.ReplicationTime = &s3.BucketReplicationConfigRuleDestinationReplicationTimeArgs{
			Status: pulumi.String("Enabled"),
			Time:   &s3.BucketReplicationConfigRuleDestinationReplicationTimeTimeArgs{Minutes: pulumi.Int(timeControlMinutes)},
		}
		to.Metrics = &s3.BucketReplicationConfigRuleDestinationMetricsArgs{
			Status:         pulumi.String("Enabled"),
			EventThreshold: &s3.BucketReplicationConfigRuleDestinationMetricsEventThresholdArgs{Minutes: pulumi.Int(timeControlMinutes)},
		}
	}
	rule.Destination = to
	return rule
}

// registerAlarms: an object that failed for good, which only a batch replication brings over, and a lag. S3 sends no
// metrics while there is nothing to replicate, and nothing is wrong then.
func (c *BucketReplication) registerAlarms(ctx *pulumi.Context, name string, args *BucketReplicationArgs) error {
	for _, of := range []struct {
		what, description, metric, statistic string
		above                                int
	}{
		{"replication-failed", "Objects couldn't be replicated: mend the cause, then start a batch replication before they expire",
			"OperationsFailedReplication", "Sum", 0},
		{"replication-lag", "Replication lags behind", "ReplicationLatency", "Maximum", cmp.Or(args.LagSeconds, defaultLagSeconds)},
	} {
		a := alarm{
			name: args.SourceBucket + "-" + of.what, description: of.description, namespace: "AWS/S3", metric: of.metric,
			dimensions: map[string]string{"SourceBucket": args.SourceBucket, "DestinationBucket": args.ReplicaBucket, "RuleId": replicationRule},
			statistic:  of.statistic, above: float64(of.above),
		}
		if err := a.register(ctx, name+"-"+of.what, args.AlarmActions, args.Tags, pulumi.Parent(c)); err != nil {
			return err
		}
	}
	return nil
}
