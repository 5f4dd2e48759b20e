package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/verify"
)

// verifyFlags say what is verified, and what is demanded of it.
type verifyFlags struct {
	stack, state, format string
	minimumRetention     int
	retentionGiven       bool
}

func (m *Main) verifyCommand() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify --stack NAME | --state FILE [--format table|json|sarif|mermaid]",
		Short: "Prove that every log line gets to the archive, without AWS",
		Long: `Follow every source to the archive and decide every request on the way by the policies of both sides, as IAM would;
then hold the archive against the rules: deletion, encryption, retention, confused deputies and so on (docs/verify-rules.md).
Neither AWS nor the engine nor the network is needed. preview and up do the same first: see log-archive:preflight.

  --stack NAME   what the stack's configuration declares, with its waivers and its minimum retention
  --state FILE   what is deployed: the output of 'pulumi stack export', of any program; - is standard input
  both           what is deployed, with the waivers and the minimum retention of the stack's configuration

Exit codes: 0 proven; 1 there is a violation that isn't waived; 2 bad usage, configuration or state.`,
		Example: `  logarchive verify --stack beijing
  logarchive verify --stack beijing --format sarif > verify.sarif
  pulumi stack export --stack beijing | logarchive verify --state - --stack beijing
  logarchive verify --state export.json --minimum-retention 365 --json | jq '.violations[].rule'`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if m.json && !c.Flags().Changed("format") {
				f.format = string(verify.FormatJSON)
			}
			f.retentionGiven = c.Flags().Changed("minimum-retention")
			return m.verify(c.Context(), f)
		},
	}
	c.Flags().StringVarP(&f.stack, "stack", "s", "", "the `name` of the stack, whose configuration is Pulumi.<name>.yaml")
	c.Flags().StringVar(&f.state, "state", "", "the `file` with an exported state; - for standard input")
	c.Flags().StringVar(&f.format, "format", string(verify.FormatTable), "the `form`: table, json, sarif or mermaid")
	c.Flags().IntVar(&f.minimumRetention, "minimum-retention", verify.DefaultRetention, "for how many `days` logs must be kept at least, whatever the stack's configuration says")
	return c
}

// verify writes a report and, to standard error, one line with its result.
func (m *Main) verify(ctx context.Context, f verifyFlags) error {
	format, err := verify.ParseFormat(f.format)
	if err != nil {
		return usagef("--format %w", err)
	}
	if f.retentionGiven && f.minimumRetention < 1 {
		return usagef("--minimum-retention %d: want a number of days, 1 or more", f.minimumRetention)
	}
	begun := time.Now()
	g, options, err := m.verified(ctx, f)
	if err != nil {
		return err
	}
	if f.retentionGiven {
		options.MinimumRetention = f.minimumRetention
	}
	report := verify.Run(verify.FromGraph(g), options)
	taken := time.Since(begun).Round(time.Millisecond)
	if err := verify.Write(m.Stdout, report, format); err != nil {
		return err
	}
	what := "stack " + g.Stack
	if f.state != "" {
		what = "the state of " + what
	}
	if report.Failed() {
		return fmt.Errorf("%s isn't proven: %s; in %v", what, totals(report), taken)
	}
	verdict := "is proven"
	if len(report.Paths) == 0 {
		verdict = "has no source of logs: nothing is proven"
	}
	_, err = fmt.Fprintf(m.Stderr, "%s %s: %s; in %v\n", what, verdict, totals(report), taken)
	return err
}

// verified is the graph that a command line means, and what its configuration demands.
func (m *Main) verified(ctx context.Context, f verifyFlags) (*graph.Graph, verify.Options, error) {
	var options verify.Options
	var declared *graph.Graph
	if f.stack != "" || f.state == "" {
		project, err := m.project()
		if err != nil {
			return nil, options, err
		}
		if f.stack == "" {
			names, err := stackNames(project)
			if err != nil {
				return nil, options, err
			}
			return nil, options, usagef("what is to be verified? Name a stack with --stack (%s), or an exported state with --state", orNone(names))
		}
		s, _, err := spec(project, f.stack)
		if err != nil {
			return nil, options, err
		}
		options = s.VerifyOptions()
		if f.state == "" {
			declared, err = s.Record(ctx)
			return declared, options, err
		}
	}
	g, err := m.exported(f.state)
	if err == nil && f.stack != "" && g.Stack != f.stack {
		err = usagef("--state %s is of stack %q, not of %q", f.state, g.Stack, f.stack)
	}
	return g, options, err
}

// exported reads the output of `pulumi stack export`.
func (m *Main) exported(name string) (*graph.Graph, error) {
	in, done, err := m.openInput(name)
	if err != nil {
		return nil, err
	}
	defer done()
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	g, err := graph.FromExport(data)
	if err != nil {
		return nil, usagef("--state %s: %w", name, err)
	}
	if len(g.Resources) == 0 {
		return nil, usagef("--state %s: the state has no resources", name)
	}
	return g, nil
}

// totals is what a report comes to, in words.
func totals(r *verify.Report) string {
	t := r.Totals()
	parts := []string{
		fmt.Sprintf("%d of %d paths open", t.Proven, t.Paths),
		fmt.Sprintf("%d hops decided", t.Decided),
		counted(t.Violations, "violation"),
	}
	if t.Assumed > 0 {
		parts = append(parts, counted(t.Assumed, "hop")+" only as far as policies allow them that nobody told")
	}
	if t.Waived > 0 {
		parts = append(parts, fmt.Sprintf("%d waived", t.Waived))
	}
	if t.Unneeded > 0 {
		parts = append(parts, counted(t.Unneeded, "statement")+" unneeded")
	}
	return strings.Join(parts, ", ")
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
