package sandbox

import (
	"slices"
	"testing"
	"time"

	"github.com/logarchive/logarchive/components"
)

// The deployed subscriber sets the retention of new groups, whether an event or the sweep tells of them, and leaves the
// others as they are; a role without the permission shows, and the group is subscribed all the same.
func TestSubscriberSetsRetention(t *testing.T) {
	t.Parallel()
	b := newSubscriber(t, func(args *components.LogGroupSubscriberArgs) { args.RetentionDays = 30 })
	retention := func(group string) int {
		o, ok := b.world.Get(logGroupToken, sourcePlace, group)
		if !ok {
			t.Fatalf("no group %s", group)
		}
		return integer(o.State, "retentionInDays", 0)
	}
	b.create("/app/event", nil)
	b.create("/app/sweep", unseen)
	b.create("/app/kept", func(g *NewLogGroup) { g.RetentionDays = 7 })
	b.create("/app/private", nil)
	b.create("/other", nil)
	if err := b.wait(61 * time.Minute); err != nil {
		t.Fatal(err)
	}
	for group, want := range map[string]int{"/app/event": 30, "/app/sweep": 30, "/app/kept": 7, "/app/private": 0, "/other": 0} {
		if got := retention(group); got != want {
			t.Errorf("%s has the retention %d, want %d", group, got, want)
		}
	}
	b.withoutAction("logs:PutRetentionPolicy")
	b.create("/app/denied", nil)
	if codes := codesOf(b.run()); !slices.Equal(codes, []string{"AccessDenied logs:PutRetentionPolicy"}) {
		t.Errorf("refused %v", codes)
	}
	if got := b.filters("/app/denied"); !slices.Equal(got, []string{subscriberFilter}) || retention("/app/denied") != 0 {
		t.Errorf("filters %v, retention %d", got, retention("/app/denied"))
	}
}

// A group that is older than the retention keeps its events, and is subscribed.
func TestSubscriberLeavesOldGroups(t *testing.T) {
	t.Parallel()
	b := newSubscriber(t, func(args *components.LogGroupSubscriberArgs) {
		args.RetentionDays, args.Schedule = 1, "rate(3 days)"
	})
	b.create("/app/old", unseen)
	if err := b.wait(73 * time.Hour); err != nil {
		t.Fatal(err)
	}
	o, _ := b.world.Get(logGroupToken, sourcePlace, "/app/old")
	if got := b.filters("/app/old"); !slices.Equal(got, []string{subscriberFilter}) || integer(o.State, "retentionInDays", 0) != 0 {
		t.Errorf("filters %v, retention %d", got, integer(o.State, "retentionInDays", 0))
	}
}
