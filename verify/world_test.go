package verify_test

import (
	"testing"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// The places of the programs below, which are somebody else's.
var (
	shop     = partition.Place{Account: "555566667777", Region: "us-east-1"}
	security = partition.Place{Account: "777788889999", Region: "us-west-2"}
)

// newWorld is a program without resources.
func newWorld(t *testing.T) *program {
	t.Helper()
	return &program{t, &graph.Graph{Project: "shop", Stack: "prod"}}
}

func (p *program) principal(place partition.Place, s partition.Service, use partition.Use) *policy.Principals {
	p.t.Helper()
	name, err := place.PrincipalFor(s, use)
	if err != nil {
		p.t.Fatal(err)
	}
	return policy.Services(name)
}

func (p *program) via(place partition.Place, s partition.Service) string {
	p.t.Helper()
	via, err := place.ViaService(s)
	if err != nil {
		p.t.Fatal(err)
	}
	return via
}

func text(statements ...policy.Statement) string {
	return policy.Document{Statements: statements}.JSON()
}

// allow is a statement of a role's policy.
func allow(resource string, actions ...string) policy.Statement {
	return policy.Statement{Effect: policy.Allow, Action: actions, Resource: []string{resource}}
}

// grant is a statement of a resource's policy.
func grant(who *policy.Principals, c policy.Conditions, resource string, actions ...string) policy.Statement {
	s := policy.Statement{Effect: policy.Allow, Principal: who, Action: actions, Condition: c}
	if resource != "" {
		s.Resource = []string{resource}
	}
	return s
}

// from are the conditions on whom a service acts for.
func from(place partition.Place, arn string) policy.Conditions {
	return policy.Conditions{}.With("StringEquals", "aws:SourceAccount", string(place.Account)).With("ArnLike", "aws:SourceArn", arn)
}

// bucket declares a bucket, and its policy if there are statements; it returns the ARN.
func (p *program) bucket(name string, place partition.Place, statements ...policy.Statement) string {
	arn := partition.BucketARN(place.Partition(), name).String()
	p.add("aws:s3/bucketV2:BucketV2", name, place, map[string]any{"bucket": name, "arn": arn})
	if len(statements) > 0 {
		p.add("aws:s3/bucketPolicy:BucketPolicy", name, place, map[string]any{"bucket": name, "policy": text(statements...)})
	}
	return arn
}

// encrypted gives a bucket a key, with a bucket key.
func (p *program) encrypted(bucket string, place partition.Place, key string) {
	p.add("aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", bucket, place, map[string]any{
		"bucket": bucket, "rules": []any{map[string]any{
			"bucketKeyEnabled": true, "applyServerSideEncryptionByDefault": map[string]any{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key},
		}},
	})
}

func (p *program) versioned(bucket string, place partition.Place) {
	p.add("aws:s3/bucketVersioningV2:BucketVersioningV2", bucket, place, map[string]any{
		"bucket": bucket, "versioningConfiguration": map[string]any{"status": "Enabled"},
	})
}

func (p *program) key(name string, place partition.Place, statements ...policy.Statement) string {
	arn := place.ARN(partition.KMS, "key/"+name).String()
	p.add("aws:kms/key:Key", name, place, map[string]any{"arn": arn, "keyId": name, "policy": text(statements...), "enableKeyRotation": true})
	return arn
}

// role declares a role that a service may act as, with one inline policy.
func (p *program) role(name string, place partition.Place, trust policy.Statement, statements ...policy.Statement) string {
	arn := place.RoleARN(name).String()
	p.add("aws:iam/role:Role", name, place, map[string]any{"name": name, "arn": arn, "assumeRolePolicy": text(trust)})
	p.add("aws:iam/rolePolicy:RolePolicy", name, place, map[string]any{"name": "inline", "role": name, "policy": text(statements...)})
	return arn
}

func (p *program) trust(place partition.Place, s partition.Service, c policy.Conditions) policy.Statement {
	return grant(p.principal(place, s, partition.Trust), c, "", "sts:AssumeRole")
}

// firehose declares a stream to a bucket of its account, and its role.
func (p *program) firehose(name, bucket string, place partition.Place, more map[string]any, statements ...policy.Statement) string {
	arn := place.ARN(partition.Firehose, "deliverystream/"+name).String()
	role := p.role(name, place, p.trust(place, partition.Firehose, policy.Conditions{}.With("StringEquals", "sts:ExternalId", string(place.Account))),
		append([]policy.Statement{
			allow(bucket, "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"),
			allow(bucket+"/"+name+"/*", "s3:PutObject", "s3:AbortMultipartUpload"),
		}, statements...)...)
	to := map[string]any{"bucketArn": bucket, "roleArn": role, "prefix": name + "/"}
	for k, v := range more {
		to[k] = v
	}
	p.add("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", name, place, map[string]any{"name": name, "arn": arn, "destination": "extended_s3", "extendedS3Configuration": to})
	return arn
}

// subscription declares a subscription of a log group to a stream, and its role.
func (p *program) subscription(group, destination string, place partition.Place, actions ...string) {
	role := p.role("logs-to-stream", place, p.trust(place, partition.Logs, policy.Conditions{}.With("ArnLike", "aws:SourceArn", place.ARN(partition.Logs, "*").String())),
		allow(destination, actions...))
	p.add("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter", "filter", place, map[string]any{
		"name": "filter", "logGroup": group, "destinationArn": destination, "roleArn": role,
	})
}
