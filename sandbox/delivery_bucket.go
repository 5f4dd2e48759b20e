package sandbox

import (
	"fmt"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// archiveBucket is a bucket as those see it who write to it.
type archiveBucket struct {
	object     Object
	name       string
	arn        string
	versioned  bool
	noACLs     bool // BucketOwnerEnforced
	encryption Encryption
	// lock is the default retention; nil without one.
	lock *defaultRetention
	// replications are the enabled rules of the bucket's replication, and role is what S3 acts as for them.
	replications []replicationRule
	role         string
	locked       bool // Object Lock is enabled
}

const (
	versioningToken = "aws:s3/bucketVersioningV2:BucketVersioningV2"
	ownershipToken  = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
	encryptionToken = "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2"

	kmsAlgorithm     = "aws:kms"
	defaultAlgorithm = "AES256" // what S3 does when nothing is configured
)

// bucketByARN finds a bucket with what is configured for it. It reports false when it doesn't exist.
func bucketByARN(world Resources, arn string) (*archiveBucket, bool) {
	object, ok := world.ByARN(arn)
	if !ok || object.Type != bucketToken {
		return nil, false
	}
	b := &archiveBucket{object: object, name: object.ID, arn: arn, encryption: Encryption{Algorithm: defaultAlgorithm}}
	of := func(token string) []Object {
		var found []Object
		for _, o := range world.List(token) {
			if o.Text("bucket") == b.name && o.Place.Partition() == object.Place.Partition() {
				found = append(found, o)
			}
		}
		return found
	}
	for _, o := range of(versioningToken) {
		b.versioned = text(child(o.State, "versioningConfiguration"), "status") == "Enabled"
	}
	for _, o := range of(ownershipToken) {
		b.noACLs = text(child(o.State, "rule"), "objectOwnership") == "BucketOwnerEnforced"
	}
	for _, o := range of(encryptionToken) {
		for _, rule := range objects(o.State["rules"]) {
			byDefault := child(rule, "applyServerSideEncryptionByDefault")
			b.encryption = Encryption{
				Algorithm: text(byDefault, "sseAlgorithm"), KeyARN: text(byDefault, "kmsMasterKeyId"), BucketKey: boolean(rule, "bucketKeyEnabled"),
			}
		}
	}
	b.locked = boolean(object.State, "objectLockEnabled")
	for _, o := range of(objectLockToken) {
		b.lock = defaultRetentionOf(o)
	}
	for _, o := range of(replicationToken) {
		b.role, b.replications = o.Text("role"), replicationRules(o)
	}
	return b, true
}

// bucketWriter is who writes objects, and how.
type bucketWriter struct {
	hop     Hop    // caller, place and context of all its requests
	who     string // for messages
	account partition.Account
	key     string // the KMS key that requests name; "" leaves it to the bucket
	// acl is set for who sends the ACL bucket-owner-full-control when the bucket is another account's, for which
	// s3:PutObjectAcl is needed.
	acl bool
	// whole is set for who writes objects in one part, for which S3 need not decrypt its data key again.
	whole bool
	// encryptionContext is a name and a value that the writer adds to S3's own.
	encryptionContext [2]string
}

// authorizeWrite puts the requests that writing one object takes to the authorizer, and returns them, with the
// encryption that the object gets.
func (d *Delivery) authorizeWrite(w bucketWriter, b *archiveBucket, key string) ([]Hop, Encryption, error) {
	owner := b.object.Place
	object := partition.ObjectARN(owner.Partition(), b.name, key).String()
	encryption := b.encryption
	put := w.hop.with("aws:SecureTransport", "true", "s3:TlsVersion", "1.2", "aws:RequestedRegion", string(owner.Region))
	put.Step, put.Action, put.Resource, put.Owner = w.who+" writes an object", "s3:PutObject", object, owner.Account
	if w.key != "" {
		encryption.Algorithm, encryption.KeyARN = kmsAlgorithm, w.key
		put = put.with("s3:x-amz-server-side-encryption", kmsAlgorithm, "s3:x-amz-server-side-encryption-aws-kms-key-id", w.key)
	}
	hops := []Hop{put}
	if w.acl && w.account != owner.Account {
		hops[0] = put.with("s3:x-amz-acl", "bucket-owner-full-control")
		acl := hops[0]
		acl.Action, acl.Step = "s3:PutObjectAcl", w.who+" gives the object to the bucket's owner"
		hops = append(hops, acl)
	}
	if encryption.Algorithm == kmsAlgorithm {
		keyARN, err := d.resolveKey(put, b, encryption.KeyARN, w.account)
		if err != nil {
			return nil, encryption, err
		}
		encryption.KeyARN = keyARN
		if keyARN != "" {
			more, err := keyHops(w, b, object, encryption)
			if err != nil {
				return nil, encryption, err
			}
			hops = append(hops, more...)
		}
	}
	for _, hop := range hops {
		if err := d.authorizer.Authorize(hop); err != nil {
			return nil, encryption, err
		}
	}
	return hops, encryption, nil
}

// keyHops are what S3 asks of KMS in the writer's name. A large object is written in parts, for which S3 must decrypt
// the data key again: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
func keyHops(w bucketWriter, b *archiveBucket, object string, e Encryption) ([]Hop, error) {
	s3, err := b.object.Place.ViaService(partition.S3)
	if err != nil {
		return nil, err
	}
	key, err := partition.ParseARN(e.KeyARN)
	if err != nil {
		return nil, err
	}
	encrypted := object
	if e.BucketKey {
		encrypted = b.arn
	}
	hop := w.hop.with("kms:ViaService", s3, "kms:CallerAccount", string(w.account), "aws:ViaAWSService", "true",
		"kms:EncryptionContext:aws:s3:arn", encrypted, "kms:EncryptionContextKeys", "aws:s3:arn", "aws:SecureTransport", "true")
	if name := w.encryptionContext[0]; name != "" {
		hop = hop.with("kms:EncryptionContext:"+name, w.encryptionContext[1])
		hop.Context["kms:EncryptionContextKeys"] = []string{name, "aws:s3:arn"}
	}
	hop.Step, hop.Resource, hop.Owner = w.who+" has S3 encrypt the object", e.KeyARN, key.Account
	generate, decrypt := hop, hop
	generate.Action, decrypt.Action = "kms:GenerateDataKey", "kms:Decrypt"
	if w.whole {
		return []Hop{generate}, nil
	}
	return []Hop{generate, decrypt}, nil
}

// resolveKey finds the key that an object is encrypted with: an ARN, or an id or alias, which means a key of the caller's
// account. It must be in the bucket's region. "" is the key that AWS manages for S3, which all of the bucket's account may
// use through S3.
func (d *Delivery) resolveKey(put Hop, b *archiveBucket, key string, caller partition.Account) (string, error) {
	place := b.object.Place
	if key == "" {
		if caller != place.Account {
			return "", put.refuse("AccessDenied", b.arn, "bucket %s encrypts with the key that AWS manages for S3, which no other account can use: it needs a customer managed key", b.name)
		}
		return "", nil
	}
	arn, err := partition.ParseARN(key)
	if err != nil {
		if caller != place.Account {
			return "", put.refuse("KMS.NotFoundException", b.arn, "bucket %s names its key %q: for a writer of account %s that would be a key of that account; name the key by its ARN", b.name, key, caller)
		}
		resource := "key/" + key
		if strings.HasPrefix(key, "alias/") {
			resource = key
		}
		arn = place.ARN(partition.KMS, resource)
	}
	if arn.Region != place.Region {
		return "", put.refuse("KMS.NotFoundException", arn.String(), "Invalid arn %s: the bucket is in %s", arn.Region, place.Region)
	}
	object, ok := d.world.ByARN(arn.String())
	if ok && object.Type == aliasToken {
		arn, err = partition.ParseARN(object.Text("targetKeyArn"))
		if err != nil {
			return "", fmt.Errorf("sandbox: alias %s: %w", object.ID, err)
		}
		object, ok = d.world.ByARN(arn.String())
	}
	switch {
	case !ok:
		return "", put.refuse("KMS.NotFoundException", arn.String(), "the key %s doesn't exist", arn)
	case object.PendingDeletion():
		return "", put.refuse("KMS.KMSInvalidStateException", arn.String(), "the key %s is pending deletion", arn)
	case object.State["isEnabled"].IsBool() && !boolean(object.State, "isEnabled"):
		return "", put.refuse("KMS.DisabledException", arn.String(), "the key %s is disabled", arn)
	}
	return arn.String(), nil
}
