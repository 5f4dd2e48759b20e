package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMetricsAreInEmbeddedMetricFormat(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	l := New(&b)
	l.Metrics(time.UnixMilli(1_795_244_400_000), Metrics{Namespace: "N", Dimension: "D", Value: "v", Counts: map[string]int{"B": 0, "A": 2}})
	l.Event(map[string]any{"level": "error", "code": "x"})
	New(nil).Event(nil)
	(*Log)(nil).Event(nil)
	want := `{"A":2,"B":0,"D":"v","_aws":{"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[["D"]],"Metrics":[{"Name":"A","Unit":"Count"},{"Name":"B","Unit":"Count"}]}],"Timestamp":1795244400000}}
{"code":"x","level":"error"}
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
