package catalog

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestHalvesAgree compares the hand-written half of each type with the generated one: a renamed property of a new SDK
// shows up here.
func TestHalvesAgree(t *testing.T) {
	t.Parallel()
	generated := slices.Sorted(maps.Keys(schemas))
	if written := Tokens(); !slices.Equal(generated, written) {
		t.Fatalf("generated types %q, hand-written types %q", generated, written)
	}
	for token, typ := range table {
		for what, paths := range paths(typ.model) {
			for _, path := range paths {
				if _, ok := typ.property(path); !ok {
					t.Errorf("%s: %s has %q, which the schema doesn't have", token, what, path)
				}
			}
		}
		if typ.model.complete == nil {
			t.Errorf("%s: no way to compute its id", token)
		}
		if usesCode(typ.model) && typ.model.code == "" {
			t.Errorf("%s: rules without an error code", token)
		}
	}
}

// paths returns every path that a model names, by where it names it.
func paths(m *model) map[string][]string {
	all := map[string][]string{
		"forceNew": m.forceNew, "required": m.required, "arns": m.arns,
		"defaults": slices.Collect(maps.Keys(m.defaults)), "texts": slices.Collect(maps.Keys(m.texts)),
		"enums": slices.Collect(maps.Keys(m.enums)), "ranges": slices.Collect(maps.Keys(m.ranges)),
		"exactly": slices.Concat(m.exactly...),
	}
	for _, d := range m.documents {
		all["documents"] = append(all["documents"], d.path)
	}
	for _, name := range []string{m.nameProperty, m.namePrefix} {
		if name != "" {
			all["names"] = append(all["names"], name)
		}
	}
	if strings.HasPrefix(m.token, "aws:s3/bucket") && m.token != Bucket { // not all have an expected owner
		all["forceNew"] = slices.DeleteFunc(slices.Clone(m.forceNew), func(p string) bool { return p == "expectedBucketOwner" })
	}
	return all
}

func usesCode(m *model) bool {
	for _, rule := range m.texts {
		if rule.code == "" {
			return true
		}
	}
	return len(m.enums)+len(m.ranges)+len(m.arns) > 0
}
