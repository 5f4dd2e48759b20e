package catalog

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Tokens of IAM types that other services' resources refer to.
const (
	Role   = "aws:iam/role:Role"
	Policy = "aws:iam/policy:Policy"
)

var iamModels = []*model{{
	token: Role, stateful: true, nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true,
	defaults: map[string]any{"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": false},
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.IAM, "role"+c.str("path")+c.id))
		c.set("uniqueId", c.uniqueID("AROA"))
		c.set("createDate", created)
	},
}, {
	token: "aws:iam/rolePolicy:RolePolicy", nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true,
	complete:   func(c *completion) { c.id = c.str("role") + ":" + c.str("name") },
	references: func(r *referring) { r.name("role", Role, "NoSuchEntity") },
}, {
	token: "aws:iam/rolePolicyAttachment:RolePolicyAttachment", idFromInputs: true,
	complete: func(c *completion) { c.id = c.str("role") + "/" + c.str("policyArn") },
	references: func(r *referring) {
		r.name("role", Role, "NoSuchEntity")
		if !strings.Contains(r.in.str("policyArn"), "::aws:") {
			r.arn("policyArn", Policy, "NoSuchEntity")
		}
	},
}, {
	token: Policy, nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true,
	defaults: map[string]any{"path": "/"},
	complete: func(c *completion) {
		c.id = c.arn(partition.IAM, "policy"+c.str("path")+c.str("name"))
		c.set("arn", c.id)
		c.set("policyId", c.uniqueID("ANPA"))
		c.set("attachmentCount", 0)
	},
}}

// created stands for the time of creation, which no reader of a graph depends on.
const created = "2026-01-01T00:00:00Z"

// lastPart returns what follows the last slash.
func lastPart(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }
