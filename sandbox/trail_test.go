package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const trailGroup = "/cloudtrail"

var (
	testTrail = sourcePlace.ARN(partition.CloudTrail, "trail/management").String()
	trailRole = sourcePlace.RoleARN("trail").String()
)

// trailStatements are what CloudTrail is granted by the bucket and by the key.
func trailStatements(t testing.TB) (bucket, key []policy.Statement) {
	who, mine := service(t, partition.CloudTrail, partition.Deliver), policy.Conditions{}.With("ArnLike", "aws:SourceArn", testTrail)
	context := mine.With("StringLike", "kms:EncryptionContext:aws:cloudtrail:arn", sourcePlace.ARN(partition.CloudTrail, "trail/*").String())
	return []policy.Statement{
			allow(who, []string{"s3:GetBucketAcl"}, []string{testBucketARN}, mine),
			allow(who, []string{"s3:PutObject"}, []string{testBucketARN + "/trails/AWSLogs/" + string(sourcePlace.Account) + "/*"}, mine),
		}, []policy.Statement{
			allow(who, []string{"kms:GenerateDataKey*"}, []string{"*"}, context),
			allow(who, []string{"kms:DescribeKey"}, []string{"*"}, mine),
			allow(who, []string{"kms:Decrypt"}, []string{"*"}, mine),
		}
}

// newTrailWorld has a trail to the bucket, and to a log group that goes to the stream.
func newTrailWorld(t testing.TB) *testResources {
	w := newTestWorld(t)
	bucket, key := trailStatements(t)
	w.change(bucketPolicyToken, testBucket, set("policy", document(append(bucketStatements(t), bucket...)...)))
	w.change(keyToken, "0b5a0c6e", set("policy", document(append(keyStatements(t), key...)...)))
	w.add(roleToken, sourcePlace, "trail", map[string]any{"name": "trail", "arn": trailRole, "assumeRolePolicy": trustDocument(service(t, partition.CloudTrail, partition.Trust), nil)})
	w.add(rolePolicyToken, sourcePlace, "trail:own", map[string]any{"name": "own", "role": "trail", "policy": document(
		allow(nil, []string{"logs:CreateLogStream", "logs:PutLogEvents"}, []string{sourcePlace.LogGroupARN(trailGroup + ":log-stream:*").String()}, nil))})
	group := sourcePlace.LogGroupARN(trailGroup).String()
	w.add(logGroupToken, sourcePlace, trailGroup, map[string]any{"name": trailGroup, "arn": group})
	w.add(filterToken, sourcePlace, "cwlsf-"+trailGroup, map[string]any{"name": "to-" + testStream, "logGroup": trailGroup, "filterPattern": "", "destinationArn": testStreamARN, "roleArn": filterRole})
	w.add(trailToken, sourcePlace, testTrail, map[string]any{
		"name": "management", "arn": testTrail, "s3BucketName": testBucket, "s3KeyPrefix": "trails", "kmsKeyId": testKey, "isMultiRegionTrail": true,
		"enableLogFileValidation": true, "enableLogging": true, "cloudWatchLogsGroupArn": group + ":*", "cloudWatchLogsRoleArn": trailRole,
	})
	return w
}

// objectsBelow are the keys below a prefix of the test bucket.
func objectsBelow(t *testing.T, d *Delivery, prefix string) []StoredObject {
	t.Helper()
	objects, err := d.store.List(testBucket, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestTrailDelivers(t *testing.T) {
	t.Parallel()
	d := newTestDelivery(t, newTrailWorld(t))
	ctx := context.Background()
	var sources []Source
	for _, s := range d.Sources() {
		if s.Kind == SourceTrail {
			sources = append(sources, s)
		}
		if s.Kind == SourceLogGroup && s.Name == trailGroup {
			t.Error("the trail's log group is a source of its own")
		}
	}
	if len(sources) != 2 || sources[0].Broken+sources[1].Broken != "" {
		t.Fatalf("%d sources of the trail: %+v", len(sources), sources)
	}
	sent := make([][]string, len(sources))
	for round := range 2 {
		for i, s := range sources {
			lines, err := d.Lines(s, fmt.Sprintf("r%d", round), 5)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Send(ctx, s, lines); err != nil {
				t.Fatal(err)
			}
			sent[i] = append(sent[i], lines...)
		}
		if err := d.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range sources {
		found, _, err := d.Find(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(found)
		slices.Sort(sent[i])
		if !slices.Equal(found, sent[i]) {
			t.Errorf("%s: found %d lines, sent %d", s.ID, len(found), len(sent[i]))
		}
	}
	// AWS's names: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
	form := regexp.MustCompile(`^trails/AWSLogs/111122223333/CloudTrail/cn-north-1/\d{4}/\d\d/\d\d/111122223333_CloudTrail_cn-north-1_\d{8}T\d{4}Z_[A-Z0-9]{16}\.json\.gz$`)
	files := objectsBelow(t, d, "trails/AWSLogs/111122223333/CloudTrail/")
	for _, o := range files {
		if !form.MatchString(o.Key) || o.Encryption.KeyARN != testKey || o.Records != 5 {
			t.Errorf("log file %+v", o)
		}
		text, err := d.unpacked(o)
		var records struct {
			Records []struct {
				EventTime time.Time
				EventName string
			}
		}
		if err := errorOr(err, json.Unmarshal(text, &records)); err != nil || len(records.Records) != 5 || records.Records[0].EventTime.IsZero() || records.Records[0].EventName == "" {
			t.Errorf("%s: %v, %+v", o.Key, err, records)
		}
	}
	wantDigests(t, d, files)
}

func errorOr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// wantDigests: every log file is in one digest, with its hash, and each digest has the hash of the one before.
func wantDigests(t *testing.T, d *Delivery, files []StoredObject) {
	t.Helper()
	form := regexp.MustCompile(`^trails/AWSLogs/111122223333/CloudTrail-Digest/cn-north-1/\d{4}/\d\d/\d\d/111122223333_CloudTrail-Digest_cn-north-1_management_cn-north-1_\d{8}T\d{6}Z\.json\.gz$`)
	digests := objectsBelow(t, d, "trails/AWSLogs/111122223333/CloudTrail-Digest/")
	if len(digests) != len(files) || len(digests) != 2 {
		t.Fatalf("%d digests of %d log files in two hours", len(digests), len(files))
	}
	named := map[string]int{}
	var before []byte
	for i, o := range digests {
		if !form.MatchString(o.Key) {
			t.Errorf("digest %s", o.Key)
		}
		text, err := d.unpacked(o)
		if err != nil {
			t.Fatal(err)
		}
		var g digest
		if err := json.Unmarshal(text, &g); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(before)
		switch {
		case i == 0 && g.PreviousObject != nil:
			t.Errorf("the first digest names %s as the one before", *g.PreviousObject)
		case i > 0 && (g.PreviousObject == nil || *g.PreviousObject != digests[i-1].Key || *g.PreviousHash != hex.EncodeToString(sum[:])):
			t.Errorf("digest %d doesn't go on from the one before: %+v", i, g)
		}
		before = text
		for _, f := range g.Files {
			named[f.Object]++
			hash, err := d.hashOf(StoredObject{Bucket: f.Bucket, Key: f.Object})
			if err != nil || hash != f.Hash {
				t.Errorf("%s: hash %s in the digest, %s of the file, %v", f.Object, f.Hash, hash, err)
			}
		}
	}
	for _, f := range files {
		if named[f.Key] != 1 {
			t.Errorf("%s is in %d digests", f.Key, named[f.Key])
		}
	}
}

// TestTrailRefusals takes what the trail needs away, a piece at a time.
func TestTrailRefusals(t *testing.T) {
	t.Parallel()
	bucket, key := trailStatements(t)
	less := func(all []policy.Statement, i int) []policy.Statement {
		return slices.Delete(slices.Clone(all), i, i+1)
	}
	onBucket := func(statements ...policy.Statement) func(*testResources) {
		return func(w *testResources) {
			w.change(bucketPolicyToken, testBucket, set("policy", document(append(bucketStatements(t), statements...)...)))
		}
	}
	denyOther := policy.Statement{Sid: "OtherEncryption", Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: []string{"s3:PutObject"}, Resource: []string{testBucketARN + "/*"},
		Condition: policy.Conditions{}.With("StringNotEquals", "s3:x-amz-server-side-encryption", "aws:kms").With("Null", "s3:x-amz-server-side-encryption", "false")}
	for name, c := range map[string]struct {
		take         func(*testResources)
		source       string
		code, action string
	}{
		"bucket":              {func(w *testResources) { w.remove(bucketToken, testBucket) }, "management", "NoSuchBucket", "s3:PutObject"},
		"ACL check":           {onBucket(less(bucket, 0)...), "management", "AccessDenied", "s3:GetBucketAcl"},
		"objects":             {onBucket(less(bucket, 1)...), "management", "AccessDenied", "s3:PutObject"},
		"digests with SSE-S3": {onBucket(append(bucket, denyOther)...), "management", "AccessDenied", "s3:PutObject"},
		"key": {func(w *testResources) {
			w.change(keyToken, "0b5a0c6e", set("policy", document(append(keyStatements(t), less(key, 0)...)...)))
		}, "management", "AccessDenied", "kms:GenerateDataKey"},
		"another trail's context": {func(w *testResources) {
			changed := strings.ReplaceAll(document(append(keyStatements(t), key...)...), `:111122223333:trail/*`, `:999999999999:trail/*`)
			w.change(keyToken, "0b5a0c6e", set("policy", changed))
		}, "management", "AccessDenied", "kms:GenerateDataKey"},
		"condition on the ACL": {func(w *testResources) {
			bucket[1].Condition = bucket[1].Condition.With("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control")
			onBucket(bucket...)(w)
		}, "management", "AccessDenied", "s3:PutObject"}, // the bucket has no ACLs
		"role's trust": {func(w *testResources) {
			w.change(roleToken, "trail", set("assumeRolePolicy", trustDocument(service(t, partition.Lambda, partition.Trust), nil)))
		}, "management" + copyOfTrail, "AccessDenied", "sts:AssumeRole"},
		"role's policy": {func(w *testResources) { w.remove(rolePolicyToken, "trail:own") }, "management" + copyOfTrail, "AccessDenied", "logs:CreateLogStream"},
	} {
		t.Run(name, func(t *testing.T) {
			bucket, key = trailStatements(t)
			w := newTrailWorld(t)
			c.take(w)
			d := newTestDelivery(t, w)
			r := refusalOf(t, d, "trail:111122223333:cn-north-1:"+c.source)
			if r == nil || r.Code != c.code || r.Hop.Action != c.action {
				t.Errorf("refused with %v, want %s at %s", r, c.code, c.action)
			}
		})
	}
}

// TestTrailCreation: CloudTrail tries out the bucket, the key and the role before it says yes.
func TestTrailCreation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code   string
		bucket bool
		key    bool
		more   []any
	}{
		"accepted":             {"", true, true, nil},
		"no bucket policy":     {"InsufficientS3BucketPolicyException", false, true, nil},
		"no key policy":        {"InsufficientEncryptionPolicyException", true, false, nil},
		"no bucket":            {"S3BucketDoesNotExistException", true, true, []any{"s3BucketName", "no-such-bucket"}},
		"role that trusts not": {"InvalidCloudWatchLogsRoleArnException", true, true, []any{"cloudWatchLogsGroupArn", beijing.LogGroupARN("/app").String() + ":*", "cloudWatchLogsRoleArn", beijing.RoleARN("ships").String()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLandscape(t)
			trail := beijing.ARN(partition.CloudTrail, "trail/all*").String()
			principal := service(t, partition.CloudTrail, partition.Deliver)
			mine := policy.Conditions{}.With("ArnLike", "aws:SourceArn", trail)
			actions := []string{"kms:DescribeKey"}
			if c.key {
				actions = append(actions, "kms:GenerateDataKey*", "kms:Decrypt")
			}
			doc := document(allow(principal, actions, []string{"*"}, mine), allow(policy.AWSPrincipals(archive.RootARN().String()), []string{"kms:PutKeyPolicy"}, []string{"*"}, nil))
			key := l.archive.mustCreate(keyToken, "key", properties("policy", doc))
			grants := []policy.Statement{}
			if c.bucket {
				arn := text(l.bucket.state, "arn")
				grants = append(grants, allow(principal, []string{"s3:GetBucketAcl", "s3:PutObject"}, []string{arn, arn + "/AWSLogs/*"}, mine))
			}
			l.archive.mustCreate(bucketPolicyToken, "policy", l.bucketPolicy(grants...))
			in := with(properties("name", "all", "s3BucketName", "the-archive", "kmsKeyId", text(key.state, "arn")), c.more...)
			_, err := l.home.create(trailToken, "trail", in)
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				if _, err = l.home.create(trailToken, "again", in.Copy()); err == nil || !strings.Contains(err.Error(), "TrailAlreadyExistsException") {
					t.Errorf("a second one: %v", err)
				}
				for i := range trailsPerRegion {
					_, err = l.home.create(trailToken, fmt.Sprint("more", i), with(in, "name", fmt.Sprint("all.", i)))
				}
				if err == nil || !strings.Contains(err.Error(), "MaximumNumberOfTrailsExceededException") {
					t.Errorf("one too many: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.code) {
				t.Errorf("%v, want %s", err, c.code)
			}
		})
	}
}
