package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// instance is a provider instance of an engine: where it acts, and as whom. It lives as long as its connection.
type instance struct {
	cancelled chan struct{}

	mu       sync.Mutex
	ready    bool
	settings catalog.Settings
	stopped  bool
}

func newInstance() *instance { return &instance{cancelled: make(chan struct{})} }

func instanceOf(ctx context.Context) *instance { return ctx.Value(connectionKey{}).(*instance) }

func (i *instance) cancel() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.stopped {
		i.stopped = true
		close(i.cancelled)
	}
}

func (i *instance) configured() (catalog.Settings, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.ready {
		return catalog.Settings{}, status.Error(codes.FailedPrecondition, "this connection's provider instance is not configured: the engine configures an instance on the connection that it uses for its resources")
	}
	return i.settings, nil
}

func (i *instance) configure(s catalog.Settings) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.settings, i.ready = s, true
}

// Configure says which account and region the connection's calls are for, and logs in as the real provider does.
func (p *provider) Configure(ctx context.Context, r *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	inputs, err := configureInputs(r)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	settings, err := p.server.login(inputs)
	if observe := p.server.options.Observe; observe != nil {
		observe(Call{Operation: "configure", URN: r.GetUrn(), Place: settings.Place, Duration: time.Since(started), Err: err})
	}
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "unable to validate AWS credentials: %v", err)
	}
	instanceOf(ctx).configure(settings)
	return &pulumirpc.ConfigureResponse{AcceptSecrets: true, SupportsPreview: true, AcceptResources: true, AcceptOutputs: true}, nil
}

// configureInputs reads the instance's inputs. Engines before 3.150 or so give them as variables only.
func configureInputs(r *pulumirpc.ConfigureRequest) (resource.PropertyMap, error) {
	if r.GetArgs() != nil {
		inputs, err := unmarshal(r.GetArgs())
		return plain(inputs), err
	}
	inputs := resource.PropertyMap{}
	for name, value := range r.GetVariables() {
		inputs[resource.PropertyKey(name[strings.LastIndexByte(name, ':')+1:])] = resource.NewStringProperty(value)
	}
	return inputs, nil
}

// login finds out in which account an instance acts, and whether it may.
func (s *Server) login(inputs resource.PropertyMap) (catalog.Settings, error) {
	inputs = nested(inputs)
	if region, err := partition.ParseRegion(text(inputs, "region")); err == nil && !given(inputs, "assumeRole") && !given(inputs, "assumeRoles") {
		if account, ok := s.options.Credentials[region.Partition()]; ok {
			if allowed := strs(inputs["allowedAccountIds"]); len(allowed) > 0 && !slices.Contains(allowed, string(account)) {
				return catalog.Settings{}, fmt.Errorf("AWS account ID not allowed: %s (allowedAccountIds: %s)", account, strings.Join(allowed, ", "))
			}
			inputs = inputs.Copy()
			inputs["allowedAccountIds"] = resource.NewPropertyValue([]any{string(account)})
		}
	}
	settings, err := catalog.ProviderSettings(inputs)
	if err != nil {
		return settings, err
	}
	account := string(settings.Place.Account)
	if allowed := strs(inputs["allowedAccountIds"]); len(allowed) > 0 && !slices.Contains(allowed, account) {
		return settings, fmt.Errorf("AWS account ID not allowed: %s (allowedAccountIds: %s)", account, strings.Join(allowed, ", "))
	}
	if slices.Contains(strs(inputs["forbiddenAccountIds"]), account) {
		return settings, fmt.Errorf("AWS account ID not allowed: %s (it is in forbiddenAccountIds)", account)
	}
	return settings, s.assumeRoles(inputs)
}

// assumeRoles checks the roles that an instance assumes: each must exist and, where it wants one, get its external id.
func (s *Server) assumeRoles(inputs resource.PropertyMap) error {
	roles := objects(inputs["assumeRole"])
	roles = append(roles, objects(inputs["assumeRoles"])...)
	for _, role := range roles {
		arn := text(role, "roleArn")
		if arn == "" {
			continue
		}
		o, ok := s.world.ByARN(arn)
		denied := &APIError{Code: "AccessDenied", Message: "not authorized to perform: sts:AssumeRole on resource: " + arn}
		switch {
		case !ok:
			return fmt.Errorf("operation error STS: AssumeRole, %w (the sandbox knows no such role: it takes over log-archive:archive.role from a stack's configuration)", denied)
		case o.Text("externalId") != "" && o.Text("externalId") != text(role, "externalId"):
			return fmt.Errorf("operation error STS: AssumeRole, %w (the role wants another external id than %q)", denied, text(role, "externalId"))
		}
	}
	return nil
}

// CheckConfig looks at the inputs of a provider instance before it is configured.
func (p *provider) CheckConfig(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	news, err := unmarshal(r.GetNews())
	if err != nil {
		return nil, err
	}
	t, err := lookup(catalog.ProviderToken)
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.CheckResponse{Inputs: r.GetNews()}
	inputs := plain(news)
	if inputs.ContainsUnknowns() {
		return response, nil
	}
	for _, f := range t.Check(catalog.Request{Inputs: inputs}) {
		if f.Property == "" && len(p.server.options.Credentials) > 0 && !given(inputs, "allowedAccountIds") {
			continue // the credentials say where the instance acts
		}
		response.Failures = append(response.Failures, &pulumirpc.CheckFailure{Property: f.Property, Reason: f.Reason})
	}
	return response, nil
}

// DiffConfig compares two configurations of an instance. In another place nothing of the old one's exists, so a change
// of the region or the account replaces the instance, and with it all that it made.
func (p *provider) DiffConfig(_ context.Context, r *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, err := unmarshal(r.GetOldInputs())
	if err != nil {
		return nil, err
	}
	news, err := unmarshal(r.GetNews())
	if err != nil {
		return nil, err
	}
	// The version is the engine's word for which plugin to load.
	delete(olds, "version")
	delete(news, "version")
	olds, news = nested(plain(olds)), nested(plain(news))
	d := diffInputs(olds, news, nil)
	before, errBefore := catalog.ProviderSettings(olds)
	after, errAfter := catalog.ProviderSettings(news)
	if errBefore == nil && errAfter == nil && before.Place != after.Place {
		for _, c := range d {
			if slices.Contains([]string{"region", "assumeRole", "assumeRoles", "allowedAccountIds"}, string(c.root)) {
				c.replace = true
			}
		}
	}
	return d.response(), nil
}

// nested decodes what Pulumi's SDKs encode: the nested inputs of provider instances are JSON in strings.
func nested(inputs resource.PropertyMap) resource.PropertyMap {
	decoded := inputs.Copy()
	for k, v := range inputs {
		if !v.IsString() || !strings.HasPrefix(v.StringValue(), "{") && !strings.HasPrefix(v.StringValue(), "[") {
			continue
		}
		var value any
		if json.Unmarshal([]byte(v.StringValue()), &value) == nil {
			decoded[k] = resource.NewPropertyValue(value)
		}
	}
	return decoded
}

func given(inputs resource.PropertyMap, name string) bool {
	v, ok := inputs[resource.PropertyKey(name)]
	return ok && !v.IsNull()
}

// strs returns the strings of a list.
func strs(v resource.PropertyValue) []string {
	var all []string
	if v.IsArray() {
		for _, e := range v.ArrayValue() {
			if e.IsString() {
				all = append(all, e.StringValue())
			}
		}
	}
	return all
}

// objects returns an object, or the objects of a list.
func objects(v resource.PropertyValue) []resource.PropertyMap {
	switch {
	case v.IsObject():
		return []resource.PropertyMap{v.ObjectValue()}
	case v.IsArray():
		var all []resource.PropertyMap
		for _, e := range v.ArrayValue() {
			all = append(all, objects(e)...)
		}
		return all
	}
	return nil
}
