package sandbox

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// refusalOf sends a line from a source and flushes, and returns what refuses: nil when the line arrives.
func refusalOf(t *testing.T, d *Delivery, id string) *Refusal {
	t.Helper()
	ctx := context.Background()
	s := findSource(t, d, id)
	_, err := d.Send(ctx, s, []string{"line-1"})
	if err == nil {
		err = d.Flush(ctx)
	}
	if err == nil {
		return nil
	}
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("%s: %v, want a Refusal", id, err)
	}
	return refusal
}

// Each link that is taken away refuses, at its own hop, with AWS's code, and names what should carry it; and the sources
// that don't need it still deliver.
func TestRefusals(t *testing.T) {
	t.Parallel()
	without := func(all []policy.Statement, i int) string {
		return document(slices.Delete(slices.Clone(all), i, i+1)...)
	}
	roleName := func(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
	noTrust := func(id string) func(*testResources) {
		return func(w *testResources) {
			w.change(roleToken, id, set("assumeRolePolicy", document(allow(service(t, partition.Lambda, partition.Trust), []string{"sts:AssumeRole"}, nil, nil))))
		}
	}
	noPolicy := func(name string) func(*testResources) {
		return func(w *testResources) { w.remove(rolePolicyToken, name+":own") }
	}
	drop := func(token, id string) func(*testResources) { return func(w *testResources) { w.remove(token, id) } }
	bucketWithout := func(i int) func(*testResources) {
		return func(w *testResources) {
			w.change(bucketPolicyToken, testBucket, set("policy", without(bucketStatements(t), i)))
		}
	}
	keyWithout := func(i int) func(*testResources) {
		return func(w *testResources) {
			w.change(keyToken, "0b5a0c6e", set("policy", without(keyStatements(t), i)))
		}
	}
	streamWithout := func(i int) func(*testResources) {
		return func(w *testResources) {
			w.change(rolePolicyToken, "firehose-logs:own", set("policy", without(streamStatements(), i)))
		}
	}
	ownKey := func(change func(resource.PropertyMap)) func(*testResources) {
		return func(w *testResources) { w.change(keyToken, "0b5a0c6e", change) }
	}
	testBoundary := sourcePlace.ARN(partition.IAM, "policy/Boundary").String()
	boundary := func(role string, statements ...policy.Statement) func(*testResources) {
		return func(w *testResources) {
			w.add(catalog.Policy, sourcePlace, testBoundary, map[string]any{"arn": testBoundary, "policy": document(statements...)})
			w.change(roleToken, role, set("permissionsBoundary", testBoundary))
		}
	}
	const denied = "AccessDenied"
	all := []string{testGroup, "orders", "fl-logs", "fl-text", "fl-parquet", "fl-gateway"}
	piped, direct := all[:3], all[3:]
	groupARN := sourcePlace.LogGroupARN(testGroup).String()
	tests := []struct {
		name    string
		take    func(*testResources)
		refused []string // parts of the ids of the sources
		code    string
		action  string
		carrier string
		reason  string
	}{
		// CloudWatch Logs.
		{"log group", drop(logGroupToken, testGroup), nil, "", "", "", ""}, // then it isn't a source
		{"log group of a database", drop(logGroupToken, dbGroup), all[1:2], "ResourceNotFoundException", "logs:PutLogEvents", sourcePlace.LogGroupARN(dbGroup).String(), "log group does not exist"},
		{"filter", drop(filterToken, "cwlsf-"+testGroup), all[:1], "ResourceNotFoundException", "logs:DescribeSubscriptionFilters", groupARN, "no subscription filter"},
		{"filter's role", drop(roleToken, roleName(filterRole)), piped, denied, "sts:AssumeRole", filterRole, "doesn't exist"},
		{"trust of the filter's role", noTrust(roleName(filterRole)), piped, denied, "sts:AssumeRole", filterRole, "trust policy"},
		{"policy of the filter's role", noPolicy("subscribe-logs"), piped, denied, "firehose:PutRecord", filterRole, "firehose:PutRecord on " + testStreamARN},
		{"stream", drop(streamToken, testStreamARN), piped, "ResourceNotFoundException", "firehose:PutRecord", testStreamARN, "doesn't exist"},
		{"stream's region", func(w *testResources) {
			w.change(filterToken, "cwlsf-"+testGroup, set("destinationArn", strings.Replace(testStreamARN, "cn-north-1", "cn-northwest-1", 1)))
		}, all[:1], "InvalidParameterException", "firehose:PutRecord", strings.Replace(testStreamARN, "cn-north-1", "cn-northwest-1", 1), "must be in"},
		// Firehose.
		{"stream's role", drop(roleToken, roleName(streamRole)), piped, denied, "sts:AssumeRole", streamRole, "doesn't exist"},
		{"trust of the stream's role", noTrust(roleName(streamRole)), piped, denied, "sts:AssumeRole", streamRole, "trust policy"},
		{"external id", func(w *testResources) {
			w.change(roleToken, "firehose-logs", set("assumeRolePolicy", trustDocument(service(t, partition.Firehose, partition.Trust), policy.Conditions{}.With("StringEquals", "sts:ExternalId", "999999999999"))))
		}, piped, denied, "sts:AssumeRole", streamRole, "StringEquals sts:ExternalId doesn't hold (the request has 111122223333)"},
		{"policy of the stream's role", noPolicy("firehose-logs"), piped, denied, "s3:PutObject", streamRole, "s3:PutObject"},
		{"s3:PutObject of the stream's role", streamWithout(0), piped, denied, "s3:PutObject", streamRole, "s3:PutObject"},
		{"s3:PutObjectAcl of the stream's role", streamWithout(1), piped, denied, "s3:PutObjectAcl", streamRole, "s3:PutObjectAcl"},
		{"kms:GenerateDataKey of the stream's role", streamWithout(2), piped, denied, "kms:GenerateDataKey", streamRole, testKey},
		{"kms:Decrypt of the stream's role", streamWithout(3), piped, denied, "kms:Decrypt", streamRole, testKey},
		// The bucket.
		{"bucket", drop(bucketToken, testBucket), all, "NoSuchBucket", "", testBucketARN, "doesn't exist"},
		{"bucket policy", drop(bucketPolicyToken, testBucket), all, denied, "", testBucketARN, "policy of bucket log-archive has no statement"},
		{"bucket's grant to the role", bucketWithout(2), piped, denied, "s3:PutObject", testBucketARN, "policy of bucket log-archive"},
		{"bucket's grant of the ACL", bucketWithout(3), piped, denied, "s3:PutObjectAcl", testBucketARN, "policy of bucket log-archive"},
		{"bucket's grant to log delivery", bucketWithout(0), direct, denied, "s3:PutObject", testBucketARN, "s3:PutObject"},
		{"bucket's ACL check", bucketWithout(1), direct, denied, "s3:GetBucketAcl", testBucketARN, "s3:GetBucketAcl"},
		{"other account's flow logs", func(w *testResources) {
			changed := strings.ReplaceAll(document(bucketStatements(t)...), `"aws:SourceAccount":"111122223333"`, `"aws:SourceAccount":"999999999999"`)
			w.change(bucketPolicyToken, testBucket, set("policy", changed))
		}, direct, denied, "s3:GetBucketAcl", testBucketARN, "StringEquals aws:SourceAccount doesn't hold (the request has 111122223333)"},
		{"a denial", func(w *testResources) {
			deny := policy.Statement{Sid: "Closed", Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: []string{"s3:PutObject"}, Resource: []string{testBucketARN + "/*"}}
			w.change(bucketPolicyToken, testBucket, set("policy", document(append(bucketStatements(t), deny)...)))
		}, all, denied, "s3:PutObject", testBucketARN, "Deny by resource policy the policy of bucket log-archive, statement 5 (Closed)"},
		{"an ACL that isn't sent", func(w *testResources) {
			statements := bucketStatements(t)
			statements[0].Condition = statements[0].Condition.With("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control")
			w.change(bucketPolicyToken, testBucket, set("policy", document(statements...)))
		}, direct, denied, "s3:PutObject", testBucketARN, "s3:x-amz-acl doesn't hold (the request doesn't have it)"},
		// The key.
		{"key", drop(keyToken, "0b5a0c6e"), all, "KMS.NotFoundException", "s3:PutObject", testKey, "doesn't exist"},
		{"key enabled", ownKey(func(m resource.PropertyMap) { m["isEnabled"] = resource.NewBoolProperty(false) }), all, "KMS.DisabledException", "s3:PutObject", testKey, "disabled"},
		{"key kept", ownKey(set("keyState", "PendingDeletion")), all, "KMS.KMSInvalidStateException", "s3:PutObject", testKey, "pending deletion"},
		{"key's grant to the role", keyWithout(0), piped, denied, "kms:GenerateDataKey", testKey, "policy of key"},
		{"key's grant to decrypt", keyWithout(1), piped, denied, "kms:Decrypt", testKey, "policy of key"},
		{"key's grant to log delivery", keyWithout(2), direct, denied, "kms:GenerateDataKey", testKey, "policy of key"},
		{"key's grant to log delivery to decrypt", keyWithout(3), direct, denied, "kms:Decrypt", testKey, "policy of key"},
		{"key by its id", func(w *testResources) {
			w.change(encryptionToken, testBucket, func(m resource.PropertyMap) {
				m["rules"] = resource.NewPropertyValue([]any{map[string]any{"applyServerSideEncryptionByDefault": map[string]any{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "0b5a0c6e"}}})
			})
		}, direct, "KMS.NotFoundException", "s3:PutObject", testBucketARN, "name the key by its ARN"},
		{"key of AWS", func(w *testResources) {
			w.change(encryptionToken, testBucket, func(m resource.PropertyMap) {
				m["rules"] = resource.NewPropertyValue([]any{map[string]any{"applyServerSideEncryptionByDefault": map[string]any{"sseAlgorithm": "aws:kms"}}})
			})
		}, direct, denied, "s3:PutObject", testBucketARN, "needs a customer managed key"},
		// A permission boundary: what it doesn't allow, no policy of the role does.
		{"action in the boundary of the stream's role", boundary("firehose-logs", allow(nil, []string{"s3:*"}, []string{"*"}, nil)), piped, denied, "kms:GenerateDataKey", testBoundary, "the permission boundary " + testBoundary + " of the role " + streamRole + " has no statement that allows kms:GenerateDataKey"},
		{"a denial in the boundary of the filter's role", boundary("subscribe-logs",
			allow(nil, []string{"*"}, []string{"*"}, nil), policy.Statement{Effect: policy.Deny, Action: []string{"firehose:*"}, Resource: []string{"*"}},
		), piped, denied, "firehose:PutRecord", testBoundary, "Deny by permission boundary"},
		{"boundary that allows it", boundary("firehose-logs", allow(nil, []string{"*"}, []string{"*"}, nil)), []string{}, "", "", "", ""},
		// The flow log service.
		{"flow log's role", drop(roleToken, "flow-logs"), all[2:3], denied, "sts:AssumeRole", flowRole, "doesn't exist"},
		{"trust of the flow log's role", noTrust("flow-logs"), all[2:3], denied, "sts:AssumeRole", flowRole, "trust policy"},
		{"policy of the flow log's role", noPolicy("flow-logs"), all[2:3], denied, "logs:CreateLogStream", flowRole, "logs:CreateLogStream"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, id := range all {
				w := newTestWorld(t)
				test.take(w)
				d := newTestDelivery(t, w)
				if test.refused == nil {
					if len(d.Sources()) != len(all)-1 {
						t.Errorf("%d sources", len(d.Sources()))
					}
					return
				}
				got := refusalOf(t, d, id)
				if !slices.Contains(test.refused, id) {
					if got != nil {
						t.Errorf("%s doesn't need it, but: %v", id, got)
					}
					continue
				}
				if got == nil {
					t.Errorf("%s arrives", id)
					continue
				}
				if got.Code != test.code || (test.action != "" && got.Hop.Action != test.action) || got.Carrier != test.carrier || !strings.Contains(got.Reason, test.reason) {
					t.Errorf("%s: %v\n(carrier %s)\nwant code %s, action %s, carrier %s, a reason with %q", id, got, got.Carrier, test.code, test.action, test.carrier, test.reason)
				}
			}
		})
	}
}

// What couldn't be delivered waits, is seen, and arrives when the link is there again.
func TestRefusalIsMended(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTestWorld(t)
	d := newTestDelivery(t, w)
	s := findSource(t, d, testGroup)
	good := document(bucketStatements(t)...)
	w.change(bucketPolicyToken, testBucket, set("policy", document(bucketStatements(t)[:2]...)))
	if _, err := d.Send(ctx, s, []string{"one"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.Flush(ctx); !errors.As(err, new(*Refusal)) {
			t.Fatalf("Flush: %v", err)
		}
	}
	if _, err := d.Send(ctx, s, []string{"two"}); err != nil {
		t.Fatal(err)
	}
	status, err := d.Status()
	if err != nil || len(status) != 1 || status[0].Attempts < 2 || status[0].Code != "AccessDenied" || status[0].Lines != 2 || status[0].Overdue {
		t.Errorf("status %+v, %v", status, err)
	}
	if _, err := d.clock.Advance(keepFor); err != nil {
		t.Fatal(err)
	}
	if status, err := d.Status(); err != nil || !status[0].Overdue {
		t.Errorf("after a day: %+v, %v", status, err)
	}
	w.change(bucketPolicyToken, testBucket, set("policy", good))
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if got, _, err := d.Find(ctx, s); !cmp.Equal(got, []string{"one", "two"}) || err != nil {
		t.Errorf("found %q, %v", got, err)
	}
}

// A stream whose configuration the sandbox can't follow is an error that says so, before anything is taken.
func TestUnsupportedStreams(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]string{
		"processingConfiguration": "processors", "dynamicPartitioningConfiguration": "dynamic partitioning", "dataFormatConversionConfiguration": "format conversion",
		"compressionFormat": "Snappy", "customTimeZone": "PST", "prefix": "!{nonsense}",
	} {
		w := newTestWorld(t)
		w.change(streamToken, testStreamARN, func(m resource.PropertyMap) {
			c := m["extendedS3Configuration"].ObjectValue().Copy()
			c[resource.PropertyKey(change)] = resource.NewStringProperty(want)
			if strings.HasSuffix(change, "Configuration") {
				c[resource.PropertyKey(change)] = resource.NewPropertyValue(map[string]any{"enabled": true})
			}
			m["extendedS3Configuration"] = resource.NewObjectProperty(c)
		})
		d := newTestDelivery(t, w)
		s := findSource(t, d, testGroup)
		_, err := d.Send(context.Background(), s, []string{"x"})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(s.Broken, want) {
			t.Errorf("%s: %v (broken: %q), want %q", change, err, s.Broken, want)
		}
		if status, err := d.Status(); len(status) > 0 || err != nil {
			t.Errorf("%s: something was taken: %+v, %v", change, status, err)
		}
	}
}
