package catalog

// checking collects the failures of one resource.
type checking struct {
	Request
	t        *Type
	in       view
	failures []Failure
}

func (c *checking) fail(property, code, reason string) {
	c.failures = append(c.failures, Failure{Property: property, Code: code, Reason: reason})
}
