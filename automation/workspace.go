package automation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Options say which stack of which project is worked on, with which program, and where its state is kept.
type Options struct {
	Engine     *Engine
	ProjectDir string         // the folder with Pulumi.yaml and Pulumi.<stack>.yaml; never written to
	Stack      string         // such as "beijing"
	Program    pulumi.RunFunc // runs inline, in this process

	// WorkDir is the private folder of the stack: the engine reads copies of the project's files there. One operation
	// at a time may use it. It is made when it isn't there, and may be deleted between two operations.
	WorkDir string
	// BackendURL is where the state is kept, such as file:///path; "" for the backend that the user is logged in to.
	BackendURL string
	// Passphrase encrypts secrets in the state; "" for the user's own secrets provider.
	Passphrase string
	// SecretPlaceholder, when not "", stands for every encrypted value of the stack's file, which another passphrase
	// than Passphrase encrypted and which can't be read here.
	SecretPlaceholder string
	// Home is the engine's own folder (PULUMI_HOME); "" for the user's.
	Home string
	// Env is added to the engine's environment; Unset is taken out of it first.
	Env   map[string]string
	Unset []string
	// ProviderInside says that the provider is served by this process. See the package comment.
	ProviderInside bool
	// StateAtEnd has the engine write the state once, when an operation ends, and not at every step. The engine's file
	// backend writes the whole state each time, which takes minutes for a thousand resources. The price: an engine that is
	// killed leaves a state that knows nothing of its work. The next operation then reads every resource from its provider
	// first, and resources that were made must be taken up by the provider itself; see [Options.Interrupted].
	StateAtEnd bool
	// Kill, when done, ends the engine at once. The context of an operation only asks it to end: what AWS has begun is
	// waited for. Nil: never.
	Kill context.Context
	// Grace is how long an operation whose context has ended may go on before it is killed; 30 minutes when zero,
	// which is longer than anything that the stacks declare takes.
	Grace time.Duration
	// Finder tells which interrupted creations did happen; may be nil. See the package comment.
	Finder Finder
	// Events, when not nil, gets every event in order, one at a time.
	Events func(Event)
	// Parallel is how many resources are worked on at a time; the engine's own default when zero.
	Parallel int
}

// unsavedFile is in a work directory while an operation goes on whose state is written at its end.
const unsavedFile = "unsaved"

// Interrupted reports whether an operation with StateAtEnd was killed in this work directory: what it made isn't in the
// state. It is true until an operation has ended in an orderly way.
func (o *Options) Interrupted() bool {
	_, err := os.Stat(filepath.Join(o.WorkDir, unsavedFile))
	return err == nil
}

// A Workspace works on one stack.
type Workspace struct {
	options Options
	ws      auto.Workspace
	project string
	backend string // the URL, asked for once
	command *command
}

// stackName is what the engine accepts as a stack's name, without an organisation.
var stackName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)

// Open prepares the private folder of a stack. It starts nothing.
//
// Errors: a stack name that the engine doesn't accept, a project folder without Pulumi.yaml or without the stack's file.
func Open(ctx context.Context, o Options) (*Workspace, error) {
	if !stackName.MatchString(o.Stack) {
		return nil, fmt.Errorf("stack %q: a stack's name has 1 to 100 letters, digits, hyphens, underscores and full stops", o.Stack)
	}
	if o.Engine == nil || o.Program == nil || o.WorkDir == "" || o.ProjectDir == "" {
		return nil, errors.New("automation: Engine, ProjectDir, WorkDir and Program are needed")
	}
	if o.Events == nil {
		o.Events = func(Event) {}
	}
	if o.Kill == nil {
		o.Kill = context.Background()
	}
	if o.Grace == 0 {
		o.Grace = 30 * time.Minute
	}
	if err := os.MkdirAll(o.WorkDir, 0o700); err != nil {
		return nil, err
	}
	for _, name := range []string{"Pulumi.yaml", stackFile(o.Stack)} {
		if err := copySettings(filepath.Join(o.ProjectDir, name), filepath.Join(o.WorkDir, name), o.SecretPlaceholder); err != nil {
			return nil, err
		}
	}
	env := map[string]string{
		"PULUMI_SKIP_UPDATE_CHECK": "true", // nothing is asked of the network but what the stack needs
	}
	unset := append([]string{}, o.Unset...)
	if o.BackendURL != "" {
		if root, ok := backendFolder(o.BackendURL); ok {
			if err := os.MkdirAll(root, 0o700); err != nil {
				return nil, err
			}
		}
		env["PULUMI_BACKEND_URL"] = o.BackendURL
	}
	var local []auto.LocalWorkspaceOption
	if o.Passphrase != "" {
		env["PULUMI_CONFIG_PASSPHRASE"] = o.Passphrase
		unset = append(unset, "PULUMI_CONFIG_PASSPHRASE_FILE")
		local = append(local, auto.SecretsProvider("passphrase"))
	}
	if o.Home != "" {
		local = append(local, auto.PulumiHome(o.Home))
	}
	if o.StateAtEnd {
		env["PULUMI_SKIP_CHECKPOINTS"] = "true"
	}
	for name, value := range o.Env {
		env[name] = value
	}
	w := &Workspace{options: o, backend: o.BackendURL}
	w.command = &command{engine: o.Engine, unset: unset, kill: o.Kill, grace: o.Grace, inside: o.ProviderInside}
	local = append(local, auto.WorkDir(o.WorkDir), auto.Program(shallow(o.Program)), auto.Pulumi(w.command), auto.EnvVars(env))
	var err error
	if w.ws, err = auto.NewLocalWorkspace(ctx, local...); err != nil {
		return nil, err
	}
	settings, err := w.ws.ProjectSettings(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(o.ProjectDir, "Pulumi.yaml"), err)
	}
	w.project = string(settings.Name)
	return w, nil
}

// Backend is the URL of the backend that keeps the stack's state.
func (w *Workspace) Backend(ctx context.Context) (string, error) {
	if w.backend == "" {
		who, err := w.ws.WhoAmIDetails(ctx)
		if err != nil && strings.Contains(standardError(err), "PULUMI_ACCESS_TOKEN must be set") {
			return "", fmt.Errorf("no backend to keep the state of stack %s in: log in to one (%s login), or set PULUMI_BACKEND_URL", w.options.Stack, w.options.Engine.Path)
		}
		if err != nil {
			return "", failure(ctx, "finding the backend", w.options.Stack, nil, standardError(err), err)
		}
		w.backend = who.URL
	}
	return w.backend, nil
}

// open selects the stack, or makes it.
func (w *Workspace) open(ctx context.Context, create bool) (auto.Stack, error) {
	backend, err := w.Backend(ctx)
	if err != nil {
		return auto.Stack{}, err
	}
	if err := mendAttributes(backend, w.project, w.options.Stack); err != nil {
		return auto.Stack{}, err
	}
	stack, err := auto.SelectStack(ctx, w.options.Stack, w.ws)
	switch {
	case err == nil:
		return stack, nil
	case !auto.IsSelectStack404Error(err):
		return stack, failure(ctx, "opening", w.options.Stack, nil, standardError(err), err)
	case !create:
		return stack, &NoStackError{Stack: w.options.Stack, Backend: backend}
	}
	stack, err = auto.NewStack(ctx, w.options.Stack, w.ws)
	if err != nil {
		return stack, failure(ctx, "making", w.options.Stack, nil, standardError(err), err)
	}
	return stack, nil
}

// Create makes the stack, empty, when it doesn't exist.
func (w *Workspace) Create(ctx context.Context) error {
	_, err := w.open(ctx, true)
	return err
}

// shallow runs a program on a stack of its own. The SDK notes the call stack of every resource in the state, and below an
// inline program it is twenty frames deep: more than half of the state, all of which is written for every step.
func shallow(program pulumi.RunFunc) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		done := make(chan error, 1)
		go func() {
			// The Automation API turns a panic of its goroutine into the program's error; here it must be done anew.
			defer func() {
				if r := recover(); r != nil {
					done <- fmt.Errorf("the program panicked: %v\n%s", r, debug.Stack())
				}
			}()
			done <- program(ctx)
		}()
		return <-done
	}
}
