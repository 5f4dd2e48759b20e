package components

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// DeliveryKind says which principal delivers, and so how it is granted access.
type DeliveryKind string

const (
	// FirehoseDelivery is a Firehose stream that acts as a role of its account.
	FirehoseDelivery DeliveryKind = "firehose"
	// FlowLogDelivery is the log delivery service of AWS, which takes no role. It writes below AWSLogs/.
	FlowLogDelivery DeliveryKind = "flow-log"
	// ReplayDelivery is a [ReplayFunction]: it reads what lies below ErrorPrefix, and writes its markers. What it brings
	// back is delivered by the stream.
	ReplayDelivery DeliveryKind = "replay"
	// ReplicationDelivery is S3 replicating another bucket, as a role of that bucket's account: see [BucketReplication].
	ReplicationDelivery DeliveryKind = "replication"
)

// Delivery is one who may write to a [LogArchiveBucket], and where.
type Delivery struct {
	Kind DeliveryKind
	// Source is where the stream or flow log is, or the bucket that is replicated: its account and region.
	Source partition.Place
	// RoleArn is the role that the Firehose stream, the replication or the function acts as; empty for flow logs. It need
	// not exist yet.
	RoleArn string
	// Prefix is the fixed beginning of the keys that are delivered, ending with "/": see [FixedPrefix]. For flow logs it
	// is the prefix of the flow log's destination, to which the service appends AWSLogs/; it may be empty for them. Of a
	// replication it is one of the folders that are replicated. Empty for a ReplayDelivery.
	Prefix string
	// ErrorPrefix is the same for what Firehose can't deliver; empty for flow logs.
	ErrorPrefix string
	// Hive says that a flow log writes Hive-compatible keys (AWSLogs/aws-account-id=111122223333/ instead of
	// AWSLogs/111122223333/).
	Hive bool
	// AnyFolder says that a flow log may write to any folder below Prefix, with keys of either form. A flow log that moves
	// to another folder, or to the other form, is replaced after the bucket's policy was: with a grant of the one folder
	// that it writes to, its records would be refused in between.
	AnyFolder bool
	// Resource is for whom a service delivers that names itself: see [TrailDelivery] and [FindingsDelivery].
	Resource string
	// Organization is the id of the organisation whose trail delivers; empty for an account's own.
	Organization string
	// ManagedKeys says that a replication is of objects with S3's own encryption (SSE-S3). Their replicas have the same,
	// whatever the bucket's default is, so that the bucket's key isn't used.
	ManagedKeys bool
}

// folder is the first part of the delivery's keys, ending with "/".
func (d Delivery) folder() string {
	first, _, _ := strings.Cut(d.Prefix, "/")
	if first == "" {
		first = "AWSLogs"
	}
	return first + "/"
}
