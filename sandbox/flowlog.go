package sandbox

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// What a flow log watches.
const (
	watchVPC        = "vpc"
	watchSubnet     = "subnet"
	watchInterface  = "eni"
	watchGateway    = "transit-gateway"
	watchAttachment = "transit-gateway-attachment"
)

// Where a flow log goes.
const (
	flowToLogs     = "cloud-watch-logs"
	flowToS3       = "s3"
	flowToFirehose = "kinesis-data-firehose"
)

// flowLog is a declared flow log.
type flowLog struct {
	object      Object
	kind        string // what it watches
	resource    string // the id of that
	traffic     string // ALL, ACCEPT or REJECT
	to          string // where it goes
	destination string // the ARN of that; for S3 with the folder
	fields      []flowField
	format      string // as configured
	aggregation int    // seconds
	key         flowKey
	codec       *flowCodec
}

func flowLogOf(o Object) (*flowLog, error) {
	f := &flowLog{object: o, traffic: "ALL", to: o.Text("logDestinationType"), destination: o.Text("logDestination"), format: o.Text("logFormat")}
	for _, watched := range []struct{ property, kind string }{
		{"vpcId", watchVPC}, {"subnetId", watchSubnet}, {"eniId", watchInterface},
		{"transitGatewayId", watchGateway}, {"transitGatewayAttachmentId", watchAttachment},
	} {
		if id := o.Text(watched.property); id != "" {
			f.kind, f.resource = watched.kind, id
		}
	}
	if f.kind == "" {
		return nil, fmt.Errorf("flow log %s watches nothing", o.ID)
	}
	switch f.to {
	case flowToLogs, flowToS3, flowToFirehose:
	case "":
		f.to = flowToLogs
	default:
		return nil, fmt.Errorf("flow log %s: the sandbox knows no logDestinationType %q", o.ID, f.to)
	}
	if traffic := o.Text("trafficType"); traffic != "" {
		f.traffic = traffic
	}
	gateway := f.kind == watchGateway || f.kind == watchAttachment
	f.aggregation = integer(o.State, "maxAggregationInterval", 600)
	var err error
	if f.fields, err = parseFlowFormat(f.format, gateway); err != nil {
		return nil, fmt.Errorf("flow log %s: %w", o.ID, err)
	}
	f.key = flowKey{place: o.Place, flowLog: o.ID}
	for _, options := range objects(o.State["destinationOptions"]) {
		f.key.hive = boolean(options, "hiveCompatiblePartitions")
		f.key.hourly = boolean(options, "perHourPartition")
		f.key.parquet = text(options, "fileFormat") == "parquet"
	}
	if f.to == flowToLogs && f.destination == "" {
		f.destination = o.Place.LogGroupARN(o.Text("logGroupName")).String()
	}
	f.destination = strings.TrimSuffix(f.destination, ":*")
	f.codec, err = newFlowCodec(f)
	return f, err
}

// bucket returns the ARN of the bucket that the flow log writes to, and sets the folder of its keys.
func (f *flowLog) bucket() (string, error) {
	arn, err := partition.ParseARN(f.destination)
	if err != nil {
		return "", fmt.Errorf("flow log %s: logDestination: %w", f.object.ID, err)
	}
	arn.Resource, f.key.folder, _ = strings.Cut(arn.Resource, "/")
	return arn.String(), nil
}

// logStream is where the flow log's records go in a log group: a stream for each interface, named after it and the
// traffic (https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html). The sandbox has one for all records.
func (f *flowLog) logStream() string {
	switch f.kind {
	case watchGateway, watchAttachment:
		return f.resource
	case watchInterface:
		return f.resource + "-" + strings.ToLower(f.traffic)
	}
	return f.derivedID("eni-", "interface") + "-" + strings.ToLower(f.traffic)
}

// derivedID is an id of something that the sandbox doesn't know, such as the VPC of a subnet. It stays the same.
func (f *flowLog) derivedID(prefix, what string) string {
	return fmt.Sprintf("%s0%x", prefix, sha256.Sum256([]byte(what+f.object.ID)))[:len(prefix)+17]
}

// arn is the flow log as the flow log service names it to others.
func (f *flowLog) arn() string {
	return f.object.Place.ARN(partition.VPCFlowLogs, "vpc-flow-log/"+f.object.ID).String()
}
