package catalog

import "regexp"

// bucketMetric is a filter of a bucket's request metrics. A bucket has up to 1,000 of them, which its own id keeps apart.
//
// See https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketMetricsConfiguration.html
var bucketMetric = &model{
	token: "aws:s3/bucketMetric:BucketMetric", nameProperty: "name", idFromInputs: true, code: "InvalidArgument",
	forceNew: []string{"bucket", "name"}, // terraform-provider-aws, resource aws_s3_bucket_metric
	texts:    map[string]textRule{"name": {pattern: regexp.MustCompile(`^[\w.-]+$`), least: 1, most: 64, want: "1 to 64 letters, digits, full stops, hyphens and underscores"}},
	complete: func(c *completion) { c.id = c.str("bucket") + ":" + c.str("name") },
	references: func(r *referring) {
		r.each("bucket", Reference{TargetToken: Bucket, By: ByName, SameAccount: true, Code: "NoSuchBucket"})
	},
}
