package catalog

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Bucket is the token of an S3 bucket.
const Bucket = "aws:s3/bucketV2:BucketV2"

var s3Models = []*model{{
	token: Bucket, stateful: true, nameProperty: "bucket", namePrefix: "bucketPrefix", idFromInputs: true,
	code: "InvalidArgument",
	// terraform-provider-aws, resource aws_s3_bucket: "Forces new resource" of bucket, bucket_prefix and
	// object_lock_enabled. The SDK's comments leave the words out.
	forceNew: []string{"bucket", "bucketPrefix", "objectLockEnabled"},
	defaults: map[string]any{"forceDestroy": false, "objectLockEnabled": false, "requestPayer": "BucketOwner"},
	texts:    map[string]textRule{"bucketPrefix": {most: 37, want: "at most 37 characters: the provider appends 26", code: CheckFailure}},
	check: func(c *checking) {
		c.without("bucket", "bucketPrefix")
		if bucket := c.in.str("bucket"); c.in.has("bucket") && bucket != unknown {
			if problem := bucketNameProblem(bucket); problem != "" {
				c.fail("bucket", "InvalidBucketName", "%q is not a bucket name: %s", bucket, problem)
			}
		}
	},
	complete: func(c *completion) {
		bucket, region := c.str("bucket"), string(c.Place.Region)
		c.id = bucket
		c.set("arn", partition.BucketARN(c.Place.Partition(), bucket).String())
		c.set("region", region)
		c.set("bucketDomainName", c.host(bucket, "s3"))
		c.set("bucketRegionalDomainName", c.host(bucket, "s3", region))
	},
}}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*[a-z0-9]$`)

// bucketNameProblem says what S3 doesn't accept in a bucket's name, or "".
//
// See https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func bucketNameProblem(s string) string {
	switch {
	case len(s) < 3 || len(s) > 63:
		return "want 3 to 63 characters"
	case !bucketName.MatchString(s):
		return "want lower-case letters, digits, dots and hyphens, with a letter or digit at both ends"
	case strings.Contains(s, ".."):
		return "two dots must not follow each other"
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return "it must not have the form of an IP address"
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(s, prefix) {
			return "the prefix " + prefix + " is reserved"
		}
	}
	for _, suffix := range []string{"-s3alias", "--ols-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(s, suffix) {
			return "the suffix " + suffix + " is reserved"
		}
	}
	return ""
}
