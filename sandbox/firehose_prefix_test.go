package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func elevenCharacters() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("046b6c7f-%02d", n) }
}

// The examples and rules of https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
func TestPrefix(t *testing.T) {
	t.Parallel()
	at := time.Date(2018, 8, 27, 10, 30, 0, 0, time.UTC)
	tests := []struct {
		text      string
		forErrors bool
		want      string
	}{
		{"", false, "2018/08/27/10/"},
		{"myFirehosePrefix", false, "myFirehosePrefix2018/08/27/10/"},
		{"logs/", false, "logs/2018/08/27/10/"},
		{"myPrefix/!{firehose:random-string}/", false, "myPrefix/046b6c7f-01/2018/08/27/10/"},
		{"!{firehose:random-string}!{firehose:random-string}/!{timestamp:yyyy}/", false, "046b6c7f-01046b6c7f-02/2018/"},
		{"myFirehose/DeliveredYear=!{timestamp:yyyy}/anyMonth/rand=!{firehose:random-string}", false, "myFirehose/DeliveredYear=2018/anyMonth/rand=046b6c7f-01"},
		{"myPrefix/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/", false, "myPrefix/year=2018/month=08/day=27/hour=10/"},
		{"logs/account=111122223333/region=cn-north-1/{db}/!{timestamp:yyyy/MM/dd}/", false, "logs/account=111122223333/region=cn-north-1/{db}/2018/08/27/"},
		{"myFirehoseFailures/!{firehose:error-output-type}/", true, "myFirehoseFailures/processing-failed/"},
		{"myFirehoseFailures/!{firehose:error-output-type}/!{timestamp:yyyy}/anyMonth/!{timestamp:dd}", true, "myFirehoseFailures/processing-failed/2018/anyMonth/27"},
		{"myErrorPrefix/!{timestamp:'year='yyyy'/month='MM'/day='dd'/hour='HH}/!{firehose:error-output-type}", true, "myErrorPrefix/year=2018/month=08/day=27/hour=10/processing-failed"},
		{"myPrefix/result=!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}", true, "myPrefix/result=processing-failed/2018/08/27"},
		{"failed/", true, "failed/processing-failed/2018/08/27/10/"},
	}
	for _, test := range tests {
		p, err := parsePrefix(test.text, test.forErrors)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		got, err := p.evaluate(prefixValues{at: at, random: elevenCharacters(), errorType: "processing-failed"})
		if err != nil || got != test.want {
			t.Errorf("%q\n got %q, %v\nwant %q", test.text, got, err, test.want)
		}
		if !strings.HasPrefix(got, p.literalHead()) {
			t.Errorf("%q doesn't begin with its literal head %q", got, p.literalHead())
		}
	}
	refused := []struct {
		text      string
		forErrors bool
		why       string
	}{
		{"a/!{timestamp:yyyy", false, "closing brace"},
		{"a/!{yyyy}", false, "namespace:value"},
		{"a/!{timestamp:}", false, "namespace:value"},
		{"a/!{time:yyyy}", false, `"time" is not one of`},
		{"a/!{firehose:random}", false, `"random" is not one of`},
		{"a/!{firehose:error-output-type}/", false, "only an ErrorOutputPrefix"},
		{"a/!{timestamp:yyyy}/", true, "needs !{firehose:error-output-type}"},
		{"a/!{partitionKeyFromLambda:x}/", true, "can't have partition keys"},
		{"a/!{partitionKeyFromQuery:x}/", false, "doesn't parse records"},
		{"a/!{timestamp:'year}/", false, "inside the quotes"},
		{"a/!{timestamp:YYYY}/", false, `"YYYY"`}, // the year of the week: almost always a mistake
		{"a/!{timestamp:yyy}/", false, `"yyy"`},
		{"a/!{timestamp:HHH}/", false, `"HHH"`},
		{"a/!{timestamp:yyyy[MM]}/", false, "reserved"},
	}
	for _, test := range refused {
		if _, err := parsePrefix(test.text, test.forErrors); err == nil || !strings.Contains(err.Error(), test.why) {
			t.Errorf("%q: %v, want an error with %q", test.text, err, test.why)
		}
	}
	long, err := parsePrefix(strings.Repeat("p", 510)+"/!{timestamp:yyyy}/", false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := long.evaluate(prefixValues{at: at, random: elevenCharacters()}); err == nil || !strings.Contains(err.Error(), "516 characters when evaluated") {
		t.Errorf("a long prefix: %v", err)
	}
}

func TestTimePattern(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ zone, pattern, want string }{
		{"", "y yy yyyy u uuuu", "2026 26 2026 2026 2026"},
		{"", "M MM MMM MMMM d dd D DDD", "1 01 Jan January 5 05 5 005"},
		{"", "E EEEE a", "Mon Monday PM"},
		{"", "H HH k kk K KK h hh m mm s ss SSS S", "17 17 17 17 5 05 5 05 6 06 7 07 089 0"},
		{"", "'y='yyyy'''m'''MM''", "y=2026'm'01'"},
		{"", "yyyy-MM-dd'T'HH:mm", "2026-01-05T17:06"},
		{"", "yyyy年MM月'日'", "2026年01月日"},
		{"Asia/Shanghai", "yyyy/MM/dd/HH", "2026/01/06/01"},
		{"Asia/Tokyo", "dd HH", "06 02"},
		{"America/Los_Angeles", "yyyy/MM/dd/HH a", "2026/01/05/09 AM"},
		{"Asia/Kathmandu", "HH:mm", "22:51"},
		{"Asia/Shanghai", "kk KK hh a", "01 01 01 AM"},
	} {
		location, err := timeZone(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parseTimePattern(test.pattern)
		if err != nil {
			t.Errorf("%q: %v", test.pattern, err)
			continue
		}
		at := time.Date(2026, 1, 5, 17, 6, 7, 89e6, time.UTC).In(location)
		if got := p.format(at); got != test.want {
			t.Errorf("%q in %q is %q, want %q", test.pattern, test.zone, got, test.want)
		}
	}
	midnight := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	p, err := parseTimePattern("H k K h a")
	if got := p.format(midnight); got != "0 24 0 12 AM" || err != nil {
		t.Errorf("midnight is %q, %v", got, err)
	}
	for _, zone := range []string{"CST", "Mars/Olympus", "asia"} {
		if _, err := timeZone(zone); err == nil {
			t.Errorf("time zone %q: no error", zone)
		}
	}
}

func FuzzPrefix(f *testing.F) {
	for _, seed := range []string{"", "a/!{timestamp:yyyy/MM/dd/HH}/", "!{firehose:random-string}", "e/!{firehose:error-output-type}/", "!{timestamp:'a''b'}", "!{!{x:y}}", "{}!{", "!{timestamp:}}", "日!{timestamp:yyyy'年'}"} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	at := time.Date(2026, 11, 21, 2, 3, 4, 5e6, time.UTC)
	f.Fuzz(func(t *testing.T, text string, forErrors bool) {
		p, err := parsePrefix(text, forErrors)
		if err != nil {
			return
		}
		one, err := p.evaluate(prefixValues{at: at, random: elevenCharacters(), errorType: "processing-failed"})
		if err != nil {
			return
		}
		two, err := p.evaluate(prefixValues{at: at, random: elevenCharacters(), errorType: "processing-failed"})
		if one != two || err != nil {
			t.Errorf("%q is %q, then %q, %v", text, one, two, err)
		}
		if utf8.RuneCountInString(one) > 512 {
			t.Errorf("%q is %d characters long", text, utf8.RuneCountInString(one))
		}
		if !strings.HasPrefix(one, p.literalHead()) {
			t.Errorf("%q is %q, which doesn't begin with %q", text, one, p.literalHead())
		}
		if !p.hasExpressions() && !forErrors && one != text+"2026/11/21/02/" {
			t.Errorf("%q without expressions is %q", text, one)
		}
		if forErrors && !strings.Contains(one, "processing-failed") {
			t.Errorf("the error prefix %q is %q", text, one)
		}
	})
}
