package sandbox

import (
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// organizationToken is what an organisation is in the world: no stack creates it.
const organizationToken = "aws:organizations/organization:Organization"

// memberOf adds the organisation of the caller's account, if it is in one, to the context of a request.
func (a *policyAuthorizer) memberOf(account partition.Account, context policy.Context) {
	if account == "" {
		return // a service
	}
	for _, o := range a.world.List(organizationToken) {
		for _, member := range o.State["accounts"].ArrayValue() {
			if member.StringValue() == string(account) {
				context["aws:PrincipalOrgID"] = policy.One(o.ID)
			}
		}
	}
}
