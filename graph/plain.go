package graph

import (
	"bytes"
	"encoding/json"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// What stands in texts for values that aren't shown.
const (
	secretMark  = "[secret]"
	unknownMark = "[unknown]"
)

// plain turns a property into what encoding/json can print. Secrets are not shown, files only by their name.
func plain(v resource.PropertyValue) any {
	switch {
	case v.IsSecret() || v.IsOutput() && v.OutputValue().Secret:
		return secretMark
	case v.IsOutput() && v.OutputValue().Known:
		return plain(v.OutputValue().Element)
	case v.IsComputed() || v.IsOutput():
		return unknownMark
	case v.IsArray():
		list := make([]any, 0, len(v.ArrayValue()))
		for _, e := range v.ArrayValue() {
			list = append(list, plain(e))
		}
		return list
	case v.IsObject():
		return plainMap(v.ObjectValue())
	case v.IsAsset():
		return map[string]any{"asset": v.AssetValue().Path + v.AssetValue().URI, "sha256": v.AssetValue().Hash}
	case v.IsArchive():
		return map[string]any{"archive": v.ArchiveValue().Path + v.ArchiveValue().URI, "sha256": v.ArchiveValue().Hash}
	case v.IsResourceReference():
		return string(v.ResourceReferenceValue().URN)
	}
	return v.V
}

func plainMap(m resource.PropertyMap) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[string(k)] = plain(v)
	}
	return out
}

// encode prints a value as JSON without escaping <, > and &, which policy documents have none of but filters do.
func encode(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
