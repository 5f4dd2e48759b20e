package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// A destination of CloudWatch Logs takes the events of log groups of other accounts, and puts them to a stream of its own
// account, as its role.

const (
	destinationToken       = catalog.LogDestination
	destinationPolicyToken = catalog.LogDestinationPolicy
)

// targetOf is where a subscription filter's events end: what its destination ARN names, or what the destination of that name
// hands to.
func targetOf(world Resources, arn string) string {
	if o, ok := world.ByARN(arn); ok && o.Type == destinationToken {
		return o.Text("targetArn")
	}
	return arn
}

// isDestination says whether an ARN is that of a destination, whether it exists or not.
func isDestination(arn partition.ARN) bool {
	return arn.Service == partition.Logs && strings.HasPrefix(arn.Resource, "destination:")
}

// destinationPath reads the way from a destination on.
func (all declared) destinationPath(arn string) (path, broken string) {
	o, ok := all.world.ByARN(arn)
	if !ok {
		return arn, fmt.Sprintf("the destination %s doesn't exist", arn)
	}
	rest, broken := all.streamPath(o.Text("targetArn"))
	return "destination " + o.Text("name") + " -> " + rest, broken
}

// destinationPolicies are the documents of a destination's policy.
func destinationPolicies(world Resources, arn partition.ARN) []string {
	var documents []string
	visit(world, destinationPolicyToken, func(o *Object) {
		if o.Place == arn.Place() && "destination:"+o.Text("destinationName") == arn.Resource {
			documents = append(documents, o.Text("accessPolicy"))
		}
	})
	return documents
}

// throughDestination takes the hops from a filter over a destination to its stream. An account that the destination's policy
// doesn't name any more is stopped from sending
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CrossAccountSubscriptions-Firehose.html).
func (t *transfer) throughDestination(s Source, where string, arn partition.ARN) (to Object, role string, err error) {
	account, err := policy.ParseCaller(s.Place.RootARN().String())
	if err != nil {
		return to, "", err
	}
	send := Hop{
		Step: where + " sends to a destination", Principal: account, Action: "logs:PutSubscriptionFilter",
		Resource: arn.String(), Owner: arn.Account, Place: s.Place,
	}
	to, ok := t.d.world.ByARN(arn.String())
	switch {
	case !ok || to.Type != destinationToken:
		return to, "", send.refuse("ResourceNotFoundException", arn.String(), "the destination %s doesn't exist", arn)
	case arn.Region != s.Place.Region:
		return to, "", send.refuse("InvalidParameterException", arn.String(), "the destination %s is in %s, it must be in %s", arn, arn.Region, s.Place.Region)
	}
	return to, to.Text("roleArn"), t.authorize(send)
}

// refuseStrangeAccount: whoever subscribes is held against the destination's policy, for each action that it takes.
func (x *index) refuseStrangeAccount(refused *refusals, o *Object, actions ...string) {
	to := x.arn(o.Text("destinationArn"))
	if to == nil || to.Type != destinationToken || to.Place.Account == o.Place.Account {
		return // a missing one is reported as such
	}
	for _, action := range actions {
		if !x.destinationAdmits(to, o.Place, action) {
			refused.add("AccessDeniedException", "User with accountId: %s is not authorized to perform %s on resource %s", o.Place.Account, action, to.ARN())
		}
	}
}

func (x *index) destinationAdmits(to *Object, place partition.Place, action string) bool {
	for _, p := range x.dependents(to, destinationPolicyToken) {
		for _, s := range statements(p.Text("accessPolicy")) {
			if s.Effect == policy.Allow && admits(s.Principal, place) && anyMatches(s.Action, "logs:"+action) && anyMatches(s.Resource, to.ARN()) {
				return true
			}
		}
	}
	return false
}

// admits says whether principals have an account among them.
func admits(p *policy.Principals, place partition.Place) bool {
	return p != nil && (p.Any || slices.ContainsFunc(p.AWS, func(who string) bool {
		return who == "*" || who == string(place.Account) || who == place.RootARN().String()
	}))
}

// refuseDeafTarget: PutDestination sends a test message as the role that it is given.
func (x *index) refuseDeafTarget(refused *refusals, o *Object) {
	target, role := x.arn(o.Text("targetArn")), x.arn(o.Text("roleArn"))
	if target == nil || target.Type != streamToken || role == nil {
		return // missing things are reported as such
	}
	x.refuseDeaf(refused, o.Place, role, target)
}

// refuseDeaf is CloudWatch Logs' answer when its test message doesn't get to a stream.
func (x *index) refuseDeaf(refused *refusals, place partition.Place, role, stream *Object) {
	const message = "Could not deliver test message to specified Firehose stream. Check if the given Firehose stream is in ACTIVE state. (%s)"
	if !trusts(role, place, partition.Logs) {
		refused.add("InvalidParameterException", message, role.ARN()+" does not trust CloudWatch Logs")
	}
	if !x.roleAllows(role, "firehose:PutRecord", stream.ARN()) && !x.roleAllows(role, "firehose:PutRecordBatch", stream.ARN()) {
		refused.add("InvalidParameterException", message, "no policy of "+role.ARN()+" allows firehose:PutRecord on "+stream.ARN()+" yet")
	}
}
