package corpus

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"testing"
)

func TestBuildIsReproducibleAndReadable(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		a, err := Build(name, 10, 50_000, 1)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Build(name, 10, 50_000, 1)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Event, b.Event) {
			t.Errorf("%s: the same seed gave different bytes", name)
		}
		var event struct {
			Records []struct {
				RecordID string `json:"recordId"`
				Data     []byte `json:"data"`
			} `json:"records"`
		}
		if err := json.Unmarshal(a.Event, &event); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		total := 0
		for _, r := range event.Records {
			z, err := gzip.NewReader(bytes.NewReader(r.Data))
			if err != nil {
				t.Fatal(err)
			}
			doc, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			if !json.Valid(doc) {
				t.Fatalf("%s: record %s is not JSON: %.200s", name, r.RecordID, doc)
			}
			total += len(doc)
		}
		if len(event.Records) != a.Records || total != a.Decompressed {
			t.Errorf("%s: says %d records, %d bytes; has %d, %d", name, a.Records, a.Decompressed, len(event.Records), total)
		}
		t.Logf("%s: %d bytes decompressed, %d in the event, ratio %.1f", name, total, len(a.Event), float64(total)/float64(len(a.Event)))
	}
}

func TestBuildRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	if _, err := Build("oracle", 10, 1000, 1); err == nil {
		t.Error("an unknown corpus was accepted")
	}
	if _, err := Build("vpc", 0, 1000, 1); err == nil {
		t.Error("zero events per record were accepted")
	}
}
