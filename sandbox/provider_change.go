package sandbox

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/logarchive/logarchive/catalog"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Check says what is wrong with a resource's inputs as far as they alone tell, everything at once.
func (p *provider) Check(ctx context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	o, err := p.begin(ctx, "check", r.GetUrn(), false)
	if err != nil {
		return nil, err
	}
	marked, err := unmarshal(r.GetNews())
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.CheckResponse{}
	for _, f := range o.t.Check(o.request(o.ownInputs(plain(marked)), "")) {
		reason := f.Reason
		if f.Code != catalog.CheckFailure {
			reason += " (" + f.Code + ")"
		}
		response.Failures = append(response.Failures, &pulumirpc.CheckFailure{Property: f.Property, Reason: reason})
	}
	response.Inputs, err = marshal(o.withTags(marked))
	return response, err
}

// request asks the catalog about the resource.
func (o *operation) request(inputs resource.PropertyMap, salt string) catalog.Request {
	return catalog.Request{Place: o.settings.Place, Name: o.urn.Name(), Inputs: inputs, DefaultTags: o.settings.DefaultTags, Salt: salt}
}

// allTags is the property in which the real provider keeps the resource's tags and the instance's default tags
// together. It adds it to the inputs (pulumi-aws, provider/tags.go), so that a change of the defaults is a change of
// every resource.
const allTags = "tagsAll"

func (o *operation) withTags(inputs resource.PropertyMap) resource.PropertyMap {
	if _, ok := o.t.Outputs[allTags]; !ok {
		return inputs
	}
	tags := inputs["tags"]
	if tags.ContainsUnknowns() {
		tags = unknown()
	} else {
		all := resource.PropertyMap{}
		for k, v := range o.settings.DefaultTags {
			all[resource.PropertyKey(k)] = resource.NewStringProperty(v)
		}
		if own := plainValue(tags); own.IsObject() {
			maps.Copy(all, own.ObjectValue())
		}
		tags = markLike(resource.NewObjectProperty(all), tags)
	}
	inputs = inputs.Copy()
	inputs[allTags] = tags
	return inputs
}

// ownInputs returns the inputs that the catalog knows: those that Check has not added.
func (o *operation) ownInputs(inputs resource.PropertyMap) resource.PropertyMap {
	if _, ok := o.t.Inputs[allTags]; ok {
		return inputs
	}
	inputs = inputs.Copy()
	delete(inputs, allTags)
	return inputs
}

// Create makes an object in the world, unless AWS would refuse to.
func (p *provider) Create(ctx context.Context, r *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	o, err := p.begin(ctx, "create", r.GetUrn(), r.GetPreview())
	if err != nil {
		return nil, o.end("", err)
	}
	marked, err := unmarshal(r.GetProperties())
	if err != nil {
		return nil, o.end("", err)
	}
	inputs := plain(marked)
	if o.preview {
		state, err := o.planned(inputs, nil)
		if err != nil {
			return nil, o.end("", err)
		}
		properties, err := marshal(withSecrets(o.t, state, marked))
		return &pulumirpc.CreateResponse{Properties: properties}, o.end("", err)
	}
	if err := o.invoke(ctx, "create", inputs, nil); err != nil {
		return nil, o.end("", err)
	}
	made, err := o.create(inputs)
	if err != nil {
		return nil, o.end("", err)
	}
	o.wait(ctx)
	properties, err := marshal(withSecrets(o.t, made.State, marked))
	return &pulumirpc.CreateResponse{Id: made.ID, Properties: properties}, o.end(made.ID, err)
}

func (o *operation) create(inputs resource.PropertyMap) (*Object, error) {
	w := o.server.world
	var made *Object
	err := w.change(func() (*change, error) {
		if made = o.earlier(inputs); made != nil {
			return nil, nil
		}
		// The number of the change, which is never used twice, makes ids differ between two creations.
		salt := fmt.Sprintf("%s@%d", o.urn, w.journal.next())
		var err error
		if made, err = o.complete(inputs, salt); err != nil {
			return nil, err
		}
		made.Created = w.now().UTC()
		if err := w.refuseCreation(o.t, made); err != nil {
			return nil, err
		}
		more, err := w.created(made)
		return &change{Put: append([]*Object{made}, more...)}, err
	})
	return made, err
}

// earlier returns what an earlier creation of the same resource made, where the server resumes; nil otherwise. The
// world's lock is held.
func (o *operation) earlier(inputs resource.PropertyMap) *Object {
	if !o.server.options.Resume {
		return nil
	}
	for _, made := range slices.Backward(o.server.world.urn(string(o.urn))) {
		if made.Type == o.t.Token && made.Place == o.settings.Place && !gone(made) && len(diffInputs(made.Inputs, inputs, nil)) == 0 {
			return made
		}
	}
	return nil
}

// complete checks the inputs as AWS does, and computes the object that they make.
func (o *operation) complete(inputs resource.PropertyMap, salt string) (*Object, error) {
	own := o.ownInputs(inputs)
	if own.ContainsUnknowns() {
		return nil, &APIError{Code: "ValidationError", Message: "a property has a value that is not known yet"}
	}
	request := o.request(own, salt)
	var refused refusals
	for _, f := range o.t.Check(request) {
		refused.add(f.Code, "%s: %s", f.Property, f.Reason)
	}
	if err := refused.err(); err != nil {
		return nil, err
	}
	id, state, err := o.t.Complete(request)
	if err != nil {
		return nil, err
	}
	o.answered(state)
	return &Object{Type: o.t.Token, ID: id, Place: o.settings.Place, URN: string(o.urn), Inputs: inputs, State: plain(state), salt: salt}, nil
}

// planned returns the state that a preview shows: what the inputs say, and of the rest what is known to stay. old is
// the object that is there already, nil before a creation.
func (o *operation) planned(inputs resource.PropertyMap, old *Object) (resource.PropertyMap, error) {
	salt := ""
	if old != nil {
		salt = old.salt
	}
	_, state, err := o.t.Complete(o.request(o.ownInputs(inputs), salt))
	if err != nil {
		return nil, err
	}
	for k, v := range state {
		_, input := inputs[k]
		stays := old != nil && v.DeepEquals(old.State[k])
		if !input && !stays {
			state[k] = unknown()
		}
	}
	return plain(state), nil
}

// Read returns the present state of an object, or no id when it is gone.
func (p *provider) Read(ctx context.Context, r *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	o, err := p.begin(ctx, "read", r.GetUrn(), false)
	if err != nil {
		return nil, o.end(r.GetId(), err)
	}
	oldInputs, err := unmarshal(r.GetInputs())
	if err != nil {
		return nil, o.end(r.GetId(), err)
	}
	oldState, err := unmarshal(r.GetProperties())
	if err != nil {
		return nil, o.end(r.GetId(), err)
	}
	// A creation that was interrupted has inputs, and no state yet.
	known := plain(oldInputs).Copy()
	maps.Copy(known, plain(oldState))
	found, err := o.find(r.GetId(), known)
	if err != nil || found == nil {
		return &pulumirpc.ReadResponse{}, o.end(r.GetId(), err)
	}
	inputs := found.Inputs
	if inputs == nil { // nobody's: its inputs are what of its state can be one
		inputs = resource.PropertyMap{}
		for k, v := range found.State {
			if _, ok := o.t.Inputs[string(k)]; ok {
				inputs[k] = v
			}
		}
	}
	response := &pulumirpc.ReadResponse{Id: found.ID}
	if response.Inputs, err = marshal(withSecrets(o.t, inputs, oldInputs)); err != nil {
		return nil, o.end(r.GetId(), err)
	}
	response.Properties, err = marshal(withSecrets(o.t, found.State, oldState, oldInputs))
	return response, o.end(r.GetId(), err)
}

// find returns the object that a call is about, nil when it is gone. state tells those apart that share an id.
func (o *operation) find(id string, state resource.PropertyMap) (*Object, error) {
	w := o.server.world
	w.mu.RLock()
	defer w.mu.RUnlock()
	return o.findLocked(id, state)
}

// findLocked is find for callers that hold the world's lock.
func (o *operation) findLocked(id string, state resource.PropertyMap) (*Object, error) {
	found := o.server.world.byIDAt(o.t.Token, o.settings.Place, id)
	if len(found) == 0 {
		return nil, nil
	}
	object := found[0]
	if len(state) > 0 && sharedIDs[o.t.Token] != nil { // an import has no state, and takes the first
		want := keyOf(&Object{Type: o.t.Token, ID: id, Place: o.settings.Place, State: state})
		i := slices.IndexFunc(found, func(x *Object) bool { return keyOf(x) == want })
		if i < 0 {
			return nil, nil
		}
		object = found[i]
	}
	if gone(object) {
		return nil, nil
	}
	return object, o.reach(object)
}

// reach checks that the instance may touch an object that it can name: bucket names mean something everywhere, the
// buckets are one account's and one region's.
func (o *operation) reach(x *Object) error {
	switch place := o.settings.Place; {
	case x.Place.Account != place.Account:
		return &APIError{Code: "AccessDenied", Message: fmt.Sprintf("Access Denied: %s belongs to account %s", x.ID, x.Place.Account)}
	case x.Place.Region != place.Region && scopeOf(x.Type, x.Place) == string(place.Partition()):
		return &APIError{Code: "PermanentRedirect", Message: fmt.Sprintf("The bucket you are attempting to access must be addressed using the specified endpoint: %s is in %s", x.ID, x.Place.Region)}
	}
	return nil
}

// Update changes an object in place.
func (p *provider) Update(ctx context.Context, r *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	o, err := p.begin(ctx, "update", r.GetUrn(), r.GetPreview())
	if err != nil {
		return nil, o.end(r.GetId(), err)
	}
	marked, err := unmarshal(r.GetNews())
	if err != nil {
		return nil, o.end(r.GetId(), err)
	}
	oldState, err := unmarshal(r.GetOlds())
	if err != nil {
		return nil, o.end(r.GetId(), err)
	}
	var state resource.PropertyMap
	if o.preview {
		var old *Object
		if old, err = o.find(r.GetId(), plain(oldState)); err == nil {
			state, err = o.planned(plain(marked), old)
		}
	} else if err = o.invoke(ctx, "update", plain(marked), plain(oldState)); err == nil {
		if state, err = o.update(r.GetId(), plain(oldState), plain(marked)); err == nil {
			o.wait(ctx)
		}
	}
	if err != nil {
		return nil, o.end(r.GetId(), err)
	}
	properties, err := marshal(withSecrets(o.t, state, marked))
	return &pulumirpc.UpdateResponse{Properties: properties}, o.end(r.GetId(), err)
}

func (o *operation) update(id string, oldState, inputs resource.PropertyMap) (resource.PropertyMap, error) {
	w := o.server.world
	var updated *Object
	err := w.change(func() (*change, error) {
		old, err := o.findLocked(id, oldState)
		if err != nil {
			return nil, err
		}
		if old == nil {
			return nil, &APIError{Code: missingCode(o.t.Token), Message: fmt.Sprintf("%s does not exist: it was deleted by other means; `refresh` takes note of that", id)}
		}
		if updated, err = o.complete(inputs, old.salt); err != nil {
			return nil, err
		}
		updated.ID, updated.Created, updated.External = old.ID, old.Created, old.External
		if err := o.keepHistory(old, updated); err != nil {
			return nil, err
		}
		return &change{Delete: []key{keyOf(old)}, Put: []*Object{updated}}, w.refuseUpdate(o.t, old, updated)
	})
	if err != nil {
		return nil, err
	}
	return updated.State, nil
}

// keepHistory takes over what has happened to an object since it was made, such as the recovery points that came into
// a vault: what its state says differently from what its inputs made of it.
func (o *operation) keepHistory(old, updated *Object) error {
	if old.Inputs == nil {
		return nil // nobody made it, so nothing is known of its beginning
	}
	_, born, err := o.t.Complete(o.request(o.ownInputs(old.Inputs), old.salt))
	if err != nil {
		return err
	}
	for k, v := range old.State {
		if _, input := o.t.Inputs[string(k)]; !input && !o.computes(k) && !v.DeepEquals(plainValue(born[k])) {
			updated.State[k] = v
		}
	}
	return nil
}

// Delete removes an object from the world, unless AWS would refuse to. One that is gone already is no error.
func (p *provider) Delete(ctx context.Context, r *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	o, err := p.begin(ctx, "delete", r.GetUrn(), false)
	if err != nil {
		return nil, o.end(r.GetId(), err)
	}
	state, err := unmarshal(r.GetProperties())
	if err != nil {
		return nil, o.end(r.GetId(), err)
	}
	if err := o.invoke(ctx, "delete", plain(state), plain(state)); err != nil {
		return nil, o.end(r.GetId(), err)
	}
	w := o.server.world
	if o.t.Token == bucketToken {
		// The provider empties a bucket with forceDestroy before it deletes it.
		bucket, err := o.find(r.GetId(), plain(state))
		if err == nil && bucket != nil && boolean(bucket.State, "forceDestroy") {
			err = w.emptyBucket(bucket.ID)
		}
		if err != nil {
			return nil, o.end(r.GetId(), err)
		}
	}
	err = w.change(func() (*change, error) {
		object, err := o.findLocked(r.GetId(), plain(state))
		if err != nil || object == nil {
			return nil, err
		}
		if err := w.refuseDeletion(object); err != nil {
			return nil, err
		}
		return w.deletion(object), nil
	})
	if err == nil {
		o.wait(ctx)
	}
	return &emptypb.Empty{}, o.end(r.GetId(), err)
}
