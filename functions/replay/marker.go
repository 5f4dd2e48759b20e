package replay

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The states of a marker; see the package comment.
const (
	stateClaimed = "claimed"
	stateOpen    = "open"
	stateDone    = "done"
)

// marker is what is written about an error object.
type marker struct {
	Format  int            `json:"format"` // 1
	Key     string         `json:"key"`
	Version string         `json:"version"`
	Stream  string         `json:"stream"` // where the last run has put its records
	State   string         `json:"state"`
	Owner   string         `json:"owner"`  // whose claim it is or was: a random text for each
	Writes  int            `json:"writes"` // with Owner, makes every writing of the marker another text
	Until   time.Time      `json:"until"`  // the end of the claim
	Runs    int            `json:"runs"`
	Total   int            `json:"total"` // the object's records, when it has been read to its end
	Done    numbers        `json:"done"`  // the records that the stream has acknowledged
	Reasons map[string]int `json:"reasons,omitempty"`
}

// markerKey is where an object's marker is: below the markers' prefix as the object lies in the bucket, so that who may
// bring back some error prefixes only needs no access to the markers of others. Without versions the ETag tells one content
// of a key from the next.
func markerKey(prefix string, o Object) string {
	id := o.Key + "\x00" + o.Version
	if o.Version == noVersion {
		id += "\x00" + o.Tag
	}
	sum := sha256.Sum256([]byte(id))
	return prefix + o.Key[:strings.LastIndexByte(o.Key, '/')+1] + hex.EncodeToString(sum[:]) + ".json"
}

// noVersion is S3's name of an object's only version in a bucket without versions.
const noVersion = "null"

// claim is a marker that this run holds.
type claim struct {
	clients Clients
	bucket  string
	key     string
	lease   time.Duration
	tag     string
	marker  marker
	taken   bool // from a run that never ended
}

// Why an object can't be claimed.
var (
	errDone   = errors.New("every record is on the stream already")
	errBusy   = errors.New("another run works on it")
	errLost   = errors.New("the claim was lost to another run")
	errMarker = errors.New("the marker is damaged")
)

// readMarker reads what is known of an object; the zero marker when nothing is.
func readMarker(ctx context.Context, c Clients, bucket, key string, o Object) (m marker, tag string, err error) {
	data, tag, err := c.Store.Read(ctx, bucket, key)
	if errors.Is(err, ErrNotFound) {
		return marker{}, "", nil
	}
	if err != nil {
		return marker{}, "", fmt.Errorf("reading the marker: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&m); err != nil {
		return marker{}, "", fmt.Errorf("%w: %s: %w", errMarker, key, err)
	}
	if m.Format != 1 || m.Key != o.Key || m.Version != o.Version || tag == "" {
		return marker{}, "", fmt.Errorf("%w: %s is not that of %s", errMarker, key, o.Key)
	}
	return m, tag, nil
}

// take claims an object. errDone, errBusy, or why it can't be known.
func take(ctx context.Context, c Clients, o Options, obj Object) (*claim, error) {
	cl := &claim{clients: c, bucket: o.Bucket, key: markerKey(o.ReplayPrefix, obj), lease: o.Lease}
	for range 5 {
		m, tag, err := readMarker(ctx, c, o.Bucket, cl.key, obj)
		switch {
		case err != nil:
			return nil, err
		case m.State == stateDone:
			return nil, errDone
		case m.State == stateClaimed && c.now().Before(m.Until):
			return nil, errBusy
		case tag == "":
			m = marker{Format: 1, Key: obj.Key, Version: obj.Version}
		}
		cl.taken = m.State == stateClaimed
		cl.tag, cl.marker = tag, m
		cl.marker.Owner, cl.marker.Writes = rand.Text(), 0
		cl.marker.Stream = o.Stream
		cl.marker.Runs++
		err = cl.save(ctx, stateClaimed)
		if !errors.Is(err, errLost) {
			return cl, err
		}
		// Somebody was quicker: look at what they have written.
	}
	return nil, errBusy
}

// save writes the marker in a new state, and renews the claim. errLost when it is another run's by now.
func (cl *claim) save(ctx context.Context, state string) error {
	m := cl.marker
	m.State = state
	m.Writes++
	m.Until = cl.clients.now().Add(cl.lease).UTC()
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		tag, err := cl.clients.Store.Write(ctx, cl.bucket, cl.key, data, cl.tag)
		if err == nil {
			cl.marker, cl.tag = m, tag
			return nil
		}
		// The write may have been done all the same, its answer lost, and a repetition of it is then a conflict with
		// itself. What is there tells.
		is, at, readErr := cl.clients.Store.Read(ctx, cl.bucket, cl.key)
		switch {
		case readErr == nil && bytes.Equal(is, data):
			cl.marker, cl.tag = m, at
			return nil
		case readErr == nil && at != cl.tag:
			return errLost
		case attempt >= 4:
			return fmt.Errorf("writing the marker: %w", err)
		}
		if cl.clients.pause(ctx, time.Duration(attempt)*200*time.Millisecond) != nil {
			return fmt.Errorf("writing the marker: %w", err)
		}
	}
}

// left is how long a put may still take so that it ends before the claim does, with a tenth of the lease to spare for
// clocks that differ.
func (cl *claim) left() time.Duration {
	return cl.marker.Until.Sub(cl.clients.now()) - cl.lease/10
}
