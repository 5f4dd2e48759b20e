package sandbox

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/functions/replay"
	"github.com/logarchive/logarchive/partition"
)

// A stream has so many partitions open at a time, and no more: what is beyond them lies below the error prefix, says why,
// and is delivered when it is replayed.
func TestTransformTooManyPartitions(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTestWorld(t)
	withTransform(t, w, nil, map[string]any{"LOGARCHIVE_TRANSFORM_PARTITION_KEYS": "logGroup,year,month,day,hour"})
	dynamic(w, "logs/group=!{partitionKeyFromLambda:logGroup}/!{partitionKeyFromLambda:year}/!{partitionKeyFromLambda:month}/!{partitionKeyFromLambda:day}/!{partitionKeyFromLambda:hour}/!{timestamp:yyyy}/")
	d := newTestDelivery(t, w)
	most, err := partition.Everywhere(partition.FirehosePartitions)
	if err != nil {
		t.Fatal(err)
	}
	const hours = 260 // of two groups: 520 partitions
	sources := []Source{findSource(t, d, testGroup), findSource(t, d, "orders")}
	now := d.clock.Now()
	var sent []string
	for _, s := range sources {
		for i := range hours {
			line := fmt.Sprint(s.Name, " ", i)
			if _, err := d.SendAt(ctx, s, []string{line}, now.Add(-time.Duration(i)*time.Hour)); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, line)
		}
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	failed := failures(t, d)
	if want := 2*hours - int(most); len(messages(t, failed)) != want {
		t.Errorf("%d lines in the error prefix, want %d", len(messages(t, failed)), want)
	}
	for _, f := range failed {
		if f.ErrorCode != tooManyPartitions.code {
			t.Errorf("failed with %s: %s", f.ErrorCode, f.ErrorMessage)
		}
	}
	summary, err := replay.Run(ctx, replay.Options{Bucket: testBucket, Prefix: "errors/", Stream: testStream}, d.ReplayClients(sourcePlace), nil)
	if err != nil || !summary.Complete() {
		t.Errorf("replay: %+v, %v", summary, err)
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, s := range sources {
		lines, _, err := d.Find(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, lines...)
	}
	if diff := cmp.Diff(ordered(sent), ordered(found)); diff != "" {
		t.Errorf("sent and found:\n%.1000s", diff)
	}
}

// CloudWatch Logs takes events of the last two weeks and the next two hours.
func TestTimeOfEvents(t *testing.T) {
	t.Parallel()
	d := newTestDelivery(t, newTestWorld(t))
	s, now := findSource(t, d, testGroup), d.clock.Now()
	for _, test := range []struct {
		after time.Duration
		taken bool
	}{{0, true}, {-14*24*time.Hour + time.Minute, true}, {-14*24*time.Hour - time.Minute, false}, {2*time.Hour - time.Minute, true}, {2*time.Hour + time.Minute, false}} {
		_, err := d.SendAt(context.Background(), s, []string{"line"}, now.Add(test.after))
		if (err == nil) != test.taken {
			t.Errorf("%v: %v", test.after, err)
		}
	}
}
