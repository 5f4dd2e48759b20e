package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/functions/rdsexports"
	"github.com/logarchive/logarchive/partition"
)

// invoke does what the provider does for an aws.lambda.Invocation: it calls the function, and fails if that fails. Other types
// aren't concerned. What refers to nothing is left to the checks of the resource.
func (o *operation) invoke(ctx context.Context, action string, inputs, previous resource.PropertyMap) error {
	if o.t.Token != catalog.Invocation {
		return nil
	}
	input, scope := text(inputs, "input"), text(inputs, "lifecycleScope")
	if scope != catalog.CRUD && action == "delete" || inputs.ContainsUnknowns() {
		return nil
	}
	w := o.server.world
	object, ok := w.Get(catalog.Function, o.settings.Place, text(inputs, "functionName"))
	if !ok {
		if action == "delete" {
			return &APIError{Code: "ResourceNotFoundException", Message: "Function not found: " + text(inputs, "functionName")}
		}
		return nil
	}
	if scope == catalog.CRUD {
		key := text(inputs, "terraformKey")
		if key == "" {
			key = "tf"
		}
		input = catalog.LifecycleInput(input, text(previous, "input"), key, action)
	}
	answer, err := w.callFunction(ctx, object, []byte(input))
	if err != nil {
		return err
	}
	result := string(answer)
	o.result = &result
	return nil
}

// computes says whether a property is what the function has answered last, and not what happened to the object since.
func (o *operation) computes(k resource.PropertyKey) bool {
	return o.t.Token == catalog.Invocation && k == "result"
}

// answered puts a function's answer into the state.
func (o *operation) answered(state resource.PropertyMap) {
	if o.result != nil {
		state["result"] = resource.NewStringProperty(*o.result)
	}
}

// callFunction runs a function once on a payload, as Lambda does for a synchronous call, with what its role may do. It is the
// code that is deployed; what it takes from AWS, it gets from the world. An error of the function is one of the call.
func (w *World) callFunction(ctx context.Context, object Object, payload []byte) ([]byte, error) {
	f, err := functionOf(object)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	if f.handler != "rdsexports" {
		return nil, fmt.Errorf("sandbox: function %s can't be invoked here: only that which switches the exports of databases on", f.name)
	}
	authorizer := NewAuthorizer(w)
	assume, err := f.assumeHop()
	if err != nil {
		return nil, err
	}
	if err := authorizer.Authorize(assume); err != nil {
		return nil, &APIError{Code: "AccessDeniedException", Message: fmt.Sprintf("The role of function %s cannot be assumed by Lambda: %v", f.name, err)}
	}
	var log bytes.Buffer
	started := w.now()
	answer, failure := w.runExports(ctx, f, authorizer, started, payload, &log)
	if _, err := f.keepLog(authorizer, w.dir, started, log.Bytes()); err != nil {
		return nil, err
	}
	if failure != nil {
		text, err := json.Marshal(map[string]string{"errorMessage": failure.Error(), "errorType": "errorString"})
		if err != nil {
			return nil, err
		}
		return nil, &APIError{Code: "FunctionError", Message: fmt.Sprintf("invoking Lambda Function (%s): %s", f.name, text)}
	}
	return answer, nil
}

// runExports is functions/rdsexports with its command's settings. Time passes when it waits, not while a person does.
func (w *World) runExports(ctx context.Context, f *function, authorizer Authorizer, started time.Time, payload []byte, log *bytes.Buffer) ([]byte, error) {
	config, err := rdsexports.FromEnviron(append(f.environ, "AWS_LAMBDA_FUNCTION_NAME="+f.name))
	if err != nil {
		return nil, err
	}
	h := rdsexports.New(config, w.rdsOf(f, authorizer), log)
	now := started
	h.Now = func() time.Time { return now }
	h.Pause = func(_ context.Context, d time.Duration) error {
		now = now.Add(d)
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, started.Add(f.timeout))
	defer cancel()
	return h.Invoke(ctx, payload)
}

// RunRule has EventBridge run a rule with a schedule once: each of its targets that is a function is called with its input.
// It returns the functions' answers. Errors: there is no such rule; what refuses a call; what a function fails with.
func (w *World) RunRule(ctx context.Context, place partition.Place, name string) ([][]byte, error) {
	rule, ok := w.Get(catalog.EventRule, place, name)
	if !ok {
		return nil, &APIError{Code: "ResourceNotFoundException", Message: fmt.Sprintf("Rule %s does not exist on EventBus default.", name)}
	}
	events, err := place.PrincipalFor(partition.Events, partition.Invoke)
	if err != nil {
		return nil, err
	}
	var answers [][]byte
	for _, target := range w.List("aws:cloudwatch/eventTarget:EventTarget") {
		function, ok := w.ByARN(functionARN(target.Text("arn")))
		if target.Place != place || target.Text("rule") != name || !ok || function.Type != catalog.Function {
			continue
		}
		if err := w.mayCall(function, string(events), rule.ARN()); err != nil {
			return answers, err
		}
		answer, err := w.callFunction(ctx, function, []byte(target.Text("input")))
		if err != nil {
			return answers, err
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// mayCall says whether a function's permissions let a service call it for a resource
// (https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html).
func (w *World) mayCall(function Object, service, source string) error {
	for _, p := range w.List("aws:lambda/permission:Permission") {
		named := p.Text("function") == function.Text("name") || functionARN(p.Text("function")) == function.ARN()
		if p.Place == function.Place && named && p.Text("action") == "lambda:InvokeFunction" && p.Text("principal") == service && (p.Text("sourceArn") == "" || p.Text("sourceArn") == source) {
			return nil
		}
	}
	return &APIError{Code: "AccessDeniedException", Message: fmt.Sprintf("%s is not authorized to perform: lambda:InvokeFunction on resource: %s for %s: no permission of the function says so", service, function.ARN(), source)}
}
