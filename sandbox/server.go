package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/logarchive/logarchive/partition"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// Options are what a server can do besides standing in for AWS. The zero value is an AWS that works.
type Options struct {
	// Credentials says for a partition to which account the sandbox's credentials belong: a provider instance without
	// assumeRole acts there. For a partition that isn't in it, the instance's only allowedAccountIds is believed.
	Credentials map[partition.Partition]partition.Account
	// FailOn makes operations fail, each fault once. See also [Server.FailOn].
	FailOn []Fault
	// Delay is how long each creation, update and deletion takes to answer after it was made: a process that is
	// killed meanwhile leaves behind what the engine doesn't know of.
	Delay time.Duration
	// Resume makes a creation that repeats an earlier one (the same resource with the same inputs, in the same place)
	// answer with what that one made. AWS has nothing like it. It is for going on after an engine was killed that
	// writes its state only at the end (PULUMI_SKIP_CHECKPOINTS), and so knows of nothing that it has made. What a
	// stack has left behind on purpose (retained on deletion) is taken up again, too.
	Resume bool
	// Background is what goes on in the world by itself, for a server that other processes may ask to change it; see
	// [Remote]. The caller keeps it going.
	Background *Background
	// Observe is called after every call that concerns a resource, from several goroutines.
	Observe func(Call)
}

// Fault makes one operation fail.
type Fault struct {
	// Operation is "create", "update", "delete" or "read"; "" stands for all of them.
	Operation string
	// Type is the resource's type token, and Name its logical name. "" stands for all.
	Type, Name string
	// Code is the AWS error code of the answer, ServiceUnavailable when it is "".
	Code string
}

// Call is a call of the engine that the server has answered.
type Call struct {
	Operation string // "configure", "create", "update", "delete" or "read"
	URN, ID   string
	Place     partition.Place
	Preview   bool
	Duration  time.Duration
	Err       error
}

// Server is the stand-in for the aws provider: one gRPC server for all provider instances of all engines.
type Server struct {
	world    *World
	options  Options
	listener net.Listener
	grpc     *grpc.Server
	served   chan struct{} // closed when serving has ended

	mu     sync.Mutex
	faults []Fault
}

// maxMessage is the size of the largest message that Pulumi's engine sends and takes.
const maxMessage = 400 << 20

// Serve starts the stand-in on a TCP address, such as "127.0.0.1:0". It is closed by Close, or when ctx ends. The world
// stays open.
func Serve(ctx context.Context, w *World, addr string) (*Server, error) {
	return Options{}.Serve(ctx, w, addr)
}

// Serve is [Serve] with options.
func (o Options) Serve(ctx context.Context, w *World, addr string) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s := &Server{world: w, options: o, listener: listener, served: make(chan struct{}), faults: o.FailOn}
	s.grpc = grpc.NewServer(grpc.StatsHandler(connections{}), grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
	pulumirpc.RegisterResourceProviderServer(s.grpc, &provider{server: s})
	go func() {
		defer close(s.served)
		// Serve ends with an error when Close stops it; there is nobody to report any other end to.
		_ = s.grpc.Serve(listener)
	}()
	context.AfterFunc(ctx, func() { _ = s.Close() })
	return s, nil
}

// Port returns the TCP port on which the server listens.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Env returns the environment variables with which a Pulumi engine uses the server as its aws provider.
func (s *Server) Env() map[string]string {
	return map[string]string{"PULUMI_DEBUG_PROVIDERS": "aws:" + strconv.Itoa(s.Port())}
}

// Close lets the calls that are under way end, for five seconds at most, and stops the server.
func (s *Server) Close() error {
	const patience = 5 * time.Second
	timer := time.AfterFunc(patience, s.grpc.Stop)
	defer timer.Stop()
	s.grpc.GracefulStop()
	<-s.served
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("sandbox: %w", err)
	}
	return nil
}

// FailOn makes one more operation fail, once.
func (s *Server) FailOn(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// fault returns the error that an operation was told to fail with, and forgets it.
func (s *Server) fault(operation, token, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if (f.Operation == "" || f.Operation == operation) && (f.Type == "" || f.Type == token) && (f.Name == "" || f.Name == name) {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			if f.Code == "" {
				f.Code = "ServiceUnavailable"
			}
			return &APIError{Code: f.Code, Message: "the sandbox was told to fail on this operation once"}
		}
	}
	return nil
}

// connections gives every connection of the server an instance of its own: the engine opens one for each provider
// instance, configures it once, and then sends everything that concerns the instance's resources over it.
type connections struct{}

type connectionKey struct{}

func (connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, connectionKey{}, newInstance())
}

func (connections) HandleConn(context.Context, stats.ConnStats) {}

func (connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (connections) HandleRPC(context.Context, stats.RPCStats) {}
