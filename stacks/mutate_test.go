package stacks

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/stacks/schema"
)

// mutation is a value that a field must not take.
type mutation struct {
	path  string
	value any
	why   string
}

// TestEveryFieldOfTheExamplesIsChecked changes each value of the examples, one at a time, into values of every wrong
// kind and out of every range, adds an unknown key to each object, and takes away each required key. Each change must
// give an error that names the path.
func TestEveryFieldOfTheExamplesIsChecked(t *testing.T) {
	t.Parallel()
	for _, stack := range []string{"beijing", "global"} {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			config, err := LoadConfig("..", stack)
			if err != nil {
				t.Fatal(err)
			}
			d := fromEngine(config)
			if _, err := ParseSpec(stack, d.engine(t)); err != nil {
				t.Fatal(err)
			}
			var all []mutation
			fields := Fields()
			for i := range fields {
				if value, ok := d[fields[i].Key]; ok {
					all = mutations(all, &fields[i], fields[i].Key, value, true)
				}
			}
			if len(all) < 500 {
				t.Errorf("only %d mutations", len(all))
			}
			for _, m := range all {
				_, err := ParseSpec(stack, d.with(t, m.path, m.value).engine(t))
				if err == nil {
					t.Errorf("%s: %s (%v) is accepted", m.path, m.why, m.value)
					continue
				}
				if !reported(lines(t, err), m.path) {
					t.Errorf("%s: %s (%v) is reported elsewhere:\n%v", m.path, m.why, m.value, err)
				}
			}
			t.Logf("%d mutations", len(all))
		})
	}
}

func reported(lines []string, path string) bool {
	for _, line := range lines {
		if strings.HasPrefix(line, Namespace+":"+path+": ") {
			return true
		}
	}
	return false
}

// mutations appends what must not be accepted at the path and below.
func mutations(all []mutation, f *schema.Field, path string, value any, top bool) []mutation {
	add := func(v any, why string) { all = append(all, mutation{path, v, why}) }
	wrong := map[schema.Kind]any{
		schema.String: "*?*", schema.Integer: json.Number("7"), schema.Boolean: true, schema.List: []any{"*?*"}, schema.Object: map[string]any{"x": "y"},
	}
	kind := f.Kind
	if kind == schema.Map {
		kind = schema.Object
	}
	for other, v := range wrong {
		// At the top level, a string is whatever it reads as.
		if other != kind && (!top || kind != schema.String) {
			add(v, "wrong kind")
		}
	}
	if !top {
		add(nil, "no value")
	}
	if !f.Secret {
		add(schema.Placeholder, "a secret")
	}
	// An optional object without its only key is {}, which means the same as leaving it out.
	if f.Required && !strings.HasSuffix(path, "]") && !strings.HasSuffix(path, "backupReplication.retentionDays") {
		add(removed{}, "required key missing")
	}
	switch f.Kind {
	case schema.String:
		if f.Pattern != nil || f.Values != nil || f.Required {
			add("*?*", "not accepted")
		}
	case schema.Integer:
		if f.Range != nil {
			add(f.Range.Min-1, "below the range")
			if f.Range.Max < schema.AtLeast(0).Max {
				add(f.Range.Max+1, "above the range")
			}
		} else {
			add(8, "not accepted") // neither a retention nor an interval
		}
		add(1.5, "a fraction")
		add(strconv.Itoa(60), "a number in quotes")
	case schema.Boolean:
		add("true", "a boolean in quotes")
		add("yes", "a word")
		add(0, "a number")
	case schema.List:
		for i, element := range value.([]any) {
			all = mutations(all, f.Items, fmt.Sprintf("%s[%d]", path, i), element, false)
		}
	case schema.Object:
		all = append(all, mutation{path + ".unknownKey", 1, "unknown key"})
		for i := range f.Fields {
			c := &f.Fields[i]
			if below, ok := value.(map[string]any)[c.Key]; ok {
				all = mutations(all, c, path+"."+c.Key, below, false)
			}
		}
	case schema.Map:
		for key := range value.(map[string]any) {
			all = append(all, mutation{path + "." + key, 1, "wrong kind"}, mutation{path + "." + key, nil, "no value"})
		}
	}
	return all
}
