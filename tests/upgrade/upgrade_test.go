package upgrade

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/automation"
	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/sandbox"
	"github.com/logarchive/logarchive/stacks"
	"github.com/logarchive/logarchive/stacks/schema"
)

const root = "../.."

// earlier are the kept golden graphs, oldest first: <number>-<date>-<commit>/<stack>.txt.
func earlier(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no earlier golden graph below testdata (%v)", err)
	}
	return files
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestReadsAllThatAGoldenGraphSays declares each kept graph to the recorder, whose golden graph must then be the kept one: what
// the reader leaves out or misreads shows. Documents are laid out alike, and the code of functions isn't in a graph.
func TestReadsAllThatAGoldenGraphSays(t *testing.T) {
	t.Parallel()
	present, err := filepath.Glob(filepath.Join(root, "tests", "testdata", "golden", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(earlier(t), present...) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			want := readFile(t, file)
			program, err := Program(want)
			if err != nil {
				t.Fatal(err)
			}
			stack := strings.TrimSuffix(filepath.Base(file), ".txt")
			g, err := graph.Record(context.Background(), graph.Options{Project: stacks.Namespace, Stack: stack}, program)
			if err != nil {
				t.Fatal(err)
			}
			missing := 0
			got := declarations(string(g.Golden()))
			for _, line := range declarations(want) {
				if !slices.Contains(got, line) && missing < 10 {
					t.Errorf("not declared again: %s", line)
					missing++
				}
			}
		})
	}
}

// declarations are the lines of a golden graph that say what a program declares, with the resource in front. What AWS
// makes of it may be known better today.
func declarations(golden string) []string {
	var out []string
	for paragraph := range strings.SplitSeq(golden, "\n\n") {
		lines := strings.Split(strings.TrimSuffix(paragraph, "\n"), "\n")
		for i, line := range lines {
			switch what, _, _ := strings.Cut(strings.TrimSpace(line), " "); {
			case lines[0] == "stack outputs", strings.HasPrefix(line, "project "), strings.HasPrefix(line, "  set   code = "):
			case i == 0, what == "in", what == "by", what == "with", what == "set":
				out = append(out, lines[0]+" |"+line)
			case what == "after": // for which property isn't told of what a component waits for
				dep, _, _ := strings.Cut(line, " for ")
				out = append(out, lines[0]+" |"+dep)
			}
		}
	}
	return out
}

// TestUpgradesLoseNothing deploys each earlier version in a sandbox of its own, with the real engine, and then the present one
// over it. No bucket, key, vault, log group, queue or other resource that holds something may be replaced or deleted, and
// each must still be the same one.
func TestUpgradesLoseNothing(t *testing.T) {
	t.Parallel()
	engine, err := automation.FindEngine(context.Background(), func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range chosen(earlier(t)) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			before, err := Program(readFile(t, file))
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, engine, strings.TrimSuffix(filepath.Base(file), ".txt"))
			if made := w.up(t, before); made.Summary.Create == 0 {
				t.Fatalf("the earlier version made nothing: %+v", made.Summary)
			}
			held := w.stateful(t)
			upgrade := w.up(t, stacks.Run)
			for _, lost := range losses(upgrade.Changes) {
				t.Error(lost)
			}
			now := w.stateful(t)
			for urn, id := range held {
				if now[urn] != id {
					t.Errorf("%s was %s and is now %q", urn, id, now[urn])
				}
			}
			t.Logf("%d resources that hold something, %+v", len(held), upgrade.Summary)
			if again := w.up(t, stacks.Run); again.Summary.Changes() != 0 {
				t.Errorf("a further up has something to do: %+v", again.Changes)
			}
		})
	}
}

// TestALossIsFound renames the vault of the newest kept graph, as if the present program had renamed it since: the engine must
// refuse, or the replacement be seen.
func TestALossIsFound(t *testing.T) {
	t.Parallel()
	engine, err := automation.FindEngine(context.Background(), func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	files := earlier(t)
	golden := readFile(t, files[len(files)-1])
	const name = "log-archive-backups"
	if !strings.Contains(golden, name) {
		t.Fatalf("%s has no vault %s", files[len(files)-1], name)
	}
	before, err := Program(strings.ReplaceAll(golden, name, "earlier-backups"))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, engine, strings.TrimSuffix(filepath.Base(files[len(files)-1]), ".txt"))
	if _, err := w.try(t, before); err != nil {
		t.Fatal(err)
	}
	upgrade, err := w.try(t, stacks.Run)
	if err == nil && len(losses(upgrade.Changes)) == 0 {
		t.Errorf("the vaults were renamed, and nobody noticed: %+v", upgrade.Summary)
	}
	if err != nil && !strings.Contains(err.Error(), "protect") {
		t.Errorf("refused, but not because the vault is protected: %v", err)
	}
}

// chosen are all files in the long tests; otherwise the oldest and the newest of each stack, which every change between them
// has to get by.
func chosen(files []string) []string {
	if os.Getenv("LOGARCHIVE_LONG") != "" {
		return files
	}
	first, last := map[string]string{}, map[string]string{}
	for _, file := range files {
		stack := filepath.Base(file)
		if first[stack] == "" {
			first[stack] = file
		}
		last[stack] = file
	}
	list := slices.Concat(slices.Collect(maps.Values(first)), slices.Collect(maps.Values(last)))
	slices.Sort(list)
	return slices.Compact(list)
}

// losses are the changes that take away a resource which holds something.
func losses(changes []automation.Change) []string {
	var out []string
	for _, c := range changes {
		known, ok := catalog.Lookup(c.Type)
		if !ok || !known.Stateful || c.Op == automation.Create || c.Op == automation.Update || c.Op == automation.Same {
			continue
		}
		out = append(out, fmt.Sprintf("the upgrade would %s %s (because of %s)", c.Op, c.URN, strings.Join(c.Replaces, ", ")))
	}
	return out
}

// TestLossesAreFound has changes that an upgrade must not make, and some that it may.
func TestLossesAreFound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		token string
		op    automation.Op
		lost  bool
	}{
		{catalog.Bucket, automation.Replace, true},
		{catalog.Bucket, "create-replacement", true},
		{catalog.Bucket, automation.Delete, true},
		{catalog.Bucket, automation.Update, false},
		{catalog.Bucket, automation.Create, false},
		{catalog.LogGroup, automation.Delete, true},
		{catalog.SubscriptionFilter, automation.Replace, false},
	} {
		got := losses([]automation.Change{{Op: test.op, Type: test.token, URN: "urn"}})
		if (len(got) > 0) != test.lost {
			t.Errorf("%s of %s: %q", test.op, test.token, got)
		}
	}
}

// world is a sandbox with a stack.
type world struct {
	dir     string
	options automation.Options
}

func newWorld(t *testing.T, engine *automation.Engine, stack string) *world {
	t.Helper()
	project, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return &world{dir: dir, options: automation.Options{
		Engine: engine, ProjectDir: project, Stack: stack,
		WorkDir:           filepath.Join(dir, "work"),
		BackendURL:        "file://" + filepath.ToSlash(filepath.Join(dir, "state")),
		Passphrase:        "sandbox",
		SecretPlaceholder: schema.Placeholder,
		Home:              filepath.Join(dir, "pulumi"),
		Unset:             []string{"PULUMI_STACK", "PULUMI_CONFIG", "PULUMI_ACCESS_TOKEN", "PULUMI_DEBUG_PROVIDERS"},
		ProviderInside:    true,
		StateAtEnd:        true, // the file backend writes the whole state at every step otherwise
	}}
}

// up deploys a program, or fails the test.
func (w *world) up(t *testing.T, program pulumi.RunFunc) automation.Result {
	t.Helper()
	done, err := w.try(t, program)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// try deploys a program, in a world that is opened for it.
func (w *world) try(t *testing.T, program pulumi.RunFunc) (automation.Result, error) {
	t.Helper()
	ctx := context.Background()
	config, err := stacks.LoadConfig(root, w.options.Stack)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := stacks.ParseSpec(w.options.Stack, config)
	if err != nil {
		t.Fatal(err)
	}
	aws, err := sandbox.OpenWorld(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	if err := aws.Adopt(spec.Externals()); err != nil {
		t.Fatal(err)
	}
	server, err := sandbox.Serve(ctx, aws, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	o := w.options
	o.Program, o.Finder, o.Env = program, aws.Finder, server.Env()
	o.Env["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
	workspace, err := automation.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return workspace.Up(ctx)
}

// stateful are the ids of what a stack made that holds something, by URN.
func (w *world) stateful(t *testing.T) map[string]string {
	t.Helper()
	aws, err := sandbox.OpenWorldReadOnly(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer aws.Close()
	ids := map[string]string{}
	for _, token := range catalog.Tokens() {
		if known, _ := catalog.Lookup(token); !known.Stateful {
			continue
		}
		for _, o := range aws.List(token) {
			if o.URN != "" {
				ids[o.URN] = o.ID
			}
		}
	}
	return ids
}
