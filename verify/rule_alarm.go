package verify

import (
	"slices"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

var alarmRules = []Rule{
	{
		ID: "alarm-heard", Title: "every alarm notifies somebody, itself or by a composite alarm",
		Why:    "an alarm without an action only changes its colour (asked for in CLO #112 and #113)",
		Remedy: "give the alarm a topic in alarmActions, or put it into a composite alarm that has one; switch actionsEnabled on",
		check:  alarmsHeard,
	},
	{
		ID: "alarm-metric", Title: "every alarm watches a metric that its partition has",
		Why:    "an alarm on a metric that never comes is silent for ever, or never silent",
		Remedy: "use a metric that package partition knows there",
		check:  alarmMetrics,
	},
	{
		ID: "topic-tls-only", Title: "a topic of alarms or of a bucket's events takes nothing over plain HTTP",
		Why:    "SNS takes messages over plain HTTP from whoever may publish, unless the topic's policy denies it (SNS Developer Guide, sns-security-best-practices)",
		Remedy: "deny sns:Publish to everybody where aws:SecureTransport is false",
		check:  topicsOverTLS,
	},
}

// topicsOverTLS asks for the topics of alarms and of buckets' events; what others publish to theirs is their affair.
func topicsOverTLS(e *evaluation, report reporter) {
	notified := map[string]bool{}
	for _, r := range slices.Concat(e.byType[typeMetricAlarm], e.byType[typeCompositeAlarm]) {
		for _, arn := range alarmActions(r) {
			notified[arn] = true
		}
	}
	for _, r := range e.byType[typeBucketNotification] {
		for _, item := range r.items("topics") {
			notified[item.text("topicArn")] = true
		}
	}
	for _, arn := range sortedKeys(notified) {
		topic, ok := e.queues[arn]
		if !ok {
			continue // the path says so
		}
		for _, who := range []Caller{accountAdministrator(topic.Resource), stranger(topic.Resource)} {
			h := request{title: "probe", caller: who, owner: topic.Place.Account, carrier: topic.URN}.with("aws:SecureTransport", "false").do(arn, "sns:Publish")[0]
			if e.probe(h) != policy.ExplicitDeny {
				report(topic.URN, "deny sns:Publish where aws:SecureTransport is false", "sns:Publish over plain HTTP isn't denied to %s", who)
				break
			}
		}
	}
}

// alarmsHeard follows composite alarms down: what is in one that notifies is heard.
func alarmsHeard(e *evaluation, report reporter) {
	heard := map[string]bool{}
	key := func(r *Resource, name string) string { return r.Place.String() + " " + name }
	speaks := func(r *Resource) bool {
		// Absent means on.
		return len(r.texts("alarmActions")) > 0 && (r.flag("actionsEnabled") || !object(r.State).has("actionsEnabled"))
	}
	composites := e.byType[typeCompositeAlarm]
	if !slices.ContainsFunc(slices.Concat(e.byType[typeMetricAlarm], composites), speaks) {
		return // nobody wants to be told: a decision, and no oversight
	}
	for changed := true; changed; {
		changed = false
		for _, r := range composites {
			if !speaks(r) && !heard[key(r, alarmName(r))] {
				continue
			}
			for _, name := range catalog.AlarmsIn(r.text("alarmRule")) {
				if k := key(r, name); !heard[k] {
					heard[k], changed = true, true
				}
			}
		}
	}
	for _, r := range slices.Concat(e.byType[typeMetricAlarm], composites) {
		if !speaks(r) && !heard[key(r, alarmName(r))] {
			report(r.URN, "name a topic in alarmActions, or put the alarm into a composite alarm that does", "alarm %s notifies nobody", alarmName(r))
		}
	}
}

func alarmMetrics(e *evaluation, report reporter) {
	check := func(r *Resource, namespace, name string) {
		if namespace == "" && name == "" {
			return
		}
		if fact := r.Place.Partition().MetricFact(namespace, name); fact.Support == partition.No {
			report(r.URN, "watch another metric", "metric %s of %s isn't in partition %s (%s)", name, namespace, r.Place.Partition(), fact.Source)
		} else if fact.Support == partition.Unknown && partition.KnownNamespace(namespace) {
			report(r.URN, "check the metric's name", "%s has no metric %s that is known in partition %s (%s)", namespace, name, r.Place.Partition(), fact.Source)
		}
	}
	for _, r := range e.byType[typeMetricAlarm] {
		check(r, r.text("namespace"), r.text("metricName"))
		for _, q := range r.items("metricQueries") {
			check(r, q.item("metric").text("namespace"), q.item("metric").text("metricName"))
		}
	}
}
