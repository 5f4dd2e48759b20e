package sandbox

import "github.com/logarchive/logarchive/partition"

// refuseReplication refuses what PutBucketReplication does: buckets without versions, and a replica without Object Lock of a
// bucket that has it
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html#replication-requirements).
func (x *index) refuseReplication(refused *refusals, o *Object) {
	from := x.types[bucketToken]
	named := func(name string) *Object {
		for _, b := range from {
			if b.ID == name && b.Place.Partition() == o.Place.Partition() {
				return b
			}
		}
		return nil
	}
	source := named(o.Text("bucket"))
	if source == nil {
		return // refuseDangling says so
	}
	if !x.versions(source) {
		refused.add("InvalidRequest", "Versioning must be 'Enabled' on the bucket to apply a replication configuration: %s", source.ID)
	}
	for _, rule := range replicationRules(*o) {
		arn, err := partition.ParseARN(rule.bucket)
		to := named(arn.Resource)
		switch {
		case err != nil || to == nil:
		case to == source:
			refused.add("InvalidRequest", "Destination bucket cannot be the same as the source bucket: %s", to.ID)
		case !x.versions(to):
			refused.add("InvalidRequest", "Destination bucket must have versioning enabled: %s", to.ID)
		case boolean(source.State, "objectLockEnabled") && !boolean(to.State, "objectLockEnabled"):
			refused.add("InvalidRequest", "Object Lock must be enabled on the destination bucket %s, as on %s", to.ID, source.ID)
		}
	}
}

// versions says whether a bucket's versioning is enabled.
func (x *index) versions(bucket *Object) bool {
	for _, v := range x.types[versioningToken] {
		if v.Text("bucket") == bucket.ID && v.Place.Partition() == bucket.Place.Partition() {
			return text(child(v.State, "versioningConfiguration"), "status") == "Enabled"
		}
	}
	return false
}
