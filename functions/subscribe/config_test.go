package subscribe

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/functions/subscribe/environ"
	"github.com/logarchive/logarchive/partition"
)

func variables(more ...string) []string {
	return append([]string{"PATH=/bin", envPrefix + "QUEUE_URL=https://q", envPrefix + "DESTINATION_ARN=" + stream, envPrefix + "ROLE_ARN=" + role, envPrefix + "OWN_GROUPS=/aws/lambda/archive-"}, more...)
}

func TestFromEnviron(t *testing.T) {
	t.Parallel()
	c, err := FromEnviron(variables("AWS_LAMBDA_FUNCTION_NAME=subscribe", "AWS_LAMBDA_LOG_GROUP_NAME=/own/group", envPrefix+"EXCLUDE=/a/b,/c/*",
		envPrefix+"TAGS=backup=yes, team=*", envPrefix+"LIMIT_REACHED=dead-letter", envPrefix+"DEAD_LETTER_URL=https://d", envPrefix+"INCLUDE=", envPrefix+"RETENTION_DAYS=90", envPrefix+"FILTER_PATTERN=?ERROR ?WARN"))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{QueueURL: "https://q", Destination: stream, Role: role, FilterName: "logarchive", Pattern: "?ERROR ?WARN",
		Own: []string{"/aws/lambda/archive-", "/aws/lambda/subscribe", "/own/group"}, Exclude: []string{"/a/b", "/c/*"},
		Tags: map[string]string{"backup": "yes", "team": "*"}, RetentionDays: 90, DeadLetterURL: "https://d", Attempts: 5, Metrics: true}
	slices.Sort(c.Own)
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	destination := place.ARN(partition.Logs, "destination:central").String()
	if _, err := FromEnviron([]string{envPrefix + "QUEUE_URL=https://q", envPrefix + "DESTINATION_ARN=" + destination, envPrefix + "OWN_GROUPS=/x"}); err != nil {
		t.Errorf("a destination without a role: %v", err)
	}
}

func TestWrongConfiguration(t *testing.T) {
	t.Parallel()
	elsewhere := partition.Place{Account: "111122223333", Region: "us-east-1"}
	tests := []struct {
		vars []string
		want []string // what each problem begins with, without the prefix
	}{
		{nil, []string{"DESTINATION_ARN: missing", "OWN_GROUPS: missing", "QUEUE_URL: missing"}},
		{variables(envPrefix+"QUEUE=x", envPrefix+"METRICS=yes", envPrefix+"TAGS=a", envPrefix+"EXCLUDE=/a b", envPrefix+"ATTEMPTS=0", envPrefix+"RETENTION_DAYS=3654", envPrefix+"LIMIT_REACHED=retry"),
			[]string{`ATTEMPTS: "0"`, `EXCLUDE: "/a b"`, `LIMIT_REACHED: "retry"`, `METRICS: "yes"`, "QUEUE: unknown", `RETENTION_DAYS: "3654"`, `TAGS: "a"`}},
		{variables(envPrefix + "LIMIT_REACHED=dead-letter"), []string{"DEAD_LETTER_URL: missing"}},
		{variables(envPrefix + "DEAD_LETTER_URL=https://d"), []string{`DEAD_LETTER_URL: "https://d" is never used`}},
		{variables(envPrefix + "ROLE_ARN=" + elsewhere.RoleARN("x").String()), []string{"ROLE_ARN: "}},
		{variables(envPrefix + "DESTINATION_ARN=" + place.ARN(partition.Lambda, "function:x").String()), []string{"DESTINATION_ARN: "}},
		{[]string{envPrefix + "QUEUE_URL=https://q", envPrefix + "DESTINATION_ARN=" + stream, envPrefix + "OWN_GROUPS=/x"}, []string{"ROLE_ARN: missing"}},
	}
	for _, tc := range tests {
		_, err := FromEnviron(tc.vars)
		var e *environ.Error
		if !errors.As(err, &e) || len(e.Problems) != len(tc.want) {
			t.Errorf("%v: %v", tc.vars, err)
			continue
		}
		for i, p := range e.Problems {
			if !strings.HasPrefix(p, envPrefix+tc.want[i]) {
				t.Errorf("problem %q, want %q", p, tc.want[i])
			}
		}
	}
}
