package stacks

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/graph"
)

// Whatever a stack declares keeps to what auditors ask of all of it: keys rotate, and are one for each purpose and region; what
// holds logs, even for a moment, is encrypted with one of them; the configuration's tags are on everything that can have tags.
func TestPostureOfEverything(t *testing.T) {
	t.Parallel()
	for _, stack := range exampleStacks {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			g, spec := example(t, stack)
			keys, aliases := map[string]*graph.Resource{}, map[string]string{}
			for _, key := range g.ByType("aws:kms/key:Key") {
				keys[key.Outputs["arn"].StringValue()] = key
				if rotated := key.Inputs["enableKeyRotation"]; !rotated.IsBool() || !rotated.BoolValue() {
					t.Errorf("%s isn't rotated", key.URN)
				}
			}
			for _, alias := range g.ByType("aws:kms/alias:Alias") {
				// One purpose, one key: no key has two names, and none is without.
				target := alias.Inputs["targetKeyId"].StringValue()
				if first := aliases[target]; first != "" {
					t.Errorf("%s and %s are names of one key", first, alias.URN)
				}
				aliases[target] = string(alias.URN)
			}
			if len(keys) < 5 || len(aliases) != len(keys) {
				t.Errorf("%d keys with %d names", len(keys), len(aliases))
			}
			for _, holds := range []struct{ token, key string }{
				{"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId"},
				{"aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "serverSideEncryption.keyArn"},
				{"aws:sqs/queue:Queue", "kmsMasterKeyId"},
				{"aws:sns/topic:Topic", "kmsMasterKeyId"},
				{"aws:backup/vault:Vault", "kmsKeyArn"},
			} {
				all := g.ByType(holds.token)
				if len(all) == 0 {
					t.Errorf("the example has no %s", holds.token)
				}
				for _, r := range all {
					path, err := resource.ParsePropertyPath(holds.key)
					if err != nil {
						t.Fatal(err)
					}
					value, _ := path.Get(resource.NewObjectProperty(r.Inputs))
					if managed(r) {
						continue
					}
					key := keys[value.String()]
					if value.IsString() {
						key = keys[value.StringValue()]
					}
					switch {
					case key == nil:
						t.Errorf("%s is encrypted with %v, which is no key of the stack", r.URN, value)
					case key.Place.Region != r.Place.Region:
						t.Errorf("%s in %s is encrypted with a key of %s", r.URN, r.Place.Region, key.Place.Region)
					}
				}
			}
			tagged := 0
			for _, r := range g.Resources {
				all, ok := r.Outputs["tagsAll"]
				if !ok || !r.Custom {
					continue
				}
				tagged++
				for name, want := range spec.Tags {
					if got := all.ObjectValue()[resource.PropertyKey(name)]; !got.IsString() || got.StringValue() != want {
						t.Errorf("%s has no tag %s", r.URN, name)
					}
				}
				if got := all.ObjectValue()[StackTag]; !got.IsString() || got.StringValue() != stack {
					t.Errorf("%s doesn't say which stack it is of", r.URN)
				}
			}
			if tagged < 60 || len(spec.Tags) == 0 {
				t.Errorf("%d resources have tags, %d of the configuration", tagged, len(spec.Tags))
			}
		})
	}
}

// managed says whether a service's own key is right: access logs of load balancers and of S3 go to a bucket with S3's own
// encryption only (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html), a stream
// that has none of ours is encrypted with Firehose's, and the subscriber's queues hold names of log groups, which EventBridge
// could only send with a key that lets it.
func managed(r *graph.Resource) bool {
	get := func(path ...any) resource.PropertyValue {
		v, _ := resource.PropertyPath(path).Get(resource.NewObjectProperty(r.Inputs))
		return v
	}
	switch r.Type {
	case "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream":
		on := get("serverSideEncryption", "enabled")
		return on.IsBool() && on.BoolValue()
	case "aws:sqs/queue:Queue":
		on := get("sqsManagedSseEnabled")
		return strings.Contains(string(r.URN), "LogGroupSubscriber$") && on.IsBool() && on.BoolValue()
	}
	algorithm := get("rules", 0, "applyServerSideEncryptionByDefault", "sseAlgorithm")
	return strings.Contains(string(r.URN), "AccessLogBucket$") && algorithm.IsString() && algorithm.StringValue() == "AES256"
}

// What a further account behind a destination declares itself, such as the function that switches its databases' exports on,
// has alarms that notify somebody.
func TestAlarmsOfAnAccountBehindADestination(t *testing.T) {
	t.Parallel()
	d := parse(t, smallest).with(t, "accounts", list(further("555566667777", map[string]any{
		"via":       "destination",
		"databases": list(map[string]any{"identifier": "shop", "engine": "mysql", "logTypes": list("error"), "enableExports": true}),
	})))
	g := record(t, "x", d.engine(t))
	alarms := 0
	for _, r := range g.Resources {
		if !r.Custom || r.Place.Account != "555566667777" || !strings.HasPrefix(r.Type, "aws:cloudwatch/") || !strings.HasSuffix(r.Type, "Alarm") {
			continue
		}
		alarms++
		speaks := r.Inputs["alarmActions"]
		if r.Type == "aws:cloudwatch/compositeAlarm:CompositeAlarm" && (!speaks.IsArray() || len(speaks.ArrayValue()) == 0) {
			t.Errorf("%s notifies nobody", r.URN)
		}
		if speaks.IsArray() {
			for _, topic := range speaks.ArrayValue() {
				if !strings.Contains(topic.StringValue(), ":111122223333:") {
					t.Errorf("%s notifies %s, want the topic of the stack's own account", r.URN, topic.StringValue())
				}
			}
		}
	}
	named := false
	for _, p := range g.ByType("aws:sns/topicPolicy:TopicPolicy") {
		named = named || p.Place == beijing && strings.Contains(p.Inputs["policy"].StringValue(), "555566667777")
	}
	if !named {
		t.Error("the topic doesn't take messages of the account's alarms")
	}
	if alarms < 2 {
		t.Errorf("%d alarms in the account, want those of the function and their composite", alarms)
	}
}
