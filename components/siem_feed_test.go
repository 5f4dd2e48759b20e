package components_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

func siemArgs() *components.SiemFeedArgs {
	r := readers()
	return &components.SiemFeedArgs{
		Place: archive, BucketName: "example-log-archive", TopicName: "objects", TopicKeyAlias: "siem-topic", QueueKeyAlias: "siem-queues",
		AdministratorRoleArns: []string{administer},
		Consumers: []components.SiemConsumer{
			{Reader: r[1], QueueName: "siem-splunk"},
			{Reader: components.Reader{Name: "elastic", RoleArns: []string{archive.RoleARN("ElasticAgent").String()}, Prefixes: []string{"logs/app/", "databases/"}},
				QueueName: "siem-elastic", Envelope: true, ProcessingSeconds: 600, MaxReceives: 3},
		},
	}
}

func siemProgram(args *components.SiemFeedArgs) func(*program) error {
	return func(p *program) error {
		bucket := bucketArgs()
		for _, c := range args.Consumers {
			bucket.Readers = append(bucket.Readers, c.Reader)
		}
		made, err := components.NewLogArchiveBucket(p.ctx, "archive", bucket, p.at(archive))
		if err != nil {
			return err
		}
		args.Bucket = made
		_, err = components.NewSiemFeed(p.ctx, "siem", args, p.at(archive))
		return err
	}
}

func TestSiemFeed(t *testing.T) {
	t.Parallel()
	args := siemArgs()
	g := record(t, siemProgram(args))
	topic := find(t, g, "aws:sns/topic:Topic", "siem")
	topicKey, queueKey := find(t, g, "aws:kms/key:Key", "siem-topic"), find(t, g, "aws:kms/key:Key", "siem-queues")
	inputs(t, topic, map[string]any{"name": "objects", "kmsMasterKeyId": topicKey.Outputs["arn"].StringValue()})
	queue, failed := find(t, g, "aws:sqs/queue:Queue", "siem-elastic"), find(t, g, "aws:sqs/queue:Queue", "siem-elastic-failed")
	inputs(t, queue, map[string]any{
		"name": "siem-elastic", "kmsMasterKeyId": queueKey.Outputs["arn"].StringValue(), "messageRetentionSeconds": 1209600, "visibilityTimeoutSeconds": 3600,
		"receiveWaitTimeSeconds": 20, "redrivePolicy": `{"deadLetterTargetArn":"` + failed.Outputs["arn"].StringValue() + `","maxReceiveCount":3}`,
	})
	if !queue.Protect || !queue.RetainOnDelete || !failed.Protect || !topicKey.Protect || !queueKey.Protect {
		t.Error("queues and keys must stay when the stack goes")
	}
	subscription := find(t, g, "aws:sns/topicSubscription:TopicSubscription", "siem-elastic")
	inputs(t, subscription, map[string]any{
		"topic": topic.ID, "protocol": "sqs", "endpoint": queue.Outputs["arn"].StringValue(), "rawMessageDelivery": false, "filterPolicyScope": "MessageBody",
		"filterPolicy":  `{"Records":{"s3":{"object":{"key":[{"prefix":"databases/"},{"prefix":"logs/app/"}]}}}}`,
		"redrivePolicy": `{"deadLetterTargetArn":"` + failed.Outputs["arn"].StringValue() + `"}`,
	})
	if raw := find(t, g, "aws:sns/topicSubscription:TopicSubscription", "siem-splunk").Inputs["rawMessageDelivery"]; !raw.BoolValue() {
		t.Error("Splunk gets S3's own events")
	}
	// Prefixes that begin with others are covered by them, and S3 refuses both.
	notification := find(t, g, "aws:s3/bucketNotification:BucketNotification", "siem")
	var prefixes []string
	for _, item := range notification.Inputs["topics"].ArrayValue() {
		prefixes = append(prefixes, item.ObjectValue()["filterPrefix"].StringValue())
	}
	if !slices.Equal(prefixes, []string{"databases/", "logs/"}) {
		t.Errorf("S3 tells of %q", prefixes)
	}
	// What is published before a queue is subscribed is gone.
	dependsOn(t, g, notification, subscription, find(t, g, "aws:sns/topicPolicy:TopicPolicy", "siem"), find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive"))
}

func TestSiemPolicies(t *testing.T) {
	t.Parallel()
	g := record(t, siemProgram(siemArgs()))
	topicARN := archive.ARN(partition.SNS, "objects").String()
	queueARN := archive.ARN(partition.SQS, "siem-splunk").String()
	publish := statement(t, text(t, find(t, g, "aws:sns/topicPolicy:TopicPolicy", "siem"), "policy"), "PublishForBucket")
	if publish.Condition["ArnLike"]["aws:SourceArn"][0] != bucketARN || publish.Condition["StringEquals"]["aws:SourceAccount"][0] != string(archive.Account) {
		t.Errorf("S3 may publish for whom? %+v", publish)
	}
	send := statement(t, text(t, find(t, g, "aws:sqs/queuePolicy:QueuePolicy", "siem-splunk"), "policy"), "SendFromTopic")
	if send.Condition["ArnEquals"]["aws:SourceArn"][0] != topicARN || !slices.Equal(send.Resource, []string{queueARN}) {
		t.Errorf("SNS may send for whom? %+v", send)
	}
	consume := statement(t, text(t, find(t, g, "aws:sqs/queuePolicy:QueuePolicy", "siem-splunk"), "policy"), "Consume")
	if len(consume.Condition["ArnLike"]["aws:PrincipalArn"]) != 1 || slices.Contains(consume.Action, "sqs:SendMessage") {
		t.Errorf("who may consume what? %+v", consume)
	}
	// A role of the queue's account needs no grant of the queue's.
	if elastic := text(t, find(t, g, "aws:sqs/queuePolicy:QueuePolicy", "siem-elastic"), "policy"); strings.Contains(elastic, "Consume") {
		t.Errorf("a grant that grants nothing: %s", elastic)
	}
	for _, q := range []string{"siem-splunk", "siem-splunk-failed", "siem-elastic", "siem-elastic-failed"} {
		if deny := statement(t, text(t, find(t, g, "aws:sqs/queuePolicy:QueuePolicy", q), "policy"), "DenyPlainHTTP"); deny.Effect != policy.Deny || !deny.Principal.Any {
			t.Errorf("%s: %+v", q, deny)
		}
	}
	queueKey := text(t, find(t, g, "aws:kms/key:Key", "siem-queues"), "policy")
	if s3, err := archive.PrincipalFor(partition.S3, partition.Key); err != nil || strings.Contains(queueKey, `"`+string(s3)+`"`) {
		t.Errorf("S3 must not use the queues' key: %v %s", err, queueKey)
	}
}

// All consumers read everything: S3 tells of everything, and nothing is filtered.
func TestSiemWithoutFilter(t *testing.T) {
	t.Parallel()
	args := siemArgs()
	args.Consumers = args.Consumers[:1]
	args.Consumers[0].Reader.Prefixes = nil
	g := record(t, siemProgram(args))
	item := find(t, g, "aws:s3/bucketNotification:BucketNotification", "siem").Inputs["topics"].ArrayValue()[0].ObjectValue()
	subscription := find(t, g, "aws:sns/topicSubscription:TopicSubscription", "siem-splunk")
	for _, given := range []bool{item.HasValue("filterPrefix"), subscription.Inputs.HasValue("filterPolicy"), subscription.Inputs.HasValue(resource.PropertyKey("filterPolicyScope"))} {
		if given {
			t.Error("there is a filter")
		}
	}
}

func TestSiemProblems(t *testing.T) {
	t.Parallel()
	args := siemArgs()
	args.TopicName, args.QueueKeyAlias = "a.b", "siem-topic"
	args.Consumers[0].QueueName, args.Consumers[1].QueueName = "q", "q-failed"
	args.Consumers[0].MaxReceives, args.Consumers[0].ProcessingSeconds = 1, 10000
	args.Consumers[1].Reader.Prefixes = []string{"a b=c/"}
	args.Consumers[1].Reader.RoleArns = nil
	bucket := &components.LogArchiveBucket{}
	wantProblems(t, refused(t, func(p *program) error {
		args.Bucket = bucket
		_, err := components.NewSiemFeed(p.ctx, "siem", args, p.at(archive))
		return err
	}), map[string]string{
		"TopicName": "want 1 to 256", "QueueKeyAlias": "is the topic key's alias", "Consumers[1].QueueName": "is another consumer's",
		"Consumers[0].MaxReceives": "want 2 to 1000", "Consumers[0].ProcessingSeconds": "want 5 to 7200",
		"Consumers[1].Reader.Prefixes[0]": "URL-encoded", "Consumers.Reader[1].RoleArns": "want at least one role",
	})
}

// What a consumer's role must be allowed is within what AWS takes, and is all that the two inputs ask for.
func TestSiemConsumerPolicy(t *testing.T) {
	t.Parallel()
	key := archive.ARN(partition.KMS, "key/1").String()
	for _, c := range siemArgs().Consumers {
		doc, err := c.Policy(archive, "example-log-archive", key, key)
		if err != nil {
			t.Fatal(err)
		}
		if problems := doc.Validate(policy.Inline); len(problems) > 0 {
			t.Errorf("%s: %v", c.Reader.Name, problems)
		}
		if !json.Valid([]byte(doc.JSON())) || !strings.Contains(doc.JSON(), "sqs:ChangeMessageVisibility") {
			t.Errorf("%s: %s", c.Reader.Name, doc.JSON())
		}
	}
}
