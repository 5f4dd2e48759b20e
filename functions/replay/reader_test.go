package replay

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// readAll answers the records as text, a bad document as "!" and its reason, and how the reading ended.
func readAll(r io.Reader) ([]string, error) {
	docs, err := newReader(r)
	if err != nil {
		return nil, err
	}
	var out []string
	for {
		d, err := docs.next()
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return out, err
		}
		if d.bad != "" {
			out = append(out, "!"+d.bad)
		} else {
			out = append(out, string(d.data))
		}
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	a, b := errorDocument([]byte("a")), errorDocument([]byte("b"))
	megabytes := bytes.Repeat([]byte{0, 1, 2, 0xff}, 256<<10)
	tests := []struct {
		name, object string
		want         []string
	}{
		{"nothing", "", nil},
		{"line ends only", "\n\r\n\n", nil},
		{"lines", a + "\n" + b + "\n", []string{"a", "b"}},
		{"no last line end", a + "\n" + b, []string{"a", "b"}},
		{"CRLF", a + "\r\n" + b + "\r\n", []string{"a", "b"}},
		{"no separators", a + b + a, []string{"a", "b", "a"}},
		{"several lines in a document", "{\n  \"rawData\":\n  \"YQ==\",\n  \"x\": {\n    \"y\": [1, {\n    }]\n  }\n}\n" + b, []string{"a", "b"}},
		{"format conversion", `{"lastErrorCode":"DataFormatConversion.ParseError","rawData":"YQ==","dataCatalogTable":{"databaseName":"d}"}}`, []string{"a"}},
		{"counts as text", `{"attemptsMade":"4","rawData":"YQ==","errorCode":500}`, []string{"a"}},
		{"a record of a megabyte", errorDocument(megabytes) + "\n" + b, []string{string(megabytes), "b"}},
		{"an empty record", errorDocument(nil) + b, []string{"", "b"}},
		{"any bytes", errorDocument([]byte("\x00\xff{}\"\n")) + b, []string{"\x00\xff{}\"\n", "b"}},
		{"escapes", `{"errorMessage":"\"}\\","rawData":"YQ=\u003d"}` + b, []string{"a", "b"}},
		{"no rawData", `{"a":1}` + "\n" + b, []string{"!" + badNoData, "b"}},
		{"null", `{"rawData":null}` + "\n" + b, []string{"!" + badNoData, "b"}},
		{"rawData is a number", `{"rawData":1}` + "\n" + b, []string{"!" + badSyntax, "b"}},
		{"no base64", `{"rawData":"YQ="}` + "\n" + b, []string{"!" + badBase64, "b"}},
		{"no JSON", "<Error>\n" + b, []string{"!" + badSyntax, "b"}},
		{"an array", "[" + a + "]\n" + b, []string{"!" + badSyntax, "b"}},
		{"broken JSON", `{"rawData":"YQ==",}` + "\n" + b, []string{"!" + badSyntax, "b"}},
		{"cut in a string", a[:40] + "\n" + b + "\n", []string{"!" + badTruncated, "b"}},
		{"cut after an escape", `{"a":"x\` + "\n" + b, []string{"!" + badTruncated, "b"}},
		{"cut outside of strings", "{\"a\":\n" + b + a, []string{"!" + badTruncated, "b", "a"}},
		{"cut at the end", b + "\n" + a[:len(a)-1], []string{"b", "!" + badTruncated}},
		{"above any limit", `{"rawData":"` + strings.Repeat("A", maxDocument) + `"}` + "\n" + b, []string{"!" + badSize, "b"}},
	}
	for _, tc := range tests {
		for how, r := range map[string]io.Reader{"plain": strings.NewReader(tc.object), "gzip": bytes.NewReader(zipped([]byte(tc.object))),
			"gzip in two members": bytes.NewReader(append(zipped([]byte(tc.object[:len(tc.object)/2])), zipped([]byte(tc.object[len(tc.object)/2:]))...))} {
			got, err := readAll(r)
			if err != nil || !slices.Equal(got, tc.want) {
				t.Errorf("%s, %s: %.200q, %v; want %.200q", tc.name, how, got, err, tc.want)
			}
		}
	}
}

func TestADamagedObjectGivesWhatCanBeRead(t *testing.T) {
	t.Parallel()
	// Random text, so that gzip has several blocks.
	object := zipped(errorObject(records("x", 5000)))
	got, err := readAll(bytes.NewReader(object[:len(object)-20]))
	if err == nil || len(got) < 4000 || got[0] != "x-000000" {
		t.Errorf("%d records, %v", len(got), err)
	}
	if _, err := readAll(bytes.NewReader([]byte{0x1f, 0x8b, 1})); err == nil {
		t.Error("a broken header of gzip was accepted")
	}
	got, err = readAll(io.MultiReader(strings.NewReader(errorDocument([]byte("a"))+"{"), broken{errCrash}))
	if err == nil || !slices.Equal(got, []string{"a"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// Whatever an object holds: reading it ends, doesn't depend on how the bytes arrive, and a good document on a line of its
// own behind it is found.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{"", "{", `{"rawData":"YQ=="}`, "{\"a\":\n", `{"a":"x\`, "[1]\n{}", errorDocument([]byte("x")) + errorDocument(nil), "\x1f\x8b"} {
		f.Add([]byte(seed))
	}
	good := errorDocument([]byte("good"))
	f.Fuzz(func(t *testing.T, object []byte) {
		once, err := readAll(bytes.NewReader(object))
		slowly, errSlowly := readAll(iotest.OneByteReader(bytes.NewReader(object)))
		if diff := cmp.Diff(once, slowly); diff != "" || (err == nil) != (errSlowly == nil) {
			t.Errorf("%v, %v\n%s", err, errSlowly, diff)
		}
		if bytes.HasPrefix(object, []byte{0x1f, 0x8b}) {
			return
		}
		more, err := readAll(strings.NewReader(string(object) + "\n" + good + "\n"))
		if err != nil || len(more) == 0 || more[len(more)-1] != "good" {
			t.Errorf("%q, %v", more, err)
		}
		// What is JSON by the standard library's reading, line by line, is read as it reads it.
		for line := range bytes.Lines(object) {
			var d struct {
				RawData *string `json:"rawData"`
			}
			if line = bytes.TrimSpace(line); len(line) == 0 || line[0] != '{' || json.Unmarshal(line, &d) != nil || d.RawData == nil {
				continue
			}
			if want, err := base64.StdEncoding.DecodeString(*d.RawData); err == nil {
				if got, _ := readAll(bytes.NewReader(line)); !slices.Equal(got, []string{string(want)}) {
					t.Errorf("%q gives %q", line, got)
				}
			}
		}
	})
}
