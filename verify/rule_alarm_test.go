package verify_test

import "github.com/logarchive/logarchive/policy"

var alarmCases = []ruleCase{
	{rule: "alarm-heard", name: "no composite alarm", resource: "path-logs-silent", reason: "notifies nobody", change: func(p *program) {
		p.set("CompositeAlarm", "path-logs", "alarmRule", `ALARM("log-archive-logs-throttled")`)
	}},
	{rule: "alarm-heard", name: "no topic", resource: "path-logs", reason: "notifies nobody", change: func(p *program) {
		p.set("CompositeAlarm", "path-logs", "alarmActions", []any{})
	}},
	{rule: "alarm-heard", name: "switched off", resource: "path-logs", reason: "notifies nobody", change: func(p *program) {
		p.set("CompositeAlarm", "path-logs", "actionsEnabled", false)
	}},
	{rule: "topic-tls-only", name: "plain HTTP isn't denied", resource: "home-alarms", reason: "over plain HTTP isn't denied", change: func(p *program) {
		p.edit("TopicPolicy", "home-alarms", "policy", func(d *policy.Document) { dropStatements(d, "DenyPlainHTTP") })
	}},
	{rule: "alarm-metric", name: "a metric that isn't there", resource: "path-logs-silent", reason: "no metric IncomingRecord ", change: func(p *program) {
		p.set("MetricAlarm", "path-logs-silent", "metricName", "IncomingRecord")
	}},
}
