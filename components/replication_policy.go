package components

import (
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// replicaKeyActions are what S3 asks of the key of the replicas, in the name of the replication's role. kms:Encrypt is
// enough for a bucket without a bucket key; with one, S3 also checks the bucket key with kms:Decrypt
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html, "S3 Bucket Keys and
// replication").
var replicaKeyActions = []string{"kms:Decrypt", "kms:Encrypt"}

// replicaActions are what S3 does in the destination. Without s3:ReplicateDelete no deletion can be replicated, whatever a
// rule says. Into another account's bucket the replica must become that account's.
func replicaActions(foreignBucket bool) []string {
	actions := []string{"s3:ReplicateObject", "s3:ReplicateTags"}
	if foreignBucket {
		actions = append([]string{"s3:ObjectOwnerOverrideToBucketOwner"}, actions...)
	}
	return actions
}

// replicasFrom is what the destination's policy must allow a role of another account
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html, step 3).
func replicasFrom(g grant, p partition.Partition, bucket, sid string) policy.Statement {
	return policy.Statement{
		Sid:       sid,
		Effect:    policy.Allow,
		Principal: policy.AWSPrincipals(g.roots(p)...),
		Action:    replicaActions(true),
		Resource:  g.objects(p, bucket),
		Condition: policy.Conditions{}.With("ArnLike", "aws:PrincipalArn", g.roleArns(p)...),
	}
}

// onlyReplicas denies everybody else to write, and everybody to replicate a deletion.
func onlyReplicas(bucket string, deliveries []Delivery) []policy.Statement {
	var roles []string
	for _, d := range deliveries {
		if d.Kind == ReplicationDelivery {
			roles = append(roles, d.RoleArn)
		}
	}
	objects := []string{bucket + "/*"}
	return []policy.Statement{
		denyToAllBut("OnlyReplicationWrites", roles, []string{"s3:PutObject", "s3:PutObjectTagging", "s3:ReplicateObject", "s3:ReplicateTags"}, objects),
		denyToAllBut("NobodyReplicatesDeletes", nil, []string{"s3:ReplicateDelete"}, objects),
	}
}

// rolePolicy is what the replication's role may do: read versions of the source, and write replicas below the folders. An
// object elsewhere in the source isn't replicated; its status is FAILED, and the alarm says so. The keys are the source's and,
// in their order, the replicas'; or none.
func (args *BucketReplicationArgs) rolePolicy(keys []string) (policy.Document, error) {
	p := args.Source.Partition()
	source := partition.BucketARN(p, args.SourceBucket).String()
	read := []string{"s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"}
	if args.ObjectLock {
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-managing-replication
		read = append(read, "s3:GetObjectLegalHold", "s3:GetObjectRetention")
	}
	doc := policy.Document{Statements: []policy.Statement{
		{Sid: "ReadConfiguration", Effect: policy.Allow, Action: []string{"s3:GetReplicationConfiguration", "s3:ListBucket"}, Resource: []string{source}},
		{Sid: "ReadVersions", Effect: policy.Allow, Action: read, Resource: []string{source + "/*"}},
	}}
	given := map[string]int{}
	for _, r := range args.Replicas {
		var replicas []string
		for _, folder := range args.Folders {
			replicas = append(replicas, partition.ObjectARN(p, r.BucketName, folder+"*").String())
		}
		doc.Statements = append(doc.Statements, policy.Statement{
			Sid: sid(given, "WriteReplicas"), Effect: policy.Allow, Action: replicaActions(r.Place.Account != args.Source.Account), Resource: sorted(replicas),
		})
	}
	if len(keys) == 0 {
		return doc, nil
	}
	use := func(name, key, bucket string, place partition.Place, actions []string) error {
		s3, err := place.ViaService(partition.S3)
		doc.Statements = append(doc.Statements, policy.Statement{
			Sid: sid(given, name), Effect: policy.Allow, Action: actions, Resource: []string{key}, Condition: throughS3(s3, bucket),
		})
		return err
	}
	if err := use("DecryptSource", keys[0], source, args.Source, []string{"kms:Decrypt"}); err != nil {
		return doc, err
	}
	for i, r := range args.Replicas {
		if err := use("EncryptReplicas", keys[i+1], partition.BucketARN(p, r.BucketName).String(), r.Place, replicaKeyActions); err != nil {
			return doc, err
		}
	}
	return doc, nil
}
