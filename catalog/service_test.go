package catalog

import (
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
)

func TestBucketNames(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"abc", "log-archive.2026", long(63), "0a0"} {
		if problem := bucketNameProblem(good); problem != "" {
			t.Errorf("%q: %s", good, problem)
		}
	}
	var changes []change
	for _, bad := range []string{"", "ab", long(64), "Logs", "a_b", "-logs", "logs-", "a..b", "192.168.0.1", "xn--a", "logs-s3alias", "sthree-a"} {
		changes = append(changes, change{"bucket", bad, "", "InvalidBucketName", "is not a bucket name"})
	}
	check(t, Bucket, append(changes, change{"bucket", nil, "", "", ""}))
}

func TestBucketSettings(t *testing.T) {
	t.Parallel()
	check(t, "aws:s3/bucketVersioningV2:BucketVersioningV2", []change{{"versioningConfiguration.status", "On", "", "MalformedXML", "not one of Enabled"}})
	check(t, "aws:s3/bucketOwnershipControls:BucketOwnershipControls", []change{{"rule.objectOwnership", "Owner", "", "MalformedXML", "BucketOwnerEnforced"}})
	check(t, "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", []change{
		{"rules[0].applyServerSideEncryptionByDefault.sseAlgorithm", "AES256", "rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId", "InvalidArgument", "AES256"},
		{"rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId", elsewhere(homeKey), "", "InvalidArgument", "partition"},
		{"rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId", "alias/logs", "", "", ""},
	})
	check(t, BucketPolicy, []change{
		{"bucket", "another", "policy", "MalformedPolicy", `is not bucket "another"`},
		{"policy", strings.Replace(bucketPolicy, "/AWSLogs/*", "/AWSLogs/${aws:SourceAccount}/*", 1), "", "", ""},
		{"policy", strings.Replace(bucketPolicy, "delivery.logs", "delivery/logs", 1), "", "MalformedPolicy", "is not a service principal"},
		{"policy", strings.ReplaceAll(bucketPolicy, "/AWSLogs/", "/"+long(20*1024)), "", "PolicyTooLarge", "20480"},
	})
	check(t, "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2", []change{
		{"rule.defaultRetention.mode", "SOFT", "", "InvalidArgument", "COMPLIANCE, GOVERNANCE"},
		{"rule.defaultRetention.days", 0, "", "InvalidArgument", "not between 1 and 36500"},
		{"rule.defaultRetention.years", 1, "rule.defaultRetention", "MalformedXML", "exactly one"},
		{"rule.defaultRetention.days", nil, "rule.defaultRetention", "MalformedXML", "exactly one"},
	})
	check(t, "aws:s3/bucketNotification:BucketNotification", []change{
		{"queues[0].events", nil, "queues[0].events", CheckFailure, "required"},
		{"queues[0].events[0]", "s3:ObjectMade:*", "", "InvalidArgument", "is not an event"},
		{"queues[0].queueArn", "events", "", "InvalidArgument", "is not an ARN"},
	})
	check(t, replicationToken, []change{
		{"rules[0].deleteMarkerReplication", nil, "rules[0]", "InvalidRequest", "DeleteMarkerReplication"},
		{"rules[0].destination.encryptionConfiguration", nil, "rules[0].destination", "InvalidRequest", "replica's key"},
		{"rules[0].destination.bucket", elsewhere(bucketARN), "", "InvalidRequest", "partition"},
		{"rules", []any{m{"status": "Enabled", "priority": 1, "destination": m{"bucket": bucketARN}}, m{"status": "Enabled", "priority": 1, "destination": m{"bucket": bucketARN}}}, "rules[1].priority", "InvalidRequest", "another rule"},
		{"rules", []any{m{"id": "a", "status": "Enabled", "priority": 1, "destination": m{"bucket": bucketARN}}, m{"id": "a", "status": "Enabled", "priority": 2, "destination": m{"bucket": bucketARN}}}, "rules[1].id", "InvalidRequest", "must be unique"},
		{"rules", []any{m{"id": "a", "status": "Enabled", "priority": 1, "destination": m{"bucket": bucketARN}}, m{"id": "b", "status": "Enabled", "priority": 2, "destination": m{"bucket": bucketARN}}}, "", "", ""},
		{"rules[0].priority", nil, "rules[0]", "InvalidRequest", "Priority must be specified"},
		{"rules[0].status", "On", "", "InvalidRequest", "Enabled, Disabled"},
		{"rules[0].destination.accessControlTranslation", m{"owner": "Destination"}, "rules[0].destination", "InvalidRequest", "needs Account"},
		{"rules[0].destination.replicationTime", m{"status": "Enabled", "time": m{"minutes": 30}}, "rules[0].destination", "InvalidRequest", "15 only"},
		{"rules[0].destination.metrics", m{"status": "Enabled", "eventThreshold": m{"minutes": 5}}, "rules[0].destination", "InvalidRequest", "15 only"},
	})
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	rule := samples[lifecycleToken].inputs["rules"].([]any)[0]
	check(t, lifecycleToken, []change{
		{"rules[0].status", "enabled", "", "InvalidArgument", "Enabled, Disabled"},
		{"rules[0].id", long(256), "", "InvalidArgument", "1 to 255"},
		{"rules", []any{rule, rule}, "rules[1].id", "InvalidArgument", "must be unique"},
		{"rules[0].transitions[0].storageClass", "COLD", "", "MalformedXML", "is not a storage class"},
		{"rules[0].transitions[0].storageClass", "GLACIER", "rules[0].transitions[1].storageClass", "InvalidRequest", "GLACIER as well"},
		{"rules[0].transitions[0].days", 29, "rules[0].transitions[0]", "InvalidArgument", "greater than or equal to 30"},
		{"rules[0].transitions[1].days", 59, "rules[0].transitions[1]", "InvalidArgument", "30 days more"},
		{"rules[0].transitions[1].days", 60, "", "", ""},
		{"rules[0].transitions[0].days", 100, "rules[0].transitions[0]", "InvalidArgument", "from GLACIER to STANDARD_IA"},
		{"rules[0].expiration.days", 90, "rules[0].transitions[1]", "InvalidArgument", "90 is not greater than 90"},
		{"rules[0].expiration.expiredObjectDeleteMarker", true, "rules[0].expiration", "MalformedXML", "excludes days"},
		{"rules[0].prefix", "a", "rules[0]", "MalformedXML", "exclude each other"},
		{"rules[0].noncurrentVersionExpiration.noncurrentDays", 0, "", "InvalidArgument", "not between 1"},
		{"rules[0].abortIncompleteMultipartUpload.daysAfterInitiation", 0, "", "InvalidArgument", "not between 1"},
		{"rules[0]", m{"id": "none", "status": "Enabled"}, "rules[0]", "InvalidRequest", "at least one action"},
		{"rules[0].noncurrentVersionTransitions", []any{m{"noncurrentDays": 30, "storageClass": "GLACIER"}}, "rules[0].noncurrentVersionTransitions[0]", "InvalidArgument", "NoncurrentVersionExpiration"},
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	check(t, Key, []change{
		{"deletionWindowInDays", 6, "", "ValidationException", "between 7 and 30"},
		{"rotationPeriodInDays", 89, "", "ValidationException", "between 90 and 2560"},
		{"rotationPeriodInDays", 2560, "", "", ""},
		{"customerMasterKeySpec", "AES", "", "ValidationException", "SYMMETRIC_DEFAULT"},
		{"customerMasterKeySpec", "RSA_2048", "enableKeyRotation", "UnsupportedOperationException", "not rotated"},
		{"policy", strings.ReplaceAll(keyPolicy, "kms:*", "kms:Encrypt"), "", "MalformedPolicyDocumentException", "will not allow you to update"},
		{"policy", strings.ReplaceAll(keyPolicy, string(home.Account), string(archive.Account)), "", "MalformedPolicyDocumentException", "will not allow you to update"},
		{"policy", elsewhere(keyPolicy), "", "MalformedPolicyDocumentException", "partition"},
		{"policy", nil, "", "", ""},
	})
	check(t, Alias, []change{
		{"name", "logs", "", "InvalidAliasNameException", "alias/"},
		{"name", "alias/aws/logs", "", "NotAuthorizedException", "reserved"},
		{"targetKeyId", elsewhere(homeKey), "", "ValidationException", "partition"},
	})
}

func TestRoles(t *testing.T) {
	t.Parallel()
	check(t, Role, []change{
		{"name", long(65), "", "ValidationError", "1 to 64"},
		{"name", "a b", "", "ValidationError", "1 to 64"},
		{"path", "logs", "", "ValidationError", "slash"},
		{"maxSessionDuration", 900, "", "ValidationError", "between 3600 and 43200"},
		{"permissionsBoundary", elsewhere(backupPolicy), "", "ValidationError", "partition"},
		{"namePrefix", "x", "name", CheckFailure, "conflicts with"},
		{"name", nil, "", "", ""},
	})
	check(t, RoleAttachment, []change{{"policyArn", elsewhere(backupPolicy), "", "ValidationError", "partition"}})
	check(t, Policy, []change{{"name", long(129), "", "ValidationError", "1 to 128"}})
}

func TestStreams(t *testing.T) {
	t.Parallel()
	const bad = "InvalidArgumentException"
	check(t, Stream, []change{
		{"name", long(65), "", bad, "1 to 64"},
		{"destination", "s3", "", bad, "extended_s3"},
		{"extendedS3Configuration", nil, "", CheckFailure, "required"},
		{"extendedS3Configuration.bufferingSize", 129, "", bad, "between 1 and 128"},
		{"extendedS3Configuration.bufferingSize", 0, "", bad, "between 1 and 128"},
		{"extendedS3Configuration.bufferingInterval", 901, "", bad, "between 0 and 900"},
		{"extendedS3Configuration.bufferingInterval", 0, "", "", ""},
		{"extendedS3Configuration.compressionFormat", "gzip", "", bad, "GZIP"},
		{"extendedS3Configuration.errorOutputPrefix", nil, "extendedS3Configuration.errorOutputPrefix", bad, "cannot be null or empty"},
		{"extendedS3Configuration.errorOutputPrefix", "errors/!{timestamp:yyyy}/", "", bad, "must contain !{firehose:error-output-type}"},
		{"extendedS3Configuration.errorOutputPrefix", "!{partitionKeyFromQuery:a}/!{firehose:error-output-type}/", "", bad, "cannot be in ErrorOutputPrefix"},
		{"extendedS3Configuration.prefix", "!{firehose:error-output-type}/", "", bad, "Prefix cannot contain"},
		{"extendedS3Configuration.prefix", "!{partitionKeyFromLambda:a}/", "", bad, "need dynamic partitioning"},
		{"extendedS3Configuration.prefix", "!{account:id}/", "", bad, "want a namespace"},
		{"extendedS3Configuration.prefix", "!{timestamp}/", "", bad, "want !{namespace:value}"},
		{"extendedS3Configuration.prefix", "!{timestamp:yyyy", "", bad, "without its end"},
		{"extendedS3Configuration.prefix", "{db_instance_id}/", "", "", ""}, // literal
		{"extendedS3Configuration.bucketArn", elsewhere(bucketARN), "", bad, "partition"},
		{"extendedS3Configuration.roleArn", "role", "", bad, "is not an ARN"},
		{"extendedS3Configuration.fileExtension", "gz", "", bad, "a dot"},
		{"extendedS3Configuration.fileExtension", ".json.gz", "", "", ""},
		{"extendedS3Configuration.cloudwatchLoggingOptions.logStreamName", nil, "extendedS3Configuration.cloudwatchLoggingOptions", bad, "logStreamName are needed"},
		{"extendedS3Configuration.s3BackupMode", "Enabled", "extendedS3Configuration.s3BackupConfiguration", bad, "needed"},
		{"serverSideEncryption", m{"enabled": true, "keyType": "CUSTOMER_MANAGED_CMK"}, "serverSideEncryption.keyArn", bad, "needed"},
		{"extendedS3Configuration.processingConfiguration", m{"enabled": true, "processors": []any{m{"type": "Lambda"}}},
			"extendedS3Configuration.processingConfiguration.processors[0]", bad, "LambdaArn"},
		{"extendedS3Configuration.processingConfiguration", m{"enabled": true, "processors": []any{m{"type": "Lambda", "parameters": []any{
			m{"parameterName": "LambdaArn", "parameterValue": lambdaARN + ":$LATEST"}}}}}, "", "", ""},
		{"extendedS3Configuration.dynamicPartitioningConfiguration", m{"enabled": true}, "", "", ""},
	})
	small := with(t, samples[Stream].inputs, "extendedS3Configuration.bufferingSize", 63)
	small["extendedS3Configuration"].ObjectValue()["dynamicPartitioningConfiguration"] = properties(m{"x": m{"enabled": true}})["x"]
	failures := typeOf(t, Stream).Check(Request{Place: home, Inputs: small})
	if len(failures) != 1 || !strings.Contains(failures[0].Reason, "at least 64") {
		t.Errorf("a buffer of 63 MiB with dynamic partitioning: %v", failures)
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	const bad = "InvalidParameterException"
	other := partition.Place{Account: home.Account, Region: archive.Region}
	check(t, LogGroup, []change{
		{"name", "a b", "", bad, "1 to 512"},
		{"name", "aws/x", "", bad, "reserved"},
		{"retentionInDays", 31, "", bad, "31 is not a retention"},
		{"retentionInDays", 0, "", "", ""},
		{"logGroupClass", "CHEAP", "", bad, "STANDARD"},
		{"kmsKeyId", elsewhere(homeKey), "", bad, "partition"},
	})
	check(t, LogStream, []change{{"name", "a:b", "", bad, "without : and *"}})
	check(t, SubscriptionFilter, []change{
		{"roleArn", nil, "roleArn", bad, "cannot be used without roleArn"},
		{"destinationArn", lambdaARN, "roleArn", bad, "vendor lambda cannot be used with roleArn"},
		{"destinationArn", bucketARN, "", bad, "is not a Firehose or Kinesis stream"},
		{"destinationArn", other.ARN(partition.Firehose, "deliverystream/logs").String(), "", bad, "account and region"},
		{"destinationArn", archive.ARN(partition.Logs, "destination:d").String(), "", bad, "log group's region"},
		{"destinationArn", elsewhere(streamARN), "", bad, "is not a region of partition"},
		{"filterPattern", long(1025), "", bad, "1024"},
		{"distribution", "ByLine", "", bad, "ByLogStream"},
		{"logGroup", "a b", "", bad, "1 to 512"},
	})
	check(t, "aws:cloudwatch/metricAlarm:MetricAlarm", []change{
		{"comparisonOperator", "Greater", "", "ValidationError", "GreaterThanThreshold"},
		{"period", 45, "", "ValidationError", "multiple of 60"},
		{"evaluationPeriods", 289, "", "ValidationError", "at most 86400"},
		{"datapointsToAlarm", 4, "", "ValidationError", "more than the 3"},
		{"threshold", nil, "threshold", "ValidationError", "exactly one"},
		{"metricName", nil, "metricName", "ValidationError", "exactly one"},
		{"extendedStatistic", "p99", "statistic", "ValidationError", "exactly one"},
		{"alarmActions[0]", "topic", "", "ValidationError", "is not an ARN"},
	})
}

func TestFlowLogs(t *testing.T) {
	t.Parallel()
	const bad = "InvalidParameter"
	group := home.LogGroupARN("/vpc/flow").String()
	check(t, FlowLog, []change{
		{"trafficType", "ALLL", "", bad, "ALL, ACCEPT, REJECT"},
		{"trafficType", nil, "trafficType", "MissingParameter", "TrafficType"},
		{"vpcId", "vpc-1", "", "InvalidVpcID.Malformed", "vpc-"},
		{"vpcId", nil, "-", CheckFailure, "none is given"},
		{"eniId", "eni-0123456789abcdef0", "-", CheckFailure, "vpcId, eniId are given"},
		{"iamRoleArn", roleARN, "", bad, "not applicable for s3"},
		{"logDestinationType", "cloud-watch-logs", "iamRoleArn", bad, "can't be empty"},
		{"logDestinationType", "kinesis-data-firehose", "logDestination", bad, "is not of the type"},
		{"logDestination", bucketARN + "/AWSLogs/x", "", bad, "reserved"},
		{"logDestination", elsewhere(bucketARN), "", bad, "partition"},
		{"logDestination", nil, "logDestination", "InvalidParameterCombination", "exactly one"},
		{"logGroupName", "/vpc/flow", "logDestination", "InvalidParameterCombination", "exactly one"},
		{"maxAggregationInterval", 300, "", bad, "60 or 600"},
		{"maxAggregationInterval", 60, "", "", ""},
		{"destinationOptions.fileFormat", "csv", "", bad, "plain-text, parquet"},
		{"logFormat", "${srcaddr},${dstaddr}", "", bad, "separated by a space"},
		{"logFormat", "${srcaddr} ${dstaddr}", "", "", ""},
		{"deliverCrossAccountRole", roleARN, "", bad, "only for logDestinationType"},
	})
	for name, test := range map[string]struct {
		inputs m
		want   string // "property code", or "" when it is accepted
	}{
		"log group":                  {m{"vpcId": "vpc-01234567", "trafficType": "ALL", "iamRoleArn": roleARN, "logDestination": group}, ""},
		"log group elsewhere":        {m{"vpcId": "vpc-01234567", "trafficType": "ALL", "iamRoleArn": roleARN, "logDestination": archive.LogGroupARN("x").String()}, "logDestination InvalidParameter"},
		"options with a log group":   {m{"vpcId": "vpc-01234567", "trafficType": "ALL", "iamRoleArn": roleARN, "logDestination": group, "destinationOptions": m{}}, "destinationOptions InvalidParameter"},
		"gateway":                    {m{"transitGatewayId": "tgw-01234567", "logDestinationType": "s3", "logDestination": bucketARN, "maxAggregationInterval": 60}, ""},
		"gateway with traffic type":  {m{"transitGatewayId": "tgw-01234567", "trafficType": "ALL", "logDestinationType": "s3", "logDestination": bucketARN, "maxAggregationInterval": 60}, "trafficType InvalidParameter"},
		"gateway, ten minutes":       {m{"transitGatewayId": "tgw-01234567", "logDestinationType": "s3", "logDestination": bucketARN}, "maxAggregationInterval InvalidParameter"},
		"stream of another account":  {m{"subnetId": "subnet-01234567", "trafficType": "ALL", "logDestinationType": "kinesis-data-firehose", "logDestination": archive.ARN(partition.Firehose, "deliverystream/x").String()}, "deliverCrossAccountRole InvalidParameter"},
		"stream of the same account": {m{"subnetId": "subnet-01234567", "trafficType": "ALL", "logDestinationType": "kinesis-data-firehose", "logDestination": streamARN}, ""},
	} {
		failures := typeOf(t, FlowLog).Check(Request{Place: home, Inputs: properties(test.inputs)})
		switch {
		case test.want == "" && len(failures) > 0:
			t.Errorf("%s: %v", name, failures)
		case test.want != "" && (len(failures) != 1 || failures[0].Property+" "+failures[0].Code != test.want):
			t.Errorf("%s: %v, want %s", name, failures, test.want)
		}
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	check(t, Vault, []change{
		{"name", "a", "", badBackup, "2 to 50"},
		{"name", "a.b", "", badBackup, "2 to 50"},
		{"kmsKeyArn", elsewhere(homeKey), "", badBackup, "partition"},
	})
	check(t, "aws:backup/vaultLockConfiguration:VaultLockConfiguration", []change{
		{"changeableForDays", 2, "", badBackup, "between 3"},
		{"minRetentionDays", 366, "", badBackup, "more than maxRetentionDays"},
	})
	check(t, Plan, []change{
		{"name", long(51), "", badBackup, "1 to 50"},
		{"rules[0].schedule", "rate(1 day)", "", badBackup, "cron("},
		{"rules[0].schedule", "cron(0 5 * * ?)", "", badBackup, "cron("},
		{"rules[0].startWindow", 30, "", badBackup, "between 60"},
		{"rules[0].completionWindow", 60, "", badBackup, "not more than the start window"},
		{"rules[0].lifecycle.deleteAfter", 119, "", badBackup, "119 is less than 30 + 90"},
		{"rules[0].lifecycle.deleteAfter", 36501, "", badBackup, "36500"},
		{"rules[0].copyActions[0].lifecycle.coldStorageAfter", 276, "rules[0].copyActions[0].lifecycle.deleteAfter", badBackup, "365 is less than 276 + 90"},
		{"rules[0].copyActions[0].destinationVaultArn", archive.ARN(partition.Backup, "backup-vault:copies").String(), "", badBackup, "another account"},
		{"rules[0].copyActions[0].destinationVaultArn", global.ARN(partition.Backup, "backup-vault:copies").String(), "", badBackup, "partition"},
		{"rules[0].enableContinuousBackup", true, "rules[0].lifecycle.deleteAfter", badBackup, "1 to 35 days"},
		{"rules", []any{m{"ruleName": "daily", "targetVaultName": "home"}, m{"ruleName": "daily", "targetVaultName": "home"}}, "rules[1].ruleName", badBackup, "another rule"},
		{"rules[0].targetVaultName", "a", "", badBackup, "2 to 50"},
	})
	check(t, Selection, []change{
		{"selectionTags", nil, "-", badBackup, "needs resources"},
		{"selectionTags[0].type", "LIKE", "", badBackup, "STRINGEQUALS"},
		{"resources", []any{"*"}, "", "", ""},
		{"resources", []any{"arn:" + string(partition.China) + ":rds:*:*:db:*"}, "", "", ""},
		{"resources", []any{"arn:" + string(partition.AWS) + ":rds:*:*:db:*"}, "resources[0]", badBackup, "partition"},
		{"iamRoleArn", "role", "", badBackup, "is not an ARN"},
	})
}

func TestQueuesAndFunctions(t *testing.T) {
	t.Parallel()
	check(t, Queue, []change{
		{"name", "a b", "", "InvalidParameterValue", "1 to 80"},
		{"name", "events.fifo", "", "InvalidParameterValue", ".fifo"},
		{"fifoQueue", true, "name", "InvalidParameterValue", ".fifo"},
		{"messageRetentionSeconds", 1209601, "", "InvalidAttributeValue", "1209600"},
		{"redrivePolicy", "{", "", "InvalidAttributeValue", "not JSON"},
		{"redrivePolicy", `{"deadLetterTargetArn":"` + elsewhere(queueARN) + `"}`, "", "InvalidAttributeValue", "is not a region of partition"},
		{"contentBasedDeduplication", true, "", "InvalidAttributeName", "FIFO"},
	})
	check(t, Topic, []change{{"name", "a b", "", "InvalidParameter", "1 to 256"}, {"fifoTopic", true, "name", "InvalidParameter", ".fifo"}})
	check(t, "aws:sns/topicSubscription:TopicSubscription", []change{{"protocol", "queue", "", "InvalidParameter", "sqs"}})
	check(t, Function, []change{
		{"runtime", "go1.x", "", badLambda, "provided.al2023"},
		{"handler", nil, "handler", badLambda, "packageType Zip"},
		{"s3Bucket", nil, "code", CheckFailure, "exactly one of code"},
		{"memorySize", 64, "", badLambda, "between 128"},
		{"role", elsewhere(roleARN), "", badLambda, "partition"},
		{"loggingConfig", m{"logFormat": "JSON"}, "", badLambda, "not in cn-north-1"},
	})
	check(t, Function, []change{
		{"environment", m{"variables": m{"AWS_REGION": "cn-north-1"}}, "environment.variables.AWS_REGION", badLambda, "reserved"},
		{"environment", m{"variables": m{"1": "a"}}, "environment.variables.1", badLambda, "want a letter"},
		{"environment", m{"variables": m{"A1": long(4095)}}, "environment.variables", badLambda, "4097 bytes"},
		{"environment", m{"variables": m{"A1": long(4094)}}, "", "", ""},
		{"reservedConcurrentExecutions", -2, "", badLambda, "between -1"},
	})
	check(t, "aws:lambda/permission:Permission", []change{
		{"principal", "logs.example.com", "", badLambda, "principal was invalid"},
		{"action", "invoke", "", "ValidationException", "lambda:InvokeFunction"},
		{"sourceArn", elsewhere(streamARN), "", "ValidationException", "partition"},
	})
	check(t, "aws:ssm/parameter:Parameter", []change{
		{"value", nil, "value", CheckFailure, "exactly one"},
		{"value", long(4097), "", "ValidationException", "4096"},
		{"name", "/aws/x", "", "ValidationException", "can't begin with aws"},
		{"type", "Text", "", "ValidationException", "SecureString"},
	})
	check(t, DBInstance, []change{{"identifier", "a_b", "", "InvalidParameterValue", "1 to 63"}})
}
