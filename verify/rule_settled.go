package verify

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
)

// settling are what changes how a bucket keeps; configuring is what whoever deploys changes as accounts, replicas and
// consumers come and go.
var (
	settling = []string{
		"s3:DeleteBucketPolicy", "s3:PutBucketAcl", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketOwnershipControls",
		"s3:PutBucketPublicAccessBlock", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
	}
	configuring = []string{"s3:PutBucketNotification", "s3:PutBucketPolicy", "s3:PutReplicationConfiguration"}
)

// settled asks whether anybody but the break-glass role may turn off what keeps the archive. That the root user of the
// account can put and delete the policy whatever it says is S3's, and keeps anybody from being locked out.
func settled(e *evaluation, report reporter) {
	const remedy = "deny it in the bucket's policy to everybody but a break-glass role"
	for _, b := range e.archives() {
		deployer := e.deployers[b.Place]
		open := func(who Caller, actions []string) (out []string) {
			for _, h := range bucketHops(b, who, actions) {
				if e.probe(h) != policy.ExplicitDeny {
					out = append(out, h.Action)
				}
			}
			return out
		}
		for _, who := range []Caller{accountAdministrator(b.Resource), stranger(b.Resource)} {
			list := open(who, settling)
			if deployer != "" {
				list = append(list, open(who, configuring)...)
			}
			if len(list) > 0 {
				report(b.URN, remedy, "it isn't denied to %s to %s", who, strings.Join(list, ", "))
				break
			}
		}
		if deployer != "" {
			as := Caller{Role: deployer, Unbounded: true}
			if list := open(as, settling); len(list) > 0 {
				report(b.URN, remedy+"; it is open for maintenance: take that back, or waive this for as long as it lasts", "the role that deploys may %s", strings.Join(list, ", "))
			}
			for _, h := range bucketHops(b, as, configuring) {
				if e.probe(h) == policy.ExplicitDeny {
					report(b.URN, "except the role from the Deny: a condition ArnNotEquals on aws:PrincipalArn", "the role that deploys can't %s: no further source can be added", h.Action)
				}
			}
		}
		for _, role := range e.breakGlassRoles(b) {
			for _, h := range bucketHops(b, Caller{Role: role, Unbounded: true}, slices.Concat(settling, configuring)) {
				if e.probe(h) == policy.ExplicitDeny {
					report(b.URN, "except the role from the Deny: a condition ArnNotEquals on aws:PrincipalArn", "the break-glass role %s can't %s", role, h.Action)
				}
			}
		}
	}
}

// bucketHops are requests of a caller to the bucket itself.
func bucketHops(b *bucket, who Caller, actions []string) []Hop {
	hops := administratorHops(b, actions...)
	for i := range hops {
		hops[i].Caller, hops[i].Resource = who, b.arn
	}
	return hops
}
