package catalog

import "github.com/logarchive/logarchive/partition"

// CloudWatch alarms. See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
var alarmModels = []*model{{
	token: "aws:cloudwatch/metricAlarm:MetricAlarm", nameProperty: "name", idFromInputs: true, code: "ValidationError",
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
	references: func(r *referring) {
		for _, path := range []string{"alarmActions", "okActions", "insufficientDataActions"} {
			r.service(path, map[string]string{"sns": Topic, "lambda:function": Function}, Reference{SameRegion: true, Code: "ValidationError"})
		}
	},
}}

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
