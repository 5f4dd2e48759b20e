package schema

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Read checks a configuration against the fields and returns it as one object. The configuration maps "namespace:key"
// to what the engine hands to a program. Keys of other namespaces are not looked at. Problems go to the report.
func Read(namespace string, fields []Field, config map[string]string, report *Report) Value {
	r := reader{report: report, namespace: namespace, root: fields}
	raw := map[string]any{}
	for _, full := range slices.Sorted(maps.Keys(config)) {
		key, ok := strings.CutPrefix(full, namespace+":")
		if !ok {
			continue
		}
		field := find(fields, key)
		if field == nil {
			r.unknown(namespace+":"+plainKey(key), key, fields, config[full])
			continue
		}
		raw[key] = decode(field, config[full])
	}
	root := Value{Given: true, Valid: true, fields: make(map[string]Value, len(fields))}
	for i := range fields {
		f := &fields[i]
		value, given := raw[f.Key]
		root.fields[f.Key] = r.read(f, namespace+":"+f.Key, value, given)
	}
	return root
}

// decode turns the engine's rendering of a top-level value into what JSON would say. A scalar is text whatever it is
// to become, since the engine doesn't tell "30" from 30 there.
func decode(field *Field, text string) any {
	if field.Kind == String {
		return text
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return text
	}
	if _, err := dec.Token(); err != io.EOF {
		return text
	}
	return v
}

type reader struct {
	report    *Report
	namespace string
	root      []Field
}

// read checks one value and everything below it.
func (r *reader) read(f *Field, path string, raw any, given bool) Value {
	v := Value{Path: path, Given: given, Valid: true}
	if !given {
		r.absent(f, &v)
		return v
	}
	if raw == nil {
		hint := ", or leave the key out"
		if f.Required {
			hint = ""
		}
		r.fail(&v, "has no value; want %s%s", f.wants(), hint)
		return v
	}
	if raw == Placeholder && !f.Secret {
		r.fail(&v, "is a secret; the readings without AWS need it in plain text")
		return v
	}
	switch f.Kind {
	case String:
		r.text(f, &v, raw)
	case Integer:
		r.number(f, &v, raw)
	case Boolean:
		flag, ok := raw.(bool)
		if !ok {
			r.wrongKind(f, &v, raw)
		}
		v.flag = flag
	case List:
		r.list(f, &v, raw)
	case Object:
		r.object(f, &v, raw)
	case Map:
		r.pairs(f, &v, raw)
	}
	return v
}

// absent fills in the default, at every level of an object that isn't given.
func (r *reader) absent(f *Field, v *Value) {
	if f.Required {
		r.fail(v, "is required; want %s", f.wants())
		return
	}
	switch d := f.Default.(type) {
	case string:
		v.text = d
	case int:
		v.number = d
	case bool:
		v.flag = d
	}
	if f.Kind == Object {
		v.fields = make(map[string]Value, len(f.Fields))
		for i := range f.Fields {
			child := f.Fields[i]
			// What is required of an object is required only where there is one.
			child.Required = false
			v.fields[child.Key] = r.read(&child, v.Path+"."+child.Key, nil, false)
		}
	}
}

func (r *reader) text(f *Field, v *Value, raw any) {
	s, ok := raw.(string)
	if !ok {
		r.wrongKind(f, v, raw)
		return
	}
	v.text = s
	switch {
	case s == Placeholder:
	case s == "" && f.Required:
		r.fail(v, `"" is empty; want %s`, f.wants())
	case len(f.Values) > 0 && !slices.Contains(f.Values, s):
		r.fail(v, "%s is not one of %s", Quote(s), strings.Join(f.Values, ", "))
	case f.Pattern != nil && !f.Pattern.MatchString(s):
		r.fail(v, "%s is not accepted; want %s", Quote(s), f.wants())
	}
}

func (r *reader) number(f *Field, v *Value, raw any) {
	n, ok := raw.(json.Number)
	if !ok {
		r.wrongKind(f, v, raw)
		return
	}
	i, err := strconv.ParseInt(n.String(), 10, 32)
	switch {
	case err != nil && strings.ContainsAny(n.String(), ".eE"):
		r.fail(v, "%s is not a whole number; want %s", cut(n.String()), f.wants())
	case err != nil:
		r.fail(v, "%s is out of range; want %s", cut(n.String()), f.wants())
	case f.Range != nil && (int(i) < f.Range.Min || int(i) > f.Range.Max):
		r.fail(v, "%d is out of range; want %s", i, f.wants())
	default:
		v.number = int(i)
	}
}

func (r *reader) list(f *Field, v *Value, raw any) {
	elements, ok := raw.([]any)
	if !ok {
		r.wrongKind(f, v, raw)
		return
	}
	if len(elements) == 0 && f.Required {
		r.fail(v, "is empty; want %s", f.wants())
	}
	v.items = make([]Value, len(elements))
	for i, e := range elements {
		v.items[i] = r.read(f.Items, v.Path+"["+strconv.Itoa(i)+"]", e, true)
	}
}

func (r *reader) object(f *Field, v *Value, raw any) {
	given, ok := raw.(map[string]any)
	if !ok {
		r.wrongKind(f, v, raw)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if find(f.Fields, key) == nil {
			r.unknown(Child(v.Path, key), key, f.Fields, given[key])
		}
	}
	if len(given) == 0 && !f.Required {
		// {} is what the default of an optional object is written as: the same as leaving it out.
		v.Given = false
		r.absent(f, v)
		return
	}
	v.fields = make(map[string]Value, len(f.Fields))
	for i := range f.Fields {
		child := &f.Fields[i]
		value, has := given[child.Key]
		v.fields[child.Key] = r.read(child, v.Path+"."+child.Key, value, has)
	}
}

func (r *reader) pairs(f *Field, v *Value, raw any) {
	given, ok := raw.(map[string]any)
	if !ok {
		r.wrongKind(f, v, raw)
		return
	}
	v.pairs, v.fields = make(map[string]string, len(given)), make(map[string]Value, len(given))
	for _, key := range slices.Sorted(maps.Keys(given)) {
		element := r.read(&Field{Kind: String}, Child(v.Path, key), given[key], true)
		v.pairs[key] = element.text
		v.fields[key] = element
	}
}

// fail reports the value and marks it.
func (r *reader) fail(v *Value, format string, args ...any) {
	v.Valid = false
	r.report.Add(v.Path, format, args...)
}

func (r *reader) wrongKind(f *Field, v *Value, raw any) {
	hint := ""
	switch raw := raw.(type) {
	case string:
		if f.Kind == Integer && isInteger(raw) || f.Kind == Boolean && (raw == "true" || raw == "false") {
			hint = " (without quotes)"
		}
	case json.Number, bool:
		if f.Kind == String {
			hint = " (put it in quotes)"
		}
	}
	r.fail(v, "%s is %s; want %s%s", show(raw), kindOf(raw), f.wants(), hint)
}

func isInteger(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

// unknown reports a key that no field has, with the one that was probably meant.
func (r *reader) unknown(path, key string, fields []Field, value any) {
	known := keys(fields)
	hint := ""
	if near := Closest(key, known); near != "" {
		hint = "did you mean " + near + "? "
	} else if elsewhere := r.elsewhere(r.root, r.namespace+":", key); elsewhere != "" {
		hint = "it belongs to " + elsewhere + ". "
	}
	r.report.Add(path, "unknown key with value %s; %sknown here: %s", show(value), hint, strings.Join(known, ", "))
}

// elsewhere returns the path at which the description has the key, or "".
func (r *reader) elsewhere(fields []Field, prefix, key string) string {
	for i := range fields {
		f := &fields[i]
		if f.Key == key {
			return prefix + key
		}
		below, children := prefix+f.Key+".", f.Fields
		if f.Items != nil {
			below, children = prefix+f.Key+"[].", f.Items.Fields
		}
		if path := r.elsewhere(children, below, key); path != "" {
			return path
		}
	}
	return ""
}

// wants says what the field accepts.
func (f *Field) wants() string {
	switch {
	case f.Accepts != "":
		return f.Accepts
	case len(f.Values) > 0:
		return "one of " + strings.Join(f.Values, ", ")
	case f.Range != nil && f.Range.Max == AtLeast(0).Max:
		return fmt.Sprintf("an integer of at least %d", f.Range.Min)
	case f.Range != nil:
		return fmt.Sprintf("an integer from %d to %d", f.Range.Min, f.Range.Max)
	}
	switch f.Kind {
	case Integer:
		return "an integer"
	case Boolean:
		return "true or false"
	case List:
		if f.Items.Kind == Object {
			return "a list of objects with " + strings.Join(keys(f.Items.Fields), ", ")
		}
		return "a list of strings"
	case Object:
		return "an object with " + strings.Join(keys(f.Fields), ", ")
	case Map:
		return "an object of strings"
	}
	return "a string"
}

// show returns a decoded value as it is put into a message.
func show(raw any) string {
	switch raw := raw.(type) {
	case string:
		return Quote(raw)
	case json.Number:
		return cut(raw.String())
	}
	text, err := json.Marshal(raw)
	if err != nil {
		return fmt.Sprintf("a %T", raw)
	}
	return cut(string(text))
}

func kindOf(raw any) string {
	switch raw.(type) {
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	}
	return "an object"
}
