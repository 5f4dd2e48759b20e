package stacks

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// flowLogKinds are the keys that name what a flow log records, and what it is then.
var flowLogKinds = []struct{ key, kind string }{
	{"vpcId", KindVPC}, {"subnetId", KindSubnet}, {"eniId", KindENI}, {"transitGatewayId", KindTransitGateway},
}

// flowLogs reads the flow logs.
func (p *parser) flowLogs(v schema.Value) {
	names, resources := newOnce(p), newOnce(p)
	for _, item := range v.Items() {
		s := FlowLogSpec{
			Key:              item.Path,
			Name:             item.Get("name").Text(),
			TrafficType:      item.Get("trafficType").Text(),
			Method:           item.Get("method").Text(),
			Parquet:          item.Get("format").Text() == "parquet",
			HivePartitions:   item.Get("hivePartitions").Flag(),
			HourlyPartitions: item.Get("hourlyPartitions").Flag(),
			LogFormat:        item.Get("logFormat").Text(),
		}
		if !item.Valid {
			continue
		}
		names.text(item.Get("name"), "is the name of", "want another")
		id := p.flowLogResource(item, &s)
		resources.text(id, "is recorded by", "its traffic would be archived twice")
		p.flowLogMethod(item, &s)
		p.flowLogAggregation(item, &s)
		if format := item.Get("logFormat"); format.OK() {
			if err := checkLogFormat(s.LogFormat, s.Kind); err != nil {
				p.add(format, "%v", err)
			}
		}
		p.spec.FlowLogs = append(p.spec.FlowLogs, s)
		if s.Method == MethodFirehose && s.Via == ViaLogGroup && s.Name != "" {
			p.groups = append(p.groups, groupUse{p.spec.FlowLogGroup(s.Name), s.Key})
		}
	}
}

// flowLogResource reads which resource is recorded, and returns the value that says so.
func (p *parser) flowLogResource(item schema.Value, s *FlowLogSpec) schema.Value {
	var given []schema.Value
	for _, k := range flowLogKinds {
		id := item.Get(k.key)
		if !id.Given {
			continue
		}
		given = append(given, id)
		if len(given) == 1 {
			s.Kind, s.ID = k.kind, id.Text()
		}
	}
	switch len(given) {
	case 0:
		p.add(item, "no resource is given; want exactly one of vpcId, subnetId, eniId, transitGatewayId")
		return schema.Value{}
	case 1:
		return given[0]
	}
	p.add(given[1], "%s is the second resource of one flow log; want exactly one of vpcId, subnetId, eniId, transitGatewayId", schema.Quote(given[1].Text()))
	return given[0]
}

// flowLogMethod reads the way, and refuses what the way has no use for: an option without effect is a mistake.
func (p *parser) flowLogMethod(item schema.Value, s *FlowLogSpec) {
	unused := func(keys []string, why string) {
		for _, key := range keys {
			if v := item.Get(key); v.OK() {
				p.add(v, "%s; leave it out", why)
			}
		}
	}
	method := item.Get("method")
	if method.Given && !method.Valid {
		return
	}
	p.flowLogMethodHere(item, method, s)
	if s.Method != MethodFirehose {
		unused([]string{"via", "retentionDays"}, "only flow logs with method firehose have it")
		return
	}
	unused([]string{"format", "hivePartitions", "hourlyPartitions"}, "only flow logs with method s3 or landing have it")
	via := item.Get("via")
	s.Via = via.Text()
	if s.Via == ViaDirect {
		unused([]string{"retentionDays"}, "only flow logs with via log-group have it")
		if r := p.spec.Home.Region; r != "" {
			if err := r.Require(partition.FlowLogsToFirehose); err != nil {
				p.add(via, "%s: %v; want %s", schema.Quote(s.Via), err, ViaLogGroup)
			}
		}
		return
	}
	s.RetentionDays = p.retention(item.Get("retentionDays"))
}

// flowLogMethodHere finds the method where none is given, and whether there is a landing bucket for it.
func (p *parser) flowLogMethodHere(item, method schema.Value, s *FlowLogSpec) {
	direct := p.spec.Home.Partition().Feature(partition.FlowLogsCrossRegionBucket)
	switch {
	case !method.Given && direct.Support == partition.Yes:
		s.Method = MethodS3
	case !method.Given:
		s.Method = MethodLanding
		if p.spec.Landing == nil {
			p.add(item, "whether flow logs can be written to a bucket in another region is %s (%s); configure %s:landing, or say method: %s or %s",
				direct.Support, direct.Source, Namespace, MethodS3, MethodFirehose)
		}
	case s.Method == MethodLanding && p.spec.Landing == nil:
		p.add(method, "there is no landing bucket; configure %s:landing", Namespace)
	}
}

// flowLogAggregation reads traffic type and interval, about which transit gateways have no choice.
//
// See https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html
func (p *parser) flowLogAggregation(item schema.Value, s *FlowLogSpec) {
	seconds, traffic := item.Get("aggregationSeconds"), item.Get("trafficType")
	gateway := s.Kind == KindTransitGateway
	s.AggregationSeconds = seconds.Number()
	switch {
	case !seconds.Given && gateway:
		s.AggregationSeconds = 60
	case !seconds.Given:
		s.AggregationSeconds = 600
	case !seconds.Valid:
	case gateway && seconds.Number() != 60:
		p.add(seconds, "%d is not accepted for a transit gateway; want 60", seconds.Number())
	case seconds.Number() != 60 && seconds.Number() != 600:
		p.add(seconds, "%d is not one of 60, 600", seconds.Number())
	}
	if gateway && traffic.OK() && traffic.Text() != "ALL" {
		p.add(traffic, "%s is not accepted for a transit gateway, which records all traffic; leave it out", schema.Quote(traffic.Text()))
	}
}

// Fields of flow log records, as in https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html (versions 2
// to 11) and https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html. China may be some versions behind; the flow
// log service then refuses the format itself.
const (
	sharedRecordFields = "version account-id srcaddr dstaddr srcport dstport protocol packets bytes start end log-status " +
		"type tcp-flags region flow-direction pkt-src-aws-service pkt-dst-aws-service"
	vpcRecordFields = sharedRecordFields + " interface-id action vpc-id subnet-id instance-id pkt-srcaddr pkt-dstaddr " +
		"az-id sublocation-type sublocation-id traffic-path ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn " +
		"ecs-container-instance-id ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn " +
		"ecs-task-arn ecs-task-id reject-reason resource-id encryption-status instance-tag instance-tag-2 interface-tag " +
		"interface-tag-2 asg-tag asg-tag-2 interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id " +
		"next-hop-vpc-id next-hop-interface-type"
	gatewayRecordFields = sharedRecordFields + " resource-type tgw-id tgw-attachment-id tgw-src-vpc-account-id " +
		"tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni " +
		"tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id packets-lost-no-route packets-lost-blackhole " +
		"packets-lost-mtu-exceeded packets-lost-ttl-expired"
)

// recordFields returns the fields that a record of the kind may have.
func recordFields(kind string) []string {
	if kind == KindTransitGateway {
		return strings.Fields(gatewayRecordFields)
	}
	return strings.Fields(vpcRecordFields)
}
