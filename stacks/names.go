package stacks

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/stacks/schema"
)

// Class is a class of logs. Each has a stream of its own and a prefix of its own in the archive.
type Class string

// The classes.
const (
	// ClassLogs is the log groups.
	ClassLogs Class = "logs"
	// ClassFlowLogs is the flow logs that go through log groups.
	ClassFlowLogs Class = "flow-logs"
	// ClassFlowLogsVended is the flow logs that AWS puts into a stream directly: plain lines, where log groups send gzip.
	ClassFlowLogsVended Class = "flow-logs-vended"
	// ClassDatabases is the logs of databases.
	ClassDatabases Class = "databases"
)

// DirectFlowLogPrefix is what the keys of flow logs that are written without a stream begin with; AWS appends AWSLogs/.
const DirectFlowLogPrefix = "flow-logs-direct/"

// Classes returns all classes.
func Classes() []Class {
	return []Class{ClassLogs, ClassFlowLogs, ClassFlowLogsVended, ClassDatabases, ClassSyslog}
}

// subscribes says whether log groups are subscribed to the stream of the class.
func (c Class) subscribes() bool { return c != ClassFlowLogsVended && c != ClassSyslog }

// Limits of names: IAM roles, Firehose streams, and AWS Backup's vaults and plans.
//
// See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html,
// https://docs.aws.amazon.com/firehose/latest/APIReference/API_CreateDeliveryStream.html,
// https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupVault.html
const (
	maxRoleName   = 64
	maxStreamName = 64
	maxVaultName  = 50
	// maxSubscriberName leaves room for what queues, rules and alarms have behind it.
	maxFunctionName, maxSubscriberName = 64, 50
)

// Streams and log groups are regional; so are vaults. Roles belong to the account, so their names have the region, and
// two stacks of one account in two regions get along with the same prefix.

// StreamName is the Firehose stream of a class.
func (s *Spec) StreamName(c Class) string {
	name := s.NamePrefix + "-" + string(c)
	if s.partitions(c) {
		name += partitioned
	}
	return name
}

// DeliveryRole is what the stream of a class acts as.
func (s *Spec) DeliveryRole(c Class) string { return s.roleName(string(c) + "-delivery") }

// SubscriptionRole is what CloudWatch Logs acts as towards the stream of a class.
func (s *Spec) SubscriptionRole(c Class) string { return s.roleName(string(c) + "-subscription") }

// FlowLogRole is what the flow log service acts as towards log groups.
func (s *Spec) FlowLogRole() string { return s.roleName("flow-log-groups") }

// TransformFunction is the function that turns records into lines.
func (s *Spec) TransformFunction() string { return s.NamePrefix + "-transform" }

// TransformRole is what the transform function acts as.
func (s *Spec) TransformRole() string { return s.roleName("transform") }

// SubscribeFunction is the function that subscribes log groups. Queues, rules and alarms are named after it.
func (s *Spec) SubscribeFunction() string { return s.NamePrefix + "-subscribe" }

// SubscribeRole is what the subscribing function acts as.
func (s *Spec) SubscribeRole() string { return s.roleName("subscribe") }

// ExportsFunction is the function that switches on the exports of databases. A rule and alarms are named after it.
func (s *Spec) ExportsFunction() string { return s.NamePrefix + "-rds-exports" }

// ExportsRole is what that function acts as.
func (s *Spec) ExportsRole() string { return s.roleName("rds-exports") }

// ExportsTag is the tag of a database that remembers what the function has switched on.
func (s *Spec) ExportsTag() string { return s.NamePrefix + ":exports" }

// DatabaseTransformFunction is the function that turns records of databases into lines, where it isn't the others'.
func (s *Spec) DatabaseTransformFunction() string { return s.TransformFunction() + "-databases" }

// DatabaseTransformRole is what that function acts as.
func (s *Spec) DatabaseTransformRole() string { return s.roleName("transform-databases") }

// DatabaseBackupAlias is the alias of the key of the databases' backups in the backup region.
func (s *Spec) DatabaseBackupAlias() string { return s.NamePrefix + "-database-backups" }

// ReplayFunction is the function that brings back what couldn't be delivered.
func (s *Spec) ReplayFunction() string { return s.NamePrefix + "-replay" }

// ReplayRole is what the replay function acts as.
func (s *Spec) ReplayRole() string { return s.roleName("replay") }

func (s *Spec) functionLogGroup(function string) string { return "/aws/lambda/" + function }

// BackupRole is what AWS Backup acts as.
func (s *Spec) BackupRole() string { return s.roleName("backup") }

func (s *Spec) roleName(purpose string) string {
	return s.NamePrefix + "-" + purpose + "-" + string(s.Home.Region)
}

// FlowLogGroups is what the names of the log groups of flow logs begin with.
func (s *Spec) FlowLogGroups() string { return "/" + s.NamePrefix + "/flow-logs/" }

// FlowLogGroup is the log group of a flow log.
func (s *Spec) FlowLogGroup(name string) string { return s.FlowLogGroups() + name }

// ErrorLogGroup is where the stream of a class reports what it couldn't deliver, with and without dynamic partitioning.
func (s *Spec) ErrorLogGroup(c Class) string {
	return "/aws/kinesisfirehose/" + s.NamePrefix + "-" + string(c)
}

// LandingRole is what S3 acts as when it replicates what landed. It is a role of the archive's account.
func (s *Spec) LandingRole() string { return s.roleName("landing-replication") }

// AccessLogRole is what S3 acts as when it replicates access logs.
func (s *Spec) AccessLogRole() string { return s.roleName("access-replication") }

// LandingKeyAlias is the alias of the landing bucket's key.
func (s *Spec) LandingKeyAlias() string { return s.NamePrefix + "-landing" }

// KeyAlias is the alias of the archive's key.
func (s *Spec) KeyAlias() string { return s.NamePrefix + "-archive" }

// PlanName is the backup plan.
func (s *Spec) PlanName() string { return s.NamePrefix }

// Prefix is what the keys of a class begin with in the archive.
func (s *Spec) Prefix(c Class) string {
	return string(c) + "/" + s.origin(c) + s.partitionPrefix(c) + s.timePrefix(c)
}

// ErrorPrefix is what the keys of records of a class begin with that couldn't be delivered.
func (s *Spec) ErrorPrefix(c Class) string {
	return "errors/" + string(c) + "/account=" + string(s.Home.Account) + "/region=" + string(s.Home.Region) +
		"/!{firehose:error-output-type}/" + s.Pipeline.TimePrefix
}

// origin is where the stream of a class is, unless each line says for itself where it comes from.
func (s *Spec) origin(c Class) string {
	var b strings.Builder
	for _, part := range [][2]string{{"account", string(s.Home.Account)}, {"region", string(s.Home.Region)}} {
		if !s.partitions(c) || !slices.Contains(s.partitionBy(c), part[0]) {
			b.WriteString(part[0] + "=" + part[1] + "/")
		}
	}
	return b.String()
}

// logicalName is the database's name in the program: shop/instance. An instance and a cluster may have the same identifier.
// The component puts a hyphen and a log type behind it; what follows the slash keeps that apart from other identifiers.
func (d DatabaseSpec) logicalName() string {
	return d.Identifier + "/" + strings.TrimPrefix(d.kind(), "rds-")
}

// databaseLogGroup is the log group that RDS writes a log to.
func databaseLogGroup(s DatabaseSpec, logType string) string {
	kind := "instance"
	if s.Cluster {
		kind = "cluster"
	}
	return "/aws/rds/" + kind + "/" + s.Identifier + "/" + logType
}

// names reads the name prefix and checks that everything that may ever be named with it keeps within AWS's limits,
// whether this configuration uses it or not: a source that is added later must not be what breaks the prefix.
func (p *parser) names(v schema.Value) {
	s := p.spec
	s.NamePrefix = v.Text()
	if !v.Valid {
		return
	}
	type derived struct {
		what, name string
		limit      int
	}
	all := []derived{
		{"role", s.FlowLogRole(), maxRoleName},
		{"role", s.BackupRole(), maxRoleName},
		{"role", s.TransformRole(), maxRoleName},
		{"role", s.SubscribeRole(), maxRoleName},
		{"role", s.ReplayRole(), maxRoleName},
		{"function", s.ReplayFunction(), maxFunctionName},
		{"role", s.SyslogRole(), maxRoleName},
		{"role", s.LandingRole(), maxRoleName},
		{"role", s.AccessLogRole(), maxRoleName},
		{"role", s.ReplicaRole(), maxRoleName},
		{"role", s.TrailRole(), maxRoleName},
		{"function", s.TransformFunction(), maxFunctionName},
		{"function", s.SubscribeFunction(), maxSubscriberName},
		{"role", s.ExportsRole(), maxRoleName},
		{"role", s.DatabaseTransformRole(), maxRoleName},
		{"function", s.ExportsFunction(), maxSubscriberName},
		{"function", s.DatabaseTransformFunction(), maxFunctionName},
		{"backup vault", s.NamePrefix, maxVaultName},
		{"backup plan", s.PlanName(), maxVaultName},
	}
	for _, c := range Classes() {
		all = append(all,
			derived{"stream", s.NamePrefix + "-" + string(c) + partitioned, maxStreamName},
			derived{"role", s.DeliveryRole(c), maxRoleName})
		if c.subscribes() {
			all = append(all, derived{"role", s.SubscriptionRole(c), maxRoleName}, derived{"role", s.DestinationRole(c, 0), maxRoleName})
		}
	}
	worst, over := derived{}, 0
	for _, d := range all {
		if n := len(d.name) - d.limit; n > over {
			worst, over = d, n
		}
	}
	if over > 0 {
		p.add(v, "%s is too long: the %s %s would have %d characters, and AWS takes %d; want at most %d characters",
			schema.Quote(s.NamePrefix), worst.what, worst.name, len(worst.name), worst.limit, len(s.NamePrefix)-over)
	}
}
