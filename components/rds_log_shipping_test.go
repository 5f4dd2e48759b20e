package components_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
)

func TestRdsLogTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		engine  string
		cluster bool
		want    string // the types, or a part of the error
	}{
		{"mysql", false, "audit error general slowquery iam-db-auth-error"},
		{"mysql", true, "error general slowquery iam-db-auth-error"},
		{"mariadb", false, "audit error general slowquery iam-db-auth-error"},
		{"mariadb", true, "want the DB instance"},
		{"postgres", false, "postgresql upgrade iam-db-auth-error"},
		{"postgres", true, "postgresql upgrade iam-db-auth-error"},
		{"oracle-se2-cdb", false, "alert audit listener trace oemagent"},
		{"sqlserver-web", false, "agent error"},
		{"db2-se", false, "diag.log notify.log iam-db-auth-error"},
		{"aurora-mysql", true, "audit error general instance slowquery iam-db-auth-error"},
		{"aurora-mysql", false, "want the cluster"},
		{"aurora-postgresql", true, "instance postgresql iam-db-auth-error"},
		{"aurora-postgresql", false, "want the cluster"},
		{"mongodb", false, "want one of mysql, mariadb, postgres"},
	} {
		types, err := components.RdsLogTypes(c.engine, c.cluster)
		got := strings.Join(types, " ")
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("RdsLogTypes(%s, %t): got %s, want %s", c.engine, c.cluster, got, c.want)
		}
	}
}

// database declares a pipeline and a database's logs, and what the database itself would be given.
func database(args *components.RdsLogShippingArgs) func(*program) error {
	return func(p *program) error {
		pipeline, err := components.NewFirehoseToS3Pipeline(p.ctx, "databases", pipelineArgs(), p.at(home))
		if err != nil {
			return err
		}
		args.Pipeline = pipeline
		shipping, err := components.NewRdsLogShipping(p.ctx, "orders", args, p.at(home))
		if err != nil {
			return err
		}
		p.ctx.Export("exports", shipping.EnabledCloudwatchLogsExports)
		p.ctx.Export("groups", pulumi.ToStringArray(shipping.LogGroupNames))
		return nil
	}
}

func TestRdsLogShipping(t *testing.T) {
	t.Parallel()
	g := record(t, database(&components.RdsLogShippingArgs{
		Place: home, Identifier: "orders", Engine: "mysql", LogTypes: []string{"slowquery", "error"}, CreateLogGroups: true, RetentionDays: 30,
		Tags: map[string]string{"data": "orders"},
	}))
	group, filter := find(t, g, groupType, "orders-slowquery"), find(t, g, filterType, "databases-orders-slowquery")
	inputs(t, group, map[string]any{"name": "/aws/rds/instance/orders/slowquery", "retentionInDays": 30, "tags": map[string]any{"data": "orders"}})
	if got := text(t, filter, "logGroup"); got != "/aws/rds/instance/orders/slowquery" {
		t.Errorf("the filter is on %s", got)
	}
	dependsOn(t, g, filter, group)
	if filter.Parent != group.Parent {
		t.Errorf("the filter belongs to %s, the log group to %s", filter.Parent, group.Parent)
	}
	want := map[string]any{
		"exports": []any{"slowquery", "error"},
		"groups":  []any{"/aws/rds/instance/orders/slowquery", "/aws/rds/instance/orders/error"},
	}
	if diff := cmp.Diff(want, g.Outputs.Mappable()); diff != "" {
		t.Error(diff)
	}
}

// TestRdsOneMoreLogType: a log group that exists costs one resource.
func TestRdsOneMoreLogType(t *testing.T) {
	t.Parallel()
	of := func(types ...string) func(*program) error {
		return database(&components.RdsLogShippingArgs{Place: home, Identifier: "ledger", Engine: "aurora-postgresql", Cluster: true, LogTypes: types})
	}
	before, after := record(t, of("postgresql")), record(t, of("postgresql", "instance"))
	if diff := cmp.Diff([]string{filterType + " databases-orders-instance"}, added(before, after)); diff != "" {
		t.Error(diff)
	}
	if got := text(t, find(t, after, filterType, "databases-orders-instance"), "logGroup"); got != "/aws/rds/cluster/ledger/instance" {
		t.Errorf("the filter is on %s", got)
	}
}

func TestRdsLogShippingProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args *components.RdsLogShippingArgs
		want map[string]string
	}{
		"nothing": {nil, map[string]string{
			"Place.Account": "", "Place.Region": "", "Identifier": "", "Engine": "want one of", "LogTypes": "at least one", "Pipeline": "want the pipeline",
		}},
		"types": {&components.RdsLogShippingArgs{
			Place: home, Identifier: "Orders-", Engine: "mysql", LogTypes: []string{"slow-query", "postgresql", "error", "error", "SlowQuery"}, CreateLogGroups: true, RetentionDays: 31,
		}, map[string]string{
			"Identifier": "lower-case letters", "LogTypes[0]": "want slowquery", "LogTypes[1]": "mysql has the log types audit, error", "LogTypes[3]": "is there twice", "LogTypes[4]": "want slowquery",
			"RetentionDays": "31", "Pipeline": "",
		}},
		"Aurora instance": {&components.RdsLogShippingArgs{
			Place: home, Identifier: "orders", Engine: "aurora-mysql", LogTypes: []string{"error"}, RetentionDays: 30,
		}, map[string]string{"Engine": "want the cluster", "RetentionDays": "want CreateLogGroups", "Pipeline": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantProblems(t, refused(t, func(p *program) error {
				_, err := components.NewRdsLogShipping(p.ctx, "refused", c.args, p.at(home))
				return err
			}), c.want)
		})
	}
}
