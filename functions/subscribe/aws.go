package subscribe

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/logarchive/logarchive/functions/subscribe/report"
)

// Group is a log group.
type Group struct {
	Name, ARN string
	Class     string    // STANDARD, INFREQUENT_ACCESS or DELIVERY; "" where the region knows no classes
	Retention int       // days that its events are kept; 0 is for ever
	Created   time.Time // the zero time when it isn't known
}

// Filter is a subscription filter of a group.
type Filter struct {
	Name, Pattern, Destination, Role string
	Transformed                      bool   // it gets the log events after CloudWatch's own transformer; ours gets the raw ones
	Selection                        string // a further criterion of events; ours has none
}

// Logs is the part of CloudWatch Logs that is used here. Its errors have AWS's code as ErrorCode() string, as those of
// the AWS SDK do.
type Logs interface {
	// Groups answers a page of the groups whose names begin with prefix, ordered by name, and the token of the next one, ""
	// for none.
	Groups(ctx context.Context, prefix, token string) ([]Group, string, error)
	// Filters answers all subscription filters of a group.
	Filters(ctx context.Context, group string) ([]Filter, error)
	// Tags answers a group's tags.
	Tags(ctx context.Context, arn string) (map[string]string, error)
	// Put makes or replaces the filter of this name.
	Put(ctx context.Context, group string, f Filter) error
	// Retain has a group keep its events for so many days.
	Retain(ctx context.Context, group string, days int) error
}

// Queue is the part of SQS that is used here.
type Queue interface {
	// Send sends at most 10 messages in one call and answers those that the queue refused, by index.
	Send(ctx context.Context, url string, bodies []string) ([]Refusal, error)
}

// MaxMessages is how many messages SendMessageBatch takes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
const MaxMessages = 10

// Refusal is a message that a queue didn't take.
type Refusal struct {
	Index         int
	Code, Message string
	Final         bool // sending it again is no use (SenderFault)
}

// notFound is CloudWatch Logs' code for a group that doesn't exist.
const notFound = "ResourceNotFoundException"

var throttles = []string{"ThrottlingException", "Throttling", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException", "RequestThrottled"}

// curable tells whether the same call may succeed in a moment. A denied access or an invalid parameter may be mended by
// somebody, but not in a moment: that is what the queue is for.
func curable(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	c := report.Code(err)
	return c == "" || slices.Contains(throttles, c) || slices.Contains([]string{"OperationAbortedException",
		"ServiceUnavailableException", "ServiceUnavailable", "InternalFailure", "InternalError", "InternalServerException", "RequestTimeout"}, c)
}

// again makes a call until it succeeds, can't any more, or has been made often enough. Pauses are random, up to a length
// that doubles: workers that were throttled together mustn't come back together.
func (h *Handler) again(ctx context.Context, call func() error) error {
	longest := 200 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := call()
		if err == nil || !curable(err) || attempt >= max(h.cfg.Attempts, 1) {
			return err
		}
		d := time.Duration(h.random() * float64(longest))
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d+reserve {
			return err
		}
		if h.pause(ctx, d) != nil {
			return err
		}
		longest = min(2*longest, 5*time.Second)
	}
}

// reserve is what is kept of an invocation's time to end it in order.
const reserve = 5 * time.Second

// short tells whether the invocation's time is nearly used up.
func short(ctx context.Context, left time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && time.Until(deadline) < left
}

func realRandom() float64 { return rand.Float64() }
