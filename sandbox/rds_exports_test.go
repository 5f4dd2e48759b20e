package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const exportsFunction = "log-archive-rds-exports"

// exportsWorld is a world with what an example stack declares; not one of its functions has run yet.
func exportsWorld(t *testing.T, stack string) *background {
	t.Helper()
	b := openBackground(t, t.TempDir())
	all := slices.DeleteFunc(stackResources(t, stack).all, func(o Object) bool { return o.Type == catalog.ProviderToken })
	if err := b.world.Put(all...); err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	shopARN   = partition.Place{Account: "111122223333", Region: "cn-north-1"}.ARN(partition.RDS, "db:shop").String()
	ledgerARN = partition.Place{Account: "111122223333", Region: "cn-north-1"}.ARN(partition.RDS, "cluster:ledger").String()
)

func exportsOf(t *testing.T, w *World, arn string) []string {
	t.Helper()
	o, ok := w.ByARN(arn)
	if !ok {
		t.Fatalf("there is no %s", arn)
	}
	return strs(o.State["enabledCloudwatchLogsExports"])
}

// invokeAll calls the function for every database of the stack, as the provider does at their creation.
func invokeAll(t *testing.T, w *World, action string) ([]string, error) {
	t.Helper()
	var answers []string
	for _, o := range w.List(catalog.Invocation) {
		f, ok := w.Get(catalog.Function, o.Place, o.Text("functionName"))
		if !ok {
			t.Fatalf("no function %s", o.Text("functionName"))
		}
		answer, err := w.callFunction(t.Context(), f, []byte(catalog.LifecycleInput(o.Text("input"), "", "tf", action)))
		if err != nil {
			return answers, err
		}
		answers = append(answers, string(answer))
	}
	return answers, nil
}

// TestExportsAreSwitchedOn runs the stack's function: exports on, drift by hand, the schedule that mends it.
func TestExportsAreSwitchedOn(t *testing.T) {
	t.Parallel()
	b := exportsWorld(t, "beijing")
	w := b.world
	if _, err := invokeAll(t, w, "create"); err != nil {
		t.Fatal(err)
	}
	if got := exportsOf(t, w, shopARN); !slices.Equal(got, []string{"error", "general", "slowquery"}) {
		t.Errorf("shop exports %v", got)
	}
	if got := exportsOf(t, w, ledgerARN); !slices.Equal(got, []string{"postgresql"}) {
		t.Errorf("ledger exports %v", got)
	}
	place := partition.Place{Account: "111122223333", Region: "cn-north-1"}
	if err := b.wait(time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := w.SwitchExports(place, "shop", nil, []string{"general"}); err != nil {
		t.Fatal(err)
	}
	if got := exportsOf(t, w, shopARN); slices.Contains(got, "general") {
		t.Errorf("not switched off: %v", got)
	}
	if err := b.wait(time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := exportsOf(t, w, shopARN); !slices.Contains(got, "general") {
		t.Errorf("not mended: %v", got)
	}
	log, err := os.ReadFile(filepath.Join(b.dir, functionLogs, string(place.Account), string(place.Region), exportsFunction+".log"))
	if err != nil || !strings.Contains(string(log), `"Mended":0`) || !strings.Contains(string(log), `"Mended":1`) {
		t.Errorf("the metrics don't show it: %v\n%s", err, log)
	}
	if _, err := invokeAll(t, w, "delete"); err != nil {
		t.Fatal(err)
	}
	if got := exportsOf(t, w, shopARN); len(got) != 3 {
		t.Errorf("onRemoval is keep, and %v is left", got)
	}
}

// TestExportsAreRestored: the stack global switches off what it has switched on, and not what was on before.
func TestExportsAreRestored(t *testing.T) {
	t.Parallel()
	w := exportsWorld(t, "global").world
	place := partition.Place{Account: "333344445555", Region: "us-east-1"}
	if err := w.SwitchExports(place, "catalog", []string{"error"}, nil); err != nil {
		t.Fatal(err)
	}
	arn := place.ARN(partition.RDS, "db:catalog").String()
	for action, want := range map[string][]string{"create": {"error", "slowquery"}} {
		if _, err := invokeAll(t, w, action); err != nil {
			t.Fatal(err)
		}
		if got := exportsOf(t, w, arn); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", action, got, want)
		}
	}
	if _, err := invokeAll(t, w, "delete"); err != nil {
		t.Fatal(err)
	}
	if got := exportsOf(t, w, arn); !slices.Equal(got, []string{"error"}) {
		t.Errorf("after the end: %v, want what was on before", got)
	}
}

// TestFindingsAreReported: parameters that the logs need, and that the database doesn't have.
func TestFindingsAreReported(t *testing.T) {
	t.Parallel()
	w := exportsWorld(t, "beijing").world
	if err := w.changeDatabase(shopARN, func(state resource.PropertyMap) {
		state[parametersProperty] = resource.NewPropertyValue(map[string]any{"slow_query_log": "0", "log_output": "FILE", "general_log": "1"})
	}); err != nil {
		t.Fatal(err)
	}
	answers, err := invokeAll(t, w, "create")
	if err != nil || !strings.Contains(strings.Join(answers, ""), `"setting":"slow_query_log"`) {
		t.Errorf("%v, %v", answers, err)
	}
}

// TestEveryStatementOfTheExporterIsNeeded takes each statement of the function's policy away in turn. What the function can't do
// without is refused by AWS's code, and the error says which action.
func TestEveryStatementOfTheExporterIsNeeded(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"SwitchOnInstances": "rds:DescribeDBInstances", "ReadParameters": "rds:DescribeDBParameters", "SwitchOnClusters": "rds:DescribeDBClusters",
		"ReadClusterParameters": "rds:DescribeDBClusterParameters", "RememberInTag": "rds:AddTagsToResource",
		"WriteOwnLogs": "", "ReadOptions": "", // logs are lost without the first; the example's databases export no audit log
	}
	seen := 0
	for sid, action := range want {
		w := exportsWorld(t, "beijing").world
		for _, o := range w.List(rolePolicyToken) {
			if !strings.HasPrefix(o.Text("role"), exportsFunction) {
				continue
			}
			doc, err := policy.Parse([]byte(o.Text("policy")))
			if err != nil {
				t.Fatal(err)
			}
			before := len(doc.Statements)
			doc.Statements = slices.DeleteFunc(doc.Statements, func(s policy.Statement) bool { return s.Sid == sid })
			if len(doc.Statements) != before-1 {
				t.Fatalf("there is no statement %s", sid)
			}
			seen = before
			changed := o
			changed.State = o.State.Copy()
			changed.State["policy"] = resource.NewStringProperty(doc.JSON())
			if err := w.change(func() (*change, error) { return &change{Put: []*Object{&changed}}, nil }); err != nil {
				t.Fatal(err)
			}
		}
		_, err := invokeAll(t, w, "create")
		switch {
		case action == "" && err != nil:
			t.Errorf("without %s: %v", sid, err)
		case action != "" && (err == nil || !strings.Contains(err.Error(), action) || !strings.Contains(err.Error(), "AccessDenied")):
			t.Errorf("without %s: %v, want a refusal of %s", sid, err, action)
		}
	}
	if seen != len(want) {
		t.Errorf("the policy has %d statements, the test knows %d", seen, len(want))
	}
}

// TestTheScheduleNeedsItsPermission takes the function's permission away.
func TestTheScheduleNeedsItsPermission(t *testing.T) {
	t.Parallel()
	b := exportsWorld(t, "beijing")
	if err := b.world.change(func() (*change, error) {
		c := &change{}
		for _, o := range b.world.types[permissionToken] {
			if o.Text("function") == exportsFunction {
				c.Delete = append(c.Delete, keyOf(o))
			}
		}
		return c, nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.wait(time.Hour); err == nil || !strings.Contains(err.Error(), exportsFunction) {
		t.Errorf("%v", err)
	}
}
