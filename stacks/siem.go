package stacks

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/stacks/schema"
	"github.com/logarchive/logarchive/verify"
)

// SiemConsumerSpec is one who gets an event for each object of the archive.
type SiemConsumerSpec struct {
	Key     string // path in the configuration
	Name    string
	Roles   []partition.ARN
	Classes []string // what the keys of its objects begin with, without the slash
	// Envelope wraps events into SNS's JSON.
	Envelope                       bool
	ProcessingSeconds, MaxReceives int
}

// A queue's name has 80 characters, and its dead letter queue's seven more than its own.
const maxFeedQueue = 73

func exampleRole(account partition.Account, name string) string {
	return partition.Place{Account: account, Region: "cn-northwest-1"}.RoleARN(name).String()
}

func siemField() schema.Field {
	return schema.Field{
		Key: "siem", Kind: schema.List,
		Doc: "Who gets an event for every object of the archive, in an SQS queue each, and may read the object: Splunk, Elastic, or a program of your own. What each role must be allowed by its own policies is in the output `siem`.",
		Example: strings.Join([]string{
			`- {name: splunk, roles: ["` + exampleRole("333344445555", "SplunkIngest") + `"]}`,
			`- {name: elastic, roles: ["` + exampleRole("222233334444", "ElasticAgent") + `"], classes: [logs, databases]}`,
		}, "\n"),
		Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
			{Key: "name", Kind: schema.String, Required: true, Pattern: nameForm,
				Doc:     "Who it is. Its queue is named after it; changing the name makes a new queue.",
				Accepts: "up to 32 lower-case letters, digits and single hyphens; each name once"},
			{Key: "roles", Kind: schema.List, Required: true,
				Doc:     "The roles that receive the events and read the objects. They needn't exist yet.",
				Accepts: "a list of ARNs of roles, of any account of the partition",
				Items:   &schema.Field{Kind: schema.String, Required: true, Accepts: "the ARN of a role"}},
			{Key: "classes", Kind: schema.List, DefaultText: "every class that the stack archives",
				Doc:     "Which logs: the first part of the objects' keys. Undeliverable records, below errors/, belong to no class.",
				Accepts: "a list of classes that the stack archives, such as logs, databases or flow-logs-direct",
				Items:   &schema.Field{Kind: schema.String, Required: true, Accepts: "a class that the stack archives"}},
			{Key: "envelope", Kind: schema.Boolean, Default: false,
				Doc: "Events in SNS's JSON, which is signed. Without it they are as S3 sends them, which is what Splunk and Elastic read."},
			{Key: "processingSeconds", Kind: schema.Integer, Default: 300, Range: schema.Between(5, 7200),
				Doc: "How long it takes for an event at most. A received event is hidden for six times as long."},
			{Key: "maxReceives", Kind: schema.Integer, Default: 5, Range: schema.Between(2, 1000),
				Doc: "How often an event is received before it goes to the dead letter queue."},
		}},
	}
}

// siem reads the consumers, once all sources are read: which classes there are follows from them.
func (p *parser) siem(v schema.Value) {
	s := p.spec
	names, part := newOnce(p), s.Archive.Partition()
	if region := s.Archive.Region; region != "" && len(v.Items()) > 0 {
		if err := region.Require(partition.TopicBodyFilters); err != nil {
			p.add(v, "%v; leave it out", err)
		}
	}
	for _, item := range v.Items() {
		name := item.Get("name")
		c := SiemConsumerSpec{
			Key: item.Path, Name: name.Text(), Envelope: item.Get("envelope").Flag(),
			ProcessingSeconds: item.Get("processingSeconds").Number(), MaxReceives: item.Get("maxReceives").Number(),
		}
		names.text(name, "is the name of", "want another")
		if queue := s.SiemQueue(c.Name); name.OK() && (len(c.Name) > 32 || len(queue) > maxFeedQueue) {
			p.add(name, "%s is too long: want at most 32 characters, and at most %d for its queue, which would be %s", schema.Quote(c.Name), maxFeedQueue, queue)
		}
		c.Roles = p.readingRoles(item.Get("roles"), part)
		c.Classes = p.readClasses(item.Get("classes"))
		s.Siem = append(s.Siem, c)
	}
}

// readingRoles reads the ARNs of roles of any account, each once.
func (p *parser) readingRoles(list schema.Value, part partition.Partition) []partition.ARN {
	var arns []partition.ARN
	once := newOnce(p)
	for _, role := range list.Items() {
		if arn, ok := p.readingRole(role, part); ok {
			once.text(role, "is", "want each once")
			arns = append(arns, arn)
		}
	}
	return arns
}

// readingRole reads the ARN of a role of any account.
func (p *parser) readingRole(v schema.Value, part partition.Partition) (partition.ARN, bool) {
	if !v.OK() {
		return partition.ARN{}, false
	}
	arn, err := partition.ParseARN(v.Text())
	name, isRole := strings.CutPrefix(arn.Resource, "role/")
	switch {
	case err != nil:
		p.add(v, "%v", err)
	case arn.Service != partition.IAM || !isRole:
		p.add(v, "%s is not the ARN of a role", schema.Quote(v.Text()))
	case part != "" && arn.Partition != part:
		p.add(v, "%s is of partition %s; want %s, the archive's", schema.Quote(v.Text()), arn.Partition, part)
	case checkRoleName(name) != nil:
		p.add(v, "%v", checkRoleName(name))
	default:
		return arn, true
	}
	return arn, false
}

// readClasses reads which logs somebody reads: those named, or all.
func (p *parser) readClasses(v schema.Value) []string {
	known := p.spec.archivedClasses()
	if !v.Given {
		return known
	}
	var classes []string
	once := newOnce(p)
	for _, item := range v.Items() {
		switch {
		case !item.OK():
		case !slices.Contains(known, item.Text()):
			p.add(item, "%s is not a class that the stack archives%s; want one of %s", schema.Quote(item.Text()), schema.DidYouMean(item.Text(), known), strings.Join(known, ", "))
		default:
			once.text(item, "is", "want each once")
			classes = append(classes, item.Text())
		}
	}
	if v.Valid && len(v.Items()) == 0 {
		p.add(v, "is empty; want at least one class, or leave it out for all")
	}
	return classes
}

// archivedClasses are the first parts of the keys of everything that is delivered, sorted.
func (s *Spec) archivedClasses() []string {
	var classes []string
	for _, d := range s.allDeliveries() {
		if class, _, ok := strings.Cut(d.Prefix, "/"); ok && class != "" && !slices.Contains(classes, class) {
			classes = append(classes, class)
		}
	}
	slices.Sort(classes)
	return classes
}

// SiemTopic is the topic that S3 publishes to, and SiemQueue a consumer's queue.
func (s *Spec) SiemTopic() string             { return s.NamePrefix + "-objects" }
func (s *Spec) SiemQueue(name string) string  { return s.NamePrefix + "-siem-" + name }
func (s *Spec) siemKeyAlias(of string) string { return s.NamePrefix + "-siem-" + of }

// readers are who may read the archive.
func (s *Spec) readers() []components.Reader {
	var list []components.Reader
	for _, c := range s.Siem {
		list = append(list, c.reader())
	}
	return append(list, s.queryReaders()...)
}

func (c SiemConsumerSpec) reader() components.Reader {
	r := components.Reader{Name: "siem-" + c.Name}
	for _, role := range c.Roles {
		r.RoleArns = append(r.RoleArns, role.String())
	}
	for _, class := range c.Classes {
		r.Prefixes = append(r.Prefixes, class+"/")
	}
	return r
}

func (s *Spec) siemConsumer(c SiemConsumerSpec) components.SiemConsumer {
	reader := c.reader()
	return components.SiemConsumer{
		Reader: reader, QueueName: s.SiemQueue(c.Name), Envelope: c.Envelope,
		ProcessingSeconds: c.ProcessingSeconds, MaxReceives: c.MaxReceives,
	}
}

// verifyReaders are who must be able to read, as the proof asks for it.
func (s *Spec) verifyReaders() []verify.Reader {
	var list []verify.Reader
	for _, c := range s.Siem {
		r := c.reader()
		list = append(list, verify.Reader{
			Name: c.Name, Roles: r.RoleArns, Bucket: s.ArchiveBucket.Bucket, Place: s.Archive, Prefixes: r.Prefixes,
			Queue: s.Archive.ARN(partition.SQS, s.SiemQueue(c.Name)).String(),
		})
	}
	return list
}

// siemExternals are the consumers' roles with what they must be allowed by their own policies. The keys are named when they are
// made: any of the archive's place stands for them, through the service that uses them.
func (s *Spec) siemExternals() []External {
	var order []partition.ARN
	allowed, queues := map[partition.ARN]policy.Document{}, map[partition.ARN][]string{}
	keys := map[partition.ARN]string{}
	anyKey := s.Archive.ARN(partition.KMS, "key/*").String()
	for _, c := range s.Siem {
		doc, err := s.siemConsumer(c).Policy(s.Archive, s.ArchiveBucket.Bucket, anyKey, anyKey)
		if err != nil {
			continue // the component says so
		}
		for i := range doc.Statements {
			doc.Statements[i].Sid = "" // a role may be several consumers'
		}
		for _, role := range c.Roles {
			if queues[role] == nil {
				order = append(order, role)
				keys[role] = c.Key + ".roles"
			}
			queues[role] = append(queues[role], s.SiemQueue(c.Name))
			allowed[role] = policy.Document{Statements: append(slices.Clone(allowed[role].Statements), doc.Statements...)}
		}
	}
	var list []External
	for _, role := range order {
		list = append(list, External{
			Kind: KindRole, ID: strings.TrimPrefix(role.Resource, "role/"), Key: keys[role],
			Place:      partition.Place{Account: role.Account, Region: s.Archive.Region},
			Attributes: map[string]string{AttributePolicy: allowed[role].JSON(), AttributeQueue: strings.Join(queues[role], ",")},
		})
	}
	return list
}

func (c *composer) siemFeed() error {
	s := c.spec
	if len(s.Siem) == 0 {
		return nil
	}
	args := &components.SiemFeedArgs{
		Place: s.Archive, Bucket: c.archive, BucketName: s.ArchiveBucket.Bucket, TopicName: s.SiemTopic(),
		TopicKeyAlias: s.siemKeyAlias("topic"), QueueKeyAlias: s.siemKeyAlias("queues"),
		AdministratorRoleArns: []string{s.ArchiveRole.String()},
	}
	for _, consumer := range s.Siem {
		args.Consumers = append(args.Consumers, s.siemConsumer(consumer))
	}
	feed, err := components.NewSiemFeed(c.ctx, "siem", args, pulumi.Provider(c.providers.archive))
	if err != nil {
		return err
	}
	out := pulumi.Map{}
	for i, consumer := range args.Consumers {
		rolePolicy := pulumi.All(c.archive.KeyArn, feed.QueueKeyArn).ApplyT(func(keys []any) (string, error) {
			doc, err := consumer.Policy(s.Archive, s.ArchiveBucket.Bucket, keys[0].(string), keys[1].(string))
			return doc.JSON(), err
		})
		out[s.Siem[i].Name] = pulumi.Map{
			"queueUrl":           feed.Queues[consumer.Reader.Name].Url,
			"queueArn":           feed.Queues[consumer.Reader.Name].Arn,
			"deadLetterQueueUrl": feed.DeadLetterQueues[consumer.Reader.Name].Url,
			"rolePolicy":         rolePolicy,
		}
	}
	c.ctx.Export("siem", out)
	return nil
}
