package verify_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/stacks"
	"github.com/logarchive/logarchive/verify"
)

// exampleStacks are the two that the repository ships.
var exampleStacks = []string{"beijing", "global"}

var recorded sync.Map // of graphs, by stack: recording is slow beside verifying

// record returns what an example stack declares. It is shared: tests change copies.
func record(tb testing.TB, stack string) *graph.Graph {
	tb.Helper()
	if g, ok := recorded.Load(stack); ok {
		return g.(*graph.Graph)
	}
	config, err := stacks.LoadConfig("..", stack)
	if err != nil {
		tb.Fatal(err)
	}
	g, err := graph.Record(context.Background(), graph.Options{Project: stacks.Namespace, Stack: stack, Config: config}, stacks.Run)
	if err != nil {
		tb.Fatal(err)
	}
	recorded.Store(stack, g)
	return g
}

// options are what an example stack's configuration demands.
func options(tb testing.TB, stack string) verify.Options {
	tb.Helper()
	config, err := stacks.LoadConfig("..", stack)
	if err != nil {
		tb.Fatal(err)
	}
	spec, err := stacks.ParseSpec(stack, config)
	if err != nil {
		tb.Fatal(err)
	}
	var archive struct{ BreakGlassRole string }
	if err := json.Unmarshal([]byte(config[stacks.Namespace+":archive"]), &archive); err != nil {
		tb.Fatal(err)
	}
	demanded := spec.VerifyOptions()
	o := verify.Options{Readers: demanded.Readers, Queries: demanded.Queries, Elsewhere: demanded.Elsewhere, Boundaries: demanded.Boundaries}
	if archive.BreakGlassRole != "" {
		o.BreakGlass = []string{spec.Archive.RoleARN(archive.BreakGlassRole).String()}
	}
	return o
}

func TestBothStacksAreProven(t *testing.T) {
	t.Parallel()
	for _, stack := range exampleStacks {
		r := verify.Run(verify.FromGraph(record(t, stack)), options(t, stack))
		for _, v := range r.Violations {
			t.Errorf("%s: %s: %s: %s", stack, v.Rule, v.Resource, v.Reason)
		}
		for _, u := range r.Unneeded {
			t.Errorf("%s: %s: %s", stack, u.Carrier, u)
		}
		t.Logf("%s: %+v", stack, r.Totals())
	}
}
