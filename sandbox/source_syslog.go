package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// collectors is what senders of syslog reach through a load balancer.
type collectors struct {
	group, template Object
	profile         string
	stream          string // ARN
	vpcs            []string
}

// syslogSender is the address of the sender that the sandbox plays.
const syslogSender = "10.0.0.20"

// collectorSources returns a source for each group of collectors that puts lines into a stream. Their paths aren't filled in.
func collectorSources(world Resources) []Source {
	var sources []Source
	for _, group := range world.List(catalog.AutoScalingGroup) {
		id := text(child(group.State, "launchTemplate"), "id")
		template, ok := find(world, catalog.LaunchTemplate, func(o *Object) bool { return o.Place == group.Place && o.ID == id })
		if !ok {
			continue
		}
		f, ok := catalog.FluentBitOf(template.State)
		if !ok {
			continue
		}
		for _, named := range f.Streams {
			region, stream, _ := strings.Cut(named, "/")
			place := partition.Place{Account: group.Place.Account, Region: partition.Region(region)}
			s := Source{Kind: SourceSyslog, Place: group.Place, Name: group.Text("name"), Broken: unbalanced(world, group, f)}
			s.collectors = &collectors{
				group: group, template: template, profile: text(child(template.State, "iamInstanceProfile"), "name"),
				stream: place.ARN(partition.Firehose, "deliverystream/"+stream).String(), vpcs: vpcsOf(world, group),
			}
			sources = append(sources, s)
		}
	}
	return sources
}

// vpcsOf are the VPCs of a group's machines: those of the target groups that lead to them.
func vpcsOf(world Resources, group Object) []string {
	var vpcs []string
	for _, arn := range strs(group.State["targetGroupArns"]) {
		if targets, ok := world.ByARN(arn); ok {
			vpcs = append(vpcs, targets.Text("vpcId"))
		}
	}
	return vpcs
}

// unbalanced says why senders don't reach the collectors; "" when they do.
func unbalanced(world Resources, group Object, f catalog.FluentBit) string {
	for _, arn := range strs(group.State["targetGroupArns"]) {
		targets, ok := world.ByARN(arn)
		if !ok {
			return "the target group " + arn + " doesn't exist"
		}
		if port := fmt.Sprint(integer(targets.State, "port", 0)); !slices.Contains(f.Ports, port) {
			return "the load balancer connects to port " + port + ", where no collector listens"
		}
		if _, ok := find(world, catalog.Listener, func(o *Object) bool {
			return text(child(o.State, "defaultActions"), "targetGroupArn") == arn
		}); ok {
			return ""
		}
	}
	return "no listener leads to the collectors"
}

// collectorPath reads the way of a source's lines.
func (all declared) collectorPath(s Source) (path, broken string) {
	rest, broken := all.streamPath(s.collectors.stream)
	if s.Broken != "" {
		broken = s.Broken
	}
	return "collector " + s.Name + " -> " + rest, broken
}

// sendSyslog has a collector take lines and put them into its stream.
func (t *transfer) sendSyslog(s Source, lines []string) error {
	if s.Broken != "" {
		return fmt.Errorf("sandbox: %s: %s", s.ID, s.Broken)
	}
	if err := checkSyslog(s, lines); err != nil {
		return err
	}
	put, err := t.actAs(s.Place, "collector "+s.Name, s.collectors.profile)
	if err != nil {
		return err
	}
	put.Within = s.collectors.vpcs
	put.Step, put.Action, put.Resource = "the collector "+s.Name+" puts lines", "firehose:PutRecordBatch", s.collectors.stream
	stream, err := t.d.streamByARN(put, s.collectors.stream)
	if err != nil {
		return err
	}
	if err := t.authorize(put); err != nil {
		return err
	}
	a, err := t.open(streamBuffers, stream.Place, stream.Text("name"))
	if err != nil {
		return err
	}
	for _, line := range lines {
		if err := t.add(a, 1, collectorRecord(line, t.now)); err != nil {
			return err
		}
	}
	t.receipt.Selected = len(lines)
	return nil
}

// checkSyslog refuses what a line of syslog can't have: it ends at the first line feed.
func checkSyslog(s Source, lines []string) error {
	return checkLines(s, lines, func(line string) error {
		switch {
		case line == "":
			return fmt.Errorf("it is empty")
		case strings.ContainsAny(line, "\n\x00"):
			return fmt.Errorf("it has a line feed or a NUL")
		}
		return nil
	})
}

// collectorRecord is a line as Fluent Bit puts it to Firehose: an object of JSON, and a line feed.
func collectorRecord(line string, now time.Time) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(struct {
		Message string `json:"message"`
		Source  string `json:"source"`
		Time    string `json:"time"`
	}{line, syslogSender, now.UTC().Format("2006-01-02T15:04:05.000")}) // strings can be encoded
	return b.Bytes()
}
