package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/stacks"
)

// The exit codes. See the package comment.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Main is the program: what it reads and writes, so that a test can run it in its own process.
type Main struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Dir            string          // the current directory
	Kill           context.Context // done: what has been begun isn't waited for
	Rewrite        bool            // Stderr is a terminal: progress rewrites its line

	projectDir string // --project
	json       bool   // --json
}

// Run runs a command line and returns the exit code. When ctx ends, the command finishes what it has begun.
func (m *Main) Run(ctx context.Context, args []string) int {
	if m.Kill == nil {
		m.Kill = context.Background()
	}
	root := m.command()
	root.SetArgs(args)
	root.SetIn(m.Stdin)
	root.SetOut(m.Stdout)
	root.SetErr(m.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(m.Stderr, "logarchive: "+err.Error())
	return exitCode(err)
}

// exitCode tells bad usage and bad configuration from failure.
func exitCode(err error) int {
	var usage *usageError
	var config *stacks.ConfigError
	if errors.As(err, &usage) || errors.As(err, &config) {
		return exitUsage
	}
	return exitFailed
}

// A usageError is about the command line, or about files that can't be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// command builds the tree of commands.
func (m *Main) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "logarchive",
		Short: "Archive the logs of an AWS account in another region and another account",
		Long: `Log archive keeps the logs of an AWS account, in China and elsewhere, in a bucket of another account in another region.

The stacks are those of the Pulumi project in this folder, or in one above it: a stack per file Pulumi.<stack>.yaml.
With --sandbox a stack is deployed by the real Pulumi engine into a stand-in for AWS on this machine.

Exit codes: 0 done; 1 failed, refused or interrupted; 2 bad usage or bad configuration, with nothing touched.`,
		Example: `  logarchive demo
  logarchive preview --stack beijing --sandbox
  logarchive graph --stack beijing --format mermaid`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&m.projectDir, "project", "", "the `folder` with Pulumi.yaml (default: this one, or the nearest one above it that has it)")
	root.PersistentFlags().BoolVar(&m.json, "json", false, "write the result as JSON")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w\nSee '%s --help'.", err, c.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		m.demoCommand(), m.upCommand(), m.previewCommand(), m.refreshCommand(), m.destroyCommand(),
		m.graphCommand(), m.queryDDLCommand(), m.verifyCommand(), m.simulateCommand(), m.functionCommand(), m.replayCommand(), m.redriveCommand(), m.sandboxCommand(), m.engineCommand(), m.versionCommand(),
	)
	group(root)
	return root
}

// group makes a command that only has subcommands refuse everything else, and say what there is.
func group(c *cobra.Command) {
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		text := fmt.Sprintf("there is no command %q in %q", args[0], c.CommandPath())
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			text += fmt.Sprintf("; did you mean %q?", near[0])
		}
		return usagef("%s\nSee '%s --help'.", text, c.CommandPath())
	}
	c.SuggestionsMinimumDistance = 2
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := c.Help(); err != nil {
			return err
		}
		return nil
	}
}

// noArguments refuses arguments.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%q takes no arguments, but was given %q\nSee '%s --help'.", c.CommandPath(), args[0], c.CommandPath())
	}
	return nil
}

// project is the folder with Pulumi.yaml.
func (m *Main) project() (string, error) {
	if m.projectDir != "" {
		dir := m.projectDir
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(m.Dir, dir)
		}
		if _, err := os.Stat(filepath.Join(dir, "Pulumi.yaml")); err != nil {
			return "", usagef("--project %s: there is no Pulumi.yaml", m.projectDir)
		}
		return dir, nil
	}
	for dir := m.Dir; ; {
		if _, err := os.Stat(filepath.Join(dir, "Pulumi.yaml")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", usagef("there is no Pulumi.yaml in %s, nor in a folder above it: go to the project's folder, or name it with --project", m.Dir)
		}
		dir = parent
	}
}

// printJSON writes a result as JSON.
func (m *Main) printJSON(v any) error {
	encoder := json.NewEncoder(m.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// spec reads and checks a stack's configuration. Its errors are bad configuration: exit code 2.
func spec(project, stack string) (*stacks.Spec, map[string]string, error) {
	config, err := stacks.LoadConfig(project, stack)
	if err != nil {
		return nil, nil, &usageError{err}
	}
	s, err := stacks.ParseSpec(stack, config)
	if err != nil {
		return nil, nil, &usageError{err}
	}
	return s, config, nil
}

// stackFlag adds --stack to a command.
func stackFlag(c *cobra.Command, stack *string) {
	c.Flags().StringVarP(stack, "stack", "s", "", "the `name` of the stack, whose configuration is Pulumi.<name>.yaml (needed)")
}

// needStack refuses a command line without --stack, and names the stacks that there are.
func needStack(project, stack string) error {
	if stack != "" {
		return nil
	}
	names, err := stackNames(project)
	if err != nil {
		return err
	}
	return usagef("which stack? Name it with --stack: %s", orNone(names))
}
