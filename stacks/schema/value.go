package schema

// Value is a checked value. Its accessors never fail: what isn't given or isn't valid reads as the default or the zero
// value, so that a reader can build everything else and report all problems together.
type Value struct {
	// Path is the key's path, for problems that later checks find.
	Path string
	// Given says that the key is in the configuration.
	Given bool
	// Valid says that the value has the right kind and is one that its field accepts. Values that aren't given are
	// valid unless they are required.
	Valid bool

	text   string
	number int
	flag   bool
	items  []Value
	fields map[string]Value
	pairs  map[string]string
}

// Get returns the value of an object's or a map's key. Below a value of the wrong kind nothing is valid.
func (v Value) Get(key string) Value { return v.fields[key] }

// Text returns a string.
func (v Value) Text() string { return v.text }

// Number returns an integer.
func (v Value) Number() int { return v.number }

// Flag returns a boolean.
func (v Value) Flag() bool { return v.flag }

// Items returns the elements of a list.
func (v Value) Items() []Value { return v.items }

// Pairs returns the entries of a map.
func (v Value) Pairs() map[string]string { return v.pairs }

// OK says that the key is given and its value is valid: what later checks look at.
func (v Value) OK() bool { return v.Given && v.Valid }
