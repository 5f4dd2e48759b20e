package components

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// ArchiveReplicaArgs are the Args of [NewArchiveReplica].
type ArchiveReplicaArgs struct {
	// Of are the archive's own Args. What they say of retention, classes, lock and maintenance holds for the replica, too;
	// their ReplicationRoleArns must have ReplicationRoleName's if some Deliveries are [Direct].
	Of *LogArchiveBucketArgs
	// Archive is the archive.
	Archive *LogArchiveBucket
	// Place is where the replica is: another region than the archive's. The account may be the archive's or another.
	Place partition.Place
	// BucketName and KeyAlias are as in [LogArchiveBucketArgs].
	BucketName, KeyAlias string
	// RetentionDays is the age at which objects expire in the replica that are in no class; 0 means the archive's, and it is
	// never less.
	RetentionDays int
	// Transitions are the replica's own for the same objects; nil means the archive's.
	Transitions []Transition
	// Deliveries are the replications of the buckets before the archive, straight to the replica.
	Deliveries []Delivery
	// AdministratorRoleArns and BreakGlassRoleArns are roles of the replica's account, as in [LogArchiveBucketArgs].
	AdministratorRoleArns, BreakGlassRoleArns []string
	// ReplicationRoleName is the role of the archive's account as which S3 replicates.
	ReplicationRoleName string
	// TimeControl, LagSeconds, PendingBytes and Watched are as in [Replica], of the replications from all buckets.
	TimeControl              bool
	LagSeconds, PendingBytes int
	Watched                  bool
	// AlarmActions are as in [BucketReplicationArgs]: those in the archive's place.
	AlarmActions pulumi.StringArrayInput
	// ArchiveProvider and ReplicaProvider act at the archive's place and at Place.
	ArchiveProvider, ReplicaProvider *aws.Provider
	// Tags are put on everything.
	Tags map[string]string
}

// ArchiveReplica is a second archive bucket in another region, to which all objects of the first are replicated. Nothing else
// may write to it, deletions aren't replicated, and it is locked, encrypted and closed as the archive is.
type ArchiveReplica struct {
	pulumi.ResourceState
	Replica *LogArchiveBucket
	// Replication is nil where everything in the archive is a replica itself, which S3 doesn't replicate again.
	Replication *BucketReplication
	Name        pulumi.StringOutput
	Arn         pulumi.StringOutput
	KeyArn      pulumi.StringOutput
	args        *ArchiveReplicaArgs
}

// ReplicaRule is the id of the rules by which objects get to an archive's replica.
const ReplicaRule = "replica"

// replica is how the replica looks to a replication.
func (args *ArchiveReplicaArgs) replica(key pulumi.StringInput) Replica {
	return Replica{
		Rule: ReplicaRule, Place: args.Place, BucketName: args.BucketName, KeyArn: key,
		TimeControl: args.TimeControl, LagSeconds: args.LagSeconds, PendingBytes: args.PendingBytes, Watched: args.Watched,
	}
}

// after are the replicas of a bucket before the archive: the archive, and its replica if there is one.
func (c *ArchiveReplica) after(archive Replica) []Replica {
	if c == nil {
		return []Replica{archive}
	}
	return []Replica{archive, c.args.replica(c.KeyArn)}
}

// settled is what a replication to the replica must wait for.
func (c *ArchiveReplica) settled() []pulumi.Resource {
	if c == nil {
		return nil
	}
	return []pulumi.Resource{c.Replica.Versioning, c.Replica.Policy}
}

// bucket are the Args of the replica's bucket. The lock is the archive's, neither longer nor shorter: a replica has the
// retention of its source, and this is for what comes without one
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-managing-replication).
func (args *ArchiveReplicaArgs) bucket() *LogArchiveBucketArgs {
	b := *args.Of
	b.Place, b.BucketName, b.KeyAlias = args.Place, args.BucketName, args.KeyAlias
	if args.RetentionDays != 0 {
		b.RetentionDays = args.RetentionDays
	}
	if args.Transitions != nil {
		b.Transitions = args.Transitions
	}
	b.Deliveries = append(replicasOf(args.Of.Place, args.ReplicationRoleName, args.Of.written()), args.Deliveries...)
	b.Readers, b.ReplicationRoleArns, b.OnlyReplicas = nil, nil, true
	b.AdministratorRoleArns, b.BreakGlassRoleArns, b.Tags = args.AdministratorRoleArns, args.BreakGlassRoleArns, args.Tags
	return &b
}

// Direct are the deliveries that aren't replications: what S3 replicates again.
func Direct(deliveries []Delivery) []Delivery {
	return slices.DeleteFunc(slices.Clone(deliveries), func(d Delivery) bool { return d.Kind == ReplicationDelivery })
}

// written are the folders that are delivered to directly: where there are classes, those of the lifecycle's rules.
func (args *LogArchiveBucketArgs) written() []string {
	deliveries := Direct(args.Deliveries)
	if len(args.Classes) == 0 {
		return folders(deliveries)
	}
	of := args.OtherFolders
	for _, c := range args.Classes {
		of = append(of[:len(of):len(of)], c.Folders...)
	}
	return slices.DeleteFunc(sorted(of), func(folder string) bool {
		return !slices.ContainsFunc(deliveries, func(d Delivery) bool {
			return slices.ContainsFunc(d.keyPrefixes(), func(key string) bool { return strings.HasPrefix(key, folder) })
		})
	})
}

func (args *ArchiveReplicaArgs) replication() *BucketReplicationArgs {
	return &BucketReplicationArgs{
		Source: args.Of.Place, SourceBucket: args.Of.BucketName, Folders: args.Of.written(), RoleName: args.ReplicationRoleName,
		// The keys are filled in when they exist.
		SourceKeyArn: pulumi.String(""), Replicas: []Replica{args.replica(pulumi.String(""))},
		ObjectLock:   args.Of.Place.Region.Require(partition.ObjectLock) == nil,
		AlarmActions: args.AlarmActions, Tags: args.Tags,
	}
}

func (args *ArchiveReplicaArgs) check(name string) error {
	var p problems
	if args.Archive == nil {
		p.add("Archive", "", "want the bucket that is replicated")
	}
	if args.ArchiveProvider == nil {
		p.add("ArchiveProvider", "", "want the provider that acts at the archive's place")
	}
	if args.ReplicaProvider == nil {
		p.add("ReplicaProvider", "", "want the provider that acts at Place")
	}
	if args.Of == nil {
		p.add("Of", "", "want the archive's Args")
		return p.err("ArchiveReplica", name)
	}
	if args.Place.Region == args.Of.Place.Region {
		p.add("Place", args.Place, "want another region than the archive's: what happens to that must not happen to both")
	}
	if args.RetentionDays != 0 {
		p.atLeast("RetentionDays", args.RetentionDays, args.Of.RetentionDays)
	}
	for i, d := range args.Deliveries {
		if d.Kind != ReplicationDelivery {
			p.oneOf(at("Deliveries", i, ".Kind"), string(d.Kind), string(ReplicationDelivery))
		}
	}
	p.of(args.bucket().check(name))
	if len(args.Of.written()) > 0 {
		p.of(args.replication().check(name))
	}
	return p.err("ArchiveReplica", name)
}

// NewArchiveReplica registers the replica's bucket with its key, and the replication of the archive to it. Errors: [ArgsError].
//
// What was in the archive before isn't replicated: a batch replication brings it over
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html).
func NewArchiveReplica(ctx *pulumi.Context, name string, args *ArchiveReplicaArgs, opts ...pulumi.ResourceOption) (*ArchiveReplica, error) {
	if args == nil {
		args = &ArchiveReplicaArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &ArchiveReplica{args: args}
	if err := ctx.RegisterComponentResource("logarchive:index:ArchiveReplica", name, c, opts...); err != nil {
		return nil, err
	}
	var err error
	if c.Replica, err = NewLogArchiveBucket(ctx, name, args.bucket(), pulumi.Parent(c), pulumi.Providers(args.ReplicaProvider)); err != nil {
		return nil, err
	}
	c.Name, c.Arn, c.KeyArn = c.Replica.Name, c.Replica.Arn, c.Replica.KeyArn
	if r := args.replication(); len(r.Folders) > 0 {
		r.SourceKeyArn, r.Replicas[0].KeyArn = args.Archive.KeyArn, c.KeyArn
		r.DependsOn = append([]pulumi.Resource{args.Archive.Versioning, args.Archive.Policy}, c.settled()...)
		if c.Replication, err = NewBucketReplication(ctx, name, r, pulumi.Parent(c), pulumi.Providers(args.ArchiveProvider)); err != nil {
			return nil, err
		}
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"name": c.Name, "arn": c.Arn, "keyArn": c.KeyArn})
}
