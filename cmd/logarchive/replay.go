package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/functions/replay"
	"github.com/logarchive/logarchive/functions/replay/connect"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/sandbox"
)

// replayFlags are the flags of "replay".
type replayFlags struct {
	replay.Options
	sandbox bool
	// function is the deployed function of the sandbox that does it, in its role.
	function string
	places   connect.Places
	attempt  int
}

// A replayed is what "replay" prints with --json.
type replayed struct {
	Bucket   string          `json:"bucket"`
	Prefix   string          `json:"prefix"`
	Stream   string          `json:"stream"`
	DryRun   bool            `json:"dryRun"`
	Summary  replay.Summary  `json:"summary"`
	Complete bool            `json:"complete"` // nothing is left to do
	Objects  []replay.Report `json:"objects"`
}

func (m *Main) replayCommand() *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay --bucket BUCKET --prefix PREFIX",
		Short: "Bring back what Firehose could not deliver",
		Long: `Read the objects that Firehose wrote below an error prefix, take the records out of them and put them onto the stream again:
what a broken transform function left there is delivered after it has been repaired.

Each object gets a marker under ` + replay.DefaultReplayPrefix + ` in the bucket, so that a record that the stream has taken isn't put again by
another run, nor by one at the same time. The error objects themselves are only read. What the stream doesn't take stays for
the next run.

In AWS, region and credentials are those of the environment (AWS_REGION, AWS_PROFILE, …): they must be allowed to read and
write in the bucket, and to put records onto the stream. With --sandbox it is the sandbox of the project, whose clock then
moves on until what was put is delivered.

Exit codes: 0 nothing is left to do (with --dry-run: it was looked at); 1 records are not on the stream yet, the reasons are
printed; 2 bad usage.`,
		Example: `  logarchive replay --bucket example-log-archive --prefix errors/logs/ --dry-run
  logarchive replay --bucket example-log-archive --prefix errors/logs/ --bucket-region cn-northwest-1
  logarchive replay --bucket example-log-archive --prefix errors/ --sandbox --json
  logarchive replay --bucket example-log-archive --prefix errors/ --sandbox --function log-archive-replay`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return m.replay(c.Context(), f) },
	}
	c.Flags().StringVar(&f.Bucket, "bucket", "", "the `name` of the bucket with the error objects (needed)")
	c.Flags().StringVar(&f.Prefix, "prefix", "", "the `prefix` of their keys, or more of it (needed)")
	c.Flags().StringVar(&f.Stream, "stream", "", "the `name` of the stream that the records go to (default: the one that wrote the objects)")
	c.Flags().BoolVar(&f.DryRun, "dry-run", false, "look at the objects, and write nothing")
	c.Flags().BoolVar(&f.sandbox, "sandbox", false, "work in the sandbox on this machine (.sandbox/ in the project), not in AWS")
	c.Flags().StringVar(&f.function, "function", "", "with --sandbox, the deployed function that does it, by its `name` or ARN: in its role, with its settings, for all its streams")
	c.Flags().DurationVar(&f.MinAge, "min-age", 0, "leave objects alone that are younger, such as `15m`")
	c.Flags().IntVar(&f.BytesPerSecond, "bytes-per-second", 0, "at most so many `bytes` a second, so that live records aren't throttled; 0 for no bound")
	c.Flags().StringVar(&f.places.BucketRegion, "bucket-region", "", "the `region` of the bucket (default: the environment's)")
	c.Flags().StringVar(&f.places.StreamRegion, "stream-region", "", "the `region` of the stream (default: the environment's)")
	c.Flags().IntVar(&f.attempt, "attempts", 8, "how `often` a refused record is put in a run")
	return c
}

func (m *Main) replay(ctx context.Context, f replayFlags) error {
	switch {
	case f.Bucket == "":
		return usagef("which bucket? Name it with --bucket")
	case f.Prefix == "":
		return usagef("which error prefix? Name it with --prefix, such as errors/logs/: without one, the whole archive would be read")
	case f.attempt < 1:
		return usagef("--attempts %d: want 1 or more", f.attempt)
	case f.function != "" && (!f.sandbox || f.Stream != "" || f.MinAge != 0 || f.BytesPerSecond != 0):
		return usagef("--function is for --sandbox, and has its own stream, age and pace; in AWS, invoke it: aws lambda invoke --function-name %s", f.function)
	case f.sandbox && f.places != connect.Places{}:
		return usagef("--bucket-region and --stream-region are for AWS: the sandbox knows where things are")
	}
	for _, region := range []string{f.places.BucketRegion, f.places.StreamRegion} {
		if _, err := partition.ParseRegion(region); region != "" && err != nil {
			return &usageError{err}
		}
	}
	if f.sandbox {
		return m.withArchive(func(a *archive) error { return m.replaySandbox(ctx, a, f) })
	}
	clients, err := connect.New(ctx, f.places, f.attempt)
	if err != nil {
		return err
	}
	return m.replayWith(ctx, f.Options, clients)
}

// replaySandbox finds the stream in the sandbox, and delivers what was put.
func (m *Main) replaySandbox(ctx context.Context, a *archive, f replayFlags) error {
	if _, err := knownBucket(a, f.Bucket); err != nil {
		return &usageError{err}
	}
	var err error
	if f.function != "" {
		err = m.replayByFunction(ctx, a, f)
	} else {
		var place partition.Place
		if place, err = replayPlace(a, f); err != nil {
			return err
		}
		err = m.replayWith(ctx, f.Options, a.delivery.ReplayClients(place))
	}
	if usage := (*usageError)(nil); f.DryRun || errors.As(err, &usage) {
		return err
	}
	if flushed := a.delivery.Flush(ctx); flushed != nil {
		err = errors.Join(err, fmt.Errorf("the records are in the stream's buffer, and can't be delivered from there:\n%w", flushed))
	}
	return err
}

// replayPlace is where the stream is. Of streams that have the same name, it is the one that wrote the error objects.
func replayPlace(a *archive, f replayFlags) (partition.Place, error) {
	objects, err := a.store.List(f.Bucket, f.Prefix)
	if err != nil {
		return partition.Place{}, err
	}
	wrote := map[string]bool{}
	for _, o := range objects {
		wrote[o.Source] = true
	}
	var named, writers []sandbox.Object
	var names []string
	for _, o := range a.world.List("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream") {
		names = append(names, o.Text("name"))
		if f.Stream != "" && o.Text("name") != f.Stream {
			continue
		}
		named = append(named, o)
		if wrote[o.ARN()] {
			writers = append(writers, o)
		}
	}
	switch {
	case len(named) == 0 && f.Stream != "":
		return partition.Place{}, usagef("--stream %s: there is no such stream in the sandbox: %s", f.Stream, orNone(names))
	case len(writers) == 1:
		return writers[0].Place, nil
	case len(named) == 1:
		return named[0].Place, nil
	case len(writers) > 1 && f.Stream != "":
		return partition.Place{}, usagef("--stream %s: %d streams of that name have written below %s: give more of the prefix", f.Stream, len(writers), f.Prefix)
	}
	return partition.Place{}, nil // more streams than one, or no objects: replayWith says so
}

// replayWith replays, and prints what became of each object.
func (m *Main) replayWith(ctx context.Context, o replay.Options, clients replay.Clients) error {
	out := replayed{Bucket: o.Bucket, Prefix: o.Prefix, DryRun: o.DryRun, Objects: []replay.Report{}}
	if o.Stream == "" {
		var err error
		if o.Stream, err = writingStream(ctx, o, clients); err != nil {
			return err
		}
	}
	out.Stream = o.Stream
	if o.Stream == "" {
		out.Complete, out.Summary.Ended = true, true
		if m.json {
			return m.printJSON(out)
		}
		_, err := fmt.Fprintf(m.Stdout, "there are no error objects under s3://%s/%s\n", o.Bucket, o.Prefix)
		return err
	}
	p := m.newProgress()
	told := time.Now()
	summary, err := replay.Run(ctx, o, clients, func(r replay.Report) {
		out.Objects = append(out.Objects, r)
		if !m.json {
			p.pause(func() { m.printReplayed(r) })
		} else if time.Since(told) > 5*time.Second {
			told = time.Now()
			p.say("%d objects, %.0f s", len(out.Objects), time.Since(p.began).Seconds())
		}
	})
	p.end()
	if wrong := (*replay.OptionsError)(nil); errors.As(err, &wrong) {
		return &usageError{err}
	}
	out.Summary = summary
	return m.printReplay(out, err)
}

// replayByFunction has the deployed function do it.
func (m *Main) replayByFunction(ctx context.Context, a *archive, f replayFlags) error {
	event, err := json.Marshal(map[string]any{"bucket": f.Bucket, "prefix": f.Prefix, "dryRun": f.DryRun})
	if err != nil {
		return err
	}
	result, err := a.delivery.InvokeReplay(ctx, f.function, event)
	if err != nil {
		return err
	}
	if !m.json {
		for _, r := range result.Reports {
			m.printReplayed(r)
		}
	}
	return m.printReplay(replayed{Bucket: f.Bucket, Prefix: f.Prefix, DryRun: f.DryRun, Summary: result.Summary, Objects: result.Reports}, nil)
}

// printReplay prints what came of it. What isn't on its stream yet is an error.
func (m *Main) printReplay(out replayed, err error) error {
	summary, objects := out.Summary, 0
	for _, n := range summary.Objects {
		objects += n
	}
	out.Complete = summary.Complete()
	if m.json {
		err = errors.Join(err, m.printJSON(out))
	} else {
		verb, onto := "put onto", "its stream"
		if out.DryRun {
			verb = "would be put onto"
		}
		if out.Stream != "" {
			onto = "stream " + out.Stream
		}
		fmt.Fprintf(m.Stdout, "%s in %s: %d were on %s before, %d %s it, %d are missing\n",
			counted(summary.Records, "record"), counted(objects, "object"), summary.Before, onto, summary.Replayed, verb, summary.Failed)
		if summary.InDoubt > 0 {
			fmt.Fprintf(m.Stdout, "at most %d of them may be on the stream twice, because an earlier run died\n", summary.InDoubt)
		}
	}
	if err == nil && !out.DryRun && !out.Complete {
		err = errors.New("not everything is on the stream yet: run the command again when the reasons are gone")
	}
	return err
}

// printReplayed prints the line of an object, and why records of it are missing.
func (m *Main) printReplayed(r replay.Report) {
	fmt.Fprintf(m.Stdout, "%-12s %6d of %d records  %s\n", r.Outcome, r.Replayed, r.Records, r.Key)
	if r.Problem != "" {
		fmt.Fprintf(m.Stdout, "             %s\n", r.Problem)
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
		fmt.Fprintf(m.Stdout, "             %s: %s\n", counted(r.Reasons[reason], "record"), reason)
	}
	for _, code := range slices.Sorted(maps.Keys(r.Codes)) {
		fmt.Fprintf(m.Stdout, "             %s had failed with %s\n", counted(r.Codes[code], "record"), code)
	}
}

// firehoseKey is the end of the keys that Firehose gives: stream-version-yyyy-MM-dd-HH-mm-ss-uuid.
// https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
var firehoseKey = regexp.MustCompile(`^(.+)-\d+-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// writingStream tells by their keys which stream wrote the error objects; "" when there are none. Records of different
// streams must not be mixed.
func writingStream(ctx context.Context, o replay.Options, clients replay.Clients) (string, error) {
	markers := o.ReplayPrefix
	if markers == "" {
		markers = replay.DefaultReplayPrefix
	}
	streams := map[string]bool{}
	err := clients.Store.List(ctx, o.Bucket, o.Prefix, func(obj replay.Object) error {
		if strings.HasPrefix(obj.Key, markers) {
			return nil
		}
		found := firehoseKey.FindStringSubmatch(obj.Key[strings.LastIndexByte(obj.Key, '/')+1:])
		if found == nil {
			return usagef("s3://%s/%s doesn't say which stream wrote it: name the stream with --stream", o.Bucket, obj.Key)
		}
		streams[found[1]] = true
		return nil
	})
	if err != nil {
		return "", err
	}
	names := slices.Sorted(maps.Keys(streams))
	if len(names) > 1 {
		return "", usagef("the objects under %s are of several streams: name one with --stream, and give a prefix with its objects only: %s", o.Prefix, strings.Join(names, ", "))
	}
	return strings.Join(names, ""), nil
}
