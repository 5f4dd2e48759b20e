package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// archiver is the role of the log-archive account that the stacks assume.
var archiver = stacks.External{
	Kind: stacks.KindRole, ID: "deployer", Place: archive, Key: "log-archive:archive.role",
	Attributes: map[string]string{stacks.AttributeExternalID: "let-me-in"},
}

// start serves a world of its own to a test.
func start(t testing.TB, o Options) (*World, *Server) {
	t.Helper()
	w := openWorld(t, t.TempDir())
	if err := w.Adopt([]stacks.External{archiver}); err != nil {
		t.Fatal(err)
	}
	return w, serve(t, w, o)
}

func serve(t testing.TB, w *World, o Options) *Server {
	t.Helper()
	s, err := o.Serve(t.Context(), w, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client is the engine's own client of a provider instance, on a connection of its own.
type client struct {
	t testing.TB
	p plugin.Provider
}

// attach connects and configures an instance, as the engine does for each.
func attach(t testing.TB, s *Server, name string, inputs resource.PropertyMap) (*client, error) {
	t.Helper()
	conn, err := grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", s.Port()), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &client{t, plugin.NewProviderWithClient(nil, "aws", pulumirpc.NewResourceProviderClient(conn), false)}
	urn := resource.NewURN("test", "sandbox", "", "pulumi:providers:aws", name)
	checked, err := c.p.CheckConfig(t.Context(), plugin.CheckConfigRequest{URN: urn, News: inputs, AllowUnknowns: true})
	if err != nil {
		return nil, err
	}
	for _, f := range checked.Failures {
		return nil, fmt.Errorf("%s: %s", f.Property, f.Reason)
	}
	if _, err := c.p.Configure(t.Context(), plugin.ConfigureRequest{URN: &urn, Inputs: checked.Properties}); err != nil {
		return nil, err
	}
	return c, nil
}

func mustAttach(t testing.TB, s *Server, name string, inputs resource.PropertyMap) *client {
	t.Helper()
	c, err := attach(t, s, name, inputs)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// instanceInputs are a provider instance's inputs as Pulumi's Go SDK sends them: nested ones are JSON in strings.
func instanceInputs(t testing.TB, place partition.Place) resource.PropertyMap {
	t.Helper()
	inputs := properties("region", string(place.Region), "allowedAccountIds", encoded(t, []string{string(place.Account)}), "version", version,
		"defaultTags", encoded(t, map[string]any{"tags": map[string]string{"stack": "test"}}))
	if place.Account == archiveAccount {
		inputs["assumeRole"] = resource.NewPropertyValue(encoded(t, map[string]string{"roleArn": archive.RoleARN("deployer").String(), "externalId": "let-me-in"}))
	}
	return inputs
}

func encoded(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// at connects an instance for a place.
func (s *Server) at(t testing.TB, place partition.Place) *client {
	t.Helper()
	return mustAttach(t, s, place.String(), instanceInputs(t, place))
}

func urnOf(token, name string) resource.URN {
	return resource.NewURN("test", "sandbox", "", tokens.Type(token), name)
}

// made is what the engine keeps of a resource.
type made struct {
	urn           resource.URN
	id            resource.ID
	inputs, state resource.PropertyMap
}

func (c *client) check(token, name string, inputs resource.PropertyMap) (resource.PropertyMap, []plugin.CheckFailure, error) {
	c.t.Helper()
	r, err := c.p.Check(c.t.Context(), plugin.CheckRequest{URN: urnOf(token, name), News: inputs, AllowUnknowns: true})
	return r.Properties, r.Failures, err
}

// create checks and creates, as the engine does.
func (c *client) create(token, name string, inputs resource.PropertyMap) (made, error) {
	c.t.Helper()
	m := made{urn: urnOf(token, name)}
	checked, failures, err := c.check(token, name, inputs)
	if err != nil {
		return m, err
	}
	for _, f := range failures {
		return m, fmt.Errorf("check: %s: %s", f.Property, f.Reason)
	}
	r, err := c.p.Create(c.t.Context(), plugin.CreateRequest{URN: m.urn, Properties: checked})
	m.id, m.inputs, m.state = r.ID, checked, r.Properties
	return m, err
}

func (c *client) mustCreate(token, name string, inputs resource.PropertyMap) made {
	c.t.Helper()
	m, err := c.create(token, name, inputs)
	if err != nil {
		c.t.Fatalf("%s %s: %v", token, name, err)
	}
	return m
}

func (c *client) delete(m made) error {
	c.t.Helper()
	_, err := c.p.Delete(c.t.Context(), plugin.DeleteRequest{URN: m.urn, ID: m.id, Inputs: m.inputs, Outputs: m.state})
	return err
}

func (c *client) read(m made) (plugin.ReadResponse, error) {
	c.t.Helper()
	return c.p.Read(c.t.Context(), plugin.ReadRequest{URN: m.urn, ID: m.id, Inputs: m.inputs, State: m.state})
}

func (c *client) update(m made, news resource.PropertyMap) (plugin.UpdateResponse, error) {
	c.t.Helper()
	checked, failures, err := c.check(string(m.urn.Type()), m.urn.Name(), news)
	if err != nil || len(failures) > 0 {
		return plugin.UpdateResponse{}, fmt.Errorf("check: %v %w", failures, err)
	}
	return c.p.Update(c.t.Context(), plugin.UpdateRequest{URN: m.urn, ID: m.id, OldInputs: m.inputs, OldOutputs: m.state, NewInputs: checked})
}

func refused(t testing.TB, err error, code string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), code) {
		t.Errorf("error %v, want one with %s", err, code)
	}
}

func TestInstancesActInTheirOwnPlaces(t *testing.T) {
	t.Parallel()
	w, s := start(t, Options{})
	home, away, there := s.at(t, beijing), s.at(t, archive), s.at(t, ningxia)
	group := properties("name", "/app", "retentionInDays", 30)
	for c, place := range map[*client]partition.Place{home: beijing, away: archive, there: ningxia} {
		m := c.mustCreate(logGroupToken, "app-"+place.String(), group)
		if want := place.LogGroupARN("/app").String(); text(m.state, "arn") != want {
			t.Errorf("%s: arn %v, want %s", place, m.state["arn"], want)
		}
	}
	if got := w.List(logGroupToken); len(got) != 3 {
		t.Errorf("the world has %d log groups, want 3", len(got))
	}
	bucket := away.mustCreate(bucketToken, "archive", properties("bucket", "archive-of-logs"))
	_, err := home.create(bucketToken, "mine", properties("bucket", "archive-of-logs"))
	refused(t, err, "BucketAlreadyExists")
	_, err = home.read(bucket)
	refused(t, err, "AccessDenied")
	if err := away.delete(bucket); err != nil {
		t.Error(err)
	}
}

func TestConfigureLogsIn(t *testing.T) {
	t.Parallel()
	_, s := start(t, Options{Credentials: map[partition.Partition]partition.Account{partition.China: sourceAccount}})
	role := func(arn, externalID string) string {
		return encoded(t, map[string]string{"roleArn": arn, "externalId": externalID})
	}
	deployer := archive.RoleARN("deployer").String()
	for name, tc := range map[string]struct {
		inputs resource.PropertyMap
		want   string // "" for success
	}{
		"home":                  {instanceInputs(t, beijing), ""},
		"archive":               {instanceInputs(t, archive), ""},
		"account by credential": {properties("region", "cn-north-1"), ""},
		"nested, not encoded":   {properties("region", "cn-north-1", "allowedAccountIds", []any{string(sourceAccount)}), ""},
		"unknown region":        {properties("region", "cn-south-1", "allowedAccountIds", encoded(t, []string{string(sourceAccount)})), "cn-south-1"},
		"other account":         {properties("region", "cn-north-1", "allowedAccountIds", encoded(t, []string{string(archiveAccount)})), "AWS account ID not allowed: " + string(sourceAccount)},
		"forbidden":             {properties("region", "cn-north-1", "forbiddenAccountIds", encoded(t, []string{string(sourceAccount)})), "AWS account ID not allowed"},
		"no such role":          {properties("region", "cn-north-1", "assumeRole", role(archive.RoleARN("nobody").String(), "let-me-in")), "AccessDenied"},
		"wrong external id":     {properties("region", "cn-north-1", "assumeRole", role(deployer, "please")), "AccessDenied"},
		"role of other account": {properties("region", "cn-north-1", "allowedAccountIds", encoded(t, []string{string(sourceAccount)}), "assumeRole", role(deployer, "let-me-in")), "AWS account ID not allowed: " + string(archiveAccount)},
		"secret external id":    {resource.PropertyMap{"region": resource.NewPropertyValue("cn-north-1"), "assumeRole": resource.MakeSecret(resource.NewPropertyValue(role(deployer, "let-me-in")))}, ""},
	} {
		c, err := attach(t, s, name, tc.inputs)
		if err == nil {
			_, _, err = c.check(logGroupToken, "g", properties("name", "g"))
		}
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}

func TestUnconfiguredConnectionIsRefused(t *testing.T) {
	t.Parallel()
	_, s := start(t, Options{})
	conn, err := grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", s.Port()), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = pulumirpc.NewResourceProviderClient(conn).Create(t.Context(), &pulumirpc.CreateRequest{Urn: string(urnOf(logGroupToken, "g"))})
	refused(t, err, "not configured")
}

func TestUnknownTypesAndFunctionsAreErrors(t *testing.T) {
	t.Parallel()
	_, s := start(t, Options{})
	c := s.at(t, beijing)
	const token = "aws:mq/broker:Broker"
	_, _, err := c.check(token, "b", properties())
	refused(t, err, "does not model "+token)
	refused(t, err, "To add a type")
	_, err = c.p.Create(t.Context(), plugin.CreateRequest{URN: urnOf(token, "b"), Properties: properties()})
	refused(t, err, "does not model")
	_, err = c.p.Read(t.Context(), plugin.ReadRequest{URN: urnOf(token, "b"), ID: "x"})
	refused(t, err, "does not model")
	_, err = c.p.Invoke(t.Context(), plugin.InvokeRequest{Tok: "aws:index/getCallerIdentity:getCallerIdentity"})
	refused(t, err, "getCallerIdentity")
}

func TestServerOutlivesEnginesAndRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWorld(t, dir)
	s := serve(t, w, Options{})
	m := s.at(t, beijing).mustCreate(logGroupToken, "app", properties("name", "/app", "retentionInDays", 7))
	key := s.at(t, beijing).mustCreate(keyToken, "key", properties("description", "logs"))
	if err := errors.Join(s.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	w = openWorld(t, dir)
	s = serve(t, w, Options{})
	c := s.at(t, beijing)
	got, err := c.read(m)
	if err != nil || got.ID != m.id || !got.Outputs.DeepEquals(m.state) || !got.Inputs.DeepEquals(m.inputs) {
		t.Errorf("after a restart: %v, outputs %v (want %v), inputs %v (want %v)", err, got.Outputs, m.state, got.Inputs, m.inputs)
	}
	updated, err := c.update(key, properties("description", "archive"))
	if err != nil || text(updated.Properties, "arn") != text(key.state, "arn") || text(updated.Properties, "description") != "archive" {
		t.Errorf("update after a restart: %v, %v", err, updated.Properties)
	}
	again := c.mustCreate(keyToken, "key", properties("description", "logs"))
	if again.id == key.id {
		t.Error("two creations of the same resource got the same random id")
	}
}

func TestFaultsHappenOnce(t *testing.T) {
	t.Parallel()
	_, s := start(t, Options{FailOn: []Fault{{Operation: "create", Type: logGroupToken, Name: "app"}}})
	c := s.at(t, beijing)
	c.mustCreate(logGroupToken, "other", properties("name", "/other"))
	_, err := c.create(logGroupToken, "app", properties("name", "/app"))
	refused(t, err, "ServiceUnavailable")
	m := c.mustCreate(logGroupToken, "app", properties("name", "/app"))
	s.FailOn(Fault{Operation: "delete", Code: "ThrottlingException"})
	refused(t, c.delete(m), "ThrottlingException")
	if err := c.delete(m); err != nil {
		t.Error(err)
	}
}

func TestResumeAnswersWithWhatIsThere(t *testing.T) {
	t.Parallel()
	w, s := start(t, Options{})
	first := s.at(t, beijing).mustCreate(keyToken, "key", properties("description", "logs"))
	resumed := serve(t, w, Options{Resume: true}).at(t, beijing)
	if again := resumed.mustCreate(keyToken, "key", properties("description", "logs")); again.id != first.id || !again.state.DeepEquals(first.state) {
		t.Errorf("a repeated creation made %s, want %s", again.id, first.id)
	}
	for name, inputs := range map[string]resource.PropertyMap{"key": properties("description", "changed"), "other": properties("description", "logs")} {
		if other := resumed.mustCreate(keyToken, name, inputs); other.id == first.id {
			t.Errorf("%s with %v is not the same resource", name, inputs)
		}
	}
	if err := resumed.delete(first); err != nil {
		t.Fatal(err)
	}
	if anew := resumed.mustCreate(keyToken, "key", properties("description", "logs")); anew.id == first.id {
		t.Error("a key that is being deleted was taken up again")
	}
}

func TestDelayComesAfterTheCreationAndEndsWithCancel(t *testing.T) {
	t.Parallel()
	calls := make(chan Call, 8)
	w, s := start(t, Options{Delay: time.Hour, Observe: func(c Call) { calls <- c }})
	c := s.at(t, beijing)
	done := make(chan error)
	go func() {
		_, err := c.create(logGroupToken, "app", properties("name", "/app"))
		done <- err
	}()
	for len(w.List(logGroupToken)) == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := c.p.SignalCancellation(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if configured, created := <-calls, <-calls; configured.Operation != "configure" || created.Operation != "create" || created.ID != "/app" || created.Place != beijing {
		t.Errorf("observed %+v, %+v", configured, created)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Serve(ctx, openWorld(t, t.TempDir()), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Env()["PULUMI_DEBUG_PROVIDERS"], fmt.Sprintf("aws:%d", s.Port()); got != want {
		t.Errorf("environment %q, want %q", got, want)
	}
	cancel()
	<-s.served
	if err := s.Close(); err != nil {
		t.Errorf("Close after the end: %v", err)
	}
}

func TestManyCreationsAtOnce(t *testing.T) {
	t.Parallel()
	w, s := start(t, Options{})
	const each = 50
	var wg sync.WaitGroup
	for _, place := range []partition.Place{beijing, ningxia, archive} {
		c := s.at(t, place)
		for i := range each {
			wg.Go(func() {
				if _, err := c.create(logGroupToken, fmt.Sprint("g", i), properties("name", fmt.Sprint("/g", i))); err != nil {
					t.Error(err)
				}
				// Only one of three can have a bucket's name.
				if _, err := c.create(bucketToken, fmt.Sprint("b", i), properties("bucket", fmt.Sprint("bucket-", i))); err != nil && !strings.Contains(err.Error(), "BucketAlready") {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if groups, buckets := len(w.List(logGroupToken)), len(w.List(bucketToken)); groups != 3*each || buckets != each {
		t.Errorf("%d log groups, %d buckets", groups, buckets)
	}
}

// BenchmarkCreations makes a thousand log groups with a subscription filter each, one after the other, over the wire and
// onto the disk: two creations an operation.
func BenchmarkCreations(b *testing.B) {
	for _, n := range []int{250, 1000, 4000} {
		b.Run(fmt.Sprint(n, " log groups"), func(b *testing.B) {
			for b.Loop() {
				l := newLandscape(b)
				for i := range n {
					name := fmt.Sprint("/bench/", i)
					l.home.mustCreate(logGroupToken, name, properties("name", name))
					l.home.mustCreate(filterToken, name, with(l.filterInputs("all"), "logGroup", name))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/group")
		})
	}
}
