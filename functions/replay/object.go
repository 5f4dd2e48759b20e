package replay

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/logarchive/logarchive/functions/putback"
)

// Outcome is what became of an object.
type Outcome string

// The outcomes.
const (
	Done        Outcome = "done"         // this run has put what was missing: all records are on the stream
	AlreadyDone Outcome = "already-done" // nothing was missing
	Open        Outcome = "open"         // records are missing on the stream; the next run tries them
	Busy        Outcome = "busy"         // another run works on it
	Young       Outcome = "young"        // younger than Options.MinAge
	Dry         Outcome = "dry"          // only looked at
)

// Report is what Run says about an object. Records = Before + Replayed + Failed, as far as the object was read.
type Report struct {
	Key      string         `json:"key"`
	Version  string         `json:"version"`
	Outcome  Outcome        `json:"outcome"`
	Records  int            `json:"records"`           // read
	Before   int            `json:"before"`            // put by earlier runs
	Replayed int            `json:"replayed"`          // put by this run; in a dry run those that would be
	Failed   int            `json:"failed"`            // still missing on the stream
	Bytes    int64          `json:"bytes"`             // of the replayed records
	InDoubt  int            `json:"inDoubt,omitempty"` // at most so many are on the stream twice, because a run died
	Reasons  map[string]int `json:"reasons,omitempty"` // why records are missing, with their number
	Codes    map[string]int `json:"codes,omitempty"`   // why Firehose had given up those that were read now
	Problem  string         `json:"problem,omitempty"` // why the object as a whole could not be finished
	refused  bool           // the stream took nothing at all
	timeOver bool
}

// errStop ends the reading of an object; the reason is in the report.
var errStop = errors.New("stop")

// replayer works on one object.
type replayer struct {
	o       Options
	clients Clients
	claim   *claim // nil in a dry run
	known   numbers
	rep     *Report
	total   int

	records    [][]byte
	which      []int
	size       int
	unrecorded int // put since the marker was written
	pace       *pacer
}

// replayObject brings back one object. It never fails as such: the report says everything.
func replayObject(ctx context.Context, o Options, c Clients, obj Object, pace *pacer) Report {
	rep := Report{Key: obj.Key, Version: obj.Version, Outcome: Open, Reasons: map[string]int{}, Codes: map[string]int{}}
	if o.MinAge > 0 && c.now().Sub(obj.Modified) < o.MinAge {
		rep.Outcome = Young
		return rep
	}
	r := &replayer{o: o, clients: c, rep: &rep, pace: pace}
	if o.DryRun {
		m, _, err := readMarker(ctx, c, o.Bucket, markerKey(o.ReplayPrefix, obj), obj)
		if err != nil {
			rep.Problem = err.Error()
			return rep
		}
		if m.State == stateDone {
			rep.Outcome = AlreadyDone
			return rep
		}
		r.known = m.Done
		rep.Outcome = Dry
		r.read(ctx, obj)
		return rep
	}
	cl, err := take(ctx, c, o, obj)
	switch {
	case errors.Is(err, errDone):
		rep.Outcome = AlreadyDone
		return rep
	case errors.Is(err, errBusy):
		rep.Outcome = Busy
		return rep
	case err != nil:
		rep.Problem = err.Error()
		return rep
	}
	r.claim, r.known = cl, slices.Clone(cl.marker.Done)
	r.finish(ctx, r.read(ctx, obj))
	return rep
}

// read reads the object to its end and puts its records. False when it ended before.
func (r *replayer) read(ctx context.Context, obj Object) bool {
	body, err := r.clients.Store.Open(ctx, r.o.Bucket, obj)
	if err != nil {
		r.problem("opening the object", err)
		return false
	}
	defer func() { _ = body.Close() }() // it was only read
	docs, err := newReader(body)
	if err != nil {
		r.problem("the object can't be read", err)
		return false
	}
	for {
		d, err := docs.next()
		if err == io.EOF {
			return r.flush(ctx, true) == nil
		}
		if err != nil {
			// What has been read so far is good, and goes back.
			r.problem("the object can't be read further", err)
			_ = r.flush(ctx, true)
			return false
		}
		if r.document(ctx, d) != nil {
			return false
		}
	}
}

func (r *replayer) problem(what string, err error) {
	if r.rep.Problem == "" {
		r.rep.Problem = what + ": " + err.Error()
	}
}

// document takes in one document.
func (r *replayer) document(ctx context.Context, d document) error {
	number := r.total
	r.total++
	r.rep.Records++
	if r.known.has(number) {
		r.rep.Before++
		return nil
	}
	if d.code != "" {
		r.rep.Codes[d.code]++
	}
	if d.bad == "" && len(d.data) > putback.MaxRecordBytes {
		d.bad = putback.ErrRecordSize.Error()
	}
	if d.bad != "" {
		r.fail(d.bad, 1)
		return nil
	}
	size := (len(d.data) + 2) / 3 * 4
	if len(r.records) == putback.MaxRecords || r.size+size > putback.MaxBatchBytes && len(r.records) > 0 {
		if err := r.flush(ctx, false); err != nil {
			r.rep.Records-- // it was read, but nothing was done about it
			return err
		}
	}
	r.records, r.which, r.size = append(r.records, d.data), append(r.which, number), r.size+size
	return nil
}

func (r *replayer) fail(why string, n int) {
	r.rep.Failed += n
	r.rep.Reasons[why] += n
}

// flush puts the batch and records what the stream has taken. Of the last batch the end of the claim says it.
func (r *replayer) flush(ctx context.Context, last bool) error {
	records, which := r.records, r.which
	r.records, r.which, r.size = nil, nil, 0
	if len(records) == 0 {
		return nil
	}
	bytes := 0
	for _, rec := range records {
		bytes += len(rec)
	}
	if r.claim == nil {
		r.rep.Replayed += len(records)
		r.rep.Bytes += int64(bytes)
		return nil
	}
	if r.pace.wait(ctx, r.clients) != nil || short(ctx, reserve) {
		r.fail("the run ended before them", len(records))
		r.rep.timeOver = true
		return errStop
	}
	if r.claim.left() < r.o.Lease/2 {
		if err := r.record(ctx, stateClaimed); err != nil {
			r.fail("the claim could not be renewed", len(records))
			r.problem("renewing the claim", err)
			return errStop
		}
	}
	if r.claim.taken {
		r.rep.InDoubt = min(r.rep.InDoubt+len(records), putback.MaxRecords)
	}
	putting, cancel := context.WithTimeout(ctx, r.claim.left())
	res := r.clients.Stream.Put(putting, r.o.Stream, records)
	cancel()
	r.pace.debt += bytes
	accepted := 0
	for i, n := range which {
		if res.Accepted[i] {
			accepted++
			r.claim.marker.Done.add(n)
			r.rep.Replayed++
			r.rep.Bytes += int64(len(records[i]))
		}
	}
	r.unrecorded += accepted
	if refused := len(records) - accepted; refused > 0 {
		if res.Err == nil {
			res.Err = errors.New("without a reason")
		}
		r.fail(res.Err.Error(), refused)
	}
	if accepted == 0 {
		r.rep.refused = r.rep.Replayed == 0
		r.problem("the stream takes nothing", res.Err)
		return errStop
	}
	if last {
		return nil
	}
	if err := r.record(ctx, stateClaimed); err != nil {
		r.problem("recording the progress", err)
		return errStop
	}
	return nil
}

// record writes the marker.
func (r *replayer) record(ctx context.Context, state string) error {
	err := r.claim.save(ctx, state)
	if err == nil {
		r.unrecorded = 0
	}
	return err
}

// finish gives the claim back, even when the run itself has been cancelled. whole says whether the object was read to
// its end.
func (r *replayer) finish(ctx context.Context, whole bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reserve)
	defer cancel()
	state := stateOpen
	m := &r.claim.marker
	if whole {
		m.Total = r.total
		if r.rep.Before+r.rep.Replayed == r.total {
			state = stateDone
		}
	}
	m.Reasons = r.rep.Reasons
	if err := r.record(ctx, state); err != nil {
		// The stream has what it has acknowledged; the marker doesn't say so of the last batch.
		r.rep.InDoubt += r.unrecorded
		r.problem("recording the progress", err)
		return
	}
	if state == stateDone {
		r.rep.Outcome = Done
	}
}

// reserve is what is kept of a run's time to end it in order.
const reserve = 10 * time.Second

// short tells whether the run's time is nearly used up.
func short(ctx context.Context, left time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && time.Until(deadline) < left
}

// pacer bounds the bytes a second of a run.
type pacer struct{ rate, debt int }

// wait pauses for what has been put.
func (p *pacer) wait(ctx context.Context, c Clients) error {
	if p.rate == 0 || p.debt == 0 {
		return nil
	}
	d := time.Duration(float64(p.debt) / float64(p.rate) * float64(time.Second))
	p.debt = 0
	return c.pause(ctx, d)
}
