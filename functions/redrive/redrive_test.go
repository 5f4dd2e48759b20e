package redrive_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/functions/redrive"
)

// queues is SQS with two queues. fail is asked before each call.
type queues struct {
	dead, main []redrive.Message
	hidden     map[string]bool
	fail       func(call string, m redrive.Message) error
	back       bool // what is sent fails at once, and comes back
}

func (q *queues) DeadLetters(context.Context, string) (string, error) { return "dead", nil }
func (q *queues) Waiting(context.Context, string) (int, error)        { return len(q.dead), nil }
func (q *queues) may(call string, m redrive.Message) error {
	if q.fail == nil {
		return nil
	}
	return q.fail(call, m)
}

func (q *queues) Receive(_ context.Context, _ string, most int) ([]redrive.Message, error) {
	var out []redrive.Message
	for _, m := range q.dead {
		if !q.hidden[m.ID] && len(out) < most {
			q.hidden[m.ID] = true
			out = append(out, m)
		}
	}
	return out, nil
}

func (q *queues) Send(_ context.Context, _ string, m redrive.Message) error {
	if err := q.may("send", m); err != nil {
		return err
	}
	q.main = append(q.main, m)
	if q.back {
		m.ID += "'"
		q.dead = append(q.dead, m)
	}
	return nil
}

func (q *queues) Delete(_ context.Context, _ string, m redrive.Message) error {
	if err := q.may("delete", m); err != nil {
		return err
	}
	q.dead = slices.DeleteFunc(q.dead, func(o redrive.Message) bool { return o.ID == m.ID })
	return nil
}

func some(n int) *queues {
	q := &queues{hidden: map[string]bool{}}
	for i := range n {
		q.dead = append(q.dead, redrive.Message{ID: fmt.Sprint(i), Body: fmt.Sprint("body ", i)})
	}
	return q
}

func TestRun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		n           int
		o           redrive.Options
		back        bool
		moved, left int
	}{
		{"none", 0, redrive.Options{}, false, 0, 0},
		{"all", 25, redrive.Options{}, false, 25, 0},
		{"some", 25, redrive.Options{Most: 12}, false, 12, 13},
		{"more than there are", 5, redrive.Options{Most: 100}, false, 5, 0},
		{"look only", 25, redrive.Options{DryRun: true}, false, 0, 25},
		{"they fail again at once", 25, redrive.Options{}, true, 25, 25},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			q := some(c.n)
			q.back = c.back
			s, err := redrive.Run(t.Context(), q, c.o)
			if err != nil || s.Moved != c.moved || s.Waiting != c.n || len(q.main) != c.moved || len(q.dead) != c.left {
				t.Errorf("%+v, %v; %d in the queue, %d left", s, err, len(q.main), len(q.dead))
			}
		})
	}
}

// Whatever fails, each message is in one of the two queues, and a second run that isn't disturbed moves the rest.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		n := random.IntN(40)
		q := some(n)
		q.fail = func(call string, m redrive.Message) error {
			if random.IntN(4) == 0 {
				return errors.New(call + " refused")
			}
			return nil
		}
		s, err := redrive.Run(t.Context(), q, redrive.Options{})
		if (s.Failed > 0) != (err != nil) || s.Moved+s.Failed != n {
			t.Fatalf("%+v, %v of %d", s, err, n)
		}
		q.fail, q.hidden = nil, map[string]bool{} // the visibility timeout has passed
		if _, err := redrive.Run(t.Context(), q, redrive.Options{}); err != nil || len(q.dead) != 0 {
			t.Fatalf("%v; %d left", err, len(q.dead))
		}
		seen := map[string]bool{}
		for _, m := range q.main {
			seen[m.ID] = true
		}
		if len(seen) != n {
			t.Fatalf("%d of %d messages arrived", len(seen), n)
		}
	}
}

func TestErrorNamesMessages(t *testing.T) {
	t.Parallel()
	q := some(3)
	q.fail = func(call string, m redrive.Message) error {
		if call == "delete" && m.ID == "1" {
			return errors.New("AccessDenied")
		}
		return nil
	}
	_, err := redrive.Run(t.Context(), q, redrive.Options{})
	if err == nil || !strings.Contains(err.Error(), "message 1: it is in both queues now: AccessDenied") {
		t.Errorf("got %v", err)
	}
}
