package schema

import (
	"fmt"
	"strings"
)

// Markdown returns the fields as a reference: a section for every key of the top level, a table for every object.
func Markdown(namespace string, fields []Field) string {
	var b strings.Builder
	for i := range fields {
		f := &fields[i]
		fmt.Fprintf(&b, "## `%s:%s`\n\n%s\n\n", namespace, f.Key, f.Doc)
		fmt.Fprintf(&b, "%s; %s.", article(f), topPresence(f))
		if len(f.Fields) == 0 && (f.Items == nil || len(f.Items.Fields) == 0) {
			b.WriteString(" " + sentence(f.wants())) // the others have a table below
		}
		b.WriteString("\n\n")
		if f.Example != "" {
			b.WriteString("```yaml\n" + namespace + ":" + f.Key + ":")
			if strings.Contains(f.Example, "\n") {
				b.WriteString("\n" + indent(f.Example))
			} else {
				b.WriteString(" " + f.Example)
			}
			b.WriteString("\n```\n\n")
		}
		tables(&b, f.Key, f)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// tables writes a table of the object's keys, or of the keys of a list's elements, and then those of the objects below.
func tables(b *strings.Builder, path string, f *Field) {
	children := f.Fields
	if f.Kind == List {
		children, path = f.Items.Fields, path+"[]"
	}
	if len(children) == 0 {
		return
	}
	fmt.Fprintf(b, "| key in `%s` | kind | when left out | accepted | what it does |\n| --- | --- | --- | --- | --- |\n", path)
	for i := range children {
		c := &children[i]
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", c.Key, kindName(c), cell(presence(c)), cell(c.wants()), cell(c.Doc))
	}
	b.WriteString("\n")
	for i := range children {
		tables(b, path+"."+children[i].Key, &children[i])
	}
}

func article(f *Field) string {
	name := kindName(f)
	if strings.ContainsAny(name[:1], "aeio") {
		return "An " + name
	}
	return "A " + name
}

func kindName(f *Field) string {
	switch f.Kind {
	case Integer:
		return "integer"
	case Boolean:
		return "boolean"
	case List:
		return "list of " + kindName(f.Items) + "s"
	case Object:
		return "object"
	case Map:
		return "object of strings"
	}
	if f.Secret {
		return "string (may be a secret)"
	}
	return "string"
}

// presence says what happens when the key isn't there.
func presence(f *Field) string {
	switch {
	case f.Required:
		return "required"
	case f.DefaultText != "":
		return f.DefaultText
	case f.Default == "":
		return "empty"
	case f.Default != nil:
		return fmt.Sprintf("`%v`", f.Default)
	case f.Kind == Object && len(defaultOf(f).(map[string]any)) > 0:
		return "its defaults"
	case f.Kind == List, f.Kind == Object, f.Kind == Map:
		return "none"
	}
	return "nothing"
}

// topPresence is the same for a sentence.
func topPresence(f *Field) string {
	if f.Required {
		return "required"
	}
	return "when left out: " + presence(f)
}

// cell makes text safe for a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func indent(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	return strings.Join(lines, "\n")
}
