package stacks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
	"github.com/logarchive/logarchive/verify"
)

// further is an account as the configuration has it.
func further(account string, more map[string]any) map[string]any {
	out := map[string]any{"account": account, "role": "Deployer", "externalId": "their-id", "logGroups": list(map[string]any{"name": "/app/theirs"})}
	for key, value := range more {
		if out[key] = value; value == nil {
			delete(out, key)
		}
	}
	return out
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	spec, err := ParseSpec("beijing", parse(t, whole).with(t, "accounts", list(further("555566667777", nil))).engine(t))
	if err != nil {
		t.Fatal(err)
	}
	place := partition.Place{Account: "555566667777", Region: "cn-north-1"}
	if a := spec.Accounts[0]; a.Role != place.RoleARN("Deployer") || a.ExternalID != "their-id" || a.Key != "log-archive:accounts[0]" || a.Stack.Home != place {
		t.Errorf("%+v", a)
	}
	rows := spec.Sources()
	want := Source{
		Key: "log-archive:accounts[0].logGroups[0]", Kind: KindLogGroup, ID: "/app/theirs", Place: place, Path: pathLogGroup, LogGroup: "/app/theirs",
		Stream: "archive-logs", Prefix: "logs/account=555566667777/region=cn-north-1/dt=!{timestamp:yyyy-MM-dd}/",
	}
	if diff := cmp.Diff(want, rows[len(rows)-1]); diff != "" {
		t.Error(diff)
	}
	var externals []string
	for _, e := range spec.Externals() {
		if e.Place == place {
			externals = append(externals, e.Kind+" "+e.ID+" "+e.Attributes[AttributeExternalID])
		}
	}
	if diff := cmp.Diff([]string{"role Deployer their-id", "log-group /app/theirs "}, externals); diff != "" {
		t.Error(diff)
	}
}

func TestAccountProblems(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		of   []any
		want string
	}{
		{"the source account", list(further("111122223333", nil)), `accounts[0].account: "111122223333" is the account of log-archive:sourceAccount, too; want each account once`},
		{"the archive's account", list(further("222233334444", nil)), `accounts[0].account: "222233334444" is the account of log-archive:archive.account, too; want each account once`},
		{"twice", list(further("555566667777", nil), further("555566667777", nil)), `accounts[1].account: "555566667777" is the account of log-archive:accounts[0].account, too; want each account once`},
		{"no source", list(further("555566667777", map[string]any{"logGroups": list()})), `accounts[0]: the account has no source; want flowLogs, logGroups, databases, subscribe or accountSubscription, or no such account`},
		{"a subscriber of a pipeline's own groups", list(further("555566667777", map[string]any{"subscribe": map[string]any{"prefixes": list("/aws/lambda/archive-transform")}})), `accounts[0].subscribe.prefixes[0]: "/aws/lambda/archive-transform" begins a pipeline's own groups, whose events would go round in a circle; want another`},
		{"another's role", list(further("555566667777", map[string]any{"role": beijing.RoleARN("x").String()})), `accounts[0].role: "` + beijing.RoleARN("x").String() + `" is of account 111122223333; want 555566667777, the account's`},
		{"no external id", list(further("555566667777", map[string]any{"externalId": nil})), `accounts[0].externalId: is required; want 2 to 1224 letters, digits and + = , . @ : / _ -`},
		{"a pipeline's group", list(further("555566667777", map[string]any{"logGroups": list(map[string]any{"name": "/aws/kinesisfirehose/archive-logs"})})),
			`accounts[0].logGroups[0].name: "/aws/kinesisfirehose/archive-logs" is a pipeline's own group, whose events would go round in a circle; want another`},
		{"a way that China lacks", list(further("555566667777", map[string]any{"flowLogs": list(map[string]any{"name": "x", "vpcId": "vpc-0a1b2c3d4e5f60718", "method": "firehose", "via": "direct"})})),
			`accounts[0].flowLogs[0].via: "direct": `},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseSpec("beijing", parse(t, whole).with(t, "accounts", test.of).engine(t))
			got := lines(t, err)
			if len(got) != 1 || !strings.HasPrefix(got[0], "log-archive:"+test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// A log group of an account that goes through a destination has a filter in its account and nothing else there; what all such
// accounts share is in the log-archive account, and keeps their lines apart.
func TestAccountsThroughDestination(t *testing.T) {
	t.Parallel()
	through := map[string]any{"via": ViaDestination}
	d := parse(t, smallest).with(t, "accounts", list(further("555566667777", through), further("555566667793", through), further("555566667778", through), further("666677778888", nil)))
	spec, err := ParseSpec("x", d.engine(t))
	if err != nil {
		t.Fatal(err)
	}
	g := record(t, "x", d.engine(t))
	count := map[string]int{}
	for _, r := range g.Resources {
		if r.Custom && !r.IsProvider() {
			count[string(r.Place.Account)]++
		}
	}
	if count["555566667777"] != 1 || count["666677778888"] < 10 {
		t.Errorf("resources by account: %v; want one filter in 555566667777, and a pipeline in 666677778888", count)
	}
	// Two of the three have one destination; of all three there is one stream.
	for _, name := range []string{"central:logs-01", "central:logs-02"} {
		if _, ok := g.Find("aws:cloudwatch/logDestination:LogDestination", name); !ok {
			t.Errorf("there is no destination %s", name)
		}
	}
	stream, ok := g.Find("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "central:logs")
	if !ok || stream.Place != spec.central().Home {
		t.Fatalf("no central stream: %v", stream)
	}
	to := stream.Inputs["extendedS3Configuration"].ObjectValue()
	if got, want := to["prefix"].StringValue(), "logs/account=!{partitionKeyFromLambda:account}/region=!{partitionKeyFromLambda:region}/"+DefaultTimePrefix; got != want {
		t.Errorf("prefix %s, want %s", got, want)
	}
	if got, want := to["errorOutputPrefix"].StringValue(), "errors/logs/account=222233334444/region=cn-north-1/"; !strings.HasPrefix(got, want) {
		t.Errorf("error prefix %s, want %s", got, want)
	}
	rows := spec.Sources()
	if got := rows[0]; got.Path != "log group > destination > firehose > bucket" || got.Prefix != "logs/account=555566667777/region=cn-north-1/"+DefaultTimePrefix {
		t.Errorf("%+v", got)
	}
	for _, v := range mustPreflight(t, spec) {
		t.Errorf("%s: %s", v.Resource, v.Reason)
	}
}

func mustPreflight(t *testing.T, s *Spec) []verify.Violation {
	t.Helper()
	violations, err := s.Preflight(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(violations, func(v verify.Violation) bool { return v.Rule == "lifecycle-retention" }) // it has no lock
}

func TestDestinationProblems(t *testing.T) {
	t.Parallel()
	through := further("555566667777", map[string]any{"via": ViaDestination})
	for _, test := range []struct {
		name, path string
		value      any
		of         []any
		want       string
	}{
		{"no transform", "pipeline.transform.enabled", false, list(through), `accounts[0].via: the transform function tells the lines of accounts apart, and isn't enabled; want streams, or pipeline.transform.enabled: true`},
		{"small buffer", "pipeline.bufferMiB", 32, list(through), `accounts[0].via: the shared streams have buffers of at least 64 MiB, because they partition by account; want a pipeline.bufferMiB of at least that, or streams`},
		{"a way that there isn't", "namePrefix", "archive", list(further("555566667777", map[string]any{"via": "bus"})), `accounts[0].via: "bus" is not one of streams, destination`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := lines(t, func() error {
				_, err := ParseSpec("x", parse(t, smallest).with(t, test.path, test.value).with(t, "accounts", test.of).engine(t))
				return err
			}())
			if diff := cmp.Diff([]string{"log-archive:" + test.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	// Accounts whose numbers leave the same rest have one destination, whose role can't trust more of them.
	var crowd []any
	for i := range 60 {
		crowd = append(crowd, further(fmt.Sprintf("%012d", 300000000000+16*i), map[string]any{"via": ViaDestination}))
	}
	_, err := ParseSpec("x", parse(t, smallest).with(t, "accounts", crowd).engine(t))
	got := lines(t, err)
	if len(got) == 0 || !strings.Contains(got[0], ".via: the trust policy of a destination for ") {
		t.Errorf("got %q", got)
	}
	// In aws a flow log may go to a stream directly, but not to another account's.
	direct := further("555566667777", map[string]any{"via": ViaDestination, "flowLogs": list(map[string]any{"name": "x", "vpcId": "vpc-0a1b2c3d4e5f60718", "method": "firehose", "via": "direct"})})
	_, err = ParseSpec("x", parse(t, smallest).with(t, "homeRegion", "us-east-1").with(t, "backupRegion", "us-west-2").with(t, "accounts", list(direct)).engine(t))
	if got := lines(t, err); len(got) != 1 || !strings.HasPrefix(got[0], `log-archive:accounts[0].flowLogs[0].via: "direct" puts records to a stream of its own account`) {
		t.Errorf("got %q", got)
	}
}

// The external id of an account may be a secret: the engine has it, a recording doesn't.
func TestAccountSecrets(t *testing.T) {
	t.Parallel()
	d := parse(t, smallest).with(t, "accounts", list(further("555566667777", nil), further("666677778888", map[string]any{"externalId": "other-id"})))
	spec, err := ParseSpec("x", d.with(t, "accounts[1].externalId", schema.Placeholder).engine(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		program func() *Spec
		want    [2]string
	}{
		"engine":    {func() *Spec { return spec }, [2]string{"their-id", "other-id"}},
		"recording": {spec.withoutSecrets, [2]string{schema.Placeholder, schema.Placeholder}},
	} {
		config := d.engine(t)
		if name == "recording" {
			config = nil
		}
		g, err := graph.Record(context.Background(), graph.Options{Project: Namespace, Stack: "x", Config: config}, Program(test.program()))
		if err != nil {
			t.Fatal(err)
		}
		for i, account := range []string{"555566667777", "666677778888"} {
			p, ok := g.Find("pulumi:providers:aws", "account-"+account)
			if !ok {
				t.Fatalf("%s: no provider for %s", name, account)
			}
			if got := p.Inputs["assumeRole"].ObjectValue()["externalId"].StringValue(); got != test.want[i] {
				t.Errorf("%s: account %s gets the external id %q, want %q", name, account, got, test.want[i])
			}
		}
	}
}

// A further account costs the stack's own sources nothing: no resource of theirs changes its name.
func TestAccountsLeaveNamesAlone(t *testing.T) {
	t.Parallel()
	d := parse(t, whole)
	before, after := record(t, "x", d.engine(t)), record(t, "x", d.with(t, "accounts", list(further("555566667777", nil))).engine(t))
	for _, r := range before.Resources {
		if _, ok := after.Get(r.URN); !ok {
			t.Errorf("%s is gone", r.URN)
		}
	}
	if len(after.Resources) <= len(before.Resources) {
		t.Errorf("%d resources with a further account, %d without", len(after.Resources), len(before.Resources))
	}
}

// A subscriber needs a stream of the account's own; with one it is composed at the account's place.
func TestAccountSubscriber(t *testing.T) {
	t.Parallel()
	configured := func(via string) []any {
		return list(further("555566667777", map[string]any{"via": via, "subscribe": map[string]any{"prefixes": list("/app/"), "retentionDays": 30}}))
	}
	whole := parse(t, whole).with(t, "pipeline", map[string]any{"bufferMiB": 64})
	_, err := ParseSpec("beijing", whole.with(t, "accounts", configured(ViaDestination)).engine(t))
	want := []string{"log-archive:accounts[0].subscribe: a subscriber gives log groups to a stream of its account, which this one doesn't have; want via: streams, or no subscribe"}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Error(diff)
	}
	spec, err := ParseSpec("beijing", whole.with(t, "accounts", configured(ViaStreams)).engine(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := spec.Accounts[0].Stack.Subscribe; got == nil || !slices.Equal(got.Prefixes, []string{"/app/"}) || got.RetentionDays != 30 || got.Schedule != defaultSweep {
		t.Errorf("read %+v", got)
	}
}
