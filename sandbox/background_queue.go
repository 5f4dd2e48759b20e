package sandbox

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// message makes the i-th message of a change that waits in a queue. The world's lock is held.
func (w *World) message(queue Object, body string, now time.Time, i int) *Object {
	visible := now.Add(time.Duration(integer(queue.State, "delaySeconds", 0)) * time.Second)
	return w.numbered(Object{Type: queueMessage, Place: queue.Place}, i, resource.PropertyMap{
		"queue": resource.NewStringProperty(queue.ARN()), "body": resource.NewStringProperty(body),
		"sent": milliseconds(now), "visible": milliseconds(visible), "receives": resource.NewNumberProperty(0),
	})
}

func inOrderSent(a, b Object) int {
	return cmp.Or(cmp.Compare(numberIn(&a, "order"), numberIn(&b, "order")), cmp.Compare(a.ID, b.ID))
}

func mappingEnabled(o Object) bool {
	v, given := o.State["enabled"]
	return !given || !v.IsBool() || v.BoolValue()
}

// redrive is where a queue's messages go that were received too often.
type redrive struct {
	Target   string      `json:"deadLetterTargetArn"`
	Receives json.Number `json:"maxReceiveCount"` // a number, or one as text
}

// redriveOf reads a queue's redrive policy; the zero value for none.
func redriveOf(queue Object) (r redrive, most int, err error) {
	text := queue.Text("redrivePolicy")
	if text == "" {
		return r, 0, nil
	}
	if err = json.Unmarshal([]byte(text), &r); err == nil {
		most, err = strconv.Atoi(string(r.Receives))
	}
	if err != nil {
		err = fmt.Errorf("sandbox: queue %s: redrivePolicy: %w", queue.Text("name"), err)
	}
	return r, most, err
}

// pollQueues hands the messages of queues to the functions that read them.
func (b *Background) pollQueues(ctx context.Context) (int, error) {
	n := 0
	for _, mapping := range b.world.List(mappingToken) {
		queue, ok := b.world.ByARN(mapping.Text("eventSourceArn"))
		if !ok || queue.Type != queueToken || !mappingEnabled(mapping) {
			continue
		}
		messages := b.waiting(queueMessage, "visible")
		messages = slices.DeleteFunc(messages, func(o Object) bool { return o.Text("queue") != queue.ARN() })
		if len(messages) == 0 {
			continue
		}
		done, err := b.poll(ctx, mapping, queue, messages)
		if n += done; err != nil {
			return n, err
		}
	}
	return n, nil
}

// poll hands the visible messages of a queue to the mapping's function, batch by batch.
func (b *Background) poll(ctx context.Context, mapping, queue Object, messages []Object) (int, error) {
	name := mapping.Text("functionName")
	if !strings.HasPrefix(name, "arn:") {
		name = mapping.Text("functionArn")
	}
	f, ok, err := functionByARN(b.world, name)
	if err != nil {
		return 0, fmt.Errorf("sandbox: %w", err)
	}
	if !ok {
		hop := Hop{Step: "Lambda hands messages of queue " + queue.Text("name") + " on", Action: "lambda:InvokeFunction", Resource: name, Owner: mapping.Place.Account, Place: mapping.Place}
		return 0, b.refused(queue.ARN(), queue.Place, hop.refuse("ResourceNotFoundException", name, "Function not found: %s", name))
	}
	hops, err := f.pollHops(queue)
	if err != nil {
		return 0, err
	}
	for _, hop := range hops {
		if err := b.d.authorizer.Authorize(hop); err != nil {
			return 0, b.refused(queue.ARN(), queue.Place, err)
		}
	}
	if err := b.wentWell(queue.ARN()); err != nil {
		return 0, err
	}
	redrive, most, err := redriveOf(queue)
	if err != nil {
		return 0, err
	}
	partial := slices.Contains(strs(mapping.State["functionResponseTypes"]), "ReportBatchItemFailures")
	n := 0
	for batch := range slices.Chunk(messages, max(integer(mapping.State, "batchSize", 10), 1)) {
		received, err := b.receive(queue, batch, redrive, most)
		if err != nil {
			return n, err
		}
		n += len(batch)
		if len(received) == 0 {
			continue
		}
		event, err := queueEvent(queue, received)
		if err != nil {
			return n, err
		}
		answer, failed, err := b.call(ctx, f, event)
		if err != nil {
			return n, err
		}
		if failed == nil {
			if err := b.remove(received, answer, partial); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// pollHops are what Lambda asks for as the function's role before it reads a queue.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
func (f *function) pollHops(queue Object) ([]Hop, error) {
	assume, err := f.assumeHop()
	if err != nil {
		return nil, err
	}
	hops := []Hop{assume}
	for _, action := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} {
		hop, err := f.hop("has Lambda read queue "+queue.Text("name"), action, queue.ARN())
		if err != nil {
			return nil, err
		}
		hops = append(hops, hop)
	}
	return hops, nil
}

// receive counts the messages as received, and hides them for the queue's visibility timeout. Those that were received as
// often as the redrive policy allows go to the dead letter queue instead. It is on disk before the function gets them.
func (b *Background) receive(queue Object, batch []Object, r redrive, most int) ([]Object, error) {
	now := b.d.clock.Now()
	dead, hasDead := b.world.ByARN(r.Target)
	visible := now.Add(time.Duration(integer(queue.State, "visibilityTimeoutSeconds", 30)) * time.Second)
	var received []Object
	c := &change{}
	for _, m := range batch {
		m.State = m.State.Copy()
		if hasDead && most > 0 && int(numberIn(&m, "receives")) >= most {
			m.State["queue"], m.State["visible"] = resource.NewStringProperty(dead.ARN()), milliseconds(now)
			m.State["receives"] = resource.NewNumberProperty(0)
			c.Put = append(c.Put, &m)
			continue
		}
		m.State["receives"] = resource.NewNumberProperty(numberIn(&m, "receives") + 1)
		m.State["visible"] = milliseconds(visible)
		c.Put = append(c.Put, &m)
		received = append(received, m)
	}
	return received, b.world.change(func() (*change, error) { return c, nil })
}

// queueEvent is what Lambda gives a function of a batch.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
func queueEvent(queue Object, batch []Object) ([]byte, error) {
	type record struct {
		ID         string            `json:"messageId"`
		Handle     string            `json:"receiptHandle"`
		Body       string            `json:"body"`
		Attributes map[string]string `json:"attributes"`
		Message    map[string]any    `json:"messageAttributes"`
		MD5        string            `json:"md5OfBody"`
		Source     string            `json:"eventSource"`
		SourceARN  string            `json:"eventSourceARN"`
		Region     string            `json:"awsRegion"`
	}
	records := make([]record, len(batch))
	for i, m := range batch {
		sum := md5.Sum([]byte(m.Text("body")))
		receives := strconv.Itoa(int(numberIn(&m, "receives")))
		records[i] = record{
			ID: m.ID, Handle: uuidOf("receipt " + m.ID + " " + receives), Body: m.Text("body"),
			Attributes: map[string]string{"ApproximateReceiveCount": receives, "SentTimestamp": strconv.FormatInt(int64(numberIn(&m, "sent")), 10), "SenderId": string(m.Place.Account)},
			Message:    map[string]any{}, MD5: hex.EncodeToString(sum[:]), Source: "aws:sqs", SourceARN: queue.ARN(), Region: string(queue.Place.Region),
		}
	}
	event, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return event, nil
}

// remove deletes the messages that the function has done. With partial batch responses, its answer names those that
// failed; an answer that can't be understood, or names something else, means that all have.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func (b *Background) remove(batch []Object, answer []byte, partial bool) error {
	var failed map[string]bool
	if partial {
		var err error
		if failed, err = failuresIn(answer, batch); err != nil {
			return nil // they come back
		}
	}
	c := &change{}
	for _, m := range batch {
		if !failed[m.ID] {
			c.Delete = append(c.Delete, keyOf(&m))
		}
	}
	return b.world.change(func() (*change, error) { return c, nil })
}

func failuresIn(answer []byte, batch []Object) (map[string]bool, error) {
	var response struct {
		Failures []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if text := strings.TrimSpace(string(answer)); text == "" || text == "null" {
		return nil, nil
	}
	if err := json.Unmarshal(answer, &response); err != nil {
		return nil, err
	}
	failed := map[string]bool{}
	for _, f := range response.Failures {
		if !slices.ContainsFunc(batch, func(m Object) bool { return m.ID == f.ID }) {
			return nil, errors.New("it names a message that it wasn't given")
		}
		failed[f.ID] = true
	}
	return failed, nil
}
