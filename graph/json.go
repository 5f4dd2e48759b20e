package graph

import "maps"

// document is the graph as JSON.
type document struct {
	Project   string             `json:"project"`
	Stack     string             `json:"stack"`
	Resources []documentResource `json:"resources"`
	Outputs   map[string]any     `json:"outputs"`
}

type documentResource struct {
	URN                     string              `json:"urn"`
	Type                    string              `json:"type"`
	Name                    string              `json:"name"`
	Parent                  string              `json:"parent,omitempty"`
	Provider                string              `json:"provider,omitempty"`
	Custom                  bool                `json:"custom"`
	ID                      string              `json:"id,omitempty"`
	Account                 string              `json:"account,omitempty"`
	Region                  string              `json:"region,omitempty"`
	Inputs                  map[string]any      `json:"inputs,omitempty"`
	Outputs                 map[string]any      `json:"outputs,omitempty"`
	Dependencies            []string            `json:"dependencies,omitempty"`
	PropertyDependencies    map[string][]string `json:"propertyDependencies,omitempty"`
	Protect                 bool                `json:"protect,omitempty"`
	RetainOnDelete          bool                `json:"retainOnDelete,omitempty"`
	DeleteBeforeReplace     bool                `json:"deleteBeforeReplace,omitempty"`
	IgnoreChanges           []string            `json:"ignoreChanges,omitempty"`
	AdditionalSecretOutputs []string            `json:"additionalSecretOutputs,omitempty"`
	Aliases                 []string            `json:"aliases,omitempty"`
}

// JSON returns the whole graph as an indented JSON object with project, stack, resources (sorted by URN) and outputs.
// The same graph always gives the same bytes. Secret values read "[secret]".
func (g *Graph) JSON() ([]byte, error) {
	d := document{Project: g.Project, Stack: g.Stack, Resources: []documentResource{}, Outputs: plainMap(g.Outputs)}
	for _, r := range g.Resources {
		d.Resources = append(d.Resources, documentResource{
			URN: r.URN, Type: r.Type, Name: r.Name, Parent: r.Parent, Provider: r.Provider, Custom: r.Custom, ID: r.ID,
			Account: string(r.Place.Account), Region: string(r.Place.Region),
			Inputs: plainMap(r.Inputs), Outputs: plainMap(r.Outputs),
			Dependencies: r.Dependencies, PropertyDependencies: maps.Clone(r.PropertyDependencies),
			Protect: r.Protect, RetainOnDelete: r.RetainOnDelete, DeleteBeforeReplace: r.DeleteBeforeReplace,
			IgnoreChanges: r.IgnoreChanges, AdditionalSecretOutputs: r.AdditionalSecretOutputs, Aliases: r.Aliases,
		})
	}
	return encode(d, "  ")
}
