package stacks

import (
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// KindTrail is a trail of CloudTrail, in the table of sources.
const KindTrail = "trail"

// TrailPrefix is what the keys of CloudTrail begin with in the archive; CloudTrail appends AWSLogs/.
const TrailPrefix = "cloudtrail/"

// copyOfTrail is behind a trail's name for its events that go to a log group, too.
const copyOfTrail = "/cloudwatch-logs"

// TrailSpec is the trail of the source account.
type TrailSpec struct {
	Key  string // path in the configuration
	Name string
	// Organization is the id of the organisation whose trail it is; empty for one account's.
	Organization string
	// DataEvents are recorded besides the management events.
	DataEvents []components.TrailDataEvents
	// CloudWatchLogs says that a log group gets the events, too, and keeps them for RetentionDays.
	CloudWatchLogs bool
	RetentionDays  int
}

var (
	trailForm        = regexp.MustCompile(`^[a-zA-Z0-9]+([._-][a-zA-Z0-9]+)*$`)
	organizationForm = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)
	functionForm     = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
)

const (
	minTrailName, maxTrailName = 3, 128
	maxTrailValues             = 500
)

func cloudTrailField() schema.Field {
	return schema.Field{
		Key: "cloudTrail", Kind: schema.Object,
		Doc: "A trail of all regions with log file validation, straight to the archive. Its management events are also what `subscribe` hears of new log groups by. In China, the events of CloudFront come from Ningxia.",
		Example: strings.Join([]string{
			"name: management",
			"dataEvents:",
			"  s3: [example-payments, example-reports/monthly/]",
			"  lambda: [\"*\"]",
			"cloudWatchLogs: true",
			"retentionDays: 14",
		}, "\n"),
		Fields: []schema.Field{
			{Key: "name", Kind: schema.String, Required: true, Pattern: trailForm,
				Doc:     "The trail's name. Changing it replaces the trail.",
				Accepts: "3 to 128 letters and digits, with single . _ - between them"},
			{Key: "organizationId", Kind: schema.String, DefaultText: "the trail is the source account's alone", Pattern: organizationForm,
				Doc:     "The organisation whose trail it is: every account's events. The source account must be its management account, or a delegated administrator for CloudTrail.",
				Accepts: "the id of an organisation, such as o-exampleorgid"},
			{Key: "dataEvents", Kind: schema.Object, DefaultText: "management events only",
				Doc:     "Events about what is in resources, which cost extra.",
				Accepts: "an object with s3 or lambda or both",
				Fields: []schema.Field{
					{Key: "s3", Kind: schema.List, Doc: "Buckets whose objects' events are recorded, or beginnings of keys behind a bucket's name.",
						Accepts: `a list of buckets, perhaps with the beginning of a key behind a slash, or ["*"] for every bucket`,
						Items:   &schema.Field{Kind: schema.String, Required: true, Accepts: "a bucket, perhaps with the beginning of a key behind a slash, or a star alone"}},
					{Key: "lambda", Kind: schema.List, Doc: "Functions of the home region whose calls are recorded: those whose names begin so.",
						Accepts: `a list of beginnings of names, or ["*"] for every function of every region`,
						Items:   &schema.Field{Kind: schema.String, Required: true, Accepts: "the beginning of a function's name, or a star alone"}},
				}},
			{Key: "cloudWatchLogs", Kind: schema.Boolean, DefaultText: "false",
				Doc: "Whether a log group gets the events, too, where alarms and searches find them within minutes. From there they go to the archive as other log groups do. Events of more than 256 KB are in the trail's own files only."},
			{Key: "retentionDays", Kind: schema.Integer, DefaultText: "30 with cloudWatchLogs; otherwise there is nothing to keep", Accepts: retentionWords,
				Doc: "How long that log group keeps what the archive has as well."},
		},
	}
}

// cloudTrail reads the trail.
func (p *parser) cloudTrail(v schema.Value) {
	if !v.Given {
		return
	}
	name, organization := v.Get("name"), v.Get("organizationId")
	t := &TrailSpec{Key: v.Path, Name: name.Text(), Organization: organization.Text(), CloudWatchLogs: v.Get("cloudWatchLogs").Flag()}
	if n := len(t.Name); name.OK() && (n < minTrailName || n > maxTrailName) {
		p.add(name, "%s has %d characters; want %d to %d", schema.Quote(t.Name), n, minTrailName, maxTrailName)
	}
	if r := p.spec.Home.Region; organization.OK() && r != "" {
		if err := r.Require(partition.CloudTrailOrganization); err != nil {
			p.add(organization, "%v; leave it out", err)
		}
	}
	p.dataEvents(v.Get("dataEvents"), t)
	p.spec.Trail = t
	t.RetentionDays = p.createdRetention(v, "cloudWatchLogs")
	if t.CloudWatchLogs {
		p.groups = append(p.groups, groupUse{p.spec.TrailLogGroup(), v.Path})
	}
}

// dataEvents reads which data events are recorded.
func (p *parser) dataEvents(v schema.Value, t *TrailSpec) {
	home := p.spec.Home
	values := 0
	read := func(key, resourceType string, prefix func(schema.Value) string) {
		items := v.Get(key).Items()
		if len(items) == 0 {
			return
		}
		e := components.TrailDataEvents{ResourceType: resourceType}
		once := newOnce(p)
		for _, item := range items {
			switch {
			case !item.OK():
			case item.Text() == everyGroup && len(items) > 1:
				p.add(item, "%s is every one; want it alone", schema.Quote(item.Text()))
			case item.Text() == everyGroup:
			default:
				once.text(item, "is", "want each once")
				e.ArnPrefixes = append(e.ArnPrefixes, prefix(item))
			}
		}
		values += len(e.ArnPrefixes)
		t.DataEvents = append(t.DataEvents, e)
	}
	read("s3", "AWS::S3::Object", func(item schema.Value) string {
		bucket, key, _ := strings.Cut(item.Text(), "/")
		if err := checkBucketName(bucket); err != nil {
			p.add(item, "%v", err)
		}
		return partition.ObjectARN(home.Partition(), bucket, key).String()
	})
	read("lambda", "AWS::Lambda::Function", func(item schema.Value) string {
		if !functionForm.MatchString(item.Text()) {
			p.add(item, "%s is not a function's name; want up to 64 letters, digits, hyphens and underscores", schema.Quote(item.Text()))
		}
		return home.ARN(partition.Lambda, "function:"+item.Text()).String()
	})
	if room := maxTrailValues - 10; values > room {
		p.add(v, "%d buckets and functions; CloudTrail takes %d of them in a trail", values, room)
	}
}

// TrailLogGroup is the log group that gets the trail's events, too.
func (s *Spec) TrailLogGroup() string { return "/" + s.NamePrefix + "/cloudtrail" }

// TrailRole is what CloudTrail acts as towards that log group.
func (s *Spec) TrailRole() string { return s.roleName("trail") }

func (s *Spec) trailDeliveries() []components.Delivery {
	if s.Trail == nil {
		return nil
	}
	return []components.Delivery{{
		Kind: components.TrailDelivery, Source: s.Home, Prefix: TrailPrefix, Resource: "trail/" + s.Trail.Name, Organization: s.Trail.Organization,
	}}
}

// Ways of a trail's event.
const (
	pathTrail     = "trail > bucket"
	pathTrailCopy = "trail > log group > firehose > bucket"
)

func (s *Spec) trailSources() []Source {
	if s.Trail == nil {
		return nil
	}
	rows := []Source{{Key: s.Trail.Key, Kind: KindTrail, ID: s.Trail.Name, Path: pathTrail, Prefix: TrailPrefix}}
	if s.Trail.CloudWatchLogs {
		rows = append(rows, Source{
			Key: s.Trail.Key, Kind: KindTrail, ID: s.Trail.Name + copyOfTrail, Path: pathTrailCopy, LogGroup: s.TrailLogGroup(),
			Stream: s.StreamName(ClassLogs), Prefix: s.Prefix(ClassLogs),
		})
	}
	return rows
}

func (c *composer) cloudTrail() error {
	s, t := c.spec, c.spec.Trail
	if t == nil {
		return nil
	}
	args := &components.TrailToS3Args{
		Place:        s.Home,
		TrailName:    t.Name,
		BucketName:   s.ArchiveBucket.Bucket,
		KeyArn:       c.archive.KeyArn,
		Prefix:       TrailPrefix,
		Organization: t.Organization != "",
		DataEvents:   t.DataEvents,
		DependsOn:    c.archiveReady(),
	}
	if t.CloudWatchLogs {
		args.CloudWatchLogs = &components.TrailLogGroup{
			Name: s.TrailLogGroup(), RetentionDays: t.RetentionDays, RoleName: s.TrailRole(), Pipeline: c.pipelines[ClassLogs],
		}
	}
	trail, err := components.NewTrailToS3(c.ctx, "cloudtrail", args, c.atHome())
	if err != nil {
		return err
	}
	c.ctx.Export("cloudTrail", pulumi.Map{"trailArn": trail.Arn, "prefix": pulumi.String(TrailPrefix)})
	return nil
}
