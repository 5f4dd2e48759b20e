package catalog

import "github.com/logarchive/logarchive/partition"

// Stream is the token of a Firehose stream.
const Stream = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"

var firehoseModels = []*model{{
	token: Stream, nameProperty: "name", idFromInputs: true,
	complete: func(c *completion) {
		c.id = c.arn(partition.Firehose, "deliverystream/"+c.str("name"))
		c.set("arn", c.id)
		c.set("versionId", "1")
		c.set("destinationId", "destinationId-000000000001")
		completeExtendedS3(c)
	},
	references: func(r *referring) {},
}}

func completeExtendedS3(c *completion) {}
