package stacks

import (
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// MonitoringSpec is who is called when something fails or lags, and when.
type MonitoringSpec struct {
	// Emails are subscribed to each topic of the alarms.
	Emails []string
	// Runbook is where the alarms' descriptions send people.
	Runbook string
	// SilentAfterHours is how long a pipeline may get nothing; 0 is for ever.
	SilentAfterHours int
	// LateAfterMinutes is how old the oldest record may be that isn't in the archive yet, on top of the buffering time.
	LateAfterMinutes int
	// Dashboard says whether there is one.
	Dashboard bool
}

const (
	defaultRunbook      = "docs/operations.md"
	defaultLateMinutes  = 15
	defaultSilentHours  = 24
	mostSilentHours     = 7 * 24 // what an alarm looks back
	mostEmails          = 20
	mostRunbook         = 300
	monitoringTopic     = "alarms"
	monitoringDashboard = "dashboard"
)

var (
	emailForm   = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s.]+$`)
	runbookForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:/._~%+?=&-]*$`)
)

func monitoringField() schema.Field {
	return schema.Field{
		Key: "monitoring", Kind: schema.Object,
		Doc: "Alarms for every way in which delivery stops or lags, one composite alarm for each path, which notifies an SNS topic with a key of its own in each place that has alarms. Without this object there are alarms all the same, with the defaults below: subscribe your pager to the topics (output `alarms`).",
		Example: strings.Join([]string{
			"emails: [log-archive@example.com]",
			"runbook: https://wiki.example.com/log-archive/operations",
			"silentAfterHours: 12",
		}, "\n"),
		Fields: []schema.Field{
			{Key: "enabled", Kind: schema.Boolean, Default: true,
				Doc: "Without it nobody is told when delivery stops."},
			{Key: "emails", Kind: schema.List,
				Doc:     "Who is written to. SNS sends each address a message first, which must be confirmed.",
				Accepts: "a list of up to 20 e-mail addresses, each once",
				Items:   &schema.Field{Kind: schema.String, Required: true, Pattern: emailForm, Accepts: "an e-mail address"}},
			{Key: "runbook", Kind: schema.String, Default: defaultRunbook, Pattern: runbookForm,
				Doc:     "Where your people read what to do. Each alarm's description has it, with the alarm's section behind a #.",
				Accepts: "a URL or path of up to 300 characters of letters, digits and : / . _ ~ % + ? = & -"},
			{Key: "silentAfterHours", Kind: schema.Integer, Default: defaultSilentHours, Range: schema.Between(0, mostSilentHours),
				Doc: "For how many hours a pipeline may get nothing at all before that is an alarm; 0 for as long as it likes."},
			{Key: "lateAfterMinutes", Kind: schema.Integer, Default: defaultLateMinutes, Range: schema.Between(5, 24*60),
				Doc: "How long a record may wait for its delivery, on top of pipeline.bufferSeconds."},
			{Key: "dashboard", Kind: schema.Boolean, Default: true,
				Doc: "A CloudWatch dashboard of the stack in the home region."},
		},
	}
}

// monitoring reads who is told of what.
func (p *parser) monitoring(v schema.Value) {
	if enabled := v.Get("enabled"); v.Given && enabled.OK() && !enabled.Flag() {
		return
	}
	s := &MonitoringSpec{Runbook: defaultRunbook, SilentAfterHours: defaultSilentHours, LateAfterMinutes: defaultLateMinutes, Dashboard: true}
	p.spec.Monitoring = s
	if !v.Given {
		return
	}
	s.Runbook, s.Dashboard = v.Get("runbook").Text(), v.Get("dashboard").Flag()
	s.SilentAfterHours, s.LateAfterMinutes = v.Get("silentAfterHours").Number(), v.Get("lateAfterMinutes").Number()
	if r := v.Get("runbook"); r.OK() && len(s.Runbook) > mostRunbook {
		p.add(r, "%s has %d characters; want at most %d", schema.Quote(s.Runbook), len(s.Runbook), mostRunbook)
	}
	emails := v.Get("emails")
	if n := len(emails.Items()); n > mostEmails {
		p.add(emails, "%d addresses; want at most %d, or one of a group", n, mostEmails)
	}
	seen := map[string]bool{}
	for _, item := range emails.Items() {
		folded := strings.ToLower(item.Text())
		if item.OK() && seen[folded] {
			p.add(item, "%s is there already; want each address once", schema.Quote(item.Text()))
		}
		seen[folded] = true
		s.Emails = append(s.Emails, item.Text())
	}
}

// AlarmTopic is the SNS topic of a place's alarms. Topics are regional and belong to an account.
func (s *Spec) AlarmTopic() string { return s.NamePrefix + "-" + monitoringTopic }

// AlarmKeyAlias is the alias of that topic's key.
func (s *Spec) AlarmKeyAlias() string { return s.NamePrefix + "-" + monitoringTopic }

// DashboardName is the stack's dashboard. Dashboards are of an account and not of a region, so the name has the region.
func (s *Spec) DashboardName() string { return s.NamePrefix + "-" + string(s.Home.Region) }

// ArchiveDashboardName is the dashboard of the archive's account, which there is with a replica.
func (s *Spec) ArchiveDashboardName() string {
	return s.NamePrefix + "-archive-" + string(s.Home.Region)
}

// runbook is where alarms send people; empty without monitoring.
func (s *Spec) runbook() string {
	if s.Monitoring == nil {
		return ""
	}
	return s.Monitoring.Runbook
}

// watched is a place that has alarms, with its topic.
type watched struct {
	place    partition.Place
	name     string // of the provider that makes them
	provider pulumi.ProviderResource
	// prefixes begin the names of its alarms.
	prefixes []string
	// accounts are further ones whose alarms notify the topic, too.
	accounts []partition.Account
	topic    *components.AlarmTopic
}

// watchedPlaces are the places that have alarms, in the order in which their topics are made.
func (c *composer) watchedPlaces() []*watched {
	s := c.spec
	list := []*watched{
		{place: s.Home, name: "home", provider: c.providers.home, prefixes: []string{s.NamePrefix}},
		{place: s.Archive, name: "archive", provider: c.providers.archive, prefixes: []string{s.NamePrefix}},
	}
	if s.AccessLogs.collects() {
		list[0].prefixes = append(list[0].prefixes, s.AccessLogs.Bucket) // its replication's alarms
	}
	for i := range s.Accounts {
		if a := &s.Accounts[i]; a.Way != ViaDestination && len(a.Stack.classes()) > 0 || a.Stack.Exports != nil {
			list[0].accounts = append(list[0].accounts, a.account())
		}
	}
	// The archive's account in the home region: what lands there, and the streams that destinations share.
	var prefixes []string
	if s.lands() {
		prefixes = append(prefixes, s.Landing.Bucket)
	}
	if len(s.centralClasses()) > 0 || s.lands() && s.Replica != nil {
		prefixes = append(prefixes, s.NamePrefix)
	}
	switch {
	case s.lands():
		list = append(list, &watched{place: s.LandingPlace(), name: "landing", provider: c.providers.landing, prefixes: prefixes})
	case len(prefixes) > 0:
		list = append(list, &watched{place: s.central().Home, name: "central", prefixes: prefixes})
	}
	return list
}

// alarmTopics makes a topic in each place that has alarms.
func (c *composer) alarmTopics() error {
	s := c.spec
	if s.Monitoring == nil {
		return nil
	}
	c.watched = map[partition.Place]*watched{}
	for _, w := range c.watchedPlaces() {
		args := &components.AlarmTopicArgs{
			Place: w.place, TopicName: s.AlarmTopic(), KeyAlias: s.AlarmKeyAlias(), AlarmNamePrefixes: w.prefixes, Emails: s.Monitoring.Emails,
			Accounts: w.accounts,
		}
		if w.place.Account == s.Archive.Account {
			args.AdministratorRoleArns = []string{s.ArchiveRole.String()}
		}
		var err error
		if w.provider == nil {
			if w.provider, err = c.centralProvider(); err != nil {
				return err
			}
		}
		if w.topic, err = components.NewAlarmTopic(c.ctx, w.name+"-alarms", args, pulumi.Provider(w.provider)); err != nil {
			return err
		}
		c.watched[w.place] = w
	}
	return nil
}

// alarmActions are what alarms of a place notify; nil without monitoring.
func (c *composer) alarmActions(place partition.Place) pulumi.StringArrayInput {
	w := c.watched[place]
	if w == nil {
		return nil
	}
	return pulumi.StringArray{w.topic.Arn}
}

// alarms makes the alarms of every path, and the dashboard.
func (c *composer) alarms() error {
	s := c.spec
	if s.Monitoring == nil {
		return nil
	}
	if err := c.requestMetrics(); err != nil {
		return err
	}
	paths := s.alarmPaths()
	if err := c.pathAlarms(paths); err != nil {
		return err
	}
	topics := pulumi.StringMap{}
	for place, w := range c.watched {
		topics[place.String()] = w.topic.Arn
	}
	c.ctx.Export("alarms", topics)
	if !s.Monitoring.Dashboard {
		return nil
	}
	if err := c.dashboard(monitoringDashboard, s.DashboardName(), s.Home, paths, c.atHome()); err != nil || s.Replica == nil {
		return err
	}
	// The replica's metrics are in the archive's account, which a dashboard of the source account doesn't show.
	return c.dashboard("archive-"+monitoringDashboard, s.ArchiveDashboardName(), s.Archive, paths, pulumi.Provider(c.providers.archive))
}

// dashboard shows the paths of a place.
func (c *composer) dashboard(logical, name string, place partition.Place, paths []alarmPath, opts ...pulumi.ResourceOption) error {
	var rows []components.DashboardRow
	for _, path := range paths {
		if path.place == place {
			rows = append(rows, path.row(c.spec.NamePrefix))
		}
	}
	_, err := components.NewDashboard(c.ctx, logical, &components.DashboardArgs{
		Place: place, DashboardName: name, Title: "Log archive " + c.spec.Stack, Rows: rows,
	}, opts...)
	return err
}

// pathAlarms makes the alarms of paths, each where its metrics are.
func (c *composer) pathAlarms(paths []alarmPath) error {
	for _, path := range paths {
		w := c.watched[path.place]
		_, err := components.NewPathAlarms(c.ctx, c.scope+path.logicalName(), &components.PathAlarmsArgs{
			Place: path.place, NamePrefix: c.spec.NamePrefix, Path: path.name, Runbook: c.spec.Monitoring.Runbook,
			Alarms: path.alarms, Actions: pulumi.StringArray{w.topic.Arn},
		}, pulumi.Provider(w.provider), pulumi.DependsOn([]pulumi.Resource{w.topic.Policy}))
		if err != nil {
			return err
		}
	}
	return nil
}

// watch has what another composer makes notify a topic of this one: the topic of the stack's own account for further accounts,
// since an alarm may notify a topic of another account in its region; its own for the streams that destinations share.
func (c *composer) watch(of *composer, topicOf partition.Place) {
	if w := c.watched[topicOf]; w != nil {
		of.watched = map[partition.Place]*watched{of.spec.Home: {place: of.spec.Home, provider: of.providers.home, topic: w.topic}}
	}
}

// accountAlarms makes the alarms of streams and their function, in a further account or behind destinations.
func (c *composer) accountAlarms() error {
	if c.watched == nil {
		return nil
	}
	return c.pathAlarms(c.spec.streamAlarmPaths(c.classes()))
}
