package catalog

import (
	"github.com/logarchive/logarchive/partition"
)

// Bucket is the token of an S3 bucket.
const Bucket = "aws:s3/bucketV2:BucketV2"

// The bucket itself.
var s3Models = []*model{{
	token: Bucket, stateful: true, nameProperty: "bucket", namePrefix: "bucketPrefix", idFromInputs: true,
	// hashicorp/terraform-provider-aws, internal/service/s3/bucket.go: bucket, bucket_prefix ForceNew; the SDK's
	// comments say only that object_lock_enabled is.
	forceNew: []string{"bucket", "bucketPrefix"},
	defaults: map[string]any{"forceDestroy": false, "objectLockEnabled": false, "requestPayer": "BucketOwner"},
	complete: func(c *completion) {
		bucket, region := c.str("bucket"), string(c.Place.Region)
		c.id = bucket
		c.set("arn", partition.BucketARN(c.Place.Partition(), bucket).String())
		c.set("region", region)
		c.set("bucketDomainName", c.host(bucket, "s3"))
		c.set("bucketRegionalDomainName", c.host(bucket, "s3", region))
	},
}}
