package components_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
)

const (
	recorderType    = "aws:cfg/recorder:Recorder"
	channelType     = "aws:cfg/deliveryChannel:DeliveryChannel"
	statusType      = "aws:cfg/recorderStatus:RecorderStatus"
	linkedRoleType  = "aws:iam/serviceLinkedRole:ServiceLinkedRole"
	detectorType    = "aws:guardduty/detector:Detector"
	publishingType  = "aws:guardduty/publishingDestination:PublishingDestination"
	queryConfigType = "aws:route53/resolverQueryLogConfig:ResolverQueryLogConfig"
	queryVpcType    = "aws:route53/resolverQueryLogConfigAssociation:ResolverQueryLogConfigAssociation"
)

var oregonKey = oregon.ARN(partition.KMS, "key/11111111-2222-3333-4444-555555555555").String()

func configArgs() *components.ConfigToS3Args {
	return &components.ConfigToS3Args{
		Place: home, BucketName: "example-log-archive", KeyArn: pulumi.String(archiveKey), Prefix: "config/", SnapshotFrequency: "Six_Hours", IncludeGlobalResourceTypes: true,
	}
}

func TestConfigToS3(t *testing.T) {
	t.Parallel()
	for _, create := range []bool{false, true} {
		args := configArgs()
		args.CreateServiceLinkedRole = create
		g := record(t, func(p *program) error {
			_, err := components.NewConfigToS3(p.ctx, "config", args, p.at(home))
			return err
		})
		role, err := home.ServiceLinkedRoleARN(partition.Config)
		if err != nil {
			t.Fatal(err)
		}
		recorder, channel, status := find(t, g, recorderType, "config"), find(t, g, channelType, "config"), find(t, g, statusType, "config")
		inputs(t, recorder, map[string]any{"name": "default", "roleArn": role.String(), "recordingGroup": map[string]any{"allSupported": true, "includeGlobalResourceTypes": true}})
		inputs(t, channel, map[string]any{
			"name": "default", "s3BucketName": "example-log-archive", "s3KeyPrefix": "config", "s3KmsKeyArn": archiveKey,
			"snapshotDeliveryProperties": map[string]any{"deliveryFrequency": "Six_Hours"},
		})
		inputs(t, status, map[string]any{"name": "default", "isEnabled": true})
		// The order that AWS Config wants.
		dependsOn(t, g, channel, recorder)
		dependsOn(t, g, status, channel)
		if create {
			dependsOn(t, g, recorder, find(t, g, linkedRoleType, "config"))
		}
		if !recorder.Protect || !channel.RetainOnDelete || !status.Protect {
			t.Error("what isn't recorded can't be had later: all of it must stay")
		}
	}
}

func findingsArgs() *components.FindingsToS3Args {
	return &components.FindingsToS3Args{
		Place: virginia, BucketPlace: oregon, BucketArn: pulumi.String(partition.BucketARN(partition.AWS, "findings").String()), KeyArn: pulumi.String(oregonKey), Frequency: "ONE_HOUR",
	}
}

func TestFindingsToS3(t *testing.T) {
	t.Parallel()
	const there = "12abc34d567e8fa901bc2d34e56789f0"
	for _, id := range []string{"", there} {
		args := findingsArgs()
		if args.DetectorID = id; id != "" {
			args.Frequency = ""
		}
		g := record(t, func(p *program) error {
			_, err := components.NewFindingsToS3(p.ctx, "guardduty", args, p.at(virginia))
			return err
		})
		published := find(t, g, publishingType, "guardduty")
		if id == "" {
			detector := find(t, g, detectorType, "guardduty")
			inputs(t, detector, map[string]any{"enable": true, "findingPublishingFrequency": "ONE_HOUR"})
			dependsOn(t, g, published, detector)
			id = detector.ID
		}
		inputs(t, published, map[string]any{"detectorId": id, "destinationArn": partition.BucketARN(partition.AWS, "findings").String(), "kmsKeyArn": oregonKey})
	}
}

func TestQueryLogsToS3(t *testing.T) {
	t.Parallel()
	g := record(t, func(p *program) error {
		_, err := components.NewQueryLogsToS3(p.ctx, "dns", &components.QueryLogsToS3Args{
			Place: virginia, Name: "dns", BucketArn: pulumi.String(partition.BucketARN(partition.AWS, "landing").String()), Prefix: "dns/",
			VpcIDs: []string{"vpc-0123456789abcdef0", "vpc-0123456789abcdef1"},
		}, p.at(virginia))
		return err
	})
	config := find(t, g, queryConfigType, "dns")
	inputs(t, config, map[string]any{"name": "dns", "destinationArn": partition.BucketARN(partition.AWS, "landing").String() + "/dns/"})
	for _, id := range []string{"vpc-0123456789abcdef0", "vpc-0123456789abcdef1"} {
		inputs(t, find(t, g, queryVpcType, "dns-"+id), map[string]any{"resolverQueryLogConfigId": config.ID, "resourceId": id})
	}
}

func TestServiceArgsAreChecked(t *testing.T) {
	t.Parallel()
	config := func(change func(*components.ConfigToS3Args)) func(*program) error {
		return func(p *program) error {
			args := configArgs()
			change(args)
			_, err := components.NewConfigToS3(p.ctx, "x", args, p.at(home))
			return err
		}
	}
	findings := func(change func(*components.FindingsToS3Args)) func(*program) error {
		return func(p *program) error {
			args := findingsArgs()
			change(args)
			_, err := components.NewFindingsToS3(p.ctx, "x", args, p.at(virginia))
			return err
		}
	}
	queries := func(place partition.Place, accept bool, ids ...string) func(*program) error {
		return func(p *program) error {
			_, err := components.NewQueryLogsToS3(p.ctx, "x", &components.QueryLogsToS3Args{
				Place: place, Name: "dns", BucketArn: pulumi.String(bucketARN), VpcIDs: ids, AcceptUnknown: accept,
			}, p.at(place))
			return err
		}
	}
	for name, c := range map[string]struct {
		program     func(*program) error
		field, want string
	}{
		"config: frequency":                    {config(func(a *components.ConfigToS3Args) { a.SnapshotFrequency = "Daily" }), "SnapshotFrequency", "One_Hour"},
		"config: key":                          {config(func(a *components.ConfigToS3Args) { a.KeyArn = nil }), "KeyArn", "the archive key's ARN"},
		"config: prefix":                       {config(func(a *components.ConfigToS3Args) { a.Prefix = "/config/" }), "Prefix", "not beginning with"},
		"findings: frequency":                  {findings(func(a *components.FindingsToS3Args) { a.Frequency = "" }), "Frequency", "FIFTEEN_MINUTES"},
		"findings: both":                       {findings(func(a *components.FindingsToS3Args) { a.DetectorID = strings.Repeat("a", 32) }), "Frequency", "is made here"},
		"findings: id":                         {findings(func(a *components.FindingsToS3Args) { a.DetectorID = "d-1"; a.Frequency = "" }), "DetectorID", "32 hexadecimal digits"},
		"findings: in China to another region": {findings(func(a *components.FindingsToS3Args) { a.Place, a.BucketPlace = home, archive }), "BucketPlace", "it is not known"},
		"findings: to an opt-in region": {findings(func(a *components.FindingsToS3Args) {
			a.BucketPlace = partition.Place{Account: oregon.Account, Region: "me-south-1"}
		}), "BucketPlace", "opt-in"},
		"queries: in China":   {queries(home, false, "vpc-0123456789abcdef0"), "AcceptUnknown", "it is not known"},
		"queries: no VPC":     {queries(virginia, false), "VpcIDs", "at least one"},
		"queries: same twice": {queries(virginia, false, "vpc-0123456789abcdef0", "vpc-0123456789abcdef0"), "VpcIDs[1]", "twice"},
		"queries: no id":      {queries(home, true, "subnet-1"), "VpcIDs[0]", "want the id of a VPC"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := refused(t, c.program)[c.field]; !strings.Contains(got, c.want) {
				t.Errorf("%s: %q, want %q in it", c.field, got, c.want)
			}
		})
	}
	// What isn't known may be tried.
	if _, err := tryRecord(t, queries(home, true, "vpc-0123456789abcdef0")); err != nil {
		t.Error(err)
	}
}
