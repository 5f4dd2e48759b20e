package verify

import (
	"fmt"

	"github.com/logarchive/logarchive/partition"
)

// replication is the way of a bucket's objects to its replicas: S3 acts as the configuration's role, reads versions in the
// source and writes replicas
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html).
func (e *evaluation) replication(s *segment, r *Resource) {
	from, ok := e.buckets[bucketName(r.text("bucket"))]
	if !ok {
		reason, remedy := e.noBucket(r.text("bucket"))
		s.broken(r.URN, "bucket", reason, remedy)
		return
	}
	source := s.at
	caller, err := service(from.Place, partition.S3)
	for _, rule := range r.items("rules") {
		if rule.text("status") != "Enabled" {
			continue
		}
		s.at = source
		destination := rule.item("destination")
		to, ok := e.bucketByARN(destination.text("bucket"))
		if !ok {
			s.to(Stop{Kind: KindNowhere, Name: destination.text("bucket")})
			reason, remedy := e.noBucket(destination.text("bucket"))
			s.broken(r.URN, "rules.destination.bucket", reason, remedy)
			continue
		}
		s.to(bucketStop(to))
		if s.refuse(r, err) {
			return
		}
		acting, ok := e.assume(s, r, "role", r.text("role"), request{title: "S3 acts as the replication role", caller: caller}.
			with("aws:SourceAccount", string(from.Place.Account)).with("aws:SourceArn", from.arn))
		if !ok {
			continue
		}
		e.keeps(to)
		e.readVersions(s, r, acting, from)
		e.writeReplicas(s, r, acting, rule, to)
		e.replicateEncrypted(s, r, acting, rule, from, to)
	}
}

func (e *evaluation) readVersions(s *segment, r *Resource, acting Caller, from *bucket) {
	q := request{title: "S3 reads what is to be replicated", caller: acting, owner: from.Place.Account, carrier: r.URN}.overTLS()
	s.prove(e, q.do(from.arn, "s3:GetReplicationConfiguration", "s3:ListBucket"))
	actions := []string{"s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"}
	if from.flag("objectLockEnabled") {
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
		actions = append(actions, "s3:GetObjectRetention", "s3:GetObjectLegalHold")
	}
	s.prove(e, q.sampling(from.arn+"/object", from.arn+"/*").do(from.arn+"/object", actions...))
}

func (e *evaluation) writeReplicas(s *segment, r *Resource, acting Caller, rule object, to *bucket) {
	actions := []string{"s3:ReplicateObject", "s3:ReplicateTags"}
	if rule.item("deleteMarkerReplication").text("status") == "Enabled" {
		actions = append(actions, "s3:ReplicateDelete")
	}
	if rule.item("destination").item("accessControlTranslation").text("owner") == "Destination" {
		actions = append(actions, "s3:ObjectOwnerOverrideToBucketOwner")
	}
	s.prove(e, request{title: "S3 writes replicas", caller: acting, owner: to.Place.Account, carrier: r.URN}.overTLS().
		sampling(to.arn+"/object", to.arn+"/*").do(to.arn+"/object", actions...))
}

// replicateEncrypted are the requests to both keys
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html).
func (e *evaluation) replicateEncrypted(s *segment, r *Resource, acting Caller, rule object, from, to *bucket) {
	if from.algorithm != "aws:kms" {
		return
	}
	if rule.item("sourceSelectionCriteria").item("sseKmsEncryptedObjects").text("status") != "Enabled" {
		s.broken(r.URN, "rules.sourceSelectionCriteria.sseKmsEncryptedObjects", "S3 leaves objects out that are encrypted with a KMS key, without a word", "set its status to Enabled")
		return
	}
	replicaKey := rule.item("destination").item("encryptionConfiguration").text("replicaKmsKeyId")
	if replicaKey == "" {
		s.broken(r.URN, "rules.destination.encryptionConfiguration.replicaKmsKeyId", "no key is named for the replicas of encrypted objects", "name the replica bucket's key")
		return
	}
	for _, end := range []struct {
		b             *bucket
		key, property string
		title, action string
	}{
		{from, from.keyARN, "kmsMasterKeyId", "S3 decrypts what is to be replicated", "kms:Decrypt"},
		{to, replicaKey, "rules.destination.encryptionConfiguration.replicaKmsKeyId", "S3 encrypts replicas", "kms:Encrypt"},
	} {
		k, ok := e.keyOf(end.b.Place, end.key)
		if !ok {
			s.broken(r.URN, end.property, fmt.Sprintf("there is no key %q", end.key), "declare the key: its policy is part of the proof")
			continue
		}
		if k.Place.Region != end.b.Place.Region {
			s.broken(r.URN, end.property, fmt.Sprintf("the key is in %s, the bucket in %s", k.Place.Region, end.b.Place.Region), "use a key of the bucket's region")
		}
		object := end.b.arn + "/object"
		e.cipher(s, request{title: end.title, caller: acting, carrier: r.URN}.sampling(object, end.b.arn+"/*"), end.b, k, object, []string{end.action})
	}
}
