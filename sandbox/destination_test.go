package sandbox

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const partners = partition.Account("555566667777")

// Each link of the way over a destination that is taken away refuses at its own hop; the stack's own log groups still deliver.
func TestDestinationRefusals(t *testing.T) {
	t.Parallel()
	const group, shard = "/app/partner-portal", "log-archive-logs-01"
	central := partition.Place{Account: "222233334444", Region: "cn-north-1"}
	arn := central.ARN(partition.Logs, "destination:"+shard).String()
	role := central.RoleARN("log-archive-logs-destination-01-cn-north-1").String()
	roleID := role[strings.LastIndexByte(role, '/')+1:]
	trusting := func(accounts ...partition.Account) func(*testResources) {
		var arns []string
		for _, a := range accounts {
			arns = append(arns, partition.Place{Account: a, Region: central.Region}.ARN(partition.Logs, "*").String())
		}
		return func(w *testResources) {
			w.change(roleToken, roleID, set("assumeRolePolicy", trustDocument(service(t, partition.Logs, partition.Trust), policy.Conditions{}.With("ArnLike", "aws:SourceArn", arns...))))
		}
	}
	for name, test := range map[string]struct {
		take                  func(*testResources)
		code, action, carrier string
	}{
		"nothing":       {func(*testResources) {}, "", "", ""},
		"destination":   {func(w *testResources) { w.remove(destinationToken, shard) }, "ResourceNotFoundException", "logs:PutSubscriptionFilter", arn},
		"access policy": {func(w *testResources) { w.remove(destinationPolicyToken, shard) }, "AccessDenied", "logs:PutSubscriptionFilter", arn},
		"another account's access policy": {func(w *testResources) {
			w.change(destinationPolicyToken, shard, set("accessPolicy", document(allow(policy.AWSPrincipals("999999999999"), []string{"logs:PutSubscriptionFilter"}, []string{arn}, nil))))
		}, "AccessDenied", "logs:PutSubscriptionFilter", arn},
		"trust for the source": {trusting(central.Account), "AccessDenied", "sts:AssumeRole", role},
		"role":                 {func(w *testResources) { w.remove(roleToken, roleID) }, "AccessDenied", "sts:AssumeRole", role},
		"role's policy":        {func(w *testResources) { w.remove(rolePolicyToken, roleID+":put-records") }, "AccessDenied", "firehose:PutRecord", role},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := stackResources(t, "beijing")
			test.take(w)
			d := newTestDelivery(t, w)
			got := refusalOf(t, d, "log-group:"+string(partners)+":cn-north-1:"+group)
			switch {
			case test.code == "" && got != nil:
				t.Errorf("refused: %v", got)
			case test.code != "" && (got == nil || got.Code != test.code || got.Hop.Action != test.action || got.Carrier != test.carrier):
				t.Errorf("got %v, want %s for %s by %s", got, test.code, test.action, test.carrier)
			}
			if got := refusalOf(t, d, "log-group:111122223333:cn-north-1:/aws/ec2/system-logs"); got != nil {
				t.Errorf("the stack's own log group is refused: %v", got)
			}
		})
	}
}

// The lines of two accounts that share a stream, and have a log group of the same name, lie apart.
func TestDestinationTellsAccountsApart(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := stackResources(t, "beijing")
	// A third account joins: its log group, its filter, and the policies that name it.
	const third = partition.Account("666677778881") // of the same destination
	there := partition.Place{Account: third, Region: "cn-north-1"}
	central := partition.Place{Account: "222233334444", Region: "cn-north-1"}
	arn := central.ARN(partition.Logs, "destination:log-archive-logs-01").String()
	w.add(logGroupToken, there, "/app/partner-portal", map[string]any{"name": "/app/partner-portal", "arn": there.LogGroupARN("/app/partner-portal").String()})
	w.add(filterToken, there, "cwlsf-1", map[string]any{"name": "logs", "logGroup": "/app/partner-portal", "filterPattern": "", "destinationArn": arn})
	w.change(destinationPolicyToken, "log-archive-logs-01", set("accessPolicy", document(allow(policy.AWSPrincipals(string(partners), string(third)), []string{"logs:PutSubscriptionFilter"}, []string{arn}, nil))))
	w.change(roleToken, "log-archive-logs-destination-01-cn-north-1", set("assumeRolePolicy", trustDocument(service(t, partition.Logs, partition.Trust),
		policy.Conditions{}.With("ArnLike", "aws:SourceArn", there.ARN(partition.Logs, "*").String(), partition.Place{Account: partners, Region: there.Region}.ARN(partition.Logs, "*").String()))))
	d := newTestDelivery(t, w)
	want := map[partition.Account][]string{partners: {"ours-1", "ours-2"}, third: {"theirs-1"}}
	sources := map[partition.Account]Source{}
	for account, lines := range want {
		s := findSource(t, d, "log-group:"+string(account)+":cn-north-1:/app/partner-portal")
		if sources[account] = s; s.Broken != "" || !strings.Contains(s.Path, "destination log-archive-logs-01 -> Firehose log-archive-logs") {
			t.Errorf("path %s, broken %q", s.Path, s.Broken)
		}
		if _, err := d.Send(ctx, s, lines); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for account, lines := range want {
		got, refs, err := d.Find(ctx, sources[account])
		if diff := cmp.Diff(lines, got); err != nil || diff != "" {
			t.Errorf("account %s: %v %s", account, err, diff)
		}
		for _, ref := range refs {
			if !strings.HasPrefix(ref.Key, "logs/account="+string(account)+"/region=cn-north-1/") {
				t.Errorf("account %s has lines in %s", account, ref.Key)
			}
		}
	}
}

// AWS asks the destination's policy when a filter is put, and tries the role when a destination is.
func TestDestinationCreationsAreRefusedAsByAWS(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	theirs := l.s.at(t, partition.Place{Account: partners, Region: beijing.Region})
	theirs.mustCreate(logGroupToken, "group", properties("name", "/app"))
	stream, ships := text(l.stream.state, "arn"), text(l.ships.state, "arn")
	refused := func(code string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), code) {
			t.Errorf("got %v, want %s", err, code)
		}
	}
	_, err := l.home.create(destinationToken, "deaf", properties("name", "central", "targetArn", stream, "roleArn", text(l.role.state, "arn")))
	refused("InvalidParameterException", err)
	_, err = l.home.create(destinationToken, "nowhere", properties("name", "central", "targetArn", beijing.ARN(partition.Firehose, "deliverystream/none").String(), "roleArn", ships))
	refused("InvalidParameterException", err)
	arn := beijing.ARN(partition.Logs, "destination:central").String()
	open := func(account partition.Account) string {
		return document(allow(policy.AWSPrincipals(string(account)), []string{"logs:PutSubscriptionFilter"}, []string{arn}, nil))
	}
	_, err = l.home.create(destinationPolicyToken, "early", properties("destinationName", "central", "accessPolicy", open(partners)))
	refused("ResourceNotFoundException", err)
	to := l.home.mustCreate(destinationToken, "central", properties("name", "central", "targetArn", stream, "roleArn", ships))
	if got := text(to.state, "arn"); got != arn {
		t.Errorf("arn %s, want %s", got, arn)
	}
	filter := properties("name", "f", "logGroup", "/app", "filterPattern", "", "destinationArn", arn)
	_, err = theirs.create(filterToken, "early", filter)
	refused("AccessDeniedException", err)
	l.home.mustCreate(destinationPolicyToken, "policy", properties("destinationName", "central", "accessPolicy", open("999999999999")))
	_, err = theirs.create(filterToken, "others", filter)
	refused("AccessDeniedException", err)
	other := l.s.at(t, partition.Place{Account: "999999999999", Region: beijing.Region})
	other.mustCreate(logGroupToken, "group", properties("name", "/app"))
	other.mustCreate(filterToken, "filter", filter)
	_, err = other.create(filterToken, "missing", with(filter, "name", "g", "destinationArn", beijing.ARN(partition.Logs, "destination:none").String()))
	refused("InvalidParameterException", err)
}
