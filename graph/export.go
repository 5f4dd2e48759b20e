package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/sig"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// export is what `pulumi stack export` writes, as far as a graph needs it
// (https://www.pulumi.com/docs/iac/cli/commands/pulumi_stack_export/).
type export struct {
	Version    int `json:"version"`
	Deployment *struct {
		Resources []exported `json:"resources"`
	} `json:"deployment"`
}

// exported is one resource of a stack's state.
type exported struct {
	URN                     string              `json:"urn"`
	Type                    string              `json:"type"`
	Custom                  bool                `json:"custom"`
	Delete                  bool                `json:"delete"`
	PendingReplacement      bool                `json:"pendingReplacement"`
	ID                      string              `json:"id"`
	Inputs                  map[string]any      `json:"inputs"`
	Outputs                 map[string]any      `json:"outputs"`
	Parent                  string              `json:"parent"`
	Provider                string              `json:"provider"`
	Dependencies            []string            `json:"dependencies"`
	PropertyDependencies    map[string][]string `json:"propertyDependencies"`
	Protect                 bool                `json:"protect"`
	RetainOnDelete          bool                `json:"retainOnDelete"`
	IgnoreChanges           []string            `json:"ignoreChanges"`
	AdditionalSecretOutputs []string            `json:"additionalSecretOutputs"`
	Aliases                 []string            `json:"aliases"`
}

// The versions of a deployment that are read. Version 4 adds features that a graph doesn't need.
const oldestExport, newestExport = 3, 4

// FromExport returns the graph of a deployed stack from the JSON that `pulumi stack export` writes, of any program and in
// any language. Resources that are only waiting for their deletion are left out, and so are operations that were under way.
//
// Secrets are decrypted only if the export was made with --show-secrets; without, their values are unknown secrets. The place
// of each provider instance of AWS follows from its inputs, as in a recording. What they leave open, as those of default
// providers do, the ARNs of its resources tell.
//
// Errors: text that isn't such JSON, a version other than 3 and 4, and every provider instance that has resources and whose
// account or region can't be told, each named.
func FromExport(data []byte) (*Graph, error) {
	var x export
	if err := json.Unmarshal(data, &x); err != nil {
		return nil, fmt.Errorf("this isn't the export of a stack: %w", err)
	}
	if x.Version < oldestExport || x.Version > newestExport {
		return nil, fmt.Errorf("the export has version %d; want %d or %d, as `pulumi stack export` writes it", x.Version, oldestExport, newestExport)
	}
	g := &Graph{Outputs: resource.PropertyMap{}, byURN: map[string]*Resource{}}
	if x.Deployment == nil {
		return g, nil // of a stack that was never deployed
	}
	for i := range x.Deployment.Resources {
		if err := g.load(&x.Deployment.Resources[i]); err != nil {
			return nil, err
		}
	}
	for _, urn := range slices.Sorted(maps.Keys(g.byURN)) {
		g.Resources = append(g.Resources, g.byURN[urn])
	}
	return g, g.settle()
}

// load adds one resource; the stack itself becomes the graph's project, stack and outputs.
func (g *Graph) load(e *exported) error {
	if e.Delete || e.PendingReplacement {
		return nil
	}
	urn := resource.URN(e.URN)
	if !urn.IsValid() {
		return fmt.Errorf("the export has a resource with the URN %q, which isn't one", e.URN)
	}
	g.Project, g.Stack = string(urn.Project()), string(urn.Stack())
	inputs, err := properties(e.Inputs)
	if err != nil {
		return fmt.Errorf("%s: inputs: %w", e.URN, err)
	}
	outputs, err := properties(e.Outputs)
	if err != nil {
		return fmt.Errorf("%s: outputs: %w", e.URN, err)
	}
	if urn.QualifiedType() == resource.RootStackType {
		g.Outputs = outputs
		return nil
	}
	if _, again := g.byURN[e.URN]; again {
		return fmt.Errorf("the export has %s twice", e.URN)
	}
	r := &Resource{
		URN: e.URN, Type: e.Type, Name: urn.Name(), Parent: e.Parent, Provider: providerURN(e.Provider), Custom: e.Custom, ID: e.ID,
		Inputs: inputs, Outputs: outputs, Dependencies: sortedSet(e.Dependencies), PropertyDependencies: map[string][]string{},
		Protect: e.Protect, RetainOnDelete: e.RetainOnDelete, IgnoreChanges: sortedSet(e.IgnoreChanges),
		AdditionalSecretOutputs: sortedSet(e.AdditionalSecretOutputs), Aliases: sortedSet(e.Aliases),
	}
	for property, deps := range e.PropertyDependencies {
		if urns := sortedSet(deps); len(urns) > 0 {
			r.PropertyDependencies[property] = urns
		}
	}
	g.byURN[e.URN] = r
	return nil
}

// settle gives every resource of AWS its place. All providers that have none are reported together.
func (g *Graph) settle() error {
	of := map[string][]*Resource{} // a provider instance's resources
	for _, r := range g.Resources {
		if r.Provider != "" {
			of[r.Provider] = append(of[r.Provider], r)
		}
	}
	var problems []error
	for _, p := range g.Providers() {
		if p.Type != catalog.ProviderToken {
			continue
		}
		place, err := g.placeOf(p, of[p.URN])
		switch {
		case err == nil:
			p.Place = place
			for _, r := range of[p.URN] {
				r.Place = place
			}
		case len(of[p.URN]) > 0: // one without resources may be anywhere
			problems = append(problems, fmt.Errorf("provider %q (%s): %w", p.Name, p.URN, err))
		}
	}
	return errors.Join(problems...)
}

// placeOf is where a provider instance acts: what its inputs say, and for the rest what the ARNs of its resources say.
func (g *Graph) placeOf(p *Resource, resources []*Resource) (partition.Place, error) {
	settings, inputsErr := catalog.ProviderSettings(p.Inputs)
	if inputsErr == nil {
		return settings.Place, nil
	}
	accounts, regions := map[partition.Account]bool{}, map[partition.Region]bool{}
	for _, r := range resources {
		arn, err := partition.ParseARN(strings.TrimSuffix(textAt(r.Outputs, "arn"), ":*"))
		if err != nil {
			continue
		}
		if account, err := partition.ParseAccount(string(arn.Account)); err == nil {
			accounts[account] = true
		}
		if arn.Region != "" {
			regions[arn.Region] = true
		}
	}
	var place partition.Place
	if region, err := partition.ParseRegion(textAt(p.Inputs, "region")); err == nil {
		place.Region = region
	} else if len(regions) == 1 {
		place.Region = slices.Collect(maps.Keys(regions))[0]
	}
	if len(accounts) == 1 {
		place.Account = slices.Collect(maps.Keys(accounts))[0]
	}
	if place.Account != "" && place.Region != "" {
		return place, nil
	}
	return place, fmt.Errorf("%w; and the ARNs of its %d resources name %s and %s", inputsErr, len(resources), several(accounts, "account"), several(regions, "region"))
}

// several lists what was found where one is wanted.
func several[T ~string](found map[T]bool, noun string) string {
	names := make([]string, 0, len(found))
	for _, f := range slices.Sorted(maps.Keys(found)) {
		names = append(names, string(f))
	}
	switch len(names) {
	case 0:
		return "no " + noun
	case 1:
		return noun + " " + names[0]
	}
	return noun + "s " + strings.Join(names, ", ")
}

// properties reads the properties of a state.
func properties(m map[string]any) (resource.PropertyMap, error) {
	out := make(resource.PropertyMap, len(m))
	for k, v := range m {
		value, err := property(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		out[resource.PropertyKey(k)] = value
	}
	return out, nil
}

func property(v any) (resource.PropertyValue, error) {
	switch v := v.(type) {
	case nil:
		return resource.NewNullProperty(), nil
	case bool:
		return resource.NewBoolProperty(v), nil
	case float64:
		return resource.NewNumberProperty(v), nil
	case string:
		return resource.NewStringProperty(v), nil
	case []any:
		list := make([]resource.PropertyValue, 0, len(v))
		for i, e := range v {
			value, err := property(e)
			if err != nil {
				return resource.PropertyValue{}, fmt.Errorf("[%d]: %w", i, err)
			}
			list = append(list, value)
		}
		return resource.NewArrayProperty(list), nil
	case map[string]any:
		if kind, ok := v[sig.Key].(string); ok {
			return special(kind, v)
		}
		m, err := properties(v)
		return resource.NewObjectProperty(m), err
	}
	return resource.PropertyValue{}, fmt.Errorf("%T is no value of a property", v)
}

// special reads the values that an object with a signature stands for.
func special(kind string, v map[string]any) (resource.PropertyValue, error) {
	switch kind {
	case sig.Secret:
		return secret(v)
	case sig.AssetSig:
		a, _, err := asset.Deserialize(v)
		if err != nil {
			return resource.PropertyValue{}, err
		}
		return resource.NewAssetProperty(a), nil
	case sig.ArchiveSig:
		a, _, err := archive.Deserialize(v)
		if err != nil {
			return resource.PropertyValue{}, err
		}
		return resource.NewArchiveProperty(a), nil
	case sig.ResourceReference:
		urn, _ := v["urn"].(string)
		id, _ := v["id"].(string)
		version, _ := v["packageVersion"].(string)
		return resource.MakeCustomResourceReference(resource.URN(urn), resource.ID(id), version), nil
	case sig.OutputValue:
		value, err := property(v["value"])
		if isSecret, _ := v["secret"].(bool); isSecret && err == nil {
			value = resource.MakeSecret(value)
		}
		return value, err
	}
	return resource.PropertyValue{}, fmt.Errorf("signature %q isn't known", kind)
}

// secret reads a secret. One that is encrypted is there, and its value unknown.
func secret(v map[string]any) (resource.PropertyValue, error) {
	plaintext, ok := v["plaintext"].(string)
	if !ok {
		return resource.MakeSecret(resource.MakeComputed(resource.NewStringProperty(""))), nil
	}
	var decoded any
	if err := json.Unmarshal([]byte(plaintext), &decoded); err != nil {
		return resource.PropertyValue{}, fmt.Errorf("the plaintext of a secret isn't JSON: %w", err)
	}
	value, err := property(decoded)
	return resource.MakeSecret(value), err
}
