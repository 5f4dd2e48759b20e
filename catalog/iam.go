package catalog

import (
	"regexp"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Tokens of IAM types that other resources refer to or that proofs read.
const (
	Role           = "aws:iam/role:Role"
	RolePolicy     = "aws:iam/rolePolicy:RolePolicy"
	RoleAttachment = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
	Policy         = "aws:iam/policy:Policy"
	// ServiceLinkedRole is a role that a service keeps for itself.
	ServiceLinkedRole = "aws:iam/serviceLinkedRole:ServiceLinkedRole"
)

// Names of IAM. See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
var (
	roleName = nameRule(`\w+=,.@-`, 1, 64, "1 to 64 letters, digits and the signs _+=,.@-")
	roleRule = nameRule(`\w+=,.@-`, 1, 128, "1 to 128 letters, digits and the signs _+=,.@-")
	iamPath  = textRule{
		pattern: regexp.MustCompile(`^/([\x21-\x7e]+/)?$`), least: 1, most: 512,
		want: "up to 512 characters that begin and end with a slash",
	}
	iamDescription = textRule{most: 1000, want: "at most 1000 characters"}
)

var iamModels = []*model{{
	token: Role, stateful: true, nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true, code: "ValidationError",
	// terraform-provider-aws, resource aws_iam_role: ForceNew of name, name_prefix, path.
	forceNew: []string{"name", "namePrefix", "path"},
	defaults: map[string]any{"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": false},
	texts: map[string]textRule{
		"name": roleName, "path": iamPath, "description": iamDescription,
		"namePrefix": nameRule(`\w+=,.@-`, 0, 38, "at most 38 characters: the provider appends 26"),
	},
	ranges: map[string]numberRange{"maxSessionDuration": {3600, 43200}},
	arns:   []string{"managedPolicyArns", "permissionsBoundary"},
	documents: []document{
		{"assumeRolePolicy", policy.Trust, "MalformedPolicyDocument", "LimitExceeded"},
		{"inlinePolicies.policy", policy.Inline, "MalformedPolicyDocument", "LimitExceeded"},
	},
	check: func(c *checking) { c.without("name", "namePrefix") },
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.IAM, "role"+c.str("path")+c.id))
		c.set("uniqueId", c.uniqueID("AROA"))
		c.set("createDate", created)
	},
	references: func(r *referring) {
		r.customerPolicy("managedPolicyArns")
		r.customerPolicy("permissionsBoundary")
	},
}, {
	token: RolePolicy, nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true, code: "ValidationError",
	// terraform-provider-aws, resource aws_iam_role_policy: ForceNew of name, name_prefix, role.
	forceNew:  []string{"name", "namePrefix", "role"},
	texts:     map[string]textRule{"name": roleRule},
	documents: []document{{"policy", policy.Inline, "MalformedPolicyDocument", "LimitExceeded"}},
	check:     func(c *checking) { c.without("name", "namePrefix") },
	complete: func(c *completion) {
		c.set("role", c.str("role"))
		c.id = c.str("role") + ":" + c.str("name")
	},
	references: func(r *referring) { r.global("role", Role) },
}, {
	token: RoleAttachment, idFromInputs: true, code: "ValidationError",
	// terraform-provider-aws, resource aws_iam_role_policy_attachment: ForceNew of both.
	forceNew: []string{"role", "policyArn"},
	arns:     []string{"policyArn"},
	complete: func(c *completion) {
		c.set("role", c.str("role"))
		c.id = c.str("role") + "/" + c.str("policyArn")
	},
	references: func(r *referring) {
		r.global("role", Role)
		r.customerPolicy("policyArn")
	},
}, {
	token: Policy, nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true, code: "ValidationError",
	// terraform-provider-aws, resource aws_iam_policy: ForceNew of description, name, name_prefix, path.
	forceNew:  []string{"description", "name", "namePrefix", "path"},
	defaults:  map[string]any{"path": "/"},
	texts:     map[string]textRule{"name": roleRule, "path": iamPath, "description": iamDescription},
	documents: []document{{"policy", policy.Identity, "MalformedPolicyDocument", "LimitExceeded"}},
	check:     func(c *checking) { c.without("name", "namePrefix") },
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

// global adds what the values at a path name in the account, whatever the region.
func (r *referring) global(path, target string) {
	r.each(path, Reference{TargetToken: target, By: ByName, SameAccount: true, Code: "NoSuchEntity"})
}

// customerPolicy adds managed policies, but those that AWS keeps: they are always there.
func (r *referring) customerPolicy(path string) {
	for _, f := range r.in.find(path) {
		if arn, err := partition.ParseARN(text(f.value)); err == nil && arn.Account != "aws" {
			r.add(Reference{Property: f.path, TargetToken: Policy, By: ByARN, Value: text(f.value), SameAccount: true, Code: "NoSuchEntity"})
		}
	}
}
