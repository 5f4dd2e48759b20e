package sandbox

import (
	"encoding/json"
	"strings"
)

// filterAccepts says whether a subscription's filter policy lets a message through. S3's events have no attributes, so a filter
// on these lets nothing through. Conditions that the sandbox doesn't know (numbers, IP addresses, suffixes and others) don't hold.
//
// See https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
func filterAccepts(subscription *Object, message string) bool {
	text := subscription.Text("filterPolicy")
	if text == "" {
		return true
	}
	if subscription.Text("filterPolicyScope") != "MessageBody" {
		return false
	}
	var filter map[string]any
	var body any
	return json.Unmarshal([]byte(text), &filter) == nil && json.Unmarshal([]byte(message), &body) == nil && bodyMatches(filter, body)
}

// bodyMatches: all keys of the filter must match. In a list, one element must match.
func bodyMatches(filter map[string]any, body any) bool {
	if list, ok := body.([]any); ok {
		for _, element := range list {
			if bodyMatches(filter, element) {
				return true
			}
		}
		return false
	}
	object, ok := body.(map[string]any)
	if !ok {
		return false
	}
	for key, want := range filter {
		value, there := object[key]
		switch w := want.(type) {
		case map[string]any:
			if !bodyMatches(w, value) {
				return false
			}
		case []any:
			if !anyCondition(w, value, there) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func anyCondition(conditions []any, value any, there bool) bool {
	values, isList := value.([]any)
	if !isList {
		values = []any{value}
	}
	for _, c := range conditions {
		if object, ok := c.(map[string]any); ok && object["exists"] != nil {
			if object["exists"] == there {
				return true
			}
			continue
		}
		for _, v := range values {
			if there && holdsFor(c, v) {
				return true
			}
		}
	}
	return false
}

func holdsFor(condition, value any) bool {
	text, isText := value.(string)
	switch c := condition.(type) {
	case map[string]any:
		if prefix, ok := c["prefix"].(string); ok {
			return isText && strings.HasPrefix(text, prefix)
		}
		if but, ok := c["anything-but"]; ok {
			if list, ok := but.([]any); ok {
				return !anyCondition(list, value, true)
			}
			if object, ok := but.(map[string]any); ok {
				return !holdsFor(object, value)
			}
			return !holdsFor(but, value)
		}
		if same, ok := c["equals-ignore-case"].(string); ok {
			return isText && strings.EqualFold(text, same)
		}
		return false
	default:
		return condition == value
	}
}
