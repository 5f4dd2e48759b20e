package sandbox

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// PendingDeletion says whether the object is a KMS key that waits for its deletion: it exists, and nobody can use it.
func (o Object) PendingDeletion() bool { return o.Text("keyState") == "PendingDeletion" }

// gone says whether the provider treats an object as deleted.
func gone(o *Object) bool { return o.PendingDeletion() }

// refuseDeletion returns all reasons for which AWS would not delete an object.
func (w *World) refuseDeletion(o *Object) error {
	var refused refusals
	conflict := func(token, code, message string) {
		if used := w.dependents(o, token); len(used) > 0 {
			refused.add(code, message+" (%d, the first is %s)", len(used), used[0].ID)
		}
	}
	switch o.Type {
	case bucketToken:
		if !boolean(o.State, "forceDestroy") && w.hasObjects(o.ID) {
			refused.add("BucketNotEmpty", "The bucket you tried to delete is not empty: %s", o.ID)
		}
	case roleToken:
		if !boolean(o.State, "forceDetachPolicies") {
			conflict(rolePolicyToken, "DeleteConflict", "Cannot delete entity, must delete policies first.")
			conflict(attachmentToken, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
		}
	case policyToken:
		conflict(attachmentToken, "DeleteConflict", "Cannot delete a policy attached to entities.")
	case vaultToken:
		if n := o.State["recoveryPoints"]; n.IsNumber() && n.NumberValue() > 0 && !boolean(o.State, "forceDestroy") {
			refused.add("InvalidRequestException", "Backup vault cannot be deleted because it contains recovery points: %s has %v", o.ID, n.NumberValue())
		}
	case planToken:
		conflict(selectionToken, "InvalidRequestException", "Related backup plan selections must be deleted prior to backup plan deletion.")
	}
	return refused.err()
}

// swallowed are the types that AWS deletes together with what they belong to.
var swallowed = map[string]string{
	bucketToken:      "aws:s3/",
	logGroupToken:    "aws:cloudwatch/log",
	destinationToken: "aws:cloudwatch/logDestinationPolicy",
	roleToken:        "aws:iam/rolePolicy",
	vaultToken:       "aws:backup/vault",
}

// deletion returns what deleting an object does to the world.
func (w *World) deletion(o *Object) *change {
	if o.Type == keyToken {
		return w.scheduleDeletion(o)
	}
	c := &change{Delete: []key{keyOf(o)}}
	prefix, ok := swallowed[o.Type]
	if !ok {
		return c
	}
	for _, d := range w.dependents(o, "") {
		if len(d.Type) >= len(prefix) && d.Type[:len(prefix)] == prefix && d.Type != o.Type {
			c.Delete = append(c.Delete, keyOf(d))
		}
	}
	return c
}

// scheduleDeletion is what deleting a key means: KMS keeps it, unusable, for the waiting period.
func (w *World) scheduleDeletion(o *Object) *change {
	days := 30.0
	if v := o.State["deletionWindowInDays"]; v.IsNumber() {
		days = v.NumberValue()
	}
	pending := *o
	pending.State = o.State.Copy()
	pending.State["keyState"] = resource.NewStringProperty("PendingDeletion")
	pending.State["deletionDate"] = resource.NewStringProperty(w.now().UTC().Add(time.Duration(days) * 24 * time.Hour).Format(time.RFC3339))
	return &change{Put: []*Object{&pending}}
}

func boolean(m resource.PropertyMap, name string) bool {
	v := m[resource.PropertyKey(name)]
	return v.IsBool() && v.BoolValue()
}

// hasObjects says whether a bucket has objects, or noncurrent versions of some: each is a file below its directory.
func (w *World) hasObjects(bucket string) bool {
	found := errors.New("found")
	for _, dir := range []string{storeRoot, filepath.Join(storeRoot, storeOld)} {
		err := filepath.WalkDir(filepath.Join(w.dir, dir, bucket), func(_ string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				return found
			}
			return err
		})
		if errors.Is(err, found) {
			return true
		}
	}
	return false
}

// emptyBucket deletes all objects and versions of a bucket.
func (w *World) emptyBucket(bucket string) error {
	if !w.hasObjects(bucket) {
		return nil
	}
	s, err := OpenStore(w.dir)
	if err != nil {
		return err
	}
	return errors.Join(s.DeleteBucket(bucket), s.Close())
}
