package stacks

import (
	"cmp"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
)

// alarmPath is a path as its alarms see it: what can go wrong with it in one place.
type alarmPath struct {
	place  partition.Place
	name   string
	alarms []components.Alarm
	graphs []components.DashboardGraph
}

// logicalName is the alarms' name in the program.
func (p alarmPath) logicalName() string { return "path-" + p.name }

// row shows a path on the dashboard.
func (p alarmPath) row(prefix string) components.DashboardRow {
	row := components.DashboardRow{Title: p.name, Graphs: p.graphs, Alarms: []string{prefix + "-" + p.name}}
	for _, a := range p.alarms {
		row.Alarms = append(row.Alarms, prefix+"-"+p.name+"-"+a.Name)
	}
	const most = 100 // what a widget shows; see the dashboard component
	if len(row.Alarms) > most {
		row.Alarms = row.Alarms[:most]
	}
	return row
}

// alarmPaths returns what is watched. What a place, a pipeline or a function has of alarms is here, and what each means to
// the person who is called is in docs/operations.md, under the alarm's name; a test compares the two.
func (s *Spec) alarmPaths() []alarmPath {
	paths := s.streamAlarmPaths(s.classes())
	if s.BackupPlan != nil {
		paths = append(paths, s.backupAlarms())
	}
	if len(s.Siem) > 0 {
		paths = append(paths, s.siemAlarms())
	}
	paths = append(paths, s.replicaAlarms()...)
	return append(paths, s.archiveAlarms())
}

// siemAlarms are those of the consumers' queues: the archive has the objects in any case, and a consumer can list them.
func (s *Spec) siemAlarms() alarmPath {
	queues := func(name, suffix string) []components.Metric {
		var list []components.Metric
		for _, consumer := range s.Siem {
			list = append(list, components.Metric{Namespace: partition.SQSMetrics, Name: name, Dimensions: map[string]string{"QueueName": s.SiemQueue(consumer.Name) + suffix}})
		}
		return list
	}
	path := alarmPath{place: s.Archive, name: "siem"}
	path.alarms = append(path.alarms, components.InTens(components.Alarm{Name: "siem-failed", Says: "Consumers failed with messages again and again: they are in the dead letter queues",
		Statistic: "Maximum", Threshold: 0, PeriodSeconds: fiveMinutes, Periods: 1, Missing: components.MissingIsFine}, queues("ApproximateNumberOfMessagesVisible", components.FeedFailedSuffix))...)
	for i, m := range queues("ApproximateAgeOfOldestMessage", "") {
		// Ages can't be added up, so each queue has its own.
		path.alarms = append(path.alarms, components.Alarm{Name: "backlog-" + s.Siem[i].Name, Runbook: "siem-backlog", Says: "Consumer " + s.Siem[i].Name + " hasn't read for an hour; messages are kept for 14 days",
			Metrics: []components.Metric{m}, Statistic: "Maximum", Threshold: anHour, PeriodSeconds: fiveMinutes, Periods: 3, Missing: components.MissingIsFine})
	}
	return path
}

// streamAlarmPaths are those of an account's streams, and of the function that transforms what they carry.
func (s *Spec) streamAlarmPaths(classes []Class) []alarmPath {
	var paths []alarmPath
	for _, class := range classes {
		paths = append(paths, s.pipelineAlarms(class))
	}
	if p := s.transformAlarms(classes); len(p.alarms) > 0 {
		paths = append(paths, p)
	}
	return paths
}

// Times that alarms look at, in seconds.
const (
	fiveMinutes = 5 * 60
	anHour      = 60 * 60
)

// pipelineAlarms are those of a stream. A stream that gets nothing reports nothing, and that is fine for its failures; that it
// gets nothing for long isn't.
func (s *Spec) pipelineAlarms(class Class) alarmPath {
	stream := func(name string) []components.Metric {
		return []components.Metric{{Namespace: partition.FirehoseMetrics, Name: name, Dimensions: map[string]string{"DeliveryStreamName": s.StreamName(class)}}}
	}
	m := s.Monitoring
	path := alarmPath{place: s.Home, name: string(class), alarms: []components.Alarm{
		{Name: "delivery-failed", Says: "Firehose can't write to the archive", Metrics: stream("DeliveryToS3.Success"),
			Statistic: "Minimum", Below: true, Threshold: 1, PeriodSeconds: fiveMinutes, Periods: 1, Missing: components.MissingIsFine},
		// https://docs.aws.amazon.com/firehose/latest/dev/firehose-cloudwatch-metrics-best-practices.html
		{Name: "delivery-late", Says: "Records wait too long for their delivery; after 24 hours Firehose discards them", Metrics: stream("DeliveryToS3.DataFreshness"),
			Statistic: "Maximum", Threshold: float64(s.Pipeline.BufferSeconds + 60*m.LateAfterMinutes), PeriodSeconds: fiveMinutes, Periods: 3, Missing: components.MissingIsFine},
		{Name: "throttled", Says: "The stream takes no more records; who sends them tries again, for a time", Metrics: stream("ThrottledRecords"),
			Statistic: "Sum", Threshold: 0, PeriodSeconds: fiveMinutes, Periods: 3, Datapoints: 2, Missing: components.MissingIsFine},
	}, graphs: []components.DashboardGraph{
		{Title: "Incoming bytes", Statistic: "Sum", Metrics: stream("IncomingBytes")},
		{Title: "Age of the oldest record (s)", Statistic: "Maximum", Metrics: stream("DeliveryToS3.DataFreshness")},
		{Title: "Delivered, of what was tried", Statistic: "Average", Metrics: stream("DeliveryToS3.Success")},
	}}
	if m.SilentAfterHours > 0 {
		path.alarms = append(path.alarms, components.Alarm{
			Name: "silent", Says: "Nothing has come for hours: a source, a subscription or a flow log may have stopped", Metrics: stream("IncomingRecords"),
			Statistic: "Sum", Below: true, Threshold: 1, PeriodSeconds: anHour, Periods: m.SilentAfterHours, Missing: components.MissingIsBad,
		})
	}
	if s.transforms(class) {
		path.alarms = append(path.alarms,
			components.Alarm{Name: "transform-failed", Says: "Firehose can't have records transformed; what fails three times goes to the error prefix", Metrics: stream("ExecuteProcessing.Success"),
				Statistic: "Minimum", Below: true, Threshold: 1, PeriodSeconds: fiveMinutes, Periods: 1, Missing: components.MissingIsFine},
			components.Alarm{Name: "unreadable", Says: "The transform function got records that it can't read, or can't put back: they are in the error prefix",
				Metrics:   s.transformMetrics(class, "Failed", "PutBackRefused"),
				Statistic: "Sum", Threshold: 0, PeriodSeconds: fiveMinutes, Periods: 1, Missing: components.MissingIsFine})
	}
	if len(s.Pipeline.Transform.PartitionBy) > 0 && s.transforms(class) {
		path.alarms = append(path.alarms, components.Alarm{
			Name: "partitions-exceeded", Says: "The stream has more active partitions than Firehose takes: what comes on top goes to the error prefix", Metrics: stream("PartitionCountExceeded"),
			Statistic: "Maximum", Threshold: 0, PeriodSeconds: fiveMinutes, Periods: 1, Missing: components.MissingIsFine})
	}
	path.alarms = append(path.alarms, components.InTens(components.Alarm{
		Name: "forwarding-failed", Says: "CloudWatch Logs can't forward events to the stream; what is refused for a missing permission is skipped",
		Statistic: "Sum", Threshold: 0, PeriodSeconds: fiveMinutes, Periods: 1, Missing: components.MissingIsFine,
	}, s.forwardingErrors(class))...)
	return path
}

// forwardingErrors are the metrics of the subscriptions that the configuration names. Those of the subscriber have no names
// here; its own alarms are about them. Of an account's policy the dimensions aren't known (decisions, D37).
//
// See https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html
func (s *Spec) forwardingErrors(class Class) []components.Metric {
	var groups []string
	for _, row := range s.Sources() {
		if row.Place == s.Home && row.Stream == s.StreamName(class) && row.LogGroup != "" { // other accounts have their own
			groups = append(groups, row.LogGroup)
		}
	}
	var list []components.Metric
	for _, group := range groups {
		list = append(list, components.Metric{Namespace: partition.LogsMetrics, Name: "DeliveryErrors", Dimensions: map[string]string{
			"LogGroupName": group, "DestinationType": "Firehose", "FilterName": s.StreamName(class),
		}})
	}
	return list
}

// transformMetrics are what the function says about a stream.
func (s *Spec) transformMetrics(class Class, names ...string) []components.Metric {
	var list []components.Metric
	for _, name := range names {
		list = append(list, components.Metric{Namespace: partition.OwnMetricsPrefix + "Transform", Name: name, Dimensions: map[string]string{"DeliveryStream": s.StreamName(class)}})
	}
	return list
}

// functionAlarms are those of any function.
func functionAlarms(function string, timeoutSeconds int) []components.Alarm {
	metric := func(name string) []components.Metric {
		return []components.Metric{{Namespace: partition.LambdaMetrics, Name: name, Dimensions: map[string]string{"FunctionName": function}}}
	}
	return []components.Alarm{
		{Name: "function-errors", Says: "The function fails", Metrics: metric("Errors"),
			Statistic: "Sum", Threshold: 0, PeriodSeconds: fiveMinutes, Periods: 1, Missing: components.MissingIsFine},
		{Name: "function-throttled", Says: "Lambda refuses invocations: the account's concurrency is used up", Metrics: metric("Throttles"),
			Statistic: "Sum", Threshold: 0, PeriodSeconds: fiveMinutes, Periods: 3, Datapoints: 2, Missing: components.MissingIsFine},
		{Name: "function-slow", Says: "The function needs most of the time that it has", Metrics: metric("Duration"),
			Statistic: "Maximum", Threshold: 800 * float64(timeoutSeconds), PeriodSeconds: fiveMinutes, Periods: 1, Missing: components.MissingIsFine},
	}
}

// transformAlarms are those of the function that all streams share.
func (s *Spec) transformAlarms(classes []Class) alarmPath {
	path := alarmPath{place: s.Home, name: "transform"}
	var graph []components.Metric
	for _, class := range classes {
		if s.transforms(class) {
			graph = append(graph, s.transformMetrics(class, "Events")...)
		}
	}
	if len(graph) == 0 {
		return path
	}
	path.alarms = functionAlarms(s.TransformFunction(), components.DefaultFunctionSeconds)
	path.graphs = []components.DashboardGraph{{Title: "Events", Statistic: "Sum", Metrics: graph}}
	return path
}

// backupAlarms are those of both vaults' jobs. AWS Backup counts a copy where it comes from. A job that isn't done in its
// window expires or is aborted, which isn't a failure to AWS Backup.
//
// See https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html
func (s *Spec) backupAlarms() alarmPath {
	metrics := func(names ...string) []components.Metric {
		var list []components.Metric
		for _, name := range names {
			list = append(list, components.Metric{Namespace: partition.BackupMetrics, Name: name, Dimensions: map[string]string{"BackupVaultName": s.BackupPlan.Vault}})
		}
		return list
	}
	bad := func(name, says string, of ...string) components.Alarm {
		return components.Alarm{Name: name, Says: says, Metrics: metrics(of...),
			Statistic: "Sum", Threshold: 0, PeriodSeconds: anHour, Periods: 1, Missing: components.MissingIsFine}
	}
	return alarmPath{place: s.Home, name: "backup", alarms: []components.Alarm{
		bad("backup-failed", "Backup jobs ended without a backup", "NumberOfBackupJobsFailed", "NumberOfBackupJobsExpired", "NumberOfBackupJobsAborted"),
		bad("copy-failed", "Backups weren't copied to the other region", "NumberOfCopyJobsFailed"),
	}, graphs: []components.DashboardGraph{{Title: "Jobs", Statistic: "Sum", Metrics: metrics("NumberOfBackupJobsCompleted", "NumberOfBackupJobsFailed", "NumberOfCopyJobsCompleted", "NumberOfCopyJobsFailed")}}}
}

// requestFilter is a part of the archive bucket whose requests are counted.
type requestFilter struct{ name, prefix string }

// requestFilters are the error prefixes, where nothing should be written, and what log delivery writes, where something
// should: nothing else tells that a flow log to S3 has stopped.
func (s *Spec) requestFilters() []requestFilter {
	filters := []requestFilter{{"errors", "errors/"}}
	if slices.ContainsFunc(s.FlowLogs, func(f FlowLogSpec) bool { return f.Method == MethodS3 }) {
		filters = append(filters, requestFilter{"flow-logs-direct", DirectFlowLogPrefix})
	}
	return filters
}

// requestMetrics has S3 count the requests. They are counted as they come, within minutes and as well as S3 can: an alarm
// on them is a hint, the ledger of what is in the archive is the objects themselves
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html).
func (c *composer) requestMetrics() error {
	for _, f := range c.spec.requestFilters() {
		_, err := s3.NewBucketMetric(c.ctx, "archive-"+f.name, &s3.BucketMetricArgs{
			Bucket: c.archive.Name, Name: pulumi.String(f.name), Filter: &s3.BucketMetricFilterArgs{Prefix: pulumi.String(f.prefix)},
		}, pulumi.Provider(c.providers.archive), pulumi.Parent(c.archive))
		if err != nil {
			return err
		}
	}
	return nil
}

// archiveAlarms are those of the archive bucket.
func (s *Spec) archiveAlarms() alarmPath {
	puts := func(filter string) []components.Metric {
		return []components.Metric{{Namespace: partition.S3Metrics, Name: "PutRequests", Dimensions: map[string]string{"BucketName": s.ArchiveBucket.Bucket, "FilterId": filter}}}
	}
	path := alarmPath{place: s.Archive, name: "archive"}
	for _, f := range s.requestFilters() {
		if f.name == "errors" {
			path.alarms = append(path.alarms, components.Alarm{Name: "errors-not-empty", Says: "Records couldn't be delivered: they lie whole below errors/", Metrics: puts(f.name),
				Statistic: "Sum", Threshold: 0, PeriodSeconds: fiveMinutes, Periods: 1, Missing: components.MissingIsFine})
			continue
		}
		if hours := s.Monitoring.SilentAfterHours; hours > 0 {
			path.alarms = append(path.alarms, components.Alarm{Name: f.name + "-silent", Says: "Log delivery has written nothing for hours: a flow log may be without permission, or gone", Metrics: puts(f.name),
				Statistic: "Sum", Below: true, Threshold: 1, PeriodSeconds: anHour, Periods: cmp.Or(hours, defaultSilentHours), Missing: components.MissingIsBad})
		}
	}
	return path
}
