package sandbox

import (
	"errors"
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

// replicated is the end of a version's replication.
type replicated struct {
	Bucket    string            `json:"bucket"`
	Key       string            `json:"key"`
	VersionID string            `json:"versionId,omitempty"`
	Status    ReplicationStatus `json:"status"`
	Failure   string            `json:"failure,omitempty"`
}

func (x *objectIndex) replicated(ends []replicated) {
	for _, r := range ends {
		delete(x.pending, versionKey{r.Bucket, r.Key, r.VersionID})
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
