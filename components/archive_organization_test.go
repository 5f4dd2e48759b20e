package components_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// TestOrganization: with an organisation, the policies name it instead of each account that delivers as a role, so that 1,000
// accounts with streams and replays take no more of them than two do. The own account's roles are named as ever.
func TestOrganization(t *testing.T) {
	t.Parallel()
	vault := partition.Place{Account: "444455556666", Region: "us-west-2"}
	policies := func(accounts int, organization string) (bucket, key policy.Document) {
		t.Helper()
		args := &components.LogArchiveBucketArgs{Place: vault, BucketName: "example-archive", KeyAlias: "archive", RetentionDays: 400, OrganizationID: organization}
		add := func(source partition.Place) {
			prefix := fmt.Sprintf("logs/account=%s/", source.Account)
			args.Deliveries = append(args.Deliveries,
				components.Delivery{Kind: components.FirehoseDelivery, Source: source, RoleArn: source.RoleARN("firehose").String(), Prefix: prefix, ErrorPrefix: "errors/" + prefix},
				components.Delivery{Kind: components.ReplayDelivery, Source: source, RoleArn: source.RoleARN("replay").String(), ErrorPrefix: "errors/" + prefix})
		}
		add(vault)
		for i := range accounts {
			add(partition.Place{Account: partition.Account(fmt.Sprintf("%012d", 300000000000+i)), Region: "us-east-1"})
		}
		g := record(t, bucketProgram(args))
		for _, of := range []struct {
			doc        *policy.Document
			kind       policy.Kind
			token, key string
		}{{&bucket, policy.Bucket, "aws:s3/bucketPolicy:BucketPolicy", "archive"}, {&key, policy.Key, "aws:kms/key:Key", "archive-key"}} {
			doc, err := policy.Parse([]byte(text(t, find(t, g, of.token, of.key), "policy")))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range doc.Validate(of.kind) {
				t.Error(p)
			}
			*of.doc = doc
		}
		return bucket, key
	}
	const id = "o-exampleorgid"
	two, twoKey := policies(2, id)
	many, manyKey := policies(1000, id)
	if two.JSON() != many.JSON() || twoKey.JSON() != manyKey.JSON() {
		t.Errorf("the policies depend on the number of accounts: %d and %d bytes for 2, %d and %d for 1,000",
			two.Size(policy.Bucket), twoKey.Size(policy.Key), many.Size(policy.Bucket), manyKey.Size(policy.Key))
	}
	open := 0
	for _, doc := range []policy.Document{two, twoKey} {
		for _, s := range doc.Statements {
			if s.Effect != policy.Allow || !s.Principal.Any {
				continue
			}
			open++
			if got := s.Condition["StringEquals"]["aws:PrincipalOrgID"]; len(got) != 1 || got[0] != id {
				t.Errorf("statement %s is for everybody, and aws:PrincipalOrgID must be %v", s.Sid, got)
			}
			if got := s.Condition["ArnLike"]["aws:PrincipalArn"]; len(got) != 1 || !strings.Contains(got[0], ":iam::*:role/") {
				t.Errorf("statement %s is for the roles %v", s.Sid, got)
			}
		}
	}
	if open != 4 {
		t.Errorf("%d statements are for the organisation, want streams and replays, of bucket and key", open)
	}
	named, _ := policies(2, "")
	for _, s := range named.Statements {
		if s.Effect == policy.Allow && s.Principal.Any {
			t.Errorf("statement %s is for everybody, without an organisation", s.Sid)
		}
	}
}
