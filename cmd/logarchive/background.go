package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/sandbox"
)

// withWorld does something that changes the sandbox's world. A process that serves it is asked to do it; any other that has it
// open is an error that says so.
func (m *Main) withWorld(do func(*archive, changer) error) (err error) {
	a, err := m.openArchive() // says so where nothing is deployed yet
	if err != nil {
		return err
	}
	dir := a.world.Dir()
	world, err := sandbox.OpenWorld(dir)
	if inUse := (*sandbox.InUseError)(nil); errors.As(err, &inUse) {
		defer func() { err = errors.Join(err, a.close()) }()
		served, notServed := readServed(dir)
		if notServed != nil {
			return err
		}
		return do(a, sandbox.Remote{Port: served.Port})
	}
	if err = errors.Join(err, a.close()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	if a, err = openArchiveOf(world, dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	p := m.newProgress()
	defer p.end()
	return p.during("working in the sandbox", func() error { return do(a, local{sandbox.NewBackground(world, a.delivery), world}) })
}

// changer changes a sandbox's world: this process, or the one that serves it. Their errors have [sandbox.Refusals] in them.
type changer interface {
	CreateLogGroup(ctx context.Context, g sandbox.NewLogGroup, hold bool) error
	Wait(ctx context.Context, span time.Duration) error
}

// local is a world that this process has open.
type local struct {
	*sandbox.Background
	world *sandbox.World
}

func (l local) CreateLogGroup(ctx context.Context, g sandbox.NewLogGroup, hold bool) error {
	if _, err := l.world.CreateLogGroup(g); err != nil || hold {
		return err
	}
	return l.Run(ctx)
}

// catchUp has the sandbox do what is due: events, schedules, queues. Where another process has the world open, that one
// does it. What is refused in the background fails nothing here: 'sandbox ls' shows it.
func (m *Main) catchUp(ctx context.Context) (err error) {
	a, err := m.openArchive()
	if err != nil {
		return err
	}
	due, err := sandbox.NewBackground(a.world, a.delivery).Due()
	if err = errors.Join(err, a.close()); err != nil || !due {
		return err
	}
	world, err := sandbox.OpenWorld(a.world.Dir())
	if inUse := (*sandbox.InUseError)(nil); errors.As(err, &inUse) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	if a, err = openArchiveOf(world, world.Dir()); err != nil {
		return err
	}
	_, err = sandbox.Refusals(sandbox.NewBackground(world, a.delivery).Run(ctx))
	return errors.Join(err, a.close())
}

// settle does what an operation has set going, and says what of it was refused.
func (s *session) settle(ctx context.Context) error {
	if s.world == nil { // AWS does it, or the process that serves the sandbox
		return nil
	}
	a, err := openArchiveOf(s.world, s.world.Dir())
	if err != nil {
		return err
	}
	refused, err := sandbox.Refusals(sandbox.NewBackground(s.world, a.delivery).Run(ctx))
	for _, r := range refused {
		s.progress.say("refused in the sandbox: %v", r)
	}
	return errors.Join(err, a.close())
}

// A createdGroup is what "sandbox create-log-group" prints with --json.
type createdGroup struct {
	Name    string          `json:"name"`
	ARN     string          `json:"arn"`
	Place   partition.Place `json:"place"`
	Filters []string        `json:"filters"` // its subscription filters
	Path    string          `json:"path"`    // from it to the archive
	Broken  string          `json:"broken,omitempty"`
	// RetentionDays is how long it keeps its events now; 0 is for ever.
	RetentionDays int `json:"retentionDays"`
	// Refused is what went wrong on the way to its subscription.
	Refused []string `json:"refused"`
}

func (m *Main) createLogGroupCommand() *cobra.Command {
	var g sandbox.NewLogGroup
	var account, region string
	var hold bool
	c := &cobra.Command{
		Use:   "create-log-group NAME [--tag KEY=VALUE]…",
		Short: "Create a log group, as an application or a person does",
		Long: `Create a log group in the sandbox that is of no stack, as CreateLogGroup does. Where a rule listens, the call becomes an event, as by a
trail that records management events: the subscriber's rule has its function make a work item of it, which the queue hands to the
function again, which subscribes the group. Each step is refused where AWS would refuse it; 'sandbox ls' shows what was. A policy of
the account subscribes the group without any of this.

The group is made where the stacks' streams are; of several places, where new log groups are listened for. Where that doesn't
say it either, say which with --region and --account.`,
		Example: `  logarchive sandbox create-log-group /app/checkout
  logarchive sandbox create-log-group /app/checkout --tag archive=yes
  echo hello | logarchive sandbox send --source /app/checkout`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("which log group? Name one\nSee '%s --help'.", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			g.Name = args[0]
			return m.withWorld(func(a *archive, b changer) error {
				var err error
				if g.Place, err = streamPlace(a.world, account, region); err != nil {
					return err
				}
				refused, err := sandbox.Refusals(b.CreateLogGroup(c.Context(), g, hold))
				if err != nil {
					return err
				}
				return m.printCreated(g, refused)
			})
		},
	}
	c.Flags().StringToStringVar(&g.Tags, "tag", nil, "a tag of the group, as `KEY=VALUE`; may be given several times")
	c.Flags().StringVar(&g.Class, "log-group-class", "", "the `class`: STANDARD (default) or INFREQUENT_ACCESS")
	c.Flags().IntVar(&g.RetentionDays, "retention-in-days", 0, "how many `days` its events are kept (default: for ever)")
	c.Flags().StringVar(&account, "account", "", "the `account` in which it is created")
	c.Flags().StringVar(&region, "region", "", "the `region` in which it is created")
	c.Flags().BoolVar(&g.Unseen, "no-event", false, "no trail tells of it: it waits for the next sweep")
	c.Flags().BoolVar(&hold, "hold", false, "leave the event where it is; 'logarchive sandbox flush' has it delivered")
	return c
}

// streamPlace is the one place where streams are, of those that account and region leave; of several the one where new log
// groups are listened for, or subscribed by a policy of the account.
func streamPlace(world *sandbox.World, account, region string) (partition.Place, error) {
	var places, listening []partition.Place
	for _, o := range world.List("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream") {
		if slices.Contains(places, o.Place) || account != "" && account != string(o.Place.Account) || region != "" && region != string(o.Place.Region) {
			continue
		}
		places = append(places, o.Place)
	}
	for _, o := range world.List(catalog.LogAccountPolicy) {
		if slices.Contains(places, o.Place) && !slices.Contains(listening, o.Place) {
			listening = append(listening, o.Place)
		}
	}
	for _, o := range world.List("aws:cloudwatch/eventRule:EventRule") {
		if pattern := o.Inputs["eventPattern"]; pattern.IsString() && strings.Contains(pattern.StringValue(), "CreateLogGroup") && slices.Contains(places, o.Place) && !slices.Contains(listening, o.Place) {
			listening = append(listening, o.Place)
		}
	}
	switch {
	case len(listening) == 1:
		return listening[0], nil
	case len(places) == 1:
		return places[0], nil
	case len(places) > 1:
		var names []string
		for _, place := range places {
			names = append(names, place.String())
		}
		return partition.Place{}, usagef("streams are in several places: say with --account and --region which of these is meant: %s", strings.Join(names, ", "))
	case account == "" || region == "":
		return partition.Place{}, usagef("no stream is there: say with --account and --region where the group is to be created")
	}
	place := partition.Place{Account: partition.Account(account), Region: partition.Region(region)}
	if place.Partition() == "" {
		return place, usagef("--region %s: not a region that is known", region)
	}
	return place, nil
}

func (m *Main) printCreated(g sandbox.NewLogGroup, refused []*sandbox.Refusal) error {
	a, err := m.openArchive() // the world as it is now, whoever has changed it
	if err != nil {
		return err
	}
	defer func() { _ = a.close() }() // nothing was written
	out := createdGroup{Name: g.Name, ARN: g.Place.LogGroupARN(g.Name).String(), Place: g.Place, Filters: []string{}, Refused: []string{}}
	for _, r := range refused {
		out.Refused = append(out.Refused, r.Error())
	}
	for _, s := range a.delivery.Sources() {
		if s.Kind == sandbox.SourceLogGroup && s.Place == g.Place && s.Name == out.Name {
			out.Path, out.Broken = s.Path, s.Broken
		}
	}
	if o, ok := a.world.Get(catalog.LogGroup, g.Place, g.Name); ok {
		if days := o.State["retentionInDays"]; days.IsNumber() {
			out.RetentionDays = int(days.NumberValue())
		}
	}
	for _, o := range a.world.List("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter") {
		if o.Place == g.Place && o.Text("logGroup") == out.Name {
			out.Filters = append(out.Filters, o.Text("name"))
		}
	}
	if m.json {
		return m.printJSON(out)
	}
	fmt.Fprintf(m.Stdout, "created log group %s in %s\n", out.Name, out.Place)
	for _, r := range out.Refused {
		fmt.Fprintf(m.Stdout, "refused: %s\n", r)
	}
	if len(out.Filters) > 0 || out.Path != "" && out.Broken == "" {
		fmt.Fprintln(m.Stdout, out.Path)
	} else {
		fmt.Fprintln(m.Stdout, "it has no subscription filter (yet): its events go nowhere")
	}
	return nil
}

func (m *Main) waitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "wait DURATION",
		Short: "Let time pass in the sandbox",
		Long: `Let so much time pass by the sandbox's clock, without waiting for it: schedules come due (the subscriber's sweep), queues hand out
again what failed, buffers are delivered, each at its time.`,
		Example: "  logarchive sandbox wait 1h\n  logarchive sandbox wait 90s",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("for how long? A duration, such as 90s, 15m or 1h\nSee '%s --help'.", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			const most = 400 * 24 * time.Hour
			span, err := time.ParseDuration(args[0])
			if err != nil || span <= 0 || span > most {
				return usagef("%q is not a duration from 1s to %dh, such as 90s, 15m or 1h", args[0], int(most.Hours()))
			}
			return m.withWorld(func(a *archive, b changer) error {
				refused, err := sandbox.Refusals(b.Wait(c.Context(), span))
				if err != nil {
					return err
				}
				now, err := a.clock.Peek()
				if err != nil {
					return err
				}
				if m.json {
					all := []string{}
					for _, r := range refused {
						all = append(all, r.Error())
					}
					return m.printJSON(map[string]any{"clock": now, "refused": all})
				}
				for _, r := range refused {
					fmt.Fprintf(m.Stdout, "refused: %v\n", r)
				}
				_, err = fmt.Fprintf(m.Stdout, "the sandbox's clock is at %s\n", now.Format("2006-01-02 15:04:05 MST"))
				return err
			})
		},
	}
}

// keepGoing does what is due in a served world as time passes, until ctx ends, and says once what was refused.
func keepGoing(ctx context.Context, b *sandbox.Background, p *progress) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	told := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if due, err := b.Due(); err == nil && !due {
			continue
		}
		refused, err := sandbox.Refusals(b.Run(ctx))
		for _, r := range refused {
			if !told[r.Error()] {
				told[r.Error()] = true
				p.say("refused in the sandbox: %v", r)
			}
		}
		if err != nil && ctx.Err() == nil && !told[err.Error()] {
			told[err.Error()] = true
			p.say("in the sandbox: %v", err)
		}
	}
}

// listBackground writes what waits in queues, and what was refused.
func (m *Main) listBackground(s sandbox.BackgroundStatus) {
	if len(s.Queues) > 0 || s.Events+s.Invocations > 0 {
		fmt.Fprintln(m.Stdout, "Waiting for functions:")
		if s.Events+s.Invocations > 0 {
			fmt.Fprintf(m.Stdout, "  %d events, %d invocations\n", s.Events, s.Invocations)
		}
		for _, q := range s.Queues {
			fmt.Fprintf(m.Stdout, "  queue %s: %d messages, and %d that were received\n", q.Name, q.Visible, q.InFlight)
		}
	}
	if len(s.Refusals) == 0 {
		return
	}
	fmt.Fprintln(m.Stdout, "Refused:")
	for _, r := range s.Refusals {
		times := ""
		if r.Times > 1 {
			times = fmt.Sprintf(", %d times", r.Times)
		}
		fmt.Fprintf(m.Stdout, "  %s%s: %s\n    %s: %s on %s: %s\n", r.At.Format("2006-01-02 15:04:05"), times, r.Step, r.Code, r.Action, r.Resource, r.Reason)
	}
}
