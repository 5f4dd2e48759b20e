package catalog

// documents checks the policy documents.
func (c *checking) documents() {}
