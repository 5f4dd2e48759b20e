package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// function is a declared Lambda function.
type function struct {
	object   Object
	name     string
	arn      string
	role     partition.ARN
	timeout  time.Duration
	environ  []string // NAME=value, in order
	logGroup string
	handler  string // one of handlers
	stopped  bool   // no invocation is allowed: its reserved concurrency is 0
}

// invoker is a function's code: JSON in, JSON out, as Lambda's runtime calls it.
type invoker interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// handlers are the project's functions that the sandbox runs, by the name that is in the function's HandlerVariable.
// They are the very packages that are deployed.
var handlers = map[string]func(*function, *host) (invoker, error){
	"transform":  newTransform,
	"subscribe":  newSubscribe,
	"rdsexports": newExports,
}

// componentHandlers are the components whose function runs one of the handlers.
var componentHandlers = map[string]string{
	"logarchive:index:TransformFunction":  "transform",
	"logarchive:index:LogGroupSubscriber": "subscribe",
	"logarchive:index:RdsLogExports":      "rdsexports",
}

// HandlerVariable is the environment variable by which a function that isn't of one of the project's components says which
// of the project's functions it runs: a compiled binary's handler is called "bootstrap", whatever it does.
const HandlerVariable = "LOGARCHIVE_FUNCTION"

// functionARN is the ARN of a function without a version or an alias.
func functionARN(arn string) string {
	parts := strings.Split(arn, ":")
	return strings.Join(parts[:min(len(parts), 7)], ":")
}

// functionByARN finds a declared function; a version or an alias in the ARN leads to the function, of which the sandbox
// has the newest version only. It reports false when there is none. The error says why a function can't be run here.
func functionByARN(world Resources, arn string) (*function, bool, error) {
	o, ok := world.ByARN(functionARN(arn))
	if !ok || o.Type != catalog.Function {
		return nil, false, nil
	}
	f, err := functionOf(o)
	return f, true, err
}

// functionLogGroup is the log group that a declared function writes to, whatever code it runs.
func functionLogGroup(o Object) string {
	return cmp.Or(text(child(o.State, "loggingConfig"), "logGroup"), "/aws/lambda/"+o.Text("name"))
}

func functionOf(o Object) (*function, error) {
	f := &function{
		object: o, name: o.Text("name"), arn: o.ARN(), timeout: time.Duration(integer(o.State, "timeout", 3)) * time.Second,
		logGroup: functionLogGroup(o), stopped: integer(o.State, "reservedConcurrentExecutions", -1) == 0,
	}
	variables := child(child(o.State, "environment"), "variables")
	for name, value := range variables {
		if value.IsString() {
			f.environ = append(f.environ, string(name)+"="+value.StringValue())
		}
	}
	slices.Sort(f.environ)
	var err error
	if f.role, err = partition.ParseARN(o.Text("role")); err != nil {
		return nil, fmt.Errorf("function %s: role: %w", f.name, err)
	}
	if f.handler, err = handlerOf(f, variables); err != nil {
		return nil, fmt.Errorf("function %s: %w", f.name, err)
	}
	return f, nil
}

// handlerOf finds out which code a declared function runs: by the component that it is a child of, which its URN tells, or
// by HandlerVariable.
func handlerOf(f *function, variables resource.PropertyMap) (string, error) {
	if f.object.URN != "" {
		for token := range strings.SplitSeq(string(urn.URN(f.object.URN).QualifiedType()), "$") {
			if name := componentHandlers[token]; name != "" {
				return name, nil
			}
		}
	}
	name := text(variables, HandlerVariable)
	if handlers[name] != nil {
		return name, nil
	}
	found := fmt.Sprintf("its environment variable %s is %q", HandlerVariable, name)
	if name == "" {
		found = "it has no environment variable " + HandlerVariable
	}
	return "", fmt.Errorf("the sandbox can't tell which code it runs: it is not of a component %s, and %s, want one of %s (its handler is %q, its runtime %q)",
		strings.Join(slices.Sorted(maps.Keys(componentHandlers)), ", "), found, strings.Join(slices.Sorted(maps.Keys(handlers)), ", "),
		f.object.Text("handler"), f.object.Text("runtime"))
}

// signature tells a changed function from the same one.
func (f *function) signature() string {
	return strings.Join(append([]string{f.handler, f.role.String(), f.timeout.String(), f.logGroup}, f.environ...), "\x00")
}

// invokeHops are what an invocation by a caller takes: the caller invokes the function, and Lambda takes on its role. For
// the latter AWS documents no condition keys: https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
func (f *function) invokeHops(caller Hop, resource string) ([]Hop, error) {
	owner := f.object.Place
	ask := caller.with("aws:SecureTransport", "true", "aws:RequestedRegion", string(owner.Region))
	ask.Resource, ask.Owner = resource, owner.Account
	configuration, invoke := ask, ask
	configuration.Step, configuration.Action = "Firehose looks at function "+f.name, "lambda:GetFunctionConfiguration"
	invoke.Step, invoke.Action = "Firehose invokes function "+f.name, "lambda:InvokeFunction"
	assume, err := f.assumeHop()
	return []Hop{configuration, invoke, assume}, err
}

// assumeHop is Lambda taking on the function's role.
func (f *function) assumeHop() (Hop, error) {
	owner := f.object.Place
	service, err := serviceCaller(owner, partition.Lambda, partition.Trust)
	return Hop{
		Step: "Lambda assumes the role of function " + f.name, Principal: service, Action: "sts:AssumeRole",
		Resource: f.role.String(), Owner: f.role.Account, Place: owner,
	}.with("aws:SecureTransport", "true"), err
}

// hop is a request that the function itself makes, in its role.
func (f *function) hop(step, action, resource string) (Hop, error) {
	caller, context, err := roleCaller(f.role, f.name)
	h := Hop{
		Step: "function " + f.name + " " + step, Principal: caller, Action: action, Resource: resource,
		Owner: f.object.Place.Account, Place: f.object.Place,
	}
	return h.with(append(context, "aws:SecureTransport", "true", "aws:RequestedRegion", string(f.object.Place.Region))...), err
}

// errTimedOut is what a function's own waiting ends with when its time is up. The words are Lambda's.
//
//lint:ignore ST1005 Lambda writes it with a capital letter, and it stands in error objects
var errTimedOut = errors.New("Task timed out")
