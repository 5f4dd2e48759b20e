package sandbox

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// maxKeyBytes is S3's limit: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKeyBytes = 1024

// Batch is a set of objects that appear together: all or, after a crash, none. A batch that isn't committed must be
// aborted; Abort after Commit does nothing, so it can be deferred.
type Batch struct {
	store   *Store
	writers []*ObjectWriter
}

// ObjectWriter takes the bytes of an object.
type ObjectWriter struct {
	// Object may be completed until the batch is committed; size and hash are filled in then.
	Object StoredObject

	file *os.File
	buf  *bufio.Writer
	hash hash.Hash
	size int64
}

// Begin starts a batch. The first one takes the store's lock: when another process writes, it is an [*InUseError].
func (s *Store) Begin() (*Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return nil, err
	}
	return &Batch{store: s}, nil
}

// Create adds an object to the batch. In a versioned bucket it gets a version id, and what was there becomes a
// noncurrent version; otherwise it replaces what was there. Bucket and key must be set.
func (b *Batch) Create(o StoredObject, versioned bool) (*ObjectWriter, error) {
	switch {
	case o.Bucket == "" || strings.HasPrefix(o.Bucket, ".") || strings.ContainsAny(o.Bucket, `/\`):
		return nil, fmt.Errorf("sandbox: InvalidBucketName: %q is not the name of a bucket", o.Bucket)
	case o.Key == "" || !utf8.ValidString(o.Key):
		return nil, fmt.Errorf("sandbox: InvalidURI: %q is not a key: S3 takes UTF-8, and not the empty key", o.Key)
	case len(o.Key) > maxKeyBytes:
		return nil, fmt.Errorf("sandbox: KeyTooLongError: the key %q has %d bytes, S3 takes %d", o.Key, len(o.Key), maxKeyBytes)
	}
	switch {
	case !versioned:
		o.VersionID = ""
	case o.Replication == ReplicationReplica: // it has the version id of its source
	default:
		o.VersionID = rand.Text() + rand.Text()[:6] // 32 characters, as S3's
	}
	file, err := os.CreateTemp(filepath.Join(b.store.root, storeNew), "object-*")
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	w := &ObjectWriter{Object: o, file: file, hash: sha256.New()}
	w.buf = bufio.NewWriterSize(io.MultiWriter(file, w.hash), 64<<10)
	b.writers = append(b.writers, w)
	return w, nil
}

func (w *ObjectWriter) Write(p []byte) (int, error) {
	n, err := w.buf.Write(p)
	w.size += int64(n)
	return n, err
}

// close makes the bytes durable.
func (w *ObjectWriter) close() error {
	err := errors.Join(w.buf.Flush(), w.file.Sync(), w.file.Close())
	w.Object.Size = w.size
	w.Object.SHA256 = hex.EncodeToString(w.hash.Sum(nil))
	return err
}

// Commit makes the objects appear, and returns them. When feed isn't "", the same step notes that the feed has been
// delivered up to that byte.
func (b *Batch) Commit(feed string, upto int64) ([]StoredObject, error) {
	return b.commit(storeChange{Feed: feed, Upto: upto})
}

// commit adds the objects to a change and makes it.
func (b *Batch) commit(c storeChange) ([]StoredObject, error) {
	s := b.store
	for _, w := range b.writers {
		if err := w.close(); err != nil {
			return nil, errors.Join(fmt.Errorf("sandbox: s3://%s/%s can't be written: %w", w.Object.Bucket, w.Object.Key, err), b.Abort())
		}
		c.Put = append(c.Put, storedVersion{w.Object, filepath.Base(w.file.Name())})
	}
	if err := s.announced(&c); err != nil {
		return nil, errors.Join(err, b.Abort())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.journal == nil {
		return nil, errors.Join(errors.New("sandbox: the store was closed while objects were being written"), b.Abort())
	}
	if err := syncDir(filepath.Join(s.root, storeNew)); err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: %w", err), b.Abort())
	}
	s.step("written")
	if err := s.change(&c); err != nil {
		return nil, errors.Join(err, b.Abort())
	}
	s.step("committed")
	b.writers = nil
	var done []StoredObject
	for _, v := range c.Put {
		if err := s.place(v); err != nil {
			// It is committed: the next write opens the journal again and finishes this.
			err = errors.Join(err, s.journal.close(), s.lock.Close())
			s.journal, s.lock = nil, nil
			return nil, err
		}
		s.step("placed")
		done = append(done, v.StoredObject)
	}
	return done, nil
}

// announced adds the messages that tell of a change's objects.
func (s *Store) announced(c *storeChange) error {
	if s.announce == nil || len(c.Put) == 0 {
		return nil
	}
	objects := make([]StoredObject, len(c.Put))
	for i, v := range c.Put {
		objects[i] = v.StoredObject
	}
	queues, err := s.announce(objects)
	if err == nil && !queues.empty() {
		c.Queues = queues
	}
	return err
}

// step calls the hook of a test.
func (s *Store) step(name string) {
	if s.hook != nil {
		s.hook(name)
	}
}

// Abort removes what was written, unless the batch is committed.
func (b *Batch) Abort() error {
	var err error
	for _, w := range b.writers {
		_ = w.file.Close() // may be closed already
		err = errors.Join(err, os.Remove(w.file.Name()))
	}
	b.writers = nil
	return err
}

// Put stores one object.
func (s *Store) Put(o StoredObject, versioned bool, body io.Reader) (StoredObject, error) {
	b, err := s.Begin()
	if err != nil {
		return StoredObject{}, err
	}
	w, err := b.Create(o, versioned)
	if err != nil {
		return StoredObject{}, err
	}
	if _, err := io.Copy(w, body); err != nil {
		return StoredObject{}, errors.Join(fmt.Errorf("sandbox: %w", err), b.Abort())
	}
	done, err := b.Commit("", 0)
	if err != nil {
		return StoredObject{}, err
	}
	return done[0], nil
}

// place moves a committed object to its place, and what it supersedes away. Doing it twice does no harm.
func (s *Store) place(v storedVersion) error {
	to := s.Path(v.Bucket, v.Key)
	from := filepath.Join(s.root, storeNew, v.File)
	if _, err := os.Stat(from); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if err := s.supersede(v); err != nil {
		return err
	}
	err := os.MkdirAll(filepath.Dir(to), 0o755)
	if err == nil {
		err = os.Rename(from, to)
	}
	if err != nil {
		return fmt.Errorf("sandbox: s3://%s/%s can't be put in place: %w", v.Bucket, v.Key, err)
	}
	return nil
}

// supersede keeps the file of the version before v as a noncurrent version. A version that v replaces is left to be
// overwritten.
func (s *Store) supersede(v storedVersion) error {
	versions := s.index.buckets[v.Bucket].versions[v.Key]
	if len(versions) < 2 || versions[len(versions)-2].DeleteMarker {
		return nil
	}
	current, kept := s.Path(v.Bucket, v.Key), s.versionPath(versions[len(versions)-2])
	err := os.MkdirAll(filepath.Dir(kept), 0o755)
	if err == nil {
		if err = os.Rename(current, kept); errors.Is(err, fs.ErrNotExist) {
			return nil // done before the crash
		}
	}
	if err != nil {
		return fmt.Errorf("sandbox: the noncurrent version of s3://%s/%s can't be kept: %w", v.Bucket, v.Key, err)
	}
	return nil
}

// Delete deletes an object: in a versioned bucket it leaves a delete marker with the time of o, and all versions. As in
// S3, deleting what isn't there is no error.
func (s *Store) Delete(o StoredObject, versioned bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	if versioned {
		marker := storedVersion{StoredObject: StoredObject{
			Bucket: o.Bucket, Key: o.Key, LastModified: o.LastModified, DeleteMarker: true, VersionID: rand.Text() + rand.Text()[:6],
		}}
		if err := s.change(&storeChange{Delete: &deletion{Bucket: o.Bucket, Key: o.Key, Marker: &marker}}); err != nil {
			return err
		}
		return s.supersede(marker)
	}
	if _, err := s.latest(o.Bucket, o.Key); errors.Is(err, ErrNoSuchKey) {
		return nil
	}
	if err := s.change(&storeChange{Delete: &deletion{Bucket: o.Bucket, Key: o.Key}}); err != nil {
		return err
	}
	return os.Remove(s.Path(o.Bucket, o.Key))
}

// DeleteBucket removes a bucket with all its objects and versions, as the deletion of a bucket with forceDestroy does.
func (s *Store) DeleteBucket(bucket string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(); err != nil || s.index.buckets[bucket] == nil {
		return err
	}
	if err := s.writable(); err != nil {
		return err
	}
	if err := s.change(&storeChange{Delete: &deletion{Bucket: bucket, Whole: true}}); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(filepath.Join(s.root, bucket)), os.RemoveAll(filepath.Join(s.root, storeOld, bucket)))
}

// hold takes the store's lock, and says whether it wasn't held already.
func (s *Store) hold() (fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh = s.journal == nil
	return fresh, s.writable()
}

// holding says whether this store has the lock.
func (s *Store) holding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal != nil
}
