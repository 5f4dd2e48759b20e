package automation

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// TestStackLife runs a stack through its life on the real engine.
func TestStackLife(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	world := &toy{}
	options, err := toyOptions(t.TempDir(), testEngine(t), world)
	if err != nil {
		t.Fatal(err)
	}
	var events []Event
	options.Events = func(e Event) { events = append(events, e) }
	before, err := os.ReadFile(filepath.Join(options.ProjectDir, "Pulumi.box.yaml"))
	if err != nil {
		t.Fatal(err)
	}

	red := open(t, options, toyProgram("red", "ant", "bee", "kept-cat"))
	var none *NoStackError
	if _, err := red.Refresh(ctx); !errors.As(err, &none) {
		t.Fatalf("refresh without a stack: %v, want a NoStackError", err)
	}

	preview, err := red.Preview(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if preview.Summary.Create != 5 || len(world.things()) != 0 { // stack, group, three things; the engine doesn't count default providers
		t.Errorf("preview: %+v, things %v; want 5 creations, and nothing made", preview.Summary, world.things())
	}

	up, err := red.Up(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if up.Summary.Create != 5 || up.Summary.Changes() != 5 || len(up.Changes) != 6 {
		t.Errorf("first up: %+v, want 5 creations (and the default provider's among the changes)", up)
	}
	if up.Outputs["colour"] != "red" || up.Outputs["secret"] != "[secret]" {
		t.Errorf("outputs %v", up.Outputs)
	}
	started := slices.ContainsFunc(events, func(e Event) bool { return e.Kind == Started && e.Op == Create && e.Name == "ant" })
	done := slices.ContainsFunc(events, func(e Event) bool {
		return e.Kind == Done && e.Op == Create && e.Name == "kept-cat" && e.Type == "toy:index:Thing" && e.Protect && e.Retain && e.Custom
	})
	if !started || !done {
		t.Errorf("started %v, done %v, in %+v", started, done, events)
	}

	again, err := red.Up(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if again.Summary.Changes() != 0 || again.Summary.Same != 5 || len(again.Changes) != 0 {
		t.Errorf("second up: %+v, want no change", again)
	}

	blue, err := open(t, options, toyProgram("blue", "ant", "kept-cat")).Up(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if blue.Summary.Update != 2 || blue.Summary.Delete != 1 {
		t.Errorf("third up: %+v, want 2 updates and a deletion", blue.Summary)
	}

	if err := os.Remove(world.path("ant")); err != nil {
		t.Fatal(err)
	}
	drift, err := red.Refresh(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if drift.Summary.Delete != 1 || len(drift.Changes) != 1 || drift.Changes[0].Name != "ant" {
		t.Errorf("refresh: %+v, want the lost thing reported", drift)
	}

	var protected *ProtectedError
	if _, err := red.Destroy(ctx, DestroyOptions{}); !errors.As(err, &protected) || len(protected.Protected) != 1 {
		t.Fatalf("destroy: %v, want a ProtectedError that names one resource", err)
	}
	if _, err := red.Up(ctx); err != nil {
		t.Fatal(err)
	}
	partly, err := red.Destroy(ctx, DestroyOptions{ExcludeProtected: true})
	if err != nil {
		t.Fatal(err)
	}
	if partly.Summary.Delete != 2 || len(partly.Kept) != 1 || len(partly.Retained) != 0 || !slices.Equal(world.things(), []string{"kept-cat"}) {
		t.Errorf("destroy of what isn't protected: %+v, things %v", partly, world.things())
	}
	whole, err := red.Destroy(ctx, DestroyOptions{Unprotect: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.Retained) != 1 || whole.Retained[0].ID != "kept-cat" || !slices.Equal(world.things(), []string{"kept-cat"}) {
		t.Errorf("destroy of the rest: %+v, things %v; want the retained thing named and there", whole, world.things())
	}

	history, err := red.History(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(history) < 7 || history[0].Kind != "destroy" || history[0].Result != "succeeded" || history[0].Started.IsZero() {
		t.Errorf("history %+v", history)
	}
	after, err := os.ReadFile(filepath.Join(options.ProjectDir, "Pulumi.box.yaml"))
	if err != nil || string(after) != string(before) {
		t.Errorf("the user's stack file was changed to %q (%v)", after, err)
	}
}

// TestFailure reads the errors of failed operations: the reason, and no noise.
func TestFailure(t *testing.T) {
	t.Parallel()
	world := &toy{}
	options, err := toyOptions(t.TempDir(), testEngine(t), world)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(world.dir, "taken.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, options, func(*pulumi.Context) error { panic("out of cheese") }).Up(context.Background())
	if err == nil || !strings.Contains(err.Error(), "the program panicked: out of cheese") {
		t.Errorf("a program that panics: %v", err)
	}
	for name, want := range map[string]string{
		"taken":     "up of stack box failed\n  toy:index:Thing taken: ThingAlreadyExists: taken",
		"forbidden": "up of stack box failed\n  toy:index:Thing forbidden: toy:index:Thing resource 'forbidden': property name value {forbidden} has a problem: forbidden is not a name for a thing",
	} {
		_, err := open(t, options, toyProgram("red", name)).Up(context.Background())
		var failed *OperationError
		if !errors.As(err, &failed) {
			t.Fatalf("%s: %v, want an OperationError", name, err)
		}
		if !strings.HasPrefix(err.Error(), want) || strings.Count(err.Error(), "\n") > 3 {
			t.Errorf("%s: error\n%v\nwant\n%s", name, err, want)
		}
	}
}
