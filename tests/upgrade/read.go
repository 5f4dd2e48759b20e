package upgrade

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// resource is a paragraph of a golden graph.
type resource struct {
	label       string // as other paragraphs call it
	token, name string
	parent      string // a label; "" for the stack
	provider    string // a provider instance's name
	options     []string
	after       []dependency
	inputs      map[string]any
	outputs     map[string]string // the strings that it gets, and its id
}

// dependency is a resource that another one waits for.
type dependency struct{ label, properties string }

// custom says whether a provider makes it.
func (r *resource) custom() bool { return strings.HasPrefix(r.token, "aws:") }

// instance says whether it is a provider instance.
func (r *resource) instance() bool { return strings.HasPrefix(r.token, "pulumi:providers:") }

// heading is a paragraph's first line: perhaps the component's name, the type and the name.
var heading = regexp.MustCompile(`^(?:.*/)?((?:aws|pulumi|logarchive):[\w/]+:\w+) (.+)$`)

// documentIndent begins each line of a document that a property holds.
const documentIndent = "          "

// read takes a golden graph apart. Its outputs aren't read.
func read(golden string) ([]*resource, error) {
	var all []*resource
	first, rest, _ := strings.Cut(golden, "\n\n")
	if !strings.HasPrefix(first, "project ") {
		return nil, fmt.Errorf("%q doesn't begin a golden graph", first)
	}
	for paragraph := range strings.SplitSeq(strings.TrimSuffix(rest, "\n"), "\n\n") {
		lines := strings.Split(paragraph, "\n")
		if lines[0] == "stack outputs" {
			continue
		}
		r, err := readResource(lines)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", lines[0], err)
		}
		all = append(all, r)
	}
	return all, nil
}

func readResource(lines []string) (*resource, error) {
	parts := heading.FindStringSubmatch(lines[0])
	if parts == nil {
		return nil, fmt.Errorf("no resource's heading")
	}
	r := &resource{label: lines[0], token: parts[1], name: parts[2], inputs: map[string]any{}, outputs: map[string]string{}}
	for i := 1; i < len(lines); i++ {
		if len(lines[i]) < 8 {
			return nil, fmt.Errorf("line %q is too short", lines[i])
		}
		what, text := strings.TrimSpace(lines[i][:8]), lines[i][8:]
		var document []string
		for strings.HasSuffix(text, " =") && i+1 < len(lines) && strings.HasPrefix(lines[i+1], documentIndent) {
			i++
			document = append(document, lines[i])
		}
		var err error
		switch what {
		case "at": // the place of a provider instance follows from its inputs
		case "in":
			r.parent = text
		case "by":
			r.provider, _, _ = strings.Cut(text, " ")
		case "with":
			r.options = strings.Split(text, ", ")
		case "after":
			d := dependency{label: text}
			if at := strings.LastIndex(text, " for "); at >= 0 {
				d = dependency{text[:at], text[at+len(" for "):]}
			}
			r.after = append(r.after, d)
		case "id":
			r.outputs["id"] = text
		case "set":
			err = r.set(text, document)
		case "gets":
			path, value, err := property(text, document)
			if s, ok := value.(string); err == nil && ok && !strings.ContainsAny(path, ".[") {
				r.outputs[path] = s
			}
		default:
			err = fmt.Errorf("unknown line %q", lines[i])
		}
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

// property reads `path = value`, where the value may be a document on lines of its own: then it is a string that holds one.
func property(text string, document []string) (path string, value any, err error) {
	if document != nil {
		var b bytes.Buffer
		err := json.Compact(&b, []byte(strings.Join(document, "\n")))
		return strings.TrimSuffix(text, " ="), b.String(), err
	}
	path, encoded, ok := strings.Cut(text, " = ")
	if !ok {
		return "", nil, fmt.Errorf("no value in %q", text)
	}
	err = json.Unmarshal([]byte(encoded), &value)
	return path, value, err
}

func (r *resource) set(text string, document []string) error {
	path, value, err := property(text, document)
	if err != nil {
		return err
	}
	steps, err := split(path)
	if err != nil {
		return err
	}
	_, err = put(r.inputs, steps, value)
	return err
}

// split takes a path such as rules[0].filter.prefix apart: names are strings, positions are numbers. The keys of tags, and of a
// table's parameters, may have full stops, and are the end of their path.
func split(path string) ([]any, error) {
	var steps []any
	for _, tags := range []string{"tags.", "defaultTags.tags.", "parameters.", "storageDescriptor.serDeInfo.parameters."} {
		if key, ok := strings.CutPrefix(path, tags); ok {
			for name := range strings.SplitSeq(strings.TrimSuffix(tags, "."), ".") {
				steps = append(steps, name)
			}
			return append(steps, key), nil
		}
	}
	for part := range strings.SplitSeq(path, ".") {
		name, positions, _ := strings.Cut(part, "[")
		steps = append(steps, name)
		if positions == "" {
			continue
		}
		for position := range strings.SplitSeq(strings.TrimSuffix(positions, "]"), "][") {
			n, err := strconv.Atoi(position)
			if err != nil {
				return nil, fmt.Errorf("path %q: %w", path, err)
			}
			steps = append(steps, n)
		}
	}
	return steps, nil
}

// put sets a value below a container that is made where there is none, and returns the container.
func put(container any, steps []any, value any) (any, error) {
	if len(steps) == 0 {
		return value, nil
	}
	switch step := steps[0].(type) {
	case string:
		m, ok := container.(map[string]any)
		if container != nil && !ok {
			return nil, fmt.Errorf("%v is set twice", steps)
		}
		if m == nil {
			m = map[string]any{}
		}
		child, err := put(m[step], steps[1:], value)
		m[step] = child
		return m, err
	case int:
		list, ok := container.([]any)
		if container != nil && !ok {
			return nil, fmt.Errorf("%v is set twice", steps)
		}
		if step > len(list) {
			return nil, fmt.Errorf("position %d comes before position %d", step, len(list))
		}
		if step == len(list) {
			list = append(list, nil)
		}
		child, err := put(list[step], steps[1:], value)
		list[step] = child
		return list, err
	}
	return nil, fmt.Errorf("%v is no path", steps)
}
