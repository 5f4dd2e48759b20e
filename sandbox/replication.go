package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/verify"
)

const (
	replicationToken = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
	objectLockToken  = "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2"
	lifecycleToken   = "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2"
)

// replicationLag is how long S3 takes to replicate an object. (AWS promises 15 minutes with time control, and most objects
// within that without: https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html)
const replicationLag = 90 * time.Second

// replicationRule is an enabled rule of a bucket's replication.
type replicationRule struct {
	prefix    string
	encrypted bool   // SSE-KMS objects are replicated, too
	bucket    string // ARN of the destination
	key       string // of the replicas
	override  bool   // replicas belong to the destination's owner
}

func replicationRules(config Object) []replicationRule {
	var rules []replicationRule
	for _, r := range objects(config.State["rules"]) {
		if text(r, "status") != "Enabled" {
			continue
		}
		to := child(r, "destination")
		rule := replicationRule{
			prefix: cmp.Or(text(r, "prefix"), text(child(r, "filter"), "prefix"), text(child(child(r, "filter"), "and"), "prefix")),
			bucket: text(to, "bucket"), key: text(child(to, "encryptionConfiguration"), "replicaKmsKeyId"),
			encrypted: text(child(child(r, "sourceSelectionCriteria"), "sseKmsEncryptedObjects"), "status") == "Enabled",
			override:  text(child(to, "accessControlTranslation"), "owner") == "Destination",
		}
		rules = append(rules, rule)
	}
	return rules
}

// applies says whether an object is replicated by the rule. What isn't has no status, and stays where it is.
func (r replicationRule) applies(o StoredObject) bool {
	return strings.HasPrefix(o.Key, r.prefix) && (o.Encryption.Algorithm != kmsAlgorithm || r.encrypted)
}

// replicationOf is the status of an object that is about to be written.
func (b *archiveBucket) replicationOf(o StoredObject) ReplicationStatus {
	if b.versioned && slices.ContainsFunc(b.replications, func(r replicationRule) bool { return r.applies(o) }) {
		return ReplicationPending
	}
	return ""
}

// arriving is an object that is about to be written, with the retention that the bucket gives it and where its replication stands.
func (b *archiveBucket) arriving(o StoredObject) StoredObject {
	o.Lock, o.Replication = b.lock.from(o.LastModified), b.replicationOf(o)
	return o
}

// defaultRetention is what Object Lock gives to new versions.
type defaultRetention struct {
	mode string
	days int
}

func defaultRetentionOf(config Object) *defaultRetention {
	by := child(child(config.State, "rule"), "defaultRetention")
	days := number(by, "days") + 365*number(by, "years")
	if days == 0 {
		return nil
	}
	return &defaultRetention{text(by, "mode"), int(days)}
}

func (r *defaultRetention) from(t time.Time) *Retention {
	if r == nil {
		return nil
	}
	return &Retention{Mode: r.mode, Until: t.AddDate(0, 0, r.days)}
}

// deliverNow delivers what is due, from buffers and by replication.
func (d *Delivery) deliverNow(ctx context.Context, now time.Time) ([]ObjectRef, error) {
	written, err := d.deliverDue(ctx, now, nil)
	return written, errors.Join(err, d.replicateDue(ctx, now, map[versionKey]bool{}))
}

// replicationDue is when the next version is replicated; those that are stuck are left out.
func (d *Delivery) replicationDue(stuck map[versionKey]bool) (due time.Time, ok bool, err error) {
	pending, err := d.store.pending()
	for _, o := range pending {
		if at := o.LastModified.Add(replicationLag); !stuck[storedVersion{StoredObject: o}.id()] && (!ok || at.Before(due)) {
			due, ok = at, true
		}
	}
	return due, ok, err
}

// replicateDue replicates the versions that are due, in the order in which they were written. One that AWS would refuse has
// failed, and stays where it is: the error has a [*Refusal] for each. One that couldn't be copied is stuck.
func (d *Delivery) replicateDue(ctx context.Context, now time.Time, stuck map[versionKey]bool) error {
	pending, err := d.store.pending()
	if err != nil {
		return err
	}
	slices.SortFunc(pending, func(a, b StoredObject) int {
		return cmp.Or(a.LastModified.Compare(b.LastModified), cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Key, b.Key), cmp.Compare(a.VersionID, b.VersionID))
	})
	var problems error
	for _, o := range pending {
		if now.Before(o.LastModified.Add(replicationLag)) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(problems, err)
		}
		err := d.replicate(ctx, o, now)
		if err == nil {
			continue
		}
		problems = errors.Join(problems, fmt.Errorf("replication of s3://%s/%s: %w", o.Bucket, o.Key, err))
		if refusal := (*Refusal)(nil); !errors.As(err, &refusal) {
			stuck[storedVersion{StoredObject: o}.id()] = true
		}
	}
	return problems
}

// replicate copies a version to every destination. In one step the replicas appear and the status changes.
func (d *Delivery) replicate(ctx context.Context, o StoredObject, now time.Time) error {
	from, ok := bucketByARN(d.world, d.bucketARN(o.Bucket))
	end := replicated{Bucket: o.Bucket, Key: o.Key, VersionID: o.VersionID, Status: ReplicationCompleted}
	var replicas []StoredObject
	var refused error
	reached := false
	if ok {
		for _, rule := range from.replications {
			if !rule.applies(o) {
				continue
			}
			replica, err := d.authorizeReplica(from, rule, o, now)
			refusal := (*Refusal)(nil)
			switch {
			case errors.As(err, &refusal):
				refused = errors.Join(refused, err)
				end.Status, end.Failure = ReplicationFailed, refusal.Code+": "+refusal.Reason
			case err != nil:
				return err
			default:
				reached = true
				// With several destinations, a version that failed is in some of them already: a batch replication makes no
				// second version of it there.
				if there, err := d.store.holds(versionKey{replica.Bucket, replica.Key, replica.VersionID}); err != nil {
					return err
				} else if !there {
					replicas = append(replicas, replica)
				}
			}
		}
	}
	if !reached && refused == nil {
		end.Status, end.Failure = ReplicationFailed, "there is no rule any more that replicates it"
	}
	if len(replicas) == 0 {
		return errors.Join(refused, d.store.endReplication(end))
	}
	return errors.Join(refused, d.copyReplicas(ctx, o, replicas, end))
}

// bucketARN finds the ARN of a bucket, whose partition its name doesn't tell.
func (d *Delivery) bucketARN(name string) string {
	o, _ := find(d.world, bucketToken, func(o *Object) bool { return o.ID == name })
	return o.ARN()
}

func (d *Delivery) copyReplicas(ctx context.Context, o StoredObject, replicas []StoredObject, end replicated) error {
	batch, err := d.store.Begin()
	if err != nil {
		return err
	}
	for _, replica := range replicas {
		w, err := batch.Create(replica, true)
		if err == nil {
			err = d.copyVersion(o, w)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return errors.Join(err, batch.Abort())
		}
	}
	_, err = batch.commit(storeChange{Replicated: []replicated{end}})
	return err
}

func (d *Delivery) copyVersion(o StoredObject, to io.Writer) error {
	file, _, err := d.store.OpenVersion(o.Bucket, o.Key, o.VersionID)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, file)
	return errors.Join(err, file.Close())
}

// authorizeReplica takes the hops of S3, as the replication's role, for one object, and returns the replica: the same key,
// version and contents, the retention of the source or else the destination's default, and the same kind of encryption
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html).
func (d *Delivery) authorizeReplica(from *archiveBucket, rule replicationRule, o StoredObject, now time.Time) (StoredObject, error) {
	hops, to, err := d.replicaHops(from, rule, o)
	for _, h := range hops {
		if refused := d.authorizer.Authorize(h); refused != nil {
			return o, refused
		}
	}
	if err != nil {
		return o, err
	}
	replica := o
	replica.Bucket, replica.LastModified = to.name, now
	replica.Replication, replica.Failure = ReplicationReplica, ""
	if replica.Lock == nil {
		replica.Lock = to.lock.from(now)
	}
	if o.Encryption.Algorithm == kmsAlgorithm {
		replica.Encryption = Encryption{Algorithm: kmsAlgorithm, KeyARN: rule.key, BucketKey: to.encryption.BucketKey}
	}
	return replica, nil
}

// replicaHops are the requests for one object, and its destination. With an error, the hops are those up to there.
func (d *Delivery) replicaHops(from *archiveBucket, rule replicationRule, o StoredObject) ([]Hop, *archiveBucket, error) {
	place := from.object.Place
	service, err := serviceCaller(place, partition.S3, partition.Trust)
	if err != nil {
		return nil, nil, err
	}
	role, err := partition.ParseARN(from.role)
	if err != nil {
		return nil, nil, fmt.Errorf("sandbox: replication of bucket %s: role: %w", from.name, err)
	}
	assume := Hop{
		Step: "S3 assumes the role of the replication of " + from.name, Principal: service, Action: "sts:AssumeRole",
		Resource: role.String(), Owner: role.Account, Place: place,
	}.with("aws:SourceAccount", string(place.Account), "aws:SourceArn", from.arn, "aws:SecureTransport", "true")
	caller, context, err := roleCaller(role, "s3-replication")
	if err != nil {
		return nil, nil, err
	}
	as := Hop{Principal: caller, Place: place}.with(append(context, "aws:SecureTransport", "true", "s3:TlsVersion", "1.2")...)
	hops := []Hop{assume}
	add := func(step, resource string, owner partition.Account, actions ...string) {
		for _, action := range actions {
			h := as
			h.Step, h.Action, h.Resource, h.Owner = step, action, resource, owner
			hops = append(hops, h)
		}
	}
	add("S3 reads the replication configuration", from.arn, place.Account, "s3:GetReplicationConfiguration", "s3:ListBucket")
	read := []string{"s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"}
	if from.locked {
		read = append(read, "s3:GetObjectRetention", "s3:GetObjectLegalHold")
	}
	source := from.arn + "/" + o.Key
	add("S3 reads the version that is to be replicated", source, place.Account, read...)
	write := Hop{Step: "S3 writes the replica", Principal: caller, Action: "s3:ReplicateObject", Resource: rule.bucket + "/" + o.Key, Place: place}
	to, ok := bucketByARN(d.world, rule.bucket)
	switch {
	case !ok:
		return hops, nil, write.refuse("NoSuchBucket", rule.bucket, "the bucket %s, which the replication of %s names, doesn't exist", rule.bucket, from.name)
	case !to.versioned:
		return hops, nil, write.refuse("InvalidRequest", rule.bucket, "the bucket %s has no versions: S3 replicates to buckets with versions only", to.name)
	case from.locked && !to.locked:
		return hops, nil, write.refuse("InvalidRequest", rule.bucket, "the bucket %s has no Object Lock, and %s has", to.name, from.name)
	}
	writes := []string{"s3:ReplicateObject", "s3:ReplicateTags"}
	if rule.override {
		writes = append(writes, "s3:ObjectOwnerOverrideToBucketOwner")
	}
	add("S3 writes the replica", rule.bucket+"/"+o.Key, to.object.Place.Account, writes...)
	if o.Encryption.Algorithm != kmsAlgorithm {
		return hops, to, nil
	}
	encrypt := []string{"kms:Encrypt"}
	if to.encryption.BucketKey {
		encrypt = append(encrypt, "kms:Decrypt")
	}
	for _, end := range []struct {
		step    string
		b       *archiveBucket
		use     Encryption
		actions []string
	}{
		{"S3 decrypts what is to be replicated", from, o.Encryption, []string{"kms:Decrypt"}},
		{"S3 encrypts the replica", to, Encryption{KeyARN: rule.key, BucketKey: to.encryption.BucketKey}, encrypt},
	} {
		more, err := d.replicaKeyHops(as, end.step, end.b, end.b.arn+"/"+o.Key, end.use, role.Account, end.actions)
		hops = append(hops, more...)
		if err != nil {
			return hops, to, err
		}
	}
	return hops, to, nil
}

func (d *Delivery) replicaKeyHops(as Hop, step string, b *archiveBucket, object string, e Encryption, account partition.Account, actions []string) ([]Hop, error) {
	as.Step, as.Action, as.Resource = step, actions[0], e.KeyARN
	arn, err := d.resolveKey(as, b, e.KeyARN, account)
	if err != nil {
		return nil, err
	}
	key, err := partition.ParseARN(arn)
	if err != nil {
		return nil, as.refuse("KMS.NotFoundException", b.arn, "bucket %s names no key of its own for replicas", b.name)
	}
	via, err := b.object.Place.ViaService(partition.S3)
	if err != nil {
		return nil, err
	}
	encrypted := object
	if e.BucketKey {
		encrypted = b.arn
	}
	as.Owner, as.Resource = key.Account, arn
	as = as.with("kms:ViaService", via, "kms:CallerAccount", string(account), "aws:ViaAWSService", "true",
		"kms:EncryptionContext:aws:s3:arn", encrypted, "kms:EncryptionContextKeys", "aws:s3:arn")
	var hops []Hop
	for _, action := range actions {
		as.Action = action
		hops = append(hops, as)
	}
	return hops, nil
}

// kept follows a bucket that what is written to it only passes to the one that keeps it: it is replicated there, and expires
// soon, and earlier than there. An archive whose replica keeps for longer is an archive, as for a proof.
func kept(world Resources, arn string) (string, bool) {
	b, ok := bucketByARN(world, arn)
	if !ok || len(b.replications) == 0 {
		return arn, false
	}
	here := expiryOf(world, b.name)
	for _, rule := range b.replications {
		to, ok := bucketByARN(world, rule.bucket)
		if there := 0.0; ok && here > 0 && here < verify.DefaultRetention {
			if there = expiryOf(world, to.name); there == 0 || there > here {
				return rule.bucket, true
			}
		}
	}
	return arn, false
}

// expiryOf is the age in days at which objects of a bucket expire at the earliest; 0 for never.
func expiryOf(world Resources, bucket string) float64 {
	days := 0.0
	visit(world, lifecycleToken, func(o *Object) {
		if o.Text("bucket") != bucket {
			return
		}
		for _, rule := range objects(o.State["rules"]) {
			if n := number(child(rule, "expiration"), "days"); text(rule, "status") == "Enabled" && n > 0 && (days == 0 || n < days) {
				days = n
			}
		}
	})
	return days
}

// number is a number property, 0 when there is none.
func number(properties resource.PropertyMap, name string) float64 {
	if v := properties[resource.PropertyKey(name)]; v.IsNumber() {
		return v.NumberValue()
	}
	return 0
}
