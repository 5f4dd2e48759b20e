package sandbox

import (
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
)

// An account policy of CloudWatch Logs subscribes every log group of its account and region but those that it leaves out. For
// the way of an event it is one more subscription filter of each group: the two are additive
// (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html).

const accountPolicyToken = catalog.LogAccountPolicy

// accountLevel is what CloudWatch Logs says in a batch that an account's policy has selected
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters-AccountLevel.html).
const accountLevel = "ACCOUNT_LEVEL_POLICY"

// accountSubscription is an account policy, and the subscription filter that it is for each of its groups.
type accountSubscription struct {
	*catalog.AccountSubscription
	filter Object
}

type accountPolicies []accountSubscription

// accountSubscriptions returns the policies that subscribe log groups, ordered by name.
func accountSubscriptions(world Resources) accountPolicies {
	var found accountPolicies
	visit(world, accountPolicyToken, func(o *Object) {
		if says, ok := readAccountPolicy(*o); ok {
			filter, _ := asFilter(*o)
			found = append(found, accountSubscription{says, filter})
		}
	})
	slices.SortFunc(found, func(a, b accountSubscription) int { return byName(a.filter, b.filter) })
	return found
}

// of returns the filters that a log group has by policies.
func (all accountPolicies) of(group Object) []Object {
	var filters []Object
	for _, p := range all {
		if p.filter.Place == group.Place && p.Selects(group.Text("name"), group.Text("logGroupClass")) {
			filters = append(filters, p.filter)
		}
	}
	return filters
}

func readAccountPolicy(o Object) (*catalog.AccountSubscription, bool) {
	if o.Text("policyType") != catalog.SubscriptionFilterPolicy {
		return nil, false
	}
	says, err := catalog.ReadAccountSubscription(o.Text("policyDocument"), o.Text("selectionCriteria"))
	return says, err == nil
}

// asFilter is a policy with the properties of a subscription filter; false for one that subscribes nothing.
func asFilter(o Object) (Object, bool) {
	says, ok := readAccountPolicy(o)
	if !ok {
		return o, false
	}
	o.State = resource.PropertyMap{}
	for property, value := range map[resource.PropertyKey]string{
		"name": o.ID, "filterPattern": says.FilterPattern, "destinationArn": says.DestinationARN, "roleArn": says.RoleARN,
	} {
		o.State[property] = resource.NewStringProperty(value)
	}
	return o, true
}

// subscriptionNoun says what a subscription is.
func subscriptionNoun(filter Object) string {
	if filter.Type == accountPolicyToken {
		return "account policy"
	}
	return "subscription filter"
}

// policyLevel is the member policyLevel of a batch; empty for a filter of the log group's own.
func policyLevel(filter Object) string {
	if filter.Type == accountPolicyToken {
		return accountLevel
	}
	return ""
}

// accountPolicies counts the others of the kind of a policy, of its account and region.
func (x *index) accountPolicies(o *Object) int {
	n := 0
	for _, other := range x.types[accountPolicyToken] {
		if other.Place == o.Place && other.Text("policyType") == o.Text("policyType") {
			n++
		}
	}
	return n
}
