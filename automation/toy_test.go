package automation

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// A toy is a provider of toy:index:Thing, whose world is a folder with a file for each thing. Making a thing that exists
// is an error, as with AWS's named resources. It is what the sandbox is to the real stacks, and small.
type toy struct {
	pulumirpc.UnimplementedResourceProviderServer
	dir  string
	hang string // creating the thing of this name makes it, and never answers
	// resume has a creation answer with the thing that is there.
	resume bool

	mu   sync.Mutex
	made []string // the ids of creations, in order
}

// serveToy serves a toy provider until the process ends, and returns its port.
func serveToy(t *toy) (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	server := grpc.NewServer()
	pulumirpc.RegisterResourceProviderServer(server, t)
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func (t *toy) path(id string) string { return filepath.Join(t.dir, id+".json") }

func (t *toy) things() []string {
	files, _ := filepath.Glob(t.path("*"))
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".json")
	}
	return files
}

// find is the toy's Finder.
func (t *toy) find(_ context.Context, create PendingCreate) (Found, bool, error) {
	id, _ := create.Inputs["name"].(string)
	if _, err := os.Stat(t.path(id)); err != nil {
		return Found{}, false, nil
	}
	return Found{ID: id, Outputs: create.Inputs}, true, nil
}

func (t *toy) CheckConfig(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: r.GetNews()}, nil
}

func (t *toy) DiffConfig(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
}

func (t *toy) Configure(context.Context, *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	return &pulumirpc.ConfigureResponse{AcceptSecrets: true, SupportsPreview: true}, nil
}

func (t *toy) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: "1.0.0"}, nil
}

func (t *toy) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (t *toy) Check(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	if name := r.GetNews().GetFields()["name"].GetStringValue(); name == "forbidden" {
		return &pulumirpc.CheckResponse{Failures: []*pulumirpc.CheckFailure{{Property: "name", Reason: "forbidden is not a name for a thing"}}}, nil
	}
	return &pulumirpc.CheckResponse{Inputs: r.GetNews()}, nil
}

func (t *toy) Diff(_ context.Context, r *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, news := r.GetOldInputs().GetFields(), r.GetNews().GetFields()
	out := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}
	for _, name := range []string{"name", "colour"} {
		if olds[name].GetStringValue() != news[name].GetStringValue() {
			out.Changes = pulumirpc.DiffResponse_DIFF_SOME
			out.Diffs = append(out.Diffs, name)
			if name == "name" {
				out.Replaces = append(out.Replaces, name)
			}
		}
	}
	return out, nil
}

func (t *toy) write(id string, properties *structpb.Struct) error {
	data, err := json.Marshal(properties.AsMap())
	if err != nil {
		return err
	}
	return os.WriteFile(t.path(id), data, 0o600)
}

func (t *toy) Create(ctx context.Context, r *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	id := r.GetProperties().GetFields()["name"].GetStringValue()
	if r.GetPreview() {
		return &pulumirpc.CreateResponse{Id: id, Properties: r.GetProperties()}, nil
	}
	if _, err := os.Stat(t.path(id)); err == nil && !t.resume {
		return nil, fmt.Errorf("ThingAlreadyExists: %s", id)
	}
	if err := t.write(id, r.GetProperties()); err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.made = append(t.made, id)
	t.mu.Unlock()
	if id == t.hang {
		<-ctx.Done()
	}
	return &pulumirpc.CreateResponse{Id: id, Properties: r.GetProperties()}, nil
}

func (t *toy) Read(_ context.Context, r *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	data, err := os.ReadFile(t.path(r.GetId()))
	if err != nil {
		return &pulumirpc.ReadResponse{}, nil // an empty id: it isn't there
	}
	var properties map[string]any
	if err := json.Unmarshal(data, &properties); err != nil {
		return nil, err
	}
	state, err := structpb.NewStruct(properties)
	return &pulumirpc.ReadResponse{Id: r.GetId(), Properties: state, Inputs: state}, err
}

func (t *toy) Update(_ context.Context, r *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	return &pulumirpc.UpdateResponse{Properties: r.GetNews()}, t.write(r.GetId(), r.GetNews())
}

func (t *toy) Delete(_ context.Context, r *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	if err := os.Remove(t.path(r.GetId())); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// A thing is a resource of the toy provider.
type thing struct {
	pulumi.CustomResourceState
}

// group is a component that holds things.
type group struct {
	pulumi.ResourceState
}

// toyProgram declares a component with a thing for each name; those that begin with "kept" are protected and retained.
func toyProgram(colour string, names ...string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		g := &group{}
		if err := ctx.RegisterComponentResource("toy:index:Group", "group", g); err != nil {
			return err
		}
		for _, name := range names {
			kept := strings.HasPrefix(name, "kept")
			props := pulumi.Map{"name": pulumi.String(name), "colour": pulumi.String(colour)}
			if err := ctx.RegisterResource("toy:index:Thing", name, props, &thing{}, pulumi.Parent(g), pulumi.Protect(kept), pulumi.RetainOnDelete(kept)); err != nil {
				return err
			}
		}
		ctx.Export("colour", pulumi.String(colour))
		ctx.Export("secret", pulumi.ToSecret(pulumi.String("hush")))
		return ctx.RegisterResourceOutputs(g, pulumi.Map{"things": pulumi.Int(len(names))})
	}
}

// toyOptions are the options of a workspace whose project, state and world are folders below dir.
func toyOptions(dir string, engine *Engine, t *toy) (Options, error) {
	for _, sub := range []string{"project", "things", "home"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return Options{}, err
		}
	}
	project := filepath.Join(dir, "project")
	for name, text := range map[string]string{"Pulumi.yaml": "name: toys\nruntime: go\n", "Pulumi.box.yaml": "config:\n  toys:size: \"3\"\n"} {
		if err := os.WriteFile(filepath.Join(project, name), []byte(text), 0o644); err != nil {
			return Options{}, err
		}
	}
	t.dir = filepath.Join(dir, "things")
	port, err := serveToy(t)
	return Options{
		Engine: engine, ProjectDir: project, Stack: "box", WorkDir: filepath.Join(dir, "work"),
		BackendURL: "file://" + filepath.ToSlash(filepath.Join(dir, "state")), Passphrase: "toys", Home: filepath.Join(dir, "home"),
		Env:            map[string]string{"PULUMI_DEBUG_PROVIDERS": fmt.Sprintf("toy:%d", port), "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"},
		ProviderInside: true, Finder: t.find, Grace: 20 * time.Second,
	}, err
}

// testEngine finds or builds the real CLI. It is part of the tests: nothing of this package works without it.
func testEngine(t *testing.T) *Engine {
	t.Helper()
	engine, err := FindEngine(context.Background(), func(line string) { t.Log(line) })
	if err != nil {
		t.Fatalf("these tests need the Pulumi CLI: put %s or later on PATH, or have Go build it (go run ./cmd/logarchive engine): %v", MinimumVersion, err)
	}
	return engine
}

// open opens a workspace on a toy world below dir, with this program.
func open(t *testing.T, o Options, program pulumi.RunFunc) *Workspace {
	t.Helper()
	o.Program = program
	w, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func nameOf(u string) string { return urn.URN(u).Name() }
