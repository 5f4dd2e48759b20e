package rdsexports_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/functions/rdsexports"
	"github.com/logarchive/logarchive/functions/rdsexports/standin"
	"github.com/logarchive/logarchive/partition"
)

func checkEvent(databases ...string) []byte {
	return []byte(`{"check": [` + strings.Join(databases, ",") + `]}`)
}

const shop = `{"identifier": "shop", "engine": "mysql", "logTypes": ["error", "general"]}`

func metrics(t *testing.T, log string) map[string]float64 {
	t.Helper()
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "CloudWatchMetrics") {
			continue
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		out := map[string]float64{}
		for name, v := range fields {
			if n, ok := v.(float64); ok {
				out[name] = n
			}
		}
		return out
	}
	t.Fatalf("no metrics in %s", log)
	return nil
}

func TestCheck(t *testing.T) {
	t.Parallel()
	stopped := database("mysql", "error")
	stopped.Status = "stopped"
	for _, tc := range []struct {
		name    string
		rds     *standin.RDS
		mend    bool
		event   []byte
		want    map[string]float64
		exports []string
	}{
		{"as it should be", rds(database("mysql", "general", "error")), false, checkEvent(shop), map[string]float64{"Checked": 1}, []string{"general", "error"}},
		{"drifted", rds(database("mysql", "error")), false, checkEvent(shop), map[string]float64{"Checked": 1, "Drifted": 1}, []string{"error"}},
		{"mended", rds(database("mysql", "error")), true, checkEvent(shop), map[string]float64{"Checked": 1, "Mended": 1}, []string{"error"}},
		{"can't be mended", rds(stopped), true, checkEvent(shop), map[string]float64{"Checked": 1, "Drifted": 1}, []string{"error"}},
		{"gone, and the other all the same", rds(database("mysql", "error")), false,
			checkEvent(`{"identifier": "gone", "engine": "mysql", "logTypes": ["error"]}`, shop), map[string]float64{"Checked": 1, "Drifted": 1, "Unreachable": 1}, []string{"error"}},
		{"another engine", rds(database("mariadb", "error")), true, checkEvent(shop), map[string]float64{"Unreachable": 1}, []string{"error"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			h, ctx := function(t, tc.rds, rdsexports.Config{Mend: tc.mend}, &log)
			if _, err := h.Invoke(ctx, tc.event); err != nil {
				t.Fatal(err)
			}
			got := metrics(t, log.String())
			for _, name := range []string{"Checked", "Drifted", "Mended", "Unreachable", "Findings"} {
				if n, ok := got[name]; !ok || n != tc.want[name] {
					t.Errorf("%s is %v, want %v", name, got[name], tc.want[name])
				}
			}
			if now, _ := tc.rds.Get(rdsexports.Instance, "shop"); !slices.Equal(now.Exports, tc.exports) {
				t.Errorf("exports %v, want %v", now.Exports, tc.exports)
			}
		})
	}
}

// TestMendingShowsInTheNextCheck follows a database until it is whole again.
func TestMendingShowsInTheNextCheck(t *testing.T) {
	t.Parallel()
	r := rds(database("mysql", "error"))
	for i, want := range []string{"Mended", "Checked", "Checked"} {
		var log bytes.Buffer
		h, ctx := function(t, r, rdsexports.Config{Mend: true}, &log)
		if _, err := h.Invoke(ctx, checkEvent(shop)); err != nil {
			t.Fatal(err)
		}
		if got := metrics(t, log.String()); got[want] != 1 || got["Drifted"] != 0 || (i > 0 && got["Mended"] != 0) {
			t.Errorf("check %d: %v", i, got)
		}
	}
	if now, _ := r.Get(rdsexports.Instance, "shop"); !slices.Contains(now.Exports, "general") || now.Tags[tagKey] != "general" {
		t.Errorf("%+v", now)
	}
}

// TestNeverSwitchesOffWhatIsNotOurs has the function and somebody else change one database in a random order, with calls that
// are refused at random, and holds after every step: what somebody else has switched on, and what is wanted, is on.
func TestNeverSwitchesOffWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	types := []string{"audit", "error", "general", "slowquery", "iam-db-auth-error"}
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		some := func() []string {
			return slices.DeleteFunc(slices.Clone(types), func(string) bool { return random.IntN(2) == 0 })
		}
		theirs := some()
		d := database("mysql", theirs...)
		d.IAMAuthentication = true
		d.OptionGroups = nil
		r := rds(d)
		refuse := false
		r.Authorize = func(action, _ string, _ []string) error {
			if refuse && random.IntN(3) == 0 && !strings.HasPrefix(action, "rds:Describe") {
				return standin.Refuse("AccessDenied", "at random")
			}
			return nil
		}
		story := fmt.Sprintf("seed %d: theirs %v", seed, theirs)
		for range 12 {
			h, ctx := function(t, r, rdsexports.Config{Restore: true}, nil)
			refuse = random.IntN(3) == 0
			action, wanted := []string{"create", "update", "delete"}[random.IntN(3)], some()
			if len(wanted) == 0 {
				continue
			}
			_, err := h.Invoke(ctx, event(action, "mysql", wanted...))
			story += fmt.Sprintf("; %s %v (%v)", action, wanted, err)
			now, _ := r.Get(rdsexports.Instance, "shop")
			all := append(now.Exports, now.Enabling...)
			for _, mine := range theirs {
				if !slices.Contains(all, mine) || slices.Contains(now.Disabling, mine) {
					t.Fatalf("%s\n%s, which somebody else had switched on, is off: %+v", story, mine, now)
				}
			}
			if err == nil && action != "delete" {
				for _, w := range wanted {
					if !slices.Contains(now.Exports, w) {
						t.Fatalf("%s\n%s is wanted and off", story, w)
					}
				}
			}
		}
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		engine     string
		types      []string
		parameters map[string]string
		options    []string
		want       []string // what the findings begin with
	}{
		{"mysql", []string{"error"}, nil, nil, nil},
		{"mysql", []string{"general", "slowquery"}, nil, nil, []string{"general: general_log in custom is not set, want 1 (without it the log stays empty)",
			"slowquery: slow_query_log", "general: log_output", "slowquery: log_output"}},
		{"mysql", []string{"slowquery"}, map[string]string{"slow_query_log": "ON", "log_output": "TABLE", "long_query_time": "60"}, nil,
			[]string{"slowquery: log_output in custom is TABLE, want FILE", "slowquery: long_query_time in custom is 60"}},
		{"mysql", []string{"slowquery"}, map[string]string{"slow_query_log": "1", "log_output": "TABLE,FILE", "long_query_time": "0.5"}, nil, nil},
		{"mariadb", []string{"audit", "slowquery"}, map[string]string{"log_slow_query": "1", "log_output": "FILE"}, []string{"MARIADB_AUDIT_PLUGIN"}, nil},
		{"mariadb", []string{"audit"}, nil, nil, []string{"audit: MARIADB_AUDIT_PLUGIN in plain is not set, want the option"}},
		{"aurora-mysql", []string{"audit", "slowquery"}, map[string]string{"slow_query_log": "1"}, nil, []string{"audit: server_audit_logging", "audit: server_audit_events"}},
		{"aurora-mysql", []string{"audit", "general"}, good, nil, nil},
		{"postgres", []string{"postgresql"}, nil, nil, []string{"postgresql: log_statement", "postgresql: log_connections"}},
		{"postgres", []string{"upgrade"}, nil, nil, nil},
		{"postgres", []string{"postgresql"}, map[string]string{"log_min_duration_statement": "1000", "log_connections": "on", "rds.log_retention_period": "1440"}, nil, []string{"postgresql: rds.log_retention_period in custom is 1440"}},
		{"aurora-postgresql", []string{"postgresql"}, map[string]string{"shared_preload_libraries": "pg_stat_statements, pgaudit", "log_connections": "1"}, nil,
			[]string{"postgresql: log_statement", "postgresql: pgaudit.log"}},
		{"aurora-postgresql", []string{"postgresql"}, map[string]string{"shared_preload_libraries": "pgaudit", "pgaudit.log": "ddl,role", "log_connections": "receipt,authentication"}, nil, nil},
		{"oracle-ee", []string{"audit", "alert", "oemagent"}, map[string]string{"audit_trail": "DB"}, nil, []string{"audit: audit_trail in custom is DB", "oemagent: OEM_AGENT"}},
		{"oracle-se2-cdb", []string{"audit"}, map[string]string{"audit_trail": "XML,EXTENDED"}, nil, nil},
		{"sqlserver-se", []string{"agent", "error"}, nil, nil, nil},
		{"db2-se", []string{"diag.log", "iam-db-auth-error"}, nil, nil, []string{"iam-db-auth-error: IAMDatabaseAuthenticationEnabled is false, want true"}},
	} {
		d := database(tc.engine)
		r := rds(d)
		r.ParameterGroups, r.OptionGroups = map[string]map[string]string{"custom": tc.parameters}, map[string][]string{"plain": tc.options}
		h, ctx := function(t, r, rdsexports.Config{}, nil)
		out, err := h.Invoke(ctx, event("create", tc.engine, tc.types...))
		if err != nil {
			t.Errorf("%s %v: %v", tc.engine, tc.types, err)
			continue
		}
		var report rdsexports.Report
		if err := json.Unmarshal(out, &report); err != nil {
			t.Fatal(err)
		}
		ok := len(report.Findings) == len(tc.want)
		for i := 0; ok && i < len(tc.want); i++ {
			ok = strings.HasPrefix(report.Findings[i].String(), tc.want[i])
		}
		if !ok {
			t.Errorf("%s %v with %v: findings %v, want %v", tc.engine, tc.types, tc.parameters, report.Findings, tc.want)
		}
		if calls := r.Calls(); slices.ContainsFunc(calls, func(c string) bool { return strings.Contains(c, "Modify") && strings.Contains(c, "Group") }) {
			t.Errorf("%s: a group was changed: %v", tc.engine, calls)
		}
	}
}

// TestOneGroupIsReadOnce has ten databases with one parameter group.
func TestOneGroupIsReadOnce(t *testing.T) {
	t.Parallel()
	r := rds()
	var list []string
	for i := range 10 {
		d := database("mysql", "general")
		d.ID = fmt.Sprintf("db%d", i)
		d.ARN = place.ARN(partition.RDS, "db:"+d.ID).String()
		r.Put(d)
		list = append(list, fmt.Sprintf(`{"identifier": %q, "engine": "mysql", "logTypes": ["general"]}`, d.ID))
	}
	h, ctx := function(t, r, rdsexports.Config{}, nil)
	if _, err := h.Invoke(ctx, checkEvent(list...)); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range r.Calls() {
		if c == "DescribeDBParameters" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the group was read %d times", n)
	}
}
