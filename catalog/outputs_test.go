package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

func complete(t *testing.T, token string, r Request) (string, resource.PropertyMap) {
	t.Helper()
	id, state, err := typeOf(t, token).Complete(r)
	if err != nil {
		t.Fatalf("%s: %v", token, err)
	}
	return id, state
}

func TestComputedOutputs(t *testing.T) {
	t.Parallel()
	suffix := partition.China.DNSSuffix()
	for _, test := range []struct {
		token, output, want string
	}{
		{Bucket, "arn", bucketARN},
		{Bucket, "bucketDomainName", "log-archive.s3." + suffix},
		{Bucket, "bucketRegionalDomainName", "log-archive.s3.cn-north-1." + suffix},
		{Bucket, "region", "cn-north-1"},
		{Alias, "arn", home.ARN(partition.KMS, "alias/logs").String()},
		{Alias, "targetKeyArn", homeKey},
		{Alias, "targetKeyId", "0f8a6e1c-3d2b-4c5d-8e9f-0123456789ab"},
		{Role, "arn", home.RoleARN("logs/firehose").String()},
		{Role, "path", "/logs/"},
		{Policy, "path", "/"},
		{LogGroup, "arn", home.LogGroupARN("/app/web").String()},
		{LogGroup, "logGroupClass", "STANDARD"},
		{LogStream, "arn", home.LogGroupARN("/app/web:log-stream:s3").String()},
		{SubscriptionFilter, "distribution", "ByLogStream"},
		{LogDestination, "arn", home.ARN(partition.Logs, "destination:central").String()},
		{Stream, "arn", streamARN},
		{Stream, "versionId", "1"},
		{FlowLog, "logFormat", defaultLogFormat},
		{Vault, "arn", home.ARN(partition.Backup, "backup-vault:home").String()},
		{"aws:backup/vaultPolicy:VaultPolicy", "backupVaultArn", home.ARN(partition.Backup, "backup-vault:home").String()},
		{DBInstance, "arn", home.ARN(partition.RDS, "db:orders").String()},
		{DBCluster, "arn", home.ARN(partition.RDS, "cluster:orders").String()},
		{Queue, "url", queueURL},
		{Function, "qualifiedArn", lambdaARN + ":$LATEST"},
		{mappingToken, "functionArn", lambdaARN},
		{mappingToken, "state", "Enabled"},
		{EventRule, "arn", home.ARN(partition.Events, "rule/created").String()},
		{EventRule, "state", "ENABLED"},
		{targetToken, "eventBusName", "default"},
		{InstanceProfile, "arn", home.ARN(partition.IAM, "instance-profile/web").String()},
		{Document, "arn", home.ARN(partition.SSM, "document/agents").String()},
		{Document, "schemaVersion", "2.2"},
		{Association, "documentVersion", "$DEFAULT"},
		{"aws:ssm/parameter:Parameter", "arn", home.ARN(partition.SSM, "parameter/log-archive/bucket").String()},
	} {
		_, state := complete(t, test.token, Request{Place: home, Name: "sample", Inputs: properties(samples[test.token].inputs)})
		if got := state[resource.PropertyKey(test.output)]; !got.IsString() || got.StringValue() != test.want {
			t.Errorf("%s: %s is %v, want %q", test.token, test.output, got, test.want)
		}
	}
}

// TestOwnARN: what points to something by its ARN isn't it.
func TestOwnARN(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{Function: lambdaARN, Queue: queueARN, Stream: home.ARN(partition.Firehose, "deliverystream/logs").String(), targetToken: "", "aws:sns/topicPolicy:TopicPolicy": "", RolePolicy: ""} {
		_, state := complete(t, token, Request{Place: home, Name: "sample", Inputs: properties(samples[token].inputs)})
		if got := typeOf(t, token).ARN(state); got != want {
			t.Errorf("%s: %q, want %q", token, got, want)
		}
	}
}

func TestNestedDefaults(t *testing.T) {
	t.Parallel()
	inputs := with(t, samples[Stream].inputs, "extendedS3Configuration.bufferingInterval", nil)
	_, state := complete(t, Stream, Request{Place: home, Name: "s", Inputs: inputs})
	s3 := state["extendedS3Configuration"].ObjectValue()
	if s3["bufferingInterval"].NumberValue() != 300 || s3["bufferingSize"].NumberValue() != 64 || s3["s3BackupMode"].StringValue() != "Disabled" {
		t.Errorf("the destination has %v, want 300 seconds by default, 64 MiB as given, no backup", s3)
	}
	if inputs["extendedS3Configuration"].ObjectValue()["bufferingInterval"].HasValue() {
		t.Error("Complete has changed the inputs")
	}
}

func TestObjectsBecomeTexts(t *testing.T) {
	t.Parallel()
	inputs := properties(m{"name": "put", "policy": m{"Version": "2012-10-17", "Statement": []any{}}})
	inputs["role"] = resource.NewResourceReferenceProperty(resource.ResourceReference{ID: resource.NewStringProperty("firehose")})
	id, state := complete(t, RolePolicy, Request{Place: home, Name: "p", Inputs: inputs})
	if id != "firehose:put" || state["role"].StringValue() != "firehose" {
		t.Errorf("of a role given whole: id %q, role %v, want its name", id, state["role"])
	}
	if got, want := state["policy"], `{"Statement":[],"Version":"2012-10-17"}`; !got.IsString() || got.StringValue() != want {
		t.Errorf("a policy given as an object is %v, want %s", got, want)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		token, prefix string
		inputs        m
		digits        int
	}{
		{Bucket, "logs-", m{}, 7},
		{Bucket, "archive-", m{"bucketPrefix": "archive-"}, 26},
		{Role, "firehose-", m{"namePrefix": "firehose-"}, 26},
		{Alias, "alias/logs-", m{"targetKeyId": homeKey}, 7},
	} {
		id, _ := complete(t, test.token, Request{Place: home, Name: "logs", Inputs: properties(test.inputs)})
		if !strings.HasPrefix(id, test.prefix) || len(id) != len(test.prefix)+test.digits {
			t.Errorf("%s with %v: %q, want %s and %d digits", test.token, test.inputs, id, test.prefix, test.digits)
		}
	}
}

func TestRandomIdsAreDerived(t *testing.T) {
	t.Parallel()
	request := Request{Place: home, Name: "logs", Inputs: properties(m{})}
	id := func(change func(*Request)) string {
		r := request
		change(&r)
		id, _ := complete(t, Key, r)
		return id
	}
	ids := []string{
		id(func(*Request) {}),
		id(func(r *Request) { r.Place = archive }),
		id(func(r *Request) { r.Name = "other" }),
		id(func(r *Request) { r.Salt = "2" }),
	}
	slices.Sort(ids)
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("ids repeat: %q", ids)
	}
	if again := id(func(*Request) {}); !slices.Contains(ids, again) {
		t.Errorf("the same request gave %q, which it didn't before", again)
	}
}

func TestUnknownsAndSecretsInOutputs(t *testing.T) {
	t.Parallel()
	unknownName := resource.MakeComputed(resource.NewStringProperty(""))
	id, state := complete(t, Bucket, Request{Place: home, Name: "b", Inputs: resource.PropertyMap{"bucket": unknownName}})
	if id != "" || !state["arn"].IsComputed() || !state["bucketDomainName"].IsComputed() {
		t.Errorf("of an unknown name: id %q, arn %v, want none and unknown", id, state["arn"])
	}
	if !state["region"].IsString() {
		t.Errorf("region is %v, want it known", state["region"])
	}
	id, state = complete(t, Bucket, Request{Place: home, Name: "b", Inputs: resource.PropertyMap{"bucket": resource.MakeSecret(resource.NewStringProperty("logs"))}})
	if id != "logs" || !state["bucket"].IsSecret() {
		t.Errorf("of a secret name: id %q, bucket %v, want it read and still secret", id, state["bucket"])
	}
	_, state = complete(t, "aws:ssm/parameter:Parameter", Request{Place: home, Name: "p", Inputs: properties(samples["aws:ssm/parameter:Parameter"].inputs)})
	if !state["value"].IsSecret() {
		t.Errorf("the parameter's value is %v, want it secret as the SDK says", state["value"])
	}
}

func TestCompleteNeedsAPlace(t *testing.T) {
	t.Parallel()
	if _, _, err := typeOf(t, Bucket).Complete(Request{Name: "b"}); err == nil || !strings.Contains(err.Error(), "region") {
		t.Errorf("without a place: %v, want an error about the region", err)
	}
}

func TestReplaces(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		token, path string
		value       any
		want        []string
	}{
		{Bucket, "bucket", "other", []string{"bucket"}},
		{Bucket, "bucket", nil, nil}, // a name left to the provider stays
		{Bucket, "tags", m{"a": "c"}, nil},
		{Bucket, "objectLockEnabled", false, nil}, // the default
		{Bucket, "objectLockEnabled", true, []string{"objectLockEnabled"}},
		{BucketPolicy, "policy", "{}", nil},
		{BucketPolicy, "bucket", "other", []string{"bucket"}},
		{Key, "policy", "{}", nil},
		{Key, "multiRegion", true, []string{"multiRegion"}},
		{Alias, "targetKeyId", "other", nil},
		{Role, "path", "/", []string{"path"}},
		{Role, "assumeRolePolicy", "{}", nil},
		{Policy, "path", "/", nil},
		{Stream, "name", "other", []string{"name"}},
		{Stream, "extendedS3Configuration.bucketArn", "other", nil},
		{Stream, "extendedS3Configuration.dynamicPartitioningConfiguration", m{"enabled": false}, nil},
		{Stream, "extendedS3Configuration.dynamicPartitioningConfiguration", m{"enabled": true}, []string{"extendedS3Configuration.dynamicPartitioningConfiguration.enabled"}},
		{LogGroup, "retentionInDays", 7, nil},
		{LogGroup, "name", "other", []string{"name"}},
		{SubscriptionFilter, "filterPattern", "x", nil},
		{SubscriptionFilter, "roleArn", "x", nil},
		{SubscriptionFilter, "destinationArn", "x", []string{"destinationArn"}},
		{FlowLog, "tags", m{"a": "b"}, nil},
		{FlowLog, "destinationOptions.fileFormat", "plain-text", []string{"destinationOptions"}},
		{FlowLog, "maxAggregationInterval", 600, nil},
		{FlowLog, "trafficType", resource.MakeComputed(resource.NewStringProperty("")), []string{"trafficType"}},
		{Vault, "kmsKeyArn", "other", []string{"kmsKeyArn"}},
		{Plan, "rules[0].schedule", "other", nil},
		{Plan, "name", "other", []string{"name"}},
		{Selection, "selectionTags[0].value", "other", []string{"selectionTags"}},
	} {
		olds := properties(samples[test.token].inputs)
		news := with(t, samples[test.token].inputs, test.path, test.value)
		if got := typeOf(t, test.token).Replaces(olds, news); !slices.Equal(got, test.want) {
			t.Errorf("%s with another %s: replaced because of %q, want %q", test.token, test.path, got, test.want)
		}
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	for token, want := range map[string][]Reference{
		Bucket:       nil,
		BucketPolicy: {{Property: "bucket", TargetToken: Bucket, By: ByName, Value: "log-archive", SameRegion: true, SameAccount: true, Code: "NoSuchBucket"}},
		Alias:        {{Property: "targetKeyId", TargetToken: Key, By: ByARN, Value: homeKey, SameRegion: true, SameAccount: true, Code: "NotFoundException"}},
		RolePolicy:   {{Property: "role", TargetToken: Role, By: ByName, Value: "firehose", SameAccount: true, Code: "NoSuchEntity"}},
		RoleAttachment: { // AWS's own policy is no reference
			{Property: "role", TargetToken: Role, By: ByName, Value: "backup", SameAccount: true, Code: "NoSuchEntity"}},
		Stream: {
			{Property: "extendedS3Configuration.roleArn", TargetToken: Role, By: ByARN, Value: roleARN, SameAccount: true, Code: "InvalidArgumentException"},
			{Property: "extendedS3Configuration.bucketArn", TargetToken: Bucket, By: ByARN, Value: bucketARN, Code: "InvalidArgumentException"},
			{Property: "extendedS3Configuration.kmsKeyArn", TargetToken: Key, By: ByARN, Value: archiveKey, Code: "InvalidArgumentException"},
			{Property: "extendedS3Configuration.cloudwatchLoggingOptions.logGroupName", TargetToken: LogGroup, By: ByName, Value: "/aws/firehose/logs", SameRegion: true, SameAccount: true, Code: "InvalidArgumentException"},
			{Property: "extendedS3Configuration.cloudwatchLoggingOptions.logStreamName", TargetToken: LogStream, By: ByName, Value: "s3", SameRegion: true, SameAccount: true, Code: "InvalidArgumentException"},
		},
		SubscriptionFilter: {
			{Property: "logGroup", TargetToken: LogGroup, By: ByName, Value: "/app/web", SameRegion: true, SameAccount: true, Code: "ResourceNotFoundException"},
			{Property: "destinationArn", TargetToken: Stream, By: ByARN, Value: streamARN, SameRegion: true, SameAccount: true, Code: "InvalidParameterException"},
			{Property: "roleArn", TargetToken: Role, By: ByARN, Value: roleARN, SameAccount: true, Code: "InvalidParameterException"},
		},
		FlowLog: { // the bucket without the folder
			{Property: "vpcId", TargetToken: "aws:ec2/vpc:Vpc", By: ByID, Value: "vpc-0123456789abcdef0", SameRegion: true, SameAccount: true, External: true, Code: "InvalidVpcID.NotFound"},
			{Property: "logDestination", TargetToken: Bucket, By: ByARN, Value: bucketARN, Code: "InvalidParameter"},
		},
		Plan: {
			{Property: "rules[0].targetVaultName", TargetToken: Vault, By: ByName, Value: "home", SameRegion: true, SameAccount: true, Code: badBackup},
			{Property: "rules[0].copyActions[0].destinationVaultArn", TargetToken: Vault, By: ByARN, Value: copyVault, Code: badBackup},
		},
		Selection: {
			{Property: "planId", TargetToken: Plan, By: ByID, Value: "1f8a6e1c-3d2b-4c5d-8e9f-0123456789ab", SameRegion: true, SameAccount: true, Code: badBackup},
			{Property: "iamRoleArn", TargetToken: Role, By: ByARN, Value: roleARN, SameAccount: true, Code: badBackup},
		},
		Queue: {{Property: "redrivePolicy", TargetToken: Queue, By: ByARN, Value: queueARN, SameRegion: true, SameAccount: true, Code: "AWS.SimpleQueueService.NonExistentQueue"}},
	} {
		if diff := cmp.Diff(want, typeOf(t, token).References(properties(samples[token].inputs))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", token, diff)
		}
	}
}
