package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Tokens of KMS types that other services' resources refer to.
const (
	Key   = "aws:kms/key:Key"
	Alias = "aws:kms/alias:Alias"
)

var kmsModels = []*model{{
	token: Key, stateful: true, code: "ValidationException",
	// terraform-provider-aws, resource aws_kms_key: ForceNew of these. Policy, rotation and description change in place.
	forceNew: []string{"customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"},
	defaults: map[string]any{
		"customerMasterKeySpec": "SYMMETRIC_DEFAULT", "keyUsage": "ENCRYPT_DECRYPT", "isEnabled": true,
		"enableKeyRotation": false, "bypassPolicyLockoutSafetyCheck": false, "multiRegion": false,
	},
	enums: map[string][]string{
		"keyUsage": {"ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"},
		"customerMasterKeySpec": {"SYMMETRIC_DEFAULT", "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384",
			"ECC_NIST_P521", "ECC_SECG_P256K1", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2"},
	},
	// https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html and API_EnableKeyRotation.html
	ranges:    map[string]numberRange{"deletionWindowInDays": {7, 30}, "rotationPeriodInDays": {90, 2560}},
	texts:     map[string]textRule{"description": {most: 8192, want: "at most 8192 characters"}},
	documents: []document{{"policy", policy.Key, "MalformedPolicyDocumentException", "LimitExceededException"}},
	check:     checkKey,
	complete:  completeKey,
}, {
	token: Alias, nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true, code: "ValidationException",
	// terraform-provider-aws, resource aws_kms_alias: ForceNew of the name; the target changes in place.
	forceNew: []string{"name", "namePrefix"},
	texts: map[string]textRule{"name": {
		pattern: regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]+$`), most: 256, code: "InvalidAliasNameException",
		want: "alias/ and letters, digits, slashes, underscores and hyphens",
	}},
	check: func(c *checking) {
		c.without("name", "namePrefix")
		if strings.HasPrefix(c.in.str("name"), "alias/aws/") {
			c.fail("name", "NotAuthorizedException", "%q: the prefix alias/aws/ is reserved for AWS", c.in.str("name"))
		}
		if target := c.in.str("targetKeyId"); strings.HasPrefix(target, "arn:") {
			c.arn("targetKeyId", target)
		}
	},
	complete: func(c *completion) {
		if !strings.HasPrefix(c.str("name"), "alias/") && !view(c.Inputs).has("name") {
			c.set("name", "alias/"+c.str("name"))
		}
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
	references: func(r *referring) {
		r.keyOf("targetKeyId")
		for i := range r.refs { // an alias and its key are in the same account
			r.refs[i].SameAccount = true
		}
	},
}}

func completeKey(c *completion) {
	id := c.uuid("key")
	if c.view().bool("multiRegion") {
		id = "mrk-" + c.hex("key", 32)
	}
	c.id = id
	c.set("keyId", id)
	c.set("arn", c.arn(partition.KMS, "key/"+id))
	c.def("description", "")
	if c.view().bool("enableKeyRotation") {
		c.def("rotationPeriodInDays", 365)
	}
	if !c.view().has("policy") {
		c.set("policy", fmt.Sprintf(`{"Id":"key-default-1","Statement":[{"Action":"kms:*","Effect":"Allow","Principal":{"AWS":%q},"Resource":"*","Sid":"Enable IAM User Permissions"}],"Version":"2012-10-17"}`, c.Place.RootARN()))
	}
}

func checkKey(c *checking) {
	if c.in.has("rotationPeriodInDays") && !c.in.has("enableKeyRotation") {
		c.fail("rotationPeriodInDays", CheckFailure, "needs enableKeyRotation")
	}
	if spec := c.in.str("customerMasterKeySpec"); c.in.bool("enableKeyRotation") && spec != "" && spec != unknown && spec != "SYMMETRIC_DEFAULT" {
		c.fail("enableKeyRotation", "UnsupportedOperationException", "a key of spec %s is not rotated: want SYMMETRIC_DEFAULT", spec)
	}
	if c.in.bool("multiRegion") {
		if f := c.Place.Region.Feature(partition.MultiRegionKeys); f.Support == partition.No {
			c.fail("multiRegion", "UnsupportedOperationException", "not in %s: %s", c.Place.Region, f.Source)
		}
	}
	if statements := c.statements("policy"); len(statements) > 0 && !c.in.bool("bypassPolicyLockoutSafetyCheck") {
		if !slices.ContainsFunc(statements, c.keepsAccess) {
			c.fail("policy", "MalformedPolicyDocumentException", "the new key policy will not allow you to update the key policy in the future: want kms:PutKeyPolicy or kms:* allowed for %s", c.Place.RootARN())
		}
	}
}

// keepsAccess says whether a statement of a key policy lets somebody in the key's own account change the policy.
//
// See https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#prevent-unmanageable-key
func (c *checking) keepsAccess(s policy.Statement) bool {
	if s.Effect != policy.Allow || s.Principal == nil {
		return false
	}
	allowed := slices.ContainsFunc(s.Action, func(action string) bool {
		return slices.Contains([]string{"*", "kms:*", "kms:put*", "kms:putkey*", "kms:putkeypolicy"}, strings.ToLower(action))
	})
	own := s.Principal.Any || slices.ContainsFunc(s.Principal.AWS, func(p string) bool {
		arn, err := partition.ParseARN(p)
		return p == "*" || p == string(c.Place.Account) || err == nil && arn.Account == c.Place.Account
	})
	return allowed && own
}
