package catalog

import "github.com/logarchive/logarchive/partition"

// Key is the token of a KMS key.
const Key = "aws:kms/key:Key"

var kmsModels = []*model{{
	token: Key, stateful: true,
	defaults: map[string]any{
		"customerMasterKeySpec": "SYMMETRIC_DEFAULT", "keyUsage": "ENCRYPT_DECRYPT", "isEnabled": true,
		"enableKeyRotation": false, "bypassPolicyLockoutSafetyCheck": false, "multiRegion": false, "description": "",
	},
	complete: func(c *completion) {
		id := c.uuid("key")
		if c.view().bool("multiRegion") {
			id = "mrk-" + c.hex("key", 32)
		}
		c.id = id
		c.set("keyId", id)
		c.set("arn", c.arn(partition.KMS, "key/"+id))
		if c.view().bool("enableKeyRotation") {
			c.def("rotationPeriodInDays", 365)
		}
	},
}, {
	token: "aws:kms/alias:Alias", nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true,
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.KMS, c.id))
		target := c.str("targetKeyId")
		if arn, err := partition.ParseARN(target); err == nil {
			c.set("targetKeyArn", target)
			c.set("targetKeyId", lastPart(arn.Resource))
			return
		}
		c.set("targetKeyArn", c.arn(partition.KMS, "key/"+target))
	},
	references: func(r *referring) { r.arnOrID("targetKeyId", Key, "NotFoundException") },
}}
