package tests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/sandbox"
	"github.com/logarchive/logarchive/stacks"
	"github.com/logarchive/logarchive/verify"
)

// lookingActions are hops that the proof demands, because AWS documents them, but without which the sandbox still delivers: the
// service looks around before it writes, aborts, or uses another of several actions for the same thing.
var lookingActions = []string{
	"firehose:PutRecordBatch", "firehose:PutRecord", "kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo",
	"kms:GenerateDataKeyWithoutPlaintext", "kms:Decrypt", "logs:DescribeLogStreams", "logs:PutLogEvents", "s3:AbortMultipartUpload",
	"s3:GetBucketAcl", "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads", "lambda:GetFunctionConfiguration",
}

// TestProofAndSandboxAgree takes every statement of every policy of a stack away, one at a time, and asks both readers: what
// `verify` proves closed, the sandbox refuses, and the sandbox refuses nothing that is proven open.
func TestProofAndSandboxAgree(t *testing.T) {
	t.Parallel()
	for _, stack := range exampleStacks {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			config, err := stacks.LoadConfig(root, stack)
			if err != nil {
				t.Fatal(err)
			}
			spec, err := stacks.ParseSpec(stack, config)
			if err != nil {
				t.Fatal(err)
			}
			g := recordConfig(t, stack, config)
			externals := externalObjects(t, spec)
			if refused := deliverAll(t, g, externals); refused != nil {
				t.Fatalf("the sandbox refuses the whole stack: %v", refused)
			}
			removed, refusals := 0, 0
			for _, r := range g.Resources {
				for _, property := range []resource.PropertyKey{"policy", "assumeRolePolicy"} {
					text, ok := r.Inputs[property]
					if !ok || !text.IsString() || strings.Contains(r.URN, "BackupVaultWithCopy") || strings.Contains(r.URN, "LogGroupSubscriber") {
						continue // no log line passes through the backups, and the sandbox doesn't run the subscriber
					}
					for i, n := 0, statements(t, text.StringValue()); i < n; i++ {
						undo := set(r, property, without(t, text.StringValue(), i))
						closed := closedActions(g, spec)
						refused := deliverAll(t, g, externals)
						undo()
						removed++
						if refused != nil {
							refusals++
						}
						needed := slices.DeleteFunc(slices.Clone(closed), func(a string) bool { return slices.Contains(lookingActions, a) })
						switch {
						case refused != nil && len(closed) == 0:
							t.Errorf("%s, %s without statement %d: proven open, but refused: %v", r.URN, property, i, refused)
						case refused == nil && len(needed) > 0:
							t.Errorf("%s, %s without statement %d: %v proven closed, but every line arrives", r.URN, property, i, needed)
						}
					}
				}
			}
			t.Logf("%d statements taken away, %d refusals", removed, refusals)
			if refusals < 10 {
				t.Errorf("only %d refusals: is the sandbox looking at policies?", refusals)
			}
		})
	}
}

func statements(t *testing.T, text string) int {
	t.Helper()
	return len(document(t, text)["Statement"].([]any))
}

func document(t *testing.T, text string) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func without(t *testing.T, text string, statement int) string {
	t.Helper()
	doc := document(t, text)
	doc["Statement"] = slices.Delete(slices.Clone(doc["Statement"].([]any)), statement, statement+1)
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// set changes a property of a recorded resource; the result puts it back.
func set(r *graph.Resource, property resource.PropertyKey, text string) (undo func()) {
	in, out := r.Inputs[property], r.Outputs[property]
	r.Inputs[property], r.Outputs[property] = resource.NewStringProperty(text), resource.NewStringProperty(text)
	return func() { r.Inputs[property], r.Outputs[property] = in, out }
}

// closedActions are the actions of refused hops on the ways of log lines.
func closedActions(g *graph.Graph, spec *stacks.Spec) []string {
	var out []string
	for _, p := range verify.Run(verify.FromGraph(g), spec.VerifyOptions()).Paths {
		if p.Source.Kind == "backup" {
			continue
		}
		for _, v := range p.Hops() {
			if !v.Allowed {
				out = append(out, v.Action)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// declaredResources are what a graph declares, as the sandbox's delivery reads it.
type declaredResources struct {
	byType map[string][]sandbox.Object
	byARN  map[string]sandbox.Object
}

func (d declaredResources) List(token string) []sandbox.Object { return d.byType[token] }

func (d declaredResources) ByARN(arn string) (sandbox.Object, bool) {
	o, ok := d.byARN[arn]
	return o, ok
}

func externalObjects(t *testing.T, spec *stacks.Spec) []sandbox.Object {
	t.Helper()
	world, err := sandbox.OpenWorld(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	if err := world.Adopt(spec.Externals()); err != nil {
		t.Fatal(err)
	}
	var out []sandbox.Object
	seen := map[string]bool{}
	for _, e := range []string{
		"aws:cloudwatch/logGroup:LogGroup", "aws:rds/instance:Instance", "aws:rds/cluster:Cluster", "aws:iam/role:Role",
		"aws:s3/bucketV2:BucketV2", "aws:lb/loadBalancer:LoadBalancer", "aws:elb/loadBalancer:LoadBalancer",
		"aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/networkInterface:NetworkInterface", "aws:ec2transitgateway/transitGateway:TransitGateway",
	} {
		for _, o := range world.List(e) {
			if key := fmt.Sprint(o.Type, o.Place, o.ID); !seen[key] {
				seen[key] = true
				out = append(out, o)
			}
		}
	}
	return out
}

// deliverAll sends lines from every source and flushes; it returns the first refusal, or what didn't arrive.
func deliverAll(t *testing.T, g *graph.Graph, externals []sandbox.Object) error {
	t.Helper()
	d := declaredResources{map[string][]sandbox.Object{}, map[string]sandbox.Object{}}
	add := func(o sandbox.Object) {
		d.byType[o.Type] = append(d.byType[o.Type], o)
		if arn := o.ARN(); arn != "" {
			d.byARN[arn] = o
		}
	}
	for _, r := range g.Resources {
		if r.Custom && !r.IsProvider() {
			add(sandbox.Object{Type: r.Type, ID: r.ID, Place: r.Place, URN: r.URN, Inputs: r.Inputs, State: r.Outputs})
		}
	}
	for _, o := range externals {
		add(o)
	}
	store, clock := openSandbox(t, t.TempDir())
	defer store.Close()
	delivery := sandbox.NewDelivery(d, store, clock)
	defer delivery.Close()
	ctx := context.Background()
	sources := delivery.Sources()
	var refused error
	for _, s := range sources {
		lines, err := delivery.Lines(s, "agree", 3)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := delivery.Send(ctx, s, lines); err != nil && refused == nil {
			refused = err
		}
	}
	if err := delivery.Flush(ctx); err != nil && refused == nil {
		refused = err
	}
	if refused != nil {
		var r *sandbox.Refusal
		if !errors.As(refused, &r) {
			t.Fatalf("not a refusal: %v", refused)
		}
		return refused
	}
	found, err := delivery.FindAll(ctx, sources)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range found {
		if len(f.Lines) != 3 {
			return fmt.Errorf("%s: %d of 3 lines arrived", sources[i].ID, len(f.Lines))
		}
	}
	return nil
}
