package transform

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sameAsReference transforms one record of the given text and compares with the reference.
func sameAsReference(t testing.TB, h *Handler, packed []byte, extra string) {
	t.Helper()
	want, err := refRead(packed, extra)
	got := invoke(t, h, event(packed))
	if len(got) != 1 || got[0].RecordID != "r0" {
		t.Fatalf("results: %+v", got)
	}
	switch {
	case err != nil:
		if got[0].Result != "ProcessingFailed" || !bytes.Equal(got[0].Data, packed) {
			t.Fatalf("the reference says %v, the result is %s with %q", err, got[0].Result, got[0].Data)
		}
	case len(want) == 0:
		if got[0].Result != "Dropped" {
			t.Fatalf("no events, the result is %s", got[0].Result)
		}
	default:
		if got[0].Result != "Ok" {
			t.Fatalf("%d events, the result is %s", len(want), got[0].Result)
		}
		lines := readLines(t, got[0].Data, extra)
		if len(lines) != len(want) {
			t.Fatalf("%d lines for %d events", len(lines), len(want))
		}
		for i := range want {
			want[i].extra = strings.NewReplacer("\n", "", "\r", "").Replace(want[i].extra)
			if lines[i] != want[i] {
				t.Fatalf("event %d:\n got %q\nwant %q", i, lines[i], want[i])
			}
		}
	}
}

func extraHandler(name string) *Handler {
	cfg := Defaults()
	cfg.Extra = []Field{{Name: name}}
	return New(cfg, Options{})
}

// texts are subscription documents worth starting from.
func texts() []string {
	const head = `{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s",`
	return []string{
		message("/aws/lambda/f", 1795244400000, `"a"`, `"\ud800\r\n\"\\"`, `"中文"`),
		control, control + message("g", 1, `"m"`), "{}", "[]", `""`, "",
		head + `"logEvents":[{"id":"1","timestamp":1,"message":"m","x":{"a":[1,-2.5e+3,true,false,null]}}],"x":[ ]}`,
		`{"logEvents":[{"id":"1","timestamp":1,"message":"m"}],"x":` + "\n1\r" + `,"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s"}`,
		head + `"logEvents":[{"id":"00000000000000000000000000000000","timestamp":0123456789012,"message":"m"}]}`,
		head + `"logEvents":[{"id":"00000000000000000000000000000000","timestamp":1234567890123.5,"message":"m"}]}`,
		head + `"logEvents":[],"logEvents":[{"id":"1","timestamp":9223372036854775808,"message":"m"}]}`,
	}
}

// Text of any kind: never a panic, one result, and the same events as the reference has.
func FuzzText(f *testing.F) {
	for _, s := range texts() {
		f.Add([]byte(s))
	}
	h := extraHandler("x")
	f.Fuzz(func(t *testing.T, text []byte) {
		sameAsReference(t, h, zip(string(text)), "x")
	})
}

// Any string as a message arrives with the same bytes.
func FuzzMessage(f *testing.F) {
	f.Add("plain", "more", int64(1795244400000))
	f.Add("\\ud800\\r\\n", "\xff\x7f\u2028", int64(-1))
	h := New(Defaults(), Options{})
	f.Fuzz(func(t *testing.T, a, b string, at int64) {
		// What is no JSON string is for the reference to say.
		sameAsReference(t, h, zip(message("g", at, `"`+a+`"`, `"`+b+`"`, string(quoted(a)), string(quoted(a+b)))), "")
	})
}

// Bytes of any kind as a record, and as a whole event: never a panic, one result per record.
func FuzzRecord(f *testing.F) {
	for _, s := range texts() {
		f.Add(zip(s))
	}
	h := New(Defaults(), Options{})
	f.Fuzz(func(t *testing.T, packed []byte) { sameAsReference(t, h, packed, "") })
}

func FuzzEvent(f *testing.F) {
	f.Add(event(zip(message("g", 1, `"m"`)), zip(control)))
	f.Add([]byte(`{"records":[{"recordId":"a","data":"H4sI"}]}`))
	h := New(Defaults(), Options{Stream: &fakeStream{}})
	f.Fuzz(func(t *testing.T, in []byte) {
		answer, err := h.Invoke(context.Background(), in)
		if err != nil {
			return
		}
		if !json.Valid(in) || !json.Valid(answer) {
			t.Fatalf("accepted %q, answered %q", in, answer)
		}
		inv, err := parseInvocation(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		var results struct {
			Records []struct {
				RecordID json.RawMessage `json:"recordId"`
				Result   string          `json:"result"`
			} `json:"records"`
		}
		if err := json.Unmarshal(answer, &results); err != nil {
			t.Fatal(err)
		}
		if len(results.Records) != len(inv.records) {
			t.Fatalf("%d results for %d records", len(results.Records), len(inv.records))
		}
		for i, r := range results.Records {
			if !bytes.Equal(r.RecordID, inv.records[i].id) || r.Result != "Ok" && r.Result != "Dropped" && r.Result != "ProcessingFailed" {
				t.Fatalf("result %d: %s %s, the record is %s", i, r.RecordID, r.Result, inv.records[i].id)
			}
		}
	})
}

// Random documents, well formed and not, against the reference.
func TestAgainstTheReference(t *testing.T) {
	t.Parallel()
	r := seeded(t, 8)
	h := extraHandler("x")
	pieces := []string{`{`, `}`, `[`, `]`, `,`, `:`, `"`, `\`, ` `, "\n", `"x":`, `"id":"1"`, `"timestamp":`, `"message":"m"`, `"logEvents":[`, `null`, `1`, `-0.5e7`, `\u00`,
		`"owner":"2",`, `"logGroup":"h"`, control, message("g", 5, `"a"`), `{"id":"2","timestamp":7,"message":"` + strings.Repeat("y", 60) + `"}`}
	for range 1500 * long() {
		text := texts()[r.IntN(len(texts()))]
		for range r.IntN(4) {
			at := r.IntN(len(text) + 1)
			to := at
			if r.IntN(2) == 0 {
				to = min(len(text), at+r.IntN(6))
			}
			text = text[:at] + pieces[r.IntN(len(pieces))] + text[to:]
		}
		sameAsReference(t, h, zip(text), "x")
	}
}

// Strings around the sizes of the scanner's words, with a quote, an escape or a control character at each place.
func TestStringsOfEverySize(t *testing.T) {
	t.Parallel()
	h := New(Defaults(), Options{})
	for size := range 80 {
		for _, piece := range []string{``, `\"`, `\\`, `\n`, `\u12aF`, "\x01", "\x1f", "\x7f", "é", `\`, `\u123`, `"`} {
			at := size * 7 % (size + 1)
			s := `"` + strings.Repeat("a", at) + piece + strings.Repeat("b", size-at) + `"`
			sameAsReference(t, h, zip(message("g", 1_795_244_400_000, s)), "")
		}
	}
}

// Real lines, where they are at hand: beside the module, not in it.
func TestRealLines(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../shared/data/loghub/*.log")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files", len(files))
	h := New(Defaults(), Options{})
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(text), "\n") // line ends stay
		for len(lines) > 0 {
			n := min(len(lines), 500)
			messages := make([]string, n)
			for i, line := range lines[:n] {
				messages[i] = string(quoted(line))
			}
			lines = lines[n:]
			sameAsReference(t, h, zip(message(filepath.Base(file), 1795244400000, messages...)), "")
		}
	}
}

// Many invocations at once share one handler.
func TestConcurrentInvocations(t *testing.T) {
	t.Parallel()
	cfg := Defaults()
	cfg.Partition = []string{"class", "hour"}
	h := New(cfg, Options{})
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(i), 9))
			for range 50 {
				m := fmt.Sprintf(`"%d %s"`, i, strings.Repeat("z", r.IntN(3000)))
				got := invoke(t, h, event(zip(message("g", 1, m, m)), zip(control)))
				lines := readLines(t, got[0].Data, "")
				if len(lines) != 2 || lines[0].message != m || lines[1].message != m || got[1].Result != "Dropped" {
					t.Fatal("answers are mixed up")
				}
			}
		})
	}
}
