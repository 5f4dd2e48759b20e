package catalog

import "github.com/logarchive/logarchive/partition"

var flowLogModels = []*model{{
	token:    "aws:ec2/flowLog:FlowLog",
	defaults: map[string]any{"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
	complete: func(c *completion) {
		c.id = "fl-" + c.hex("id", 17)
		c.set("arn", c.arn(partition.EC2, "vpc-flow-log/"+c.id))
	},
	references: func(r *referring) {},
}}
