package graph_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/sig"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
)

// deployed is a recorded graph as the state that the engine would have after deploying it.
func deployed(t *testing.T, g *graph.Graph) []byte {
	t.Helper()
	stack := map[string]any{"urn": fmt.Sprintf("urn:pulumi:%s::%s::pulumi:pulumi:Stack::%s-%s", g.Stack, g.Project, g.Project, g.Stack), "type": "pulumi:pulumi:Stack", "custom": false}
	resources := []any{stack}
	for _, r := range g.Resources {
		state := map[string]any{
			"urn": r.URN, "type": r.Type, "custom": r.Custom, "id": r.ID, "parent": r.Parent, "inputs": r.Inputs.Mappable(), "outputs": r.Outputs.Mappable(),
			"dependencies": r.Dependencies, "propertyDependencies": r.PropertyDependencies, "protect": r.Protect, "retainOnDelete": r.RetainOnDelete,
			"created": "2026-11-21T03:00:00Z", "sourcePosition": "project:///main.go#12",
		}
		if r.Provider != "" {
			state["provider"] = r.Provider + "::0f7c2c1e-5a0e-4f43-9a43-2b7f6f1f9f60"
		}
		if r.IsProvider() {
			// The engine keeps nested inputs of providers as JSON text.
			inputs := map[string]any{}
			for k, v := range r.Inputs.Mappable() {
				if _, isText := v.(string); !isText {
					text, err := json.Marshal(v)
					if err != nil {
						t.Fatal(err)
					}
					v = string(text)
				}
				inputs[k] = v
			}
			state["inputs"] = inputs
		}
		resources = append(resources, state)
	}
	return exportOf(t, resources...)
}

func exportOf(t *testing.T, resources ...any) []byte {
	t.Helper()
	data, err := json.Marshal(map[string]any{"version": 3, "deployment": map[string]any{
		"manifest":          map[string]any{"time": "2026-11-21T03:00:00Z", "magic": "", "version": "v3.226.0"},
		"secrets_providers": map[string]any{"type": "passphrase"},
		"resources":         resources, "metadata": map[string]any{},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestAnExportIsTheRecordingAgain exports what was recorded, and reads it again.
func TestAnExportIsTheRecordingAgain(t *testing.T) {
	t.Parallel()
	want := record(t, sources(3))
	got, err := graph.FromExport(deployed(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if got.Project != want.Project || got.Stack != want.Stack || len(got.Resources) != len(want.Resources) {
		t.Fatalf("%s/%s with %d resources, want %s/%s with %d", got.Project, got.Stack, len(got.Resources), want.Project, want.Stack, len(want.Resources))
	}
	for i, w := range want.Resources {
		r := got.Resources[i]
		ignored := []string{"IgnoreChanges", "AdditionalSecretOutputs", "Aliases"} // nil or empty
		if r.IsProvider() {
			ignored = append(ignored, "Inputs")
		}
		if diff := cmp.Diff(w, r, cmpopts.IgnoreFields(graph.Resource{}, ignored...), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-recorded +exported):\n%s", w.URN, diff)
		}
		if found, ok := got.Get(w.URN); !ok || found != r {
			t.Errorf("Get(%s) doesn't find it", w.URN)
		}
	}
}

const (
	stackURN  = "urn:pulumi:prod::shop::"
	brokerURN = stackURN + "pulumi:providers:aws::default_6_83_0"
)

// broker is a provider instance that the engine made by itself, with what the configuration gave it.
func broker(inputs map[string]any) map[string]any {
	return map[string]any{"urn": brokerURN, "type": "pulumi:providers:aws", "custom": true, "id": "11111111-2222-3333-4444-555555555555", "inputs": inputs, "outputs": inputs}
}

func logGroup(name, arn string) map[string]any {
	return map[string]any{
		"urn": stackURN + "aws:cloudwatch/logGroup:LogGroup::" + name, "type": "aws:cloudwatch/logGroup:LogGroup", "custom": true, "id": name,
		"provider": brokerURN + "::11111111-2222-3333-4444-555555555555", "inputs": map[string]any{"name": name}, "outputs": map[string]any{"name": name, "arn": arn},
	}
}

var virginia = partition.Place{Account: "111122223333", Region: "us-east-1"}

func TestPlacesOfExportedProviders(t *testing.T) {
	t.Parallel()
	arn := func(account, region string) string {
		return strings.NewReplacer(string(virginia.Account), account, string(virginia.Region), region).Replace(virginia.LogGroupARN("/app").String())
	}
	account, region := string(virginia.Account), string(virginia.Region)
	ciphertext := map[string]any{sig.Key: sig.Secret, "ciphertext": "v1:AAAA"}
	for _, test := range []struct {
		name   string
		inputs map[string]any
		arns   []string
		want   partition.Place
		err    string
	}{
		{"inputs say both", map[string]any{"region": region, "allowedAccountIds": `["` + account + `"]`}, []string{""}, virginia, ""},
		{"a role says the account", map[string]any{"region": region, "assumeRole": `{"roleArn":"` + virginia.RoleARN("deploy").String() + `"}`}, []string{""}, virginia, ""},
		{"ARNs say the account", map[string]any{"region": region, "version": "6.83.0"}, []string{arn(account, region), ""}, virginia, ""},
		{"ARNs say both", map[string]any{"version": "6.83.0"}, []string{arn(account, region), arn(account, region)}, virginia, ""},
		{"the role is encrypted", map[string]any{"region": region, "assumeRole": ciphertext}, []string{arn(account, region)}, virginia, ""},
		{"a secret region", map[string]any{"region": map[string]any{sig.Key: sig.Secret, "plaintext": `"` + region + `"`}, "allowedAccountIds": `["` + account + `"]`}, []string{""}, virginia, ""},
		{"nobody says the account", map[string]any{"region": region}, []string{""}, partition.Place{}, `provider "default_6_83_0" (` + brokerURN + `): allowedAccountIds: 0 accounts and no assumeRole: exactly one says where the provider acts; and the ARNs of its 1 resources name no account and no region`},
		{"two accounts", map[string]any{"region": region}, []string{arn(account, region), arn("444455556666", region)}, partition.Place{}, "name accounts 111122223333, 444455556666 and region us-east-1"},
		{"no region", map[string]any{}, []string{arn(account, "us-east-1"), arn(account, "us-west-2")}, partition.Place{}, "regions us-east-1, us-west-2"},
		{"an unknown region", map[string]any{}, []string{arn(account, "mars-north-1")}, partition.Place{}, "name no account and no region"},
		{"nothing of it is left", map[string]any{"region": region}, nil, partition.Place{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			resources := []any{broker(test.inputs)}
			for i, arn := range test.arns {
				resources = append(resources, logGroup(fmt.Sprintf("group-%d", i), arn))
			}
			g, err := graph.FromExport(exportOf(t, resources...))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("got %v, want an error with %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range g.Resources {
				if r.Place != test.want {
					t.Errorf("%s is at %v, want %v", r.URN, r.Place, test.want)
				}
			}
		})
	}
}

func TestValuesOfAnExport(t *testing.T) {
	t.Parallel()
	unknown := resource.MakeSecret(resource.MakeComputed(resource.NewStringProperty("")))
	special := func(kind string, more map[string]any) map[string]any {
		more[sig.Key] = kind
		return more
	}
	for _, test := range []struct {
		name  string
		value any
		want  resource.PropertyValue
		err   string
	}{
		{"null", nil, resource.NewNullProperty(), ""},
		{"nested", map[string]any{"a": []any{1.5, true, "x"}}, resource.NewObjectProperty(resource.PropertyMap{"a": resource.NewArrayProperty([]resource.PropertyValue{
			resource.NewNumberProperty(1.5), resource.NewBoolProperty(true), resource.NewStringProperty("x")})}), ""},
		{"encrypted", special(sig.Secret, map[string]any{"ciphertext": "v1:AAAA"}), unknown, ""},
		{"decrypted", special(sig.Secret, map[string]any{"plaintext": `{"a":["b"]}`}), resource.MakeSecret(resource.NewObjectProperty(resource.PropertyMap{
			"a": resource.NewArrayProperty([]resource.PropertyValue{resource.NewStringProperty("b")})})), ""},
		{"a secret in a secret", special(sig.Secret, map[string]any{"plaintext": `{"` + sig.Key + `":"` + sig.Secret + `","ciphertext":"x"}`}), resource.MakeSecret(unknown), ""},
		{"a secret that isn't JSON", special(sig.Secret, map[string]any{"plaintext": `{`}), resource.PropertyValue{}, "the plaintext of a secret isn't JSON"},
		{"an output value", special(sig.OutputValue, map[string]any{"value": "x", "secret": true}), resource.MakeSecret(resource.NewStringProperty("x")), ""},
		{"a resource", special(sig.ResourceReference, map[string]any{"urn": stackURN + "a:b:C::d", "id": "i"}), resource.MakeCustomResourceReference(stackURN+"a:b:C::d", "i", ""), ""},
		{"an unknown signature", special("nonsense", map[string]any{}), resource.PropertyValue{}, `value: [0]: signature "nonsense" isn't known`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := map[string]any{"urn": stackURN + "test:index:Thing::thing", "type": "test:index:Thing", "custom": true, "id": "x", "inputs": map[string]any{"value": []any{test.value}}}
			g, err := graph.FromExport(exportOf(t, r))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("got %v, want an error with %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := g.Resources[0].Inputs["value"].ArrayValue()[0]; !got.DeepEquals(test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	asset := special(sig.AssetSig, map[string]any{"hash": "ab", "text": "hello"})
	archive := special(sig.ArchiveSig, map[string]any{"hash": "cd", "path": "./function.zip"})
	r := map[string]any{"urn": stackURN + "test:index:Thing::thing", "type": "test:index:Thing", "custom": true, "id": "x", "inputs": map[string]any{"asset": asset, "archive": archive}}
	g, err := graph.FromExport(exportOf(t, r))
	if err != nil {
		t.Fatal(err)
	}
	if in := g.Resources[0].Inputs; in["asset"].AssetValue().Text != "hello" || in["archive"].ArchiveValue().Path != "./function.zip" {
		t.Errorf("asset and archive are %v", in)
	}
}

func TestWhatIsOnItsWayOutIsLeftOut(t *testing.T) {
	t.Parallel()
	region := map[string]any{"region": "us-east-1", "allowedAccountIds": `["111122223333"]`}
	old, replaced, kept := logGroup("same", ""), logGroup("gone", ""), logGroup("same", "")
	old["delete"], replaced["pendingReplacement"], kept["id"] = true, true, "new"
	g, err := graph.FromExport(exportOf(t, broker(region), old, replaced, kept))
	if err != nil {
		t.Fatal(err)
	}
	if groups := g.ByType(catalog.LogGroup); len(groups) != 1 || groups[0].ID != "new" {
		t.Errorf("the graph has %v, want the new one only", groups)
	}
}

func TestWhatIsNoExport(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, data, want string }{
		{"text", `hello`, "this isn't the export of a stack"},
		{"another version", `{"version":2,"deployment":{"resources":[]}}`, "the export has version 2; want 3 or 4"},
		{"no version", `{}`, "the export has version 0"},
		{"no URN", `{"version":3,"deployment":{"resources":[{"urn":"x"}]}}`, `the URN "x", which isn't one`},
		{"twice", `{"version":3,"deployment":{"resources":[{"urn":"` + brokerURN + `"},{"urn":"` + brokerURN + `"}]}}`, "twice"},
		{"a bad output", `{"version":3,"deployment":{"resources":[{"urn":"` + brokerURN + `","outputs":{"a":{"` + sig.Key + `":"z"}}}]}}`, "outputs: a: signature"},
	} {
		if _, err := graph.FromExport([]byte(test.data)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %s", test.name, err, test.want)
		}
	}
	for _, empty := range []string{`{"version":3,"deployment":null}`, `{"version":4,"deployment":{"manifest":{}}}`} {
		if g, err := graph.FromExport([]byte(empty)); err != nil || len(g.Resources) != 0 {
			t.Errorf("%s: %v, %v, want an empty graph", empty, g, err)
		}
	}
}

// FuzzFromExport reads whatever bytes there are without a panic.
func FuzzFromExport(f *testing.F) {
	f.Add([]byte(`{"version":3,"deployment":{"resources":[{"urn":"` + brokerURN + `","type":"pulumi:providers:aws","inputs":{"region":"us-east-1"}}]}}`))
	f.Add([]byte(`{"version":3,"deployment":{"resources":[{"urn":"` + stackURN + `pulumi:pulumi:Stack::s","outputs":{"a":{"` + sig.Key + `":"` + sig.Secret + `","plaintext":"1"}}}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if g, err := graph.FromExport(data); err == nil {
			g.Golden()
			g.Mermaid()
		}
	})
}
