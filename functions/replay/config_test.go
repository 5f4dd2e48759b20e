package replay

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/functions/subscribe/environ"
)

func TestFromEnviron(t *testing.T) {
	t.Parallel()
	c, err := FromEnviron([]string{"HOME=/", envPrefix + "BUCKET=archive", envPrefix + "STREAMS=errors/logs/account=1/=l, errors/databases/=d",
		envPrefix + "PREFIX=marks/", envPrefix + "MIN_AGE_MINUTES=60", envPrefix + "BYTES_PER_SECOND=524288", envPrefix + "BUCKET_REGION=cn-northwest-1", envPrefix + "METRICS=false"})
	want := Config{Bucket: "archive", BucketRegion: "cn-northwest-1", Routes: []Route{{"errors/logs/account=1/", "l"}, {"errors/databases/", "d"}}, ReplayPrefix: "marks/",
		MinAge: time.Hour, BytesPerSecond: 524288, PutAttempts: 8}
	if diff := cmp.Diff(want, c); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	tests := []struct {
		vars []string
		want []string
	}{
		{nil, []string{"BUCKET: missing", "STREAMS: missing"}},
		{[]string{"BUCKET=a/b", "STREAMS=errors/", "STREAM=x", "PREFIX=x", "MIN_AGE_MINUTES=-1", "BYTES_PER_SECOND=9", "PUT_ATTEMPTS=0", "METRICS=1", "BUCKET_REGION=x"},
			[]string{`BUCKET: "a/b"`, `BUCKET_REGION: "x"`, `BYTES_PER_SECOND: "9"`, `METRICS: "1"`, `MIN_AGE_MINUTES: "-1"`, `PREFIX: "x"`, `PUT_ATTEMPTS: "0"`, "STREAM: unknown", `STREAMS: "errors/"`}},
		{[]string{"BUCKET=a", "STREAMS=errors/=x,errors/logs/=y"}, []string{`STREAMS: "errors/=x,errors/logs/=y"`}},
		{[]string{"BUCKET=a", "STREAMS=replay/x=y"}, []string{`STREAMS: "replay/x" lies where the markers are`}},
	}
	for _, tc := range tests {
		var vars []string
		for _, v := range tc.vars {
			vars = append(vars, envPrefix+v)
		}
		_, err := FromEnviron(vars)
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
