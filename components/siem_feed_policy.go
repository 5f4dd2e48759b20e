package components

import (
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// topicPolicy lets S3 publish for the one bucket
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html), and nobody over plain HTTP.
func (args *SiemFeedArgs) topicPolicy() (policy.Document, error) {
	s3, err := args.Place.PrincipalFor(partition.S3, partition.Deliver)
	if err != nil {
		return policy.Document{}, err
	}
	return policy.Document{Statements: []policy.Statement{
		{
			// SNS policies can't deny sns:*: some of its actions aren't a topic's.
			Sid: "DenyPlainHTTP", Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: []string{"sns:Publish"}, Resource: []string{args.topicArn()},
			Condition: policy.Conditions{}.With("Bool", "aws:SecureTransport", "false"),
		},
		{
			Sid: "PublishForBucket", Effect: policy.Allow, Principal: policy.Services(s3), Action: []string{"sns:Publish"}, Resource: []string{args.topicArn()},
			Condition: args.fromBucket(),
		},
	}}, nil
}

// fromBucket holds for what S3 does for the bucket.
func (args *SiemFeedArgs) fromBucket() policy.Conditions {
	return policy.Conditions{}.
		With("StringEquals", "aws:SourceAccount", string(args.Place.Account)).
		With("ArnLike", "aws:SourceArn", partition.BucketARN(args.Place.Partition(), args.BucketName).String())
}

// fromTopic holds for what SNS does for the topic
// (https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html).
func (args *SiemFeedArgs) fromTopic() policy.Conditions {
	return policy.Conditions{}.With("ArnEquals", "aws:SourceArn", args.topicArn())
}

// topicKeyPolicy lets S3 encrypt what it publishes, for the one bucket
// (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services). SNS itself uses the key
// with the publisher's permission.
func (args *SiemFeedArgs) topicKeyPolicy() (policy.Document, error) {
	return args.keyPolicy(partition.S3, "EncryptForBucket", args.fromBucket())
}

// queueKeyPolicy lets SNS encrypt what it passes on, for the one topic, and the consumers decrypt what they receive. What
// moves failed messages back is an operator's role: see docs/operations.md.
func (args *SiemFeedArgs) queueKeyPolicy() (policy.Document, error) {
	doc, err := args.keyPolicy(partition.SNS, "EncryptForTopic", args.fromTopic())
	if err != nil {
		return doc, err
	}
	viaSQS, err := args.Place.ViaService(partition.SQS)
	if err != nil {
		return doc, err
	}
	var roles []string
	for _, c := range args.Consumers {
		roles = append(roles, c.Reader.RoleArns...)
	}
	doc.Statements = append(doc.Statements, policy.Statement{
		Sid: "DecryptForConsumers", Effect: policy.Allow, Principal: policy.AWSPrincipals(accountsOf(roles)...),
		Action: []string{"kms:Decrypt"}, Resource: []string{"*"},
		Condition: policy.Conditions{}.With("StringEquals", "kms:ViaService", viaSQS).With("ArnLike", "aws:PrincipalArn", sorted(roles)...),
	})
	if len(args.AdministratorRoleArns) > 0 {
		// Who moves failed messages back reads and writes them: the roles that administer the key may, through SQS only.
		doc.Statements = append(doc.Statements, policy.Statement{
			Sid: "MoveMessagesBack", Effect: policy.Allow, Principal: policy.AWSPrincipals(args.Place.RootARN().String()),
			Action: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resource: []string{"*"},
			Condition: policy.Conditions{}.With("StringEquals", "kms:ViaService", viaSQS).With("ArnLike", "aws:PrincipalArn", sorted(args.AdministratorRoleArns)...),
		})
	}
	return doc, nil
}

func (args *SiemFeedArgs) keyPolicy(service partition.Service, sid string, c policy.Conditions) (policy.Document, error) {
	principal, err := args.Place.PrincipalFor(service, partition.Key)
	if err != nil {
		return policy.Document{}, err
	}
	return policy.Document{Statements: []policy.Statement{
		keyAdministration(args.Place, args.AdministratorRoleArns),
		{
			Sid: sid, Effect: policy.Allow, Principal: policy.Services(principal),
			Action: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resource: []string{"*"}, Condition: c,
		},
	}}, nil
}

// consumingActions are those of Splunk's SQS-based S3 input and of Elastic's aws-s3 input, but sqs:ListQueues, which is only for
// choosing a queue in a form: the queue's URL is configured. Neither sends.
var consumingActions = []string{"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage"}

// queuePolicy lets the topic send, and consumers of other accounts receive: see [foreignReaders].
func (args *SiemFeedArgs) queuePolicy(c SiemConsumer) (policy.Document, error) {
	doc, err := args.sentBySNS(c.QueueName)
	if err != nil {
		return doc, err
	}
	if roles := foreignRoles(args.Place.Account, c.Reader.RoleArns); len(roles) > 0 {
		doc.Statements = append(doc.Statements, policy.Statement{
			Sid: "Consume", Effect: policy.Allow, Principal: policy.AWSPrincipals(accountsOf(roles)...),
			Action: consumingActions, Resource: []string{args.queueArn(c.QueueName)},
			Condition: policy.Conditions{}.With("ArnLike", "aws:PrincipalArn", sorted(roles)...),
		})
	}
	return doc, nil
}

// failedQueuePolicy lets SNS put what it couldn't pass on. SQS moves messages from the queue without permission of a policy.
func (args *SiemFeedArgs) failedQueuePolicy(c SiemConsumer) (policy.Document, error) {
	return args.sentBySNS(c.QueueName + FeedFailedSuffix)
}

func (args *SiemFeedArgs) sentBySNS(queue string) (policy.Document, error) {
	sns, err := args.Place.PrincipalFor(partition.SNS, partition.Deliver)
	if err != nil {
		return policy.Document{}, err
	}
	arn := []string{args.queueArn(queue)}
	return policy.Document{Statements: []policy.Statement{
		{
			Sid: "DenyPlainHTTP", Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: []string{"sqs:*"}, Resource: arn,
			Condition: policy.Conditions{}.With("Bool", "aws:SecureTransport", "false"),
		},
		{Sid: "SendFromTopic", Effect: policy.Allow, Principal: policy.Services(sns), Action: []string{"sqs:SendMessage"}, Resource: arn, Condition: args.fromTopic()},
	}}, nil
}

// Policy is what the consumer's roles must be allowed by their own policies: of a role of another account it is needed besides
// what queue, bucket and keys allow. keyArn is the archive's key, queueKeyArn the queues'.
func (c SiemConsumer) Policy(place partition.Place, bucketName, keyArn, queueKeyArn string) (policy.Document, error) {
	doc, err := c.Reader.Policy(place, bucketName, keyArn)
	if err != nil {
		return doc, err
	}
	viaSQS, err := place.ViaService(partition.SQS)
	if err != nil {
		return doc, err
	}
	doc.Statements = append(doc.Statements,
		policy.Statement{Sid: "Consume", Effect: policy.Allow, Action: consumingActions, Resource: []string{place.ARN(partition.SQS, c.QueueName).String()}},
		policy.Statement{
			Sid: "DecryptMessages", Effect: policy.Allow, Action: []string{"kms:Decrypt"}, Resource: []string{queueKeyArn},
			Condition: policy.Conditions{}.With("StringEquals", "kms:ViaService", viaSQS),
		})
	return doc, nil
}
