package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
)

// databases ships the logs of databases, and switches on the exports of those that want it.
func (c *composer) databases() error {
	s := c.spec
	var exported []*components.RdsLogShipping
	for _, d := range s.Databases {
		shipped, err := components.NewRdsLogShipping(c.ctx, c.scope+d.logicalName(), &components.RdsLogShippingArgs{
			Place:           s.Home,
			Identifier:      d.Identifier,
			Engine:          d.Engine,
			Cluster:         d.Cluster,
			LogTypes:        d.LogTypes,
			CreateLogGroups: d.CreateLogGroups,
			RetentionDays:   d.RetentionDays,
			Pipeline:        c.pipelines[ClassDatabases],
			Destination:     c.destinations[ClassDatabases],
		}, c.atHome())
		if err != nil {
			return err
		}
		if d.EnableExports {
			exported = append(exported, shipped)
		}
	}
	if s.Exports == nil {
		return nil
	}
	made, err := components.NewRdsLogExports(c.ctx, c.scope+"exports", &components.RdsLogExportsArgs{
		Place: s.Home,
		FunctionArgs: components.FunctionArgs{
			FunctionName: s.ExportsFunction(), RoleName: s.ExportsRole(),
			Architecture: s.Pipeline.Transform.Architecture, LogRetentionDays: s.Pipeline.ErrorLogRetentionDays,
		},
		Databases: exported,
		TagKey:    s.ExportsTag(),
		OnRemoval: s.Exports.OnRemoval,
		Schedule:  s.Exports.Schedule,
		Mend:      s.Exports.Mend,
		Revision:  s.Exports.Revision,

		AlarmActions: c.alarmActions(s.Home),
	}, c.atHome())
	if err != nil {
		return err
	}
	for name, report := range made.Reports {
		c.reports[name] = report
	}
	return nil
}

// databaseBackups replicates automated backups to the backup region.
func (c *composer) databaseBackups() (err error) {
	s := c.spec
	args := &components.DatabaseBackupReplicationArgs{Source: s.Home, Place: s.Backup, KeyAlias: s.DatabaseBackupAlias()}
	for _, d := range s.Databases {
		if d.ReplicatedDays > 0 {
			args.Databases = append(args.Databases, components.ReplicatedDatabase{Identifier: d.Identifier, RetentionDays: d.ReplicatedDays})
		}
	}
	if len(args.Databases) == 0 {
		return nil
	}
	c.replication, err = components.NewDatabaseBackupReplication(c.ctx, "database-backups", args, pulumi.Provider(c.providers.backup))
	return err
}

// databaseOutputs exports what the function found, and where backups are replicated to.
func (c *composer) databaseOutputs() {
	if len(c.reports) > 0 {
		c.ctx.Export("databaseExports", c.reports)
	}
	if c.replication != nil {
		c.ctx.Export("databaseBackups", pulumi.Map{"region": pulumi.String(c.spec.Backup.Region), "keyArn": c.replication.KeyArn})
	}
}
