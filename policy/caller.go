package policy

import (
	"fmt"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// CallerKind is the sort of principal that makes a request.
type CallerKind int

// The sorts of callers.
const (
	AnonymousCaller CallerKind = iota
	RootCaller                 // the account itself
	UserCaller
	RoleCaller          // a role, whichever of its sessions
	SessionCaller       // one session of a role
	FederatedUserCaller // a session of a user by GetFederationToken
	ServiceCaller       // an AWS service under its own name
	FederatedCaller     // somebody whom an identity provider vouches for, as in AssumeRoleWithSAML
)

// principalType is the value of aws:PrincipalType.
func (k CallerKind) principalType() string {
	switch k {
	case AnonymousCaller:
		return "Anonymous"
	case RootCaller:
		return "Account"
	case UserCaller:
		return "User"
	case RoleCaller, SessionCaller:
		return "AssumedRole"
	case FederatedUserCaller:
		return "FederatedUser"
	case ServiceCaller, FederatedCaller:
	}
	return ""
}

// Caller is who makes a request. The zero value is an anonymous one.
type Caller struct {
	Kind    CallerKind
	Account partition.Account   // whose policies apply to the caller; "" for services, providers and the anonymous
	Service partition.Principal // for services
	// text is the ARN, or the name of a provider. name is the user's or role's name without path.
	text, name string
	partition  partition.Partition
}

// Service returns the caller that is an AWS service.
func Service(p partition.Principal) Caller {
	return Caller{Kind: ServiceCaller, Service: p, text: string(p)}
}

// ParseCaller reads who makes a request: the ARN of a user, a role, a role's session, a federated user's session or an
// account root, an account id, the name of a service principal, or the ARN of a SAML or OIDC provider. "" and "*" are
// the anonymous caller.
func ParseCaller(s string) (Caller, error) {
	switch {
	case s == "" || s == "*":
		return Caller{}, nil
	case partition.IsServicePrincipal(s):
		return Service(partition.Principal(s)), nil
	}
	if a, err := partition.ParseAccount(s); err == nil {
		return Caller{Kind: RootCaller, Account: a, text: s}, nil
	}
	seg, ok := splitARN(s)
	if !ok {
		return Caller{}, fmt.Errorf("%q is not a caller: want an ARN of a user, role, session or account root, an account id, or a service principal", s)
	}
	account, err := partition.ParseAccount(seg[4])
	if err != nil {
		return Caller{}, fmt.Errorf("%q is not a caller: %w", s, err)
	}
	c := Caller{Account: account, text: s, partition: partition.Partition(seg[1])}
	kind, rest, _ := strings.Cut(seg[5], "/")
	switch seg[2] + " " + kind {
	case "iam root":
		c.Kind = RootCaller
	case "iam user":
		c.Kind, c.name = UserCaller, lastPart(rest)
	case "iam role":
		c.Kind, c.name = RoleCaller, lastPart(rest)
	case "sts assumed-role":
		name, session, _ := strings.Cut(rest, "/")
		if session == "" {
			return Caller{}, fmt.Errorf("%q is not a caller: a role's session has the form assumed-role/ROLE/SESSION", s)
		}
		c.Kind, c.name = SessionCaller, name
	case "sts federated-user":
		c.Kind, c.name = FederatedUserCaller, rest
	case "iam saml-provider", "iam oidc-provider":
		return Caller{Kind: FederatedCaller, text: s}, nil
	default:
		return Caller{}, fmt.Errorf("%q is not a caller: %q of %s can't make requests", s, kind, seg[2])
	}
	if c.Kind != RootCaller && c.name == "" {
		return Caller{}, fmt.Errorf("%q is not a caller: it has no name", s)
	}
	return c, nil
}

// String returns the caller as ParseCaller takes it; "" for the anonymous one.
func (c Caller) String() string { return c.text }

// principalARN is the value of aws:PrincipalArn: for sessions of a role, the role's ARN. A session's ARN doesn't have
// the role's path, so a role with a path needs the key in the context.
func (c Caller) principalARN() string {
	switch c.Kind {
	case SessionCaller:
		return "arn:" + string(c.partition) + ":iam::" + string(c.Account) + ":role/" + c.name
	case RootCaller:
		if c.partition == "" {
			return ""
		}
	}
	return c.text
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// grant says how a policy of a resource names the caller. Higher ones grant more: see [Evaluate].
type grant int

const (
	noGrant      grant = iota
	accountGrant       // the caller's account: it may pass the permission on by policies of its own
	roleGrant          // the role, or the user, whose session the caller is
	openGrant          // everybody, or everybody but those whom NotPrincipal names
	directGrant        // the caller itself
)

// grants returns how the element names the caller.
func (p *Principals) grants(c *Caller) grant {
	if p.Any {
		return openGrant
	}
	best := noGrant
	if c.Kind == ServiceCaller {
		for _, s := range p.Service {
			if s == c.Service {
				return directGrant
			}
		}
	}
	if c.Kind == FederatedCaller {
		for _, f := range p.Federated {
			if f == c.text {
				return directGrant
			}
		}
	}
	for _, a := range p.AWS {
		best = max(best, awsGrants(a, c))
	}
	return best
}

// awsGrants compares one entry of Principal.AWS. Canonical user ids and unique ids of deleted users match nobody.
func awsGrants(entry string, c *Caller) grant {
	if entry == "*" {
		return openGrant
	}
	if c.Account == "" {
		return noGrant
	}
	if len(entry) == 12 && entry == string(c.Account) {
		return accountOf(c)
	}
	seg, ok := splitARN(entry)
	if !ok || seg[4] != string(c.Account) || (c.partition != "" && seg[1] != string(c.partition)) {
		return noGrant
	}
	if seg[2] == "iam" && seg[5] == "root" {
		return accountOf(c)
	}
	kind, rest, _ := strings.Cut(seg[5], "/")
	switch c.Kind {
	case SessionCaller:
		if entry == c.text {
			return directGrant
		}
		if seg[2] == "iam" && kind == "role" && strings.EqualFold(lastPart(rest), c.name) {
			return roleGrant
		}
	case RoleCaller:
		if entry == c.text {
			return roleGrant
		}
	case FederatedUserCaller:
		if entry == c.text {
			return directGrant
		}
		if seg[2] == "iam" && kind == "user" && lastPart(rest) == c.name {
			return roleGrant
		}
	case UserCaller:
		if entry == c.text {
			return directGrant
		}
	case AnonymousCaller, RootCaller, ServiceCaller, FederatedCaller:
	}
	return noGrant
}

// accountOf is the grant to an account: for the account's root it is the caller itself.
func accountOf(c *Caller) grant {
	if c.Kind == RootCaller {
		return directGrant
	}
	return accountGrant
}
