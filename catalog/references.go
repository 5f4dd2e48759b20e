package catalog

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// referring collects the references of one resource.
type referring struct {
	in   view
	refs []Reference
}

// References returns what the inputs point to, in a fixed order. Values that aren't known yet point to nothing.
func (t *Type) References(inputs resource.PropertyMap) []Reference {
	if t.model.references == nil {
		return nil
	}
	r := &referring{in: view(inputs)}
	t.model.references(r)
	return r.refs
}

// add keeps references whose value is known.
func (r *referring) add(ref Reference) {
	if ref.Value != "" && !strings.Contains(ref.Value, unknown) {
		r.refs = append(r.refs, ref)
	}
}

// name, arn and id add what the values at a path name. Names and ids have a meaning in one account and region only.
func (r *referring) name(path, target, code string) {
	for _, f := range r.in.find(path) {
		r.add(Reference{Property: f.path, TargetToken: target, By: ByName, Value: text(f.value), SameRegion: true, SameAccount: true, Code: code})
	}
}

func (r *referring) arn(path, target, code string) {
	for _, f := range r.in.find(path) {
		r.add(Reference{Property: f.path, TargetToken: target, By: ByARN, Value: text(f.value), Code: code})
	}
}

func (r *referring) arnOrID(path, target, code string) {
	for _, f := range r.in.find(path) {
		ref := Reference{Property: f.path, TargetToken: target, By: ByID, Value: text(f.value), SameRegion: true, SameAccount: true, Code: code}
		if strings.HasPrefix(ref.Value, "arn:") {
			ref.By = ByARN
		}
		r.add(ref)
	}
}
