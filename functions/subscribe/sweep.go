package subscribe

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Position is how far a sweep has come: the page that is next.
type Position struct {
	Prefix string `json:"prefix"`
	Token  string `json:"token"` // valid for 24 hours
	Legs   int    `json:"legs"`  // invocations so far
}

// Swept is the answer of a sweep.
type Swept struct {
	Groups    int  `json:"groups"`
	Queued    int  `json:"queued"`
	Continued bool `json:"continued"` // another invocation goes on
}

// maxLegs bounds how often a sweep is handed on. A leg of 15 minutes sends some 100,000 items; Lambda itself ends a
// circle of SQS and Lambda after about 16 rounds.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
const maxLegs = 12

// handOver is the time that is left when a sweep hands on its position: a page, its messages, and their attempts.
// The function needs a timeout of some minutes, or a leg is one page long.
const handOver = 30 * time.Second

// sweep sends an item for each group from the position on. Items whose messages the queue refuses don't stop the
// others; they are the error at the end, and so is everything else that kept a group from being queued.
func (h *Handler) sweep(ctx context.Context, from Position, c counts) (Swept, error) {
	prefixes := h.cfg.prefixes()
	// A position of a configuration that has changed since begins anew: items are idempotent.
	at := max(slices.Index(prefixes, from.Prefix), 0)
	if prefixes[at] != from.Prefix {
		from.Token = ""
	}
	s := sender{h: h, c: c}
	var out Swept
	token := from.Token
	for pages := 0; at < len(prefixes); pages++ {
		if pages > 0 && short(ctx, handOver) {
			if from.Legs+1 >= maxLegs {
				return out, fmt.Errorf("the sweep has not ended after %d invocations; it is at prefix %q", maxLegs, prefixes[at])
			}
			if err := s.add(ctx, Item{From: "sweep", Sweep: &Position{Prefix: prefixes[at], Token: token, Legs: from.Legs + 1}}); err != nil {
				return out, err
			}
			out.Continued = true
			c["Continued"]++
			break
		}
		var page []Group
		var next string
		err := h.again(ctx, func() (err error) {
			page, next, err = h.logs.Groups(ctx, prefixes[at], token)
			return err
		})
		if err != nil {
			// What has been read so far is still sent.
			if unsent := s.end(ctx); unsent != nil {
				h.log.Failed("queue", unsent, nil)
			}
			return out, fmt.Errorf("reading the log groups with prefix %q: %w", prefixes[at], err)
		}
		for _, g := range page {
			out.Groups++
			c["Swept"]++
			if why := h.refused(g); why != "" {
				c[string(why)]++
				continue
			}
			if err := s.add(ctx, Item{Group: g.Name, ARN: strings.TrimSuffix(g.ARN, ":*"), Class: g.Class, Retained: g.Retention != 0, From: "sweep"}); err != nil {
				return out, err
			}
		}
		if token = next; token == "" {
			at++
		}
	}
	err := s.end(ctx)
	out.Queued = c["Queued"]
	return out, err
}

// sender collects items and sends them ten at a time.
type sender struct {
	h      *Handler
	c      counts
	items  []Item
	unsent []string // what the queue refused, and why
}

// add sends when ten items are there. Its error means that the queue takes nothing at all.
func (s *sender) add(ctx context.Context, it Item) error {
	s.items = append(s.items, it)
	if len(s.items) < MaxMessages {
		return nil
	}
	return s.send(ctx)
}

// end sends the rest. Its error names what the queue has refused, whenever it was.
func (s *sender) end(ctx context.Context) error {
	if err := s.send(ctx); err != nil {
		return err
	}
	if n := len(s.unsent); n > 0 {
		return fmt.Errorf("the queue refused %d items: %s", n, strings.Join(s.unsent[:min(n, 10)], "; "))
	}
	return nil
}

func (s *sender) send(ctx context.Context) error {
	items := s.items
	s.items = nil
	if len(items) == 0 {
		return nil
	}
	refusals, err := s.h.deliver(ctx, s.h.cfg.QueueURL, items)
	if err != nil {
		s.c["Unsent"] += len(items)
		return fmt.Errorf("sending work items: %w", err)
	}
	for _, r := range refusals {
		what := items[r.Index].Group
		if items[r.Index].Sweep != nil {
			what = "the rest of the sweep"
		}
		s.unsent = append(s.unsent, fmt.Sprintf("%s (%s: %s)", what, r.Code, r.Message))
	}
	s.c["Unsent"] += len(refusals)
	for i, it := range items {
		refused := slices.ContainsFunc(refusals, func(r Refusal) bool { return r.Index == i })
		if !refused && it.Sweep == nil {
			s.c["Queued"]++
		}
	}
	return nil
}

// refusedError is what a queue that took only some messages says, so that the rest is sent again.
type refusedError struct{ Refusal }

func (e refusedError) Error() string { return e.Code + ": " + e.Message }

// deliver sends at most ten items, those that were refused again, and answers those that remain refused. An error is
// one of a whole call; then what earlier calls took has been sent.
func (h *Handler) deliver(ctx context.Context, url string, items []Item) ([]Refusal, error) {
	bodies := make([]string, len(items))
	left := make([]int, len(items))
	for i, it := range items {
		body, err := json.Marshal(it)
		if err != nil {
			return nil, err
		}
		bodies[i], left[i] = string(body), i
	}
	var final, last []Refusal
	err := h.again(ctx, func() error {
		send := make([]string, len(left))
		for k, i := range left {
			send[k] = bodies[i]
		}
		refused, err := h.queue.Send(ctx, url, send)
		if err != nil {
			last = nil
			return err
		}
		var retry []int
		last = nil
		for _, r := range refused {
			r.Index = left[r.Index]
			if r.Final {
				final = append(final, r)
				continue
			}
			last = append(last, r)
			retry = append(retry, r.Index)
		}
		if left = retry; len(left) > 0 {
			return refusedError{last[0]}
		}
		return nil
	})
	if err != nil && last == nil {
		return nil, err
	}
	return append(final, last...), nil
}
