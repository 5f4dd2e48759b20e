package catalog

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

func TestEventSources(t *testing.T) {
	t.Parallel()
	check(t, mappingToken, []change{
		{"batchSize", 11, "maximumBatchingWindowInSeconds", badLambda, "must be greater than 0"},
		{"batchSize", 10001, "", badLambda, "between 1"},
		{"eventSourceArn", nil, "eventSourceArn", CheckFailure, "one of eventSourceArn"},
		{"eventSourceArn", elsewhere(queueARN), "", badLambda, "partition"},
		{"eventSourceArn", archive.ARN(partition.SQS, "events").String(), "", badLambda, "not in cn-north-1"},
		{"startingPosition", "LATEST", "", badLambda, "not for queues"},
		{"functionResponseTypes[0]", "Report", "", badLambda, "ReportBatchItemFailures"},
		{"scalingConfig.maximumConcurrency", 1, "", badLambda, "between 2"},
		{"functionName", "transform", "", "", ""},
	})
	_, state := complete(t, mappingToken, Request{Place: home, Name: "m", Inputs: properties(m{"functionName": "transform", "eventSourceArn": queueARN})})
	if state["functionArn"].StringValue() != lambdaARN || state["batchSize"].NumberValue() != 10 {
		t.Errorf("of a function's name: %v", state)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	check(t, EventRule, []change{
		{"name", "a b", "", badEvents, "1 to 64"},
		{"eventPattern", nil, "eventPattern", badEvents, "at least one of"},
		{"eventPattern", "[]", "", "InvalidEventPatternException", "not a JSON object"},
		{"eventPattern", "{}", "", "InvalidEventPatternException", "is empty"},
		{"eventPattern", `{"source":"aws.logs"}`, "", "InvalidEventPatternException", "source must be an object or an array"},
		{"eventPattern", `{"detail":{"eventName":[]}}`, "", "InvalidEventPatternException", "detail.eventName: empty arrays"},
		{"eventPattern", `{"source":["` + long(4096) + `"]}`, "", "InvalidEventPatternException", "more than 4096"},
		{"scheduleExpression", "rate(1 hours)", "", badEvents, "rate(1 hour)"},
		{"scheduleExpression", "rate(2 hour)", "", badEvents, "rate(1 hour)"},
		{"scheduleExpression", "rate(1 hour)", "", "", ""},
		{"scheduleExpression", "rate(12 hours)", "", "", ""},
		{"scheduleExpression", "cron(0 2 * * ? *)", "", "", ""},
		{"scheduleExpression", "cron(0 2 * * ?)", "", badEvents, "cron(0 2"},
		{"state", "On", "", badEvents, "DISABLED"},
	})
	check(t, targetToken, []change{
		{"arn", elsewhere(lambdaARN), "", badEvents, "partition"},
		{"arn", archive.ARN(partition.Lambda, "function:x").String(), "", badEvents, "not in cn-north-1"},
		{"input", "{", "", badEvents, "not JSON"},
		{"retryPolicy.maximumRetryAttempts", 186, "", badEvents, "between 0 and 185"},
		{"targetId", nil, "", "", ""},
	})
	inputs := properties(m{"rule": "created", "arn": lambdaARN, "eventBusName": home.ARN(partition.Events, "event-bus/own").String()})
	if id, _ := complete(t, targetToken, Request{Place: home, Name: "t", Inputs: inputs}); !strings.HasPrefix(id, "own-created-terraform-") {
		t.Errorf("id %q", id)
	}
}

func TestTriggerReferences(t *testing.T) {
	t.Parallel()
	for token, want := range map[string][]string{
		mappingToken: {"functionName " + Function + " " + lambdaARN, "eventSourceArn " + Queue + " " + queueARN},
		targetToken:  {"rule " + EventRule + " created", "arn " + Function + " " + lambdaARN},
	} {
		var got []string
		for _, r := range typeOf(t, token).References(properties(samples[token].inputs)) {
			got = append(got, r.Property+" "+r.TargetToken+" "+r.Value)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", token, diff)
		}
	}
}

func TestTriggerReplacement(t *testing.T) {
	t.Parallel()
	for token, paths := range map[string][]string{
		mappingToken: {"eventSourceArn"}, targetToken: {"rule", "targetId"}, EventRule: {"name"}, Function: {"name"},
	} {
		for _, path := range paths {
			olds := properties(samples[token].inputs)
			if got := typeOf(t, token).Replaces(olds, with(t, samples[token].inputs, path, "other")); len(got) != 1 || got[0] != path {
				t.Errorf("%s: a change of %s replaces because of %q", token, path, got)
			}
		}
	}
	for token, path := range map[string]string{mappingToken: "batchSize", EventRule: "eventPattern", targetToken: "arn", Function: "runtime"} {
		if got := typeOf(t, token).Replaces(properties(samples[token].inputs), with(t, samples[token].inputs, path, "other")); len(got) > 0 {
			t.Errorf("%s: a change of %s replaces because of %q", token, path, got)
		}
	}
}

// TestCodeHash: AWS answers the SHA-256 of what was uploaded.
func TestCodeHash(t *testing.T) {
	t.Parallel()
	function := func(code any, given string) string {
		inputs := properties(with(t, samples[Function].inputs, "s3Bucket", nil).Mappable())
		switch c := code.(type) {
		case *resource.Archive:
			inputs["code"] = resource.NewArchiveProperty(c)
		case string:
			inputs["s3Bucket"] = resource.NewStringProperty(c)
		}
		if given != "" {
			inputs["sourceCodeHash"] = resource.NewStringProperty(given)
		}
		for _, f := range typeOf(t, Function).Check(Request{Place: home, Name: "f", Inputs: inputs}) {
			t.Errorf("%v: %v", code, f)
		}
		_, state := complete(t, Function, Request{Place: home, Name: "f", Inputs: inputs})
		if sum, err := base64.StdEncoding.DecodeString(state["codeSha256"].StringValue()); given == "" && (err != nil || len(sum) != 32) {
			t.Errorf("%v: codeSha256 is %v", code, state["codeSha256"])
		}
		return state["codeSha256"].StringValue()
	}
	text := func(s string) *resource.Archive {
		return &resource.Archive{Assets: map[string]any{"bootstrap": &resource.Asset{Text: s}}}
	}
	sum := strings.Repeat("0f", 32)
	raw, err := hex.DecodeString(sum)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := function(&resource.Archive{Path: "/a.zip", Hash: sum}, ""), base64.StdEncoding.EncodeToString(raw); got != want {
		t.Errorf("of a zip that the engine has hashed: %s, want %s", got, want)
	}
	if a, b := function(text("a"), ""), function(text("b"), ""); a == b || a != function(text("a"), "") {
		t.Error("the hash of an archive of texts doesn't follow the texts")
	}
	if got := function(text("a"), "given"); got != "given" {
		t.Errorf("with a sourceCodeHash: %s", got)
	}
	function("code", "")
}

func TestProcessors(t *testing.T) {
	t.Parallel()
	const bad, at = "InvalidArgumentException", "extendedS3Configuration.processingConfiguration"
	processing := func(parameters ...any) m {
		return m{"enabled": true, "processors": []any{m{"type": "Lambda", "parameters": parameters}}}
	}
	p := func(name, value string) any { return m{"parameterName": name, "parameterValue": value} }
	function := p("LambdaArn", lambdaARN+":$LATEST")
	check(t, Stream, []change{
		{at, processing(), at + ".processors[0]", bad, "needs the parameter LambdaArn"},
		{at, processing(function, p("BufferSizeInMBs", "0.5"), p("BufferIntervalInSeconds", "30")), "", "", ""},
		{at, processing(function, p("BufferSizeInMBs", "0.5")), at + ".processors[0]", bad, "given together"},
		{at, processing(function, p("BufferSizeInMBs", "6"), p("BufferIntervalInSeconds", "30")), at + ".processors[0].parameters[1].parameterValue", bad, "between 0.2 and 3"},
		{at, processing(function, p("NumberOfRetries", "many")), at + ".processors[0].parameters[1].parameterValue", bad, "between 0 and 300"},
		{at, processing(function, p("Retries", "3")), at + ".processors[0].parameters[1].parameterName", bad, "NumberOfRetries"},
	})
}
