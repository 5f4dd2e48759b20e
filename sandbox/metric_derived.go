package sandbox

import (
	"strings"
	"time"
)

// keptMetrics are the metrics that are kept as things happen; functions' own are as well, whatever their names.
var keptMetrics = map[string]bool{
	"AWS/Firehose IncomingRecords": true, "AWS/Firehose DeliveryToS3.Success": true, "AWS/Firehose ExecuteProcessing.Success": true,
	"AWS/Lambda Invocations": true, "AWS/Lambda Errors": true, "AWS/Lambda Throttles": true, "AWS/Lambda Duration": true,
	"AWS/Logs DeliveryErrors": true,
}

// ownNamespace begins the namespaces of this project's functions.
const ownNamespace = "LogArchive/"

// derived are the metrics that follow from how the sandbox stands: each gives the values in a period, at the end of which
// (or now, if that is earlier) it looks.
var derived = map[string]func(m *meters, of datum, from, to time.Time) ([]float64, error){
	"AWS/Firehose DeliveryToS3.DataFreshness":    (*meters).freshness,
	"AWS/SQS ApproximateAgeOfOldestMessage":      (*meters).oldestMessage,
	"AWS/SQS ApproximateNumberOfMessagesVisible": (*meters).visibleMessages,
	"AWS/S3 PutRequests":                         (*meters).putRequests,
	"AWS/S3 ReplicationLatency":                  (*meters).replicationLatency,
	"AWS/S3 OperationsFailedReplication":         (*meters).replicationFailures,
}

// meters reads metrics.
type meters struct {
	d       *Delivery
	now     time.Time
	values  map[string][]datum
	buffers []BufferStatus
}

// modelled says whether the sandbox has the metric.
func modelled(of datum) bool {
	name := of.Namespace + " " + of.Name
	return keptMetrics[name] || derived[name] != nil || strings.HasPrefix(of.Namespace, ownNamespace)
}

// between returns the values of a metric from one time, included, to another, as who looks at a time between the two sees them.
func (m *meters) between(of datum, from, to, at time.Time) ([]float64, error) {
	if derive := derived[of.Namespace+" "+of.Name]; derive != nil {
		if to.After(at) {
			to = at
		}
		return derive(m, of, from, to)
	}
	var found []float64
	for _, v := range m.values[of.key()] {
		if !v.At.Before(from) && v.At.Before(to) {
			found = append(found, v.Value)
		}
	}
	return found, nil
}

// freshness is how old the oldest record of a stream is that isn't in the bucket, in seconds.
func (m *meters) freshness(of datum, _, to time.Time) ([]float64, error) {
	var oldest time.Time
	for _, b := range m.buffers {
		if b.Place == of.Place && b.Name == of.Dimensions["DeliveryStreamName"] && strings.HasPrefix(b.Kind, streamBuffers) &&
			b.Oldest.Before(to) && (oldest.IsZero() || b.Oldest.Before(oldest)) {
			oldest = b.Oldest
		}
	}
	if oldest.IsZero() {
		return nil, nil
	}
	return []float64{to.Sub(oldest).Seconds()}, nil
}

// waitingIn calls each with every message that has waited in a queue since before a time: since when, and from when it can be
// received. Messages for functions are kept with the world, those for consumers with the objects that they tell of.
func (m *meters) waitingIn(of datum, to time.Time, each func(sent, visible time.Time)) (there bool, err error) {
	queue, ok := find(m.d.world, queueToken, func(o *Object) bool { return o.Place == of.Place && o.Text("name") == of.Dimensions["QueueName"] })
	if !ok {
		return false, nil
	}
	kept, err := m.d.store.queued(queue.ARN())
	if err != nil {
		return true, err
	}
	for _, message := range kept {
		if message.Sent.Before(to) {
			each(message.Sent, message.Visible)
		}
	}
	visit(m.d.world, queueMessage, func(o *Object) {
		if o.Text("queue") == queue.ARN() && timeIn(o, "sent").Before(to) {
			each(timeIn(o, "sent"), timeIn(o, "visible"))
		}
	})
	return true, nil
}

func (m *meters) oldestMessage(of datum, _, to time.Time) ([]float64, error) {
	age := 0.0
	there, err := m.waitingIn(of, to, func(sent, _ time.Time) { age = max(age, to.Sub(sent).Seconds()) })
	if !there || err != nil {
		return nil, err
	}
	return []float64{age}, nil
}

func (m *meters) visibleMessages(of datum, _, to time.Time) ([]float64, error) {
	visible := 0.0
	there, err := m.waitingIn(of, to, func(_, from time.Time) {
		if !from.After(to) {
			visible++
		}
	})
	if !there || err != nil {
		return nil, err
	}
	return []float64{visible}, nil
}

// putRequests counts the objects that appeared below the prefix of a filter of request metrics.
func (m *meters) putRequests(of datum, from, to time.Time) ([]float64, error) {
	bucket := of.Dimensions["BucketName"]
	filter, ok := find(m.d.world, "aws:s3/bucketMetric:BucketMetric", func(o *Object) bool {
		return o.Text("bucket") == bucket && o.Text("name") == of.Dimensions["FilterId"]
	})
	if !ok {
		return nil, nil
	}
	prefix := ""
	for _, f := range objects(filter.State["filter"]) {
		prefix = text(f, "prefix")
	}
	all, err := m.d.store.List(bucket, prefix)
	if err != nil {
		return nil, err
	}
	var found []float64
	for _, o := range all {
		if !o.LastModified.Before(from) && !o.LastModified.After(to) {
			found = append(found, 1)
		}
	}
	return found, nil
}

// replicationLatency is how long the oldest version has waited for its replica, in seconds.
func (m *meters) replicationLatency(of datum, _, to time.Time) ([]float64, error) {
	pending, err := m.d.store.pending()
	if err != nil {
		return nil, err
	}
	latency, waits := 0.0, false
	for _, o := range pending {
		if o.Bucket == of.Dimensions["SourceBucket"] && o.LastModified.Before(to) {
			latency, waits = max(latency, to.Sub(o.LastModified).Seconds()), true
		}
	}
	if !waits {
		return nil, nil
	}
	return []float64{latency}, nil
}

// replicationFailures counts the versions that appeared and couldn't be replicated.
func (m *meters) replicationFailures(of datum, from, to time.Time) ([]float64, error) {
	all, err := m.d.store.List(of.Dimensions["SourceBucket"], "")
	if err != nil {
		return nil, err
	}
	var found []float64
	for _, o := range all {
		if o.Replication == ReplicationFailed && !o.LastModified.Before(from) && !o.LastModified.After(to) {
			found = append(found, 1)
		}
	}
	return found, nil
}
