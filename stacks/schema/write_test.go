package schema

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

func TestProject(t *testing.T) {
	t.Parallel()
	var got struct {
		Config map[string]struct {
			Type        string
			Description string
			Default     any
			Items       struct{ Type string }
		}
	}
	fields := shop()
	fields[0].Doc = strings.Repeat("The owner of the shop, who has the keys. ", 5)
	text := Project(fields)
	if err := yaml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	types, defaults := map[string]string{}, map[string]any{}
	for key, f := range got.Config {
		types[key] = f.Type
		if f.Items.Type != "" {
			types[key] += " of " + f.Items.Type
		}
		if f.Default != nil {
			defaults[key] = f.Default
		}
	}
	wantTypes := map[string]string{
		"owner": "string", "token": "string", "size": "integer", "open": "boolean", "labels": "object", "door": "object", "shelves": "array of object",
	}
	wantDefaults := map[string]any{
		"token": "", "size": 10, "open": true, "labels": map[string]any{}, "door": map[string]any{"colour": "red"}, "shelves": []any{},
	}
	if diff := cmp.Diff(wantTypes, types); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(wantDefaults, defaults); diff != "" {
		t.Error(diff)
	}
	if d := got.Config["owner"].Description; !strings.HasSuffix(d, "keys. Lower-case letters.") || strings.Contains(d, "\n") {
		t.Errorf("description: %q", d)
	}
	for _, line := range strings.Split(text, "\n") {
		if len(line) > 120 {
			t.Errorf("long line: %s", line)
		}
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	fields := shop()
	fields[5].Example = "colour: green\nlockDays: 3"
	fields[2].Example = "7"
	got := Markdown("shop", fields)
	for _, want := range []string{
		"## `shop:owner`\n", "A string; required. Lower-case letters.", "A string (may be a secret); when left out: nothing.",
		"An integer; when left out: `10`. An integer from 1 to 20.", "```yaml\nshop:size: 7\n```", "```yaml\nshop:door:\n  colour: green\n  lockDays: 3\n```",
		"| key in `door` |", "| `colour` | string | `red` | one of red, green |", "| key in `shelves[]` |", "| `goods` | list of strings | none |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
