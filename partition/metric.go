package partition

import (
	"fmt"
	"slices"
	"strings"
)

// metricRow: what a service says about itself in CloudWatch. A metric without an answer for a partition isn't used there:
// an alarm on a metric that never comes is silent, or never silent.
type metricRow struct {
	namespace  string
	names      []string
	aws, china Fact
}

// Namespaces of the metrics that the table has.
const (
	BackupMetrics    = "AWS/Backup"
	FirehoseMetrics  = "AWS/Firehose"
	LambdaMetrics    = "AWS/Lambda"
	LogsMetrics      = "AWS/Logs"
	S3Metrics        = "AWS/S3"
	SNSMetrics       = "AWS/SNS"
	SQSMetrics       = "AWS/SQS"
	EventsMetrics    = "AWS/Events"
	StatesMetrics    = "AWS/States"
	DynamoDBMetrics  = "AWS/DynamoDB"
	NLBMetrics       = "AWS/NetworkELB"
	AutoScalingGroup = "AWS/AutoScaling"
	OwnMetricsPrefix = "LogArchive/" // those of this program's functions, in embedded metric format
)

// cnEdition is the confidence in a page of the China edition of the documents: it is generated from the general one, and says
// on top that services may differ.
const cnEdition = ", China edition without an exclusion (M)"

var metricTable = []metricRow{
	{FirehoseMetrics, []string{
		"BytesPerSecondLimit", "DeliveryToS3.Bytes", "DeliveryToS3.DataFreshness", "DeliveryToS3.ObjectCount", "DeliveryToS3.Records",
		"DeliveryToS3.Success", "ExecuteProcessing.Duration", "ExecuteProcessing.Success", "IncomingBytes", "IncomingRecords",
		"PartitionCount", "PartitionCountExceeded", "SucceedProcessing.Records", "ThrottledRecords",
	}, yes("Firehose Developer Guide, monitoring-with-cloudwatch-metrics (H)"), yes("docs.amazonaws.cn firehose monitoring pages" + cnEdition)},
	{LogsMetrics, []string{"DeliveryErrors", "DeliveryThrottling", "ForwardedBytes", "ForwardedLogEvents", "IncomingBytes", "IncomingLogEvents"},
		yes("CloudWatch Logs User Guide, CloudWatch-Logs-Monitoring-CloudWatch-Metrics (H)"), yes("docs.amazonaws.cn, the same page" + cnEdition)},
	{LambdaMetrics, []string{"ConcurrentExecutions", "DeadLetterErrors", "DestinationDeliveryFailures", "Duration", "Errors", "Invocations", "Throttles"},
		yes("Lambda Developer Guide, monitoring-metrics-types (H)"), yes("CLO deploys alarms on them in China (H)")},
	{SQSMetrics, []string{"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible", "NumberOfMessagesDeleted", "NumberOfMessagesSent"},
		yes("SQS Developer Guide, sqs-available-cloudwatch-metrics (H)"), yes("CLO deploys alarms on them in China (H)")},
	{SNSMetrics, []string{"NumberOfMessagesPublished", "NumberOfNotificationsFailed", "NumberOfNotificationsFilteredOut-InvalidMessageBody"},
		yes("SNS Developer Guide, sns-monitoring-using-cloudwatch (H)"), yes("docs.amazonaws.cn, the same page" + cnEdition)},
	{S3Metrics, []string{"4xxErrors", "5xxErrors", "PutRequests", "BytesPendingReplication", "OperationsFailedReplication", "OperationsPendingReplication", "ReplicationLatency"},
		yes("S3 User Guide, metrics-dimensions (H)"), yes("docs.amazonaws.cn AmazonS3 metrics-dimensions" + cnEdition)},
	{BackupMetrics, []string{
		"NumberOfBackupJobsAborted", "NumberOfBackupJobsCompleted", "NumberOfBackupJobsExpired", "NumberOfBackupJobsFailed",
		"NumberOfCopyJobsCompleted", "NumberOfCopyJobsFailed", "NumberOfRestoreJobsFailed",
	}, yes("AWS Backup Developer Guide, cloudwatch (H)"), yes("docs.amazonaws.cn aws-backup eventbridge page names the metrics" + cnEdition)},
	{EventsMetrics, []string{"DeadLetterInvocations", "FailedInvocations", "Invocations", "InvocationsFailedToBeSentToDlq"},
		yes("EventBridge User Guide, eb-monitoring (H)"), yes("docs.amazonaws.cn, the same page" + cnEdition)},
	{StatesMetrics, []string{"ExecutionsAborted", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionThrottled"},
		yes("Step Functions Developer Guide, procedure-cw-metrics (H)"), yes("docs.amazonaws.cn, the same page" + cnEdition)},
	{DynamoDBMetrics, []string{"SystemErrors", "ThrottledRequests", "UserErrors"},
		yes("DynamoDB Developer Guide, metrics-dimensions (H)"), yes("docs.amazonaws.cn, the same page" + cnEdition)},
	{NLBMetrics, []string{"HealthyHostCount", "UnHealthyHostCount", "ProcessedBytes", "NewFlowCount"},
		yes("Elastic Load Balancing, load-balancer-cloudwatch-metrics (H)"), yes("docs.amazonaws.cn, the same page" + cnEdition)},
	{AutoScalingGroup, []string{"GroupInServiceInstances"},
		yes("EC2 Auto Scaling, ec2-auto-scaling-metrics (H)"), yes("docs.amazonaws.cn, the same page" + cnEdition)},
}

// KnownNamespace says whether the table has metrics of the namespace.
func KnownNamespace(namespace string) bool {
	return slices.ContainsFunc(metricTable, func(r metricRow) bool { return r.namespace == namespace })
}

// MetricFact returns what the table knows about a metric in the partition; Unknown without a row. Metrics of this program's own
// functions are wherever the functions are.
func (p Partition) MetricFact(namespace, name string) Fact {
	if strings.HasPrefix(namespace, OwnMetricsPrefix) && p.known() {
		return yes("this program's functions report it")
	}
	for _, row := range metricTable {
		if row.namespace != namespace || !slices.Contains(row.names, name) {
			continue
		}
		switch p {
		case AWS:
			return row.aws
		case China:
			return row.china
		}
	}
	return Fact{Unknown, "not in the table", ""}
}

// RequireMetric returns nil if the metric is known to be there in the partition.
func (p Partition) RequireMetric(namespace, name string) error {
	if fact := p.MetricFact(namespace, name); fact.Support != Yes {
		return fmt.Errorf("metric %s of %s in partition %s: %s (%s)", name, namespace, p, fact.Support, fact.Source)
	}
	return nil
}
