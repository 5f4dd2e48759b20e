package catalog

import (
	"crypto/md5"
	"encoding/json"
	"fmt"
	"strings"
)

// Invocation is the token of a call of a function that belongs to a stack.
const Invocation = "aws:lambda/invocation:Invocation"

// The values of an invocation's lifecycleScope.
const (
	CreateOnly = "CREATE_ONLY"
	CRUD       = "CRUD"
)

// Invocations: the provider calls the function when the resource is created, and with lifecycleScope CRUD when it is updated
// and deleted, too. See https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
var invocationModels = []*model{{
	token: Invocation, code: badLambda,
	// terraform-provider-aws, resource aws_lambda_invocation: ForceNew of these. A changed input replaces the resource,
	// too, unless its scope is CRUD: see Type.Replaces.
	forceNew: []string{"functionName", "qualifier", "triggers"},
	defaults: map[string]any{"lifecycleScope": CreateOnly, "qualifier": "$LATEST", "terraformKey": "tf"},
	enums:    map[string][]string{"lifecycleScope": {CreateOnly, CRUD}},
	check: func(c *checking) {
		in := c.in.str("input")
		if in == unknown || !c.in.has("input") {
			return
		}
		if !json.Valid([]byte(in)) {
			c.fail("input", CheckFailure, "%q is not JSON", in)
		} else if c.in.str("lifecycleScope") == CRUD && !strings.HasPrefix(strings.TrimSpace(in), "{") {
			c.fail("input", CheckFailure, `lifecycle_scope other than "CREATE_ONLY" requires input to be a JSON object`)
		}
	},
	complete: func(c *completion) {
		payload := c.str("input")
		if c.str("lifecycleScope") == CRUD {
			payload = LifecycleInput(payload, "", c.str("terraformKey"), "create")
		}
		c.id = fmt.Sprintf("%s_%s_%x", c.str("functionName"), c.str("qualifier"), md5.Sum([]byte(payload)))
		if strings.Contains(c.str("functionName")+c.str("input"), unknown) {
			c.id = unknown
		}
		c.set("result", "") // what the function answers: nobody has called it yet
	},
	references: func(r *referring) { r.function("functionName") },
}}

// LifecycleInput is what the provider sends to a function with lifecycleScope CRUD: the input, and in it, under key, the
// action and the input of the last call, null for none. The error of an input that is no JSON object is found by
// [Type.Check]; here such an input reads as an empty one.
func LifecycleInput(input, previous, key, action string) string {
	now, before := map[string]any{}, map[string]any(nil)
	_ = json.Unmarshal([]byte(input), &now)       // checked before
	_ = json.Unmarshal([]byte(previous), &before) // "" for none
	if now == nil {
		now = map[string]any{}
	}
	now[key] = map[string]any{"action": action, "prev_input": before}
	text, err := json.Marshal(now)
	if err != nil {
		panic(err) // what was unmarshalled can be marshalled
	}
	return string(text)
}
