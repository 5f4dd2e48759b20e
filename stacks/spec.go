package stacks

import (
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/verify"
)

// Spec is a stack's validated configuration. Everything that Compose needs is in it; nothing in it is missing or
// contradicts something else.
type Spec struct {
	// Stack is the stack's name, such as beijing.
	Stack string
	// Home is the source account in the home region, Backup the same account in the backup region, Archive the log-archive
	// account in the backup region.
	Home, Backup, Archive partition.Place
	// ArchiveRole is assumed in the archive account, with ExternalID.
	ArchiveRole partition.ARN
	// ExternalID is schema.Placeholder if it is encrypted in the stack file and hasn't been decrypted.
	ExternalID string
	// NamePrefix begins the names of everything that is created.
	NamePrefix string

	ArchiveBucket ArchiveSpec
	// Replica is nil when the archive has none.
	Replica *ReplicaSpec
	// Landing is nil when nothing lands in the home region.
	Landing   *LandingSpec
	Pipeline  PipelineSpec
	FlowLogs  []FlowLogSpec
	LogGroups []LogGroupSpec
	// Subscribe is nil when only the log groups of the configuration are archived.
	Subscribe *SubscribeSpec
	// AccountSubscription is nil unless one policy subscribes every log group.
	AccountSubscription *AccountSubscriptionSpec
	// Replay is nil when what couldn't be delivered is brought back by hand only.
	Replay    *ReplaySpec
	Databases []DatabaseSpec
	// AccessLogs is nil when no access logs are archived.
	AccessLogs *AccessLogsSpec
	// Exports is nil when no database's exports are switched on.
	Exports *ExportsSpec
	// Trail is nil without one.
	Trail *TrailSpec
	// Config, Findings and QueryLogs are nil without them.
	Config    *ConfigSpec
	Findings  *FindingsSpec
	QueryLogs *QueryLogSpec
	// Accounts are further source accounts.
	Accounts  []AccountSpec
	Instances []InstancesSpec
	// Siem are who gets an event for each object.
	Siem []SiemConsumerSpec
	// Queries is nil when nobody queries.
	Queries *QueriesSpec
	// Syslog is nil when no syslog is collected.
	Syslog *SyslogSpec
	// VpcEndpoints are those of VPCs that instances and collectors send from.
	VpcEndpoints []VpcEndpointsSpec
	// BackupPlan is nil when nothing is backed up.
	BackupPlan *BackupSpec
	// Monitoring is nil when nobody is to be told of anything.
	Monitoring *MonitoringSpec
	// PreflightMode is PreflightEnforce, PreflightWarn or PreflightOff.
	PreflightMode string
	// MinimumRetentionDays is for how long logs must be kept, and Waivers what is tolerated for a time.
	MinimumRetentionDays int
	Waivers              []verify.Waiver
	// Boundaries are the permission boundaries of roles, one for each account; none without.
	Boundaries []BoundarySpec
	// Tags are put on everything.
	Tags map[string]string
}

// ArchiveSpec is the archive bucket.
type ArchiveSpec struct {
	Bucket        string
	RetentionDays int
	Transitions   []TransitionSpec
	// Classes are the logs that RetentionDays and Transitions aren't for.
	Classes []RetentionClassSpec
	// ObjectLock is nil without a lock.
	ObjectLock *ObjectLockSpec
	// BreakGlassRole is the only one that may delete; the zero ARN if there is none.
	BreakGlassRole partition.ARN
	// Maintenance lets the deploying role change what is settled.
	Maintenance bool
	// OrganizationID is that of all source accounts; empty when the policies name each.
	OrganizationID string
}

// TransitionSpec moves objects of an age to a storage class.
type TransitionSpec struct {
	Days         int
	StorageClass partition.StorageClass
}

// ObjectLockSpec is the lock of every object.
type ObjectLockSpec struct {
	Mode string // GOVERNANCE or COMPLIANCE
	Days int
}

// PipelineSpec is what the Firehose streams have in common.
type PipelineSpec struct {
	BufferMiB, BufferSeconds int
	ErrorLogRetentionDays    int
	TimePrefix               string // the end of a key prefix, such as year=!{timestamp:yyyy}/
	KeepStreams              bool
	Transform                TransformSpec
}

// The kinds of resources that flow logs record, as in [External] and in the stack's outputs.
const (
	KindVPC            = "vpc"
	KindSubnet         = "subnet"
	KindENI            = "eni"
	KindTransitGateway = "transit-gateway"
)

// The ways of a flow log.
const (
	MethodS3       = "s3"
	MethodLanding  = "landing"
	MethodFirehose = "firehose"
	ViaLogGroup    = "log-group"
	ViaDirect      = "direct"
)

// FlowLogSpec is a flow log.
type FlowLogSpec struct {
	Key  string // path in the configuration: log-archive:flowLogs[0]
	Name string
	// Kind and ID say what is recorded.
	Kind, ID string
	// TrafficType is ALL, ACCEPT or REJECT; ALL for a transit gateway.
	TrafficType string
	// Method is MethodS3, MethodLanding or MethodFirehose; Via, for the last, ViaLogGroup or ViaDirect.
	Method, Via string
	// Parquet, HivePartitions and HourlyPartitions are for MethodS3 and MethodLanding.
	Parquet, HivePartitions, HourlyPartitions bool
	// Prefix is what its keys begin with, for the same: [DirectFlowLogPrefix], or a folder below it.
	Prefix string
	// LogFormat is empty for AWS's default.
	LogFormat          string
	AggregationSeconds int
	// RetentionDays is that of the log group of ViaLogGroup.
	RetentionDays int
}

// LogGroupSpec is a log group that is archived.
type LogGroupSpec struct {
	Key           string // path in the configuration
	Name          string
	Create        bool
	RetentionDays int // 0 unless created
	FilterPattern string
}

// DatabaseSpec is a database whose logs are archived.
type DatabaseSpec struct {
	Key             string // path in the configuration
	Identifier      string
	Engine          string
	Cluster         bool
	LogTypes        []string
	CreateLogGroups bool
	RetentionDays   int // 0 unless created
	// EnableExports switches the exports on in the database.
	EnableExports bool
	// ReplicatedDays is for how long automated backups are kept in the backup region, too; 0 if they aren't.
	ReplicatedDays int
}

// BackupSpec is the backup plan and its vaults.
type BackupSpec struct {
	Vault string
	Rules []BackupRuleSpec
	Tags  []BackupTagSpec
	ARNs  []BackupARNSpec
}

// BackupRuleSpec is a schedule with its retention; 0 days of cold storage means never.
type BackupRuleSpec struct {
	Name, Schedule                              string
	StartWindowMinutes, CompletionWindowMinutes int
	ColdStorageAfterDays, DeleteAfterDays       int
	CopyColdStorageAfterDays                    int
	CopyDeleteAfterDays                         int
}

// BackupTagSpec selects resources by a tag.
type BackupTagSpec struct{ Key, Value string }

// BackupARNSpec selects resources by ARN.
type BackupARNSpec struct {
	Key string // path in the configuration
	ARN partition.ARN
}
