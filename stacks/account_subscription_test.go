package stacks

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
)

// withAccountSubscription is the whole configuration with a policy for all log groups instead of the subscriber.
func withAccountSubscription(t *testing.T, value map[string]any) document {
	t.Helper()
	d := parse(t, whole).with(t, "accountSubscription", value)
	delete(d, "subscribe")
	return d
}

// leftOut are the log groups that a recorded policy leaves out.
func leftOut(t *testing.T, g *graph.Graph, name string) []string {
	t.Helper()
	r, ok := g.Find(catalog.LogAccountPolicy, name)
	if !ok {
		t.Fatalf("there is no account policy %s", name)
	}
	says, err := catalog.ReadAccountSubscription(r.Inputs["policyDocument"].StringValue(), r.Inputs["selectionCriteria"].StringValue())
	if err != nil {
		t.Fatal(err)
	}
	return says.Excluded
}

// What has a filter of its own, what the pipelines write themselves, and what the configuration excludes is left out; the rest
// of the stack is as it was, and all of it is proven.
func TestAccountSubscription(t *testing.T) {
	t.Parallel()
	d := withAccountSubscription(t, map[string]any{"exclude": list("/app/chatter"), "filterPattern": "?ERROR ?WARN"})
	spec, err := ParseSpec("beijing", d.engine(t))
	if err != nil {
		t.Fatal(err)
	}
	g := record(t, "beijing", d.engine(t))
	excluded := leftOut(t, g, "account-subscription")
	subscribed := 0
	for _, r := range g.ByType(catalog.SubscriptionFilter) {
		if group := r.Inputs["logGroup"].StringValue(); r.Place == spec.Home {
			subscribed++
			if !slices.Contains(excluded, group) {
				t.Errorf("%s has a filter, and isn't left out", group)
			}
		}
	}
	if subscribed < 5 {
		t.Errorf("%d log groups with filters of their own, want those of each kind of source", subscribed)
	}
	for _, r := range g.ByType(catalog.Function) {
		if group := "/aws/lambda/" + r.ID; r.Place == spec.Home && !slices.Contains(excluded, group) {
			t.Errorf("%s is a function's, and isn't left out", group)
		}
	}
	for _, r := range g.ByType(catalog.LogGroup) {
		if name := r.ID; r.Place == spec.Home && strings.HasPrefix(name, "/aws/kinesisfirehose/") && !slices.Contains(excluded, name) {
			t.Errorf("%s is a stream's, and isn't left out", name)
		}
	}
	if !slices.Contains(excluded, "/app/chatter") {
		t.Errorf("left out: %q", excluded)
	}
	for _, v := range mustPreflight(t, spec) {
		if v.Rule != "waiver" { // the configuration's has ended
			t.Errorf("%s: %s: %s", v.Rule, v.Resource, v.Reason)
		}
	}
	if chart := g.Mermaid(); strings.Count(chart, "account policy") != 1 {
		t.Errorf("the picture doesn't show the policy:\n%s", chart)
	}
	want := Source{Key: "log-archive:accountSubscription", Kind: KindLogGroups, ID: "*", Place: spec.Home, Path: pathLogGroups, Stream: spec.StreamName(ClassLogs), Prefix: spec.Prefix(ClassLogs)}
	rows := spec.Sources()
	if i := slices.IndexFunc(rows, func(s Source) bool { return s.Kind == KindLogGroups }); i < 0 || rows[i] != want {
		t.Errorf("no row %+v", want)
	}
}

// A stack that has nothing but the policy has a pipeline for it.
func TestAccountSubscriptionAlone(t *testing.T) {
	t.Parallel()
	d := parse(t, smallest).with(t, "accountSubscription", map[string]any{"enabled": true})
	delete(d, "logGroups")
	spec, err := ParseSpec("x", d.engine(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := leftOut(t, record(t, "x", d.engine(t)), "account-subscription"); !slices.Contains(got, "/aws/kinesisfirehose/log-archive-logs") {
		t.Errorf("left out: %q", got)
	}
	for _, v := range mustPreflight(t, spec) {
		t.Errorf("%s: %s: %s", v.Rule, v.Resource, v.Reason)
	}
}

// Each change of what is left out replaces the policy, so that classes of logs and functions that come later must not change it,
// and neither must another name of the stream.
func TestAccountSubscriptionSettles(t *testing.T) {
	t.Parallel()
	base := parse(t, smallest).with(t, "accountSubscription", map[string]any{"enabled": true})
	before := record(t, "x", base.engine(t))
	policy, _ := before.Find(catalog.LogAccountPolicy, "account-subscription")
	typ, _ := catalog.Lookup(catalog.LogAccountPolicy)
	for name, change := range map[string]map[string]any{
		"replay":     {"replay": map[string]any{"schedule": "rate(6 hours)"}},
		"partitions": {"pipeline": map[string]any{"bufferMiB": 64, "transform": map[string]any{"partitionBy": list("class")}}},
		"pattern":    {"accountSubscription": map[string]any{"filterPattern": "ERROR"}},
		"trail":      {"cloudTrail": map[string]any{"name": "all"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := parse(t, smallest).with(t, "accountSubscription", map[string]any{"enabled": true})
			for path, value := range change {
				d = d.with(t, path, value)
			}
			after, ok := record(t, "x", d.engine(t)).Find(catalog.LogAccountPolicy, "account-subscription")
			if !ok {
				t.Fatal("the policy is gone")
			}
			if replaced := typ.Replaces(policy.Inputs, after.Inputs); len(replaced) > 0 {
				t.Errorf("it is replaced because of %q", replaced)
			}
		})
	}
	d := base.with(t, "accountSubscription", map[string]any{"exclude": list("/app/chatter")})
	after, _ := record(t, "x", d.engine(t)).Find(catalog.LogAccountPolicy, "account-subscription")
	if replaced := typ.Replaces(policy.Inputs, after.Inputs); !slices.Equal(replaced, []string{"selectionCriteria"}) || !after.DeleteBeforeReplace {
		t.Errorf("replaced because of %q, the old one first: %t", replaced, after.DeleteBeforeReplace)
	}
}

func TestAccountSubscriptionProblems(t *testing.T) {
	t.Parallel()
	var long []any
	for i := range 60 {
		long = append(long, fmt.Sprintf("/%03d/%s", i, strings.Repeat("x", 420)))
	}
	for _, test := range []struct {
		name  string
		value map[string]any
		want  string
	}{
		{"a star", map[string]any{"exclude": list("/app/*")}, `accountSubscription.exclude[0]: "/app/*": CloudWatch Logs leaves out whole names only; want each name, or subscribe with exclude`},
		{"no name", map[string]any{"exclude": list("/app a")}, `accountSubscription.exclude[0]: "/app a" is not accepted; want up to 512 letters, digits and _ / . # -`},
		{"twice", map[string]any{"exclude": list("/chatter", "/chatter")}, `accountSubscription.exclude[1]: "/chatter" is log-archive:accountSubscription.exclude[0], too; want each once`},
		{"as text", map[string]any{"exclude": "/chatter"}, `accountSubscription.exclude: "/chatter" is a string; want a list of whole names`},
		{"archived by name", map[string]any{"exclude": list("/app/b")}, `accountSubscription.exclude[0]: "/app/b" is archived by log-archive:logGroups[1].name; want it in one of the two places`},
		{"a long pattern", map[string]any{"filterPattern": strings.Repeat("x", 1025)}, `accountSubscription.filterPattern: "xxx`},
		{"too many names", map[string]any{"exclude": long}, `accountSubscription: the names that are left out have `},
		{"unknown key", map[string]any{"exclud": list()}, `accountSubscription.exclud: unknown key with value []; did you mean exclude? known here: enabled, exclude, filterPattern`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseSpec("beijing", withAccountSubscription(t, test.value).engine(t))
			if got := lines(t, err); len(got) != 1 || !strings.HasPrefix(got[0], "log-archive:"+test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// Both ways to subscribe what isn't named would archive it twice.
func TestAccountSubscriptionBesideSubscriber(t *testing.T) {
	t.Parallel()
	both := map[string]any{"subscribe": map[string]any{"prefixes": list("/x/")}, "accountSubscription": map[string]any{"enabled": true}}
	d := parse(t, smallest)
	for path, value := range both {
		d = d.with(t, path, value)
	}
	_, err := ParseSpec("x", d.engine(t))
	want := []string{"log-archive:accountSubscription: log-archive:subscribe gives log groups filters of their own, and the policy would deliver each of their events again; want one of the two"}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Error(diff)
	}
	d = d.with(t, "accountSubscription.enabled", false)
	if _, err := ParseSpec("x", d.engine(t)); err != nil {
		t.Errorf("switched off: %v", err)
	}
	// In another account it may be the other.
	d = parse(t, smallest).with(t, "subscribe", both["subscribe"]).with(t, "accounts", list(further("555566667777", map[string]any{"accountSubscription": map[string]any{"enabled": true}})))
	if _, err := ParseSpec("x", d.engine(t)); err != nil {
		t.Error(err)
	}
	d = parse(t, smallest).with(t, "accounts", list(further("555566667777", both)))
	_, err = ParseSpec("x", d.engine(t))
	want = []string{"log-archive:accounts[0].accountSubscription: log-archive:accounts[0].subscribe gives log groups filters of their own, and the policy would deliver each of their events again; want one of the two"}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}

// A further account has a policy of its own, in its stream; one that goes through a destination has no stream for it.
func TestAccountSubscriptionOfAccounts(t *testing.T) {
	t.Parallel()
	of := map[string]any{"accountSubscription": map[string]any{"exclude": list("/chatter")}, "logGroups": nil}
	d := parse(t, smallest).with(t, "accounts", list(further("555566667777", of)))
	spec, err := ParseSpec("x", d.engine(t))
	if err != nil {
		t.Fatal(err)
	}
	g := record(t, "x", d.engine(t))
	place := partition.Place{Account: "555566667777", Region: spec.Home.Region}
	r, ok := g.Find(catalog.LogAccountPolicy, "555566667777:account-subscription")
	if !ok || r.Place != place || !strings.Contains(r.Inputs["policyDocument"].StringValue(), place.ARN(partition.Firehose, "deliverystream/log-archive-logs").String()) {
		t.Fatalf("%+v", r)
	}
	for _, v := range mustPreflight(t, spec) {
		t.Errorf("%s: %s: %s", v.Rule, v.Resource, v.Reason)
	}
	of["via"] = ViaDestination
	_, err = ParseSpec("x", parse(t, smallest).with(t, "accounts", list(further("555566667777", of))).engine(t))
	want := []string{"log-archive:accounts[0].accountSubscription: the policy gives log groups to a stream of its account, which this one doesn't have; want via: streams, or no accountSubscription"}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}
