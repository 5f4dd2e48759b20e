package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// AccessLogFolder is what the keys of access logs begin with. Load balancers are given the prefix "access-logs/elb", to
// which they append AWSLogs/; buckets the prefix "access-logs/s3/" with their own name and a slash behind it.
const AccessLogFolder = "access-logs/"

// BalancerPrefix is the prefix to be set in the load balancers' attribute access_logs.s3.prefix.
const BalancerPrefix = AccessLogFolder + "elb"

// ServerAccessLogPrefix is the prefix of a bucket's server access logs.
func ServerAccessLogPrefix(bucket string) string { return AccessLogFolder + "s3/" + bucket + "/" }

// AccessLogBucketArgs are the Args of [NewAccessLogBucket].
type AccessLogBucketArgs struct {
	// Place is where the bucket is: the region of the load balancers and buckets, and the buckets' account. S3 writes a
	// bucket's access logs to a bucket of the same account and region, ELB to one of the same region.
	Place      partition.Place
	BucketName string
	// ExpireDays is the age at which objects expire; with an Archive at least [LandingExpireDays].
	ExpireDays int
	// BalancerAccounts are the accounts whose application and classic load balancers in the region write here, and
	// NetworkBalancerAccounts those of network load balancers.
	BalancerAccounts, NetworkBalancerAccounts []partition.Account
	// Buckets are the buckets of Place whose server access logs are written here, by name. Each gets its logging
	// configuration from this component, whether the program owns it or not.
	Buckets []string
	// BreakGlassRoleArns may delete, as in [LogArchiveBucketArgs].
	BreakGlassRoleArns []string
	// Archive is where everything is replicated to; nil for a bucket that keeps its objects itself. Its Deliveries must
	// have that of [AccessLogReplica].
	Archive *LogArchiveBucket
	// ArchivePlace and ArchiveBucketName are where that is, and its name; ReplicationRoleName is the role of Place's
	// account as which S3 replicates.
	ArchivePlace                           partition.Place
	ArchiveBucketName, ReplicationRoleName string
	// Also is the archive's replica, as in [LandingBucketArgs]: its Deliveries must have that of [AccessLogReplica], too.
	Also *ArchiveReplica
	// LagSeconds is as in [Replica], AlarmActions as in [BucketReplicationArgs].
	LagSeconds   int
	AlarmActions pulumi.StringArrayInput
	// Tags are put on everything.
	Tags map[string]string
}

// AccessLogBucket takes the access logs of load balancers and of buckets, which are delivered to a bucket with SSE-S3 and
// without Object Lock only
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html,
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html).
type AccessLogBucket struct {
	pulumi.ResourceState
	Bucket *s3.BucketV2
	// Policy is what load balancers must wait for.
	Policy      *s3.BucketPolicy
	Replication *BucketReplication // nil without an Archive
	Name        pulumi.StringOutput
	Arn         pulumi.StringOutput
}

// AccessLogReplica is the archive's delivery for a bucket of access logs at a place. The replicas have S3's own encryption, as
// their sources have: for objects with SSE-S3, S3 doesn't use the default encryption of the replica's bucket
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html#replication-default-encryption).
func AccessLogReplica(place partition.Place, roleName string) Delivery {
	return Delivery{Kind: ReplicationDelivery, Source: place, RoleArn: place.RoleARN(roleName).String(), Prefix: AccessLogFolder, ManagedKeys: true}
}

func (args *AccessLogBucketArgs) replication() *BucketReplicationArgs {
	r := &BucketReplicationArgs{
		Source: args.Place, SourceBucket: args.BucketName, Folders: []string{AccessLogFolder}, RoleName: args.ReplicationRoleName,
		Replicas:     args.Also.after(Replica{Rule: toArchive, Place: args.ArchivePlace, BucketName: args.ArchiveBucketName, LagSeconds: args.LagSeconds}),
		AlarmActions: args.AlarmActions, Tags: args.Tags,
	}
	for i := range r.Replicas {
		r.Replicas[i].KeyArn = nil
	}
	return r
}

func (args *AccessLogBucketArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.bucket("BucketName", args.BucketName)
	p.atLeast("ExpireDays", args.ExpireDays, 1)
	for i, b := range args.Buckets {
		p.bucket(at("Buckets", i, ""), b)
		if b == args.BucketName {
			p.add(at("Buckets", i, ""), b, "want other buckets: each log object would be logged again, for ever")
		}
	}
	for i, a := range args.BalancerAccounts {
		p.place(at("BalancerAccounts", i, ""), partition.Place{Account: a, Region: args.Place.Region})
	}
	for i, a := range args.NetworkBalancerAccounts {
		p.place(at("NetworkBalancerAccounts", i, ""), partition.Place{Account: a, Region: args.Place.Region})
	}
	if len(args.Buckets)+len(args.BalancerAccounts)+len(args.NetworkBalancerAccounts) == 0 {
		p.add("Buckets", "", "want buckets or accounts with load balancers: a bucket that nobody may write to takes no logs")
	}
	for i, arn := range args.BreakGlassRoleArns {
		p.role(at("BreakGlassRoleArns", i, ""), arn, args.Place)
	}
	if args.Archive != nil {
		p.atLeast("ExpireDays", args.ExpireDays, LandingExpireDays)
		p.of(args.replication().check(name))
	}
	if len(p.list) == 0 {
		doc, err := args.policy()
		p.document("Buckets", "bucket policy", policy.Bucket, doc, err)
	}
	return p.err("AccessLogBucket", name)
}

// NewAccessLogBucket registers the bucket with its settings, the logging configuration of each of Buckets, and the replication.
// Errors: [ArgsError].
func NewAccessLogBucket(ctx *pulumi.Context, name string, args *AccessLogBucketArgs, opts ...pulumi.ResourceOption) (*AccessLogBucket, error) {
	if args == nil {
		args = &AccessLogBucketArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &AccessLogBucket{}
	if err := ctx.RegisterComponentResource("logarchive:index:AccessLogBucket", name, c, opts...); err != nil {
		return nil, err
	}
	var err error
	c.Bucket, err = s3.NewBucketV2(ctx, name, &s3.BucketV2Args{
		Bucket: pulumi.String(args.BucketName), ForceDestroy: pulumi.Bool(false), Tags: tags(args.Tags),
	}, pulumi.Parent(c), pulumi.Protect(true), pulumi.RetainOnDelete(true))
	if err != nil {
		return nil, err
	}
	versioning, err := c.registerSettings(ctx, name, args)
	if err != nil {
		return nil, err
	}
	waitFor := []pulumi.Resource{c.Policy}
	if args.Archive != nil {
		r := args.replication()
		r.DependsOn = append([]pulumi.Resource{versioning, c.Policy, args.Archive.Versioning, args.Archive.Policy}, args.Also.settled()...)
		if c.Replication, err = NewBucketReplication(ctx, name, r, pulumi.Parent(c)); err != nil {
			return nil, err
		}
		waitFor = append(waitFor, c.Replication.Config)
	}
	for _, b := range args.Buckets {
		_, err := s3.NewBucketLoggingV2(ctx, name+"/"+b, &s3.BucketLoggingV2Args{
			Bucket: pulumi.String(b), TargetBucket: c.Bucket.ID(), TargetPrefix: pulumi.String(ServerAccessLogPrefix(b)),
		}, pulumi.Parent(c), pulumi.DependsOn(waitFor))
		if err != nil {
			return nil, err
		}
	}
	c.Name, c.Arn = c.Bucket.Bucket, c.Bucket.Arn
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"name": c.Name, "arn": c.Arn})
}

func (c *AccessLogBucket) registerSettings(ctx *pulumi.Context, name string, args *AccessLogBucketArgs) (*s3.BucketVersioningV2, error) {
	doc, err := args.policy()
	if err != nil {
		return nil, err
	}
	bucket, setting := c.Bucket.ID(), pulumi.Composite(pulumi.Parent(c), pulumi.RetainOnDelete(true))
	versioning, err := s3.NewBucketVersioningV2(ctx, name, &s3.BucketVersioningV2Args{
		Bucket:                  bucket,
		VersioningConfiguration: &s3.BucketVersioningV2VersioningConfigurationArgs{Status: pulumi.String("Enabled")},
	}, setting)
	if err != nil {
		return nil, err
	}
	private, owned, err := registerPrivacy(ctx, name, bucket, setting)
	if err != nil {
		return nil, err
	}
	encrypted, err := s3.NewBucketServerSideEncryptionConfigurationV2(ctx, name, &s3.BucketServerSideEncryptionConfigurationV2Args{
		Bucket: bucket,
		Rules: s3.BucketServerSideEncryptionConfigurationV2RuleArray{&s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
			ApplyServerSideEncryptionByDefault: &s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
				SseAlgorithm: pulumi.String("AES256"),
			},
		}},
	}, setting)
	if err != nil {
		return nil, err
	}
	c.Policy, err = s3.NewBucketPolicy(ctx, name, &s3.BucketPolicyArgs{
		Bucket: bucket, Policy: pulumi.String(doc.JSON()),
	}, setting, pulumi.DependsOn([]pulumi.Resource{private, owned, encrypted}))
	if err != nil {
		return nil, err
	}
	_, err = s3.NewBucketLifecycleConfigurationV2(ctx, name, &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket,
		Rules:  lifecycle(&LogArchiveBucketArgs{RetentionDays: args.ExpireDays, NoncurrentDays: max(args.ExpireDays, LandingExpireDays)}),
	}, setting, pulumi.DependsOn([]pulumi.Resource{versioning}))
	return versioning, err
}

// registerPrivacy closes a bucket to the public, and switches access lists off. S3 refuses settings of one bucket that are
// changed at the same time (OperationAborted), so these follow each other.
func registerPrivacy(ctx *pulumi.Context, name string, bucket pulumi.StringInput, setting pulumi.ResourceOption) (private *s3.BucketPublicAccessBlock, owned *s3.BucketOwnershipControls, err error) {
	private, err = s3.NewBucketPublicAccessBlock(ctx, name, &s3.BucketPublicAccessBlockArgs{
		Bucket:                bucket,
		BlockPublicAcls:       pulumi.Bool(true),
		BlockPublicPolicy:     pulumi.Bool(true),
		IgnorePublicAcls:      pulumi.Bool(true),
		RestrictPublicBuckets: pulumi.Bool(true),
	}, setting)
	if err != nil {
		return nil, nil, err
	}
	owned, err = s3.NewBucketOwnershipControls(ctx, name, &s3.BucketOwnershipControlsArgs{
		Bucket: bucket,
		Rule:   &s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, setting, pulumi.DependsOn([]pulumi.Resource{private}))
	return private, owned, err
}
