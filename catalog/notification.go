package catalog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// checkTopicSubscription finds what SNS refuses of a subscription.
//
// See https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html and
// https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
func checkTopicSubscription(c *checking) {
	const bad = "InvalidParameter"
	if raw := c.in.bool("rawMessageDelivery"); raw && !slices.Contains([]string{"sqs", "http", "https", "firehose"}, c.in.str("protocol")) {
		c.fail("rawMessageDelivery", bad, "Invalid parameter: Attributes Reason: RawMessageDelivery: only for sqs, http, https and firehose")
	}
	if c.in.has("filterPolicyScope") && !c.in.has("filterPolicy") {
		c.fail("filterPolicyScope", CheckFailure, "filter_policy is required when filter_policy_scope is set")
	}
	if doc := c.in.str("filterPolicy"); doc != "" && doc != unknown {
		if problem := filterProblem(doc, c.in.str("filterPolicyScope") == "MessageBody"); problem != "" {
			c.fail("filterPolicy", bad, "Invalid parameter: FilterPolicy: %s", problem)
		}
	}
	doc := c.in.str("redrivePolicy")
	if doc == "" || doc == unknown {
		return
	}
	if target := deadLetterTarget(doc); target == "" {
		c.fail("redrivePolicy", bad, "Invalid parameter: RedrivePolicy: want JSON with deadLetterTargetArn")
	} else if arn, ok := c.arn("redrivePolicy", target); ok {
		if topic, ok := c.known("topic"); ok && (arn.Region != topic.Region || arn.Account != topic.Account) {
			c.fail("redrivePolicy", bad, "Invalid parameter: RedrivePolicy: the dead letter queue %s isn't in the topic's account and region", arn)
		}
	}
}

// filterProblem says why a text isn't a filter policy. A policy has 5 keys at most, 150 combinations of values (those of each
// key, multiplied with the depth of nested keys), and 256 KB.
func filterProblem(doc string, body bool) string {
	if len(doc) > 256<<10 {
		return "it has more than 256 KB"
	}
	var filter map[string]any
	if err := json.Unmarshal([]byte(doc), &filter); err != nil {
		return "it is not a JSON object: " + err.Error()
	}
	keys, combinations := 0, 1
	problem := filterLeaves("", filter, 1, body, &keys, &combinations)
	switch {
	case problem != "":
		return problem
	case keys == 0:
		return "it is empty"
	case keys > 5:
		return fmt.Sprintf("it has %d keys, 5 at most", keys)
	case combinations > 150:
		return fmt.Sprintf("it has a complexity of %d, 150 at most", combinations)
	}
	return ""
}

func filterLeaves(path string, filter map[string]any, depth int, body bool, keys, combinations *int) string {
	for key, value := range filter {
		at := under(path, key)
		switch v := value.(type) {
		case map[string]any:
			if !body {
				return at + ": nested keys are for the scope MessageBody only"
			}
			if problem := filterLeaves(at, v, depth+1, body, keys, combinations); problem != "" {
				return problem
			}
		case []any:
			if len(v) == 0 {
				return at + ": empty arrays are not allowed"
			}
			*keys++
			*combinations *= len(v) * depth
			for _, one := range v {
				if object, ok := one.(map[string]any); ok && len(object) != 1 {
					return at + ": a condition has one operator"
				}
			}
		default:
			return at + ": \"" + key + "\" must be an object or an array"
		}
	}
	return ""
}

// checkOverlap finds two notifications of one event for the same keys.
//
// See https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html#notification-how-to-filtering-examples-invalid
func checkOverlap(c *checking) {
	type notification struct {
		path, prefix, suffix string
		events               []string
	}
	var all []notification
	ids := map[string]string{}
	for _, list := range []string{"queues", "topics", "lambdaFunctions"} {
		for i, item := range c.in.list(list) {
			o := object(item)
			n := notification{path: position(list, i), prefix: o.str("filterPrefix"), suffix: o.str("filterSuffix")}
			for _, e := range o.list("events") {
				n.events = append(n.events, text(e))
			}
			if id := o.str("id"); id != "" && id != unknown {
				if other := ids[id]; other != "" {
					c.fail(n.path+".id", "InvalidArgument", "Same ID used for multiple configurations. IDs must be unique: %s is that of %s", id, other)
				}
				ids[id] = n.path
			}
			for _, other := range all {
				if begins(n.prefix, other.prefix) && ends(n.suffix, other.suffix) && slices.ContainsFunc(n.events, func(e string) bool {
					return slices.ContainsFunc(other.events, func(o string) bool { return sameEvent(e, o) })
				}) {
					c.fail(n.path, "InvalidArgument", "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type: it and %s", other.path)
				}
			}
			all = append(all, n)
		}
	}
}

func begins(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }
func ends(a, b string) bool   { return strings.HasSuffix(a, b) || strings.HasSuffix(b, a) }

// sameEvent says whether two names of events, which may end in a star, have an event in common.
func sameEvent(a, b string) bool {
	x, anyX := strings.CutSuffix(a, "*")
	y, anyY := strings.CutSuffix(b, "*")
	return a == b || anyX && strings.HasPrefix(b, x) || anyY && strings.HasPrefix(a, y)
}
