package components_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
)

func queriesArgs() *components.LogQueriesArgs {
	table := func(name string) components.LogTable {
		template, partitions := components.TableTemplate(name+"/year=!{timestamp:yyyy}/", nil)
		return components.LogTable{
			Name: name, Class: name, Prefix: name + "/", Template: template, Partitions: partitions, Columns: components.LineColumns(), Format: components.JSONTable,
			Queries: []components.TableQuery{{Name: name + "_all", Description: "Everything.", SQL: "SELECT * FROM " + name}},
		}
	}
	return &components.LogQueriesArgs{
		Place: archive, BucketName: "example-log-archive", KeyArn: pulumi.String(archive.ARN(partition.KMS, "key/1").String()), DatabaseName: "logs",
		ResultsBucketName: "example-results", KeyAlias: "query-results", ResultDays: 7, ScanLimitMiB: 1024, AdministratorRoleArns: []string{administer},
		Tables: []components.LogTable{table("logs"), table("databases")},
		Readers: []components.QueryReader{
			{Name: "security", RoleName: "query-security", WorkgroupName: "security", PrincipalArns: []string{home.RoleARN("Analyst").String()}},
			{Name: "dba", RoleName: "query-dba", WorkgroupName: "dba", PrincipalArns: []string{archive.RoleARN("DBA").String()}, Tables: []string{"databases"}},
		},
	}
}

// Each reader has a workgroup with settings that hold, and a role that reads its own tables and results.
func TestLogQueries(t *testing.T) {
	t.Parallel()
	g := record(t, func(p *program) error {
		_, err := components.NewLogQueries(p.ctx, "queries", queriesArgs(), p.at(archive))
		return err
	})
	key, bucket := find(t, g, "aws:kms/key:Key", "queries-results"), find(t, g, "aws:s3/bucketV2:BucketV2", "queries-results")
	if !key.Protect || !bucket.Protect || !bucket.RetainOnDelete {
		t.Error("results and their key must stay when the stack goes")
	}
	group := find(t, g, "aws:athena/workgroup:Workgroup", "queries-dba")
	inputs(t, group, map[string]any{"name": "dba", "configuration": map[string]any{
		"enforceWorkgroupConfiguration": true, "publishCloudwatchMetricsEnabled": true, "bytesScannedCutoffPerQuery": 1 << 30,
		"resultConfiguration": map[string]any{"outputLocation": "s3://example-results/dba/", "expectedBucketOwner": string(archive.Account),
			"encryptionConfiguration": map[string]any{"encryptionOption": "SSE_KMS", "kmsKeyArn": key.Outputs["arn"].StringValue()}},
	}, "description": "Queries of dba"})
	if location := find(t, g, "aws:glue/catalogTable:CatalogTable", "queries-logs").Inputs["storageDescriptor"].ObjectValue()["location"].StringValue(); location != "s3://example-log-archive/logs/" {
		t.Error(location)
	}
	policy := find(t, g, "aws:iam/rolePolicy:RolePolicy", "queries-dba").Inputs["policy"].StringValue()
	for text, want := range map[string]bool{
		"example-log-archive/databases/*": true, "example-log-archive/logs/*": false, "example-results/dba/*": true,
		"table/logs/databases": true, "table/logs/logs": false, "workgroup/dba": true, `"*"`: false,
	} {
		if strings.Contains(policy, text) != want {
			t.Errorf("the policy of dba has %s: %v\n%s", text, !want, policy)
		}
	}
	if trust := find(t, g, "aws:iam/role:Role", "queries-security").Inputs["assumeRolePolicy"].StringValue(); !strings.Contains(trust, home.RoleARN("Analyst").String()) {
		t.Error(trust)
	}
	names := []string{}
	for _, r := range g.ByType("aws:athena/namedQuery:NamedQuery") {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	if want := []string{"queries-dba-databases_all", "queries-security-databases_all", "queries-security-logs_all"}; !slices.Equal(names, want) {
		t.Errorf("examples are %q, want %q", names, want)
	}
}

func TestLogQueriesArgs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*components.LogQueriesArgs)
		want   string
	}{
		{"results in the archive", func(a *components.LogQueriesArgs) { a.ResultsBucketName = a.BucketName }, "ResultsBucketName"},
		{"capital letters", func(a *components.LogQueriesArgs) { a.DatabaseName = "Logs" }, "DatabaseName"},
		{"no tables", func(a *components.LogQueriesArgs) { a.Tables, a.Readers[1].Tables = nil, nil }, "Tables"},
		{"no readers", func(a *components.LogQueriesArgs) { a.Readers = nil }, "Readers"},
		{"a reader twice", func(a *components.LogQueriesArgs) { a.Readers[1].Name = "security" }, "Readers[1].Name"},
		{"nobody assumes it", func(a *components.LogQueriesArgs) { a.Readers[0].PrincipalArns = nil }, "Readers[0].PrincipalArns"},
		{"a table that isn't there", func(a *components.LogQueriesArgs) { a.Readers[1].Tables = []string{"x"} }, "Readers[1].Tables[0]"},
		{"results for ever", func(a *components.LogQueriesArgs) { a.ResultDays = 0 }, "ResultDays"},
		{"a limit below Athena's", func(a *components.LogQueriesArgs) { a.ScanLimitMiB = 9 }, "ScanLimitMiB"},
	} {
		args := queriesArgs()
		test.change(args)
		problems := refused(t, func(p *program) error {
			_, err := components.NewLogQueries(p.ctx, "refused", args, p.at(archive))
			return err
		})
		if _, ok := problems[test.want]; !ok || len(problems) != 1 {
			t.Errorf("%s: want a problem of %s, got %v", test.name, test.want, problems)
		}
	}
}
