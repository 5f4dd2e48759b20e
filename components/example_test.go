package components_test

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
)

// A log group of Beijing is kept in a bucket of another account in Ningxia. The bucket and the pipeline are told of each
// other by the same names, so that neither has to exist before the other's policies are written.
func Example() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		source := partition.Place{Account: "111122223333", Region: "cn-north-1"}
		kept := partition.Place{Account: "444455556666", Region: "cn-northwest-1"}
		atSource, err := aws.NewProvider(ctx, "source", &aws.ProviderArgs{Region: pulumi.String(source.Region)})
		if err != nil {
			return err
		}
		atArchive, err := aws.NewProvider(ctx, "archive", &aws.ProviderArgs{Region: pulumi.String(kept.Region)})
		if err != nil {
			return err
		}
		const (
			bucketName = "example-log-archive"
			roleName   = "log-archive-firehose"
			prefix     = "logs/account=111122223333/year=!{timestamp:yyyy}/"
			errors     = "errors/account=111122223333/!{firehose:error-output-type}/"
		)
		bucket, err := components.NewLogArchiveBucket(ctx, "archive", &components.LogArchiveBucketArgs{
			Place:         kept,
			BucketName:    bucketName,
			KeyAlias:      "log-archive",
			RetentionDays: 400,
			Transitions:   []components.Transition{{Days: 90, StorageClass: "GLACIER"}},
			Deliveries: []components.Delivery{{
				Kind:        components.FirehoseDelivery,
				Source:      source,
				RoleArn:     source.RoleARN(roleName).String(),
				Prefix:      components.FixedPrefix(prefix),
				ErrorPrefix: components.FixedPrefix(errors),
			}},
		}, pulumi.Provider(atArchive))
		if err != nil {
			return err
		}
		_, err = components.NewFirehoseToS3Pipeline(ctx, "logs", &components.FirehoseToS3PipelineArgs{
			Place:                source,
			StreamName:           "log-archive",
			RoleName:             roleName,
			SubscriptionRoleName: "log-archive-subscription",
			BucketName:           bucketName,
			BucketPlace:          kept,
			BucketArn:            bucket.Arn,
			KeyArn:               bucket.KeyArn,
			Prefix:               prefix,
			ErrorPrefix:          errors,
			DependsOn:            []pulumi.Resource{bucket.Policy},
			Subscriptions:        []components.Subscription{{Name: "app", LogGroup: pulumi.String("/aws/lambda/hello")}},
		}, pulumi.Provider(atSource))
		return err
	})
}

// Every log group of Beijing, those that there will be as well, goes to an archive that another program has. What the pipeline
// writes itself is left out, and so is a group that is somebody else's business.
func ExampleNewAccountLogSubscription() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		source := partition.Place{Account: "111122223333", Region: "cn-north-1"}
		kept := partition.Place{Account: "444455556666", Region: "cn-northwest-1"}
		atSource, err := aws.NewProvider(ctx, "source", &aws.ProviderArgs{Region: pulumi.String(source.Region)})
		if err != nil {
			return err
		}
		pipeline, err := components.NewFirehoseToS3Pipeline(ctx, "logs", &components.FirehoseToS3PipelineArgs{
			Place: source, StreamName: "log-archive", RoleName: "log-archive-firehose", SubscriptionRoleName: "log-archive-subscription",
			BucketName: "example-log-archive", BucketPlace: kept, KeyArn: pulumi.String(kept.ARN(partition.KMS, "key/1234abcd").String()),
			Prefix: "logs/year=!{timestamp:yyyy}/", ErrorPrefix: "errors/!{firehose:error-output-type}/",
		}, pulumi.Provider(atSource))
		if err != nil {
			return err
		}
		payments, err := pipeline.Subscribe(ctx, "payments", pulumi.String("/app/payments"), "{ $.status >= 400 }")
		if err != nil {
			return err
		}
		_, err = components.NewAccountLogSubscription(ctx, "all", &components.AccountLogSubscriptionArgs{
			Place: source, PolicyName: "log-archive", Pipeline: pipeline,
			Exclude:    []string{"/app/chatter"},
			Subscribed: []string{"/app/payments"}, // it has a filter, and would be there twice
			DependsOn:  []pulumi.Resource{payments},
		}, pulumi.Provider(atSource))
		return err
	})
}
