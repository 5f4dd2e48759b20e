package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/automation"
	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/sandbox"
)

// subscribeAll is a stack that archives every log group of an account.
const subscribeAll = `config:
  log-archive:sourceAccount: "111122223333"
  log-archive:homeRegion: cn-north-1
  log-archive:backupRegion: cn-northwest-1
  log-archive:archive: {account: "222233334444", role: Deployer, externalId: some-id, bucket: example-archive, objectLock: {mode: GOVERNANCE, days: 180}}
  log-archive:logGroups:
    - {name: /app/payments, create: true}
  log-archive:accountSubscription:
    exclude: [/app/chatter]
`

// TestAccountSubscriptionLife takes a stack with a policy for all log groups through its life, on the real engine: groups that
// are created later are delivered, those that are left out aren't, and what has a filter of its own is delivered once. A changed
// list replaces the policy under its own name, and it is there afterwards.
func TestAccountSubscriptionLife(t *testing.T) {
	t.Parallel()
	dir := testProject(t)
	file := filepath.Join(dir, "Pulumi.all.yaml")
	if err := os.WriteFile(file, []byte(subscribeAll), 0o644); err != nil {
		t.Fatal(err)
	}
	up := func() (created, updated, replaced int) {
		t.Helper()
		s := operation(t, dir, "up", "-s", "all", "--sandbox").Summary
		return s.Create, s.Update, s.Replace
	}
	if created, _, _ := up(); created < 15 {
		t.Errorf("%d resources", created)
	}
	if created, updated, replaced := up(); created+updated+replaced > 0 {
		t.Errorf("a second up changes %d, %d, %d", created, updated, replaced)
	}
	// delivers says how often a line of a log group is in the archive; none if it can't be sent.
	delivers := func(group, line string) int {
		t.Helper()
		o := runWith(t, dir, line+"\n", "sandbox", "send", "--source", "log-group:111122223333:cn-north-1:"+group, "--json")
		if o.code != exitOK {
			if !strings.Contains(o.stderr, "has no subscription filter") {
				t.Errorf("%s: %+v", group, o)
			}
			return 0
		}
		var receipt sent
		if err := json.Unmarshal([]byte(o.stdout), &receipt); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, object := range receipt.Objects {
			n += strings.Count(must(t, dir, "sandbox", "cat", object).stdout, line)
		}
		return n
	}
	for group, way := range map[string]string{"/app/new": "/app/new -> account policy log-archive-log-groups -> Firehose log-archive-logs", "/app/chatter": "has no subscription filter (yet)"} {
		if o := must(t, dir, "sandbox", "create-log-group", group); !strings.Contains(o.stdout, way) {
			t.Errorf("%s: %s", group, o.stdout)
		}
	}
	for group, want := range map[string]int{"/app/new": 1, "/app/payments": 1, "/app/chatter": 0} {
		if got := delivers(group, "first"+group); got != want {
			t.Errorf("a line of %s is there %d times, want %d", group, got, want)
		}
	}

	edit(t, dir, "Pulumi.all.yaml", "exclude: [/app/chatter]", "exclude: [/app/new]")
	if created, updated, replaced := up(); created+updated > 0 || replaced != 1 {
		t.Errorf("a changed list creates %d, updates %d, replaces %d", created, updated, replaced)
	}
	world, err := sandbox.OpenWorldReadOnly(filepath.Join(dir, sandboxFolder))
	if err != nil {
		t.Fatal(err)
	}
	policies := world.List(catalog.LogAccountPolicy)
	if len(policies) != 1 || !strings.Contains(policies[0].Text("selectionCriteria"), `"/app/new"`) {
		t.Errorf("policies %+v", policies)
	}
	for group, want := range map[string]int{"/app/new": 0, "/app/payments": 1, "/app/chatter": 1} {
		if got := delivers(group, "second"+group); got != want {
			t.Errorf("afterwards, a line of %s is there %d times, want %d", group, got, want)
		}
	}

	// Another stream is a change in place, with no moment without a policy.
	edit(t, dir, "Pulumi.all.yaml", "  log-archive:logGroups:", "  log-archive:pipeline: {bufferMiB: 64, keepStreams: true, transform: {partitionBy: [class]}}\n  log-archive:logGroups:")
	changes := operation(t, dir, "up", "-s", "all", "--sandbox").Changes
	if i := slices.IndexFunc(changes, func(c automation.Change) bool { return c.Type == catalog.LogAccountPolicy }); i < 0 || len(changes[i].Replaces) > 0 || !slices.Equal(changes[i].Changed, []string{"policyDocument"}) {
		t.Errorf("another stream's changes: %+v", changes)
	}
	if got := delivers("/app/chatter", "third"); got != 1 {
		t.Errorf("through the other stream, a line is there %d times", got)
	}
}
