package sandbox

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/logarchive/logarchive/partition"
)

// flowRecordBytes is how much text goes into one record of a flow log's buffer.
const flowRecordBytes = 64 << 10

// logDelivery is how the log delivery service asks S3 and KMS. It writes as itself; the flow log's account and the logs
// service's ARN of it say for whom. The ACL header is sent unless the bucket has no ACLs, where it is contested whether
// the service does (docs/decisions.md, D4): so a policy that needs it is refused there.
func (f *flowLog) logDelivery(b *archiveBucket) (bucketWriter, error) {
	place := f.object.Place
	service, err := serviceCaller(b.object.Place, partition.LogDelivery, partition.Deliver)
	hop := Hop{Principal: service, Place: place}.with(
		"aws:SourceAccount", string(place.Account), "aws:SourceArn", place.ARN(partition.LogDelivery, "*").String(),
		"aws:SecureTransport", "true", "aws:RequestedRegion", string(b.object.Place.Region),
	)
	if !b.noACLs {
		hop = hop.with("s3:x-amz-acl", "bucket-owner-full-control")
	}
	return bucketWriter{hop: hop, who: "the log delivery service of flow log " + f.object.ID}, err
}

// flowBucket finds a flow log's bucket, and takes the hop that looks at it.
func (d *Delivery) flowBucket(f *flowLog) (*archiveBucket, bucketWriter, []Hop, error) {
	arn, err := f.bucket()
	if err != nil {
		return nil, bucketWriter{}, nil, fmt.Errorf("sandbox: %w", err)
	}
	b, ok := bucketByARN(d.world, arn)
	if !ok {
		missing := Hop{Step: "the log delivery service looks for the bucket of flow log " + f.object.ID, Action: "s3:GetBucketAcl", Resource: arn, Place: f.object.Place}
		return nil, bucketWriter{}, nil, missing.refuse("NoSuchBucket", arn, "the bucket %s, which logDestination of flow log %s names, doesn't exist", arn, f.object.ID)
	}
	w, err := f.logDelivery(b)
	if err != nil {
		return nil, w, nil, err
	}
	look := w.hop
	look.Step, look.Action, look.Resource, look.Owner = w.who+" looks at the bucket", "s3:GetBucketAcl", arn, b.object.Place.Account
	return b, w, []Hop{look}, d.authorizer.Authorize(look)
}

// flowToS3 puts the records of ids into the flow log's buffer, when its file could be written now.
func (t *transfer) flowToS3(f *flowLog, ids []string) error {
	b, w, hops, err := t.d.flowBucket(f)
	t.receipt.Hops = append(t.receipt.Hops, hops...)
	if err != nil {
		return err
	}
	key := f.key
	key.window = t.now.Truncate(flowWindow)
	hops, _, err = t.d.authorizeWrite(w, b, key.String())
	t.receipt.Hops = append(t.receipt.Hops, hops...)
	if err != nil || len(ids) == 0 {
		return err
	}
	a, err := t.open(flowLogBuffers, f.object.Place, f.object.ID)
	if err != nil {
		return err
	}
	var text []byte
	lines := 0
	for i, id := range ids {
		for j, value := range f.codec.record(id, t.now) {
			if j > 0 {
				text = append(text, ' ')
			}
			text = append(text, value...)
		}
		text = append(text, '\n')
		lines++
		if len(text) < flowRecordBytes && i < len(ids)-1 {
			continue
		}
		if err := t.add(a, lines, text); err != nil {
			return err
		}
		text, lines = text[:0], 0
	}
	t.receipt.Selected += len(ids)
	return nil
}

// flowToFirehose puts records straight into a stream's buffer, where that is known to work. The log delivery service does
// it with a role of its own (AWSServiceRoleForLogDelivery), which AWS allows on streams with a certain tag:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-Firehose.html
func (t *transfer) flowToFirehose(f *flowLog, records []string) error {
	place := f.object.Place
	service, err := serviceCaller(place, partition.LogDelivery, partition.Deliver)
	if err != nil {
		return err
	}
	put := Hop{
		Step: "the log delivery service puts records of flow log " + f.object.ID, Principal: service,
		Action: "firehose:PutRecordBatch", Resource: f.destination, Owner: place.Account, Place: place,
	}
	t.receipt.Hops = append(t.receipt.Hops, put)
	if err := place.Region.Require(partition.FlowLogsToFirehose); err != nil {
		return put.refuse("UnsupportedOperation", f.object.ID, "%v", err)
	}
	o, err := t.d.streamByARN(put, f.destination)
	if err != nil {
		return err
	}
	const tag = "LogDeliveryEnabled"
	if text(child(o.State, "tags"), tag) != "true" && text(child(o.State, "tagsAll"), tag) != "true" {
		return put.refuse("AccessDenied", f.destination, "the stream %s lacks the tag %s = true, without which the log delivery service's role may not put records to it", o.Text("name"), tag)
	}
	a, err := t.open(streamBuffers, o.Place, o.Text("name"))
	if err != nil {
		return err
	}
	for _, record := range records {
		if err := t.add(a, 1, flowMessage(record)); err != nil {
			return err
		}
	}
	t.receipt.Selected += len(records)
	return nil
}

// authorizeFlowToLogs takes the hops of the flow log service into a log group:
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
func (t *transfer) authorizeFlowToLogs(s Source) error {
	f := s.flowLog
	service, err := serviceCaller(s.Place, partition.VPCFlowLogs, partition.Trust)
	if err != nil {
		return err
	}
	role, err := partition.ParseARN(f.object.Text("iamRoleArn"))
	if err != nil {
		return fmt.Errorf("sandbox: flow log %s: iamRoleArn: %w", f.object.ID, err)
	}
	assume := Hop{
		Step: "the flow log service assumes the role of flow log " + f.object.ID, Principal: service, Action: "sts:AssumeRole",
		Resource: role.String(), Owner: role.Account, Place: s.Place,
	}.with("aws:SourceAccount", string(s.Place.Account), "aws:SourceArn", f.arn(), "aws:SecureTransport", "true")
	if err := t.authorize(assume); err != nil {
		return err
	}
	return t.authorizeLogStream(s, role, "the flow log service", "flow-logs")
}

// authorizeLogStream takes the hops of a service that writes to a log group as a role.
func (t *transfer) authorizeLogStream(s Source, role partition.ARN, service, session string) error {
	caller, context, err := roleCaller(role, session)
	if err != nil {
		return err
	}
	put := Hop{
		Step: service + " writes to log group " + s.group, Principal: caller, Action: "logs:CreateLogStream",
		Resource: s.Place.LogGroupARN(s.group + ":log-stream:" + s.logStream).String(), Owner: s.Place.Account, Place: s.Place,
	}.with(append(context, "aws:SecureTransport", "true", "aws:RequestedRegion", string(s.Place.Region))...)
	if err := t.authorize(put); err != nil {
		return err
	}
	put.Action = "logs:PutLogEvents"
	return t.authorize(put)
}

// deliverFlow writes the next file of a flow log's buffer, if one is due. It returns no object when none is.
func (d *Delivery) deliverFlow(ctx context.Context, b *buffer, now time.Time) (*StoredObject, error) {
	object, ok := find(d.world, flowLogToken, func(o *Object) bool { return o.Place == b.place && o.ID == b.name })
	if !ok {
		return nil, fmt.Errorf("sandbox: flow log %s doesn't exist any more: its buffer can't be delivered", b.name)
	}
	f, err := flowLogOf(object)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	window := b.feed.oldest.Truncate(flowWindow)
	if b.feed.size-b.feed.delivered < d.fileBytes && now.Before(window.Add(flowWindow)) {
		return nil, nil // without looking at each record
	}
	part, err := b.feed.cut(d.fileBytes, func(r feedRecord) bool { return r.arrival.Truncate(flowWindow).Equal(window) })
	if err != nil || (!part.full && now.Before(window.Add(flowWindow))) {
		return nil, err
	}
	bucket, w, _, err := d.flowBucket(f)
	if err != nil {
		return nil, err
	}
	key := f.key
	key.window, key.hash = window, crc32.Checksum(fmt.Appendf(nil, "%s %d", b.feed.id, part.begin), castagnoli)
	_, encryption, err := d.authorizeWrite(w, bucket, key.String())
	if err != nil {
		return nil, err
	}
	return d.write(ctx, b, part, bucket, StoredObject{
		Key: key.String(), LastModified: now, ContentType: "application/octet-stream", Encryption: encryption, Source: f.arn(),
	}, func(to io.Writer) error {
		if f.key.parquet {
			return writeFlowParquet(ctx, b.feed, part, f, to)
		}
		packed := gzip.NewWriter(to)
		if _, err := io.WriteString(packed, flowFieldNames(f.fields)+"\n"); err != nil {
			return err
		}
		return errors.Join(b.feed.copy(ctx, part, packed), packed.Close())
	})
}

func writeFlowParquet(ctx context.Context, from *feed, part feedPart, f *flowLog, to io.Writer) error {
	w := newParquetWriter(to, f.fields)
	err := from.each(ctx, part, func(payload []byte) error {
		for line := range strings.Lines(string(payload)) {
			if err := w.write(strings.Split(strings.TrimSuffix(line, "\n"), " ")); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, w.close())
}
