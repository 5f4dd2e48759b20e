package sandbox

import (
	"strings"
	"testing"
)

// A bucket with forceDestroy goes with its objects: a bucket that is made later under the same name has none of them. While
// another process writes objects, it stays.
func TestForceDestroyEmptiesTheBucket(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	s, err := OpenStore(l.w.Dir())
	if err != nil {
		t.Fatal(err)
	}
	forced := l.archive.mustCreate(bucketToken, "b", properties("bucket", "short-lived", "forceDestroy", true))
	for range 2 {
		if _, err := s.Put(StoredObject{Bucket: "short-lived", Key: "a/b", LastModified: someTime}, true, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.archive.delete(forced); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("while objects are written: %v", err)
	}
	if left := l.w.List(bucketToken); len(left) != 2 {
		t.Errorf("the bucket is gone all the same: %d left", len(left))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.archive.delete(forced); err != nil {
		t.Fatal(err)
	}
	if left, err := s.Buckets(); len(left) > 0 || err != nil || l.w.hasObjects("short-lived") {
		t.Errorf("left: %q, %v", left, err)
	}
}
