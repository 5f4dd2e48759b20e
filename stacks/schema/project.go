package schema

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Project returns the fields as the config section of Pulumi.yaml. Every optional key has a default there, because the
// engine refuses a stack file that lacks a declared key without one; required keys have none, so that the engine names
// those that are missing.
//
// Pulumi's own schema knows the kinds string, integer, boolean, array and object, and looks no deeper than the elements
// of an array (sdk/go/common/workspace/project.json): everything below is checked by [Read].
func Project(fields []Field) string {
	var b strings.Builder
	b.WriteString("config:\n")
	for i := range fields {
		f := &fields[i]
		fmt.Fprintf(&b, "  %s:\n    type: %s\n", f.Key, projectType(f.Kind))
		if f.Kind == List {
			fmt.Fprintf(&b, "    items:\n      type: %s\n", projectType(f.Items.Kind))
		}
		b.WriteString("    description: >-\n")
		for _, line := range wrap(f.Doc+" "+sentence(f.wants()), 108) {
			fmt.Fprintf(&b, "      %s\n", line)
		}
		if !f.Required {
			fmt.Fprintf(&b, "    default: %s\n", defaultJSON(f))
		}
	}
	return b.String()
}

func projectType(k Kind) string {
	switch k {
	case Integer:
		return "integer"
	case Boolean:
		return "boolean"
	case List:
		return "array"
	case Object, Map:
		return "object"
	}
	return "string"
}

// defaultJSON returns what is used when the key isn't given, as JSON, which is YAML too.
func defaultJSON(f *Field) string {
	text, err := json.Marshal(defaultOf(f))
	if err != nil {
		panic(fmt.Sprintf("default of %s: %v", f.Key, err)) // the defaults are literals of this program
	}
	return string(text)
}

func defaultOf(f *Field) any {
	switch {
	case f.Default != nil:
		return f.Default
	case f.Kind == List:
		return []any{}
	case f.Kind == Object, f.Kind == Map:
		object := map[string]any{}
		for i := range f.Fields {
			if child := &f.Fields[i]; child.Default != nil {
				object[child.Key] = child.Default
			}
		}
		return object
	case f.Kind == Integer:
		return 0
	case f.Kind == Boolean:
		return false
	}
	return ""
}

// sentence makes "one of a, b" into "One of a, b."
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// wrap breaks text into lines of at most width columns where words allow it.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
