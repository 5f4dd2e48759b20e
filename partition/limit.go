package partition

import "fmt"

// Limit is a quota or a maximum size of a service.
type Limit string

// The limits that the table knows. The unit is the last word of the name.
const (
	AdvancedParameter            Limit = "SSM parameter of the advanced tier, bytes"
	AccountPolicyCriteria        Limit = "account policy selection criteria, bytes"
	AccountPolicyDocument        Limit = "account policy document, characters"
	AccountSubscriptionPolicies  Limit = "account subscription policies per region, count"
	BackupVaultLockMinChangeable Limit = "backup vault lock changeable for, days"
	BucketPolicy                 Limit = "bucket policy, bytes"
	ExportTasks                  Limit = "active export tasks per account, count"
	FirehoseBufferMiBMax         Limit = "firehose S3 buffer size at most, MiB"
	FirehoseBufferMiBMin         Limit = "firehose S3 buffer size at least, MiB"
	FirehoseBufferSecondsMax     Limit = "firehose S3 buffer interval at most, seconds"
	FirehoseDirectPutMiB         Limit = "firehose direct put per stream and second, MiB"
	FirehoseDirectPutRecords     Limit = "firehose direct put per stream and second, records"
	FirehoseDirectPutRequests    Limit = "firehose direct put per stream and second, requests"
	FirehosePartitions           Limit = "firehose active partitions per stream, count"
	FirehosePrefix               Limit = "firehose evaluated prefix, characters"
	FirehoseRecord               Limit = "firehose record, bytes"
	FirehoseStreams              Limit = "firehose streams per region, count"
	FirehoseTransformSeconds     Limit = "firehose transform invocation, seconds"
	FirehosePartitionBufferMiB   Limit = "firehose S3 buffer size with dynamic partitioning at least, MiB"
	EndpointPolicy               Limit = "VPC endpoint policy, characters"
	FunctionPackage              Limit = "function deployment package uploaded directly, bytes"
	FunctionPolicy               Limit = "function policy, bytes"
	InlineRolePolicies           Limit = "inline policies of a role together, characters"
	KeyPolicy                    Limit = "key policy, bytes"
	LambdaPayload                Limit = "lambda synchronous payload, bytes"
	LogDestinationPolicy         Limit = "log destination policy, bytes"
	LogEvent                     Limit = "log event, bytes"
	LogResourcePolicy            Limit = "log resource policy, characters"
	ManagedPolicy                Limit = "managed policy, characters"
	OrganizationAccounts         Limit = "accounts per organization, count"
	PutLogEventsBatch            Limit = "PutLogEvents batch, bytes"
	QueuePolicy                  Limit = "queue policy, bytes"
	QueuePolicyActions           Limit = "queue policy actions per statement, count"
	QueuePolicyConditions        Limit = "queue policy conditions, count"
	QueuePolicyPrincipals        Limit = "queue policy principals, count"
	QueuePolicyStatements        Limit = "queue policy statements, count"
	RDSBackupReplications        Limit = "RDS automated backup replications per destination region and account, count"
	RDSExportTasks               Limit = "RDS snapshot exports at a time per account, count"
	ResourceControlPolicy        Limit = "resource control policy, characters"
	RoleTrustPolicy              Limit = "role trust policy, characters"
	RoleTrustPolicyMax           Limit = "role trust policy with a raised quota, characters"
	ServiceControlPolicy         Limit = "service control policy, characters"
	SessionPolicy                Limit = "session policy, characters"
	StandardParameter            Limit = "SSM parameter of the standard tier, bytes"
	SubscriptionFilters          Limit = "subscription filters per log group, count"
	TopicPolicy                  Limit = "topic policy, bytes"
	VaultAccessPolicy            Limit = "backup vault access policy, bytes"
)

// anywhere is the pseudo region of rows that hold in every region of the table.
const anywhere Region = "*"

type limitRow struct {
	limit  Limit
	region Region
	value  int64
	source string
}

const mib = 1 << 20

var limitTable = []limitRow{
	{AdvancedParameter, anywhere, 8 * 1024, "SSM User Guide, parameter-store-advanced-parameters, in both editions (H)"},
	{AccountPolicyCriteria, anywhere, 25 * 1024, "PutAccountPolicy: 25KB, by its UTF-8 bytes (H)"},
	{AccountPolicyDocument, anywhere, 30_720, "PutAccountPolicy (H)"},
	{AccountSubscriptionPolicies, anywhere, 1, "BC, DOC26 (H)"},
	{BackupVaultLockMinChangeable, anywhere, 3, "BC backup (H)"},
	{BucketPolicy, anywhere, 20 * 1024, "DOC23/DOC26 s3 quotas (H)"},
	{ExportTasks, anywhere, 1, "BC; DOC26 cloudwatch logs limits (H)"},
	{FirehoseBufferMiBMax, anywhere, 128, "BC firehose (H)"},
	{FirehoseBufferMiBMin, anywhere, 1, "BC firehose (H)"},
	{FirehoseBufferSecondsMax, anywhere, 900, "BC firehose (H)"},
	{FirehoseDirectPutMiB, "us-east-1", 5, "FH-Q (H)"},
	{FirehoseDirectPutMiB, "cn-north-1", 1, "FH-Q (H)"},
	{FirehoseDirectPutMiB, "cn-northwest-1", 1, "FH-Q (H)"},
	{FirehoseDirectPutRecords, "us-east-1", 500_000, "FH-Q (H)"},
	{FirehoseDirectPutRecords, "cn-north-1", 100_000, "FH-Q (H)"},
	{FirehoseDirectPutRecords, "cn-northwest-1", 100_000, "FH-Q (H)"},
	{FirehoseDirectPutRequests, "us-east-1", 2_000, "FH-Q (H)"},
	{FirehoseDirectPutRequests, "cn-north-1", 1_000, "FH-Q (H)"},
	{FirehoseDirectPutRequests, "cn-northwest-1", 1_000, "FH-Q (H)"},
	{FirehosePartitions, anywhere, 500, "FH-Q (H)"},
	{FirehosePrefix, anywhere, 512, "DOC23 s3-prefixes (H)"},
	{FirehoseRecord, anywhere, 1000 * 1024, "FH-Q (H)"},
	{FirehosePartitionBufferMiB, anywhere, 64, "CreateDeliveryStream: BufferingHints.SizeInMBs must be at least 64 when Dynamic Partitioning is enabled, the service's own message (M)"},
	{FirehoseTransformSeconds, anywhere, 300, "DOC23 firehose data-transformation: up to 5 minutes (H)"},
	{FirehoseStreams, "us-east-1", 5_000, "FH-Q (H)"},
	{FirehoseStreams, "cn-north-1", 500, "FH-Q (H)"},
	{FirehoseStreams, "cn-northwest-1", 500, "FH-Q (H)"},
	{EndpointPolicy, anywhere, 20_480, "VPC quotas, endpoint policy size, well known (M)"},
	{FunctionPackage, anywhere, 50 * mib, "Lambda Developer Guide, gettingstarted-limits: 50 MB zipped (H)"},
	{FunctionPolicy, anywhere, 20 * 1024, "Lambda quotas, function resource-based policy, well known (M)"},
	{InlineRolePolicies, anywhere, 10_240, "IAM quotas page, figure elided in the stored copy, well known (M)"},
	{KeyPolicy, anywhere, 32 * 1024, "DOC23/DOC26 kms quotas (H)"},
	{LambdaPayload, anywhere, 6 * mib, "DOC23 lambda quotas (H)"},
	{LogDestinationPolicy, anywhere, 5_120, "BC logs (H)"},
	{LogResourcePolicy, anywhere, 5_120, "DOC23 logs PutResourcePolicy (M); BC 1.43.11 allows 51,200 where the policy is a resource's own"},
	{LogEvent, anywhere, 1024 * 1024, "DOC26 cloudwatch logs limits (H)"},
	{ManagedPolicy, anywhere, 6_144, "IAM quotas page, figure elided in the stored copy, well known (M)"},
	{OrganizationAccounts, "cn-north-1", 5_000, "CN-UG organizations.html (H)"},
	{OrganizationAccounts, "cn-northwest-1", 5_000, "CN-UG organizations.html (H)"},
	{PutLogEventsBatch, anywhere, 1024 * 1024, "DOC26 cloudwatch logs limits (H)"},
	{QueuePolicy, anywhere, 8_192, "docs.aws.amazon.com and docs.amazonaws.cn SQSDeveloperGuide/quotas-policies (H)"},
	{QueuePolicyConditions, anywhere, 10, "SQSDeveloperGuide/quotas-policies (H)"},
	{QueuePolicyPrincipals, anywhere, 50, "SQSDeveloperGuide/quotas-policies (H)"},
	{QueuePolicyStatements, anywhere, 20, "SQSDeveloperGuide/quotas-policies (H)"},
	{QueuePolicyActions, anywhere, 7, "SQSDeveloperGuide/quotas-policies (H)"},
	{RDSBackupReplications, anywhere, 20, "DOC23 USER_ReplicateBackups.md (H)"},
	{RDSExportTasks, anywhere, 5, "DOC26 exportsnapshottos3 (H)"},
	{ResourceControlPolicy, anywhere, 5_120, "docs.aws.amazon.com orgs_reference_limits (H in aws)"},
	{RoleTrustPolicy, anywhere, 2_048, "DOC23/DOC26 IAM quotas (H)"},
	{RoleTrustPolicyMax, anywhere, 4_096, "DOC23/DOC26 IAM quotas (H)"},
	{ServiceControlPolicy, anywhere, 5_120, "docs.aws.amazon.com and docs.amazonaws.cn orgs_reference_limits (H)"},
	{SessionPolicy, anywhere, 2_048, "BC sts sessionPolicyDocumentType; STS AssumeRole (H)"},
	{StandardParameter, anywhere, 4 * 1024, "SSM User Guide, parameter-store-advanced-parameters, in both editions (H)"},
	{SubscriptionFilters, anywhere, 2, "BC; DOC26 cloudwatch logs limits (H)"},
	{TopicPolicy, anywhere, 30 * 1024, "docs.aws.amazon.com and docs.amazonaws.cn sns-access-policy-language-api-permissions-reference: 30 kb (H)"},
}

// Everywhere returns the limit's value where it is the same in every region of the table. Where it isn't, or the table
// has no figure, the error names the question.
func Everywhere(l Limit) (int64, error) {
	for i := range limitTable {
		if row := &limitTable[i]; row.limit == l && row.region == anywhere {
			return row.value, nil
		}
	}
	return 0, fmt.Errorf("limit %q in every region: not in the table", l)
}

// Limit returns the limit's value in the region. Where the table has no figure, the error names the question.
func (r Region) Limit(l Limit) (int64, error) {
	if r.Partition() == "" {
		_, err := ParseRegion(string(r))
		return 0, fmt.Errorf("limit %q: %w", l, err)
	}
	for i := range limitTable {
		if row := &limitTable[i]; row.limit == l && row.region == r {
			return row.value, nil
		}
	}
	if v, err := Everywhere(l); err == nil {
		return v, nil
	}
	return 0, fmt.Errorf("limit %q in %s: not in the table", l, r)
}
