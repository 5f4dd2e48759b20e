package verify

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// trail is CloudTrail writing log files and digests to its bucket, with the trail's key where it names one, and events to its
// log group.
func (e *evaluation) trail(s *segment, r *Resource) {
	from := s.at
	e.trailToBucket(s, r)
	if r.text("cloudWatchLogsGroupArn") != "" {
		s.at = from
		e.trailToGroup(s, r)
	}
}

// trailGroup is the log group that a trail writes to; "" for none.
func trailGroup(r *Resource) string {
	arn, err := partition.ParseARN(strings.TrimSuffix(r.text("cloudWatchLogsGroupArn"), ":*"))
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(arn.Resource, "log-group:")
}

// trailToBucket: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
func (e *evaluation) trailToBucket(s *segment, r *Resource) {
	b, ok := e.toBucket(s, r, "s3BucketName", r.text("s3BucketName"))
	if !ok {
		return
	}
	e.keeps(b)
	caller, err := service(r.Place, partition.CloudTrail)
	if s.refuse(r, err) {
		return
	}
	arn := r.Place.ARN(partition.CloudTrail, "trail/"+r.text("name")).String()
	deputy := request{title: "CloudTrail looks at the bucket", caller: caller, owner: b.Place.Account, carrier: r.URN}.
		with("aws:SourceArn", arn).with("aws:SourceAccount", string(r.Place.Account))
	q := deputy.overTLS()
	s.prove(e, q.do(b.arn, "s3:GetBucketAcl"))
	account, region := string(r.Place.Account), string(r.Place.Region)
	// A statement names the folder of the account, or of the organisation, which has a folder for each of its accounts.
	folders := []struct{ name, of string }{{joinKey(r.text("s3KeyPrefix"), "AWSLogs", account), ""}}
	if r.flag("isOrganizationTrail") {
		id, found := organizationOf(b)
		if !found {
			s.broken(r.URN, "isOrganizationTrail", fmt.Sprintf("bucket %s has no grant for the folder of an organisation: the trail writes to AWSLogs/o-…/", b.name), "allow s3:PutObject below AWSLogs/ and the organisation's id")
			return
		}
		folders = append(folders, struct{ name, of string }{joinKey(r.text("s3KeyPrefix"), "AWSLogs", id), account})
	}
	key := r.text("kmsKeyId")
	for _, folder := range folders {
		writes := []struct{ title, name, algorithm string }{{"CloudTrail writes log files", joinKey("CloudTrail", region, "object.json.gz"), ""}}
		if r.flag("enableLogFileValidation") {
			// Digests are encrypted with S3's own key, as AWS's older documents say, or as the newer ones do, with the trail's.
			digest := joinKey("CloudTrail-Digest", region, "object.json.gz")
			writes = append(writes, struct{ title, name, algorithm string }{"CloudTrail writes digests", digest, ""},
				struct{ title, name, algorithm string }{"CloudTrail writes digests with S3's own encryption", digest, "AES256"})
		}
		for _, w := range writes {
			object := b.arn + "/" + joinKey(folder.name, folder.of, w.name)
			put := q.sampling(object, b.arn+"/"+folder.name+"/*")
			put.title = w.title
			switch {
			case w.algorithm != "":
				put = put.with(sseHeader, w.algorithm)
			case key != "":
				put = put.with(sseHeader, "aws:kms").with(sseKeyHeader, key)
			}
			// See flowLogToBucket: with and without the ACL.
			s.prove(e, put.with("s3:x-amz-acl", "bucket-owner-full-control").do(object, "s3:PutObject"))
			if ownerEnforced(b) {
				s.prove(e, put.do(object, "s3:PutObject"))
			}
		}
	}
	e.trailKey(s, r, b, deputy, arn, b.arn+"/"+joinKey(folders[0].name, "CloudTrail", region, "object.json.gz"))
}

// trailKey is what CloudTrail asks of the trail's key
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html, how-kms-works-with-cloudtrail).
func (e *evaluation) trailKey(s *segment, r *Resource, b *bucket, q request, arn, object string) {
	name := r.text("kmsKeyId")
	if name == "" {
		// What is written without a key's name gets the bucket's.
		e.encrypt(s, b, "", object, q, []string{"kms:GenerateDataKey"})
		return
	}
	k, ok := e.keyOf(r.Place, name)
	if !ok {
		s.broken(r.URN, "kmsKeyId", fmt.Sprintf("there is no key %q", name), "declare the key: its policy is part of the proof")
		return
	}
	if k.Place.Region != b.Place.Region {
		s.broken(r.URN, "kmsKeyId", fmt.Sprintf("the key is in %s, the bucket in %s", k.Place.Region, b.Place.Region), "name a key of the bucket's region")
	}
	q.title, q.owner = "CloudTrail encrypts with the trail's key", k.Place.Account
	s.prove(e, q.with("kms:EncryptionContextKeys", "aws:cloudtrail:arn", "aws:s3:arn").
		with("kms:EncryptionContext:aws:cloudtrail:arn", arn).with("kms:EncryptionContext:aws:s3:arn", object).
		sampling(object, b.arn+"/*").sampling(arn, r.Place.ARN(partition.CloudTrail, "trail/*").String()).
		do(k.arn, "kms:GenerateDataKey"))
	q.title = "CloudTrail looks at the trail's key"
	s.prove(e, q.do(k.arn, "kms:DescribeKey"))
	if b.bucketKey {
		s.prove(e, q.do(k.arn, "kms:Decrypt"))
	}
}

var organizationFolder = regexp.MustCompile(`/AWSLogs/(o-[a-z0-9]{10,32})/`)

// organizationOf finds the organisation for which a bucket takes trails. No property of a trail tells it.
func organizationOf(b *bucket) (string, bool) {
	if b.policy == nil {
		return "", false
	}
	for _, st := range b.policy.document.Statements {
		for _, resource := range st.Resource {
			if m := organizationFolder.FindStringSubmatch(resource); m != nil {
				return m[1], true
			}
		}
	}
	return "", false
}

// trailToGroup is CloudTrail acting as the trail's role, and then the group's subscriptions
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html).
func (e *evaluation) trailToGroup(s *segment, r *Resource) {
	name := trailGroup(r)
	group, ok := e.groups[groupKey(r.Place, name)]
	if !ok {
		s.to(Stop{Kind: KindNowhere, Name: name})
		s.broken(r.URN, "cloudWatchLogsGroupArn", fmt.Sprintf("there is no log group %q in %s", name, r.Place), "declare the log group")
		return
	}
	s.to(Stop{KindLogGroup, name, group.Place})
	caller, err := service(r.Place, partition.CloudTrail)
	if s.refuse(r, err) {
		return
	}
	acting, ok := e.assume(s, r, "cloudWatchLogsRoleArn", r.text("cloudWatchLogsRoleArn"), request{title: "CloudTrail acts as the trail's role", caller: caller})
	if !ok {
		return
	}
	stream := r.Place.LogGroupARN(name + ":log-stream:" + string(r.Place.Account) + "_CloudTrail_" + string(r.Place.Region)).String()
	s.prove(e, request{title: "CloudTrail writes events", caller: acting, owner: group.Place.Account, carrier: r.URN}.
		sampling(stream, stream+"*").do(stream, "logs:CreateLogStream", "logs:PutLogEvents"))
	e.carriedOn(s, group)
}
