package verify_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/verify"
)

// delivery is a hop across accounts that both sides allow, as most do.
func delivery() verify.Hop {
	return verify.Hop{
		Caller: verify.Caller{Role: home.RoleARN("log-archive-logs-delivery-cn-north-1").String()}, Action: "s3:PutObject",
		Resource: bucketARN + "/logs/account=111122223333/region=cn-north-1/x", Owner: archive.Account,
		Context: map[string][]string{"aws:SecureTransport": {"true"}, "s3:TlsVersion": {"1.3"}},
	}
}

// BenchmarkDecision decides one hop, its context and the policies of both sides gathered.
func BenchmarkDecision(b *testing.B) {
	p, h := verify.NewProver(verify.FromGraph(record(b, "beijing"))), delivery()
	b.ReportAllocs()
	for b.Loop() {
		if !p.Decide(h).Allowed {
			b.Fatal("refused")
		}
	}
}

// BenchmarkPathProof proves all paths of a stack by themselves; the figure is for one of them.
func BenchmarkPathProof(b *testing.B) {
	for _, stack := range exampleStacks {
		b.Run(stack, func(b *testing.B) {
			g := record(b, stack)
			d := verify.FromGraph(g)
			var urns []string
			for _, path := range verify.Run(d, verify.Options{}).Paths {
				urns = append(urns, path.Source.URN)
			}
			b.ReportAllocs()
			for b.Loop() {
				p := verify.NewProver(d)
				for _, urn := range urns {
					p.Path(urn)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(urns))/1e3, "µs/path")
		})
	}
}

// BenchmarkBothStacks verifies both example stacks: policies read, paths, rules and least privilege. On a machine that others
// use, single runs of up to 384 ms have been seen; the mean of many is what counts.
func BenchmarkBothStacks(b *testing.B) {
	gs := []*graph.Graph{record(b, exampleStacks[0]), record(b, exampleStacks[1])}
	b.Run("index", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, g := range gs {
				verify.FromGraph(g)
			}
		}
	})
	b.Run("run", func(b *testing.B) {
		ds := []*verify.Deployment{verify.FromGraph(gs[0]), verify.FromGraph(gs[1])}
		b.ReportAllocs()
		for b.Loop() {
			for _, d := range ds {
				verify.Run(d, verify.Options{})
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, g := range gs {
				verify.Run(verify.FromGraph(g), verify.Options{})
			}
		}
	})
}

// thousand is the example stack beijing with log groups more, so that it has 1,000 sources.
func thousand(tb testing.TB) *graph.Graph {
	tb.Helper()
	of := record(tb, "beijing")
	g := &graph.Graph{Project: of.Project, Stack: of.Stack, Resources: append([]*graph.Resource{}, of.Resources...)}
	like, ok := of.Find("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", "logs-/app/payments")
	if !ok {
		tb.Fatal("the stack has no subscription to multiply")
	}
	for i := range 1000 - len(verify.Run(verify.FromGraph(of), verify.Options{}).Paths) {
		r := *like
		r.Name = fmt.Sprintf("more-%04d", i)
		r.URN = like.URN + r.Name
		r.Inputs, r.Outputs = copied(like.Inputs), copied(like.Outputs)
		group := fmt.Sprintf("/app/more-%04d", i)
		r.Inputs["logGroup"], r.Outputs["logGroup"] = resource.NewStringProperty(group), resource.NewStringProperty(group)
		g.Resources = append(g.Resources, &r)
	}
	return g
}

func Benchmark1000Sources(b *testing.B) {
	g := thousand(b)
	b.ReportAllocs()
	for b.Loop() {
		if r := verify.Run(verify.FromGraph(g), verify.Options{}); r.Failed() || len(r.Paths) != 1000 {
			b.Fatalf("%d paths:%s", len(r.Paths), violations(r))
		}
	}
}

// slack is how much longer than promised a figure may take before a test fails. The benchmarks measure on a quiet machine; a
// test runs on a busy one, and finds what has become slower by an order.
var slack time.Duration = 20

// TestFigures holds the promised figures, to within the slack. The best of some runs counts.
func TestFigures(t *testing.T) {
	best := func(runs int, f func()) time.Duration {
		shortest := time.Hour
		for range runs {
			start := time.Now()
			f()
			shortest = min(shortest, time.Since(start))
		}
		return shortest
	}
	both := []*graph.Graph{record(t, exampleStacks[0]), record(t, exampleStacks[1])}
	d, more := verify.FromGraph(both[0]), thousand(t)
	prover, hop := verify.NewProver(d), delivery()
	const decisions = 1000
	for _, f := range []struct {
		what  string
		got   time.Duration
		limit time.Duration
	}{
		{"one decision", best(10, func() {
			for range decisions {
				prover.Decide(hop)
			}
		}) / decisions, 5 * time.Microsecond},
		{"one path of 1,000 that share their steps", best(5, func() {
			p := verify.NewProver(d)
			for range 1000 {
				p.Path(filterURN(t, both[0]))
			}
		}) / 1000, 50 * time.Microsecond},
		{"both stacks", best(10, func() {
			for _, g := range both {
				verify.Run(verify.FromGraph(g), verify.Options{})
			}
		}), 50 * time.Millisecond},
		{"1,000 sources", best(3, func() { verify.Run(verify.FromGraph(more), verify.Options{}) }), time.Second},
	} {
		t.Logf("%s: %v, at most %v", f.what, f.got, f.limit)
		if f.got > f.limit*slack {
			t.Errorf("%s takes %v, at most %d times %v", f.what, f.got, slack, f.limit)
		}
	}
}

func filterURN(t *testing.T, g *graph.Graph) string {
	t.Helper()
	r, ok := g.Find("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", "logs-/app/payments")
	if !ok {
		t.Fatal("the stack has no such subscription")
	}
	return r.URN
}
