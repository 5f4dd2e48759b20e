package verify

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
)

// unscoped are actions for which AWS offers no resource but "*", from the Service Authorization Reference
// (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
// backup:CopyFromBackupVault has one, but it is the ARN that the recovery point has in its own service.
var unscoped = []string{
	"backup:CopyFromBackupVault", "cloudwatch:GetMetricData", "ec2:Describe*", "ec2messages:*", "events:ListRules", "rds:Describe*",
	"rds:ListTagsForResource", "s3:ListAllMyBuckets", "ssm:GetManifest", "ssm:PutConfigurePackageResult", "ssmmessages:*", "tag:GetResources",
}

// families are the wildcards that AWS's own key policies have: all actions of a family are needed together
// (https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#key-policy-users-crypto).
var families = []string{"kms:GenerateDataKey*", "kms:ReEncrypt*"}

func wildcards(e *evaluation, report reporter) {
	using := e.uses()
	for _, id := range sortedKeys(e.policies) {
		at := e.policies[id]
		for i, s := range at.document.Statements {
			if s.Effect != policy.Allow {
				continue
			}
			name := statementName(s.Sid, i)
			for _, a := range s.Action {
				if strings.ContainsAny(a, "*?") && !slices.Contains(families, a) {
					report(at.carrier.URN, "name the actions", "statement %s of its %s allows %s", name, at.kind, a)
				}
			}
			if s.NotAction != nil || s.NotResource != nil {
				report(at.carrier.URN, "name what is allowed", "statement %s of its %s allows all but a few", name, at.kind)
			}
			// In a policy of a key or vault, "*" is that one.
			if slices.Contains(s.Resource, "*") && at.kind != policy.Key && at.kind != policy.VaultAccess {
				for _, a := range s.Action {
					if !covers(unscoped, []string{a}) {
						report(at.carrier.URN, "name the resources", "statement %s of its %s allows %s on every resource", name, at.kind, a)
					}
				}
			}
			e.unownedResources(report, at, s, name)
			for _, r := range s.Resource {
				if why := tooWide(r, using[statementAt{at, i}]); why != "" {
					report(at.carrier.URN, "name the resources, or the beginning of their names", "statement %s of its %s allows %s: %s", name, at.kind, r, why)
				}
			}
		}
	}
}

// unownedResources finds resources that a wildcard makes somebody else's as well, unless a condition brings them back.
func (e *evaluation) unownedResources(report reporter, at *policyAt, s policy.Statement, name string) {
	if at.kind != policy.Inline && at.kind != policy.Identity {
		return
	}
	for _, r := range s.Resource {
		arn := strings.SplitN(r, ":", 6)
		if len(arn) == 6 && arn[2] == "s3" && strings.HasPrefix(arn[5], "*") && !hasCondition(s, "aws:ResourceAccount") {
			report(at.carrier.URN, "add a condition on aws:ResourceAccount", "statement %s of its %s reaches every bucket, other accounts' included", name, at.kind)
			break
		}
	}
	if slices.Contains(s.Action, "ec2:ModifySnapshotTier") && !hasCondition(s, "aws:ResourceTag/aws:backup:source-resource") {
		report(at.carrier.URN, "add the condition of AWS's managed policy: Null aws:ResourceTag/aws:backup:source-resource false", "statement %s of its %s reaches snapshots that AWS Backup didn't make", name, at.kind)
	}
}

// tooWide says why a resource reaches further than the requests that its statement allows; "" when it doesn't. A statement
// that allows none is reported as unneeded.
func tooWide(resource string, hops []*Verdict) string {
	fields := strings.SplitN(resource, ":", 6)
	if len(fields) < 6 || len(hops) == 0 || !strings.ContainsAny(resource, "*?") {
		return ""
	}
	if slices.ContainsFunc(hops, func(v *Verdict) bool { return coveredBy(v.pattern(v.Resource), resource) }) {
		return ""
	}
	if strings.ContainsAny(strings.Join(fields[1:5], ""), "*?") {
		return "not of one service, region and account"
	}
	// A name's fixed beginning is the program's own; "log-group:*" and "role/*" have none.
	name := fields[5]
	if i := strings.IndexAny(name, ":/"); i >= 0 && fields[2] != "s3" {
		name = name[i+1:]
	}
	if strings.HasPrefix(name, "*") || strings.HasPrefix(name, "?") {
		return "every one of the account"
	}
	return ""
}

// coveredBy says whether a resource of a policy reaches nothing beyond a pattern.
func coveredBy(pattern, resource string) bool {
	return pattern == resource || strings.HasSuffix(pattern, "*") && strings.HasPrefix(resource, strings.TrimSuffix(pattern, "*"))
}

// confined reports writers that reach more of an archive, or of a bucket that is somebody else's, than the prefixes that they
// deliver to.
func confined(e *evaluation, report reporter) {
	e.replaysList(report)
	using := e.uses()
	var written []string // buckets' ARNs
	for _, b := range slices.Concat(e.guarded(), e.results()) {
		written = append(written, b.arn)
	}
	for _, v := range e.verdicts {
		if arn := bucketOf(v.Resource); v.Action == "s3:PutObject" && e.buckets[bucketName(arn)] == nil && !slices.Contains(written, arn) {
			written = append(written, arn)
		}
	}
	for _, bucket := range written {
		for _, id := range sortedKeys(e.policies) {
			at := e.policies[id]
			for i, s := range at.document.Statements {
				hops := using[statementAt{at, i}]
				if s.Effect != policy.Allow || len(hops) == 0 {
					continue
				}
				// Who looks for versions looks below prefixes; who lists a bucket for readers or deliveries is asked for it there.
				if at.kind != policy.Bucket && slices.Contains(s.Action, "s3:ListBucketVersions") && slices.Contains(s.Resource, bucket) && len(boundBy(s, "s3:prefix")) == 0 {
					report(at.carrier.URN, "add a condition on s3:prefix", "statement %s of its %s lists all versions of %s", statementName(s.Sid, i), at.kind, bucket)
				}
				for _, r := range s.Resource {
					if strings.HasPrefix(r, bucket+"/") && !slices.ContainsFunc(hops, func(v *Verdict) bool {
						return coveredBy(v.pattern(v.Resource), filled(r, v)) || ownFolders(filled(r, v), v)
					}) {
						report(at.carrier.URN, "name the prefixes that are delivered to", "statement %s of its %s reaches %s, and delivers to less", statementName(s.Sid, i), at.kind, r)
					}
				}
			}
		}
	}
}

// ownFolders says whether a resource is all folders of a class into which the log delivery service writes for the account of the
// request, and nothing else: a flow log that is to move to another folder delivers to the present one until it is replaced,
// which is after the policy was.
func ownFolders(resource string, v *Verdict) bool {
	account, ok := contextOf(v.request.Context, "aws:SourceAccount")
	if !ok {
		return false
	}
	class, ok := strings.CutSuffix(resource, "*AWSLogs/*"+account.Values()[0]+"/*")
	return ok && strings.HasSuffix(class, "/") && class != bucketOf(v.Resource)+"/" && strings.HasPrefix(v.Resource, class)
}

// filled is a resource with the variables that stand for the caller's account filled in from a request.
func filled(resource string, v *Verdict) string {
	for _, key := range []string{"aws:PrincipalAccount", "aws:SourceAccount"} {
		if value, ok := contextOf(v.request.Context, key); ok {
			resource = strings.ReplaceAll(resource, "${"+key+"}", value.Values()[0])
		}
	}
	return resource
}

// covers says whether every one of the patterns is within one of the wider ones.
func covers(wider, patterns []string) bool {
	for _, p := range patterns {
		if !slices.ContainsFunc(wider, func(w string) bool { return w == "*" || coveredBy(w, p) }) {
			return false
		}
	}
	return true
}
