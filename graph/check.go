package graph

import "github.com/logarchive/logarchive/catalog"

// Failure is a reason for which AWS, or the provider, would refuse a recorded resource.
type Failure struct {
	// URN is the resource's.
	URN string
	catalog.Failure
}

// Error returns "URN: property: reason (code)".
func (f Failure) Error() string { return f.URN + ": " + f.Failure.Error() }

// Failures checks every resource by the rules of the catalog that need only its inputs: names, values, limits, policy
// documents, ARNs of another partition. They come in the order of the resources. Resources that use the default
// provider have no place, and are not checked.
func (g *Graph) Failures() []Failure {
	var all []Failure
	for _, r := range g.Resources {
		t, ok := catalog.Lookup(r.Type)
		if !ok || r.Place.Partition() == "" {
			continue
		}
		for _, f := range t.Check(catalog.Request{Place: r.Place, Name: r.Name, Inputs: r.Inputs}) {
			all = append(all, Failure{r.URN, f})
		}
	}
	return all
}
