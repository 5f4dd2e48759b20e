package verify

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Reader is who must be able to read from an archive.
type Reader struct {
	// Name says who it is.
	Name string
	// Roles are the ARNs of the roles that read. Those that aren't declared are taken to be allowed by their own policies.
	Roles []string
	// Bucket is the archive's name, Place where it is.
	Bucket string
	Place  partition.Place
	// Prefixes are what the keys begin with that it reads; none means all.
	Prefixes []string
	// List says that it lists the keys, too.
	List bool
	// Queue is the ARN of the queue that tells it of objects; "" if none does.
	Queue string
}

// readerPaths are the ways of the archive's readers: a role receives from its queue and reads the objects. A way for each role.
func (e *evaluation) readerPaths() []*Path {
	var paths []*Path
	for _, r := range e.options.Readers {
		for _, arn := range r.Roles {
			role, err := partition.ParseARN(arn)
			if err != nil {
				continue // the configuration says so
			}
			at := Stop{Kind: KindReader, Name: r.Name, Place: partition.Place{Account: role.Account, Region: r.Place.Region}}
			s := &segment{at: at}
			who := Caller{Role: arn, Unbounded: e.roles[arn] == nil}
			urn := ""
			if r.Queue != "" {
				urn = e.receiving(s, r, who)
			}
			if b := e.buckets[r.Bucket]; b != nil && urn == "" {
				urn = b.URN
			}
			e.reading(s, r, who)
			paths = append(paths, &Path{Source: Source{Kind: KindReader, Name: r.Name, Place: at.Place, URN: urn}, Steps: s.steps})
		}
	}
	return paths
}

// receiving is how a reader gets messages, and how those that it failed to handle come back to it
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html). It returns the queue's URN.
func (e *evaluation) receiving(s *segment, r Reader, who Caller) string {
	queue := e.queues[r.Queue]
	if queue == nil {
		s.to(Stop{Kind: KindNowhere, Name: r.Queue})
		s.broken("", "queue", fmt.Sprintf("there is no queue %q", r.Queue), "declare it")
		return ""
	}
	s.to(Stop{KindQueue, queue.text("name"), queue.Place})
	q := request{title: "the consumer receives, and deletes what it has handled", caller: who, owner: queue.Place.Account, carrier: queue.URN}.
		with("aws:SecureTransport", "true")
	s.prove(e, q.do(queue.arn, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"))
	e.messageKey(s, q, queue, "the consumer decrypts messages", "kms:Decrypt")
	e.told(s, r, queue)
	e.movingBack(s, queue)
	return queue.URN
}

// movingBack is the way back of messages from the dead letter queue: by the role that deploys, which administers the account's
// queues by its own policies.
func (e *evaluation) movingBack(s *segment, queue *endpoint) {
	failed := e.queues[deadLetterTarget(queue.Resource)]
	deployer := e.deployers[queue.Place]
	if failed == nil || deployer == "" {
		return
	}
	q := request{title: "messages are moved back from the dead letter queue", caller: Caller{Role: deployer, Unbounded: true}, owner: queue.Place.Account, carrier: queue.URN}.
		with("aws:SecureTransport", "true")
	s.prove(e, q.do(failed.arn, "sqs:ReceiveMessage", "sqs:DeleteMessage"))
	s.prove(e, q.do(queue.arn, "sqs:SendMessage"))
	e.messageKey(s, q, failed, q.title, "kms:Decrypt")
	e.messageKey(s, q, queue, q.title, "kms:GenerateDataKey", "kms:Decrypt")
}

// messageKey are the requests to a queue's key that SQS makes for who sends or receives.
func (e *evaluation) messageKey(s *segment, q request, queue *endpoint, title string, actions ...string) {
	k, ok := e.keyOf(queue.Place, queue.text("kmsMasterKeyId"))
	if !ok {
		return // SQS's own encryption; a key that isn't declared breaks the sender's way
	}
	via, err := k.Place.ViaService(partition.SQS)
	if s.refuse(queue.Resource, err) {
		return
	}
	q.title, q.owner = title, k.Place.Account
	s.prove(e, q.with("kms:ViaService", via).with("kms:EncryptionContextKeys", "aws:sqs:arn").with("kms:EncryptionContext:aws:sqs:arn", queue.arn).do(k.arn, actions...))
}

// reading is how a reader gets objects, and decrypts them.
func (e *evaluation) reading(s *segment, r Reader, who Caller) {
	b := e.buckets[r.Bucket]
	if b == nil {
		s.to(Stop{Kind: KindNowhere, Name: r.Bucket})
		reason, remedy := e.noBucket(r.Bucket)
		s.broken("", "bucket", reason, remedy)
		return
	}
	s.to(bucketStop(b))
	q := request{title: "the reader reads objects", caller: who, owner: b.Place.Account, carrier: b.URN}.overTLS()
	prefixes := r.Prefixes
	if len(prefixes) == 0 {
		prefixes = []string{""}
	}
	for _, prefix := range prefixes {
		object := b.arn + "/" + prefix + "object"
		s.prove(e, q.sampling(object, b.arn+"/"+prefix+"*").do(object, "s3:GetObject", "s3:GetObjectVersion"))
		if r.List {
			s.prove(e, q.with("s3:prefix", prefix).do(b.arn, "s3:ListBucket"))
		}
	}
	if r.List {
		s.prove(e, q.do(b.arn, "s3:GetBucketLocation"))
	}
	if k, ok := e.keyOf(b.Place, b.keyARN); ok {
		object := b.arn + "/" + prefixes[0] + "object"
		e.cipher(s, request{title: "S3 decrypts objects for the reader", caller: who, carrier: b.URN}.sampling(object, b.arn+"/*"), b, k, object, []string{"kms:Decrypt"})
	}
}

// told says where S3 doesn't tell the reader's queue of objects that it reads: notifications and filter policies both select.
func (e *evaluation) told(s *segment, r Reader, queue *endpoint) {
	prefixes := r.Prefixes
	if len(prefixes) == 0 {
		prefixes = []string{""}
	}
	for _, prefix := range prefixes {
		if !e.tells(r.Bucket, prefix, queue.arn) {
			s.broken(queue.URN, "", fmt.Sprintf("S3 tells the queue of no object below %q of bucket %s", prefix, r.Bucket),
				"add the prefix to the bucket's notification to a topic, and to the filter policy of the queue's subscription")
		}
	}
}

func (e *evaluation) tells(bucket, prefix, queue string) bool {
	for _, n := range e.byType[typeBucketNotification] {
		if bucketName(n.text("bucket")) != bucket {
			continue
		}
		for _, item := range n.items("queues") {
			if item.text("queueArn") == queue && strings.HasPrefix(prefix, item.text("filterPrefix")) {
				return true
			}
		}
		for _, item := range n.items("topics") {
			if !strings.HasPrefix(prefix, item.text("filterPrefix")) {
				continue
			}
			for _, sub := range e.byType[typeTopicSubscription] {
				if sub.text("topic") == item.text("topicArn") && sub.text("endpoint") == queue && selects(sub, prefix) {
					return true
				}
			}
		}
	}
	return false
}

// selects says whether a subscription's filter lets the events of all keys through that begin with a prefix.
func selects(subscription *Resource, prefix string) bool {
	filter := subscription.text("filterPolicy")
	if filter == "" {
		return true
	}
	if subscription.text("filterPolicyScope") != "MessageBody" {
		return false // S3's events have no attributes
	}
	for _, key := range filteredKeys(filter) {
		if object, ok := key.(map[string]any); ok {
			if begins, ok := object["prefix"].(string); ok && strings.HasPrefix(prefix, begins) {
				return true
			}
		}
	}
	return false
}

// filteredKeys are the conditions on objects' keys in a filter policy on the body of S3's events.
func filteredKeys(filter string) []any {
	var body struct {
		Records struct {
			S3 struct {
				Object struct {
					Key []any `json:"key"`
				} `json:"object"`
			} `json:"s3"`
		}
	}
	if json.Unmarshal([]byte(filter), &body) != nil {
		return nil
	}
	return body.Records.S3.Object.Key
}
