package automation

import (
	"regexp"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
)

// Kind says what an [Event] is about.
type Kind string

// The kinds of events.
const (
	Started    Kind = "started"    // the engine began an operation on a resource
	Done       Kind = "done"       // it succeeded; in a preview: it would be done
	Failed     Kind = "failed"     // it failed; a diagnostic says why
	Diagnostic Kind = "diagnostic" // a message of the engine, the program or a provider
	Finished   Kind = "finished"   // the operation's counts; the last event of the engine
	Recovered  Kind = "recovered"  // something that an interrupted operation had left was put in order
)

// Op is what the engine does to a resource, in the engine's words.
type Op string

// The operations that change something; the engine has more ("refresh", "read", "discard", ...).
const (
	Same    Op = "same"
	Create  Op = "create"
	Update  Op = "update"
	Delete  Op = "delete"
	Replace Op = "replace" // the whole replacement; its steps are create-replacement and delete-replaced
	Import  Op = "import"
	Refresh Op = "refresh"
	Read    Op = "read"
)

// Severity of a diagnostic.
type Severity string

// The severities.
const (
	Info    Severity = "info"
	Warning Severity = "warning"
	Error   Severity = "error"
)

// An Event is one thing that happened during an operation. Its JSON form is what a machine reads of logarchive and what
// the portal stores.
type Event struct {
	Kind     Kind      `json:"kind"`
	Time     time.Time `json:"time"`
	Op       Op        `json:"op,omitempty"`
	URN      string    `json:"urn,omitempty"`
	Type     string    `json:"type,omitempty"` // of the resource, such as aws:s3/bucketV2:BucketV2
	Name     string    `json:"name,omitempty"` // of the resource, the last part of its URN
	Custom   bool      `json:"custom,omitempty"`
	Changed  []string  `json:"changed,omitempty"`  // the properties that change, sorted by the engine
	Replaces []string  `json:"replaces,omitempty"` // those of them that force the replacement
	Severity Severity  `json:"severity,omitempty"`
	Message  string    `json:"message,omitempty"`
	Counts   *Summary  `json:"counts,omitempty"`
	Protect  bool      `json:"protect,omitempty"`
	Retain   bool      `json:"retain,omitempty"`
}

// A Summary counts the resources of an operation by what was done to them.
type Summary struct {
	Create  int `json:"create"`
	Update  int `json:"update"`
	Replace int `json:"replace"`
	Delete  int `json:"delete"`
	Same    int `json:"same"`
	Other   int `json:"other,omitempty"` // imported, read, discarded
}

// Changes is the number of resources that were changed.
func (s Summary) Changes() int { return s.Create + s.Update + s.Replace + s.Delete + s.Other }

// Total is the number of resources.
func (s Summary) Total() int { return s.Changes() + s.Same }

// summarize sorts the engine's counts. A replacement is counted once.
func summarize(counts map[apitype.OpType]int) Summary {
	var s Summary
	for op, n := range counts {
		switch op {
		case apitype.OpCreate:
			s.Create += n
		case apitype.OpUpdate:
			s.Update += n
		case apitype.OpReplace:
			s.Replace += n
		case apitype.OpDelete:
			s.Delete += n
		case apitype.OpSame, apitype.OpRefresh: // a refresh that changed nothing
			s.Same += n
		case apitype.OpCreateReplacement, apitype.OpDeleteReplaced: // steps of a replacement
		default:
			s.Other += n
		}
	}
	return s
}

// fromEngine makes our event of an engine's; false for those that say nothing to a reader.
func fromEngine(e apitype.EngineEvent) (Event, bool) {
	at := time.Unix(int64(e.Timestamp), 0).UTC()
	switch {
	case e.ResourcePreEvent != nil:
		return step(Started, at, e.ResourcePreEvent.Metadata), true
	case e.ResOutputsEvent != nil:
		return step(Done, at, e.ResOutputsEvent.Metadata), true
	case e.ResOpFailedEvent != nil:
		return step(Failed, at, e.ResOpFailedEvent.Metadata), true
	case e.DiagnosticEvent != nil:
		d := e.DiagnosticEvent
		message := plain(d.Prefix + d.Message)
		if message == "" || d.Ephemeral {
			return Event{}, false
		}
		event := Event{Kind: Diagnostic, Time: at, URN: d.URN, Message: message, Severity: Info}
		event.Type, event.Name = typeAndName(d.URN)
		switch d.Severity {
		case "warning":
			event.Severity = Warning
		case "error":
			event.Severity = Error
		case "debug":
			return Event{}, false
		}
		return event, true
	case e.ErrorEvent != nil:
		return Event{Kind: Diagnostic, Time: at, Severity: Error, Message: plain(e.ErrorEvent.Error)}, true
	case e.SummaryEvent != nil:
		counts := summarize(e.SummaryEvent.ResourceChanges)
		return Event{Kind: Finished, Time: at, Counts: &counts}, true
	}
	return Event{}, false
}

func step(kind Kind, at time.Time, m apitype.StepEventMetadata) Event {
	event := Event{Kind: kind, Time: at, Op: Op(m.Op), URN: m.URN, Type: m.Type, Changed: m.Diffs, Replaces: m.Keys}
	_, event.Name = typeAndName(m.URN)
	state := m.New
	if state == nil { // a deletion
		state = m.Old
	}
	if state != nil {
		event.Custom, event.Protect, event.Retain = state.Custom, state.Protect, state.RetainOnDelete
	}
	return event
}

// typeAndName takes a URN apart; empty strings when it isn't one.
func typeAndName(s string) (string, string) {
	u, err := urn.Parse(s)
	if err != nil {
		return "", ""
	}
	return string(u.Type()), u.Name()
}

// colorMarkup is how the engine marks colours in messages: <{%fg 1%}>.
var colorMarkup = regexp.MustCompile(`<\{%[^%]*%\}>`)

// plain is a message without colours and without white space around it.
func plain(message string) string {
	return strings.TrimSpace(colorMarkup.ReplaceAllString(message, ""))
}
