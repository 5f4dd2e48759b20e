// Package connect is what package replay needs of AWS, by the AWS SDK.
package connect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/logarchive/logarchive/functions/putback"
	"github.com/logarchive/logarchive/functions/replay"
)

// Places say where the bucket and the stream are. Empty is the region of the SDK's default configuration. The
// credentials are the default ones: those that may put records onto the stream, and whom the bucket's policy admits.
type Places struct{ BucketRegion, StreamRegion string }

// New connects with the SDK's default configuration. putAttempts is how many rounds of PutRecordBatch a batch gets.
func New(ctx context.Context, p Places, putAttempts int) (replay.Clients, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return replay.Clients{}, fmt.Errorf("configuration of the AWS SDK: %w", err)
	}
	bucket := s3.NewFromConfig(cfg, func(o *s3.Options) {
		if p.BucketRegion != "" {
			o.Region = p.BucketRegion
		}
	})
	stream := firehose.NewFromConfig(cfg, func(o *firehose.Options) {
		if p.StreamRegion != "" {
			o.Region = p.StreamRegion
		}
		o.Retryer = aws.NopRetryer{} // putback retries, and only what was refused
	})
	return replay.Clients{
		Store: Store{bucket},
		Stream: &putback.Putter{API: stream, Attempts: putAttempts, Base: 100 * time.Millisecond,
			Longest: 5 * time.Second, Margin: 5 * time.Second},
	}, nil
}

// API is the part of the S3 client that is used.
type API interface {
	s3.ListObjectVersionsAPIClient
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Store is a replay.Store.
type Store struct{ API API }

var _ replay.Store = Store{}

// List calls ListObjectVersions. Versions of a key whose latest is a delete marker are left out: the key was deleted.
func (s Store) List(ctx context.Context, bucket, prefix string, f func(replay.Object) error) error {
	pages := s3.NewListObjectVersionsPaginator(s.API, &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &prefix})
	deleted := "" // the versions of a key, newest first, may go on on the next page
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		gone := map[string]bool{deleted: deleted != ""}
		for _, m := range page.DeleteMarkers {
			if aws.ToBool(m.IsLatest) {
				deleted = aws.ToString(m.Key)
				gone[deleted] = true
			}
		}
		for _, v := range page.Versions {
			if gone[aws.ToString(v.Key)] {
				continue
			}
			if err := f(replay.Object{Key: aws.ToString(v.Key), Version: version(v.VersionId), Tag: aws.ToString(v.ETag),
				Size: aws.ToInt64(v.Size), Modified: aws.ToTime(v.LastModified)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Stat calls HeadObject.
func (s Store) Stat(ctx context.Context, bucket, key, id string) (replay.Object, error) {
	in := &s3.HeadObjectInput{Bucket: &bucket, Key: &key}
	if id != "" {
		in.VersionId = &id
	}
	out, err := s.API.HeadObject(ctx, in)
	if err != nil {
		return replay.Object{}, sorted(err)
	}
	return replay.Object{Key: key, Version: version(out.VersionId), Tag: aws.ToString(out.ETag),
		Size: aws.ToInt64(out.ContentLength), Modified: aws.ToTime(out.LastModified)}, nil
}

// Open calls GetObject for the version.
func (s Store) Open(ctx context.Context, bucket string, o replay.Object) (io.ReadCloser, error) {
	out, err := s.API.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &o.Key, VersionId: &o.Version})
	if err != nil {
		return nil, sorted(err)
	}
	return out.Body, nil
}

// Read calls GetObject for the latest version.
func (s Store) Read(ctx context.Context, bucket, key string) (_ []byte, tag string, err error) {
	out, err := s.API.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, "", sorted(err)
	}
	defer func() { err = errors.Join(err, out.Body.Close()) }()
	data, err := io.ReadAll(out.Body)
	return data, aws.ToString(out.ETag), err
}

// Write calls PutObject with If-None-Match or If-Match.
func (s Store) Write(ctx context.Context, bucket, key string, data []byte, tag string) (string, error) {
	in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(data), ContentType: aws.String("application/json")}
	if tag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &tag
	}
	out, err := s.API.PutObject(ctx, in)
	if err != nil {
		return "", sorted(err)
	}
	return aws.ToString(out.ETag), nil
}

// version is an object's version; in a bucket without versions S3 calls it null, or says nothing.
func version(id *string) string {
	if id == nil || *id == "" {
		return "null"
	}
	return *id
}

// sorted wraps what package replay has to know apart. S3 answers 409 to a conditional write that met another one.
func sorted(err error) error {
	var status interface{ HTTPStatusCode() int }
	if !errors.As(err, &status) {
		return err
	}
	switch status.HTTPStatusCode() {
	case http.StatusNotFound:
		return fmt.Errorf("%w: %w", replay.ErrNotFound, err)
	case http.StatusPreconditionFailed, http.StatusConflict:
		return fmt.Errorf("%w: %w", replay.ErrConflict, err)
	}
	return err
}
