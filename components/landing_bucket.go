package components

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// LandingBucketArgs are the Args of [NewLandingBucket].
type LandingBucketArgs struct {
	// Place is where the bucket is: the region of what delivers to it.
	Place partition.Place
	// BucketName and KeyAlias (without "alias/") are as in [LogArchiveBucketArgs].
	BucketName, KeyAlias string
	// ExpireDays is the age at which an object expires here; at least [LandingExpireDays]. S3 lets nothing expire whose
	// replication is pending (https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html),
	// but what failed does: until then the cause must be mended, and a batch replication must have run.
	ExpireDays int
	// Deliveries are those who may write.
	Deliveries []Delivery
	// AdministratorRoleArns and BreakGlassRoleArns are as in [LogArchiveBucketArgs].
	AdministratorRoleArns, BreakGlassRoleArns []string
	// Maintenance is as in [LogArchiveBucketArgs].
	Maintenance bool
	// Archive is where everything is replicated to. Its Deliveries must have those of [Replicas].
	Archive *LogArchiveBucket
	// ArchivePlace and ArchiveBucketName are where that is, and its name.
	ArchivePlace      partition.Place
	ArchiveBucketName string
	// ReplicationRoleName is the role of Place's account as which S3 replicates.
	ReplicationRoleName string
	// TimeControl and LagSeconds are as in [Replica].
	TimeControl bool
	LagSeconds  int
	// Also is the archive's replica, if it has one: what arrives in the archive as a replica isn't replicated from there. Its
	// Deliveries must have those of [Replicas], too.
	Also *ArchiveReplica
	// AlarmActions are as in [BucketReplicationArgs].
	AlarmActions pulumi.StringArrayInput
	// Tags are put on everything.
	Tags map[string]string
}

// LandingExpireDays is how long what landed is kept at least: time enough to see that a replication failed, to mend it and
// to replicate again what failed (S3 itself tries for hours).
const LandingExpireDays = 14

// LandingBucket takes what must be delivered in its own region, and replicates it to an archive bucket.
type LandingBucket struct {
	pulumi.ResourceState
	// Landing has the bucket, its key and settings.
	Landing     *LogArchiveBucket
	Replication *BucketReplication
	Name        pulumi.StringOutput
	Arn         pulumi.StringOutput
	KeyArn      pulumi.StringOutput
	// Ready is what those who deliver must wait for: before it they are refused, or their objects not replicated.
	Ready []pulumi.Resource
}

// Replicas are the archive's deliveries for what lands in a bucket at a place: one for each folder.
func Replicas(place partition.Place, roleName string, landed []Delivery) []Delivery {
	return replicasOf(place, roleName, folders(landed))
}

func replicasOf(place partition.Place, roleName string, folders []string) []Delivery {
	var out []Delivery
	for _, folder := range folders {
		out = append(out, Delivery{Kind: ReplicationDelivery, Source: place, RoleArn: place.RoleARN(roleName).String(), Prefix: folder})
	}
	return out
}

// folders are the first parts of all keys that are delivered, each ending with "/".
func folders(deliveries []Delivery) []string {
	var out []string
	for _, d := range deliveries {
		for _, key := range d.keyPrefixes() {
			folder, _, _ := strings.Cut(key, "/")
			out = append(out, folder+"/")
		}
	}
	return sorted(out)
}

func (args *LandingBucketArgs) bucket() *LogArchiveBucketArgs {
	return &LogArchiveBucketArgs{
		Place: args.Place, BucketName: args.BucketName, KeyAlias: args.KeyAlias,
		RetentionDays: args.ExpireDays,
		// A version that was overwritten must have been replicated like any other.
		NoncurrentDays:        args.ExpireDays,
		Deliveries:            args.Deliveries,
		AdministratorRoleArns: args.AdministratorRoleArns, BreakGlassRoleArns: args.BreakGlassRoleArns,
		Maintenance:         args.Maintenance,
		ReplicationRoleArns: []string{args.Place.RoleARN(args.ReplicationRoleName).String()},
		Tags:                args.Tags,
	}
}

func (args *LandingBucketArgs) replication() *BucketReplicationArgs {
	return &BucketReplicationArgs{
		Source: args.Place, SourceBucket: args.BucketName, Folders: folders(args.Deliveries), RoleName: args.ReplicationRoleName,
		// The keys are filled in when they exist.
		SourceKeyArn: pulumi.String(""),
		ObjectLock:   args.Place.Region.Require(partition.ObjectLock) == nil,
		Replicas: args.Also.after(Replica{
			Rule: toArchive, Place: args.ArchivePlace, BucketName: args.ArchiveBucketName, KeyArn: pulumi.String(""),
			TimeControl: args.TimeControl, LagSeconds: args.LagSeconds,
		}),
		AlarmActions: args.AlarmActions, Tags: args.Tags,
	}
}

func (args *LandingBucketArgs) check(name string) error {
	var p problems
	p.atLeast("ExpireDays", args.ExpireDays, LandingExpireDays)
	if args.Archive == nil {
		p.add("Archive", "", "want the bucket that everything is replicated to")
	}
	if len(args.Deliveries) == 0 {
		p.add("Deliveries", "", "want those who deliver: a bucket that nobody may write to lands nothing")
	} else {
		p.of(args.bucket().check(name))
		p.of(args.replication().check(name))
	}
	return p.err("LandingBucket", name)
}

// NewLandingBucket registers the bucket, as protected as an archive bucket, and its replication. Errors: [ArgsError].
//
// It has Object Lock where the archive has, and no default retention: a replica takes over the retention of its source, so
// that a short one here would make the archive's short. An object without one gets the archive's default
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-managing-replication).
func NewLandingBucket(ctx *pulumi.Context, name string, args *LandingBucketArgs, opts ...pulumi.ResourceOption) (*LandingBucket, error) {
	if args == nil {
		args = &LandingBucketArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &LandingBucket{}
	if err := ctx.RegisterComponentResource("logarchive:index:LandingBucket", name, c, opts...); err != nil {
		return nil, err
	}
	var err error
	if c.Landing, err = NewLogArchiveBucket(ctx, name, args.bucket(), pulumi.Parent(c)); err != nil {
		return nil, err
	}
	r := args.replication()
	r.SourceKeyArn, r.Replicas[0].KeyArn = c.Landing.KeyArn, args.Archive.KeyArn
	r.DependsOn = append([]pulumi.Resource{c.Landing.Versioning, c.Landing.Policy, args.Archive.Versioning, args.Archive.Policy}, args.Also.settled()...)
	if c.Replication, err = NewBucketReplication(ctx, name, r, pulumi.Parent(c)); err != nil {
		return nil, err
	}
	c.Name, c.Arn, c.KeyArn = c.Landing.Name, c.Landing.Arn, c.Landing.KeyArn
	c.Ready = []pulumi.Resource{c.Landing.Policy, c.Replication.Config}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"name": c.Name, "arn": c.Arn, "keyArn": c.KeyArn})
}
