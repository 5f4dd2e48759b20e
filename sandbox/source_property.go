package sandbox

import "github.com/pulumi/pulumi/sdk/v3/go/common/resource"

// integer returns a number property, or fallback when there is none.
func integer(properties resource.PropertyMap, name string, fallback int) int {
	if v := properties[resource.PropertyKey(name)]; v.IsNumber() {
		return int(v.NumberValue())
	}
	return fallback
}

// child returns an object property, which the provider may also write as a list of one; nil when there is none.
func child(properties resource.PropertyMap, name string) resource.PropertyMap {
	if all := objects(properties[resource.PropertyKey(name)]); len(all) > 0 {
		return all[0]
	}
	return nil
}
