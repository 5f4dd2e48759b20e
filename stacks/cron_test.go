package stacks

import (
	"strings"
	"testing"
)

func TestSchedules(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"cron(0 5 ? * * *)", // the default of AWS Backup itself
		"cron(0 2 ? * * *)", "cron(0 12 * * ? *)", "cron(15 * ? * * *)", "cron(0 18 ? * MON-FRI *)", "cron(0 8 1 * ? *)",
		"cron(5 8-17/2 ? * 6L *)", "cron(0 0 L * ? *)", "cron(0 0 15W * ? *)", "cron(0 0 LW * ? *)", "cron(0 0 ? * 3#2 *)",
		"cron(0 1,13 ? JAN,jul * 2026-2030)", "cron(0 10 */2 * ? *)",
	} {
		if err := checkSchedule(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"":                           "want cron(",
		"0 5 ? * * *":                "want cron(",
		"cron(0 5 ? * * *":           "want cron(",
		"cron(0 5 * * *)":            "it has 5 fields",
		"cron(0 5 ? * * * *)":        "it has 7 fields; want six: minutes hours day-of-month month day-of-week year",
		"cron(0 5 ? * ? *)":          "both ?",
		"cron(0 5 1 * MON *)":        "can't both be given",
		"cron(60 5 ? * * *)":         `minutes "60"`,
		"cron(0 24 ? * * *)":         `hours "24"`,
		"cron(0 5 32 * ? *)":         `day-of-month "32"`,
		"cron(0 5 0 * ? *)":          `day-of-month "0"`,
		"cron(0 5 ? 13 * *)":         `month "13"`,
		"cron(0 5 ? * 0 *)":          `day-of-week "0"`,
		"cron(0 5 ? * MOO *)":        `day-of-week "MOO"`,
		"cron(0 5 ? * 3#6 *)":        `day-of-week "3#6"`,
		"cron(0 5 ? * * 1969)":       `year "1969"`,
		"cron(? 5 ? * * *)":          `minutes "?"`,
		"cron(0 9-5 ? * * *)":        `hours "9-5"`,
		"cron(0 5/0 ? * * *)":        `hours "5/0"`,
		"cron(0 5/x ? * * *)":        `hours "5/x"`,
		"cron(0 , ? * * *)":          `hours ""`,
		"cron(0 L ? * * *)":          `hours "L"`,
		"cron(* 5 ? * * *)":          "at most once an hour",
		"cron(0,30 5 ? * * *)":       "at most once an hour",
		"cron(0 +5 ? * * *)":         `hours "+5"`,
		"cron(0 5 ? * L/2 *)":        `day-of-week "L/2"`,
		strings.Repeat("cron(", 100): "want cron(",
	} {
		if err := checkSchedule(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", bad, err, want)
		}
	}
}

func TestTimePrefixes(t *testing.T) {
	t.Parallel()
	for _, good := range []string{DefaultTimePrefix, "!{timestamp:yyyy/MM/dd/HH}/", "daily/!{timestamp:yyyy-MM-dd}/!{firehose:random-string}/", "plain/"} {
		if err := checkTimePrefix(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"":                         "empty",
		"/a/":                      "no slash first",
		"a//b/":                    "none doubled",
		"a":                        "doesn't end with a slash",
		"!{yyyy}/":                 "has no namespace",
		"!{timestamp:'year'}/":     "want a pattern",
		"!{date:yyyy}/":            "no namespace that Firehose knows",
		"!{firehose:random}/":      "not known to Firehose",
		"!{timestamp:yyyy/":        "isn't closed",
		"a b/":                     "unsafe in keys",
		"x*/":                      "unsafe in keys",
		strings.Repeat("ab/", 200): "it has 600 characters",
	} {
		if err := checkTimePrefix(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", bad, err, want)
		}
	}
}
