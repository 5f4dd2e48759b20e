package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/logarchive/logarchive/automation"
	"github.com/logarchive/logarchive/sandbox"
)

// operation runs an operation with --json and returns its result.
func operation(t *testing.T, dir string, args ...string) automation.Result {
	t.Helper()
	o := must(t, dir, append(args, "--json")...)
	var result automation.Result
	if err := json.Unmarshal([]byte(o.stdout), &result); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, o.stdout)
	}
	return result
}

// inhabitants are the objects that stacks made in a project's sandbox, without what is drawn at random.
func inhabitants(t *testing.T, dir string) []string {
	t.Helper()
	world, err := sandbox.OpenWorldReadOnly(filepath.Join(dir, sandboxFolder))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, o := range world.List("") {
		if !o.External {
			all = append(all, fmt.Sprintf("%s in %s, %d properties", o.URN, o.Place, len(o.State)))
		}
	}
	slices.Sort(all)
	return all
}

// TestSandboxLife takes a stack through its life in the sandbox, on the real engine.
func TestSandboxLife(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	if preview := operation(t, dir, "preview", "-s", "global", "--sandbox"); preview.Summary.Create == 0 || preview.Summary.Changes() != preview.Summary.Create {
		t.Errorf("preview: %+v", preview.Summary)
	}
	if len(inhabitants(t, dir)) != 0 {
		t.Error("a preview made something")
	}
	up := operation(t, dir, "up", "-s", "global", "--sandbox")
	if up.Summary.Create < 30 || up.Summary.Changes() != up.Summary.Create || up.Outputs["archive"] == nil {
		t.Errorf("up: %+v, outputs %v", up.Summary, up.Outputs)
	}
	if again := operation(t, dir, "up", "-s", "global", "--sandbox"); again.Summary.Changes() != 0 || again.Summary.Same != up.Summary.Create {
		t.Errorf("second up: %+v", again)
	}
	if refreshed := operation(t, dir, "refresh", "-s", "global", "--sandbox"); refreshed.Summary.Changes() != 0 {
		t.Errorf("refresh: %+v", refreshed)
	}

	o := run(t, dir, "destroy", "-s", "global", "--sandbox")
	if o.code != exitFailed || !strings.Contains(o.stderr, "nothing was changed") || !strings.Contains(o.stderr, "--unprotect") || !strings.Contains(o.stderr, "bucketV2") {
		t.Errorf("destroy of protected resources: %+v", o)
	}
	if partly := operation(t, dir, "destroy", "-s", "global", "--sandbox", "--exclude-protected"); len(partly.Kept) == 0 || len(partly.Retained) != 0 || partly.Summary.Delete == 0 {
		t.Errorf("destroy of what isn't protected: %+v", partly)
	}
	if back := operation(t, dir, "up", "-s", "global", "--sandbox"); back.Summary.Create == 0 || back.Summary.Update+back.Summary.Replace+back.Summary.Delete != 0 {
		t.Errorf("up after that: %+v", back.Summary)
	}
	whole := operation(t, dir, "destroy", "-s", "global", "--sandbox", "--unprotect")
	if len(whole.Retained) == 0 || len(whole.Kept) != 0 {
		t.Errorf("destroy: %+v", whole)
	}
	if left := inhabitants(t, dir); len(left) != len(whole.Retained) {
		t.Errorf("%d objects are left, and %d were named:\n%s", len(left), len(whole.Retained), strings.Join(left, "\n"))
	}
	if o := run(t, dir, "up", "-s", "global", "--sandbox"); o.code != exitFailed || !strings.Contains(o.stderr, "BucketAlreadyOwnedByYou") || !strings.Contains(o.stderr, "logarchive sandbox reset") {
		t.Errorf("up over what was retained: %+v", o)
	}

	must(t, dir, "sandbox", "reset")
	untouched(t, dir)
	must(t, dir, "sandbox", "reset") // there is none any more
}

// TestServe keeps a sandbox running in this process, and works with it from other commands. What a kill leaves, and the
// user's own Pulumi CLI, are tested in folder tests.
func TestServe(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	if o := run(t, dir, "sandbox", "env"); o.code != exitFailed || o.stdout != "" || !strings.Contains(o.stderr, "nothing serves the sandbox") {
		t.Errorf("env while nothing serves: %+v", o)
	}
	// What a killed server leaves.
	if err := os.MkdirAll(filepath.Join(dir, sandboxFolder), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(filepath.Join(dir, sandboxFolder, servedFile), served{PID: 4711, Port: 1}); err != nil {
		t.Fatal(err)
	}
	if o := run(t, dir, "sandbox", "env"); o.code != exitFailed || !strings.Contains(o.stderr, "process 4711, which did, was killed") {
		t.Errorf("env after a kill: %+v", o)
	}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var stdout, stderr safeBuffer
	m := &Main{Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Dir: dir}
	ended := make(chan int, 1)
	go func() { ended <- m.Run(ctx, []string{"sandbox", "serve"}) }()
	await(t, "the sandbox being served", func() bool { return strings.Contains(stdout.String(), "serving the sandbox") })

	if !strings.Contains(stderr.String(), "is taken up again") {
		t.Errorf("serve after a kill says nothing of it: %s", stderr.String())
	}
	if o := run(t, dir, "sandbox", "serve"); o.code != exitFailed || !strings.Contains(o.stderr, "in use") {
		t.Errorf("a second server: %+v", o)
	}
	if o := run(t, dir, "sandbox", "reset"); o.code != exitFailed || !strings.Contains(o.stderr, "in use") {
		t.Errorf("reset while it is served: %+v", o)
	}
	var env map[string]string
	if err := json.Unmarshal([]byte(must(t, dir, "sandbox", "env", "--json").stdout), &env); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"PULUMI_DEBUG_PROVIDERS", "PULUMI_DEBUG_LANGUAGES", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_HOME", "PATH"} {
		if env[name] == "" {
			t.Errorf("env says nothing of %s: %v", name, env)
		}
	}
	if text := must(t, dir, "sandbox", "env").stdout; !strings.Contains(text, "export PULUMI_DEBUG_PROVIDERS='aws:") || !strings.Contains(text, `:"$PATH"`) {
		t.Errorf("env prints\n%s", text)
	}

	if up := operation(t, dir, "up", "-s", "global", "--sandbox"); up.Summary.Create < 30 {
		t.Errorf("up in the served sandbox: %+v", up.Summary)
	}
	if again := operation(t, dir, "up", "-s", "global", "--sandbox"); again.Summary.Changes() != 0 {
		t.Errorf("second up: %+v", again.Summary)
	}
	if text := must(t, dir, "sandbox", "ls").stdout; !strings.Contains(text, "flow-log:") {
		t.Errorf("ls:\n%s", text)
	}
	// The process that serves it does what others ask for.
	if o := run(t, dir, "sandbox", "create-log-group", "/app/served"); o.code != exitUsage || !strings.Contains(o.stderr, "--account") {
		t.Errorf("a group that can be in two accounts: %+v", o)
	}
	group := []string{"sandbox", "create-log-group", "/app/served", "--account", "333344445555", "--region", "us-east-1"}
	must(t, dir, group...)
	if o := run(t, dir, group...); o.code != exitFailed || !strings.Contains(o.stderr, "ResourceAlreadyExistsException") {
		t.Errorf("the same group again: %+v", o)
	}
	must(t, dir, "sandbox", "wait", "2h")

	// A changed configuration refers to something else that is there.
	data, err := os.ReadFile(filepath.Join(dir, "Pulumi.global.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	vpc := regexp.MustCompile(`vpc-[0-9a-f]{17}`).FindString(string(data))
	edit(t, dir, "Pulumi.global.yaml", vpc, "vpc-0123456789abcdef0")
	await(t, "the changed file being noticed", func() bool { return strings.Contains(stderr.String(), "Pulumi.global.yaml was changed") })
	if up := operation(t, dir, "up", "-s", "global", "--sandbox"); up.Summary.Changes() == 0 {
		t.Errorf("up after a change: %+v", up.Summary)
	}

	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("serve ended with %d\n%s", code, stderr.String())
	}
	if o := run(t, dir, "sandbox", "env"); o.code != exitFailed {
		t.Errorf("env after serve has ended: %+v", o)
	}
	must(t, dir, "sandbox", "reset")
	untouched(t, dir)
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// TestDemo runs the main job twice in the same sandbox.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	for round := range 2 {
		o := must(t, dir, "demo", "--lines", "200", "--json")
		var result demoResult
		if err := json.Unmarshal([]byte(o.stdout), &result); err != nil {
			t.Fatal(err)
		}
		if len(result.Sources) < 10 || result.Lines == 0 || result.Objects == 0 || result.Region != "cn-northwest-1" {
			t.Errorf("%+v", result)
		}
		kinds := map[string]bool{}
		for _, row := range result.Sources {
			kinds[row.Path] = true
			if row.Sent != 200 || row.Selected == 0 || row.Found != row.Selected || row.Bytes == 0 || !strings.HasPrefix(row.Example, "s3://") || len(row.Problems) != 0 {
				t.Errorf("%+v", row)
			}
		}
		for _, path := range []string{"flow log > bucket", "flow log > log group > Firehose > bucket", "log group > Firehose > bucket", "database > log group > Firehose > bucket"} {
			if !kinds[path] {
				t.Errorf("no source takes the path %s: %v", path, kinds)
			}
		}
		var up string
		for _, phase := range result.Phases {
			if phase.Name == "up" {
				up = phase.Result
			}
		}
		if created := strings.Contains(up, "created"); created != (round == 0) {
			t.Errorf("round %d: up: %s", round, up)
		}
	}

	// What is there can be looked at.
	var all listing
	if err := json.Unmarshal([]byte(must(t, dir, "sandbox", "ls", "--json").stdout), &all); err != nil || len(all.Sources) < 10 || len(all.Waiting) != 0 {
		t.Fatalf("%d sources, waiting %v, %v", len(all.Sources), all.Waiting, err)
	}
	archive := slices.IndexFunc(all.Buckets, func(b bucketListing) bool { return strings.Contains(b.Name, "-log-archive-") })
	if archive < 0 || len(all.Buckets) != 3 {
		t.Fatalf("%+v", all.Buckets)
	}
	bucket := all.Buckets[archive].Name
	var objects listing
	if err := json.Unmarshal([]byte(must(t, dir, "sandbox", "ls", "--json", bucket).stdout), &objects); err != nil || len(objects.Objects) != all.Buckets[archive].Objects {
		t.Fatalf("%d objects, %v, want %d", len(objects.Objects), err, all.Buckets[archive].Objects)
	}
	forms := map[string]string{".parquet": `"account_id":`, "flow-logs-direct/text/AWSLogs/1": "version account-id", "logs/account": `"messageType":"DATA_MESSAGE"`}
	for part, want := range forms {
		i := slices.IndexFunc(objects.Objects, func(o sandbox.StoredObject) bool { return strings.Contains(o.Key, part) })
		if i < 0 {
			t.Errorf("no object with %s in its key", part)
			continue
		}
		if text := must(t, dir, "sandbox", "cat", bucket+"/"+objects.Objects[i].Key).stdout; !strings.Contains(text, want) {
			t.Errorf("%s reads %.200s", objects.Objects[i].Key, text)
		}
		if raw := must(t, dir, "sandbox", "cat", "--raw", "s3://"+bucket+"/"+objects.Objects[i].Key).stdout; int64(len(raw)) != objects.Objects[i].Size {
			t.Errorf("%s: %d raw bytes, want %d", objects.Objects[i].Key, len(raw), objects.Objects[i].Size)
		}
	}
	if o := must(t, dir, "sandbox", "ls", bucket+"/logs/"); strings.Contains(o.stdout, "databases/") || !strings.Contains(o.stdout, "logs/account") {
		t.Errorf("a prefix: %s", o.stdout)
	}
	for line, want := range map[string]string{
		"sandbox ls nothing":                 `there is no bucket "nothing" in the sandbox: ` + all.Buckets[0].Name,
		"sandbox cat " + bucket + "/nothing": "NoSuchKey",
		"sandbox cat nothing/x":              `there is no bucket "nothing"`,
	} {
		if o := run(t, dir, strings.Fields(line)...); o.code != exitFailed || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: %+v, want %q", line, o, want)
		}
	}

	newLogGroups(t, dir)

	// Lines of one's own.
	o := runWith(t, dir, "hello, archive\n", "sandbox", "send", "--source", "orders-api", "--json")
	var receipt sent
	if err := json.Unmarshal([]byte(o.stdout), &receipt); err != nil || o.code != exitOK || receipt.Selected != 1 || len(receipt.Objects) == 0 {
		t.Fatalf("%+v", o)
	}
	if text := must(t, dir, "sandbox", "cat", receipt.Objects[len(receipt.Objects)-1]).stdout; !strings.Contains(text, "hello, archive") {
		t.Errorf("the object with the line reads %s", text)
	}
	must(t, dir, "sandbox", "send", "--source", "vpc-0a1b", "--generate", "3", "--hold")
	if text := must(t, dir, "sandbox", "ls").stdout; !strings.Contains(text, "3 lines") {
		t.Errorf("what waits isn't listed:\n%s", text)
	}
	must(t, dir, "sandbox", "flush")
	for line, want := range map[string]string{
		"sandbox send":                                         "which source?",
		"sandbox send --source nothing":                        "is not one source; want one of",
		"sandbox send --source orders-api":                     "there are no lines to send",
		"sandbox send --source orders-api --file no.log":       "no.log",
		"sandbox send --source vpc-0a1b --generate 3 --file x": "contradict each other",
		"sandbox send --source orders-api --generate -1":       "--generate -1",
		"sandbox cat":    "which object?",
		"sandbox ls a b": "takes one argument at most",
		"demo --lines 0": "--lines 0: from 1 to 1000000",
	} {
		if o := run(t, dir, strings.Fields(line)...); o.code != exitUsage || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: %+v, want exit code 2 and %q", line, o, want)
		}
	}
}

// newLogGroups creates log groups in the sandbox of stack beijing, which its subscriber finds.
func newLogGroups(t *testing.T, dir string) {
	t.Helper()
	var made createdGroup
	o := must(t, dir, "sandbox", "create-log-group", "/app/checkout", "--tag", "archive=yes,team=shop", "--json")
	if err := json.Unmarshal([]byte(o.stdout), &made); err != nil || !slices.Equal(made.Filters, []string{"log-archive-logs-subscriber"}) || made.Broken != "" || len(made.Refused) != 0 || made.RetentionDays != 180 {
		t.Fatalf("%+v, %v", made, err)
	}
	o = runWith(t, dir, "hello from a new group\n", "sandbox", "send", "--source", "/app/checkout", "--json")
	var receipt sent
	if err := json.Unmarshal([]byte(o.stdout), &receipt); err != nil || len(receipt.Objects) != 1 {
		t.Fatalf("%+v", o)
	}
	if text := must(t, dir, "sandbox", "cat", receipt.Objects[0]).stdout; strings.Count(text, "hello from a new group") != 1 {
		t.Errorf("the object with the line reads %s", text)
	}
	// One that waits for its event, and one that waits for the sweep.
	must(t, dir, "sandbox", "create-log-group", "/app/held", "--tag", "archive=yes", "--hold")
	if text := must(t, dir, "sandbox", "ls").stdout; !strings.Contains(text, "1 events") {
		t.Errorf("the event isn't listed:\n%s", text)
	}
	must(t, dir, "sandbox", "create-log-group", "/app/unseen", "--tag", "archive=yes", "--no-event")
	must(t, dir, "sandbox", "flush")
	if o := runWith(t, dir, "x\n", "sandbox", "send", "--source", "/app/held"); o.code != exitOK {
		t.Errorf("%+v", o)
	}
	if o := runWith(t, dir, "x\n", "sandbox", "send", "--source", "/app/unseen"); o.code != exitFailed || !strings.Contains(o.stderr, "has no subscription filter") {
		t.Errorf("before the sweep: %+v", o)
	}
	if o := must(t, dir, "sandbox", "wait", "61m"); !strings.Contains(o.stdout, "clock is at") || strings.Contains(o.stdout, "refused") {
		t.Errorf("wait: %s", o.stdout)
	}
	if o := runWith(t, dir, "x\n", "sandbox", "send", "--source", "/app/unseen"); o.code != exitOK {
		t.Errorf("after the sweep: %+v", o)
	}
	for line, want := range map[string]string{
		"sandbox create-log-group":                           "which log group?",
		"sandbox create-log-group /a --region eu-central-1":  "no stream is there",
		"sandbox create-log-group /a --tag x":                "must be formatted as key=value",
		"sandbox wait":                                       "for how long?",
		"sandbox wait soon":                                  `"soon" is not a duration`,
		"sandbox wait -1h":                                   "",
		"sandbox create-log-group /a --region x --account 1": "not a region",
	} {
		if o := run(t, dir, strings.Fields(line)...); o.code != exitUsage || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: %+v, want exit code 2 and %q", line, o, want)
		}
	}
	for line, want := range map[string]string{
		"sandbox create-log-group /app/checkout":                 "ResourceAlreadyExistsException",
		"sandbox create-log-group /app/a:b":                      "InvalidParameterException",
		"sandbox create-log-group /app/x --log-group-class COLD": "log",
		"sandbox create-log-group aws/x":                         "reserved for AWS",
		"sandbox create-log-group /app/x --retention-in-days 17": "InvalidParameterException",
	} {
		if o := run(t, dir, strings.Fields(line)...); o.code != exitFailed || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: %+v, want exit code 1 and %q", line, o, want)
		}
	}
}

// TestEmptySandbox looks into a sandbox in which nothing was deployed.
func TestEmptySandbox(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	for _, line := range []string{"sandbox ls", "sandbox send --source x", "sandbox cat a/b", "sandbox flush", "sandbox alarms"} {
		if o := run(t, dir, strings.Fields(line)...); o.code != exitFailed || !strings.Contains(o.stderr, "deploy a stack with") {
			t.Errorf("%s: %+v", line, o)
		}
	}
	untouched(t, dir)
}
