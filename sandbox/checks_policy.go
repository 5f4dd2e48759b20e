package sandbox

import (
	"path"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// principalChecks are the policies whose principals must exist when they are put, with AWS's answer when one doesn't.
var principalChecks = map[string]struct{ property, code, message string }{
	bucketPolicyToken:                    {"policy", "MalformedPolicy", "Invalid principal in policy"},
	keyToken:                             {"policy", "MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals."},
	roleToken:                            {"assumeRolePolicy", "MalformedPolicyDocument", "Invalid principal in policy"},
	"aws:backup/vaultPolicy:VaultPolicy": {"policy", "InvalidParameterValueException", "Provided principal is not valid."},
	"aws:sqs/queuePolicy:QueuePolicy":    {"policy", "InvalidAttributeValue", "Invalid value for the parameter Policy."},
	"aws:sns/topicPolicy:TopicPolicy":    {"policy", "InvalidParameter", "Invalid parameter: Policy Error: PrincipalNotFound"},
}

// refuseStrangers checks that the roles and users that a resource's policy names exist. AWS resolves them when the
// policy is put. Accounts and services are taken at their word.
func (x *index) refuseStrangers(refused *refusals, o *Object) {
	check, ok := principalChecks[o.Type]
	if !ok {
		return
	}
	for _, s := range statements(o.Text(check.property)) {
		for _, p := range []*policy.Principals{s.Principal, s.NotPrincipal} {
			if p == nil {
				continue
			}
			for _, principal := range p.AWS {
				if !x.principalExists(principal) {
					refused.add(check.code, "%s: %s (%q in statement %q does not exist)", check.property, check.message, principal, s.Sid)
				}
			}
		}
	}
}

func (x *index) principalExists(principal string) bool {
	arn, err := partition.ParseARN(principal)
	if err != nil || arn.Service != partition.IAM || !strings.HasPrefix(arn.Resource, "role/") && !strings.HasPrefix(arn.Resource, "user/") {
		return true
	}
	return x.arn(principal) != nil
}

// refuseBrokenLinks checks what AWS tries out at creation: that a service may already use what it is given. So a
// program that creates things in the wrong order fails here as it does there.
func (x *index) refuseBrokenLinks(refused *refusals, o *Object) {
	switch o.Type {
	case filterToken:
		x.refuseDeafStream(refused, o)
		x.refuseStrangeAccount(refused, o, "PutSubscriptionFilter")
	case accountPolicyToken:
		if filter, ok := asFilter(*o); ok {
			x.refuseDeafStream(refused, &filter)
			x.refuseStrangeAccount(refused, &filter, "PutSubscriptionFilter", "PutAccountPolicy")
		}
	case destinationToken:
		x.refuseDeafTarget(refused, o)
	case streamToken:
		x.refuseUntrustingRole(refused, o)
	case flowLogToken:
		x.refuseClosedBucket(refused, o)
	case notificationToken:
		x.refuseDeafListener(refused, o)
	}
	x.refuseUndeliverable(refused, o)
	x.refuseServiceOrder(refused, o)
}

// refuseDeafStream: PutSubscriptionFilter and PutAccountPolicy send a test message as the role that it is given.
func (x *index) refuseDeafStream(refused *refusals, o *Object) {
	destination, role := x.arn(o.Text("destinationArn")), x.arn(o.Text("roleArn"))
	if destination == nil || destination.Type != streamToken || role == nil {
		return // missing things are reported as such
	}
	x.refuseDeaf(refused, o.Place, role, destination)
}

// refuseUntrustingRole: CreateDeliveryStream assumes the role of its destination.
func (x *index) refuseUntrustingRole(refused *refusals, o *Object) {
	for _, configuration := range objects(o.Inputs["extendedS3Configuration"]) {
		if role := x.arn(text(configuration, "roleArn")); role != nil && !trusts(role, o.Place, partition.Firehose) {
			refused.add("InvalidArgumentException", "Firehose is unable to assume role %s. Please check the role provided.", role.ARN())
		}
	}
}

// refuseClosedBucket: CreateFlowLogs wants to see that the log delivery service may put objects into a bucket. The
// policy of a bucket of the same account it writes itself, another account's must be there.
func (x *index) refuseClosedBucket(refused *refusals, o *Object) {
	if o.Text("logDestinationType") != "s3" {
		return
	}
	arn, err := partition.ParseARN(o.Text("logDestination"))
	if err != nil {
		return
	}
	name, _, _ := strings.Cut(arn.Resource, "/")
	bucket := x.names[key{bucketToken, string(arn.Partition), name}]
	if bucket == nil || bucket.Place.Account == o.Place.Account {
		return
	}
	service, err := o.Place.ServicePrincipal(partition.LogDelivery)
	if err != nil {
		refused.add("LogDestinationPermissionIssueException", "%v", err)
		return
	}
	for _, p := range x.dependents(bucket, bucketPolicyToken) {
		for _, s := range statements(p.Text("policy")) {
			if s.Effect == policy.Allow && s.Principal != nil && slices.Contains(s.Principal.Service, service) && anyMatches(s.Action, "s3:PutObject") {
				return
			}
		}
	}
	refused.add("LogDestinationPermissionIssueException", "LogDestination: %s is undeliverable (no statement of the bucket's policy lets %s put objects yet)", arn, service)
}

// trusts says whether a role's trust policy names a service.
func trusts(role *Object, place partition.Place, service partition.Service) bool {
	principal, err := place.ServicePrincipal(service)
	if err != nil {
		return false
	}
	if role.Text("assumeRolePolicy") == "" {
		return role.External // its policy isn't known
	}
	return slices.ContainsFunc(statements(role.Text("assumeRolePolicy")), func(s policy.Statement) bool {
		return s.Effect == policy.Allow && s.Principal != nil && slices.ContainsFunc(s.Principal.Service, func(p partition.Principal) bool {
			return p == principal || sameService(string(p), string(principal))
		})
	})
}

// sameService says whether two service principals differ only in the region or the suffix that both forms have.
func sameService(a, b string) bool {
	first, _, _ := strings.Cut(a, ".")
	second, _, _ := strings.Cut(b, ".")
	return first == second && partition.IsServicePrincipal(a)
}

// roleAllows says whether a policy of the role allows an action on a resource, and its permission boundary, where what that says is
// known. Conditions and denials are the evaluator's business: here it is about policies that aren't there yet.
func (x *index) roleAllows(role *Object, action, resource string) bool {
	if role.External {
		return true // its policies aren't known
	}
	var documents []string
	for _, p := range x.dependents(role, rolePolicyToken) {
		documents = append(documents, p.Text("policy"))
	}
	for _, a := range x.dependents(role, attachmentToken) {
		if attached := x.arn(a.Text("policyArn")); attached != nil {
			documents = append(documents, attached.Text("policy"))
		}
	}
	allows := func(document string) bool {
		return slices.ContainsFunc(statements(document), func(s policy.Statement) bool {
			return s.Effect == policy.Allow && anyMatches(s.Action, action) && anyMatches(s.Resource, resource)
		})
	}
	if boundary := x.arn(role.Text("permissionsBoundary")); boundary != nil && boundary.Text("policy") != "" && !allows(boundary.Text("policy")) {
		return false
	}
	return slices.ContainsFunc(documents, allows)
}

// anyMatches says whether one of some patterns with * and ? matches, as IAM does: without regard to case in actions,
// and with a * that also matches slashes.
func anyMatches(patterns []string, s string) bool {
	flat := strings.NewReplacer("/", "\x00", "[", "\x01", "]", "\x01", "\\", "\x02")
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(flat.Replace(strings.ToLower(pattern)), flat.Replace(strings.ToLower(s)))
		return err == nil && ok
	})
}

// statements reads a policy's statements, none when it is none: the catalog has checked it.
func statements(document string) []policy.Statement {
	d, err := policy.Parse([]byte(document))
	if err != nil {
		return nil
	}
	return d.Statements
}
