package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// timeControlMinutes is the only value that S3 takes
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationTimeValue.html).
const timeControlMinutes = 15

// rules has one for each replica. Their priorities are of no account, since their destinations differ, but no two may have the
// same (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html).
func (args *BucketReplicationArgs) rules() s3.BucketReplicationConfigRuleArray {
	var rules s3.BucketReplicationConfigRuleArray
	for i, r := range args.Replicas {
		rules = append(rules, args.rule(i+1, r))
	}
	return rules
}

func (args *BucketReplicationArgs) rule(priority int, r Replica) *s3.BucketReplicationConfigRuleArgs {
	to := s3.BucketReplicationConfigRuleDestinationArgs{
		Bucket: pulumi.String(partition.BucketARN(r.Place.Partition(), r.BucketName).String()),
		// Metrics tell of failures and lag, without time control, too
		// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html).
		Metrics: &s3.BucketReplicationConfigRuleDestinationMetricsArgs{Status: pulumi.String("Enabled")},
	}
	rule := &s3.BucketReplicationConfigRuleArgs{
		Id:       pulumi.String(r.Rule),
		Status:   pulumi.String("Enabled"),
		Priority: pulumi.Int(priority),
		// Everything: an object that no rule is about would be left behind without a word.
		Filter: &s3.BucketReplicationConfigRuleFilterArgs{Prefix: pulumi.String("")},
		DeleteMarkerReplication: &s3.BucketReplicationConfigRuleDeleteMarkerReplicationArgs{
			Status: pulumi.String("Disabled"),
		},
	}
	if r.Place.Account != args.Source.Account {
		to.Account = pulumi.String(r.Place.Account)
		to.AccessControlTranslation = &s3.BucketReplicationConfigRuleDestinationAccessControlTranslationArgs{Owner: pulumi.String("Destination")}
	}
	if r.KeyArn != nil {
		to.EncryptionConfiguration = &s3.BucketReplicationConfigRuleDestinationEncryptionConfigurationArgs{ReplicaKmsKeyId: r.KeyArn}
		rule.SourceSelectionCriteria = &s3.BucketReplicationConfigRuleSourceSelectionCriteriaArgs{
			SseKmsEncryptedObjects: &s3.BucketReplicationConfigRuleSourceSelectionCriteriaSseKmsEncryptedObjectsArgs{Status: pulumi.String("Enabled")},
		}
	}
	if r.TimeControl {
		to.ReplicationTime = &s3.BucketReplicationConfigRuleDestinationReplicationTimeArgs{
			Status: pulumi.String("Enabled"),
			Time:   &s3.BucketReplicationConfigRuleDestinationReplicationTimeTimeArgs{Minutes: pulumi.Int(timeControlMinutes)},
		}
		to.Metrics = &s3.BucketReplicationConfigRuleDestinationMetricsArgs{
			Status:         pulumi.String("Enabled"),
			EventThreshold: &s3.BucketReplicationConfigRuleDestinationMetricsEventThresholdArgs{Minutes: pulumi.Int(timeControlMinutes)},
		}
	}
	rule.Destination = to
	return rule
}
