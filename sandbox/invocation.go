package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
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
	now := started
	call := exportsCall{
		log: &log, until: started.Add(f.timeout), authorize: authorizer.Authorize,
		now:   func() time.Time { return now },
		pause: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
	}
	answer, failure := w.runExports(ctx, f, call, payload)
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
