package stacks

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// ReplicaSpec is the archive's replica.
type ReplicaSpec struct {
	Key string // path in the configuration
	// Place is of another region than the archive.
	Place partition.Place
	// Role is assumed in the replica's account, with ExternalID, which may be schema.Placeholder as [Spec.ExternalID] may. In
	// the archive's account they are the archive's.
	Role       partition.ARN
	ExternalID string
	Bucket     string
	// BreakGlassRole is the only one that may delete; the zero ARN if there is none.
	BreakGlassRole partition.ARN
	// RetentionDays is at least the archive's. Transitions are nil where they are the archive's.
	RetentionDays int
	Transitions   []TransitionSpec
	// TimeControl asks S3 to replicate within 15 minutes.
	TimeControl bool
	// LagMinutes and PendingGiB are what alarms go off above.
	LagMinutes, PendingGiB int
}

const defaultPendingGiB = 100

func replicaField() schema.Field {
	account := assumedFields("The replica's account, where it isn't the archive's: then its administrators aren't the archive's either. Not the source account.",
		"an account id of 12 digits, in quotes; neither the source account nor the archive's", "replica's")
	for i := range account {
		account[i].Required = false
		account[i].DefaultText = "needed with account"
	}
	account[0].DefaultText = "the archive's account, with archive.role"
	return schema.Field{
		Key: "replica", Kind: schema.Object,
		Doc: "A second archive in another region, with a key of its own, to which S3 replicates every object of the first. It is locked and expires as the archive, nothing but the replication writes to it, and no deletion is replicated. What is in the archive already is brought over by a batch replication.",
		Example: strings.Join([]string{
			"region: cn-north-1",
			"bucket: example-log-replica-222233334444-beijing",
		}, "\n"),
		Accepts: "an object with region and bucket",
		Fields: append(append([]schema.Field{
			{Key: "region", Kind: schema.String, Required: true,
				Doc:     "The region of the replica.",
				Accepts: "another region of the archive's partition; in China the home region, since there are two"},
			{Key: "bucket", Kind: schema.String, Required: true,
				Doc:     "The name of the replica's bucket. Names are shared by all accounts of a partition, so put the account id into it.",
				Accepts: "3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last; a name that no other bucket of the stack has"},
		}, account...), []schema.Field{
			{Key: "breakGlassRole", Kind: schema.String, DefaultText: "archive.breakGlassRole in the archive's account, otherwise nobody",
				Doc:     "The role in the replica's account that may delete objects, as archive.breakGlassRole there.",
				Accepts: "the name of a role other than role, with its path if it has one, or the role's ARN; only with account"},
			{Key: "retentionDays", Kind: schema.Integer, DefaultText: "archive.retentionDays", Range: schema.Between(minRetentionDays, maxDays),
				Doc: "After how many days logs expire in the replica that are in none of archive.classes; at least as long as in the archive. Classes expire as there."},
			transitionsField("When objects move to a cheaper storage class in the replica; those of archive.transitions if it is left out. Classes move as in the archive."),
			{Key: "replicationTimeControl", Kind: schema.Boolean, DefaultText: "false",
				Doc: "Whether S3 promises to replicate within 15 minutes, for a price by the gigabyte. Refused where the partition isn't known to have it."},
			{Key: "lagMinutes", Kind: schema.Integer, DefaultText: fmt.Sprint(defaultLagMinutes), Range: schema.Between(15, 24*60),
				Doc: "The lag of the replication above which an alarm goes off."},
			{Key: "pendingGiB", Kind: schema.Integer, DefaultText: fmt.Sprint(defaultPendingGiB), Range: schema.Between(1, 1<<20),
				Doc: "How much may wait to be replicated before an alarm goes off (GiB)."},
		}...),
	}
}

// replica reads the archive's replica, once the archive and the landing bucket are read.
func (p *parser) replica(archive schema.Value) {
	v := archive.Get("replica")
	if !v.OK() {
		return
	}
	s := p.spec
	r := &ReplicaSpec{
		Key: v.Path, Place: partition.Place{Account: s.Archive.Account, Region: p.replicaRegion(v.Get("region"))},
		Role: s.ArchiveRole, ExternalID: s.ExternalID, Bucket: v.Get("bucket").Text(), BreakGlassRole: s.ArchiveBucket.BreakGlassRole,
		RetentionDays: s.ArchiveBucket.RetentionDays, TimeControl: v.Get("replicationTimeControl").Flag(),
		LagMinutes: cmp.Or(v.Get("lagMinutes").Number(), defaultLagMinutes), PendingGiB: cmp.Or(v.Get("pendingGiB").Number(), defaultPendingGiB),
	}
	if bucket := v.Get("bucket"); bucket.OK() {
		if err := checkBucketName(r.Bucket); err != nil {
			p.add(bucket, "%v", err)
		}
		if s.keepsIn(r.Bucket) {
			p.add(bucket, "%s is another bucket of the stack, too; want another", schema.Quote(r.Bucket))
		}
	}
	retention, longest := v.Get("retentionDays"), archive.Get("retentionDays")
	if retention.OK() {
		if r.RetentionDays = retention.Number(); longest.Valid && r.RetentionDays < longest.Number() {
			p.add(retention, "%d is less than in the archive; want at least archive.retentionDays, which is %d", r.RetentionDays, longest.Number())
		}
		longest = retention
	}
	r.Transitions = p.transitions(v.Get("transitions"), longest)
	s.Replica = r
	p.replicaAccount(v)
	if control := v.Get("replicationTimeControl"); control.Flag() && s.Archive.Region != "" {
		if err := s.Archive.Region.Require(partition.ReplicationTimeControl); err != nil {
			p.add(control, "%v; leave it out", err)
		}
	}
}

// replicaRegion reads a region that isn't the archive's and that the archive can be copied to.
func (p *parser) replicaRegion(v schema.Value) partition.Region {
	r, of := p.region(v), p.spec.Archive.Region
	if r == "" || of == "" {
		return r
	}
	if r == of {
		p.add(v, "%s is the archive's region, too; want another, which a failure of that region leaves alone", schema.Quote(v.Text()))
	} else if err := partition.CanCopy(of, r); err != nil {
		p.add(v, "%v", err)
	}
	return r
}

// replicaAccount reads in which account the replica is, who deploys there, and who may delete there.
func (p *parser) replicaAccount(v schema.Value) {
	s, r := p.spec, p.spec.Replica
	account, role, external, breakGlass := v.Get("account"), v.Get("role"), v.Get("externalId"), v.Get("breakGlassRole")
	if !account.Given {
		for _, with := range []schema.Value{role, external, breakGlass} {
			if with.Given {
				p.add(with, "is for a replica in another account than the archive's; want account, too, or leave it out")
			}
		}
		return
	}
	if !account.OK() {
		return
	}
	switch partition.Account(account.Text()) {
	case s.Archive.Account:
		p.add(account, "%s is the archive's account; leave account, role and externalId out", schema.Quote(account.Text()))
	case s.Home.Account:
		p.add(account, "%s is the source account; want another account, out of reach of the source's administrators", schema.Quote(account.Text()))
	}
	r.Place.Account = partition.Account(account.Text())
	r.Role, r.BreakGlassRole = partition.ARN{}, partition.ARN{}
	if role.OK() {
		r.Role = p.role(role, r.Place, "the replica's")
	} else if !role.Given {
		p.add(role, "is required with account; want %s", "the name of a role of that account, with its path if it has one, or the role's ARN")
	}
	if !external.Given {
		p.add(external, "is required with account; want 2 to 1224 letters, digits and + = , . @ : / _ -")
	}
	r.ExternalID = p.externalID(external)
	if breakGlass.OK() {
		if r.BreakGlassRole = p.role(breakGlass, r.Place, "the replica's"); r.BreakGlassRole == r.Role {
			p.add(breakGlass, "%s is the role that deploys, too; want another one, which nobody has but in an emergency", schema.Quote(breakGlass.Text()))
		}
	}
}

// ReplicaRole is what S3 acts as when it replicates the archive. It is a role of the archive's account.
func (s *Spec) ReplicaRole() string { return s.roleName("archive-replication") }

// ReplicaKeyAlias is the alias of the replica's key.
func (s *Spec) ReplicaKeyAlias() string { return s.NamePrefix + "-replica" }

// writesDirectly says whether something is written to the archive that isn't a replica.
func (s *Spec) writesDirectly() bool { return len(components.Direct(s.allDeliveries())) > 0 }

// replicaElsewhere says whether the replica is in an account of its own.
func (s *Spec) replicaElsewhere() bool {
	return s.Replica != nil && s.Replica.Place.Account != s.Archive.Account
}

// replicaExternals are what must be there in the replica's own account.
func (s *Spec) replicaExternals() []External {
	if !s.replicaElsewhere() {
		return nil
	}
	r := s.Replica
	return []External{{
		Kind: KindRole, ID: strings.TrimPrefix(r.Role.Resource, "role/"), Place: r.Place, Key: r.Key + ".role",
		Attributes: map[string]string{AttributeExternalID: r.ExternalID},
	}}
}

// archiveReplica declares the replica. Those who deliver to the archive wait for its replication: see [composer.archiveReady].
func (c *composer) archiveReplica() (err error) {
	s, r := c.spec, c.spec.Replica
	if r == nil {
		return nil
	}
	args := &components.ArchiveReplicaArgs{
		Of: s.archiveArgs(), Archive: c.archive, Place: r.Place, BucketName: r.Bucket, KeyAlias: s.ReplicaKeyAlias(),
		RetentionDays: r.RetentionDays, Transitions: componentTransitions(r.Transitions),
		Deliveries:            append(s.replicas(), s.accessLogReplicas()...),
		AdministratorRoleArns: []string{r.Role.String()},
		ReplicationRoleName:   s.ReplicaRole(),
		TimeControl:           r.TimeControl, LagSeconds: r.LagMinutes * 60, PendingBytes: r.PendingGiB << 30, Watched: s.Monitoring != nil,
		ArchiveProvider: c.providers.archive, ReplicaProvider: c.providers.replica,
	}
	if r.BreakGlassRole != (partition.ARN{}) {
		args.BreakGlassRoleArns = []string{r.BreakGlassRole.String()}
	}
	if c.replica, err = components.NewArchiveReplica(c.ctx, "replica", args); err != nil {
		return err
	}
	c.ctx.Export("replica", pulumi.Map{
		"account": pulumi.String(r.Place.Account), "region": pulumi.String(r.Place.Region),
		"bucket": c.replica.Name, "arn": c.replica.Arn, "keyArn": c.replica.KeyArn,
	})
	return nil
}

// archiveReady is what those who deliver to the archive wait for: before it they are refused, or their objects not replicated.
func (c *composer) archiveReady() []pulumi.Resource {
	ready := []pulumi.Resource{c.archive.Policy}
	if c.replica != nil && c.replica.Replication != nil {
		ready = append(ready, c.replica.Replication.Config)
	}
	return ready
}

// replicaAlarms are those of the replications to the replica, from each bucket in the place where S3 counts: the bucket's.
func (s *Spec) replicaAlarms() []alarmPath {
	if s.Replica == nil {
		return nil
	}
	of := func(name, bucket string, place partition.Place) alarmPath {
		rule := components.Replica{
			Rule: components.ReplicaRule, BucketName: s.Replica.Bucket, LagSeconds: s.Replica.LagMinutes * 60, PendingBytes: s.Replica.PendingGiB << 30,
		}
		path := alarmPath{place: place, name: name, alarms: components.ReplicationAlarms(bucket, rule)}
		for _, g := range []struct{ title, metric, statistic string }{
			{"Lag of the replica (s)", "ReplicationLatency", "Maximum"}, {"Bytes that wait for the replica", "BytesPendingReplication", "Maximum"},
			{"Objects that failed for the replica", "OperationsFailedReplication", "Sum"},
		} {
			path.graphs = append(path.graphs, components.DashboardGraph{Title: g.title, Statistic: g.statistic, Metrics: []components.Metric{rule.Metric(bucket, g.metric)}})
		}
		return path
	}
	var paths []alarmPath
	if s.writesDirectly() {
		paths = append(paths, of("replica", s.ArchiveBucket.Bucket, s.Archive))
	}
	if s.lands() {
		paths = append(paths, of("landing-replica", s.Landing.Bucket, s.LandingPlace()))
	}
	if s.AccessLogs.collects() {
		paths = append(paths, of("access-logs-replica", s.AccessLogs.Bucket, s.Home))
	}
	return paths
}
