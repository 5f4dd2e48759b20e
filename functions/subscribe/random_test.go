package subscribe

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// A world of random groups, with calls that fail at random: whatever happens, at the end each group that is to be
// subscribed has our filter exactly once and goes to our destination once, or its item is in the dead letter queue; and
// nobody else's filter has been touched.
func TestEachGroupIsSubscribedOnceOrVisiblyFailed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 4))
			groups := map[string]*fakeGroup{}
			foreigns := map[string][]Filter{}
			retentions := map[string]int{}
			denied, vanishing := map[string]bool{}, map[string]bool{}
			for i := range r.IntN(300) {
				name := fmt.Sprintf("/%s/%d", []string{"app", "db", "aws/lambda", "aws/lambda/archive-"}[r.IntN(4)], i)
				g := &fakeGroup{class: []string{"STANDARD", "STANDARD", "", "INFREQUENT_ACCESS"}[r.IntN(4)]}
				g.retention, g.age = []int{0, 0, 7, 365}[r.IntN(4)], r.IntN(60)
				retentions[name] = g.retention
				for k := range r.IntN(3) {
					g.filters = append(g.filters, foreign(k))
				}
				foreigns[name] = slices.Clone(g.filters)
				if len(g.filters) < 2 && r.IntN(3) == 0 {
					f := ours()
					f.Pattern = []string{"", "ERROR"}[r.IntN(2)]
					g.filters = append(g.filters, f)
				}
				denied[name] = r.IntN(20) == 0
				vanishing[name] = r.IntN(20) == 0
				groups[name] = g
			}
			logs := newLogs(groups)
			logs.pageSize = 1 + r.IntN(50)
			rate := r.Float64() * 0.4
			logs.fail = func(call, group string) error {
				switch {
				case call == "Put" && denied[group]:
					return awsError("AccessDeniedException")
				case call != "Groups" && vanishing[group] && r.IntN(2) == 0:
					delete(groups, group)
				case r.Float64() < rate:
					return awsError([]string{"ThrottlingException", "OperationAbortedException", "ServiceUnavailableException"}[r.IntN(3)])
				}
				return nil
			}
			queue := &fakeQueue{t: t}
			queue.fail = func() error {
				if r.Float64() < rate/2 {
					return awsError("RequestThrottled")
				}
				return nil
			}
			queue.refuse = func(string) *Refusal {
				if r.Float64() < rate/2 {
					return &Refusal{Code: "InternalError"}
				}
				return nil
			}
			cfg := config()
			cfg.Attempts, cfg.RetentionDays = 3, 30
			cfg.Exclude = []string{"/db/1*"}
			h := handler(cfg, logs, queue, nil)
			swept := false
			for range 50 { // a schedule repeats what has failed
				_, err := h.Invoke(t.Context(), []byte(`{"sweep":true}`))
				if swept = err == nil; swept {
					break
				}
			}
			queue.drain(h, r)
			dead := map[string]bool{}
			for _, m := range queue.dead {
				var it Item
				if err := json.Unmarshal([]byte(m.body), &it); err != nil {
					t.Fatal(err)
				}
				dead[it.Group] = true
			}
			if !swept {
				return // visibly failed, as a whole
			}
			for name, g := range groups {
				toUs := 0
				var others []Filter
				for _, f := range g.filters {
					if f == ours() {
						toUs++
					}
					if f.Name != "logarchive" {
						others = append(others, f)
					}
				}
				if !slices.Equal(others, foreigns[name]) {
					t.Fatalf("%s: filters of others were %v, are %v", name, foreigns[name], others)
				}
				keep := retentions[name]
				subscribed := slices.Contains(g.filters, ours()) && h.refused(Group{Name: name, Class: g.class}) == ""
				if keep == 0 && subscribed && g.age <= 30 && !dead[name] {
					keep = 30
				}
				if g.retention != keep && !dead[name] || g.retention != retentions[name] && !subscribed {
					t.Fatalf("%s, created %d days ago, subscribed %v: retention %d became %d, want %d", name, g.age, subscribed, retentions[name], g.retention, keep)
				}
				mine := slices.ContainsFunc(g.filters, func(f Filter) bool { return f.Name == "logarchive" })
				switch {
				case h.refused(Group{Name: name, Class: g.class}) != "":
					if logs.puts[name] > 0 {
						t.Fatalf("%s must not be subscribed", name)
					}
				case dead[name]:
				case len(foreigns[name]) == 2:
					if mine {
						t.Fatalf("%s: a third filter", name)
					}
				case denied[name]:
					if toUs != 1 {
						t.Fatalf("%s was denied, and nobody hears of it", name)
					}
				case toUs != 1:
					t.Fatalf("%s: %d filters of ours: %v", name, toUs, g.filters)
				}
				if logs.puts[name] > 1 {
					t.Fatalf("%s: changed %d times", name, logs.puts[name])
				}
			}
		})
	}
}

// The same items in several workers at once end as one would.
func TestWorkersAtOnce(t *testing.T) {
	t.Parallel()
	groups := manyGroups(50)
	logs := newLogs(groups)
	h := handler(config(), logs, &fakeQueue{t: t}, nil)
	var batch []queued
	for name := range groups {
		batch = append(batch, item(name))
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if failed := invokeQueue(t, h, batch); len(failed) != 0 {
				t.Errorf("failed %v", failed)
			}
		})
	}
	all.Wait()
	for name, g := range groups {
		if !slices.Equal(g.filters, []Filter{ours()}) {
			t.Errorf("%s: %v", name, g.filters)
		}
	}
}

func FuzzInvoke(f *testing.F) {
	for _, seed := range []string{`{"sweep":true}`, `{"Records":[{"messageId":"1","body":"{\"group\":\"/app/web\"}"}]}`,
		`{"Records":[{"messageId":"1","body":"{\"sweep\":{\"prefix\":\"\",\"token\":\"x\",\"legs\":3}}"}]}`,
		`{"source":"aws.logs","account":"111122223333","region":"cn-north-1","detail":{"eventName":"CreateLogGroup","requestParameters":{"logGroupName":"/app/new"}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		logs := newLogs(map[string]*fakeGroup{"/app/web": {}, "/aws/lambda/archive-x": {}})
		out, err := handler(config(), logs, &fakeQueue{t: t}, nil).Invoke(t.Context(), event)
		if (err == nil) != json.Valid(out) {
			t.Errorf("%s, %v", out, err)
		}
		if logs.puts["/aws/lambda/archive-x"] != 0 {
			t.Error("the pipeline's own group was subscribed")
		}
	})
}
