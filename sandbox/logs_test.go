package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
)

func TestFilterPattern(t *testing.T) {
	t.Parallel()
	messages := []string{"[ERROR 400] BAD REQUEST", "[WARN] disk two words", "error: debug timeout", `say "hi"`, "-x 50%"}
	for _, test := range []struct {
		pattern string
		want    []int
	}{
		{"", []int{0, 1, 2, 3, 4}}, {" ", []int{0, 1, 2, 3, 4}},
		{"ERROR", []int{0}}, {"error timeout", []int{2}}, {"ERROR timeout", nil},
		{`"two words"`, []int{1}}, {`"[WARN]"  disk`, []int{1}}, {`"say \"hi\""`, []int{3}}, {`"-x"`, []int{4}},
		{"?ERROR ?error", []int{0, 2}}, {`?"two words" ?hi`, []int{1, 3}},
		{"-ERROR", []int{1, 2, 3, 4}}, {"error -debug", nil}, {"-error -ERROR -x", []int{1, 3}},
	} {
		p, err := parseFilterPattern(test.pattern)
		if err != nil {
			t.Errorf("%q: %v", test.pattern, err)
			continue
		}
		var got []int
		for i, m := range messages {
			if p.matches(m) {
				got = append(got, i)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.pattern, diff)
		}
	}
	for pattern, why := range map[string]string{
		"[ip, user]": "space-delimited", "%ERR.*%": "regular expression",
		"?a b": "mixture", `"open`: "isn't closed", "a=b": "double quotes", "-": "empty", `""`: "empty", "ERROR?": "double quotes",
	} {
		if _, err := parseFilterPattern(pattern); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want an error with %q", pattern, err, why)
		}
	}
}

func TestJSONPattern(t *testing.T) {
	t.Parallel()
	const event = `{"status": 404, "user": {"name": "alice", "admin": true, "mail": null}, "tags": ["a", {"b": false}], "text": "10"}`
	for pattern, want := range map[string]bool{
		"{ $.status >= 400 }": true, "{$.status>404}": false, "{ $.status = 404.0 }": true, "{ $.status != 404 }": false, "{ $.status < 1e3 }": true, "{ $.status <= 403 }": false,
		`{ $.user.name = "alice" }`: true, "{ $.user.name = al*e }": true, `{ $.user.name = "*lic*" }`: true, "{ $.user.name != b* }": true, "{ $.user.name = bob }": false,
		"{ $.user.admin IS TRUE }": true, "{ $.user.admin IS FALSE }": false, "{ $.tags[1].b IS FALSE }": true, "{ $.user.mail IS NULL }": true, "{ $.user.name IS NULL }": false,
		"{ $.nothing NOT EXISTS }": true, "{ $.user.mail NOT EXISTS }": false, "{ $.tags[5] NOT EXISTS }": true, `{ $.tags[0] = "a" }`: true,
		"{ $.nothing != 1 }": false, "{ $.text = 10 }": false, `{ $.text = "10" }`: true, "{ $.status.deep = 1 }": false,
		"{ $.status = 404 && $.text = x }": false, "{ $.status = 1 || $.user.name = alice }": true, "{ $.status = 1 && $.text = x || $.user.admin IS TRUE }": true,
		"{ $.status = 1 && ($.text = x || $.user.admin IS TRUE) }": false, "{ ($.status = 404) && (($.user.admin IS TRUE)) }": true,
	} {
		p, err := parseFilterPattern(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		if got := p.matches(event); got != want {
			t.Errorf("%s is %t, want %t", pattern, got, want)
		}
		if p.matches("plain text") || p.matches("[1]") {
			t.Errorf("%s matches what isn't a JSON object", pattern)
		}
		example := map[string]any{}
		p.json.example(example)
		line, err := json.Marshal(example)
		if err != nil || !p.matches(string(line)) {
			t.Errorf("%s doesn't match its own example %s, %v", pattern, line, err)
		}
	}
	for _, pattern := range []string{"{", "{}", "{ status = 1 }", "{ $ = 1 }", "{ $.a }", "{ $.a = }", "{ $.a > x }", "{ $.a = %x% }", "{ ($.a = 1 }", "{ $.a = 1 ) }", "{ $.a[*] = 1 }", "{ $.a[-1] = 1 }", `{ $.a = "x }`, "{ $.a = 1 && }", "{ $.a = 1 } x"} {
		if _, err := parseFilterPattern(pattern); err == nil {
			t.Errorf("%s: no error", pattern)
		}
	}
}

// Any pattern is read without panicking, and what is read can be matched.
func FuzzFilterPattern(f *testing.F) {
	for _, seed := range []string{"", "ERROR -debug", "?a ?b", `"x y"`, `{ $.a.b[0] >= 1 && ($.c = "x*" || $.d NOT EXISTS) }`, "{$.a IS NULL}"} {
		f.Add(seed, `{"a":{"b":[1]},"c":"xy"}`)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		if p, err := parseFilterPattern(pattern); err == nil {
			p.matches(message)
			if p.json != nil {
				p.json.example(map[string]any{})
			}
		}
	})
}

func gunzip(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// The batches have the shape that AWS documents, are below the limits, and hold every message once, byte for byte.
func TestSubscriptionBatches(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 900_000)
	for i := range noise {
		noise[i] = byte(' ' + random.IntN(95))
	}
	messages := []string{"plain", `{"a":"<b>&\n"}`, "日本語 \u2028 \x01 end\r\n", strings.Repeat("x", 1<<20), string(noise), string(noise[:700_000])}
	for range 25_000 {
		messages = append(messages, string(noise[:20+random.IntN(200)]))
	}
	envelope := subscriptionData{MessageType: dataMessage, Owner: "111122223333", LogGroup: "/app", LogStream: "i-1", SubscriptionFilters: []string{"f"}}
	var got []string
	seen := map[string]bool{}
	err := subscriptionBatches(envelope, someTime, messages, "cn-north-1", func(payload []byte, events int) error {
		plain := gunzip(t, payload)
		var data subscriptionData
		if err := json.Unmarshal(plain, &data); err != nil {
			return err
		}
		if len(payload) > 1_024_000 || len(plain) > 1<<20 && events > 1 || len(data.LogEvents) != events || events > 10_000 {
			t.Errorf("a batch of %d events, %d bytes, %d compressed", events, len(plain), len(payload))
		}
		last := ""
		for _, e := range data.LogEvents {
			got = append(got, e.Message)
			if len(e.ID) != 56 || e.ID <= last || seen[e.ID] || e.Timestamp != someTime.UnixMilli() {
				t.Fatalf("event id %q after %q, timestamp %d", e.ID, last, e.Timestamp)
			}
			last = e.ID
			seen[e.ID] = true
		}
		data.LogEvents = nil
		if diff := cmp.Diff(envelope, data); diff != "" {
			t.Errorf("envelope (-want +got):\n%s", diff)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(messages, got) {
		t.Errorf("%d messages came out as %d others", len(messages), len(got))
	}
	first := subscriptionData{MessageType: dataMessage, Owner: "1", SubscriptionFilters: []string{"f"}, LogEvents: []subscriptionEvent{{"7", 8, "<m>"}}}
	_ = newBatchWriter().write(first, 1000, func(payload []byte, _ int) error {
		want := `{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"","logStream":"","subscriptionFilters":["f"],"logEvents":[{"id":"7","timestamp":8,"message":"<m>"}]}`
		if got := string(gunzip(t, payload)); got != want {
			t.Errorf("data is %s, want %s", got, want)
		}
		return nil
	})
	if err := newBatchWriter().write(first, 10, func([]byte, int) error { return nil }); err == nil {
		t.Error("a record above the limit: no error")
	}
}
