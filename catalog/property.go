package catalog

// Kind is the shape of a property's value.
type Kind string

// The kinds. Any is for properties that take several shapes, such as a role by name or a policy as text or object.
const (
	String Kind = "string"
	Bool   Kind = "bool"
	Int    Kind = "int"
	Float  Kind = "float"
	List   Kind = "list"
	Map    Kind = "map"
	Object Kind = "object"
	Asset  Kind = "asset"
	Any    Kind = "any"
)

// Property is what the provider's schema says about one property.
type Property struct {
	Kind Kind
	// Required inputs must be given. Outputs are never required.
	Required bool
	// ForceNew says that a change of the input replaces the resource.
	ForceNew bool
	// Secret values are encrypted in the state.
	Secret bool
	// Deprecated is what the SDK says instead of it, or "".
	Deprecated string
	// Elem is the shape of a list's or a map's elements, nil for scalars and objects.
	Elem *Property
	// Fields are the properties of an object.
	Fields map[string]Property
}
