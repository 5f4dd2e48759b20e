package rdsexports_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/functions/rdsexports"
	"github.com/logarchive/logarchive/functions/rdsexports/standin"
	"github.com/logarchive/logarchive/partition"
)

var place = partition.Place{Account: "111122223333", Region: "cn-north-1"}

const tagKey = "log-archive:exports"

func database(engine string, exports ...string) rdsexports.Database {
	d := rdsexports.Database{Kind: rdsexports.Instance, ID: "shop", ARN: place.ARN(partition.RDS, "db:shop").String(), Engine: engine,
		Status: "available", Exports: exports, ParameterGroups: []string{"custom"}, OptionGroups: []string{"plain"}}
	if strings.HasPrefix(engine, "aurora-") {
		d.Kind, d.ARN, d.OptionGroups = rdsexports.Cluster, place.ARN(partition.RDS, "cluster:shop").String(), nil
	}
	return d
}

// good has what every log of MySQL and PostgreSQL needs.
var good = map[string]string{
	"general_log": "1", "slow_query_log": "1", "log_output": "FILE", "server_audit_logging": "1", "server_audit_events": "CONNECT",
	"log_statement": "ddl", "log_connections": "1", "audit_trail": "OS",
}

func rds(databases ...rdsexports.Database) *standin.RDS {
	r := &standin.RDS{ParameterGroups: map[string]map[string]string{"custom": good}, OptionGroups: map[string][]string{"plain": {"MARIADB_AUDIT_PLUGIN"}}, Looks: 1,
		LogTypes: partition.DatabaseLogTypes, ARN: func(resource string) string { return place.ARN(partition.RDS, resource).String() }}
	for _, d := range databases {
		r.Put(d)
	}
	return r
}

// clock is a time that passes when the function waits.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func (c *clock) pause(_ context.Context, d time.Duration) error {
	c.at = c.at.Add(d)
	return nil
}

// function is the function with 300 seconds of time that passes only when it waits.
func function(t *testing.T, r rdsexports.RDS, cfg rdsexports.Config, log *bytes.Buffer) (*rdsexports.Handler, context.Context) {
	t.Helper()
	cfg.TagKey, cfg.Metrics, cfg.Name = tagKey, true, "exports"
	if log == nil {
		log = &bytes.Buffer{}
	}
	h := rdsexports.New(cfg, r, log)
	c := &clock{time.Now()}
	h.Now, h.Pause = c.now, c.pause
	ctx, cancel := context.WithDeadline(t.Context(), c.at.Add(300*time.Second))
	t.Cleanup(cancel)
	return h, ctx
}

func event(action, engine string, types ...string) []byte {
	return fmt.Appendf(nil, `{"database": {"identifier": "shop", "engine": %q, "cluster": %t, "logTypes": %s}, "tf": {"action": %q, "prev_input": null}}`,
		engine, strings.HasPrefix(engine, "aurora-"), quoted(types), action)
}

func quoted(list []string) string {
	text, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	type step struct {
		action string
		types  []string
		want   []string // exports afterwards
		tag    string
	}
	for _, tc := range []struct {
		name    string
		engine  string
		before  []string
		restore bool
		steps   []step
	}{
		{"everything is missing", "mysql", nil, false, []step{{"create", []string{"error", "slowquery"}, []string{"error", "slowquery"}, "error slowquery"}}},
		{"a cluster", "aurora-mysql", nil, false, []step{{"create", []string{"audit", "error"}, []string{"audit", "error"}, "audit error"}}},
		{"somebody has switched one on before", "mysql", []string{"error"}, true, []step{
			{"create", []string{"error", "slowquery"}, []string{"error", "slowquery"}, "slowquery"},
			{"delete", []string{"error", "slowquery"}, []string{"error"}, ""}}},
		{"nothing is missing", "postgres", []string{"postgresql", "upgrade"}, true, []step{
			{"create", []string{"postgresql"}, []string{"postgresql", "upgrade"}, ""},
			{"delete", []string{"postgresql"}, []string{"postgresql", "upgrade"}, ""}}},
		{"kept", "mysql", nil, false, []step{
			{"create", []string{"error", "general"}, []string{"error", "general"}, "error general"},
			{"update", []string{"error"}, []string{"error", "general"}, "error general"},
			{"delete", []string{"error"}, []string{"error", "general"}, "error general"}}},
		{"restored", "mysql", []string{"audit"}, true, []step{
			{"create", []string{"error", "general"}, []string{"audit", "error", "general"}, "error general"},
			{"update", []string{"error", "audit"}, []string{"audit", "error"}, "error"},
			{"delete", []string{"error", "audit"}, []string{"audit"}, ""}}},
		{"twice", "mysql", nil, true, []step{
			{"create", []string{"error"}, []string{"error"}, "error"}, {"create", []string{"error"}, []string{"error"}, "error"},
			{"delete", []string{"error"}, nil, ""}, {"delete", []string{"error"}, nil, ""}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := database(tc.engine, tc.before...)
			r := rds(d)
			h, ctx := function(t, r, rdsexports.Config{Restore: tc.restore}, nil)
			for i, s := range tc.steps {
				out, err := h.Invoke(ctx, event(s.action, tc.engine, s.types...))
				if err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
				now, _ := r.Get(d.Kind, "shop")
				slices.Sort(now.Exports)
				if diff := cmp.Diff(s.want, now.Exports); diff != "" && len(s.want)+len(now.Exports) > 0 || now.Tags[tagKey] != s.tag {
					t.Errorf("step %d: exports %v, tag %q, want %q\n%s", i, now.Exports, now.Tags[tagKey], s.tag, diff)
				}
				var report rdsexports.Report
				if err := json.Unmarshal(out, &report); err != nil || report.Database != "shop" {
					t.Errorf("step %d: answer %s: %v", i, out, err)
				}
				if s.action != "delete" && len(report.Findings) > 0 {
					t.Errorf("step %d: findings %v", i, report.Findings)
				}
			}
		})
	}
}

// TestNothingToDoChangesNothing holds the calls of a repeated creation.
func TestNothingToDoChangesNothing(t *testing.T) {
	t.Parallel()
	r := rds(database("mysql", "error"))
	h, ctx := function(t, r, rdsexports.Config{}, nil)
	if _, err := h.Invoke(ctx, event("create", "mysql", "error")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"DescribeDBInstances"}, r.Calls()); diff != "" {
		t.Error(diff)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	denied := rds(database("mysql"))
	denied.Authorize = func(action, arn string, _ []string) error {
		if action == "rds:ModifyDBInstance" {
			return standin.Refuse("AccessDenied", "not authorized to perform rds:ModifyDBInstance on %s", arn)
		}
		return nil
	}
	untagged := rds(database("mysql"))
	untagged.Authorize = func(action, _ string, _ []string) error {
		if action == "rds:AddTagsToResource" {
			return standin.Refuse("AccessDenied", "not authorized to perform rds:AddTagsToResource")
		}
		return nil
	}
	busy, stopped := database("mysql"), database("mysql")
	busy.Status, stopped.Status = "modifying", "stopped"
	for _, tc := range []struct {
		name  string
		rds   *standin.RDS
		event []byte
		want  []string
	}{
		{"no such database", rds(), event("create", "mysql", "error"), []string{"there is no DB instance shop in this region", "DBInstanceNotFound"}},
		{"no such cluster", rds(), event("create", "aurora-mysql", "error"), []string{"there is no DB cluster shop", "DBClusterNotFoundFault"}},
		{"another engine", rds(database("postgres")), event("create", "mysql", "error"), []string{"its engine is postgres, and not mysql"}},
		{"a wrong type", rds(database("mysql")), event("create", "mysql", "slow-query"), []string{"InvalidParameterCombination", "slow-query"}},
		{"denied", denied, event("create", "mysql", "error"), []string{"DB instance shop", "AccessDenied", "rds:ModifyDBInstance on " + place.ARN(partition.RDS, "db:shop").String()}},
		{"denied to remember", untagged, event("create", "mysql", "error"), []string{"its exports were changed", tagKey, "AddTagsToResource"}},
		{"busy for ever", rds(busy), event("create", "mysql", "error"), []string{"InvalidDBInstanceState", "time is used up", "run `pulumi up` again"}},
		{"stopped", rds(stopped), event("create", "mysql", "error"), []string{"DB instance shop is stopped", "start it"}},
		{"not an event", rds(), []byte(`{"x": 1}`), []string{"neither a database"}},
		{"not JSON", rds(), []byte(`{`), []string{"neither a database"}},
		{"an unknown action", rds(), event("replace", "mysql", "error"), []string{`the action is "replace"`}},
		{"no types", rds(), event("create", "mysql"), []string{"needs identifier, engine and logTypes"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			h, ctx := function(t, tc.rds, rdsexports.Config{}, &log)
			out, err := h.Invoke(ctx, tc.event)
			if err == nil {
				t.Fatalf("no error, but %s", out)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q doesn't say %q", err, want)
				}
			}
			if !strings.Contains(log.String(), `"level":"error"`) {
				t.Errorf("the log says nothing of it: %s", log.String())
			}
		})
	}
}

// TestABusyDatabaseIsWaitedFor lets a backup pass.
func TestABusyDatabaseIsWaitedFor(t *testing.T) {
	t.Parallel()
	d := database("mysql")
	d.Status = "backing-up"
	r := rds(d)
	h, ctx := function(t, r, rdsexports.Config{}, nil)
	wait, waits := h.Pause, 0
	h.Pause = func(ctx context.Context, pause time.Duration) error {
		if waits++; waits == 3 {
			d.Status = "available"
			r.Put(d)
		}
		return wait(ctx, pause)
	}
	if _, err := h.Invoke(ctx, event("create", "mysql", "error")); err != nil {
		t.Fatal(err)
	}
	if now, _ := r.Get(rdsexports.Instance, "shop"); !slices.Equal(now.Exports, []string{"error"}) || waits < 3 {
		t.Errorf("exports %v after %d waits", now.Exports, waits)
	}
}

// TestAFreshPolicyIsWaitedFor: IAM takes a moment until a role may do what its new policy says.
func TestAFreshPolicyIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := rds(database("mysql"))
	denials := 0
	r.Authorize = func(string, string, []string) error {
		if denials++; denials <= 3 {
			return standin.Refuse("AccessDenied", "not yet")
		}
		return nil
	}
	h, ctx := function(t, r, rdsexports.Config{}, nil)
	if _, err := h.Invoke(ctx, event("create", "mysql", "error")); err != nil {
		t.Fatal(err)
	}
}

// TestADeletedDatabaseIsNoError lets a stack be destroyed after its database.
func TestADeletedDatabaseIsNoError(t *testing.T) {
	t.Parallel()
	for _, restore := range []bool{false, true} {
		h, ctx := function(t, rds(), rdsexports.Config{Restore: restore}, nil)
		if _, err := h.Invoke(ctx, event("delete", "mysql", "error")); err != nil {
			t.Errorf("restore %t: %v", restore, err)
		}
	}
}

// TestAnotherDatabaseInItsPlace: an update that names another database lets the former one go.
func TestAnotherDatabaseInItsPlace(t *testing.T) {
	t.Parallel()
	former := database("mysql", "error")
	former.ID, former.ARN, former.Tags = "old", place.ARN(partition.RDS, "db:old").String(), map[string]string{tagKey: "error"}
	r := rds(former, database("mysql"))
	h, ctx := function(t, r, rdsexports.Config{Restore: true}, nil)
	in := `{"database": {"identifier": "shop", "engine": "mysql", "logTypes": ["error"]},
		"tf": {"action": "update", "prev_input": {"database": {"identifier": "old", "engine": "mysql", "logTypes": ["error"]}}}}`
	if _, err := h.Invoke(ctx, []byte(in)); err != nil {
		t.Fatal(err)
	}
	old, _ := r.Get(rdsexports.Instance, "old")
	now, _ := r.Get(rdsexports.Instance, "shop")
	if len(old.Exports) != 0 || !slices.Equal(now.Exports, []string{"error"}) {
		t.Errorf("old %v, new %v", old.Exports, now.Exports)
	}
}

func TestFromEnviron(t *testing.T) {
	t.Parallel()
	c, err := rdsexports.FromEnviron([]string{"LOGARCHIVE_RDSEXPORTS_TAG_KEY=a:b", "LOGARCHIVE_RDSEXPORTS_ON_REMOVAL=restore", "LOGARCHIVE_RDSEXPORTS_MEND=true", "AWS_LAMBDA_FUNCTION_NAME=f"})
	if diff := cmp.Diff(rdsexports.Config{TagKey: "a:b", Restore: true, Mend: true, Metrics: true, Name: "f"}, c); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	_, err = rdsexports.FromEnviron([]string{"LOGARCHIVE_RDSEXPORTS_ON_REMOVAL=Keep", "LOGARCHIVE_RDSEXPORTS_MEND=yes", "LOGARCHIVE_RDSEXPORTS_MENDS=true"})
	for _, want := range []string{"TAG_KEY: missing", `ON_REMOVAL: "Keep"`, `MEND: "yes"`, "MENDS: unknown"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v doesn't say %q", err, want)
		}
	}
	if errors.Is(err, rdsexports.ErrEvent) {
		t.Error("a configuration isn't an event")
	}
}
