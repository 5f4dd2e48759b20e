package components_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const (
	streamType = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
	filterType = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
	groupType  = "aws:cloudwatch/logGroup:LogGroup"
	roleType   = "aws:iam/role:Role"
	rolePolicy = "aws:iam/rolePolicy:RolePolicy"
)

func pipelineArgs() *components.FirehoseToS3PipelineArgs {
	return &components.FirehoseToS3PipelineArgs{
		Place:                home,
		StreamName:           "log-archive-logs",
		RoleName:             "log-archive-logs-firehose",
		SubscriptionRoleName: "log-archive-logs-subscription",
		BucketName:           "example-log-archive",
		BucketPlace:          archive,
		KeyArn:               pulumi.String(archiveKey),
		Prefix:               "logs/account=111122223333/region=cn-north-1/year=!{timestamp:yyyy}/month=!{timestamp:MM}/",
		ErrorPrefix:          "errors/logs/account=111122223333/!{firehose:error-output-type}/year=!{timestamp:yyyy}/",
		BufferMiB:            16,
		Tags:                 map[string]string{"data": "logs"},
	}
}

var archiveKey = archive.ARN(partition.KMS, "key/11111111-2222-3333-4444-555555555555").String()

func pipelineProgram(args *components.FirehoseToS3PipelineArgs) func(*program) error {
	return func(p *program) error {
		_, err := components.NewFirehoseToS3Pipeline(p.ctx, "logs", args, p.at(home))
		return err
	}
}

func TestFirehoseToS3Pipeline(t *testing.T) {
	t.Parallel()
	args := pipelineArgs()
	args.Subscriptions = []components.Subscription{{Name: "app", LogGroup: pulumi.String("/app"), FilterPattern: "?ERROR"}}
	g := record(t, pipelineProgram(args))
	role := find(t, g, roleType, "logs-delivery")
	stream := find(t, g, streamType, "logs")
	inputs(t, stream, map[string]any{
		"name": "log-archive-logs", "destination": "extended_s3",
		"serverSideEncryption": map[string]any{"enabled": true, "keyType": "AWS_OWNED_CMK"},
		"extendedS3Configuration": map[string]any{
			"roleArn": home.RoleARN("log-archive-logs-firehose").String(), "bucketArn": bucketARN, "kmsKeyArn": archiveKey,
			"prefix": args.Prefix, "errorOutputPrefix": args.ErrorPrefix, "bufferingSize": 16, "bufferingInterval": 300,
			"compressionFormat": "UNCOMPRESSED", "fileExtension": ".gz",
			"cloudwatchLoggingOptions": map[string]any{"enabled": true, "logGroupName": "/aws/kinesisfirehose/log-archive-logs", "logStreamName": "DestinationDelivery"},
		},
		"tags": map[string]any{"data": "logs"},
	})
	inputs(t, find(t, g, groupType, "logs-errors"), map[string]any{
		"name": "/aws/kinesisfirehose/log-archive-logs", "retentionInDays": 30, "tags": map[string]any{"data": "logs"},
	})
	inputs(t, find(t, g, filterType, "logs-app"), map[string]any{
		"name": "log-archive-logs", "logGroup": "/app", "filterPattern": "?ERROR",
		"destinationArn": home.ARN(partition.Firehose, "deliverystream/log-archive-logs").String(),
		"roleArn":        home.RoleARN("log-archive-logs-subscription").String(),
	})
	if got := text(t, role, "name"); got != "log-archive-logs-firehose" {
		t.Errorf("role %s", got)
	}
	// The way is open before the first line comes.
	dependsOn(t, g, find(t, g, filterType, "logs-app"), stream, find(t, g, rolePolicy, "logs-subscription"), find(t, g, rolePolicy, "logs-delivery"))
	dependsOn(t, g, stream, find(t, g, rolePolicy, "logs-delivery"), find(t, g, "aws:cloudwatch/logStream:LogStream", "logs-errors"))
}

func TestPipelinePolicies(t *testing.T) {
	t.Parallel()
	g := record(t, pipelineProgram(pipelineArgs()))
	s3, err := archive.ViaService(partition.S3)
	if err != nil {
		t.Fatal(err)
	}
	assume := func(s partition.Service, c policy.Conditions) policy.Statement {
		return policy.Statement{Effect: policy.Allow, Principal: service(t, s), Action: []string{"sts:AssumeRole"}, Condition: c}
	}
	when := policy.Conditions{}
	document(t, find(t, g, roleType, "logs-delivery"), "assumeRolePolicy", policy.Trust,
		assume(partition.Firehose, when.With("StringEquals", "sts:ExternalId", "111122223333")))
	document(t, find(t, g, roleType, "logs-subscription"), "assumeRolePolicy", policy.Trust,
		assume(partition.Logs, when.With("ArnLike", "aws:SourceArn", home.ARN(partition.Logs, "*").String())))
	document(t, find(t, g, rolePolicy, "logs-subscription"), "policy", policy.Inline, policy.Statement{
		Sid: "PutRecords", Effect: policy.Allow, Action: []string{"firehose:PutRecord", "firehose:PutRecordBatch"},
		Resource: []string{home.ARN(partition.Firehose, "deliverystream/log-archive-logs").String()},
	})
	document(t, find(t, g, rolePolicy, "logs-delivery"), "policy", policy.Inline,
		policy.Statement{Sid: "SeeBucket", Effect: policy.Allow, Resource: []string{bucketARN},
			Action: []string{"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"}},
		policy.Statement{Sid: "WriteObjects", Effect: policy.Allow,
			Action:   []string{"s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"},
			Resource: []string{object("logs/account=111122223333/region=cn-north-1/*"), object("errors/logs/account=111122223333/*")}},
		policy.Statement{Sid: "EncryptObjects", Effect: policy.Allow, Action: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resource: []string{archiveKey},
			Condition: when.With("StringEquals", "kms:ViaService", s3).With("StringLike", "kms:EncryptionContext:aws:s3:arn", bucketARN, object("*"))},
		policy.Statement{Sid: "ReportErrors", Effect: policy.Allow, Action: []string{"logs:PutLogEvents"},
			Resource: []string{home.LogGroupARN("/aws/kinesisfirehose/log-archive-logs:log-stream:DestinationDelivery").String()}},
	)
}

// TestOneMoreLogGroup: a log group costs one resource.
func TestOneMoreLogGroup(t *testing.T) {
	t.Parallel()
	with := func(groups ...string) *graph.Graph {
		args := pipelineArgs()
		for _, name := range groups {
			args.Subscriptions = append(args.Subscriptions, components.Subscription{Name: name, LogGroup: pulumi.String("/" + name)})
		}
		return record(t, pipelineProgram(args))
	}
	before, after := with("a", "b"), with("a", "b", "c")
	if diff := cmp.Diff([]string{filterType + " logs-c"}, added(before, after)); diff != "" {
		t.Error(diff)
	}
	for _, r := range before.Resources {
		now, _ := after.Get(r.URN)
		if diff := cmp.Diff(r.Inputs.Mappable(), now.Inputs.Mappable()); diff != "" {
			t.Errorf("%s changed:\n%s", r.URN, diff)
		}
	}
}

// TestPipelineToOwnBucket: the bucket of the same program is waited for, and so is its policy.
func TestPipelineToOwnBucket(t *testing.T) {
	t.Parallel()
	g := record(t, func(p *program) error {
		bucket, err := components.NewLogArchiveBucket(p.ctx, "archive", bucketArgs(), p.at(archive))
		if err != nil {
			return err
		}
		args := pipelineArgs()
		args.BucketArn, args.KeyArn, args.DependsOn = bucket.Arn, bucket.KeyArn, []pulumi.Resource{bucket.Policy}
		pipeline, err := components.NewFirehoseToS3Pipeline(p.ctx, "logs", args, p.at(home))
		if err != nil {
			return err
		}
		_, err = pipeline.Subscribe(p.ctx, "app", pulumi.String("/app"), "")
		return err
	})
	stream := find(t, g, streamType, "logs")
	dependsOn(t, g, find(t, g, filterType, "logs-app"), stream, find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive"))
	if stream.Place != home || !slices.Contains(stream.Dependencies, find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive").URN) {
		t.Errorf("the stream is at %s and depends on %s", stream.Place, stream.Dependencies)
	}
}

func TestVendedLogsPipeline(t *testing.T) {
	t.Parallel()
	args := pipelineArgs()
	args.Content, args.SubscriptionRoleName = components.VendedLogs, ""
	args.StreamKeyArn = pulumi.String(home.ARN(partition.KMS, "key/66666666-2222-3333-4444-555555555555").String())
	var err error
	g := record(t, func(p *program) error {
		pipeline, failed := components.NewFirehoseToS3Pipeline(p.ctx, "logs", args, p.at(home))
		if failed == nil {
			_, err = pipeline.Subscribe(p.ctx, "app", pulumi.String("/app"), "")
		}
		return failed
	})
	if err == nil {
		t.Error("a pipeline of plain lines took a subscription")
	}
	stream := find(t, g, streamType, "logs")
	settings := stream.Inputs["extendedS3Configuration"].ObjectValue()
	if got := settings["compressionFormat"].StringValue(); got != "GZIP" {
		t.Errorf("compression %s", got)
	}
	if diff := cmp.Diff(map[string]any{"data": "logs", "LogDeliveryEnabled": "true"}, stream.Inputs["tags"].ObjectValue().Mappable()); diff != "" {
		t.Error(diff)
	}
	if got := stream.Inputs["serverSideEncryption"].ObjectValue()["keyType"].StringValue(); got != "CUSTOMER_MANAGED_CMK" {
		t.Errorf("key type %s", got)
	}
	if _, ok := args.Tags["LogDeliveryEnabled"]; ok {
		t.Error("the caller's tags were changed")
	}
	if roles := g.ByType(roleType); len(roles) != 1 {
		t.Errorf("%d roles, want Firehose's only", len(roles))
	}
}

// TestNoLoop: a pipeline can't be fed by its own error log.
func TestNoLoop(t *testing.T) {
	t.Parallel()
	var err error
	record(t, func(p *program) error {
		pipeline, failed := components.NewFirehoseToS3Pipeline(p.ctx, "logs", pipelineArgs(), p.at(home))
		if failed == nil {
			_, err = pipeline.Subscribe(p.ctx, "errors", pulumi.String(pipeline.ErrorLogGroup), "")
		}
		return failed
	})
	if err == nil {
		t.Error("the pipeline's own error log was subscribed")
	}
}

func TestFirehoseToS3PipelineProblems(t *testing.T) {
	t.Parallel()
	got := refused(t, func(p *program) error {
		_, err := components.NewFirehoseToS3Pipeline(p.ctx, "refused", &components.FirehoseToS3PipelineArgs{
			Place:                 home,
			StreamName:            "log archive",
			RoleName:              "same",
			SubscriptionRoleName:  "same",
			BucketName:            "b",
			BucketPlace:           partition.Place{Account: "444455556666", Region: "us-east-1"},
			Prefix:                "db={id}/year=!{timestamp:yyyy}/!{partitionKeyFromQuery:x}/",
			ErrorPrefix:           "!{timestamp:yyyy}/",
			BufferMiB:             200,
			BufferSeconds:         901,
			ErrorLogRetentionDays: 31,
			Subscriptions: []components.Subscription{
				{Name: "a", LogGroup: pulumi.String("/a b")}, {Name: "a"}, {LogGroup: pulumi.String("/aws/kinesisfirehose/log archive")},
			},
		}, p.at(home))
		return err
	})
	wantProblems(t, got, map[string]string{
		"BucketPlace":               "from one partition to another",
		"StreamName":                "want 1 to 64",
		"SubscriptionRoleName":      "is also RoleName",
		"BucketName":                "3 to 63",
		"KeyArn":                    "the archive's key",
		"Prefix":                    "{id} is no expression",
		"ErrorPrefix":               "error-output-type",
		"BufferMiB":                 "want 1 to 128",
		"BufferSeconds":             "want 1 to 900",
		"ErrorLogRetentionDays":     "31",
		"Subscriptions[0].LogGroup": "want 1 to 512",
		"Subscriptions[1].Name":     "no other has",
		"Subscriptions[1].LogGroup": "want a log group's name",
		"Subscriptions[2].Name":     "no other has",
		"Subscriptions[2].LogGroup": "own error log",
	})

	args := pipelineArgs()
	args.Content, args.ErrorPrefix = components.VendedLogs, "logs/account=111122223333/region=cn-north-1/errors/!{firehose:error-output-type}/"
	got = refused(t, func(p *program) error {
		_, err := components.NewFirehoseToS3Pipeline(p.ctx, "refused", args, p.at(home))
		return err
	})
	wantProblems(t, got, map[string]string{"ErrorPrefix": "among the delivered ones", "Subscriptions": "takes no subscriptions"})
}

func TestFixedPrefix(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]string{
		"logs/account=1/year=!{timestamp:yyyy}/": "logs/account=1/",
		"logs/!{timestamp:yyyy}/":                "logs/",
		"logs/":                                  "logs/",
		"!{timestamp:yyyy}/":                     "",
		"":                                       "",
	} {
		if got := components.FixedPrefix(prefix); got != want {
			t.Errorf("FixedPrefix(%q) = %q, want %q", prefix, got, want)
		}
	}
}
