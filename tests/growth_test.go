package tests

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/logarchive/logarchive/stacks"
)

// withLogGroups is the beijing example with n more existing log groups.
func withLogGroups(t testing.TB, n int) map[string]string {
	t.Helper()
	config, err := stacks.LoadConfig(root, "beijing")
	if err != nil {
		t.Fatal(err)
	}
	config = maps.Clone(config)
	var groups []map[string]any
	if err := json.Unmarshal([]byte(config["log-archive:logGroups"]), &groups); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		groups = append(groups, map[string]any{"name": fmt.Sprintf("/growth/service-%05d", i)})
	}
	text, err := json.Marshal(groups)
	if err != nil {
		t.Fatal(err)
	}
	config["log-archive:logGroups"] = string(text)
	return config
}

// TestResourcesPerLogGroup: each further log group costs one resource, its subscription filter; streams, roles and buckets are shared.
func TestResourcesPerLogGroup(t *testing.T) {
	t.Parallel()
	few, many := len(recordConfig(t, "beijing", withLogGroups(t, 0)).Resources), len(recordConfig(t, "beijing", withLogGroups(t, 100)).Resources)
	if many-few != 100 {
		t.Errorf("100 more log groups are %d more resources, want 100", many-few)
	}
}

// BenchmarkGraphBeijing records the beijing example: at most 50 ms.
func BenchmarkGraphBeijing(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		record(b, "beijing")
	}
}

// BenchmarkGraphSources records the beijing example with more and more log groups: time per source must not grow.
func BenchmarkGraphSources(b *testing.B) {
	for _, n := range []int{100, 1000, 4000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			config := withLogGroups(b, n)
			b.ReportAllocs()
			for b.Loop() {
				recordConfig(b, "beijing", config)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/source")
		})
	}
}
