package sandbox

import (
	"errors"
	"maps"
	"slices"
	"time"
)

// ReplicationStatus is what S3 answers as x-amz-replication-status
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-status.html).
type ReplicationStatus string

// The statuses.
const (
	ReplicationPending   ReplicationStatus = "PENDING"
	ReplicationCompleted ReplicationStatus = "COMPLETED"
	ReplicationFailed    ReplicationStatus = "FAILED"
	// ReplicationReplica is that of the copy. S3 doesn't replicate it again.
	ReplicationReplica ReplicationStatus = "REPLICA"
)

// Retention is until when a version is locked.
type Retention struct {
	Mode  string    `json:"mode"` // GOVERNANCE or COMPLIANCE
	Until time.Time `json:"until"`
}

// versionKey names a version.
type versionKey struct{ bucket, key, version string }

func (v storedVersion) id() versionKey { return versionKey{v.Bucket, v.Key, v.VersionID} }

// replicated is the end of a version's replication, or that it begins again.
type replicated struct {
	Bucket    string            `json:"bucket"`
	Key       string            `json:"key"`
	VersionID string            `json:"versionId,omitempty"`
	Status    ReplicationStatus `json:"status"`
	Failure   string            `json:"failure,omitempty"`
}

func (x *objectIndex) replicated(ends []replicated) {
	for _, r := range ends {
		id := versionKey{r.Bucket, r.Key, r.VersionID}
		if delete(x.pending, id); r.Status == ReplicationPending {
			x.pending[id] = true
		}
		b := x.buckets[r.Bucket]
		if b == nil {
			continue
		}
		for i, v := range b.versions[r.Key] {
			if v.VersionID == r.VersionID {
				b.versions[r.Key][i].Replication, b.versions[r.Key][i].Failure = r.Status, r.Failure
			}
		}
	}
}

// pending returns the versions that are still to be replicated, in no order.
func (s *Store) pending() ([]StoredObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(); err != nil {
		return nil, err
	}
	var found []StoredObject
	for k := range s.index.pending {
		if o, ok := s.index.version(k); ok {
			found = append(found, o)
		}
	}
	return found, nil
}

// holds says whether a version is there.
func (s *Store) holds(k versionKey) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(); err != nil {
		return false, err
	}
	_, ok := s.index.version(k)
	return ok, nil
}

func (x *objectIndex) version(k versionKey) (StoredObject, bool) {
	if b := x.buckets[k.bucket]; b != nil {
		for _, v := range b.versions[k.key] {
			if v.VersionID == k.version {
				return v.StoredObject, true
			}
		}
	}
	return StoredObject{}, false
}

// endReplication notes the end of a version's replication without a replica.
func (s *Store) endReplication(r replicated) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.journal == nil {
		return errors.New("sandbox: the store was closed while objects were being replicated")
	}
	return s.change(&storeChange{Replicated: []replicated{r}})
}

// ReplicationCount is how many versions of a bucket have which status.
type ReplicationCount struct {
	Bucket    string `json:"bucket"`
	Completed int    `json:"completed"`
	Pending   int    `json:"pending"`
	Failed    int    `json:"failed"`
	// Failure is why the newest of those that failed did, with AWS's error code.
	Failure string `json:"failure,omitempty"`
}

// Replications returns how the versions stand of each bucket that is replicated, ordered by bucket.
func (s *Store) Replications() ([]ReplicationCount, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(); err != nil {
		return nil, err
	}
	var counts []ReplicationCount
	for _, bucket := range slices.Sorted(maps.Keys(s.index.buckets)) {
		c, failed := ReplicationCount{Bucket: bucket}, time.Time{}
		for _, versions := range s.index.buckets[bucket].versions {
			for _, v := range versions {
				switch v.Replication {
				case ReplicationCompleted:
					c.Completed++
				case ReplicationPending:
					c.Pending++
				case ReplicationFailed:
					c.Failed++
					if c.Failure == "" || v.LastModified.After(failed) {
						c.Failure, failed = v.Failure, v.LastModified
					}
				}
			}
		}
		if c.Completed+c.Pending+c.Failed > 0 {
			counts = append(counts, c)
		}
	}
	return counts, nil
}

// Retry has the versions of a bucket that failed replicated again, as a batch replication does, and returns how many they are. S3
// itself never tries again
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html).
func (s *Store) Retry(bucket string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.writable(); err != nil {
		return 0, err
	}
	var again []replicated
	if b := s.index.buckets[bucket]; b != nil {
		for _, versions := range b.versions {
			for _, v := range versions {
				if v.Replication == ReplicationFailed {
					again = append(again, replicated{Bucket: v.Bucket, Key: v.Key, VersionID: v.VersionID, Status: ReplicationPending})
				}
			}
		}
	}
	if len(again) == 0 {
		return 0, nil
	}
	return len(again), s.change(&storeChange{Replicated: again})
}
