package sandbox

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/functions/replay"
)

// The function is broken on purpose, lines are sent, and are in the error prefix; it is repaired, they are replayed, and
// every line is in the archive once.
func TestReplay(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTestWorld(t)
	withTransform(t, w, nil, nil)
	d := newTestDelivery(t, w)
	group, database := findSource(t, d, testGroup), findSource(t, d, "orders")
	send := func(s Source, lines ...string) {
		t.Helper()
		if _, err := d.Send(ctx, s, lines); err != nil {
			t.Fatal(err)
		}
		if err := d.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	send(group, "before 1", "before 2")
	setEnviron(w, map[string]any{"LOGARCHIVE_TRANSFORM_PARTITION_KEYS": "no such key"})
	send(group, "broken 1", "broken 2")
	send(database, "broken 3")
	if got := messages(t, failures(t, d)); !cmp.Equal(ordered(got), []string{"broken 1", "broken 2", "broken 3"}) {
		t.Errorf("in the error prefix: %q", got)
	}
	if found, _, err := d.Find(ctx, group); !cmp.Equal(found, []string{"before 1", "before 2"}) || err != nil {
		t.Errorf("while it was broken: %q, %v", found, err)
	}
	setEnviron(w, nil)

	o := replay.Options{Bucket: testBucket, Prefix: "errors/", Stream: testStream}
	run := func(dry bool, clients replay.Clients) replay.Summary {
		t.Helper()
		o := o
		o.DryRun = dry
		s, err := replay.Run(ctx, o, clients, func(r replay.Report) { t.Logf("%+v", r) })
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := run(true, d.ReplayClients(sourcePlace)); s.Objects[replay.Dry] != 2 || s.Replayed != 3 {
		t.Errorf("dry run: %+v", s)
	}
	d.Disturb(DisturbPutRecordBatch, 2)
	if s := run(false, d.ReplayClients(sourcePlace)); !s.Complete() || s.Objects[replay.Done] != 2 || s.Replayed != 3 {
		t.Errorf("replay: %+v", s)
	}
	if s := run(false, d.ReplayClients(sourcePlace)); !s.Complete() || s.Objects[replay.AlreadyDone] != 2 || s.Replayed != 0 {
		t.Errorf("once more: %+v", s)
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	send(group, "after")
	if found, _, err := d.Find(ctx, group); !cmp.Equal(ordered(found), []string{"after", "before 1", "before 2", "broken 1", "broken 2"}) || err != nil {
		t.Errorf("in the end: %q, %v", found, err)
	}
	if found, _, err := d.Find(ctx, database); !cmp.Equal(found, []string{"broken 3"}) || err != nil {
		t.Errorf("in the end: %q, %v", found, err)
	}
}

// What package replay expects of a bucket.
func TestReplayStore(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := newTestDelivery(t, newTestWorld(t))
	s := d.ReplayClients(sourcePlace).Store
	if _, _, err := s.Read(ctx, testBucket, "m"); !errors.Is(err, replay.ErrNotFound) {
		t.Errorf("read of nothing: %v", err)
	}
	if _, err := s.Stat(ctx, testBucket, "m", ""); !errors.Is(err, replay.ErrNotFound) {
		t.Errorf("stat of nothing: %v", err)
	}
	if _, err := s.Write(ctx, testBucket, "m", []byte("one"), "an old tag"); !errors.Is(err, replay.ErrConflict) {
		t.Errorf("write over nothing: %v", err)
	}
	tag, err := s.Write(ctx, testBucket, "m", []byte("one"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(ctx, testBucket, "m", []byte("two"), ""); !errors.Is(err, replay.ErrConflict) {
		t.Errorf("write of what is there: %v", err)
	}
	first, err := s.Stat(ctx, testBucket, "m", "")
	if err != nil || first.Tag != tag || first.Size != 3 {
		t.Errorf("stat: %+v, %v", first, err)
	}
	if _, err := s.Write(ctx, testBucket, "m", []byte("two"), tag); err != nil {
		t.Fatal(err)
	}
	var seen []string
	err = s.List(ctx, testBucket, "", func(o replay.Object) error {
		file, err := s.Open(ctx, testBucket, o)
		if err != nil {
			return err
		}
		data := make([]byte, 10)
		n, err := file.Read(data)
		seen = append(seen, string(data[:n]))
		return errors.Join(err, file.Close())
	})
	if err != nil || !cmp.Equal(seen, []string{"two", "one"}) {
		t.Errorf("listed %q, %v", seen, err)
	}
	if err := s.List(ctx, "no-such-bucket", "", nil); err == nil {
		t.Error("a bucket that isn't there was listed")
	}
}
