package graph

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// Graph is what one program declares for one stack.
type Graph struct {
	Project, Stack string
	// Resources has every resource but the stack itself, sorted by URN.
	Resources []*Resource
	// Outputs are the stack's exports.
	Outputs resource.PropertyMap

	byURN map[string]*Resource
}

// Resource is one declared resource, component or provider instance.
type Resource struct {
	// URN is the engine's name for the resource; Type and Name are its last two parts.
	URN, Type, Name string
	// Parent is the URN of the component that it belongs to, or of the stack.
	Parent string
	// Provider is the URN of the provider instance that was passed to it. It is "" for components, for provider
	// instances, and for a resource that would fall back to the default provider.
	Provider string
	// Custom resources are made by a provider; the others are components.
	Custom bool
	// ID is the physical id that the resource will have.
	ID string
	// Place is where the resource's provider instance acts; for a provider instance its own.
	Place partition.Place
	// Inputs are what the program declares, Outputs what the resource has after its creation.
	Inputs, Outputs resource.PropertyMap
	// Dependencies are the URNs that it waits for, sorted; PropertyDependencies says by which input, and leaves out
	// those that come from DependsOn only.
	Dependencies         []string
	PropertyDependencies map[string][]string
	// Protect and the others are the resource's options.
	Protect, RetainOnDelete, DeleteBeforeReplace    bool
	IgnoreChanges, AdditionalSecretOutputs, Aliases []string
}

// Get returns the resource with the URN.
func (g *Graph) Get(urn string) (*Resource, bool) {
	r, ok := g.byURN[urn]
	return r, ok
}

// ByType returns the resources of a type, sorted by URN.
func (g *Graph) ByType(token string) []*Resource {
	return g.where(func(r *Resource) bool { return r.Type == token })
}

// Find returns the resource of a type with a logical name. Where components give the same name to several, it is the
// first by URN.
func (g *Graph) Find(token, name string) (*Resource, bool) {
	i := slices.IndexFunc(g.Resources, func(r *Resource) bool { return r.Type == token && r.Name == name })
	if i < 0 {
		return nil, false
	}
	return g.Resources[i], true
}

// Children returns the resources whose parent has the URN, sorted by URN.
func (g *Graph) Children(urn string) []*Resource {
	return g.where(func(r *Resource) bool { return r.Parent == urn })
}

// Providers returns the provider instances, sorted by URN.
func (g *Graph) Providers() []*Resource {
	return g.where(func(r *Resource) bool { return r.IsProvider() })
}

func (g *Graph) where(keep func(*Resource) bool) []*Resource {
	var rs []*Resource
	for _, r := range g.Resources {
		if keep(r) {
			rs = append(rs, r)
		}
	}
	return rs
}

// IsProvider says whether the resource is a provider instance.
func (r *Resource) IsProvider() bool { return strings.HasPrefix(r.Type, providerPrefix) }

// Settings returns what a provider instance gives to its resources; an error for anything else.
func (r *Resource) Settings() (catalog.Settings, error) { return catalog.ProviderSettings(r.Inputs) }

// providerPrefix begins the type of every provider instance.
const providerPrefix = "pulumi:providers:"
