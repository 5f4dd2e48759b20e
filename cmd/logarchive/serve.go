package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/automation"
	"github.com/logarchive/logarchive/sandbox"
	"github.com/logarchive/logarchive/stacks"
)

// servedFile is where "sandbox serve" says how it can be reached.
const servedFile = "serve.json"

// served is its content.
type served struct {
	PID          int       `json:"pid"`
	Port         int       `json:"port"`         // of the provider, on the loopback interface
	LanguagePort int       `json:"languagePort"` // of the language host
	Started      time.Time `json:"started"`
}

// providers are the variables with which an engine uses the served stand-in.
func (s served) providers() map[string]string {
	return map[string]string{
		"PULUMI_DEBUG_PROVIDERS": "aws:" + strconv.Itoa(s.Port),
		"PULUMI_DEBUG_LANGUAGES": "go:" + strconv.Itoa(s.LanguagePort),
	}
}

// readServed tells who serves the sandbox in dir. The error says what to do when nobody does.
func readServed(dir string) (served, error) {
	var s served
	data, err := os.ReadFile(filepath.Join(dir, servedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, errors.New("nothing serves the sandbox: start it in another terminal with\n  logarchive sandbox serve")
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s is damaged (%w): start `logarchive sandbox serve` again", filepath.Join(dir, servedFile), err)
	}
	connection, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)), time.Second)
	if err != nil {
		return s, fmt.Errorf("nothing serves the sandbox: process %d, which did, was killed. Start it again with\n  logarchive sandbox serve", s.PID)
	}
	return s, connection.Close()
}

func (m *Main) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Keep the sandbox running for your own Pulumi CLI",
		Long: `Keep the sandbox running until it is interrupted, so that your own Pulumi CLI can work against it: see
'logarchive sandbox env'. What the stacks' configurations refer to and no stack creates (VPCs, databases, the role in the
archive account) is assumed to exist; the files are read again when they change. The other commands use the served sandbox
while it runs.`,
		Example: `  logarchive sandbox serve
  eval "$(logarchive sandbox env)" && pulumi up --stack beijing   # in another terminal`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return m.serve(c.Context()) },
	}
}

// serve serves the sandbox until ctx ends.
func (m *Main) serve(ctx context.Context) (err error) {
	project, err := m.project()
	if err != nil {
		return err
	}
	names, err := stackNames(project)
	if err != nil {
		return err
	}
	var specs []*stacks.Spec
	for _, name := range names {
		s, _, err := spec(project, name)
		if err != nil {
			return err
		}
		specs = append(specs, s)
	}
	p := m.newProgress()
	defer p.end()
	engine, err := automation.FindEngine(ctx, func(line string) { p.say("%s", line) })
	if err != nil {
		return err
	}
	dir := filepath.Join(project, sandboxFolder)
	world, err := sandbox.OpenWorld(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	for _, s := range specs {
		if err := world.Adopt(s.Externals()); err != nil {
			return err
		}
		if err := m.makeStack(ctx, engine, project, s.Stack); err != nil {
			return err
		}
	}
	a, err := openArchiveOf(world, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	options := sandbox.Options{Credentials: credentials(specs...), Background: sandbox.NewBackground(world, a.delivery)}
	file := filepath.Join(dir, servedFile)
	if _, err := os.Stat(file); err == nil {
		// An engine that lost its provider takes what was under way for failed, and it may have been made.
		p.say("the process that served the sandbox last was killed: what an engine doesn't know that it made is taken up again")
		options.Resume = true
	}
	server, err := options.Serve(context.WithoutCancel(ctx), world, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	language, err := sandbox.ServeLanguage()
	if err != nil {
		return err
	}
	defer language.Close()

	s := served{PID: os.Getpid(), Port: server.Port(), LanguagePort: language.Port(), Started: time.Now().UTC()}
	if err := writeJSON(file, s); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file)) }()
	if m.json {
		if err := m.printJSON(s); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(m.Stdout, "serving the sandbox in %s on port %d, stacks %s; interrupt to end\nIn another terminal:\n  eval \"$(logarchive sandbox env)\"\n  pulumi up --stack %s\n", dir, s.Port, orNone(names), firstOr(names, "NAME"))
	}
	background := make(chan struct{})
	go func() { defer close(background); keepGoing(ctx, options.Background, p) }()
	m.follow(ctx, project, world, p)
	<-background
	return nil
}

// follow takes over what the stacks' files refer to, as often as they change, until ctx ends.
func (m *Main) follow(ctx context.Context, project string, world *sandbox.World, p *progress) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	seen := modified(project)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := modified(project)
		for _, name := range slices.Sorted(maps.Keys(now)) {
			if now[name].Equal(seen[name]) {
				continue
			}
			s, _, err := spec(project, name)
			if err == nil {
				err = world.Adopt(s.Externals())
			}
			if err != nil {
				p.say("Pulumi.%s.yaml was changed: %v", name, err)
			} else {
				p.say("Pulumi.%s.yaml was changed: what it refers to exists in the sandbox now", name)
			}
		}
		seen = now
	}
}

// modified tells when each stack's file was changed.
func modified(project string) map[string]time.Time {
	times := map[string]time.Time{}
	names, _ := stackNames(project)
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(project, "Pulumi."+name+".yaml")); err == nil {
			times[name] = info.ModTime()
		}
	}
	return times
}

// makeStack makes an empty stack in the sandbox's backend, so that "pulumi up --stack" finds it.
func (m *Main) makeStack(ctx context.Context, engine *automation.Engine, project, stack string) error {
	options := automation.Options{Engine: engine, ProjectDir: project, Stack: stack, Program: stacks.Run, Kill: m.Kill}
	inSandbox(&options, filepath.Join(project, sandboxFolder))
	w, err := automation.Open(ctx, options)
	if err != nil {
		return err
	}
	return w.Create(ctx)
}

func (m *Main) envCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print the variables with which your own Pulumi CLI uses the served sandbox",
		Long: `Print shell exports with which the Pulumi CLI works against the sandbox that 'logarchive sandbox serve' keeps running:
its provider, backend and passphrase, and a PATH on which the CLI is. No AWS credentials are needed.

As with every passphrase, the CLI notes its salt in Pulumi.<stack>.yaml (encryptionsalt). That of the sandbox is of no use
in AWS: take the line out again before you deploy there. 'logarchive up --sandbox' never writes into your files.`,
		Example: `  eval "$(logarchive sandbox env)"
  pulumi up --stack beijing`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			project, err := m.project()
			if err != nil {
				return err
			}
			dir := filepath.Join(project, sandboxFolder)
			s, err := readServed(dir)
			if err != nil {
				return err
			}
			p := m.newProgress()
			engine, err := automation.FindEngine(c.Context(), func(line string) { p.say("%s", line) })
			p.end()
			if err != nil {
				return err
			}
			var options automation.Options
			inSandbox(&options, dir)
			env := map[string]string{
				"PULUMI_BACKEND_URL":       options.BackendURL,
				"PULUMI_CONFIG_PASSPHRASE": options.Passphrase,
				"PULUMI_HOME":              options.Home,
				"PULUMI_SKIP_UPDATE_CHECK": "true",
			}
			maps.Copy(env, options.Env)
			maps.Copy(env, s.providers())
			if m.json {
				env["PATH"] = filepath.Dir(engine.Path) + string(os.PathListSeparator) + os.Getenv("PATH")
				return m.printJSON(env)
			}
			for _, name := range slices.Sorted(maps.Keys(env)) {
				fmt.Fprintf(m.Stdout, "export %s=%s\n", name, shellQuote(env[name]))
			}
			fmt.Fprintf(m.Stdout, "export PATH=%s:\"$PATH\"\n", shellQuote(filepath.Dir(engine.Path)))
			fmt.Fprintln(m.Stderr, "note: the Pulumi CLI writes a line encryptionsalt into Pulumi.<stack>.yaml; take it out again before you deploy to AWS")
			return nil
		},
	}
}

// shellQuote quotes a value for a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// writeJSON writes a file that is whole or absent.
func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func firstOr(names []string, otherwise string) string {
	if len(names) > 0 {
		return names[0]
	}
	return otherwise
}
