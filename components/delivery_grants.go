package components

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/logarchive/logarchive/partition"
)

// anyAccount stands for the source's account in the values of a grant, so that the same delivery from many accounts is
// one grant.
const anyAccount = "\x00"

// grant is what deliveries from several accounts have in common: who delivers (apart from the account), and where.
// All its accounts deliver in the same way, so that one statement is as exact as one for each account would be.
//
// With one exception: the Firehose streams of several accounts share one grant of all their roles and prefixes. With one
// for each role, the list of accounts would be in the bucket's policy as often as there are roles, and 200 accounts would
// not fit. It lets an account write below its own prefixes of a class of logs that only others have.
type grant struct {
	kind     DeliveryKind
	roles    []string         // of deliveries with a role: them as an ARN's resource, "role/name", sorted
	region   partition.Region // where the service delivers from, of deliveries without a role
	resource string           // for whom the service delivers, as the end of an ARN
	foreign  bool             // the accounts are not the bucket's
	shared   bool             // the streams of several accounts
	keyless  bool             // the bucket's key isn't used
	prefixes []string         // of keys, sorted, with anyAccount for the account
	accounts []partition.Account
}

// grants sorts deliveries into as few grants as possible. The result doesn't depend on the order of the deliveries, so
// that a policy changes only when its meaning does.
func grants(owner partition.Account, deliveries []Delivery) []grant {
	streaming := map[partition.Account]bool{} // other accounts with streams
	for _, d := range deliveries {
		if d.Kind == FirehoseDelivery && d.Source.Account != owner {
			streaming[d.Source.Account] = true
		}
	}
	// First, everything that one principal of one account may write to, or all streams of several accounts.
	type principal struct {
		account partition.Account
		who     string
	}
	of := map[principal]*grant{}
	for _, d := range deliveries {
		g := grant{kind: d.Kind, foreign: d.Source.Account != owner, keyless: d.ManagedKeys}
		p := principal{account: d.Source.Account}
		if d.RoleArn != "" {
			arn, _ := partition.ParseARN(d.RoleArn)
			g.roles, p.who = []string{arn.Resource}, string(d.Kind)+" role "+arn.Resource
			if d.Kind == FirehoseDelivery && g.foreign && len(streaming) > 1 {
				g.shared, p = true, principal{who: "streams"}
			}
		} else {
			if d.Kind == QueryLogDelivery {
				g.kind = FlowLogDelivery // by the same service, for the same ARNs
			}
			g.region, g.resource = d.Source.Region, d.Resource
			p.who = fmt.Sprint(g.kind, " ", g.region, " ", g.resource)
		}
		same := of[p]
		if same == nil {
			same = &g
			of[p] = same
		} else {
			same.roles = append(same.roles, g.roles...)
		}
		same.accounts = append(same.accounts, d.Source.Account)
		for _, prefix := range d.keyPrefixes() {
			same.prefixes = append(same.prefixes, strings.ReplaceAll(prefix, string(d.Source.Account), anyAccount))
		}
	}
	// Then, principals of different accounts that are alike.
	alike := map[string]*grant{}
	for _, g := range of {
		g.prefixes, g.roles = sorted(g.prefixes), sorted(g.roles)
		same := g.identity()
		if alike[same] == nil {
			alike[same] = g
		} else {
			alike[same].accounts = append(alike[same].accounts, g.accounts...)
		}
	}
	out := make([]grant, 0, len(alike))
	for _, g := range alike {
		g.accounts = sorted(g.accounts)
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b grant) int { return strings.Compare(a.identity(), b.identity()) })
	return out
}

// sorted returns a list in order, without what is there twice.
func sorted[T ~string](list []T) []T {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

func (g grant) identity() string {
	return fmt.Sprintf("%s %s %s %s %t %t %q", g.kind, strings.Join(g.roles, " "), g.region, g.resource, g.foreign, g.keyless, g.prefixes)
}

// keyPrefixes returns the beginnings of all keys that the delivery writes, or reads.
func (d Delivery) keyPrefixes() []string {
	switch {
	case d.Kind == FirehoseDelivery:
		return []string{d.Prefix, d.ErrorPrefix}
	case d.Kind == ReplayDelivery:
		return []string{d.ErrorPrefix, ReplayMarkers + d.ErrorPrefix}
	case d.Kind == ReplicationDelivery:
		return []string{d.Prefix}
	case selfDelivered[d.Kind].folder != nil:
		return selfDelivered[d.Kind].folder(d)
	case d.AnyFolder:
		return []string{d.Prefix + "*AWSLogs/*" + string(d.Source.Account) + "/"}
	case d.Hive:
		return []string{d.Prefix + "AWSLogs/aws-account-id=" + string(d.Source.Account) + "/"}
	}
	return []string{d.Prefix + "AWSLogs/" + string(d.Source.Account) + "/"}
}

// objects returns the ARNs of the objects that the grant is about. With several accounts, the account in the key must
// be that of the request, as the policy variable says.
func (g grant) objects(p partition.Partition, bucket string) []string {
	account := string(g.accounts[0])
	if len(g.accounts) > 1 {
		account = "${aws:SourceAccount}"
		if len(g.roles) > 0 {
			account = "${aws:PrincipalAccount}"
		}
	}
	var out []string
	for _, prefix := range g.prefixes {
		out = append(out, partition.ObjectARN(p, bucket, strings.ReplaceAll(prefix, anyAccount, account)+"*").String())
	}
	return out
}

// arnAccount is the account in a condition's ARN: the only one, or any, where another condition or the principals of
// the statement name the accounts.
func (g grant) arnAccount() partition.Account {
	if len(g.accounts) > 1 {
		return "*"
	}
	return g.accounts[0]
}

// roleArns are the values of aws:PrincipalArn, unless for a FlowLogDelivery.
func (g grant) roleArns(p partition.Partition) []string {
	var out []string
	for _, role := range g.roles {
		out = append(out, partition.ARN{Partition: p, Service: partition.IAM, Account: g.arnAccount(), Resource: role}.String())
	}
	return out
}

// words name the grant in a statement's id.
func (g grant) words() []string {
	switch {
	case g.shared:
		return []string{"Deliver", "streams"}
	case g.kind == ReplayDelivery:
		return []string{"Replay", strings.TrimPrefix(g.roles[0], "role/")}
	}
	return []string{"Deliver", strings.TrimPrefix(g.roles[0], "role/")}
}

// sourceArn is the value of aws:SourceArn for a FlowLogDelivery: the log delivery service names itself with an ARN of
// service logs, not of ec2.
func (g grant) sourceArn(p partition.Partition) string {
	return partition.ARN{Partition: p, Service: partition.Logs, Region: g.region, Account: g.arnAccount(), Resource: "*"}.String()
}

// roots are the accounts as principals.
func (g grant) roots(p partition.Partition) []string {
	var out []string
	for _, a := range g.accounts {
		out = append(out, partition.ARN{Partition: p, Service: partition.IAM, Account: a, Resource: "root"}.String())
	}
	return out
}

func (g grant) accountIDs() []string {
	var out []string
	for _, a := range g.accounts {
		out = append(out, string(a))
	}
	return out
}

// sid makes a statement id, which has letters and digits only, from words. Ids that were given before get a number.
func sid(given map[string]int, words ...string) string {
	var b strings.Builder
	for _, w := range words {
		up := true
		for _, r := range w {
			switch {
			case r > unicode.MaxASCII || (!unicode.IsLetter(r) && !unicode.IsDigit(r)):
				up = true
				continue
			case up:
				r = unicode.ToUpper(r)
			}
			b.WriteRune(r)
			up = false
		}
	}
	id := b.String()
	given[id]++
	if n := given[id]; n > 1 {
		return fmt.Sprintf("%sNo%d", id, n)
	}
	return id
}
