package components

import (
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Replica is a bucket that another is replicated to, by a rule of its own.
type Replica struct {
	// Rule is the rule's id, a dimension of its metrics: lower-case letters, digits and hyphens.
	Rule string
	// Place is where the bucket is. Its account may be another than the source's; the partition may not.
	Place partition.Place
	// BucketName is the bucket's name. It must have versions, and Object Lock if the source has.
	BucketName string
	// KeyArn is the bucket's key (SSE-KMS), of its region; nil for objects with S3's own encryption.
	KeyArn pulumi.StringInput
	// TimeControl asks S3 for 15 minutes (S3 RTC, charged by the GB). It is refused where the partition isn't known to have it.
	TimeControl bool
	// LagSeconds is the lag above which an alarm goes off; 0 means one hour.
	LagSeconds int
	// PendingBytes is how much may wait to be replicated before an alarm of [ReplicationAlarms] goes off; 0 means 100 GiB.
	PendingBytes int
	// Watched says that the alarms of [ReplicationAlarms] are made elsewhere, as those of a path. Otherwise there is one for
	// failures and one for the lag.
	Watched bool
}

// BucketReplicationArgs are the Args of [NewBucketReplication].
type BucketReplicationArgs struct {
	// Source is where the bucket is whose objects are replicated.
	Source partition.Place
	// SourceBucket is its name. It must have versions.
	SourceBucket string
	// Folders are the beginnings of the keys that are replicated, each ending with "/": the role can write replicas
	// there and nowhere else.
	Folders []string
	// RoleName is the role of the source's account as which S3 replicates.
	RoleName string
	// SourceKeyArn is the key of the bucket (SSE-KMS). It and all replicas' keys are nil for objects with S3's own encryption
	// (SSE-S3): S3 gives their replicas the same, whatever the replica's default is.
	SourceKeyArn pulumi.StringInput
	// ObjectLock says that the source has Object Lock; the replicas must have it then, too. A replica takes over the
	// retention of its source, and gets its bucket's default when the source has none.
	ObjectLock bool
	// Replicas are where the objects go, each to all of them. What is a replica in the source itself isn't replicated again
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html).
	Replicas []Replica
	// AlarmActions are the ARNs of what the alarms notify; none means that they only show.
	AlarmActions pulumi.StringArrayInput
	// DependsOn is what must be there first: all buckets' versioning, and the replicas' policies.
	DependsOn []pulumi.Resource
	// Tags are put on the role and the alarms.
	Tags map[string]string
}

// BucketReplication replicates a bucket's new objects to other buckets.
type BucketReplication struct {
	pulumi.ResourceState
	// Config is what writers to the source must wait for: objects from before it aren't replicated.
	Config  *s3.BucketReplicationConfig
	RoleArn pulumi.StringOutput
}

// toArchive is the id of the rule of a bucket in front of an archive.
const toArchive = "archive"

func (args *BucketReplicationArgs) check(name string) error {
	var p problems
	p.place("Source", args.Source)
	p.bucket("SourceBucket", args.SourceBucket)
	p.name("RoleName", args.RoleName, roleName)
	if len(args.Folders) == 0 {
		p.add("Folders", "", "want the folders that are replicated")
	}
	for i, folder := range args.Folders {
		p.keyPrefix(at("Folders", i, ""), folder)
	}
	if len(args.Replicas) == 0 {
		p.add("Replicas", "", "want the buckets that the objects are replicated to")
	}
	rules := map[string]bool{}
	for i, r := range args.Replicas {
		p.replica(at("Replicas", i, ""), args, r)
		if !lifecycleClassName.MatchString(r.Rule) || rules[r.Rule] {
			p.add(at("Replicas", i, ".Rule"), r.Rule, "want lower-case letters, digits and single hyphens, and no other rule of the name")
		}
		rules[r.Rule] = true
	}
	if len(p.list) == 0 {
		keys := []string{unknownKey(args.Source)}
		for _, r := range args.Replicas {
			keys = append(keys, unknownKey(r.Place))
		}
		doc, err := args.rolePolicy(keys)
		p.document("Folders", "role policy", policy.Inline, doc, err)
	}
	return p.err("BucketReplication", name)
}

func (p *problems) replica(field string, args *BucketReplicationArgs, r Replica) {
	p.place(field+".Place", r.Place)
	p.bucket(field+".BucketName", r.BucketName)
	p.atLeast(field+".LagSeconds", r.LagSeconds, 0)
	p.atLeast(field+".PendingBytes", r.PendingBytes, 0)
	if args.SourceBucket == r.BucketName {
		p.add(field+".BucketName", r.BucketName, "want another bucket than the source")
	}
	if (args.SourceKeyArn == nil) != (r.KeyArn == nil) {
		p.add(field+".KeyArn", "", "want the keys of both buckets or none: replicas have the same kind of encryption as their sources")
	}
	if args.Source.Region != r.Place.Region {
		p.refuse(field+".Place", r.Place, partition.CanCopy(args.Source.Region, r.Place.Region))
		p.refuse(field+".Place", r.Place, args.Source.Region.Require(partition.S3CrossRegionReplication))
	}
	if r.TimeControl {
		p.refuse(field+".TimeControl", r.TimeControl, args.Source.Region.Require(partition.ReplicationTimeControl))
	}
}

// trusted lets S3 act as the role for the source's account.
func (args *BucketReplicationArgs) trusted() (policy.Document, error) {
	return trust(args.Source, partition.S3, policy.Conditions{}.With("StringEquals", "aws:SourceAccount", string(args.Source.Account)))
}

// NewBucketReplication registers the role, the replication configuration of the source and alarms. Deletions aren't
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
		Description:      pulumi.Sprintf("S3 replicates bucket %s to %s", args.SourceBucket, strings.Join(args.bucketNames(), " and ")),
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
		Rules:  args.rules(),
	}, pulumi.Parent(c), pulumi.RetainOnDelete(true), pulumi.DependsOn(append([]pulumi.Resource{allowed}, args.DependsOn...)))
	if err != nil {
		return nil, err
	}
	if err := c.registerAlarms(ctx, name, args); err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"roleArn": c.RoleArn})
}

func (args *BucketReplicationArgs) bucketNames() []string {
	var names []string
	for _, r := range args.Replicas {
		names = append(names, r.BucketName)
	}
	return names
}

// policyOutput is the role's policy when the ARNs of the keys are known: the source's, and then those of the replicas.
func (args *BucketReplicationArgs) policyOutput() pulumi.StringInput {
	if args.SourceKeyArn == nil {
		return documentOf(pulumi.String(""), func(string) (policy.Document, error) { return args.rolePolicy(nil) })
	}
	keys := pulumi.StringArray{args.SourceKeyArn}
	for _, r := range args.Replicas {
		keys = append(keys, r.KeyArn)
	}
	return keys.ToStringArrayOutput().ApplyT(func(keys []string) (string, error) {
		doc, err := args.rolePolicy(keys)
		return doc.JSON(), err
	}).(pulumi.StringOutput)
}
