package verify

import (
	"regexp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Organization is one of AWS Organizations, with the accounts that are known to be its members. Requests of their roles have
// aws:PrincipalOrgID, and nobody else's: no resource that a program declares says which organisation its account is in.
//
// See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid
type Organization struct {
	ID       string // such as o-exampleorgid
	Accounts []partition.Account
}

// member adds to the context of a caller that is one.
func (o Organization) member(c policy.Caller, context policy.Context) {
	if o.ID != "" && c.Account != "" && slices.Contains(o.Accounts, c.Account) {
		context["aws:PrincipalOrgID"] = policy.One(o.ID)
	}
}

var organizationForm = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)

// withinOrganization says whether a statement is for principals of one organisation only.
func withinOrganization(s policy.Statement) bool {
	for op, keys := range s.Condition {
		for key, values := range keys {
			if strings.EqualFold(key, "aws:PrincipalOrgID") && op == "StringEquals" && len(values) > 0 &&
				!slices.ContainsFunc(values, func(v string) bool { return !organizationForm.MatchString(v) }) {
				return true
			}
		}
	}
	return false
}
