package transform

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLines(t *testing.T) {
	t.Parallel()
	const head = `{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s",`
	tests := []struct {
		name, in, want string
		extra          []Field
	}{
		{name: "CloudWatch Logs' own layout", in: message("g", 1795244400000, `"hello"`),
			want: `{"id":"00000000000000000000000000000000000000000000000000000000","timestamp":1795244400000,"message":"hello","logGroup":"g","logStream":"s","owner":"111122223333"}` + "\n"},
		{name: "escapes, a lone surrogate and CRLF stay as they are", in: head + `"logEvents":[{"id":"1","timestamp":1,"message":"a\"b\\\ud800\u0041\/\r\n` + "\x7f\xff中" + `"}]}`,
			want: `{"id":"1","timestamp":1,"message":"a\"b\\\ud800\u0041\/\r\n` + "\x7f\xff中" + `","logGroup":"g","logStream":"s","owner":"1"}` + "\n"},
		{name: "keys in another order, unknown keys, whitespace",
			in: "\n{ \"logEvents\" :\t[ { \"message\" : \"m\" ,\"x\":{\"a\":[1,2,{}]}, \"timestamp\": 5,\"id\" :\"1\" } ] ,\"zone\":null, \"logStream\":\"s\"," +
				"\"logGroup\":\"g\",\"owner\":\"1\",\r\n\"messageType\":\"DATA_MESSAGE\"}\n",
			want: `{"id":"1","timestamp":5,"message":"m","logGroup":"g","logStream":"s","owner":"1"}` + "\n"},
		{name: "the last of equal keys counts, before or after the events",
			in:   `{"messageType":"CONTROL_MESSAGE","messageType":"DATA_MESSAGE","owner":"0","owner":"1","logGroup":"old","logStream":"s","logEvents":[{"id":"1","timestamp":1,"message":"m"}],"logGroup":"g"}`,
			want: `{"id":"1","timestamp":1,"message":"m","logGroup":"g","logStream":"s","owner":"1"}` + "\n"},
		{name: "an escaped key", in: head + `"log\u0045vents":[{"\u0069d":"1","timestamp":1,"message":"m"}]}`,
			want: `{"id":"1","timestamp":1,"message":"m","logGroup":"g","logStream":"s","owner":"1"}` + "\n"},
		{name: "several documents, with and without a line feed between, a control message among them",
			in: head + `"logEvents":[{"id":"1","timestamp":1,"message":"a"}]}` + control + "\n" + `{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"h","logStream":"s","logEvents":[{"id":"2","timestamp":2,"message":"b"}]}`,
			want: `{"id":"1","timestamp":1,"message":"a","logGroup":"g","logStream":"s","owner":"1"}` + "\n" +
				`{"id":"2","timestamp":2,"message":"b","logGroup":"h","logStream":"s","owner":"1"}` + "\n"},
		{name: "extra fields: constant, from the envelope, from the event, absent", extra: []Field{{Name: "site", Value: new("bei\"jing")}, {Name: "subscriptionFilters"}, {Name: "extractedFields"}, {Name: "nothing"}},
			in: head + "\"subscriptionFilters\":[\"f\",\r\n\"g\"],\"logEvents\":[{\"id\":\"1\",\"timestamp\":1,\"message\":\"m\",\"extractedFields\":{\"a\":\n\"b\"}},{\"id\":\"2\",\"timestamp\":2,\"message\":\"n\"}]}",
			want: `{"id":"1","timestamp":1,"message":"m","logGroup":"g","logStream":"s","owner":"1","subscriptionFilters":["f","g"],"extractedFields":{"a":"b"},"site":"bei\"jing"}` + "\n" +
				`{"id":"2","timestamp":2,"message":"n","logGroup":"g","logStream":"s","owner":"1","subscriptionFilters":["f","g"],"site":"bei\"jing"}` + "\n"},
		{name: "a negative timestamp", in: head + `"logEvents":[{"id":"1","timestamp":-1,"message":""}]}`,
			want: `{"id":"1","timestamp":-1,"message":"","logGroup":"g","logStream":"s","owner":"1"}` + "\n"},
	}
	for _, tc := range tests {
		cfg := Defaults()
		cfg.Extra = tc.extra
		got := invoke(t, New(cfg, Options{}), event(zip(tc.in)))
		if len(got) != 1 || got[0].RecordID != "r0" || got[0].Result != "Ok" {
			t.Errorf("%s: %+v", tc.name, got)
			continue
		}
		if diff := cmp.Diff(tc.want, string(got[0].Data)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tc.name, diff)
		}
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	good := message("g", 1, `"m"`)
	damaged := zip(good)
	damaged[len(damaged)-5] ^= 1
	tests := []struct {
		name   string
		packed []byte
		want   string
	}{
		{"a control message", zip(control), "Dropped"},
		{"no events", zip(message("g", 1)), "Dropped"},
		{"two members", append(zip(good[:50]), zip(good[50:])...), "Ok"},
		{"two members with a document each", append(zip(good), zip(good)...), "Ok"},
		{"empty", nil, "ProcessingFailed"},
		{"not gzip", []byte(good), "ProcessingFailed"},
		{"a wrong checksum", damaged, "ProcessingFailed"},
		{"cut off", zip(good)[:60], "ProcessingFailed"},
		{"something behind the gzip stream", append(zip(good), 0), "ProcessingFailed"},
		{"nothing in the gzip stream", zip(""), "ProcessingFailed"},
		{"not JSON", zip("hello"), "ProcessingFailed"},
		{"JSON cut off", zip(good[:len(good)-1]), "ProcessingFailed"},
		{"another message type", zip(strings.Replace(good, "DATA_", "OTHER_", 1)), "ProcessingFailed"},
		{"no message type", zip(strings.Replace(good, "messageType", "type", 1)), "ProcessingFailed"},
		{"no log group", zip(strings.Replace(good, "logGroup", "group", 1)), "ProcessingFailed"},
		{"an event without a message", zip(strings.Replace(good, `"message"`, `"text"`, 1)), "ProcessingFailed"},
		{"a message that is no string", zip(strings.Replace(good, `"m"`, `{}`, 1)), "ProcessingFailed"},
		{"a timestamp that is no integer", zip(strings.Replace(good, `"timestamp":1`, `"timestamp":1e3`, 1)), "ProcessingFailed"},
		{"an event that is no object", zip(strings.Replace(good, `"logEvents":[`, `"logEvents":[null,`, 1)), "ProcessingFailed"},
		{"events that are no array", zip(`{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":{}}`), "ProcessingFailed"},
		{"a raw control character in a message", zip(strings.Replace(good, `"m"`, "\"a\nb\"", 1)), "ProcessingFailed"},
		{"an escape that doesn't exist", zip(strings.Replace(good, `"m"`, `"\x"`, 1)), "ProcessingFailed"},
		{"half an escape", zip(strings.Replace(good, `"m"`, `"\u12"`, 1)), "ProcessingFailed"},
		{"an array", zip("[" + good + "]"), "ProcessingFailed"},
		{"nesting too deep", zip(`{"x":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + "}"), "ProcessingFailed"},
	}
	var packed [][]byte
	for _, tc := range tests {
		packed = append(packed, tc.packed)
	}
	got := invoke(t, New(Defaults(), Options{}), event(packed...))
	if len(got) != len(tests) {
		t.Fatalf("%d results for %d records", len(got), len(tests))
	}
	for i, tc := range tests {
		if got[i].Result != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got[i].Result, tc.want)
		}
		if got[i].Result == "ProcessingFailed" && !bytes.Equal(got[i].Data, tc.packed) {
			t.Errorf("%s: a failed record's data has changed", tc.name)
		}
		if got[i].Result == "Dropped" && got[i].Data != nil {
			t.Errorf("%s: dropped, but with data", tc.name)
		}
	}
}

func TestEventsThatAreNone(t *testing.T) {
	t.Parallel()
	h := New(Defaults(), Options{})
	for _, bad := range []string{"", "null", "[]", "{", `{}`, `{"records":{}}`, `{"records":[1]}`, `{"records":[{}]}`, `{"records":[{"recordId":1}]}`,
		`{"records":[{"recordId":"a"},]}`, `{"records":[]} x`, `{"records":[{"recordId":"a"}`} {
		if answer, err := h.Invoke(context.Background(), []byte(bad)); err == nil {
			t.Errorf("%q was answered with %s", bad, answer)
		}
	}
	for _, good := range []string{`{"records":[]}`, ` {"records": [ ] , "more":1 } `} {
		if answer, err := h.Invoke(context.Background(), []byte(good)); err != nil || string(answer) != `{"records":[]}` {
			t.Errorf("%q: %s, %v", good, answer, err)
		}
	}
}

func TestRecordsInUnusualJSON(t *testing.T) {
	t.Parallel()
	data := base64.StdEncoding.EncodeToString(zip(message("g", 1, `"m"`)))
	escaped := strings.NewReplacer("/", `\/`, "+", `\u002b`, "H", `\u0048`).Replace(data)
	in := `{"records" : [ {"data":"` + escaped + `","recordId":"é\ud83d\ude00\n" , "kinesisRecordMetadata":{"a":[{}]}},{"recordId":"2"},{"recordId":"3","data":null},{"recordId":"4","data":"eHg="} ]}`
	got := invoke(t, New(Defaults(), Options{}), []byte(in))
	want := []string{"Ok", "ProcessingFailed", "ProcessingFailed", "ProcessingFailed"}
	for i, r := range got {
		if r.Result != want[i] {
			t.Errorf("record %d: %s, want %s", i, r.Result, want[i])
		}
	}
	if got[0].RecordID != "é😀\n" {
		t.Errorf("recordId %q", got[0].RecordID)
	}
}

func TestDataThatIsNotBase64ComesBackUntouched(t *testing.T) {
	t.Parallel()
	in := `{"records":[{"recordId":"1","data":"H4s*"}]}`
	answer, err := New(Defaults(), Options{}).Invoke(context.Background(), []byte(in))
	if want := `{"records":[{"recordId":"1","result":"ProcessingFailed","data":"H4s*"}]}`; err != nil || string(answer) != want {
		t.Errorf("%s, %v; want %s", answer, err, want)
	}
}

// An event of 1,024 KB is CloudWatch Logs' largest.
func TestTheLargestEvent(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("中文 \\\"quoted\\\" line\\r\\n", 1<<20/22)
	got := invoke(t, New(Defaults(), Options{}), event(zip(message("g", 1, `"`+big+`"`))))
	lines := readLines(t, got[0].Data, "")
	if len(lines) != 1 || lines[0].message != `"`+big+`"` {
		t.Error("the message has changed")
	}
}

func TestInflatedLimit(t *testing.T) {
	t.Parallel()
	cfg := Defaults()
	text := message("g", 1, `"`+strings.Repeat("a", 100_000)+`"`)
	for _, tc := range []struct {
		limit int
		want  string
	}{{len(text), "Ok"}, {len(text) - 1, "ProcessingFailed"}, {10, "ProcessingFailed"}} {
		cfg.MaxInflatedBytes = tc.limit
		if got := invoke(t, New(cfg, Options{}), event(zip(text))); got[0].Result != tc.want {
			t.Errorf("limit %d of %d: %s", tc.limit, len(text), got[0].Result)
		}
	}
}

// The answer of one call must not be touched by the next one, unless that was asked for.
func TestAnswersAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	h := New(Defaults(), Options{})
	a, err := h.Invoke(context.Background(), event(zip(message("g", 1, `"first"`))))
	if err != nil {
		t.Fatal(err)
	}
	before := string(a)
	for range 10 {
		if _, err := h.Invoke(context.Background(), event(zip(message("g", 1, `"other"`)))); err != nil {
			t.Fatal(err)
		}
	}
	if string(a) != before {
		t.Error("an answer has changed afterwards")
	}
}
