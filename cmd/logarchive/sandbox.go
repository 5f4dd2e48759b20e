package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/sandbox"
)

func (m *Main) sandboxCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "The local AWS stand-in: send lines, look at what arrived",
		Long: `The sandbox is a stand-in for AWS on this machine. It lives in .sandbox/ in the project's folder: the world (what exists),
the engine's state, and the objects that arrived in buckets, as files below .sandbox/s3/. Deploy a stack into it with
'logarchive up --sandbox', or with your own Pulumi CLI ('sandbox serve', 'sandbox env').`,
		Example: `  logarchive up --stack beijing --sandbox
  echo hello | logarchive sandbox send --source /app/payments
  logarchive sandbox ls`,
	}
	c.AddCommand(m.sendCommand(), m.flushCommand(), m.replicateCommand(), m.receiveCommand(), m.alarmsCommand(), m.createLogGroupCommand(), m.waitCommand(), m.lsCommand(), m.catCommand(), m.serveCommand(), m.envCommand(), m.resetCommand())
	group(c)
	return c
}

func (m *Main) resetCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "reset",
		Short:   "Delete the sandbox: its world, its objects, the stacks' state in it",
		Long:    "Delete the sandbox: its world, the objects that arrived in it, and the state of the stacks in it. AWS isn't touched, and\nneither are the project's files.",
		Example: "  logarchive sandbox reset",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			project, err := m.project()
			if err != nil {
				return err
			}
			dir := filepath.Join(project, sandboxFolder)
			if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
				_, err := fmt.Fprintf(m.Stdout, "there is no sandbox in %s\n", project)
				return err
			}
			world, err := sandbox.OpenWorld(dir) // nobody uses it
			var inUse *sandbox.InUseError
			if errors.As(err, &inUse) {
				return err
			}
			// A damaged world is a reason for a reset, not against it.
			if err == nil {
				defer func() { _ = world.Close() }()
			}
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			_, err = fmt.Fprintf(m.Stdout, "deleted %s\n", dir)
			return err
		},
	}
}
