package sandbox

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

const testDetector = "12abc34d567e8fa901bc2d34e56789f0"

// serviceStatements are the grants of the bucket and the key to AWS Config and GuardDuty. Log delivery has its own.
func serviceStatements(t testing.TB) (bucket, key []policy.Statement) {
	account := policy.Conditions{}.With("StringEquals", "aws:SourceAccount", string(sourcePlace.Account))
	detector := account.With("ArnLike", "aws:SourceArn", sourcePlace.ARN(partition.GuardDuty, "detector/*").String())
	config, guard := service(t, partition.Config, partition.Deliver), service(t, partition.GuardDuty, partition.Deliver)
	below := testBucketARN + "/AWSLogs/" + string(sourcePlace.Account)
	return []policy.Statement{
			allow(config, []string{"s3:GetBucketAcl", "s3:ListBucket", "s3:PutObject"}, []string{testBucketARN, below + "/Config/*"}, account),
			allow(guard, []string{"s3:GetBucketLocation", "s3:PutObject"}, []string{testBucketARN, below + "/GuardDuty/*"}, detector),
		}, []policy.Statement{
			allow(config, []string{"kms:GenerateDataKey", "kms:Decrypt"}, []string{"*"}, account),
			allow(guard, []string{"kms:GenerateDataKey"}, []string{"*"}, detector),
		}
}

func newServicesWorld(t testing.TB) *testResources {
	w := newTestWorld(t)
	bucket, key := serviceStatements(t)
	w.change(bucketPolicyToken, testBucket, set("policy", document(append(bucketStatements(t), bucket...)...)))
	w.change(keyToken, "0b5a0c6e", set("policy", document(append(keyStatements(t), key...)...)))
	w.add(catalog.Recorder, sourcePlace, "default", map[string]any{"name": "default"})
	w.add(catalog.RecorderStatus, sourcePlace, "default", map[string]any{"name": "default", "isEnabled": true})
	w.add(catalog.DeliveryChannel, sourcePlace, "default", map[string]any{"name": "default", "s3BucketName": testBucket, "s3KmsKeyArn": testKey})
	w.add(catalog.PublishingDestination, sourcePlace, testDetector+":1", map[string]any{"detectorId": testDetector, "destinationArn": testBucketARN, "kmsKeyArn": testKey})
	w.add(catalog.QueryLogConfig, sourcePlace, "rqlc-1", map[string]any{"name": "dns", "destinationArn": testBucketARN + "/dns"})
	w.add(catalog.QueryLogConfigAssociation, sourcePlace, "rqlca-1", map[string]any{"resolverQueryLogConfigId": "rqlc-1", "resourceId": "vpc-0123456789abcdef0"})
	return w
}

func TestServicesDeliver(t *testing.T) {
	t.Parallel()
	d := newTestDelivery(t, newServicesWorld(t))
	ctx := context.Background()
	for id, form := range map[string]string{
		"config:111122223333:cn-north-1:default":                           `^AWSLogs/111122223333/Config/cn-north-1/\d{4}/\d{1,2}/\d{1,2}/ConfigHistory/111122223333_Config_cn-north-1_ConfigHistory_AWS::EC2::SecurityGroup_\d{8}T\d{6}Z_\d{8}T\d{6}Z_\w\.json\.gz$`,
		"guardduty:111122223333:cn-north-1:" + testDetector:                `^AWSLogs/111122223333/GuardDuty/cn-north-1/\d{4}/\d\d/\d\d/[0-9a-f-]{36}\.jsonl\.gz$`,
		"resolver-query-log:111122223333:cn-north-1:vpc-0123456789abcdef0": `^dns/AWSLogs/111122223333/vpcdnsquerylogs/vpc-0123456789abcdef0/\d{4}/\d\d/\d\d/vpc-0123456789abcdef0_vpcdnsquerylogs_111122223333_\d{8}T\d{4}Z_[a-z0-9]{6}\.log\.gz$`,
	} {
		s := findSource(t, d, id)
		lines, err := d.Lines(s, "run", 7)
		if err != nil {
			t.Fatal(err)
		}
		if receipt, err := d.Send(ctx, s, lines); err != nil || receipt.Selected != 7 {
			t.Fatalf("%s: %+v, %v", id, receipt, err)
		}
		if err := d.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		found, refs, err := d.Find(ctx, s)
		if err != nil || !slices.Equal(found, lines) || len(refs) != 1 || !regexp.MustCompile(form).MatchString(refs[0].Key) {
			t.Errorf("%s: found %v in %v, %v; sent %v", id, found, refs, err, lines)
		}
	}
	s := findSource(t, d, "resolver-query-log")
	if _, err := d.Send(ctx, s, []string{"two words"}); err == nil || !strings.Contains(err.Error(), "DNS") {
		t.Errorf("a query for two words: %v", err)
	}
}

func TestServicesAreRefused(t *testing.T) {
	t.Parallel()
	bucketWithout := func(i int) func(*testResources) {
		return func(w *testResources) {
			bucket, _ := serviceStatements(t)
			w.change(bucketPolicyToken, testBucket, set("policy", document(append(bucketStatements(t), slices.Delete(bucket, i, i+1)...)...)))
		}
	}
	keyWithout := func(i int) func(*testResources) {
		return func(w *testResources) {
			_, key := serviceStatements(t)
			w.change(keyToken, "0b5a0c6e", set("policy", document(append(keyStatements(t), slices.Delete(key, i, i+1)...)...)))
		}
	}
	for name, c := range map[string]struct {
		take           func(*testResources)
		source, action string
	}{
		"config's bucket":  {bucketWithout(0), "config", "s3:GetBucketAcl"},
		"config's key":     {keyWithout(0), "config", "kms:GenerateDataKey"},
		"findings' bucket": {bucketWithout(1), "guardduty", "s3:GetBucketLocation"},
		"findings' key":    {keyWithout(1), "guardduty", "kms:GenerateDataKey"},
		"query logs": {func(w *testResources) {
			w.change(bucketPolicyToken, testBucket, set("policy", document(bucketStatements(t)[2:]...)))
		}, "resolver-query-log", "s3:GetBucketAcl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newServicesWorld(t)
			c.take(w)
			if r := refusalOf(t, newTestDelivery(t, w), c.source+":111122223333"); r == nil || r.Code != "AccessDenied" || r.Hop.Action != c.action {
				t.Errorf("refused with %v, want AccessDenied at %s", r, c.action)
			}
		})
	}
	// A recorder that is stopped records nothing.
	w := newServicesWorld(t)
	w.remove(catalog.RecorderStatus, "default")
	if _, err := newTestDelivery(t, w).Source("config:111122223333"); err == nil {
		t.Error("a stopped recorder is a source")
	}
}

// TestServiceCreation: what AWS Config and GuardDuty refuse to make, and in which order.
func TestServiceCreation(t *testing.T) {
	t.Parallel()
	role := func(l *landscape) resource.PropertyMap {
		principal, err := beijing.ServicePrincipal(partition.Config)
		if err != nil {
			t.Fatal(err)
		}
		linked := l.home.mustCreate(catalog.ServiceLinkedRole, "role", properties("awsServiceName", string(principal)))
		return properties("name", "default", "roleArn", text(linked.state, "arn"))
	}
	channel := properties("name", "default", "s3BucketName", "the-archive")
	for name, c := range map[string]struct {
		code   string
		create func(*landscape) error
	}{
		"channel before recorder": {"NoAvailableConfigurationRecorderException", func(l *landscape) error {
			_, err := l.home.create(catalog.DeliveryChannel, "c", channel.Copy())
			return err
		}},
		"recorder without its role": {"InvalidRoleException", func(l *landscape) error {
			arn, _ := beijing.ServiceLinkedRoleARN(partition.Config)
			_, err := l.home.create(catalog.Recorder, "r", properties("name", "default", "roleArn", arn.String()))
			return err
		}},
		"start before channel": {"NoAvailableDeliveryChannelException", func(l *landscape) error {
			l.home.mustCreate(catalog.Recorder, "r", role(l))
			_, err := l.home.create(catalog.RecorderStatus, "s", properties("name", "default", "isEnabled", true))
			return err
		}},
		"channel to a closed bucket": {"InsufficientDeliveryPolicyException", func(l *landscape) error {
			l.home.mustCreate(catalog.Recorder, "r", role(l))
			_, err := l.home.create(catalog.DeliveryChannel, "c", channel.Copy())
			return err
		}},
		"a second recorder": {"MaxNumberOfConfigurationRecordersExceededException", func(l *landscape) error {
			in := role(l)
			l.home.mustCreate(catalog.Recorder, "r", in)
			_, err := l.home.create(catalog.Recorder, "again", with(in, "name", "other"))
			return err
		}},
		"a second detector": {"BadRequestException", func(l *landscape) error {
			l.home.mustCreate(catalog.Detector, "d", properties("enable", true))
			_, err := l.home.create(catalog.Detector, "again", properties("enable", true))
			return err
		}},
		"findings to a closed bucket": {"does not have permission", func(l *landscape) error {
			d := l.home.mustCreate(catalog.Detector, "d", properties("enable", true))
			key := l.archive.mustCreate(keyToken, "key", properties())
			_, err := l.home.create(catalog.PublishingDestination, "p", properties("detectorId", d.id, "destinationArn", text(l.bucket.state, "arn"), "kmsKeyArn", text(key.state, "arn")))
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := c.create(newLandscape(t)); err == nil || !strings.Contains(err.Error(), c.code) {
				t.Errorf("%v, want %s", err, c.code)
			}
		})
	}
}
