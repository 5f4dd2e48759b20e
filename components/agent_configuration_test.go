package components_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/components"
)

func agentConfiguration() components.AgentConfiguration {
	return components.AgentConfiguration{
		Files: []components.AgentFile{
			{Path: "/var/log/messages", LogGroup: "/ec2/system"},
			{Path: "/opt/app/*.log", EveryMatch: true, LogGroup: "/ec2/app", LogStream: "{instance_id}/app", TimestampFormat: "%Y-%m-%dT%H:%M:%-S.%f%z",
				TimeZone: "UTC", MultiLineStartPattern: "{timestamp_format}", Encoding: "gb18030"},
		},
		Events: []components.AgentEvents{{Channel: "Security", Levels: []string{"INFORMATION", "ERROR"}, LogGroup: "/ec2/windows"}},
	}
}

func TestAgentConfigurationJSON(t *testing.T) {
	t.Parallel()
	c := agentConfiguration()
	if problems := c.Problems(); len(problems) > 0 {
		t.Fatal(problems)
	}
	want := `{"logs":{"logs_collected":{"files":{"collect_list":[` +
		`{"file_path":"/var/log/messages","log_group_name":"/ec2/system","log_stream_name":"{instance_id}"},` +
		`{"file_path":"/opt/app/*.log","publish_multi_logs":true,"log_group_name":"/ec2/app","log_stream_name":"{instance_id}/app",` +
		`"timestamp_format":"%Y-%m-%dT%H:%M:%-S.%f%z","timezone":"UTC","multi_line_start_pattern":"{timestamp_format}","encoding":"gb18030"}]},` +
		`"windows_events":{"collect_list":[{"event_name":"Security","event_levels":["INFORMATION","ERROR"],"event_format":"xml","log_group_name":"/ec2/windows","log_stream_name":"{instance_id}"}]}}}}`
	if diff := cmp.Diff(want, c.JSON()); diff != "" {
		t.Error(diff)
	}
	c.RunAsUser, c.Files, c.Events[0].LogStream = "cwagent", nil, "<&>"
	if got := c.JSON(); !strings.HasPrefix(got, `{"agent":{"run_as_user":"cwagent"},"logs":`) || !strings.Contains(got, `"<&>"`) || strings.Contains(got, "files") {
		t.Error(got)
	}
}

func TestAgentConfigurationProblems(t *testing.T) {
	t.Parallel()
	file := func(change func(*components.AgentFile)) func(*components.AgentConfiguration) {
		return func(c *components.AgentConfiguration) { change(&c.Files[1]) }
	}
	events := func(change func(*components.AgentEvents)) func(*components.AgentConfiguration) {
		return func(c *components.AgentConfiguration) { change(&c.Events[0]) }
	}
	for _, test := range []struct {
		name   string
		change func(*components.AgentConfiguration)
		want   string // field: a part of what is said; "" if nothing is wrong
	}{
		{"nothing", func(c *components.AgentConfiguration) { *c = components.AgentConfiguration{} }, ": at least one file or channel"},
		{"relative path", file(func(f *components.AgentFile) { f.Path = "var/log/*" }), "Path: from the root"},
		{"drive", file(func(f *components.AgentFile) { f.Path = `C:\logs\*.log` }), ""},
		{"line break", file(func(f *components.AgentFile) { f.Path = "/a*\n" }), "Path: from the root"},
		{"long path", file(func(f *components.AgentFile) { f.Path = "/*" + strings.Repeat("a", 4095) }), "Path: 4096"},
		{"group", file(func(f *components.AgentFile) { f.LogGroup = "a b" }), "LogGroup: letters"},
		{"group with a variable", file(func(f *components.AgentFile) { f.LogGroup = "/a/{instance_id}" }), "LogGroup: letters"},
		{"unknown variable", file(func(f *components.AgentFile) { f.LogStream = "{instance}" }), "LogStream: {hostname}"},
		{"stream with a colon", file(func(f *components.AgentFile) { f.LogStream = "a:b" }), "LogStream: without"},
		{"half a variable", file(func(f *components.AgentFile) { f.LogStream = "{instance_id" }), "LogStream: without"},
		{"same stream", file(func(f *components.AgentFile) { f.LogGroup, f.LogStream = "/ec2/system", "" }), "LogStream: Files[0] writes to the same stream"},
		{"time zone", file(func(f *components.AgentFile) { f.TimeZone = "Asia/Shanghai" }), "TimeZone: UTC or Local"},
		{"time zone without a format", file(func(f *components.AgentFile) { f.TimestampFormat, f.MultiLineStartPattern = "", "" }), "TimeZone: ignores it"},
		{"pattern without a format", file(func(f *components.AgentFile) { f.TimestampFormat, f.TimeZone = "", "" }), "MultiLineStartPattern: no timestamp format"},
		{"no regular expression", file(func(f *components.AgentFile) { f.MultiLineStartPattern = "(?<=a)" }), "MultiLineStartPattern: no regular expression"},
		{"unknown symbol", file(func(f *components.AgentFile) { f.TimestampFormat = "%Y %j" }), "TimestampFormat: the agent knows"},
		{"symbol without padding", file(func(f *components.AgentFile) { f.TimestampFormat = "%-Y" }), "TimestampFormat: the agent knows"},
		{"symbol at the end", file(func(f *components.AgentFile) { f.TimestampFormat = "%Y%" }), "TimestampFormat: the agent knows"},
		{"no padding", file(func(f *components.AgentFile) { f.TimestampFormat = "%-m/%-d %-I:%-M:%-S %p" }), ""},
		{"encoding", file(func(f *components.AgentFile) { f.Encoding = "latin-1" }), "Encoding: iso8859-15"},
		{"every match of one", file(func(f *components.AgentFile) { f.Path = "/a.log" }), "EveryMatch: no wildcard"},
		{"channel", events(func(e *components.AgentEvents) { e.Channel = "" }), "Channel: full name"},
		{"forwarded events", events(func(e *components.AgentEvents) { e.Channel = "Forwarded Events" }), "Channel: ForwardedEvents"},
		{"channel with a slash", events(func(e *components.AgentEvents) { e.Channel = "Microsoft-Windows-Sysmon/Operational" }), ""},
		{"no levels", events(func(e *components.AgentEvents) { e.Levels = nil }), "Levels: at least one"},
		{"level", events(func(e *components.AgentEvents) { e.Levels = []string{"INFO"} }), "Levels: INFORMATION"},
		{"level twice", events(func(e *components.AgentEvents) { e.Levels = []string{"ERROR", "ERROR"} }), "Levels: twice"},
		{"format", events(func(e *components.AgentEvents) { e.Format = "json" }), "Format: text or xml"},
	} {
		c := agentConfiguration()
		test.change(&c)
		var got []string
		for _, p := range c.Problems() {
			got = append(got, p.Field+": "+p.Want)
		}
		field, part, _ := strings.Cut(test.want, ": ")
		switch {
		case test.want == "" && len(got) == 0:
		case test.want == "" || len(got) != 1 || !strings.HasPrefix(got[0], field+": ") || !strings.Contains(got[0], part):
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// What is written is what the sandbox and the proof read, for configurations made at random.
func TestAgentConfigurationIsReadBack(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		var c components.AgentConfiguration
		var want []catalog.AgentLog
		for i := range 1 + random.IntN(5) {
			f := components.AgentFile{Path: fmt.Sprintf("/logs/%c%d<&>\"", 'a'+rune(random.IntN(26)), i), LogGroup: fmt.Sprintf("/g/%d", random.IntN(3)), LogStream: fmt.Sprintf("{instance_id}-%d", i)}
			c.Files = append(c.Files, f)
			want = append(want, catalog.AgentLog{From: f.Path, Group: f.LogGroup, Stream: f.LogStream})
		}
		for i := range random.IntN(3) {
			e := components.AgentEvents{Channel: fmt.Sprint("Channel ", i), Levels: components.AgentLevels()[:1+random.IntN(5)], LogGroup: fmt.Sprintf("/w/%d", i)}
			c.Events = append(c.Events, e)
			want = append(want, catalog.AgentLog{From: e.Channel, Group: e.LogGroup, Stream: components.AgentInstanceID})
		}
		if problems := c.Problems(); len(problems) > 0 {
			t.Fatal(problems)
		}
		got, err := catalog.AgentLogs(c.JSON())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%s: %v %s", c.JSON(), err, diff)
		}
		var groups []string
		for _, l := range got {
			groups = append(groups, l.Group)
		}
		slices.Sort(groups)
		if diff := cmp.Diff(slices.Compact(groups), c.LogGroups()); diff != "" {
			t.Fatal(diff)
		}
	}
}
