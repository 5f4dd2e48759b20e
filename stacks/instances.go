package stacks

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// InstancesSpec is a group of EC2 instances whose files and events are archived.
type InstancesSpec struct {
	Key  string // path in the configuration
	Name string
	// Tags select the instances.
	Tags                         map[string]string
	Agent                        components.AgentConfiguration
	AgentVersion                 string // empty for the latest
	Schedule, ComplianceSeverity string
	OutputBucket, OutputPrefix   string
	// CreateLogGroups are the groups that are created, with RetentionDays, because logGroups doesn't name them.
	CreateLogGroups []string
	RetentionDays   int // 0 if none is created
}

// KindInstance is an EC2 instance, as external and as source.
const KindInstance = "instance"

// pathInstance is the way of what an agent sends.
const pathInstance = "instance > log group > firehose > bucket"

// maxInstanceTags is how many targets an association has at most (CreateAssociation).
const maxInstanceTags = 5

const (
	defaultAgentSchedule = "rate(1 day)"
	defaultSeverity      = "HIGH"
)

var (
	userForm    = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	versionForm = regexp.MustCompile(`^[\w.-]{1,64}$`)
	outputForm  = regexp.MustCompile(`^[\w./=-]{1,400}/$`)
)

func instancesField() schema.Field {
	const streamWords = "up to 512 characters without : and *; {instance_id}, {hostname}, {local_hostname} and {ip_address} are filled in; each stream of a group once"
	group := schema.Field{Key: "logGroup", Kind: schema.String, Required: true, Pattern: groupForm,
		Doc:     "The log group. One that logGroups doesn't name is created.",
		Accepts: "up to 512 letters, digits and _ / . # -"}
	stream := schema.Field{Key: "logStream", Kind: schema.String, Default: components.AgentInstanceID,
		Doc: "The log stream.", Accepts: streamWords}
	return schema.Field{
		Key: "instances", Kind: schema.List,
		Doc: "EC2 instances whose files and Windows events are archived by the CloudWatch agent. Systems Manager installs and configures the agent on every instance that has the tags, at once and when an instance starts. Start the instances with the instance profile that the stack makes (output instances), keep their clocks right (Amazon Time Sync Service: 169.254.169.123), and prefer UTC: lines say their time, and the archive is sorted by it.",
		Example: strings.Join([]string{
			"- name: linux",
			"  tags: {LogShipping: linux}",
			"  files:",
			"    - {path: /var/log/messages, logGroup: /aws/ec2/system-logs}",
			"    - path: /opt/app/logs/app.log",
			"      logGroup: /app/java",
			"      timestampFormat: \"%Y-%m-%dT%H:%M:%S\"",
			"      timeZone: UTC",
			"      multiLineStartPattern: \"{timestamp_format}\"",
			"- name: windows",
			"  tags: {LogShipping: windows}",
			"  windowsEvents:",
			"    - {channel: Security, levels: [INFORMATION, WARNING, ERROR], logGroup: /aws/ec2/windows}",
		}, "\n"),
		Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
			{Key: "name", Kind: schema.String, Required: true, Pattern: nameForm,
				Doc:     "The group's name in this stack: role, instance profile, document and parameter are named after it. Changing it replaces them.",
				Accepts: "lower-case letters, digits and single hyphens; each name once"},
			{Key: "tags", Kind: schema.Map, Required: true,
				Doc: "The tags that an instance of the group has, all of them.", Accepts: "one to 5 tags"},
			{Key: "files", Kind: schema.List, DefaultText: "none; files or windowsEvents is needed",
				Doc:     "The files that are collected.",
				Accepts: "a list of files",
				Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
					{Key: "path", Kind: schema.String, Required: true,
						Doc: "The file. With wildcards, the agent reads the file that was changed last, and no other, unless everyMatch is true.", Accepts: "a path of up to 4096 characters"},
					{Key: "everyMatch", Kind: schema.Boolean, Default: false,
						Doc: "Whether all files are read that the path matches. The agent puts their names behind the log stream's."},
					group, stream,
					{Key: "timestampFormat", Kind: schema.String, DefaultText: "none: events get the time at which they were read",
						Doc: "How lines say their time.", Accepts: "text with %y %Y %b %B %m %-m %d %-d %A %a %H %I %-I %p %M %-M %S %-S %f %Z %z"},
					{Key: "timeZone", Kind: schema.String, DefaultText: "Local", Values: []string{"UTC", "Local"},
						Doc: "The time zone of the lines' time. Only with timestampFormat: the agent ignores it otherwise."},
					{Key: "multiLineStartPattern", Kind: schema.String, DefaultText: "a line that begins with white space belongs to the one before",
						Doc: "What the first line of a message looks like.", Accepts: "a regular expression of Go, or {timestamp_format}"},
					{Key: "encoding", Kind: schema.String, Default: "utf-8", Values: components.AgentEncodings(),
						Doc: "The file's encoding. With a wrong one, characters are lost."},
				}}},
			{Key: "windowsEvents", Kind: schema.List, DefaultText: "none; files or windowsEvents is needed",
				Doc:     "The channels of the Windows event log that are collected.",
				Accepts: "a list of channels",
				Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
					{Key: "channel", Kind: schema.String, Required: true,
						Doc: "The channel, by the Full Name in its properties.", Accepts: "a name of up to 255 characters, such as System or Microsoft-Windows-Sysmon/Operational"},
					{Key: "levels", Kind: schema.List, Required: true,
						Doc: "The levels that are collected. Audit successes and failures of the channel Security have the level INFORMATION.", Accepts: "a list of levels, each once",
						Items: &schema.Field{Kind: schema.String, Required: true, Values: components.AgentLevels()}},
					{Key: "format", Kind: schema.String, Default: "xml", Values: []string{"xml", "text"},
						Doc: "xml has everything of an event, text what Event Viewer shows."},
					group, stream,
				}}},
			{Key: "retentionDays", Kind: schema.Integer, DefaultText: "30", Accepts: retentionWords,
				Doc: "How long the log groups keep their events that are created. Those of logGroups have their own."},
			{Key: "runAsUser", Kind: schema.String, DefaultText: "root", Pattern: userForm,
				Doc: "The user as whom the agent runs on Linux. It must be able to read the files: cwagent can't read /var/log/messages.", Accepts: "the name of a user"},
			{Key: "agentVersion", Kind: schema.String, DefaultText: "the latest", Pattern: versionForm,
				Doc: "The version of the agent's package.", Accepts: "a version of AmazonCloudWatchAgent, such as 1.300049.1b929"},
			{Key: "schedule", Kind: schema.String, DefaultText: defaultAgentSchedule,
				Doc: "How often Systems Manager restores the agent and its configuration.", Accepts: "rate(n minutes), rate(n hours) or rate(n days), from 30 minutes to 31 days"},
			{Key: "complianceSeverity", Kind: schema.String, Default: defaultSeverity, Values: components.ComplianceSeverities(),
				Doc: "How severe it is that an instance has no agent: see Compliance in Systems Manager."},
			{Key: "output", Kind: schema.Object,
				Doc:     "Where the output of the runs is kept. Systems Manager itself keeps its beginning only.",
				Accepts: "an object with bucket, and prefix if it has one",
				Fields: []schema.Field{
					{Key: "bucket", Kind: schema.String, Required: true, Doc: "A bucket of the source account in the home region.", Accepts: "3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last"},
					{Key: "prefix", Kind: schema.String, DefaultText: "the bucket's root", Pattern: outputForm, Doc: "What the keys begin with.", Accepts: "up to 400 letters, digits and _ . / = -, a slash last"},
				}},
		}},
	}
}

// instances reads the groups of instances. The log groups that logGroups names are known by then.
func (p *parser) instances(v schema.Value) {
	names := newOnce(p)
	groups := map[string]string{} // by name: what creates or declares it
	for _, g := range p.spec.LogGroups {
		groups[g.Name] = g.Key
	}
	if r := p.spec.Home.Region; r != "" && len(v.Items()) > 0 {
		if err := r.Require(partition.AgentBySystemsManager); err != nil {
			p.add(v, "%v", err)
		}
	}
	for _, item := range v.Items() {
		name, tags, schedule := item.Get("name"), item.Get("tags"), item.Get("schedule")
		s := InstancesSpec{
			Key: item.Path, Name: name.Text(), Tags: tags.Pairs(), AgentVersion: item.Get("agentVersion").Text(),
			Schedule: cmp.Or(schedule.Text(), defaultAgentSchedule), ComplianceSeverity: item.Get("complianceSeverity").Text(),
			Agent: components.AgentConfiguration{RunAsUser: item.Get("runAsUser").Text()},
		}
		if schedule.OK() {
			if err := components.CheckAssociationRate(schedule.Text()); err != nil {
				p.add(schedule, "%s: %v", schema.Quote(schedule.Text()), err)
			}
		}
		if name.OK() {
			names.text(name, "is the name of", "want another")
			// A prefix that is too long is reported once.
			prefixFits := len(p.spec.DeliveryRole(ClassFlowLogsVended)) <= maxRoleName
			if n := len(p.spec.InstanceRole(s.Name)); n > maxRoleName && prefixFits {
				p.add(name, "%s is too long: the role %s would have %d characters, and AWS takes %d", schema.Quote(s.Name), p.spec.InstanceRole(s.Name), n, maxRoleName)
			}
		}
		p.instanceTags(tags)
		p.instanceOutput(item.Get("output"), &s)
		if item.Valid {
			p.agent(item, &s, groups)
			p.spec.Instances = append(p.spec.Instances, s)
		}
	}
}

func (p *parser) instanceTags(tags schema.Value) {
	if !tags.OK() {
		return
	}
	if n := len(tags.Pairs()); n == 0 || n > maxInstanceTags {
		p.add(tags, "%d tags; want one to %d", n, maxInstanceTags)
	}
	for _, key := range sortedKeys(tags.Pairs()) {
		value := tags.Pairs()[key]
		if key == "" || len([]rune(key)) > 128 || !tagText(key) || value == "" || len([]rune(value)) > 256 || !tagText(value) {
			p.add(tags.Get(key), "%s: %s is not a tag; want a key of up to 128 and a value of up to 256 letters, digits, spaces and + - = . _ : / @", schema.Quote(key), schema.Quote(value))
		}
	}
}

func (p *parser) instanceOutput(v schema.Value, s *InstancesSpec) {
	if !v.Given {
		return
	}
	bucket := v.Get("bucket")
	s.OutputBucket, s.OutputPrefix = bucket.Text(), v.Get("prefix").Text()
	if bucket.OK() {
		if err := checkBucketName(s.OutputBucket); err != nil {
			p.add(bucket, "%v", err)
		}
		if s.OutputBucket == p.spec.ArchiveBucket.Bucket {
			p.add(bucket, "%s is the archive; want another bucket, of the source account", schema.Quote(s.OutputBucket))
		}
	}
}

// agent reads what is collected.
func (p *parser) agent(item schema.Value, s *InstancesSpec, groups map[string]string) {
	files, events := item.Get("files"), item.Get("windowsEvents")
	for _, f := range files.Items() {
		encoding := f.Get("encoding").Text()
		if encoding == "utf-8" {
			encoding = ""
		}
		s.Agent.Files = append(s.Agent.Files, components.AgentFile{
			Path: f.Get("path").Text(), EveryMatch: f.Get("everyMatch").Flag(), LogGroup: f.Get("logGroup").Text(), LogStream: f.Get("logStream").Text(),
			TimestampFormat: f.Get("timestampFormat").Text(), TimeZone: f.Get("timeZone").Text(),
			MultiLineStartPattern: f.Get("multiLineStartPattern").Text(), Encoding: encoding,
		})
	}
	for _, e := range events.Items() {
		var levels []string
		for _, level := range e.Get("levels").Items() {
			levels = append(levels, level.Text())
		}
		s.Agent.Events = append(s.Agent.Events, components.AgentEvents{
			Channel: e.Get("channel").Text(), Levels: levels, Format: e.Get("format").Text(), LogGroup: e.Get("logGroup").Text(), LogStream: e.Get("logStream").Text(),
		})
	}
	if len(files.Items())+len(events.Items()) == 0 {
		p.add(item, "nothing is collected; want at least one of files, windowsEvents")
		return
	}
	for _, problem := range s.Agent.Problems() {
		p.agentProblem(item, problem)
	}
	if _, err := components.ParameterTier(len(s.Agent.JSON())); err != nil {
		p.add(item, "%v", err)
	}
	p.agentGroups(item, s, groups)
}

// agentKeys are the configuration's keys of the component's fields.
var agentKeys = map[string]string{
	"Files": "files", "Events": "windowsEvents", "Path": "path", "EveryMatch": "everyMatch", "LogGroup": "logGroup", "LogStream": "logStream",
	"TimestampFormat": "timestampFormat", "TimeZone": "timeZone", "MultiLineStartPattern": "multiLineStartPattern", "Encoding": "encoding",
	"Channel": "channel", "Levels": "levels", "Format": "format",
}

// agentProblem reports what the agent would refuse under the key that says it.
func (p *parser) agentProblem(item schema.Value, problem components.AgentProblem) {
	entry := item.Get(agentKeys[problem.List]).Items()[problem.Index]
	key := entry.Get(agentKeys[problem.Field])
	switch {
	case !key.Given:
		key = entry
	case !key.Valid || slices.ContainsFunc(key.Items(), func(v schema.Value) bool { return !v.OK() }):
		return // it is reported already
	}
	p.report.Add(key.Path, "%s: %s", schema.Quote(problem.Value), problem.Want)
}

// agentGroups decides which log groups the stack creates: those that logGroups doesn't name, once.
func (p *parser) agentGroups(item schema.Value, s *InstancesSpec, groups map[string]string) {
	for _, group := range s.Agent.LogGroups() {
		if groups[group] != "" {
			continue
		}
		groups[group] = s.Key
		if strings.HasPrefix(group, "aws/") {
			p.add(item, "%s: groups whose names begin with aws/ are created by AWS only; want another", schema.Quote(group))
		}
		s.CreateLogGroups = append(s.CreateLogGroups, group)
		p.groups = append(p.groups, groupUse{group, s.Key})
	}
	retention := item.Get("retentionDays")
	switch {
	case len(s.CreateLogGroups) > 0 && retention.OK():
		s.RetentionDays = p.retention(retention)
	case len(s.CreateLogGroups) > 0:
		s.RetentionDays = defaultGroupRetention
	case retention.OK():
		p.add(retention, "%d: no log group is created here, all of them have their own retention; leave it out", retention.Number())
	}
}

// InstanceRole is what the instances of a group act as; their profile has the same name.
func (s *Spec) InstanceRole(name string) string { return s.roleName("instances-" + name) }

// InstanceParameter is where the agent's configuration of a group is kept, and InstanceDocument what installs the agent.
func (s *Spec) InstanceParameter(name string) string {
	return "AmazonCloudWatch-" + s.NamePrefix + "-" + name
}

// InstanceDocument is the document that installs and configures the agent of a group, and what its association is called.
func (s *Spec) InstanceDocument(name string) string { return s.NamePrefix + "-instances-" + name }

// instanceExternals are instances that have the tags and the profile. Nobody names them, so their ids are made up.
func (s *Spec) instanceExternals() []External {
	var list []External
	for _, g := range s.Instances {
		var tags []string
		for _, key := range slices.Sorted(maps.Keys(g.Tags)) {
			tags = append(tags, key+"="+g.Tags[key])
		}
		sum := sha256.Sum256([]byte(s.Home.String() + g.Name))
		list = append(list, External{
			Kind: KindInstance, ID: "i-0" + hex.EncodeToString(sum[:])[:16], Place: s.Home, Key: g.Key,
			Attributes: map[string]string{AttributeTags: strings.Join(tags, ","), AttributeInstanceProfile: s.InstanceRole(g.Name)},
		})
	}
	return list
}

// instanceSources are a row for each file and channel.
func (s *Spec) instanceSources() []Source {
	var rows []Source
	for _, g := range s.Instances {
		row := Source{Key: g.Key, Kind: KindInstance, Path: pathInstance, Stream: s.StreamName(ClassLogs), Prefix: s.Prefix(ClassLogs)}
		add := func(what, group, stream string) {
			row.ID, row.LogGroup = fmt.Sprintf("%s/%s", g.Name, strings.TrimPrefix(what, "/")), group
			if slices.ContainsFunc(rows, func(r Source) bool { return r.ID == row.ID }) {
				row.ID += " (" + stream + ")"
			}
			rows = append(rows, row)
		}
		for _, f := range g.Agent.Files {
			add(f.Path, f.LogGroup, f.LogStream)
		}
		for _, e := range g.Agent.Events {
			add(e.Channel, e.LogGroup, e.LogStream)
		}
	}
	return rows
}

// instanceArgs are those of a group of instances, but for the pipeline.
func (s *Spec) instanceArgs(g InstancesSpec) *components.InstanceLogShippingArgs {
	return &components.InstanceLogShippingArgs{
		Place: s.Home, Agent: g.Agent, InstanceTags: g.Tags, AgentVersion: g.AgentVersion,
		RoleName: s.InstanceRole(g.Name), ParameterName: s.InstanceParameter(g.Name), DocumentName: s.InstanceDocument(g.Name),
		Schedule: g.Schedule, ComplianceSeverity: g.ComplianceSeverity, OutputBucket: g.OutputBucket, OutputPrefix: g.OutputPrefix,
		CreateLogGroups: g.CreateLogGroups, RetentionDays: g.RetentionDays,
	}
}

// instances declares the groups of instances. An agent starts when the log groups that it writes to are subscribed.
func (c *composer) instances() error {
	s := c.spec
	profiles := pulumi.StringMap{}
	for _, g := range s.Instances {
		args := s.instanceArgs(g)
		args.Pipeline = c.pipelines[ClassLogs]
		for _, group := range g.Agent.LogGroups() {
			if ready, ok := c.subscribed[group]; ok {
				args.DependsOn = append(args.DependsOn, ready)
			}
		}
		made, err := components.NewInstanceLogShipping(c.ctx, g.Name, args, c.atHome())
		if err != nil {
			return err
		}
		profiles[g.Name] = made.InstanceProfileName
	}
	if len(profiles) > 0 {
		c.ctx.Export("instances", pulumi.Map{"instanceProfiles": profiles})
	}
	return nil
}
