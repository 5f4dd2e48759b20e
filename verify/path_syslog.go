package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// collector is the launch template of an autoscaling group whose machines put lines into streams, and what their Fluent Bit is
// told; false for machines that do something else.
func (e *evaluation) collector(r *Resource) (*Resource, catalog.FluentBit, bool) {
	id := r.item("launchTemplate").text("id")
	for _, t := range e.byType[typeLaunchTemplate] {
		if t.Place == r.Place && id != "" && (t.ID == id || t.text("id") == id) {
			f, ok := catalog.FluentBitOf(t.State)
			return t, f, ok
		}
	}
	return nil, catalog.FluentBit{}, false
}

// syslog is the way of what senders bring to a load balancer: to a collector, whose Fluent Bit puts it into a stream as the
// machine's role (https://docs.fluentbit.io/manual/pipeline/outputs/firehose).
func (e *evaluation) syslog(s *segment, r *Resource) {
	template, f, _ := e.collector(r)
	name := template.item("iamInstanceProfile").text("name")
	profile := e.named(typeInstanceProfile, r, name)
	if profile == nil {
		s.to(Stop{Kind: KindNowhere, Name: name})
		s.broken(template.URN, "iamInstanceProfile", "there is no instance profile "+quoted(name), "declare the instance profile, or name one that is declared")
		return
	}
	from := s.at
	for i, named := range f.Streams {
		region, stream, _ := strings.Cut(named, "/")
		arn := partition.Place{Account: r.Place.Account, Region: partition.Region(region)}.ARN(partition.Firehose, "deliverystream/"+stream).String()
		s.at = from
		to, ok := e.followStream(s, template, "userData", arn)
		if !ok {
			return
		}
		acting, ok := e.profileRole(s, r, profile)
		if !ok {
			return
		}
		q := request{caller: acting, owner: r.Place.Account, carrier: template.URN, within: e.collectorVpcs(r)}
		q.title = "the collector puts lines"
		s.prove(e, q.do(arn, "firehose:PutRecordBatch"))
		if i == 0 {
			e.balanced(s, r, f)
			group := r.text("arn")
			pattern := r.Place.ARN(partition.AutoScaling, "autoScalingGroup:*:autoScalingGroupName/"+r.text("name")).String()
			q.title = "the collector lets go when its buffer is empty"
			s.prove(e, q.sampling(group, pattern).do(group, "autoscaling:RecordLifecycleActionHeartbeat", "autoscaling:CompleteLifecycleAction"))
		}
		s.then(e.stream(to))
	}
}

// collectorVpcs are the VPCs of the target groups that lead to an autoscaling group: its machines are there.
func (e *evaluation) collectorVpcs(r *Resource) []string {
	var out []string
	for _, t := range e.byType[typeTargetGroup] {
		if slices.Contains(r.texts("targetGroupArns"), t.text("arn")) {
			out = append(out, t.text("vpcId"))
		}
	}
	return out
}

// balanced finds what keeps senders from a collector: no target group, no listener, another port.
func (e *evaluation) balanced(s *segment, r *Resource, f catalog.FluentBit) {
	for _, arn := range r.texts("targetGroupArns") {
		for _, t := range e.byType[typeTargetGroup] {
			if t.text("arn") != arn {
				continue
			}
			if port := fmt.Sprint(t.number("port")); !slices.Contains(f.Ports, port) {
				s.broken(t.URN, "port", "the load balancer connects to port "+port+", where no collector listens", "name one of the ports "+strings.Join(f.Ports, ", "))
			}
			for _, l := range e.byType[typeListener] {
				if slices.ContainsFunc(l.items("defaultActions"), func(a object) bool { return a.text("targetGroupArn") == arn }) {
					if l.text("protocol") != "TLS" {
						s.broken(l.URN, "protocol", "senders would connect without TLS", "use protocol TLS with a certificate")
					}
					return
				}
			}
			s.broken(t.URN, "", "no listener sends anything to the target group", "declare a listener of the load balancer")
			return
		}
	}
	s.broken(r.URN, "targetGroupArns", "no load balancer leads to the collectors", "name the target group of a load balancer that is declared")
}
