package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/types/known/emptypb"
)

// LanguageHost runs Go programs for an engine that has no language plugin of its own: the Pulumi CLI built from its module
// comes without `pulumi-language-go`, a distributed one brings it. The engine attaches through PULUMI_DEBUG_LANGUAGES=go:PORT.
//
// It does what `sandbox serve` needs and no more: it builds the program with `go build` and runs it with the engine's
// addresses in its environment. It never reports required plugins, because the `aws` provider is the attached stand-in.
type LanguageHost struct {
	listener net.Listener
	server   *grpc.Server
	host     *languageServer
}

// ServeLanguage starts a language host on a free loopback port.
func ServeLanguage() (*LanguageHost, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("language host: %w", err)
	}
	h := &LanguageHost{listener: listener, server: grpc.NewServer(), host: &languageServer{}}
	h.host.ctx, h.host.stop = context.WithCancel(context.Background())
	pulumirpc.RegisterLanguageRuntimeServer(h.server, h.host)
	// Serve ends with ErrServerStopped when Close is called; there is nobody to report anything else to.
	go func() { _ = h.server.Serve(listener) }()
	return h, nil
}

// Port is the loopback port that PULUMI_DEBUG_LANGUAGES must name.
func (h *LanguageHost) Port() int { return h.listener.Addr().(*net.TCPAddr).Port }

// Close stops the host and any program that it runs.
func (h *LanguageHost) Close() {
	h.host.stop()
	h.server.Stop()
}

type languageServer struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	ctx  context.Context // ends with Close: no program outlives the host
	stop context.CancelFunc

	mu      sync.Mutex
	engines map[string]string // peer address of an engine's connection -> address on which that engine listens
}

// Handshake notes where the engine of this connection listens: RunRequest doesn't carry it, and several engines may be attached.
func (s *languageServer) Handshake(
	ctx context.Context, req *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engines == nil {
		s.engines = map[string]string{}
	}
	s.engines[peerAddress(ctx)] = req.GetEngineAddress()
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (s *languageServer) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: "1.0.0"}, nil
}

func (s *languageServer) GetRequiredPlugins(
	context.Context, *pulumirpc.GetRequiredPluginsRequest,
) (*pulumirpc.GetRequiredPluginsResponse, error) {
	return &pulumirpc.GetRequiredPluginsResponse{}, nil
}

func (s *languageServer) GetRequiredPackages(
	context.Context, *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

// Cancel needs no work: a cancelled engine ends its Run call, and that call's context kills the program.
func (s *languageServer) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// Run builds the program and runs it to its end. A program that fails is a result (Error), as the protocol wants it; its
// diagnostics have already reached the engine through the engine's own address, so Bail keeps the engine from repeating them.
func (s *languageServer) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopWatching := context.AfterFunc(s.ctx, cancel)
	defer stopWatching()

	s.mu.Lock()
	engine := s.engines[peerAddress(ctx)]
	s.mu.Unlock()

	dir := req.GetInfo().GetProgramDirectory()
	if dir == "" {
		dir = req.GetPwd()
	}
	tmp, err := os.MkdirTemp("", "logarchive-program-")
	if err != nil {
		return nil, fmt.Errorf("language host: %w", err)
	}
	defer os.RemoveAll(tmp)
	binary := filepath.Join(tmp, "program")

	build := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("go build in %s: %v\n%s", dir, err, out)}, nil
	}

	env, err := programEnvironment(req, engine)
	if err != nil {
		return nil, err
	}
	run := exec.CommandContext(ctx, binary)
	run.Dir = req.GetPwd()
	run.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	run.Stdout, run.Stderr = os.Stdout, &stderr
	err = run.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case errors.As(err, &exit) && exit.ExitCode() == constant.ExitStatusLoggedError:
		return &pulumirpc.RunResponse{Bail: true}, nil
	default:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("program ended with %v\n%s", err, stderr.Bytes())}, nil
	}
}

func peerAddress(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	return p.Addr.String()
}

// programEnvironment is the environment through which the Go SDK learns of the engine (sdk/go/pulumi/run.go).
func programEnvironment(req *pulumirpc.RunRequest, engine string) ([]string, error) {
	config, err := json.Marshal(req.GetConfig())
	if err != nil {
		return nil, fmt.Errorf("language host: configuration: %w", err)
	}
	secrets, err := json.Marshal(req.GetConfigSecretKeys())
	if err != nil {
		return nil, fmt.Errorf("language host: secret keys: %w", err)
	}
	return []string{
		pulumi.EnvOrganization + "=" + req.GetOrganization(),
		pulumi.EnvProject + "=" + req.GetProject(),
		pulumi.EnvPulumiRootDirectory + "=" + req.GetInfo().GetRootDirectory(),
		pulumi.EnvStack + "=" + req.GetStack(),
		pulumi.EnvConfig + "=" + string(config),
		pulumi.EnvConfigSecretKeys + "=" + string(secrets),
		pulumi.EnvParallel + "=" + strconv.Itoa(int(req.GetParallel())),
		pulumi.EnvDryRun + "=" + strconv.FormatBool(req.GetDryRun()),
		pulumi.EnvMonitor + "=" + req.GetMonitorAddress(),
		pulumi.EnvEngine + "=" + engine,
	}, nil
}
