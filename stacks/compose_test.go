package stacks

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
)

// record returns what a configuration declares.
func record(t testing.TB, stack string, config map[string]string) *graph.Graph {
	t.Helper()
	g, err := graph.Record(context.Background(), graph.Options{Project: Namespace, Stack: stack, Config: config}, Run)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// example returns what an example stack declares, and its spec.
func example(t testing.TB, stack string) (*graph.Graph, *Spec) {
	t.Helper()
	config, err := LoadConfig("..", stack)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ParseSpec(stack, config)
	if err != nil {
		t.Fatal(err)
	}
	return record(t, stack, config), spec
}

var exampleStacks = []string{"beijing", "global"}

// Every resource acts where it belongs, by a provider of the program, whatever aws:region says.
func TestEveryResourceHasAProviderOfItsPlace(t *testing.T) {
	t.Parallel()
	for _, stack := range exampleStacks {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			g, spec := example(t, stack)
			places := map[string]partition.Place{"home": spec.Home, "backup": spec.Backup, "archive": spec.Archive, "landing": spec.LandingPlace()}
			want := []string{"archive", "backup", "home", "landing"}
			if r := spec.Replica; r != nil {
				places["replica"] = r.Place
				want = append(want, "replica")
			}
			for _, a := range spec.Accounts {
				name := "account-" + string(a.Stack.Home.Account)
				places[name] = a.Stack.Home
				want = append(want, name)
			}
			if slices.ContainsFunc(spec.Accounts, func(a AccountSpec) bool { return a.Way == ViaDestination }) {
				places["central"] = partition.Place{Account: spec.Archive.Account, Region: spec.Home.Region}
				want = append(want, "central")
			}
			slices.Sort(want)
			var names []string
			for _, p := range g.Providers() {
				names = append(names, p.Name)
				if p.Place != places[p.Name] {
					t.Errorf("provider %s acts at %s, want %s", p.Name, p.Place, places[p.Name])
				}
			}
			if diff := cmp.Diff(want, names); diff != "" {
				t.Error(diff)
			}
			seen := map[string]int{}
			for _, r := range g.Resources {
				if !r.Custom || r.IsProvider() {
					continue
				}
				provider, ok := g.Get(r.Provider)
				if !ok {
					t.Errorf("%s has no provider of the program: %q", r.URN, r.Provider)
					continue
				}
				want := "home"
				parent, _ := g.Get(r.Parent)
				account, _, further := strings.Cut(r.Name, ":")
				switch {
				case further && account == "central":
					want = account
				case further:
					want = "account-" + account
				case parent != nil && (parent.Name == "landing-alarms" || parent.Name == "path-landing-replica"):
					want = "landing"
				case parent != nil && slices.Contains([]string{"archive-alarms", "path-archive", "path-siem", "path-replica"}, parent.Name), r.Name == "archive-dashboard":
					want = "archive"
				case parent != nil && parent.Name == "replica":
					if want = "replica"; parent.Type == "logarchive:index:BucketReplication" {
						want = "archive"
					}
				case parent != nil && slices.Contains([]string{"archive", "landing", "archive-access", "landing-access"}, parent.Name):
					want = strings.TrimSuffix(parent.Name, "-access")
				case parent != nil && slices.Contains([]string{"siem", "queries"}, parent.Name):
					want = "archive"
				case parent != nil && parent.Name == "backup" && strings.HasPrefix(r.Name, "backup-copy"),
					parent != nil && parent.Name == "database-backups":
					want = "backup"
				}
				if provider.Name != want || r.Place != places[want] {
					t.Errorf("%s acts as %s at %s, want %s", r.URN, provider.Name, r.Place, want)
				}
				seen[provider.Name]++
			}
			if len(seen) != len(places) {
				t.Errorf("not all providers are used: %v", seen)
			}
		})
	}
}

// The providers of the archive's account assume the role with the external id; the others assume nothing.
func TestProviders(t *testing.T) {
	t.Parallel()
	g, spec := example(t, "beijing")
	for _, p := range g.Providers() {
		role, assumes := p.Inputs["assumeRole"]
		if assumes == (p.Name == "home" || p.Name == "backup") {
			t.Errorf("provider %s: assumeRole %v", p.Name, role)
		}
		tags := p.Inputs["defaultTags"].ObjectValue()["tags"].ObjectValue()
		if tags[StackTag].StringValue() != "beijing" || tags["team"].StringValue() != "security" || len(tags) != len(spec.Tags)+1 {
			t.Errorf("provider %s: tags %v", p.Name, tags)
		}
		if ids := p.Inputs["allowedAccountIds"].ArrayValue(); len(ids) != 1 || ids[0].StringValue() != string(p.Place.Account) {
			t.Errorf("provider %s: allowed accounts %v", p.Name, ids)
		}
	}
	archive, _ := g.Find("pulumi:providers:aws", "archive")
	want := resource.NewPropertyMapFromMap(map[string]any{
		"roleArn": spec.ArchiveRole.String(), "externalId": spec.ExternalID, "sessionName": "log-archive",
	})
	if got := archive.Inputs["assumeRole"].ObjectValue(); !got.DeepEquals(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Everything that a line meets on its way is there before the first one starts: filters wait for the stream, for what
// the stream may do, and for the bucket policy; flow logs without a stream wait for the bucket policy.
func TestSourcesWaitForTheWholeWay(t *testing.T) {
	t.Parallel()
	for _, stack := range exampleStacks {
		g, _ := example(t, stack)
		waits := func(r *graph.Resource) map[string]bool {
			types, todo := map[string]bool{}, []string{r.URN}
			for seen := map[string]bool{}; len(todo) > 0; todo = todo[1:] {
				at, ok := g.Get(todo[0])
				if !ok || seen[at.URN] {
					continue
				}
				seen[at.URN] = true
				types[at.Type] = true
				todo = append(todo, at.Dependencies...)
			}
			return types
		}
		count := 0
		for _, r := range g.Resources {
			var want []string
			switch r.Type {
			case "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter":
				want = []string{"aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy", "aws:s3/bucketPolicy:BucketPolicy", "aws:kms/key:Key"}
			case "aws:ec2/flowLog:FlowLog":
				want = []string{"aws:s3/bucketPolicy:BucketPolicy", "aws:kms/key:Key"}
			}
			for _, token := range want {
				count++
				if !waits(r)[token] {
					t.Errorf("%s doesn't wait for a %s", r.URN, token)
				}
			}
		}
		if count == 0 {
			t.Error("nothing was looked at")
		}
	}
}

// The bucket policy lets in exactly the streams that are there, and the flow log service only if some flow log needs it.
func TestDeliveriesAreThoseOfTheSources(t *testing.T) {
	t.Parallel()
	policy := func(d document) (string, []string) {
		g := record(t, "x", d.engine(t))
		p := g.ByType("aws:s3/bucketPolicy:BucketPolicy")
		var streams []string
		for _, s := range g.ByType("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream") {
			streams = append(streams, s.Name)
		}
		return p[0].Inputs["policy"].StringValue(), streams
	}
	empty := parse(t, smallest)
	for _, test := range []struct {
		name     string
		d        document
		streams  []string
		in, note string
	}{
		{"nothing", empty, nil, "", "Deliver"},
		{"log group", empty.with(t, "logGroups[+].name", "/a"), []string{"logs"}, "log-archive-logs-delivery", "delivery.logs"},
		{"flow log to S3", empty.with(t, "flowLogs[+]", map[string]any{"name": "a", "vpcId": "vpc-00000000", "method": "s3"}), nil, "/flow-logs-direct/*AWSLogs/*111122223333/*", "-delivery-"},
		{"flow log to S3, Hive", empty.with(t, "flowLogs[+]", map[string]any{"name": "a", "vpcId": "vpc-00000000", "method": "s3", "hivePartitions": true}), nil, "/flow-logs-direct/*AWSLogs/*111122223333/*", "-delivery-"},
		{"flow log to Firehose", empty.with(t, "flowLogs[+]", map[string]any{"name": "a", "vpcId": "vpc-00000000", "method": "firehose"}), []string{"flow-logs"}, "/flow-logs/account=111122223333/region=cn-north-1/", "delivery.logs"},
		{"database", empty.with(t, "databases[+]", map[string]any{"identifier": "a", "engine": "mysql", "logTypes": list("error")}), []string{"databases"}, "/errors/databases/account=111122223333/region=cn-north-1/", "delivery.logs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text, streams := policy(test.d)
			if diff := cmp.Diff(test.streams, streams); diff != "" {
				t.Error(diff)
			}
			if !strings.Contains(text, test.in) || strings.Contains(text, test.note) {
				t.Errorf("want %q and no %q in\n%s", test.in, test.note, text)
			}
		})
	}
}

// The names of log groups that the checks and the table of sources work with are those that the components use.
func TestLogGroupsAreCalledAsTheSpecSays(t *testing.T) {
	t.Parallel()
	for _, stack := range exampleStacks {
		g, spec := example(t, stack)
		var want, got []string
		for _, s := range spec.Sources() {
			if s.LogGroup != "" {
				want = append(want, s.LogGroup)
			}
		}
		for _, filter := range g.ByType("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter") {
			got = append(got, filter.Inputs["logGroup"].StringValue())
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(slices.Compact(want), slices.Compact(got)); diff != "" { // several files, and several accounts, have one log group
			t.Error(diff)
		}
		for _, class := range spec.classes() {
			group, ok := g.Find("aws:cloudwatch/logGroup:LogGroup", string(class)+"-errors")
			if !ok || group.Inputs["name"].StringValue() != spec.ErrorLogGroup(class) {
				t.Errorf("errors of %s: want log group %s, got %v", class, spec.ErrorLogGroup(class), group)
			}
		}
	}
}

// What holds logs stays when the stack goes.
func TestStatefulResourcesAreKept(t *testing.T) {
	t.Parallel()
	g, spec := example(t, "beijing")
	var kept []string
	for _, r := range g.Resources {
		if r.Protect && r.RetainOnDelete {
			kept = append(kept, r.Name)
		}
	}
	want := []string{"archive", "archive-key", "backup", "backup-copy", "backup-copy-key", "backup-key"}
	for _, group := range spec.LogGroups {
		if group.Create {
			want = append(want, group.Name)
		}
	}
	for _, name := range want {
		if !slices.Contains(kept, name) {
			t.Errorf("%s isn't kept: %q", name, kept)
		}
	}
}

// growth returns how many resources of providers an addition costs, by type.
func growth(t *testing.T, before, after document) map[string]int {
	t.Helper()
	count := func(d document) map[string]int {
		n := map[string]int{}
		for _, r := range record(t, "x", d.engine(t)).Resources {
			if r.Custom {
				n[r.Type[strings.LastIndexByte(r.Type, ':')+1:]]++
			}
		}
		return n
	}
	more := count(after)
	for token, n := range count(before) {
		if more[token] -= n; more[token] == 0 {
			delete(more, token)
		}
	}
	return more
}

// Streams, roles and buckets are shared: a further source costs one resource, besides the log group that it is.
func TestASourceCostsAtMostOneResource(t *testing.T) {
	t.Parallel()
	d := parse(t, whole)
	for _, test := range []struct {
		name, path string
		value      any
		want       map[string]int
	}{
		{"log group", "logGroups[+]", map[string]any{"name": "/c"}, map[string]int{"LogSubscriptionFilter": 1}},
		{"created log group", "logGroups[+]", map[string]any{"name": "/c", "create": true}, map[string]int{"LogSubscriptionFilter": 1, "LogGroup": 1}},
		{"flow log to S3", "flowLogs[+]", map[string]any{"name": "c", "vpcId": "vpc-00000000", "method": "s3"}, map[string]int{"FlowLog": 1}},
		{"flow log that lands", "flowLogs[+]", map[string]any{"name": "c", "vpcId": "vpc-00000000"}, map[string]int{"FlowLog": 1}},
		{"flow log by Firehose", "flowLogs[+]", map[string]any{"name": "c", "vpcId": "vpc-00000000", "method": "firehose"}, map[string]int{"FlowLog": 1, "LogGroup": 1, "LogSubscriptionFilter": 1}},
		{"log of a database", "databases[0].logTypes[+]", "general", map[string]int{"LogSubscriptionFilter": 1, "LogGroup": 1}},
		{"log of a database that exports", "databases[1].logTypes[+]", "error", map[string]int{"LogSubscriptionFilter": 1}},
		{"tag of a selection", "backup.selection.tags[+]", map[string]any{"key": "a", "value": "b"}, map[string]int{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, growth(t, d, d.with(t, test.path, test.value))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// many returns the smallest configuration with n log groups, flow logs and databases more.
func many(t testing.TB, n int) map[string]string {
	t.Helper()
	groups, flowLogs, databases := []map[string]any{}, []map[string]any{}, []map[string]any{}
	for i := range n {
		switch i % 4 {
		case 0, 1:
			groups = append(groups, map[string]any{"name": fmt.Sprintf("/app/%d", i)})
		case 2:
			flowLogs = append(flowLogs, map[string]any{"name": fmt.Sprintf("vpc-%d", i), "vpcId": fmt.Sprintf("vpc-%017x", i)})
		case 3:
			databases = append(databases, map[string]any{"identifier": fmt.Sprintf("db-%d", i), "engine": "mysql", "logTypes": list("error")})
		}
	}
	d := parse(t, smallest)
	d["logGroups"], d["flowLogs"], d["databases"] = groups, flowLogs, databases
	d["landing"] = map[string]any{"bucket": "example-landing"}
	return d.engine(t)
}

// Reading and composing 1,000 sources takes twice what 500 take. Bytes are counted instead of seconds, which depend on
// what else the machine does: whatever is quadratic here allocates.
func TestManySourcesAreLinear(t *testing.T) {
	bytes := func(n int) float64 {
		config := many(t, n)
		least := 0.0
		for range 2 {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			g := record(t, "x", config)
			runtime.ReadMemStats(&after)
			if used := float64(after.TotalAlloc - before.TotalAlloc); least == 0 || used < least {
				least = used
			}
			if len(g.Resources) < n {
				t.Fatalf("%d resources of %d sources", len(g.Resources), n)
			}
		}
		return least
	}
	half, all := bytes(500), bytes(1000)
	t.Logf("500 sources: %.1f MB, 1000: %.1f MB", half/1e6, all/1e6)
	if all > 2.4*half {
		t.Errorf("twice the sources take %.2f times the memory", all/half)
	}
}

func BenchmarkParseSpec(b *testing.B) {
	config := many(b, 1000)
	for b.Loop() {
		if _, err := ParseSpec("x", config); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompose(b *testing.B) {
	for _, n := range []int{0, 250, 500, 1000} {
		config := many(b, n)
		b.Run(fmt.Sprintf("%d-sources", n), func(b *testing.B) {
			for b.Loop() {
				record(b, "x", config)
			}
		})
	}
}

func BenchmarkBeijing(b *testing.B) {
	config, err := LoadConfig("..", "beijing")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		record(b, "beijing", config)
	}
}

func TestSourcesAreAStackOutput(t *testing.T) {
	t.Parallel()
	for stack, want := range map[string][]string{
		"beijing": {pathAccess, pathDatabase, throughDestination(pathDatabase), pathInstance, pathSyslog, pathLogGroup, throughDestination(pathLogGroup), pathS3, pathLanding, pathFlowLog, pathTrail, pathTrailCopy, pathConfig, pathFindingsLanding},
		"global":  {pathAccess, pathDatabase, pathInstance, pathSyslog, pathLogGroup, pathS3, pathLanding, pathDirect, pathFlowLog, pathTrail, pathConfig, pathFindings, pathQueryLogs},
	} {
		g, spec := example(t, stack)
		ways := map[string]bool{}
		for _, s := range spec.Sources() {
			ways[s.Path] = true
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, sortedKeys(ways)); diff != "" {
			t.Errorf("%s doesn't show every way: %s", stack, diff)
		}
		table := g.Outputs["sources"].ObjectValue()
		if len(table) != len(spec.Sources()) {
			t.Errorf("%d sources in the output, want %d", len(table), len(spec.Sources()))
		}
	}
	g, _ := example(t, "beijing")
	for source, want := range map[resource.PropertyKey]string{
		"vpc vpc-0a1b2c3d4e5f60718":             "flow log > landing bucket > bucket, below flow-logs-direct/parquet/",
		"subnet subnet-0f1e2d3c4b5a69788":       "flow log > log group > firehose > bucket, below flow-logs/account=111122223333/region=cn-north-1/",
		"log-group /aws/lambda/orders-api":      "log group > firehose > bucket, below logs/account=111122223333/region=cn-north-1/",
		"rds-instance shop/slowquery":           "database > log group > firehose > bucket, below databases/account=111122223333/region=cn-north-1/",
		"rds-cluster ledger/postgresql":         "database > log group > firehose > bucket, below databases/account=111122223333/region=cn-north-1/",
		"transit-gateway tgw-0fedcba9876543210": "flow log > landing bucket > bucket, below flow-logs-direct/parquet/",
	} {
		if got := g.Outputs["sources"].ObjectValue()[source]; !got.IsString() || got.StringValue() != want {
			t.Errorf("%s: got %v, want %s", source, got, want)
		}
	}
}

func TestExternals(t *testing.T) {
	t.Parallel()
	spec, err := ParseSpec("x", parse(t, whole).with(t, "backup.selection.arns", list(
		beijing.ARN(partition.RDS, "db:other").String(), beijing.ARN(partition.RDS, "db:shop").String(), beijing.ARN(partition.RDS, "db:*").String(),
	)).engine(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range spec.Externals() {
		got = append(got, fmt.Sprint(strings.TrimPrefix(e.Key, "log-archive:"), " ", e.Kind, " ", e.ID, " ", e.Place, " ", e.Attributes))
	}
	want := []string{
		"archive.role role ops/Deployer 222233334444/cn-northwest-1 map[externalId:some-id]",
		"flowLogs[0] vpc vpc-0a1b2c3d4e5f60718 111122223333/cn-north-1 map[]",
		"flowLogs[1] subnet subnet-0a1b2c3d 111122223333/cn-north-1 map[]",
		"flowLogs[2] eni eni-0a1b2c3d4e5f60718 111122223333/cn-north-1 map[]",
		"flowLogs[3] transit-gateway tgw-0a1b2c3d4e5f60718 111122223333/cn-north-1 map[]",
		"logGroups[0] log-group /aws/lambda/a 111122223333/cn-north-1 map[]",
		"databases[0] rds-instance shop 111122223333/cn-north-1 map[engine:mysql logTypes:error,slowquery]",
		"databases[1] rds-cluster shop 111122223333/cn-north-1 map[engine:aurora-mysql logTypes:audit]",
		"databases[1] log-group /aws/rds/cluster/shop/audit 111122223333/cn-north-1 map[]",
		"databases[2] rds-cluster base 111122223333/cn-north-1 map[engine:postgres logTypes:postgresql]",
		"instances[0] instance i-0150c2ec0897ecfab 111122223333/cn-north-1 map[iamInstanceProfile:archive-instances-web-cn-north-1 tags:Logs=yes]",
		"syslog vpc vpc-0a1b2c3d 111122223333/cn-north-1 map[]",
		"syslog subnet subnet-0a1b2c3d 111122223333/cn-north-1 map[]",
		"syslog subnet subnet-0a1b2c3e 111122223333/cn-north-1 map[]",
		"backup.selection.arns[0] rds-instance other 111122223333/cn-north-1 map[]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Names that only a careless concatenation would make the same.
func TestNamesThatAreAlike(t *testing.T) {
	t.Parallel()
	d := parse(t, smallest)
	for _, db := range []map[string]any{
		{"identifier": "shop", "engine": "mysql", "logTypes": list("iam-db-auth-error", "error")},
		{"identifier": "shop-iam-db-auth", "engine": "mysql", "logTypes": list("error")},
		{"identifier": "shop", "engine": "aurora-mysql", "logTypes": list("error")},
		{"identifier": "shop-cluster", "engine": "mysql", "logTypes": list("error")},
	} {
		d = d.with(t, "databases[+]", db)
	}
	for _, name := range []string{"archive", "backup", "logs", "flow-logs", "flow-log-groups", "a", "a-errors", "home"} {
		d = d.with(t, "flowLogs[+]", map[string]any{"name": name, "vpcId": fmt.Sprintf("vpc-%08x", len(d.engine(t)["log-archive:flowLogs"])), "method": "firehose"})
	}
	for _, name := range []string{"a", "a/b", "a-b", "a.b", "a_b", "A", "/a", "a-errors", "logs"} {
		d = d.with(t, "logGroups[+]", map[string]any{"name": name, "create": true})
	}
	g := record(t, "x", d.engine(t))
	urns := map[string]bool{}
	for _, r := range g.Resources {
		if urns[r.URN] {
			t.Errorf("%s is there twice", r.URN)
		}
		urns[r.URN] = true
	}
	if n := len(g.ByType("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter")); n != 5+8+9 {
		t.Errorf("%d filters", n)
	}
	if n := len(g.ByType("aws:cloudwatch/logGroup:LogGroup")); n != 5+8+9+3+1 { // the last ones are the streams' errors and the transform function's log
		t.Errorf("%d log groups", n)
	}
}
