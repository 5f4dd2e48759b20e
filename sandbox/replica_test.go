package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/stacks"
)

// replicaStack is an example stack whose archive has a replica: global has one in another account, and beijing gets one in the
// archive's account and the only region that there is.
func replicaStack(t *testing.T, stack string) (*testResources, *stacks.Spec) {
	t.Helper()
	config, err := stacks.LoadConfig("..", stack)
	if err != nil {
		t.Fatal(err)
	}
	if stack == "beijing" {
		var archive map[string]any
		key := stacks.Namespace + ":archive"
		if err := json.Unmarshal([]byte(config[key]), &archive); err != nil {
			t.Fatal(err)
		}
		archive["replica"] = map[string]any{"region": "cn-north-1", "bucket": "example-log-replica-222233334444-beijing"}
		text, err := json.Marshal(archive)
		if err != nil {
			t.Fatal(err)
		}
		config[key] = string(text)
	}
	return configuredStack(t, stack, config)
}

// sendAll sends lines of every source, and returns how many sources there are.
func sendAll(t *testing.T, d *Delivery, run string, lines int) int {
	t.Helper()
	sources := d.Sources()
	for _, s := range sources {
		list, err := d.Lines(s, run, lines)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Send(context.Background(), s, list); err != nil {
			t.Fatal(err)
		}
	}
	return len(sources)
}

// versionsOf are the objects of a bucket by key, version and contents, with how often each is there.
func versionsOf(list []StoredObject) map[string]int {
	out := map[string]int{}
	for _, o := range list {
		out[o.Key+" "+o.VersionID+" "+o.SHA256]++
	}
	return out
}

// TestEverythingInTheArchiveStandsInTheReplica: what is written to the archive, and what arrives there by replication itself, is in
// the replica, each object once; encrypted with the replica's key as far as the archive's has one, and locked for as long.
func TestEverythingInTheArchiveStandsInTheReplica(t *testing.T) {
	t.Parallel()
	for _, stack := range []string{"beijing", "global"} {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			w, spec := replicaStack(t, stack)
			d := newTestDelivery(t, w)
			if n := sendAll(t, d, "run1", 20); n < 10 {
				t.Fatalf("only %d sources", n)
			}
			if err := d.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
			archived, replicas := mustList(t, d, spec.ArchiveBucket.Bucket), mustList(t, d, spec.Replica.Bucket)
			if diff := cmp.Diff(versionsOf(archived), versionsOf(replicas)); diff != "" {
				t.Errorf("the replica (+) isn't the archive (-):\n%s", diff)
			}
			for version, n := range versionsOf(replicas) {
				if n != 1 {
					t.Errorf("%s is there %d times", version, n)
				}
			}
			statuses := map[ReplicationStatus]int{}
			locked := map[string]*Retention{}
			for _, o := range archived {
				statuses[o.Replication]++
				locked[o.Key] = o.Lock
			}
			if statuses[ReplicationCompleted] == 0 || statuses[ReplicationReplica] == 0 || len(statuses) != 2 {
				t.Errorf("statuses in the archive: %v, want some written and some replicated", statuses)
			}
			to, ok := bucketByARN(w, d.bucketARN(spec.Replica.Bucket))
			if !ok {
				t.Fatal("there is no replica")
			}
			encrypted := 0
			for _, o := range replicas {
				of := locked[o.Key]
				if o.Lock == nil || of == nil || o.Lock.Mode != of.Mode || o.Lock.Until.Before(of.Until) {
					t.Errorf("%s is locked %v, and in the archive %v", o.Key, o.Lock, of)
				}
				if o.Replication != ReplicationReplica {
					t.Errorf("%s has status %q", o.Key, o.Replication)
				}
				if o.Encryption.Algorithm == kmsAlgorithm {
					encrypted++
					if o.Encryption.KeyARN != to.encryption.KeyARN || o.Encryption.KeyARN == "" {
						t.Errorf("%s is encrypted with %s, want the replica's key", o.Key, o.Encryption.KeyARN)
					}
				} else if !strings.HasPrefix(o.Key, "access-logs/") && !strings.Contains(o.Key, "/CloudTrail-Digest/") {
					t.Errorf("%s has encryption %q", o.Key, o.Encryption.Algorithm)
				}
			}
			if encrypted == 0 {
				t.Error("nothing is encrypted with a key")
			}
			before := len(replicas)
			if err := d.Flush(context.Background()); err != nil || len(mustList(t, d, spec.Replica.Bucket)) != before {
				t.Errorf("a second flush replicates again: %v", err)
			}
		})
	}
}

// TestOneDestinationOfTwoFails: what can't be replicated to the replica is in the archive all the same, and a batch replication
// brings over what is missing, each object once in both.
func TestOneDestinationOfTwoFails(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w, spec := replicaStack(t, "global")
	d := newTestDelivery(t, w)
	for _, o := range w.List(bucketPolicyToken) {
		if o.Text("bucket") != spec.Replica.Bucket {
			continue
		}
		doc, err := policy.Parse([]byte(o.Text("policy")))
		if err != nil {
			t.Fatal(err)
		}
		doc.Statements = slices.DeleteFunc(doc.Statements, func(s policy.Statement) bool { return strings.HasPrefix(s.Sid, "ReplicateAs") })
		w.change(bucketPolicyToken, o.ID, set("policy", doc.JSON()))
	}
	sendAll(t, d, "run1", 3)
	var refused *Refusal
	if err := d.Flush(ctx); !errors.As(err, &refused) || refused.Code != "AccessDenied" || refused.Hop.Action != "s3:ReplicateObject" {
		t.Fatalf("got %v, want a refused s3:ReplicateObject", err)
	}
	if n := len(mustList(t, d, spec.Replica.Bucket)); n != 0 {
		t.Errorf("%d objects are in the replica, to which nobody may replicate", n)
	}
	archived := versionsOf(mustList(t, d, spec.ArchiveBucket.Bucket))
	for _, bucket := range []string{spec.ArchiveBucket.Bucket, spec.Landing.Bucket, spec.AccessLogs.Bucket} {
		for _, o := range mustList(t, d, bucket) {
			if o.Replication != ReplicationFailed && o.Replication != ReplicationReplica {
				t.Errorf("s3://%s/%s has status %s", bucket, o.Key, o.Replication)
			}
			if bucket != spec.ArchiveBucket.Bucket && archived[fmt.Sprint(o.Key, " ", o.VersionID, " ", o.SHA256)] != 1 {
				t.Errorf("s3://%s/%s isn't in the archive", bucket, o.Key)
			}
		}
	}
	mended, _ := replicaStack(t, "global")
	w.all = mended.all
	for _, bucket := range []string{spec.ArchiveBucket.Bucket, spec.Landing.Bucket, spec.AccessLogs.Bucket} {
		if n, err := d.store.Retry(bucket); n == 0 || err != nil {
			t.Fatalf("%d of %s to be replicated again, %v", n, bucket, err)
		}
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(archived, versionsOf(mustList(t, d, spec.ArchiveBucket.Bucket))); diff != "" {
		t.Errorf("the archive changed: %s", diff)
	}
	if diff := cmp.Diff(archived, versionsOf(mustList(t, d, spec.Replica.Bucket))); diff != "" {
		t.Errorf("the replica (+) isn't the archive (-):\n%s", diff)
	}
}

// Not even an administrator of the replica's account writes there, and the archive's replication can't replicate deletions.
func TestNobodyElseWritesToTheReplica(t *testing.T) {
	t.Parallel()
	w, spec := replicaStack(t, "global")
	d := newTestDelivery(t, w)
	for _, c := range []struct {
		role         partition.ARN
		action, deny string
	}{
		{spec.Replica.Role, "s3:PutObject", "OnlyReplicationWrites"},
		{spec.Replica.Role, "s3:ReplicateObject", "OnlyReplicationWrites"},
		{spec.ArchiveRole, "s3:PutObject", "OnlyReplicationWrites"},
		{spec.Archive.RoleARN(spec.ReplicaRole()), "s3:ReplicateDelete", "NobodyReplicatesDeletes"},
		{spec.Replica.Role, "s3:DeleteObjectVersion", "NobodyDeletes"},
	} {
		caller, context, err := roleCaller(c.role, "test")
		if err != nil {
			t.Fatal(err)
		}
		h := Hop{
			Step: "a test", Principal: caller, Action: c.action, Resource: d.bucketARN(spec.Replica.Bucket) + "/logs/object",
			Owner: spec.Replica.Place.Account, Place: spec.Replica.Place,
		}.with(append(context, "aws:SecureTransport", "true", "s3:TlsVersion", "1.2")...)
		refused := d.authorizer.Authorize(h)
		if refused == nil || !strings.Contains(refused.Error(), c.deny) {
			t.Errorf("%s may %s, or is refused for another reason than %s: %v", c.role, c.action, c.deny, refused)
		}
	}
}
