package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// fieldKind is the type of a field in Parquet; in text everything is a string.
type fieldKind int

const (
	fieldString fieldKind = iota // STRING
	fieldInt32                   // INT_32
	fieldInt64                   // INT_64
)

// flowField is a field of a flow record. Version is the version of flow logs that brought it: a record's own version is
// the highest of its fields'.
type flowField struct {
	name    string
	version int
	kind    fieldKind
}

// column is the name of the field in Parquet, where AWS writes underscores.
func (f flowField) column() string { return strings.ReplaceAll(f.name, "-", "_") }

// vpcFields has the fields of VPC, subnet and interface flow logs in the order of
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html. The default format is those of version 2.
var vpcFields = []flowField{
	{"version", 2, fieldInt32}, {"account-id", 2, fieldString}, {"interface-id", 2, fieldString},
	{"srcaddr", 2, fieldString}, {"dstaddr", 2, fieldString}, {"srcport", 2, fieldInt32}, {"dstport", 2, fieldInt32},
	{"protocol", 2, fieldInt32}, {"packets", 2, fieldInt64}, {"bytes", 2, fieldInt64}, {"start", 2, fieldInt64},
	{"end", 2, fieldInt64}, {"action", 2, fieldString}, {"log-status", 2, fieldString},
	{"vpc-id", 3, fieldString}, {"subnet-id", 3, fieldString}, {"instance-id", 3, fieldString}, {"tcp-flags", 3, fieldInt32},
	{"type", 3, fieldString}, {"pkt-srcaddr", 3, fieldString}, {"pkt-dstaddr", 3, fieldString},
	{"region", 4, fieldString}, {"az-id", 4, fieldString}, {"sublocation-type", 4, fieldString}, {"sublocation-id", 4, fieldString},
	{"pkt-src-aws-service", 5, fieldString}, {"pkt-dst-aws-service", 5, fieldString}, {"flow-direction", 5, fieldString},
	{"traffic-path", 5, fieldInt32},
	{"ecs-cluster-arn", 7, fieldString}, {"ecs-cluster-name", 7, fieldString}, {"ecs-container-instance-arn", 7, fieldString},
	{"ecs-container-instance-id", 7, fieldString}, {"ecs-container-id", 7, fieldString}, {"ecs-second-container-id", 7, fieldString},
	{"ecs-service-name", 7, fieldString}, {"ecs-task-definition-arn", 7, fieldString}, {"ecs-task-arn", 7, fieldString},
	{"ecs-task-id", 7, fieldString}, {"reject-reason", 8, fieldString}, {"resource-id", 9, fieldString},
	{"encryption-status", 10, fieldInt32},
	{"instance-tag", 11, fieldString}, {"instance-tag-2", 11, fieldString}, {"interface-tag", 11, fieldString},
	{"interface-tag-2", 11, fieldString}, {"asg-tag", 11, fieldString}, {"asg-tag-2", 11, fieldString},
	{"interface-type", 11, fieldString}, {"next-hop-interface-id", 11, fieldString}, {"next-hop-subnet-id", 11, fieldString},
	{"next-hop-az-id", 11, fieldString}, {"next-hop-vpc-id", 11, fieldString}, {"next-hop-interface-type", 11, fieldString},
}

// gatewayFields has those of transit gateways, in the order of
// https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html. The default format is all of them.
var gatewayFields = []flowField{
	{"version", 2, fieldInt32}, {"resource-type", 6, fieldString}, {"account-id", 2, fieldString}, {"tgw-id", 6, fieldString},
	{"tgw-attachment-id", 6, fieldString}, {"tgw-src-vpc-account-id", 6, fieldString}, {"tgw-dst-vpc-account-id", 6, fieldString},
	{"tgw-src-vpc-id", 6, fieldString}, {"tgw-dst-vpc-id", 6, fieldString}, {"tgw-src-subnet-id", 6, fieldString},
	{"tgw-dst-subnet-id", 6, fieldString}, {"tgw-src-eni", 6, fieldString}, {"tgw-dst-eni", 6, fieldString},
	{"tgw-src-az-id", 6, fieldString}, {"tgw-dst-az-id", 6, fieldString}, {"tgw-pair-attachment-id", 6, fieldString},
	{"srcaddr", 2, fieldString}, {"dstaddr", 2, fieldString}, {"srcport", 2, fieldInt32}, {"dstport", 2, fieldInt32},
	{"protocol", 2, fieldInt32}, {"packets", 2, fieldInt64}, {"bytes", 2, fieldInt64}, {"start", 2, fieldInt64}, {"end", 2, fieldInt64},
	{"log-status", 2, fieldString}, {"type", 3, fieldString}, {"packets-lost-no-route", 6, fieldInt64},
	{"packets-lost-blackhole", 6, fieldInt64}, {"packets-lost-mtu-exceeded", 6, fieldInt64}, {"packets-lost-ttl-expired", 6, fieldInt64},
	{"tcp-flags", 3, fieldInt32}, {"region", 4, fieldString}, {"flow-direction", 5, fieldString},
	{"pkt-src-aws-service", 5, fieldString}, {"pkt-dst-aws-service", 5, fieldString},
}

// parseFlowFormat reads a format such as "${version} ${srcaddr}"; "" is the default format of the kind.
func parseFlowFormat(format string, gateway bool) ([]flowField, error) {
	known := vpcFields
	if gateway {
		known = gatewayFields
	}
	if strings.TrimSpace(format) == "" {
		if gateway {
			return known, nil
		}
		return slices.DeleteFunc(slices.Clone(known), func(f flowField) bool { return f.version > 2 }), nil
	}
	var fields []flowField
	for _, token := range strings.Fields(format) {
		name, opened := strings.CutPrefix(token, "${")
		name, closed := strings.CutSuffix(name, "}")
		i := slices.IndexFunc(known, func(f flowField) bool { return f.name == name })
		if !opened || !closed || i < 0 {
			return nil, fmt.Errorf("the sandbox knows no field %q of a flow record; it knows %s", token, flowFieldNames(known))
		}
		fields = append(fields, known[i])
	}
	return fields, nil
}

func flowFieldNames(fields []flowField) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return strings.Join(names, " ")
}

// flowVersion is the version that a record of these fields states.
func flowVersion(fields []flowField) int {
	version := 0
	for _, f := range fields {
		version = max(version, f.version)
	}
	return version
}
