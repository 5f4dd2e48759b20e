package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// configure changes the S3 configuration of the test stream.
func configure(w *testResources, pairs ...any) {
	w.change(streamToken, testStreamARN, func(m resource.PropertyMap) {
		c := m["extendedS3Configuration"].ObjectValue().Copy()
		for i := 0; i < len(pairs); i += 2 {
			c[resource.PropertyKey(pairs[i].(string))] = resource.NewPropertyValue(pairs[i+1])
		}
		m["extendedS3Configuration"] = resource.NewObjectProperty(c)
	})
}

// The names of https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
func TestStreamKey(t *testing.T) {
	t.Parallel()
	const uuid = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`
	for _, test := range []struct {
		pairs []any
		want  string
	}{
		{[]any{"prefix", "", "fileExtension", ""}, `2026/11/20/18/logs-1-2026-11-20-18-03-04-` + uuid},
		{[]any{"prefix", "a/", "fileExtension", "", "compressionFormat", "GZIP"}, `a/2026/11/20/18/logs-1-2026-11-20-18-03-04-` + uuid + `\.gz`},
		{[]any{"prefix", "a/!{timestamp:yyyy-MM-dd}/", "customTimeZone", "Asia/Shanghai"}, `a/2026-11-21/logs-1-2026-11-21-02-03-04-` + uuid + `\.gz`},
		{[]any{"prefix", "!{firehose:random-string}/!{firehose:random-string}/!{timestamp:HH}/", "fileExtension", ".json.gz", "compressionFormat", "GZIP"},
			`[0-9a-f-]{11}/[0-9a-f-]{11}/18/logs-1-2026-11-20-18-03-04-` + uuid + `\.json\.gz`},
	} {
		w := newTestWorld(t)
		configure(w, test.pairs...)
		o, _ := w.ByARN(testStreamARN)
		s, err := streamOf(o)
		if err != nil {
			t.Errorf("%v: %v", test.pairs, err)
			continue
		}
		at := time.Date(2026, 11, 20, 18, 3, 4, 0, time.UTC)
		one, err := s.objectKey(at, "feed 0")
		two, err2 := s.objectKey(at, "feed 100")
		if !regexp.MustCompile("^"+test.want+"$").MatchString(one) || one == two || errors.Join(err, err2) != nil || !s.wrote(one) {
			t.Errorf("%v: %s, %v, want %s", test.pairs, one, err, test.want)
		}
		if again, _ := s.objectKey(at, "feed 0"); again != one {
			t.Errorf("%v: %s, then %s", test.pairs, one, again)
		}
		s.name = "log"
		if s.wrote(one) {
			t.Errorf("%s is taken for an object of stream log", one)
		}
	}
}

// An object has the records as CloudWatch Logs made them, one after the other: a control message when the filter is new,
// and gzip members that unpack to batches. With GZIP they are compressed once more.
func TestStreamObject(t *testing.T) {
	t.Parallel()
	for _, compression := range []string{"UNCOMPRESSED", "GZIP"} {
		ctx := context.Background()
		w := newTestWorld(t)
		configure(w, "compressionFormat", compression)
		d := newTestDelivery(t, w)
		group, database := findSource(t, d, testGroup), findSource(t, d, "orders")
		for i, s := range []Source{group, database, group} {
			if _, err := d.Send(ctx, s, []string{[]string{"a", "b", "c"}[i]}); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		objects, err := d.store.List(testBucket, "logs/")
		if err != nil || len(objects) != 1 || objects[0].Records != 3 {
			t.Fatalf("%s: %+v, %v", compression, objects, err)
		}
		file, _, err := d.store.Open(testBucket, objects[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		var data io.Reader = file
		if compression == "GZIP" {
			if data, err = gzip.NewReader(file); err != nil {
				t.Fatal(err)
			}
		}
		packed, err := io.ReadAll(data)
		if err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		if n := bytes.Count(packed, []byte{0x1f, 0x8b, 8}); n != 5 {
			t.Errorf("%s: %d gzip members", compression, n)
		}
		decoder := json.NewDecoder(bytes.NewReader(gunzip(t, packed)))
		var got []string
		for decoder.More() {
			var batch subscriptionData
			if err := decoder.Decode(&batch); err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.Join([]string{batch.MessageType, batch.Owner, batch.LogGroup, strings.Join(batch.SubscriptionFilters, ","), batch.LogEvents[0].Message}, " "))
			if batch.LogGroup == dbGroup && batch.LogStream != "orders" {
				t.Errorf("log stream %s", batch.LogStream)
			}
		}
		want := []string{
			"CONTROL_MESSAGE CloudwatchLogs   CWL CONTROL MESSAGE: Checking health of destination Firehose.",
			"DATA_MESSAGE 111122223333 /app/web to-logs a",
			"CONTROL_MESSAGE CloudwatchLogs   CWL CONTROL MESSAGE: Checking health of destination Firehose.",
			"DATA_MESSAGE 111122223333 " + dbGroup + " to-logs b",
			"DATA_MESSAGE 111122223333 /app/web to-logs c",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", compression, diff)
		}
		if found, _, err := d.Find(ctx, group); !cmp.Equal(found, []string{"a", "c"}) || err != nil {
			t.Errorf("%s: found %q, %v", compression, found, err)
		}
	}
}

// A flow log straight to Firehose works where AWS is known to do it, and with the tag that it takes.
func TestFlowLogToFirehose(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	virginia := partition.Place{Account: sourcePlace.Account, Region: "us-east-1"}
	key := virginia.ARN(partition.KMS, "key/1").String()
	bucketARN := partition.BucketARN(partition.AWS, "b").String()
	streamARN := virginia.ARN(partition.Firehose, "deliverystream/flows").String()
	world := func(place partition.Place, tag string) *testResources {
		w := &testResources{}
		// The bucket and the key are of the stream's own account: the role's policy suffices for the bucket.
		w.add(bucketToken, virginia, "b", map[string]any{"bucket": "b", "arn": bucketARN})
		w.add(keyToken, virginia, "1", map[string]any{"arn": key, "policy": document(allow(policy.AWSPrincipals(virginia.RootARN().String()), []string{"kms:*"}, []string{"*"}, nil))})
		w.add(roleToken, virginia, "r", map[string]any{"name": "r", "arn": virginia.RoleARN("r").String(), "assumeRolePolicy": trustDocument(service(t, partition.Firehose, partition.Trust), nil)})
		w.add(rolePolicyToken, virginia, "r:p", map[string]any{"role": "r", "name": "p", "policy": document(
			allow(nil, []string{"s3:PutObject"}, []string{bucketARN + "/flows/*"}, nil), allow(nil, []string{"kms:GenerateDataKey", "kms:Decrypt"}, []string{key}, nil))})
		w.add(streamToken, virginia, streamARN, map[string]any{
			"name": "flows", "arn": streamARN, "destination": "extended_s3", "tags": map[string]any{tag: "true"},
			"extendedS3Configuration": map[string]any{"bucketArn": bucketARN, "roleArn": virginia.RoleARN("r").String(), "kmsKeyArn": key, "prefix": "flows/", "compressionFormat": "GZIP"},
		})
		w.add(flowLogToken, place, "fl-direct", map[string]any{"vpcId": "vpc-1", "logDestinationType": "kinesis-data-firehose", "logDestination": streamARN})
		return w
	}
	d := newTestDelivery(t, world(virginia, "LogDeliveryEnabled"))
	s := findSource(t, d, "fl-direct")
	if _, err := d.Send(ctx, s, []string{"one", "two"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	got, refs, err := d.Find(ctx, s)
	if !cmp.Equal(got, []string{"one", "two"}) || err != nil || len(refs) != 1 || !strings.HasSuffix(refs[0].Key, ".gz") {
		t.Errorf("found %q in %+v, %v", got, refs, err)
	}
	for _, test := range []struct {
		place partition.Place
		tag   string
		code  string
	}{{virginia, "Other", "AccessDenied"}, {sourcePlace, "LogDeliveryEnabled", "UnsupportedOperation"}} {
		d := newTestDelivery(t, world(test.place, test.tag))
		var refusal *Refusal
		if _, err := d.Send(ctx, findSource(t, d, "fl-direct"), []string{"x"}); !errors.As(err, &refusal) || refusal.Code != test.code {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

// Many may send at once.
func TestConcurrentSends(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := newTestDelivery(t, newTestWorld(t))
	s := findSource(t, d, testGroup)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 5 {
				if _, err := d.Send(ctx, s, []string{uuidOf(strings.Repeat("x", n*5+i))}); err != nil {
					t.Error(err)
				}
				if _, err := d.Status(); err != nil {
					t.Error(err)
				}
			}
			if err := d.Flush(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	found, _, err := d.Find(ctx, s)
	seen := map[string]bool{}
	for _, line := range found {
		seen[line] = true
	}
	if len(found) != 40 || len(seen) != 40 || err != nil {
		t.Errorf("%d lines found, %d of them different, %v", len(found), len(seen), err)
	}
}
