package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Object is a thing that exists in the sandbox's AWS. Objects are values of the moment they were read; their property
// maps are shared and must not be changed.
type Object struct {
	// Type is the Pulumi type token, such as "aws:s3/bucketV2:BucketV2".
	Type string
	// ID is the id that the provider gave it. It is unique within type and place for most types; see [World.Get].
	ID string
	// Place is the account and region in which it was made.
	Place partition.Place
	// URN is the URN of the resource that made it, "" for what no stack made.
	URN string
	// Inputs are the properties it was made with, or last updated with. State is these and what AWS computes.
	Inputs, State resource.PropertyMap
	// Created is when it came into the world.
	Created time.Time
	// External is set for what no stack made: it is assumed to exist. See [World.Adopt].
	External bool

	// salt is what its random ids were drawn with; an update draws the same again.
	salt string
}

// Text returns a string property of the object's state, "" when there is none.
func (o Object) Text(property string) string { return text(o.State, property) }

// ARN returns the object's own ARN, "" for a type that has none. The arn of an event target is another object's.
func (o Object) ARN() string {
	if t, ok := catalog.Lookup(o.Type); ok {
		return t.ARN(o.State)
	}
	return o.Text("arn")
}

// text returns a string property. Properties in the world are plain: secrets are marked on their way to the engine.
func text(properties resource.PropertyMap, name string) string {
	if v := properties[resource.PropertyKey(name)]; v.IsString() {
		return v.StringValue()
	}
	return ""
}

// InUseError says that another process has the world open for changing.
type InUseError struct {
	Path string // the lock file
	PID  int    // the process that holds it, 0 when it didn't say
}

func (e *InUseError) Error() string {
	holder := "another process"
	if e.PID != 0 {
		holder = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("sandbox: %s is in use by %s (a running `logarchive sandbox serve`, `up --sandbox` or `demo`?): wait for it, or stop it", filepath.Dir(e.Path), holder)
}

// Recovery says what opening the world found besides the world.
type Recovery struct {
	// TornBytes is the length of the unfinished write at the end of the journal that a killed process left. It was
	// never acknowledged, and is not part of the world.
	TornBytes int64
	// Compacted says that the journal was rewritten, without what has since been changed or deleted.
	Compacted bool
}

// World is the sandbox's AWS: what exists, where, in which state. All methods may be called concurrently. What a
// method that changes the world has acknowledged with a nil error survives the end of the process, and of the machine.
type World struct {
	dir      string
	journal  *journal // nil when read-only
	lock     *os.File
	recovery Recovery
	now      func() time.Time

	mu sync.RWMutex
	index
}

// ErrReadOnly is what changes get on a world that was opened by [OpenWorldReadOnly].
var ErrReadOnly = errors.New("sandbox: the world is open for reading only")

const (
	journalName = "world.journal"
	lockName    = "world.lock"
)

// OpenWorld opens the world in dir (usually .sandbox) for changing, and creates it when it isn't there. One process at a
// time may have it open so: a second one gets an [*InUseError]. A journal that is corrupt, or of another version, is an
// error, and left as it is.
func OpenWorld(dir string) (*World, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	w := &World{dir: dir, lock: lock, now: sandboxTime(dir)}
	if err := w.openJournal(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return w, nil
}

// OpenWorldReadOnly reads the world in dir as it is at this moment, whether or not another process has it open.
// Changes are refused with [ErrReadOnly]. A directory without a world reads as an empty world.
func OpenWorldReadOnly(dir string) (*World, error) {
	w := &World{dir: dir, now: time.Now}
	path := filepath.Join(dir, journalName)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	_, err = w.replay(data, path)
	return w, err
}

// openJournal reads the journal, cuts off an unfinished tail, and rewrites it when most of it is history.
func (w *World) openJournal() error {
	path := filepath.Join(w.dir, journalName)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("sandbox: %w", err)
	}
	state, err := w.replay(data, path)
	if err != nil {
		return err
	}
	var file *os.File
	const history = 256 // entries that are not worth a rewrite
	if state.headless || state.entries > 2*len(w.objects)+history {
		payloads, err := w.snapshot()
		if err != nil {
			return err
		}
		w.recovery.Compacted = !state.headless
		file, state.size, err = writeJournal(path, state.seq, payloads)
		if err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		state.seq += uint64(len(payloads))
	} else {
		file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		if state.torn > 0 {
			if err := errors.Join(file.Truncate(state.size), file.Sync()); err != nil {
				return fmt.Errorf("sandbox: cannot cut off the unfinished end of %s: %w", path, errors.Join(err, file.Close()))
			}
		}
	}
	w.journal = newJournal(file, path, state.seq, state.size)
	return nil
}

// replay builds the index from a journal's bytes.
func (w *World) replay(data []byte, path string) (journalState, error) {
	w.index = newIndex()
	state, err := readJournal(data, path, func(_ uint64, payload []byte) error {
		var c change
		if err := json.Unmarshal(payload, &c); err != nil {
			return err
		}
		return w.apply(&c)
	})
	w.recovery = Recovery{TornBytes: state.torn}
	return state, err
}

// Close makes all changes durable and gives the world to the next process. A second Close does nothing.
func (w *World) Close() error {
	if w.journal == nil {
		return nil
	}
	err := w.journal.close()
	if unlock := w.lock.Close(); !errors.Is(unlock, os.ErrClosed) {
		err = errors.Join(err, unlock)
	}
	return err
}

// Dir returns the directory of the world.
func (w *World) Dir() string { return w.dir }

// Recovery says what opening the world found.
func (w *World) Recovery() Recovery { return w.recovery }

// List returns the objects of a type, ordered by place and id; of all types for "".
func (w *World) List(token string) []Object {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.list(token)
}

// Get returns the object with that type and id in a place. The place is the one an API call would be sent to: buckets
// are found from every place of the partition, IAM's objects from every region of the account. For the types whose ids
// the provider doesn't make unique (log streams, subscription filters) it returns the first.
func (w *World) Get(token string, place partition.Place, id string) (Object, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if found := w.byIDAt(token, place, id); len(found) > 0 {
		return *found[0], true
	}
	return Object{}, false
}

// ByARN returns the object with that ARN. A log group is found with and without ":*" at the end.
func (w *World) ByARN(arn string) (Object, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if o := w.arn(arn); o != nil {
		return *o, true
	}
	return Object{}, false
}

// ByURN returns the objects that a resource made, the oldest first: two while it is being replaced.
func (w *World) ByURN(urn string) []Object {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return values(w.urn(urn))
}

// Find returns the objects of a type (of all types for "") that match, ordered by place and id.
func (w *World) Find(token string, match func(Object) bool) []Object {
	var found []Object
	for _, o := range w.List(token) {
		if match(o) {
			found = append(found, o)
		}
	}
	return found
}

// Put adds an object, or replaces the one with the same type, place and id. It returns when the change is durable.
func (w *World) Put(objects ...Object) error {
	return w.change(func() (*change, error) {
		c := &change{}
		for i := range objects {
			if objects[i].Type == "" || objects[i].ID == "" {
				return nil, fmt.Errorf("sandbox: an object needs a type and an id, this one has %q and %q", objects[i].Type, objects[i].ID)
			}
			o := objects[i]
			if o.Created.IsZero() {
				o.Created = w.now().UTC()
			}
			c.Put = append(c.Put, &o)
		}
		return c, nil
	})
}

// Delete removes the object with that type, place and id. It is no error when there is none.
func (w *World) Delete(token string, place partition.Place, id string) error {
	return w.change(func() (*change, error) {
		c := &change{}
		for _, o := range w.byIDAt(token, place, id) {
			c.Delete = append(c.Delete, keyOf(o))
		}
		return c, nil
	})
}

// change runs decide while nothing else can change the world, applies what it decided, and returns when that is
// durable. An error of decide changes nothing. decide sees the world through w's index; it must not call a public
// method of w, which would wait for the lock.
func (w *World) change(decide func() (*change, error)) error {
	seq, err := w.decide(decide)
	if err != nil {
		return err
	}
	return w.journal.wait(seq)
}

func (w *World) decide(decide func() (*change, error)) (uint64, error) {
	if w.journal == nil {
		return 0, ErrReadOnly
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c, err := decide()
	if err != nil {
		return 0, err
	}
	if c == nil || c.empty() {
		// "It is so already" is an answer, too: what made it so must be durable.
		return w.journal.next() - 1, nil
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return 0, fmt.Errorf("sandbox: %w", err)
	}
	// The journal comes first: what it refuses must not be in the world.
	seq, err := w.journal.append(payload)
	if err != nil {
		return 0, err
	}
	return seq, w.apply(c)
}
