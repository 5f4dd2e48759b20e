package stacks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/verify"
)

// engineStub is as much of an engine as a program needs: it takes every resource and every message. A monitor of mocks
// won't do here, since a program under mocks is a recording, which has no preflight.
type engineStub struct {
	pulumirpc.UnimplementedResourceMonitorServer
	pulumirpc.UnimplementedEngineServer

	mu         sync.Mutex
	registered []string // types, without the stack
	warnings   []string
}

func (e *engineStub) SupportsFeature(context.Context, *pulumirpc.SupportsFeatureRequest) (*pulumirpc.SupportsFeatureResponse, error) {
	return &pulumirpc.SupportsFeatureResponse{HasSupport: true}, nil
}

func (e *engineStub) RegisterResource(_ context.Context, r *pulumirpc.RegisterResourceRequest) (*pulumirpc.RegisterResourceResponse, error) {
	if r.GetType() != "pulumi:pulumi:Stack" {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.registered = append(e.registered, r.GetType())
	}
	return &pulumirpc.RegisterResourceResponse{
		Urn: "urn:pulumi:dev::log-archive::" + r.GetType() + "::" + r.GetName(), Id: r.GetName(), Object: r.GetObject(),
	}, nil
}

func (e *engineStub) RegisterResourceOutputs(context.Context, *pulumirpc.RegisterResourceOutputsRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (e *engineStub) SignalAndWaitForShutdown(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (e *engineStub) Log(_ context.Context, r *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.GetSeverity() == pulumirpc.LogSeverity_WARNING {
		e.warnings = append(e.warnings, r.GetMessage())
	}
	return &emptypb.Empty{}, nil
}

// runOnStub runs a program as an engine runs it.
func runOnStub(t *testing.T, config map[string]string, program pulumi.RunFunc) (*engineStub, error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stub := &engineStub{}
	server := grpc.NewServer()
	pulumirpc.RegisterResourceMonitorServer(server, stub)
	pulumirpc.RegisterEngineServer(server, stub)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	err = pulumi.RunErr(program, func(info *pulumi.RunInfo) {
		*info = pulumi.RunInfo{
			Project: Namespace, Stack: "dev", Config: config, Parallel: 16,
			MonitorAddr: listener.Addr().String(), EngineAddr: listener.Addr().String(),
		}
	})
	return stub, err
}

// violating is a configuration that keeps logs for less time than it must.
func violating(t testing.TB) document {
	return parse(t, smallest).with(t, "archive.retentionDays", 200).with(t, "minimumRetentionDays", 365).
		with(t, "archive.objectLock", map[string]any{"mode": "GOVERNANCE", "days": 180}).
		with(t, "logGroups", list(map[string]any{"name": "/app/a"}))
}

// programs are both ways in which a configuration becomes a program: main.go's, and that of those who have a spec.
func programs(t *testing.T, config map[string]string) map[string]pulumi.RunFunc {
	t.Helper()
	spec, err := ParseSpec("dev", config)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]pulumi.RunFunc{"Run": Run, "Program": Program(spec)}
}

func TestPreflightEnforced(t *testing.T) {
	t.Parallel()
	config := violating(t).engine(t)
	for name, program := range programs(t, config) {
		stub, err := runOnStub(t, config, program)
		var stopped *PreflightError
		if !errors.As(err, &stopped) || len(stopped.Violations) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		if len(stub.registered) > 0 || len(stub.warnings) > 0 {
			t.Errorf("%s: registered %q, warned of %q", name, stub.registered, stub.warnings)
		}
		for _, want := range []string{
			"the preflight of stack dev found 1 violation, and nothing was registered",
			"lifecycle-retention: archive (aws:s3/bucketV2:BucketV2)",
			"expires after 200 days; the minimum is 365",
			"remedy: ",
			"log-archive:waivers", "log-archive:preflight: warn", "logarchive verify --stack dev",
		} {
			if strings.Count(err.Error(), want) != 1 {
				t.Errorf("%s: the error doesn't say %q once:\n%v", name, want, err)
			}
		}
	}
}

func TestPreflightWarnsOrIsOff(t *testing.T) {
	t.Parallel()
	for mode, warnings := range map[string]int{PreflightWarn: 1, PreflightOff: 0} {
		config := violating(t).with(t, "preflight", mode).engine(t)
		for name, program := range programs(t, config) {
			stub, err := runOnStub(t, config, program)
			if err != nil {
				t.Errorf("%s, %s: %v", name, mode, err)
			}
			if len(stub.warnings) != warnings || !slices.Contains(stub.registered, "aws:s3/bucketV2:BucketV2") {
				t.Errorf("%s, %s: warned of %q, registered %q", name, mode, stub.warnings, stub.registered)
			}
		}
	}
}

// What is proven is deployed without a word: the preflight's own recording doesn't reach the engine.
func TestPreflightOfWhatIsProven(t *testing.T) {
	t.Parallel()
	for _, stack := range exampleStacks {
		config, err := LoadConfig("..", stack)
		if err != nil {
			t.Fatal(err)
		}
		stub, err := runOnStub(t, config, Run)
		if err != nil {
			t.Fatal(err)
		}
		g, err := graph.Record(t.Context(), graph.Options{Project: Namespace, Stack: "dev", Config: config}, Run)
		if err != nil {
			t.Fatal(err)
		}
		if len(stub.warnings) > 0 || len(stub.registered) != len(g.Resources) {
			t.Errorf("%s: %d resources were registered, %d are declared; warned of %q", stack, len(stub.registered), len(g.Resources), stub.warnings)
		}
	}
}

// A waiver lets a violation pass; one that has ended, or waives nothing, doesn't.
func TestPreflightWaived(t *testing.T) {
	t.Parallel()
	waiver := func(rule, resource string, day time.Time) []any {
		return list(map[string]any{"rule": rule, "resource": resource, "reason": "the budget", "until": day.Format(time.DateOnly)})
	}
	tomorrow, yesterday := time.Now().UTC().AddDate(0, 0, 1), time.Now().UTC().AddDate(0, 0, -1)
	for _, test := range []struct {
		waivers []any
		want    []string // rules
	}{
		{waiver("lifecycle-retention", "archive", tomorrow), nil},
		{waiver("lifecycle-retention", "", tomorrow), nil},
		{waiver("lifecycle-retention", "archive", yesterday), []string{"lifecycle-retention", "waiver"}},
		{waiver("lifecycle-retention", "archives", tomorrow), []string{"lifecycle-retention", "waiver"}},
		{waiver("path", "", tomorrow), []string{"lifecycle-retention", "waiver"}},
	} {
		spec, err := ParseSpec("dev", violating(t).with(t, "waivers", test.waivers).engine(t))
		if err != nil {
			t.Fatal(err)
		}
		violations, err := spec.Preflight(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range violations {
			got = append(got, v.Rule)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%v: got %q, want %q", test.waivers, got, test.want)
		}
	}
}

// A recording shows what is declared, proven or not, and a decrypted external id isn't in it.
func TestRecordings(t *testing.T) {
	t.Parallel()
	config := violating(t).with(t, "archive.externalId", "decrypted-id").engine(t)
	if _, err := graph.Record(t.Context(), graph.Options{Project: Namespace, Stack: "dev", Config: config}, Run); err != nil {
		t.Error(err)
	}
	spec, err := ParseSpec("dev", config)
	if err != nil {
		t.Fatal(err)
	}
	g, err := spec.Record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if text := string(g.Golden()); strings.Contains(text, "decrypted-id") || !strings.Contains(text, "LogArchiveBucket") {
		t.Errorf("recorded:\n%s", text)
	}
	if spec.ExternalID != "decrypted-id" {
		t.Errorf("the recording changed the spec: %q", spec.ExternalID)
	}
}

func TestPreflightErrorIsShort(t *testing.T) {
	t.Parallel()
	e := &PreflightError{Stack: "dev"}
	for i := range 25 {
		e.Violations = append(e.Violations, verify.Violation{Rule: "path", Resource: fmt.Sprintf("urn:pulumi:dev::log-archive::logarchive:index:A$aws:s3/bucketV2:BucketV2::a::%d", i), Reason: "closed"})
	}
	text := e.Error()
	if n := strings.Count(text, "closed"); n != maxListed || !strings.Contains(text, "and 15 more") || !strings.Contains(text, "path: a::3 (aws:s3/bucketV2:BucketV2)") {
		t.Errorf("%d listed:\n%s", n, text)
	}
}

func BenchmarkPreflight(b *testing.B) {
	configs := map[string]map[string]string{}
	for _, stack := range exampleStacks {
		config, err := LoadConfig("..", stack)
		if err != nil {
			b.Fatal(err)
		}
		configs[stack] = config
	}
	var groups []any
	for i := range 1000 {
		groups = append(groups, map[string]any{"name": fmt.Sprint("/app/", i)})
	}
	configs["1000-sources"] = violating(b).with(b, "minimumRetentionDays", 180).with(b, "logGroups", groups).engine(b)
	for _, stack := range sortedKeys(configs) {
		config := configs[stack]
		spec, err := ParseSpec(stack, config)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(stack, func(b *testing.B) {
			for b.Loop() {
				if violations, err := spec.Preflight(b.Context()); err != nil || len(violations) > 0 {
					b.Fatal(violations, err)
				}
			}
		})
	}
}
