package components_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

func resourceKey(name string) resource.PropertyKey { return resource.PropertyKey(name) }

// transformed is a pipeline with a transform function; change may change the Args of both.
func transformed(name string, change func(*components.TransformFunctionArgs, *components.FirehoseToS3PipelineArgs)) func(*program) error {
	return func(p *program) error {
		function, args := transformArgs(), pipelineArgs()
		args.BufferMiB = 64
		if change != nil {
			change(function, args)
		}
		made, err := components.NewTransformFunction(p.ctx, "transform", function, p.at(function.Place))
		if err != nil {
			return err
		}
		args.Transform = made
		_, err = components.NewFirehoseToS3Pipeline(p.ctx, name, args, p.at(home))
		return err
	}
}

func destination(t *testing.T, g *graph.Graph) map[string]any {
	t.Helper()
	return find(t, g, streamType, "logs").Inputs["extendedS3Configuration"].ObjectValue().Mappable()
}

func TestPipelineWithTransform(t *testing.T) {
	t.Parallel()
	g := record(t, transformed("logs", nil))
	got := destination(t, g)
	want := map[string]any{
		"enabled": true,
		"processors": []any{map[string]any{"type": "Lambda", "parameters": []any{
			map[string]any{"parameterName": "LambdaArn", "parameterValue": transformARN + ":$LATEST"},
			map[string]any{"parameterName": "BufferSizeInMBs", "parameterValue": "0.5"},
			map[string]any{"parameterName": "BufferIntervalInSeconds", "parameterValue": "30"},
		}}},
	}
	if diff := cmp.Diff(want, got["processingConfiguration"]); diff != "" {
		t.Errorf("processing (-want +got):\n%s", diff)
	}
	if got["compressionFormat"] != "GZIP" || got["fileExtension"] != ".json.gz" {
		t.Errorf("compression %v, extension %v", got["compressionFormat"], got["fileExtension"])
	}
	if got["dynamicPartitioningConfiguration"] != nil {
		t.Errorf("partitioning %v", got["dynamicPartitioningConfiguration"])
	}
	stream := find(t, g, streamType, "logs")
	dependsOn(t, g, stream, find(t, g, functionType, "transform"), find(t, g, rolePolicy, "transform"))
	doc, err := policy.Parse([]byte(text(t, find(t, g, rolePolicy, "logs-delivery"), "policy")))
	if err != nil {
		t.Fatal(err)
	}
	call := policy.Statement{Sid: "TransformRecords", Effect: policy.Allow, Action: []string{"lambda:GetFunctionConfiguration", "lambda:InvokeFunction"},
		Resource: []string{transformARN + ":$LATEST"}}
	if diff := cmp.Diff(call, doc.Statements[len(doc.Statements)-1]); diff != "" {
		t.Error(diff)
	}
	// What is there without a transform is there with it, and but for the stream and its role unchanged.
	plain := record(t, pipelineProgram(pipelineArgs()))
	for _, r := range plain.Resources {
		now, ok := g.Get(r.URN)
		if !ok {
			t.Errorf("%s is gone", r.URN)
		} else if changed := !r.Inputs.DeepEquals(now.Inputs); changed != slices.Contains([]string{streamType + " logs", rolePolicy + " logs-delivery"}, r.Type+" "+r.Name) {
			t.Errorf("%s: changed %v", r.URN, changed)
		}
	}
}

// TestProviderDefaults: what the provider doesn't keep isn't stated, or every preview would show it.
func TestProviderDefaults(t *testing.T) {
	t.Parallel()
	g := record(t, transformed("logs", func(_ *components.TransformFunctionArgs, args *components.FirehoseToS3PipelineArgs) {
		args.TransformBuffer, args.FileExtension = components.TransformBuffer{MB: 1, Seconds: 60}, ".ndjson.gz"
	}))
	got := destination(t, g)
	processor := got["processingConfiguration"].(map[string]any)["processors"].([]any)[0].(map[string]any)
	if n := len(processor["parameters"].([]any)); n != 1 || got["fileExtension"] != ".ndjson.gz" {
		t.Errorf("%d parameters: %v; extension %v", n, processor, got["fileExtension"])
	}
}

func TestDynamicPartitioning(t *testing.T) {
	t.Parallel()
	const prefix = "logs/account=!{partitionKeyFromLambda:account}/hour=!{partitionKeyFromLambda:hour}/"
	partitioned := func(f *components.TransformFunctionArgs, args *components.FirehoseToS3PipelineArgs) {
		f.Settings.PartitionKeys = []string{"account", "hour"}
		args.Prefix, args.DynamicPartitioning = prefix, &components.DynamicPartitioning{}
	}
	g := record(t, transformed("logs", partitioned))
	got := destination(t, g)
	if diff := cmp.Diff(map[string]any{"enabled": true, "retryDuration": 300.0}, got["dynamicPartitioningConfiguration"]); diff != "" || got["prefix"] != prefix {
		t.Errorf("prefix %v, partitioning (-want +got):\n%s", got["prefix"], diff)
	}
	for name, test := range map[string]struct {
		change func(*components.TransformFunctionArgs, *components.FirehoseToS3PipelineArgs)
		want   map[string]string
	}{
		"small buffer": {func(f *components.TransformFunctionArgs, args *components.FirehoseToS3PipelineArgs) {
			partitioned(f, args)
			args.BufferMiB, args.DynamicPartitioning.RetrySeconds = 16, 7201
		}, map[string]string{"BufferMiB": "at least 64", "DynamicPartitioning.RetrySeconds": "0 to 7200"}},
		"a key that splits in vain": {func(f *components.TransformFunctionArgs, args *components.FirehoseToS3PipelineArgs) {
			partitioned(f, args)
			f.Settings.PartitionKeys = append(f.Settings.PartitionKeys, "logGroup")
		}, map[string]string{"Prefix": "!{partitionKeyFromLambda:logGroup}"}},
		"a key that isn't computed": {func(f *components.TransformFunctionArgs, args *components.FirehoseToS3PipelineArgs) {
			partitioned(f, args)
			f.Settings.PartitionKeys = []string{"account"}
		}, map[string]string{"Prefix": "!{partitionKeyFromLambda:hour} is not an expression that can stand here"}},
		"no keys": {func(_ *components.TransformFunctionArgs, args *components.FirehoseToS3PipelineArgs) {
			args.DynamicPartitioning = &components.DynamicPartitioning{}
		}, map[string]string{"DynamicPartitioning": "Settings.PartitionKeys"}},
		"keys without partitioning": {func(f *components.TransformFunctionArgs, _ *components.FirehoseToS3PipelineArgs) {
			f.Settings.PartitionKeys = []string{"hour"}
		}, map[string]string{"Transform": "which only a stream with DynamicPartitioning reads"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantProblems(t, refused(t, transformed("refused", test.change)), test.want)
		})
	}
}

func TestTransformProblems(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*components.TransformFunctionArgs, *components.FirehoseToS3PipelineArgs)
		want   map[string]string
	}{
		"vended logs": {func(_ *components.TransformFunctionArgs, args *components.FirehoseToS3PipelineArgs) {
			args.Content, args.SubscriptionRoleName = components.VendedLogs, ""
		}, map[string]string{"Transform": "reads the records of cloudwatch-logs only"}},
		"another place": {func(f *components.TransformFunctionArgs, _ *components.FirehoseToS3PipelineArgs) {
			f.Place = partition.Place{Account: home.Account, Region: "cn-northwest-1"}
		}, map[string]string{"Transform": "want a function at 111122223333/cn-north-1"}},
		"another stream": {func(f *components.TransformFunctionArgs, _ *components.FirehoseToS3PipelineArgs) {
			f.StreamNames = []string{"other"}
		}, map[string]string{"Transform": "doesn't serve stream log-archive-logs"}},
		"buffer": {func(_ *components.TransformFunctionArgs, args *components.FirehoseToS3PipelineArgs) {
			args.TransformBuffer = components.TransformBuffer{MB: 4, Seconds: 901}
		}, map[string]string{"TransformBuffer.MB": "0.2 to 3", "TransformBuffer.Seconds": "1 to 900"}},
		"half of the provider's defaults": {func(_ *components.TransformFunctionArgs, args *components.FirehoseToS3PipelineArgs) {
			args.TransformBuffer = components.TransformBuffer{MB: 1, Seconds: 30}
		}, map[string]string{"TransformBuffer": "want both of them, or neither"}},
		"its own log": {func(f *components.TransformFunctionArgs, args *components.FirehoseToS3PipelineArgs) {
			args.Subscriptions = []components.Subscription{{Name: "own", LogGroup: pulumi.String(f.LogGroup())}}
		}, map[string]string{"Subscriptions[0].LogGroup": "the transform function's own log"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantProblems(t, refused(t, transformed("refused", test.change)), test.want)
		})
	}
	args := pipelineArgs()
	args.TransformBuffer, args.DynamicPartitioning = components.TransformBuffer{MB: 1}, &components.DynamicPartitioning{}
	wantProblems(t, refused(t, func(p *program) error {
		_, err := components.NewFirehoseToS3Pipeline(p.ctx, "refused", args, p.at(home))
		return err
	}), map[string]string{"TransformBuffer": "with a Transform", "DynamicPartitioning": "needs a Transform"})
}

// TestNoTransformLoop: nor can a later subscription feed the function's own log.
func TestNoTransformLoop(t *testing.T) {
	t.Parallel()
	var err error
	record(t, func(p *program) error {
		function, failed := components.NewTransformFunction(p.ctx, "transform", transformArgs(), p.at(home))
		if failed != nil {
			return failed
		}
		args := pipelineArgs()
		args.Transform = function
		pipeline, failed := components.NewFirehoseToS3Pipeline(p.ctx, "logs", args, p.at(home))
		if failed == nil {
			_, err = pipeline.Subscribe(p.ctx, "own", pulumi.String(function.LogGroup), "")
		}
		return failed
	})
	if err == nil {
		t.Error("the transform function's own log was subscribed")
	}
}
