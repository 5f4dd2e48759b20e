package main

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

func TestFunctionTransform(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	help := must(t, dir, "function", "transform", "--help")
	if !strings.Contains(help.stdout, strings.TrimSpace(transformExample)) {
		t.Errorf("the help has no example of an event:\n%s", help.stdout)
	}
	for _, test := range []struct {
		name, stdin string
		args        []string
		code        int
		stdout      string // of the response's first record, unpacked
		stderr      string
	}{
		{"the example", transformExample, []string{"--env", "LOGARCHIVE_TRANSFORM_EXTRA_FIELDS=site=beijing"}, exitOK, `"message":"hello","logGroup":"/app","logStream":"i","owner":"111122223333","site":"beijing"}`, `"Events":1`},
		{"partition keys", transformExample, []string{"--env", "LOGARCHIVE_TRANSFORM_PARTITION_KEYS=class,hour"}, exitOK, `{"class":"logs","hour":"22"}`, ""},
		{"a record that can't be read", `{"deliveryStreamArn":"","region":"","records":[{"recordId":"1","data":"aGVsbG8="}]}`, nil, exitOK, `ProcessingFailed`, `"code":"gzip"`},
		{"no event", " \n", nil, exitUsage, "", "standard input was empty"},
		{"something else", `[]`, nil, exitFailed, "", "not a Firehose transformation event"},
		{"a variable of another", transformExample, []string{"--env", "HOME=/"}, exitUsage, "", "--env HOME=/: want NAME=VALUE"},
		{"a wrong variable", transformExample, []string{"--env", "LOGARCHIVE_TRANSFORM_METRICS=maybe"}, exitUsage, "", "accepted: true or false"},
		{"an unknown variable", transformExample, []string{"--env", "LOGARCHIVE_TRANSFORM_METRIC=true"}, exitUsage, "", "unknown; known are"},
		{"an argument", transformExample, []string{"event.json"}, exitUsage, "", "takes no arguments"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := runWith(t, dir, test.stdin, append([]string{"function", "transform"}, test.args...)...)
			if o.code != test.code || !strings.Contains(o.stderr, test.stderr) {
				t.Errorf("%+v", o)
			}
			if test.code != exitOK {
				if o.stdout != "" {
					t.Errorf("printed %s", o.stdout)
				}
				return
			}
			var response struct {
				Records []struct {
					RecordID, Result, Data string
					Metadata               struct{ PartitionKeys json.RawMessage }
				}
			}
			if err := json.Unmarshal([]byte(o.stdout), &response); err != nil || len(response.Records) != 1 {
				t.Fatalf("%v: %s", err, o.stdout)
			}
			r := response.Records[0]
			lines, err := base64.StdEncoding.DecodeString(r.Data)
			if got := r.Result + string(lines) + string(r.Metadata.PartitionKeys); err != nil || r.RecordID != "1" || !strings.Contains(got, test.stdout) {
				t.Errorf("%s, %v, want %s", got, err, test.stdout)
			}
		})
	}
}
