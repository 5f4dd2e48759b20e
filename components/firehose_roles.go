package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

func (args *FirehoseToS3PipelineArgs) bucketArn() string {
	return partition.BucketARN(args.BucketPlace.Partition(), args.BucketName).String()
}

func (args *FirehoseToS3PipelineArgs) streamArn() string {
	return args.Place.ARN(partition.Firehose, "deliverystream/"+args.StreamName).String()
}

// trustFirehose lets Firehose act as the role for streams of the account. The condition is the one that AWS documents:
// Firehose passes the stream's account as external id
// (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#firehose-assume-role). Nowhere does it
// document aws:SourceAccount or aws:SourceArn for this call, and a condition on a key that isn't sent would refuse
// every delivery.
func (args *FirehoseToS3PipelineArgs) trustFirehose() (policy.Document, error) {
	return trust(args.Place, partition.Firehose,
		policy.Conditions{}.With("StringEquals", "sts:ExternalId", string(args.Place.Account)))
}

// rolePolicy is what Firehose may do as its role: write below the two prefixes, have the archive's key used by S3 for
// that, report errors, and call the transform function.
func (args *FirehoseToS3PipelineArgs) rolePolicy(keyArn string) (policy.Document, error) {
	p, bucket := args.BucketPlace.Partition(), args.bucketArn()
	s3, err := args.BucketPlace.ViaService(partition.S3)
	if err != nil {
		return policy.Document{}, err
	}
	statements := []policy.Statement{
		{
			Sid:      "SeeBucket",
			Effect:   policy.Allow,
			Action:   []string{"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"},
			Resource: []string{bucket},
		},
		{
			Sid:    "WriteObjects",
			Effect: policy.Allow,
			Action: firehoseObjectActions(args.BucketPlace.Account != args.Place.Account),
			Resource: []string{
				partition.ObjectARN(p, args.BucketName, FixedPrefix(args.Prefix)+"*").String(),
				partition.ObjectARN(p, args.BucketName, FixedPrefix(args.ErrorPrefix)+"*").String(),
			},
		},
		{
			Sid:       "EncryptObjects",
			Effect:    policy.Allow,
			Action:    []string{"kms:Decrypt", "kms:GenerateDataKey"},
			Resource:  []string{keyArn},
			Condition: throughS3(s3, bucket),
		},
		{
			Sid:      "ReportErrors",
			Effect:   policy.Allow,
			Action:   []string{"logs:PutLogEvents"},
			Resource: []string{args.Place.LogGroupARN(args.errorLogGroup() + ":log-stream:" + errorLogStream).String()},
		},
	}
	if args.Transform != nil {
		statements = append(statements, args.Transform.mayBeCalled())
	}
	return policy.Document{Statements: statements}, nil
}

// trustSubscriptions lets CloudWatch Logs act as the role for log groups of the place. AWS documents aws:SourceArn in
// this form for it, and not aws:SourceAccount (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#FirehoseExample);
// the ARN has the account in it.
func (args *FirehoseToS3PipelineArgs) trustSubscriptions() (policy.Document, error) {
	return trust(args.Place, partition.Logs,
		policy.Conditions{}.With("ArnLike", "aws:SourceArn", args.Place.ARN(partition.Logs, "*").String()))
}

// putRecords is what CloudWatch Logs may do as the role that it acts as.
func putRecords(streamArn string) policy.Document {
	return policy.Document{Statements: []policy.Statement{{
		Sid:      "PutRecords",
		Effect:   policy.Allow,
		Action:   []string{"firehose:PutRecord", "firehose:PutRecordBatch"},
		Resource: []string{streamArn},
	}}}
}

func (c *FirehoseToS3Pipeline) registerRole(ctx *pulumi.Context, args *FirehoseToS3PipelineArgs) error {
	trusted, err := args.trustFirehose()
	if err != nil {
		return err
	}
	c.role, err = iam.NewRole(ctx, c.name+"-delivery", &iam.RoleArgs{
		Name:             pulumi.String(args.RoleName),
		Description:      pulumi.Sprintf("Firehose stream %s writes to bucket %s", args.StreamName, args.BucketName),
		AssumeRolePolicy: pulumi.String(trusted.JSON()),
		Tags:             tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	c.RoleArn = c.role.Arn
	c.rolePolicy, err = iam.NewRolePolicy(ctx, c.name+"-delivery", &iam.RolePolicyArgs{
		Name:   pulumi.String("deliver-to-archive"),
		Role:   c.role.Name,
		Policy: documentOf(args.KeyArn, args.rolePolicy),
	}, pulumi.Parent(c))
	return err
}

func (c *FirehoseToS3Pipeline) registerSubscriptionRole(ctx *pulumi.Context, args *FirehoseToS3PipelineArgs) error {
	if c.content != CloudWatchLogs || args.FromDestinations {
		c.SubscriptionRoleArn = pulumi.String("").ToStringOutput()
		return nil
	}
	trusted, err := args.trustSubscriptions()
	if err != nil {
		return err
	}
	role, err := iam.NewRole(ctx, c.name+"-subscription", &iam.RoleArgs{
		Name:             pulumi.String(args.SubscriptionRoleName),
		Description:      pulumi.Sprintf("CloudWatch Logs puts log events into Firehose stream %s", args.StreamName),
		AssumeRolePolicy: pulumi.String(trusted.JSON()),
		Tags:             tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	c.SubscriptionRoleArn = role.Arn
	c.subscriptionPolicy, err = iam.NewRolePolicy(ctx, c.name+"-subscription", &iam.RolePolicyArgs{
		Name:   pulumi.String("put-records"),
		Role:   role.Name,
		Policy: pulumi.String(putRecords(args.streamArn()).JSON()),
	}, pulumi.Parent(c))
	return err
}
