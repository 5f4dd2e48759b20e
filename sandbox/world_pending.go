package sandbox

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/logarchive/logarchive/automation"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Finder is an [automation.Finder]: it looks for what a creation has made that the engine had begun and doesn't know the
// end of, because one of the two was killed. It is the object that the resource of that URN made last, from the same
// inputs: while a resource is being replaced its URN has two objects, and the old one must not be taken for the new one.
func (w *World) Finder(_ context.Context, create automation.PendingCreate) (automation.Found, bool, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	objects := w.urn(create.URN)
	for i := len(objects) - 1; i >= 0; i-- {
		if o := objects[i]; o.Type == create.Type && !gone(o) && storedMatch(create.Inputs, o.Inputs) {
			return automation.Found{ID: o.ID}, true, nil
		}
	}
	return automation.Found{}, false, nil
}

// storedMatch compares inputs as the engine stores them with properties. The content of a secret is not compared: in
// the engine's state it is encrypted. Neither is that of an asset, of which the state has the hash.
func storedMatch(stored map[string]any, properties resource.PropertyMap) bool {
	for k, v := range stored {
		if !strings.HasPrefix(k, "__") && !storedValueMatch(v, properties[resource.PropertyKey(k)]) {
			return false
		}
	}
	for k, v := range properties {
		if _, ok := stored[string(k)]; !ok && !v.IsNull() && !strings.HasPrefix(string(k), "__") {
			return false
		}
	}
	return true
}

func storedValueMatch(stored any, v resource.PropertyValue) bool {
	switch s := stored.(type) {
	case map[string]any:
		if _, special := s[resource.SigKey]; special {
			return !v.IsNull()
		}
		return v.IsObject() && storedMatch(s, v.ObjectValue())
	case []any:
		if !v.IsArray() || len(s) != len(v.ArrayValue()) {
			return false
		}
		for i, e := range v.ArrayValue() {
			if !storedValueMatch(s[i], e) {
				return false
			}
		}
		return true
	case json.Number:
		f, err := s.Float64()
		return err == nil && v.IsNumber() && v.NumberValue() == f
	}
	return v.DeepEquals(resource.NewPropertyValue(stored))
}
