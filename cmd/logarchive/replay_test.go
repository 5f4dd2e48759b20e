package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/logarchive/logarchive/functions/replay"
	"github.com/logarchive/logarchive/sandbox"
)

// errorObject puts an object of undeliverable records into the sandbox, as the stream of a source writes it, and returns
// its bucket.
func errorObject(t *testing.T, dir, stream, key string, group string, messages ...string) string {
	t.Helper()
	world, err := sandbox.OpenWorldReadOnly(filepath.Join(dir, sandboxFolder))
	if err != nil {
		t.Fatal(err)
	}
	a, err := openArchiveOf(world, filepath.Join(dir, sandboxFolder))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	}()
	var o sandbox.StoredObject
	owner := ""
	for _, s := range world.List("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream") {
		if s.Text("name") == stream {
			bucket := s.State["extendedS3Configuration"].ObjectValue()["bucketArn"].StringValue()
			o = sandbox.StoredObject{Bucket: bucket[strings.LastIndexByte(bucket, ':')+1:], Key: key, Source: s.ARN(), LastModified: time.Now()}
			owner = string(s.Place.Account)
		}
	}
	var lines bytes.Buffer
	for i, message := range messages {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if err := json.NewEncoder(z).Encode(map[string]any{
			"messageType": "DATA_MESSAGE", "owner": owner, "logGroup": group, "logStream": "i",
			"logEvents": []any{map[string]any{"id": fmt.Sprint(i), "timestamp": 1, "message": message}},
		}); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "{\"rawData\":%q,\"errorCode\":\"Lambda.FunctionError\",\"attemptsMade\":4}\n", base64.StdEncoding.EncodeToString(packed.Bytes()))
	}
	if _, err := a.store.Put(o, true, &lines); err != nil {
		t.Fatal(err)
	}
	return o.Bucket
}

// firstStream is a stream of the deployed stack, and a log group that leads to it.
func firstStream(t *testing.T, dir string) (stream, group string) {
	t.Helper()
	world, err := sandbox.OpenWorldReadOnly(filepath.Join(dir, sandboxFolder))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range world.List("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter") {
		destination := f.Text("destinationArn")
		return destination[strings.LastIndexByte(destination, '/')+1:], f.Text("logGroup")
	}
	t.Fatal("there is no subscription filter")
	return "", ""
}

func TestReplay(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	if o := run(t, dir, "replay", "--bucket", "b", "--prefix", "errors/", "--sandbox"); o.code != exitFailed || !strings.Contains(o.stderr, "there is nothing in the sandbox") {
		t.Errorf("without a stack: %+v", o)
	}
	must(t, dir, "up", "--stack", "global", "--sandbox")
	stream, group := firstStream(t, dir)
	const suffix = "-1-2026-01-02-03-04-05-01234567-89ab-4cde-8f01-23456789abcd"
	bucket := errorObject(t, dir, stream, "errors/one/"+stream+suffix, group, "replayed 1", "replayed 2")
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "which bucket?"},
		{[]string{"--bucket", bucket}, "which error prefix?"},
		{[]string{"--bucket", "other", "--prefix", "errors/"}, `there is no bucket "other"`},
		{[]string{"--bucket", bucket, "--prefix", "errors/", "--stream", "other"}, "there is no such stream in the sandbox: "},
		{[]string{"--bucket", bucket, "--prefix", "replay/x"}, ""},
		{[]string{"--bucket", bucket, "--prefix", "replay/x", "--stream", stream}, "lies where the markers are"},
		{[]string{"--bucket", bucket, "--prefix", "errors/", "--min-age", "-1s"}, "minimum age"},
		{[]string{"--bucket", bucket, "--prefix", "errors/", "--attempts", "0"}, "want 1 or more"},
		{[]string{"--bucket", bucket, "--prefix", "errors/", "--bucket-region", "cn-north-1"}, "the sandbox knows where things are"},
	} {
		want := exitUsage
		if test.want == "" {
			want = exitOK
		}
		if o := run(t, dir, append([]string{"replay", "--sandbox"}, test.args...)...); o.code != want || !strings.Contains(o.stderr, test.want) {
			t.Errorf("%v: %+v", test.args, o)
		}
	}
	if o := run(t, dir, "replay", "--bucket", "b", "--prefix", "p", "--stream-region", "moon-1"); o.code != exitUsage || !strings.Contains(o.stderr, "moon-1") {
		t.Errorf("a region: %+v", o)
	}
	do := func(more ...string) replayed {
		t.Helper()
		o := must(t, dir, append([]string{"replay", "--bucket", bucket, "--prefix", "errors/one/", "--sandbox", "--json"}, more...)...)
		var out replayed
		if err := json.Unmarshal([]byte(o.stdout), &out); err != nil {
			t.Fatalf("%v: %s", err, o.stdout)
		}
		return out
	}
	if out := do("--dry-run"); out.Stream != stream || out.Summary.Objects[replay.Dry] != 1 || out.Summary.Replayed != 2 || out.Complete || !out.DryRun {
		t.Errorf("dry run: %+v", out)
	}
	if out := do(); out.Summary.Objects[replay.Done] != 1 || out.Summary.Replayed != 2 || !out.Complete || len(out.Objects) != 1 {
		t.Errorf("replay: %+v", out)
	}
	if out := do(); out.Summary.Objects[replay.AlreadyDone] != 1 || out.Summary.Replayed != 0 || !out.Complete {
		t.Errorf("once more: %+v", out)
	}
	// They have been delivered, once.
	listing := must(t, dir, "sandbox", "ls", bucket).stdout
	n := 0
	for line := range strings.Lines(listing) {
		fields := strings.Fields(line) // date, time, size, key and, of what is replicated to the archive's replica, its status
		if key := fields[3]; !strings.HasPrefix(key, "errors/") && !strings.HasPrefix(key, "replay/") {
			text := must(t, dir, "sandbox", "cat", bucket+"/"+key).stdout
			n += strings.Count(text, "replayed 1") + strings.Count(text, "replayed 2")
		}
	}
	if n != 2 {
		t.Errorf("%d lines arrived\n%s", n, listing)
	}

	errorObject(t, dir, stream, "errors/two/"+stream+suffix, group, "replayed 3")
	o := must(t, dir, "replay", "--bucket", bucket, "--prefix", "errors/", "--sandbox")
	for _, want := range []string{"already-done", "done              1 of 1 records", "1 record had failed with Lambda.FunctionError", "1 record in 2 objects: 0 were on stream " + stream + " before, 1 put onto it, 0 are missing"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("no %q in\n%s", want, o.stdout)
		}
	}
	errorObject(t, dir, stream, "errors/three/other"+suffix, group, "replayed 4")
	if o := run(t, dir, "replay", "--bucket", bucket, "--prefix", "errors/", "--sandbox"); o.code != exitUsage || !strings.Contains(o.stderr, "are of several streams") {
		t.Errorf("objects of two streams: %+v", o)
	}
	errorObject(t, dir, stream, "errors/four/by hand", group, "replayed 5")
	if o := run(t, dir, "replay", "--bucket", bucket, "--prefix", "errors/four/", "--sandbox"); o.code != exitUsage || !strings.Contains(o.stderr, "name the stream with --stream") {
		t.Errorf("a key that isn't Firehose's: %+v", o)
	}

	// Objects below the error prefix raise an alarm, and its topic is told.
	for _, bad := range []string{"-1s", "169h"} {
		if o := run(t, dir, "sandbox", "alarms", "--since", bad); o.code != exitUsage || !strings.Contains(o.stderr, "want 0 to 168h") {
			t.Errorf("--since %s: %+v", bad, o)
		}
	}
	var raised, all []sandbox.AlarmStatus
	for to, args := range map[*[]sandbox.AlarmStatus][]string{&raised: nil, &all: {"--all"}} {
		if err := json.Unmarshal([]byte(must(t, dir, append([]string{"sandbox", "alarms", "--since", "24h", "--json"}, args...)...).stdout), to); err != nil {
			t.Fatal(err)
		}
	}
	if len(raised) == 0 || len(all) <= len(raised) {
		t.Errorf("%d alarms were raised, of %d", len(raised), len(all))
	}
	told := slices.IndexFunc(raised, func(a sandbox.AlarmStatus) bool { return strings.HasSuffix(a.Name, "errors-not-empty") })
	if told < 0 {
		t.Errorf("no alarm says that there are errors: %+v", raised)
	}
	if text := must(t, dir, "sandbox", "alarms", "--since", "24h").stdout; !strings.Contains(text, "errors-not-empty") || !strings.Contains(text, "alarms are in ALARM") {
		t.Error(text)
	}
}
