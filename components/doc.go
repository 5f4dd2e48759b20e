// Package components holds the parts that a log archive is composed of, each a Pulumi ComponentResource:
//
//   - [LogArchiveBucket]: the bucket that keeps the logs, with its own key and with exactly the grants of those who
//     deliver to it;
//   - [ArchiveReplica]: a second such bucket in another region, to which everything in the first is replicated;
//   - [FirehoseToS3Pipeline]: a Firehose stream that carries log groups to the archive;
//   - [TransformFunction]: the function that turns the records of such a stream into lines;
//   - [LogGroupSubscriber]: what subscribes every log group of a region to a pipeline, new ones by event, and looks at all
//     of them now and then;
//   - [AccountLogSubscription]: what subscribes all of them by one policy of the account, without looking;
//   - [FlowLogToS3]: a flow log of a VPC, subnet, network interface or transit gateway, delivered to the archive
//     directly or by a pipeline, with [FlowLogRole] for those that go through CloudWatch Logs;
//   - [InstanceLogShipping]: the CloudWatch agent of EC2 instances, from its configuration to its log groups;
//   - [SyslogCollector]: a load balancer and machines that take syslog and put it into a pipeline;
//   - [LogVpcEndpoints]: a VPC's own ways to what its instances and collectors send to;
//   - [RdsLogShipping]: the log groups of a database, and their way into a pipeline;
//   - [BackupVaultWithCopy]: a backup vault, and the vault in another region that its backups are copied to.
//
// # What all of them do alike
//
// A component acts at the place that its Args name. The caller gives it the provider of that place, as an option, and
// all its children inherit it; a component that acts in two places takes its providers in Args. No component looks
// anything up, and none uses a default provider.
//
// Physical names come from Args, so that every ARN but that of a key is known before anything is created. Accounts
// that trust each other's roles name the account's root as principal and the role's ARN in a condition: such a policy
// can be created before the role, and survives the role's re-creation.
//
// Args are checked as a whole first. If something is wrong, the constructor returns an [ArgsError] with every problem
// and registers nothing.
//
// Functions are built from this module's source when they are deployed, or come as zips: see [Code] and [CodeVariable]. A
// recording builds nothing.
//
// Tags are those of Args; what every resource of a stack carries comes from the provider's default tags.
package components
