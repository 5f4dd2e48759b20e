package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// replication is the way of a bucket's objects to its replicas, of those that paths bring there; of any where none do.
func (e *evaluation) replication(s *segment, r *Resource) {
	from, ok := e.buckets[bucketName(r.text("bucket"))]
	if !ok {
		reason, remedy := e.noBucket(r.text("bucket"))
		s.broken(r.URN, "bucket", reason, remedy)
		return
	}
	source := s.at
	for _, folder := range e.deliveredFolders(from) {
		s.at = source
		s.then(e.replicate(r, from, folder))
	}
}

// deliveredFolders are the beginnings of the keys that were proven to be written to a bucket. What is replicated to it isn't
// replicated again. Where nothing declared writes, as with the access logs of load balancers that are somebody else's, they are
// those that the bucket's policy lets be written; "" where it says nothing of them.
func (e *evaluation) deliveredFolders(b *bucket) []string {
	var out []string
	for _, v := range e.verdicts {
		if v.Action == "s3:PutObject" && bucketOf(v.Resource) == b.arn {
			out = union(out, []string{b.folderOf(strings.TrimPrefix(v.Resource, b.arn+"/"))})
		}
	}
	if len(out) == 0 && b.policy != nil {
		for _, s := range b.policy.document.Statements {
			for _, r := range s.Resource {
				if key, ok := strings.CutPrefix(r, b.arn+"/"); ok && s.Effect == policy.Allow && slices.Contains(s.Action, "s3:PutObject") {
					out = union(out, []string{folderOfKey(key)})
				}
			}
		}
	}
	if len(out) == 0 {
		return []string{""}
	}
	slices.Sort(out)
	return out
}

// folderOf is the beginning that a key has in common with those that the bucket's lifecycle treats alike; without such, up to its
// first slash.
func (b *bucket) folderOf(key string) string {
	folder := ""
	for _, l := range b.lifecycles {
		if l.enabled && len(l.prefix) > len(folder) && strings.HasSuffix(l.prefix, "/") && strings.HasPrefix(key, l.prefix) {
			folder = l.prefix
		}
	}
	if folder == "" {
		return folderOfKey(key)
	}
	return folder
}

// folderOfKey is the beginning of a key up to its first slash.
func folderOfKey(key string) string {
	folder, _, ok := strings.Cut(key, "/")
	if !ok {
		return ""
	}
	return folder + "/"
}

// lands goes on from a bucket that what a path brings only passes: see [evaluation.passes].
func (e *evaluation) lands(s *segment, b *bucket, key string) {
	if r := e.replicationOf(b); r != nil && e.passes(b) {
		s.then(e.replicate(r, b, folderOfKey(key)))
	}
}

// replicate is the way of the objects below a folder of a bucket to its replicas: S3 acts as the configuration's role, reads
// versions in the source and writes replicas
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html).
func (e *evaluation) replicate(r *Resource, from *bucket, folder string) *segment {
	return e.shared("replication "+r.URN+" "+folder, bucketStop(from), func(s *segment) {
		source, found := s.at, false
		for _, rule := range r.items("rules") {
			if rule.text("status") != "Enabled" || !strings.HasPrefix(folder, replicatedPrefix(rule)) {
				continue
			}
			found, s.at = true, source
			e.replicateBy(s, r, rule, from, folder)
		}
		if !found {
			s.broken(r.URN, "rules", fmt.Sprintf("no enabled rule replicates keys such as %sobject: they stay in %s and expire there", folder, from.name), "replicate everything: a rule whose filter is the empty prefix")
		}
	})
}

// replicatedPrefix is the beginning of the keys that a rule is about. A filter by tags isn't read: it has no prefix, and
// what it leaves out isn't known.
func replicatedPrefix(rule object) string {
	filter := rule.item("filter")
	for _, o := range []object{filter, filter.item("and"), rule} {
		if prefix := o.text("prefix"); prefix != "" {
			return prefix
		}
	}
	return ""
}

func (e *evaluation) replicateBy(s *segment, r *Resource, rule object, from *bucket, folder string) {
	destination := rule.item("destination")
	to, ok := e.bucketByARN(destination.text("bucket"))
	if !ok {
		s.to(Stop{Kind: KindNowhere, Name: destination.text("bucket")})
		reason, remedy := e.noBucket(destination.text("bucket"))
		s.broken(r.URN, "rules.destination.bucket", reason, remedy)
		return
	}
	s.to(bucketStop(to))
	for _, b := range []*bucket{from, to} {
		if v := b.settings[typeBucketVersioning]; v == nil || v.item("versioningConfiguration").text("status") != "Enabled" {
			s.broken(b.URN, "", "S3 replicates from and to buckets with versions only", "enable versioning")
		}
	}
	caller, err := service(from.Place, partition.S3)
	if s.refuse(r, err) {
		return
	}
	acting, ok := e.assume(s, r, "role", r.text("role"), request{title: "S3 acts as the replication role", caller: caller}.
		with("aws:SourceAccount", string(from.Place.Account)).with("aws:SourceArn", from.arn))
	if !ok {
		return
	}
	e.keeps(to)
	e.readVersions(s, r, acting, from, folder)
	e.writeReplicas(s, r, acting, rule, to, folder)
	e.replicateEncrypted(s, r, acting, rule, from, to, folder)
}

func (e *evaluation) readVersions(s *segment, r *Resource, acting Caller, from *bucket, folder string) {
	q := request{title: "S3 reads what is to be replicated", caller: acting, owner: from.Place.Account, carrier: r.URN}.overTLS()
	s.prove(e, q.do(from.arn, "s3:GetReplicationConfiguration", "s3:ListBucket"))
	actions := []string{"s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"}
	if from.flag("objectLockEnabled") {
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
		actions = append(actions, "s3:GetObjectRetention", "s3:GetObjectLegalHold")
	}
	object := from.arn + "/" + folder + "object"
	s.prove(e, q.sampling(object, from.arn+"/*").do(object, actions...))
}

func (e *evaluation) writeReplicas(s *segment, r *Resource, acting Caller, rule object, to *bucket, folder string) {
	actions := []string{"s3:ReplicateObject", "s3:ReplicateTags"}
	if rule.item("deleteMarkerReplication").text("status") == "Enabled" {
		actions = append(actions, "s3:ReplicateDelete")
	}
	if rule.item("destination").item("accessControlTranslation").text("owner") == "Destination" {
		actions = append(actions, "s3:ObjectOwnerOverrideToBucketOwner")
	}
	replica := to.arn + "/" + folder + "object"
	s.prove(e, request{title: "S3 writes replicas", caller: acting, owner: to.Place.Account, carrier: r.URN}.overTLS().
		sampling(replica, to.arn+"/"+folder+"*").do(replica, actions...))
}

// replicateEncrypted are the requests to both keys
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html).
func (e *evaluation) replicateEncrypted(s *segment, r *Resource, acting Caller, rule object, from, to *bucket, folder string) {
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
	encrypt := []string{"kms:Encrypt"}
	if to.bucketKey {
		// With a bucket key it is verified, too (same document, "S3 Bucket Keys and replication").
		encrypt = append(encrypt, "kms:Decrypt")
	}
	for _, end := range []struct {
		b             *bucket
		key, property string
		title         string
		actions       []string
	}{
		{from, from.keyARN, "kmsMasterKeyId", "S3 decrypts what is to be replicated", []string{"kms:Decrypt"}},
		{to, replicaKey, "rules.destination.encryptionConfiguration.replicaKmsKeyId", "S3 encrypts replicas", encrypt},
	} {
		k, ok := e.keyOf(end.b.Place, end.key)
		if !ok {
			s.broken(r.URN, end.property, fmt.Sprintf("there is no key %q", end.key), "declare the key: its policy is part of the proof")
			continue
		}
		if k.Place.Region != end.b.Place.Region {
			s.broken(r.URN, end.property, fmt.Sprintf("the key is in %s, the bucket in %s", k.Place.Region, end.b.Place.Region), "use a key of the bucket's region")
		}
		object := end.b.arn + "/" + folder + "object"
		e.cipher(s, request{title: end.title, caller: acting, carrier: r.URN}.sampling(object, end.b.arn+"/*"), end.b, k, object, end.actions)
	}
}
