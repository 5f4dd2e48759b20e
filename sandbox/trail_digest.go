package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/logarchive/logarchive/partition"
)

// digest is a digest file of CloudTrail, as
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html has it.
// It has no signature: AWS signs with keys that only AWS has. Hashes are of the uncompressed content.
type digest struct {
	Account           string       `json:"awsAccountId"`
	Start             time.Time    `json:"digestStartTime"`
	End               time.Time    `json:"digestEndTime"`
	Bucket            string       `json:"digestS3Bucket"`
	Object            string       `json:"digestS3Object"`
	Oldest            time.Time    `json:"oldestEventTime"`
	Newest            time.Time    `json:"newestEventTime"`
	PreviousBucket    *string      `json:"previousDigestS3Bucket"`
	PreviousObject    *string      `json:"previousDigestS3Object"`
	PreviousHash      *string      `json:"previousDigestHashValue"`
	PreviousAlgorithm *string      `json:"previousDigestHashAlgorithm"`
	Files             []digestFile `json:"logFiles"`
}

type digestFile struct {
	Bucket    string `json:"s3Bucket"`
	Object    string `json:"s3Object"`
	Hash      string `json:"hashValue"`
	Algorithm string `json:"hashAlgorithm"`
}

const (
	digestInterval = time.Hour
	hashAlgorithm  = "SHA-256"
)

// deliverDigests writes a digest for every hour in which log files were written that no digest names yet, and moves the clock to
// the end of each. An hour without log files has none here.
func (d *Delivery) deliverDigests(ctx context.Context) error {
	var problems error
	for _, f := range serviceFiles(d.world) {
		if f.kind == SourceTrail && flag(f.object, "enableLogFileValidation") {
			if err := d.digestsOf(ctx, f); err != nil {
				problems = errors.Join(problems, fmt.Errorf("digests of %s: %w", f.label, err))
			}
		}
	}
	return problems
}

func (d *Delivery) digestsOf(ctx context.Context, f *serviceFile) error {
	folder := strings.TrimSuffix(f.head, "CloudTrail/"+string(f.object.Place.Region)+"/") + "CloudTrail-Digest/" + string(f.object.Place.Region) + "/"
	bucket := f.bucket[strings.LastIndexByte(f.bucket, ':')+1:]
	before, err := d.lastDigest(bucket, folder, f.name)
	if err != nil {
		return err
	}
	files, err := d.store.List(bucket, f.head)
	if err != nil {
		return err
	}
	hours := map[time.Time][]StoredObject{}
	var order []time.Time
	for _, o := range files {
		hour := o.LastModified.Truncate(digestInterval)
		if !f.wrote(o.Key) || before != nil && o.LastModified.Before(before.End) {
			continue
		}
		if hours[hour] == nil {
			order = append(order, hour)
		}
		hours[hour] = append(hours[hour], o)
	}
	for len(order) > 0 {
		first := 0
		for i := range order {
			if order[i].Before(order[first]) {
				first = i
			}
		}
		hour := order[first]
		order = append(order[:first], order[first+1:]...)
		if before, err = d.writeDigest(ctx, f, folder, hour, hours[hour], before); err != nil {
			return err
		}
	}
	return nil
}

// lastDigest reads the newest digest of a trail; nil when there is none.
func (d *Delivery) lastDigest(bucket, folder, trail string) (*digest, error) {
	objects, err := d.store.List(bucket, folder)
	if err != nil {
		return nil, err
	}
	var last *StoredObject
	for i, o := range objects { // ordered by key, and so by time
		if strings.Contains(o.Key, "_"+trail+"_") {
			last = &objects[i]
		}
	}
	if last == nil {
		return nil, nil
	}
	found := &digest{}
	text, err := d.unpacked(*last)
	if err == nil {
		err = json.Unmarshal(text, found)
	}
	return found, err
}

// unpacked reads a gzip file.
func (d *Delivery) unpacked(o StoredObject) (text []byte, err error) {
	var file *os.File
	if file, o, err = d.store.Open(o.Bucket, o.Key); err != nil {
		return nil, err
	}
	packed, err := gzip.NewReader(file)
	if err == nil {
		text, err = io.ReadAll(packed)
	}
	if err != nil {
		err = fmt.Errorf("sandbox: s3://%s/%s: %w", o.Bucket, o.Key, err)
	}
	return text, errors.Join(err, file.Close())
}

func (d *Delivery) hashOf(o StoredObject) (string, error) {
	text, err := d.unpacked(o)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// writeDigest writes the digest of an hour, once it has ended. A digest may be encrypted with S3's own key, as AWS's older
// documents say, or with the trail's, as the newer ones do: both must be allowed.
func (d *Delivery) writeDigest(ctx context.Context, f *serviceFile, folder string, hour time.Time, files []StoredObject, before *digest) (*digest, error) {
	end := hour.Add(digestInterval)
	now, err := d.clock.AdvanceTo(end)
	if err != nil {
		return nil, err
	}
	place := f.object.Place
	name := fmt.Sprintf("%s_CloudTrail-Digest_%s_%s_%s_%s.json.gz", place.Account, place.Region, f.name, place.Region, end.UTC().Format("20060102T150405Z"))
	bucket, w, _, err := f.bucketOf(d)
	if err != nil {
		return nil, err
	}
	out := &digest{
		Account: string(place.Account), Start: hour, End: end, Bucket: bucket.name,
		Object: folder + end.UTC().Format("2006/01/02/") + name, Oldest: end, Newest: hour, Files: []digestFile{},
	}
	if before != nil {
		hash, err := d.hashOf(StoredObject{Bucket: before.Bucket, Key: before.Object})
		if err != nil {
			return nil, err
		}
		algorithm := hashAlgorithm
		out.PreviousBucket, out.PreviousObject, out.PreviousHash, out.PreviousAlgorithm = &before.Bucket, &before.Object, &hash, &algorithm
	}
	for _, o := range files {
		hash, err := d.hashOf(o)
		if err != nil {
			return nil, err
		}
		out.Files = append(out.Files, digestFile{o.Bucket, o.Key, hash, hashAlgorithm})
		if o.LastModified.Before(out.Oldest) {
			out.Oldest = o.LastModified
		}
		if o.LastModified.After(out.Newest) {
			out.Newest = o.LastModified
		}
	}
	put := w.hop.with("s3:x-amz-server-side-encryption", defaultAlgorithm, "s3:TlsVersion", "1.2")
	put.Step, put.Action, put.Resource, put.Owner = f.label+" writes a digest", "s3:PutObject", bucket.arn+"/"+out.Object, bucket.object.Place.Account
	if err := d.authorizer.Authorize(put); err != nil {
		return nil, err
	}
	_, encryption, err := d.authorizeWrite(w, bucket, out.Object)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	batch, err := d.store.Begin()
	if err != nil {
		return nil, err
	}
	to, err := batch.Create(bucket.arriving(StoredObject{
		Bucket: bucket.name, Key: out.Object, LastModified: now, ContentType: "application/json", ContentEncoding: "gzip", Encryption: encryption,
		Source: place.ARN(partition.CloudTrail, "trail/"+f.name).String(),
	}), bucket.versioned)
	if err == nil {
		packed := gzip.NewWriter(to)
		_, err = packed.Write(text)
		err = errors.Join(err, packed.Close(), ctx.Err())
	}
	if err != nil {
		return nil, errors.Join(err, batch.Abort())
	}
	_, err = batch.Commit("", 0)
	return out, err
}
