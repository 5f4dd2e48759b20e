package stacks

import (
	"cmp"
	"slices"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// ExportsSpec is the function that switches on the exports of databases.
type ExportsSpec struct {
	// Schedule is when databases are compared with the configuration.
	Schedule string
	// Mend switches on what is missing then.
	Mend bool
	// OnRemoval is components.KeepExports or components.RestoreExports.
	OnRemoval string
	// Revision has all databases looked at again when it changes.
	Revision string
}

func enableExportsField() schema.Field {
	return schema.Field{Key: "enableExports", Kind: schema.Boolean, Default: false,
		Doc: "Whether the stack switches the exports on in the database, which it doesn't own and doesn't import: a function calls ModifyDBInstance or ModifyDBCluster, without a restart. A database that the stack can't change fails pulumi up. Log types that are switched on already stay on, and parameters are only reported (output databaseExports)."}
}

func backupReplicationField() schema.Field {
	return schema.Field{Key: "backupReplication", Kind: schema.Object, DefaultText: "automated backups stay in the home region",
		Doc:     "Replicates the automated backups and transaction logs of a DB instance to the backup region, encrypted with a key of its own there. The instance must have automated backups. Clusters can't.",
		Accepts: "an object with retentionDays",
		Fields: []schema.Field{
			{Key: "retentionDays", Kind: schema.Integer, Required: true, Range: schema.Between(1, 35),
				Doc: "How long they are kept there. Changing it begins the replication anew."},
		}}
}

func databaseExportsField() schema.Field {
	return schema.Field{
		Key: "databaseExports", Kind: schema.Object,
		Doc:     "How the exports of databases with enableExports are kept switched on.",
		Example: "schedule: rate(1 hour)\nmend: true\nonRemoval: keep",
		Fields: []schema.Field{
			{Key: "schedule", Kind: schema.String, DefaultText: defaultSweep,
				Doc:     "When the databases are compared with the configuration (UTC). An alarm tells of one that doesn't export a log any more.",
				Accepts: "rate(n minutes), rate(n hours), rate(n days), or cron(minutes hours day-of-month month day-of-week year)"},
			{Key: "mend", Kind: schema.Boolean, Default: false,
				Doc: "Whether a log that somebody has switched off is switched on again then."},
			{Key: "onRemoval", Kind: schema.String, Default: components.KeepExports, Values: []string{components.KeepExports, components.RestoreExports},
				Doc: "What becomes of a log that the stack has switched on, when it or its database leaves the configuration, or the stack is destroyed. keep: it stays on, for logs mustn't stop because of that. restore: it is switched off; what was on before, or somebody else has switched on, stays on. It is in effect after the next pulumi up."},
			{Key: "revision", Kind: schema.String, DefaultText: "none",
				Doc:     "Change it, and the next pulumi up looks at all databases and their parameters again.",
				Accepts: "any text, such as a date"},
		},
	}
}

// databaseExports reads how exports are switched on, once the databases of all accounts are read.
func (p *parser) databaseExports(v schema.Value) {
	all := []*Spec{p.spec}
	for i := range p.spec.Accounts {
		all = append(all, p.spec.Accounts[i].Stack)
	}
	some := false
	for _, s := range all {
		if slices.ContainsFunc(s.Databases, func(d DatabaseSpec) bool { return d.EnableExports }) {
			some = true
			s.Exports = &ExportsSpec{
				Schedule: cmp.Or(v.Get("schedule").Text(), defaultSweep), Mend: v.Get("mend").Flag(),
				OnRemoval: cmp.Or(v.Get("onRemoval").Text(), components.KeepExports), Revision: v.Get("revision").Text(),
			}
		}
	}
	if !some && v.Given && len(p.spec.Databases) > 0 {
		p.add(v, "no database has enableExports; leave it out, or say enableExports: true for those that this stack doesn't own")
	}
	if schedule := v.Get("schedule"); schedule.OK() {
		if err := checkSweep(schedule.Text()); err != nil {
			p.add(schedule, "%s: %v", schema.Quote(schedule.Text()), err)
		}
	}
}

// replicated reads for how long a database's automated backups are kept in the backup region.
func (p *parser) replicated(item schema.Value, s DatabaseSpec) int {
	v := item.Get("backupReplication")
	if !v.Given || !v.Valid {
		return 0
	}
	switch {
	case p.spec.Home.Account != "" && p.spec.Backup == (partition.Place{}):
		p.add(v, "automated backups are replicated for databases of the source account only; leave it out")
		return 0
	case s.Cluster:
		p.add(v, "RDS replicates automated backups of DB instances only, and this is a cluster; leave it out, and select the cluster in backup.selection")
		return 0
	}
	if home := p.spec.Home.Region; home != "" {
		if err := home.Require(partition.RDSBackupReplication); err != nil {
			p.add(v, "%v; leave it out", err)
		}
	}
	return v.Get("retentionDays").Number()
}

// replications checks that there aren't more than RDS has.
func (p *parser) replications(v schema.Value) {
	n := 0
	for _, d := range p.spec.Databases {
		if d.ReplicatedDays > 0 {
			n++
		}
	}
	most, err := partition.Everywhere(partition.RDSBackupReplications)
	if err != nil {
		p.add(v, "%v", err)
	} else if int64(n) > most {
		p.add(v, "%d databases have backupReplication; RDS replicates the automated backups of at most %d instances to a region", n, most)
	}
}
