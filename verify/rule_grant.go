package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

var grantRules = []Rule{
	{
		ID: "grant-deputy", Title: "a grant to a service says for whom",
		Why:    "a service acts for every customer: without the conditions it can be sent by somebody else's resource (IAM User Guide, the confused deputy problem)",
		Remedy: "add the conditions that the service sends: see the table below",
		check:  confusedDeputy,
	},
	{
		ID: "grant-account", Title: "a grant to an account names its roles",
		Why:    "an account as principal hands the decision to whoever administers it",
		Remedy: "add a condition on aws:PrincipalArn: the role",
		check:  accountGrants,
	},
	{
		ID: "grant-everybody", Title: "no Allow is for everybody",
		Why:    "a principal \"*\" in an Allow is public, or one condition away from it",
		Remedy: "name the principals",
		check:  everybody,
	},
	{
		ID: "grant-wildcard", Title: "no Allow has a wildcard in its actions, or reaches more resources than the paths need",
		Why:    "least privilege: what a role may do and never does is what an intruder does with it, and a wildcard allows what AWS adds tomorrow (IAM User Guide, best-practices)",
		Remedy: "name the actions; name the resources, or the beginning of their names",
		check:  wildcards,
	},
	{
		ID: "grant-confined", Title: "who delivers reaches its own prefixes of the archive only",
		Why:    "a pipeline that may write everywhere may overwrite, or forge, the logs of every other one (S3 User Guide, security best practices)",
		Remedy: "name the prefixes that are delivered to, in the role's policy and in the bucket's",
		check:  confined,
	},
	{
		ID: "grant-shadowed", Title: "no Allow is cancelled by a Deny",
		Why:    "a permission that can never be used hides that a path is closed",
		Remedy: "take away one of the two statements",
		check:  shadowed,
	},
	{
		ID: "policy-size", Title: "every policy is well formed and within its size",
		Why:    "AWS refuses larger ones in the middle of an update",
		Remedy: "correct the document, or move statements to managed policies",
		check:  sizes,
	},
}

// deputyConditions are the keys by which a service says for whom it asks, where its documentation demands or shows them. A
// key that a service doesn't send must not be demanded: the grant would never hold.
var deputyConditions = []struct {
	service partition.Service
	kinds   []policy.Kind
	keys    []string
	source  string
}{
	{partition.Firehose, []policy.Kind{policy.Trust}, []string{"sts:ExternalId"}, "Firehose Developer Guide, controlling-access: the stream's account is the external id"},
	{partition.Logs, []policy.Kind{policy.Trust}, []string{"aws:SourceArn"}, "CloudWatch Logs User Guide, SubscriptionFilters: ArnLike aws:SourceArn"},
	{partition.VPCFlowLogs, []policy.Kind{policy.Trust}, []string{"aws:SourceAccount", "aws:SourceArn"}, "VPC User Guide, flow-logs-iam-role"},
	{partition.LogDelivery, []policy.Kind{policy.Bucket, policy.Key}, []string{"aws:SourceAccount", "aws:SourceArn"}, "CloudWatch Logs User Guide, AWS-logs-infrastructure-S3"},
	{partition.Backup, []policy.Kind{policy.Trust}, []string{"aws:SourceAccount"}, "AWS Backup Developer Guide, confused-deputy"},
	{partition.S3, []policy.Kind{policy.Trust, policy.Queue, policy.Topic}, []string{"aws:SourceAccount"}, "S3 User Guide, cross-service-confused-deputy"},
	{partition.S3ServerAccessLogs, []policy.Kind{policy.Bucket}, []string{"aws:SourceAccount", "aws:SourceArn"}, "S3 User Guide, enable-server-access-logging"},
	{partition.CloudTrail, []policy.Kind{policy.Bucket, policy.Key}, []string{"aws:SourceArn"}, "CloudTrail User Guide, create-s3-bucket-policy"},
	{partition.S3, []policy.Kind{policy.Topic, policy.Key}, []string{"aws:SourceAccount", "aws:SourceArn"}, "S3 User Guide, grant-destinations-permissions-to-s3"},
	{partition.CloudWatch, []policy.Kind{policy.Topic, policy.Key}, []string{"aws:SourceAccount", "aws:SourceArn"}, "CloudWatch User Guide, Notify_Users_Alarm_Changes; SNS Developer Guide, sns-key-management"},
	{partition.GuardDuty, []policy.Kind{policy.Bucket, policy.Key}, []string{"aws:SourceAccount", "aws:SourceArn"}, "GuardDuty User Guide, guardduty_exportfindings"},
	{partition.Config, []policy.Kind{policy.Bucket, policy.Key}, []string{"aws:SourceAccount"}, "AWS Config Developer Guide, s3-bucket-policy"},
}

func confusedDeputy(e *evaluation, report reporter) {
	for _, id := range sortedKeys(e.policies) {
		at := e.policies[id]
		for i, s := range at.document.Statements {
			if s.Effect == policy.Allow && slices.Contains(s.Action, "iam:PassRole") && !hasCondition(s, "iam:PassedToService") {
				report(at.carrier.URN, "add a condition on iam:PassedToService (IAM User Guide, id_roles_use_passrole)",
					"statement %s of its %s passes a role to any service", statementName(s.Sid, i), at.kind)
			}
			if s.Effect != policy.Allow || s.Principal == nil {
				continue
			}
			for _, name := range s.Principal.Service {
				known := false
				for _, row := range deputyConditions {
					if !isService(at.carrier.Place, row.service, name) || !slices.Contains(row.kinds, at.kind) {
						continue
					}
					known = true
					for _, key := range row.keys {
						if !hasCondition(s, key) {
							report(at.carrier.URN, fmt.Sprintf("add a condition on %s (%s)", key, row.source),
								"statement %s of its %s lets %s act for anybody: no condition on %s", statementName(s.Sid, i), at.kind, name, key)
						}
					}
				}
				switch {
				case !known && at.kind == policy.Trust: // many services send nothing that could be asked for
				case !namesAccount(s):
					report(at.carrier.URN, "add a condition on aws:SourceAccount, or on aws:SourceArn with the account in it",
						"statement %s of its %s lets %s act for any account", statementName(s.Sid, i), at.kind, name)
				}
			}
		}
	}
}

// isService says whether the principal is a service under any of the names that the partition's table has for it.
func isService(p partition.Place, s partition.Service, name partition.Principal) bool {
	for _, use := range []partition.Use{partition.Trust, partition.Key, partition.Deliver, partition.Invoke} {
		if n, err := p.PrincipalFor(s, use); err == nil && n == name {
			return true
		}
	}
	return false
}

// namesAccount says whether a condition names the account, or the organisation, for which a service may act.
func namesAccount(s policy.Statement) bool {
	for _, key := range []string{"aws:SourceAccount", "sts:ExternalId", "aws:SourceOrgID", "aws:SourceOrgPaths"} {
		if hasCondition(s, key) {
			return true
		}
	}
	return slices.ContainsFunc(boundBy(s, "aws:SourceArn"), func(values []string) bool {
		return !slices.ContainsFunc(values, func(v string) bool {
			arn := strings.SplitN(v, ":", 6)
			if len(arn) == 6 && arn[2] == string(partition.S3) {
				return wild(arn[5]) // a bucket's ARN has no account, but there is only one of that name
			}
			return len(arn) < 6 || wild(arn[4])
		})
	})
}

func accountGrants(e *evaluation, report reporter) {
	for _, id := range sortedKeys(e.policies) {
		at := e.policies[id]
		for i, s := range at.document.Statements {
			if s.Effect == policy.Allow && s.Principal != nil && s.Principal.Any && !hasCondition(s, "aws:PrincipalArn") && withinOrganization(s) {
				report(at.carrier.URN, "add a condition on aws:PrincipalArn: the roles", "statement %s of its %s trusts every principal of the organisation", statementName(s.Sid, i), at.kind)
			}
			if s.Effect != policy.Allow || s.Principal == nil || len(s.Principal.AWS) == 0 {
				continue
			}
			if at.kind == policy.LogDestination {
				continue // whoever in the account may subscribe its log groups: see destination-accounts
			}
			if !hasCondition(s, "aws:PrincipalArn") {
				e.accountsOf(report, at, s, statementName(s.Sid, i))
			}
		}
	}
}

// accountsOf reports the accounts that a statement trusts as a whole.
func (e *evaluation) accountsOf(report reporter, at *policyAt, s policy.Statement, name string) {
	for _, who := range s.Principal.AWS {
		account, isAccount := accountPrincipal(who)
		switch {
		case !isAccount || deliversLogs(account):
		case account != at.carrier.Place.Account:
			report(at.carrier.URN, "add a condition on aws:PrincipalArn: the role", "statement %s of its %s trusts every principal of account %s", name, at.kind, account)
		case at.kind == policy.Trust:
			report(at.carrier.URN, "add a condition on aws:PrincipalArn, or name the role", "statement %s of its %s lets every principal of its account act as it", name, at.kind)
		case at.kind == policy.Key && slices.ContainsFunc(s.Action, func(a string) bool {
			return cryptographic(a) || strings.HasPrefix(a, "kms:CreateGrant") && !grantsToService(s)
		}):
			report(at.carrier.URN, "add a condition on aws:PrincipalArn: the role", "statement %s of its %s lets every principal of its account use the key", name, at.kind)
		}
	}
}

// grantsToService says whether grants are only taken by one AWS service for itself, at the request of whom its own API lets
// ask: the principals of the account don't get the use of the key
// (https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-grant-is-for-aws-resource).
func grantsToService(s policy.Statement) bool {
	return hasCondition(s, "kms:ViaService") && hasCondition(s, "kms:GrantIsForAWSResource")
}

// deliversLogs says whether an account is one of AWS's own, as which load balancers write: there is no role to name.
func deliversLogs(account partition.Account) bool {
	for _, p := range partition.Partitions() {
		for _, r := range p.Regions() {
			if a, err := partition.ELBAccount(r); err == nil && a == account {
				return true
			}
		}
	}
	return false
}

func accountPrincipal(who string) (partition.Account, bool) {
	if a, err := partition.ParseAccount(who); err == nil {
		return a, true
	}
	arn, err := partition.ParseARN(who)
	return arn.Account, err == nil && arn.Service == partition.IAM && arn.Resource == "root"
}

func everybody(e *evaluation, report reporter) {
	for _, id := range sortedKeys(e.policies) {
		at := e.policies[id]
		for i, s := range at.document.Statements {
			if s.Effect != policy.Allow {
				continue
			}
			if s.NotPrincipal == nil && withinOrganization(s) {
				continue // see grant-account
			}
			if s.NotPrincipal != nil || s.Principal != nil && (s.Principal.Any || slices.Contains(s.Principal.AWS, "*")) {
				report(at.carrier.URN, "name the principals", "statement %s of its %s allows everybody", statementName(s.Sid, i), at.kind)
			}
		}
	}
}

func shadowed(e *evaluation, report reporter) {
	denials := e.denials()
	for _, id := range sortedKeys(e.policies) {
		at := e.policies[id]
		for i, s := range at.document.Statements {
			if s.Effect != policy.Allow || len(s.Action) == 0 {
				continue
			}
			for _, d := range denials {
				// In its own policy a Deny may have no resource; in another's, both must name theirs.
				own, deny := d.policyAt == at, d.statement()
				if covers(deny.Action, s.Action) && (len(s.Resource) > 0 || own) && (own && len(deny.Resource) == 0 || covers(deny.Resource, s.Resource)) &&
					(own || d.kind == policy.Bucket) {
					report(at.carrier.URN, "take away one of the two", "statement %s of its %s is cancelled by the Deny of statement %s of the %s of %s",
						statementName(s.Sid, i), at.kind, statementName(deny.Sid, d.index), d.kind, nameOf(d.carrier.URN))
				}
			}
		}
	}
}

// denials are the statements that deny something to everybody under no condition.
func (e *evaluation) denials() []statementAt {
	var out []statementAt
	for _, id := range sortedKeys(e.policies) {
		at := e.policies[id]
		for i, s := range at.document.Statements {
			if s.Effect == policy.Deny && len(s.Condition) == 0 && len(s.Action) > 0 && (s.Principal == nil || s.Principal.Any || slices.Contains(s.Principal.AWS, "*")) {
				out = append(out, statementAt{at, i})
			}
		}
	}
	return out
}

func sizes(e *evaluation, report reporter) {
	for _, id := range sortedKeys(e.policies) {
		at := e.policies[id]
		for _, p := range at.problems {
			report(at.carrier.URN, "correct the document", "its %s: %s", at.kind, p)
		}
	}
	for _, arn := range sortedKeys(e.roles) {
		o := e.roles[arn]
		var inline []*policyAt
		for _, at := range o.identity {
			if at.kind == policy.Inline {
				inline = append(inline, at)
			}
		}
		if len(inline) < 2 {
			continue // one alone is within the limit, or a problem above
		}
		most, err := o.Place.Region.Limit(partition.InlineRolePolicies)
		if err != nil {
			report(o.URN, "see package partition", "%v", err)
			continue
		}
		total := 0
		for _, at := range inline {
			total += at.size
		}
		if int64(total) > most {
			report(o.URN, "move statements to managed policies", "its inline policies have %d characters together, %d at the most", total, most)
		}
	}
}
