package catalog

import (
	"regexp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// FlowLog is the token of a flow log of a VPC, subnet, network interface or transit gateway.
const FlowLog = "aws:ec2/flowLog:FlowLog"

// watched are the inputs that say what a flow log watches, the type of it, how its ids begin, and EC2's word in error
// codes. These resources belong to no stack.
var watched = []struct{ input, token, prefix, code string }{
	{"vpcId", "aws:ec2/vpc:Vpc", "vpc-", "InvalidVpcID"},
	{"subnetId", "aws:ec2/subnet:Subnet", "subnet-", "InvalidSubnetID"},
	{"eniId", "aws:ec2/networkInterface:NetworkInterface", "eni-", "InvalidNetworkInterfaceID"},
	{"transitGatewayId", "aws:ec2transitgateway/transitGateway:TransitGateway", "tgw-", "InvalidTransitGatewayID"},
	{"transitGatewayAttachmentId", "aws:ec2transitgateway/vpcAttachment:VpcAttachment", "tgw-attach-", "InvalidTransitGatewayAttachmentID"},
}

func watchedInputs() []string {
	var inputs []string
	for _, w := range watched {
		inputs = append(inputs, w.input)
	}
	return inputs
}

// Destinations of flow logs, as the API calls them.
const (
	toLogGroup = "cloud-watch-logs"
	toBucket   = "s3"
	toStream   = "kinesis-data-firehose"
)

// defaultLogFormat is version 2 of the flow log record.
// See https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
const defaultLogFormat = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"

// defaultTransitFormat is the transit gateway's.
// See https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html
const defaultTransitFormat = "${version} ${resource-type} ${account-id} ${tgw-id} ${tgw-attachment-id} ${tgw-src-vpc-account-id} ${tgw-dst-vpc-account-id} ${tgw-src-vpc-id} ${tgw-dst-vpc-id} ${tgw-src-subnet-id} ${tgw-dst-subnet-id} ${tgw-src-eni} ${tgw-dst-eni} ${tgw-src-az-id} ${tgw-dst-az-id} ${tgw-pair-attachment-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${log-status} ${type} ${packets-lost-no-route} ${packets-lost-blackhole} ${packets-lost-mtu-exceeded} ${packets-lost-ttl-expired} ${tcp-flags} ${region} ${flow-direction} ${pkt-src-aws-service} ${pkt-dst-aws-service}"

// Flow logs. See https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html
var flowLogModels = []*model{{
	token: FlowLog, code: "InvalidParameter",
	// terraform-provider-aws, resource aws_flow_log: everything but the tags is ForceNew.
	forceNew: append(watchedInputs(), "deliverCrossAccountRole", "destinationOptions", "iamRoleArn", "logDestination", "logDestinationType",
		"logFormat", "logGroupName", "maxAggregationInterval", "trafficType"),
	defaults: map[string]any{"logDestinationType": toLogGroup, "maxAggregationInterval": 600},
	enums: map[string][]string{
		"logDestinationType":            {toLogGroup, toBucket, toStream},
		"trafficType":                   {"ALL", "ACCEPT", "REJECT"},
		"destinationOptions.fileFormat": {"plain-text", "parquet"},
	},
	texts: map[string]textRule{"logFormat": {
		pattern: regexp.MustCompile(`^\$\{[a-z0-9-]+\}( \$\{[a-z0-9-]+\})*$`), want: "fields such as ${srcaddr}, separated by a space",
	}},
	exactly:    [][]string{watchedInputs()},
	arns:       []string{"iamRoleArn", "deliverCrossAccountRole"},
	check:      checkFlowLog,
	complete:   completeFlowLog,
	references: flowLogReferences,
}}

var hexID = regexp.MustCompile(`^[0-9a-f]{8}([0-9a-f]{9})?$`)

func checkFlowLog(c *checking) {
	for _, w := range watched {
		if id := c.in.str(w.input); id != "" && id != unknown && !hexID.MatchString(strings.TrimPrefix(id, w.prefix)) {
			c.fail(w.input, w.code+".Malformed", "Invalid id: %q (expecting %q and 8 or 17 hexadecimal digits)", id, w.prefix)
		}
	}
	transit := c.in.has("transitGatewayId") || c.in.has("transitGatewayAttachmentId")
	switch {
	case transit && c.in.has("trafficType"):
		c.fail("trafficType", "InvalidParameter", "a transit gateway's flow log has no traffic type")
	case !transit && !c.in.has("trafficType"):
		c.fail("trafficType", "MissingParameter", "The request must contain the parameter TrafficType: want ALL, ACCEPT or REJECT")
	}
	interval, given := c.in.num("maxAggregationInterval")
	switch {
	case given && interval != 60 && interval != 600:
		c.fail("maxAggregationInterval", "InvalidParameter", "%s is not 60 or 600 seconds", number(interval))
	case transit && interval != 60 && !c.in.unknown("maxAggregationInterval"):
		c.fail("maxAggregationInterval", "InvalidParameter", "must be 60 seconds for a transit gateway")
	}
	c.flowLogTarget()
}

// flowLogTarget checks that the destination fits its type, and that roles are given where they are needed and only there.
func (c *checking) flowLogTarget() {
	kind := c.in.str("logDestinationType")
	if kind == "" {
		kind = toLogGroup
	}
	if c.in.has("logDestination") == c.in.has("logGroupName") {
		c.fail("logDestination", "InvalidParameterCombination", "exactly one of logDestination, logGroupName is needed")
	}
	if kind != toBucket && c.in.has("destinationOptions") && kind != unknown {
		c.fail("destinationOptions", "InvalidParameter", "only for logDestinationType %s: it is %s", toBucket, kind)
	}
	c.flowLogRole(kind)
	target := c.in.str("logDestination")
	if target == "" || target == unknown {
		return
	}
	arn, ok := c.arn("logDestination", target)
	if !ok {
		return
	}
	c.flowLogDestination(kind, arn)
}

func (c *checking) flowLogRole(kind string) {
	switch {
	case kind == toLogGroup && !c.in.has("iamRoleArn"):
		c.fail("iamRoleArn", "InvalidParameter", "DeliverLogsPermissionArn can't be empty if LogDestinationType is %s", toLogGroup)
	case kind == toBucket && c.in.has("iamRoleArn"):
		c.fail("iamRoleArn", "InvalidParameter", "DeliverLogsPermissionArn is not applicable for %s delivery: the bucket's policy permits it", toBucket)
	}
	if c.in.has("deliverCrossAccountRole") && kind != toStream && kind != unknown {
		c.fail("deliverCrossAccountRole", "InvalidParameter", "only for logDestinationType %s: it is %s", toStream, kind)
	}
}

func (c *checking) flowLogDestination(kind string, arn partition.ARN) {
	want := map[string]partition.Service{toLogGroup: partition.Logs, toBucket: partition.S3, toStream: partition.Firehose}[kind]
	if want == "" {
		return
	}
	if arn.Service != want {
		c.fail("logDestination", "InvalidParameter", "LogDestination %q is not of the type that LogDestinationType %s says", arn, kind)
		return
	}
	switch kind {
	case toBucket:
		_, folder, _ := strings.Cut(arn.Resource, "/")
		if slices.Contains(strings.Split(folder, "/"), "AWSLogs") {
			c.fail("logDestination", "InvalidParameter", "%q: AWSLogs is reserved and can't be the name of a folder", arn)
		}
	case toLogGroup:
		if arn.Place() != c.Place {
			c.fail("logDestination", "InvalidParameter", "%q is not in %s: a log group must be in the flow log's account and region", arn, c.Place)
		}
	case toStream:
		if arn.Account != c.Place.Account && !c.in.has("deliverCrossAccountRole") {
			c.fail("deliverCrossAccountRole", "InvalidParameter", "the stream is in account %s: a role there is needed", arn.Account)
		}
	}
}

func completeFlowLog(c *completion) {
	c.id = "fl-" + c.hex("id", 17)
	c.set("arn", c.arn(partition.EC2, "vpc-flow-log/"+c.id))
	format := defaultLogFormat
	if c.view().has("transitGatewayId") || c.view().has("transitGatewayAttachmentId") {
		format = defaultTransitFormat
	}
	c.def("logFormat", format)
	if group := c.str("logGroupName"); group != "" {
		c.def("logDestination", c.Place.LogGroupARN(group).String())
	}
	if c.str("logDestinationType") == toBucket {
		c.def("destinationOptions", map[string]any{})
		c.nested("destinationOptions", map[string]any{"fileFormat": "plain-text", "hiveCompatiblePartitions": false, "perHourPartition": false})
	}
}

func flowLogReferences(r *referring) {
	for _, w := range watched {
		r.id(w.input, w.token, w.code+".NotFound")
	}
	targets := map[string]string{"s3": Bucket, "logs:log-group": LogGroup, "firehose:deliverystream": Stream}
	r.service("logDestination", targets, Reference{Code: "InvalidParameter"})
	for i := range r.refs {
		if r.refs[i].TargetToken == LogGroup || r.refs[i].TargetToken == Stream {
			r.refs[i].SameRegion = true
		}
		if r.refs[i].TargetToken == LogGroup {
			r.refs[i].SameAccount = true
		}
	}
	r.name("logGroupName", LogGroup, "InvalidParameter")
	r.roleARN("iamRoleArn", "InvalidParameter")
	r.arn("deliverCrossAccountRole", Role, "InvalidParameter")
}
