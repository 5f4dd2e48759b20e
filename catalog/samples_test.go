package catalog

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

var (
	home    = partition.Place{Account: "111122223333", Region: "cn-north-1"}
	archive = partition.Place{Account: "444455556666", Region: "cn-northwest-1"}
	global  = partition.Place{Account: "111122223333", Region: "us-east-1"}
)

type m = map[string]any

// ARNs that the samples name.
var (
	homeKey    = home.ARN(partition.KMS, "key/0f8a6e1c-3d2b-4c5d-8e9f-0123456789ab").String()
	archiveKey = archive.ARN(partition.KMS, "key/1f8a6e1c-3d2b-4c5d-8e9f-0123456789ab").String()
	bucketARN  = partition.BucketARN(partition.China, "log-archive").String()
	streamARN  = home.ARN(partition.Firehose, "deliverystream/logs").String()
	roleARN    = home.RoleARN("firehose").String()
	groupARN   = home.LogGroupARN("/aws/cloudtrail/management").String()
	configRole = func() string {
		arn, err := home.ServiceLinkedRoleARN(partition.Config)
		if err != nil {
			panic(err)
		}
		return arn.String()
	}()
	topicARN  = home.ARN(partition.SNS, "alarms").String()
	queueARN  = home.ARN(partition.SQS, "events").String()
	lambdaARN = home.ARN(partition.Lambda, "function:transform").String()
	copyVault = partition.Place{Account: home.Account, Region: archive.Region}.ARN(partition.Backup, "backup-vault:copies").String()
)

// principal is the name of a service, which can't be missing in these tests.
func principal(s partition.Service) string {
	p, err := home.ServicePrincipal(s)
	if err != nil {
		panic(err)
	}
	return string(p)
}

var (
	trustPolicy    = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"` + principal(partition.Firehose) + `"},"Action":"sts:AssumeRole"}}`
	identityPolicy = `{"Version":"2012-10-17","Statement":[{"Sid":"Put","Effect":"Allow","Action":["s3:PutObject"],"Resource":"` + bucketARN + `/*"}]}`
	keyPolicy      = `{"Version":"2012-10-17","Statement":[{"Sid":"Enable IAM","Effect":"Allow","Principal":{"AWS":"` + home.RootARN().String() + `"},"Action":"kms:*","Resource":"*"}]}`
	bucketPolicy   = about("s3:PutObject", bucketARN+"/AWSLogs/*")
)

// destinationPolicy lets an account subscribe log groups to a destination.
var destinationPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + string(archive.Account) + `"},"Action":"logs:PutSubscriptionFilter","Resource":"` +
	home.ARN(partition.Logs, "destination:central").String() + `"}]}`

// accountDocument is an account policy that subscribes every log group.
func accountDocument(destination, role string) string {
	doc := `{"DestinationArn":"` + destination + `","FilterPattern":""`
	if role != "" {
		doc += `,"RoleArn":"` + role + `"`
	}
	return doc + "}"
}

// about is a resource's policy that lets log delivery do something.
func about(action, res string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + principal(partition.LogDelivery) + `"},"Action":"` + action + `","Resource":"` + res + `"}]}`
}

// samples are inputs that AWS accepts at home, and the ids that they give there. A "~" in an id stands for what is
// drawn at random.
var samples = map[string]struct {
	inputs m
	id     string
}{
	ProviderToken: {m{"region": "cn-north-1", "allowedAccountIds": []any{"111122223333"}, "version": "6.83.0"}, "~"},
	Bucket:        {m{"bucket": "log-archive", "tags": m{"a": "b"}}, "log-archive"},
	"aws:s3/bucketVersioningV2:BucketVersioningV2":           {m{"bucket": "log-archive", "versioningConfiguration": m{"status": "Enabled"}}, "log-archive"},
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {m{"bucket": "log-archive", "blockPublicAcls": true}, "log-archive"},
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls": {m{"bucket": "log-archive", "rule": m{"objectOwnership": "BucketOwnerEnforced"}}, "log-archive"},
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": {m{"bucket": "log-archive", "rules": []any{
		m{"applyServerSideEncryptionByDefault": m{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": homeKey}, "bucketKeyEnabled": true}}}, "log-archive"},
	BucketPolicy: {m{"bucket": "log-archive", "policy": bucketPolicy}, "log-archive"},
	lifecycleToken: {m{"bucket": "log-archive", "rules": []any{m{"id": "all", "status": "Enabled", "filter": m{"prefix": "logs/"},
		"transitions": []any{m{"days": 30, "storageClass": "STANDARD_IA"}, m{"days": 90, "storageClass": "GLACIER"}},
		"expiration":  m{"days": 365}, "noncurrentVersionExpiration": m{"noncurrentDays": 30}, "abortIncompleteMultipartUpload": m{"daysAfterInitiation": 7}}}}, "log-archive"},
	"aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2": {m{"bucket": "log-archive", "rule": m{"defaultRetention": m{"mode": "GOVERNANCE", "days": 30}}}, "log-archive"},
	"aws:s3/bucketLoggingV2:BucketLoggingV2":                                 {m{"bucket": "log-archive", "targetBucket": "access-logs", "targetPrefix": "log-archive/"}, "log-archive"},
	"aws:s3/bucketMetric:BucketMetric":                                       {m{"bucket": "log-archive", "name": "errors", "filter": m{"prefix": "errors/"}}, "log-archive:errors"},
	"aws:cloudwatch/compositeAlarm:CompositeAlarm":                           {m{"alarmName": "path", "alarmRule": `ALARM("failed") OR ALARM(late)`, "alarmActions": []any{topicARN}}, "path"},
	"aws:cloudwatch/dashboard:Dashboard":                                     {m{"dashboardName": "archive", "dashboardBody": `{"widgets":[]}`}, "archive"},
	"aws:s3/bucketNotification:BucketNotification": {m{"bucket": "log-archive", "queues": []any{
		m{"queueArn": queueARN, "events": []any{"s3:ObjectCreated:*"}}}}, "log-archive"},
	replicationToken: {m{"bucket": "log-archive", "role": roleARN, "rules": []any{m{"status": "Enabled", "priority": 1, "filter": m{"prefix": ""},
		"deleteMarkerReplication": m{"status": "Disabled"}, "sourceSelectionCriteria": m{"sseKmsEncryptedObjects": m{"status": "Enabled"}},
		"destination": m{"bucket": partition.BucketARN(partition.China, "replica").String(), "encryptionConfiguration": m{"replicaKmsKeyId": archiveKey}}}}}, "log-archive"},
	Key:            {m{"description": "logs", "enableKeyRotation": true, "deletionWindowInDays": 30, "policy": keyPolicy}, "~"},
	Alias:          {m{"name": "alias/logs", "targetKeyId": homeKey}, "alias/logs"},
	Role:           {m{"name": "firehose", "assumeRolePolicy": trustPolicy, "path": "/logs/"}, "firehose"},
	RolePolicy:     {m{"name": "put", "role": "firehose", "policy": identityPolicy}, "firehose:put"},
	RoleAttachment: {m{"role": "backup", "policyArn": backupPolicy}, "backup/" + backupPolicy},
	Policy:         {m{"name": "put", "policy": identityPolicy}, home.PolicyARN("put").String()},
	Stream: {m{"name": "logs", "destination": "extended_s3", "extendedS3Configuration": m{"bucketArn": bucketARN, "roleArn": roleARN, "kmsKeyArn": archiveKey,
		"bufferingSize": 64, "bufferingInterval": 60, "compressionFormat": "GZIP", "prefix": "logs/!{timestamp:yyyy}/", "errorOutputPrefix": "errors/!{firehose:error-output-type}/",
		"cloudwatchLoggingOptions": m{"enabled": true, "logGroupName": "/aws/firehose/logs", "logStreamName": "s3"}}}, streamARN},
	LogGroup:           {m{"name": "/app/web", "retentionInDays": 30, "kmsKeyId": homeKey}, "/app/web"},
	LogStream:          {m{"name": "s3", "logGroupName": "/app/web"}, "s3"},
	SubscriptionFilter: {m{"name": "archive", "logGroup": "/app/web", "filterPattern": "", "destinationArn": streamARN, "roleArn": roleARN}, "cwlsf-2839238776"},
	LogAccountPolicy: {m{"policyName": "archive", "policyType": SubscriptionFilterPolicy, "policyDocument": accountDocument(streamARN, roleARN),
		"selectionCriteria": `LogGroupName NOT IN ["/aws/kinesisfirehose/logs", "/app/web"]`}, "archive"},
	LogDestination:       {m{"name": "central", "targetArn": streamARN, "roleArn": roleARN}, "central"},
	LogDestinationPolicy: {m{"destinationName": "central", "accessPolicy": destinationPolicy}, "central"},
	"aws:cloudwatch/logResourcePolicy:LogResourcePolicy": {m{"policyName": "delivery", "policyDocument": about("logs:PutLogEvents", "*")}, "delivery"},
	"aws:cloudwatch/metricAlarm:MetricAlarm": {m{"name": "late", "comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 3, "metricName": "DeliveryToS3.DataFreshness",
		"namespace": "AWS/Firehose", "statistic": "Maximum", "period": 300, "threshold": 900, "alarmActions": []any{topicARN}}, "late"},
	FlowLog: {m{"vpcId": "vpc-0123456789abcdef0", "trafficType": "ALL", "logDestinationType": "s3", "logDestination": bucketARN + "/flow-logs-direct",
		"destinationOptions": m{"fileFormat": "parquet", "hiveCompatiblePartitions": true}}, "fl-~"},
	Vault:                                {m{"name": "home", "kmsKeyArn": homeKey}, "home"},
	"aws:backup/vaultPolicy:VaultPolicy": {m{"backupVaultName": "home", "policy": about("backup:CopyIntoBackupVault", "*")}, "home"},
	"aws:backup/vaultLockConfiguration:VaultLockConfiguration": {m{"backupVaultName": "home", "changeableForDays": 3, "minRetentionDays": 7, "maxRetentionDays": 365}, "home"},
	Plan: {m{"name": "daily", "rules": []any{m{"ruleName": "daily", "targetVaultName": "home", "schedule": "cron(0 5 * * ? *)", "startWindow": 60, "completionWindow": 240,
		"lifecycle":   m{"coldStorageAfter": 30, "deleteAfter": 120},
		"copyActions": []any{m{"destinationVaultArn": copyVault, "lifecycle": m{"deleteAfter": 365}}}}}}, "~"},
	Selection:                         {m{"name": "tagged", "planId": "1f8a6e1c-3d2b-4c5d-8e9f-0123456789ab", "iamRoleArn": roleARN, "selectionTags": []any{m{"type": "STRINGEQUALS", "key": "backup", "value": "daily"}}}, "~"},
	DBInstance:                        {m{"identifier": "orders", "instanceClass": "db.t3.medium", "engine": "mysql"}, "db-~"},
	BackupsReplication:                {m{"sourceDbInstanceArn": partition.Place{Account: home.Account, Region: "cn-northwest-1"}.ARN(partition.RDS, "db:orders").String(), "kmsKeyId": homeKey, "retentionPeriod": 14}, home.ARN(partition.RDS, "auto-backup:ab-").String() + "~"},
	DBCluster:                         {m{"clusterIdentifier": "orders", "engine": "aurora-mysql"}, "orders"},
	Topic:                             {m{"name": "alarms"}, topicARN},
	"aws:sns/topicPolicy:TopicPolicy": {m{"arn": topicARN, "policy": about("sns:Publish", topicARN)}, topicARN},
	"aws:sns/topicSubscription:TopicSubscription": {m{"topic": topicARN, "protocol": "sqs", "endpoint": queueARN}, topicARN + ":~"},
	Workgroup: {m{"name": "archive", "configuration": m{"enforceWorkgroupConfiguration": true, "bytesScannedCutoffPerQuery": 1000000000, "resultConfiguration": m{
		"outputLocation": "s3://results/queries/", "encryptionConfiguration": m{"encryptionOption": "SSE_KMS", "kmsKeyArn": homeKey}}}}, "archive"},
	NamedQuery:      {m{"name": "errors", "database": "archive", "query": "SELECT 1", "workgroup": "archive"}, "~"},
	CatalogDatabase: {m{"name": "archive"}, string(home.Account) + ":archive"},
	CatalogTable: {m{"name": "logs", "databaseName": "archive", "tableType": "EXTERNAL_TABLE", "parameters": m{"projection.enabled": "true"}, "partitionKeys": []any{m{"name": "day", "type": "string"}},
		"storageDescriptor": m{"location": "s3://archive/logs/", "columns": []any{m{"name": "id", "type": "string"}}}}, string(home.Account) + ":archive:logs"},
	Queue:                              {m{"name": "events", "messageRetentionSeconds": 1209600, "redrivePolicy": `{"deadLetterTargetArn":"` + queueARN + `","maxReceiveCount":5}`}, queueURL},
	"aws:sqs/queuePolicy:QueuePolicy":  {m{"queueUrl": queueURL, "policy": about("sqs:SendMessage", queueARN)}, queueURL},
	Function:                           {m{"name": "transform", "role": roleARN, "handler": "bootstrap", "runtime": "provided.al2023", "s3Bucket": "code", "architectures": []any{"arm64"}}, "transform"},
	Invocation:                         {m{"functionName": "transform", "input": `{"a":1}`, "lifecycleScope": "CRUD"}, "transform_$LATEST_~"},
	"aws:lambda/permission:Permission": {m{"statementId": "logs", "action": "lambda:InvokeFunction", "function": "transform", "principal": principal(partition.Firehose), "sourceArn": streamARN}, "logs"},
	mappingToken: {m{"eventSourceArn": queueARN, "functionName": lambdaARN, "batchSize": 10, "functionResponseTypes": []any{"ReportBatchItemFailures"},
		"scalingConfig": m{"maximumConcurrency": 2}}, "~"},
	EventRule:       {m{"name": "created", "eventPattern": `{"source":["aws.logs"],"detail":{"eventName":["CreateLogGroup"],"errorCode":[{"exists":false}]}}`}, "created"},
	targetToken:     {m{"rule": "created", "targetId": "subscribe", "arn": lambdaARN, "retryPolicy": m{"maximumRetryAttempts": 10, "maximumEventAgeInSeconds": 3600}}, "created-subscribe"},
	LoadBalancer:    {m{"name": "syslog", "loadBalancerType": "network", "internal": true, "subnets": []any{"subnet-01234567"}, "securityGroups": []any{"sg-01234567"}}, home.ARN(partition.ELB, "loadbalancer/net/syslog/~").String()},
	TargetGroup:     {m{"name": "syslog", "port": 5140, "protocol": "TLS", "vpcId": "vpc-01234567", "healthCheck": m{"protocol": "TCP", "interval": 10}}, home.ARN(partition.ELB, "targetgroup/syslog/~").String()},
	Listener:        {m{"loadBalancerArn": balancerARN, "port": 6514, "protocol": "TLS", "certificateArn": certificate, "defaultActions": []any{m{"type": "forward", "targetGroupArn": targetsARN}}}, strings.Replace(balancerARN, ":loadbalancer/", ":listener/", 1) + "/~"},
	LaunchTemplate:  {m{"name": "syslog", "imageId": "ami-01234567", "userData": userData(fluentConf), "metadataOptions": m{"httpTokens": "required", "httpPutResponseHopLimit": 1}}, "lt-0~"},
	SecurityGroup:   {m{"name": "syslog", "vpcId": "vpc-01234567", "description": "senders"}, "sg-0~"},
	VpcEndpoint:     {endpointSample(), "vpce-0~"},
	SecurityIngress: {m{"securityGroupId": "sg-01234567", "cidrIpv4": "10.0.0.0/16", "ipProtocol": "tcp", "fromPort": 6514, "toPort": 6514}, "sgr-0~"},
	SecurityEgress:  {m{"securityGroupId": "sg-01234567", "cidrIpv4": "10.0.0.0/16", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443}, "sgr-0~"},
	AutoScalingGroup: {m{"name": "syslog", "minSize": 2, "maxSize": 4, "launchTemplate": m{"id": "lt-01234567", "version": "1"}, "targetGroupArns": []any{targetsARN}, "healthCheckType": "ELB",
		"initialLifecycleHooks": []any{m{"name": "drain", "lifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING", "heartbeatTimeout": 900}}}, "syslog"},
	ScalingPolicy:   {m{"name": "syslog", "autoscalingGroupName": "syslog", "policyType": "TargetTrackingScaling"}, "syslog"},
	InstanceProfile: {m{"name": "web", "role": "web"}, "web"},
	Document:        {m{"name": "agents", "documentType": "Command", "content": agentContent}, "agents"},
	Association: {m{"name": "agents", "associationName": "agents", "targets": []any{m{"key": "tag:Logs", "values": []any{"yes"}}},
		"parameters": m{"configuration": "AmazonCloudWatch-web"}, "scheduleExpression": "rate(1 day)", "complianceSeverity": "HIGH", "maxErrors": "100%", "maxConcurrency": "25%"}, "~"},
	Trail: {m{"name": "management", "s3BucketName": "log-archive", "s3KeyPrefix": "cloudtrail", "kmsKeyId": archiveKey, "isMultiRegionTrail": true, "enableLogFileValidation": true,
		"cloudWatchLogsGroupArn": groupARN + ":*", "cloudWatchLogsRoleArn": roleARN, "advancedEventSelectors": []any{
			m{"name": "management", "fieldSelectors": []any{m{"field": "eventCategory", "equals": []any{"Management"}}}},
			m{"name": "objects", "fieldSelectors": []any{m{"field": "eventCategory", "equals": []any{"Data"}}, m{"field": "resources.type", "equals": []any{"AWS::S3::Object"}}}}}},
		home.ARN(partition.CloudTrail, "trail/management").String()},
	Recorder:          {m{"name": "default", "roleArn": configRole, "recordingGroup": m{"allSupported": true, "includeGlobalResourceTypes": true}}, "default"},
	RecorderStatus:    {m{"name": "default", "isEnabled": true}, "default"},
	DeliveryChannel:   {m{"name": "default", "s3BucketName": "log-archive", "s3KeyPrefix": "config", "s3KmsKeyArn": archiveKey, "snapshotDeliveryProperties": m{"deliveryFrequency": "Six_Hours"}}, "default"},
	ServiceLinkedRole: {m{"awsServiceName": principal(partition.Config)}, configRole},
	Detector:          {m{"enable": true, "findingPublishingFrequency": "FIFTEEN_MINUTES"}, "~"},
	PublishingDestination: {m{"detectorId": "12abc34d567e8fa901bc2d34e56789f0", "destinationArn": bucketARN, "kmsKeyArn": archiveKey},
		"12abc34d567e8fa901bc2d34e56789f0:~"},
	QueryLogConfig:                {m{"name": "archive", "destinationArn": bucketARN + "/dns"}, "rqlc-~"},
	QueryLogConfigAssociation:     {m{"resolverQueryLogConfigId": "rqlc-0123456789abcdef", "resourceId": "vpc-0123456789abcdef0"}, "rqlca-~"},
	"aws:ssm/parameter:Parameter": {m{"name": "/log-archive/bucket", "type": "String", "value": "log-archive"}, "/log-archive/bucket"},
}

const (
	lifecycleToken   = "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2"
	mappingToken     = "aws:lambda/eventSourceMapping:EventSourceMapping"
	targetToken      = "aws:cloudwatch/eventTarget:EventTarget"
	replicationToken = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
)

var (
	backupPolicy = partition.ManagedPolicyARN(partition.China, "service-role/AWSBackupServiceRolePolicyForBackup").String()
	queueURL     = func() string {
		host, err := home.Endpoint(partition.SQS)
		if err != nil {
			panic(err)
		}
		return "https://" + host + "/111122223333/events"
	}()
)

func properties(in m) resource.PropertyMap { return resource.NewPropertyMapFromMap(in) }

// typeOf returns a type of the table.
func typeOf(t *testing.T, token string) *Type {
	t.Helper()
	typ, ok := Lookup(token)
	if !ok {
		t.Fatalf("no type %s", token)
	}
	return typ
}

func TestSamplesAreAccepted(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(Tokens(), slices.Sorted(maps.Keys(samples))); diff != "" {
		t.Errorf("types without a sample (-type +sample):\n%s", diff)
	}
	for token, sample := range samples {
		typ := typeOf(t, token)
		r := Request{Place: home, Name: "sample", Inputs: properties(sample.inputs), DefaultTags: map[string]string{"project": "log-archive"}}
		for _, f := range typ.Check(r) {
			t.Errorf("%s: %v", token, f)
		}
		id, state, err := typ.Complete(r)
		if err != nil {
			t.Errorf("%s: %v", token, err)
			continue
		}
		if prefix, drawn := strings.CutSuffix(sample.id, "~"); id != sample.id && !(drawn && strings.HasPrefix(id, prefix) && len(id) > len(prefix)) {
			t.Errorf("%s: id is %q, want %q", token, id, sample.id)
		}
		for key := range state {
			if _, ok := typ.Outputs[string(key)]; !ok && token != ProviderToken {
				t.Errorf("%s: Complete gives %q, which is no output", token, key)
			}
		}
		if _, tagged := typ.Outputs["tagsAll"]; tagged && state["tagsAll"].ObjectValue()["project"].StringValue() != "log-archive" {
			t.Errorf("%s: the default tags are not in tagsAll: %v", token, state["tagsAll"])
		}
		if again := typ.Replaces(r.Inputs, r.Inputs); len(again) > 0 {
			t.Errorf("%s: the same inputs replace it because of %q", token, again)
		}
	}
}

// TestARNsAreOfThePlace completes every sample in both partitions.
func TestARNsAreOfThePlace(t *testing.T) {
	t.Parallel()
	for token, sample := range samples {
		for _, place := range []partition.Place{home, global} {
			_, state, err := typeOf(t, token).Complete(Request{Place: place, Name: "sample", Inputs: properties(sample.inputs)})
			if err != nil {
				t.Errorf("%s at %s: %v", token, place, err)
				continue
			}
			text, given := state["arn"], properties(sample.inputs)["arn"]
			if !text.IsString() || given.IsString() || strings.HasPrefix(token, "aws:sns/topicSubscription") || token == Listener { // a listener is where its load balancer is
				continue
			}
			arn, err := partition.ParseARN(text.StringValue())
			if err != nil {
				t.Errorf("%s at %s: %v", token, place, err)
				continue
			}
			want := place
			if arn.Service == partition.S3 {
				want = partition.Place{}
			} else if arn.Service == partition.IAM {
				want.Region = ""
			}
			if arn.Place() != want || arn.Partition != place.Partition() {
				t.Errorf("%s at %s: arn is %s", token, place, arn)
			}
		}
	}
}
