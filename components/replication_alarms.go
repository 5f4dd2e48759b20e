package components

import (
	"cmp"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

const (
	defaultLagSeconds   = 3600
	defaultPendingBytes = 100 << 30
	// replicationPeriod is what the alarms look at, in seconds.
	replicationPeriod = 300
)

// Metric is one of the rule's metrics, which S3 sends to CloudWatch in the place of the source
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html#s3-cloudwatch-replication-metrics).
func (r Replica) Metric(sourceBucket, name string) Metric {
	return Metric{Namespace: partition.S3Metrics, Name: name, Dimensions: map[string]string{
		"SourceBucket": sourceBucket, "DestinationBucket": r.BucketName, "RuleId": r.Rule,
	}}
}

// ReplicationAlarms are the alarms of a path for a replica that is [Replica.Watched]: an object that failed for good, which only
// a batch replication brings over; a lag; and much that waits, which is a lag to be. S3 sends no metrics while there is nothing
// to replicate, and nothing is wrong then.
func ReplicationAlarms(sourceBucket string, r Replica) []Alarm {
	alarm := func(name, says, metric, statistic string, above, periods int) Alarm {
		return Alarm{Name: name, Says: says, Metrics: []Metric{r.Metric(sourceBucket, metric)}, Statistic: statistic,
			Threshold: float64(above), PeriodSeconds: replicationPeriod, Periods: periods, Missing: MissingIsFine}
	}
	return []Alarm{
		alarm("replication-failed", "Objects couldn't be replicated to the replica: S3 doesn't try again by itself", "OperationsFailedReplication", "Sum", 0, 1),
		alarm("replication-lag", "The replica lags behind", "ReplicationLatency", "Maximum", cmp.Or(r.LagSeconds, defaultLagSeconds), 1),
		alarm("replication-pending", "Much waits to be replicated to the replica", "BytesPendingReplication", "Maximum", cmp.Or(r.PendingBytes, defaultPendingBytes), 3),
	}
}

// registerAlarms makes the alarms of replicas that aren't watched elsewhere. Those of the first rule are named after the bucket.
func (c *BucketReplication) registerAlarms(ctx *pulumi.Context, name string, args *BucketReplicationArgs) error {
	for i, r := range args.Replicas {
		if r.Watched {
			continue
		}
		of := ""
		if i > 0 {
			of = "-" + r.Rule
		}
		for _, a := range []alarm{
			{name: "replication-failed", description: "Objects couldn't be replicated: mend the cause, then start a batch replication before they expire",
				metric: "OperationsFailedReplication", statistic: "Sum"},
			{name: "replication-lag", description: "Replication lags behind", metric: "ReplicationLatency", statistic: "Maximum", above: float64(cmp.Or(r.LagSeconds, defaultLagSeconds))},
		} {
			m := r.Metric(args.SourceBucket, a.metric)
			end := of + "-" + a.name
			a.name, a.namespace, a.dimensions = args.SourceBucket+end, m.Namespace, m.Dimensions
			if err := a.register(ctx, name+end, args.AlarmActions, args.Tags, pulumi.Parent(c)); err != nil {
				return err
			}
		}
	}
	return nil
}
