package rdsexports

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/logarchive/logarchive/functions/pause"
	"github.com/logarchive/logarchive/functions/subscribe/report"
)

// Namespace is where the metrics are.
const Namespace = "LogArchive/RdsExports"

// Wanted is a database as the program wants it.
type Wanted struct {
	Identifier string   `json:"identifier"`
	Cluster    bool     `json:"cluster,omitempty"`
	Engine     string   `json:"engine"`
	LogTypes   []string `json:"logTypes"`
}

func (w *Wanted) kind() Kind {
	if w.Cluster {
		return Cluster
	}
	return Instance
}

// String is "DB instance shop".
func (w *Wanted) String() string { return "DB " + string(w.kind()) + " " + w.Identifier }

func (w *Wanted) check() error {
	if w.Identifier == "" || w.Engine == "" || len(w.LogTypes) == 0 || slices.Contains(w.LogTypes, "") {
		return fmt.Errorf("%w: a database needs identifier, engine and logTypes", ErrEvent)
	}
	return nil
}

// Handler is the function. It implements lambda.Handler of aws-lambda-go and is safe for concurrent use.
type Handler struct {
	// Now and Pause are replaced by tests.
	Now   func() time.Time
	Pause func(context.Context, time.Duration) error

	cfg Config
	rds RDS
	log *report.Log
}

// New makes a handler. The configuration comes from FromEnviron.
func New(cfg Config, rds RDS, log io.Writer) *Handler {
	return &Handler{Now: time.Now, Pause: pause.For, cfg: cfg, rds: rds, log: report.New(log)}
}

// ErrEvent is the error for an event that is neither of the two.
var ErrEvent = errors.New("neither a database with a lifecycle action nor a list to check")

// event is either of the two.
type event struct {
	Database *Wanted  `json:"database"`
	Check    []Wanted `json:"check"`
	// Revision has the function called again although nothing of the database has changed.
	Revision string `json:"revision"`
	// Lifecycle is what the provider adds to the input of an aws.lambda.Invocation.
	Lifecycle *struct {
		Action   string `json:"action"`
		Previous *struct {
			Database *Wanted `json:"database"`
		} `json:"prev_input"`
	} `json:"tf"`
}

// Invoke answers an event of either kind; see the package comment.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := h.handle(ctx, payload)
	if err != nil {
		h.log.Failed("invocation", err, nil)
		return nil, err
	}
	return json.Marshal(answer)
}

func (h *Handler) handle(ctx context.Context, payload []byte) (any, error) {
	var e event
	strict := json.NewDecoder(bytes.NewReader(payload))
	if err := strict.Decode(&e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	if e.Database == nil && len(e.Check) > 0 && e.Lifecycle == nil {
		for i := range e.Check {
			if err := e.Check[i].check(); err != nil {
				return nil, err
			}
		}
		return h.check(ctx, e.Check), nil
	}
	if e.Database == nil || e.Lifecycle == nil || e.Check != nil {
		return nil, ErrEvent
	}
	if err := e.Database.check(); err != nil {
		return nil, err
	}
	switch e.Lifecycle.Action {
	case "create", "update":
		if p := e.Lifecycle.Previous; p != nil && p.Database != nil && (p.Database.Identifier != e.Database.Identifier || p.Database.Cluster != e.Database.Cluster) {
			if _, err := h.remove(ctx, p.Database); err != nil {
				return nil, err
			}
		}
		return h.switchOn(ctx, e.Database)
	case "delete":
		return h.remove(ctx, e.Database)
	}
	return nil, fmt.Errorf("%w: the action is %q, want create, update or delete", ErrEvent, e.Lifecycle.Action)
}
