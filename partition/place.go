package partition

import "fmt"

// Place is where a provider instance acts, or a resource lives: an account and a region.
type Place struct {
	Account Account
	Region  Region
}

// ParsePlace checks an account id and a region code together; the error names every problem.
func ParsePlace(account, region string) (Place, error) {
	a, errA := ParseAccount(account)
	r, errR := ParseRegion(region)
	switch {
	case errA != nil && errR != nil:
		return Place{}, fmt.Errorf("%w; %w", errA, errR)
	case errA != nil:
		return Place{}, errA
	case errR != nil:
		return Place{}, errR
	}
	return Place{a, r}, nil
}

// Partition returns the partition of the place's region, or "" when the table doesn't have the region.
func (p Place) Partition() Partition { return p.Region.Partition() }

// String returns "account/region".
func (p Place) String() string { return string(p.Account) + "/" + string(p.Region) }

// RoleARN returns the ARN of an IAM role of the account; name may have a path ("service/name").
func (p Place) RoleARN(name string) ARN { return p.ARN(IAM, "role/"+name) }

// PolicyARN returns the ARN of a managed policy of the account.
func (p Place) PolicyARN(name string) ARN { return p.ARN(IAM, "policy/"+name) }

// RootARN returns the ARN that stands for the whole account as a principal. In China, where accounts have no root
// user, it still denotes the account (CN-UG iam).
func (p Place) RootARN() ARN { return p.ARN(IAM, "root") }

// AssumedRoleARN returns the ARN of a session of a role, as it is seen in aws:PrincipalArn's sibling, the caller's
// identity. The role's path is not part of it.
func (p Place) AssumedRoleARN(role, session string) ARN {
	return p.ARN(STS, "assumed-role/"+role+"/"+session)
}

// LogGroupARN returns the ARN of a CloudWatch Logs group without the trailing ":*".
func (p Place) LogGroupARN(name string) ARN { return p.ARN(Logs, "log-group:"+name) }

// ManagedDocumentARN returns the ARN of a document of Systems Manager that AWS keeps, such as AWS-ConfigureAWSPackage: it has
// a region and no account (SSM User Guide, security_iam_id-based-policy-examples, H; in China M).
func (p Place) ManagedDocumentARN(name string) ARN {
	arn := p.ARN(SSM, "document/"+name)
	arn.Account = ""
	return arn
}
