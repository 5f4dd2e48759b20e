package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Store is the sandbox's S3: objects are files under s3/<bucket>/<key> (see keyPath for awkward keys), what S3 knows of
// them besides their bytes is in s3/.objects.journal. An object is there when its line is in the journal; the bytes are
// on disk before. So a process that is killed leaves whole objects and none by halves, and what [Batch.Commit]
// acknowledged survives it. Buckets are not made here: the world says which exist.
//
// One process at a time may write; any number may read meanwhile. All methods may be called concurrently.
type Store struct {
	dir  string
	root string // dir/s3

	mu      sync.Mutex
	lock    *os.File // nil until the first write
	journal *journal // nil until the first write
	read    journalRead
	index   objectIndex
	hook    func(step string) // tests end the process here
	// announce makes the messages that tell of objects which are about to appear; nil where nobody is told.
	announce func([]StoredObject) (*queueChange, error)
}

// journalRead says how much of the journal the index has, to notice what another process wrote since.
type journalRead struct {
	size     int64
	modified time.Time
}

const (
	storeRoot    = "s3"
	storeJournal = ".objects.journal"
	storeLock    = ".lock"
	storeNew     = ".new"      // files that are being written
	storeOld     = ".versions" // noncurrent versions: .versions/<bucket>/<key's path>/<version>
)

// Encryption is how S3 keeps an object: Algorithm is "AES256" or "aws:kms"; KeyARN and BucketKey are set for the latter.
type Encryption struct {
	Algorithm string `json:"algorithm,omitempty"`
	KeyARN    string `json:"keyArn,omitempty"`
	BucketKey bool   `json:"bucketKey,omitempty"`
}

// StoredObject is what S3 answers to HeadObject, and where the object comes from.
type StoredObject struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	// VersionID is "" in a bucket that has never been versioned.
	VersionID string `json:"versionId,omitempty"`
	// DeleteMarker is set for what a deletion leaves in a versioned bucket.
	DeleteMarker    bool       `json:"deleteMarker,omitempty"`
	Size            int64      `json:"size"`             // bytes
	SHA256          string     `json:"sha256,omitempty"` // of the bytes, hexadecimal
	LastModified    time.Time  `json:"lastModified"`     // by the sandbox's clock
	ContentType     string     `json:"contentType,omitempty"`
	ContentEncoding string     `json:"contentEncoding,omitempty"`
	Encryption      Encryption `json:"encryption,omitzero"`
	// Lock is until when the version can't be deleted; nil without Object Lock.
	Lock *Retention `json:"lock,omitempty"`
	// Replication is the status of a version that is to be replicated, or ReplicationReplica; "" for others. Failure says why
	// it failed, with AWS's error code.
	Replication ReplicationStatus `json:"replication,omitempty"`
	Failure     string            `json:"failure,omitempty"`
	// Source is the ARN of what wrote the object: a Firehose stream or a flow log.
	Source string `json:"source,omitempty"`
	// Records is how many log events or flow records the writer put into it.
	Records int `json:"records,omitempty"`
}

// ErrNoSuchKey is wrapped by the error for an object that isn't there, which names bucket and key.
var ErrNoSuchKey = errors.New("NoSuchKey")

// storeChange is a line of the journal: objects that appear together, and what that says of a feed.
type storeChange struct {
	Put    []storedVersion `json:"put,omitempty"`
	Delete *deletion       `json:"delete,omitempty"`
	// Feed has been delivered up to the byte Upto by these objects. One line for both is what makes delivery exact:
	// after a crash the feed goes on where its objects end.
	Feed string `json:"feed,omitempty"`
	Upto int64  `json:"upto,omitempty"`
	// Grown are feeds that have become so many bytes long by what was taken out of Feed: what a stream's function made of
	// its records.
	Grown map[string]int64 `json:"grown,omitempty"`
	// Queues is what becomes of messages.
	Queues *queueChange `json:"queues,omitempty"`
	// Replicated are versions whose replication has come to an end: in the line that makes their replicas appear.
	Replicated []replicated `json:"replicated,omitempty"`
}

type storedVersion struct {
	StoredObject
	File string `json:"file"` // its name under .new, from where it is moved to its place
}

type deletion struct {
	Bucket string         `json:"bucket"`
	Key    string         `json:"key,omitempty"`
	Marker *storedVersion `json:"marker,omitempty"` // in a versioned bucket
	Whole  bool           `json:"whole,omitempty"`  // the bucket with all that is in it
}

// objectIndex is the journal in memory.
type objectIndex struct {
	buckets map[string]*bucketObjects
	feeds   map[string]int64    // how far they are delivered
	grown   map[string]int64    // how long they are
	pending map[versionKey]bool // versions that are still to be replicated
	queues  queueIndex
}

type bucketObjects struct {
	versions map[string][]storedVersion // by key, the newest last
	sorted   []string                   // the keys in order; nil when that isn't known
}

// OpenStore opens the store in dir (usually .sandbox). Nothing is made before the first write.
func OpenStore(dir string) (*Store, error) {
	s := &Store{dir: dir, root: filepath.Join(dir, storeRoot)}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.refresh()
}

// Dir returns the directory that the store was opened in.
func (s *Store) Dir() string { return s.dir }

// Close gives the store to the next process that writes. Reading goes on.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.journal == nil {
		return nil
	}
	err := errors.Join(s.journal.close(), s.lock.Close())
	s.journal, s.lock = nil, nil
	return err
}

// refresh reads the journal again when another process has written to it.
func (s *Store) refresh() error {
	if s.journal != nil {
		return nil // nobody else writes
	}
	path := filepath.Join(s.root, storeJournal)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.index, s.read = newObjectIndex(), journalRead{}
		return nil
	}
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	now := journalRead{info.Size(), info.ModTime()}
	if now == s.read && s.index.buckets != nil {
		return nil
	}
	_, err = s.replay(path)
	s.read = now
	return err
}

func (s *Store) replay(path string) (journalState, error) {
	s.index = newObjectIndex()
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return journalState{}, fmt.Errorf("sandbox: %w", err)
	}
	return readJournal(data, path, func(_ uint64, payload []byte) error {
		var c storeChange
		if err := json.Unmarshal(payload, &c); err != nil {
			return err
		}
		s.index.apply(&c)
		return nil
	})
}

// writable takes the lock, and finishes what a killed process had committed and not yet put in place.
func (s *Store) writable() error {
	if s.journal != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(s.root, storeNew), 0o755); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	lock, err := lockFile(filepath.Join(s.root, storeLock))
	if err != nil {
		return err
	}
	if err := s.openJournal(); err != nil {
		return errors.Join(err, lock.Close())
	}
	s.lock = lock
	return s.recover()
}

func (s *Store) openJournal() error {
	path := filepath.Join(s.root, storeJournal)
	state, err := s.replay(path)
	if err != nil {
		return err
	}
	var file *os.File
	if state.headless {
		file, state.size, err = writeJournal(path, 0, nil)
	} else if file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); err == nil && state.torn > 0 {
		err = errors.Join(file.Truncate(state.size), file.Sync())
	}
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	s.journal = newJournal(file, path, state.seq, state.size)
	return nil
}

// recover moves committed files to their places, and removes the others.
func (s *Store) recover() error {
	entries, err := os.ReadDir(filepath.Join(s.root, storeNew))
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if len(entries) == 0 {
		return nil
	}
	committed := map[string]storedVersion{}
	for _, bucket := range s.index.buckets {
		for _, versions := range bucket.versions {
			for _, v := range versions {
				committed[v.File] = v
			}
		}
	}
	for _, entry := range entries {
		if v, ok := committed[entry.Name()]; ok {
			err = errors.Join(err, s.place(v))
		} else {
			err = errors.Join(err, os.Remove(filepath.Join(s.root, storeNew, entry.Name())))
		}
	}
	return err
}

// change makes a change durable, then visible.
func (s *Store) change(c *storeChange) error {
	payload, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	seq, err := s.journal.append(payload)
	if err == nil {
		err = s.journal.wait(seq)
	}
	if err == nil {
		s.index.apply(c)
	}
	return err
}

// Get returns what is known of an object; an object that was deleted isn't there.
func (s *Store) Get(bucket, key string) (StoredObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.latest(bucket, key)
	return v.StoredObject, err
}

func (s *Store) latest(bucket, key string) (storedVersion, error) {
	if err := s.refresh(); err != nil {
		return storedVersion{}, err
	}
	if b := s.index.buckets[bucket]; b != nil {
		if versions := b.versions[key]; len(versions) > 0 && !versions[len(versions)-1].DeleteMarker {
			return versions[len(versions)-1], nil
		}
	}
	return storedVersion{}, fmt.Errorf("sandbox: %w: bucket %s has no object %q", ErrNoSuchKey, bucket, key)
}

// Open opens an object for reading. The caller closes the file.
func (s *Store) Open(bucket, key string) (*os.File, StoredObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.latest(bucket, key)
	if err != nil {
		return nil, StoredObject{}, err
	}
	file, err := os.Open(s.Path(bucket, key))
	if errors.Is(err, fs.ErrNotExist) {
		// The writer has committed it and is about to put it in place.
		file, err = os.Open(filepath.Join(s.root, storeNew, v.File))
	}
	if err != nil {
		return nil, StoredObject{}, fmt.Errorf("sandbox: the file of s3://%s/%s can't be read: %w", bucket, key, err)
	}
	return file, v.StoredObject, nil
}

// OpenVersion opens a version of an object, "" in a bucket that has never been versioned. The caller closes the file.
func (s *Store) OpenVersion(bucket, key, version string) (*os.File, StoredObject, error) {
	if current, err := s.Get(bucket, key); err == nil && current.VersionID == version {
		return s.Open(bucket, key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.index.buckets[bucket]; b != nil {
		for _, v := range b.versions[key] {
			if v.VersionID == version && !v.DeleteMarker {
				file, err := os.Open(s.versionPath(v))
				if err != nil {
					return nil, StoredObject{}, fmt.Errorf("sandbox: the file of version %s of s3://%s/%s can't be read: %w", version, bucket, key, err)
				}
				return file, v.StoredObject, nil
			}
		}
	}
	return nil, StoredObject{}, fmt.Errorf("sandbox: %w: bucket %s has no version %q of object %q", ErrNoSuchKey, bucket, version, key)
}

// Path returns the file of the current version of an object.
func (s *Store) Path(bucket, key string) string {
	return filepath.Join(s.root, bucket, filepath.FromSlash(keyPath(key)))
}

func (s *Store) versionPath(v storedVersion) string {
	version := v.VersionID
	if version == "" {
		version = "null" // from before the bucket was versioned
	}
	return filepath.Join(s.root, storeOld, v.Bucket, filepath.FromSlash(keyPath(v.Key)), version)
}

// List returns the objects of a bucket whose keys begin with prefix, in S3's order: by the bytes of the keys.
func (s *Store) List(bucket, prefix string) ([]StoredObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(); err != nil {
		return nil, err
	}
	b := s.index.buckets[bucket]
	if b == nil {
		return nil, nil
	}
	if b.sorted == nil {
		b.sorted = slices.Sorted(maps.Keys(b.versions))
	}
	var found []StoredObject
	from, _ := slices.BinarySearch(b.sorted, prefix)
	for _, key := range b.sorted[from:] {
		if !strings.HasPrefix(key, prefix) {
			break
		}
		versions := b.versions[key]
		if latest := versions[len(versions)-1]; !latest.DeleteMarker {
			found = append(found, latest.StoredObject)
		}
	}
	return found, nil
}

// Versions returns all versions of an object and its delete markers, the newest first.
func (s *Store) Versions(bucket, key string) ([]StoredObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(); err != nil {
		return nil, err
	}
	b := s.index.buckets[bucket]
	if b == nil {
		return nil, nil
	}
	var found []StoredObject
	for _, v := range slices.Backward(b.versions[key]) {
		found = append(found, v.StoredObject)
	}
	return found, nil
}

// Buckets returns the names of the buckets that have objects, or noncurrent versions, in order.
func (s *Store) Buckets() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(s.index.buckets)), nil
}

// delivered returns up to which byte a feed has been delivered, 0 for one of which nothing is known.
func (s *Store) delivered(feed string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.refresh()
	return s.index.feeds[feed], err
}

// grown returns how long a feed is that only grows by the journal.
func (s *Store) grown(feed string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.refresh()
	return s.index.grown[feed], err
}

func newObjectIndex() objectIndex {
	return objectIndex{buckets: map[string]*bucketObjects{}, feeds: map[string]int64{}, grown: map[string]int64{}, pending: map[versionKey]bool{}}
}

func (x *objectIndex) apply(c *storeChange) {
	for _, v := range c.Put {
		x.put(v)
	}
	if c.Feed != "" {
		x.feeds[c.Feed] = c.Upto
	}
	maps.Copy(x.grown, c.Grown)
	x.queues.apply(c.Queues)
	x.replicated(c.Replicated)
	switch d := c.Delete; {
	case d == nil:
	case d.Whole:
		delete(x.buckets, d.Bucket)
		maps.DeleteFunc(x.pending, func(k versionKey, _ bool) bool { return k.bucket == d.Bucket })
	case d.Marker != nil:
		x.put(*d.Marker)
	default:
		if b := x.buckets[d.Bucket]; b != nil {
			delete(b.versions, d.Key)
			b.sorted = nil
			if len(b.versions) == 0 {
				delete(x.buckets, d.Bucket)
			}
		}
	}
}

// put adds a version. Without versioning (no version id) it replaces the one that is there.
func (x *objectIndex) put(v storedVersion) {
	b := x.buckets[v.Bucket]
	if b == nil {
		b = &bucketObjects{versions: map[string][]storedVersion{}}
		x.buckets[v.Bucket] = b
	}
	versions, known := b.versions[v.Key]
	if !known {
		b.sorted = nil
	}
	versions = slices.DeleteFunc(versions, func(old storedVersion) bool { return old.VersionID == v.VersionID })
	b.versions[v.Key] = append(versions, v)
	if v.Replication == ReplicationPending {
		x.pending[v.id()] = true
	}
}
