package components

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// AlarmTopicArgs are the Args of [NewAlarmTopic].
type AlarmTopicArgs struct {
	// Place is where the alarms are: an alarm notifies topics of its own region only.
	Place partition.Place
	// TopicName is up to 256 letters, digits, hyphens and underscores.
	TopicName string
	// KeyAlias is the alias of the topic's key, without "alias/".
	KeyAlias string
	// AlarmNamePrefixes begin the names of the alarms that may publish, with a hyphen behind them.
	AlarmNamePrefixes []string
	// Accounts are further ones whose alarms of the same region may publish.
	Accounts []partition.Account
	// Emails are told of each alarm. Each address gets a message from SNS first, and must confirm it.
	Emails []string
	// AdministratorRoleArns are the roles that may administer the key; if empty, IAM policies of the account decide.
	AdministratorRoleArns []string
	// Tags are put on the topic and its key.
	Tags map[string]string
}

// AlarmTopic is an SNS topic for CloudWatch alarms, with a key of its own. The policy of the key that AWS manages for SNS
// can't be changed, and doesn't let CloudWatch in: alarms would be dropped without a word
// (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
type AlarmTopic struct {
	pulumi.ResourceState
	Topic *sns.Topic
	// Policy is what alarms must wait for.
	Policy *sns.TopicPolicy
	Arn    pulumi.StringOutput
}

// emailForm is not what an address is, but what no address lacks: SNS sends a confirmation in any case.
var emailForm = nameRule{regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s.]+$`), "want an e-mail address"}

func (args *AlarmTopicArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.name("TopicName", args.TopicName, topicName)
	p.alias("KeyAlias", args.KeyAlias)
	if len(args.AlarmNamePrefixes) == 0 || slices.Contains(args.AlarmNamePrefixes, "") {
		p.add("AlarmNamePrefixes", args.AlarmNamePrefixes, "want what the alarms' names begin with")
	}
	for i, email := range args.Emails {
		p.name(at("Emails", i, ""), email, emailForm)
	}
	for i, account := range args.Accounts {
		_, err := partition.ParseAccount(string(account))
		p.refuse(at("Accounts", i, ""), account, err)
	}
	for i, arn := range args.AdministratorRoleArns {
		p.role(at("AdministratorRoleArns", i, ""), arn, args.Place)
	}
	if len(p.list) == 0 {
		doc, err := args.topicPolicy()
		p.document("Place", "topic policy", policy.Topic, doc, err)
		doc, err = args.keyPolicy()
		p.document("Place", "key policy", policy.Key, doc, err)
	}
	return p.err("AlarmTopic", name)
}

// fromAlarms holds for requests that CloudWatch makes for the alarms.
func (args *AlarmTopicArgs) fromAlarms() policy.Conditions {
	place, accounts := args.Place, []string{string(args.Place.Account)}
	for _, account := range args.Accounts {
		// The list of accounts is the bound; once more in the ARNs, it would grow twice as fast.
		accounts, place.Account = append(accounts, string(account)), "*"
	}
	var alarms []string
	for _, prefix := range args.AlarmNamePrefixes {
		alarms = append(alarms, place.ARN(partition.CloudWatch, "alarm:"+prefix+"-*").String())
	}
	return policy.Conditions{}.
		With("StringEquals", "aws:SourceAccount", accounts...).
		With("ArnLike", "aws:SourceArn", alarms...)
}

func (args *AlarmTopicArgs) topicPolicy() (policy.Document, error) {
	alarms, err := args.Place.PrincipalFor(partition.CloudWatch, partition.Deliver)
	if err != nil {
		return policy.Document{}, err
	}
	topic := []string{args.Place.ARN(partition.SNS, args.TopicName).String()}
	return policy.Document{Statements: []policy.Statement{
		{Sid: "DenyPlainHTTP", Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: []string{"sns:Publish"}, Resource: topic,
			Condition: policy.Conditions{}.With("Bool", "aws:SecureTransport", "false")},
		{Sid: "Alarms", Effect: policy.Allow, Principal: policy.Services(alarms), Action: []string{"sns:Publish"}, Resource: topic,
			Condition: args.fromAlarms()},
	}}, nil
}

// keyPolicy lets CloudWatch encrypt what it publishes
// (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services).
func (args *AlarmTopicArgs) keyPolicy() (policy.Document, error) {
	alarms, err := args.Place.PrincipalFor(partition.CloudWatch, partition.Key)
	if err != nil {
		return policy.Document{}, err
	}
	return policy.Document{Statements: []policy.Statement{
		keyAdministration(args.Place, args.AdministratorRoleArns),
		{Sid: "EncryptAlarms", Effect: policy.Allow, Principal: policy.Services(alarms),
			Action: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resource: []string{"*"}, Condition: args.fromAlarms()},
	}}, nil
}

// NewAlarmTopic registers the topic, its key and its subscriptions. Errors: [ArgsError].
func NewAlarmTopic(ctx *pulumi.Context, name string, args *AlarmTopicArgs, opts ...pulumi.ResourceOption) (*AlarmTopic, error) {
	if args == nil {
		args = &AlarmTopicArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &AlarmTopic{}
	if err := ctx.RegisterComponentResource("logarchive:index:AlarmTopic", name, c, opts...); err != nil {
		return nil, err
	}
	keyPolicy, err := args.keyPolicy()
	if err != nil {
		return nil, err
	}
	key, err := keySpec{name: name + "-key", description: "Encrypts the alarms in topic " + args.TopicName, alias: args.KeyAlias, policy: keyPolicy, tags: args.Tags}.register(ctx, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	c.Topic, err = sns.NewTopic(ctx, name, &sns.TopicArgs{
		Name: pulumi.String(args.TopicName), KmsMasterKeyId: key.Arn, Tags: tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	topicPolicy, err := args.topicPolicy()
	if err != nil {
		return nil, err
	}
	c.Policy, err = sns.NewTopicPolicy(ctx, name, &sns.TopicPolicyArgs{Arn: c.Topic.Arn, Policy: pulumi.String(topicPolicy.JSON())}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	for _, email := range args.Emails {
		_, err := sns.NewTopicSubscription(ctx, fmt.Sprintf("%s-%s", name, email), &sns.TopicSubscriptionArgs{
			Topic: c.Topic.Arn, Protocol: pulumi.String("email"), Endpoint: pulumi.String(email),
		}, pulumi.Parent(c))
		if err != nil {
			return nil, err
		}
	}
	c.Arn = c.Topic.Arn
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"arn": c.Arn})
}
