package main

import (
	"bytes"
	"os"
	"testing"
)

// TestSchemasAreThoseOfTheSDK regenerates the schemas. When it fails after an SDK update, "go generate ./catalog" and
// the diff shows what changed.
func TestSchemasAreThoseOfTheSDK(t *testing.T) {
	t.Parallel()
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../schema_generated.go"
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what the SDK in go.mod gives: run go generate ./catalog", file)
	}
}

func TestForcesNew(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		doc  string
		want bool
	}{
		{"ID of the EMR Cluster to attach to. Changing this forces a new resource to be created.", true},
		{"The db instance to register for this stack. Changing this will force a new resource.", true},
		{"The name of the recorder. Defaults to `default`. Changing it recreates the resource.", true},
		{"Group identifier. Changing this value will re-create the resource.", true},
		{"Changing `snapshotName` forces a new resource.", true},
		{"Name of the thing (Required, Forces new resource).", true},
		{"(Forces new for Multi-AZ DB clusters) Specifies the storage type.", false},
		{"If the VPC attachment is pending acceptance, changing this value will recreate the resource.", false},
		{"Downgrading an `Advanced` tier parameter to `Standard` will recreate the resource.", false},
		{"* `member.account_id` - (Required - Forces new resource) - The account id.", false},
		{"Should objects be deleted when the bucket is destroyed or replaced?", false},
	} {
		if got := forcesNew(test.doc); got != test.want {
			t.Errorf("forcesNew(%q) = %v, want %v", test.doc, got, test.want)
		}
	}
}
