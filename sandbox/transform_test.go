package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const testFunction = "archive-transform"

var (
	testFunctionARN = sourcePlace.ARN(partition.Lambda, "function:"+testFunction).String()
	functionRole    = sourcePlace.RoleARN("transform").String()
)

// invokeStatements are what Firehose's role needs besides, for a function.
func invokeStatements() []policy.Statement {
	return []policy.Statement{
		allow(nil, []string{"lambda:InvokeFunction"}, []string{testFunctionARN + ":*"}, nil),
		allow(nil, []string{"lambda:GetFunctionConfiguration"}, []string{testFunctionARN + ":*"}, nil),
	}
}

// functionStatements are what the function's role needs.
func functionStatements() []policy.Statement {
	return []policy.Statement{
		allow(nil, []string{"firehose:PutRecordBatch"}, []string{testStreamARN}, nil),
		allow(nil, []string{"logs:CreateLogStream", "logs:PutLogEvents"}, []string{sourcePlace.LogGroupARN("/aws/lambda/" + testFunction + "*").String()}, nil),
	}
}

// withTransform gives the stream of a test world the transform function, with parameters of the processor and environment
// variables of the function, name by name.
func withTransform(t testing.TB, w *testResources, parameters, environ map[string]any) {
	t.Helper()
	list := []any{map[string]any{"parameterName": "LambdaArn", "parameterValue": testFunctionARN + ":$LATEST"}}
	for name, value := range parameters {
		list = append(list, map[string]any{"parameterName": name, "parameterValue": value})
	}
	configure(w, "processingConfiguration", map[string]any{
		"enabled": true, "processors": []any{map[string]any{"type": "Lambda", "parameters": list}},
	}, "compressionFormat", "GZIP")
	w.change(rolePolicyToken, "firehose-logs:own", set("policy", document(append(streamStatements(), invokeStatements()...)...)))
	w.add(roleToken, sourcePlace, "transform", map[string]any{
		"name": "transform", "arn": functionRole, "assumeRolePolicy": trustDocument(service(t, partition.Lambda, partition.Trust), nil),
	})
	w.add(rolePolicyToken, sourcePlace, "transform:own", map[string]any{"name": "own", "role": "transform", "policy": document(functionStatements()...)})
	w.add(logGroupToken, sourcePlace, "/aws/lambda/"+testFunction, map[string]any{"name": "/aws/lambda/" + testFunction, "arn": sourcePlace.LogGroupARN("/aws/lambda/" + testFunction).String()})
	w.add(catalog.Function, sourcePlace, testFunction, map[string]any{
		"name": testFunction, "arn": testFunctionARN, "role": functionRole, "timeout": 60, "handler": "bootstrap", "runtime": "provided.al2023",
	})
	setEnviron(w, environ)
}

// setEnviron changes the environment of the function.
func setEnviron(w *testResources, environ map[string]any) {
	variables := map[string]any{HandlerVariable: "transform"}
	for name, value := range environ {
		variables[name] = value
	}
	w.change(catalog.Function, testFunction, func(m resource.PropertyMap) {
		m["environment"] = resource.NewPropertyValue(map[string]any{"variables": variables})
	})
}

// dynamic partitions the stream's objects.
func dynamic(w *testResources, prefix string) {
	configure(w, "dynamicPartitioningConfiguration", map[string]any{"enabled": true}, "bufferingSize", 64, "prefix", prefix)
}

// failures reads all lines of the error prefix.
func failures(t testing.TB, d *Delivery) []failedLine {
	t.Helper()
	objects, err := d.store.List(testBucket, "errors/")
	if err != nil {
		t.Fatal(err)
	}
	var all []failedLine
	for _, o := range objects {
		if !strings.HasPrefix(o.Key, "errors/"+processingFailed+"/") {
			t.Errorf("an error under %s", o.Key)
		}
		file, _, err := d.store.Open(o.Bucket, o.Key)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(file)
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(data) {
			var f failedLine
			if err := json.Unmarshal(line, &f); err != nil {
				t.Fatalf("%s: %v in %.200q", o.Key, err, line)
			}
			all = append(all, f)
		}
	}
	return all
}

// messages are the log events in the records of error lines.
func messages(t testing.TB, lines []failedLine) []string {
	t.Helper()
	var all []string
	for _, f := range lines {
		err := readEvents(bytes.NewReader(f.RawData), func(e archivedEvent) {
			for _, event := range e.LogEvents {
				if e.MessageType == dataMessage {
					all = append(all, event.Message)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func ordered(lines []string) []string { return slices.Sorted(slices.Values(lines)) }

// A stream with the function writes a line for each event, compressed, and nothing of control messages.
func TestTransform(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTestWorld(t)
	withTransform(t, w, map[string]any{"BufferSizeInMBs": "0.2", "BufferIntervalInSeconds": "30"}, map[string]any{"LOGARCHIVE_TRANSFORM_EXTRA_FIELDS": "site=beijing,messageType", "LOGARCHIVE_TRANSFORM_LOG_SAMPLE": "1"})
	d := newTestDelivery(t, w)
	group, database := findSource(t, d, testGroup), findSource(t, d, "orders")
	if !strings.Contains(group.Path, "Firehose logs (function "+testFunction+") -> s3://") || group.Broken != "" {
		t.Errorf("path %s, broken %s", group.Path, group.Broken)
	}
	for _, s := range d.Sources() {
		if strings.Contains(s.Name, "/aws/lambda/") {
			t.Errorf("the function's own log is a source: %s", s.ID)
		}
	}
	want := []string{"plain", "line\r\nof two \"quoted\" \\ ", "é \u2028 " + strings.Repeat("long ", 10_000)}
	if _, err := d.Send(ctx, group, want); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Send(ctx, database, []string{"of the database"}); err != nil {
		t.Fatal(err)
	}
	before := d.clock.Now()
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if took := d.clock.Now().Sub(before); took != 90*time.Second {
		t.Errorf("it took %s, want the processor's 30 s and the stream's 60 s", took)
	}
	objects, err := d.store.List(testBucket, "logs/")
	if err != nil || len(objects) != 1 || objects[0].Records != 4 || objects[0].ContentEncoding != "gzip" {
		t.Fatalf("%+v, %v", objects, err)
	}
	packed, err := os.ReadFile(d.store.Path(testBucket, objects[0].Key))
	if err != nil {
		t.Fatal(err)
	}
	var line struct{ ID, Message, LogGroup, LogStream, Owner, Site string }
	if err := json.Unmarshal(bytes.SplitAfter(gunzip(t, packed), []byte{'\n'})[0], &line); err != nil || line.Message != "plain" || line.Site != "beijing" || line.LogGroup != testGroup || line.ID == "" {
		t.Errorf("%+v, %v", line, err)
	}
	if got, refs, err := d.Find(ctx, group); !cmp.Equal(want, got) || err != nil || len(refs) != 1 || refs[0].Lines != 3 {
		t.Errorf("found %.80q in %+v, %v", got, refs, err)
	}
	if got, _, err := d.Find(ctx, database); !cmp.Equal([]string{"of the database"}, got) || err != nil {
		t.Errorf("found %q, %v", got, err)
	}
	if got := failures(t, d); got != nil {
		t.Errorf("failed: %+v", got)
	}
	log, err := os.ReadFile(filepath.Join(d.store.Dir(), functionLogs, string(sourcePlace.Account), string(sourcePlace.Region), testFunction+".log"))
	if err != nil || !bytes.Contains(log, []byte(`"Events":4`)) {
		t.Errorf("the function's log: %s, %v", log, err)
	}
	if status, err := d.Status(); len(status) > 0 || err != nil {
		t.Errorf("left over: %+v, %v", status, err)
	}
}

// Whatever goes wrong with the function, the records are in the error prefix as they came.
func TestTransformFailures(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		before   func(*testResources, *Delivery)
		code     string
		attempts int
		took     time.Duration
		refused  string // the action that Flush reports as refused
	}{
		{"errors", func(_ *testResources, d *Delivery) { d.Disturb(DisturbFunctionError, 99) }, "Lambda.FunctionError", 4, 0, ""},
		{"one retry", func(w *testResources, d *Delivery) {
			withParameter(w, "NumberOfRetries", "1")
			d.Disturb(DisturbFunctionError, 99)
		}, "Lambda.FunctionError", 2, 0, ""},
		{"its own timeout", func(_ *testResources, d *Delivery) { d.Disturb(DisturbFunctionTimeout, 99) }, "Lambda.FunctionError", 4, 4 * time.Minute, ""},
		{"Firehose's timeout", func(w *testResources, d *Delivery) {
			w.change(catalog.Function, testFunction, func(m resource.PropertyMap) { m["timeout"] = resource.NewNumberProperty(900) })
			d.Disturb(DisturbFunctionTimeout, 99)
		}, "Lambda.FunctionTimedOut", 4, 20 * time.Minute, ""},
		{"throttled", func(_ *testResources, d *Delivery) { d.Disturb(DisturbFunctionThrottle, 99) }, "Lambda.InvokeLimitExceeded", 4, 0, ""},
		{"no concurrency", func(w *testResources, _ *Delivery) {
			w.change(catalog.Function, testFunction, func(m resource.PropertyMap) { m["reservedConcurrentExecutions"] = resource.NewNumberProperty(0) })
		}, "Lambda.InvokeLimitExceeded", 4, 0, ""},
		{"record ids", func(_ *testResources, d *Delivery) { d.Disturb(DisturbFunctionAnswer, 99) }, "Lambda.MissingRecordId", 1, 0, ""},
		{"configuration", func(w *testResources, _ *Delivery) {
			setEnviron(w, map[string]any{"LOGARCHIVE_TRANSFORM_CLASS": "not a class"})
		}, "Lambda.FunctionError", 4, 0, ""},
		{"no function", func(w *testResources, _ *Delivery) { w.remove(catalog.Function, testFunction) }, "Lambda.ResourceNotFound", 4, 0, "lambda:InvokeFunction"},
		{"may not be invoked", func(w *testResources, _ *Delivery) {
			w.change(rolePolicyToken, "firehose-logs:own", set("policy", document(append(streamStatements(), invokeStatements()[1])...)))
		}, "Lambda.InvokeAccessDenied", 4, 0, "lambda:InvokeFunction"},
		{"may not be looked at", func(w *testResources, _ *Delivery) {
			w.change(rolePolicyToken, "firehose-logs:own", set("policy", document(append(streamStatements(), invokeStatements()[0])...)))
		}, "Lambda.InvokeAccessDenied", 4, 0, "lambda:GetFunctionConfiguration"},
		{"its role isn't Lambda's", func(w *testResources, _ *Delivery) {
			w.change(roleToken, "transform", set("assumeRolePolicy", document(allow(policy.AWSPrincipals(sourcePlace.RootARN().String()), []string{"sts:AssumeRole"}, nil, nil))))
		}, "Lambda.InvokeAccessDenied", 4, 0, "sts:AssumeRole"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			w := newTestWorld(t)
			withTransform(t, w, map[string]any{"BufferIntervalInSeconds": "30"}, nil)
			d := newTestDelivery(t, w)
			s := findSource(t, d, testGroup)
			if _, err := d.Send(ctx, s, []string{"one", "two"}); err != nil {
				t.Fatal(err)
			}
			arrived := d.clock.Now()
			test.before(w, d)
			err := d.Flush(ctx)
			var refusal *Refusal
			if errors.As(err, &refusal) != (test.refused != "") || (refusal != nil && refusal.Hop.Action != test.refused) || (refusal == nil && err != nil) {
				t.Errorf("flush: %v", err)
			}
			got := failures(t, d)
			if len(got) != 2 { // a control message and a batch
				t.Fatalf("%d lines failed", len(got))
			}
			invoked := arrived.Add(30 * time.Second)
			want := failedLine{ErrorCode: test.code, AttemptsMade: test.attempts, ArrivalTimestamp: arrived.UnixMilli(), AttemptEndingTimestamp: invoked.Add(test.took).UnixMilli(), LambdaARN: testFunctionARN + ":$LATEST"}
			for _, f := range got {
				f.ErrorMessage, f.RawData = "", nil
				if diff := cmp.Diff(want, f); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
			if lines := messages(t, got); !cmp.Equal(lines, []string{"one", "two"}) {
				t.Errorf("failed: %q", lines)
			}
			if found, _, err := d.Find(ctx, s); len(found) > 0 || (err != nil && test.name != "no function") {
				t.Errorf("found %q, %v", found, err)
			}
			if status, err := d.Status(); len(status) > 0 || err != nil {
				t.Errorf("left over: %+v, %v", status, err)
			}
		})
	}
}

func withParameter(w *testResources, name, value string) {
	configure(w, "processingConfiguration", map[string]any{"enabled": true, "processors": []any{map[string]any{"type": "Lambda", "parameters": []any{
		map[string]any{"parameterName": "LambdaArn", "parameterValue": testFunctionARN + ":$LATEST"},
		map[string]any{"parameterName": "BufferIntervalInSeconds", "parameterValue": "30"},
		map[string]any{"parameterName": name, "parameterValue": value},
	}}}})
}

// A function that fails for a while is tried again.
func TestTransformRetries(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTestWorld(t)
	withTransform(t, w, nil, nil)
	d := newTestDelivery(t, w)
	s := findSource(t, d, testGroup)
	d.Disturb(DisturbFunctionError, 1)
	d.Disturb(DisturbFunctionTimeout, 1)
	d.Disturb(DisturbFunctionThrottle, 1)
	if _, err := d.Send(ctx, s, []string{"one"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if found, _, err := d.Find(ctx, s); !cmp.Equal(found, []string{"one"}) || err != nil {
		t.Errorf("found %q, %v", found, err)
	}
}

// What is not a function of the project is refused before anything is sent, and what Firehose has and the sandbox
// doesn't, too.
func TestTransformUnknown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change func(*testResources)
		want   string
	}{
		{func(w *testResources) { setEnviron(w, map[string]any{HandlerVariable: "mine"}) }, `its environment variable LOGARCHIVE_FUNCTION is "mine", want one of subscribe, transform`},
		{func(w *testResources) {
			w.change(catalog.Function, testFunction, func(m resource.PropertyMap) { delete(m, "environment") })
		}, `it has no environment variable LOGARCHIVE_FUNCTION, want one of subscribe, transform (its handler is "bootstrap", its runtime "provided.al2023")`},
		{func(w *testResources) { withParameter(w, "BufferSizeInMBs", "4") }, "want a number from 0.2 to 3"},
		{func(w *testResources) { withParameter(w, "Delimiter", "x") }, "no such parameter"},
		{func(w *testResources) {
			configure(w, "processingConfiguration", map[string]any{"enabled": true, "processors": []any{map[string]any{"type": "Decompression"}}})
		}, `"Decompression"`},
		{func(w *testResources) { configure(w, "prefix", "a/!{partitionKeyFromLambda:hour}/") }, "dynamicPartitioningConfiguration isn't enabled"},
		{func(w *testResources) { dynamic(w, "logs/") }, "partitions by these only"},
	} {
		w := newTestWorld(t)
		withTransform(t, w, nil, nil)
		test.change(w)
		d := newTestDelivery(t, w)
		s := findSource(t, d, testGroup)
		if _, err := d.Send(context.Background(), s, []string{"x"}); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(s.Broken, test.want) {
			t.Errorf("want %q: %v\nbroken: %s", test.want, err, s.Broken)
		}
	}
}

// With dynamic partitioning, an event is in the object of its own hour and log group, and a buffer for each.
func TestTransformPartitions(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTestWorld(t)
	withTransform(t, w, nil, map[string]any{"LOGARCHIVE_TRANSFORM_PARTITION_KEYS": "logGroup,hour"})
	dynamic(w, "logs/group=!{partitionKeyFromLambda:logGroup}/hour=!{partitionKeyFromLambda:hour}/!{timestamp:yyyy}/")
	d := newTestDelivery(t, w)
	group, database := findSource(t, d, testGroup), findSource(t, d, "orders")
	for i := range 6 {
		if _, err := d.Send(ctx, []Source{group, database}[i%2], []string{fmt.Sprint("line ", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.clock.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Send(ctx, group, []string{"an hour later"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	objects, err := d.store.List(testBucket, "logs/")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, fmt.Sprint(o.Key[:strings.LastIndexByte(o.Key, '/')], " ", o.Records))
	}
	first, then := someTime.Format("15"), someTime.Add(time.Hour).Format("15")
	year := someTime.Format("/2006")
	want := []string{
		"logs/group=%2Fapp%2Fweb/hour=" + first + year + " 3", "logs/group=%2Fapp%2Fweb/hour=" + then + year + " 1",
		"logs/group=%2Faws%2Frds%2Finstance%2Forders%2Ferror/hour=" + first + year + " 3",
	}
	if diff := cmp.Diff(want, ordered(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if found, _, err := d.Find(ctx, group); !cmp.Equal(ordered(found), []string{"an hour later", "line 0", "line 2", "line 4"}) || err != nil {
		t.Errorf("found %q, %v", found, err)
	}
	if left, err := filepath.Glob(filepath.Join(d.store.Dir(), deliveryRoot, outputBuffers, "*", "*", "*")); len(left) > 0 || err != nil {
		t.Errorf("partitions that are done are still there: %v, %v", left, err)
	}
	// A key that the function doesn't give.
	setEnviron(w, map[string]any{"LOGARCHIVE_TRANSFORM_PARTITION_KEYS": "hour"})
	if _, err := d.Send(ctx, group, []string{"without a group"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	failed := failures(t, d)
	if len(failed) != 1 || failed[0].ErrorCode != missingKey.code || !cmp.Equal(messages(t, failed), []string{"without a group"}) {
		t.Errorf("failed: %+v", failed)
	}
}

// What is more than Lambda answers goes back to the stream, or fails: never both.
func TestTransformPutsBack(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		refuse bool
	}{{"taken", false}, {"refused", true}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			w := newTestWorld(t)
			withTransform(t, w, map[string]any{"BufferSizeInMBs": "3"}, map[string]any{"LOGARCHIVE_TRANSFORM_MAX_RESPONSE_BYTES": "65536", "LOGARCHIVE_TRANSFORM_MAX_REINGESTIONS": "200"})
			if test.refuse {
				w.change(rolePolicyToken, "transform:own", set("policy", document(functionStatements()[1])))
			}
			d := newTestDelivery(t, w)
			d.Disturb(DisturbPutRecordBatch, 3)
			s := findSource(t, d, testGroup)
			var sent []string
			for i := range 30 {
				lines := make([]string, 40)
				for n := range lines {
					lines[n] = fmt.Sprint(i, "-", n, " ", strings.Repeat("x", 200))
				}
				sent = append(sent, lines...)
				if _, err := d.Send(ctx, s, lines); err != nil {
					t.Fatal(err)
				}
			}
			err := d.Flush(ctx)
			if refusal := (*Refusal)(nil); errors.As(err, &refusal) != test.refuse || (refusal != nil && refusal.Hop.Action != "firehose:PutRecordBatch") {
				t.Errorf("flush: %v", err)
			}
			found, _, err := d.Find(ctx, s)
			if err != nil {
				t.Fatal(err)
			}
			failed := messages(t, failures(t, d))
			if (len(failed) > 0) != test.refuse {
				t.Errorf("%d lines failed", len(failed))
			}
			if !cmp.Equal(ordered(sent), ordered(append(found, failed...))) {
				t.Errorf("%d sent, %d found, %d failed", len(sent), len(found), len(failed))
			}
		})
	}
}
