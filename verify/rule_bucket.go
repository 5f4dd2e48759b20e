package verify

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const (
	sseHeader         = "s3:x-amz-server-side-encryption"
	sseKeyHeader      = "s3:x-amz-server-side-encryption-aws-kms-key-id"
	sseCustomerHeader = "s3:x-amz-server-side-encryption-customer-algorithm"
)

var bucketRules = []Rule{
	{
		ID: "bucket-tls-only", Title: "the archive is reached over TLS 1.2 or newer only",
		Why:   "S3 answers plain HTTP, and old TLS, unless the bucket's policy denies it (S3 User Guide, security best practices)",
		check: tlsOnly,
	},
	{
		ID: "bucket-own-key", Title: "what is written is encrypted with the archive's key",
		Why:   "a writer's headers win over the bucket's default encryption: another key, or a key of the writer's, makes logs unreadable to those who must read them",
		check: ownKey,
	},
	{
		ID: "bucket-not-public", Title: "nobody outside of the declared writers reaches the archive",
		Why:   "public access block and owner-enforced ownership switch off ACLs and public policies, whatever is added later",
		check: notPublic,
	},
	{
		ID: "bucket-undeletable", Title: "nobody deletes from the archive",
		Why:   "auditors ask that no administrator can remove a log; lifecycle expiry isn't bound by the bucket's policy and goes on",
		check: undeletable,
	},
	{
		ID: "bucket-versioned", Title: "the archive keeps versions, and survives its stack",
		Why:   "without versions an overwrite destroys; without protect and retainOnDelete an upgrade of the program can (cloudposse #70, CLO #261)",
		check: versioned,
	},
}

func tlsOnly(e *evaluation, report reporter) {
	for _, b := range e.archives() {
		for _, v := range e.writes(b) {
			plain := altered(v.Hop, "aws:SecureTransport", "false")
			if e.probe(plain) == policy.Allowed {
				report(b.URN, "deny everything where aws:SecureTransport is false", "%s could write over plain HTTP", v.Caller)
				break
			}
		}
		for _, probe := range []struct{ key, value, what string }{{"aws:SecureTransport", "false", "plain HTTP"}, {"s3:TlsVersion", "1.1", "TLS 1.1"}} {
			for _, h := range administratorHops(b, "s3:GetObject", "s3:PutObject") {
				if e.probe(altered(h, probe.key, probe.value)) != policy.ExplicitDeny {
					report(b.URN, "deny everything where "+probe.key+" says "+probe.what, "%s over %s isn't denied to an administrator of the account", h.Action, probe.what)
				}
			}
			list := administratorHops(b, "s3:ListBucket")[0]
			list.Resource = b.arn
			if e.probe(altered(list, probe.key, probe.value)) != policy.ExplicitDeny {
				report(b.URN, "deny also on the bucket itself, not only on its objects", "s3:ListBucket over %s isn't denied to an administrator of the account", probe.what)
			}
		}
	}
}

func administratorHops(b *bucket, actions ...string) []Hop {
	q := request{title: "probe", caller: accountAdministrator(b.Resource), owner: b.Place.Account, carrier: b.URN}.
		with("aws:SecureTransport", "true").with("s3:TlsVersion", "1.3")
	return q.do(b.arn+"/probe", actions...)
}

func ownKey(e *evaluation, report reporter) {
	for _, b := range e.archives() {
		k, ok := e.keyOf(b.Place, b.keyARN)
		if b.algorithm != "aws:kms" || !ok {
			report(b.URN, "set default encryption aws:kms with a key that is declared", "default encryption is %q with key %q", b.algorithm, b.keyARN)
			continue
		}
		other := b.Place.ARN(partition.KMS, "key/another").String()
		put := administratorHops(b, "s3:PutObject")[0]
		for _, wrong := range []struct {
			what  string
			pairs []string
		}{
			{"SSE-S3", []string{sseHeader, "AES256"}},
			{"DSSE-KMS", []string{sseHeader, "aws:kms:dsse"}},
			{"another key", []string{sseHeader, "aws:kms", sseKeyHeader, other}},
			{"a key that the client sends (SSE-C)", []string{sseCustomerHeader, "AES256"}},
		} {
			if e.probe(altered(put, wrong.pairs...)) != policy.ExplicitDeny {
				report(b.URN, "deny s3:PutObject whose encryption headers are there and aren't the archive's", "an object could be written with %s", wrong.what)
			}
		}
		for _, v := range e.writes(b) {
			right := altered(v.Hop, sseHeader, "aws:kms", sseKeyHeader, k.arn)
			if e.probe(right) != policy.Allowed {
				report(b.URN, "a Deny on encryption headers must leave the archive's own key out", "%s couldn't write when it names the archive's own key", v.Caller)
				break
			}
		}
	}
}

func notPublic(e *evaluation, report reporter) {
	for _, b := range e.archives() {
		block := b.settings[typeBucketPublicAccess]
		for _, setting := range []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"} {
			if block == nil || !block.flag(setting) {
				report(b.URN, "set all four settings of the public access block", "%s isn't set", setting)
			}
		}
		ownership := b.settings[typeBucketOwnership]
		if ownership == nil || ownership.item("rule").text("objectOwnership") != "BucketOwnerEnforced" {
			report(b.URN, "set objectOwnership to BucketOwnerEnforced", "ACLs are in force: an object may belong to its writer")
		}
	}
}

// deletions are what takes a log away, or the protection from it.
var deletions = []string{"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:DeleteBucket"}

func undeletable(e *evaluation, report reporter) {
	for _, b := range e.archives() {
		for _, h := range administratorHops(b, deletions...) {
			if h.Action == "s3:DeleteBucket" {
				h.Resource = b.arn
			}
			if e.probe(h) != policy.ExplicitDeny {
				report(b.URN, "deny it in the bucket's policy to everybody but a break-glass role", "%s isn't denied to an administrator of the account", h.Action)
			}
		}
		// Whoever may write must not be able to take away, whatever the Deny statements come to say.
		for _, at := range e.policies {
			for i, s := range at.document.Statements {
				if s.Effect == policy.Allow && slices.ContainsFunc(s.Action, func(a string) bool { return strings.HasPrefix(a, "s3:Delete") || a == "s3:*" || a == "*" }) &&
					slices.ContainsFunc(s.Resource, func(r string) bool { return r == "*" || strings.HasPrefix(r, b.arn) }) {
					report(at.carrier.URN, "take the action out", "statement %s allows deletion from the archive", statementName(s.Sid, i))
				}
			}
		}
	}
}

func versioned(e *evaluation, report reporter) {
	for _, b := range e.archives() {
		v := b.settings[typeBucketVersioning]
		if v == nil || v.item("versioningConfiguration").text("status") != "Enabled" {
			report(b.URN, "enable versioning", "versioning isn't enabled")
		}
		if b.declared && (!b.Protect || !b.RetainOnDelete) {
			report(b.URN, "set protect and retainOnDelete", "the bucket isn't protected from the program's own upgrades")
		}
		if b.flag("forceDestroy") {
			report(b.URN, "set forceDestroy to false", "forceDestroy deletes every object with the bucket")
		}
	}
}
