package sandbox

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/stacks"
)

// stackResources is what a stack of the project declares, as AWS would have it, with what it refers to.
func stackResources(t testing.TB, stack string) *testResources {
	t.Helper()
	config, err := stacks.LoadConfig("..", stack)
	if err != nil {
		t.Fatal(err)
	}
	w, _ := configuredStack(t, stack, config)
	return w
}

// configuredStack is a stack of the project with this configuration.
func configuredStack(t testing.TB, stack string, config map[string]string) (*testResources, *stacks.Spec) {
	t.Helper()
	spec, err := stacks.ParseSpec(stack, config)
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := graph.Record(context.Background(), graph.Options{Project: "log-archive", Stack: stack, Config: config}, stacks.Program(spec))
	if err != nil {
		t.Fatal(err)
	}
	w := recordedResources(recorded)
	for _, e := range spec.Externals() {
		o, err := externalObject(e)
		if err != nil {
			t.Fatal(err)
		}
		w.all = append(w.all, *o)
	}
	return w, spec
}

// organizationResources is the global stack whose policies name an organisation instead of accounts.
func organizationResources(t testing.TB) *testResources {
	t.Helper()
	config, err := stacks.LoadConfig("..", "global")
	if err != nil {
		t.Fatal(err)
	}
	key := stacks.Namespace + ":archive"
	config[key] = strings.Replace(config[key], "{", `{"organizationId":"o-exampleorgid",`, 1)
	w, _ := configuredStack(t, "global", config)
	return w
}

// Roles of an account that the organisation doesn't have are refused, and the refusal says which condition fails.
func TestNoMemberOfTheOrganization(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := organizationResources(t)
	for i, o := range w.all {
		if o.Type == organizationToken {
			w.all[i].State["accounts"] = resource.NewPropertyValue([]any{"999999999999"})
		}
	}
	d := newTestDelivery(t, w)
	for _, s := range d.Sources() {
		if s.Kind != SourceLogGroup {
			continue
		}
		lines, err := d.Lines(s, "run", 5)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Send(ctx, s, lines); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Flush(ctx); err == nil || !strings.Contains(err.Error(), "aws:PrincipalOrgID") {
		t.Errorf("the streams aren't refused for want of an organisation: %v", err)
	}
}

// recordedResources is what a program declares, as AWS would have it.
func recordedResources(recorded *graph.Graph) *testResources {
	w := &testResources{}
	for _, r := range recorded.Resources {
		if r.Custom {
			w.all = append(w.all, Object{Type: r.Type, ID: r.ID, Place: r.Place, URN: r.URN, Inputs: r.Inputs, State: r.Outputs, Created: someTime})
		}
	}
	return w
}

// Every source of the project's own stacks reaches the archive: with the components' real policies, decided by the
// evaluator at every hop.
func TestOwnStacksDeliver(t *testing.T) {
	t.Parallel()
	for name, resources := range map[string]func() *testResources{
		"beijing":                 func() *testResources { return stackResources(t, "beijing") },
		"global":                  func() *testResources { return stackResources(t, "global") },
		"global, an organisation": func() *testResources { return organizationResources(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			d := newTestDelivery(t, resources())
			sources := d.Sources()
			kinds, sent := map[SourceKind]int{}, map[string][]string{}
			for _, s := range sources {
				kinds[s.Kind]++
				lines, err := d.Lines(s, "run", 50)
				if err != nil {
					t.Fatal(err)
				}
				sent[s.ID] = lines
				if receipt, err := d.Send(ctx, s, lines); err != nil || receipt.Selected != 50 {
					t.Errorf("%s\n%s\n%d lines selected, %v", s.ID, s.Path, receipt.Selected, err)
				}
			}
			if len(kinds) < 7 {
				t.Errorf("sources of kinds %v, want all of the stack", kinds)
			}
			if err := d.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			for _, s := range sources {
				got, refs, err := d.Find(ctx, s)
				if err != nil || !cmp.Equal(sent[s.ID], got) {
					t.Errorf("%s: %d lines in %d objects, %v", s.ID, len(got), len(refs), err)
				}
			}
		})
	}
}
