package catalog

import "github.com/logarchive/logarchive/partition"

// FlowLog is the token of a flow log of a VPC, subnet, network interface or transit gateway.
const FlowLog = "aws:ec2/flowLog:FlowLog"

var flowLogModels = []*model{{
	token:    FlowLog,
	defaults: map[string]any{"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
	complete: func(c *completion) {
		c.id = "fl-" + c.hex("id", 17)
		c.set("arn", c.arn(partition.EC2, "vpc-flow-log/"+c.id))
	},
	references: func(r *referring) {},
}}
