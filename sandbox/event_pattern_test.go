package sandbox

import (
	"testing"
	"time"
)

func TestEventPattern(t *testing.T) {
	t.Parallel()
	const event = `{"source":"aws.logs","detail":{"eventName":"CreateLogGroup","n":300,"x":2.5,"ip":"10.1.2.3","tags":["a","b"],"none":null,
		"list":[{"k":"v"},{"k":"w"}],"requestParameters":{"logGroupName":"/app/Web*"}}}`
	tests := []struct {
		pattern string
		want    bool
	}{
		{`{"source":["aws.logs"]}`, true},
		{`{"source":["aws.s3","aws.logs"]}`, true},
		{`{"source":["aws.s3"]}`, false},
		{`{"source":["AWS.logs"]}`, false},
		{`{"source":["aws.logs"],"detail":{"eventName":["Delete"]}}`, false},
		{`{"detail":{"n":[300]}}`, true},
		{`{"detail":{"n":[300.0]}}`, false},
		{`{"detail":{"n":["300"]}}`, false},
		{`{"detail":{"none":[null]}}`, true},
		{`{"detail":{"missing":[null]}}`, false},
		{`{"detail":{"tags":["b"]}}`, true},
		{`{"detail":{"tags":["c"]}}`, false},
		{`{"detail":{"list":{"k":["w"]}}}`, true},
		{`{"detail":{"list":{"k":["x"]}}}`, false},
		{`{"detail":{"errorCode":[{"exists":false}]}}`, true},
		{`{"detail":{"eventName":[{"exists":false}]}}`, false},
		{`{"detail":{"eventName":[{"exists":true}]}}`, true},
		{`{"nothing":{"below":[{"exists":false}]}}`, true},
		{`{"detail":{"requestParameters":[{"exists":true}]}}`, false}, // no leaf
		{`{"detail":{"requestParameters":{"logGroupName":[{"prefix":"/app/"}]}}}`, true},
		{`{"detail":{"requestParameters":{"logGroupName":[{"prefix":{"equals-ignore-case":"/APP/"}}]}}}`, true},
		{`{"detail":{"requestParameters":{"logGroupName":[{"suffix":"web*"}]}}}`, false},
		{`{"detail":{"requestParameters":{"logGroupName":[{"equals-ignore-case":"/APP/web*"}]}}}`, true},
		{`{"detail":{"requestParameters":{"logGroupName":[{"wildcard":"/*/W*"}]}}}`, true},
		{`{"detail":{"requestParameters":{"logGroupName":[{"wildcard":"/app/Web\\*"}]}}}`, true},
		{`{"detail":{"requestParameters":{"logGroupName":[{"wildcard":"/app/web"}]}}}`, false},
		{`{"source":[{"anything-but":"aws.s3"}]}`, true},
		{`{"source":[{"anything-but":["aws.s3","aws.logs"]}]}`, false},
		{`{"source":[{"anything-but":{"prefix":"aws."}}]}`, false},
		{`{"source":[{"anything-but":{"suffix":["s3","ec2"]}}]}`, true},
		{`{"missing":[{"anything-but":"x"}]}`, false},
		{`{"detail":{"x":[{"numeric":[">",2,"<=",2.5]}]}}`, true},
		{`{"detail":{"x":[{"numeric":["=",2]}]}}`, false},
		{`{"detail":{"ip":[{"cidr":"10.0.0.0/8"}]}}`, true},
		{`{"detail":{"ip":[{"cidr":"10.2.0.0/16"}]}}`, false},
		{`{"$or":[{"source":["aws.s3"]},{"detail":{"n":[300]}}]}`, true},
		{`{"source":["aws.logs"],"$or":[{"detail":{"n":[1]}},{"detail":{"n":[2]}}]}`, false},
	}
	for _, tc := range tests {
		if got, err := eventMatches(tc.pattern, []byte(event)); err != nil || got != tc.want {
			t.Errorf("%s: %v, %v, want %v", tc.pattern, got, err, tc.want)
		}
	}
	for _, pattern := range []string{`[]`, `{"source":"aws.logs"}`, `{"source":[{"like":"x"}]}`, `{"source":[{"prefix":1}]}`, `{"source":[{"exists":"no"}]}`,
		`{"source":[{"prefix":"a","suffix":"b"}]}`, `{"source":[{"anything-but":{"numeric":[">",1]}}]}`, `{"detail":{"n":[{"numeric":[">"]}]}}`,
		`{"detail":{"n":[{"numeric":["!",1]}]}}`, `{"detail":{"ip":[{"cidr":"10"}]}}`, `{"$or":["x"]}`, `{"source":["aws.s3"],"detail":{"n":[{"like":1}]}}`} {
		if _, err := eventMatches(pattern, []byte(event)); err == nil {
			t.Errorf("%s: no error", pattern)
		}
	}
}

// Whatever the pattern and the event are, the answer doesn't depend on the order in which members are looked at.
func FuzzEventPattern(f *testing.F) {
	f.Add(`{"source":["aws.logs"],"detail":{"errorCode":[{"exists":false}]}}`, `{"source":"aws.logs","detail":{}}`)
	f.Add(`{"a":[{"anything-but":{"wildcard":"*x\\*"}}],"$or":[{"b":[1]},{"c":[{"numeric":["<",1]}]}]}`, `{"a":["x","y"],"b":1}`)
	f.Fuzz(func(t *testing.T, pattern, event string) {
		first, err := eventMatches(pattern, []byte(event))
		if err != nil && first {
			t.Error("a match with an error")
		}
		for range 3 {
			if again, other := eventMatches(pattern, []byte(event)); again != first || (other == nil) != (err == nil) {
				t.Errorf("%v, %v, then %v, %v", first, err, again, other)
			}
		}
	})
}

func TestSchedules(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		t.Helper()
		parsed, err := time.Parse("2006-01-02 15:04:05", text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	made := at("2026-11-21 02:03:04")
	for _, tc := range []struct{ expression, after, want string }{
		{"rate(1 hour)", "2026-11-21 02:03:04", "2026-11-21 03:03:04"},
		{"rate(1 hour)", "2026-11-21 03:03:04", "2026-11-21 04:03:04"},
		{"rate(1 hour)", "2026-11-21 05:00:00", "2026-11-21 05:03:04"},
		{"rate(5 minutes)", "2026-11-21 02:03:05", "2026-11-21 02:08:04"},
		{"rate(2 days)", "2026-11-21 02:03:05", "2026-11-23 02:03:04"},
		{"cron(0 2 * * ? *)", "2026-11-21 02:00:00", "2026-11-22 02:00:00"},
		{"cron(0/15 * * * ? *)", "2026-11-21 02:03:04", "2026-11-21 02:15:00"},
		{"cron(30 18 ? * MON-FRI *)", "2026-11-21 02:03:04", "2026-11-23 18:30:00"}, // the 21st is a Saturday
		{"cron(0 0 L * ? *)", "2026-11-21 02:03:04", "2026-11-30 00:00:00"},
		{"cron(0 0 ? * 6L *)", "2026-11-21 02:03:04", "2026-11-27 00:00:00"},
		{"cron(0 0 ? * TUE#1 *)", "2026-11-21 02:03:04", "2026-12-01 00:00:00"},
		{"cron(0 0 22W * ? *)", "2026-11-21 02:03:04", "2026-11-23 00:00:00"},
		{"cron(0 0 29 2 ? *)", "2026-11-21 02:03:04", "2028-02-29 00:00:00"},
		{"cron(0 0 1 JAN ? 2030-2031)", "2026-11-21 02:03:04", "2030-01-01 00:00:00"},
		{"cron(5,10 1-3/2 1 1,7 ? *)", "2027-07-01 01:10:00", "2027-07-01 03:05:00"},
		{"cron(0 0 1 1 ? 2020)", "2026-11-21 02:03:04", ""},
	} {
		got, ok, err := nextRun(tc.expression, made, at(tc.after))
		switch {
		case err != nil:
			t.Errorf("%s: %v", tc.expression, err)
		case tc.want == "" && ok, tc.want != "" && !got.Equal(at(tc.want)):
			t.Errorf("%s after %s: %v, want %s", tc.expression, tc.after, got, tc.want)
		}
	}
	for _, expression := range []string{"", "rate(0 hours)", "rate(1 week)", "cron(0 2 * * * *)", "cron(60 2 * * ? *)", "cron(0 2 * *)", "cron(0 0 ? * 8 *)", "at(2026-11-21T00:00:00)"} {
		if _, _, err := nextRun(expression, made, made); err == nil {
			t.Errorf("%q: no error", expression)
		}
	}
}
