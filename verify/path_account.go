package verify

import (
	"fmt"
	"strings"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// accountPolicy is an account's policy that subscribes log groups.
type accountPolicy struct {
	*Resource
	says *catalog.AccountSubscription
	err  error // why it can't be read
}

// accountPolicies reads those of a deployment, by URN.
func (d *Deployment) accountPolicies() map[string]*accountPolicy {
	found := map[string]*accountPolicy{}
	for _, r := range d.byType[typeAccountPolicy] {
		if r.text("policyType") == catalog.SubscriptionFilterPolicy {
			says, err := catalog.ReadAccountSubscription(r.text("policyDocument"), r.text("selectionCriteria"))
			found[r.URN] = &accountPolicy{r, says, err}
		}
	}
	return found
}

// subscribing are those that could be read, in order.
func (e *evaluation) subscribing() []*accountPolicy {
	var list []*accountPolicy
	for _, urn := range sortedKeys(e.accounts) {
		if p := e.accounts[urn]; p.err == nil {
			list = append(list, p)
		}
	}
	return list
}

// link is what the policy says, as a subscription of any of its log groups.
func (p *accountPolicy) link() link {
	return link{
		Resource: p.Resource, destination: p.says.DestinationARN, destinationProperty: "policyDocument", role: p.says.RoleARN, roleProperty: "policyDocument",
		group: anyGroup, actions: []string{"logs:PutSubscriptionFilter", "logs:PutAccountPolicy"},
	}
}

// anyGroup is the name of a log group that nobody has thought of.
const anyGroup = "/any/log-group"

// everyGroup is the way of the log groups that a policy subscribes.
func (e *evaluation) everyGroup(r *Resource) []*Path {
	p := e.accounts[r.URN]
	if p == nil {
		return nil // it is about something else
	}
	name := "all"
	if p.err == nil && len(p.says.Excluded) > 0 {
		name = fmt.Sprintf("all but %d", len(p.says.Excluded))
	}
	s := &segment{at: Stop{Kind: KindLogGroups, Name: name, Place: r.Place}}
	if p.err != nil {
		s.to(Stop{Kind: KindNowhere, Name: "an unreadable policy"})
		s.broken(r.URN, "policyDocument", "the policy can't be read: "+p.err.Error(), "write it as PutAccountPolicy documents it")
	} else {
		e.subscription(s, p.link())
	}
	return []*Path{{Source: Source{Kind: KindLogGroups, Name: name, Place: r.Place, URN: r.URN}, Steps: s.steps}}
}

// accountLoops finds policies that subscribe a pipeline's own log group, which own has by [groupKey]. A function that is a
// policy's destination itself isn't called for its own log, which CloudWatch Logs sees to (CloudWatch Logs User Guide, Subscriptions-recursion-prevention).
func (e *evaluation) accountLoops(own map[string]*Resource, report reporter) {
	for _, p := range e.subscribing() {
		for _, key := range sortedKeys(own) {
			group, here := strings.CutPrefix(key, groupKey(p.Place, ""))
			calledForItself := own[key].Type == typeFunction && own[key].text("arn") == p.says.DestinationARN
			if here && p.says.Selects(group, "") && !calledForItself {
				report(p.URN, "leave "+group+" out in selectionCriteria", "it subscribes log group %s, which is written by %s, which it would feed", group, own[key].URN)
			}
		}
	}
}

// subscribedTwice finds log groups that an account's policy subscribes besides what else does.
func subscribedTwice(e *evaluation, report reporter) {
	for _, p := range e.subscribing() {
		for _, r := range e.byType[typeSubscription] {
			to, group := r.text("destinationArn"), r.text("logGroup")
			if r.Place == p.Place && (e.streams[to] != nil || e.destinations[to] != nil) && p.says.Selects(group, e.classOf(r.Place, group)) {
				report(r.URN, "leave "+group+" out in the policy's selectionCriteria, or take the filter away", "%s subscribes log group %s, too", p.URN, group)
			}
		}
		for _, f := range e.byType[typeFunction] {
			if f.Place == p.Place && strings.Contains(f.URN, subscriberComponent) {
				report(p.URN, "have the policy or the subscriber, and not both", "%s gives log groups filters that the policy subscribes, too", f.URN)
			}
		}
	}
}

// classOf is the class of a log group, empty where it isn't declared.
func (e *evaluation) classOf(place partition.Place, group string) string {
	if r := e.groups[groupKey(place, group)]; r != nil {
		return r.text("logGroupClass")
	}
	return ""
}

// accountQuota is one policy that subscribes for an account and region.
func (e *evaluation) accountQuota(report reporter) {
	at := map[partition.Place][]*accountPolicy{}
	for _, urn := range sortedKeys(e.accounts) {
		p := e.accounts[urn]
		at[p.Place] = append(at[p.Place], p)
	}
	for place, policies := range at {
		if most, err := place.Region.Limit(partition.AccountSubscriptionPolicies); err == nil && int64(len(policies)) > most {
			report(policies[0].URN, "have one policy for what all of them are to do", "%d account policies subscribe the log groups of %s, %d at the most", len(policies), place, most)
		}
	}
}

// links are all subscriptions that the program makes: the filters of log groups, and the account's policies.
func (e *evaluation) links() []link {
	var list []link
	for _, r := range e.byType[typeSubscription] {
		list = append(list, filterLink(r))
	}
	for _, p := range e.subscribing() {
		list = append(list, p.link())
	}
	return list
}
