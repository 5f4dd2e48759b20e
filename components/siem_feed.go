package components

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// SiemFeedArgs are the Args of [NewSiemFeed].
type SiemFeedArgs struct {
	// Place is the bucket's: S3 notifies topics of its own region.
	Place partition.Place
	// Bucket is the archive, with its name and what a notification must wait for. A bucket has one set of notifications: this
	// component declares it, and no other may.
	Bucket     *LogArchiveBucket
	BucketName string
	// TopicName is the topic that S3 publishes to.
	TopicName string
	// TopicKeyAlias and QueueKeyAlias are the aliases of the keys of the topic and of the queues, without "alias/".
	TopicKeyAlias, QueueKeyAlias string
	// Consumers have a queue each; at least one.
	Consumers []SiemConsumer
	// AdministratorRoleArns are the roles that may administer the keys, the deploying role among them.
	AdministratorRoleArns []string
	// Tags are put on everything.
	Tags map[string]string
}

// SiemConsumer is one who gets an event for each object, such as Splunk or Elastic, and who reads the object.
type SiemConsumer struct {
	// Reader is who that is, and which objects: [LogArchiveBucketArgs].Readers must have it, too.
	Reader Reader
	// QueueName is its queue; what it fails to handle goes to the queue QueueName-failed.
	QueueName string
	// Envelope wraps each event into SNS's JSON. Without it, messages are S3's own, as if S3 had sent them to the queue: what
	// Splunk's SQS-based S3 input and Elastic's aws-s3 input read. Splunk can check SNS's signature, which takes the envelope.
	Envelope bool
	// ProcessingSeconds is how long the consumer takes for a message at most; 0 means 300. A message is hidden for six times
	// as long.
	ProcessingSeconds int
	// MaxReceives is how often a message is received before it goes to the dead letter queue; 0 means 5.
	MaxReceives int
}

const (
	defaultProcessingSeconds = 300
	// maxProcessingSeconds: a message can be hidden for 12 hours.
	maxProcessingSeconds = 43200 / visibilityTimes
	// FeedFailedSuffix is behind the name of a consumer's queue in that of its dead letter queue.
	FeedFailedSuffix = "-failed"
)

// queueName leaves room for what the dead letter queue has behind it: a queue's name has 80 characters.
var (
	topicName = nameRule{regexp.MustCompile(`^[\w-]{1,256}$`), "want 1 to 256 letters, digits, hyphens and underscores"}
	feedQueue = nameRule{regexp.MustCompile(`^[\w-]{1,73}$`), "want 1 to 73 letters, digits, hyphens and underscores: -failed comes behind it"}
)

// SiemFeed tells consumers of each object of the archive, through a topic and a queue each.
type SiemFeed struct {
	pulumi.ResourceState
	Topic *sns.Topic
	// Queues and DeadLetterQueues are by the consumers' names.
	Queues, DeadLetterQueues map[string]*sqs.Queue
	// QueueKeyArn is the key that consumers decrypt messages with.
	QueueKeyArn pulumi.StringOutput
	queueKey    *kms.Key
	topicKey    *kms.Key
	// ready is what the notification waits for.
	ready []pulumi.Resource
}

func (args *SiemFeedArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.bucket("BucketName", args.BucketName)
	if args.Bucket == nil {
		p.add("Bucket", "", "want the archive bucket")
	}
	p.name("TopicName", args.TopicName, topicName)
	p.alias("TopicKeyAlias", args.TopicKeyAlias)
	p.alias("QueueKeyAlias", args.QueueKeyAlias)
	if args.TopicKeyAlias == args.QueueKeyAlias {
		p.add("QueueKeyAlias", args.QueueKeyAlias, "is the topic key's alias, too: S3 must not be able to decrypt what waits in the queues")
	}
	for i, arn := range args.AdministratorRoleArns {
		p.role(at("AdministratorRoleArns", i, ""), arn, args.Place)
	}
	p.refuse("Consumers", "filters", args.Place.Region.Require(partition.TopicBodyFilters))
	p.consumers(args)
	if len(p.list) == 0 {
		for field, doc := range map[string]func() (policy.Document, error){"topic key policy": args.topicKeyPolicy, "queue key policy": args.queueKeyPolicy} {
			made, err := doc()
			p.document("Consumers", field, policy.Key, made, err)
		}
		doc, err := args.topicPolicy()
		p.document("TopicName", "topic policy", policy.Topic, doc, err)
		for i, c := range args.Consumers {
			doc, err := args.queuePolicy(c)
			p.document(at("Consumers", i, ""), "queue policy", policy.Queue, doc, err)
		}
	}
	return p.err("SiemFeed", name)
}

func (p *problems) consumers(args *SiemFeedArgs) {
	if len(args.Consumers) == 0 {
		p.add("Consumers", "", "want at least one")
	}
	var readers []Reader
	for i, c := range args.Consumers {
		at := at("Consumers", i, "")
		readers = append(readers, c.Reader)
		p.name(at+".QueueName", c.QueueName, feedQueue)
		if slices.ContainsFunc(args.Consumers[:i], func(o SiemConsumer) bool {
			return o.QueueName == c.QueueName || o.QueueName == c.QueueName+FeedFailedSuffix || o.QueueName+FeedFailedSuffix == c.QueueName
		}) {
			p.add(at+".QueueName", c.QueueName, "is another consumer's: each has a queue and a dead letter queue of its own")
		}
		for j, prefix := range c.Reader.Prefixes {
			// S3 tells keys URL-encoded, and filters compare what it tells.
			if !plainPrefix.MatchString(prefix) {
				p.add(at+".Reader.Prefixes"+index(j), prefix, "want letters, digits and ! - _ . * ' ( ) / only: events have keys URL-encoded")
			}
		}
		if s := cmp.Or(c.ProcessingSeconds, defaultProcessingSeconds); s < 5 || s > maxProcessingSeconds {
			p.add(at+".ProcessingSeconds", s, "want 5 to %d", maxProcessingSeconds)
		}
		if n := cmp.Or(c.MaxReceives, defaultReceives); n < 2 || n > 1000 {
			p.add(at+".MaxReceives", n, "want 2 to 1000: with 1, a consumer that is restarted loses what it had")
		}
	}
	p.readers("Consumers.Reader", readers, args.Place)
}

// plainPrefix has the characters that S3 doesn't encode
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html#object-key-guidelines-safe-characters).
var plainPrefix = regexp.MustCompile(`^[\w!\-.*'()/]*$`)

// NewSiemFeed registers the topic, the queues, their keys, and the bucket's notifications. Errors: [ArgsError].
//
// The notification comes last. S3 sends a test event, and refuses what it can't reach; and what a topic gets before a queue is
// subscribed is gone. Queues
// and keys are protected and stay when the stack goes: messages are lost with them.
func NewSiemFeed(ctx *pulumi.Context, name string, args *SiemFeedArgs, opts ...pulumi.ResourceOption) (*SiemFeed, error) {
	if args == nil {
		args = &SiemFeedArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &SiemFeed{Queues: map[string]*sqs.Queue{}, DeadLetterQueues: map[string]*sqs.Queue{}}
	if err := ctx.RegisterComponentResource("logarchive:index:SiemFeed", name, c, opts...); err != nil {
		return nil, err
	}
	for _, step := range []func(*pulumi.Context, string, *SiemFeedArgs) error{c.registerKeys, c.registerTopic} {
		if err := step(ctx, name, args); err != nil {
			return nil, err
		}
	}
	urls := pulumi.StringMap{}
	for _, consumer := range args.Consumers {
		if err := c.registerConsumer(ctx, name+"-"+consumer.Reader.Name, args, consumer); err != nil {
			return nil, err
		}
		urls[consumer.Reader.Name] = c.Queues[consumer.Reader.Name].Url
	}
	if err := c.registerNotification(ctx, name, args); err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"topicArn": c.Topic.Arn, "queueUrls": urls, "queueKeyArn": c.QueueKeyArn})
}

func (c *SiemFeed) registerKeys(ctx *pulumi.Context, name string, args *SiemFeedArgs) (err error) {
	if c.topicKey, err = c.registerKey(ctx, name+"-topic", "Encrypts what topic "+args.TopicName+" holds", args.TopicKeyAlias, args.topicKeyPolicy, args); err != nil {
		return err
	}
	c.queueKey, err = c.registerKey(ctx, name+"-queues", "Encrypts the messages of the queues behind topic "+args.TopicName, args.QueueKeyAlias, args.queueKeyPolicy, args)
	if err == nil {
		c.QueueKeyArn = c.queueKey.Arn
	}
	return err
}

func (c *SiemFeed) registerKey(ctx *pulumi.Context, name, description, alias string, build func() (policy.Document, error), args *SiemFeedArgs) (*kms.Key, error) {
	doc, err := build()
	if err != nil {
		return nil, err
	}
	return keySpec{name: name, description: description, alias: alias, policy: doc, tags: args.Tags}.register(ctx, pulumi.Parent(c))
}

// registerTopic: the topic and its policy.
func (c *SiemFeed) registerTopic(ctx *pulumi.Context, name string, args *SiemFeedArgs) (err error) {
	c.Topic, err = sns.NewTopic(ctx, name, &sns.TopicArgs{
		Name:           pulumi.String(args.TopicName),
		KmsMasterKeyId: c.topicKey.Arn,
		Tags:           tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	doc, err := args.topicPolicy()
	if err != nil {
		return err
	}
	allowed, err := sns.NewTopicPolicy(ctx, name, &sns.TopicPolicyArgs{Arn: c.Topic.Arn, Policy: pulumi.String(doc.JSON())}, pulumi.Parent(c))
	c.ready = append(c.ready, allowed, args.Bucket.Policy)
	return err
}

func (c *SiemFeed) registerNotification(ctx *pulumi.Context, name string, args *SiemFeedArgs) error {
	var topics s3.BucketNotificationTopicArray
	for _, prefix := range args.notifiedPrefixes() {
		topic := &s3.BucketNotificationTopicArgs{TopicArn: c.Topic.Arn, Events: pulumi.ToStringArray([]string{"s3:ObjectCreated:*"})}
		if prefix != "" {
			topic.FilterPrefix = pulumi.String(prefix)
			topic.Id = pulumi.String("siem-" + labelOf(prefix))
		} else {
			topic.Id = pulumi.String("siem")
		}
		topics = append(topics, topic)
	}
	_, err := s3.NewBucketNotification(ctx, name, &s3.BucketNotificationArgs{Bucket: args.Bucket.Bucket.ID(), Topics: topics},
		pulumi.Parent(c), pulumi.DependsOn(c.ready))
	return err
}

var unlabelled = regexp.MustCompile(`[^A-Za-z0-9-]+`)

func labelOf(prefix string) string { return unlabelled.ReplaceAllString(prefix[:len(prefix)-1], "-") }

// notifiedPrefixes are what S3 tells of: the shortest beginnings that cover every consumer's. S3 refuses two that overlap
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html).
func (args *SiemFeedArgs) notifiedPrefixes() []string {
	var all []string
	for _, c := range args.Consumers {
		all = append(all, c.Reader.prefixes()...)
	}
	var out []string
	for _, prefix := range sorted(all) { // a prefix comes before what it begins
		if !slices.ContainsFunc(out, func(shorter string) bool { return len(shorter) <= len(prefix) && prefix[:len(shorter)] == shorter }) {
			out = append(out, prefix)
		}
	}
	return out
}

// registerConsumer: the two queues with their policies, and then the subscription.
func (c *SiemFeed) registerConsumer(ctx *pulumi.Context, name string, args *SiemFeedArgs, consumer SiemConsumer) (err error) {
	const seconds = queueDays * 24 * 60 * 60
	allow, err := json.Marshal(map[string]any{"redrivePermission": "byQueue", "sourceQueueArns": []string{args.queueArn(consumer.QueueName)}})
	if err != nil {
		return err
	}
	keep := pulumi.Composite(pulumi.Parent(c), pulumi.Protect(true), pulumi.RetainOnDelete(true))
	failed, err := sqs.NewQueue(ctx, name+FeedFailedSuffix, &sqs.QueueArgs{
		Name:                    pulumi.String(consumer.QueueName + FeedFailedSuffix),
		MessageRetentionSeconds: pulumi.Int(seconds),
		KmsMasterKeyId:          c.queueKey.Arn,
		RedriveAllowPolicy:      pulumi.String(allow),
		Tags:                    tags(args.Tags),
	}, keep)
	if err != nil {
		return err
	}
	receives := cmp.Or(consumer.MaxReceives, defaultReceives)
	queue, err := sqs.NewQueue(ctx, name, &sqs.QueueArgs{
		Name:                     pulumi.String(consumer.QueueName),
		MessageRetentionSeconds:  pulumi.Int(seconds),
		VisibilityTimeoutSeconds: pulumi.Int(visibilityTimes * cmp.Or(consumer.ProcessingSeconds, defaultProcessingSeconds)),
		ReceiveWaitTimeSeconds:   pulumi.Int(20),
		KmsMasterKeyId:           c.queueKey.Arn,
		RedrivePolicy: failed.Arn.ApplyT(func(arn string) (string, error) {
			doc, err := json.Marshal(map[string]any{"deadLetterTargetArn": arn, "maxReceiveCount": receives})
			return string(doc), err
		}).(pulumi.StringOutput),
		Tags: tags(args.Tags),
	}, keep)
	if err != nil {
		return err
	}
	c.Queues[consumer.Reader.Name], c.DeadLetterQueues[consumer.Reader.Name] = queue, failed
	var policies []pulumi.Resource
	for _, q := range []struct {
		name  string
		queue *sqs.Queue
		build func(SiemConsumer) (policy.Document, error)
	}{{name, queue, args.queuePolicy}, {name + FeedFailedSuffix, failed, args.failedQueuePolicy}} {
		doc, err := q.build(consumer)
		if err != nil {
			return err
		}
		made, err := sqs.NewQueuePolicy(ctx, q.name, &sqs.QueuePolicyArgs{QueueUrl: q.queue.Url, Policy: pulumi.String(doc.JSON())},
			pulumi.Parent(c), pulumi.RetainOnDelete(true))
		if err != nil {
			return err
		}
		policies = append(policies, made)
	}
	subscription := &sns.TopicSubscriptionArgs{
		Topic:              c.Topic.Arn,
		Protocol:           pulumi.String("sqs"),
		Endpoint:           queue.Arn,
		RawMessageDelivery: pulumi.Bool(!consumer.Envelope),
		// What SNS can't pass on, because a policy was narrowed or the key is disabled, waits there, too: otherwise it is gone.
		RedrivePolicy: failed.Arn.ApplyT(func(arn string) (string, error) {
			doc, err := json.Marshal(map[string]any{"deadLetterTargetArn": arn})
			return string(doc), err
		}).(pulumi.StringOutput),
	}
	if filter := consumer.filterPolicy(); filter != "" {
		subscription.FilterPolicy, subscription.FilterPolicyScope = pulumi.String(filter), pulumi.String("MessageBody")
	}
	subscribed, err := sns.NewTopicSubscription(ctx, name, subscription, pulumi.Parent(c), pulumi.DependsOn(policies))
	c.ready = append(c.ready, subscribed)
	return err
}

// filterPolicy selects the events of the consumer's objects by the message's body, "" for all. In a list of records, as S3's
// events have one of one, a filter holds if it does for an element
// (https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html). It does not let S3's test event through.
func (c SiemConsumer) filterPolicy() string {
	if len(c.Reader.Prefixes) == 0 {
		return ""
	}
	var keys []map[string]string
	for _, prefix := range c.Reader.prefixes() {
		keys = append(keys, map[string]string{"prefix": prefix})
	}
	doc, err := json.Marshal(map[string]any{"Records": map[string]any{"s3": map[string]any{"object": map[string]any{"key": keys}}}})
	if err != nil {
		panic(err) // strings in maps
	}
	return string(doc)
}

func (args *SiemFeedArgs) queueArn(name string) string {
	return args.Place.ARN(partition.SQS, name).String()
}

func (args *SiemFeedArgs) topicArn() string {
	return args.Place.ARN(partition.SNS, args.TopicName).String()
}
