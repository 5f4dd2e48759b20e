package components_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// The places of the tests: a source account with two regions, and the log archive's account, in China and in aws.
var (
	home     = partition.Place{Account: "111122223333", Region: "cn-north-1"}
	second   = partition.Place{Account: "111122223333", Region: "cn-northwest-1"}
	archive  = partition.Place{Account: "444455556666", Region: "cn-northwest-1"}
	virginia = partition.Place{Account: "111122223333", Region: "us-east-1"}
	oregon   = partition.Place{Account: "444455556666", Region: "us-west-2"}
)

// program is a Pulumi program under test. Its providers are made when they are first asked for.
type program struct {
	ctx       *pulumi.Context
	providers map[partition.Place]*aws.Provider
}

func (p *program) provider(place partition.Place) *aws.Provider {
	if p.providers[place] == nil {
		made, err := aws.NewProvider(p.ctx, string(place.Account)+"-"+string(place.Region), &aws.ProviderArgs{
			Region:            pulumi.String(place.Region),
			AllowedAccountIds: pulumi.StringArray{pulumi.String(place.Account)},
		})
		if err != nil {
			panic(err) // the recorder makes an error of it
		}
		p.providers[place] = made
	}
	return p.providers[place]
}

func (p *program) at(place partition.Place) pulumi.ResourceOption {
	return pulumi.Providers(p.provider(place))
}

// record runs the program and checks what holds for whatever the components declare.
func record(t *testing.T, run func(p *program) error) *graph.Graph {
	t.Helper()
	g, err := tryRecord(t, run)
	if err != nil {
		t.Fatal(err)
	}
	urns := map[string]*graph.Resource{}
	for _, r := range g.Resources {
		urns[r.URN] = r
	}
	for _, r := range g.Resources {
		if r.IsProvider() {
			continue
		}
		if r.Custom && r.Provider == "" {
			t.Errorf("%s would use the default provider", r.URN)
		}
		if parent := urns[r.Parent]; r.Custom && (parent == nil || parent.Custom) {
			t.Errorf("%s has parent %q, want its component", r.URN, r.Parent)
		}
		for _, d := range r.Dependencies {
			if urns[d] == nil {
				t.Errorf("%s depends on %s, which isn't there", r.URN, d)
			}
		}
	}
	noCycles(t, urns)
	for _, f := range g.Failures() {
		t.Errorf("AWS would refuse it: %v", f)
	}
	return g
}

func tryRecord(t *testing.T, run func(p *program) error) (*graph.Graph, error) {
	t.Helper()
	return graph.Record(t.Context(), graph.Options{Project: "test", Stack: "test"}, func(ctx *pulumi.Context) error {
		return run(&program{ctx, map[partition.Place]*aws.Provider{}})
	})
}

func noCycles(t *testing.T, urns map[string]*graph.Resource) {
	t.Helper()
	const visiting, done = 1, 2
	state := map[string]int{}
	var visit func(urn string, way []string)
	visit = func(urn string, way []string) {
		switch state[urn] {
		case visiting:
			t.Errorf("dependency cycle: %s", strings.Join(append(way, urn), " -> "))
		case 0:
			state[urn] = visiting
			for _, d := range urns[urn].Dependencies {
				visit(d, append(way, urn))
			}
			state[urn] = done
		}
	}
	for urn := range urns {
		visit(urn, nil)
	}
}

// refused records a program that must be refused, and returns what was wrong by field. Nothing may be registered.
func refused(t *testing.T, run func(p *program) error) map[string]string {
	t.Helper()
	var args *components.ArgsError
	g, err := tryRecord(t, func(p *program) error {
		if err := run(p); !errors.As(err, &args) {
			return fmt.Errorf("got %v, want an ArgsError", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range g.Resources {
		if !r.IsProvider() && strings.Contains(r.Name, "refused") {
			t.Errorf("%s was registered in spite of the error", r.URN)
		}
	}
	if !strings.Contains(args.Error(), args.Problems[0].Field) {
		t.Errorf("the error's text doesn't name the field: %s", args)
	}
	got := map[string]string{}
	for _, p := range args.Problems {
		if before, ok := got[p.Field]; ok {
			got[p.Field] = before + "; " + p.Want
		} else {
			got[p.Field] = fmt.Sprintf("%q: %s", p.Value, p.Want)
		}
	}
	return got
}

// wantProblems compares fields exactly, and of each problem's text that it contains what is wanted.
func wantProblems(t *testing.T, got map[string]string, want map[string]string) {
	t.Helper()
	for field, text := range want {
		if _, ok := got[field]; !ok {
			t.Errorf("no problem with %s, want %s", field, text)
		} else if !strings.Contains(got[field], text) {
			t.Errorf("%s: got %s, want %s", field, got[field], text)
		}
	}
	for field, text := range got {
		if _, ok := want[field]; !ok {
			t.Errorf("unexpected problem with %s: %s", field, text)
		}
	}
}

func find(t *testing.T, g *graph.Graph, token, name string) *graph.Resource {
	t.Helper()
	r, ok := g.Find(token, name)
	if !ok {
		t.Fatalf("no %s %q; there are:\n%s", token, name, strings.Join(custom(g), "\n"))
	}
	return r
}

// custom lists the resources that cost something: all but providers and components.
func custom(g *graph.Graph) []string {
	var out []string
	for _, r := range g.Resources {
		if r.Custom && !r.IsProvider() {
			out = append(out, r.Type+" "+r.Name)
		}
	}
	return out
}

// added lists what the second graph has and the first hasn't.
func added(before, after *graph.Graph) []string {
	was := custom(before)
	return slices.DeleteFunc(custom(after), func(s string) bool { return slices.Contains(was, s) })
}

func text(t *testing.T, r *graph.Resource, property string) string {
	t.Helper()
	v := r.Inputs[resource.PropertyKey(property)]
	if !v.IsString() {
		t.Fatalf("%s has no text %s: %v", r.URN, property, v)
	}
	return v.StringValue()
}

// document parses a policy that a resource declares, checks it as a policy of its kind, and compares it.
func document(t *testing.T, r *graph.Resource, property string, kind policy.Kind, want ...policy.Statement) {
	t.Helper()
	doc, err := policy.Parse([]byte(text(t, r, property)))
	if err != nil {
		t.Fatalf("%s: %v", r.URN, err)
	}
	for _, p := range doc.Validate(kind) {
		t.Errorf("%s: %s", r.URN, p)
	}
	if diff := cmp.Diff(policy.Document{Version: policy.Version2012, Statements: want}, doc); diff != "" {
		t.Errorf("%s %s (-want +got):\n%s", r.Type, r.Name, diff)
	}
}

// inputs compares a resource's inputs as JSON values; unknown outputs are compared as the values they will have.
func inputs(t *testing.T, r *graph.Resource, want map[string]any) {
	t.Helper()
	var got, wanted any
	for _, of := range []struct {
		from any
		to   *any
	}{{r.Inputs.Mappable(), &got}, {want, &wanted}} {
		data, err := json.Marshal(of.from)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, of.to); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("%s %s (-want +got):\n%s", r.Type, r.Name, diff)
	}
}

// dependsOn checks that a resource waits for others, directly or not.
func dependsOn(t *testing.T, g *graph.Graph, r *graph.Resource, others ...*graph.Resource) {
	t.Helper()
	reached := map[string]bool{}
	var walk func(urn string)
	walk = func(urn string) {
		if reached[urn] {
			return
		}
		reached[urn] = true
		if r, ok := g.Get(urn); ok {
			for _, d := range r.Dependencies {
				walk(d)
			}
		}
	}
	walk(r.URN)
	for _, o := range others {
		if !reached[o.URN] {
			t.Errorf("%s doesn't wait for %s", r.URN, o.URN)
		}
	}
}
