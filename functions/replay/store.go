package replay

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/logarchive/logarchive/functions/pause"
	"github.com/logarchive/logarchive/functions/putback"
)

// Object is one version of an object in a bucket.
type Object struct {
	Key      string
	Version  string // "null" where the bucket keeps no versions
	Tag      string // its ETag
	Size     int64
	Modified time.Time
}

// Errors of a Store.
var (
	ErrNotFound = errors.New("no such object")
	// ErrConflict means that a conditional write was not done: the object is not as the condition says.
	ErrConflict = errors.New("the object has been changed by somebody else")
)

// Store is the part of S3 that is used here.
type Store interface {
	// List calls f for each version of the objects whose keys begin with prefix, in the order of their keys, without
	// those whose key has been deleted. It ends with f's error.
	List(ctx context.Context, bucket, prefix string, f func(Object) error) error
	// Stat finds a version, the latest when version is "". ErrNotFound.
	Stat(ctx context.Context, bucket, key, version string) (Object, error)
	// Open reads a version. ErrNotFound.
	Open(ctx context.Context, bucket string, o Object) (io.ReadCloser, error)
	// Read reads a small object whole, and its ETag. ErrNotFound.
	Read(ctx context.Context, bucket, key string) (data []byte, tag string, err error)
	// Write writes a small object, if its ETag is still tag, or if there is none yet when tag is "". ErrConflict.
	Write(ctx context.Context, bucket, key string, data []byte, tag string) (newTag string, err error)
}

// Stream puts records onto a delivery stream, as *putback.Putter does.
type Stream interface {
	Put(ctx context.Context, stream string, records [][]byte) putback.Result
}

// Clients are what Run works with.
type Clients struct {
	Store  Store
	Stream Stream
	// Now is the clock of claims; nil for the real one.
	Now func() time.Time
	// Pause waits, or ends early with the context's error; nil for a real pause.
	Pause func(context.Context, time.Duration) error
}

func (c Clients) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

func (c Clients) pause(ctx context.Context, d time.Duration) error {
	if c.Pause != nil {
		return c.Pause(ctx, d)
	}
	return pause.For(ctx, d)
}
