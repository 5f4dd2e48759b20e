package components_test

import (
	"strings"
	"testing"

	"github.com/logarchive/logarchive/components"
)

// classedArgs are those of the other tests with a class.
func classedArgs() *components.LogArchiveBucketArgs {
	args := bucketArgs()
	args.Classes = []components.RetentionClass{
		{Name: "flow-logs", Folders: []string{"flow-logs-direct/", "AWSLogs/"}, RetentionDays: 200, MaximumDays: 220,
			Transitions: []components.Transition{{Days: 60, StorageClass: "GLACIER"}}},
	}
	args.OtherFolders = []string{"logs/", "errors/logs/"}
	return args
}

func TestLifecycleClasses(t *testing.T) {
	t.Parallel()
	expire := func(id, prefix string, days, noncurrent int) map[string]any {
		return map[string]any{
			"id": id, "status": "Enabled", "filter": map[string]any{"prefix": prefix}, "expiration": map[string]any{"days": days},
			"noncurrentVersionExpiration": map[string]any{"noncurrentDays": noncurrent}, "abortIncompleteMultipartUpload": map[string]any{"daysAfterInitiation": 7},
		}
	}
	markers := func(id, prefix string) map[string]any {
		return map[string]any{"id": id, "status": "Enabled", "filter": map[string]any{"prefix": prefix}, "expiration": map[string]any{"expiredObjectDeleteMarker": true}}
	}
	move := func(id, prefix string, steps ...any) map[string]any {
		return map[string]any{
			"id": id, "status": "Enabled", "filter": map[string]any{"and": map[string]any{"prefix": prefix, "objectSizeGreaterThan": 131071}}, "transitions": steps,
		}
	}
	ia, glacier := map[string]any{"days": 30, "storageClass": "STANDARD_IA"}, map[string]any{"days": 90, "storageClass": "GLACIER"}
	own := map[string]any{"days": 60, "storageClass": "GLACIER"}
	g := record(t, bucketProgram(classedArgs()))
	inputs(t, find(t, g, "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", "archive"), map[string]any{"bucket": "example-log-archive", "rules": []any{
		expire("expire-logs", "logs/", 400, 30), expire("expire-errors-logs", "errors/logs/", 400, 30),
		move("transition-logs", "logs/", ia, glacier), move("transition-errors-logs", "errors/logs/", ia, glacier),
		expire("flow-logs-expire-flow-logs-direct", "flow-logs-direct/", 200, 17), markers("flow-logs-markers-flow-logs-direct", "flow-logs-direct/"),
		expire("flow-logs-expire-AWSLogs", "AWSLogs/", 200, 17), markers("flow-logs-markers-AWSLogs", "AWSLogs/"),
		move("flow-logs-transition-flow-logs-direct", "flow-logs-direct/", own), move("flow-logs-transition-AWSLogs", "AWSLogs/", own),
	}})
}

func TestLifecycleClassesProblems(t *testing.T) {
	t.Parallel()
	args := classedArgs()
	args.OtherFolders = []string{"logs", "logs/a/", "flow-logs-direct/AWSLogs/"}
	args.Classes[0].MaximumDays = 203
	args.Classes = append(args.Classes, components.RetentionClass{Name: "flow-logs", RetentionDays: 179, Transitions: []components.Transition{{Days: 179, StorageClass: "GLACIER"}}})
	got := refused(t, bucketProgram(args))
	wantProblems(t, got, map[string]string{
		"Classes[0].MaximumDays":         "want at least 204",
		"Classes[1].Name":                "no other class of the name",
		"Classes[1].Folders":             "want the folders",
		"Classes[1].RetentionDays":       "want at least ObjectLock.Days, 180",
		"Classes[1].Transitions[0].Days": "want less than RetentionDays, 179",
		"OtherFolders[0]":                "want a key prefix",
		"OtherFolders[1]":                `"logs" is given, too`,
		"OtherFolders[2]":                `"flow-logs-direct/" is given, too`,
		"Deliveries[0].Prefix":           "would be kept for ever",
	})
	none := bucketArgs()
	none.OtherFolders = []string{"logs/"}
	if got := refused(t, bucketProgram(none)); !strings.Contains(got["OtherFolders"], "one rule expires everything") {
		t.Error(got)
	}
}
