package sandbox

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/logarchive/logarchive/automation"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks"
	"github.com/logarchive/logarchive/stacks/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func TestAdopt(t *testing.T) {
	t.Parallel()
	w := openWorld(t, t.TempDir())
	externals := []stacks.External{
		{Kind: stacks.KindVPC, ID: "vpc-1", Place: beijing, Key: "flowLogs[0]"},
		{Kind: stacks.KindSubnet, ID: "subnet-1", Place: beijing, Key: "flowLogs[1]"},
		{Kind: stacks.KindENI, ID: "eni-1", Place: beijing, Key: "flowLogs[2]"},
		{Kind: stacks.KindTransitGateway, ID: "tgw-1", Place: beijing, Key: "flowLogs[3]"},
		{Kind: stacks.KindRDSInstance, ID: "orders", Place: beijing, Key: "databases[0]", Attributes: map[string]string{
			stacks.AttributeEngine: "mysql", stacks.AttributeLogTypes: "error,slowquery"}},
		{Kind: stacks.KindRDSCluster, ID: "events", Place: beijing, Key: "databases[1]"},
		{Kind: stacks.KindLogGroup, ID: "/app", Place: beijing, Key: "logGroups[0]"},
		{Kind: stacks.KindLogGroup, ID: "/app", Place: beijing, Key: "logGroups[1]"},
		{Kind: stacks.KindRole, ID: "ops/deployer", Place: archive, Key: "archive.role", Attributes: map[string]string{stacks.AttributeExternalID: "x"}},
		{Kind: stacks.KindRole, ID: "secret", Place: archive, Key: "archive.role", Attributes: map[string]string{stacks.AttributeExternalID: schema.Placeholder}},
	}
	for range 2 {
		if err := w.Adopt(externals); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(w.List("")); got != len(externals)-1 {
		t.Errorf("%d objects, want %d", got, len(externals)-1)
	}
	for _, arn := range []partition.ARN{
		beijing.ARN(partition.EC2, "vpc/vpc-1"), beijing.ARN(partition.EC2, "subnet/subnet-1"), beijing.ARN(partition.EC2, "network-interface/eni-1"),
		beijing.ARN(partition.EC2, "transit-gateway/tgw-1"), beijing.ARN(partition.RDS, "db:orders"), beijing.ARN(partition.RDS, "cluster:events"),
		beijing.LogGroupARN("/app"), archive.RoleARN("ops/deployer"),
	} {
		if o, ok := w.ByARN(arn.String()); !ok || !o.External {
			t.Errorf("%s is not there", arn)
		}
	}
	role, ok := w.Get(roleToken, archive, "deployer")
	if !ok || role.Text("path") != "/ops/" || role.Text("name") != "deployer" || role.Text("externalId") != "x" {
		t.Errorf("role: %v", role.State)
	}
	if encrypted, _ := w.Get(roleToken, archive, "secret"); encrypted.Text("externalId") != "" {
		t.Error("an encrypted external id is not one")
	}
	database, _ := w.ByARN(beijing.ARN(partition.RDS, "db:orders").String())
	if diff := cmp.Diff(resource.NewPropertyValue([]any{"error", "slowquery"}), database.State["enabledCloudwatchLogsExports"]); diff != "" {
		t.Error(diff)
	}

	before := w.journal.seq
	if err := w.Adopt(externals); err != nil || w.journal.seq != before {
		t.Errorf("taking over the same again: %v, %d new entries", err, w.journal.seq-before)
	}
	externals[4].Attributes = map[string]string{stacks.AttributeLogTypes: "error"}
	if err := w.Adopt(externals); err != nil {
		t.Fatal(err)
	}
	if database, _ = w.ByARN(database.ARN()); len(database.State["enabledCloudwatchLogsExports"].ArrayValue()) != 1 || database.Text("engine") != "mysql" {
		t.Errorf("changed: %v", database.State)
	}
}

func TestAdoptLeavesAStacksObjectsAlone(t *testing.T) {
	t.Parallel()
	w, s := start(t, Options{})
	m := s.at(t, beijing).mustCreate(logGroupToken, "g", properties("name", "/app", "retentionInDays", 7))
	if err := w.Adopt([]stacks.External{{Kind: stacks.KindLogGroup, ID: "/app", Place: beijing, Key: "k"}}); err != nil {
		t.Fatal(err)
	}
	if o, _ := w.Get(logGroupToken, beijing, "/app"); o.External || o.URN != string(m.urn) {
		t.Errorf("%+v", o)
	}
}

func TestAdoptNamesAllProblems(t *testing.T) {
	t.Parallel()
	w := openWorld(t, t.TempDir())
	err := w.Adopt([]stacks.External{
		{Kind: stacks.KindVPC, ID: "vpc-1", Place: beijing, Key: "good"},
		{Kind: "lake", ID: "x", Place: beijing, Key: "flowLogs[1]"},
		{Kind: stacks.KindVPC, Place: beijing, Key: "flowLogs[2]"},
	})
	for _, want := range []string{"flowLogs[1]", `"lake"`, "flowLogs[2]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
	if len(w.List("")) != 0 {
		t.Error("something was taken over all the same")
	}
}

func TestFinder(t *testing.T) {
	t.Parallel()
	w, s := start(t, Options{})
	c := s.at(t, beijing)
	m := c.mustCreate(keyToken, "k", resource.PropertyMap{
		"description": resource.MakeSecret(resource.NewPropertyValue("hidden")), "deletionWindowInDays": resource.NewPropertyValue(7.0),
		"tags": resource.NewPropertyValue(map[string]any{"a": "b"}),
	})
	stored := func(days float64) map[string]any {
		return map[string]any{
			"__defaults":           []any{},
			"description":          map[string]any{resource.SigKey: resource.SecretSig, "ciphertext": "v1:abc"},
			"deletionWindowInDays": days, "tags": map[string]any{"a": "b"}, "tagsAll": map[string]any{"a": "b", "stack": "test"},
		}
	}
	find := func(create automation.PendingCreate) string {
		var finder automation.Finder = w.Finder
		found, ok, err := finder(t.Context(), create)
		if err != nil || ok != (found.ID != "") {
			t.Errorf("%+v: %v, %v", create, ok, err)
		}
		return found.ID
	}
	urn := string(m.urn)
	for name, tc := range map[string]struct {
		create automation.PendingCreate
		want   string
	}{
		"made":         {automation.PendingCreate{URN: urn, Type: keyToken, Inputs: stored(7)}, string(m.id)},
		"other inputs": {automation.PendingCreate{URN: urn, Type: keyToken, Inputs: stored(30)}, ""},
		"other URN":    {automation.PendingCreate{URN: urn + "2", Type: keyToken, Inputs: stored(7)}, ""},
		"other type":   {automation.PendingCreate{URN: urn, Type: roleToken, Inputs: stored(7)}, ""},
		"fewer inputs": {automation.PendingCreate{URN: urn, Type: keyToken, Inputs: map[string]any{}}, ""},
	} {
		if got := find(tc.create); got != tc.want {
			t.Errorf("%s: found %q, want %q", name, got, tc.want)
		}
	}
	if err := c.delete(m); err != nil {
		t.Fatal(err)
	}
	if got := find(automation.PendingCreate{URN: urn, Type: keyToken, Inputs: stored(7)}); got != "" {
		t.Errorf("found %q, which is being deleted", got)
	}
}
