package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/functions/putback"
	"github.com/logarchive/logarchive/functions/putback/standin"
	"github.com/logarchive/logarchive/functions/replay"
	"github.com/logarchive/logarchive/partition"
)

// The replay is registered here: what it puts back is delivered through functions, so that the table of handlers, if it named
// newReplay, would refer to itself.
func init() {
	handlers["replay"] = newReplay
	componentHandlers["logarchive:index:ReplayFunction"] = "replay"
}

// newReplay is functions/replay with its command's settings. What the command takes from AWS it gets from the sandbox, each
// request in the function's role.
func newReplay(f *function, h *host) (invoker, error) {
	config, err := replay.FromEnviron(f.environ)
	if err != nil {
		return nil, err
	}
	pause := func(ctx context.Context, d time.Duration) error { return h.call.wait(ctx, d) }
	put := func(ctx context.Context, name string, records [][]byte) ([]error, error) {
		return h.d.putHeld(ctx, f.object.Place, name, records, func(stream Object) error {
			return h.requests("puts records back to stream "+name, "firehose:PutRecordBatch", stream.ARN())
		})
	}
	const base, longest = 100 * time.Millisecond, 5 * time.Second
	return replay.New(config, replay.Clients{
		Store:  replayStore{h.d, h.replayRequest},
		Stream: &putback.Putter{API: standin.Stream(put), Attempts: config.PutAttempts, Base: base, Longest: longest, Pause: pause},
		Now:    func() time.Time { return h.call.now() },
		Pause:  pause,
	}, logWriter{h}), nil
}

// requests puts a request of the running function to the authorizer.
func (h *host) requests(step, action, resource string, pairs ...string) error {
	hop, err := h.call.function.hop(step, action, resource)
	if err == nil {
		err = h.d.authorizer.Authorize(hop.with(pairs...))
	}
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		h.call.refused = errors.Join(h.call.refused, err)
	}
	return err
}

// replayRequest asks for a request of the running replay to a bucket, and for what S3 then asks of the bucket's key.
func (h *host) replayRequest(action string, b *archiveBucket, key string) error {
	f, owner := h.call.function, b.object.Place
	caller, context, err := roleCaller(f.role, f.name)
	if err != nil {
		return err
	}
	w := bucketWriter{who: "function " + f.name, account: f.object.Place.Account, hop: Hop{Principal: caller, Place: f.object.Place}.with(context...)}
	if action == "s3:PutObject" {
		_, _, err = h.d.authorizeWrite(w, b, key)
	} else {
		hop := w.hop.with("aws:SecureTransport", "true", "s3:TlsVersion", "1.2", "aws:RequestedRegion", string(owner.Region))
		hop.Step, hop.Action, hop.Resource, hop.Owner = w.who+" looks at bucket "+b.name, action, b.arn, owner.Account
		switch {
		case action == "s3:ListBucketVersions":
			hop = hop.with("s3:prefix", key)
		case key != "":
			hop.Step, hop.Resource = w.who+" reads an object", partition.ObjectARN(owner.Partition(), b.name, key).String()
		}
		err = h.d.authorizer.Authorize(hop)
		if err == nil && hop.Resource != b.arn {
			err = h.decrypts(w, b, hop, key)
		}
	}
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		h.call.refused = errors.Join(h.call.refused, err)
	}
	return err
}

// decrypts is what S3 asks of the key of an object that is read. One that isn't there has none.
func (h *host) decrypts(w bucketWriter, b *archiveBucket, read Hop, key string) error {
	o, err := h.d.store.Get(b.name, key)
	if errors.Is(err, ErrNoSuchKey) || err == nil && o.Encryption.Algorithm != kmsAlgorithm {
		return nil
	}
	if err != nil {
		return err
	}
	hops, err := keyHops(w, b, read.Resource, o.Encryption)
	if err != nil {
		return err
	}
	decrypt := hops[len(hops)-1]
	decrypt.Step = w.who + " has S3 decrypt the object"
	return h.d.authorizer.Authorize(decrypt)
}

// InvokeReplay invokes a declared replay function as an administrator of its account would, and returns its answer. The event
// is {"bucket":…,"prefix":…}. What its role was refused is in the error, as a [*Refusal]; the function goes on all the same.
func (d *Delivery) InvokeReplay(ctx context.Context, name string, event []byte) (replay.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var answer replay.Result
	if err := d.hold(); err != nil {
		return answer, err
	}
	var f *function
	var names, found []string
	for _, o := range d.world.List(catalog.Function) {
		one, err := functionOf(o)
		if err != nil || one.handler != "replay" {
			continue
		}
		names = append(names, one.name)
		if one.name == name || one.arn == name {
			f = one
			found = append(found, one.arn)
		}
	}
	if f == nil {
		return answer, fmt.Errorf("sandbox: ResourceNotFoundException: Function not found: %s; the replay functions here are %q", name, names)
	}
	if len(found) > 1 {
		return answer, fmt.Errorf("sandbox: %s is the name of %d functions: say which by its ARN: %s", name, len(found), strings.Join(found, ", "))
	}
	now, err := d.clock.Follow()
	if err != nil {
		return answer, err
	}
	assume, err := f.assumeHop()
	if err == nil {
		err = d.authorizer.Authorize(assume)
	}
	if err != nil {
		return answer, err
	}
	c := &invocation{function: f, started: now}
	data, failed, err := d.invoke(ctx, c, event)
	if err == nil {
		err = c.keepLog(d)
	}
	if err == nil {
		_, err = d.clock.AdvanceTo(c.now())
	}
	switch {
	case err != nil:
	case failed != nil:
		err = errors.Join(fmt.Errorf("sandbox: function %s: %s: %s", f.name, failed.code, failed.message), c.refused)
	default:
		err = errors.Join(json.Unmarshal(data, &answer), c.refused)
	}
	return answer, err
}
