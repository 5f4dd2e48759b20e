package graph

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
)

// Options say as what the program runs.
type Options struct {
	// Project and Stack are the names that the program sees. Both are needed.
	Project, Stack string
	// Config is the stack's configuration as the engine hands it on: full keys ("log-archive:flowLogs"), and values
	// as text, structured ones as JSON.
	Config map[string]string
}

// Record runs the program and returns what it declares. The environment is not looked at.
//
// Errors: the program's own error or panic; [*UnknownTypeError] and the other reasons for which a resource can't be
// recorded, all of them at once in the order of their URNs; ctx's error when it ends first. A panic in a function
// passed to Apply can't be caught: the SDK runs it in a goroutine of its own.
func Record(ctx context.Context, o Options, program pulumi.RunFunc) (*Graph, error) {
	if o.Project == "" || o.Stack == "" {
		return nil, fmt.Errorf("recording needs a project and a stack name: got %q, %q", o.Project, o.Stack)
	}
	rec := newRecorder(o)
	pctx, err := pulumi.NewContext(ctx, pulumi.RunInfo{
		Project: o.Project,
		Stack:   o.Stack,
		Config:  maps.Clone(o.Config),
		Mocks:   rec,
	})
	if err != nil {
		return nil, err
	}
	var programErr error
	var exports map[string]pulumi.Input
	runErr := pulumi.RunWithContext(pctx, func(c *pulumi.Context) error {
		programErr = runGuarded(program, c)
		exports = c.GetCurrentExportMap()
		return programErr
	})
	if err := errors.Join(runErr, pctx.Close()); err != nil || len(rec.failures) > 0 {
		return nil, rec.blame(ctx, programErr, err)
	}
	outputs, err := awaitExports(ctx, exports)
	if err != nil {
		return nil, err
	}
	return rec.graph(outputs), nil
}

// runGuarded turns a panic of the program into an error, so that the registrations under way still come to an end.
func runGuarded(program pulumi.RunFunc, c *pulumi.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the program panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return program(c)
}

// blame picks the error that names the cause. A resource that can't be recorded makes those that depend on it fail
// as well, and often the program: only the cause is returned.
func (rec *recorder) blame(ctx context.Context, programErr, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(rec.failures) > 0 {
		var errs []error
		for _, urn := range slices.Sorted(maps.Keys(rec.failures)) {
			errs = append(errs, rec.failures[urn])
		}
		return errors.Join(errs...)
	}
	if programErr != nil {
		return programErr
	}
	return err
}

// awaitExports resolves the stack's exports. All resources are registered by then, so nothing is waited for long.
func awaitExports(ctx context.Context, exports map[string]pulumi.Input) (resource.PropertyMap, error) {
	outputs := make(resource.PropertyMap, len(exports))
	for _, name := range slices.Sorted(maps.Keys(exports)) {
		v, err := awaitExport(ctx, exports[name])
		if err != nil {
			return nil, fmt.Errorf("export %q: %w", name, err)
		}
		outputs[resource.PropertyKey(name)] = v
	}
	return outputs, nil
}

func awaitExport(ctx context.Context, in pulumi.Input) (v resource.PropertyValue, err error) {
	defer func() {
		if p := recover(); p != nil { // NewPropertyValue panics on what no property can hold
			err = fmt.Errorf("can't be shown: %v", p)
		}
	}()
	result, err := internals.UnsafeAwaitOutput(ctx, pulumi.ToOutput(in))
	if err != nil {
		return v, err
	}
	v = resource.NewPropertyValue(result.Value)
	if result.Secret {
		v = resource.MakeSecret(v)
	}
	return v, nil
}
