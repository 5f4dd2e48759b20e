package tests

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/stacks"
)

var update = flag.Bool("update", false, "rewrite the golden graphs")

// root is the project's folder.
const root = ".."

var exampleStacks = []string{"beijing", "global"}

// record records an example stack, or fails the test.
func record(t testing.TB, stack string) *graph.Graph {
	t.Helper()
	config, err := stacks.LoadConfig(root, stack)
	if err != nil {
		t.Fatal(err)
	}
	return recordConfig(t, stack, config)
}

func recordConfig(t testing.TB, stack string, config map[string]string) *graph.Graph {
	t.Helper()
	spec, err := stacks.ParseSpec(stack, config)
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Record(context.Background(), graph.Options{Project: "log-archive", Stack: stack, Config: config}, stacks.Program(spec))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestGolden holds both example stacks against their golden graphs. A change of what is deployed shows in the diff: read it,
// then rewrite them with `make golden`.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, stack := range exampleStacks {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			got := record(t, stack).Golden()
			file := filepath.Join("testdata", "golden", stack+".txt")
			if *update {
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v: write it with `make golden`", err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("what the stack declares has changed (-golden +now); if that is meant: make golden\n%s",
					cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")))
			}
		})
	}
}

// TestEveryResourceHasAnExplicitProvider: the default provider would act in whatever account and region the environment says.
func TestEveryResourceHasAnExplicitProvider(t *testing.T) {
	t.Parallel()
	for _, stack := range exampleStacks {
		g := record(t, stack)
		providers := map[string]bool{}
		for _, p := range g.Providers() {
			providers[p.URN] = true
		}
		for _, name := range []string{"home", "backup", "archive", "landing"} {
			if p, ok := g.Find("pulumi:providers:aws", name); !ok || !providers[p.URN] {
				t.Errorf("%s: no provider %s among %d", stack, name, len(providers))
			}
		}
		for _, r := range g.Resources {
			if r.Custom && !r.IsProvider() && !providers[r.Provider] {
				t.Errorf("%s: %s has provider %q, want one of the explicit ones", stack, r.URN, r.Provider)
			}
		}
	}
}
