package sandbox

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/components"
)

// Random groups, calls that fail, and a process that is killed at any moment, between any two writes or in the middle of
// one: in the end each group that is to be archived has the subscriber's filter once, or its item is in the dead letter
// queue; filters of others are untouched, and what must not be subscribed isn't.
func TestSubscriberWhateverHappens(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 19))
			b := newSubscriber(t, func(args *components.LogGroupSubscriberArgs) { args.MaxReceives = 2 })
			begin := b.world.journal.size
			foreign, wanted := map[string][]string{}, map[string]bool{}
			for i := range 5 + r.IntN(40) {
				name := fmt.Sprintf("/%s/%02d", []string{"app", "app", "app/private", "other"}[r.IntN(4)], i)
				b.create(name, func(g *NewLogGroup) {
					g.Unseen = r.IntN(3) == 0
					if r.IntN(8) == 0 {
						g.Class = "INFREQUENT_ACCESS"
					}
					wanted[name] = g.Class == "" && strings.HasPrefix(name, "/app/") && !strings.HasPrefix(name, "/app/private")
				})
				for k := range max(r.IntN(5)-2, 0) {
					b.foreign(name, fmt.Sprint("theirs-", k))
					foreign[name] = append(foreign[name], fmt.Sprint("theirs-", k))
				}
				wanted[name] = wanted[name] && len(foreign[name]) < 2
			}
			made := b.world.journal.size
			disturb := func(b *background) {
				for _, what := range []Disturbance{DisturbAPIThrottle, DisturbFunctionError, DisturbFunctionThrottle, DisturbFunctionTimeout} {
					b.d.Disturb(what, r.IntN(4))
				}
			}
			disturb(b)
			_ = b.wait(2 * time.Hour)
			journal, err := os.ReadFile(filepath.Join(b.dir, journalName))
			if err != nil {
				t.Fatal(err)
			}
			if made <= begin || int64(len(journal)) <= made {
				t.Fatalf("nothing was written: %d, %d, %d", begin, made, len(journal))
			}
			for range 4 {
				// What a process leaves that was killed when so much was on disk.
				cut := made + r.Int64N(int64(len(journal))-made)
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, journalName), journal[:cut], 0o600); err != nil {
					t.Fatal(err)
				}
				next := openBackground(t, dir)
				disturb(next)
				_ = next.wait(26 * time.Hour)
				next.check(wanted, foreign)
				if t.Failed() {
					t.Fatalf("killed at byte %d of %d", cut, len(journal))
				}
			}
			_ = b.wait(24 * time.Hour)
			b.check(wanted, foreign)
		})
	}
}

// check compares the filters of all groups with what they should be.
func (b *background) check(wanted map[string]bool, foreign map[string][]string) {
	b.t.Helper()
	dead := map[string]bool{}
	for _, m := range b.world.List(queueMessage) {
		var item struct {
			Group string `json:"group"`
		}
		if err := json.Unmarshal([]byte(m.Text("body")), &item); err != nil {
			b.t.Fatal(err)
		}
		dead[item.Group] = true
	}
	for name, subscribed := range wanted {
		want := slices.Clone(foreign[name])
		if subscribed {
			want = append([]string{subscriberFilter}, want...)
		}
		if got := b.filters(name); !slices.Equal(got, want) && !(dead[name] && slices.Equal(got, foreign[name])) {
			b.t.Errorf("%s has the filters %v, want %v", name, got, want)
		}
	}
	if s := b.Status(); s.Events+s.Invocations != 0 {
		b.t.Errorf("%d events and %d invocations are left", s.Events, s.Invocations)
	}
	if own := b.filters("/aws/lambda/" + testSubscriber); len(own) != 0 {
		b.t.Errorf("the subscriber's own group has the filters %v", own)
	}
}

// Events go only where a rule demands them, and only from the place where they happened.
func TestRulesAreMatched(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(resource.PropertyMap)
		want   int
	}{
		{"as it is declared", func(resource.PropertyMap) {}, 1},
		{"disabled", func(m resource.PropertyMap) { m["state"] = resource.NewStringProperty("DISABLED") }, 0},
		{"another bus", func(m resource.PropertyMap) { m["eventBusName"] = resource.NewStringProperty("orders") }, 0},
		{"another call", func(m resource.PropertyMap) {
			m["eventPattern"] = resource.NewStringProperty(`{"source":["aws.logs"],"detail":{"eventName":["DeleteLogGroup"]}}`)
		}, 0},
		{"by the group's name", func(m resource.PropertyMap) {
			m["eventPattern"] = resource.NewStringProperty(`{"detail":{"requestParameters":{"logGroupName":[{"prefix":"/app/"}]}}}`)
		}, 1},
		{"calls that failed", func(m resource.PropertyMap) {
			m["eventPattern"] = resource.NewStringProperty(`{"source":["aws.logs"],"detail":{"errorCode":[{"exists":true}]}}`)
		}, 0},
	}
	for _, tc := range tests {
		b := newSubscriber(t, nil)
		b.change(ruleToken, func(o Object) bool { return o.Text("eventPattern") != "" }, tc.change)
		b.create("/app/new", nil)
		if err := b.run(); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if got := len(b.filters("/app/new")); got != tc.want {
			t.Errorf("%s: %d filters, want %d", tc.name, got, tc.want)
		}
	}
}
