package catalog

import "testing"

func TestTopicSubscriptions(t *testing.T) {
	t.Parallel()
	check(t, "aws:sns/topicSubscription:TopicSubscription", []change{
		{"filterPolicyScope", "MessageBody", "", CheckFailure, "filter_policy is required"},
		{"filterPolicy", `{"Records":`, "", "InvalidParameter", "not a JSON object"},
		{"filterPolicy", `{"Records":{"s3":["x"]}}`, "", "InvalidParameter", "MessageBody only"},
		{"filterPolicy", `{"kind":[]}`, "", "InvalidParameter", "empty arrays"},
		{"filterPolicy", `{"kind":"a"}`, "", "InvalidParameter", "must be an object or an array"},
		{"filterPolicy", `{"kind":["a"]}`, "", "", ""},
		{"filterPolicy", `{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}`, "", "InvalidParameter", "5 at most"},
		{"redrivePolicy", `{}`, "", "InvalidParameter", "deadLetterTargetArn"},
		{"redrivePolicy", `{"deadLetterTargetArn":"dead"}`, "", "InvalidParameter", "not an ARN"},
	})
}

// Two notifications of one event for the same keys are refused.
func TestNotificationsOverlap(t *testing.T) {
	t.Parallel()
	const token = "aws:s3/bucketNotification:BucketNotification"
	queue := func(id, prefix, event string) m {
		return m{"queueArn": queueARN, "id": id, "filterPrefix": prefix, "events": []any{event}}
	}
	for _, c := range []struct {
		queues   []any
		property string
		reason   string
	}{
		{[]any{queue("a", "logs/", "s3:ObjectCreated:*"), queue("b", "databases/", "s3:ObjectCreated:*")}, "", ""},
		{[]any{queue("a", "logs/", "s3:ObjectCreated:*"), queue("b", "", "s3:ObjectRemoved:*")}, "", ""},
		{[]any{queue("a", "logs/", "s3:ObjectCreated:*"), queue("b", "logs/app/", "s3:ObjectCreated:Put")}, "queues[1]", "ambiguously defined"},
		{[]any{queue("a", "logs/", "s3:ObjectCreated:*"), queue("a", "databases/", "s3:ObjectCreated:*")}, "queues[1].id", "IDs must be unique"},
	} {
		code := ""
		if c.reason != "" {
			code = "InvalidArgument"
		}
		check(t, token, []change{{"queues", c.queues, c.property, code, c.reason}})
	}
}
