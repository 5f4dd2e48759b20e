package stacks

import (
	"context"
	"testing"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/stacks/schema"
)

// An undecrypted secret is replaced by what the engine has, and is a secret in the state then.
func TestProgramTakesTheSecretFromTheEngine(t *testing.T) {
	t.Parallel()
	d := parse(t, smallest)
	opaque := d.with(t, "archive.externalId", schema.Placeholder)
	spec, err := ParseSpec("x", opaque.engine(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		config map[string]string
		want   string
	}{
		"engine":  {d.engine(t), "some-id"},
		"sandbox": {opaque.engine(t), schema.Placeholder},
		"nothing": {nil, schema.Placeholder},
	} {
		g, err := graph.Record(context.Background(), graph.Options{Project: Namespace, Stack: "x", Config: test.config}, Program(spec))
		if err != nil {
			t.Fatal(err)
		}
		archive, _ := g.Find("pulumi:providers:aws", "archive")
		if got := archive.Inputs["assumeRole"].ObjectValue()["externalId"].StringValue(); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	if spec.ExternalID != schema.Placeholder {
		t.Error("the spec was changed")
	}
}
