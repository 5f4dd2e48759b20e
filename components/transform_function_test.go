package components_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/components/build"
	"github.com/logarchive/logarchive/functions/transform"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const functionType = "aws:lambda/function:Function"

func transformArgs() *components.TransformFunctionArgs {
	return &components.TransformFunctionArgs{
		Place: home,
		FunctionArgs: components.FunctionArgs{
			FunctionName: "log-archive-transform",
			RoleName:     "log-archive-transform-cn-north-1",
			Tags:         map[string]string{"data": "logs"},
		},
		StreamNames: []string{"log-archive-logs", "log-archive-databases"},
	}
}

var transformARN = home.ARN(partition.Lambda, "function:log-archive-transform").String()

func transformProgram(args *components.TransformFunctionArgs) func(*program) error {
	return func(p *program) error {
		_, err := components.NewTransformFunction(p.ctx, "transform", args, p.at(home))
		return err
	}
}

func TestTransformFunction(t *testing.T) {
	t.Parallel()
	args := transformArgs()
	args.Settings = components.TransformSettings{ExtraFields: []string{"messageType", "env=prod"}}
	g := record(t, transformProgram(args))
	function := find(t, g, functionType, "transform")
	got := function.Inputs.Copy()
	for _, drawn := range []string{"code", "sourceCodeHash"} {
		if !got.HasValue(resourceKey(drawn)) {
			t.Errorf("the function has no %s", drawn)
		}
		delete(got, resourceKey(drawn))
	}
	inputs(t, &graph.Resource{Type: function.Type, Name: function.Name, Inputs: got}, map[string]any{
		"name": "log-archive-transform", "description": "Turns records of CloudWatch Logs into lines for Firehose",
		"role": home.RoleARN("log-archive-transform-cn-north-1").String(), "runtime": "provided.al2023", "handler": "bootstrap",
		"architectures": []string{"arm64"}, "memorySize": 512, "timeout": 180,
		"environment": map[string]any{"variables": map[string]string{"LOGARCHIVE_TRANSFORM_EXTRA_FIELDS": "messageType,env=prod"}},
		"tags":        map[string]any{"data": "logs"},
	})
	group := find(t, g, groupType, "transform")
	inputs(t, group, map[string]any{"name": "/aws/lambda/log-archive-transform", "retentionInDays": 30, "tags": map[string]any{"data": "logs"}})
	// Lambda would create the log group itself, without a retention.
	dependsOn(t, g, function, group, find(t, g, rolePolicy, "transform"))
	if n := len(custom(g)); n != 4 {
		t.Errorf("%d resources: %q", n, custom(g))
	}
	role := find(t, g, roleType, "transform")
	document(t, role, "assumeRolePolicy", policy.Trust,
		policy.Statement{Effect: policy.Allow, Principal: service(t, partition.Lambda), Action: []string{"sts:AssumeRole"}})
	document(t, find(t, g, rolePolicy, "transform"), "policy", policy.Inline,
		policy.Statement{Sid: "WriteOwnLogs", Effect: policy.Allow, Action: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			Resource: []string{home.LogGroupARN("/aws/lambda/log-archive-transform:*").String()}},
		policy.Statement{Sid: "PutBack", Effect: policy.Allow, Action: []string{"firehose:PutRecordBatch"}, Resource: []string{
			home.ARN(partition.Firehose, "deliverystream/log-archive-logs").String(),
			home.ARN(partition.Firehose, "deliverystream/log-archive-databases").String()}},
	)
}

// TestRecordingsAreAllTheSame: a recording builds nothing, and tells the architectures apart.
func TestRecordingsAreAllTheSame(t *testing.T) {
	t.Parallel()
	hash := func(arch components.Architecture) string {
		args := transformArgs()
		args.Architecture = arch
		return text(t, find(t, record(t, transformProgram(args)), functionType, "transform"), "sourceCodeHash")
	}
	if hash("") != hash(components.ARM64) || hash(components.ARM64) == hash(components.X8664) {
		t.Errorf("hashes %s, %s, %s", hash(""), hash(components.ARM64), hash(components.X8664))
	}
	first, second := record(t, transformProgram(transformArgs())), record(t, transformProgram(transformArgs()))
	if diff := cmp.Diff(string(first.Golden()), string(second.Golden())); diff != "" {
		t.Error(diff)
	}
}

// TestTransformEnvironment: the function itself reads what the component writes.
func TestTransformEnvironment(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(transform.PartitionKeys(), components.PartitionKeys()); diff != "" {
		t.Errorf("partition keys (-function +component):\n%s", diff)
	}
	environ := func(settings components.TransformSettings) []string {
		args := transformArgs()
		args.Settings = settings
		function := find(t, record(t, transformProgram(args)), functionType, "transform")
		var vars []string
		if environment := function.Inputs["environment"]; environment.IsObject() {
			for name, value := range environment.ObjectValue()["variables"].ObjectValue() {
				vars = append(vars, string(name)+"="+value.StringValue())
			}
		}
		slices.Sort(vars)
		return vars
	}
	if vars := environ(components.TransformSettings{}); vars != nil {
		t.Errorf("without settings: %q", vars)
	}
	constant := "prod"
	got, err := transform.FromEnviron(environ(components.TransformSettings{
		ExtraFields: []string{"env=prod", "messageType"}, PartitionKeys: []string{"account", "hour"},
		Class: "apps", Classes: map[string]string{"/aws/rds/": "databases", "/aws/vpc": "network"}, LogSample: -1, NoMetrics: true,
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := transform.Defaults()
	want.Extra = []transform.Field{{Name: "env", Value: &constant}, {Name: "messageType"}}
	want.Partition = []string{"account", "hour"}
	want.Class, want.Classes = "apps", map[string]string{"/aws/rds/": "databases", "/aws/vpc": "network"}
	want.LogSample, want.Metrics = 0, false
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTransformFunctionProblems(t *testing.T) {
	t.Parallel()
	got := refused(t, func(p *program) error {
		_, err := components.NewTransformFunction(p.ctx, "refused", &components.TransformFunctionArgs{
			Place: home,
			FunctionArgs: components.FunctionArgs{
				FunctionName: "a b", RoleName: "", Architecture: "amd64", MemoryMiB: 64, TimeoutSeconds: 301, ReservedConcurrency: -1, LogRetentionDays: 2,
			},
			StreamNames: []string{"a b", "c", "c"},
			Settings: components.TransformSettings{
				ExtraFields: []string{"message", "a,b", "env", "env=prod"}, PartitionKeys: []string{"tenant", "hour", "hour"},
				Class: "a/b", Classes: map[string]string{"/a b": "x"}, LogSample: 2_000_000,
			},
		}, p.at(home))
		return err
	})
	wantProblems(t, got, map[string]string{
		"FunctionName":              "1 to 64",
		"RoleName":                  "1 to 64",
		"Architecture":              "arm64, x86_64",
		"MemoryMiB":                 "128 to 10240",
		"TimeoutSeconds":            "1 to 300",
		"ReservedConcurrency":       "at least 1",
		"LogRetentionDays":          "is not a retention",
		"StreamNames[0]":            "1 to 64",
		"StreamNames[2]":            "twice",
		"Settings.ExtraFields[0]":   "every line has id",
		"Settings.ExtraFields[1]":   "without commas",
		"Settings.ExtraFields[3]":   "twice",
		"Settings.PartitionKeys[0]": "want one of account",
		"Settings.PartitionKeys[2]": "twice",
		"Settings.Class":            "hyphens",
		"Settings.Classes[/a b]":    "begin with",
		"Settings.LogSample":        "1000000",
	})
	args := transformArgs()
	args.StreamNames, args.Settings.ExtraFields = nil, []string{"x=" + strings.Repeat("y", 4096)}
	wantProblems(t, refused(t, func(p *program) error {
		_, err := components.NewTransformFunction(p.ctx, "refused", args, p.at(home))
		return err
	}), map[string]string{"StreamNames": "at least one", "Settings": "Lambda takes 4096"})
}

// TestCode: where a package comes from, and that nothing is registered without one.
func TestCode(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "transform-arm64.zip")
	if err := os.WriteFile(path, []byte("zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	var prebuilt, source components.Package
	var missing error
	record(t, func(p *program) (err error) {
		if prebuilt, err = components.PrebuiltCode(folder)(p.ctx, "transform", components.ARM64); err != nil {
			return err
		}
		_, missing = components.PrebuiltCode(folder)(p.ctx, "transform", components.X8664)
		source, err = components.SourceCode(build.Options{Source: folder})(p.ctx, "transform", components.ARM64)
		return err
	})
	archive, ok := prebuilt.Archive.(interface{ Path() string })
	if want := "SnD+mqZDbgLC3qNA+9HjUuTvLYzmylKtJdS5VHH8i/I="; !ok || archive.Path() != path || prebuilt.Hash != want {
		t.Errorf("prebuilt: %v, %s", prebuilt.Archive, prebuilt.Hash)
	}
	if !errors.Is(missing, os.ErrNotExist) {
		t.Errorf("without a zip: %v", missing)
	}
	if source.Hash == "" || source.Hash == prebuilt.Hash {
		t.Errorf("in a recording: hash %q", source.Hash)
	}
	args := transformArgs()
	args.Code = components.PrebuiltCode(t.TempDir())
	var err error
	g := record(t, func(p *program) error {
		_, err = components.NewTransformFunction(p.ctx, "refused", args, p.at(home))
		return nil
	})
	if err == nil || len(custom(g)) > 0 {
		t.Errorf("without a zip: %v, %q", err, custom(g))
	}
}
