package verify_test

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
	{rule: "alarm-metric", name: "a metric that isn't there", resource: "path-logs-silent", reason: "no metric IncomingRecord ", change: func(p *program) {
		p.set("MetricAlarm", "path-logs-silent", "metricName", "IncomingRecord")
	}},
}
