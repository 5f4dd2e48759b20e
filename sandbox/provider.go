package sandbox

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/logarchive/logarchive/catalog"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// version is that of the provider that the stand-in stands in for: the schemas of package catalog are of its SDK.
const version = "6.83.0"

// provider answers Pulumi's ResourceProvider protocol for all connections; see [connections] for whose call is whose.
// Methods that it doesn't have answer Unimplemented.
type provider struct {
	pulumirpc.UnimplementedResourceProviderServer
	server *Server
}

// Handshake is the first call on a connection.
func (p *provider) Handshake(context.Context, *pulumirpc.ProviderHandshakeRequest) (*pulumirpc.ProviderHandshakeResponse, error) {
	return &pulumirpc.ProviderHandshakeResponse{AcceptSecrets: true, AcceptResources: true, AcceptOutputs: true}, nil
}

// Attach tells a provider that runs already where the engine is. The stand-in never calls the engine.
func (p *provider) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// GetPluginInfo returns the version.
func (p *provider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version}, nil
}

// GetMapping has no mapping to another tool's types.
func (p *provider) GetMapping(context.Context, *pulumirpc.GetMappingRequest) (*pulumirpc.GetMappingResponse, error) {
	return &pulumirpc.GetMappingResponse{}, nil
}

// GetMappings has none either.
func (p *provider) GetMappings(context.Context, *pulumirpc.GetMappingsRequest) (*pulumirpc.GetMappingsResponse, error) {
	return &pulumirpc.GetMappingsResponse{}, nil
}

// Invoke refuses: the program gives every fact itself, and asks AWS for none. What it answers comes from another process of
// the sandbox; see [Remote].
func (p *provider) Invoke(ctx context.Context, r *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	if r.GetTok() == remoteCreate || r.GetTok() == remoteWait {
		return p.server.remote(ctx, r)
	}
	return nil, status.Errorf(codes.Unimplemented, "the sandbox does not answer the function %s: give the value by configuration instead of asking AWS for it", r.GetTok())
}

// Cancel ends the waiting of the operations that are under way on the connection.
func (p *provider) Cancel(ctx context.Context, _ *emptypb.Empty) (*emptypb.Empty, error) {
	instanceOf(ctx).cancel()
	return &emptypb.Empty{}, nil
}

// wire says how properties cross the connection: nothing that Pulumi knows about a value gets lost.
var wire = plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true, PropagateNil: true}

func unmarshal(s *structpb.Struct) (resource.PropertyMap, error) {
	m, err := plugin.UnmarshalProperties(s, wire)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "sandbox: %v", err)
	}
	return m, nil
}

func marshal(m resource.PropertyMap) (*structpb.Struct, error) {
	s, err := plugin.MarshalProperties(m, wire)
	if err != nil {
		return nil, status.Errorf(codes.Internal, "sandbox: %v", err)
	}
	return s, nil
}

// lookup returns the catalog's type of a resource.
func lookup(token string) (*catalog.Type, error) {
	if t, ok := catalog.Lookup(token); ok {
		return t, nil
	}
	return nil, status.Errorf(codes.Unimplemented, "the sandbox does not model %s. It models: %s. To add a type: run `make generate` with its token in catalog's list, and describe its identity, computed outputs and AWS-side checks in a file of package catalog", token, strings.Join(catalog.Tokens(), ", "))
}

// operation is one call for one resource.
type operation struct {
	server   *Server
	instance *instance
	settings catalog.Settings
	kind     string // "check", "create", "read", "update", "delete"
	urn      resource.URN
	t        *catalog.Type
	preview  bool
	result   *string // what an invoked function answered
	started  time.Time
}

// begin finds out what a call is about, and fails where a fault was asked for.
func (p *provider) begin(ctx context.Context, kind, urn string, preview bool) (*operation, error) {
	o := &operation{server: p.server, instance: instanceOf(ctx), kind: kind, urn: resource.URN(urn), preview: preview, started: time.Now()}
	var err error
	if o.settings, err = o.instance.configured(); err != nil {
		return o, err
	}
	if o.t, err = lookup(string(o.urn.Type())); err != nil {
		return o, err
	}
	if preview || kind == "check" {
		return o, nil
	}
	return o, p.server.fault(kind, o.t.Token, o.urn.Name())
}

// end tells the observer, and puts an error into words that say where it happened.
func (o *operation) end(id string, err error) error {
	if observe := o.server.options.Observe; observe != nil {
		observe(Call{Operation: o.kind, URN: string(o.urn), ID: id, Place: o.settings.Place, Preview: o.preview, Duration: time.Since(o.started), Err: err})
	}
	var many refusals
	var one *APIError
	code := ""
	switch {
	case err == nil:
		return nil
	case errors.As(err, &many):
		code = many[0].Code
	case errors.As(err, &one):
		code = one.Code
	default:
		if _, ok := status.FromError(err); ok {
			return err
		}
		return status.Error(codes.Internal, err.Error())
	}
	if id != "" {
		id = " " + id
	}
	return status.Errorf(grpcCode(code), "%s %s%s in %s: %v", o.kind, o.t.Token, id, o.settings.Place, err)
}

// wait is the time that AWS takes to answer.
func (o *operation) wait(ctx context.Context) {
	if o.server.options.Delay == 0 {
		return
	}
	select {
	case <-time.After(o.server.options.Delay):
	case <-o.instance.cancelled:
	case <-ctx.Done():
	}
}
