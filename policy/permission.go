package policy

import "github.com/logarchive/logarchive/partition"

// Permission is what Lambda's AddPermission takes. Principal is a service, an account, an ARN or "*"; SourceARN and
// SourceAccount may be empty.
//
// See https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
type Permission struct {
	StatementID, Action, Principal, SourceARN, SourceAccount string
}

// Statement is what the permission is in the policy of the function with the ARN.
func (p Permission) Statement(arn string) Statement {
	s := Statement{Sid: p.StatementID, Effect: Allow, Action: []string{p.Action}, Resource: []string{arn}}
	switch {
	case partition.IsServicePrincipal(p.Principal):
		s.Principal = Services(partition.Principal(p.Principal))
	case p.Principal == "*":
		s.Principal = AnyPrincipal()
	default:
		s.Principal = AWSPrincipals(p.Principal)
	}
	if p.SourceARN != "" {
		s.Condition = s.Condition.With("ArnLike", "aws:SourceArn", p.SourceARN)
	}
	if p.SourceAccount != "" {
		s.Condition = s.Condition.With("StringEquals", "aws:SourceAccount", p.SourceAccount)
	}
	return s
}
