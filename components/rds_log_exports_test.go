package components_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const invocationType = "aws:lambda/invocation:Invocation"

// exporter declares databases whose logs are shipped, and the function that switches their exports on.
func exporter(change func(*components.RdsLogExportsArgs), databases ...components.RdsLogShippingArgs) func(*program) error {
	return func(p *program) error {
		pipeline, err := components.NewFirehoseToS3Pipeline(p.ctx, "databases", pipelineArgs(), p.at(home))
		if err != nil {
			return err
		}
		args := &components.RdsLogExportsArgs{
			Place: home, FunctionArgs: components.FunctionArgs{FunctionName: "exports", RoleName: "exports-role"}, TagKey: "archive:exports",
		}
		for i := range databases {
			databases[i].Place, databases[i].Pipeline = home, pipeline
			shipped, err := components.NewRdsLogShipping(p.ctx, databases[i].Identifier, &databases[i], p.at(home))
			if err != nil {
				return err
			}
			args.Databases = append(args.Databases, shipped)
		}
		if change != nil {
			change(args)
		}
		_, err = components.NewRdsLogExports(p.ctx, "exports", args, p.at(home))
		return err
	}
}

func orders() components.RdsLogShippingArgs {
	return components.RdsLogShippingArgs{Identifier: "orders", Engine: "mysql", LogTypes: []string{"error", "slowquery"}}
}

func ledger() components.RdsLogShippingArgs {
	return components.RdsLogShippingArgs{Identifier: "ledger", Engine: "aurora-postgresql", Cluster: true, LogTypes: []string{"postgresql"}}
}

func TestRdsLogExports(t *testing.T) {
	t.Parallel()
	g := record(t, exporter(func(args *components.RdsLogExportsArgs) { args.OnRemoval, args.Mend = components.RestoreExports, true }, orders(), ledger()))
	r := find(t, g, invocationType, "exports-orders")
	inputs(t, r, map[string]any{
		"functionName": "exports", "lifecycleScope": "CRUD",
		"input": `{"database":{"identifier":"orders","engine":"mysql","logTypes":["error","slowquery"]}}`,
	})
	if _, given := r.Inputs["triggers"]; given {
		t.Error("triggers would have the function called with delete after create")
	}
	dependsOn(t, g, r, find(t, g, "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", "databases-orders-error"))
	const check = `{"check":[{"identifier":"ledger","cluster":true,"engine":"aurora-postgresql","logTypes":["postgresql"]},{"identifier":"orders","engine":"mysql","logTypes":["error","slowquery"]}]}`
	if got := text(t, find(t, g, "aws:cloudwatch/eventTarget:EventTarget", "exports-check"), "input"); got != check {
		t.Errorf("the check gets %s", got)
	}
	of := func(resource string) []string { return []string{home.ARN(partition.RDS, resource).String()} }
	document(t, find(t, g, "aws:iam/rolePolicy:RolePolicy", "exports"), "policy", policy.Inline,
		policy.Statement{Sid: "WriteOwnLogs", Effect: policy.Allow, Action: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, Resource: []string{home.LogGroupARN("/aws/lambda/exports:*").String()}},
		policy.Statement{Sid: "SwitchOnInstances", Effect: policy.Allow, Action: []string{"rds:DescribeDBInstances", "rds:ModifyDBInstance"}, Resource: of("db:orders")},
		policy.Statement{Sid: "ReadParameters", Effect: policy.Allow, Action: []string{"rds:DescribeDBParameters"}, Resource: of("pg:*")},
		policy.Statement{Sid: "ReadOptions", Effect: policy.Allow, Action: []string{"rds:DescribeOptionGroups"}, Resource: of("og:*")},
		policy.Statement{Sid: "SwitchOnClusters", Effect: policy.Allow, Action: []string{"rds:DescribeDBClusters", "rds:ModifyDBCluster"}, Resource: of("cluster:ledger")},
		policy.Statement{Sid: "ReadClusterParameters", Effect: policy.Allow, Action: []string{"rds:DescribeDBClusterParameters"}, Resource: of("cluster-pg:*")},
		policy.Statement{Sid: "RememberInTag", Effect: policy.Allow, Action: []string{"rds:AddTagsToResource", "rds:RemoveTagsFromResource"},
			Resource:  append(of("db:orders"), of("cluster:ledger")...),
			Condition: policy.Conditions{}.With("ForAllValues:StringEquals", "aws:TagKeys", "archive:exports").With("Null", "aws:TagKeys", "false")},
	)
}

func TestRdsLogExportsProblems(t *testing.T) {
	t.Parallel()
	wantProblems(t, refused(t, exporter(func(args *components.RdsLogExportsArgs) {
		args.FunctionName, args.TimeoutSeconds, args.TagKey, args.OnRemoval, args.Schedule = strings.Repeat("x", 51), 30, "aws:exports", "drop", "hourly"
		args.Databases = append(args.Databases, args.Databases[0], nil)
	}, orders())), map[string]string{
		"FunctionName": "at most 50", "TimeoutSeconds": "at least 60", "TagKey": "not beginning with aws:", "OnRemoval": "keep, restore",
		"Schedule": "rate(1 hour)", "Databases[1]": "is there twice", "Databases[2]": "want a database",
	})
	many := make([]components.RdsLogShippingArgs, 150)
	for i := range many {
		many[i] = orders()
		many[i].Identifier = fmt.Sprintf("orders-%d", i)
	}
	wantProblems(t, refused(t, exporter(nil, many...)), map[string]string{"Databases": "10240"})
}

func TestDatabaseBackupReplication(t *testing.T) {
	t.Parallel()
	args := func() *components.DatabaseBackupReplicationArgs {
		return &components.DatabaseBackupReplicationArgs{Source: home, Place: partition.Place{Account: home.Account, Region: "cn-northwest-1"}, KeyAlias: "database-backups",
			Databases: []components.ReplicatedDatabase{{Identifier: "orders", RetentionDays: 14}}}
	}
	declare := func(args *components.DatabaseBackupReplicationArgs) func(*program) error {
		return func(p *program) error {
			_, err := components.NewDatabaseBackupReplication(p.ctx, "backups", args, p.at(args.Place))
			return err
		}
	}
	g := record(t, declare(args()))
	key := find(t, g, "aws:kms/key:Key", "backups")
	inputs(t, find(t, g, "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication", "backups-orders"), map[string]any{
		"sourceDbInstanceArn": home.ARN(partition.RDS, "db:orders").String(), "retentionPeriod": 14.0, "kmsKeyId": key.Outputs["arn"].StringValue(),
	})
	if !key.Protect || !key.RetainOnDelete {
		t.Error("the key isn't kept")
	}
	wrong := args()
	wrong.Place.Account, wrong.KeyAlias = "999988887777", "alias/x"
	wrong.Databases = append(wrong.Databases, components.ReplicatedDatabase{Identifier: "orders", RetentionDays: 36})
	wantProblems(t, refused(t, declare(wrong)), map[string]string{
		"Place": "within an account", "KeyAlias": "without \"alias/\"", "Databases[1].Identifier": "is there twice", "Databases[1].RetentionDays": "1 to 35",
	})
	wrong = args()
	wrong.Databases = make([]components.ReplicatedDatabase, 21)
	for i := range wrong.Databases {
		wrong.Databases[i] = components.ReplicatedDatabase{Identifier: fmt.Sprintf("db-%d", i), RetentionDays: 7}
	}
	wantProblems(t, refused(t, declare(wrong)), map[string]string{"Databases": "want 1 to 20"})
}
