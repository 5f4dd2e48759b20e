package components

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// policy is what the subscriber may do.
func (args *LogGroupSubscriberArgs) policy() (policy.Document, error) {
	passed, err := args.Place.PassedTo(partition.Logs)
	if err != nil {
		return policy.Document{}, err
	}
	var services []string
	for _, s := range passed {
		services = append(services, string(s))
	}
	act := []string{"logs:DescribeSubscriptionFilters", "logs:PutSubscriptionFilter"}
	if len(args.GroupTags) > 0 {
		act = append(act, "logs:ListTagsForResource")
	}
	if args.RetentionDays != 0 {
		act = append(act, "logs:PutRetentionPolicy")
	}
	slices.Sort(act)
	doc := policy.Document{Statements: []policy.Statement{
		args.writeOwnLogs(args.Place),
		{
			// Which groups there are is asked of the region as a whole. AWS's own policies write the resource so: it is the
			// narrowest that matches (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html).
			Sid:      "FindLogGroups",
			Effect:   policy.Allow,
			Action:   []string{"logs:DescribeLogGroups"},
			Resource: []string{args.Place.LogGroupARN("*").String()},
		},
		{
			// The groups aren't known beforehand: that is what the subscriber is for. With Include it is their beginnings.
			Sid:      "SubscribeLogGroups",
			Effect:   policy.Allow,
			Action:   act,
			Resource: args.groups(orEvery(args.Include)),
		},
		{
			// A stream that carries the log of what handles it feeds itself.
			Sid:      "NeverItself",
			Effect:   policy.Deny,
			Action:   []string{"logs:PutSubscriptionFilter"},
			Resource: args.groups(args.reachable()),
		},
		{
			Sid:       "PassSubscriptionRole",
			Effect:    policy.Allow,
			Action:    []string{"iam:PassRole"},
			Resource:  []string{args.Place.RoleARN(args.Pipeline.subscriptionRole).String()},
			Condition: policy.Conditions{}.With("StringEquals", "iam:PassedToService", services...),
		},
		{
			// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
			Sid:      "UseQueue",
			Effect:   policy.Allow,
			Action:   []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"},
			Resource: []string{args.queueArn(args.queueName())},
		},
	}}
	// A Deny of nothing is no policy: Include keeps all of them out then.
	doc.Statements = slices.DeleteFunc(doc.Statements, func(s policy.Statement) bool { return len(s.Resource) == 0 })
	return doc, nil
}

// reachable are those of the groups that must never be subscribed which Include would let it subscribe.
func (args *LogGroupSubscriberArgs) reachable() []string {
	return slices.DeleteFunc(args.own(), func(own string) bool {
		return !slices.ContainsFunc(orEvery(args.Include), func(in string) bool { return strings.HasPrefix(own, in) || strings.HasPrefix(in, own) })
	})
}

// groups are the log groups of the place whose names begin in these ways.
func (args *LogGroupSubscriberArgs) groups(prefixes []string) []string {
	var arns []string
	for _, prefix := range prefixes {
		arns = append(arns, args.Place.LogGroupARN(prefix+"*").String())
	}
	return arns
}

// orEvery is the list, or one empty beginning, which every name has.
func orEvery(prefixes []string) []string {
	if len(prefixes) == 0 {
		return []string{""}
	}
	return prefixes
}
