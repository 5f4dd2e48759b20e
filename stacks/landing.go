package stacks

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// LandingSpec is the bucket of the home region from which everything is replicated to the archive.
type LandingSpec struct {
	Bucket     string
	ExpireDays int
	// TimeControl asks S3 to replicate within 15 minutes.
	TimeControl bool
	// LagMinutes is the lag above which the alarm goes off.
	LagMinutes int
}

// maxLandingDays is how long what landed may stay: what is kept for longer belongs into the archive only.
const maxLandingDays = minRetentionDays - 1

const defaultLandingDays, defaultLagMinutes = 30, 60

func landingField() schema.Field {
	return schema.Field{
		Key: "landing", Kind: schema.Object,
		Doc:     "A bucket in the home region of the log-archive account, for what can't be delivered to another region, or isn't known to be: it is replicated to the archive, and expires here soon.",
		Example: "bucket: example-log-landing-222233334444-beijing\nexpireDays: 30",
		Accepts: "an object with bucket and perhaps expireDays, replicationTimeControl and lagMinutes",
		Fields: []schema.Field{
			{Key: "bucket", Kind: schema.String, Required: true,
				Doc:     "The name of the landing bucket. Names are shared by all accounts of a partition, so put the account id into it.",
				Accepts: "3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last; another name than the archive's"},
			{Key: "expireDays", Kind: schema.Integer, DefaultText: fmt.Sprint(defaultLandingDays), Range: schema.Between(components.LandingExpireDays, maxLandingDays),
				Doc: "After how many days objects expire here. S3 keeps what is still to be replicated; what failed must have been replicated again by then."},
			{Key: "replicationTimeControl", Kind: schema.Boolean, DefaultText: "false",
				Doc: "Whether S3 promises to replicate within 15 minutes, for a price by the gigabyte. Refused where the partition isn't known to have it."},
			{Key: "lagMinutes", Kind: schema.Integer, DefaultText: fmt.Sprint(defaultLagMinutes), Range: schema.Between(15, 24*60),
				Doc: "The lag of the replication above which an alarm goes off."},
		},
	}
}

// landing reads the landing bucket.
func (p *parser) landing(v, archive schema.Value) {
	if !v.OK() {
		return
	}
	bucket, control := v.Get("bucket"), v.Get("replicationTimeControl")
	p.spec.Landing = &LandingSpec{
		Bucket: bucket.Text(), TimeControl: control.Flag(),
		ExpireDays: cmp.Or(v.Get("expireDays").Number(), defaultLandingDays),
		LagMinutes: cmp.Or(v.Get("lagMinutes").Number(), defaultLagMinutes),
	}
	if bucket.OK() {
		if err := checkBucketName(bucket.Text()); err != nil {
			p.add(bucket, "%v", err)
		} else if archive.OK() && bucket.Text() == archive.Text() {
			p.add(bucket, "%s is the archive's bucket, too; want another", schema.Quote(bucket.Text()))
		}
	}
	if r := p.spec.Home.Region; control.Flag() && r != "" {
		if err := r.Require(partition.ReplicationTimeControl); err != nil {
			p.add(control, "%v; leave it out", err)
		}
	}
}

// LandingPlace is where the landing bucket is: the archive's account in the home region.
func (s *Spec) LandingPlace() partition.Place {
	return partition.Place{Account: s.Archive.Account, Region: s.Home.Region}
}

// landingDeliveries are those who write to the landing bucket, from every source account. A new kind of source adds its own
// here.
func (s *Spec) landingDeliveries() []components.Delivery {
	list := append(s.flowLogDeliveries(MethodLanding), s.serviceDeliveries(true)...)
	for i := range s.Accounts {
		list = append(list, s.Accounts[i].Stack.landingDeliveries()...)
	}
	return list
}

// lands says whether there is a landing bucket that something is delivered to.
func (s *Spec) lands() bool { return s.Landing != nil && len(s.landingDeliveries()) > 0 }

// replicas are the archive's deliveries for what lands.
func (s *Spec) replicas() []components.Delivery {
	if !s.lands() {
		return nil
	}
	return components.Replicas(s.LandingPlace(), s.LandingRole(), s.landingDeliveries())
}

// flowLogDeliveries is the delivery of the flow logs with a method. It is one, whatever their folders are: a flow log that
// moves to another must not be refused in between.
func (s *Spec) flowLogDeliveries(method string) []components.Delivery {
	if !slices.ContainsFunc(s.FlowLogs, func(f FlowLogSpec) bool { return f.Method == method }) {
		return nil
	}
	return []components.Delivery{{Kind: components.FlowLogDelivery, Source: s.Home, Prefix: DirectFlowLogPrefix, AnyFolder: true}}
}

// component is the method as the component calls it: a flow log that lands is one to S3.
func (f FlowLogSpec) component() string {
	if f.Method == MethodLanding {
		return components.FlowLogMethodS3
	}
	return f.Method
}

func (c *composer) landingBucket() (err error) {
	s, a := c.spec, c.spec.ArchiveBucket
	if !s.lands() {
		return nil
	}
	args := &components.LandingBucketArgs{
		Place:      s.LandingPlace(),
		BucketName: s.Landing.Bucket, KeyAlias: s.LandingKeyAlias(),
		ExpireDays:            s.Landing.ExpireDays,
		Deliveries:            s.landingDeliveries(),
		AdministratorRoleArns: []string{s.ArchiveRole.String()},
		Maintenance:           a.Maintenance,
		Archive:               c.archive, ArchivePlace: s.Archive, ArchiveBucketName: a.Bucket,
		ReplicationRoleName: s.LandingRole(),
		TimeControl:         s.Landing.TimeControl,
		LagSeconds:          s.Landing.LagMinutes * 60,
		AlarmActions:        c.alarmActions(s.LandingPlace()),
	}
	if a.hasBreakGlass() {
		args.BreakGlassRoleArns = []string{a.BreakGlassRole.String()}
	}
	c.landing, err = components.NewLandingBucket(c.ctx, "landing", args, pulumi.Provider(c.providers.landing))
	return err
}
