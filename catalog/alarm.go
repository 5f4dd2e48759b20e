package catalog

import "github.com/logarchive/logarchive/partition"

var alarmModels = []*model{{
	token: "aws:cloudwatch/metricAlarm:MetricAlarm", nameProperty: "name", idFromInputs: true,
	defaults: map[string]any{"actionsEnabled": true, "treatMissingData": "missing"},
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.CloudWatch, "alarm:"+c.id))
	},
}}
