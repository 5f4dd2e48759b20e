package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/sandbox"
)

func (m *Main) alarmsCommand() *cobra.Command {
	var since time.Duration
	var all bool
	c := &cobra.Command{
		Use:   "alarms [--since TIME] [--all]",
		Short: "Evaluate the stack's alarms by what has happened in the sandbox",
		Long: `Evaluate every alarm that is declared, at the sandbox's present time and every five minutes before it, by the metrics that the
sandbox has: of streams, functions, queues, buckets, replication and forwarding. Those that are in ALARM, or were, are printed,
with the topics that they tell. A topic that doesn't take the message is an error, with AWS's code: at AWS nobody would hear of it.

Alarms that say that nothing has come are in ALARM in a sandbox that is new, as they are at AWS. Metrics that the sandbox doesn't
have, such as those of AWS Backup, are named with --all.`,
		Example: `  logarchive sandbox alarms
  logarchive sandbox alarms --since 24h --json`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if since < 0 || since > 7*24*time.Hour {
				return usagef("--since %s: want 0 to 168h", since)
			}
			return m.withArchive(func(a *archive) error { return m.alarms(a, since, all) })
		},
	}
	c.Flags().DurationVar(&since, "since", 3*time.Hour, "how far to look `back`, up to 168h")
	c.Flags().BoolVar(&all, "all", false, "print the alarms that weren't raised, too")
	return c
}

func (m *Main) alarms(a *archive, since time.Duration, all bool) error {
	found, err := a.delivery.Alarms(since)
	if err != nil {
		return err
	}
	var shown []sandbox.AlarmStatus
	raised, unmodelled := 0, 0
	var unheard []string
	for _, s := range found {
		if s.State == sandbox.AlarmRaised {
			raised++
		}
		if s.Unmodelled != "" {
			unmodelled++
		}
		if all || !s.Raised.IsZero() {
			shown = append(shown, s)
		}
		for _, n := range s.Notified {
			if n.Refused != "" {
				unheard = append(unheard, fmt.Sprintf("%s isn't heard by %s: %s", s.Name, n.Topic, n.Refused))
			}
		}
	}
	if m.json {
		if shown == nil {
			shown = []sandbox.AlarmStatus{}
		}
		if err := m.printJSON(shown); err != nil {
			return err
		}
	} else {
		for _, s := range shown {
			state := string(s.State)
			if s.State != sandbox.AlarmRaised && !s.Raised.IsZero() {
				state += ", in ALARM at " + s.Raised.Format(time.RFC3339)
			}
			fmt.Fprintf(m.Stdout, "%s (%s): %s\n  %s\n", s.Name, s.Place, state, s.Reason)
			for _, n := range s.Notified {
				fmt.Fprintf(m.Stdout, "  tells %s\n", n.Topic)
			}
		}
		fmt.Fprintf(m.Stdout, "%d of %d alarms are in ALARM; of %d the sandbox doesn't have the metric\n", raised, len(found), unmodelled)
	}
	if len(unheard) > 0 {
		return fmt.Errorf("%d messages are refused:\n%s", len(unheard), strings.Join(unheard, "\n"))
	}
	return nil
}
