package components

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// AgentConfiguration is what the CloudWatch agent of an instance collects: its logs section, and nothing of its metrics.
// See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Agent-Configuration-File-Details.html, and
// the schema in the agent's own sources, translator/config/schema.json.
type AgentConfiguration struct {
	// RunAsUser is the user as whom the agent runs on Linux; empty means root. Another one must be able to read the files.
	RunAsUser string
	// Files and Events are one at least, together.
	Files  []AgentFile
	Events []AgentEvents
}

// AgentFile is a file, or all files that a pattern matches.
type AgentFile struct {
	// Path may have wildcards. The agent then reads the file that was changed last, and no other, unless EveryMatch is set.
	Path string
	// EveryMatch has the agent read every file that Path matches; it puts the file's name behind the log stream's.
	EveryMatch bool
	// LogGroup is a log group that exists: the agent's role may not create any, since a group that it made would have no
	// retention.
	LogGroup string
	// LogStream may have {instance_id}, {hostname}, {local_hostname} and {ip_address}; empty means {instance_id}. No other
	// file or channel of the configuration has the same group and stream.
	LogStream string
	// TimestampFormat is how lines say their time, such as "%b %d %H:%M:%S". Without it, events get the time at which they
	// were read.
	TimestampFormat string
	// TimeZone is UTC or Local, and says what TimestampFormat reads; the agent ignores it without one. Empty means Local.
	TimeZone string
	// MultiLineStartPattern is a regular expression that the first line of a message matches, or "{timestamp_format}". Without
	// it, a message goes on as long as lines begin with white space.
	MultiLineStartPattern string
	// Encoding is the file's; empty means utf-8. With a wrong one, characters are lost.
	Encoding string
}

// AgentEvents is a channel of the Windows event log.
type AgentEvents struct {
	// Channel is the Full Name in the channel's properties, such as System or Microsoft-Windows-Sysmon/Operational.
	Channel string
	// Levels are those that are collected, of [AgentLevels]; INFORMATION is also what audit successes and failures have.
	Levels []string
	// Format is text or xml; empty means xml, which has everything of an event.
	Format              string
	LogGroup, LogStream string // as in [AgentFile]
}

// AgentLevels returns the levels of Windows events.
func AgentLevels() []string {
	return []string{"CRITICAL", "ERROR", "WARNING", "INFORMATION", "VERBOSE"}
}

// AgentEncodings returns the encodings of files that the agent reads.
func AgentEncodings() []string {
	return strings.Fields("ascii big5 euc-jp euc-kr gbk gb18030 ibm866 iso2022-jp iso8859-2 iso8859-3 iso8859-4 iso8859-5 " +
		"iso8859-6 iso8859-7 iso8859-8 iso8859-8-i iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u " +
		"macintosh shift_jis utf-8 utf-16 windows-874 windows-1250 windows-1251 windows-1252 windows-1253 windows-1254 " +
		"windows-1255 windows-1256 windows-1257 windows-1258 x-mac-cyrillic")
}

// AgentProblem is something for which the agent would refuse a configuration, or misread what it collects.
type AgentProblem struct {
	// List is Files or Events, or "" for the configuration as a whole; Field is a field of its element Index.
	List  string
	Index int
	Field string
	Value string
	Want  string // what is accepted, or why this isn't
}

// AgentInstanceID stands for the instance's id in the name of a log stream.
const AgentInstanceID = "{instance_id}"

const (
	mostAgentText   = 4096 // of paths, patterns and formats, by the agent's schema
	mostAgentStream = 512
	mostChannel     = 255
)

var (
	agentPath = regexp.MustCompile(`^(/|[A-Za-z]:[/\\])[^\x00-\x1f]+$`)
	// https://learn.microsoft.com/en-us/windows/win32/wes/eventmanifestschema-channeltype-complextype
	channelName = regexp.MustCompile(`^[^<>&"|\\:\x60'?*\x00-\x1f]+$`)
)

// agentTimestamp are the symbols of a timestamp format.
const agentTimestamp = "yYbBmdAaHIpMSfZz"

// Problems returns everything that is wrong with the configuration.
func (c *AgentConfiguration) Problems() []AgentProblem {
	k := &agentCheck{streams: map[[2]string]string{}}
	if len(c.Files)+len(c.Events) == 0 {
		k.add("", "", "want at least one file or channel")
	}
	for i := range c.Files {
		k.list, k.index = "Files", i
		k.file(&c.Files[i])
	}
	for i := range c.Events {
		k.list, k.index = "Events", i
		k.events(&c.Events[i])
	}
	return k.problems
}

// agentCheck collects the problems of a configuration.
type agentCheck struct {
	list     string
	index    int
	streams  map[[2]string]string // by group and stream: which entry writes to it
	problems []AgentProblem
}

func (k *agentCheck) add(field, value, want string, args ...any) {
	k.problems = append(k.problems, AgentProblem{k.list, k.index, field, value, fmt.Sprintf(want, args...)})
}

func (k *agentCheck) file(f *AgentFile) {
	if len(f.Path) > mostAgentText || !agentPath.MatchString(f.Path) {
		k.add("Path", f.Path, "want the path of a file from the root or a drive on, such as /var/log/messages or C:\\logs\\app.log, of up to %d characters", mostAgentText)
	}
	k.destination(f.LogGroup, f.LogStream)
	if problem := timestampProblem(f.TimestampFormat); problem != "" {
		k.add("TimestampFormat", f.TimestampFormat, "%s", problem)
	}
	switch {
	case f.TimeZone == "":
	case f.TimeZone != "UTC" && f.TimeZone != "Local":
		k.add("TimeZone", f.TimeZone, "want UTC or Local: the agent knows no other")
	case f.TimestampFormat == "":
		k.add("TimeZone", f.TimeZone, "the agent ignores it without a timestamp format; give one, or leave the time zone out")
	}
	switch pattern := f.MultiLineStartPattern; {
	case pattern == "":
	case pattern == "{timestamp_format}" && f.TimestampFormat == "":
		k.add("MultiLineStartPattern", pattern, "there is no timestamp format that it could stand for")
	case pattern == "{timestamp_format}":
	case len(pattern) > mostAgentText:
		k.add("MultiLineStartPattern", pattern, "want at most %d characters", mostAgentText)
	default:
		if _, err := regexp.Compile(pattern); err != nil { // the agent is written in Go
			k.add("MultiLineStartPattern", pattern, "is no regular expression (%v)", err)
		}
	}
	if f.Encoding != "" && !slices.Contains(AgentEncodings(), f.Encoding) {
		k.add("Encoding", f.Encoding, "want one of %s", strings.Join(AgentEncodings(), ", "))
	}
	if f.EveryMatch && !strings.ContainsAny(f.Path, "*?[{") {
		k.add("EveryMatch", "true", "the path has no wildcard")
	}
}

func (k *agentCheck) events(e *AgentEvents) {
	switch {
	case len(e.Channel) > mostChannel || !channelName.MatchString(e.Channel):
		k.add("Channel", e.Channel, "want the full name of a channel, of up to %d characters", mostChannel)
	case e.Channel == "Forwarded Events":
		k.add("Channel", e.Channel, "the channel's full name is ForwardedEvents")
	}
	if len(e.Levels) == 0 {
		k.add("Levels", "", "want at least one of %s", strings.Join(AgentLevels(), ", "))
	}
	for i, level := range e.Levels {
		if !slices.Contains(AgentLevels(), level) {
			k.add("Levels", level, "want one of %s", strings.Join(AgentLevels(), ", "))
		} else if slices.Contains(e.Levels[:i], level) {
			k.add("Levels", level, "is there twice")
		}
	}
	if e.Format != "" && e.Format != "text" && e.Format != "xml" {
		k.add("Format", e.Format, "want text or xml")
	}
	k.destination(e.LogGroup, e.LogStream)
}

// agentVariable is what stands in braces in the name of a log stream.
var agentVariable = regexp.MustCompile(`\{[^{}]*\}`)

// destination checks where events go. Two sources of one stream couldn't be told apart any more.
func (k *agentCheck) destination(group, stream string) {
	if !logGroupName.form.MatchString(group) {
		k.add("LogGroup", group, "%s", logGroupName.want)
	}
	for _, v := range agentVariable.FindAllString(stream, -1) {
		if !slices.Contains([]string{AgentInstanceID, "{hostname}", "{local_hostname}", "{ip_address}"}, v) {
			k.add("LogStream", stream, "the agent knows {instance_id}, {hostname}, {local_hostname} and {ip_address}")
			return
		}
	}
	if len(stream) > mostAgentStream || strings.ContainsAny(agentVariable.ReplaceAllString(stream, ""), ":*{}") {
		k.add("LogStream", stream, "want up to %d characters without : and *", mostAgentStream)
		return
	}
	to := [2]string{group, cmp.Or(stream, AgentInstanceID)}
	here := fmt.Sprintf("%s[%d]", k.list, k.index)
	if first := k.streams[to]; first != "" {
		k.add("LogStream", to[1], "%s writes to the same stream of %s; want another, so that they can be told apart", first, group)
		return
	}
	k.streams[to] = here
}

// timestampProblem says why the agent doesn't understand a format.
func timestampProblem(format string) string {
	if len(format) > mostAgentText {
		return fmt.Sprintf("want at most %d characters", mostAgentText)
	}
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		rest := strings.TrimPrefix(format[i+1:], "-")
		padded := len(rest) == len(format)-i-1
		if rest == "" || !strings.Contains(agentTimestamp, rest[:1]) || !padded && !strings.Contains("mdIMS", rest[:1]) {
			return "the agent knows %y %Y %b %B %m %-m %d %-d %A %a %H %I %-I %p %M %-M %S %-S %f %Z %z"
		}
		i += len(format) - i - 1 - len(rest)
	}
	return ""
}

// The configuration as the agent reads it.
type (
	agentJSON struct {
		Agent *agentSection `json:"agent,omitempty"`
		Logs  agentLogs     `json:"logs"`
	}
	agentSection struct {
		RunAsUser string `json:"run_as_user"`
	}
	agentLogs struct {
		Collected struct {
			Files  *agentCollection[agentFileJSON]   `json:"files,omitempty"`
			Events *agentCollection[agentEventsJSON] `json:"windows_events,omitempty"`
		} `json:"logs_collected"`
	}
	agentCollection[T any] struct {
		List []T `json:"collect_list"`
	}
	agentFileJSON struct {
		Path             string `json:"file_path"`
		PublishMultiLogs bool   `json:"publish_multi_logs,omitempty"`
		LogGroup         string `json:"log_group_name"`
		LogStream        string `json:"log_stream_name"`
		TimestampFormat  string `json:"timestamp_format,omitempty"`
		TimeZone         string `json:"timezone,omitempty"`
		MultiLine        string `json:"multi_line_start_pattern,omitempty"`
		Encoding         string `json:"encoding,omitempty"`
	}
	agentEventsJSON struct {
		Channel   string   `json:"event_name"`
		Levels    []string `json:"event_levels"`
		Format    string   `json:"event_format"`
		LogGroup  string   `json:"log_group_name"`
		LogStream string   `json:"log_stream_name"`
	}
)

// JSON returns the configuration as the agent reads it, without white space: a parameter has little room.
func (c *AgentConfiguration) JSON() string {
	var out agentJSON
	if c.RunAsUser != "" {
		out.Agent = &agentSection{c.RunAsUser}
	}
	for _, f := range c.Files {
		if out.Logs.Collected.Files == nil {
			out.Logs.Collected.Files = &agentCollection[agentFileJSON]{}
		}
		list := &out.Logs.Collected.Files.List
		*list = append(*list, agentFileJSON{f.Path, f.EveryMatch, f.LogGroup, cmp.Or(f.LogStream, AgentInstanceID), f.TimestampFormat, f.TimeZone, f.MultiLineStartPattern, f.Encoding})
	}
	for _, e := range c.Events {
		if out.Logs.Collected.Events == nil {
			out.Logs.Collected.Events = &agentCollection[agentEventsJSON]{}
		}
		list := &out.Logs.Collected.Events.List
		*list = append(*list, agentEventsJSON{e.Channel, e.Levels, cmp.Or(e.Format, "xml"), e.LogGroup, cmp.Or(e.LogStream, AgentInstanceID)})
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(out); err != nil {
		panic(err) // strings can be encoded
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// LogGroups returns the log groups that the agent writes to, sorted, each once.
func (c *AgentConfiguration) LogGroups() []string {
	var groups []string
	for _, f := range c.Files {
		groups = append(groups, f.LogGroup)
	}
	for _, e := range c.Events {
		groups = append(groups, e.LogGroup)
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}
