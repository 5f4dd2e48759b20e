package stacks

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
	"github.com/logarchive/logarchive/verify"
)

// KindOrganization is the external that source accounts are members of.
const KindOrganization = "organization"

// AttributeAccounts are an organisation's members, as far as the stack knows them, with commas between.
const AttributeAccounts = "accounts"

// organization reads the organisation of the source accounts.
func (p *parser) organization(v schema.Value) {
	if !v.OK() {
		return
	}
	if r := p.spec.Archive.Region; r != "" {
		if err := r.Require(partition.OrganizationConditions); err != nil {
			p.add(v, "%v", err)
		}
	}
	p.spec.ArchiveBucket.OrganizationID = v.Text()
}

// members are the accounts of the stack, which are those of its organisation that it knows.
func (s *Spec) members() []partition.Account {
	accounts := []partition.Account{s.Home.Account, s.Archive.Account}
	for _, a := range s.Accounts {
		accounts = append(accounts, a.Stack.Home.Account)
	}
	slices.Sort(accounts)
	return slices.Compact(accounts)
}

// verifyOrganization is what a proof takes for granted about the accounts.
func (s *Spec) verifyOrganization() verify.Organization {
	if s.ArchiveBucket.OrganizationID == "" {
		return verify.Organization{}
	}
	return verify.Organization{ID: s.ArchiveBucket.OrganizationID, Accounts: s.members()}
}

// organizationExternal is the organisation, which must be there with these members.
func (s *Spec) organizationExternal() []External {
	if s.ArchiveBucket.OrganizationID == "" {
		return nil
	}
	var accounts []string
	for _, a := range s.members() {
		accounts = append(accounts, string(a))
	}
	return []External{{
		Kind: KindOrganization, ID: s.ArchiveBucket.OrganizationID, Place: s.Archive, Key: Namespace + ":archive.organizationId",
		Attributes: map[string]string{AttributeAccounts: strings.Join(accounts, ",")},
	}}
}
