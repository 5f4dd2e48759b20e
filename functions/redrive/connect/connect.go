// Package connect is what package redrive needs of AWS, by the AWS SDK.
package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/logarchive/logarchive/functions/redrive"
)

// API is the part of the SQS client that is used.
type API interface {
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
}

// Queues is a redrive.Queues.
type Queues struct{ API API }

var _ redrive.Queues = Queues{}

// New connects with the SDK's default configuration, to the queue's region: the one in its URL.
func New(ctx context.Context, queue string) (Queues, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return Queues{}, fmt.Errorf("configuration of the AWS SDK: %w", err)
	}
	return Queues{sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		if region := regionOf(queue); region != "" {
			o.Region = region
		}
	})}, nil
}

// regionOf is the region in a queue's URL, such as https://sqs.eu-west-1.example/111122223333/name; "" for another form.
func regionOf(queue string) string {
	u, err := url.Parse(queue)
	if err != nil {
		return ""
	}
	parts := strings.Split(u.Hostname(), ".")
	if len(parts) < 3 || parts[0] != "sqs" {
		return ""
	}
	return parts[1]
}

// DeadLetters calls GetQueueAttributes and GetQueueUrl.
func (q Queues) DeadLetters(ctx context.Context, queue string) (string, error) {
	out, err := q.API.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &queue, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameRedrivePolicy}})
	if err != nil {
		return "", err
	}
	var policy struct {
		Target string `json:"deadLetterTargetArn"`
	}
	text := out.Attributes[string(types.QueueAttributeNameRedrivePolicy)]
	if text != "" {
		err = json.Unmarshal([]byte(text), &policy)
	}
	arn := strings.Split(policy.Target, ":")
	if err != nil || len(arn) != 6 {
		return "", fmt.Errorf("queue %s has no dead letter queue: its redrive policy is %q", queue, text)
	}
	found, err := q.API.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &arn[5], QueueOwnerAWSAccountId: &arn[4]})
	if err != nil {
		return "", err
	}
	return aws.ToString(found.QueueUrl), nil
}

// Waiting calls GetQueueAttributes.
func (q Queues) Waiting(ctx context.Context, queue string) (int, error) {
	const name = types.QueueAttributeNameApproximateNumberOfMessages
	out, err := q.API.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &queue, AttributeNames: []types.QueueAttributeName{name}})
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(out.Attributes[string(name)])
}

// Receive calls ReceiveMessage with a long poll, which asks all of SQS's servers.
func (q Queues) Receive(ctx context.Context, queue string, most int) ([]redrive.Message, error) {
	out, err := q.API.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &queue, MaxNumberOfMessages: int32(most), WaitTimeSeconds: 2, VisibilityTimeout: 120, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		return nil, err
	}
	messages := make([]redrive.Message, len(out.Messages))
	for i, m := range out.Messages {
		messages[i] = redrive.Message{ID: aws.ToString(m.MessageId), Body: aws.ToString(m.Body), Handle: aws.ToString(m.ReceiptHandle), Attributes: map[string]redrive.Attribute{}}
		for name, a := range m.MessageAttributes {
			messages[i].Attributes[name] = redrive.Attribute{Type: aws.ToString(a.DataType), Text: aws.ToString(a.StringValue), Bytes: a.BinaryValue}
		}
	}
	return messages, nil
}

// Send calls SendMessage.
func (q Queues) Send(ctx context.Context, queue string, m redrive.Message) error {
	in := &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &m.Body}
	for name, a := range m.Attributes {
		value := types.MessageAttributeValue{DataType: aws.String(a.Type)}
		if strings.HasPrefix(a.Type, "Binary") {
			value.BinaryValue = a.Bytes
		} else {
			value.StringValue = aws.String(a.Text)
		}
		if in.MessageAttributes == nil {
			in.MessageAttributes = map[string]types.MessageAttributeValue{}
		}
		in.MessageAttributes[name] = value
	}
	_, err := q.API.SendMessage(ctx, in)
	return err
}

// Delete calls DeleteMessage.
func (q Queues) Delete(ctx context.Context, queue string, m redrive.Message) error {
	_, err := q.API.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: &m.Handle})
	return err
}
