package subscribe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/logarchive/logarchive/functions/pause"
	"github.com/logarchive/logarchive/functions/subscribe/report"
)

// Namespace is where the metrics are.
const Namespace = "LogArchive/Subscribe"

// Item is a message of the queue: a group to subscribe, or the rest of a sweep.
type Item struct {
	Group string `json:"group,omitempty"`
	ARN   string `json:"arn,omitempty"`
	Class string `json:"class,omitempty"`
	// Retained says that a sweep has seen its retention: it needs none.
	Retained bool      `json:"retained,omitempty"`
	From     string    `json:"from,omitempty"` // sweep or event, for whoever finds it in the dead letter queue
	Sweep    *Position `json:"sweep,omitempty"`
	Why      string    `json:"why,omitempty"` // in the dead letter queue: why
}

// Handler is the function. It implements lambda.Handler of aws-lambda-go and is safe for concurrent use.
type Handler struct {
	// Now, Pause and Random are replaced by tests.
	Now    func() time.Time
	Pause  func(context.Context, time.Duration) error
	Random func() float64

	cfg   Config
	logs  Logs
	queue Queue
	log   *report.Log
	to    destination
}

// New makes a handler. The configuration comes from FromEnviron.
func New(cfg Config, logs Logs, queue Queue, log io.Writer) *Handler {
	d, _ := readDestination(cfg.Destination)
	return &Handler{Now: time.Now, Pause: pause.For, Random: realRandom, cfg: cfg, logs: logs, queue: queue, log: report.New(log), to: d}
}

func (h *Handler) pause(ctx context.Context, d time.Duration) error { return h.Pause(ctx, d) }
func (h *Handler) random() float64                                  { return h.Random() }

// ErrEvent is the error for an event that is none of the three.
var ErrEvent = errors.New("neither a schedule, a CreateLogGroup event nor messages of a queue")

// Invoke answers an event of any of the three kinds; see the package comment. For messages of a queue the answer names
// those that failed and there is no error; otherwise an error says what could not be done, and Lambda tries again.
func (h *Handler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var e struct {
		Records    []message       `json:"Records"`
		Sweep      bool            `json:"sweep"`
		DetailType string          `json:"detail-type"`
		Source     string          `json:"source"`
		Account    string          `json:"account"`
		Region     string          `json:"region"`
		Detail     json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		err = fmt.Errorf("%w: %w", ErrEvent, err)
		h.log.Failed("event", err, nil)
		return nil, err
	}
	c := counts{}
	defer func() { h.metrics(c) }()
	var answer any
	var err error
	switch {
	case e.Records != nil:
		answer, err = h.work(ctx, e.Records, c)
	case e.Sweep, e.DetailType == "Scheduled Event":
		answer, err = h.sweep(ctx, Position{}, c)
	case e.Source == "aws.logs":
		answer, err = h.created(ctx, e.Account, e.Region, e.Detail, c)
	default:
		err = ErrEvent
	}
	if err != nil {
		h.log.Failed("invocation", err, nil)
		return nil, err
	}
	return json.Marshal(answer)
}

// counts are the metrics of an invocation.
type counts map[string]int

// names are all metrics: those of the sweep and the event, then an outcome each.
var names = []string{"Swept", "Queued", "Unsent", "Continued", "Ignored", "Items", "Throttled", retentionSet, retentionOlder,
	string(Subscribed), string(Updated), string(Unchanged), string(SubscribedOtherwise), string(Gone), string(LimitReached),
	string(Own), string(Excluded), string(OtherClass), string(OtherTags), string(Resumed), string(Failed)}

func (h *Handler) metrics(c counts) {
	if !h.cfg.Metrics {
		return
	}
	for _, n := range names {
		c[n] += 0
	}
	h.log.Metrics(h.Now(), report.Metrics{Namespace: Namespace, Dimension: "Destination", Value: h.to.name, Counts: c})
}

// created makes a work item of a CloudTrail event. EventBridge delivers it at least once, and rarely late or never: the
// sweep makes up for that.
func (h *Handler) created(ctx context.Context, account, region string, detail json.RawMessage, c counts) (any, error) {
	var d struct {
		EventName  string `json:"eventName"`
		ErrorCode  string `json:"errorCode"`
		Parameters struct {
			Group string `json:"logGroupName"`
			Class string `json:"logGroupClass"`
		} `json:"requestParameters"`
	}
	if err := json.Unmarshal(detail, &d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	type answer struct {
		Queued int    `json:"queued"`
		Why    string `json:"why,omitempty"`
	}
	group := d.Parameters.Group
	why := ""
	switch {
	case d.EventName != "CreateLogGroup":
		why = "not CreateLogGroup"
	case d.ErrorCode != "":
		why = "the group was not created: " + d.ErrorCode
	case region != h.to.region:
		why = "a group of another region than the destination's"
	case h.to.service == "firehose" && account != h.to.account:
		why = "a group of another account than the stream's"
	case !isGroup(group):
		return nil, fmt.Errorf("%w: no valid logGroupName in requestParameters", ErrEvent)
	}
	if why != "" {
		c["Ignored"]++
		return answer{0, why}, nil
	}
	g := Group{Name: group, Class: d.Parameters.Class, ARN: "arn:" + h.to.partition + ":logs:" + region + ":" + account + ":log-group:" + group}
	if out := h.refused(g); out != "" {
		c[string(out)]++
		return answer{0, string(out)}, nil
	}
	s := sender{h: h, c: c}
	if err := s.add(ctx, Item{Group: g.Name, ARN: g.ARN, Class: g.Class, From: "event"}); err != nil {
		return nil, err
	}
	if err := s.end(ctx); err != nil {
		return nil, err
	}
	return answer{Queued: 1}, nil
}
