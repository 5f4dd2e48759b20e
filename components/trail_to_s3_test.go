package components_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const trailType = "aws:cloudtrail/trail:Trail"

func trailArgs() *components.TrailToS3Args {
	return &components.TrailToS3Args{
		Place: home, TrailName: "management", BucketName: "example-log-archive", KeyArn: pulumi.String(archiveKey), Prefix: "cloudtrail/",
		Tags: map[string]string{"data": "logs"},
	}
}

func trailProgram(args *components.TrailToS3Args) func(*program) error {
	return func(p *program) error {
		_, err := components.NewTrailToS3(p.ctx, "trail", args, p.at(home))
		return err
	}
}

func eventSelector(name, category string, fields ...any) map[string]any {
	return map[string]any{"name": name, "fieldSelectors": append([]any{map[string]any{"field": "eventCategory", "equals": []any{category}}}, fields...)}
}

func TestTrailToS3(t *testing.T) {
	t.Parallel()
	args := trailArgs()
	args.DataEvents = []components.TrailDataEvents{{ResourceType: "AWS::S3::Object", ArnPrefixes: []string{bucketARN + "/b", bucketARN + "/a", bucketARN + "/b"}}, {ResourceType: "AWS::Lambda::Function"}}
	g := record(t, trailProgram(args))
	trail := find(t, g, trailType, "trail")
	inputs(t, trail, map[string]any{
		"name": "management", "s3BucketName": "example-log-archive", "s3KeyPrefix": "cloudtrail", "kmsKeyId": archiveKey,
		"isMultiRegionTrail": true, "includeGlobalServiceEvents": true, "enableLogFileValidation": true, "enableLogging": true,
		"tags": map[string]any{"data": "logs"},
		"advancedEventSelectors": []any{
			eventSelector("management events", "Management"),
			eventSelector("data events of AWS::S3::Object", "Data", map[string]any{"field": "resources.type", "equals": []any{"AWS::S3::Object"}},
				map[string]any{"field": "resources.ARN", "startsWiths": []any{bucketARN + "/a", bucketARN + "/b"}}),
			eventSelector("data events of AWS::Lambda::Function", "Data", map[string]any{"field": "resources.type", "equals": []any{"AWS::Lambda::Function"}}),
		},
	})
	if !trail.Protect || !trail.RetainOnDelete {
		t.Error("a trail must outlive its program")
	}
}

func TestTrailToCloudWatchLogs(t *testing.T) {
	t.Parallel()
	for _, organization := range []bool{false, true} {
		args := trailArgs()
		args.Organization = organization
		g := record(t, func(p *program) error {
			pipeline, err := components.NewFirehoseToS3Pipeline(p.ctx, "logs", pipelineArgs(), p.at(home))
			if err != nil {
				return err
			}
			args.CloudWatchLogs = &components.TrailLogGroup{Name: "/archive/cloudtrail", RetentionDays: 14, RoleName: "trail", Pipeline: pipeline}
			return trailProgram(args)(p)
		})
		group := home.LogGroupARN("/archive/cloudtrail").String()
		trail, policyOf := find(t, g, trailType, "trail"), find(t, g, rolePolicy, "trail-log-group")
		if got := text(t, trail, "cloudWatchLogsGroupArn"); got != group+":*" {
			t.Errorf("cloudWatchLogsGroupArn %s", got)
		}
		stream := "111122223333_CloudTrail_cn-north-1"
		if organization {
			stream = ""
		}
		document(t, policyOf, "policy", policy.Inline, policy.Statement{
			Sid: "WriteLogStreams", Effect: policy.Allow, Action: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, Resource: []string{group + ":log-stream:" + stream + "*"},
		})
		document(t, find(t, g, roleType, "trail-log-group"), "assumeRolePolicy", policy.Trust,
			policy.Statement{Effect: policy.Allow, Principal: service(t, partition.CloudTrail), Action: []string{"sts:AssumeRole"}})
		// The way is open before the first event comes.
		dependsOn(t, g, trail, policyOf, find(t, g, filterType, "logs-trail"))
	}
}

func TestTrailArgsAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*components.TrailToS3Args)
		field  string
		want   string
	}{
		"name":       {func(a *components.TrailToS3Args) { a.TrailName = "my--trail" }, "TrailName", "letters and digits"},
		"short name": {func(a *components.TrailToS3Args) { a.TrailName = "ab" }, "TrailName", "3 to 128"},
		"bucket":     {func(a *components.TrailToS3Args) { a.BucketName = "Archive" }, "BucketName", "lower-case"},
		"key":        {func(a *components.TrailToS3Args) { a.KeyArn = nil }, "KeyArn", "the archive key's ARN"},
		"prefix":     {func(a *components.TrailToS3Args) { a.Prefix = "cloudtrail" }, "Prefix", `ending with "/"`},
		"AWSLogs":    {func(a *components.TrailToS3Args) { a.Prefix = "AWSLogs/" }, "Prefix", "keep for themselves"},
		"type":       {func(a *components.TrailToS3Args) { a.DataEvents = []components.TrailDataEvents{{ResourceType: "S3"}} }, "DataEvents[0].ResourceType", "AWS::S3::Object"},
		"other partition": {func(a *components.TrailToS3Args) {
			a.DataEvents = []components.TrailDataEvents{{ResourceType: "AWS::S3::Object", ArnPrefixes: []string{partition.BucketARN(partition.AWS, "b").String()}}}
		}, "DataEvents[0].ArnPrefixes[0]", "partition aws-cn"},
		"too many": {func(a *components.TrailToS3Args) {
			a.DataEvents = []components.TrailDataEvents{{ResourceType: "AWS::S3::Object", ArnPrefixes: slices.Repeat([]string{bucketARN}, 500)}}
		}, "DataEvents", "CloudTrail takes 500"},
		"retention": {func(a *components.TrailToS3Args) {
			a.CloudWatchLogs = &components.TrailLogGroup{Name: "/g", RoleName: "r", RetentionDays: 2}
		}, "CloudWatchLogs.RetentionDays", "2"},
		"pipeline": {func(a *components.TrailToS3Args) {
			a.CloudWatchLogs = &components.TrailLogGroup{Name: "/g", RoleName: "r", RetentionDays: 1}
		}, "CloudWatchLogs.Pipeline", "want the pipeline"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := trailArgs()
			c.change(args)
			if got := refused(t, trailProgram(args))[c.field]; !strings.Contains(got, c.want) {
				t.Errorf("%s: %q, want %q in it", c.field, got, c.want)
			}
		})
	}
}

// TestServiceDeliveries: what services that deliver under their own names are granted, for one account and for many.
func TestServiceDeliveries(t *testing.T) {
	t.Parallel()
	delivery := func(kind components.DeliveryKind, account partition.Account) components.Delivery {
		d := components.Delivery{Kind: kind, Source: partition.Place{Account: account, Region: home.Region}, Prefix: string(kind) + "/"}
		switch kind {
		case components.TrailDelivery:
			d.Resource, d.Organization = "trail/management", "o-exampleorgid"
		case components.FindingsDelivery:
			d.Resource, d.Prefix = "detector/*", ""
		}
		return d
	}
	when := policy.Conditions{}
	account := func(ids ...string) policy.Conditions { return when.With("StringEquals", "aws:SourceAccount", ids...) }
	trailArn := func(account string) string {
		return partition.ARN{Partition: partition.China, Service: partition.CloudTrail, Region: home.Region, Account: partition.Account(account), Resource: "trail/management"}.String()
	}
	detectors := func(account string) string {
		return partition.ARN{Partition: partition.China, Service: partition.GuardDuty, Region: home.Region, Account: partition.Account(account), Resource: "detector/*"}.String()
	}
	both := []string{"111122223333", "555566667777"}
	for name, c := range map[string]struct {
		kind    components.DeliveryKind
		service partition.Service
		two     bool
		sid     string
		actions []string
		objects []string
		when    policy.Conditions
	}{
		"a trail": {components.TrailDelivery, partition.CloudTrail, false, "DeliverTrailsCnNorth1", []string{"s3:GetBucketAcl", "s3:PutObject"},
			[]string{"cloudtrail/AWSLogs/111122223333/*", "cloudtrail/AWSLogs/o-exampleorgid/*"}, when.With("ArnLike", "aws:SourceArn", trailArn("111122223333"))},
		"trails of two accounts": {components.TrailDelivery, partition.CloudTrail, true, "DeliverTrailsCnNorth1", []string{"s3:GetBucketAcl", "s3:PutObject"},
			[]string{"cloudtrail/AWSLogs/${aws:SourceAccount}/*", "cloudtrail/AWSLogs/o-exampleorgid/*"}, account(both...).With("ArnLike", "aws:SourceArn", trailArn("*"))},
		"configuration": {components.ConfigDelivery, partition.Config, false, "DeliverConfigurationCnNorth1", []string{"s3:GetBucketAcl", "s3:ListBucket", "s3:PutObject"},
			[]string{"config/AWSLogs/111122223333/Config/*"}, account("111122223333")},
		"configuration of two accounts": {components.ConfigDelivery, partition.Config, true, "DeliverConfigurationCnNorth1", []string{"s3:GetBucketAcl", "s3:ListBucket", "s3:PutObject"},
			[]string{"config/AWSLogs/${aws:SourceAccount}/Config/*"}, account(both...)},
		"findings": {components.FindingsDelivery, partition.GuardDuty, false, "DeliverFindingsCnNorth1", []string{"s3:GetBucketLocation", "s3:PutObject"},
			[]string{"AWSLogs/111122223333/GuardDuty/*"}, account("111122223333").With("ArnLike", "aws:SourceArn", detectors("111122223333"))},
		"findings of two accounts": {components.FindingsDelivery, partition.GuardDuty, true, "DeliverFindingsCnNorth1", []string{"s3:GetBucketLocation", "s3:PutObject"},
			[]string{"AWSLogs/${aws:SourceAccount}/GuardDuty/*"}, account(both...).With("ArnLike", "aws:SourceArn", detectors("*"))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := bucketArgs()
			args.Deliveries = []components.Delivery{delivery(c.kind, "111122223333")}
			if c.two {
				args.Deliveries = append(args.Deliveries, delivery(c.kind, "555566667777"))
			}
			g := record(t, func(p *program) error {
				_, err := components.NewLogArchiveBucket(p.ctx, "archive", args, p.at(archive))
				return err
			})
			want := policy.Statement{Sid: c.sid, Effect: policy.Allow, Principal: service(t, c.service), Action: c.actions, Resource: []string{bucketARN}, Condition: c.when}
			for _, key := range c.objects {
				want.Resource = append(want.Resource, object(key))
			}
			hasStatement(t, find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive"), "policy", policy.Bucket, want)
		})
	}
}

// hasStatement compares the statement of the wanted one's id.
func hasStatement(t *testing.T, r *graph.Resource, property string, kind policy.Kind, want policy.Statement) {
	t.Helper()
	doc, err := policy.Parse([]byte(text(t, r, property)))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range doc.Validate(kind) {
		t.Errorf("%s: %s", r.URN, p)
	}
	for _, s := range doc.Statements {
		if s.Sid == want.Sid {
			if diff := cmp.Diff(want, s); diff != "" {
				t.Errorf("%s (-want +got):\n%s", r.Name, diff)
			}
			return
		}
	}
	t.Errorf("%s has no statement %s", r.Name, want.Sid)
}
