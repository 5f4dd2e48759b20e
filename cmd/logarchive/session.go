package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/logarchive/logarchive/automation"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/sandbox"
	"github.com/logarchive/logarchive/stacks"
	"github.com/logarchive/logarchive/stacks/schema"
)

// The sandbox's folder in a project, and what this program keeps there beside the world and the objects.
const (
	sandboxFolder = ".sandbox"
	stateFolder   = "state"  // the engine's file backend
	homeFolder    = "pulumi" // PULUMI_HOME
	workFolder    = "work"   // copies of the project's files, a folder per stack

	// sandboxPassphrase encrypts the sandbox's secrets, which aren't any.
	sandboxPassphrase = "sandbox"
)

// checkpointSources is up to how many sources a stack in the sandbox has its state written at every step, as in AWS. The
// engine's file backend writes the whole state each time: 36 sources take 35 seconds instead of 5, and 1,000 take minutes.
const checkpointSources = 10

// sandboxUnset are variables of the user's environment that mean another backend, stack or provider.
var sandboxUnset = []string{"PULUMI_STACK", "PULUMI_CONFIG", "PULUMI_ACCESS_TOKEN", "PULUMI_CLOUD_URL", "PULUMI_DEBUG_PROVIDERS", "PULUMI_DEBUG_LANGUAGES"}

// A session is a stack with its engine: in AWS, or in the sandbox.
type session struct {
	m         *Main
	project   string
	stack     string
	spec      *stacks.Spec
	progress  *progress
	workspace *automation.Workspace

	world  *sandbox.World  // nil in AWS, and when another process serves the sandbox
	server *sandbox.Server // likewise
}

// sessionOptions say what an operation works on.
type sessionOptions struct {
	stack    string
	sandbox  bool
	parallel int
	// checkpoints has the state written at every step in the sandbox, too, whatever that costs.
	checkpoints bool
}

// openSession checks the configuration, finds the engine, and opens the sandbox where it is asked for. In AWS, the state
// is in the backend that the user is logged in to. The configuration is checked before anything is made.
func (m *Main) openSession(ctx context.Context, o sessionOptions, p *progress) (_ *session, err error) {
	project, err := m.project()
	if err != nil {
		return nil, err
	}
	if err := needStack(project, o.stack); err != nil {
		return nil, err
	}
	s := &session{m: m, project: project, stack: o.stack, progress: p}
	if s.spec, _, err = spec(project, o.stack); err != nil {
		return nil, err
	}
	engine, err := automation.FindEngine(ctx, func(line string) { p.say("%s", line) })
	if err != nil {
		return nil, err
	}
	options := automation.Options{
		Engine: engine, ProjectDir: project, Stack: o.stack, Program: stacks.Run,
		Kill: m.Kill, Events: p.event, Parallel: o.parallel,
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if o.sandbox {
		options.StateAtEnd = len(s.spec.Sources()) > checkpointSources && !o.checkpoints
		if err := s.openSandbox(ctx, &options); err != nil {
			return nil, err
		}
	} else {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no folder to work in: %w", err)
		}
		options.WorkDir = filepath.Join(cache, "logarchive", "work", folderName(project), o.stack)
	}
	s.workspace, err = automation.Open(ctx, options)
	return s, err
}

// openSandbox opens the world and serves the stand-in, or attaches to the process that serves it already.
func (s *session) openSandbox(ctx context.Context, options *automation.Options) error {
	dir := filepath.Join(s.project, sandboxFolder)
	inSandbox(options, dir)

	world, err := sandbox.OpenWorld(dir)
	var inUse *sandbox.InUseError
	if errors.As(err, &inUse) {
		served, readErr := readServed(dir)
		if readErr != nil {
			return err // a demo or an up has it, not a server: wait for it
		}
		s.progress.say("using the sandbox that process %d serves", served.PID)
		maps.Copy(options.Env, served.providers())
		options.Finder = func(ctx context.Context, create automation.PendingCreate) (automation.Found, bool, error) {
			world, err := sandbox.OpenWorldReadOnly(dir)
			if err != nil {
				return automation.Found{}, false, err
			}
			return world.Finder(ctx, create)
		}
		return nil
	}
	if err != nil {
		return err
	}
	s.world = world
	if err := world.Adopt(s.spec.Externals()); err != nil {
		return err
	}
	// Interrupted or not, the engine finishes what it has begun, and needs its provider for that.
	serve := sandbox.Options{Credentials: credentials(s.spec)}
	// The world then is the only record of what a killed operation made, and the next one takes it up from there.
	serve.Resume = options.Interrupted()
	if s.server, err = serve.Serve(context.WithoutCancel(ctx), world, "127.0.0.1:0"); err != nil {
		return err
	}
	maps.Copy(options.Env, s.server.Env())
	options.Finder = world.Finder
	options.ProviderInside = true
	return nil
}

// inSandbox has a stack's engine keep everything below the sandbox's folder.
func inSandbox(o *automation.Options, dir string) {
	o.WorkDir = filepath.Join(dir, workFolder, o.Stack)
	// Without notes beside the files, which a killed engine may leave half written.
	o.BackendURL = "file://" + filepath.ToSlash(filepath.Join(dir, stateFolder)) + "?metadata=skip"
	o.Passphrase = sandboxPassphrase
	o.SecretPlaceholder = schema.Placeholder
	o.Home = filepath.Join(dir, homeFolder)
	o.Env = map[string]string{"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"}
	o.Unset = sandboxUnset
}

// close gives the sandbox to the next process.
func (s *session) close() error {
	var err error
	if s.server != nil {
		err = s.server.Close()
	}
	if s.world != nil {
		err = errors.Join(err, s.world.Close())
	}
	return err
}

// credentials are the accounts that the sandbox's credentials belong to: those of the stacks, as far as they agree.
func credentials(specs ...*stacks.Spec) map[partition.Partition]partition.Account {
	out := map[partition.Partition]partition.Account{}
	contested := map[partition.Partition]bool{}
	for _, s := range specs {
		p := s.Home.Partition()
		if account, ok := out[p]; ok && account != s.Home.Account {
			contested[p] = true
		}
		out[p] = s.Home.Account
	}
	for p := range contested {
		delete(out, p)
	}
	return out
}
