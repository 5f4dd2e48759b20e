package stacks

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/verify"
)

func TestRetentionClasses(t *testing.T) {
	t.Parallel()
	config := parse(t, whole).with(t, "archive.classes", list(map[string]any{
		"logs": list("syslog", "databases"), "retentionDays": 300, "maximumDays": 310, "transitions": list(step2(90, "GLACIER")),
	}))
	spec, err := ParseSpec("beijing", config.engine(t))
	if err != nil {
		t.Fatal(err)
	}
	folders := []string{"databases/", "errors/databases/", "syslog/", "errors/syslog/"}
	classes, others := spec.ArchiveBucket.retentionClasses()
	if diff := cmp.Diff([]components.RetentionClass{{
		Name: "databases-syslog", Folders: folders, RetentionDays: 300, MaximumDays: 310,
		Transitions: []components.Transition{{Days: 90, StorageClass: string(partition.Glacier)}},
	}}, classes); diff != "" {
		t.Error(diff)
	}
	want := []string{"AWSLogs/", "access-logs/", "cloudtrail/", "config/", "errors/flow-logs-vended/", "errors/flow-logs/", "errors/logs/",
		"flow-logs-direct/", "flow-logs-vended/", "flow-logs/", "logs/", "replay/", "resolver-query-logs/"}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(others))); diff != "" {
		t.Error(diff)
	}
	var limits []verify.Limit
	for _, folder := range folders {
		limits = append(limits, verify.Limit{Prefix: folder, Days: 310})
	}
	if diff := cmp.Diff(limits, spec.VerifyOptions().Limits); diff != "" {
		t.Error(diff)
	}
}

func TestLandingOutlivesClass(t *testing.T) {
	t.Parallel()
	config := parse(t, whole).with(t, "landing.expireDays", 179).with(t, "archive.classes", list(map[string]any{
		"logs": list("databases"), "retentionDays": 200, "maximumDays": 204,
	}))
	_, err := ParseSpec("beijing", config.engine(t))
	want := []string{`log-archive:landing.expireDays: 179 days, and as many for noncurrent versions, are more than log-archive:archive.classes[0].maximumDays, which is 204; want at most 100`}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}
