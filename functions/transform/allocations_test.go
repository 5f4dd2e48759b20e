package transform

import (
	"context"
	"strings"
	"testing"
)

// Memory doesn't grow with the number of events: a few allocations per invocation, none per event or record.
func TestAllocations(t *testing.T) {
	messages := make([]string, 500)
	for i := range messages {
		messages[i] = `"` + strings.Repeat("a", i) + `\n"`
	}
	record := zip(message("g", 1795244400000, messages...))
	in := event(record, record, record, record)
	for name, reuse := range map[string]bool{"answer of its own": false, "memory used again": true} {
		cfg := Defaults()
		cfg.Partition = []string{"class", "hour"}
		cfg.LogSample = 0
		h := New(cfg, Options{})
		h.ReuseResponse = reuse
		n := testing.AllocsPerRun(10, func() {
			if _, err := h.Invoke(context.Background(), in); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %.0f allocations for 2,000 events", name, n)
		if n > 20 {
			t.Errorf("%s: %.0f allocations for 2,000 events", name, n)
		}
	}
}
