package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

// worlds are small programs of others, each with a path of its own sort. Their policies have what the path needs, and no more.
var worlds = []struct {
	name  string
	build func(*program)
	kind  string // of the source
	route string // the stops' names
}{
	{"server access logs", func(p *program) {
		p.bucket("shop", shop)
		arn := partition.BucketARN(partition.AWS, "access").String()
		p.bucket("access", shop, grant(p.principal(shop, partition.S3ServerAccessLogs, partition.Deliver), from(shop, partition.BucketARN(partition.AWS, "shop").String()), arn+"/shop/*", "s3:PutObject"))
		p.add("aws:s3/bucketLoggingV2:BucketLoggingV2", "shop", shop, map[string]any{"bucket": "shop", "targetBucket": "access", "targetPrefix": "shop/"})
	}, verify.KindAccessLog, "shop access"},

	{"a load balancer in an old region", balancerOf("aws:lb/loadBalancer:LoadBalancer", shop, "127311923021"), verify.KindLoadBalancer, "shop access"},
	{"a load balancer in China", balancerOf("aws:lb/loadBalancer:LoadBalancer", home, "638102146993"), verify.KindLoadBalancer, "shop access"},
	{"a classic load balancer in Ningxia", balancerOf("aws:elb/loadBalancer:LoadBalancer", ningxia, "037604701340"), verify.KindLoadBalancer, "shop access"},
	{"a load balancer by the service's name", func(p *program) {
		arn := shop.ARN(partition.ELB, "loadbalancer/app/shop/1").String()
		p.bucket("access", shop, grant(p.principal(shop, partition.ELBLogDelivery, partition.Deliver), policy.Conditions{}.With("ArnLike", "aws:SourceArn", shop.ARN(partition.ELB, "loadbalancer/*").String()),
			partition.BucketARN(partition.AWS, "access").String()+"/AWSLogs/"+string(shop.Account)+"/*", "s3:PutObject"))
		p.add("aws:lb/loadBalancer:LoadBalancer", "shop", shop, map[string]any{"name": "shop", "arn": arn, "accessLogs": map[string]any{"bucket": "access", "enabled": true}})
	}, verify.KindLoadBalancer, "shop access"},
	{"a network load balancer", func(p *program) {
		arn := partition.BucketARN(partition.AWS, "access").String()
		who, source := p.principal(shop, partition.LogDelivery, partition.Deliver), from(shop, shop.ARN(partition.Logs, "*").String())
		p.bucket("access", shop, grant(who, source, arn, "s3:GetBucketAcl", "s3:ListBucket"), grant(who, source, arn+"/nlb/AWSLogs/"+string(shop.Account)+"/*", "s3:PutObject"))
		p.add("aws:lb/loadBalancer:LoadBalancer", "shop", shop, map[string]any{"name": "shop", "loadBalancerType": "network", "accessLogs": map[string]any{"bucket": "access", "enabled": true, "prefix": "nlb"}})
	}, verify.KindLoadBalancer, "shop access"},

	{"CloudTrail", func(p *program) {
		trail := shop.ARN(partition.CloudTrail, "trail/all").String()
		who, source := p.principal(shop, partition.CloudTrail, partition.Deliver), policy.Conditions{}.With("StringEquals", "aws:SourceArn", trail)
		arn := partition.BucketARN(partition.AWS, "trails").String()
		p.bucket("trails", security, grant(who, source, arn, "s3:GetBucketAcl"),
			grant(who, source.With("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control"), arn+"/AWSLogs/"+string(shop.Account)+"/*", "s3:PutObject"))
		mine := policy.Conditions{}.With("StringLike", "kms:EncryptionContext:aws:cloudtrail:arn", shop.ARN(partition.CloudTrail, "trail/*").String())
		key := p.key("trails", security, grant(who, mine.With("StringEquals", "aws:SourceArn", trail), "*", "kms:GenerateDataKey"), grant(who, source, "*", "kms:DescribeKey"))
		p.add("aws:cloudtrail/trail:Trail", "all", shop, map[string]any{"name": "all", "s3BucketName": "trails", "kmsKeyId": key})
	}, verify.KindTrail, "all trails"},

	{"an organisation's CloudTrail, with digests and a log group", func(p *program) {
		trail := shop.ARN(partition.CloudTrail, "trail/all").String()
		who, source := p.principal(shop, partition.CloudTrail, partition.Deliver), policy.Conditions{}.With("StringEquals", "aws:SourceArn", trail)
		arn := partition.BucketARN(partition.AWS, "trails").String()
		p.bucket("trails", security, grant(who, source, arn, "s3:GetBucketAcl"), grant(who, source, arn+"/org/AWSLogs/"+string(shop.Account)+"/*", "s3:PutObject"),
			grant(who, source, arn+"/org/AWSLogs/o-exampleorgid/*", "s3:PutObject"))
		key := p.key("trails", security, grant(who, source, "*", "kms:GenerateDataKey", "kms:Decrypt"))
		p.encrypted("trails", security, key)
		stream := p.firehose("app", p.bucket("logs", shop), shop, nil)
		p.subscription("/trail", stream, shop, "firehose:PutRecord", "firehose:PutRecordBatch")
		p.add("aws:cloudwatch/logGroup:LogGroup", "/trail", shop, map[string]any{"name": "/trail"})
		group := shop.LogGroupARN("/trail").String()
		role := p.role("trail", shop, p.trust(shop, partition.CloudTrail, nil),
			allow(group+":log-stream:"+string(shop.Account)+"_CloudTrail_us-east-1*", "logs:CreateLogStream", "logs:PutLogEvents"))
		p.edit("Key", "trails", "policy", func(d *policy.Document) {
			d.Statements = append(d.Statements, grant(who, source, "*", "kms:DescribeKey"))
		})
		p.add("aws:cloudtrail/trail:Trail", "all", shop, map[string]any{
			"name": "all", "s3BucketName": "trails", "s3KeyPrefix": "org", "kmsKeyId": key, "isOrganizationTrail": true, "enableLogFileValidation": true,
			"cloudWatchLogsGroupArn": group + ":*", "cloudWatchLogsRoleArn": role,
		})
	}, verify.KindTrail, "all trails /trail app logs"},

	{"AWS Config, with a key that the channel names", func(p *program) {
		who, source := p.principal(shop, partition.Config, partition.Deliver), policy.Conditions{}.With("StringEquals", "aws:SourceAccount", string(shop.Account))
		arn := partition.BucketARN(partition.AWS, "config").String()
		key := p.key("config", security, grant(who, source, "*", "kms:GenerateDataKey", "kms:Decrypt"))
		p.bucket("config", security, grant(who, source, arn, "s3:GetBucketAcl", "s3:ListBucket"), grant(who, source, arn+"/AWSLogs/"+string(shop.Account)+"/Config/*", "s3:PutObject"))
		p.add("aws:cfg/recorder:Recorder", "default", shop, map[string]any{"name": "default"})
		p.add("aws:cfg/recorderStatus:RecorderStatus", "default", shop, map[string]any{"name": "default", "isEnabled": true})
		p.add("aws:cfg/deliveryChannel:DeliveryChannel", "default", shop, map[string]any{"name": "default", "s3BucketName": "config", "s3KmsKeyArn": key})
	}, verify.KindConfig, "default config"},
	{"GuardDuty's findings", func(p *program) {
		who, source := p.principal(shop, partition.GuardDuty, partition.Deliver), from(shop, shop.ARN(partition.GuardDuty, "detector/*").String())
		arn := partition.BucketARN(partition.AWS, "findings").String()
		key := p.key("findings", security, grant(who, source, "*", "kms:GenerateDataKey"))
		p.bucket("findings", security, grant(who, source, arn, "s3:GetBucketLocation"), grant(who, source, arn+"/AWSLogs/"+string(shop.Account)+"/GuardDuty/*", "s3:PutObject"))
		p.add("aws:guardduty/publishingDestination:PublishingDestination", "d1", shop, map[string]any{"detectorId": "d1", "destinationArn": arn, "kmsKeyArn": key})
	}, verify.KindFindings, "d1 findings"},
	{"DNS queries of a VPC", func(p *program) {
		arn := partition.BucketARN(partition.AWS, "dns").String()
		who, source := p.principal(shop, partition.LogDelivery, partition.Deliver), from(shop, shop.ARN(partition.Logs, "*").String())
		p.bucket("dns", shop, grant(who, source, arn, "s3:GetBucketAcl", "s3:ListBucket"), grant(who, source, arn+"/vpc/AWSLogs/"+string(shop.Account)+"/*", "s3:PutObject"))
		config := p.add("aws:route53/resolverQueryLogConfig:ResolverQueryLogConfig", "dns", shop, map[string]any{"name": "dns", "destinationArn": arn + "/vpc"})
		config.ID = "rqlc-1"
		p.add("aws:route53/resolverQueryLogConfigAssociation:ResolverQueryLogConfigAssociation", "vpc-1", shop, map[string]any{"resolverQueryLogConfigId": "rqlc-1", "resourceId": "vpc-1"})
	}, verify.KindQueryLog, "vpc-1 dns"},

	{"a replica in another account", func(p *program) {
		source, target := partition.BucketARN(partition.AWS, "logs").String(), partition.BucketARN(partition.AWS, "replica").String()
		role := shop.RoleARN("replicate").String()
		asRole := policy.Conditions{}.With("ArnEquals", "aws:PrincipalArn", role)
		sourceKey := p.key("logs", shop, grant(policy.AWSPrincipals(shop.RootARN().String()), asRole, "*", "kms:Decrypt"))
		targetKey := p.key("replica", security, grant(policy.AWSPrincipals(shop.RootARN().String()), asRole, "*", "kms:Encrypt", "kms:Decrypt"))
		p.bucket("logs", shop)
		p.versioned("logs", shop)
		p.versioned("replica", security)
		p.encrypted("logs", shop, sourceKey)
		p.bucket("replica", security, grant(policy.AWSPrincipals(shop.RootARN().String()), asRole, target+"/*", "s3:ReplicateObject", "s3:ReplicateTags", "s3:ReplicateDelete", "s3:ObjectOwnerOverrideToBucketOwner"))
		p.encrypted("replica", security, targetKey)
		p.role("replicate", shop, p.trust(shop, partition.S3, from(shop, source)),
			allow(source, "s3:GetReplicationConfiguration", "s3:ListBucket"),
			allow(source+"/*", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"),
			allow(target+"/*", "s3:ReplicateObject", "s3:ReplicateTags", "s3:ReplicateDelete", "s3:ObjectOwnerOverrideToBucketOwner"),
			throughS3(allow(sourceKey, "kms:Decrypt"), p.via(shop, partition.S3), source),
			throughS3(allow(targetKey, "kms:Encrypt", "kms:Decrypt"), p.via(security, partition.S3), target))
		p.add("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "logs", shop, map[string]any{"bucket": "logs", "role": role, "rules": []any{
			map[string]any{"status": "Disabled", "destination": map[string]any{"bucket": "nowhere"}},
			map[string]any{
				"status": "Enabled", "deleteMarkerReplication": map[string]any{"status": "Enabled"},
				"sourceSelectionCriteria": map[string]any{"sseKmsEncryptedObjects": map[string]any{"status": "Enabled"}},
				"destination": map[string]any{
					"bucket": target, "accessControlTranslation": map[string]any{"owner": "Destination"}, "encryptionConfiguration": map[string]any{"replicaKmsKeyId": targetKey},
				},
			},
		}})
	}, verify.KindReplication, "logs replica"},

	{"events to a queue, a topic with a queue, and a function", func(p *program) {
		logs := p.bucket("logs", shop)
		s3, sns := p.principal(shop, partition.S3, partition.Deliver), p.principal(shop, partition.SNS, partition.Deliver)
		queue, second := shop.ARN(partition.SQS, "events").String(), shop.ARN(partition.SQS, "siem").String()
		topic, function := shop.ARN(partition.SNS, "events").String(), shop.ARN(partition.Lambda, "function:index").String()
		key := p.key("events", shop, grant(s3, from(shop, logs), "*", "kms:GenerateDataKey", "kms:Decrypt"))
		p.add("aws:sqs/queue:Queue", "events", shop, map[string]any{"name": "events", "arn": queue, "url": "https://events", "kmsMasterKeyId": "alias/events"})
		p.add("aws:kms/alias:Alias", "events", shop, map[string]any{"name": "alias/events", "targetKeyId": key})
		p.add("aws:sqs/queuePolicy:QueuePolicy", "events", shop, map[string]any{"queueUrl": "https://events", "policy": text(grant(s3, from(shop, logs), queue, "sqs:SendMessage"))})
		p.add("aws:sqs/queue:Queue", "siem", shop, map[string]any{"name": "siem", "arn": second, "policy": text(grant(sns, from(shop, topic), second, "sqs:SendMessage"))})
		p.add("aws:sns/topic:Topic", "events", shop, map[string]any{"name": "events", "arn": topic, "policy": text(grant(s3, from(shop, logs), topic, "sns:Publish"))})
		p.add("aws:sns/topicSubscription:TopicSubscription", "siem", shop, map[string]any{"topic": topic, "protocol": "sqs", "endpoint": second})
		p.add("aws:sns/topicSubscription:TopicSubscription", "mail", shop, map[string]any{"topic": topic, "protocol": "email", "endpoint": "a@example.com"})
		p.add("aws:lambda/function:Function", "index", shop, map[string]any{"name": "index", "arn": function})
		p.add("aws:lambda/permission:Permission", "index", shop, map[string]any{
			"action": "lambda:InvokeFunction", "function": "index", "principal": string(s3.Service[0]), "sourceArn": logs, "sourceAccount": string(shop.Account),
		})
		p.add("aws:s3/bucketNotification:BucketNotification", "logs", shop, map[string]any{
			"bucket": "logs", "queues": []any{map[string]any{"queueArn": queue}}, "topics": []any{map[string]any{"topicArn": topic}},
			"lambdaFunctions": []any{map[string]any{"lambdaFunctionArn": function}},
		})
	}, verify.KindNotification, "logs events events siem index"},

	{"a stream with a transform function", func(p *program) {
		function := shop.ARN(partition.Lambda, "function:transform").String()
		logs := p.bucket("logs", shop)
		stream := p.firehose("app", logs, shop, map[string]any{"processingConfiguration": map[string]any{"enabled": true, "processors": []any{
			map[string]any{"type": "Lambda", "parameters": []any{
				map[string]any{"parameterName": "NumberOfRetries", "parameterValue": "3"}, map[string]any{"parameterName": "LambdaArn", "parameterValue": function + ":$LATEST"}}},
		}}}, allow(function+":$LATEST", "lambda:InvokeFunction", "lambda:GetFunctionConfiguration"))
		p.add("aws:lambda/function:Function", "transform", shop, map[string]any{"name": "transform", "arn": function, "role": p.runsAs("transform")})
		p.subscription("/app", stream, shop, "firehose:PutRecord", "firehose:PutRecordBatch")
	}, verify.KindLogGroup, "/app app logs"},

	{"a Kinesis data stream between", func(p *program) {
		logs := p.bucket("logs", shop)
		source := shop.ARN(partition.Kinesis, "stream/app").String()
		reader, writer := shop.RoleARN("read").String(), shop.RoleARN("logs-to-stream").String()
		account := policy.AWSPrincipals(shop.RootARN().String())
		as := func(role string) policy.Conditions {
			return policy.Conditions{}.With("ArnEquals", "aws:PrincipalArn", role).With("StringEquals", "kms:ViaService", p.via(shop, partition.Kinesis))
		}
		key := p.key("app", shop, grant(account, as(reader), "*", "kms:Decrypt"), grant(account, as(writer), "*", "kms:GenerateDataKey"))
		p.add("aws:kinesis/stream:Stream", "app", shop, map[string]any{"name": "app", "arn": source, "encryptionType": "KMS", "kmsKeyId": key})
		p.firehose("app", logs, shop, nil)
		p.set("FirehoseDeliveryStream", "app", "kinesisSourceConfiguration", map[string]any{"kinesisStreamArn": source, "roleArn": reader})
		p.role("read", shop, p.trust(shop, partition.Firehose, policy.Conditions{}.With("StringEquals", "sts:ExternalId", string(shop.Account))),
			allow(source, "kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"), allow(key, "kms:Decrypt"))
		p.subscription("/app", source, shop, "kinesis:PutRecord")
		p.edit("RolePolicy", "logs-to-stream", "policy", func(d *policy.Document) { d.Statements = append(d.Statements, allow(key, "kms:GenerateDataKey")) })
	}, verify.KindLogGroup, "/app app app logs"},

	{"flow logs straight to a stream", func(p *program) {
		stream := p.firehose("flow", p.bucket("logs", shop), shop, nil)
		p.set("FirehoseDeliveryStream", "flow", "tagsAll", map[string]any{"LogDeliveryEnabled": "true"})
		p.add("aws:ec2/flowLog:FlowLog", "vpc", shop, map[string]any{"vpcId": "vpc-1", "logDestinationType": "kinesis-data-firehose", "logDestination": stream})
	}, verify.KindFlowLog, "vpc-1 flow logs"},

	{"a role with managed policies", func(p *program) {
		stream := p.firehose("app", p.bucket("logs", shop), shop, nil)
		p.subscription("/app", stream, shop, "firehose:PutRecord", "firehose:PutRecordBatch")
		p.drop("RolePolicy", "logs-to-stream")
		arn := shop.ARN(partition.IAM, "policy/put").String()
		p.add("aws:iam/policy:Policy", "put", shop, map[string]any{"arn": arn, "policy": text(allow(stream, "firehose:PutRecord", "firehose:PutRecordBatch"))})
		// In a stack's state a role has its attachments as well; each counts once.
		p.set("Role", "logs-to-stream", "managedPolicyArns", []any{arn})
		p.add("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "put", shop, map[string]any{"role": "logs-to-stream", "policyArn": arn})
		p.add("aws:iam/policyAttachment:PolicyAttachment", "put", shop, map[string]any{"roles": []any{"logs-to-stream"}, "policyArn": arn})
		p.set("Role", "app", "inlinePolicies", []any{map[string]any{"name": "inline", "policy": "the same as the RolePolicy"}})
	}, verify.KindLogGroup, "/app app logs"},

	{"a key policy of its own", func(p *program) {
		logs := p.bucket("logs", shop)
		role := shop.RoleARN("app").String()
		key := p.key("logs", shop, grant(policy.AWSPrincipals(shop.RootARN().String()), nil, "*", "kms:*"))
		p.add("aws:kms/keyPolicy:KeyPolicy", "logs", shop, map[string]any{"keyId": "logs", "policy": text(
			grant(policy.AWSPrincipals(role), nil, "*", "kms:GenerateDataKey", "kms:Decrypt"))})
		p.encrypted("logs", shop, key)
		stream := p.firehose("app", logs, shop, nil)
		p.subscription("/app", stream, shop, "firehose:PutRecord", "firehose:PutRecordBatch")
	}, verify.KindLogGroup, "/app app logs"},
}

// runsAs declares the role of a function, of which nothing but its trust is known to be needed.
func (p *program) runsAs(function string) string {
	role := p.role(function, shop, p.trust(shop, partition.Lambda, nil))
	p.drop("RolePolicy", function)
	return role
}

func throughS3(s policy.Statement, via, bucket string) policy.Statement {
	s.Condition = policy.Conditions{}.With("StringEquals", "kms:ViaService", via).With("StringLike", "kms:EncryptionContext:aws:s3:arn", bucket, bucket+"/*")
	return s
}

// balancerOf is a load balancer whose logs are written by an account of its region's.
func balancerOf(token string, place partition.Place, account partition.Account) func(*program) {
	return func(p *program) {
		writer := partition.Place{Account: account, Region: place.Region}
		p.bucket("access", place, grant(policy.AWSPrincipals(writer.RootARN().String()), nil,
			partition.BucketARN(place.Partition(), "access").String()+"/AWSLogs/"+string(place.Account)+"/*", "s3:PutObject"))
		p.add(token, "shop", place, map[string]any{
			"name": "shop", "arn": place.ARN(partition.ELB, "loadbalancer/app/shop/1").String(), "accessLogs": map[string]any{"bucket": "access", "enabled": true},
		})
	}
}

// TestPathsOfOthersAreFollowed proves every sort of path, and that each statement of its policies, and each part of it, is
// needed for that.
func TestPathsOfOthersAreFollowed(t *testing.T) {
	t.Parallel()
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			p := newWorld(t)
			w.build(p)
			d := verify.FromGraph(p.Graph)
			r := verify.Run(d, verify.Options{})
			if len(r.Paths) != 1 || !r.Paths[0].Proven() {
				t.Fatalf("%d paths, want one that is proven:%s", len(r.Paths), violations(r))
			}
			path := r.Paths[0]
			names := []string{path.Source.Name}
			for _, s := range path.Steps {
				names = append(names, s.To.Name)
			}
			if got := strings.Join(names, " "); path.Source.Kind != w.kind || got != w.route {
				t.Errorf("a %s by %q, want a %s by %q", path.Source.Kind, got, w.kind, w.route)
			}
			for _, u := range r.Unneeded {
				t.Errorf("unneeded: %s of %s", u, u.Carrier)
			}
			for _, v := range r.Violations {
				if v.Rule == "grant-wildcard" || v.Rule == "grant-account" && !strings.Contains(w.name, "key") || v.Rule == "grant-deputy" {
					t.Errorf("%s: %s", v.Rule, v.Reason)
				}
			}
			for _, at := range verify.Policies(d) {
				for i := range at.Document.Statements {
					doc := at.Document
					doc.Statements = slices.Delete(slices.Clone(doc.Statements), i, i+1)
					if err := verify.With(d, at.ID, doc, func() {
						if verify.Run(d, verify.Options{}).Paths[0].Proven() {
							t.Errorf("statement %d of the %s of %s isn't needed", i, at.Kind, at.Carrier)
						}
					}); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// broken are changes of those programs after which a path leads nowhere.
var broken = []struct {
	world, name string
	change      func(*program)
	reason      string
}{
	{"server access logs", "no bucket", func(p *program) { p.drop("BucketV2", "access") }, `there is no bucket "access"`},
	{"server access logs", "another account", func(p *program) { p.find("BucketV2", "access").Place = security }, "the target is in " + security.String()},
	{"a load balancer in an old region", "the principal of the newest regions", func(p *program) {
		p.edit("BucketPolicy", "access", "policy", first(func(s *policy.Statement) {
			s.Principal = p.principal(shop, partition.LogDelivery, partition.Deliver)
		}))
	}, "load balancers write access logs: " + shopELB + " may not s3:PutObject"},
	{"CloudTrail", "no key", func(p *program) { p.drop("Key", "trails") }, "kmsKeyId: there is no key"},
	{"CloudTrail", "no bucket", func(p *program) { p.drop("BucketV2", "trails") }, `there is no bucket "trails"`},
	{"a replica in another account", "encrypted objects are left out", func(p *program) {
		p.set("BucketReplicationConfig", "logs", "rules[1].sourceSelectionCriteria", nil)
	}, "without a word"},
	{"a replica in another account", "no key for replicas", func(p *program) {
		p.set("BucketReplicationConfig", "logs", "rules[1].destination.encryptionConfiguration", nil)
	}, "no key is named for the replicas"},
	{"a replica in another account", "a key of another region", func(p *program) {
		p.set("BucketReplicationConfig", "logs", "rules[1].destination.encryptionConfiguration.replicaKmsKeyId", shop.ARN(partition.KMS, "key/logs").String())
	}, "the key is in us-east-1, the bucket in us-west-2"},
	{"a replica in another account", "no versions", func(p *program) {
		p.drop("BucketVersioningV2", "replica")
	}, "S3 replicates from and to buckets with versions only"},
	{"a replica in another account", "a bucket key that can't be checked", func(p *program) {
		p.edit("Key", "replica", "policy", first(func(s *policy.Statement) { s.Action = []string{"kms:Encrypt"} }))
	}, "may not kms:Decrypt on"},
	{"a replica in another account", "no replica", func(p *program) { p.drop("BucketV2", "replica") }, "there is no bucket"},
	{"a replica in another account", "no source", func(p *program) { p.drop("BucketV2", "logs") }, "there is no bucket"},
	{"a replica in another account", "a locked source needs more", func(p *program) { p.set("BucketV2", "logs", "objectLockEnabled", true) }, "s3:GetObjectRetention, s3:GetObjectLegalHold"},
	{"events to a queue, a topic with a queue, and a function", "no queue", func(p *program) { p.drop("Queue", "events") }, "queues.queueArn: there is no queue"},
	{"events to a queue, a topic with a queue, and a function", "another region", func(p *program) { p.find("Queue", "events").Place.Region = "us-west-2" }, "it is in us-west-2, the bucket in us-east-1"},
	{"events to a queue, a topic with a queue, and a function", "AWS's own key", func(p *program) { p.set("Queue", "events", "kmsMasterKeyId", "alias/aws/sqs") }, "the policy of an AWS managed key can't be changed"},
	{"events to a queue, a topic with a queue, and a function", "no key", func(p *program) { p.drop("Key", "events") }, "there is no key"},
	{"events to a queue, a topic with a queue, and a function", "no permission", func(p *program) { p.drop("Permission", "index") }, "may not lambda:InvokeFunction"},
	{"a stream with a transform function", "no function", func(p *program) { p.drop("Function", "transform") }, "there is no function"},
	{"a stream with a transform function", "no ARN", func(p *program) {
		p.set("FirehoseDeliveryStream", "app", "extendedS3Configuration.processingConfiguration.processors[0].parameters[1].parameterValue", "transform")
	}, "processingConfiguration: "},
	{"a stream with a transform function", "another destination", func(p *program) {
		p.set("FirehoseDeliveryStream", "app", "extendedS3Configuration", nil)
		p.set("FirehoseDeliveryStream", "app", "destination", "splunk")
	}, `destination "splunk" isn't followed`},
	{"a stream with a transform function", "another region's stream", func(p *program) { p.find("FirehoseDeliveryStream", "app").Place.Region = "us-west-2" }, "the stream is in us-west-2, the log group in us-east-1"},
	{"a Kinesis data stream between", "no reader", func(p *program) { p.drop("FirehoseDeliveryStream", "app") }, "no Firehose stream reads them"},
	{"a Kinesis data stream between", "no key", func(p *program) { p.drop("Key", "app") }, "there is no key"},
	{"flow logs straight to a stream", "no tag", func(p *program) { p.set("FirehoseDeliveryStream", "flow", "tagsAll", nil) }, "LogDeliveryEnabled=true"},
}

var shopELB = partition.Place{Account: "127311923021", Region: shop.Region}.RootARN().String()

func TestPathsOfOthersBreak(t *testing.T) {
	t.Parallel()
	for _, c := range broken {
		t.Run(c.world+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			p := newWorld(t)
			for _, w := range worlds {
				if w.name == c.world {
					w.build(p)
				}
			}
			c.change(p)
			r := p.verify(verify.Options{})
			if !slices.ContainsFunc(named(r, "path"), func(v verify.Violation) bool { return strings.Contains(v.Reason, c.reason) && v.Remedy != "" }) {
				t.Errorf("no path is closed by %q; found:%s", c.reason, violations(r))
			}
		})
	}
}

// The old way to let server access logs in is the bucket's access list, as long as access lists are in force.
func TestAccessListsLetServerAccessLogsIn(t *testing.T) {
	t.Parallel()
	for _, ownership := range []string{"", "ObjectWriter", "BucketOwnerEnforced"} {
		p := newWorld(t)
		worlds[0].build(p)
		p.drop("BucketPolicy", "access")
		p.add("aws:s3/bucketAclV2:BucketAclV2", "access", shop, map[string]any{"bucket": "access", "acl": "log-delivery-write"})
		if ownership != "" {
			p.add("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "access", shop, map[string]any{"bucket": "access", "rule": map[string]any{"objectOwnership": ownership}})
		}
		if got := p.verify(verify.Options{}).Paths[0].Proven(); got != (ownership != "BucketOwnerEnforced") {
			t.Errorf("with %q the path is proven: %v", ownership, got)
		}
	}
}

// A policy that the program only names is taken to allow what is needed, and the report says so.
func TestPoliciesOfAWSAreAssumed(t *testing.T) {
	t.Parallel()
	p := newWorld(t)
	stream := p.firehose("app", p.bucket("logs", shop), shop, nil)
	p.subscription("/app", stream, shop, "firehose:PutRecord", "firehose:PutRecordBatch")
	p.drop("RolePolicy", "logs-to-stream")
	arn := partition.ARN{Partition: partition.AWS, Service: partition.IAM, Account: "aws", Resource: "policy/AmazonKinesisFirehoseFullAccess"}.String()
	p.add("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "put", shop, map[string]any{"role": "logs-to-stream", "policyArn": arn})
	assumed := func() []string {
		r := p.verify(verify.Options{})
		if !r.Paths[0].Proven() {
			t.Fatalf("the path is closed:%s", violations(r))
		}
		var out []string
		for _, v := range r.Paths[0].Hops() {
			out = append(out, v.Assumed...)
		}
		return out
	}
	if got := assumed(); !slices.Equal(got, []string{arn, arn}) {
		t.Errorf("assumed %q, want %q for both actions", got, arn)
	}
	// A boundary that isn't known may forbid.
	boundary := shop.ARN(partition.IAM, "policy/boundary").String()
	p.set("Role", "app", "permissionsBoundary", boundary)
	if got := assumed(); !slices.Contains(got, boundary) {
		t.Errorf("assumed %q, want %q among it", got, boundary)
	}
}
