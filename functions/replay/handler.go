package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/logarchive/logarchive/functions/subscribe/report"
)

// Namespace is where the metrics are.
const Namespace = "LogArchive/Replay"

// Handler is the function. It implements lambda.Handler of aws-lambda-go. It takes:
//
//   - {"bucket":…,"prefix":…,"dryRun":…}: everything under the prefix, or under all configured prefixes when it is left
//     out. The answer is a Result. When its summary says ended: false, call again.
//   - S3's events of created objects, in either of their two forms, alone or as messages of a queue. Of a queue's
//     messages those are answered as failed whose objects aren't done; alone, an object that isn't done is an error.
type Handler struct {
	cfg     Config
	clients Clients
	log     *report.Log
}

// New makes a handler. The configuration comes from FromEnviron.
func New(cfg Config, clients Clients, log io.Writer) *Handler {
	return &Handler{cfg: cfg, clients: clients, log: report.New(log)}
}

// Result is the answer to a direct invocation.
type Result struct {
	Summary  Summary  `json:"summary"`
	Complete bool     `json:"complete"`
	Reports  []Report `json:"reports"` // of objects that are not done, at most 100
}

// ErrEvent is the error for an event that can't be understood.
var ErrEvent = errors.New("neither a bucket and a prefix nor an event of a created object")

type request struct {
	Bucket string `json:"bucket"`
	Prefix string `json:"prefix"`
	DryRun bool   `json:"dryRun"`
}

// created is one of the objects that an event names.
type created struct{ bucket, key, version string }

// Invoke answers an event.
func (h *Handler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	out, err := h.invoke(ctx, event)
	if err != nil {
		h.log.Event(map[string]any{"level": "error", "code": "invocation", "message": err.Error()})
		return nil, err
	}
	return json.Marshal(out)
}

func (h *Handler) invoke(ctx context.Context, event []byte) (any, error) {
	var e struct {
		Records []struct {
			Source string `json:"eventSource"`
			ID     string `json:"messageId"`
			Body   string `json:"body"`
		} `json:"Records"`
		Detail json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	s := Summary{Objects: map[Outcome]int{}}
	defer func() { h.metrics(s) }()
	switch {
	case len(e.Records) > 0 && e.Records[0].Source == "aws:sqs":
		type failure struct {
			ID string `json:"itemIdentifier"`
		}
		out := struct {
			Failures []failure `json:"batchItemFailures"`
		}{[]failure{}}
		for _, m := range e.Records {
			if m.ID == "" {
				return nil, fmt.Errorf("%w: a message without messageId", ErrEvent)
			}
		}
		for _, m := range e.Records {
			if err := h.notified(ctx, []byte(m.Body), &s); err != nil {
				h.log.Event(map[string]any{"level": "error", "code": "message", "message": err.Error(), "messageId": m.ID})
				out.Failures = append(out.Failures, failure{m.ID})
			}
		}
		return out, nil
	case e.Records != nil, e.Detail != nil:
		return struct{}{}, h.notified(ctx, event, &s)
	default:
		return h.direct(ctx, event, &s)
	}
}

// direct runs what the event asks for.
func (h *Handler) direct(ctx context.Context, event []byte, s *Summary) (any, error) {
	var req request
	dec := json.NewDecoder(bytes.NewReader(event))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	routes := h.cfg.under(req.Prefix)
	if req.Bucket != h.cfg.Bucket || len(routes) == 0 {
		return nil, fmt.Errorf("bucket %q, prefix %q: not accepted; accepted: bucket %q, and a prefix in or of %s", req.Bucket, req.Prefix, h.cfg.Bucket, h.cfg.prefixes())
	}
	res := Result{Reports: []Report{}}
	s.Ended = true
	for _, route := range routes {
		o := h.cfg.options(route)
		o.DryRun = req.DryRun
		one, err := Run(ctx, o, h.clients, func(r Report) {
			h.tell(r)
			s.add(r)
			if r.Outcome != Done && r.Outcome != AlreadyDone && len(res.Reports) < 100 {
				res.Reports = append(res.Reports, r)
			}
		})
		if err != nil {
			return nil, err
		}
		s.Ended = s.Ended && one.Ended
	}
	res.Summary, res.Complete = *s, s.Complete()
	return res, nil
}

func (c *Config) prefixes() string {
	var out []string
	for _, r := range c.Routes {
		out = append(out, r.Prefix)
	}
	return strings.Join(out, ", ")
}

// notified brings back the objects of an event. Its error names those that aren't done.
func (h *Handler) notified(ctx context.Context, event []byte, s *Summary) error {
	objects, err := readObjects(event)
	if err != nil {
		return err
	}
	var problems []error
	for _, obj := range objects {
		if err := h.one(ctx, obj, s); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func (h *Handler) one(ctx context.Context, obj created, s *Summary) error {
	if strings.HasPrefix(obj.key, h.cfg.ReplayPrefix) {
		return nil // a marker: somebody has set the notification for the whole bucket
	}
	routes := h.cfg.under(obj.key)
	if obj.bucket != h.cfg.Bucket || len(routes) != 1 || !strings.HasPrefix(obj.key, routes[0].Prefix) {
		return fmt.Errorf("%s/%s: not accepted; accepted: objects of bucket %q under %s", obj.bucket, obj.key, h.cfg.Bucket, h.cfg.prefixes())
	}
	if short(ctx, 2*reserve) {
		return fmt.Errorf("%s: the invocation's time is used up", obj.key)
	}
	r, err := One(ctx, h.cfg.options(routes[0]), h.clients, obj.key, obj.version)
	if err != nil {
		return err
	}
	h.tell(r)
	s.add(r)
	if r.Outcome == Done || r.Outcome == AlreadyDone {
		return nil
	}
	return fmt.Errorf("%s: %s; %d records are missing on the stream; %s", obj.key, r.Outcome, r.Failed, r.Problem)
}

// readObjects reads both forms of S3's events.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
func readObjects(event []byte) ([]created, error) {
	var e struct {
		Test    string `json:"Event"`
		Records []struct {
			S3 struct {
				Bucket struct {
					Name string `json:"name"`
				} `json:"bucket"`
				Object struct {
					Key     string `json:"key"`
					Version string `json:"versionId"`
				} `json:"object"`
			} `json:"s3"`
		} `json:"Records"`
		Detail *struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key     string `json:"key"`
				Version string `json:"version-id"`
			} `json:"object"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	var out []created
	if d := e.Detail; d != nil {
		out = append(out, created{d.Bucket.Name, d.Object.Key, d.Object.Version})
	}
	for _, r := range e.Records {
		// In this form, and only in this one, the key is URL-encoded.
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil {
			return nil, fmt.Errorf("%w: key %q: %w", ErrEvent, r.S3.Object.Key, err)
		}
		out = append(out, created{r.S3.Bucket.Name, key, r.S3.Object.Version})
	}
	if e.Test == "s3:TestEvent" {
		return nil, nil
	}
	for _, o := range out {
		if o.key == "" {
			return nil, ErrEvent
		}
	}
	if out == nil {
		return nil, ErrEvent
	}
	return out, nil
}

// tell writes a line about an object that needs somebody.
func (h *Handler) tell(r Report) {
	level := "error"
	switch {
	case r.Outcome == Open, r.InDoubt > 0:
	case r.Outcome == Done:
		level = "info"
	default:
		return
	}
	h.log.Event(map[string]any{"level": level, "code": string(r.Outcome), "message": r.Problem, "object": r})
}

func (h *Handler) metrics(s Summary) {
	if !h.cfg.Metrics {
		return
	}
	h.log.Metrics(h.clients.now(), report.Metrics{Namespace: Namespace, Dimension: "Bucket", Value: h.cfg.Bucket, Counts: map[string]int{
		"Done": s.Objects[Done], "AlreadyDone": s.Objects[AlreadyDone], "Open": s.Objects[Open], "Busy": s.Objects[Busy], "Young": s.Objects[Young],
		"Records": s.Records, "Replayed": s.Replayed, "Failed": s.Failed, "InDoubt": s.InDoubt,
	}})
}
