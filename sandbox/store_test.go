package sandbox

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var someTime = time.Date(2026, 11, 21, 2, 3, 4, 567e6, time.UTC)

func openTestStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// abandon leaves the store as kill -9 does, but for the locks of a process that goes on living.
func (s *Store) abandon() {
	if s.journal != nil {
		_ = s.journal.file.Close()
		_ = s.lock.Close()
	}
}

func putObject(t *testing.T, s *Store, key, body string, versioned bool) StoredObject {
	t.Helper()
	o, err := s.Put(StoredObject{Bucket: "archive", Key: key, LastModified: someTime}, versioned, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func contentOf(t *testing.T, s *Store, key string) string {
	t.Helper()
	file, _, err := s.Open("archive", key)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func keysIn(t *testing.T, s *Store, prefix string) []string {
	t.Helper()
	objects, err := s.List("archive", prefix)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, o := range objects {
		all = append(all, o.Key)
	}
	return all
}

func TestStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openTestStore(t, dir)
	// S3 sorts by bytes: "a!" < "a/" < "a0" < "a=", upper case before lower case.
	odd := []string{"A", "a", "a!b", "a/", "a/../b", "a//b", "a/b", "a/b/c.gz", "a0", "a=b", "日志.gz", "\U0001F600"}
	for _, key := range slices.Backward(odd) {
		putObject(t, s, key, "body of "+key, false)
	}
	check := func(s *Store) {
		t.Helper()
		if diff := cmp.Diff(odd, keysIn(t, s, "")); diff != "" {
			t.Errorf("List (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"a/", "a/../b", "a//b", "a/b", "a/b/c.gz"}, keysIn(t, s, "a/")); diff != "" {
			t.Errorf("List a/ (-want +got):\n%s", diff)
		}
		for _, key := range odd {
			if got := contentOf(t, s, key); got != "body of "+key {
				t.Errorf("Open(%q) has %q", key, got)
			}
		}
	}
	check(s)
	for _, o := range []StoredObject{{Bucket: "archive"}, {Bucket: "../x", Key: "k"}, {Bucket: ".versions", Key: "k"}, {Key: "k"}, {Bucket: "b", Key: "\xff"}, {Bucket: "b", Key: strings.Repeat("k", 1025)}} {
		if _, err := s.Put(o, false, strings.NewReader("x")); err == nil {
			t.Errorf("Put(%q, %q): no error", o.Bucket, o.Key)
		}
	}
	got, err := s.Get("archive", "a/b/c.gz")
	want := StoredObject{Bucket: "archive", Key: "a/b/c.gz", Size: 16, LastModified: someTime, SHA256: got.SHA256}
	if diff := cmp.Diff(want, got); diff != "" || err != nil || len(got.SHA256) != 64 {
		t.Errorf("Get: %v (-want +got):\n%s", err, diff)
	}
	if _, err := s.Get("archive", "a/b/c"); !errors.Is(err, ErrNoSuchKey) {
		t.Errorf("Get of what isn't there: %v", err)
	}
	reader := openTestStore(t, dir) // another process
	check(reader)
	putObject(t, s, "later", "x", false)
	if got := contentOf(t, reader, "later"); got != "x" {
		t.Errorf("the reader sees %q of what was put later", got)
	}
	if _, err := reader.Put(StoredObject{Bucket: "archive", Key: "k"}, false, strings.NewReader("x")); !errors.As(err, new(*InUseError)) {
		t.Errorf("a second writer: %v, want an InUseError", err)
	}
	if err := s.Delete(StoredObject{Bucket: "archive", Key: "later"}, false); err != nil {
		t.Fatal(err)
	}
	s.abandon()
	check(openTestStore(t, dir))
}

func TestStoreVersions(t *testing.T) {
	t.Parallel()
	s := openTestStore(t, t.TempDir())
	putObject(t, s, "k", "null", false)
	v1 := putObject(t, s, "k", "one", true)
	v2 := putObject(t, s, "k", "two", true)
	if v1.VersionID == v2.VersionID || len(v2.VersionID) != 32 {
		t.Errorf("versions %q and %q, want two different of 32 characters", v1.VersionID, v2.VersionID)
	}
	if err := s.Delete(StoredObject{Bucket: "archive", Key: "k", LastModified: someTime}, true); err != nil {
		t.Fatal(err)
	}
	if got := keysIn(t, s, ""); got != nil {
		t.Errorf("List after the deletion: %q", got)
	}
	putObject(t, s, "k", "three", true)
	if got := contentOf(t, s, "k"); got != "three" {
		t.Errorf("the latest is %q", got)
	}
	versions, err := s.Versions("archive", "k")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range versions {
		body, _ := os.ReadFile(s.versionPath(storedVersion{StoredObject: v}))
		got = append(got, string(body))
	}
	if diff := cmp.Diff([]string{"", "", "two", "one", "null"}, got); diff != "" {
		t.Errorf("files of noncurrent versions (-want +got):\n%s", diff)
	}
	if err := s.DeleteBucket("archive"); err != nil {
		t.Fatal(err)
	}
	if buckets, err := s.Buckets(); len(buckets) > 0 || err != nil {
		t.Errorf("buckets after DeleteBucket: %q, %v", buckets, err)
	}
}

// A process that ends at any step leaves whole objects: all of a batch, or none.
func TestStoreCrash(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"written", "committed", "placed"} {
		for _, versioned := range []bool{false, true} {
			t.Run(step, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				s := openTestStore(t, dir)
				putObject(t, s, "a.gz", "old", versioned)
				s.hook = func(at string) {
					if at == step {
						panic(step)
					}
				}
				func() {
					defer func() {
						if recover() != step {
							t.Fatal("the step wasn't reached")
						}
					}()
					b, err := s.Begin()
					if err != nil {
						t.Fatal(err)
					}
					for _, key := range []string{"a.gz", "b.gz"} {
						w, err := b.Create(StoredObject{Bucket: "archive", Key: key, LastModified: someTime}, versioned)
						if err != nil {
							t.Fatal(err)
						}
						if _, err := io.WriteString(w, "new"); err != nil {
							t.Fatal(err)
						}
					}
					_, _ = b.Commit("feed", 42)
				}()
				s.abandon()
				s = openTestStore(t, dir)
				check := func() {
					t.Helper()
					upto, err := s.delivered("feed")
					if err != nil {
						t.Fatal(err)
					}
					a, b := contentOf(t, s, "a.gz"), contentOf(t, s, "b.gz")
					if step == "written" {
						if a != "old" || !strings.Contains(b, "NoSuchKey") || upto != 0 {
							t.Errorf("not committed, yet a=%q b=%q upto=%d", a, b, upto)
						}
					} else if b != "new" || upto != 42 {
						t.Errorf("committed, yet b=%q upto=%d", b, upto)
					}
				}
				check()
				putObject(t, s, "c.gz", "c", versioned) // writing finishes what was left
				check()
				if a := contentOf(t, s, "a.gz"); step != "written" && a != "new" {
					t.Errorf("committed, yet a=%q", a)
				}
				if left, err := os.ReadDir(filepath.Join(dir, storeRoot, storeNew)); len(left) > 0 || err != nil {
					t.Errorf("%d files are left over, %v", len(left), err)
				}
				if versions, err := s.Versions("archive", "a.gz"); versioned && step != "written" {
					kept, _ := os.ReadFile(s.versionPath(storedVersion{StoredObject: versions[1]}))
					if len(versions) != 2 || err != nil || string(kept) != "old" {
						t.Errorf("%d versions, %v, the old one has %q", len(versions), err, kept)
					}
				}
			})
		}
	}
}
