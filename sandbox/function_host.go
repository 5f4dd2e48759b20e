package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/logarchive/logarchive/functions/putback"
	"github.com/logarchive/logarchive/functions/putback/standin"
	"github.com/logarchive/logarchive/functions/transform"
	"github.com/logarchive/logarchive/partition"
)

// host is a function's execution environment: it is kept from invocation to invocation, as Lambda's are. One invocation
// at a time uses it.
type host struct {
	d         *Delivery
	signature string
	code      invoker
	broken    error // why its initialization failed
	call      *invocation
}

// invocation is one invocation of a function. Its time is that of the sandbox's clock: it passes when the function waits.
type invocation struct {
	function *function
	stream   *stream // whose records it gets; nil when it is no stream's
	started  time.Time
	elapsed  time.Duration
	limit    time.Duration
	// returned are the records that it has put back, and the stream has taken.
	returned [][]byte
	log      bytes.Buffer
	// refused are hops that the function was refused. They don't end it.
	refused error
}

func (c *invocation) now() time.Time { return c.started.Add(c.elapsed) }

// wait lets time pass for the function.
func (c *invocation) wait(_ context.Context, d time.Duration) error {
	if c.elapsed += d; c.elapsed >= c.limit {
		return errTimedOut
	}
	return nil
}

// hostOf returns the environment of a function as it is declared now.
func (d *Delivery) hostOf(f *function) *host {
	h := d.hosts[f.arn]
	if h == nil || h.signature != f.signature() {
		h = &host{d: d, signature: f.signature()}
		h.code, h.broken = handlers[f.handler](f, h)
		d.hosts[f.arn] = h
	}
	return h
}

// newTransform is functions/transform with its command's settings. What the command takes from AWS, it gets from the
// sandbox: the stream that it puts records back to, the log, the time.
func newTransform(f *function, h *host) (invoker, error) {
	config, err := transform.FromEnviron(f.environ)
	if err != nil {
		return nil, err
	}
	const wait, longest, margin = 100 * time.Millisecond, 5 * time.Second, 5 * time.Second
	t := transform.New(config, transform.Options{
		Stream: &putback.Putter{
			API: standin.Stream(h.putBack), Attempts: config.PutAttempts, Base: wait, Longest: longest,
			Pause: func(ctx context.Context, d time.Duration) error {
				if h.call.elapsed+d+margin >= h.call.limit {
					return context.DeadlineExceeded
				}
				return h.call.wait(ctx, d)
			},
			Random: func() float64 { return 0.5 },
		},
		Log: logWriter{h}, OwnGroup: f.logGroup,
	})
	t.Now = func() time.Time { return h.call.now() }
	return t, nil
}

// logWriter is the standard output of a function.
type logWriter struct{ host *host }

func (w logWriter) Write(line []byte) (int, error) { return w.host.call.log.Write(line) }

// putBack takes the records of a PutRecordBatch call of the function.
func (h *host) putBack(_ context.Context, name string, records [][]byte) ([]error, error) {
	c := h.call
	if c.stream == nil || name != c.stream.name {
		return nil, standin.Refuse("ResourceNotFoundException", fmt.Sprintf("in the sandbox, function %s reaches only the stream %s that calls it, not %s", c.function.name, c.stream.name, name), true)
	}
	hop, err := c.function.hop("puts records back to stream "+name, "firehose:PutRecordBatch", c.stream.arn)
	if err == nil {
		err = h.d.authorizer.Authorize(hop)
	}
	if err != nil {
		c.refused = errors.Join(c.refused, err)
		return nil, standin.Refuse("AccessDeniedException", err.Error(), true)
	}
	partly := h.d.disturbed(DisturbPutRecordBatch)
	refused := make([]error, len(records))
	for i, r := range records {
		if partly && i%2 == 0 {
			refused[i] = standin.Refuse("ServiceUnavailableException", "Slow down.", false)
			continue
		}
		c.returned = append(c.returned, slices.Clone(r))
	}
	return refused, nil
}

// functionLogs is the directory of what functions have written to their logs: <account>/<region>/<function>.log.
const functionLogs = "lambda"

// keepLog appends what the function wrote to its log, unless its role may not write there: Lambda then runs it all the
// same, and its log is lost.
func (c *invocation) keepLog(d *Delivery) error {
	refused, err := c.function.keepLog(d.authorizer, d.store.Dir(), c.started, c.log.Bytes())
	c.refused = errors.Join(c.refused, refused)
	if refused != nil || err != nil {
		return err
	}
	return d.measure(embedded(c.function.object.Place, c.started, c.log.Bytes())...)
}

// keepLog appends to a function's log below dir. It answers the hop that was refused, and then keeps nothing.
func (f *function) keepLog(a Authorizer, dir string, started time.Time, log []byte) (refused, err error) {
	if len(log) == 0 {
		return nil, nil
	}
	place := f.object.Place
	stream := place.LogGroupARN(f.logGroup + ":log-stream:" + started.Format("2006/01/02") + "/[$LATEST]" + uuidOf(f.arn)).String()
	for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
		hop, err := f.hop("writes its log", action, stream)
		if err != nil {
			return nil, err
		}
		if err := a.Authorize(hop); err != nil {
			return err, nil
		}
	}
	path := filepath.Join(dir, functionLogs, string(place.Account), string(place.Region), f.name+".log")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	_, err = file.Write(log)
	return nil, errors.Join(err, file.Close())
}

// functionFailure is an invocation that gave no answer.
type functionFailure struct {
	code, message string // as Firehose reports them
	again         bool   // Firehose tries again
}

// The codes and messages of Firehose: https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html
var (
	failedFunction   = &functionFailure{"Lambda.FunctionError", "The Lambda function was successfully invoked but it returned an error result.", true}
	failedTimeout    = &functionFailure{"Lambda.FunctionTimedOut", "The Lambda function timed out. Increase the Timeout setting in the Lambda function.", true}
	failedThrottle   = &functionFailure{"Lambda.InvokeLimitExceeded", "Access was throttled. The Lambda invocation limit was exceeded.", true}
	failedAccess     = &functionFailure{"Lambda.InvokeAccessDenied", "Access was denied. Ensure that the access policy allows access to the Lambda function.", true}
	failedMissing    = &functionFailure{"Lambda.ResourceNotFound", "The Lambda function can not be found. Use a different function or deploy it.", true}
	failedAnswer     = &functionFailure{"Lambda.JsonProcessingException", "There was an error parsing returned records from the Lambda function. Ensure that the returned records follow the status model required by Firehose.", false}
	failedInvalidB64 = &functionFailure{failedFunction.code, failedFunction.message, false}
)

// invoke runs the function once on an event, and measures it.
func (d *Delivery) invoke(ctx context.Context, c *invocation, event []byte) ([]byte, *functionFailure, error) {
	answer, failed, err := d.run(ctx, c, event)
	if err != nil {
		return nil, nil, err
	}
	return answer, failed, d.measure(c.metricsOf(failed)...)
}

func (d *Delivery) run(ctx context.Context, c *invocation, event []byte) ([]byte, *functionFailure, error) {
	limit, err := c.function.object.Place.Region.Limit(partition.LambdaPayload)
	if err != nil {
		return nil, nil, err
	}
	tooLong := failedFunction
	if c.limit = c.function.timeout; c.stream != nil && c.limit > firehoseTimeout {
		c.limit, tooLong = firehoseTimeout, failedTimeout
	}
	h := d.hostOf(c.function)
	switch {
	case c.function.stopped || d.disturbed(DisturbFunctionThrottle):
		return nil, failedThrottle, nil
	case d.disturbed(DisturbFunctionTimeout):
		c.elapsed = c.limit
		return nil, tooLong, nil
	case d.disturbed(DisturbFunctionError):
		fmt.Fprintf(&c.log, "{\"errorType\":\"Disturbed\",\"errorMessage\":\"the sandbox was told to fail\"}\n")
	case int64(len(event)) > limit:
		fmt.Fprintf(&c.log, "{\"errorType\":\"RequestTooLargeException\",\"errorMessage\":\"%d byte payload is too large for the RequestResponse invocation type (limit %d bytes)\"}\n", len(event), limit)
	case h.broken != nil:
		fmt.Fprintf(&c.log, "%v\n{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"exit status 1\"}\n", h.broken)
	case d.disturbed(DisturbFunctionAnswer):
		return []byte(`{"records":[{"recordId":"of nobody","result":"Ok","data":""}]}`), nil, nil
	default:
		h.call = c
		answer, err := h.code.Invoke(ctx, event)
		switch {
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case c.elapsed >= c.limit:
			return nil, tooLong, nil
		case err != nil:
			fmt.Fprintf(&c.log, "{\"errorType\":\"errorString\",\"errorMessage\":%q}\n", err.Error())
		case int64(len(answer)) > limit:
			fmt.Fprintf(&c.log, "{\"errorType\":\"Function.ResponseSizeTooLarge\",\"errorMessage\":\"Response payload size (%d bytes) exceeded maximum allowed payload size (%d bytes).\"}\n", len(answer), limit)
		default:
			return answer, nil, nil
		}
	}
	return nil, failedFunction, nil
}
