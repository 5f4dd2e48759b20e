package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// LogArchiveBucketArgs are the Args of [NewLogArchiveBucket].
type LogArchiveBucketArgs struct {
	// Place is where the bucket is: the log archive's account, and the region that keeps the logs.
	Place partition.Place
	// BucketName is unique in the partition: 3 to 63 lower-case letters, digits and hyphens (dots are refused: they
	// break TLS with virtual-hosted names).
	BucketName string
	// KeyAlias is the alias of the bucket's key, without "alias/".
	KeyAlias string
	// RetentionDays is the age at which a log object expires; at least 1.
	RetentionDays int
	// NoncurrentDays is how long an overwritten or expired version is kept after that; 0 means 30.
	NoncurrentDays int
	// Transitions move ageing objects to cheaper storage classes, in ascending order of Days.
	Transitions []Transition
	// TransitionMinimumBytes is the least size of objects that are moved; 0 means 128 KiB. Smaller objects stay where
	// they are: S3 charges STANDARD_IA for 128 KiB at least, and adds 40 KiB of metadata to each object in Glacier.
	TransitionMinimumBytes int
	// Classes are the logs that RetentionDays and Transitions aren't for.
	Classes []RetentionClass
	// OtherFolders are, where there are Classes, all further beginnings of keys: each delivery must lie in one folder.
	OtherFolders []string
	// ObjectLock is the retention that every new object gets; nil for none.
	ObjectLock *ObjectLock
	// Deliveries are those who may write, and nobody else is granted anything.
	Deliveries []Delivery
	// OrganizationID is the organisation that the accounts of all deliveries are in; empty if they are in none, or in several.
	// With it the policies name the organisation instead of each account that delivers as a role. Services that deliver for
	// an account are still given its number: which of them say aws:SourceOrgID, AWS doesn't document.
	OrganizationID string
	// Readers are those who may read, and nobody else is granted that.
	Readers []Reader
	// AdministratorRoleArns are the roles of the bucket's account that may administer the key, the deploying role among
	// them. None of them can decrypt with it, disable it or delete it. If empty, IAM policies of the account decide.
	AdministratorRoleArns []string
	// BreakGlassRoleArns are the roles of the bucket's account that may delete objects, and lift a lock in GOVERNANCE mode.
	// If empty, nobody can, whatever the policies of the account allow; lifecycle expiry goes on in any case.
	BreakGlassRoleArns []string
	// ReplicationRoleArns are the roles of the bucket's account as which S3 replicates the bucket to others: see
	// [BucketReplication]. They can decrypt what is in it, through S3 only.
	ReplicationRoleArns []string
	// OnlyReplicas says that nobody but the roles of Deliveries of kind [ReplicationDelivery] may write, whatever the policies of
	// the account allow, and that no deletion can be replicated to the bucket.
	OnlyReplicas bool
	// Maintenance lets AdministratorRoleArns change what is settled when the bucket is made: versions, lifecycle, Object
	// Lock, default encryption, public access block, ownership. Deploy it before such a change, and take it back after it.
	Maintenance bool
	// Tags are put on the bucket and its key.
	Tags map[string]string
}

// Transition moves objects to a storage class when they are Days old.
type Transition struct {
	Days         int
	StorageClass string // as the lifecycle API writes it: see [partition.StorageRules]
}

// ObjectLock is a default retention: for Days after its creation, no object version can be deleted or overwritten.
type ObjectLock struct {
	Mode string // GOVERNANCE (some roles may lift it) or COMPLIANCE (nobody can)
	Days int
}

// LogArchiveBucket is the bucket that keeps the logs.
type LogArchiveBucket struct {
	pulumi.ResourceState
	Bucket *s3.BucketV2
	// Policy is what the deliveries must wait for: before it they are refused.
	Policy *s3.BucketPolicy
	// Versioning is what a replication to or from the bucket must wait for.
	Versioning *s3.BucketVersioningV2
	Key        *kms.Key
	Name       pulumi.StringOutput
	Arn        pulumi.StringOutput
	KeyArn     pulumi.StringOutput
}

func (args *LogArchiveBucketArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.organization("OrganizationID", args.OrganizationID, args.Place)
	p.bucket("BucketName", args.BucketName)
	p.alias("KeyAlias", args.KeyAlias)
	p.lifecycle(args)
	for i, d := range args.Deliveries {
		p.delivery(at("Deliveries", i, ""), d, args.Place)
	}
	p.readers("Readers", args.Readers, args.Place)
	for i, arn := range args.AdministratorRoleArns {
		p.role(at("AdministratorRoleArns", i, ""), arn, args.Place)
	}
	for i, arn := range args.BreakGlassRoleArns {
		p.role(at("BreakGlassRoleArns", i, ""), arn, args.Place)
	}
	for i, arn := range args.ReplicationRoleArns {
		p.role(at("ReplicationRoleArns", i, ""), arn, args.Place)
	}
	if len(p.list) == 0 {
		doc, err := archiveBucketPolicy(args, unknownKey(args.Place))
		p.document("Deliveries", "bucket policy", policy.Bucket, doc, err)
		doc, err = archiveKeyPolicy(args)
		p.document("Deliveries", "key policy", policy.Key, doc, err)
	}
	return p.err("LogArchiveBucket", name)
}

func (p *problems) delivery(field string, d Delivery, bucket partition.Place) {
	p.place(field+".Source", d.Source)
	if d.Source.Partition() != bucket.Partition() {
		p.add(field+".Source", d.Source, "nothing is delivered from one partition to another: the bucket is in %s", bucket.Partition())
	}
	switch d.Kind {
	case FirehoseDelivery:
		p.role(field+".RoleArn", d.RoleArn, d.Source)
		p.keyPrefix(field+".Prefix", d.Prefix)
		p.keyPrefix(field+".ErrorPrefix", d.ErrorPrefix)
	case ReplicationDelivery:
		p.role(field+".RoleArn", d.RoleArn, d.Source)
		p.keyPrefix(field+".Prefix", d.Prefix)
		if d.ErrorPrefix != "" {
			p.add(field+".ErrorPrefix", d.ErrorPrefix, "want none: what can't be replicated stays in the other bucket")
		}
	case FlowLogDelivery:
		p.flowLogPrefix(field+".Prefix", d.Prefix)
		if d.RoleArn != "" {
			p.add(field+".RoleArn", d.RoleArn, "want none: flow logs are delivered to S3 by a service, without a role")
		}
		if d.ErrorPrefix != "" {
			p.add(field+".ErrorPrefix", d.ErrorPrefix, "want none: flow logs have no error prefix")
		}
	case ReplayDelivery:
		p.role(field+".RoleArn", d.RoleArn, d.Source)
		p.keyPrefix(field+".ErrorPrefix", d.ErrorPrefix)
		if d.Prefix != "" {
			p.add(field+".Prefix", d.Prefix, "want none: what is brought back is delivered by its stream")
		}
	case QueryLogDelivery, TrailDelivery, ConfigDelivery, FindingsDelivery:
		p.serviceDelivery(field, d)
	default:
		p.oneOf(field+".Kind", string(d.Kind), string(FirehoseDelivery), string(FlowLogDelivery), string(ReplayDelivery), string(ReplicationDelivery), string(QueryLogDelivery),
			string(TrailDelivery), string(ConfigDelivery), string(FindingsDelivery))
	}
}

// NewLogArchiveBucket registers the bucket with all its settings and its key. Errors: [ArgsError].
//
// Bucket and key are protected, and stay when they leave the program or the stack is destroyed; so do the bucket's
// settings, without which what stays would be neither private nor encrypted nor expiring.
func NewLogArchiveBucket(ctx *pulumi.Context, name string, args *LogArchiveBucketArgs, opts ...pulumi.ResourceOption) (*LogArchiveBucket, error) {
	if args == nil {
		args = &LogArchiveBucketArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &LogArchiveBucket{}
	if err := ctx.RegisterComponentResource("logarchive:index:LogArchiveBucket", name, c, opts...); err != nil {
		return nil, err
	}
	if err := c.registerKey(ctx, name, args); err != nil {
		return nil, err
	}
	if err := c.registerBucket(ctx, name, args); err != nil {
		return nil, err
	}
	if err := c.registerSettings(ctx, name, args); err != nil {
		return nil, err
	}
	c.Name = c.Bucket.Bucket
	c.Arn = c.Bucket.Arn
	c.KeyArn = c.Key.Arn
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"name": c.Name, "arn": c.Arn, "keyArn": c.KeyArn})
}

func (c *LogArchiveBucket) registerKey(ctx *pulumi.Context, name string, args *LogArchiveBucketArgs) error {
	doc, err := archiveKeyPolicy(args)
	if err != nil {
		return err
	}
	c.Key, err = keySpec{name: name + "-key", description: "Encrypts the logs in bucket " + args.BucketName, alias: args.KeyAlias, policy: doc, tags: args.Tags}.register(ctx, pulumi.Parent(c))
	return err
}

func (c *LogArchiveBucket) registerBucket(ctx *pulumi.Context, name string, args *LogArchiveBucketArgs) (err error) {
	// Object Lock is switched on from the start, with no retention unless one is configured: switching it on later would
	// replace the bucket.
	var lock pulumi.BoolPtrInput
	if args.Place.Region.Require(partition.ObjectLock) == nil {
		lock = pulumi.Bool(true)
	}
	c.Bucket, err = s3.NewBucketV2(ctx, name, &s3.BucketV2Args{
		Bucket:            pulumi.String(args.BucketName),
		ObjectLockEnabled: lock,
		ForceDestroy:      pulumi.Bool(false),
		Tags:              tags(args.Tags),
	}, pulumi.Parent(c), pulumi.Protect(true), pulumi.RetainOnDelete(true))
	return err
}

func (c *LogArchiveBucket) registerSettings(ctx *pulumi.Context, name string, args *LogArchiveBucketArgs) error {
	bucket, setting := c.Bucket.ID(), pulumi.Composite(pulumi.Parent(c), pulumi.RetainOnDelete(true))
	versioning, err := s3.NewBucketVersioningV2(ctx, name, &s3.BucketVersioningV2Args{
		Bucket:                  bucket,
		VersioningConfiguration: &s3.BucketVersioningV2VersioningConfigurationArgs{Status: pulumi.String("Enabled")},
	}, setting)
	if err != nil {
		return err
	}
	c.Versioning = versioning
	// S3 refuses settings of one bucket that are changed at the same time (OperationAborted), so the policy follows these.
	_, owned, err := registerPrivacy(ctx, name, bucket, setting)
	if err != nil {
		return err
	}
	encrypted, err := s3.NewBucketServerSideEncryptionConfigurationV2(ctx, name, &s3.BucketServerSideEncryptionConfigurationV2Args{
		Bucket: bucket,
		Rules: s3.BucketServerSideEncryptionConfigurationV2RuleArray{&s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
			ApplyServerSideEncryptionByDefault: &s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
				SseAlgorithm: pulumi.String("aws:kms"),
				// Log delivery needs the ARN here; with a bare key id it fails.
				KmsMasterKeyId: c.Key.Arn,
			},
			BucketKeyEnabled: pulumi.Bool(true),
		}},
	}, setting)
	if err != nil {
		return err
	}
	expiring, err := s3.NewBucketLifecycleConfigurationV2(ctx, name, &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket,
		Rules:  lifecycle(args),
	}, setting, pulumi.DependsOn([]pulumi.Resource{versioning}))
	if err != nil {
		return err
	}
	settled := []pulumi.Resource{owned, encrypted, expiring}
	if args.ObjectLock != nil {
		locked, err := c.lock(ctx, name, args, setting, pulumi.DependsOn([]pulumi.Resource{versioning}))
		if err != nil {
			return err
		}
		settled = append(settled, locked)
	}
	// Who waits for the policy finds the bucket encrypted, locked and expiring. The policy comes last: it denies the deploying
	// role to change these.
	c.Policy, err = s3.NewBucketPolicy(ctx, name, &s3.BucketPolicyArgs{
		Bucket: bucket,
		Policy: documentOf(c.Key.Arn, func(keyArn string) (policy.Document, error) { return archiveBucketPolicy(args, keyArn) }),
	}, setting, pulumi.DependsOn(settled))
	return err
}

func (c *LogArchiveBucket) lock(ctx *pulumi.Context, name string, args *LogArchiveBucketArgs, opts ...pulumi.ResourceOption) (*s3.BucketObjectLockConfigurationV2, error) {
	return s3.NewBucketObjectLockConfigurationV2(ctx, name, &s3.BucketObjectLockConfigurationV2Args{
		Bucket: c.Bucket.ID(),
		Rule: &s3.BucketObjectLockConfigurationV2RuleArgs{
			DefaultRetention: &s3.BucketObjectLockConfigurationV2RuleDefaultRetentionArgs{
				Mode: pulumi.String(args.ObjectLock.Mode),
				Days: pulumi.Int(args.ObjectLock.Days),
			},
		},
	}, opts...)
}
