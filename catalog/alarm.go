package catalog

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// CloudWatch alarms. See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
var alarmModels = []*model{{
	token: MetricAlarm, nameProperty: "name", idFromInputs: true, code: "ValidationError",
	forceNew: []string{"name"}, // terraform-provider-aws, resource aws_cloudwatch_metric_alarm
	defaults: map[string]any{"actionsEnabled": true, "treatMissingData": "missing"},
	enums: map[string][]string{
		"comparisonOperator": {"GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold",
			"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"},
		"statistic":        {"SampleCount", "Average", "Sum", "Minimum", "Maximum"},
		"treatMissingData": {"missing", "ignore", "breaching", "notBreaching"},
	},
	texts:  map[string]textRule{"name": {least: 1, most: 255, want: "1 to 255 characters"}},
	ranges: map[string]numberRange{"evaluationPeriods": {1, 604800}, "datapointsToAlarm": {1, 604800}},
	arns:   []string{"alarmActions", "okActions", "insufficientDataActions"},
	check:  checkAlarm,
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.CloudWatch, "alarm:"+c.id))
	},
	references: alarmActions,
}, {
	// See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
	token: "aws:cloudwatch/compositeAlarm:CompositeAlarm", nameProperty: "alarmName", idFromInputs: true, code: "ValidationError",
	forceNew: []string{"alarmName"}, // terraform-provider-aws, resource aws_cloudwatch_composite_alarm
	defaults: map[string]any{"actionsEnabled": true},
	texts: map[string]textRule{
		"alarmName": {least: 1, most: 255, want: "1 to 255 characters"},
		"alarmRule": {least: 1, most: 10240, want: "1 to 10240 characters"},
	},
	arns:  []string{"alarmActions", "okActions", "insufficientDataActions"},
	check: checkCompositeAlarm,
	complete: func(c *completion) {
		c.id = c.str("alarmName")
		c.set("arn", c.arn(partition.CloudWatch, "alarm:"+c.id))
	},
	references: func(r *referring) {
		alarmActions(r)
		for _, name := range AlarmsIn(r.in.str("alarmRule")) {
			r.add(Reference{Property: "alarmRule", TargetToken: MetricAlarm, By: ByName, Value: name, SameRegion: true, SameAccount: true, Code: "ValidationError"})
		}
	},
}, {
	// See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
	token: "aws:cloudwatch/dashboard:Dashboard", nameProperty: "dashboardName", idFromInputs: true, code: "InvalidParameterInput",
	forceNew: []string{"dashboardName"}, // terraform-provider-aws, resource aws_cloudwatch_dashboard
	texts:    map[string]textRule{"dashboardName": {pattern: regexp.MustCompile(`^[\w-]+$`), least: 1, most: 255, want: "1 to 255 letters, digits, hyphens and underscores"}},
	check: func(c *checking) {
		if body := c.in.str("dashboardBody"); body != unknown && !json.Valid([]byte(body)) {
			c.fail("dashboardBody", "InvalidParameterInput", "the dashboard body is invalid: it is not JSON")
		}
	},
	complete: func(c *completion) {
		c.id = c.str("dashboardName")
		// A dashboard's ARN has no region.
		c.set("dashboardArn", partition.ARN{Partition: c.Place.Partition(), Service: partition.CloudWatch, Account: c.Place.Account, Resource: "dashboard/" + c.id}.String())
	},
}}

// MetricAlarm is the token of an alarm on a metric, to which composite alarms refer.
const MetricAlarm = "aws:cloudwatch/metricAlarm:MetricAlarm"

// alarmIn finds the alarms in a composite alarm's rule: ALARM("name"), OK(name), INSUFFICIENT_DATA("name").
var alarmIn = regexp.MustCompile(`(?:ALARM|OK|INSUFFICIENT_DATA)\(\s*"?([^")]+?)"?\s*\)`)

// AlarmsIn returns the names or ARNs of the alarms that a composite alarm's rule is about.
func AlarmsIn(rule string) []string {
	var names []string
	for _, m := range alarmIn.FindAllStringSubmatch(rule, -1) {
		names = append(names, m[1])
	}
	return names
}

// mostChildren is how many alarms a composite alarm can be about.
const mostChildren = 100

func checkCompositeAlarm(c *checking) {
	const code = "ValidationError"
	rule := c.in.str("alarmRule")
	if rule == unknown {
		return
	}
	switch names := AlarmsIn(rule); {
	case len(names) == 0 && !strings.Contains(rule, "TRUE") && !strings.Contains(rule, "FALSE"):
		c.fail("alarmRule", code, "%q is not an alarm rule", rule)
	case len(names) > mostChildren:
		c.fail("alarmRule", code, "%d alarms: a composite alarm can be about %d", len(names), mostChildren)
	}
	for _, path := range []string{"alarmActions", "okActions", "insufficientDataActions"} {
		if n := len(c.in.list(path)); n > 5 {
			c.fail(path, code, "%d actions: CloudWatch accepts 5", n)
		}
	}
}

func alarmActions(r *referring) {
	for _, path := range []string{"alarmActions", "okActions", "insufficientDataActions"} {
		r.service(path, map[string]string{"sns": Topic, "lambda:function": Function}, Reference{SameRegion: true, Code: "ValidationError"})
	}
}

func checkAlarm(c *checking) {
	const code = "ValidationError"
	if c.in.has("metricName") == c.in.has("metricQueries") {
		c.fail("metricName", code, "exactly one of metricName, metricQueries is needed")
	}
	if c.in.has("threshold") == c.in.has("thresholdMetricId") {
		c.fail("threshold", code, "exactly one of threshold, thresholdMetricId is needed")
	}
	if c.in.has("metricName") && c.in.has("statistic") == c.in.has("extendedStatistic") {
		c.fail("statistic", code, "exactly one of statistic, extendedStatistic is needed for a metric")
	}
	for _, path := range []string{"alarmActions", "okActions", "insufficientDataActions"} {
		if n := len(c.in.list(path)); n > 5 {
			c.fail(path, code, "%d actions: CloudWatch accepts 5", n)
		}
	}
	evaluated, _ := c.in.num("evaluationPeriods")
	if needed, ok := c.in.num("datapointsToAlarm"); ok && evaluated > 0 && needed > evaluated {
		c.fail("datapointsToAlarm", code, "%s is more than the %s periods that are evaluated", number(needed), number(evaluated))
	}
	period, ok := c.in.num("period")
	if !ok {
		return
	}
	if period != 10 && period != 20 && period != 30 && (period < 60 || int(period)%60 != 0) {
		c.fail("period", code, "%s is not 10, 20, 30 or a multiple of 60 seconds", number(period))
	}
	// An alarm looks back a day at most, with periods of an hour or more a week.
	if most := map[bool]float64{false: 86400, true: 604800}[period >= 3600]; period*evaluated > most {
		c.fail("evaluationPeriods", code, "%s periods of %s seconds: EvaluationPeriods * Period must be at most %s", number(evaluated), number(period), number(most))
	}
}
