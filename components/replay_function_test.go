package components_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/functions/replay"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

func replayArgs() *components.ReplayFunctionArgs {
	return &components.ReplayFunctionArgs{
		Place:        home,
		FunctionArgs: components.FunctionArgs{FunctionName: "log-archive-replay", RoleName: "log-archive-replay-cn-north-1"},
		BucketName:   "example-log-archive", BucketPlace: archive, KeyArn: pulumi.String(archive.ARN(partition.KMS, "key/1").String()),
		Streams: []components.ReplayStream{
			{StreamName: "log-archive-logs", ErrorPrefix: "errors/logs/account=111122223333/"},
			{StreamName: "log-archive-databases", ErrorPrefix: "errors/databases/account=111122223333/"},
		},
		Schedule: "rate(1 day)", MinAgeMinutes: 15,
	}
}

func replayProgram(args *components.ReplayFunctionArgs) func(*program) error {
	return func(p *program) error {
		_, err := components.NewReplayFunction(p.ctx, "replay", args, p.at(home))
		return err
	}
}

// What is in its environment is what the function itself reads, and its role allows that much and no more.
func TestReplayFunction(t *testing.T) {
	t.Parallel()
	g := record(t, replayProgram(replayArgs()))
	function := find(t, g, functionType, "replay")
	var environ []string
	for name, value := range function.Inputs["environment"].ObjectValue()["variables"].ObjectValue() {
		environ = append(environ, string(name)+"="+value.StringValue())
	}
	config, err := replay.FromEnviron(environ)
	if err != nil {
		t.Fatal(err)
	}
	if config.Bucket != "example-log-archive" || config.BucketRegion != "cn-northwest-1" || config.BytesPerSecond != 512<<10 || config.MinAge.Minutes() != 15 {
		t.Errorf("%+v", config)
	}
	if i := slices.Index(config.Routes, replay.Route{Prefix: "errors/logs/account=111122223333/", Stream: "log-archive-logs"}); len(config.Routes) != 2 || i < 0 {
		t.Errorf("routes %+v", config.Routes)
	}
	role := find(t, g, rolePolicy, "replay")
	doc, err := policy.Parse([]byte(role.Inputs["policy"].StringValue()))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Statements {
		for _, action := range s.Action {
			if strings.Contains(action, "*") || strings.Contains(action, "Delete") {
				t.Errorf("%s: %s", s.Sid, action)
			}
		}
		for _, resource := range s.Resource {
			if s.Sid == "KeepMarkers" && !strings.Contains(resource, "/replay/errors/") || s.Sid == "ReadErrors" && !strings.Contains(resource, "archive/errors/") {
				t.Errorf("%s: %s", s.Sid, resource)
			}
		}
	}
	target := find(t, g, "aws:cloudwatch/eventTarget:EventTarget", "replay")
	inputs(t, target, map[string]any{"rule": "log-archive-replay", "targetId": "replay", "arn": home.ARN(partition.Lambda, "function:log-archive-replay").String(), "input": `{"bucket":"example-log-archive"}`})
	dependsOn(t, g, target, find(t, g, "aws:lambda/permission:Permission", "replay"))
	if n := len(custom(g)); n != 9 {
		t.Errorf("%d resources: %q", n, custom(g))
	}

	onDemand := replayArgs()
	onDemand.Schedule = ""
	if n := len(custom(record(t, replayProgram(onDemand)))); n != 6 {
		t.Errorf("on demand: %d resources", n)
	}
}

func TestReplayFunctionProblems(t *testing.T) {
	t.Parallel()
	args := replayArgs()
	args.TimeoutSeconds, args.Schedule, args.MinAgeMinutes, args.BytesPerSecond, args.KeyArn = 59, "daily", -1, 1000, nil
	args.Streams = []components.ReplayStream{
		{StreamName: "a b", ErrorPrefix: "errors/logs/"}, {StreamName: "b", ErrorPrefix: "errors/"}, {StreamName: "c", ErrorPrefix: "replay/x/"}, {StreamName: "d", ErrorPrefix: "x,y/"},
	}
	wantProblems(t, refused(t, replayProgram(args)), map[string]string{
		"TimeoutSeconds": "at least 60", "Schedule": "rate(1 day)", "MinAgeMinutes": "0 to 10080", "BytesPerSecond": "65536", "KeyArn": "want the archive's key",
		"Streams[0].StreamName": "letters", "Streams[1].ErrorPrefix": "overlaps", "Streams[2].ErrorPrefix": "doesn't lie below replay/", "Streams[3].ErrorPrefix": "without commas",
	})
	wantProblems(t, refused(t, replayProgram(nil)), map[string]string{
		"Place.Account": "", "Place.Region": "", "BucketPlace.Account": "", "BucketPlace.Region": "", "BucketName": "", "KeyArn": "", "FunctionName": "", "RoleName": "", "Streams": "at least one",
	})
}
