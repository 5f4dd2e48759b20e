// Package graph records what a Pulumi program declares, without engine, command line, network or credentials.
//
// [Record] runs the program against a resource monitor of its own, which answers each registration with the id and
// the outputs that AWS would give (computed by package catalog for the account and region of the resource's provider
// instance), and returns every resource as one [Graph]:
//
//	g, err := graph.Record(ctx, graph.Options{Project: "log-archive", Stack: "beijing", Config: config}, stacks.Run)
//	bucket, ok := g.Find(catalog.Bucket, "archive-bucket")
//
// The graph is complete when Record returns, so tests assert on it after the program has ended and never inside an
// Apply, which may not run at all. It is the same on every run, whatever the order in which the SDK's goroutines come.
//
// What a recording can't show: data sources (a program that calls one is refused), resources read by their id, and
// the outputs that components register, which the SDK doesn't hand to a mocked monitor.
package graph
