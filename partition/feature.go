package partition

import "fmt"

// Feature is something that a service can do in one partition and perhaps not in the other.
type Feature string

// The features that the table knows.
const (
	AccountSubscriptionPolicy  Feature = "account-level subscription filter policy"
	AgentBySystemsManager      Feature = "CloudWatch agent installed and configured by Systems Manager"
	ArchiveSearch              Feature = "AWS Backup search"
	AthenaProjection           Feature = "Athena partition projection"
	AuroraClusterExport        Feature = "export of Aurora clusters to S3"
	AuroraSnapshotExport       Feature = "export of RDS snapshots to S3"
	BackupAirGappedVault       Feature = "copy to a logically air-gapped vault"
	BackupAuditManager         Feature = "AWS Backup Audit Manager"
	BackupCrossAccountCopy     Feature = "AWS Backup copy to another account"
	BackupCrossRegionCopy      Feature = "AWS Backup copy to another region"
	BackupDynamoDBAdvanced     Feature = "AWS Backup for DynamoDB with advanced features"
	BackupPolicies             Feature = "backup policies of AWS Organizations"
	BackupS3                   Feature = "AWS Backup for S3"
	BackupVaultLock            Feature = "AWS Backup vault lock"
	BatchFargate               Feature = "AWS Batch on Fargate"
	CloudTrailOrganization     Feature = "CloudTrail organization trail"
	CompositeAlarms            Feature = "CloudWatch composite alarms"
	ConfigCrossRegionBucket    Feature = "AWS Config delivery to a bucket in another region"
	DynamicPartitioning        Feature = "Firehose dynamic partitioning"
	DynamoDBExport             Feature = "DynamoDB export to S3"
	EBSDirectAPIs              Feature = "EBS direct APIs"
	FindingsCrossRegionBucket  Feature = "GuardDuty findings to a bucket in another region"
	FindingsToS3               Feature = "GuardDuty findings to S3"
	FirehoseDecompression      Feature = "Firehose decompression of CloudWatch Logs"
	FirehoseService            Feature = "Firehose with direct put, Lambda transform and SSE"
	FlowLogsCrossRegionBucket  Feature = "VPC flow logs to a bucket in another region"
	FlowLogsToFirehose         Feature = "VPC flow logs directly to Firehose"
	FlowLogsToS3               Feature = "VPC flow logs to S3 with Hive prefixes, Parquet and hourly partitions"
	GlacierIR                  Feature = "S3 storage class GLACIER_IR"
	GlacierStorage             Feature = "S3 storage classes GLACIER and DEEP_ARCHIVE"
	LambdaARM64                Feature = "Lambda on arm64"
	LambdaLoggingConfig        Feature = "Lambda advanced logging configuration"
	LambdaProvidedAL2023       Feature = "Lambda runtime provided.al2023"
	LogCentralization          Feature = "CloudWatch Logs centralization across accounts and regions"
	LogDestinations            Feature = "CloudWatch Logs destinations in another account"
	LogExportEncrypted         Feature = "CloudWatch Logs export task to a bucket with SSE-KMS"
	LogLiveTail                Feature = "CloudWatch Logs Live Tail"
	MFADelete                  Feature = "S3 MFA delete"
	MultiRegionKeys            Feature = "KMS multi-region keys"
	ObjectLock                 Feature = "S3 Object Lock"
	OrganizationConditions     Feature = "conditions aws:PrincipalOrgID and aws:SourceOrgID"
	RDSBackupReplication       Feature = "RDS automated backup replication to another region"
	RDSSnapshotCopyCrossRegion Feature = "RDS manual snapshot copy to another region"
	QueryLogsToS3              Feature = "Route 53 Resolver query logs to S3"
	ReplicationTimeControl     Feature = "S3 replication time control"
	ResolverQueryLogs          Feature = "Route 53 Resolver query logging"
	RestoreTesting             Feature = "AWS Backup restore testing"
	S3CrossRegionReplication   Feature = "S3 replication to another region"
	SchedulerService           Feature = "EventBridge Scheduler"
	SecurityLake               Feature = "Security Lake"
	TopicBodyFilters           Feature = "SNS filter policies on the message body"
	StatesDistributedMap       Feature = "Step Functions distributed map"
)

// Support says whether a feature exists. Unknown means that no source says so: treat it as no until tried.
type Support int

// The three answers.
const (
	Unknown Support = iota
	No
	Yes
)

func (s Support) String() string {
	switch s {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "unknown"
}

// Fact is the table's answer on a feature.
type Fact struct {
	Support Support
	Source  string
	Note    string
}

type featureRow struct {
	feature Feature
	aws     Fact
	china   Fact
	// regions has the regions that differ from their partition.
	regions map[Region]Fact
}

func yes(source string) Fact        { return Fact{Yes, source, ""} }
func no(source string) Fact         { return Fact{No, source, ""} }
func notFound(where string) Fact    { return Fact{Unknown, where + ": not found", ""} }
func (f Fact) but(note string) Fact { f.Note = note; return f }

const general = "general AWS documentation, DOC26 (H)"

var featureTable = []featureRow{
	{AccountSubscriptionPolicy, yes("BC logs PutAccountPolicy; DOC26 (H)"), yes("docs.amazonaws.cn SubscriptionFilters-AccountLevel.md, no exclusion (M)"), nil},
	{ArchiveSearch, yes(general), notFound("DOC26 backup-feature-availability, table cells lost"), nil},
	{AthenaProjection, yes(general), yes("BC athena and glue endpoints in both regions; projection is a table property (M)"), nil},
	{AuroraClusterExport, yes("DOC26 exportclustertos3 (H)"), no("DOC26 exportclustertos3: only Ningxia listed (H)"),
		map[Region]Fact{"cn-north-1": no("DOC26 exportclustertos3: Beijing not listed (H)"), "cn-northwest-1": yes("DOC26 exportclustertos3 (H)")}},
	{AuroraSnapshotExport, yes("DOC23 ExportSnapshotToS3 (H)"), yes("DOC23 ExportSnapshotToS3; DOC26 (H)").but("MariaDB, MySQL and PostgreSQL; bucket in the same region; a KMS key is mandatory"), nil},
	{BackupAirGappedVault, yes(general), no("DOC26 backup-feature-availability.md footnote 1; CN-UG organizations (H)"), nil},
	{BackupAuditManager, yes(general), notFound("DOC26 backup-feature-availability, table cells lost"), nil},
	{BackupCrossAccountCopy, yes("DOC26 backup-feature-availability.md (H)"), no("DOC26 backup-feature-availability.md:147 footnote 2 (H)").but("copy within the account, to the other China region"), nil},
	{BackupCrossRegionCopy, yes("DOC26 backup-feature-availability.md (H)"), yes("CN-UG backup.md (H)").but("only between Beijing and Ningxia"), nil},
	{BackupDynamoDBAdvanced, yes("DOC26 backup-feature-availability.md (H)"), yes("DOC26 backup-feature-availability.md (H)"), nil},
	{BackupPolicies, yes(general), no("CN-UG organizations.html (H)"), nil},
	{BackupS3, yes("DOC26 backup-feature-availability.md (H)"), yes("DOC26 backup-feature-availability.md (H)").but("without copies to another account"), nil},
	{BackupVaultLock, yes(general), yes("BC backup core API, no China exclusion found (M)"), nil},
	{BatchFargate, yes(general), notFound("Batch on Fargate in China"), nil},
	{CloudTrailOrganization, yes(general), yes("CN-UG cloudtrail.html (M)").but("LZA (2023 code) leaves IsOrganizationTrail out in aws-cn: try it first"), nil},
	{CompositeAlarms, yes(general), yes("amazonaws.cn/cloudwatch/pricing lists their price (M)"), nil},
	{ConfigCrossRegionBucket, yes("API_DeliveryChannel: the key must be of the bucket's region, not of the channel's (M-H)"), yes("docs.amazonaws.cn s3-kms-key-policy and s3-bucket-policy, no exclusion found (M)"), nil},
	{DynamicPartitioning, yes("DOC23 firehose dynamic-partitioning (H)"), yes("docs.amazonaws.cn monitoring page lists PartitionCount, no exclusion (M)"), nil},
	{DynamoDBExport, yes("DOC26 s3dataexport-howitworks.md:14 (H)"), yes("no China exclusion found (M)"), nil},
	{EBSDirectAPIs, yes("BC endpoints (H)"), yes("BC endpoints; CDK vpc-endpoint.js (H)"), nil},
	{FindingsCrossRegionBucket, yes("GuardDuty User Guide, guardduty_exportfindings, Considerations (H)").but("not into an opt-in region"), notFound("guardduty_exportfindings speaks of commercial regions"), nil},
	{FindingsToS3, yes("GuardDuty User Guide, guardduty_exportfindings (H)"), yes("BC guardduty CreatePublishingDestination, endpoints in both regions, no exclusion found (M)").but("try it first"), nil},
	{FirehoseDecompression, yes("BC firehose ProcessorType (H)"), notFound("CN availability of the Decompression and CloudWatchLogProcessing processors"), nil},
	{FirehoseService, yes("BC endpoints (H)"), yes("BC endpoints; FH-Q; CLO deploys it with SSE (H)"), nil},
	{FlowLogsCrossRegionBucket, notFound("AWS documents neither allow nor forbid it"), notFound("AWS documents neither allow nor forbid it").but("LZA writes to a bucket in the region and replicates"), nil},
	{FlowLogsToFirehose, yes("BC ec2 LogDestinationType kinesis-data-firehose (H)"), notFound("China availability of kinesis-data-firehose"), nil},
	{FlowLogsToS3, yes("DOC23 vpc flow-logs-s3 (H)"), yes("docs.amazonaws.cn flow-logs-s3-create-flow-log.html; CN-UG vpc.html lists no exclusion (M-H)"), nil},
	{GlacierIR, yes(general), notFound("an authoritative China page on GLACIER_IR"), nil},
	{GlacierStorage, yes(general), yes("third-party price catalogue of 2026-04, no exclusion found (M)"), nil},
	{LambdaARM64, yes(general), yes("RI: LambdaInsightsExtension-Arm64 layers in both China regions (M-H)").but("recent: keep x86_64 as the fallback"), nil},
	{LambdaLoggingConfig, yes(general), no("CLO bin/main.ts:466 strips LoggingConfig in aws-cn (M)"), nil},
	{LambdaProvidedAL2023, yes(general), yes("RI LATEST_NODE_RUNTIME nodejs24.x, based on AL2023, in both regions (M)"), nil},
	{LogCentralization, yes(general), notFound("observabilityadmin in China"), nil},
	{LogDestinations, yes("DOC26 subscriptions.md (H)"), yes("docs.amazonaws.cn; LZA and CLO use them in aws-cn (H)"), nil},
	{LogExportEncrypted, yes("DOC26 s3export.md, BC (H)").but("not DSSE-KMS; bucket in the log group's region"), notFound("China statement on export tasks to SSE-KMS buckets"), nil},
	{LogLiveTail, yes("DOC26 cloudwatchlogs-livetail.md (H)"), no("DOC26 cloudwatchlogs-livetail.md:26 (H)"), nil},
	{MFADelete, yes(general).but("needs the root user"), no("CN-UG iam.html: no root user in China (H)").but("through Support only"), nil},
	{MultiRegionKeys, yes("DOC26 kms multi-region-keys (H)"), Fact{Unknown, "DOC23 excludes both regions, a newer KMS page includes all (M)", "use one key per region"}, nil},
	{ObjectLock, yes(general), yes("docs.amazonaws.cn API page, no exclusion found (M)"), nil},
	{OrganizationConditions, yes(general), Fact{Unknown, "LZA accelerator-stack.ts:1718 avoids aws:PrincipalOrgID in aws-cn (M)", "list account ids"}, nil},
	{RDSBackupReplication, yes("DOC23 USER_ReplicateBackups.md (H)"), yes("DOC23 USER_ReplicateBackups.md:38; DOC26 user-replicatebackups.md:126 (H)").but("Beijing and Ningxia; not Multi-AZ DB clusters"), nil},
	{RDSSnapshotCopyCrossRegion, yes("DOC26 user-copysnapshot.md (H)"), no("DOC26 user-copysnapshot.md:396, aurora-copy-snapshot.md:32 (H that it is stated)").but("the wording may mean other partitions only"), nil},
	{QueryLogsToS3, yes("Route 53 Developer Guide, resolver-query-logging-configurations-managing (H)"), notFound("query logs to S3 in China"), nil},
	{ReplicationTimeControl, yes("DOC26 replication-time-control (H)"), notFound("China availability statement on S3 RTC"), nil},
	{ResolverQueryLogs, yes("Route 53 Developer Guide, resolver-query-logs (H)"), notFound("a China statement on Resolver query logging"), nil},
	{RestoreTesting, yes(general), notFound("DOC26 backup-feature-availability, table cells lost"), nil},
	{S3CrossRegionReplication, yes("DOC26 replication (H)"), yes("AWS Storage Blog on transfers to China (H)").but("only between Beijing and Ningxia"), nil},
	{AgentBySystemsManager, yes("CloudWatch User Guide, installing-cloudwatch-agent-ssm (H)"), yes("docs.amazonaws.cn en_us monitoring and systems-manager user guides describe it for China (M)").but("that AWS-ConfigureAWSPackage and AmazonCloudWatch-ManageAgent are there was not tested"), nil},
	{SchedulerService, yes("BC endpoints (H)"), yes("BC endpoints; docs.amazonaws.cn eventbridge dual-stack page (H)").but("CLO v2.4.7 still avoids it in China"), nil},
	{SecurityLake, yes("BC endpoints (H)"), no("BC: no China endpoint (M-H)"), nil},
	{TopicBodyFilters, yes("SNS Developer Guide, sns-message-filtering-scope (H)"), yes("docs.amazonaws.cn sns-message-filtering-scope, which notes no exclusion (M)"), nil},
	{StatesDistributedMap, yes(general), notFound("distributed map in China"), nil},
}

func findFeature(f Feature) *featureRow {
	for i := range featureTable {
		if featureTable[i].feature == f {
			return &featureTable[i]
		}
	}
	return nil
}

// Feature returns what the table knows about f in the partition. A feature or partition without a row is Unknown,
// and Source names the question.
func (p Partition) Feature(f Feature) Fact {
	if row := findFeature(f); row != nil {
		switch p {
		case AWS:
			return row.aws
		case China:
			return row.china
		}
	}
	return Fact{Unknown, fmt.Sprintf("no row for %q in partition %q", f, p), ""}
}

// Feature returns what the table knows about f in the region: the partition's answer where the region has none of
// its own. In aws it speaks of the service; that every region has it is not claimed.
func (r Region) Feature(f Feature) Fact {
	if row := findFeature(f); row != nil {
		if fact, ok := row.regions[r]; ok {
			return fact
		}
	}
	return r.Partition().Feature(f)
}

// Require returns nil only if the partition has f. The error says no or unknown, and by which source.
func (p Partition) Require(f Feature) error { return require(f, string(p), p.Feature(f)) }

// Require returns nil only if the region has f. The error says no or unknown, and by which source.
func (r Region) Require(f Feature) error { return require(f, string(r), r.Feature(f)) }

func require(f Feature, where string, fact Fact) error {
	if fact.Support == Yes {
		return nil
	}
	note := ""
	if fact.Note != "" {
		note = "; " + fact.Note
	}
	if fact.Support == No {
		return fmt.Errorf("%s is not available in %s (source: %s%s)", f, where, fact.Source, note)
	}
	return fmt.Errorf("%s: it is not known whether it is available in %s (source: %s%s)", f, where, fact.Source, note)
}
