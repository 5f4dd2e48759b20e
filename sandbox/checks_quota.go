package sandbox

import (
	"strings"
	"unicode"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// trailsPerRegion: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
const trailsPerRegion = 5

// refuseOverQuota checks the quotas that one more object could exceed.
func (x *index) refuseOverQuota(refused *refusals, o *Object) {
	if x.objects[keyOf(o)] != nil {
		return // it takes the place of one that counts already
	}
	switch o.Type {
	case filterToken:
		group := x.names[key{logGroupToken, scopeOf(logGroupToken, o.Place), o.Text("logGroup")}]
		if group == nil {
			return
		}
		if limit, over := exceeds(o, partition.SubscriptionFilters, len(x.dependents(group, filterToken))); over {
			refused.add("LimitExceededException", "Resource limit exceeded. (%s has %d subscription filters, the quota of %s)", group.ID, limit, partition.SubscriptionFilters)
		}
	case accountPolicyToken:
		if limit, over := exceeds(o, partition.AccountSubscriptionPolicies, x.accountPolicies(o)); over && o.Text("policyType") == catalog.SubscriptionFilterPolicy {
			refused.add("LimitExceededException", "Resource limit exceeded. (%s has %d account policies of the type %s, the quota of %s)", o.Place, limit, catalog.SubscriptionFilterPolicy, partition.AccountSubscriptionPolicies)
		}
	case streamToken:
		there := 0
		for _, s := range x.types[streamToken] {
			if s.Place == o.Place {
				there++
			}
		}
		if limit, over := exceeds(o, partition.FirehoseStreams, there); over {
			refused.add("LimitExceededException", "You have already consumed your firehose quota of %d firehoses in %s", limit, o.Place)
		}
	case trailToken:
		there := 0
		for _, s := range x.types[trailToken] {
			if s.Place == o.Place {
				there++
			}
		}
		if there >= trailsPerRegion {
			refused.add("MaximumNumberOfTrailsExceededException", "User: %s already has %d trails in %s.", o.Place.Account, there, o.Place.Region)
		}
	case catalog.BackupsReplication:
		there := 0
		for _, r := range x.types[o.Type] {
			if r.Place == o.Place {
				there++
			}
		}
		if limit, over := exceeds(o, partition.RDSBackupReplications, there); over {
			refused.add("DBInstanceAutomatedBackupQuotaExceeded", "The quota of %d cross-Region automated backups in %s was exceeded", limit, o.Place)
		}
	case rolePolicyToken:
		role := x.names[key{roleToken, scopeOf(roleToken, o.Place), o.Text("role")}]
		if role == nil {
			return
		}
		size := visible(o.Text("policy"))
		for _, p := range x.dependents(role, rolePolicyToken) {
			size += visible(p.Text("policy"))
		}
		if limit, over := exceeds(o, partition.InlineRolePolicies, size-1); over {
			refused.add("LimitExceeded", "Maximum policy size of %d bytes exceeded for role %s", limit, role.ID)
		}
	}
}

// exceeds says whether one more is over the limit of the object's region. A limit that the table doesn't have is none.
func exceeds(o *Object, limit partition.Limit, there int) (int64, bool) {
	most, err := o.Place.Region.Limit(limit)
	return most, err == nil && int64(there) >= most
}

// visible counts the characters of a policy that IAM counts: not its white space.
func visible(document string) int {
	return len(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, document))
}
