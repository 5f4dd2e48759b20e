package components

import (
	"slices"

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

// rolePolicy is what the replication's role may do: read versions of the source, and write replicas below the folders. An
// object elsewhere in the source isn't replicated; its status is FAILED, and the alarm says so.
func (args *BucketReplicationArgs) rolePolicy(sourceKey, replicaKey string) (policy.Document, error) {
	p := args.Source.Partition()
	source, replica := partition.BucketARN(p, args.SourceBucket).String(), partition.BucketARN(p, args.ReplicaBucket).String()
	read := []string{"s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"}
	if args.ObjectLock {
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-managing-replication
		read = append(read, "s3:GetObjectLegalHold", "s3:GetObjectRetention")
	}
	var replicas []string
	for _, folder := range args.Folders {
		replicas = append(replicas, partition.ObjectARN(p, args.ReplicaBucket, folder+"*").String())
	}
	slices.Sort(replicas)
	doc := policy.Document{Statements: []policy.Statement{
		{Sid: "ReadConfiguration", Effect: policy.Allow, Action: []string{"s3:GetReplicationConfiguration", "s3:ListBucket"}, Resource: []string{source}},
		{Sid: "ReadVersions", Effect: policy.Allow, Action: read, Resource: []string{source + "/*"}},
		{Sid: "WriteReplicas", Effect: policy.Allow, Action: replicaActions(args.Replica.Account != args.Source.Account), Resource: slices.Compact(replicas)},
	}}
	for _, use := range []struct {
		sid, key, bucket string
		place            partition.Place
		actions          []string
	}{
		{"DecryptSource", sourceKey, source, args.Source, []string{"kms:Decrypt"}},
		{"EncryptReplicas", replicaKey, replica, args.Replica, replicaKeyActions},
	} {
		if use.key == "" {
			continue
		}
		s3, err := use.place.ViaService(partition.S3)
		if err != nil {
			return doc, err
		}
		doc.Statements = append(doc.Statements, policy.Statement{
			Sid: use.sid, Effect: policy.Allow, Action: use.actions, Resource: []string{use.key}, Condition: throughS3(s3, use.bucket),
		})
	}
	return doc, nil
}
