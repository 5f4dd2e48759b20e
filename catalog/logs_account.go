package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/logarchive/logarchive/partition"
)

// LogAccountPolicy is a policy of CloudWatch Logs for all log groups of an account and region.
const LogAccountPolicy = "aws:cloudwatch/logAccountPolicy:LogAccountPolicy"

// SubscriptionFilterPolicy is the type of the one that subscribes log groups.
const SubscriptionFilterPolicy = "SUBSCRIPTION_FILTER_POLICY"

// AccountSubscription is what an account policy of the type [SubscriptionFilterPolicy] says: the subscription of every log
// group of its account and region that isn't left out, of those that there will be as well.
//
// See https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html
type AccountSubscription struct {
	DestinationARN string
	// RoleARN is empty for a destination of another account and for a function.
	RoleARN       string
	FilterPattern string
	// Distribution is for data streams of Kinesis only; empty means by log stream.
	Distribution string
	// Excluded are the names of the log groups that are left out. A star in one means nothing.
	Excluded []string
}

// Selects says whether a log group is subscribed by the policy. Only groups of the class STANDARD can have subscriptions, which
// the empty text stands for, too.
func (s *AccountSubscription) Selects(group, class string) bool {
	return (class == "" || class == standardClass) && !slices.Contains(s.Excluded, group)
}

// ReadAccountSubscription reads the document and the selection criteria of an account policy that subscribes log groups. It
// fails for a document that isn't an object of texts with DestinationArn and FilterPattern, and for other criteria than
// LogGroupName NOT IN ["…"].
func ReadAccountSubscription(document, criteria string) (*AccountSubscription, error) {
	var texts map[string]string
	if err := json.Unmarshal([]byte(document), &texts); err != nil {
		return nil, fmt.Errorf("is not a JSON object of texts: %w", err)
	}
	// That an empty FilterPattern must be there is what aws-cdk-lib says of the service (aws-logs, SubscriptionFilterPolicyProps).
	for _, name := range []string{"DestinationArn", "FilterPattern"} {
		if _, ok := texts[name]; !ok {
			return nil, fmt.Errorf("has no %s", name)
		}
	}
	s := &AccountSubscription{
		DestinationARN: texts["DestinationArn"], RoleARN: texts["RoleArn"], FilterPattern: texts["FilterPattern"], Distribution: texts["Distribution"],
	}
	var err error
	s.Excluded, err = excludedGroups(criteria)
	return s, err
}

var errCriteria = errors.New(`is not of the one form that there is for subscriptions: want LogGroupName NOT IN ["name", …]`)

// excludedGroups reads selection criteria.
func excludedGroups(criteria string) ([]string, error) {
	if criteria == "" {
		return nil, nil
	}
	words := strings.Fields(criteria)
	if len(words) < 4 || words[0] != "LogGroupName" || words[1] != "NOT" || words[2] != "IN" {
		return nil, errCriteria
	}
	var names []string
	if err := json.Unmarshal([]byte(criteria[strings.Index(criteria, "IN")+len("IN"):]), &names); err != nil || names == nil {
		return nil, errCriteria
	}
	return names, nil
}

var accountPolicyModels = []*model{{
	token: LogAccountPolicy, nameProperty: "policyName", idFromInputs: true, code: "InvalidParameterException",
	// terraform-provider-aws, resource aws_cloudwatch_log_account_policy: ForceNew of these.
	forceNew: []string{"policyName", "policyType", "selectionCriteria"},
	defaults: map[string]any{"scope": "ALL"},
	enums: map[string][]string{
		"scope":      {"ALL"},
		"policyType": {"DATA_PROTECTION_POLICY", SubscriptionFilterPolicy, "FIELD_INDEX_POLICY", "TRANSFORMER_POLICY"},
	},
	check: checkAccountPolicy,
	// The id is the name alone: that of an imported one has the type besides.
	complete:   func(c *completion) { c.id = c.str("policyName") },
	references: accountPolicyReferences,
}}

// accountSubscription is what the resource says as an account policy that subscribes; nil for other types, and for what can't
// be read or isn't known yet.
func accountSubscription(in view) *AccountSubscription {
	if in.str("policyType") != SubscriptionFilterPolicy || in.unknown("policyDocument") || in.unknown("selectionCriteria") {
		return nil
	}
	s, err := ReadAccountSubscription(in.str("policyDocument"), in.str("selectionCriteria"))
	if err != nil {
		return nil
	}
	return s
}

func accountPolicyReferences(r *referring) {
	s := accountSubscription(r.in)
	if s == nil {
		return
	}
	targets := map[string]Reference{
		"firehose:deliverystream": {TargetToken: Stream, SameAccount: true}, "lambda:function": {TargetToken: Function, SameAccount: true},
		"logs:destination": {TargetToken: LogDestination},
	}
	if arn, err := partition.ParseARN(s.DestinationARN); err == nil {
		kind, _, _ := strings.Cut(strings.ReplaceAll(arn.Resource, "/", ":"), ":")
		if ref, ok := targets[string(arn.Service)+":"+kind]; ok {
			ref.Value, ref.SameRegion = arn.String(), true
			r.addDocument(ref)
		}
	}
	if s.RoleARN != "" {
		r.addDocument(Reference{TargetToken: Role, Value: s.RoleARN, SameAccount: true})
	}
}

// addDocument adds a reference that the policy's document makes.
func (r *referring) addDocument(ref Reference) {
	ref.Property, ref.By, ref.Code = "policyDocument", ByARN, "InvalidParameterException"
	r.add(ref)
}

// checkAccountPolicy finds what PutAccountPolicy refuses. Of the types that this program doesn't declare, only the sizes are
// looked at.
func checkAccountPolicy(c *checking) {
	const code = "InvalidParameterException"
	if name := c.in.str("policyName"); strings.HasPrefix(name, "aws/") {
		c.fail("policyName", code, "%q: names that begin with aws/ belong to AWS", name)
	}
	criteria, document := c.in.str("selectionCriteria"), c.in.str("policyDocument")
	if most, err := partition.Everywhere(partition.AccountPolicyCriteria); err == nil && int64(len(criteria)) > most {
		c.fail("selectionCriteria", code, "has %d bytes: want at most %d", len(criteria), most)
	}
	if most, err := partition.Everywhere(partition.AccountPolicyDocument); err == nil && int64(utf8.RuneCountInString(document)) > most {
		c.fail("policyDocument", code, "has %d characters: want at most %d", utf8.RuneCountInString(document), most)
	}
	if c.in.unknown("policyDocument") || c.in.unknown("selectionCriteria") || c.in.unknown("policyType") || !c.in.has("policyDocument") {
		return
	}
	if !json.Valid([]byte(document)) {
		c.fail("policyDocument", CheckFailure, "is not JSON")
		return
	}
	if c.in.str("policyType") != SubscriptionFilterPolicy {
		return
	}
	s, err := ReadAccountSubscription(document, criteria)
	switch {
	case errors.Is(err, errCriteria):
		c.fail("selectionCriteria", code, "%q %v", criteria, err)
		return
	case err != nil:
		c.fail("policyDocument", code, err.Error())
		return
	}
	if len(s.FilterPattern) > maxFilterPattern {
		c.fail("policyDocument", code, "FilterPattern has %d characters: want at most %d", len(s.FilterPattern), maxFilterPattern)
	}
	if !slices.Contains([]string{"", "ByLogStream", "Random"}, s.Distribution) {
		c.fail("policyDocument", code, "Distribution %q is not one of ByLogStream, Random", s.Distribution)
	}
	if s.RoleARN != "" {
		c.arn("policyDocument", s.RoleARN)
	}
	if arn, ok := c.arn("policyDocument", s.DestinationARN); ok {
		c.subscriptionTo(arn, s.RoleARN != "", "policyDocument", "policyDocument")
	}
}
