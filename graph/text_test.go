package graph_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// golden compares a text with the file of that name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", file, diff)
	}
}

func TestGoldenTexts(t *testing.T) {
	t.Parallel()
	g := record(t, sources(2))
	golden(t, "sources.txt", g.Golden())
	golden(t, "sources.mmd", []byte(g.Mermaid()))
	data, err := g.JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "sources.json", data)
	var back struct {
		Resources []struct {
			URN   string `json:"urn"`
			Place string `json:"region"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(data, &back); err != nil || len(back.Resources) != len(g.Resources) {
		t.Errorf("the JSON has %d resources (%v), want %d", len(back.Resources), err, len(g.Resources))
	}
}

func TestMermaidFoldsManySources(t *testing.T) {
	t.Parallel()
	text := record(t, sources(30)).Mermaid()
	if n := strings.Count(text, "log group<br/>/app/"); n != 8 {
		t.Errorf("%d log groups are drawn, want 8:\n%s", n, text)
	}
	if !strings.Contains(text, "and 22 more") {
		t.Errorf("the others aren't counted:\n%s", text)
	}
}
