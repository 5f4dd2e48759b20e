package catalog

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
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

// each adds a reference for every value at a path, made like the example.
func (r *referring) each(path string, like Reference) {
	for _, f := range r.in.find(path) {
		like.Property, like.Value = f.path, text(f.value)
		r.add(like)
	}
}

// name adds what the values at a path name: names have a meaning in one account and region only.
func (r *referring) name(path, target, code string) {
	r.each(path, Reference{TargetToken: target, By: ByName, SameRegion: true, SameAccount: true, Code: code})
}

// id adds what the values at a path identify. It may be something that no stack owns.
func (r *referring) id(path, target, code string) {
	r.each(path, Reference{TargetToken: target, By: ByID, SameRegion: true, SameAccount: true, External: true, Code: code})
}

// arn adds what the ARNs at a path name, wherever it is; near what must be in the same region and account.
func (r *referring) arn(path, target, code string) {
	r.each(path, Reference{TargetToken: target, By: ByARN, Code: code})
}

func (r *referring) near(path, target, code string) {
	r.each(path, Reference{TargetToken: target, By: ByARN, SameRegion: true, SameAccount: true, Code: code})
}

// roleARN adds a role that a service assumes for the resource: passing it takes iam:PassRole, which works within an
// account only.
func (r *referring) roleARN(path, code string) {
	r.each(path, Reference{TargetToken: Role, By: ByARN, SameAccount: true, Code: code})
}

// keyOf adds KMS keys, by ARN, alias or id. A key serves its own region; another account's is named by its ARN.
func (r *referring) keyOf(path string) {
	for _, f := range r.in.find(path) {
		ref := Reference{Property: f.path, TargetToken: Key, By: ByID, Value: text(f.value), SameRegion: true, SameAccount: true, Code: "NotFoundException"}
		switch arn, err := partition.ParseARN(ref.Value); {
		case err == nil:
			ref.By, ref.SameAccount = ByARN, false
			if strings.HasPrefix(arn.Resource, "alias/") {
				ref.TargetToken = Alias
			}
		case strings.HasPrefix(ref.Value, "alias/aws/"):
			continue // the service's own key is always there
		case strings.HasPrefix(ref.Value, "alias/"):
			ref.TargetToken, ref.By = Alias, ByName
		}
		r.add(ref)
	}
}

// service adds what the ARNs at a path name, by the kind of resource that each names: its service, and the word in
// front of the first slash or colon.
func (r *referring) service(path string, targets map[string]string, like Reference) {
	for _, f := range r.in.find(path) {
		arn, err := partition.ParseARN(strings.TrimSuffix(text(f.value), ":*"))
		if err != nil {
			continue
		}
		kind := string(arn.Service)
		if i := strings.IndexAny(arn.Resource, "/:"); i >= 0 && arn.Service != partition.S3 {
			kind += ":" + arn.Resource[:i]
		}
		target, ok := targets[kind]
		if !ok {
			continue
		}
		if target == Bucket { // an ARN of a bucket may go on with a folder
			arn.Resource, _, _ = strings.Cut(arn.Resource, "/")
		}
		like.Property, like.TargetToken, like.By, like.Value = f.path, target, ByARN, arn.String()
		r.add(like)
	}
}
