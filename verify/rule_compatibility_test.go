package verify_test

import (
	"github.com/logarchive/logarchive/partition"
)

// replica declares another bucket, and that the archive is replicated to it.
func replica(place partition.Place, locked bool) func(*program) {
	return func(p *program) {
		p.add("aws:s3/bucketV2:BucketV2", "replica", place, map[string]any{
			"bucket": "replica", "arn": partition.BucketARN(place.Partition(), "replica").String(), "objectLockEnabled": locked,
		})
		p.add("aws:s3/bucketReplicationConfig:BucketReplicationConfig", "replicate", archive, map[string]any{
			"bucket": bucketName, "role": archive.RoleARN("replicate").String(), "rules": []any{map[string]any{
				"status": "Enabled", "destination": map[string]any{"bucket": partition.BucketARN(place.Partition(), "replica").String()},
			}},
		})
	}
}

// loadBalancer declares one that writes its access logs to the archive.
func loadBalancer(token string, place partition.Place, logs map[string]any) func(*program) {
	return func(p *program) {
		p.add(token, "shop", place, map[string]any{
			"name": "shop", "arn": place.ARN(partition.ELB, "loadbalancer/app/shop/1").String(), "accessLogs": logs,
		})
	}
}

var toArchive = map[string]any{"bucket": bucketName, "enabled": true}

var compatibilityCases = []ruleCase{
	{rule: "compatible-access-logs", name: "server access logs, encryption", resource: "archive", reason: "which can't use aws:kms",
		change: func(p *program) {
			p.add("aws:s3/bucketLoggingV2:BucketLoggingV2", "access", archive, map[string]any{"bucket": "shop", "targetBucket": bucketName, "targetPrefix": "access/"})
		}},
	{rule: "compatible-access-logs", name: "server access logs, lock", resource: "archive", reason: "can't to a bucket with a lock",
		change: func(p *program) {
			p.add("aws:s3/bucketLoggingV2:BucketLoggingV2", "access", archive, map[string]any{"bucket": "shop", "targetBucket": bucketName, "targetPrefix": "access/"})
			p.drop("BucketObjectLockConfigurationV2", "archive")
		}},
	{rule: "compatible-access-logs", name: "a load balancer, encryption", resource: "archive", reason: "which can't use aws:kms",
		change: loadBalancer("aws:lb/loadBalancer:LoadBalancer", archive, toArchive)},
	{rule: "compatible-access-logs", name: "a load balancer of another region", resource: "shop", reason: "the bucket is in cn-northwest-1, the load balancer in cn-north-1",
		change: loadBalancer("aws:alb/loadBalancer:LoadBalancer", home, toArchive)},
	{rule: "compatible-access-logs", name: "a classic load balancer, lock", resource: "archive", reason: "can't to a bucket with a lock",
		change: loadBalancer("aws:elb/loadBalancer:LoadBalancer", archive, map[string]any{"bucket": bucketName})},
	{rule: "compatible-lock-replication", name: "a replica without lock", resource: "replica", reason: "has Object Lock and is replicated to it",
		change: replica(home, false)},
	{rule: "compatible-replication-region", name: "out of China", resource: "replicate", reason: "us-east-1",
		change: replica(partition.Place{Account: archive.Account, Region: "us-east-1"}, true)},
	{rule: "compatible-key", name: "a bare id", resource: "archive", reason: `the key is named "alias/archive"`,
		change: func(p *program) {
			p.set("BucketServerSideEncryptionConfigurationV2", "archive", "rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId", "alias/archive")
		}},
	{rule: "compatible-key", name: "another region", resource: "archive", reason: "the key is in cn-north-1, the bucket in cn-northwest-1",
		change: func(p *program) {
			p.set("BucketServerSideEncryptionConfigurationV2", "archive", "rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId", home.ARN(partition.KMS, "key/x").String())
		}},
	{rule: "compatible-backup", name: "too soon out of cold storage", resource: "backup", reason: "moves to cold storage after 30 days and deletes after 60",
		change: func(p *program) {
			p.set("Plan", "backup", "rules[0].lifecycle", map[string]any{"coldStorageAfter": 30, "deleteAfter": 60})
		}},
	{rule: "vault-undeletable", name: "no policy", resource: "backup-copy", reason: "backup:DeleteRecoveryPoint",
		change: func(p *program) { p.drop("VaultPolicy", "backup-copy") }},
	{rule: "vault-undeletable", name: "not protected", resource: "backup", reason: "isn't protected",
		change: func(p *program) { p.find("Vault", "backup").Protect = false }},
}
