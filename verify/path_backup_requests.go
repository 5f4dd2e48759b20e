package verify

import "github.com/logarchive/logarchive/partition"

const sample = "sample"

// grantForService is the context of a grant that the caller lets an AWS service take.
var grantForService = map[string][]string{"kms:GrantIsForAWSResource": {"true"}}

// backupRequests are made where the resources are.
var backupRequests = []backupRequest{
	{what: "finds resources by tag", actions: []string{"tag:GetResources"}},
	{what: "marks recovery points", service: partition.Backup, resource: "recovery-point:" + sample, actions: []string{"backup:TagResource"}},
	{what: "looks at the resources' keys", service: partition.KMS, resource: "key/" + sample, actions: []string{"kms:DescribeKey"}},
	{what: "lets services use the resources' keys", service: partition.KMS, resource: "key/" + sample, context: grantForService, actions: []string{"kms:CreateGrant"}},

	{what: "looks at instances and volumes", actions: []string{
		"ec2:DescribeElasticGpus", "ec2:DescribeImages", "ec2:DescribeInstanceAttribute", "ec2:DescribeInstanceCreditSpecifications",
		"ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSnapshotTierStatus", "ec2:DescribeSnapshots",
		"ec2:DescribeSpotInstanceRequests", "ec2:DescribeTags", "ec2:DescribeVolumes",
	}},
	{what: "snapshots volumes", service: partition.EC2, resource: "volume/" + sample, actions: []string{"ec2:CreateSnapshot"}},
	{what: "marks volumes", service: partition.EC2, resource: "volume/" + sample, actions: []string{"ec2:CreateTags"}},
	{what: "makes and expires snapshots", service: partition.EC2, resource: "snapshot/" + sample, public: true,
		actions: []string{"ec2:CreateSnapshot", "ec2:CreateTags", "ec2:DeleteSnapshot"}},
	{what: "moves snapshots to cold storage", service: partition.EC2, resource: "snapshot/" + sample, public: true,
		context: map[string][]string{"aws:ResourceTag/aws:backup:source-resource": {sample}}, actions: []string{"ec2:ModifySnapshotTier"}},
	{what: "makes images of instances", service: partition.EC2, resource: "instance/" + sample, actions: []string{"ec2:CreateImage", "ec2:CreateTags"}},
	{what: "makes and expires images", service: partition.EC2, resource: "image/" + sample, public: true,
		actions: []string{"ec2:CreateImage", "ec2:CreateTags", "ec2:DeregisterImage"}},
	{what: "snapshots the volumes of an image", service: partition.EC2, resource: "snapshot/" + sample, public: true, actions: []string{"ec2:CreateImage"}},
	{what: "encrypts snapshots", service: partition.KMS, resource: "key/" + sample, via: partition.EC2,
		context: map[string][]string{"kms:EncryptionContextKeys": {"aws:ebs:id"}},
		actions: []string{"kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"}},

	{what: "looks at databases", actions: []string{
		"rds:DescribeDBClusterAutomatedBackups", "rds:DescribeDBClusterSnapshots", "rds:DescribeDBClusters", "rds:DescribeDBInstances",
		"rds:DescribeDBSnapshots", "rds:ListTagsForResource",
	}},
	{what: "snapshots database instances", service: partition.RDS, resource: "db:" + sample, actions: []string{"rds:CreateDBSnapshot", "rds:ModifyDBInstance", "rds:AddTagsToResource"}},
	{what: "snapshots database clusters", service: partition.RDS, resource: "cluster:" + sample, actions: []string{"rds:CreateDBClusterSnapshot", "rds:ModifyDBCluster", "rds:AddTagsToResource"}},
	{what: "makes instance snapshots", service: partition.RDS, resource: "snapshot:awsbackup:" + sample, pattern: "snapshot:*", actions: []string{"rds:CreateDBSnapshot", "rds:AddTagsToResource"}},
	{what: "makes cluster snapshots", service: partition.RDS, resource: "cluster-snapshot:awsbackup:" + sample, pattern: "cluster-snapshot:*", actions: []string{"rds:CreateDBClusterSnapshot", "rds:AddTagsToResource"}},
	{what: "expires instance snapshots", service: partition.RDS, resource: "snapshot:awsbackup:" + sample, actions: []string{"rds:DeleteDBSnapshot"}},
	{what: "expires cluster snapshots", service: partition.RDS, resource: "cluster-snapshot:awsbackup:" + sample, actions: []string{"rds:DeleteDBClusterSnapshot"}},
	{what: "expires continuous backups of instances", service: partition.RDS, resource: "auto-backup:" + sample, actions: []string{"rds:DeleteDBInstanceAutomatedBackup"}},
	{what: "expires continuous backups of clusters", service: partition.RDS, resource: "cluster-auto-backup:" + sample, actions: []string{"rds:DeleteDBClusterAutomatedBackup"}},

	{what: "backs up tables", service: partition.DynamoDB, resource: "table/" + sample,
		actions: []string{"dynamodb:CreateBackup", "dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:StartAwsBackupJob"}},
	{what: "expires backups of tables", service: partition.DynamoDB, resource: "table/" + sample + "/backup/" + sample,
		actions: []string{"dynamodb:DeleteBackup", "dynamodb:DescribeBackup"}},
	{what: "reads encrypted tables", service: partition.KMS, resource: "key/" + sample, via: partition.DynamoDB, actions: []string{"kms:Decrypt", "kms:GenerateDataKey"}},

	{what: "looks at buckets", actions: []string{"cloudwatch:GetMetricData", "events:ListRules", "s3:ListAllMyBuckets"}},
	{what: "watches buckets", service: partition.Events, resource: "rule/AwsBackupManagedRule" + sample, actions: []string{
		"events:DeleteRule", "events:DescribeRule", "events:DisableRule", "events:EnableRule", "events:ListTargetsByRule",
		"events:PutRule", "events:PutTargets", "events:RemoveTargets",
	}},
	{what: "prepares buckets", service: partition.S3, resource: sample, actions: []string{
		"s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketNotification", "s3:GetBucketTagging", "s3:GetBucketVersioning",
		"s3:GetInventoryConfiguration", "s3:ListBucket", "s3:ListBucketVersions", "s3:PutBucketNotification", "s3:PutInventoryConfiguration",
	}},
	{what: "reads objects", service: partition.S3, resource: sample + "/" + sample, actions: []string{
		"s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging",
	}},
	{what: "reads encrypted objects", service: partition.KMS, resource: "key/" + sample, via: partition.S3, actions: []string{"kms:Decrypt", "kms:DescribeKey"}},
}

// copyRequests are made where a copy goes.
var copyRequests = []backupRequest{
	{what: "copies snapshots", service: partition.EC2, resource: "snapshot/" + sample, public: true, actions: []string{"ec2:CopySnapshot", "ec2:CreateTags", "ec2:DeleteSnapshot"}},
	{what: "copies images", service: partition.EC2, resource: "image/" + sample, public: true, actions: []string{"ec2:CopyImage", "ec2:CreateTags", "ec2:DeregisterImage"}},
	{what: "copies the snapshots of an image", service: partition.EC2, resource: "snapshot/" + sample, public: true, actions: []string{"ec2:CopyImage"}},
	{what: "moves copies to cold storage", service: partition.EC2, resource: "snapshot/" + sample, public: true,
		context: map[string][]string{"aws:ResourceTag/aws:backup:source-resource": {sample}}, actions: []string{"ec2:ModifySnapshotTier"}},
	{what: "binds copies to an option group", service: partition.RDS, resource: "og:" + sample, actions: []string{"rds:CopyDBSnapshot"}},
	{what: "copies instance snapshots", service: partition.RDS, resource: "snapshot:awsbackup:" + sample, pattern: "snapshot:*", actions: []string{"rds:CopyDBSnapshot", "rds:AddTagsToResource"}},
	{what: "copies cluster snapshots", service: partition.RDS, resource: "cluster-snapshot:awsbackup:" + sample, pattern: "cluster-snapshot:*", actions: []string{"rds:CopyDBClusterSnapshot", "rds:AddTagsToResource"}},
	{what: "expires copied instance snapshots", service: partition.RDS, resource: "snapshot:awsbackup:" + sample, actions: []string{"rds:DeleteDBSnapshot"}},
	{what: "expires copied cluster snapshots", service: partition.RDS, resource: "cluster-snapshot:awsbackup:" + sample, actions: []string{"rds:DeleteDBClusterSnapshot"}},
	{what: "looks at the keys of copies", service: partition.KMS, resource: "key/" + sample, actions: []string{"kms:DescribeKey"}},
	{what: "lets services use the keys of copies", service: partition.KMS, resource: "key/" + sample, context: grantForService, actions: []string{"kms:CreateGrant"}},
	{what: "encrypts copied snapshots", service: partition.KMS, resource: "key/" + sample, via: partition.EC2,
		context: map[string][]string{"kms:EncryptionContextKeys": {"aws:ebs:id"}},
		actions: []string{"kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"}},
	{what: "encrypts copied tables", service: partition.KMS, resource: "key/" + sample, via: partition.DynamoDB, actions: []string{"kms:Decrypt", "kms:GenerateDataKey"}},
	{what: "expires copied table backups", service: partition.DynamoDB, resource: "table/" + sample + "/backup/" + sample, actions: []string{"dynamodb:DeleteBackup", "dynamodb:DescribeBackup"}},
}
