package verify

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/logarchive/logarchive/policy"
)

var queueRules = []Rule{
	{
		ID: "queue-dead-letters", Title: "a queue of events keeps what its consumer fails to handle",
		Why:    "a message that is received again and again, or that SNS can't pass on, is gone after some days without a word (SE queue: one day)",
		Remedy: "give the queue a redrivePolicy, and the subscription one, to a queue that keeps messages for 14 days",
		check:  deadLetters,
	},
	{
		ID: "queue-tls-only", Title: "queues of events are reached over TLS only",
		Why:    "SQS answers plain HTTP unless the queue's policy denies it (SQS Developer Guide, security best practices)",
		Remedy: "deny sqs:* to everybody where aws:SecureTransport is false",
		check:  queueTLS,
	},
	{
		ID: "queue-closed", Title: "nobody but the declared senders and consumers uses a queue of events",
		Why:    "who can send to a SIEM's queue makes it read what isn't there, and who can receive from it takes its events away",
		Remedy: "name the topic in a condition on aws:SourceArn for the sender, and the consumer's roles in one on aws:PrincipalArn",
		check:  queueClosed,
	},
	{
		ID: "notification-filter", Title: "a consumer gets the events of its objects and no others",
		Why:    "a filter on attributes never matches S3's events, which have none: the queue stays empty, and nobody notices",
		Remedy: "set filterPolicyScope to MessageBody, and filter on Records.s3.object.key",
		check:  notificationFilter,
	},
}

// deadLetterTarget is the ARN of the queue that a queue's or subscription's redrive policy names, or "".
func deadLetterTarget(r *Resource) string {
	target, _ := redrive(r)
	return target
}

func redrive(r *Resource) (target string, receives int) {
	var p struct {
		Target   string      `json:"deadLetterTargetArn"`
		Receives json.Number `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(r.text("redrivePolicy")), &p) != nil {
		return "", 0
	}
	receives, _ = strconv.Atoi(string(p.Receives))
	return p.Target, receives
}

// fedQueues are the queues behind topics that buckets tell of objects, with their subscriptions.
func (e *evaluation) fedQueues() map[*endpoint]*Resource {
	published := map[string]bool{}
	out := map[*endpoint]*Resource{}
	for _, n := range e.byType[typeBucketNotification] {
		for _, item := range n.items("topics") {
			published[item.text("topicArn")] = true
		}
	}
	for _, s := range e.byType[typeTopicSubscription] {
		if q := e.queues[s.text("endpoint")]; q != nil && q.Type == typeQueue && published[s.text("topic")] {
			out[q] = s
		}
	}
	return out
}

// eachFed calls a function for each such queue, in order.
func (e *evaluation) eachFed(do func(queue *endpoint, subscription *Resource)) {
	fed := e.fedQueues()
	for _, arn := range sortedKeys(e.queues) {
		if s, ok := fed[e.queues[arn]]; ok {
			do(e.queues[arn], s)
		}
	}
}

const fourteenDays = 14 * 24 * 60 * 60

func deadLetters(e *evaluation, report reporter) {
	e.eachFed(func(q *endpoint, s *Resource) {
		for _, r := range []*Resource{q.Resource, s} {
			target := deadLetterTarget(r)
			failed := e.queues[target]
			switch {
			case target == "":
				report(r.URN, "set redrivePolicy to a queue that keeps messages for 14 days", "it has no dead letter queue")
			case failed == nil:
				report(r.URN, "declare the queue", "its dead letter queue %s isn't declared", target)
			case failed.number("messageRetentionSeconds") < fourteenDays:
				report(failed.URN, "set messageRetentionSeconds to 1209600", "the dead letter queue keeps messages for less than 14 days")
			}
		}
		if _, receives := redrive(q.Resource); receives == 1 {
			report(q.URN, "set maxReceiveCount to 2 or more", "a message goes to the dead letter queue after one receive: a consumer that is restarted loses what it had")
		}
		if q.number("messageRetentionSeconds") < fourteenDays {
			report(q.URN, "set messageRetentionSeconds to 1209600", "a consumer that is away for longer than the queue keeps messages misses events")
		}
	})
}

func queueTLS(e *evaluation, report reporter) {
	e.eachFed(func(q *endpoint, _ *Resource) {
		for _, one := range []*endpoint{q, e.queues[deadLetterTarget(q.Resource)]} {
			if one == nil {
				continue
			}
			plain := request{title: "probe", caller: accountAdministrator(one.Resource), owner: one.Place.Account, carrier: one.URN}.with("aws:SecureTransport", "false")
			for _, h := range plain.do(one.arn, "sqs:ReceiveMessage", "sqs:SendMessage") {
				if e.probe(h) != policy.ExplicitDeny {
					report(one.URN, "deny sqs:* to everybody where aws:SecureTransport is false", "%s over plain HTTP isn't denied", h.Action)
					break
				}
			}
		}
	})
}

func queueClosed(e *evaluation, report reporter) {
	e.eachFed(func(q *endpoint, s *Resource) {
		for _, one := range []*endpoint{q, e.queues[s.text("topic")], e.queues[deadLetterTarget(q.Resource)]} {
			if one == nil || one.policy == nil {
				continue
			}
			for i, st := range one.policy.document.Statements {
				if st.Effect != policy.Allow {
					continue
				}
				name := statementName(st.Sid, i)
				if slices.ContainsFunc(st.Action, func(a string) bool { return a == "*" || a == "sqs:*" || a == "sns:*" }) {
					report(one.URN, "name the actions", "statement %s of its %s allows everything", name, one.policy.kind)
				}
				if st.Principal == nil || st.Principal.Any || slices.Contains(st.Principal.AWS, "*") {
					report(one.URN, "name who", "statement %s of its %s is for everybody", name, one.policy.kind)
				}
			}
			out := request{title: "probe", caller: stranger(one.Resource), owner: one.Place.Account, carrier: one.URN}.with("aws:SecureTransport", "true")
			actions := []string{"sqs:ReceiveMessage", "sqs:SendMessage"}
			if one.Type == typeTopic {
				actions = []string{"sns:Publish"}
			}
			for _, h := range out.do(one.arn, actions...) {
				if e.probe(h) == policy.Allowed {
					report(one.URN, "name the roles in a condition on aws:PrincipalArn", "an administrator of any other account may %s", h.Action)
				}
			}
		}
	})
}

func notificationFilter(e *evaluation, report reporter) {
	e.eachFed(func(_ *endpoint, s *Resource) {
		filter := s.text("filterPolicy")
		if filter == "" {
			return
		}
		if s.text("filterPolicyScope") != "MessageBody" {
			report(s.URN, "set filterPolicyScope to MessageBody", "its filter is about attributes, and S3's events have none")
			return
		}
		if len(filteredKeys(filter)) == 0 {
			report(s.URN, `filter on {"Records": {"s3": {"object": {"key": [{"prefix": ...}]}}}}`, "its filter isn't about the keys of objects: %s", filter)
		}
	})
}
