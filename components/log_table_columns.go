package components

import (
	"slices"
	"strings"
)

// LineColumns are what the transform function writes for each event, and extra fields: see [TransformFunctionArgs].
func LineColumns(extra ...string) []TableColumn {
	columns := []TableColumn{
		{"id", "string"}, {"timestamp", "bigint"}, {"message", "string"}, {"logGroup", "string"}, {"logStream", "string"}, {"owner", "string"},
	}
	for _, field := range extra {
		name, _, _ := strings.Cut(field, "=")
		columns = append(columns, TableColumn{name, "string"})
	}
	return columns
}

// VendedColumns are what flow logs put straight into a stream: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-firehose.html
func VendedColumns() []TableColumn { return []TableColumn{{"message", "string"}} }

// CollectorColumns are what [FluentBit] makes of a line of syslog.
func CollectorColumns() []TableColumn {
	return []TableColumn{{"message", "string"}, {"source", "string"}, {"time", "string"}}
}

// The fields of flow records that are numbers, as in Parquet:
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html
var (
	flowInts  = strings.Fields("version srcport dstport protocol tcp-flags traffic-path encryption-status")
	flowLongs = strings.Fields("packets bytes start end packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired")
)

// FlowColumns are the columns of flow records with fields, in their order.
func FlowColumns(fields []string) []TableColumn {
	var columns []TableColumn
	for _, f := range fields {
		c := TableColumn{ColumnName(f), "string"}
		switch {
		case slices.Contains(flowInts, f):
			c.Type = "int"
		case slices.Contains(flowLongs, f):
			c.Type = "bigint"
		}
		columns = append(columns, c)
	}
	return columns
}

// TrailColumns are those of CloudTrail's records: https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table-partition-projection.html,
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func TrailColumns() []TableColumn {
	session := "struct<attributes:struct<mfaAuthenticated:string,creationDate:string>,sessionIssuer:struct<type:string,principalId:string," +
		"arn:string,accountId:string,userName:string>,ec2RoleDelivery:string,webIdFederationData:struct<federatedProvider:string,attributes:map<string,string>>>"
	columns := []TableColumn{
		{"userIdentity", "struct<type:string,principalId:string,arn:string,accountId:string,invokedBy:string,accessKeyId:string,userName:string," +
			"sessionContext:" + session + ">"},
		{"resources", "array<struct<arn:string,accountId:string,type:string>>"},
		{"tlsDetails", "struct<tlsVersion:string,cipherSuite:string,clientProvidedHostHeader:string>"},
	}
	return append(texts("eventVersion eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode errorMessage requestParameters "+
		"responseElements additionalEventData requestID eventID readOnly eventType apiVersion managementEvent recipientAccountId sharedEventID "+
		"serviceEventDetails vpcEndpointId vpcEndpointAccountId eventCategory addendum sessionCredentialFromConsole edgeDeviceDetails insightDetails"), columns...)
}

func texts(names string) []TableColumn {
	var columns []TableColumn
	for _, name := range strings.Fields(names) {
		columns = append(columns, TableColumn{name, "string"})
	}
	return columns
}

// ConfigColumns are those of AWS Config's history and snapshots: https://docs.aws.amazon.com/athena/latest/ug/querying-config.html,
// https://docs.aws.amazon.com/config/latest/APIReference/API_ConfigurationItem.html
func ConfigColumns() []TableColumn {
	return append(texts("fileVersion configSnapshotId"), TableColumn{"configurationItems",
		"array<struct<configurationItemVersion:string,configurationItemCaptureTime:string,configurationStateId:bigint,awsAccountId:string," +
			"configurationItemStatus:string,resourceType:string,resourceId:string,resourceName:string,ARN:string,awsRegion:string,availabilityZone:string," +
			"configurationStateMd5Hash:string,resourceCreationTime:string,configuration:string,supplementaryConfiguration:string,tags:map<string,string>," +
			"relatedEvents:array<string>,relationships:array<struct<resourceType:string,resourceId:string,resourceName:string,name:string>>>>"})
}

// FindingColumns are those of GuardDuty's findings: https://docs.aws.amazon.com/guardduty/latest/APIReference/API_Finding.html
func FindingColumns() []TableColumn {
	return append(texts("schemaVersion accountId region partition id arn type title description createdAt updatedAt confidence"),
		TableColumn{"severity", "double"}, TableColumn{"resource", "string"}, TableColumn{"associatedAttackSequenceArn", "string"},
		// What belongs to the type of finding only is text, which json_extract reads.
		TableColumn{"service", "struct<serviceName:string,detectorId:string,count:int,eventFirstSeen:string,eventLastSeen:string,archived:boolean," +
			"resourceRole:string,action:string,evidence:string,additionalInfo:string,featureName:string,userFeedback:string>"})
}

// QueryLogColumns are those of Route 53 Resolver's query logs: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html
func QueryLogColumns() []TableColumn {
	return append(texts("version account_id region vpc_id query_timestamp query_name query_type query_class rcode"),
		TableColumn{"answers", "array<struct<Rdata:string,Type:string,Class:string>>"},
		TableColumn{"srcaddr", "string"}, TableColumn{"srcport", "string"}, TableColumn{"transport", "string"},
		TableColumn{"srcids", "struct<instance:string,resolver_endpoint:string,resolver_network_interface:string>"},
		TableColumn{"firewall_rule_action", "string"}, TableColumn{"firewall_rule_group_id", "string"}, TableColumn{"firewall_domain_list_id", "string"})
}

// field is a field of an access log: what it matches, and its columns, a group each.
type field struct {
	pattern string
	columns []TableColumn
}

const (
	plainField  = `([^ ]*)`
	quotedField = `"((?:[^"\\]|\\.)*)"`
	numberField = `(-?[0-9.]+|-)`
)

func plain(name string) field  { return field{plainField, texts(name)} }
func quoted(name string) field { return field{quotedField, texts(name)} }
func number(name, kind string) field {
	return field{numberField, []TableColumn{{name, kind}}}
}

// address is a host and a port, or a hyphen.
func address(name string) field {
	return field{`(?:([^ ]*):([0-9]+)|-)`, []TableColumn{{name + "_ip", "string"}, {name + "_port", "int"}}}
}

// accessPattern joins fields, each with a space before it but the first. What AWS may add behind them is passed over; from field
// optional on, all may be missing.
func accessPattern(optional int, fields ...field) (pattern string, columns []TableColumn) {
	var b strings.Builder
	b.WriteString("^")
	for i, f := range fields {
		switch {
		case i >= optional:
			b.WriteString("(?: " + f.pattern)
		case i > 0:
			b.WriteString(" " + f.pattern)
		default:
			b.WriteString(f.pattern)
		}
		columns = append(columns, f.columns...)
	}
	b.WriteString(strings.Repeat(")?", max(0, len(fields)-optional)) + "(?: .*)?$")
	return b.String(), columns
}

// ApplicationBalancerPattern matches a line of the access log of an application load balancer, and of no other:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-entry-syntax
func ApplicationBalancerPattern() (pattern string, columns []TableColumn) {
	return accessPattern(25,
		field{`(https?|h2|wss?|grpcs?)`, texts("type")}, plain("time"), plain("elb"), address("client"), address("target"),
		number("request_processing_time", "double"), number("target_processing_time", "double"), number("response_processing_time", "double"),
		number("elb_status_code", "int"), number("target_status_code", "int"), number("received_bytes", "bigint"), number("sent_bytes", "bigint"),
		quoted("request"), quoted("user_agent"), plain("ssl_cipher"), plain("ssl_protocol"), plain("target_group_arn"), quoted("trace_id"),
		quoted("domain_name"), quoted("chosen_cert_arn"), plain("matched_rule_priority"), plain("request_creation_time"), quoted("actions_executed"),
		quoted("redirect_url"), quoted("error_reason"), quoted("target_port_list"), quoted("target_status_code_list"), quoted("classification"),
		quoted("classification_reason"), plain("conn_trace_id"))
}

// NetworkBalancerPattern is the same for network load balancers, which log TLS only:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html
func NetworkBalancerPattern() (pattern string, columns []TableColumn) {
	return accessPattern(21,
		field{`(tls)`, texts("type")}, plain("version"), plain("time"), plain("elb"), plain("listener"), address("client"), address("destination"),
		number("connection_time", "bigint"), number("tls_handshake_time", "bigint"), number("received_bytes", "bigint"), number("sent_bytes", "bigint"),
		plain("incoming_tls_alert"), plain("chosen_cert_arn"), plain("chosen_cert_serial"), plain("tls_cipher"), plain("tls_protocol_version"),
		plain("tls_named_group"), plain("domain_name"), plain("alpn_fe_protocol"), plain("alpn_be_protocol"), plain("alpn_client_preference_list"),
		plain("tls_connection_creation_time"))
}

// ClassicBalancerPattern is the same for classic load balancers:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html
func ClassicBalancerPattern() (pattern string, columns []TableColumn) {
	return accessPattern(13,
		field{`([0-9][^ ]*)`, texts("time")}, plain("elb"), address("client"), address("backend"),
		number("request_processing_time", "double"), number("backend_processing_time", "double"), number("response_processing_time", "double"),
		number("elb_status_code", "int"), number("backend_status_code", "int"), number("received_bytes", "bigint"), number("sent_bytes", "bigint"),
		quoted("request"), quoted("user_agent"), plain("ssl_cipher"), plain("ssl_protocol"))
}

// ServerAccessPattern matches a line of S3's server access log:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
func ServerAccessPattern() (pattern string, columns []TableColumn) {
	maybe := func(name string) field { return field{`(?:` + quotedField + `|-)`, texts(name)} }
	return accessPattern(18,
		plain("bucket_owner"), plain("bucket"), field{`\[([^\]]*)\]`, texts("time")}, plain("remote_ip"), plain("requester"), plain("request_id"),
		plain("operation"), plain("key"), maybe("request_uri"), number("http_status", "int"), plain("error_code"), number("bytes_sent", "bigint"),
		number("object_size", "bigint"), number("total_time", "bigint"), number("turn_around_time", "bigint"), maybe("referer"), maybe("user_agent"),
		plain("version_id"), plain("host_id"), plain("signature_version"), plain("cipher_suite"), plain("authentication_type"), plain("host_header"),
		plain("tls_version"), plain("access_point_arn"), plain("acl_required"))
}
