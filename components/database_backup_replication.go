package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// ReplicatedDatabase is a DB instance whose automated backups are replicated.
type ReplicatedDatabase struct {
	Identifier string
	// RetentionDays is how long they are kept where they are replicated to, 1 to 35.
	RetentionDays int
}

// DatabaseBackupReplicationArgs are the Args of [NewDatabaseBackupReplication].
type DatabaseBackupReplicationArgs struct {
	// Source is where the databases are, Place where their backups are replicated to: another region of the account that
	// [partition.CanCopy] accepts. The component's provider is the one of Place.
	Source, Place partition.Place
	// KeyAlias is the alias of the key that encrypts the backups, without "alias/".
	KeyAlias string
	// Databases are 1 to 20 DB instances with automated backups; RDS replicates no clusters, Aurora's included.
	Databases []ReplicatedDatabase
	// Tags are put on the key.
	Tags map[string]string
}

// DatabaseBackupReplication replicates the automated backups and transaction logs of DB instances to another region, from
// which they can be restored to any point in time of their retention. RDS starts it in the region that they go to
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReplicateBackups.html).
type DatabaseBackupReplication struct {
	pulumi.ResourceState
	Key    *kms.Key
	KeyArn pulumi.StringOutput
}

const leastReplicatedDays, mostReplicatedDays = 1, 35

func (args *DatabaseBackupReplicationArgs) check(name string) error {
	var p problems
	p.place("Source", args.Source)
	p.place("Place", args.Place)
	p.alias("KeyAlias", args.KeyAlias)
	if args.Source.Partition() != "" && args.Place.Partition() != "" {
		p.refuse("Place", args.Place, partition.CanCopy(args.Source.Region, args.Place.Region))
		p.refuse("Source", args.Source, args.Source.Region.Require(partition.RDSBackupReplication))
		if args.Source.Account != args.Place.Account {
			p.add("Place", args.Place, "want account %s: backups are replicated within an account", args.Source.Account)
		}
	}
	most, err := partition.Everywhere(partition.RDSBackupReplications)
	p.refuse("Databases", len(args.Databases), err)
	if n := len(args.Databases); n == 0 || int64(n) > most {
		p.add("Databases", n, "want 1 to %d", most)
	}
	seen := map[string]bool{}
	for i, d := range args.Databases {
		p.name(at("Databases", i, ".Identifier"), d.Identifier, databaseName)
		if seen[d.Identifier] {
			p.add(at("Databases", i, ".Identifier"), d.Identifier, "is there twice")
		}
		seen[d.Identifier] = true
		if d.RetentionDays < leastReplicatedDays || d.RetentionDays > mostReplicatedDays {
			p.add(at("Databases", i, ".RetentionDays"), d.RetentionDays, "want %d to %d", leastReplicatedDays, mostReplicatedDays)
		}
	}
	if len(p.list) == 0 {
		doc, err := replicationKeyPolicy(args.Place)
		p.document("Place", "key policy", policy.Key, doc, err)
	}
	return p.err("DatabaseBackupReplication", name)
}

// replicationKeyPolicy lets whoever may start a replication in the account give RDS the grant by which it encrypts, and
// lets nobody use the key otherwise (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html).
func replicationKeyPolicy(place partition.Place) (policy.Document, error) {
	via, err := place.ViaService(partition.RDS)
	if err != nil {
		return policy.Document{}, err
	}
	return policy.Document{Statements: []policy.Statement{
		keyAdministration(place, nil),
		{
			Sid: "GrantToRDS", Effect: policy.Allow, Principal: policy.AWSPrincipals(place.RootARN().String()), Resource: anything,
			Action:    []string{"kms:CreateGrant"},
			Condition: policy.Conditions{}.With("StringEquals", "kms:ViaService", via).With("Bool", "kms:GrantIsForAWSResource", "true"),
		},
	}}, nil
}

// NewDatabaseBackupReplication registers a key with its alias, which are protected and stay, and a replication for each
// database. A changed retention begins the replication anew: RDS can't change it. Errors: [ArgsError].
func NewDatabaseBackupReplication(ctx *pulumi.Context, name string, args *DatabaseBackupReplicationArgs, opts ...pulumi.ResourceOption) (*DatabaseBackupReplication, error) {
	if args == nil {
		args = &DatabaseBackupReplicationArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	doc, err := replicationKeyPolicy(args.Place)
	if err != nil {
		return nil, err
	}
	c := &DatabaseBackupReplication{}
	if err := ctx.RegisterComponentResource("logarchive:index:DatabaseBackupReplication", name, c, opts...); err != nil {
		return nil, err
	}
	key := keySpec{name: name, description: "Encrypts the automated backups of databases of " + string(args.Source.Region), alias: args.KeyAlias, policy: doc, tags: args.Tags}
	c.Key, err = key.registerKey(ctx, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	c.KeyArn = c.Key.Arn
	if err := key.registerAlias(ctx, c.Key, pulumi.Parent(c), pulumi.Protect(true), pulumi.RetainOnDelete(true)); err != nil {
		return nil, err
	}
	for _, d := range args.Databases {
		if _, err := rds.NewInstanceAutomatedBackupsReplication(ctx, name+"-"+d.Identifier, &rds.InstanceAutomatedBackupsReplicationArgs{
			SourceDbInstanceArn: pulumi.String(args.Source.ARN(partition.RDS, "db:"+d.Identifier).String()),
			KmsKeyId:            c.Key.Arn,
			RetentionPeriod:     pulumi.Int(d.RetentionDays),
		}, pulumi.Parent(c), pulumi.DeleteBeforeReplace(true)); err != nil {
			return nil, err
		}
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"keyArn": c.KeyArn})
}
