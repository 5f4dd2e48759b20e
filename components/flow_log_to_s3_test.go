package components_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const flowLogType = "aws:ec2/flowLog:FlowLog"

func directFlowLog(id string) *components.FlowLogToS3Args {
	return &components.FlowLogToS3Args{
		Place:          home,
		Resource:       components.FlowLogResource{Kind: components.FlowLogVPC, ID: id},
		TrafficType:    "ALL",
		Method:         components.FlowLogMethodS3,
		BucketArn:      pulumi.String(bucketARN),
		Prefix:         "flow-logs-direct/",
		Format:         "parquet",
		HivePartitions: true,
		LogFormat:      "${version} ${vpc-id}",
	}
}

func flowLogs(args ...*components.FlowLogToS3Args) func(*program) error {
	return func(p *program) error {
		for i, a := range args {
			if _, err := components.NewFlowLogToS3(p.ctx, fmt.Sprintf("flow-%d", i), a, p.at(home)); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestFlowLogToS3Direct(t *testing.T) {
	t.Parallel()
	gateway := directFlowLog("tgw-0123456789abcdef0")
	gateway.Resource.Kind, gateway.TrafficType, gateway.Format, gateway.Prefix, gateway.HourlyPartitions = components.FlowLogTransitGateway, "", "", "", true
	one := directFlowLog("vpc-0123456789abcdef0")
	g := record(t, flowLogs(one, gateway))
	inputs(t, find(t, g, flowLogType, "flow-0"), map[string]any{
		"vpcId": "vpc-0123456789abcdef0", "trafficType": "ALL", "logDestinationType": "s3", "logDestination": bucketARN + "/flow-logs-direct/",
		"destinationOptions": map[string]any{"fileFormat": "parquet", "hiveCompatiblePartitions": true, "perHourPartition": false},
		"logFormat":          "${version} ${vpc-id}", "maxAggregationInterval": 600,
	})
	inputs(t, find(t, g, flowLogType, "flow-1"), map[string]any{
		"transitGatewayId": "tgw-0123456789abcdef0", "logDestinationType": "s3", "logDestination": bucketARN,
		"destinationOptions": map[string]any{"fileFormat": "plain-text", "hiveCompatiblePartitions": true, "perHourPartition": true},
		"logFormat":          "${version} ${vpc-id}", "maxAggregationInterval": 60,
	})
	// One more flow log is one more resource, and no role.
	if diff := cmp.Diff([]string{flowLogType + " flow-1"}, added(record(t, flowLogs(one)), g)); diff != "" {
		t.Error(diff)
	}
}

// throughLogGroups declares the role and the pipeline that flow logs share, and a flow log for each subnet.
func throughLogGroups(t *testing.T, subnets ...string) *graph.Graph {
	return record(t, func(p *program) error {
		pipeline, err := components.NewFirehoseToS3Pipeline(p.ctx, "logs", pipelineArgs(), p.at(home))
		if err != nil {
			return err
		}
		role, err := components.NewFlowLogRole(p.ctx, "flow-log-role", &components.FlowLogRoleArgs{
			Place: home, RoleName: "log-archive-flow-logs", LogGroupPrefix: "/log-archive/flow-logs/",
		}, p.at(home))
		if err != nil {
			return err
		}
		for _, id := range subnets {
			if _, err := components.NewFlowLogToS3(p.ctx, id, &components.FlowLogToS3Args{
				Place: home, Resource: components.FlowLogResource{Kind: components.FlowLogSubnet, ID: id}, TrafficType: "REJECT",
				Method: components.FlowLogMethodFirehose, Pipeline: pipeline, Role: role,
				LogGroupName: "/log-archive/flow-logs/" + id, RetentionDays: 14, AggregationSeconds: 60, Tags: map[string]string{"data": "flows"},
			}, p.at(home)); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestFlowLogThroughLogGroup(t *testing.T) {
	t.Parallel()
	const one, two = "subnet-0123456789abcdef0", "subnet-0123456789abcdef1"
	g := throughLogGroups(t, one, two)
	flowLog, filter := find(t, g, flowLogType, one), find(t, g, filterType, "logs-"+one)
	inputs(t, flowLog, map[string]any{
		"subnetId": one, "trafficType": "REJECT", "logDestinationType": "cloud-watch-logs",
		"logDestination": home.LogGroupARN("/log-archive/flow-logs/" + one).String(),
		"iamRoleArn":     home.RoleARN("log-archive-flow-logs").String(), "maxAggregationInterval": 60,
		"tags": map[string]any{"data": "flows"},
	})
	inputs(t, find(t, g, groupType, one), map[string]any{
		"name": "/log-archive/flow-logs/" + one, "retentionInDays": 14, "tags": map[string]any{"data": "flows"},
	})
	dependsOn(t, g, flowLog, filter, find(t, g, rolePolicy, "flow-log-role"))
	if filter.Parent != flowLog.Parent {
		t.Errorf("the filter belongs to %s, the flow log to %s", filter.Parent, flowLog.Parent)
	}
	want := []string{groupType + " " + two, filterType + " logs-" + two, flowLogType + " " + two}
	if diff := cmp.Diff(want, added(throughLogGroups(t, one), g)); diff != "" {
		t.Error(diff)
	}
	document(t, find(t, g, roleType, "flow-log-role"), "assumeRolePolicy", policy.Trust, policy.Statement{
		Effect: policy.Allow, Principal: service(t, partition.VPCFlowLogs), Action: []string{"sts:AssumeRole"},
		Condition: policy.Conditions{}.
			With("StringEquals", "aws:SourceAccount", "111122223333").
			With("ArnLike", "aws:SourceArn", home.ARN(partition.EC2, "vpc-flow-log/*").String()),
	})
	document(t, find(t, g, rolePolicy, "flow-log-role"), "policy", policy.Inline, policy.Statement{
		Sid: "WriteLogGroups", Effect: policy.Allow, Action: []string{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
		Resource: []string{home.LogGroupARN("/log-archive/flow-logs/*").String()},
	})
}

func straightToFirehose(place partition.Place) *components.FlowLogToS3Args {
	return &components.FlowLogToS3Args{Place: place, Resource: components.FlowLogResource{Kind: components.FlowLogENI, ID: "eni-01234567"},
		TrafficType: "ALL", Method: components.FlowLogMethodFirehose, Via: components.FlowLogViaDirect}
}

func TestFlowLogStraightToFirehose(t *testing.T) {
	t.Parallel()
	g := record(t, func(p *program) error {
		args := pipelineArgs()
		args.Place, args.BucketPlace, args.Content, args.SubscriptionRoleName = virginia, oregon, components.VendedLogs, ""
		args.KeyArn = pulumi.String(oregon.ARN(partition.KMS, "key/11111111-2222-3333-4444-555555555555").String())
		pipeline, err := components.NewFirehoseToS3Pipeline(p.ctx, "logs", args, p.at(virginia))
		if err != nil {
			return err
		}
		flowLog := straightToFirehose(virginia)
		flowLog.Pipeline = pipeline
		_, err = components.NewFlowLogToS3(p.ctx, "flow", flowLog, p.at(virginia))
		return err
	})
	flowLog := find(t, g, flowLogType, "flow")
	inputs(t, flowLog, map[string]any{
		"eniId": "eni-01234567", "trafficType": "ALL", "logDestinationType": "kinesis-data-firehose", "maxAggregationInterval": 600,
		"logDestination": virginia.ARN(partition.Firehose, "deliverystream/log-archive-logs").String(),
	})
	dependsOn(t, g, flowLog, find(t, g, streamType, "logs"))
}

// TestFlowLogStraightToFirehoseInChina: no source says that it is possible there, so it is refused.
func TestFlowLogStraightToFirehoseInChina(t *testing.T) {
	t.Parallel()
	got := refused(t, func(p *program) error {
		_, err := components.NewFlowLogToS3(p.ctx, "refused", straightToFirehose(home), p.at(home))
		return err
	})
	wantProblems(t, got, map[string]string{"Via": string(partition.FlowLogsToFirehose), "Pipeline": "want the pipeline"})
}

func TestFlowLogToS3Problems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args *components.FlowLogToS3Args
		want map[string]string
	}{
		"nothing": {nil, map[string]string{
			"Place.Account": "", "Place.Region": "", "Resource.Kind": "want one of vpc, subnet, eni, transit-gateway",
			"TrafficType": "want one of ALL, ACCEPT, REJECT", "Method": "want one of s3, firehose",
		}},
		"s3": {&components.FlowLogToS3Args{
			Place: home, Resource: components.FlowLogResource{Kind: "vpc", ID: "subnet-01234567"}, TrafficType: "ALLL", Method: "s3", Via: "direct",
			Prefix: "x/AWSLogs/", Format: "csv", LogFormat: "version", AggregationSeconds: 300, LogGroupName: "/flows",
		}, map[string]string{
			"Resource.ID": "want the id of a VPC", "TrafficType": "want one of", "Via": "is for method firehose", "Prefix": "keep for themselves",
			"Format": "want one of text, parquet", "LogFormat": "${version}", "AggregationSeconds": "want 60 or 600", "BucketArn": "want the archive", "LogGroupName": "method firehose",
		}},
		"transit gateway": {&components.FlowLogToS3Args{
			Place: home, Resource: components.FlowLogResource{Kind: "transit-gateway", ID: "tgw-01234567"}, TrafficType: "REJECT", Method: "s3",
			BucketArn: pulumi.String(bucketARN), AggregationSeconds: 600,
		}, map[string]string{"TrafficType": "want ALL or none", "AggregationSeconds": "want 60"}},
		"log group": {&components.FlowLogToS3Args{
			Place: home, Resource: components.FlowLogResource{Kind: "vpc", ID: "vpc-01234567"}, TrafficType: "ALL", Method: "firehose",
			Prefix: "x/", HivePartitions: true, RetentionDays: 2,
		}, map[string]string{
			"Prefix": "is for method s3", "Format": "are for method s3", "LogGroupName": "want 1 to 512", "RetentionDays": "2", "Role": "NewFlowLogRole", "Pipeline": "want the pipeline",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantProblems(t, refused(t, func(p *program) error {
				_, err := components.NewFlowLogToS3(p.ctx, "refused", c.args, p.at(home))
				return err
			}), c.want)
		})
	}
}

// TestFlowLogElsewhere: role and pipeline must fit the flow log.
func TestFlowLogElsewhere(t *testing.T) {
	t.Parallel()
	got := refused(t, func(p *program) error {
		a := pipelineArgs()
		a.Place = second
		pipeline, err := components.NewFirehoseToS3Pipeline(p.ctx, "logs", a, p.at(second))
		if err != nil {
			return err
		}
		role, err := components.NewFlowLogRole(p.ctx, "role", &components.FlowLogRoleArgs{Place: home, RoleName: "role", LogGroupPrefix: "/flows/"}, p.at(home))
		if err != nil {
			return err
		}
		_, err = components.NewFlowLogToS3(p.ctx, "refused", &components.FlowLogToS3Args{
			Place: home, Resource: components.FlowLogResource{Kind: "vpc", ID: "vpc-01234567"}, TrafficType: "ALL", Method: "firehose",
			LogGroupName: "/other/flows", RetentionDays: 1, Role: role, Pipeline: pipeline,
		}, p.at(home))
		return err
	})
	wantProblems(t, got, map[string]string{"LogGroupName": "begins with /flows/", "Pipeline": "want a pipeline at 111122223333/cn-north-1"})
	got = refused(t, func(p *program) error {
		a := pipelineArgs()
		a.Content, a.SubscriptionRoleName = components.VendedLogs, ""
		pipeline, err := components.NewFirehoseToS3Pipeline(p.ctx, "logs", a, p.at(home))
		if err != nil {
			return err
		}
		role, err := components.NewFlowLogRole(p.ctx, "role", &components.FlowLogRoleArgs{Place: second, RoleName: "role", LogGroupPrefix: "/flows/"}, p.at(second))
		if err != nil {
			return err
		}
		_, err = components.NewFlowLogToS3(p.ctx, "refused", &components.FlowLogToS3Args{
			Place: home, Resource: components.FlowLogResource{Kind: "vpc", ID: "vpc-01234567"}, TrafficType: "ALL", Method: "firehose",
			LogGroupName: "/flows/a", RetentionDays: 1, Role: role, Pipeline: pipeline,
		}, p.at(home))
		return err
	})
	wantProblems(t, got, map[string]string{"Role": "want a role for 111122223333/cn-north-1", "Pipeline": "want a pipeline of cloudwatch-logs"})
	got = refused(t, func(p *program) error {
		_, err := components.NewFlowLogRole(p.ctx, "refused", nil, p.at(home))
		return err
	})
	wantProblems(t, got, map[string]string{"Place.Account": "", "Place.Region": "", "RoleName": "", "LogGroupPrefix": ""})
}
