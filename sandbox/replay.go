package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/logarchive/logarchive/functions/putback"
	"github.com/logarchive/logarchive/functions/replay"
	"github.com/logarchive/logarchive/partition"
)

// ReplayClients are what package replay needs of AWS, in the sandbox: its buckets, and the streams at a place. Nobody is
// asked whether the caller may do it. Time is that of the sandbox's clock: pauses move it.
func (d *Delivery) ReplayClients(place partition.Place) replay.Clients {
	pause := func(ctx context.Context, wait time.Duration) error {
		_, err := d.clock.Advance(wait)
		return errors.Join(err, ctx.Err())
	}
	const attempts, base, longest = 8, 100 * time.Millisecond, 5 * time.Second
	return replay.Clients{
		Store:  replayStore{d: d},
		Stream: &putback.Putter{API: d.Records(place), Attempts: attempts, Base: base, Longest: longest, Pause: pause},
		Now:    d.clock.Now,
		Pause:  pause,
	}
}

// replayStore is the sandbox's S3 as package replay sees it. An object's hash is its ETag.
//
// For a function that runs in the sandbox, ask decides each of its requests; its invocation holds the lock.
type replayStore struct {
	d   *Delivery
	ask func(action string, b *archiveBucket, key string) error
}

var _ replay.Store = replayStore{}

// unversioned is S3's name of the version of an object in a bucket that has never been versioned.
const unversioned = "null"

func replayObject(o StoredObject) replay.Object {
	version := o.VersionID
	if version == "" {
		version = unversioned
	}
	return replay.Object{Key: o.Key, Version: version, Tag: o.SHA256, Size: o.Size, Modified: o.LastModified}
}

func (s replayStore) List(ctx context.Context, bucket, prefix string, f func(replay.Object) error) error {
	b, err := s.bucket(bucket)
	if err == nil {
		err = s.allowed("s3:ListBucketVersions", b, prefix)
	}
	if err != nil {
		return err
	}
	objects, err := s.d.store.List(bucket, prefix)
	if err != nil {
		return err
	}
	for _, o := range objects {
		versions, err := s.d.store.Versions(bucket, o.Key)
		if err != nil {
			return err
		}
		for _, v := range versions {
			if err := ctx.Err(); err != nil {
				return err
			}
			if v.DeleteMarker {
				continue
			}
			if err := f(replayObject(v)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s replayStore) Stat(_ context.Context, bucket, key, version string) (replay.Object, error) {
	if err := s.reads(bucket, key, version); err != nil {
		return replay.Object{}, err
	}
	versions, err := s.d.store.Versions(bucket, key)
	if err != nil {
		return replay.Object{}, err
	}
	i := slices.IndexFunc(versions, func(o StoredObject) bool {
		return version == "" || version == o.VersionID || (version == unversioned && o.VersionID == "")
	})
	if i < 0 || versions[i].DeleteMarker {
		return replay.Object{}, fmt.Errorf("%w: s3://%s/%s", replay.ErrNotFound, bucket, key)
	}
	return replayObject(versions[i]), nil
}

func (s replayStore) Open(_ context.Context, bucket string, o replay.Object) (io.ReadCloser, error) {
	if err := s.reads(bucket, o.Key, o.Version); err != nil {
		return nil, err
	}
	version := o.Version
	if version == unversioned {
		version = ""
	}
	file, _, err := s.d.store.OpenVersion(bucket, o.Key, version)
	if errors.Is(err, ErrNoSuchKey) {
		err = fmt.Errorf("%w: %w", replay.ErrNotFound, err)
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (s replayStore) Read(_ context.Context, bucket, key string) (data []byte, tag string, err error) {
	if err := s.reads(bucket, key, ""); err != nil {
		return nil, "", err
	}
	file, o, err := s.d.store.Open(bucket, key)
	if errors.Is(err, ErrNoSuchKey) {
		err = fmt.Errorf("%w: %w", replay.ErrNotFound, err)
	}
	if err != nil {
		return nil, "", err
	}
	data, err = io.ReadAll(file)
	return data, o.SHA256, errors.Join(err, file.Close())
}

// Write holds the store's lock, so that no other process can come between the look and the write.
func (s replayStore) Write(_ context.Context, bucket, key string, data []byte, tag string) (string, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return "", err
	}
	if s.ask == nil {
		s.d.mu.Lock()
		defer s.d.mu.Unlock()
	} else if err := s.ask("s3:PutObject", b, key); err != nil {
		return "", err
	}
	if err := s.d.hold(); err != nil {
		return "", err
	}
	is, err := s.d.store.Get(bucket, key)
	if err != nil && !errors.Is(err, ErrNoSuchKey) {
		return "", err
	}
	if is.SHA256 != tag {
		return "", fmt.Errorf("%w: s3://%s/%s", replay.ErrConflict, bucket, key)
	}
	o := StoredObject{Bucket: bucket, Key: key, LastModified: s.d.clock.Now(), ContentType: "application/json", Encryption: b.encryption}
	o, err = s.d.store.Put(b.arriving(o), b.versioned, bytes.NewReader(data))
	return o.SHA256, err
}

func (s replayStore) allowed(action string, b *archiveBucket, key string) error {
	if s.ask == nil {
		return nil
	}
	return s.ask(action, b, key)
}

// reads asks for the reading of an object, or of one version of it. Who may not list the bucket isn't told that a key isn't
// there (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
func (s replayStore) reads(bucket, key, version string) error {
	if s.ask == nil {
		return nil
	}
	b, err := s.bucket(bucket)
	if err != nil {
		return err
	}
	action := "s3:GetObject"
	if version != "" {
		action = "s3:GetObjectVersion"
	}
	if err := s.ask(action, b, key); err != nil {
		return err
	}
	if _, err := s.d.store.Get(bucket, key); errors.Is(err, ErrNoSuchKey) {
		return s.ask("s3:ListBucket", b, "")
	}
	return nil
}

func (s replayStore) bucket(name string) (*archiveBucket, error) {
	o, ok := find(s.d.world, bucketToken, func(o *Object) bool { return o.ID == name })
	if !ok {
		return nil, fmt.Errorf("sandbox: NoSuchBucket: there is no bucket %q", name)
	}
	b, ok := bucketByARN(s.d.world, o.ARN())
	if !ok {
		return nil, fmt.Errorf("sandbox: the bucket %q has no ARN", name)
	}
	return b, nil
}
