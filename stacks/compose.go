package stacks

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
)

// Compose declares a stack's resources. The archive comes first, with grants for exactly the deliveries that the spec
// needs; then the pipelines that have a source; then the sources, each of which costs at most one resource besides its
// own log group.
//
// Logical names are a public interface: a rename replaces the resource. They are the names of the configuration (of flow
// logs, log groups, databases) or what a thing is (archive, backup, a class of logs).
func Compose(ctx *pulumi.Context, spec *Spec) error {
	if err := boundRoles(ctx, spec); err != nil {
		return err
	}
	p, err := newProviders(ctx, spec)
	if err != nil {
		return err
	}
	c := &composer{
		ctx: ctx, spec: spec, providers: p, pipelines: map[Class]*components.FirehoseToS3Pipeline{},
		further: map[partition.Account]pulumi.Map{}, reports: pulumi.Map{},
	}
	for _, step := range []func() error{
		c.alarmTopics,
		c.archiveBucket,
		c.archiveReplica,
		c.landingBucket,
		c.accessLogBuckets,
		c.transformFunction,
		c.streams,
		c.flowLogs,
		c.logGroups,
		c.instances,
		c.syslog,
		c.vpcEndpoints,
		c.subscriber,
		c.accountSubscription,
		c.databases,
		c.databaseBackups,
		c.replay,
		c.services,
		c.accounts,
		c.siemFeed,
		c.queries,
		c.backupVaults,
		c.alarms,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	c.outputs()
	return nil
}

// composer is a stack in the making, as far as one source account goes: see [composer.accounts].
type composer struct {
	ctx *pulumi.Context
	// scope begins the logical names; "" for the stack's own source account.
	scope     string
	spec      *Spec
	providers *providers
	archive   *components.LogArchiveBucket
	replica   *components.ArchiveReplica    // nil without one
	landing   *components.LandingBucket     // nil without one
	transform *components.TransformFunction // nil without one
	// databaseTransform is the databases' own; nil where they have the others'.
	databaseTransform *components.TransformFunction
	pipelines         map[Class]*components.FirehoseToS3Pipeline
	// destinations carry the log groups of an account that has no pipelines.
	destinations map[Class]*components.LogDestination
	// central is the provider of the streams that destinations share; nil until it is needed.
	central *aws.Provider
	// carried are the classes of streams that carry other accounts' logs; nil for those of the spec's own sources.
	carried []Class
	backup  *components.BackupVaultWithCopy
	// further are the outputs of further source accounts.
	further map[partition.Account]pulumi.Map
	// reports are what became of databases whose exports are switched on, of all accounts; replication is nil without one.
	reports     pulumi.Map
	replication *components.DatabaseBackupReplication
	// subscribed are the subscriptions of log groups, by the groups' names.
	subscribed map[string]pulumi.Resource
	watched    map[partition.Place]*watched // nil without monitoring
}

func (c *composer) atHome() pulumi.ResourceOption { return pulumi.Provider(c.providers.home) }

// archiveArgs are the Args of the archive, which are those of its replica, too.
func (s *Spec) archiveArgs() *components.LogArchiveBucketArgs {
	a := s.ArchiveBucket
	args := &components.LogArchiveBucketArgs{
		Place:                 s.Archive,
		BucketName:            a.Bucket,
		KeyAlias:              s.KeyAlias(),
		RetentionDays:         a.RetentionDays,
		Transitions:           componentTransitions(a.Transitions),
		Deliveries:            s.allDeliveries(),
		Readers:               s.readers(),
		AdministratorRoleArns: []string{s.ArchiveRole.String()},
		Maintenance:           a.Maintenance,
		OrganizationID:        a.OrganizationID,
	}
	args.Classes, args.OtherFolders = a.retentionClasses()
	if a.ObjectLock != nil {
		args.ObjectLock = &components.ObjectLock{Mode: a.ObjectLock.Mode, Days: a.ObjectLock.Days}
	}
	if a.hasBreakGlass() {
		args.BreakGlassRoleArns = []string{a.BreakGlassRole.String()}
	}
	if s.Replica != nil && s.writesDirectly() {
		args.ReplicationRoleArns = []string{s.Archive.RoleARN(s.ReplicaRole()).String()}
	}
	return args
}

func (c *composer) archiveBucket() (err error) {
	c.archive, err = components.NewLogArchiveBucket(c.ctx, "archive", c.spec.archiveArgs(), pulumi.Provider(c.providers.archive))
	return err
}

// deliveries returns who writes to the archive: the stream of each class that has a source, and the flow log service if
// some flow log takes no stream, once for each form of its keys.
func (s *Spec) deliveries() []components.Delivery {
	list := append(s.streamDeliveries(s.classes()), s.flowLogDeliveries(MethodS3)...)
	list = append(list, s.serviceDeliveries(false)...)
	return append(list, s.replays(s.classes())...)
}

func (s *Spec) streamDeliveries(classes []Class) []components.Delivery {
	var list []components.Delivery
	for _, class := range classes {
		list = append(list, components.Delivery{
			Kind: components.FirehoseDelivery, Source: s.Home,
			RoleArn:     s.Home.RoleARN(s.DeliveryRole(class)).String(),
			Prefix:      components.FixedPrefix(s.Prefix(class)),
			ErrorPrefix: components.FixedPrefix(s.ErrorPrefix(class)),
		})
	}
	return list
}

func (c *composer) streams() error {
	s := c.spec
	for _, class := range c.classes() {
		args := &components.FirehoseToS3PipelineArgs{
			Place:                 s.Home,
			StreamName:            s.StreamName(class),
			RoleName:              s.DeliveryRole(class),
			BucketName:            s.ArchiveBucket.Bucket,
			BucketPlace:           s.Archive,
			BucketArn:             c.archive.Arn,
			KeyArn:                c.archive.KeyArn,
			Prefix:                s.Prefix(class),
			ErrorPrefix:           s.ErrorPrefix(class),
			Content:               components.CloudWatchLogs,
			BufferMiB:             s.Pipeline.BufferMiB,
			BufferSeconds:         s.Pipeline.BufferSeconds,
			ErrorLogRetentionDays: s.Pipeline.ErrorLogRetentionDays,
			ErrorLogGroupName:     s.ErrorLogGroup(class),
			Keep:                  s.Pipeline.KeepStreams,
			DependsOn:             c.archiveReady(),
		}
		switch {
		case class == ClassSyslog:
			args.Content = components.Lines
		case !class.subscribes():
			args.Content = components.VendedLogs
		default:
			if args.FromDestinations = c.carried != nil; !args.FromDestinations {
				args.SubscriptionRoleName = s.SubscriptionRole(class)
			}
			args.Transform = c.transformFor(class)
			if s.partitions(class) {
				args.DynamicPartitioning = &components.DynamicPartitioning{}
			}
		}
		pipeline, err := components.NewFirehoseToS3Pipeline(c.ctx, c.scope+string(class), args, c.atHome())
		if err != nil {
			return err
		}
		c.pipelines[class] = pipeline
	}
	return nil
}

func (c *composer) flowLogs() error {
	s := c.spec
	var role *components.FlowLogRole
	for _, f := range s.FlowLogs {
		args := &components.FlowLogToS3Args{
			Place:              s.Home,
			Resource:           components.FlowLogResource{Kind: f.Kind, ID: f.ID},
			TrafficType:        f.TrafficType,
			Method:             f.component(),
			Via:                f.Via,
			LogFormat:          f.LogFormat,
			AggregationSeconds: f.AggregationSeconds,
		}
		switch class := f.class(); class {
		case "":
			args.BucketArn, args.Prefix = c.archive.Arn, f.Prefix
			args.HivePartitions, args.HourlyPartitions = f.HivePartitions, f.HourlyPartitions
			if f.Parquet {
				args.Format = "parquet"
			}
			args.DependsOn = c.archiveReady()
			if f.Method == MethodLanding {
				args.BucketArn, args.DependsOn = c.landing.Arn, c.landing.Ready
			}
		case ClassFlowLogs:
			if role == nil {
				var err error
				role, err = components.NewFlowLogRole(c.ctx, c.scope+"flow-log-groups", &components.FlowLogRoleArgs{
					Place: s.Home, RoleName: s.FlowLogRole(), LogGroupPrefix: s.FlowLogGroups(),
				}, c.atHome())
				if err != nil {
					return err
				}
			}
			args.Role, args.LogGroupName, args.RetentionDays = role, s.FlowLogGroup(f.Name), f.RetentionDays
			fallthrough
		default:
			args.Pipeline, args.Destination = c.pipelines[class], c.destinations[class]
		}
		if _, err := components.NewFlowLogToS3(c.ctx, c.scope+f.Name, args, c.atHome()); err != nil {
			return err
		}
	}
	return nil
}

// logGroups subscribes the log groups. Those that are created outlive the stack: what they hold is gone otherwise.
func (c *composer) logGroups() error {
	for _, g := range c.spec.LogGroups {
		var name pulumi.StringInput = pulumi.String(g.Name)
		if g.Create {
			group, err := cloudwatch.NewLogGroup(c.ctx, c.scope+g.Name, &cloudwatch.LogGroupArgs{
				Name:            pulumi.String(g.Name),
				RetentionInDays: pulumi.Int(g.RetentionDays),
			}, c.atHome(), pulumi.Protect(true), pulumi.RetainOnDelete(true))
			if err != nil {
				return err
			}
			name = group.Name
		}
		filter, err := c.subscribe(ClassLogs, g.Name, name, g.FilterPattern)
		if err != nil {
			return err
		}
		if c.subscribed == nil {
			c.subscribed = map[string]pulumi.Resource{}
		}
		c.subscribed[g.Name] = filter
	}
	return nil
}

// subscribe sends the events of a log group to what carries a class of logs of the account.
func (c *composer) subscribe(class Class, name string, group pulumi.StringInput, pattern string) (*cloudwatch.LogSubscriptionFilter, error) {
	if d := c.destinations[class]; d != nil {
		return d.Subscribe(c.ctx, c.scope+string(class)+"-"+name, group, pattern, c.atHome())
	}
	return c.pipelines[class].Subscribe(c.ctx, name, group, pattern)
}

func (c *composer) backupVaults() (err error) {
	s := c.spec
	if s.BackupPlan == nil {
		return nil
	}
	args := &components.BackupVaultWithCopyArgs{
		Home: s.Home, Copy: s.Backup,
		HomeProvider: c.providers.home, CopyProvider: c.providers.backup,
		VaultName: s.BackupPlan.Vault, CopyVaultName: s.BackupPlan.Vault,
		PlanName: s.PlanName(),
		RoleName: s.BackupRole(),
	}
	for _, r := range s.BackupPlan.Rules {
		args.Rules = append(args.Rules, components.BackupRule(r))
	}
	for _, t := range s.BackupPlan.Tags {
		args.SelectionTags = append(args.SelectionTags, components.BackupTag(t))
	}
	for _, a := range s.BackupPlan.ARNs {
		args.SelectionArns = append(args.SelectionArns, a.ARN.String())
	}
	c.backup, err = components.NewBackupVaultWithCopy(c.ctx, "backup", args)
	return err
}

// pipelineTable is what the output tells of the source account's streams.
func (c *composer) pipelineTable() pulumi.Map {
	pipelines := pulumi.Map{}
	for class, p := range c.pipelines {
		pipelines[string(class)] = pulumi.Map{
			"stream":      pulumi.String(c.spec.StreamName(class)),
			"streamArn":   p.StreamArn,
			"prefix":      pulumi.String(c.spec.Prefix(class)),
			"errorPrefix": pulumi.String(c.spec.ErrorPrefix(class)),
		}
	}
	return pipelines
}

// outputs exports what operators and the command line ask for.
func (c *composer) outputs() {
	s := c.spec
	c.ctx.Export("archive", pulumi.Map{
		"account": pulumi.String(s.Archive.Account),
		"region":  pulumi.String(s.Archive.Region),
		"bucket":  c.archive.Name,
		"arn":     c.archive.Arn,
		"keyArn":  c.archive.KeyArn,
	})
	c.ctx.Export("pipelines", c.pipelineTable())
	if c.landing != nil {
		c.ctx.Export("landing", pulumi.Map{"bucket": c.landing.Name, "arn": c.landing.Arn, "keyArn": c.landing.KeyArn})
	}
	c.ctx.Export("sources", pulumi.ToStringMap(s.sourceTable()))
	c.databaseOutputs()
	if len(c.further) > 0 {
		accounts := pulumi.Map{}
		for account, pipelines := range c.further {
			accounts[string(account)] = pipelines
		}
		c.ctx.Export("accounts", accounts)
	}
	if c.backup != nil {
		c.ctx.Export("backup", pulumi.Map{
			"vaultArn":     c.backup.VaultArn,
			"copyVaultArn": c.backup.CopyVaultArn,
			"planId":       c.backup.PlanID,
		})
	}
}
