package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/sandbox"
)

// A demoResult is what "demo" prints with --json.
type demoResult struct {
	Stack   string       `json:"stack"`
	Region  string       `json:"region"` // where the archive is
	Sources []demoSource `json:"sources"`
	Lines   int          `json:"lines"`
	Objects int          `json:"objects"` // that hold the lines
	Bytes   int64        `json:"bytes"`
	Phases  []demoPhase  `json:"phases"`
	Seconds float64      `json:"seconds"`
}

// A demoSource is a row of the table.
type demoSource struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Path     string   `json:"path"`
	Sent     int      `json:"sent"`
	Selected int      `json:"selected"` // by subscription filters; all without a pattern
	Found    int      `json:"found"`
	Objects  int      `json:"objects"`
	Bytes    int64    `json:"bytes"` // of these objects, which may hold lines of other sources too
	Example  string   `json:"example"`
	Problems []string `json:"problems,omitempty"`
}

// A demoPhase is a step of the demo, with what it took.
type demoPhase struct {
	Name    string  `json:"name"`
	Result  string  `json:"result"`
	Seconds float64 `json:"seconds"`
}

func (m *Main) demoCommand() *cobra.Command {
	stack, lines := "beijing", 500
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run the main job without AWS: Beijing's logs land in Ningxia",
		Long: `Run the main job on this machine, without AWS: deploy the stack into the sandbox with the real Pulumi engine, send lines from
every configured source, let them travel along what was deployed, and read them back from the archive bucket in the
backup region. It fails unless every line arrived exactly once, and unless a second up has nothing to do.

The sandbox stays: look around with 'logarchive sandbox ls'.`,
		Example: `  logarchive demo
  logarchive demo --stack global --lines 5000 --json`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if lines < 1 || lines > 1_000_000 {
				return usagef("--lines %d: from 1 to 1000000", lines)
			}
			return m.demo(c.Context(), stack, lines)
		},
	}
	c.Flags().StringVarP(&stack, "stack", "s", stack, "the `name` of the stack")
	c.Flags().IntVar(&lines, "lines", lines, "how many lines are sent from each source, as a `number`")
	return c
}

// demo runs the main job and prints the table.
func (m *Main) demo(ctx context.Context, stack string, lines int) error {
	p := m.newProgress()
	result, err := m.runDemo(ctx, stack, lines, p)
	p.end()
	if result == nil {
		return err
	}
	if m.json {
		return errors.Join(m.printJSON(result), err)
	}
	m.printDemo(result)
	return err
}

// runDemo does it. The result is nil when there is nothing to show.
func (m *Main) runDemo(ctx context.Context, stack string, lines int, p *progress) (_ *demoResult, err error) {
	began := time.Now()
	result := &demoResult{Stack: stack}
	phase := func(name string, since time.Time, format string, args ...any) {
		took := demoPhase{Name: name, Result: fmt.Sprintf(format, args...), Seconds: time.Since(since).Seconds()}
		result.Phases = append(result.Phases, took)
		if !m.json {
			p.pause(func() { fmt.Fprintf(m.Stdout, "%-10s %6.1f s  %s\n", took.Name, took.Seconds, took.Result) })
		}
	}

	s, err := m.openSession(ctx, sessionOptions{stack: stack, sandbox: true}, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	phase("engine", began, "Pulumi CLI found")

	since := time.Now()
	up, err := s.workspace.Up(ctx)
	if err != nil {
		return nil, withHint(err, true)
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	phase("up", since, "%s", counts(up.Summary))

	a, err := s.openArchive()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	result.Region = string(s.spec.Archive.Region)
	run := runName()
	since = time.Now()
	var sources []sandbox.Source
	var travelling []*journey
	err = p.during("sending lines", func() (err error) {
		sources, travelling, err = sendAll(ctx, a, s, run, lines)
		return err
	})
	if err != nil {
		return nil, err
	}
	phase("send", since, "%d lines from %d sources", len(sources)*lines, len(sources))

	since = time.Now()
	before := a.clock.Now()
	if err := p.during("delivering", func() error { return a.delivery.Flush(ctx) }); err != nil {
		return nil, fmt.Errorf("lines can't be delivered from the buffers:\n%w", err)
	}
	phase("deliver", since, "the sandbox's clock moved on by %.0f s", a.clock.Now().Sub(before).Seconds())

	since = time.Now()
	err = p.during("reading back", func() error { return readBack(ctx, a, s, sources, travelling, result) })
	if err != nil {
		return nil, err
	}
	phase("read back", since, "%d lines in %d objects in %s", result.Lines, result.Objects, result.Region)

	since = time.Now()
	again, err := s.workspace.Up(ctx)
	if err != nil {
		return nil, err
	}
	phase("second up", since, "%s", counts(again.Summary))
	result.Seconds = time.Since(began).Seconds()

	problems := 0
	for _, row := range result.Sources {
		problems += len(row.Problems)
	}
	switch {
	case problems > 0:
		return result, errors.New("not every line arrived exactly once")
	case again.Summary.Changes() > 0:
		return result, fmt.Errorf("a second up, with nothing changed, still had something to do: %s", counts(again.Summary))
	}
	return result, nil
}

// openArchive opens the session's sandbox for sending and reading.
func (s *session) openArchive() (*archive, error) {
	if s.world == nil { // another process serves it
		return s.m.openArchive()
	}
	return openArchiveOf(s.world, s.world.Dir())
}

// A journey is what was sent from a source.
type journey struct {
	source  sandbox.Source
	lines   map[string]int // how often each of them was found
	receipt sandbox.Receipt
	before  map[string]bool // objects that held lines of the source already
}

// sendAll sends lines from every source of the stack's source accounts.
func sendAll(ctx context.Context, a *archive, s *session, run string, n int) ([]sandbox.Source, []*journey, error) {
	places := map[partition.Place]bool{s.spec.Home: true}
	for _, source := range s.spec.Sources() {
		places[source.Place] = true
	}
	var sources []sandbox.Source
	for _, source := range a.delivery.Sources() {
		if places[source.Place] {
			sources = append(sources, source)
		}
	}
	if want := len(s.spec.Sources()); len(sources) < want {
		return nil, nil, fmt.Errorf("%d sources are configured, and %d were deployed", want, len(sources))
	}
	earlier, err := a.delivery.FindAll(ctx, sources)
	if err != nil {
		return nil, nil, err
	}
	var sent []*journey
	var refused []error
	for i, source := range sources {
		lines, err := a.delivery.Lines(source, run, n)
		if err != nil {
			return nil, nil, err
		}
		j := &journey{source: source, lines: map[string]int{}, before: map[string]bool{}}
		for _, ref := range earlier[i].Objects {
			j.before[ref.String()] = true
		}
		for _, line := range lines {
			j.lines[line] = 0
		}
		if j.receipt, err = a.delivery.Send(ctx, source, lines); err != nil {
			refused = append(refused, fmt.Errorf("%s: %w", source.ID, err))
			continue
		}
		sent = append(sent, j)
	}
	return sources, sent, errors.Join(refused...)
}

// readBack looks for what was sent, and makes the rows of the table.
func readBack(ctx context.Context, a *archive, s *session, sources []sandbox.Source, sent []*journey, result *demoResult) error {
	found, err := a.delivery.FindAll(ctx, sources)
	if err != nil {
		return err
	}
	all := map[string]int64{}
	for i, j := range sent {
		row := demoSource{ID: j.source.ID, Name: sourceName(j.source), Path: pathInWords(j.source), Sent: len(j.lines), Selected: j.receipt.Selected}
		for _, line := range found[i].Lines {
			if n, ours := j.lines[line]; ours {
				j.lines[line] = n + 1
			}
		}
		for _, ref := range found[i].Objects {
			if j.before[ref.String()] {
				continue
			}
			row.Objects++
			row.Bytes += ref.Size
			row.Example = ref.String()
			all[ref.String()] = ref.Size
			if bucket, err := knownBucket(a, ref.Bucket); err != nil {
				return err
			} else if bucket.Place != s.spec.Archive {
				row.Problems = append(row.Problems, fmt.Sprintf("%s is in %s, not in %s", ref, bucket.Place, s.spec.Archive))
			}
		}
		row.Found, row.Problems = tally(j, row.Problems)
		result.Lines += row.Found
		result.Sources = append(result.Sources, row)
	}
	result.Objects = len(all)
	for _, size := range all {
		result.Bytes += size
	}
	return nil
}

// tally counts the lines that arrived, and names some of those that didn't arrive exactly once. What a subscription
// filter's pattern doesn't select needn't arrive.
func tally(j *journey, problems []string) (int, []string) {
	arrived, missing, twice := 0, []string{}, []string{}
	for line, n := range j.lines {
		switch {
		case n == 0:
			missing = append(missing, line)
		case n > 1:
			twice = append(twice, line)
			fallthrough
		default:
			arrived++
		}
	}
	if arrived != j.receipt.Selected {
		slices.Sort(missing)
		problems = append(problems, fmt.Sprintf("%d of %d lines are missing, such as %q", j.receipt.Selected-arrived, j.receipt.Selected, firstOr(missing, "")))
	}
	if len(twice) > 0 {
		slices.Sort(twice)
		problems = append(problems, fmt.Sprintf("%d lines arrived more than once, such as %q", len(twice), twice[0]))
	}
	return arrived, problems
}

// printDemo writes the table for a person. The phases were written while they ended.
func (m *Main) printDemo(r *demoResult) {
	fmt.Fprintln(m.Stdout)
	w := tabwriter.NewWriter(m.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "SOURCE\tPATH\tLINES SENT\tIN %s\tBYTES\tOBJECT\n", strings.ToUpper(r.Region))
	var examples []string // pipelines collect the lines of several sources in one object
	for _, row := range r.Sources {
		sent := strconv.Itoa(row.Sent)
		if row.Selected != row.Sent {
			sent += fmt.Sprintf(", %d selected", row.Selected)
		}
		number := slices.Index(examples, row.Example) + 1
		if number == 0 && row.Example != "" {
			examples = append(examples, row.Example)
			number = len(examples)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t[%d]\n", row.Name, row.Path, sent, row.Found, row.Bytes, number)
	}
	_ = w.Flush()
	fmt.Fprintln(m.Stdout)
	for i, example := range examples {
		fmt.Fprintf(m.Stdout, "[%d] %s\n", i+1, example)
	}
	fmt.Fprintln(m.Stdout)
	problems := 0
	for _, row := range r.Sources {
		for _, problem := range row.Problems {
			fmt.Fprintf(m.Stdout, "%s: %s\n", row.Name, problem)
			problems++
		}
	}
	if problems == 0 {
		fmt.Fprintf(m.Stdout, "%d lines of stack %s arrived, each exactly once: %d objects, %d bytes, in %.1f s\n", r.Lines, r.Stack, r.Objects, r.Bytes, r.Seconds)
	}
	fmt.Fprintln(m.Stdout, "Look around: logarchive sandbox ls")
}

// runName is a word that no other run of some weeks has: the time in twentieths of a second, as five letters and digits.
// The ids of flow records have no room for more.
func runName() string {
	const words = 36 * 36 * 36 * 36 * 36
	return fmt.Sprintf("%05s", strconv.FormatInt(time.Now().UnixMilli()/50%words, 36))
}

// sourceName names a source for a person: what is recorded, rather than the flow log's id.
func sourceName(s sandbox.Source) string {
	if s.Kind == sandbox.SourceFlowLog {
		first, _, _ := strings.Cut(s.Path, " -> ")
		return first
	}
	return s.Name
}

// pathInWords is a source's path without names: "flow log > log group > Firehose > bucket".
func pathInWords(s sandbox.Source) string {
	var words []string
	if s.Kind == sandbox.SourceDatabase {
		words = append(words, "database")
	}
	if s.Kind == sandbox.SourceInstance {
		words = append(words, "instance")
	}
	for i, step := range strings.Split(s.Path, " -> ") {
		switch {
		case strings.HasPrefix(step, "collector "):
			words = append(words, "syslog", "collector")
		case strings.HasPrefix(step, "flow log "):
			words = append(words, "flow log")
		case strings.HasPrefix(step, "trail "), strings.HasPrefix(step, "recorder "), strings.HasPrefix(step, "detector "):
			service, _, _ := strings.Cut(step, " ")
			words = append(words, service)
		case strings.HasPrefix(step, "query log "):
			words = append(words, "query log")
		case strings.HasPrefix(step, "filter "):
		case strings.HasPrefix(step, "destination "):
			words = append(words, "destination")
		case strings.HasPrefix(step, "Firehose "):
			words = append(words, "Firehose")
		case strings.HasPrefix(step, "access logs"):
			words = append(words, "access log")
		case strings.HasPrefix(step, "replicated to "):
			words[len(words)-1] = "landing bucket"
			words = append(words, "bucket")
		case strings.HasPrefix(step, "s3://"):
			words = append(words, "bucket")
		case i > 0 || s.Kind == sandbox.SourceLogGroup:
			words = append(words, "log group")
		}
	}
	return strings.Join(words, " > ")
}
