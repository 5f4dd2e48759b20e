package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/automation"
)

// stackFlags are the flags that all operations on a stack have.
type stackFlags struct {
	sessionOptions
	forceUnlock bool
}

func (f *stackFlags) add(c *cobra.Command) {
	stackFlag(c, &f.stack)
	c.Flags().BoolVar(&f.sandbox, "sandbox", false, "work in the sandbox on this machine (.sandbox/ in the project), not in AWS")
	c.Flags().IntVar(&f.parallel, "parallel", 0, "how many resources are worked on at a `time` (default: the engine's own)")
}

func (f *stackFlags) addUnlock(c *cobra.Command) {
	c.Flags().BoolVar(&f.forceUnlock, "force-unlock", false, "release the stack's lock first, whoever holds it: only when it is certain that the holder doesn't run any more")
}

// operate runs an operation on a stack and prints its result.
func (m *Main) operate(ctx context.Context, f stackFlags, planning bool, do func(context.Context, *automation.Workspace) (automation.Result, error)) error {
	if f.parallel < 0 {
		return usagef("--parallel %d: a number of resources, 1 or more; 0 for the engine's own", f.parallel)
	}
	if f.checkpoints && !f.sandbox {
		return usagef("--checkpoints is for --sandbox: in AWS the state is always written at every step")
	}
	p := m.newProgress()
	p.planning = planning
	result, err := func() (result automation.Result, err error) {
		defer p.end()
		s, err := m.openSession(ctx, f.sessionOptions, p)
		if err != nil {
			return result, err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		if f.forceUnlock {
			if err := s.workspace.Cancel(ctx); err != nil {
				return result, err
			}
		}
		if result, err = do(ctx, s.workspace); err == nil && !planning {
			err = s.settle(ctx)
		}
		return result, err
	}()
	if err != nil {
		return withHint(err, f.sandbox)
	}
	if m.json {
		return m.printJSON(result)
	}
	m.printResult(result)
	return nil
}

// withHint adds what to do about the failure that follows a destroy: what it retained is still there.
func withHint(err error, sandbox bool) error {
	var failed *automation.OperationError
	if !errors.As(err, &failed) {
		return err
	}
	for _, d := range failed.Diagnostics {
		if strings.Contains(d.Message, "AlreadyExists") || strings.Contains(d.Message, "AlreadyOwnedByYou") {
			hint := "If an earlier destroy retained it, import it into the stack: pulumi import TYPE NAME ID, as the destroy told."
			if sandbox {
				hint = "If an earlier destroy retained it, begin anew with: logarchive sandbox reset"
			}
			return fmt.Errorf("%w\n%s", err, hint)
		}
	}
	return err
}

// printResult writes a result for a person.
func (m *Main) printResult(r automation.Result) {
	if r.Operation == "preview" || r.Operation == "refresh" {
		for _, c := range r.Changes {
			fmt.Fprintf(m.Stdout, "%-8s %s %s%s\n", c.Op, c.Type, c.Name, reasons(c))
		}
	}
	fmt.Fprintf(m.Stdout, "%s of stack %s: %s, in %.1f s\n", r.Operation, r.Stack, counts(r.Summary), r.Seconds)
	if len(r.Retained) > 0 {
		fmt.Fprintf(m.Stdout, "These left the stack and stay in AWS, with all their data, and cost money there:\n")
		for _, resource := range r.Retained {
			fmt.Fprintf(m.Stdout, "  %v\n", resource)
		}
		fmt.Fprintf(m.Stdout, "An up of the stack would be refused where names are taken. Import one again with:\n  pulumi import %s %s %s\n", r.Retained[0].Type, r.Retained[0].Name, r.Retained[0].ID)
	}
	if len(r.Kept) > 0 {
		fmt.Fprintf(m.Stdout, "These are protected and are still in the stack, with what they need:\n")
		for _, resource := range r.Kept {
			fmt.Fprintf(m.Stdout, "  %v\n", resource)
		}
	}
}

// counts is a summary in words.
func counts(s automation.Summary) string {
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{{s.Create, "created"}, {s.Update, "updated"}, {s.Replace, "replaced"}, {s.Delete, "deleted"}, {s.Other, "imported or read"}, {s.Same, "unchanged"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

// reasons names the properties that change.
func reasons(c automation.Change) string {
	var text string
	if len(c.Changed) > 0 {
		text = "  changes " + strings.Join(c.Changed, ", ")
	}
	if len(c.Replaces) > 0 {
		text += "  replaced because of " + strings.Join(c.Replaces, ", ")
	}
	return text
}

func (m *Main) upCommand() *cobra.Command {
	var f stackFlags
	c := &cobra.Command{
		Use:   "up --stack NAME [--sandbox]",
		Short: "Make a stack what its configuration says",
		Long: `Make a stack what its configuration says, in AWS or in the sandbox.

In AWS, the state is kept in the backend that Pulumi is logged in to (pulumi login, or PULUMI_BACKEND_URL), and the
credentials are the usual ones (AWS_PROFILE and so on).

What an interrupted operation left is put in order first: the lock of a dead process is released, and resources that
were made without the engine's knowledge are taken over.`,
		Example: `  logarchive up --stack beijing --sandbox
  logarchive up --stack beijing --json`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return m.operate(c.Context(), f, false, func(ctx context.Context, w *automation.Workspace) (automation.Result, error) {
				return w.Up(ctx)
			})
		},
	}
	f.add(c)
	c.Flags().BoolVar(&f.checkpoints, "checkpoints", false, "with --sandbox, have the state written at every step, as in AWS, and not only at the end where that takes long")
	f.addUnlock(c)
	return c
}

func (m *Main) previewCommand() *cobra.Command {
	var f stackFlags
	c := &cobra.Command{
		Use:     "preview --stack NAME [--sandbox]",
		Short:   "Tell what up would do",
		Long:    "Tell what up would do, and change nothing.",
		Example: "  logarchive preview --stack beijing --sandbox",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return m.operate(c.Context(), f, true, func(ctx context.Context, w *automation.Workspace) (automation.Result, error) {
				return w.Preview(ctx)
			})
		},
	}
	f.add(c)
	return c
}

func (m *Main) refreshCommand() *cobra.Command {
	var f stackFlags
	c := &cobra.Command{
		Use:     "refresh --stack NAME [--sandbox]",
		Short:   "Read what is really there into a stack's state",
		Long:    "Read every resource of a stack from AWS into its state, and tell what differs from it: drift. Resources aren't changed.",
		Example: "  logarchive refresh --stack beijing --sandbox",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return m.operate(c.Context(), f, false, func(ctx context.Context, w *automation.Workspace) (automation.Result, error) {
				return w.Refresh(ctx)
			})
		},
	}
	f.add(c)
	f.addUnlock(c)
	return c
}

func (m *Main) destroyCommand() *cobra.Command {
	var f stackFlags
	var d automation.DestroyOptions
	c := &cobra.Command{
		Use:   "destroy --stack NAME [--sandbox] [--exclude-protected | --unprotect]",
		Short: "Delete a stack's resources; archives and backups stay",
		Long: `Delete a stack's resources.

What keeps archived logs and backups is protected (the archive bucket, keys, vaults): a stack that has any of it isn't
destroyed, and nothing is changed, unless one of these says what is meant:

  --exclude-protected  delete everything else; what is protected, or would stay in AWS anyway, stays in the stack
  --unprotect          delete the stack; what is marked as staying leaves the stack, stays in AWS with all its data,
                       and costs money there. It is listed at the end, with its ids.`,
		Example: `  logarchive destroy --stack beijing --sandbox --exclude-protected
  logarchive destroy --stack beijing --sandbox --unprotect`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if d.ExcludeProtected && d.Unprotect {
				return usagef("--exclude-protected and --unprotect contradict each other: give one of them")
			}
			return m.operate(c.Context(), f, false, func(ctx context.Context, w *automation.Workspace) (automation.Result, error) {
				return w.Destroy(ctx, d)
			})
		},
	}
	f.add(c)
	f.addUnlock(c)
	c.Flags().BoolVar(&d.ExcludeProtected, "exclude-protected", false, "delete everything but what is protected, what would stay in AWS anyway, and what these need")
	c.Flags().BoolVar(&d.Unprotect, "unprotect", false, "lift the protection; what is retained stays in AWS, out of the stack")
	return c
}
