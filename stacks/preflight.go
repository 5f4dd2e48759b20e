package stacks

import (
	"context"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/verify"
)

// Record returns what the spec's program declares, without engine and without a preflight. It has no secret: an external
// id that was decrypted is [schema.Placeholder] again.
func (s *Spec) Record(ctx context.Context) (*graph.Graph, error) {
	public := s.withoutSecrets()
	return graph.Record(ctx, graph.Options{Project: Namespace, Stack: s.Stack}, func(ctx *pulumi.Context) error {
		return Compose(ctx, public)
	})
}

// PreflightError says why nothing was registered.
type PreflightError struct {
	Stack string
	// Violations are those that aren't waived.
	Violations []verify.Violation
}

// maxListed is how many violations an error lists. One mistake in a policy that all have in common closes many paths.
const maxListed = 10

// Error returns a heading, a paragraph for every violation, and what can be done.
func (e *PreflightError) Error() string {
	var b strings.Builder
	noun := "violations"
	if len(e.Violations) == 1 {
		noun = "violation"
	}
	fmt.Fprintf(&b, "the preflight of stack %s found %d %s, and nothing was registered:\n", e.Stack, len(e.Violations), noun)
	for i, v := range e.Violations {
		if i == maxListed {
			fmt.Fprintf(&b, "\n  and %d more: logarchive verify --stack %s\n", len(e.Violations)-maxListed, e.Stack)
			break
		}
		b.WriteString("\n  " + strings.ReplaceAll(violationText(v), "\n", "\n  ") + "\n")
	}
	fmt.Fprintf(&b, `
Mend them; or tolerate one for a time with an entry {rule, resource, reason, until} in %[1]s:waivers; or
deploy all the same with %[1]s:preflight: %[2]s. The whole proof: logarchive verify --stack %[3]s`, Namespace, PreflightWarn, e.Stack)
	return b.String()
}

// violationText says in some lines what is wrong with what, and how to mend it.
func violationText(v verify.Violation) string {
	text := v.Rule
	if v.Resource != "" {
		text += ": " + resourceText(v.Resource)
	}
	text += "\n  " + v.Reason
	if v.Source != "" {
		text += "\n  concerns: " + v.Source
	}
	if v.Remedy != "" {
		text += "\n  remedy: " + v.Remedy
	}
	if v.Statement != "" {
		text += "\n  statement to add: " + v.Statement
	}
	return text
}

// resourceText is a resource's name, which waivers name it by, and its type. Waivers may have written anything.
func resourceText(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	if len(parts) < 4 {
		return urn
	}
	kind := parts[2][strings.LastIndexByte(parts[2], '$')+1:]
	return parts[3] + " (" + kind + ")"
}

// Preflight proves what the spec declares, and returns the violations that aren't waived. It asks nobody: neither the
// engine nor AWS.
func (s *Spec) Preflight(ctx context.Context) ([]verify.Violation, error) {
	g, err := s.Record(ctx)
	if err != nil {
		return nil, fmt.Errorf("the preflight of stack %s can't record what is declared: %w", s.Stack, err)
	}
	var open []verify.Violation
	for _, v := range verify.Run(verify.FromGraph(g), s.VerifyOptions()).Violations {
		if v.Waived == "" {
			open = append(open, v)
		}
	}
	return open, nil
}

// preflight stops a deployment that violates a rule, or warns of it, as the configuration says. Recordings, which deploy
// nothing, don't need it: they show what is declared, proven or not.
func preflight(ctx *pulumi.Context, spec *Spec) error {
	if spec.PreflightMode == PreflightOff || ctx.RunningWithMocks() {
		return nil
	}
	violations, err := spec.Preflight(ctx.Context())
	switch {
	case err != nil:
		return err
	case len(violations) == 0:
		return nil
	case spec.PreflightMode == PreflightEnforce:
		return &PreflightError{spec.Stack, violations}
	}
	for _, v := range violations {
		if err := ctx.Log.Warn("preflight: "+violationText(v), nil); err != nil {
			return err
		}
	}
	return nil
}

// deploy is what a program does with its spec: the preflight, and then, if that lets it, the resources.
func deploy(ctx *pulumi.Context, spec *Spec) error {
	if err := preflight(ctx, spec); err != nil {
		return err
	}
	return Compose(ctx, spec)
}
