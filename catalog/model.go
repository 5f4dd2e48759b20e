package catalog

// model is the hand-written half of a type. Paths leave positions out: "rules.transitions.days".
type model struct {
	token string
	// stateful, nameProperty, idFromInputs: see Type.
	stateful     bool
	nameProperty string
	idFromInputs bool
	// namePrefix is the input from which the provider makes a name when nameProperty is absent.
	namePrefix string
	// forceNew has the paths whose change replaces the resource where the SDK's comments don't say so.
	forceNew []string
	// required has the paths that the provider demands where the SDK's types don't say so: nested lists, mostly.
	required []string
	// defaults has what the provider sets for absent inputs, at the top level.
	defaults map[string]any
	// arns has the paths that hold ARNs. Each must be one, in the place's partition.
	arns []string
	// documents are the policies that it carries as JSON.
	documents []document
	// texts has the form that strings must have, by path.
	texts map[string]textRule
	// exactly has the groups of top-level inputs of which one must be given, and no more.
	exactly [][]string
	// enums has the accepted values by path.
	enums map[string][]string
	// ranges has the accepted numbers by path.
	ranges map[string]numberRange
	// code is the error code with which the service refuses a parameter, for ARNs and for the rules above that have
	// no code of their own.
	code string
	// check finds what AWS refuses beyond the tables above.
	check func(c *checking)
	// complete sets the id and the computed outputs.
	complete func(c *completion)
	// references says what the inputs point to.
	references func(r *referring)
}

// numberRange is the accepted range of a number, both ends included.
type numberRange struct{ min, max float64 }
