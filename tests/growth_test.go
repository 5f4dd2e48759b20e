package tests

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/graph"
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

// TestResourcesPerLogGroup: each further log group costs one resource, its subscription filter; streams, roles and buckets are
// shared. The alarms on forwarding errors add up to ten log groups' metrics in one alarm.
func TestResourcesPerLogGroup(t *testing.T) {
	t.Parallel()
	few, many := len(recordConfig(t, "beijing", withLogGroups(t, 0)).Resources), len(recordConfig(t, "beijing", withLogGroups(t, 100)).Resources)
	if want := 100 + 10; many-few != want {
		t.Errorf("100 more log groups are %d more resources, want %d", many-few, want)
	}
}

// TestResourcesPerLandedSource: what lands shares bucket, key, role and replication. A further flow log is one resource, so is a
// further bucket with access logs, and a further load balancer is none; the policies don't grow with load balancers, nor with
// flow logs of a format that is there already.
func TestResourcesPerLandedSource(t *testing.T) {
	t.Parallel()
	const n = 50
	config, err := stacks.LoadConfig(root, "beijing")
	if err != nil {
		t.Fatal(err)
	}
	var flowLogs []map[string]any
	if err := json.Unmarshal([]byte(config["log-archive:flowLogs"]), &flowLogs); err != nil {
		t.Fatal(err)
	}
	var logs map[string]any
	if err := json.Unmarshal([]byte(config["log-archive:accessLogs"]), &logs); err != nil {
		t.Fatal(err)
	}
	balancers, buckets := logs["loadBalancers"].([]any), logs["buckets"].([]any)
	for i := range n {
		flowLogs = append(flowLogs, map[string]any{"name": fmt.Sprintf("growth-%d", i), "vpcId": fmt.Sprintf("vpc-%017x", i), "format": "parquet", "hivePartitions": true})
		balancers = append(balancers, fmt.Sprintf("%s-%d/%016x", strings.TrimSuffix(balancers[0].(string), "/50dc6c495c0c9188"), i, i))
		buckets = append(buckets, fmt.Sprintf("example-growth-%d", i))
	}
	more := maps.Clone(config)
	for key, value := range map[string]any{
		"flowLogs": flowLogs, "accessLogs": map[string]any{"bucket": logs["bucket"], "loadBalancers": balancers, "buckets": buckets, "ownBucketsDays": logs["ownBucketsDays"]},
	} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		more["log-archive:"+key] = string(text)
	}
	before, after := recordConfig(t, "beijing", config), recordConfig(t, "beijing", more)
	added := map[string]int{}
	for _, g := range []struct {
		of *graph.Graph
		by int
	}{{after, 1}, {before, -1}} {
		for _, r := range g.of.Resources {
			if r.Custom {
				added[r.Type] += g.by
			}
		}
	}
	maps.DeleteFunc(added, func(_ string, n int) bool { return n == 0 })
	if want := map[string]int{"aws:ec2/flowLog:FlowLog": n, "aws:s3/bucketLoggingV2:BucketLoggingV2": n}; !maps.Equal(added, want) {
		t.Errorf("%d of each are %v more resources, want %v", n, added, want)
	}
	for _, r := range before.Resources {
		now, _ := after.Get(r.URN)
		for _, property := range []resource.PropertyKey{"policy", "assumeRolePolicy"} {
			was, is := r.Inputs[property], now.Inputs[property]
			if was.IsString() && was.StringValue() != is.StringValue() && r.Name != "access-logs" {
				t.Errorf("%s of %s grows", property, r.URN)
			}
		}
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
