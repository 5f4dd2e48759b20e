package sandbox

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// testResources is a small world in memory.
type testResources struct{ all []Object }

func (w *testResources) List(token string) []Object {
	found := slices.DeleteFunc(slices.Clone(w.all), func(o Object) bool { return o.Type != token })
	slices.SortFunc(found, func(a, b Object) int { return cmp.Compare(a.Place.String()+a.ID, b.Place.String()+b.ID) })
	return found
}

func (w *testResources) ByARN(arn string) (Object, bool) {
	for _, o := range w.all {
		if o.ARN() != "" && o.ARN() == strings.TrimSuffix(arn, ":*") {
			return o, true
		}
	}
	return Object{}, false
}

func (w *testResources) add(token string, place partition.Place, id string, state map[string]any) {
	w.all = append(w.all, Object{Type: token, ID: id, Place: place, State: resource.NewPropertyMapFromMap(state), Created: someTime})
}

// change changes the state of the objects of a type, in all places.
func (w *testResources) change(token, id string, change func(resource.PropertyMap)) {
	for i, o := range w.all {
		if o.Type == token && o.ID == id {
			w.all[i].State = o.State.Copy()
			change(w.all[i].State)
		}
	}
}

func (w *testResources) remove(token, id string) {
	w.all = slices.DeleteFunc(w.all, func(o Object) bool { return o.Type == token && o.ID == id })
}

func set(name, value string) func(resource.PropertyMap) {
	return func(m resource.PropertyMap) { m[resource.PropertyKey(name)] = resource.NewStringProperty(value) }
}

// The names in the test world. Everything that delivers is in sourcePlace, the archive in vaultPlace.
const (
	testBucket = "log-archive"
	testStream = "logs"
	testGroup  = "/app/web"
	dbGroup    = "/aws/rds/instance/orders/error"
	flowGroup  = "/flow-logs/office"
)

var (
	sourcePlace = partition.Place{Account: "111122223333", Region: "cn-north-1"}
	vaultPlace  = partition.Place{Account: "444455556666", Region: "cn-northwest-1"}

	testKey       = vaultPlace.ARN(partition.KMS, "key/0b5a0c6e").String()
	testBucketARN = partition.BucketARN(partition.China, testBucket).String()
	testStreamARN = sourcePlace.ARN(partition.Firehose, "deliverystream/"+testStream).String()
	streamRole    = sourcePlace.RoleARN("firehose-logs").String()
	filterRole    = sourcePlace.RoleARN("subscribe-logs").String()
	flowRole      = sourcePlace.RoleARN("flow-logs").String()
)

func service(t testing.TB, s partition.Service, use partition.Use) *policy.Principals {
	t.Helper()
	name, err := sourcePlace.PrincipalFor(s, use)
	if err != nil {
		t.Fatal(err)
	}
	return policy.Services(name)
}

// allow is a policy of one statement.
func allow(principals *policy.Principals, actions, resources []string, conditions policy.Conditions) policy.Statement {
	return policy.Statement{Effect: policy.Allow, Principal: principals, Action: actions, Resource: resources, Condition: conditions}
}

func document(statements ...policy.Statement) string {
	return policy.Document{Statements: statements}.JSON()
}

func trustDocument(p *policy.Principals, conditions policy.Conditions) string {
	return document(allow(p, []string{"sts:AssumeRole"}, nil, conditions))
}

// The statements of the archive's policies, by their parts, so that tests can leave one out.
func bucketStatements(t testing.TB) []policy.Statement {
	one := func(key, value string) policy.Conditions { return policy.Conditions{}.With("StringEquals", key, value) }
	source := one("aws:SourceAccount", string(sourcePlace.Account)).With("ArnLike", "aws:SourceArn", sourcePlace.ARN(partition.Logs, "*").String())
	root := policy.AWSPrincipals(sourcePlace.RootARN().String())
	firehose := policy.Conditions{}.With("ArnLike", "aws:PrincipalArn", streamRole)
	delivery := service(t, partition.LogDelivery, partition.Deliver)
	return []policy.Statement{
		allow(delivery, []string{"s3:PutObject"}, []string{testBucketARN + "/*"}, source),
		allow(delivery, []string{"s3:GetBucketAcl"}, []string{testBucketARN}, source),
		allow(root, []string{"s3:PutObject"}, []string{testBucketARN + "/*"}, firehose),
		allow(root, []string{"s3:PutObjectAcl"}, []string{testBucketARN + "/*"}, firehose),
		{Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: []string{"s3:*"}, Resource: []string{testBucketARN + "/*"}, Condition: policy.Conditions{}.With("Bool", "aws:SecureTransport", "false")},
	}
}

func keyStatements(t testing.TB) []policy.Statement {
	s3, err := vaultPlace.ViaService(partition.S3)
	if err != nil {
		t.Fatal(err)
	}
	root := policy.AWSPrincipals(sourcePlace.RootARN().String())
	through := policy.Conditions{}.With("StringEquals", "kms:ViaService", s3).With("StringLike", "kms:EncryptionContext:aws:s3:arn", testBucketARN+"*")
	delivery := service(t, partition.LogDelivery, partition.Key)
	return []policy.Statement{
		allow(root, []string{"kms:GenerateDataKey"}, []string{"*"}, through),
		allow(root, []string{"kms:Decrypt"}, []string{"*"}, through),
		allow(delivery, []string{"kms:GenerateDataKey*"}, []string{"*"}, nil),
		allow(delivery, []string{"kms:Decrypt"}, []string{"*"}, nil),
	}
}

func streamStatements() []policy.Statement {
	return []policy.Statement{
		allow(nil, []string{"s3:PutObject"}, []string{testBucketARN + "/*"}, nil),
		allow(nil, []string{"s3:PutObjectAcl"}, []string{testBucketARN + "/*"}, nil),
		allow(nil, []string{"kms:GenerateDataKey"}, []string{testKey}, nil),
		allow(nil, []string{"kms:Decrypt"}, []string{testKey}, nil),
	}
}

// newTestWorld has a log group, a database, and flow logs of each way, all delivered to one archive.
func newTestWorld(t testing.TB) *testResources {
	t.Helper()
	w := &testResources{}
	w.add(bucketToken, vaultPlace, testBucket, map[string]any{"bucket": testBucket, "arn": testBucketARN})
	w.add(versioningToken, vaultPlace, testBucket, map[string]any{"bucket": testBucket, "versioningConfiguration": map[string]any{"status": "Enabled"}})
	w.add(ownershipToken, vaultPlace, testBucket, map[string]any{"bucket": testBucket, "rule": map[string]any{"objectOwnership": "BucketOwnerEnforced"}})
	w.add(encryptionToken, vaultPlace, testBucket, map[string]any{"bucket": testBucket, "rules": []any{map[string]any{
		"applyServerSideEncryptionByDefault": map[string]any{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": testKey}, "bucketKeyEnabled": true,
	}}})
	w.add(bucketPolicyToken, vaultPlace, testBucket, map[string]any{"bucket": testBucket, "policy": document(bucketStatements(t)...)})
	w.add(keyToken, vaultPlace, "0b5a0c6e", map[string]any{"arn": testKey, "isEnabled": true, "policy": document(keyStatements(t)...)})

	role := func(name string, s partition.Service, conditions policy.Conditions, statements ...policy.Statement) {
		w.add(roleToken, sourcePlace, name, map[string]any{
			"name": name, "arn": sourcePlace.RoleARN(name).String(), "assumeRolePolicy": trustDocument(service(t, s, partition.Trust), conditions),
		})
		w.add(rolePolicyToken, sourcePlace, name+":own", map[string]any{"name": "own", "role": name, "policy": document(statements...)})
	}
	role("firehose-logs", partition.Firehose, policy.Conditions{}.With("StringEquals", "sts:ExternalId", string(sourcePlace.Account)), streamStatements()...)
	role("subscribe-logs", partition.Logs, policy.Conditions{}.With("ArnLike", "aws:SourceArn", sourcePlace.ARN(partition.Logs, "*").String()),
		allow(nil, []string{"firehose:PutRecord"}, []string{testStreamARN}, nil))
	role("flow-logs", partition.VPCFlowLogs, policy.Conditions{}.With("StringEquals", "aws:SourceAccount", string(sourcePlace.Account)),
		allow(nil, []string{"logs:CreateLogStream", "logs:PutLogEvents"}, []string{sourcePlace.LogGroupARN("/flow-logs/*").String()}, nil))

	w.add(streamToken, sourcePlace, testStreamARN, map[string]any{
		"name": testStream, "arn": testStreamARN, "destination": "extended_s3", "versionId": "1",
		"extendedS3Configuration": map[string]any{
			"bucketArn": testBucketARN, "roleArn": streamRole, "kmsKeyArn": testKey, "bufferingSize": 1, "bufferingInterval": 60,
			"prefix":            "logs/account=" + string(sourcePlace.Account) + "/!{timestamp:'year='yyyy/'hour='HH}/",
			"errorOutputPrefix": "errors/!{firehose:error-output-type}/", "fileExtension": ".gz",
			"cloudwatchLoggingOptions": map[string]any{"enabled": true, "logGroupName": "/aws/kinesisfirehose/" + testStream},
		},
	})
	for _, group := range []string{testGroup, dbGroup, flowGroup, "/aws/kinesisfirehose/" + testStream} {
		w.add(logGroupToken, sourcePlace, group, map[string]any{"name": group, "arn": sourcePlace.LogGroupARN(group).String()})
		if !strings.HasPrefix(group, "/aws/kinesisfirehose/") {
			w.add(filterToken, sourcePlace, "cwlsf-"+group, map[string]any{
				"name": "to-" + testStream, "logGroup": group, "filterPattern": "", "destinationArn": testStreamARN, "roleArn": filterRole,
			})
		}
	}
	w.add("aws:rds/instance:Instance", sourcePlace, "orders", map[string]any{"enabledCloudwatchLogsExports": []any{"error"}})
	flow := func(id string, state map[string]any) { w.add(flowLogToken, sourcePlace, id, state) }
	flow("fl-text", map[string]any{"vpcId": "vpc-0123456789abcdef0", "trafficType": "ALL", "logDestinationType": "s3", "logDestination": testBucketARN + "/direct/"})
	flow("fl-parquet", map[string]any{
		"subnetId": "subnet-0123456789abcdef0", "trafficType": "REJECT", "logDestinationType": "s3", "logDestination": testBucketARN,
		"destinationOptions": map[string]any{"fileFormat": "parquet", "hiveCompatiblePartitions": true, "perHourPartition": true},
	})
	flow("fl-gateway", map[string]any{"transitGatewayId": "tgw-0123456789abcdef0", "maxAggregationInterval": 60, "logDestinationType": "s3", "logDestination": testBucketARN + "/direct"})
	flow("fl-logs", map[string]any{"eniId": "eni-0123456789abcdef0", "trafficType": "ACCEPT", "logDestinationType": "cloud-watch-logs", "logDestination": sourcePlace.LogGroupARN(flowGroup).String(), "iamRoleArn": flowRole})
	return w
}

// testClock is a wall clock that stands still.
func testClock(t testing.TB, dir string) *Clock {
	t.Helper()
	c, err := openClock(dir, func() time.Time { return someTime })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newTestDelivery delivers a world into a new directory.
func newTestDelivery(t *testing.T, w Resources) *Delivery {
	t.Helper()
	dir := t.TempDir()
	d := NewDelivery(w, openTestStore(t, dir), testClock(t, dir))
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// findSource returns a source by a part of its id.
func findSource(t testing.TB, d *Delivery, text string) Source {
	t.Helper()
	s, err := d.Source(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
