package components

import (
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// backupTrust lets AWS Backup act as the role for the account.
func backupTrust(home partition.Place) (policy.Document, error) {
	return trust(home, partition.Backup,
		policy.Conditions{}.With("StringEquals", "aws:SourceAccount", string(home.Account)))
}

// backupPolicies are what AWS Backup may do as its role, an inline policy for each kind of resource: EC2 instances and
// EBS volumes, RDS and Aurora, DynamoDB, S3. They are the statements of the managed policies
// AWSBackupServiceRolePolicyForBackup (v30) and AWSBackupServiceRolePolicyForS3Backup (v4), narrowed to this account,
// its two regions and its two vaults, without other kinds of resources, without what shares snapshots with other
// accounts, and without systems manager commands. A role of ours says what it may do in the program, where it can be
// proven; a managed policy changes without us.
func (args *BackupVaultWithCopyArgs) backupPolicies(keyArn, copyKeyArn string) (map[string]policy.Document, error) {
	ec2, err := args.viaBoth(partition.EC2)
	if err != nil {
		return nil, err
	}
	dynamoDB, err := args.viaBoth(partition.DynamoDB)
	if err != nil {
		return nil, err
	}
	s3, err := args.Home.ViaService(partition.S3)
	if err != nil {
		return nil, err
	}
	return map[string]policy.Document{
		"vaults":   {Statements: args.vaultStatements(keyArn, copyKeyArn)},
		"ec2":      {Statements: args.ec2Statements(ec2)},
		"rds":      {Statements: args.rdsStatements()},
		"dynamodb": {Statements: args.dynamoDBStatements(dynamoDB)},
		"s3":       {Statements: args.s3Statements(s3)},
	}, nil
}

// viaBoth is the kms:ViaService of a service in both regions.
func (args *BackupVaultWithCopyArgs) viaBoth(s partition.Service) ([]string, error) {
	home, err := args.Home.ViaService(s)
	if err != nil {
		return nil, err
	}
	copied, err := args.Copy.ViaService(s)
	return []string{home, copied}, err
}

// both is a resource at both places.
func (args *BackupVaultWithCopyArgs) both(s partition.Service, resources ...string) []string {
	var out []string
	for _, r := range resources {
		out = append(out, args.Home.ARN(s, r).String(), args.Copy.ARN(s, r).String())
	}
	return out
}

// snapshots and images have ARNs without an account.
func (args *BackupVaultWithCopyArgs) public(resource string) []string {
	var out []string
	for _, place := range []partition.Place{args.Home, args.Copy} {
		out = append(out, partition.ARN{Partition: place.Partition(), Service: partition.EC2, Region: place.Region, Resource: resource}.String())
	}
	return out
}

func allow(sid string, actions, resources []string, c policy.Conditions) policy.Statement {
	return policy.Statement{Sid: sid, Effect: policy.Allow, Action: actions, Resource: resources, Condition: c}
}

var anything = []string{"*"}

func (args *BackupVaultWithCopyArgs) vaultStatements(keyArn, copyKeyArn string) []policy.Statement {
	vaults := []string{args.vaultArn(), args.copyVaultArn()}
	return []policy.Statement{
		allow("UseVaults", []string{"backup:CopyIntoBackupVault", "backup:DescribeBackupVault"}, vaults, nil),
		// What is copied has the ARN of its own service: a snapshot, a database, a recovery point.
		allow("CopyRecoveryPoints", []string{"backup:CopyFromBackupVault"}, anything, nil),
		allow("TagRecoveryPoints", []string{"backup:TagResource"}, args.both(partition.Backup, "recovery-point:*"), nil),
		allow("FindResources", []string{"tag:GetResources"}, anything, nil),
		// What is backed up is encrypted with keys of its own, which need a grant for the service that makes the snapshot.
		allow("SeeKeys", []string{"kms:DescribeKey"}, args.both(partition.KMS, "key/*"), nil),
		allow("GrantKeysToServices", []string{"kms:CreateGrant"}, args.both(partition.KMS, "key/*"),
			policy.Conditions{}.With("Bool", "kms:GrantIsForAWSResource", "true")),
		allow("EncryptBackups", []string{"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"}, []string{keyArn, copyKeyArn}, nil),
	}
}

func (args *BackupVaultWithCopyArgs) ec2Statements(via []string) []policy.Statement {
	return []policy.Statement{
		// EC2 has no resource-level permissions for these.
		allow("SeeInstances", []string{
			"ec2:DescribeElasticGpus", "ec2:DescribeImages", "ec2:DescribeInstanceAttribute", "ec2:DescribeInstanceCreditSpecifications",
			"ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSnapshotTierStatus", "ec2:DescribeSnapshots",
			"ec2:DescribeSpotInstanceRequests", "ec2:DescribeTags", "ec2:DescribeVolumes",
		}, anything, nil),
		allow("MakeSnapshots", []string{"ec2:CreateSnapshot", "ec2:CopySnapshot", "ec2:CreateTags", "ec2:DeleteSnapshot"},
			append([]string{args.Home.ARN(partition.EC2, "volume/*").String()}, args.public("snapshot/*")...), nil),
		allow("MakeImages", []string{"ec2:CopyImage", "ec2:CreateImage", "ec2:CreateTags", "ec2:DeregisterImage"},
			append([]string{args.Home.ARN(partition.EC2, "instance/*").String()}, append(args.public("image/*"), args.public("snapshot/*")...)...), nil),
		allow("MoveSnapshotsToColdStorage", []string{"ec2:ModifySnapshotTier"}, args.public("snapshot/*"),
			policy.Conditions{}.With("Null", "aws:ResourceTag/aws:backup:source-resource", "false")),
		allow("EncryptSnapshots", []string{"kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"}, args.both(partition.KMS, "key/*"),
			policy.Conditions{}.With("StringEquals", "kms:ViaService", via...).
				With("ForAnyValue:StringEquals", "kms:EncryptionContextKeys", "aws:ebs:id")),
	}
}

func (args *BackupVaultWithCopyArgs) rdsStatements() []policy.Statement {
	return []policy.Statement{
		allow("SeeDatabases", []string{
			"rds:DescribeDBClusterAutomatedBackups", "rds:DescribeDBClusterSnapshots", "rds:DescribeDBClusters",
			"rds:DescribeDBInstances", "rds:DescribeDBSnapshots", "rds:ListTagsForResource",
		}, anything, nil),
		allow("MakeDatabaseSnapshots", []string{
			"rds:AddTagsToResource", "rds:CopyDBClusterSnapshot", "rds:CopyDBSnapshot", "rds:CreateDBClusterSnapshot", "rds:CreateDBSnapshot",
		}, append(args.both(partition.RDS, "cluster-snapshot:*", "snapshot:*"),
			args.Home.ARN(partition.RDS, "cluster:*").String(), args.Home.ARN(partition.RDS, "db:*").String(),
			// A copy is bound to an option group where it goes.
			args.Copy.ARN(partition.RDS, "og:*").String()), nil),
		// Continuous backups switch the automated backups on and off.
		allow("ModifyDatabases", []string{"rds:ModifyDBCluster", "rds:ModifyDBInstance"}, []string{
			args.Home.ARN(partition.RDS, "cluster:*").String(), args.Home.ARN(partition.RDS, "db:*").String(),
		}, nil),
		// A backup that expires is deleted with this role; only what AWS Backup made.
		allow("ExpireDatabaseSnapshots", []string{"rds:DeleteDBClusterSnapshot", "rds:DeleteDBSnapshot"},
			args.both(partition.RDS, "cluster-snapshot:awsbackup:*", "snapshot:awsbackup:*"), nil),
		allow("ExpireContinuousBackups", []string{"rds:DeleteDBClusterAutomatedBackup", "rds:DeleteDBInstanceAutomatedBackup"},
			[]string{args.Home.ARN(partition.RDS, "auto-backup:*").String(), args.Home.ARN(partition.RDS, "cluster-auto-backup:*").String()}, nil),
	}
}

func (args *BackupVaultWithCopyArgs) dynamoDBStatements(via []string) []policy.Statement {
	return []policy.Statement{
		allow("BackUpTables", []string{
			"dynamodb:CreateBackup", "dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:StartAwsBackupJob",
		}, []string{args.Home.ARN(partition.DynamoDB, "table/*").String()}, nil),
		allow("ExpireTableBackups", []string{"dynamodb:DeleteBackup", "dynamodb:DescribeBackup"},
			args.both(partition.DynamoDB, "table/*/backup/*"), nil),
		allow("EncryptTables", []string{"kms:Decrypt", "kms:GenerateDataKey"}, args.both(partition.KMS, "key/*"),
			policy.Conditions{}.With("StringEquals", "kms:ViaService", via...)),
	}
}

func (args *BackupVaultWithCopyArgs) s3Statements(via string) []policy.Statement {
	p := args.Home.Partition()
	own := policy.Conditions{}.With("StringEquals", "aws:ResourceAccount", string(args.Home.Account))
	return []policy.Statement{
		allow("SeeBuckets", []string{"cloudwatch:GetMetricData", "events:ListRules", "s3:ListAllMyBuckets"}, anything, nil),
		allow("WatchBuckets", []string{
			"events:DeleteRule", "events:DescribeRule", "events:DisableRule", "events:EnableRule", "events:ListTargetsByRule",
			"events:PutRule", "events:PutTargets", "events:RemoveTargets",
		}, []string{args.Home.ARN(partition.Events, "rule/AwsBackupManagedRule*").String()}, nil),
		allow("PrepareBuckets", []string{
			"s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketNotification", "s3:GetBucketTagging", "s3:GetBucketVersioning",
			"s3:GetInventoryConfiguration", "s3:ListBucket", "s3:ListBucketVersions", "s3:PutBucketNotification", "s3:PutInventoryConfiguration",
		}, []string{partition.BucketARN(p, "*").String()}, own),
		allow("ReadObjects", []string{
			"s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging",
		}, []string{partition.ObjectARN(p, "*", "*").String()}, own),
		allow("DecryptObjects", []string{"kms:Decrypt"}, []string{args.Home.ARN(partition.KMS, "key/*").String()},
			policy.Conditions{}.With("StringEquals", "kms:ViaService", via)),
	}
}

// vaultKeyPolicy lets AWS Backup use the key of a vault: as our role, and as its service-linked role, which makes copies
// between vaults and deletes what expires. Both also need their own policies to say so.
func vaultKeyPolicy(place partition.Place, backupRole string) policy.Document {
	roles := []string{
		place.RoleARN("aws-service-role/" + serviceLinkedPath(place) + "/AWSServiceRoleForBackup").String(),
		place.RoleARN(backupRole).String(),
	}
	account := policy.AWSPrincipals(place.RootARN().String())
	byBackup := policy.Conditions{}.With("ArnEquals", "aws:PrincipalArn", roles...)
	return policy.Document{Statements: []policy.Statement{
		keyAdministration(place, nil),
		{
			Sid: "EncryptBackups", Effect: policy.Allow, Principal: account, Resource: anything, Condition: byBackup,
			Action: []string{"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"},
		},
		{
			Sid: "GrantToServices", Effect: policy.Allow, Principal: account, Resource: anything,
			Action:    []string{"kms:CreateGrant"},
			Condition: byBackup.With("Bool", "kms:GrantIsForAWSResource", "true"),
		},
	}}
}

// serviceLinkedPath is the path of AWS Backup's service-linked role: the service's principal.
func serviceLinkedPath(place partition.Place) string {
	service, _ := place.ServicePrincipal(partition.Backup)
	return string(service)
}

// vaultPolicy lets nobody delete a backup or shorten its life by hand. What expires by the plan's rules is deleted by
// AWS Backup itself, which a vault's policy doesn't bind.
func vaultPolicy() policy.Document {
	return policy.Document{Statements: []policy.Statement{{
		Sid:       "NobodyDeletes",
		Effect:    policy.Deny,
		Principal: policy.AnyPrincipal(),
		Action:    []string{"backup:DeleteBackupVault", "backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"},
		Resource:  anything,
	}}}
}
