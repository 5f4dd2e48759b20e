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
		Why:    "S3 answers plain HTTP, and old TLS, unless the bucket's policy denies it (S3 User Guide, security best practices)",
		Remedy: "deny s3:* on the bucket and its objects to everybody where aws:SecureTransport is false, and where s3:TlsVersion is below 1.2",
		check:  tlsOnly,
	},
	{
		ID: "bucket-own-key", Title: "what is written is encrypted with the archive's key",
		Why:    "a writer's headers win over the bucket's default encryption: another key, or a key of the writer's, makes logs unreadable to those who must read them. CloudTrail's digest files alone may have S3's own encryption, as its documents had it",
		Remedy: "set default encryption aws:kms with a key of the program; deny s3:PutObject to everybody where the encryption headers are there and aren't the archive's",
		check:  ownKey,
	},
	{
		ID: "bucket-not-public", Title: "nobody outside of the declared writers reaches the archive",
		Why:    "public access block and owner-enforced ownership switch off ACLs and public policies, whatever is added later",
		Remedy: "set all four settings of the public access block, and objectOwnership BucketOwnerEnforced",
		check:  notPublic,
	},
	{
		ID: "bucket-undeletable", Title: "nobody deletes from the archive",
		Why:    "auditors ask that no administrator can remove a log; lifecycle expiry isn't bound by the bucket's policy and goes on",
		Remedy: "deny s3:DeleteObject, s3:DeleteObjectVersion, s3:BypassGovernanceRetention and s3:DeleteBucket in the bucket's policy to everybody but the break-glass role",
		check:  undeletable,
	},
	{
		ID: "bucket-settled", Title: "nobody turns off what keeps the archive",
		Why:    "who may change lifecycle, versions, lock, encryption or the policy of the bucket can have logs expire, or be read, without deleting one",
		Remedy: "deny the actions in the bucket's policy to everybody but the break-glass role, and the policy, replication and notifications to everybody but that and the role that deploys",
		check:  settled,
	},
	{
		ID: "bucket-versioned", Title: "the archive keeps versions, and survives its stack",
		Why:    "without versions an overwrite destroys; without protect and retainOnDelete an upgrade of the program can (cloudposse #70, CLO #261)",
		Remedy: "enable versioning, set protect and retainOnDelete, and leave forceDestroy false",
		check:  versioned,
	},
}

func tlsOnly(e *evaluation, report reporter) {
	for _, b := range slices.Concat(e.guarded(), e.results()) {
		for _, probe := range []struct{ key, value, what string }{{"aws:SecureTransport", "false", "plain HTTP"}, {"s3:TlsVersion", "1.1", "TLS 1.1"}} {
			list := administratorHops(b, "s3:ListBucket")[0]
			list.Resource = b.arn
			foreign := list
			foreign.Caller = stranger(b.Resource)
			// Who is of another account, and who only looks at the bucket, must be denied, too.
			for _, h := range slices.Concat(administratorHops(b, "s3:GetObject", "s3:PutObject"), []Hop{list, foreign}, e.deliveries(b)) {
				if e.probe(altered(h, probe.key, probe.value)) != policy.ExplicitDeny {
					report(b.URN, "deny s3:* on the bucket and its objects where "+probe.key+" says "+probe.what, "%s over %s isn't denied to %s", h.Action, probe.what, h.Caller)
					break
				}
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
			for _, h := range append([]Hop{put}, e.deliveries(b)...) {
				if wrong.what == "SSE-S3" && slices.ContainsFunc(h.Caller.Service, func(p partition.Principal) bool { return isService(b.Place, partition.CloudTrail, p) }) {
					continue // its digests: see trailToBucket
				}
				if e.probe(altered(h, wrong.pairs...)) != policy.ExplicitDeny {
					report(b.URN, "deny s3:PutObject whose encryption headers are there and aren't the archive's", "%s could write an object with %s", h.Caller, wrong.what)
					break
				}
			}
		}
		for _, h := range e.deliveries(b) {
			right := altered(h, sseHeader, "aws:kms", sseKeyHeader, k.arn)
			if e.probe(right) != policy.Allowed {
				report(b.URN, "a Deny on encryption headers must leave the archive's own key out", "%s couldn't write when it names the archive's own key", h.Caller)
				break
			}
		}
	}
}

func notPublic(e *evaluation, report reporter) {
	for _, b := range e.guarded() {
		block := b.settings[typeBucketPublicAccess]
		var missing []string
		for _, setting := range []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"} {
			if block == nil || !block.flag(setting) {
				missing = append(missing, setting)
			}
		}
		if len(missing) > 0 {
			report(b.URN, "set all four settings of the public access block", "public access isn't blocked by %s", strings.Join(missing, ", "))
		}
		if !ownerEnforced(b) {
			report(b.URN, "set objectOwnership to BucketOwnerEnforced", "ACLs are in force: an object may belong to its writer")
		}
	}
}

// deletions are what takes a log away, or the protection from it.
var deletions = []string{"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:DeleteBucket"}

func undeletable(e *evaluation, report reporter) {
	for _, b := range e.guarded() {
		var open []string
		for _, who := range []Caller{accountAdministrator(b.Resource), stranger(b.Resource)} {
			for _, h := range e.deletionHops(b, who) {
				if e.probe(h) != policy.ExplicitDeny {
					open = union(open, []string{h.Action})
				}
			}
		}
		if len(open) > 0 {
			report(b.URN, "deny it in the bucket's policy to everybody but a break-glass role", "it isn't denied to everybody to %s", strings.Join(open, ", "))
		}
		for _, d := range e.deliveries(b) {
			for _, h := range e.deletionHops(b, d.Caller) {
				if e.probe(h) == policy.Allowed {
					report(b.URN, "deny it in the bucket's policy to everybody but a break-glass role", "%s, which delivers, may %s", h.Caller, h.Action)
				}
			}
		}
		e.breakGlass(report, b)
		// Whoever may write must not be able to take away, whatever the Deny statements come to say.
		for _, id := range sortedKeys(e.policies) {
			at := e.policies[id]
			for i, s := range at.document.Statements {
				if s.Effect == policy.Allow && slices.ContainsFunc(s.Action, deletes) &&
					slices.ContainsFunc(s.Resource, func(r string) bool { return r == "*" || strings.HasPrefix(r, b.arn) }) {
					report(at.carrier.URN, "take the action out", "statement %s allows deletion from the archive", statementName(s.Sid, i))
				}
			}
		}
	}
}

// deletes says whether an action, which may have wildcards, takes objects away.
func deletes(action string) bool {
	return action == "*" || action == "s3:*" || strings.HasPrefix(action, "s3:D") && (strings.HasPrefix(action, "s3:Delete") || strings.Contains(action, "*"))
}

func (e *evaluation) deletionHops(b *bucket, who Caller) []Hop {
	hops := administratorHops(b, deletions...)
	for i := range hops {
		hops[i].Caller = who
		if hops[i].Action == "s3:DeleteBucket" {
			hops[i].Resource = b.arn
		}
	}
	return hops
}

// breakGlassRoles are those of the bucket's account.
func (e *evaluation) breakGlassRoles(b *bucket) (out []string) {
	for _, role := range e.options.BreakGlass {
		if arn, err := partition.ParseARN(role); err == nil && arn.Account == b.Place.Account {
			out = append(out, role)
		}
	}
	return out
}

// breakGlass holds the exceptions of the Deny against the roles that are meant to be one.
func (e *evaluation) breakGlass(report reporter, b *bucket) {
	for _, role := range e.breakGlassRoles(b) {
		for _, h := range e.deletionHops(b, Caller{Role: role, Unbounded: true}) {
			if e.probe(h) != policy.Allowed {
				report(b.URN, "except the role from the Deny: a condition ArnNotEquals on aws:PrincipalArn", "the break-glass role %s can't %s", role, h.Action)
			}
		}
	}
	if b.policy == nil {
		return
	}
	for i, s := range b.policy.document.Statements {
		if s.Effect != policy.Deny || !slices.ContainsFunc(s.Action, deletes) {
			continue
		}
		for _, role := range excepted(s) {
			switch {
			case strings.ContainsAny(role, "*?"):
				report(b.policy.carrier.URN, "name the role", "statement %s of its bucket policy leaves out whoever fits %s", statementName(s.Sid, i), role)
			case role == e.deployers[b.Place]:
				report(b.policy.carrier.URN, "use another role, which nobody has but in an emergency", "the role that deploys may delete: statement %s of its bucket policy leaves it out", statementName(s.Sid, i))
			case len(e.options.BreakGlass) > 0 && !slices.Contains(e.options.BreakGlass, role):
				report(b.policy.carrier.URN, "take the role out of the exceptions", "statement %s of its bucket policy leaves out %s, which isn't the break-glass role", statementName(s.Sid, i), role)
			}
		}
	}
}

// excepted are the principals that a Deny leaves out.
func excepted(s policy.Statement) []string {
	var out []string
	for _, op := range sortedKeys(s.Condition) {
		for _, key := range sortedKeys(s.Condition[op]) {
			if negated(op) && strings.EqualFold(key, "aws:PrincipalArn") {
				out = append(out, s.Condition[op][key]...)
			}
		}
	}
	return out
}

func versioned(e *evaluation, report reporter) {
	for _, b := range e.guarded() {
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
