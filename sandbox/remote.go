package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
)

// The functions by which a process that serves a world changes it for other processes, which can't open it meanwhile. They
// are no functions of the aws provider: no program calls them.
const (
	remoteCreate = "sandbox:index:createLogGroup"
	remoteWait   = "sandbox:index:wait"
)

// Remote is a sandbox that another process serves with [Options.Background].
type Remote struct{ Port int }

// CreateLogGroup is [World.CreateLogGroup], and [Background.Run] unless it is to be left waiting.
func (r Remote) CreateLogGroup(ctx context.Context, g NewLogGroup, hold bool) error {
	return r.call(ctx, remoteCreate, remoteRequest{Group: &g, Hold: hold})
}

// Wait is [Background.Wait].
func (r Remote) Wait(ctx context.Context, span time.Duration) error {
	return r.call(ctx, remoteWait, remoteRequest{Span: span})
}

type remoteRequest struct {
	Group *NewLogGroup
	Hold  bool
	Span  time.Duration
}

// remoteAnswer has what was refused, or else an error of AWS's or of the sandbox.
type remoteAnswer struct {
	Refused []*Refusal
	API     *APIError
	Error   string
}

func (r Remote) call(ctx context.Context, function string, request remoteRequest) error {
	connection, err := grpc.NewClient(net.JoinHostPort("127.0.0.1", strconv.Itoa(r.Port)), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	defer connection.Close()
	args, err := asStruct(request)
	if err != nil {
		return err
	}
	response, err := pulumirpc.NewResourceProviderClient(connection).Invoke(ctx, &pulumirpc.InvokeRequest{Tok: function, Args: args})
	if err != nil {
		return fmt.Errorf("sandbox: the process that serves it: %w", err)
	}
	var a remoteAnswer
	if err := fromStruct(response.GetReturn(), &a); err != nil {
		return err
	}
	var all error
	for _, refusal := range a.Refused {
		all = errors.Join(all, refusal)
	}
	if a.API != nil {
		all = errors.Join(all, a.API)
	}
	if a.Error != "" {
		all = errors.Join(all, errors.New(a.Error))
	}
	return all
}

// remote does what another process asks for.
func (s *Server) remote(ctx context.Context, r *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	b := s.options.Background
	if b == nil {
		return nil, status.Error(codes.FailedPrecondition, "an operation is under way in the sandbox: wait for it")
	}
	var request remoteRequest
	if err := fromStruct(r.GetArgs(), &request); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	var err error
	switch {
	case r.GetTok() == remoteWait:
		err = errors.Join(b.Wait(ctx, request.Span), b.d.release())
	case request.Group != nil:
		if _, err = s.world.CreateLogGroup(*request.Group); err == nil && !request.Hold {
			err = b.Run(ctx)
		}
	}
	var a remoteAnswer
	if a.Refused, err = Refusals(err); err != nil && !errors.As(err, &a.API) {
		a.Error = err.Error()
	}
	answer, err := asStruct(a)
	return &pulumirpc.InvokeResponse{Return: answer}, err
}

// release gives the store to the next process that sends.
func (d *Delivery) release() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(d.closeBuffers(), d.store.Close())
}

func asStruct(v any) (*structpb.Struct, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return structpb.NewStruct(map[string]any{"json": string(text)})
}

func fromStruct(s *structpb.Struct, into any) error {
	if err := json.Unmarshal([]byte(s.GetFields()["json"].GetStringValue()), into); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	return nil
}
