package components

import (
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// principals are those of a grant whose roles are named by a condition on aws:PrincipalArn, and what else must hold of them.
// A bucket's policy names each account that it grants something to, unless an organisation stands for them all: then it is
// for every principal of that, which S3 doesn't take for public
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status).
func (args *LogArchiveBucketArgs) principals(g grant, c policy.Conditions) (*policy.Principals, policy.Conditions) {
	if args.OrganizationID == "" || !g.foreign {
		return policy.AWSPrincipals(g.roots(args.Place.Partition())...), c
	}
	return policy.AnyPrincipal(), c.With("StringEquals", "aws:PrincipalOrgID", args.OrganizationID)
}

func (p *problems) organization(field, id string, place partition.Place) {
	if id == "" {
		return
	}
	p.name(field, id, organizationID)
	p.refuse(field, id, place.Region.Require(partition.OrganizationConditions))
}
