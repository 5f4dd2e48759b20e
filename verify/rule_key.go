package verify

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
)

var keyRules = []Rule{
	{
		ID: ruleAdministrable, Title: "whoever deploys can administer every key, and can't destroy it",
		Why:    "KMS trusts nobody by itself; a key that can't be administered is lost, and one that can be deleted takes the logs with it",
		Remedy: "allow the administering actions in the key's policy to the account's root and to the role that deploys, and leave out those that disable or delete the key",
		check:  administrable,
	},
	{
		ID: "key-rotation", Title: "keys rotate, and survive their stack",
		Why:    "KMS Developer Guide, rotate-keys; a key that is deleted makes every log unreadable",
		Remedy: "set enableKeyRotation, protect and retainOnDelete",
		check:  keyRotation,
	},
	{
		ID: "key-use-bound", Title: "a key is used through its service and for its data only",
		Why:    "without kms:ViaService and the encryption context, whoever holds the role could decrypt by calling KMS; CloudTrail's own context says whose trail it is",
		Remedy: "add conditions on kms:ViaService and on the encryption context, and on kms:GrantIsForAWSResource for grants",
		check:  keyUseBound,
	},
}

func administrable(e *evaluation, report reporter) {
	for _, k := range e.sortedKeys() {
		q := request{caller: accountAdministrator(k.Resource), owner: k.Place.Account, carrier: k.URN}
		for _, h := range q.do(k.arn, "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:DisableKeyRotation", "kms:DeleteImportedKeyMaterial") {
			if e.probe(h) == policy.Allowed {
				report(k.URN, "leave the action out of the key's policy", "any administrator of the account may %s", h.Action)
			}
		}
		// A stranger with the actions: the policy must name who administers, where it names anybody.
		if e.deployers[k.Place] != "" {
			for _, h := range q.do(k.arn, "kms:PutKeyPolicy") {
				if e.probe(h) == policy.Allowed {
					report(k.URN, "allow administration under the condition aws:PrincipalArn: the role that deploys, and the account's root", "any administrator of the account may change the key's policy")
				}
			}
		}
	}
}

func keyRotation(e *evaluation, report reporter) {
	for _, k := range e.sortedKeys() {
		if !k.flag("enableKeyRotation") {
			report(k.URN, "set enableKeyRotation", "the key doesn't rotate")
		}
		if k.declared && (!k.Protect || !k.RetainOnDelete) {
			report(k.URN, "set protect and retainOnDelete", "the key isn't protected from the program's own upgrades")
		}
	}
}

// cryptographic are the actions that read or write with a key.
func cryptographic(action string) bool {
	for _, p := range []string{"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncrypt", "kms:*"} {
		if action == "*" || strings.HasPrefix(action, p) {
			return true
		}
	}
	return false
}

func keyUseBound(e *evaluation, report reporter) {
	e.trailKeyBound(report)
	forBuckets := map[string]bool{}
	for _, b := range slices.Concat(e.archives(), e.results()) {
		if k, ok := e.keyOf(b.Place, b.keyARN); ok {
			forBuckets[k.arn] = true
		}
	}
	ofQueues := map[string]bool{}
	e.eachFed(func(q *endpoint, _ *Resource) {
		if k, ok := e.keyOf(q.Place, q.text("kmsMasterKeyId")); ok {
			ofQueues[k.arn] = true
		}
	})
	for _, id := range sortedKeys(e.policies) {
		at := e.policies[id]
		for i, s := range at.document.Statements {
			if s.Effect != policy.Allow {
				continue
			}
			uses := slices.ContainsFunc(s.Action, cryptographic)
			name := statementName(s.Sid, i)
			ofBucket := at.kind == policy.Key && forBuckets[at.carrier.text("arn")] ||
				at.kind != policy.Key && slices.ContainsFunc(s.Resource, func(r string) bool { return forBuckets[r] })
			byRoles := s.Principal == nil || len(s.Principal.AWS) > 0
			if uses && ofBucket && byRoles {
				bound(report, at, s, name, "kms:ViaService", "S3's name in the bucket's region")
				bound(report, at, s, name, "kms:EncryptionContext:aws:s3:arn", "the bucket's ARN")
			}
			if uses && at.kind == policy.Key && byRoles && ofQueues[at.carrier.text("arn")] {
				bound(report, at, s, name, "kms:ViaService", "SQS's name in the queue's region")
			}
			if uses && at.kind != policy.Key && slices.ContainsFunc(s.Resource, anyKey) {
				bound(report, at, s, name, "kms:ViaService", "the service that encrypts")
				if slices.Contains(s.Action, "kms:GenerateDataKeyWithoutPlaintext") {
					bound(report, at, s, name, "kms:EncryptionContextKeys", "aws:ebs:id")
				}
			}
			if slices.ContainsFunc(s.Action, func(a string) bool { return a == "kms:CreateGrant" || a == "kms:*" || a == "*" }) {
				bound(report, at, s, name, "kms:GrantIsForAWSResource", "true")
			}
		}
	}
}

// anyKey says whether a resource of an identity policy stands for more than one key.
func anyKey(resource string) bool {
	return resource == "*" || strings.Contains(resource, ":kms:") && strings.Contains(resource, "*")
}

func bound(report reporter, at *policyAt, s policy.Statement, name, key, want string) {
	if !hasCondition(s, key) {
		report(at.carrier.URN, "add a condition on "+key+": "+want, "statement %s of its %s isn't bound by %s", name, at.kind, key)
	}
}
