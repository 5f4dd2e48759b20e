package automation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

func TestFromEngine(t *testing.T) {
	t.Parallel()
	const bucket = "urn:pulumi:beijing::log-archive::logarchive:index:LogArchiveBucket$aws:s3/bucketV2:BucketV2::archive"
	at := time.Unix(1795000000, 0).UTC()
	for name, test := range map[string]struct {
		event string
		want  *Event // nil: nothing to tell
	}{
		"a creation begins": {
			`{"resourcePreEvent":{"metadata":{"op":"create","urn":"` + bucket + `","type":"aws:s3/bucketV2:BucketV2","new":{"custom":true,"protect":true,"retainOnDelete":true}}}}`,
			&Event{Kind: Started, Op: Create, URN: bucket, Type: "aws:s3/bucketV2:BucketV2", Name: "archive", Custom: true, Protect: true, Retain: true},
		},
		"a replacement is done": {
			`{"resOutputsEvent":{"metadata":{"op":"replace","urn":"` + bucket + `","type":"aws:s3/bucketV2:BucketV2","old":{"custom":true},"new":{"custom":true},"keys":["bucket"],"diffs":["bucket","tags"]}}}`,
			&Event{Kind: Done, Op: Replace, URN: bucket, Type: "aws:s3/bucketV2:BucketV2", Name: "archive", Custom: true, Changed: []string{"bucket", "tags"}, Replaces: []string{"bucket"}},
		},
		"a deletion fails": {
			`{"resOpFailedEvent":{"metadata":{"op":"delete","urn":"` + bucket + `","type":"aws:s3/bucketV2:BucketV2","old":{"custom":true}}}}`,
			&Event{Kind: Failed, Op: Delete, URN: bucket, Type: "aws:s3/bucketV2:BucketV2", Name: "archive", Custom: true},
		},
		"an error": {
			`{"diagnosticEvent":{"urn":"` + bucket + `","severity":"error","prefix":"<{%fg 1%}>error: <{%reset%}>","message":"<{%reset%}>BucketAlreadyExists\n<{%reset%}>"}}`,
			&Event{Kind: Diagnostic, URN: bucket, Type: "aws:s3/bucketV2:BucketV2", Name: "archive", Severity: Error, Message: "error: BucketAlreadyExists"},
		},
		"a message that passes": {`{"diagnosticEvent":{"severity":"info","message":"Retrying ...","ephemeral":true}}`, nil},
		"an empty message":      {`{"diagnosticEvent":{"severity":"info#err","message":"<{%reset%}>\n<{%reset%}>"}}`, nil},
		"debugging":             {`{"diagnosticEvent":{"severity":"debug","message":"x"}}`, nil},
		"of the program":        {`{"diagnosticEvent":{"severity":"info#err","message":"hello"}}`, &Event{Kind: Diagnostic, Severity: Info, Message: "hello"}},
		"of the engine":         {`{"errorEvent":{"error":"the state is damaged"}}`, &Event{Kind: Diagnostic, Severity: Error, Message: "the state is damaged"}},
		"counts": {
			`{"summaryEvent":{"resourceChanges":{"create":3,"same":7,"replace":1,"create-replacement":1,"delete-replaced":1,"import":2,"update":4,"delete":5}}}`,
			&Event{Kind: Finished, Counts: &Summary{Create: 3, Same: 7, Replace: 1, Other: 2, Update: 4, Delete: 5}},
		},
		"the prelude": {`{"preludeEvent":{"config":{}}}`, nil},
	} {
		var engine apitype.EngineEvent
		if err := json.Unmarshal([]byte(test.event), &engine); err != nil {
			t.Fatal(err)
		}
		engine.Timestamp = int(at.Unix())
		got, ok := fromEngine(engine)
		if test.want == nil {
			if ok {
				t.Errorf("%s: %+v, want nothing", name, got)
			}
			continue
		}
		test.want.Time = at
		if diff := cmp.Diff(*test.want, got); diff != "" || !ok {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestFailureText(t *testing.T) {
	t.Parallel()
	diagnostic := func(name, message string) Event {
		e := Event{Kind: Diagnostic, Severity: Error, Message: message}
		if name != "" {
			e.URN, e.Type, e.Name = "urn:"+name, "aws:iam/role:Role", name
		}
		return e
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for name, test := range map[string]struct {
		ctx    context.Context
		events []Event
		stderr string
		err    error
		want   string
	}{
		"a resource's reason, once, without what repeats it": {
			context.Background(), []Event{diagnostic("writer", "error: MalformedPolicyDocument:\nno principal"), diagnostic("writer", "MalformedPolicyDocument:\nno principal"), diagnostic("", "update failed")}, "error: update failed", errors.New("x"),
			"up of stack beijing failed\n  aws:iam/role:Role writer: MalformedPolicyDocument:\n    no principal",
		},
		"the CLI's words when there are no diagnostics": {
			context.Background(), nil, "warning: old\n<{%reset%}>error: passphrase must be set\n\n", errors.New("x"),
			"up of stack beijing failed: warning: old\nerror: passphrase must be set",
		},
		"the error's when there are none either": {context.Background(), nil, "", errors.New("fork: no memory\nstdout: much"), "up of stack beijing failed: fork: no memory"},
		"interrupted":                            {cancelled, nil, "", errors.New("signal: killed"), "up of stack beijing was interrupted"},
	} {
		err := failure(test.ctx, "up", "beijing", test.events, test.stderr, test.err)
		if err.Error() != test.want {
			t.Errorf("%s: %q, want %q", name, err, test.want)
		}
		if !errors.Is(err, test.err) {
			t.Errorf("%s: the cause is lost", name)
		}
	}
	var locked *LockedError
	if err := failure(context.Background(), "up", "beijing", nil, "error: [409] Conflict: Another update is currently in progress.", errors.New("x")); !errors.As(err, &locked) {
		t.Errorf("%v, want a LockedError", err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	protected := []StateResource{{Type: "aws:s3/bucketV2:BucketV2", Name: "archive", ID: "acme-logs", Retain: true}}
	for _, test := range []struct {
		err  error
		want []string
	}{
		{&ProtectedError{Stack: "beijing", Protected: protected}, []string{"nothing was changed", "aws:s3/bucketV2:BucketV2 archive (acme-logs), stays in AWS", "--unprotect", "--exclude-protected"}},
		{&LockedError{Stack: "beijing", Locks: []Lock{{PID: 4711, Host: "builder", User: "ops", Path: "/state/lock.json"}}}, []string{"process 4711 of ops on builder", "--force-unlock"}},
		{&NoStackError{Stack: "beijing", Backend: "file:///state"}, []string{"no stack beijing in file:///state"}},
	} {
		for _, want := range test.want {
			if !strings.Contains(test.err.Error(), want) {
				t.Errorf("%q doesn't say %q", test.err, want)
			}
		}
	}
}

func TestKeptWith(t *testing.T) {
	t.Parallel()
	resources := []StateResource{
		{URN: "stack"}, {URN: "provider"}, {URN: "group", needs: []string{"stack"}}, {URN: "key", needs: []string{"group", "provider"}},
		{URN: "bucket", Protect: true, Retain: true, Custom: true, needs: []string{"group", "provider", "key"}}, {URN: "policy", needs: []string{"bucket"}},
		{URN: "old", Retain: true, Custom: true, Waiting: true},
	}
	kept := keptWith(resources, protectedOf(resources))
	if diff := cmp.Diff([]string{"bucket", "group", "stack", "provider", "key"}, kept); diff != "" {
		t.Error(diff)
	}
	if left := without(retainedOf(resources), kept); len(left) != 0 {
		t.Errorf("retained and let go: %v", left)
	}
}

func TestCopySettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "Pulumi.x.yaml"), filepath.Join(dir, "copy.yaml")
	const config = "# a comment\nconfig:\n  a:b: 1\n"
	for i, test := range []struct{ user, engineWrites, want string }{
		{config, "", config},
		{config, "encryptionsalt: v1:abc\n" + config, "config:\n    a:b: 1\nencryptionsalt: v1:abc\n"},
		{"config:\n    a:b: 2\n", "", "config:\n    a:b: 2\nencryptionsalt: v1:abc\n"},
		{"encryptionsalt: v1:mine\n", "", "encryptionsalt: v1:mine\n"},
		{"", "", "encryptionsalt: v1:mine\n"},
		{config, "encryptionsalt: [", config},
	} {
		if test.engineWrites != "" {
			if err := os.WriteFile(to, []byte(test.engineWrites), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(from, []byte(test.user), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := copySettings(from, to, ""); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(to); string(got) != test.want {
			t.Errorf("step %d: %q, want %q", i, got, test.want)
		}
		if got, _ := os.ReadFile(from); string(got) != test.user {
			t.Errorf("step %d: the user's file was changed to %q", i, got)
		}
	}
	if err := os.WriteFile(from, []byte("a: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := copySettings(from, to, ""); err == nil || !strings.Contains(err.Error(), from) {
		t.Errorf("%v", err)
	}
	if err := copySettings(filepath.Join(dir, "Pulumi.none.yaml"), to, ""); err == nil || err.Error() != fmt.Sprintf("there is no Pulumi.none.yaml in %s", dir) {
		t.Errorf("%v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "../x", "a/b", "a b", strings.Repeat("x", 101)} {
		if _, err := Open(context.Background(), Options{Stack: name}); err == nil {
			t.Errorf("stack %q was accepted", name)
		}
	}
	if _, err := Open(context.Background(), Options{Stack: "beijing"}); err == nil {
		t.Error("options without an engine were accepted")
	}
}

func TestCommandEnvironment(t *testing.T) {
	t.Parallel()
	c := &command{engine: &Engine{Path: filepath.FromSlash("/cache/bin/pulumi")}, unset: []string{"PULUMI_STACK"}}
	got := c.environment([]string{"A=1", "PULUMI_STACK=global", "PATH=/usr/bin"}, []string{"PATH=/opt", "B=2"})
	want := []string{"A=1", "B=2", "PATH=" + filepath.FromSlash("/cache/bin") + string(os.PathListSeparator) + "/opt", "PULUMI_AUTOMATION_API=true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSettingsWithoutSecrets(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ in, want string }{
		"nothing secret": {"# kept as it is\nconfig:\n    a:b: {c: 1}\n", "# kept as it is\nconfig:\n    a:b: {c: 1}\n"},
		"empty":          {"", ""},
		"secrets": {
			"encryptionsalt: v1:x\nconfig:\n    a:top:\n        secure: v1:abc\n    a:deep: # a comment\n        list:\n            - secure: v1:def\n            - plain\n        secure: no\n        other: 1\nsecretsprovider: awskms://x\n",
			"config:\n    a:top: HIDDEN\n    a:deep: # a comment\n        list:\n            - HIDDEN\n            - plain\n        secure: no\n        other: 1\n",
		},
	} {
		got, err := withoutSecrets([]byte(test.in), "HIDDEN")
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, test.want)
		}
	}
	if _, err := withoutSecrets([]byte("a: ["), "HIDDEN"); err == nil {
		t.Error("damaged settings were accepted")
	}
}

// TestProgramError: the error of a program stands alone, and several stay as the SDK lists them.
func TestProgramError(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"an unhandled error occurred: 1 error occurred:\n\t* the preflight found 1 violation": "the preflight found 1 violation",
		"an unhandled error occurred: 2 errors occurred:\n\t* a\n\t* b":                       "an unhandled error occurred: 2 errors occurred:\n\t* a\n\t* b",
		"bucket: AccessDenied": "bucket: AccessDenied",
	} {
		if got := programError(message); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}
