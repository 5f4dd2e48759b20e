package stacks

import (
	"regexp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// The kinds of what services write themselves, in the table of sources; and a detector and a service-linked role as externals.
const (
	KindConfig            = "config"
	KindFindings          = "guardduty"
	KindQueryLogs         = "resolver-query-log"
	KindDetector          = "detector"
	KindServiceLinkedRole = "service-linked-role"
)

// What the keys of these services begin with; each appends AWSLogs/. GuardDuty has none: it makes no folders in another account's
// bucket.
const (
	ConfigPrefix   = "config/"
	FindingsPrefix = ""
	QueryLogPrefix = "resolver-query-logs/"
)

// configRecorder is what AWS calls the one recorder of an account and region.
const configRecorder = "default"

// ConfigSpec is AWS Config in the home region of the source account.
type ConfigSpec struct {
	Key               string // path in the configuration
	SnapshotFrequency string
	GlobalTypes       bool
	CreateRole        bool
}

// FindingsSpec is GuardDuty in the home region of the source account.
type FindingsSpec struct {
	Key string // path in the configuration
	// DetectorID is of a detector that is there; Frequency of one that is made.
	DetectorID, Frequency string
	// Lands says that findings go to the landing bucket.
	Lands bool
}

// QueryLogSpec is Route 53 Resolver's query logs.
type QueryLogSpec struct {
	Key           string // path in the configuration
	VpcIDs        []string
	AcceptUnknown bool
}

var detectorForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// serviceFields describe the services that write to a bucket themselves, besides CloudTrail.
func serviceFields() []schema.Field {
	return []schema.Field{{
		Key: "config", Kind: schema.Object,
		Doc:     "AWS Config in the home region: every resource type, its changes and regular snapshots, straight to the archive.",
		Example: "snapshotFrequency: TwentyFour_Hours\ncreateServiceLinkedRole: false",
		Fields: []schema.Field{
			{Key: "snapshotFrequency", Kind: schema.String, Required: true, Values: components.SnapshotFrequencies(),
				Doc: "How often all of the configuration is delivered. Changes are, every six hours, in any case."},
			{Key: "includeGlobalResourceTypes", Kind: schema.Boolean, DefaultText: "true",
				Doc: "Whether IAM's users, groups, roles and policies are recorded, too. Say false if another region's AWS Config of the account does it."},
			{Key: "createServiceLinkedRole", Kind: schema.Boolean, DefaultText: "true",
				Doc: "Whether the stack makes the role that AWS Config acts as. Say false for an account that has used AWS Config before: then it is there."},
		},
	}, {
		Key: "guardDuty", Kind: schema.Object,
		Doc:     "GuardDuty's findings of the home region: to the archive where GuardDuty is known to publish to another region, else to the landing bucket.",
		Example: "frequency: FIFTEEN_MINUTES",
		Accepts: "an object with detectorId or frequency",
		Fields: []schema.Field{
			{Key: "detectorId", Kind: schema.String, Pattern: detectorForm, DefaultText: "the stack makes a detector",
				Doc: "The detector, if there is one: a region of an account has one at the most.", Accepts: "32 hexadecimal digits"},
			{Key: "frequency", Kind: schema.String, Values: components.FindingFrequencies(), DefaultText: "exactly one of detectorId and frequency is given",
				Doc: "How often a detector that the stack makes publishes new occurrences of a finding. New findings are published within five minutes."},
		},
	}, {
		Key: "resolverQueryLogs", Kind: schema.Object,
		Doc:     "The DNS queries of VPCs, as Route 53 Resolver answers them, to the landing bucket: the bucket must be in the VPCs' region. In China it isn't known to exist.",
		Example: "vpcIds: [vpc-0a1b2c3d4e5f60718]",
		Fields: []schema.Field{
			{Key: "vpcIds", Kind: schema.List, Required: true,
				Doc:     "The VPCs whose queries are logged.",
				Accepts: "a list of ids such as vpc-0a1b2c3d4e5f60718, each once",
				Items:   &schema.Field{Kind: schema.String, Required: true, Pattern: vpcForm, Accepts: "an id such as vpc-0a1b2c3d4e5f60718"}},
			{Key: "acceptUnknown", Kind: schema.Boolean, DefaultText: "false",
				Doc: "Whether to go on where no source says that the partition has query logs. Try it first: AWS refuses what isn't there."},
		},
	}}
}

// services reads them.
func (p *parser) services(root schema.Value) {
	p.config(root.Get("config"))
	p.guardDuty(root.Get("guardDuty"))
	p.resolverQueryLogs(root.Get("resolverQueryLogs"))
}

// unlessFalse is a flag that is true where nothing is said.
func unlessFalse(v schema.Value) bool { return !v.OK() || v.Flag() }

func (p *parser) config(v schema.Value) {
	if !v.Given {
		return
	}
	p.spec.Config = &ConfigSpec{
		Key: v.Path, SnapshotFrequency: v.Get("snapshotFrequency").Text(),
		GlobalTypes: unlessFalse(v.Get("includeGlobalResourceTypes")), CreateRole: unlessFalse(v.Get("createServiceLinkedRole")),
	}
	if r := p.spec.Home.Region; r != "" {
		if err := r.Require(partition.ConfigCrossRegionBucket); err != nil {
			p.add(v, "%v", err)
		}
	}
}

func (p *parser) guardDuty(v schema.Value) {
	if !v.Given {
		return
	}
	id, frequency := v.Get("detectorId"), v.Get("frequency")
	s := &FindingsSpec{Key: v.Path, DetectorID: id.Text(), Frequency: frequency.Text()}
	p.spec.Findings = s
	if id.Given == frequency.Given && v.Valid {
		p.add(v, "want exactly one of detectorId, for a detector that is there, and frequency, for one that is made")
	}
	home, archive := p.spec.Home.Region, p.spec.Archive.Region
	if home == "" || archive == "" {
		return
	}
	if err := home.Require(partition.FindingsToS3); err != nil {
		p.add(v, "%v", err)
	}
	err := components.CheckFindingsRegion(home, archive)
	if s.Lands = err != nil; s.Lands && p.spec.Landing == nil {
		p.add(v, "%v; want landing, a bucket in the home region", err)
	}
}

func (p *parser) resolverQueryLogs(v schema.Value) {
	if !v.Given {
		return
	}
	ids, accept := v.Get("vpcIds"), v.Get("acceptUnknown")
	s := &QueryLogSpec{Key: v.Path, AcceptUnknown: accept.Flag()}
	p.spec.QueryLogs = s
	once := newOnce(p)
	for _, item := range ids.Items() {
		once.text(item, "is", "want each once")
		s.VpcIDs = append(s.VpcIDs, item.Text())
	}
	if r := p.spec.Home.Region; r != "" {
		if err := components.CheckQueryLogs(r, s.AcceptUnknown); err != nil {
			p.add(v, "%v; leave it out, or say acceptUnknown: true and try it", err)
		}
	}
	if p.spec.Landing == nil {
		p.add(v, "query logs go to a bucket of their region; want landing, a bucket in the home region")
	}
}

// serviceDeliveries are those of what these services write to the archive, or with landed to the landing bucket.
func (s *Spec) serviceDeliveries(landed bool) []components.Delivery {
	list := []components.Delivery{}
	if !landed {
		list = s.trailDeliveries()
	}
	if s.Config != nil && !landed {
		list = append(list, components.Delivery{Kind: components.ConfigDelivery, Source: s.Home, Prefix: ConfigPrefix})
	}
	if f := s.Findings; f != nil && f.Lands == landed {
		detector := f.DetectorID
		if detector == "" {
			detector = "*" // it has no id before it is there, and the bucket comes first
		}
		list = append(list, components.Delivery{Kind: components.FindingsDelivery, Source: s.Home, Prefix: FindingsPrefix, Resource: "detector/" + detector})
	}
	if s.QueryLogs != nil && landed {
		list = append(list, components.Delivery{Kind: components.QueryLogDelivery, Source: s.Home, Prefix: QueryLogPrefix})
	}
	return list
}

// Ways of what these services write.
const (
	pathConfig          = "recorder > bucket"
	pathFindings        = "detector > bucket"
	pathFindingsLanding = "detector > landing bucket > bucket"
	pathQueryLogs       = "query log > landing bucket > bucket"
)

func (s *Spec) serviceSources() []Source {
	rows := s.trailSources()
	if c := s.Config; c != nil {
		rows = append(rows, Source{Key: c.Key, Kind: KindConfig, ID: configRecorder, Path: pathConfig, Prefix: ConfigPrefix})
	}
	if f := s.Findings; f != nil {
		row := Source{Key: f.Key, Kind: KindFindings, ID: "detector", Path: pathFindings, Prefix: FindingsPrefix}
		if f.DetectorID != "" {
			row.ID = f.DetectorID
		}
		if f.Lands {
			row.Path = pathFindingsLanding
		}
		rows = append(rows, row)
	}
	if q := s.QueryLogs; q != nil {
		for _, id := range q.VpcIDs {
			rows = append(rows, Source{Key: q.Key, Kind: KindQueryLogs, ID: id, Path: pathQueryLogs, Prefix: QueryLogPrefix})
		}
	}
	return rows
}

// serviceExternals are what these services need and no stack makes.
func (s *Spec) serviceExternals() []External {
	var list []External
	if c := s.Config; c != nil && !c.CreateRole {
		if arn, err := s.Home.ServiceLinkedRoleARN(partition.Config); err == nil {
			list = append(list, External{Kind: KindServiceLinkedRole, ID: strings.TrimPrefix(arn.Resource, "role/"), Place: s.Home, Key: c.Key})
		}
	}
	if f := s.Findings; f != nil && f.DetectorID != "" {
		list = append(list, External{Kind: KindDetector, ID: f.DetectorID, Place: s.Home, Key: f.Key})
	}
	if q := s.QueryLogs; q != nil {
		for _, id := range q.VpcIDs {
			if !slices.ContainsFunc(s.FlowLogs, func(l FlowLogSpec) bool { return l.ID == id }) {
				list = append(list, External{Kind: KindVPC, ID: id, Place: s.Home, Key: q.Key})
			}
		}
	}
	return list
}

// services declares them, CloudTrail among them.
func (c *composer) services() error {
	for _, step := range []func() error{c.cloudTrail, c.config, c.findings, c.queryLogs} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (c *composer) config() error {
	s := c.spec.Config
	if s == nil {
		return nil
	}
	_, err := components.NewConfigToS3(c.ctx, "config", &components.ConfigToS3Args{
		Place:                      c.spec.Home,
		BucketName:                 c.spec.ArchiveBucket.Bucket,
		KeyArn:                     c.archive.KeyArn,
		Prefix:                     ConfigPrefix,
		IncludeGlobalResourceTypes: s.GlobalTypes,
		SnapshotFrequency:          s.SnapshotFrequency,
		CreateServiceLinkedRole:    s.CreateRole,
		DependsOn:                  c.archiveReady(),
	}, c.atHome())
	return err
}

func (c *composer) findings() error {
	s := c.spec.Findings
	if s == nil {
		return nil
	}
	args := &components.FindingsToS3Args{
		Place: c.spec.Home, BucketPlace: c.spec.Archive,
		BucketArn: c.archive.Arn, KeyArn: c.archive.KeyArn,
		DetectorID: s.DetectorID, Frequency: s.Frequency,
		DependsOn: c.archiveReady(),
	}
	if s.Lands {
		args.BucketPlace, args.BucketArn, args.KeyArn, args.DependsOn = c.spec.LandingPlace(), c.landing.Arn, c.landing.KeyArn, c.landing.Ready
	}
	_, err := components.NewFindingsToS3(c.ctx, "guardduty", args, c.atHome())
	return err
}

func (c *composer) queryLogs() error {
	s := c.spec.QueryLogs
	if s == nil {
		return nil
	}
	_, err := components.NewQueryLogsToS3(c.ctx, "resolver-query-logs", &components.QueryLogsToS3Args{
		Place: c.spec.Home, Name: c.spec.NamePrefix,
		BucketArn: c.landing.Arn, Prefix: QueryLogPrefix,
		VpcIDs: s.VpcIDs, AcceptUnknown: s.AcceptUnknown,
		DependsOn: c.landing.Ready,
	}, c.atHome())
	return err
}
