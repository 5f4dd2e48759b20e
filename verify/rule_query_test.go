package verify_test

import (
	"strings"

	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

const resultKey = "configuration.resultConfiguration.encryptionConfiguration"

// queryCases break the rules about tables, workgroups and results.
var queryCases = []ruleCase{
	{rule: "workgroup-enforced", name: "clients choose", resource: "queries-security", reason: "clients choose",
		change: func(p *program) {
			p.set("Workgroup", "queries-security", "configuration.enforceWorkgroupConfiguration", false)
		}},
	{rule: "workgroup-enforced", name: "S3's own encryption", resource: "queries-security", reason: `encrypted with "SSE_S3"`,
		change: func(p *program) { p.set("Workgroup", "queries-security", resultKey+".encryptionOption", "SSE_S3") }},
	{rule: "workgroup-enforced", name: "no limit", resource: "queries-network", reason: "may read everything",
		change: func(p *program) {
			p.set("Workgroup", "queries-network", "configuration.bytesScannedCutoffPerQuery", 0)
		}},
	{rule: "workgroup-enforced", name: "a bucket that isn't there", resource: "queries-network", reason: "results go to",
		change: func(p *program) {
			p.set("Workgroup", "queries-network", "configuration.resultConfiguration.outputLocation", "s3://elsewhere/x/")
		}},
	{rule: "results-private", name: "open to the public", resource: "queries-results", reason: "blockPublicPolicy",
		change: func(p *program) { p.set("BucketPublicAccessBlock", "queries-results", "blockPublicPolicy", false) }},
	{rule: "results-private", name: "access lists", resource: "queries-results", reason: "ACLs are in force",
		change: func(p *program) { p.drop("BucketOwnershipControls", "queries-results") }},
	{rule: "results-private", name: "S3's own encryption", resource: "queries-results", reason: "default encryption",
		change: func(p *program) { p.drop("BucketServerSideEncryptionConfigurationV2", "queries-results") }},
	{rule: "results-private", name: "for ever", resource: "queries-results", reason: "kept for ever",
		change: func(p *program) { p.drop("BucketLifecycleConfigurationV2", "queries-results") }},
	{rule: "results-private", name: "in the archive", resource: "queries-security", reason: "go to an archive",
		change: func(p *program) {
			p.set("Workgroup", "queries-security", "configuration.resultConfiguration.outputLocation", "s3://"+bucketName+"/results/")
		}},
	{rule: "query-confined", name: "every object of the archive", resource: "queries-network", reason: "of its inline policy lists everything",
		change: func(p *program) {
			p.edit("RolePolicy", "queries-network", "policy", func(d *policy.Document) { statement(d, "List").Condition = nil })
		}},
	{rule: "bucket-tls-only", name: "results", resource: "queries-results", reason: "over plain HTTP isn't denied", options: oneQuery,
		change: func(p *program) {
			p.edit("BucketPolicy", "queries-results", "policy", func(d *policy.Document) { dropStatements(d, "DenyPlainHTTP") })
		}},
	{rule: "bucket-tls-only", name: "results, for the own account only", resource: "queries-results", reason: "over plain HTTP isn't denied", options: oneQuery,
		change: func(p *program) {
			p.edit("BucketPolicy", "queries-results", "policy", func(d *policy.Document) {
				statement(d, "DenyPlainHTTP").Condition = statement(d, "DenyPlainHTTP").Condition.With("StringEquals", "aws:PrincipalAccount", string(archive.Account))
			})
		}},
	{rule: "grant-confined", name: "everybody's results", resource: "queries-security", reason: "and delivers to less", options: oneQuery,
		change: func(p *program) {
			p.edit("RolePolicy", "queries-security", "policy", func(d *policy.Document) {
				s := statement(d, "KeepResults")
				s.Resource = []string{s.Resource[0][:strings.Index(s.Resource[0], "/")+1] + "*"}
			})
		}},
	{rule: "key-use-bound", name: "the key of results", resource: "queries-network", reason: "isn't bound by kms:ViaService",
		change: func(p *program) {
			p.edit("RolePolicy", "queries-network", "policy", func(d *policy.Document) { statement(d, "EncryptResults").Condition = nil })
		}},
	{rule: "table-location", name: "nothing is delivered there", resource: "queries-cloudtrail", reason: "nothing is delivered below",
		change: func(p *program) {
			p.set("CatalogTable", "queries-cloudtrail", "storageDescriptor.location", "s3://"+bucketName+"/trail/AWSLogs/")
		}},
	{rule: "table-location", name: "the folder that flow logs had", resource: "queries-flow_logs_direct_text", reason: "nothing is delivered below",
		change: func(p *program) {
			p.set("CatalogTable", "queries-flow_logs_direct_text", "storageDescriptor.location", "s3://"+bucketName+"/flow-logs-direct/AWSLogs/")
		}},
	{rule: "table-location", name: "another bucket", resource: "queries-logs", reason: "no bucket that is declared",
		change: func(p *program) {
			p.set("CatalogTable", "queries-logs", "storageDescriptor.location", "s3://elsewhere/logs/")
		}},
	{rule: "table-projection", name: "not projected", resource: "queries-logs", reason: "aren't projected",
		change: func(p *program) {
			p.set("CatalogTable", "queries-logs", "parameters", map[string]any{"storage.location.template": "s3://" + bucketName + "/logs/"})
		}},
	{rule: "table-projection", name: "a partition with a column's name", resource: "queries-logs", reason: "has the name of a column",
		change: func(p *program) { p.set("CatalogTable", "queries-logs", "partitionKeys[0].name", "message") }},
	{rule: "table-projection", name: "a partition of which the template knows nothing", resource: "queries-logs", reason: "isn't projected",
		change: func(p *program) { p.set("CatalogTable", "queries-logs", "partitionKeys[0].name", "tenant") }},
	// A reader who lacks one thing can't query.
	{rule: "path", name: "the archive's key", resource: "queries-security", reason: "kms:Decrypt", options: oneQuery, change: withoutQueryStatement("Decrypt")},
	{rule: "path", name: "the objects", resource: "queries-security", reason: "s3:GetObject", options: oneQuery, change: withoutQueryStatement("Read")},
	{rule: "path", name: "the tables", resource: "queries-security", reason: "glue:GetTable", options: oneQuery, change: withoutQueryStatement("FindTables")},
	{rule: "path", name: "the results", resource: "queries-security", reason: "s3:PutObject", options: oneQuery, change: withoutQueryStatement("KeepResults")},
	{rule: "path", name: "the workgroup", resource: "queries-security", reason: "athena:StartQueryExecution", options: oneQuery, change: withoutQueryStatement("Query")},
	{rule: "path", name: "the archive's key doesn't know the reader", resource: "archive-key", reason: "kms:Decrypt", options: oneQuery, change: func(p *program) {
		p.edit("Key", "archive-key", "policy", func(d *policy.Document) { dropStatements(d, "DecryptForReaders") })
	}},
}

// oneQuery is the example's reader security, with one table.
var oneQuery = verify.Options{Queries: []verify.QueryReader{{
	Name: "security", Place: archive, Role: archive.RoleARN("log-archive-query-security-cn-north-1").String(),
	Principals: []string{archive.RoleARN("Responder").String()}, Workgroup: "log-archive-security", Database: "log_archive", Tables: []string{"cloudtrail"},
}}}

func withoutQueryStatement(sid string) func(*program) {
	return func(p *program) {
		p.edit("RolePolicy", "queries-security", "policy", func(d *policy.Document) { dropStatements(d, sid) })
	}
}
