package automation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// A StateResource is a resource as the stack's state knows it.
type StateResource struct {
	URN     string `json:"urn"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	ID      string `json:"id,omitempty"`
	Custom  bool   `json:"custom"`           // made by a provider, not a component
	Protect bool   `json:"protect"`          // the engine refuses to delete it
	Retain  bool   `json:"retain"`           // it stays in AWS when the stack lets it go
	Waiting bool   `json:"delete,omitempty"` // replaced, and waiting for its deletion

	needs []string // URNs that must exist as long as this resource is in the state
}

// String is the resource's type, name and id.
func (r StateResource) String() string {
	s := r.Type + " " + r.Name
	if r.ID != "" && r.ID != r.Name {
		s += " (" + r.ID + ")"
	}
	return s
}

// resourcesOf reads the resources of an exported stack, in the state's order: what is needed comes first.
func resourcesOf(stack apitype.UntypedDeployment) ([]StateResource, error) {
	var deployment struct {
		Resources []struct {
			pendingResource
			Parent               string              `json:"parent"`
			Protect              bool                `json:"protect"`
			RetainOnDelete       bool                `json:"retainOnDelete"`
			DeletedWith          string              `json:"deletedWith"`
			Dependencies         []string            `json:"dependencies"`
			PropertyDependencies map[string][]string `json:"propertyDependencies"`
		} `json:"resources"`
	}
	if len(stack.Deployment) > 0 {
		if err := json.Unmarshal(stack.Deployment, &deployment); err != nil {
			return nil, fmt.Errorf("the stack's state can't be read: %w", err)
		}
	}
	out := make([]StateResource, 0, len(deployment.Resources))
	for _, r := range deployment.Resources {
		s := StateResource{URN: r.URN, Type: r.Type, ID: r.ID, Custom: r.Custom, Protect: r.Protect, Retain: r.RetainOnDelete, Waiting: r.Delete}
		_, s.Name = typeAndName(r.URN)
		s.needs = slices.Clone(r.Dependencies)
		for _, urns := range r.PropertyDependencies {
			s.needs = append(s.needs, urns...)
		}
		for _, urn := range []string{r.Parent, providerURN(r.Provider), r.DeletedWith} {
			if urn != "" {
				s.needs = append(s.needs, urn)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// providerURN takes the id off a provider reference, which is <URN>::<id>.
func providerURN(reference string) string {
	if i := strings.LastIndex(reference, "::"); i >= 0 {
		return reference[:i]
	}
	return reference
}

// protectedOf are the resources that the engine refuses to delete.
func protectedOf(resources []StateResource) []StateResource {
	return slices.DeleteFunc(slices.Clone(resources), func(r StateResource) bool { return !r.Protect })
}

// retainedOf are those that stay in AWS when the stack is destroyed.
func retainedOf(resources []StateResource) []StateResource {
	return slices.DeleteFunc(slices.Clone(resources), func(r StateResource) bool { return !r.Retain || !r.Custom || r.Waiting })
}

// keptWith returns the URNs of the given resources and of everything that must stay in the state with them: their
// parents, providers and dependencies, and those of these.
func keptWith(resources []StateResource, kept []StateResource) []string {
	byURN := map[string][]StateResource{}
	for _, r := range resources {
		byURN[r.URN] = append(byURN[r.URN], r)
	}
	seen := map[string]bool{}
	var urns []string
	var visit func(urn string)
	visit = func(urn string) {
		if seen[urn] {
			return
		}
		seen[urn] = true
		urns = append(urns, urn)
		for _, r := range byURN[urn] {
			for _, need := range r.needs {
				visit(need)
			}
		}
	}
	for _, r := range kept {
		visit(r.URN)
	}
	return urns
}

// withoutProtection is the stack's state with nothing protected. Everything else in it stays as it is, byte by byte.
func withoutProtection(stack apitype.UntypedDeployment) (apitype.UntypedDeployment, error) {
	var deployment map[string]json.RawMessage
	var resources []json.RawMessage
	if err := json.Unmarshal(stack.Deployment, &deployment); err != nil {
		return stack, fmt.Errorf("the stack's state can't be read: %w", err)
	}
	if err := unmarshal(deployment["resources"], &resources); err != nil {
		return stack, fmt.Errorf("the stack's state can't be read: %w", err)
	}
	for i := range resources {
		var r struct {
			Protect bool `json:"protect"`
		}
		if err := json.Unmarshal(resources[i], &r); err != nil {
			return stack, fmt.Errorf("resource %d of the stack's state can't be read: %w", i, err)
		}
		if r.Protect {
			var err error
			if resources[i], err = set(resources[i], map[string]any{"protect": false}); err != nil {
				return stack, err
			}
		}
	}
	var err error
	if deployment["resources"], err = json.Marshal(resources); err != nil {
		return stack, err
	}
	stack.Deployment, err = json.Marshal(deployment)
	return stack, err
}

// without leaves out the resources with these URNs.
func without(resources []StateResource, urns []string) []StateResource {
	out := map[string]bool{}
	for _, urn := range urns {
		out[urn] = true
	}
	var kept []StateResource
	for _, r := range resources {
		if !out[r.URN] {
			kept = append(kept, r)
		}
	}
	return kept
}
