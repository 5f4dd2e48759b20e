package sandbox

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

func accessSource(t *testing.T, d *Delivery, kind SourceKind, name string) Source {
	t.Helper()
	for _, s := range d.Sources() {
		if s.Kind == kind && s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no %s %s", kind, name)
	return Source{}
}

// Access logs have the names that AWS gives them, lie in the archive with S3's own encryption and the archive's lock, and are
// there once.
func TestAccessLogsArrive(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		stack      string
		kind       SourceKind
		name       string
		head, tail string
	}{
		{"beijing", SourceBalancer, "storefront", "access-logs/elb/AWSLogs/111122223333/elasticloadbalancing/cn-north-1/20", ".log.gz"},
		{"beijing", SourceBalancer, "ingest", "access-logs/elb/AWSLogs/111122223333/elasticloadbalancing/cn-north-1/20", ".log.gz"},
		{"beijing", SourceAccessLog, "example-storefront-uploads", "access-logs/s3/example-storefront-uploads/20", ""},
		{"global", SourceBalancer, "legacy", "access-logs/elb/AWSLogs/333344445555/elasticloadbalancing/us-east-1/20", ".log"},
	} {
		t.Run(c.stack+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			w := stackResources(t, c.stack)
			d := newTestDelivery(t, w)
			s := accessSource(t, d, c.kind, c.name)
			lines, err := d.Lines(s, "run1", 1200)
			if err != nil {
				t.Fatal(err)
			}
			if receipt, err := d.Send(ctx, s, lines); err != nil || receipt.Selected != len(lines) {
				t.Fatalf("%d selected, %v", receipt.Selected, err)
			}
			if err := d.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			found, refs, err := d.Find(ctx, s)
			if err != nil || len(refs) != 1 || !slices.Equal(found, lines) {
				t.Fatalf("%d lines in %v, %v", len(found), refs, err)
			}
			if !strings.HasPrefix(refs[0].Key, c.head) || !strings.HasSuffix(refs[0].Key, c.tail) {
				t.Errorf("key %s", refs[0].Key)
			}
			o, err := d.store.Get(refs[0].Bucket, refs[0].Key)
			if err != nil || o.Encryption.Algorithm != defaultAlgorithm || o.Lock == nil || o.Replication != ReplicationReplica {
				t.Errorf("%+v, %v", o, err)
			}
		})
	}
}

func TestAccessLogsAreRefused(t *testing.T) {
	t.Parallel()
	const bucket = "example-access-logs-111122223333-beijing"
	for _, c := range []struct {
		name   string
		change func(*testResources)
		kind   SourceKind
		source string
		code   string
	}{
		{"no bucket", func(w *testResources) { w.remove(bucketToken, bucket) }, SourceBalancer, "storefront", "NoSuchBucket"},
		{"no policy", func(w *testResources) { w.remove(bucketPolicyToken, bucket) }, SourceBalancer, "storefront", "AccessDenied"},
		{"no policy for the log delivery service", func(w *testResources) { w.remove(bucketPolicyToken, bucket) }, SourceBalancer, "ingest", "AccessDenied"},
		{"no policy for S3", func(w *testResources) { w.remove(bucketPolicyToken, bucket) }, SourceAccessLog, "example-storefront-uploads", "AccessDenied"},
		{"a key", func(w *testResources) {
			w.change(encryptionToken, bucket, func(m resource.PropertyMap) {
				m["rules"] = resource.NewPropertyValue([]any{map[string]any{"applyServerSideEncryptionByDefault": map[string]any{"sseAlgorithm": "aws:kms"}}})
			})
		}, SourceBalancer, "storefront", "InvalidTargetBucketForLogging"},
		{"a lock", func(w *testResources) {
			w.add(objectLockToken, partition.Place{Account: "111122223333", Region: "cn-north-1"}, bucket, map[string]any{
				"bucket": bucket, "rule": map[string]any{"defaultRetention": map[string]any{"mode": "GOVERNANCE", "days": 30}},
			})
		}, SourceAccessLog, "example-storefront-uploads", "InvalidTargetBucketForLogging"},
		{"another region", func(w *testResources) {
			for i, o := range w.all {
				if o.Type == bucketToken && o.ID == bucket {
					w.all[i].Place.Region = "cn-northwest-1"
				}
			}
		}, SourceBalancer, "storefront", "InvalidTargetBucketForLogging"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := stackResources(t, "beijing")
			d := newTestDelivery(t, w)
			s := accessSource(t, d, c.kind, c.source)
			c.change(w)
			_, err := d.Send(context.Background(), s, []string{"line"})
			var refused *Refusal
			if !errors.As(err, &refused) || refused.Code != c.code {
				t.Errorf("got %v, want %s", err, c.code)
			}
		})
	}
	d := newTestDelivery(t, stackResources(t, "beijing"))
	if _, err := d.Send(context.Background(), accessSource(t, d, SourceBalancer, "storefront"), []string{"two\nlines", ""}); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("bad lines: %v", err)
	}
}
