package sandbox

import (
	"github.com/logarchive/logarchive/catalog"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// plain returns properties without the marks of secrets and outputs. What isn't known stays unknown.
func plain(m resource.PropertyMap) resource.PropertyMap {
	if m == nil {
		return nil
	}
	out := make(resource.PropertyMap, len(m))
	for k, v := range m {
		out[k] = plainValue(v)
	}
	return out
}

func plainValue(v resource.PropertyValue) resource.PropertyValue {
	switch {
	case v.IsSecret():
		return plainValue(v.SecretValue().Element)
	case v.IsOutput() && v.OutputValue().Known:
		return plainValue(v.OutputValue().Element)
	case v.IsOutput():
		return unknown()
	case v.IsObject():
		return resource.NewObjectProperty(plain(v.ObjectValue()))
	case v.IsArray():
		all := make([]resource.PropertyValue, len(v.ArrayValue()))
		for i, e := range v.ArrayValue() {
			all[i] = plainValue(e)
		}
		return resource.NewArrayProperty(all)
	}
	return v
}

// unknown is a value that only the update will tell.
func unknown() resource.PropertyValue {
	return resource.MakeComputed(resource.NewStringProperty(""))
}

// withSecrets marks in state what is secret: what the schema calls so, and what was secret where it came from. Of a
// list with a secret in it the whole is marked, because AWS may order it anew.
func withSecrets(t *catalog.Type, state resource.PropertyMap, from ...resource.PropertyMap) resource.PropertyMap {
	marked := make(resource.PropertyMap, len(state))
	for k, v := range state {
		for _, origin := range from {
			v = markLike(v, origin[k])
		}
		if t.Outputs[string(k)].Secret && !v.IsSecret() && !v.IsNull() {
			v = resource.MakeSecret(v)
		}
		marked[k] = v
	}
	return marked
}

func markLike(v, origin resource.PropertyValue) resource.PropertyValue {
	switch {
	case v.IsSecret() || !origin.ContainsSecrets():
		return v
	case v.IsObject() && origin.IsObject():
		marked := make(resource.PropertyMap, len(v.ObjectValue()))
		for k, e := range v.ObjectValue() {
			marked[k] = markLike(e, origin.ObjectValue()[k])
		}
		return resource.NewObjectProperty(marked)
	}
	return resource.MakeSecret(v)
}
