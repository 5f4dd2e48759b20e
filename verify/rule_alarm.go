package verify

import (
	"regexp"
	"slices"

	"github.com/logarchive/logarchive/partition"
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
}

// alarmInRule finds what a composite alarm is about: ALARM("name"), OK(name).
var alarmInRule = regexp.MustCompile(`(?:ALARM|OK|INSUFFICIENT_DATA)\(\s*"?([^")]+?)"?\s*\)`)

// alarmsHeard follows composite alarms down: what is in one that notifies is heard.
func alarmsHeard(e *evaluation, report reporter) {
	heard := map[string]bool{}
	key := func(r *Resource, name string) string { return r.Place.String() + " " + name }
	speaks := func(r *Resource) bool {
		// Absent means on.
		return len(r.texts("alarmActions")) > 0 && (r.flag("actionsEnabled") || !object(r.State).has("actionsEnabled"))
	}
	composites := e.byType[typeCompositeAlarm]
	for changed := true; changed; {
		changed = false
		for _, r := range composites {
			if !speaks(r) && !heard[key(r, alarmName(r))] {
				continue
			}
			for _, found := range alarmInRule.FindAllStringSubmatch(r.text("alarmRule"), -1) {
				name := found[1]
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
