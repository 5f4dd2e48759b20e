package stacks

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
)

func TestParseSpecFillsInDefaults(t *testing.T) {
	t.Parallel()
	got, err := ParseSpec("beijing", parse(t, smallest).engine(t))
	if err != nil {
		t.Fatal(err)
	}
	ningxia := partition.Place{Account: "111122223333", Region: "cn-northwest-1"}
	archive := partition.Place{Account: "222233334444", Region: "cn-northwest-1"}
	want := &Spec{
		Stack: "beijing", Home: beijing, Backup: ningxia, Archive: archive,
		ArchiveRole: archive.RoleARN("Deployer"), ExternalID: "some-id", NamePrefix: "log-archive",
		ArchiveBucket: ArchiveSpec{Bucket: "example-archive", RetentionDays: 1827},
		Pipeline:      PipelineSpec{64, 300, 30, DefaultTimePrefix, false, TransformSpec{Enabled: true, MemoryMiB: 512}},
		PreflightMode: PreflightEnforce, MinimumRetentionDays: 180,
		Monitoring: &MonitoringSpec{Runbook: "docs/operations.md", SilentAfterHours: 24, LateAfterMinutes: 15, Dashboard: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseSpecReadsEverything(t *testing.T) {
	t.Parallel()
	got, err := ParseSpec("beijing", parse(t, whole).engine(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]FlowLogSpec{
		{Key: "log-archive:flowLogs[0]", Name: "main", Kind: KindVPC, ID: "vpc-0a1b2c3d4e5f60718", TrafficType: "ALL", Method: MethodS3, Parquet: true, HivePartitions: true, HourlyPartitions: true, Prefix: DirectFlowLogPrefix + "parquet/", AggregationSeconds: 600},
		{Key: "log-archive:flowLogs[1]", Name: "edge", Kind: KindSubnet, ID: "subnet-0a1b2c3d", TrafficType: "REJECT", Method: MethodFirehose, Via: ViaLogGroup, AggregationSeconds: 600, RetentionDays: 3},
		{Key: "log-archive:flowLogs[2]", Name: "host", Kind: KindENI, ID: "eni-0a1b2c3d4e5f60718", TrafficType: "ALL", Method: MethodLanding, Prefix: DirectFlowLogPrefix + "text-9dd93f3c/", LogFormat: "${srcaddr} ${dstaddr}", AggregationSeconds: 60},
		{Key: "log-archive:flowLogs[3]", Name: "hub", Kind: KindTransitGateway, ID: "tgw-0a1b2c3d4e5f60718", TrafficType: "ALL", Method: MethodLanding, Prefix: DirectFlowLogPrefix + "text-2ed9a511/", AggregationSeconds: 60},
	}, got.FlowLogs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]LogGroupSpec{
		{Key: "log-archive:logGroups[0]", Name: "/aws/lambda/a"},
		{Key: "log-archive:logGroups[1]", Name: "/app/b", Create: true, RetentionDays: 7, FilterPattern: "ERROR"},
	}, got.LogGroups); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]DatabaseSpec{
		{Key: "log-archive:databases[0]", Identifier: "shop", Engine: "mysql", LogTypes: []string{"error", "slowquery"}, CreateLogGroups: true, RetentionDays: 5},
		{Key: "log-archive:databases[1]", Identifier: "shop", Engine: "aurora-mysql", Cluster: true, LogTypes: []string{"audit"}},
		{Key: "log-archive:databases[2]", Identifier: "base", Engine: "postgres", Cluster: true, LogTypes: []string{"postgresql"}, CreateLogGroups: true, RetentionDays: 30},
	}, got.Databases); diff != "" {
		t.Error(diff)
	}
	stream := components.AgentInstanceID
	if diff := cmp.Diff([]InstancesSpec{{
		Key: "log-archive:instances[0]", Name: "web", Tags: map[string]string{"Logs": "yes"}, Schedule: "rate(1 day)", ComplianceSeverity: "HIGH",
		Agent: components.AgentConfiguration{
			Files: []components.AgentFile{
				{Path: "/var/log/messages", LogGroup: "/app/b", LogStream: stream},
				{Path: "/opt/a/*.log", LogGroup: "/app/c", LogStream: stream, TimestampFormat: "%Y-%m-%d", TimeZone: "UTC"},
			},
			Events: []components.AgentEvents{{Channel: "System", Levels: []string{"ERROR"}, Format: "xml", LogGroup: "/app/d", LogStream: stream}},
		},
		CreateLogGroups: []string{"/app/c", "/app/d"}, RetentionDays: 3,
	}}, got.Instances); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&BackupSpec{
		Vault: "archive",
		Rules: []BackupRuleSpec{{"daily", "cron(0 2 ? * * *)", 60, 1440, 30, 120, 0, 30}},
		Tags:  []BackupTagSpec{{"backup", "yes"}},
	}, got.BackupPlan); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(ArchiveSpec{"example-archive", 400, []TransitionSpec{{30, partition.StandardIA}, {90, partition.Glacier}}, nil, &ObjectLockSpec{"GOVERNANCE", 200}, got.Archive.RoleARN("ops/BreakGlass"), false, ""}, got.ArchiveBucket); diff != "" {
		t.Error(diff)
	}
	if got.ArchiveRole != got.Archive.RoleARN("ops/Deployer") {
		t.Errorf("role %s", got.ArchiveRole)
	}
}

// problem is the table's row: one change to the whole configuration, and the one line that it must give.
type problem struct {
	name, path string
	value      any
	want       string
}

func list(values ...any) []any { return append([]any{}, values...) }

func step2(days int, class string) map[string]any {
	return map[string]any{"days": days, "storageClass": class}
}

var problemTable = []problem{
	// Places.
	{"account too short", "sourceAccount", "1111", `sourceAccount: "1111" is not accepted; want an account id of 12 digits, in quotes`},
	{"account as number", "archive.account", 222233334444, `archive.account: 222233334444 is a number; want an account id of 12 digits, in quotes (put it in quotes)`},
	{"archive in the source account", "archive.account", "111122223333", `archive.account: "111122223333" is the source account, too; want another account, out of reach of the source's administrators`},
	{"unknown region", "homeRegion", "cn-north-2", `homeRegion: "cn-north-2" is not a known region: want one of cn-north-1, cn-northwest-1; did you mean cn-north-1?`},
	{"other partition", "backupRegion", "us-west-2", `backupRegion: cn-north-1 (partition aws-cn) can't copy to us-west-2 (partition aws): nothing is copied across partitions; want one of cn-northwest-1`},
	{"same region", "backupRegion", "cn-north-1", `backupRegion: cn-north-1 can't be the copy region of itself: want one of cn-northwest-1`},
	{"missing key", "homeRegion", removed{}, `homeRegion: is required; want a region, such as cn-north-1 or us-east-1`},
	{"external id too short", "archive.externalId", "x", `archive.externalId: "x" is not accepted; want 2 to 1224 letters, digits and + = , . @ : / _ -`},
	{"role with a space", "archive.role", "my role", `archive.role: "my role" is not a role; want a name of up to 64 letters, digits and + = , . @ _ -, with its path if it has one, or an ARN`},
	{"secret that can't be one", "archive.bucket", "[secret]", `archive.bucket: is a secret; the readings without AWS need it in plain text`},

	// Names.
	{"prefix in upper case", "namePrefix", "Archive", `namePrefix: "Archive" is not accepted; want two or more lower-case letters, digits and single hyphens, a letter first; short enough for the names made from it (64 characters for roles and streams, 50 for vaults)`},
	{"prefix too long for roles", "namePrefix", strings.Repeat("a", 40), `namePrefix: "` + strings.Repeat("a", 40) + `" is too long: the role ` + strings.Repeat("a", 40) + `-flow-logs-vended-delivery-cn-north-1 would have 77 characters, and AWS takes 64; want at most 27 characters`},
	{"bucket too short", "archive.bucket", "ab", `archive.bucket: "ab" is not a bucket name: it has 2 characters; want 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last`},
	{"bucket with dots", "archive.bucket", "logs.example", `archive.bucket: "logs.example" is not a bucket name: dots break TLS; want 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last`},
	{"bucket as address", "archive.bucket", "192.168.5.4", `archive.bucket: "192.168.5.4" is not a bucket name: it is an IP address; want 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last`},
	{"bucket in upper case", "archive.bucket", "Logs", `archive.bucket: "Logs" is not a bucket name: it has upper-case letters; want 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last`},
	{"bucket of AWS", "archive.bucket", "logs-s3alias", `archive.bucket: "logs-s3alias" is not a bucket name: names that end with -s3alias belong to AWS; want 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last`},

	// Lifecycle.
	{"retention below six months", "archive.retentionDays", 179, `archive.retentionDays: 179 is out of range; want an integer from 180 to 36500`},
	{"IA too early", "archive.transitions[0].days", 29, `archive.transitions[0].days: 29 is too early for STANDARD_IA; S3 wants 30 or more`},
	{"too soon after IA", "archive.transitions[1].days", 59, `archive.transitions[1].days: 59 is too early; objects stay in STANDARD_IA for 30 days, so S3 wants 60 or more`},
	{"step before the one before", "archive.transitions[1].days", 20, `archive.transitions[1].days: 20 is not after the step before, which is 30; want more`},
	{"warmer step", "archive.transitions[+]", step2(200, "STANDARD_IA"), `archive.transitions[2].storageClass: "STANDARD_IA" can't follow GLACIER; objects move only in the order STANDARD_IA, INTELLIGENT_TIERING, GLACIER_IR, GLACIER, DEEP_ARCHIVE`},
	{"step after the expiry", "archive.transitions[1].days", 400, `archive.transitions[1].days: 400 is not before the objects expire; want less than retentionDays, which is 400`},
	{"unknown class", "archive.transitions[1].storageClass", "GLACIAR", `archive.transitions[1].storageClass: "GLACIAR" is not one of STANDARD_IA, INTELLIGENT_TIERING, GLACIER, DEEP_ARCHIVE; did you mean GLACIER?`},
	{"class that China may lack", "archive.transitions[1].storageClass", "GLACIER_IR", `archive.transitions[1].storageClass: "GLACIER_IR": whether cn-northwest-1 has it is unknown (an authoritative China page on GLACIER_IR: not found); want one of STANDARD_IA, INTELLIGENT_TIERING, GLACIER, DEEP_ARCHIVE`},
	{"class of one zone", "archive.transitions[0].storageClass", "ONEZONE_IA", `archive.transitions[0].storageClass: "ONEZONE_IA" keeps the only copy in one availability zone, which is no archive; want one of STANDARD_IA, INTELLIGENT_TIERING, GLACIER, DEEP_ARCHIVE`},
	{"lock beyond the expiry", "archive.objectLock.days", 401, `archive.objectLock.days: 401 is longer than objects are kept; want at most retentionDays, which is 400`},
	{"class without logs", "archive.classes", list(map[string]any{"logs": list(), "retentionDays": 300}), `archive.classes[0].logs: is empty; want one or more of logs, flow-logs, databases, syslog, cloudtrail, config, findings, resolver-query-logs, access-logs`},
	{"logs in two classes", "archive.classes", list(map[string]any{"logs": list("databases"), "retentionDays": 300}, map[string]any{"logs": list("databases"), "retentionDays": 365}), `archive.classes[1].logs[0]: "databases" is in log-archive:archive.classes[0].logs[0], too; want it in one class`},
	{"class that is locked for longer", "archive.classes", list(map[string]any{"logs": list("databases"), "retentionDays": 199}), `archive.classes[0].retentionDays: 199 is less than objects are locked for; want at least archive.objectLock.days, which is 200`},
	{"class without time for versions", "archive.classes", list(map[string]any{"logs": list("databases"), "retentionDays": 300, "maximumDays": 303}), `archive.classes[0].maximumDays: 303 is too early for objects that expire after 300 days; S3 takes a day for the version that is left, and may be 3 days late, so want 304 or more`},
	{"class below six months", "archive.classes", list(map[string]any{"logs": list("databases"), "retentionDays": 179}), `archive.classes[0].retentionDays: 179 is out of range; want an integer from 180 to 36500`},
	{"class's step after its expiry", "archive.classes", list(map[string]any{"logs": list("databases"), "retentionDays": 300, "transitions": list(step2(300, "GLACIER"))}), `archive.classes[0].transitions[0].days: 300 is not before the objects expire; want less than retentionDays, which is 300`},
	{"class of logs that there aren't", "archive.classes", list(map[string]any{"logs": list("database"), "retentionDays": 300}), `archive.classes[0].logs[0]: "database" is not one of logs, flow-logs, databases, syslog, cloudtrail, config, findings, resolver-query-logs, access-logs`},
	{"lock mode", "archive.objectLock.mode", "governance", `archive.objectLock.mode: "governance" is not one of GOVERNANCE, COMPLIANCE`},

	// Pipeline.
	{"buffer size", "pipeline.bufferMiB", 129, `pipeline.bufferMiB: 129 is out of range; want an integer from 1 to 128`},
	{"buffer time", "pipeline.bufferSeconds", 30, `pipeline.bufferSeconds: 30 is out of range; want an integer from 60 to 900`},
	{"buffer time in quotes", "pipeline.bufferSeconds", "60", `pipeline.bufferSeconds: "60" is a string; want an integer from 60 to 900 (without quotes)`},
	{"retention that CloudWatch lacks", "pipeline.errorLogRetentionDays", 45, `pipeline.errorLogRetentionDays: 45 is not a number of days that CloudWatch Logs accepts; the nearest are 30 and 60`},
	{"retention for ever", "pipeline.errorLogRetentionDays", 0, `pipeline.errorLogRetentionDays: 0 is not a number of days that CloudWatch Logs accepts; the nearest are 1 and 3`},
	{"retention beyond", "pipeline.errorLogRetentionDays", 4000, `pipeline.errorLogRetentionDays: 4000 is not a number of days that CloudWatch Logs accepts; the nearest are 3288 and 3653`},
	{"prefix without slash", "pipeline.timePrefix", "!{timestamp:yyyy}", `pipeline.timePrefix: "!{timestamp:yyyy}": it doesn't end with a slash, so that names would grow out of it; want one at the end`},
	{"prefix with plain braces", "pipeline.timePrefix", "db-instance={db_instance_id}/", `pipeline.timePrefix: "db-instance={db_instance_id}/": braces without an exclamation mark are copied into the key as they are; want !{namespace:value}`},
	{"prefix of dynamic partitioning", "pipeline.timePrefix", "!{partitionKeyFromLambda:group}/", `pipeline.timePrefix: "!{partitionKeyFromLambda:group}/": !{partitionKeyFromLambda:group} needs dynamic partitioning, which the streams don't have; want !{timestamp:...} or !{firehose:random-string}`},
	{"prefix of errors", "pipeline.timePrefix", "!{firehose:error-output-type}/", `pipeline.timePrefix: "!{firehose:error-output-type}/": !{firehose:error-output-type} is for the prefix of errors, which has it already; want !{timestamp:...} or !{firehose:random-string}`},

	// Flow logs.
	{"traffic type", "flowLogs[1].trafficType", "ALLL", `flowLogs[1].trafficType: "ALLL" is not one of ALL, ACCEPT, REJECT`},
	{"method", "flowLogs[0].method", "S3", `flowLogs[0].method: "S3" is not one of s3, landing, firehose`},
	{"landing in the archive's bucket", "landing.bucket", "example-archive", `landing.bucket: "example-archive" is the archive's bucket, too; want another`},
	{"landing bucket with a dot", "landing.bucket", "example.landing", `landing.bucket: "example.landing" is not a bucket name: dots break TLS; want 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last`},
	{"landing for too short a time", "landing.expireDays", 13, `landing.expireDays: 13 is out of range; want an integer from 14 to 179`},
	{"landing for as long as an archive", "landing.expireDays", 180, `landing.expireDays: 180 is out of range; want an integer from 14 to 179`},
	{"time control in China", "landing.replicationTimeControl", true, `landing.replicationTimeControl: S3 replication time control: it is not known whether it is available in cn-north-1 (source: China availability statement on S3 RTC: not found); leave it out`},
	{"no resource", "flowLogs[0].vpcId", removed{}, `flowLogs[0]: no resource is given; want exactly one of vpcId, subnetId, eniId, transitGatewayId`},
	{"two resources", "flowLogs[0].eniId", "eni-0123456789abcdef0", `flowLogs[0].eniId: "eni-0123456789abcdef0" is the second resource of one flow log; want exactly one of vpcId, subnetId, eniId, transitGatewayId`},
	{"wrong kind of id", "flowLogs[0].vpcId", "subnet-0a1b2c3d", `flowLogs[0].vpcId: "subnet-0a1b2c3d" is not accepted; want an id such as vpc-0a1b2c3d4e5f60718`},
	{"the same resource twice", "flowLogs[+]", map[string]any{"name": "again", "vpcId": "vpc-0a1b2c3d4e5f60718"}, `flowLogs[4].vpcId: "vpc-0a1b2c3d4e5f60718" is recorded by log-archive:flowLogs[0].vpcId, too; its traffic would be archived twice`},
	{"the same name twice", "flowLogs[1].name", "main", `flowLogs[1].name: "main" is the name of log-archive:flowLogs[0].name, too; want another`},
	{"name in upper case", "flowLogs[1].name", "Edge", `flowLogs[1].name: "Edge" is not accepted; want lower-case letters, digits and single hyphens; each name once`},
	{"direct in China", "flowLogs[+]", map[string]any{"name": "new", "vpcId": "vpc-00000000", "method": "firehose", "via": "direct"}, `flowLogs[4].via: "direct": VPC flow logs directly to Firehose: it is not known whether it is available in cn-north-1 (source: China availability of kinesis-data-firehose: not found); want log-group`},
	{"option without effect", "flowLogs[1].format", "parquet", `flowLogs[1].format: only flow logs with method s3 or landing have it; leave it out`},
	{"retention without effect", "flowLogs[0].retentionDays", 7, `flowLogs[0].retentionDays: only flow logs with method firehose have it; leave it out`},
	{"retention of a flow log", "flowLogs[1].retentionDays", 8, `flowLogs[1].retentionDays: 8 is not a number of days that CloudWatch Logs accepts; the nearest are 7 and 14`},
	{"aggregation", "flowLogs[0].aggregationSeconds", 300, `flowLogs[0].aggregationSeconds: 300 is not one of 60, 600`},
	{"aggregation of a transit gateway", "flowLogs[3].aggregationSeconds", 600, `flowLogs[3].aggregationSeconds: 600 is not accepted for a transit gateway; want 60`},
	{"traffic of a transit gateway", "flowLogs[3].trafficType", "REJECT", `flowLogs[3].trafficType: "REJECT" is not accepted for a transit gateway, which records all traffic; leave it out`},
	{"unknown field of a record", "flowLogs[2].logFormat", "${srcaddr} ${dst-addr}", `flowLogs[2].logFormat: "${dst-addr}" is not a field of a VPC, subnet or network interface flow log; did you mean ${dstaddr}?`},
	{"field of a VPC in a gateway's record", "flowLogs[3].logFormat", "${interface-id}", `flowLogs[3].logFormat: "${interface-id}" is not a field of a transit gateway flow log`},
	{"field twice", "flowLogs[2].logFormat", "${srcaddr} ${srcaddr}", `flowLogs[2].logFormat: "${srcaddr}" is there twice; want each field once`},
	{"field without braces", "flowLogs[2].logFormat", "srcaddr", `flowLogs[2].logFormat: "srcaddr" is not a field; want fields such as ${srcaddr} with spaces between`},
	{"unknown key", "flowLogs[0].trafficTyp", "ALL", `flowLogs[0].trafficTyp: unknown key with value "ALL"; did you mean trafficType? known here: name, vpcId, subnetId, eniId, transitGatewayId, trafficType, method, via, format, hivePartitions, hourlyPartitions, logFormat, aggregationSeconds, retentionDays`},
	{"boolean as word", "flowLogs[0].hivePartitions", "yes", `flowLogs[0].hivePartitions: "yes" is a string; want true or false`},

	// Log groups.
	{"group twice", "logGroups[+]", map[string]any{"name": "/aws/lambda/a"}, `logGroups[2].name: "/aws/lambda/a" is archived by log-archive:logGroups[0].name, too; its events would be archived twice`},
	{"group of a database", "logGroups[0].name", "/aws/rds/instance/shop/error", `databases[0].logTypes[0]: "/aws/rds/instance/shop/error" is archived by log-archive:logGroups[0].name, too; its events would be archived twice`},
	{"group of a flow log", "logGroups[0].name", "/archive/flow-logs/edge", `logGroups[0].name: "/archive/flow-logs/edge" is archived by log-archive:flowLogs[1], too; its events would be archived twice`},
	{"group of a pipeline", "logGroups[0].name", "/aws/kinesisfirehose/archive-logs", `logGroups[0].name: "/aws/kinesisfirehose/archive-logs" is a pipeline's own group, whose events would go round in a circle; want another`},
	{"group that AWS creates", "logGroups[1].name", "aws/spans", `logGroups[1].name: "aws/spans": groups whose names begin with aws/ are created by AWS only; want another name, or create: false`},
	{"group with a colon", "logGroups[0].name", "/a:b", `logGroups[0].name: "/a:b" is not accepted; want up to 512 letters, digits and _ / . # -; each group once, and no group that the stack makes for itself`},
	{"retention of a group that exists", "logGroups[0].retentionDays", 30, `logGroups[0].retentionDays: 30: the retention is set only for groups that are created here; leave it out, or say create: true`},
	{"retention of a created group", "logGroups[1].retentionDays", 10, `logGroups[1].retentionDays: 10 is not a number of days that CloudWatch Logs accepts; the nearest are 7 and 14`},
	{"long filter pattern", "logGroups[0].filterPattern", strings.Repeat("x", 1025), `logGroups[0].filterPattern: "` + strings.Repeat("x", 100) + `…" has 1025 characters; want at most 1024`},
	{"element that is no object", "logGroups[0]", "/aws/lambda/a", `logGroups[0]: "/aws/lambda/a" is a string; want an object with name, create, retentionDays, filterPattern`},

	// Databases.
	{"log type of the console", "databases[0].logTypes[1]", "slow-query", `databases[0].logTypes[1]: "slow-query" is not a log type of mysql; say slowquery; want one of audit, error, general, slowquery, iam-db-auth-error`},
	{"log type of another engine", "databases[2].logTypes[0]", "audit", `databases[2].logTypes[0]: "audit" is not a log type of postgres clusters; want one of postgresql, upgrade, iam-db-auth-error`},
	{"log types as text", "databases[0].logTypes", "error,general", `databases[0].logTypes: "error,general" is a string; want a list of log types that the engine has`},
	{"no log types", "databases[0].logTypes", list(), `databases[0].logTypes: is empty; want a list of log types that the engine has`},
	{"log type twice", "databases[0].logTypes", list("error", "error"), `databases[0].logTypes[1]: "error" is log-archive:databases[0].logTypes[0], too; want each log type once`},
	{"engine", "databases[0].engine", "postgresql", `databases[0].engine: "postgresql" is not one of mysql, mariadb, postgres, aurora-mysql, aurora-postgresql, oracle-ee, oracle-ee-cdb, oracle-se2, oracle-se2-cdb, sqlserver-ee, sqlserver-se, sqlserver-ex, sqlserver-web, db2-ae, db2-se`},
	{"Aurora as an instance", "databases[1].cluster", false, `databases[1].cluster: false is not accepted for aurora-mysql, whose logs are those of the cluster; leave it out`},
	{"identifier in upper case", "databases[0].identifier", "Shop", `databases[0].identifier: "Shop" has upper-case letters, but RDS keeps identifiers in lower case; say shop`},
	{"database twice", "databases[2].identifier", "shop", `databases[2].identifier: "cluster shop" is the database of log-archive:databases[1].identifier, too; want each database once`},
	{"retention of groups that exist", "databases[1].retentionDays", 7, `databases[1].retentionDays: 7: the retention is set only for groups that are created here; leave it out, or say createLogGroups: true`},

	// Backup.
	{"schedule with five fields", "backup.rules[0].schedule", "cron(0 2 * * *)", `backup.rules[0].schedule: "cron(0 2 * * *)": it has 5 fields; want six: minutes hours day-of-month month day-of-week year; unlike Unix, AWS wants a year, and ? in one of the days`},
	{"schedule with two days", "backup.rules[0].schedule", "cron(0 2 * * * *)", `backup.rules[0].schedule: "cron(0 2 * * * *)": day-of-month * and day-of-week * can't both be given; want ? in one of them, such as cron(0 2 * * ? *)`},
	{"rate", "backup.rules[0].schedule", "rate(1 day)", `backup.rules[0].schedule: "rate(1 day)": want cron(minutes hours day-of-month month day-of-week year)`},
	{"every quarter of an hour", "backup.rules[0].schedule", "cron(0/15 * * * ? *)", `backup.rules[0].schedule: "cron(0/15 * * * ? *)": minutes 0/15: AWS Backup makes backups at most once an hour; want one minute`},
	{"cold storage", "backup.rules[0].deleteAfterDays", 100, `backup.rules[0].deleteAfterDays: 100 is too early; cold storage after 30 days keeps backups for 90 days, so want at least 120`},
	{"cold storage of the copy", "backup.rules[0].copy.coldStorageAfterDays", 7, `backup.rules[0].copy.deleteAfterDays: 30 is too early; cold storage after 7 days keeps backups for 90 days, so want at least 97`},
	{"no copy", "backup.rules[0].copy", removed{}, `backup.rules[0].copy: is required; want an object with deleteAfterDays and perhaps coldStorageAfterDays`},
	{"short start window", "backup.rules[0].startWindowMinutes", 30, `backup.rules[0].startWindowMinutes: 30 is out of range; want an integer of at least 60`},
	{"short completion window", "backup.rules[0].completionWindowMinutes", 119, `backup.rules[0].completionWindowMinutes: 119 is out of range; want an integer of at least 120`},
	{"completion before the latest start", "backup.rules[0].startWindowMinutes", 1400, `backup.rules[0].startWindowMinutes: a job may start within 1400 minutes and must end within 1440; want at least 60 minutes between`},
	{"rule twice", "backup.rules[+]", map[string]any{"name": "daily", "schedule": "cron(0 2 ? * * *)", "deleteAfterDays": 1, "copy": map[string]any{"deleteAfterDays": 1}}, `backup.rules[1].name: "daily" is the name of log-archive:backup.rules[0].name, too; want another`},
	{"no rules", "backup.rules", removed{}, `backup.rules: no rule is given; want at least one, or leave backup out`},
	{"nothing selected", "backup.selection", removed{}, `backup.selection: nothing is selected; want tags or arns`},
	{"vault of AWS", "backup.vault", "Default", `backup.vault: "Default" is the vault that AWS Backup makes itself; want another name`},
	{"vault with a space", "backup.vault", "my vault", `backup.vault: "my vault" is not accepted; want 2 to 50 letters, digits, hyphens and underscores`},
	{"ARN of another partition", "backup.selection.arns", list(virginia.ARN(partition.RDS, "db:shop").String()), `backup.selection.arns[0]: "` + virginia.ARN(partition.RDS, "db:shop").String() + `" is of partition aws; want aws-cn, that of the home region`},
	{"ARN of another region", "backup.selection.arns", list(partition.Place{Account: "111122223333", Region: "cn-northwest-1"}.ARN(partition.RDS, "db:shop").String()), `backup.selection.arns[0]: "` + partition.Place{Account: "111122223333", Region: "cn-northwest-1"}.ARN(partition.RDS, "db:shop").String() + `" is in cn-northwest-1; want the home region cn-north-1`},
	{"ARN of another account", "backup.selection.arns", list(partition.Place{Account: "999999999999", Region: "cn-north-1"}.ARN(partition.RDS, "db:shop").String()), `backup.selection.arns[0]: "` + partition.Place{Account: "999999999999", Region: "cn-north-1"}.ARN(partition.RDS, "db:shop").String() + `" is of account 999999999999; want the source account 111122223333`},
	{"ARN that nobody backs up", "backup.selection.arns", list(beijing.ARN(partition.SQS, "queue").String()), `backup.selection.arns[0]: "` + beijing.ARN(partition.SQS, "queue").String() + `": AWS Backup doesn't back up sqs; want one of backup-gateway, cloudformation, dynamodb, ec2, eks, elasticfilesystem, fsx, rds, redshift, redshift-serverless, s3, ssm-sap, storagegateway, timestream`},
	{"no ARN", "backup.selection.arns", list("db:shop"), `backup.selection.arns[0]: "db:shop" is not an ARN: want arn:partition:service:region:account:resource`},
	{"tag twice", "backup.selection.tags[+]", map[string]any{"key": "backup", "value": "yes"}, `backup.selection.tags[1]: "backup=yes" is selected by log-archive:backup.selection.tags[0], too; want each tag once`},

	// Instances.
	{"tags of no instance", "instances[0].tags", map[string]any{}, `instances[0].tags: 0 tags; want one to 5`},
	{"tag without a value", "instances[0].tags.Logs", "", `instances[0].tags.Logs: "Logs": "" is not a tag; want a key of up to 128 and a value of up to 256 letters, digits, spaces and + - = . _ : / @`},
	{"name too long for a role", "instances[0].name", strings.Repeat("w", 50), `instances[0].name: "` + strings.Repeat("w", 50) + `" is too long: the role archive-instances-` + strings.Repeat("w", 50) + `-cn-north-1 would have 79 characters, and AWS takes 64`},
	{"relative path", "instances[0].files[0].path", "messages", `instances[0].files[0].path: "messages": want the path of a file from the root or a drive on, such as /var/log/messages or C:\logs\app.log, of up to 4096 characters`},
	{"time zone without a format", "instances[0].files[1].timestampFormat", removed{}, `instances[0].files[1].timeZone: "UTC": the agent ignores it without a timestamp format; give one, or leave the time zone out`},
	{"one stream twice", "instances[0].files[1].logGroup", "/app/b", `instances[0].files[1]: "{instance_id}": Files[0] writes to the same stream of /app/b; want another, so that they can be told apart`},
	{"level that isn't one", "instances[0].windowsEvents[0].levels", list("INFO"), `instances[0].windowsEvents[0].levels[0]: "INFO" is not one of CRITICAL, ERROR, WARNING, INFORMATION, VERBOSE`},
	{"schedule too short", "instances[0].schedule", "rate(5 minutes)", `instances[0].schedule: "rate(5 minutes)": want rate(n minutes), rate(n hours) or rate(n days), from 30 minutes to 31 days`},
	{"retention that CloudWatch lacks", "instances[0].retentionDays", 2, `instances[0].retentionDays: 2 is not a number of days that CloudWatch Logs accepts; the nearest are 1 and 3`},
	{"log group of the pipeline", "instances[0].files[0].logGroup", "/aws/kinesisfirehose/archive-logs", `instances[0]: "/aws/kinesisfirehose/archive-logs" is a pipeline's own group, whose events would go round in a circle; want another`},
	{"log group of a database", "instances[0].files[0].logGroup", "/aws/rds/instance/shop/error", `databases[0].logTypes[0]: "/aws/rds/instance/shop/error" is archived by log-archive:instances[0], too; its events would be archived twice`},
	{"output in the archive", "instances[0].output", map[string]any{"bucket": "example-archive"}, `instances[0].output.bucket: "example-archive" is the archive; want another bucket, of the source account`},

	// Syslog.
	{"one subnet", "syslog.subnetIds", list("subnet-0a1b2c3d"), `syslog.subnetIds: 1 subnets; want two or more, in different zones`},
	{"subnet twice", "syslog.subnetIds", list("subnet-0a1b2c3d", "subnet-0a1b2c3d"), `syslog.subnetIds[1]: "subnet-0a1b2c3d" is log-archive:syslog.subnetIds[0], too; want each once`},
	{"everybody", "syslog.clientCidrs", list("0.0.0.0/0"), `syslog.clientCidrs[0]: "0.0.0.0/0": want a range of at most a /8: collectors are for what is near, not for the internet`},
	{"nobody", "syslog.clientCidrs", list(), `syslog.clientCidrs: is empty; want a list of address ranges`},
	{"address", "syslog.clientCidrs", list("10.0.0.1/16"), `syslog.clientCidrs[0]: "10.0.0.1/16": want an address range of IPv4 without bits behind its length, such as 10.0.0.0/16`},
	{"certificate elsewhere", "syslog.certificateArn", virginia.ARN(partition.ACM, "certificate/1").String(), `syslog.certificateArn: "` + virginia.ARN(partition.ACM, "certificate/1").String() + `" is at 333344445555/us-east-1; want 111122223333/cn-north-1, the home region of the source account`},
	{"no certificate", "syslog.certificateArn", beijing.ARN(partition.IAM, "server-certificate/1").String(), `syslog.certificateArn: "` + beijing.ARN(partition.IAM, "server-certificate/1").String() + `" is not the ARN of a certificate in ACM`},
	{"no room for a replacement", "syslog.maxSize", 3, `syslog.maxSize: 3 is not more than minSize 3: a machine is replaced by starting another one first`},
	{"version of nothing", "syslog.package.install", false, `syslog.package.version: nothing is installed; leave it out, or say install: true`},

	// Tags.
	{"tag of AWS", "tags.aws:x", "y", `tags["aws:x"]: "aws:x": keys that begin with aws: belong to AWS; want another`},
	{"tags that differ in case", "tags.Team", "security", `tags.team: "team" differs from "Team" only in upper and lower case, which IAM takes for the same; want one of them`},
	{"tag with odd characters", "tags.team", "a*b", `tags.team: "a*b" is not a value of a tag; want up to 256 letters, digits, spaces and + - = . _ : / @`},
	{"tag that is no string", "tags.costs", 4711, `tags.costs: 4711 is a number; want a string (put it in quotes)`},

	// The top level.
	{"unknown key at the top", "flowlogs", list(), `flowlogs: unknown key with value "[]"; did you mean flowLogs? known here: ` + topKeys()},
	{"key of another level", "retentionDays", 7, `retentionDays: unknown key with value "7"; it belongs to log-archive:archive.retentionDays. known here: ` + topKeys()},
	{"no archive", "archive", removed{}, `archive: is required; want an object with account, role, externalId, bucket, retentionDays, transitions, classes, organizationId, objectLock, breakGlassRole, maintenance, replica`},
	{"list instead of object", "archive", list(), `archive: [] is a list; want an object with account, role, externalId, bucket, retentionDays, transitions, classes, organizationId, objectLock, breakGlassRole, maintenance, replica`},
}

func TestParseSpecReports(t *testing.T) {
	t.Parallel()
	for _, test := range problemTable {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseSpec("beijing", parse(t, whole).with(t, test.path, test.value).engine(t))
			if diff := cmp.Diff([]string{"log-archive:" + test.want}, lines(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// lines returns a ConfigError's problems.
func lines(t testing.TB, err error) []string {
	t.Helper()
	var config *ConfigError
	if !errors.As(err, &config) {
		t.Fatalf("want a *ConfigError, got %v", err)
	}
	var all []string
	for _, p := range config.Problems {
		all = append(all, p.String())
	}
	return all
}

func TestParseSpecReportsEverythingTogether(t *testing.T) {
	t.Parallel()
	d := parse(t, whole)
	// Changes that don't touch each other's meaning.
	for _, path := range []string{"flowLogs[1].trafficType", "databases[0].logTypes[1]", "archive.retentionDays", "pipeline.bufferMiB", "homeRegion", "tags.team"} {
		d = d.with(t, path, "*wrong*")
	}
	got := lines(t, func() error { _, err := ParseSpec("x", d.engine(t)); return err }())
	var paths []string
	for _, line := range got {
		path, _, _ := strings.Cut(line, ": ")
		paths = append(paths, strings.TrimPrefix(path, "log-archive:"))
	}
	want := []string{"homeRegion", "archive.retentionDays", "pipeline.bufferMiB", "flowLogs[1].trafficType", "databases[0].logTypes[1]", "tags.team"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Error(diff)
	}
	_, err := ParseSpec("x", d.engine(t))
	if text := err.Error(); !strings.HasPrefix(text, "the configuration of stack x has 6 problems; nothing was changed:\n  log-archive:homeRegion: ") {
		t.Error(text)
	}
}

func TestParseSpecAcceptsARoleARN(t *testing.T) {
	t.Parallel()
	archive := partition.Place{Account: "222233334444", Region: "cn-northwest-1"}
	d := parse(t, whole)
	spec, err := ParseSpec("x", d.with(t, "archive.role", archive.RoleARN("ops/Deployer").String()).engine(t))
	if err != nil || spec.ArchiveRole != archive.RoleARN("ops/Deployer") {
		t.Errorf("%v, %v", spec, err)
	}
	for arn, want := range map[string]string{
		beijing.RoleARN("Deployer").String():  "of account 111122223333; want 222233334444, the archive's",
		virginia.RoleARN("Deployer").String(): "of partition aws; want aws-cn, the archive's",
		archive.PolicyARN("P").String():       "is not the ARN of a role",
		"arn:x":                               "is not an ARN",
	} {
		_, err := ParseSpec("x", d.with(t, "archive.role", arn).engine(t))
		if got := lines(t, err); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s: %q", arn, got)
		}
	}
}

// The examples of the issue, as they are written there.
func TestProblemsReadAsPromised(t *testing.T) {
	t.Parallel()
	_, err := ParseSpec("x", parse(t, whole).with(t, "flowLogs[1].trafficType", "ALLL").engine(t))
	if got, want := lines(t, err)[0], `log-archive:flowLogs[1].trafficType: "ALLL" is not one of ALL, ACCEPT, REJECT`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestEnginesAreThoseOfTheComponent(t *testing.T) {
	t.Parallel()
	for _, engine := range partition.DatabaseEngines() {
		_, asInstance := components.RdsLogTypes(engine, false)
		_, asCluster := components.RdsLogTypes(engine, true)
		if asInstance != nil && asCluster != nil {
			t.Errorf("%s: %v", engine, asInstance)
		}
	}
	_, err := components.RdsLogTypes("none", false)
	for _, engine := range strings.Split(err.Error()[strings.LastIndex(err.Error(), "of ")+3:], ", ") {
		if !strings.Contains(strings.Join(partition.DatabaseEngines(), " "), engine) {
			t.Errorf("%s is missing", engine)
		}
	}
}

// topKeys are the keys of the configuration, as a message lists them.
func topKeys() string {
	var keys []string
	for _, f := range Fields() {
		keys = append(keys, f.Key)
	}
	return strings.Join(keys, ", ")
}
