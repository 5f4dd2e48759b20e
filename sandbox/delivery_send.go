package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/logarchive/logarchive/partition"
)

// Receipt says what became of the lines that were sent.
type Receipt struct {
	Source string // its id
	// Lines were sent; Selected of them are on their way. A subscription filter with a pattern selects some only (with two
	// filters, a line that either selects counts once).
	Lines, Selected int
	// Records are what was put into buffers, with so many Bytes.
	Records int
	Bytes   int64
	// Hops were taken so far, in order.
	Hops []Hop
	// Objects were written already, because a buffer was full or old enough.
	Objects []ObjectRef
}

// ObjectRef names an object in a bucket.
type ObjectRef struct {
	Bucket, Key, VersionID string
	Size                   int64 // bytes
	// Lines is how many lines of the source that was asked for it holds; all, where no source was asked for.
	Lines int
}

// String returns the object's S3 URI.
func (r ObjectRef) String() string { return "s3://" + r.Bucket + "/" + r.Key }

// maxProblems is how many bad lines an error lists.
const maxProblems = 10

// Send sends lines from a source. When it returns nil, all that the source's filters select are on disk and will be
// delivered exactly once; otherwise none is sent. A missing link is a [*Refusal]: it names the hop, AWS's error code, and
// what should be there. Lines that AWS wouldn't take are one error that lists them: empty, not UTF-8, longer than a log
// event may be; for a flow log, an id too long for its format (see [Delivery.Lines]).
//
// Later hops, from the buffers into the bucket, are taken when their time comes: by [Delivery.Flush], or here.
func (d *Delivery) Send(ctx context.Context, source Source, lines []string) (Receipt, error) {
	return d.SendAt(ctx, source, lines, time.Time{})
}

// SendAt is Send for events of another time than the present one: late ones, as an agent sends them that was cut off. The
// zero time is the present. CloudWatch Logs takes events of the last 14 days and of the next 2 hours
// (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html).
func (d *Delivery) SendAt(ctx context.Context, source Source, lines []string, at time.Time) (Receipt, error) {
	receipt := Receipt{Source: source.ID, Lines: len(lines)}
	s, err := d.resolve(source.ID)
	if err != nil {
		return receipt, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.hold(); err != nil {
		return receipt, err
	}
	now, err := d.clock.Follow()
	if err != nil {
		return receipt, err
	}
	t := &transfer{d: d, ctx: ctx, now: now, events: now, receipt: &receipt}
	if !at.IsZero() {
		t.events, err = at, checkEventTime(s, at, now)
	}
	if err == nil {
		err = t.send(s, lines)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err = t.end(err); err != nil {
		receipt.Selected, receipt.Records, receipt.Bytes = 0, 0, 0
		return receipt, err
	}
	// What was acknowledged is safe. Whether an object can be written now is the buffer's business: see Status.
	receipt.Objects, err = d.deliverNow(ctx, now)
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		err = nil
	}
	return receipt, err
}

// transfer is one Send: records for one or more buffers, that all get there or none.
type transfer struct {
	d       *Delivery
	ctx     context.Context
	now     time.Time
	events  time.Time // of what is sent: the timestamps of log events
	receipt *Receipt
	appends []*feedAppend
	// incoming are the records for each stream.
	incoming map[*feedAppend]*datum
}

// authorize takes a hop.
func (t *transfer) authorize(h Hop) error {
	t.receipt.Hops = append(t.receipt.Hops, h)
	return t.d.authorizer.Authorize(h)
}

// open begins to append to a buffer.
func (t *transfer) open(class string, place partition.Place, name string) (*feedAppend, error) {
	b, err := t.d.buffer(class, place, name)
	if err != nil {
		return nil, err
	}
	for _, a := range t.appends {
		if a.feed == b.feed {
			return a, nil
		}
	}
	a, err := b.feed.begin()
	if err == nil {
		t.appends = append(t.appends, a)
		if class == streamBuffers {
			if t.incoming == nil {
				t.incoming = map[*feedAppend]*datum{}
			}
			of := streamMetric(place, name, "IncomingRecords", t.now, 0)
			t.incoming[a] = &of
		}
	}
	return a, err
}

func (t *transfer) add(a *feedAppend, events int, payload []byte) error {
	if err := t.ctx.Err(); err != nil {
		return err
	}
	t.receipt.Records++
	t.receipt.Bytes += int64(len(payload))
	if of := t.incoming[a]; of != nil {
		of.Value++
	}
	return a.add(t.now, events, payload)
}

// end commits, or after an error rolls back.
func (t *transfer) end(err error) error {
	for _, a := range t.appends {
		if err == nil {
			err = a.commit()
		} else {
			err = errors.Join(err, a.rollback())
		}
	}
	if err != nil {
		return err
	}
	var values []datum
	for _, of := range t.incoming {
		values = append(values, *of)
	}
	return t.d.measure(values...)
}

func (t *transfer) send(s Source, lines []string) error {
	if s.flowLog != nil {
		return t.sendFlow(s, lines)
	}
	if s.access != nil {
		return t.sendAccess(s, lines)
	}
	if s.file != nil {
		return t.sendFile(s.file, lines)
	}
	if s.collectors != nil {
		return t.sendSyslog(s, lines)
	}
	if s.group == "" {
		return errors.New("sandbox: " + s.ID + ": " + s.Broken)
	}
	if err := checkEvents(s, lines); err != nil {
		return err
	}
	if s.trail != nil {
		if err := t.authorizeTrailToLogs(s); err != nil {
			return err
		}
	}
	if s.agent != nil {
		if err := t.authorizeAgent(s); err != nil {
			return err
		}
	}
	return t.putLogEvents(s, lines)
}

// The times of events that PutLogEvents takes.
const (
	oldestEvent = 14 * 24 * time.Hour
	newestEvent = 2 * time.Hour
)

func checkEventTime(s Source, at, now time.Time) error {
	switch {
	case s.flowLog != nil:
		return fmt.Errorf("sandbox: %s: a flow log records when it happens: leave the time out", s.ID)
	case at.Before(now.Add(-oldestEvent)):
		return fmt.Errorf("sandbox: InvalidParameterException: %s: %s is more than 14 days before %s, and CloudWatch Logs takes no older events", s.ID, at.Format(time.RFC3339), now.Format(time.RFC3339))
	case at.After(now.Add(newestEvent)):
		return fmt.Errorf("sandbox: InvalidParameterException: %s: %s is more than 2 hours after %s, and CloudWatch Logs takes no later events", s.ID, at.Format(time.RFC3339), now.Format(time.RFC3339))
	}
	return nil
}

// checkEvents refuses what PutLogEvents does:
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_InputLogEvent.html
func checkEvents(s Source, lines []string) error {
	limit, err := s.Place.Region.Limit(partition.LogEvent)
	if err != nil {
		return err
	}
	return checkLines(s, lines, func(line string) error {
		switch {
		case line == "":
			return errors.New("it is empty")
		case !utf8.ValidString(line):
			return errors.New("it isn't UTF-8")
		case int64(len(line)) > limit:
			return fmt.Errorf("it has %d bytes, a log event can have %d", len(line), limit)
		}
		return nil
	})
}

// checkLines makes one error of all lines that can't be sent.
func checkLines(s Source, lines []string, check func(string) error) error {
	var problems []string
	n := 0
	for i, line := range lines {
		err := check(line)
		if err == nil {
			continue
		}
		if n++; n <= maxProblems {
			if len(line) > 40 {
				line = line[:40] + "…"
			}
			problems = append(problems, fmt.Sprintf("line %d, %q: %v", i+1, line, err))
		}
	}
	if n == 0 {
		return nil
	}
	if n > maxProblems {
		problems = append(problems, fmt.Sprintf("and %d more", n-maxProblems))
	}
	return fmt.Errorf("sandbox: InvalidParameterException: %s: nothing was sent\n%s", s.ID, strings.Join(problems, "\n"))
}

// subscription is a filter with what it leads to.
type subscription struct {
	name    string
	pattern *filterPattern
	stream  Object
	filter  Object
}

// putLogEvents puts messages into a source's log group, from where its filters send them on.
func (t *transfer) putLogEvents(s Source, messages []string) error {
	groupARN := s.Place.LogGroupARN(s.group).String()
	put := Hop{Step: "log events are put into " + s.group, Action: "logs:PutLogEvents", Resource: groupARN, Owner: s.Place.Account, Place: s.Place}
	if _, ok := find(t.d.world, logGroupToken, func(o *Object) bool { return o.Place == s.Place && o.Text("name") == s.group }); !ok {
		return put.refuse("ResourceNotFoundException", groupARN, "The specified log group does not exist: %s in %s", s.group, s.Place)
	}
	filters := filtersOf(t.d.world, s.Place, s.group)
	if len(filters) == 0 {
		put.Step, put.Action = "CloudWatch Logs looks for subscription filters of "+s.group, "logs:DescribeSubscriptionFilters"
		return put.refuse("ResourceNotFoundException", groupARN, "the log group %s has no subscription filter: its events go nowhere", s.group)
	}
	var subscriptions []subscription
	for _, filter := range filters {
		sub, err := t.subscribe(s, filter)
		if err != nil {
			if failed := t.d.measure(datum{At: t.now, Place: s.Place, Namespace: "AWS/Logs", Name: "DeliveryErrors", Value: 1, Dimensions: map[string]string{
				"LogGroupName": s.group, "DestinationType": "Firehose", "FilterName": sub.name,
			}}); failed != nil {
				err = errors.Join(err, failed)
			}
			return err
		}
		subscriptions = append(subscriptions, sub)
	}
	selected := make([]bool, len(messages))
	for _, sub := range subscriptions {
		var matching []string
		for i, m := range messages {
			if sub.pattern.matches(m) {
				matching = append(matching, m)
				selected[i] = true
			}
		}
		if err := t.putRecords(s, sub, matching); err != nil {
			return err
		}
	}
	for _, yes := range selected {
		if yes {
			t.receipt.Selected++
		}
	}
	return nil
}

// subscribe takes the hops from a filter to its stream.
func (t *transfer) subscribe(s Source, filter Object) (subscription, error) {
	sub := subscription{name: filter.Text("name"), filter: filter}
	where := fmt.Sprintf("%s %s of %s", subscriptionNoun(filter), sub.name, s.group)
	var err error
	if sub.pattern, err = parseFilterPattern(filter.Text("filterPattern")); err != nil {
		return sub, fmt.Errorf("sandbox: %s: %w", where, err)
	}
	at, roleArn, destination := s.Place, filter.Text("roleArn"), filter.Text("destinationArn")
	if arn, err := partition.ParseARN(destination); err == nil && isDestination(arn) {
		to, as, err := t.throughDestination(s, where, arn)
		if err != nil {
			return sub, err
		}
		at, roleArn, destination = to.Place, as, to.Text("targetArn")
	}
	service, err := serviceCaller(s.Place, partition.Logs, partition.Trust)
	if err != nil {
		return sub, err
	}
	// CloudWatch Logs has two names; a trust policy may have either.
	regional, err := serviceCaller(s.Place, partition.Logs, partition.Key)
	if err != nil {
		return sub, err
	}
	role, err := partition.ParseARN(roleArn)
	if err != nil {
		return sub, fmt.Errorf("sandbox: %s: roleArn: %w", where, err)
	}
	assume := Hop{
		Step: "CloudWatch Logs assumes the role of " + where, Principal: service, Action: "sts:AssumeRole",
		Resource: role.String(), Owner: role.Account, Place: s.Place,
	}.with("aws:SourceArn", s.Place.LogGroupARN(s.group+":*").String(), "aws:SecureTransport", "true")
	assume.Aliases = append(assume.Aliases, regional)
	if err := t.authorize(assume); err != nil {
		return sub, err
	}
	caller, context, err := roleCaller(role, "logs")
	if err != nil {
		return sub, err
	}
	put := Hop{
		Step: "CloudWatch Logs puts records for " + where, Principal: caller, Action: "firehose:PutRecord",
		Resource: destination, Place: at,
	}.with(append(context, "aws:SecureTransport", "true", "aws:RequestedRegion", string(at.Region))...)
	sub.stream, err = t.d.streamByARN(put, destination)
	if err != nil {
		return sub, err
	}
	put.Owner = sub.stream.Place.Account
	return sub, t.authorize(put)
}

// streamByARN finds a stream that a hop leads to. It must be where the hop comes from.
func (d *Delivery) streamByARN(h Hop, arn string) (Object, error) {
	parsed, err := partition.ParseARN(arn)
	if err != nil {
		return Object{}, fmt.Errorf("sandbox: %s: %w", h.Step, err)
	}
	if parsed.Service != partition.Firehose {
		return Object{}, fmt.Errorf("sandbox: %s: the sandbox delivers to Firehose streams only, not to %s", h.Step, arn)
	}
	if parsed.Place() != h.Place {
		return Object{}, h.refuse("InvalidParameterException", arn, "the stream %s is in %s, it must be in %s", arn, parsed.Place(), h.Place)
	}
	o, ok := d.world.ByARN(arn)
	if !ok || o.Type != streamToken {
		return Object{}, h.refuse("ResourceNotFoundException", arn, "the Firehose stream %s doesn't exist", arn)
	}
	s, err := streamOf(o)
	if err == nil && s.processor != nil {
		// A function that the sandbox can't run would keep what is sent in the buffer for ever.
		_, _, err = functionByARN(d.world, s.processor.function)
	}
	if err != nil {
		return Object{}, fmt.Errorf("sandbox: %w", err)
	}
	return o, nil
}

// putRecords puts the messages that a filter selected into its stream's buffer.
func (t *transfer) putRecords(s Source, sub subscription, messages []string) error {
	if len(messages) == 0 {
		return nil
	}
	a, err := t.open(streamBuffers, sub.stream.Place, sub.stream.Text("name"))
	if err != nil {
		return err
	}
	if err := t.control(s, sub, a); err != nil {
		return err
	}
	envelope := subscriptionData{
		MessageType: dataMessage, Owner: string(s.Place.Account), LogGroup: s.group, LogStream: s.logStream, SubscriptionFilters: []string{sub.name},
		PolicyLevel: policyLevel(sub.filter),
	}
	return subscriptionBatches(envelope, t.events, messages, s.Place.Region, func(payload []byte, events int) error {
		if t.d.disturbed(DisturbDuplicate) {
			if err := t.add(a, events, payload); err != nil {
				return err
			}
		}
		return t.add(a, events, payload)
	})
}

// sendFlow sends the records of a flow log.
func (t *transfer) sendFlow(s Source, ids []string) error {
	f := s.flowLog
	if err := checkLines(s, ids, f.codec.check); err != nil {
		return err
	}
	if f.to == flowToS3 {
		return t.flowToS3(f, ids)
	}
	records := make([]string, len(ids))
	for i, id := range ids {
		records[i] = strings.Join(f.codec.record(id, t.now), " ")
	}
	if f.to == flowToLogs {
		if err := t.authorizeFlowToLogs(s); err != nil {
			return err
		}
		return t.putLogEvents(s, records)
	}
	return t.flowToFirehose(f, records)
}

// flowMessage is how the log delivery service puts a record to Firehose: as JSON, a line each.
func flowMessage(record string) []byte {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(struct {
		Message string `json:"message"`
	}{record}) // strings can be encoded
	return line.Bytes()
}
