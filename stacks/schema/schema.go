// Package schema describes a configuration once and reads the description three ways: it checks values against it
// ([Read]), writes it down as the config section of Pulumi.yaml ([Project]) and as a reference page ([Markdown]).
//
// A description is a list of [Field]s. Values arrive as the Pulumi engine hands them to a program: one string a key,
// which is the value itself for a scalar and JSON for everything else.
//
// Reading never stops at the first mistake. Every problem is reported with the path of its key, such as
// log-archive:flowLogs[1].trafficType, and the value that has one is marked as not valid, so that later checks can
// leave it alone instead of reporting it twice.
package schema

import "regexp"

// Kind is what a value may be. There is no conversion between kinds: "30" is not an integer and "yes" is not a
// boolean, because a guess here is how a `false` in quotes becomes true.
type Kind int

// The kinds.
const (
	// String is text.
	String Kind = iota
	// Integer is a whole number.
	Integer
	// Boolean is true or false.
	Boolean
	// List is a sequence of Items.
	List
	// Object has Fields; other keys are mistakes.
	Object
	// Map has keys of the user's choice; its values are strings.
	Map
)

// Placeholder stands for a value that is encrypted in the stack file and that nobody has decrypted yet. Only fields
// with Secret set accept it. It is what the Pulumi CLI prints for a secret.
const Placeholder = "[secret]"

// Range is an inclusive range of integers.
type Range struct{ Min, Max int }

// Field describes one key.
type Field struct {
	// Key is the name as written in the configuration. Items have none.
	Key  string
	Kind Kind
	// Required fields must be given; a required string, list or object must not be empty.
	Required bool
	// Default is used when the key isn't given: a string, an int or a bool. nil leaves the zero value.
	Default any
	// DefaultText says in words what happens when the key isn't given and Default can't say it.
	DefaultText string
	// Secret fields may be encrypted in the stack file.
	Secret bool
	// Doc says what the key does, in one or two sentences.
	Doc string
	// Accepts says in words what is accepted, where Values and Range don't.
	Accepts string
	// Values is the closed list of what a string may be.
	Values []string
	// Range is what an integer may be.
	Range *Range
	// Pattern is what a string must match; Accepts puts it in words.
	Pattern *regexp.Regexp
	// Items describes the elements of a List.
	Items *Field
	// Fields are the keys of an Object.
	Fields []Field
	// Example is a believable value, in YAML.
	Example string
}

// Between returns the range from lowest to highest, both included.
func Between(lowest, highest int) *Range { return &Range{Min: lowest, Max: highest} }

// AtLeast returns the range from lowest to the largest number of days, minutes or bytes that any AWS API takes.
func AtLeast(lowest int) *Range { return &Range{Min: lowest, Max: 1<<31 - 1} }

// find returns the field with the key, or nil.
func find(fields []Field, key string) *Field {
	for i := range fields {
		if fields[i].Key == key {
			return &fields[i]
		}
	}
	return nil
}

// keys returns the keys of the fields in their order.
func keys(fields []Field) []string {
	out := make([]string, len(fields))
	for i := range fields {
		out[i] = fields[i].Key
	}
	return out
}
