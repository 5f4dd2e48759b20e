package components

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

type nobody struct{}

func (nobody) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return args.Name, args.Inputs, nil
}
func (nobody) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

// TestChosenCode: the environment says where packages come from, but a recording is the same whatever it says.
func TestChosenCode(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "transform-arm64.zip"), []byte("zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, err := pulumi.NewContext(t.Context(), pulumi.RunInfo{Project: "test", Stack: "test"}) // of no recording
	if err != nil {
		t.Fatal(err)
	}
	placeholder, err := PlaceholderCode(ctx, "transform", ARM64)
	if err != nil {
		t.Fatal(err)
	}
	prebuilt, err := PrebuiltCode(folder)(ctx, "transform", ARM64)
	if err != nil {
		t.Fatal(err)
	}
	chosen := func(ctx *pulumi.Context, value string) string {
		t.Helper()
		p, err := chosenCode(func(string) string { return value }, 0)(ctx, "transform", ARM64)
		if err != nil {
			t.Error(err)
		}
		return p.Hash
	}
	err = pulumi.RunErr(func(recording *pulumi.Context) error {
		for _, value := range []string{"", "placeholder", folder, "/nowhere"} {
			if got := chosen(recording, value); got != placeholder.Hash {
				t.Errorf("in a recording with %q: %s", value, got)
			}
		}
		return nil
	}, pulumi.WithMocks("test", "test", nobody{}))
	if err != nil {
		t.Fatal(err)
	}
	if got := chosen(ctx, "placeholder"); got != placeholder.Hash {
		t.Errorf("placeholder: %s", got)
	}
	if got := chosen(ctx, folder); got != prebuilt.Hash {
		t.Errorf("a folder: %s", got)
	}
}
