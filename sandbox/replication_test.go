package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// landedSource is a flow log of an example stack that lands, and the buckets that it passes.
func landedSource(t *testing.T, w *testResources, d *Delivery) (s Source, landing, archive string) {
	t.Helper()
	config := w.List(replicationToken)
	i := slices.IndexFunc(config, func(o Object) bool { return strings.Contains(o.Text("bucket"), "landing") })
	if i < 0 {
		t.Fatal("there is no landing bucket")
	}
	landing = config[i].Text("bucket")
	rule := replicationRules(config[i])[0]
	archive = rule.bucket[strings.LastIndexByte(rule.bucket, ':')+1:]
	for _, s := range d.Sources() {
		if s.flowLog != nil && strings.Contains(s.Path, landing) {
			return s, landing, archive
		}
	}
	t.Fatal("no source lands")
	return
}

// What lands in the home region arrives in the archive's, once: the same version under the same key, with the archive's key
// and lock, after the lag of the replication and not before.
func TestLandedFlowLogIsReplicated(t *testing.T) {
	t.Parallel()
	for _, stack := range []string{"beijing", "global"} {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			w := stackResources(t, stack)
			d := newTestDelivery(t, w)
			s, landing, archive := landedSource(t, w, d)
			lines, err := d.Lines(s, "run1", 50)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Send(ctx, s, lines); err != nil {
				t.Fatal(err)
			}
			// Only the flow log's file is due now.
			written, err := d.clock.Advance(flowWindow)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.deliverNow(ctx, written); err != nil {
				t.Fatal(err)
			}
			landed := onlyObject(t, d, landing)
			if landed.Replication != ReplicationPending || landed.Lock != nil {
				t.Errorf("landed with status %q and lock %v", landed.Replication, landed.Lock)
			}
			if found, refs, err := d.Find(ctx, s); err != nil || len(found) != 0 || len(refs) != 0 {
				t.Errorf("%d lines have arrived before they were replicated: %v", len(found), err)
			}
			if err := d.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			if now := d.clock.Now(); !now.Equal(written.Add(replicationLag)) {
				t.Errorf("replicated at %s, want %s", now, written.Add(replicationLag))
			}
			found, refs, err := d.Find(ctx, s)
			if err != nil || len(refs) != 1 || refs[0].Bucket != archive {
				t.Fatalf("found in %v: %v", refs, err)
			}
			slices.Sort(found)
			if slices.Sort(lines); !slices.Equal(found, lines) {
				t.Errorf("%d lines, want each of %d once", len(found), len(lines))
			}
			landed, replica := onlyObject(t, d, landing), onlyObject(t, d, archive)
			if landed.Replication != ReplicationCompleted || replica.Replication != ReplicationReplica {
				t.Errorf("statuses %q and %q", landed.Replication, replica.Replication)
			}
			if replica.Key != landed.Key || replica.VersionID != landed.VersionID || replica.SHA256 != landed.SHA256 {
				t.Errorf("the replica is %+v, of %+v", replica, landed)
			}
			to, _ := bucketByARN(w, d.bucketARN(archive))
			if replica.Encryption.KeyARN != to.encryption.KeyARN || replica.Encryption.KeyARN == landed.Encryption.KeyARN || !replica.Encryption.BucketKey {
				t.Errorf("the replica is encrypted with %+v", replica.Encryption)
			}
			if want := to.lock.from(replica.LastModified); replica.Lock == nil || *replica.Lock != *want {
				t.Errorf("the replica is locked %v, want %v", replica.Lock, want)
			}
			before := len(mustList(t, d, archive))
			if err := d.Flush(ctx); err != nil || len(mustList(t, d, archive)) != before {
				t.Errorf("a second flush replicates again: %v", err)
			}
		})
	}
}

func mustList(t *testing.T, d *Delivery, bucket string) []StoredObject {
	t.Helper()
	list, err := d.store.List(bucket, "")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func onlyObject(t *testing.T, d *Delivery, bucket string) StoredObject {
	t.Helper()
	list := mustList(t, d, bucket)
	if len(list) != 1 {
		t.Fatalf("%d objects in %s, want one", len(list), bucket)
	}
	return list[0]
}

// A hop that AWS would refuse makes the status FAILED: the object stays where it landed, and nothing of it arrives.
func TestReplicationIsRefused(t *testing.T) {
	t.Parallel()
	without := func(token, id, property, sid string) func(*testing.T, *testResources) {
		return func(t *testing.T, w *testResources) {
			done := false
			for _, o := range w.List(token) {
				doc, err := policy.Parse([]byte(o.Text(property)))
				if err != nil || !strings.Contains(o.URN+" "+o.ID, id) {
					continue
				}
				kept := slices.DeleteFunc(slices.Clone(doc.Statements), func(s policy.Statement) bool { return s.Sid == sid })
				done = done || len(kept) < len(doc.Statements)
				doc.Statements = kept
				w.change(token, o.ID, set(property, doc.JSON()))
			}
			if !done {
				t.Fatalf("there is no statement %s", sid)
			}
		}
	}
	for _, c := range []struct {
		name         string
		change       func(*testing.T, *testResources)
		code, action string
	}{
		{"the source isn't read", without(rolePolicyToken, "landing-replication", "policy", "ReadVersions"), "AccessDenied", "s3:GetObjectVersionForReplication"},
		{"the replica isn't written", without(rolePolicyToken, "landing-replication", "policy", "WriteReplicas"), "AccessDenied", "s3:ReplicateObject"},
		{"the source isn't decrypted", without(keyToken, "landing-key", "policy", "DecryptForReplication"), "AccessDenied", "kms:Decrypt"},
		{"the replica isn't encrypted", without(keyToken, "archive-key", "policy", "EncryptReplicas"), "AccessDenied", "kms:Encrypt"},
		{"no archive", func(_ *testing.T, w *testResources) {
			w.remove(bucketToken, "example-log-archive-222233334444-ningxia")
		}, "NoSuchBucket", "s3:ReplicateObject"},
		{"an archive without versions", func(_ *testing.T, w *testResources) {
			w.remove(versioningToken, "example-log-archive-222233334444-ningxia")
		}, "InvalidRequest", "s3:ReplicateObject"},
		{"an archive without Object Lock", func(_ *testing.T, w *testResources) {
			w.change(bucketToken, "example-log-archive-222233334444-ningxia", func(m resource.PropertyMap) { m["objectLockEnabled"] = resource.NewBoolProperty(false) })
		}, "InvalidRequest", "s3:ReplicateObject"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			w := stackResources(t, "beijing")
			d := newTestDelivery(t, w)
			s, landing, archive := landedSource(t, w, d)
			c.change(t, w)
			if _, err := d.Send(ctx, s, []string{"run1-000001"}); err != nil {
				t.Fatal(err)
			}
			err := d.Flush(ctx)
			var refused *Refusal
			if !errors.As(err, &refused) || refused.Code != c.code || refused.Hop.Action != c.action {
				t.Fatalf("got %v, want %s of %s", err, c.code, c.action)
			}
			if o := onlyObject(t, d, landing); o.Replication != ReplicationFailed || !strings.HasPrefix(o.Failure, c.code+": ") {
				t.Errorf("status %q, %s", o.Replication, o.Failure)
			}
			if list := mustList(t, d, archive); len(list) != 0 {
				t.Errorf("%d objects arrived", len(list))
			}
			// S3 doesn't try again by itself; a batch replication does, and with everything mended it brings the object over.
			if err := d.Flush(ctx); err != nil {
				t.Error(err)
			}
			counts, err := d.store.Replications()
			if err != nil || len(counts) != 1 || counts[0].Failed != 1 || !strings.HasPrefix(counts[0].Failure, c.code) {
				t.Errorf("replications %+v, %v", counts, err)
			}
			w.all = stackResources(t, "beijing").all
			if n, err := d.store.Retry(landing); n != 1 || err != nil {
				t.Fatalf("%d to be replicated again, %v", n, err)
			}
			if err := d.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			onlyObject(t, d, archive)
			if found, _, err := d.Find(ctx, s); err != nil || !slices.Equal(found, []string{"run1-000001"}) {
				t.Errorf("found %q, %v", found, err)
			}
		})
	}
}

// An object that no rule is about has no status: nothing tells that it stays behind.
func TestUnreplicatedObjectsHaveNoStatus(t *testing.T) {
	t.Parallel()
	encrypted, plain := Encryption{Algorithm: kmsAlgorithm}, Encryption{Algorithm: defaultAlgorithm}
	for _, c := range []struct {
		rule       replicationRule
		encryption Encryption
		want       ReplicationStatus
	}{
		{replicationRule{}, plain, ReplicationPending},
		{replicationRule{}, encrypted, ""},
		{replicationRule{encrypted: true}, encrypted, ReplicationPending},
		{replicationRule{prefix: "logs/"}, plain, ReplicationPending},
		{replicationRule{prefix: "other/"}, plain, ""},
	} {
		b := &archiveBucket{versioned: true, replications: []replicationRule{c.rule}}
		if got := b.replicationOf(StoredObject{Key: "logs/a", Encryption: c.encryption}); got != c.want {
			t.Errorf("%+v of %s: %q, want %q", c.rule, c.encryption.Algorithm, got, c.want)
		}
	}
}

// A crash between any two steps of a replication loses and doubles nothing.
func TestReplicationSurvivesCrashes(t *testing.T) {
	t.Parallel()
	for steps := range 4 {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			dir := t.TempDir()
			s := openTestStore(t, dir)
			o, err := s.Put(StoredObject{Bucket: "source", Key: "a/b", LastModified: someTime, Replication: ReplicationPending}, true, strings.NewReader("line\n"))
			if err != nil {
				t.Fatal(err)
			}
			replica := o
			replica.Bucket, replica.Replication = "replica", ReplicationReplica
			end := replicated{Bucket: o.Bucket, Key: o.Key, VersionID: o.VersionID, Status: ReplicationCompleted}
			d := &Delivery{store: s}
			killDuring(d, steps, func() { _ = d.copyReplicas(ctx, o, []StoredObject{replica}, end) })
			after := openTestStore(t, dir)
			d = &Delivery{store: after}
			if _, err := after.hold(); err != nil {
				t.Fatal(err)
			}
			pending, err := after.pending()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range pending {
				if err := d.copyReplicas(ctx, p, []StoredObject{replica}, end); err != nil {
					t.Fatal(err)
				}
			}
			versions, err := after.Versions("replica", "a/b")
			if err != nil || len(versions) != 1 || versions[0].VersionID != o.VersionID {
				t.Fatalf("versions of the replica: %+v, %v", versions, err)
			}
			file, _, err := after.Open("replica", "a/b")
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if data, err := io.ReadAll(file); err != nil || string(data) != "line\n" {
				t.Errorf("the replica holds %q, %v", data, err)
			}
			if got, err := after.Get("source", "a/b"); err != nil || got.Replication != ReplicationCompleted {
				t.Errorf("the source has status %q, %v", got.Replication, err)
			}
		})
	}
}

// PutBucketReplication is refused as S3 refuses it: without versions on either side, to the bucket itself, and from a bucket
// with Object Lock to one without.
func TestReplicationConfigIsRefused(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	l.archive.mustCreate(bucketToken, "landing", properties("bucket", "the-landing", "objectLockEnabled", true))
	role := l.archive.mustCreate(roleToken, "replicate", properties("name", "replicate", "assumeRolePolicy", trustOf(t, archive, partition.S3)))
	versions := func(bucket string) {
		l.archive.mustCreate(versioningToken, bucket, properties("bucket", bucket, "versioningConfiguration", map[string]any{"status": "Enabled"}))
	}
	refused := func(to, want string) {
		t.Helper()
		_, err := l.archive.create(replicationToken, "landing", properties("bucket", "the-landing", "role", text(role.state, "arn"), "rules", []any{map[string]any{
			"status": "Enabled", "priority": 1, "filter": map[string]any{"prefix": ""}, "deleteMarkerReplication": map[string]any{"status": "Disabled"},
			"destination": map[string]any{"bucket": partition.BucketARN(archive.Partition(), to).String()},
		}}))
		if err == nil || !strings.Contains(err.Error(), "InvalidRequest") || !strings.Contains(err.Error(), want) {
			t.Errorf("to %s: got %v, want InvalidRequest: %s", to, err, want)
		}
	}
	refused("the-archive", "Versioning must be 'Enabled' on the bucket")
	versions("the-landing")
	refused("the-archive", "Destination bucket must have versioning enabled")
	refused("the-landing", "Destination bucket cannot be the same")
	versions("the-archive")
	refused("the-archive", "Object Lock must be enabled on the destination")
}
