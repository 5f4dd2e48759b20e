package graph

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/logarchive/logarchive/catalog"
)

// recorder answers the SDK's registrations, which come from many goroutines, and keeps them.
type recorder struct {
	project, stack string

	mu        sync.Mutex
	resources map[string]*Resource
	settings  map[string]catalog.Settings // by the URN of the provider instance
	failures  map[string]error            // by URN, or by what was called
}

func newRecorder(o Options) *recorder {
	return &recorder{
		project:   o.Project,
		stack:     o.Stack,
		resources: map[string]*Resource{},
		settings:  map[string]catalog.Settings{},
		failures:  map[string]error{},
	}
}

// UnknownTypeError says that a program declares a resource of a type that the catalog doesn't have.
type UnknownTypeError struct{ Type, Name string }

// Error names the type and the resource.
func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("resource %q is of type %s, which the catalog doesn't have", e.Name, e.Type)
}

// NewResource records a registration and answers with the id and the outputs. It never returns an error: what can't
// be recorded is kept for the end, so that one run names everything.
func (rec *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	req := args.RegisterRPC
	if req == nil {
		rec.fail(args.TypeToken+" "+args.Name, fmt.Errorf("%s %q is read by its id: a recording has nothing to read", args.TypeToken, args.Name))
		return args.ID, args.Inputs, nil
	}
	r := rec.declared(req, args.Inputs)
	rec.complete(r)

	rec.mu.Lock()
	defer rec.mu.Unlock()
	if _, again := rec.resources[r.URN]; again {
		rec.failures[r.URN] = fmt.Errorf("%s %q is declared twice", r.Type, r.Name)
	}
	rec.resources[r.URN] = r
	return r.ID, r.Outputs, nil
}

// Call refuses data sources: what they would answer isn't known without AWS.
func (rec *recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	err := fmt.Errorf("the program calls %s: a recording has no answer to data sources", args.Token)
	rec.fail(args.Token, err)
	return nil, err
}

func (rec *recorder) fail(where string, err error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.failures[where] = err
}

// declared is what the registration itself says.
func (rec *recorder) declared(req *pulumirpc.RegisterResourceRequest, inputs resource.PropertyMap) *Resource {
	r := &Resource{
		URN:                     rec.urn(req.GetParent(), req.GetType(), req.GetName()),
		Type:                    req.GetType(),
		Name:                    req.GetName(),
		Parent:                  req.GetParent(),
		Provider:                providerURN(req.GetProvider()),
		Custom:                  req.GetCustom(),
		Inputs:                  inputs,
		Dependencies:            sortedSet(req.GetDependencies()),
		PropertyDependencies:    map[string][]string{},
		Protect:                 req.GetProtect(),
		RetainOnDelete:          req.GetRetainOnDelete(),
		DeleteBeforeReplace:     req.GetDeleteBeforeReplace(),
		IgnoreChanges:           sortedSet(req.GetIgnoreChanges()),
		AdditionalSecretOutputs: sortedSet(req.GetAdditionalSecretOutputs()),
		Aliases:                 aliases(req),
	}
	for property, deps := range req.GetPropertyDependencies() {
		if urns := sortedSet(deps.GetUrns()); len(urns) > 0 {
			r.PropertyDependencies[property] = urns
		}
	}
	return r
}

// complete gives the resource its place, id and outputs.
func (rec *recorder) complete(r *Resource) {
	if !r.Custom {
		return
	}
	t, ok := catalog.Lookup(r.Type)
	if !ok {
		rec.fail(r.URN, &UnknownTypeError{Type: r.Type, Name: r.Name})
		return
	}
	settings, ok := rec.settingsFor(r)
	if !ok {
		// Without a provider there is no place, so AWS's part of the outputs can't be told.
		r.ID, r.Outputs = r.Name, r.Inputs
		return
	}
	r.Place = settings.Place
	id, outputs, err := t.Complete(catalog.Request{
		Place:       r.Place,
		Name:        r.Name,
		Inputs:      r.Inputs,
		DefaultTags: settings.DefaultTags,
		// Two components may give the same logical name to their children: the types of the parents tell them apart.
		Salt: string(resource.URN(r.URN).QualifiedType()),
	})
	if err != nil {
		rec.fail(r.URN, err)
		return
	}
	r.ID, r.Outputs = id, outputs
}

// providerURN takes the id off a provider reference, which is URN::id.
func providerURN(ref string) string {
	if i := strings.LastIndex(ref, "::"); i >= 0 {
		return ref[:i]
	}
	return ref
}

// settingsFor returns the settings of the resource's provider instance; for an instance its own, which it keeps.
func (rec *recorder) settingsFor(r *Resource) (catalog.Settings, bool) {
	if r.IsProvider() {
		settings, err := catalog.ProviderSettings(r.Inputs)
		if err != nil {
			rec.fail(r.URN, fmt.Errorf("provider %q: %w", r.Name, err))
			return catalog.Settings{}, false
		}
		rec.mu.Lock()
		rec.settings[r.URN] = settings
		rec.mu.Unlock()
		return settings, true
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	settings, ok := rec.settings[r.Provider]
	return settings, ok
}

// urn puts a URN together as the engine does: the stack's own type is left out of the chain of parents' types.
func (rec *recorder) urn(parent, typ, name string) string {
	var parentType tokens.Type
	if p := resource.URN(parent); parent != "" && p.QualifiedType() != resource.RootStackType {
		parentType = p.QualifiedType()
	}
	return string(resource.NewURN(tokens.QName(rec.stack), tokens.PackageName(rec.project), parentType, tokens.Type(typ), name))
}

// graph returns what was recorded.
func (rec *recorder) graph(outputs resource.PropertyMap) *Graph {
	g := &Graph{Project: rec.project, Stack: rec.stack, Outputs: outputs, byURN: rec.resources}
	for _, r := range rec.resources {
		g.Resources = append(g.Resources, r)
	}
	slices.SortFunc(g.Resources, func(a, b *Resource) int { return strings.Compare(a.URN, b.URN) })
	return g
}

func aliases(req *pulumirpc.RegisterResourceRequest) []string {
	names := slices.Clone(req.GetAliasURNs())
	for _, a := range req.GetAliases() {
		if a.GetUrn() != "" {
			names = append(names, a.GetUrn())
			continue
		}
		names = append(names, aliasText(a.GetSpec()))
	}
	return sortedSet(names)
}

// aliasText says in which parts an alias differs from the resource's own URN.
func aliasText(spec *pulumirpc.Alias_Spec) string {
	var parts []string
	for _, part := range []struct{ what, value string }{
		{"type", spec.GetType()}, {"name", spec.GetName()}, {"stack", spec.GetStack()},
		{"project", spec.GetProject()}, {"parent", spec.GetParentUrn()},
	} {
		if part.value != "" {
			parts = append(parts, part.what+" "+part.value)
		}
	}
	if spec.GetNoParent() {
		parts = append(parts, "no parent")
	}
	return strings.Join(parts, ", ")
}

// sortedSet returns the strings sorted and without repetition.
func sortedSet(s []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(s)))
}
