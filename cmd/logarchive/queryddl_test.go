package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestQueryDDL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want []string
		none string
	}{
		{[]string{"--stack", "beijing"}, []string{"EXISTS `cloudtrail`", "EXISTS `flow_logs_direct_text`", "EXISTS `syslog`", "s3://example-log-archive-222233334444-ningxia/logs/"}, "SELECT"},
		{[]string{"--stack", "beijing", "--class", "access-logs", "--queries"}, []string{"EXISTS `network_load_balancers`", "elb_status_code >= 500"}, "EXISTS `logs`"},
		{[]string{"--stack", "global", "--class", "guardduty"}, []string{"EXISTS `guardduty`"}, "EXISTS `cloudtrail`"},
	} {
		out := run(t, "../..", append([]string{"query-ddl"}, test.args...)...)
		for _, want := range test.want {
			if out.code != 0 || !strings.Contains(out.stdout, want) {
				t.Errorf("%v: exit code %d, and nothing of %q", test.args, out.code, want)
			}
		}
		if strings.Contains(out.stdout, test.none) {
			t.Errorf("%v: %q is there", test.args, test.none)
		}
	}
	var tables []ddlTable
	out := run(t, "../..", "query-ddl", "--stack", "beijing", "--json")
	if err := json.Unmarshal([]byte(out.stdout), &tables); err != nil || len(tables) < 10 {
		t.Errorf("%d tables, %v", len(tables), err)
	}
	for _, table := range tables {
		if table.DDL == "" || len(table.Queries) == 0 {
			t.Errorf("table %s has %d examples", table.Table, len(table.Queries))
		}
	}
	if out := run(t, "../..", "query-ddl", "--stack", "beijing", "--class", "cloudtrial"); out.code != 2 || !strings.Contains(out.stderr, "cloudtrail") {
		t.Errorf("exit code %d: %s", out.code, out.stderr)
	}
}
