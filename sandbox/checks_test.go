package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/stacks"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// landscape is a small working pipeline: log group, stream and roles at home, the bucket in the archive.
type landscape struct {
	t             testing.TB
	w             *World
	s             *Server
	home, archive *client
	bucket        made
	role, ships   made // the stream's role, and that of the subscription filters
	stream        made
	group         made
}

func newLandscape(t testing.TB) *landscape {
	t.Helper()
	w, s := start(t, Options{})
	l := &landscape{t: t, w: w, s: s, home: s.at(t, beijing), archive: s.at(t, archive)}
	if err := w.Adopt([]stacks.External{
		{Kind: stacks.KindVPC, ID: "vpc-0a1b2c3d4e5f60718", Place: beijing, Key: "k"},
		{Kind: stacks.KindVPC, ID: "vpc-0ffffffffffffffff", Place: ningxia, Key: "k"},
	}); err != nil {
		t.Fatal(err)
	}
	l.bucket = l.archive.mustCreate(bucketToken, "bucket", properties("bucket", "the-archive"))
	l.role = l.home.mustCreate(roleToken, "role", properties("name", "delivers", "assumeRolePolicy", trustOf(t, beijing, partition.Firehose)))
	l.stream = l.home.mustCreate(streamToken, "stream", l.streamInputs("logs"))
	l.ships = l.home.mustCreate(roleToken, "ships", properties("name", "ships", "assumeRolePolicy", trustOf(t, beijing, partition.Logs)))
	l.home.mustCreate(rolePolicyToken, "ships", properties("role", "ships", "name", "put", "policy", allowing(text(l.stream.state, "arn"), "firehose:Put*")))
	l.group = l.home.mustCreate(logGroupToken, "group", properties("name", "/app"))
	return l
}

func (l *landscape) streamInputs(name string) resource.PropertyMap {
	return properties("name", name, "destination", "extended_s3", "extendedS3Configuration", map[string]any{
		"roleArn": text(l.role.state, "arn"), "bucketArn": text(l.bucket.state, "arn"),
	})
}

func (l *landscape) filterInputs(name string) resource.PropertyMap {
	return properties("name", name, "logGroup", "/app", "filterPattern", "", "destinationArn", text(l.stream.state, "arn"), "roleArn", text(l.ships.state, "arn"))
}

func (l *landscape) flowLogInputs() resource.PropertyMap {
	return properties("vpcId", "vpc-0a1b2c3d4e5f60718", "trafficType", "ALL", "logDestinationType", "s3", "logDestination", text(l.bucket.state, "arn")+"/flow-logs-direct/")
}

// bucketPolicy lets the log delivery service put objects into the archive.
func (l *landscape) bucketPolicy(statements ...policy.Statement) resource.PropertyMap {
	l.t.Helper()
	delivery, err := beijing.ServicePrincipal(partition.LogDelivery)
	if err != nil {
		l.t.Fatal(err)
	}
	statements = append(statements, policy.Statement{
		Sid: "Delivery", Effect: policy.Allow, Principal: policy.Services(delivery), Action: []string{"s3:PutObject"}, Resource: []string{text(l.bucket.state, "arn") + "/*"},
	})
	return properties("bucket", "the-archive", "policy", policy.Document{Statements: statements}.JSON())
}

func with(inputs resource.PropertyMap, pairs ...any) resource.PropertyMap {
	changed := inputs.Copy()
	for k, v := range properties(pairs...) {
		changed[k] = v
	}
	return changed
}

// TestCreationsAreRefusedAsByAWS has a row for each reason.
func TestCreationsAreRefusedAsByAWS(t *testing.T) {
	t.Parallel()
	nobody := beijing.RoleARN("nobody").String()
	for name, tc := range map[string]struct {
		code   string
		create func(l *landscape) error
	}{
		"own bucket twice": {"BucketAlreadyOwnedByYou", func(l *landscape) error {
			_, err := l.archive.create(bucketToken, "again", properties("bucket", "the-archive"))
			return err
		}},
		"another's bucket": {"BucketAlreadyExists", func(l *landscape) error {
			_, err := l.home.create(bucketToken, "again", properties("bucket", "the-archive"))
			return err
		}},
		"role twice": {"EntityAlreadyExists", func(l *landscape) error {
			_, err := l.s.at(l.t, ningxia).create(roleToken, "again", l.role.inputs.Copy())
			return err
		}},
		"log group twice": {"ResourceAlreadyExistsException", func(l *landscape) error {
			_, err := l.home.create(logGroupToken, "again", properties("name", "/app"))
			return err
		}},
		"stream twice": {"ResourceInUseException", func(l *landscape) error {
			_, err := l.home.create(streamToken, "again", l.streamInputs("logs"))
			return err
		}},
		"vault twice": {"AlreadyExistsException", func(l *landscape) error {
			l.home.mustCreate(vaultToken, "v", properties("name", "vault"))
			_, err := l.home.create(vaultToken, "w", properties("name", "vault"))
			return err
		}},
		"setting of no bucket": {"NoSuchBucket", func(l *landscape) error {
			_, err := l.archive.create("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "b", properties("bucket", "no-such-bucket"))
			return err
		}},
		"setting of another's bucket": {"AccessDenied", func(l *landscape) error {
			_, err := l.s.at(l.t, ningxia).create("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "b", properties("bucket", "the-archive"))
			return err
		}},
		"setting of a bucket elsewhere": {"PermanentRedirect", func(l *landscape) error {
			l.home.mustCreate(bucketToken, "near", properties("bucket", "bucket-in-beijing"))
			_, err := l.s.at(l.t, ningxia).create("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "b", properties("bucket", "bucket-in-beijing"))
			return err
		}},
		"policy of no role": {"NoSuchEntity", func(l *landscape) error {
			_, err := l.home.create(rolePolicyToken, "p", properties("role", "nobody", "name", "p", "policy", allowing("*", "s3:GetObject")))
			return err
		}},
		"alias of no key": {"NotFoundException", func(l *landscape) error {
			_, err := l.home.create(aliasToken, "a", properties("name", "alias/a", "targetKeyId", "11111111-2222-4333-8444-555555555555"))
			return err
		}},
		"alias of a dying key": {"KMSInvalidStateException", func(l *landscape) error {
			key := l.home.mustCreate(keyToken, "k", properties("deletionWindowInDays", 7))
			if err := l.home.delete(key); err != nil {
				return err
			}
			_, err := l.home.create(aliasToken, "a", properties("name", "alias/a", "targetKeyId", string(key.id)))
			return err
		}},
		"flow log of no VPC": {"InvalidVpcID.NotFound", func(l *landscape) error {
			l.archive.mustCreate(bucketPolicyToken, "p", l.bucketPolicy())
			_, err := l.home.create(flowLogToken, "f", with(l.flowLogInputs(), "vpcId", "vpc-00000000000000000"))
			return err
		}},
		"flow log of a VPC elsewhere": {"InvalidVpcID.NotFound", func(l *landscape) error {
			l.archive.mustCreate(bucketPolicyToken, "p", l.bucketPolicy())
			_, err := l.home.create(flowLogToken, "f", with(l.flowLogInputs(), "vpcId", "vpc-0ffffffffffffffff"))
			return err
		}},
		"flow log before the bucket policy": {"LogDestinationPermissionIssueException", func(l *landscape) error {
			_, err := l.home.create(flowLogToken, "f", l.flowLogInputs())
			return err
		}},
		"flow log twice": {"FlowLogAlreadyExists", func(l *landscape) error {
			l.archive.mustCreate(bucketPolicyToken, "p", l.bucketPolicy())
			l.home.mustCreate(flowLogToken, "f", l.flowLogInputs())
			_, err := l.home.create(flowLogToken, "g", l.flowLogInputs())
			return err
		}},
		"bucket policy for nobody": {"MalformedPolicy", func(l *landscape) error {
			_, err := l.archive.create(bucketPolicyToken, "p", l.bucketPolicy(policy.Statement{
				Effect: policy.Allow, Principal: policy.AWSPrincipals(nobody), Action: []string{"s3:PutObject"}, Resource: []string{text(l.bucket.state, "arn") + "/*"},
			}))
			return err
		}},
		"trust in nobody": {"MalformedPolicyDocument", func(l *landscape) error {
			_, err := l.home.create(roleToken, "r", properties("name", "r", "assumeRolePolicy", policy.Document{Statements: []policy.Statement{{
				Effect: policy.Allow, Principal: policy.AWSPrincipals(nobody), Action: []string{"sts:AssumeRole"},
			}}}.JSON()))
			return err
		}},
		"filter on no log group": {"ResourceNotFoundException", func(l *landscape) error {
			_, err := l.home.create(filterToken, "f", with(l.filterInputs("f"), "logGroup", "/nothing"))
			return err
		}},
		"filter to no stream": {"InvalidParameterException", func(l *landscape) error {
			_, err := l.home.create(filterToken, "f", with(l.filterInputs("f"), "destinationArn", beijing.ARN(partition.Firehose, "deliverystream/none").String()))
			return err
		}},
		"filter as a role that may not put": {"InvalidParameterException", func(l *landscape) error {
			l.home.mustCreate(roleToken, "idle", properties("name", "idle", "assumeRolePolicy", trustOf(l.t, beijing, partition.Logs)))
			_, err := l.home.create(filterToken, "f", with(l.filterInputs("f"), "roleArn", beijing.RoleARN("idle").String()))
			return err
		}},
		"filter as a role that trusts others": {"InvalidParameterException", func(l *landscape) error {
			_, err := l.home.create(filterToken, "f", with(l.filterInputs("f"), "roleArn", text(l.role.state, "arn")))
			return err
		}},
		"third filter of a log group": {"LimitExceededException", func(l *landscape) error {
			for i := range 2 {
				l.home.mustCreate(filterToken, fmt.Sprint("f", i), l.filterInputs(fmt.Sprint("f", i)))
			}
			_, err := l.home.create(filterToken, "f2", l.filterInputs("f2"))
			return err
		}},
		"stream as a role that trusts others": {"InvalidArgumentException", func(l *landscape) error {
			inputs := l.streamInputs("more")
			inputs["extendedS3Configuration"] = resource.NewPropertyValue(map[string]any{"roleArn": text(l.ships.state, "arn"), "bucketArn": text(l.bucket.state, "arn")})
			_, err := l.home.create(streamToken, "more", inputs)
			return err
		}},
		"inline policies too long": {"LimitExceeded", func(l *landscape) error {
			long := strings.Repeat("x", 5000)
			for i := range 3 {
				if _, err := l.home.create(rolePolicyToken, fmt.Sprint("p", i), properties("role", "ships", "name", fmt.Sprint("p", i), "policy", allowing(text(l.bucket.state, "arn")+"/"+long, "s3:PutObject"))); err != nil {
					return err
				}
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLandscape(t)
			before := len(l.w.List(""))
			err := tc.create(l)
			refused(t, err, tc.code)
			if err != nil && strings.HasPrefix(err.Error(), "check: ") {
				t.Errorf("found before AWS was asked: %v", err)
			}
			if tc.code == "NoSuchBucket" && len(l.w.List("")) != before {
				t.Error("what was refused was made")
			}
		})
	}
}

func TestStreamQuotaOfARegion(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	limit, err := beijing.Region.Limit(partition.FirehoseStreams)
	if err != nil {
		t.Fatal(err)
	}
	var streams []Object
	for i := range limit - 1 { // one is there
		name := fmt.Sprint("stream", i)
		streams = append(streams, Object{Type: streamToken, ID: name, Place: beijing, State: properties("name", name)})
	}
	if err := l.w.Put(streams...); err != nil {
		t.Fatal(err)
	}
	_, err = l.home.create(streamToken, "one more", l.streamInputs("one-more"))
	refused(t, err, "LimitExceededException")
}

func TestDeletionsAreRefusedAsByAWS(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code   string
		delete func(l *landscape) error
	}{
		"bucket with objects": {"BucketNotEmpty", func(l *landscape) error {
			dir := filepath.Join(l.w.Dir(), "s3", "the-archive", "logs")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, "object.gz"), []byte("x"), 0o600); err != nil {
				return err
			}
			return l.archive.delete(l.bucket)
		}},
		"role with a policy": {"DeleteConflict", func(l *landscape) error { return l.home.delete(l.ships) }},
		"policy that is attached": {"DeleteConflict", func(l *landscape) error {
			p := l.home.mustCreate(policyToken, "p", properties("name", "p", "policy", allowing(text(l.stream.state, "arn"), "firehose:PutRecord")))
			l.home.mustCreate(attachmentToken, "a", properties("role", "ships", "policyArn", text(p.state, "arn")))
			return l.home.delete(p)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, tc.delete(newLandscape(t)), tc.code)
		})
	}
}

func TestDeletionsTakeTheirBelongingsAlong(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	filter := l.home.mustCreate(filterToken, "f", l.filterInputs("f"))
	l.archive.mustCreate(bucketPolicyToken, "p", l.bucketPolicy())
	for _, step := range []struct {
		by   *client
		what made
	}{{l.home, l.group}, {l.home, filter}, {l.archive, l.bucket}} {
		if err := step.by.delete(step.what); err != nil {
			t.Errorf("%s: %v", step.what.urn, err)
		}
	}
	for _, token := range []string{filterToken, bucketPolicyToken, bucketToken, logGroupToken} {
		if left := l.w.List(token); len(left) != 0 {
			t.Errorf("left: %s %s", token, left[0].ID)
		}
	}
	key := l.home.mustCreate(keyToken, "k", properties("deletionWindowInDays", 7))
	if err := l.home.delete(key); err != nil {
		t.Fatal(err)
	}
	if got, err := l.home.read(key); err != nil || got.ID != "" {
		t.Errorf("a key that is being deleted reads as %q, %v", got.ID, err)
	}
	if o, ok := l.w.Get(keyToken, beijing, string(key.id)); !ok || !o.PendingDeletion() {
		t.Error("KMS keeps a deleted key for its waiting period")
	}
	if err := l.home.delete(key); err != nil {
		t.Errorf("deleting it again: %v", err)
	}
}

func TestSecondOneTakesThePlaceOfTheFirst(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	first := l.archive.mustCreate(bucketPolicyToken, "first", l.bucketPolicy())
	second := l.archive.mustCreate(bucketPolicyToken, "second", l.bucketPolicy(policy.Statement{
		Sid: "More", Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: []string{"s3:DeleteObject"}, Resource: []string{text(l.bucket.state, "arn") + "/*"},
	}))
	got := l.w.List(bucketPolicyToken)
	if len(got) != 1 || got[0].URN != string(second.urn) || first.id != second.id {
		t.Errorf("policies of one bucket: %v", got)
	}
}

func TestRefusalsNameAllReasons(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	_, err := l.home.create(filterToken, "f", properties("name", "f", "logGroup", "/nothing", "filterPattern", "",
		"destinationArn", beijing.ARN(partition.Firehose, "deliverystream/none").String(), "roleArn", beijing.RoleARN("nobody").String()))
	for _, want := range []string{"/nothing", "deliverystream/none", "role/nobody"} {
		refused(t, err, want)
	}
}
