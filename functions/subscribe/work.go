package subscribe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/logarchive/logarchive/functions/subscribe/report"
)

// Outcome is what became of an item; each is a metric.
type Outcome string

// The outcomes.
const (
	Subscribed          Outcome = "Subscribed"          // our filter is new
	Updated             Outcome = "Updated"             // our filter was there with another destination, role or pattern
	Unchanged           Outcome = "Unchanged"           // our filter was there as it should be
	SubscribedOtherwise Outcome = "SubscribedOtherwise" // a filter with another name leads to our destination
	Gone                Outcome = "Gone"                // the group doesn't exist any more
	LimitReached        Outcome = "LimitReached"        // two filters of others
	Own                 Outcome = "Own"                 // the pipeline's own group
	Excluded            Outcome = "Excluded"            // by the configuration
	OtherClass          Outcome = "OtherClass"          // not of the class STANDARD
	OtherTags           Outcome = "OtherTags"           // without the tags
	Resumed             Outcome = "Resumed"             // the item was the rest of a sweep, which has gone on
	Failed              Outcome = "Failed"              // the queue delivers the item again
)

// MaxFilters is how many subscription filters a group may have; the quota can't be raised.
const MaxFilters = 2

type message struct {
	ID   string `json:"messageId"`
	Body string `json:"body"`
}

// answer is the partial batch response: the messages that stay in the queue.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
type answer struct {
	Failures []failure `json:"batchItemFailures"`
}

type failure struct {
	ID string `json:"itemIdentifier"`
}

// work does each message. Its only error is a message without an id, which nobody could name as failed.
func (h *Handler) work(ctx context.Context, messages []message, c counts) (any, error) {
	out := answer{Failures: []failure{}}
	for _, m := range messages {
		if m.ID == "" {
			return nil, fmt.Errorf("%w: a message without messageId", ErrEvent)
		}
	}
	for _, m := range messages {
		c["Items"]++
		outcome, it, err := h.item(ctx, m, c)
		c[string(outcome)]++
		if err == nil {
			continue
		}
		if slices.Contains(throttles, report.Code(err)) {
			c["Throttled"]++
		}
		h.log.Failed(string(outcome), err, map[string]any{"logGroup": it.Group, "messageId": m.ID})
		if outcome == Failed {
			out.Failures = append(out.Failures, failure{m.ID})
		}
	}
	return out, nil
}

// item does one message. An error with an outcome other than Failed is told, and the message is done.
func (h *Handler) item(ctx context.Context, m message, c counts) (Outcome, Item, error) {
	var it Item
	dec := json.NewDecoder(bytes.NewReader([]byte(m.Body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&it); err != nil {
		return Failed, it, fmt.Errorf("the message is not a work item: %w", err)
	}
	if short(ctx, reserve) {
		return Failed, it, errors.New("the invocation's time is used up")
	}
	if it.Sweep != nil {
		_, err := h.sweep(ctx, *it.Sweep, c)
		if err != nil {
			return Failed, it, err
		}
		return Resumed, it, nil
	}
	if !isGroup(it.Group) {
		return Failed, it, fmt.Errorf("the message names no valid log group: %q", it.Group)
	}
	outcome, err := h.subscribe(ctx, it)
	if err == nil && slices.Contains([]Outcome{Subscribed, Updated, Unchanged}, outcome) {
		if err := h.retain(ctx, it, c); err != nil {
			return Failed, it, err
		}
	}
	if outcome == LimitReached && h.cfg.DeadLetterURL != "" {
		it.Why = err.Error()
		refused, sendErr := h.deliver(ctx, h.cfg.DeadLetterURL, []Item{it})
		if sendErr == nil && len(refused) > 0 {
			sendErr = refusedError{refused[0]}
		}
		if sendErr != nil {
			return Failed, it, fmt.Errorf("%w; the dead letter queue can't be reached: %w", err, sendErr)
		}
	}
	return outcome, it, err
}

// refused tells why a group is never subscribed, "" when it may be.
func (h *Handler) refused(g Group) Outcome {
	switch {
	case h.cfg.own(g.Name):
		return Own
	case h.cfg.excluded(g.Name):
		return Excluded
	case g.Class != "" && g.Class != "STANDARD":
		return OtherClass
	}
	return ""
}

// subscribe brings one group to where it should be.
func (h *Handler) subscribe(ctx context.Context, it Item) (Outcome, error) {
	if why := h.refused(Group{Name: it.Group, Class: it.Class}); why != "" {
		return why, nil
	}
	if len(h.cfg.Tags) > 0 {
		if ok, err := h.tagged(ctx, it); err != nil {
			return gone(err)
		} else if !ok {
			return OtherTags, nil
		}
	}
	filters, err := h.filters(ctx, it.Group)
	if err != nil {
		return gone(err)
	}
	want := Filter{Name: h.cfg.FilterName, Pattern: h.cfg.Pattern, Destination: h.cfg.Destination, Role: h.cfg.Role}
	outcome := Subscribed
	switch at := slices.IndexFunc(filters, func(f Filter) bool { return f.Name == want.Name }); {
	case at >= 0 && filters[at] == want:
		return Unchanged, nil
	case at >= 0:
		outcome = Updated
	case slices.ContainsFunc(filters, func(f Filter) bool { return f.Destination == want.Destination }):
		return SubscribedOtherwise, nil
	case len(filters) >= MaxFilters:
		return LimitReached, fmt.Errorf("the group has %d subscription filters of others, %q and %q, and may have no more", len(filters), filters[0].Name, filters[1].Name)
	}
	err = h.again(ctx, func() error { return h.logs.Put(ctx, it.Group, want) })
	if report.Code(err) == notFound {
		// Either the group has gone since, or the destination or the role isn't there. Only the first is the end of it.
		if _, again := h.filters(ctx, it.Group); report.Code(again) == notFound {
			return Gone, nil
		}
	}
	if err != nil {
		return Failed, fmt.Errorf("putting the subscription filter: %w", err)
	}
	return outcome, nil
}

// gone sorts an error of reading a group: that it isn't there any more is no failure.
func gone(err error) (Outcome, error) {
	if report.Code(err) == notFound {
		return Gone, nil
	}
	return Failed, fmt.Errorf("reading the group: %w", err)
}

func (h *Handler) filters(ctx context.Context, group string) (filters []Filter, err error) {
	err = h.again(ctx, func() (err error) {
		filters, err = h.logs.Filters(ctx, group)
		return err
	})
	return filters, err
}

func (h *Handler) tagged(ctx context.Context, it Item) (bool, error) {
	if it.ARN == "" {
		return false, errors.New("the message has no ARN, and the tags of a group are found by its ARN")
	}
	var tags map[string]string
	err := h.again(ctx, func() (err error) {
		tags, err = h.logs.Tags(ctx, it.ARN)
		return err
	})
	for key, want := range h.cfg.Tags {
		if got, ok := tags[key]; !ok || want != "*" && got != want {
			return false, err
		}
	}
	return true, err
}
