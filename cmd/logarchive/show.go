package main

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/automation"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/stacks"
)

func (m *Main) graphCommand() *cobra.Command {
	var stack, format string
	c := &cobra.Command{
		Use:   "graph --stack NAME [--format json|mermaid|golden]",
		Short: "Show what a stack declares, without engine or AWS",
		Long: `Show every resource that a stack declares, with the ids and ARNs that AWS would give it. Neither the Pulumi engine nor
AWS nor the network is needed.

  json     everything, for a machine
  mermaid  a picture of the paths: sources, pipelines, buckets, by account and region (https://mermaid.live)
  golden   everything as text, made to be compared`,
		Example: `  logarchive graph --stack beijing --format mermaid
  logarchive graph --stack beijing | jq '.resources[].urn'`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if m.json && !c.Flags().Changed("format") {
				format = "json"
			}
			if format != "json" && format != "mermaid" && format != "golden" {
				return usagef("--format %q is not one of json, mermaid, golden", format)
			}
			project, err := m.project()
			if err != nil {
				return err
			}
			if err := needStack(project, stack); err != nil {
				return err
			}
			_, config, err := spec(project, stack)
			if err != nil {
				return err
			}
			recorded, err := graph.Record(c.Context(), graph.Options{Project: stacks.Namespace, Stack: stack, Config: config}, stacks.Run)
			if err != nil {
				return err
			}
			var text []byte
			switch format {
			case "json":
				text, err = recorded.JSON()
			case "mermaid":
				text = []byte(recorded.Mermaid())
			case "golden":
				text = recorded.Golden()
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(m.Stdout, strings.TrimRight(string(text), "\n"))
			return err
		},
	}
	stackFlag(c, &stack)
	c.Flags().StringVar(&format, "format", "json", "the `form`: json, mermaid or golden")
	return c
}

func (m *Main) engineCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "engine",
		Short: "Find the Pulumi CLI, or build it",
		Long: fmt.Sprintf(`Find the Pulumi CLI on PATH (%s or later), or build %s from its Go module into the user's cache directory, which takes
one to four minutes the first time, and print its path. Every command that needs the engine does this by itself.`, automation.MinimumVersion, automation.PinnedVersion),
		Example: `  logarchive engine
  PATH="$(dirname "$(logarchive engine)"):$PATH"`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			p := m.newProgress()
			engine, err := automation.FindEngine(c.Context(), func(line string) { p.say("%s", line) })
			p.end()
			if err != nil {
				return err
			}
			if m.json {
				return m.printJSON(map[string]any{"path": engine.Path, "version": engine.Version.String(), "built": engine.Built})
			}
			_, err = fmt.Fprintln(m.Stdout, engine.Path)
			return err
		},
	}
}

func (m *Main) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  logarchive version --json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return errors.New("this binary doesn't know its version")
			}
			version, revision := info.Main.Version, ""
			for _, setting := range info.Settings {
				if setting.Key == "vcs.revision" {
					revision = setting.Value
				}
			}
			if m.json {
				return m.printJSON(map[string]any{
					"version": version, "revision": revision, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
					"engine": map[string]string{"minimum": automation.MinimumVersion, "pinned": automation.PinnedVersion},
				})
			}
			_, err := fmt.Fprintf(m.Stdout, "logarchive %s %s (%s, %s/%s), Pulumi engine %s or later\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH, automation.MinimumVersion)
			return err
		},
	}
}
