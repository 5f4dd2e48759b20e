package verify

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// replayMarkers is where a replay keeps what it has put back: functions/replay's own default.
const replayMarkers = "replay/"

// replay is the way of what couldn't be delivered, from below the error prefixes back onto its streams: the requests of
// functions/replay, whoever calls it.
func (e *evaluation) replay(s *segment, function *Resource) {
	name := environment(function, "LOGARCHIVE_REPLAY_BUCKET")
	b, ok := e.bucketByARN(partition.BucketARN(function.Place.Partition(), name).String())
	if !ok {
		s.to(Stop{Kind: KindNowhere, Name: name})
		s.broken(function.URN, "environment", "there is no bucket "+quoted(name), "declare the bucket")
		return
	}
	s.to(bucketStop(b))
	acting, ok := e.run(s, function)
	if !ok {
		return
	}
	for route := range strings.SplitSeq(environment(function, "LOGARCHIVE_REPLAY_STREAMS"), ",") {
		at := max(strings.LastIndexByte(route, '='), 0) // prefixes have more of them
		prefix, stream := route[:at], strings.TrimPrefix(route[at:], "=")
		e.replayErrors(s, function, acting, b, prefix)
		arn := function.Place.ARN(partition.Firehose, "deliverystream/"+stream).String()
		from := s.at
		r, ok := e.followStream(s, function, "environment", arn)
		if !ok {
			continue
		}
		s.prove(e, request{title: "the replay puts records back", caller: acting, owner: r.Place.Account, carrier: function.URN}.
			do(arn, "firehose:PutRecordBatch"))
		s.then(e.stream(r))
		s.at = from
	}
}

// replayErrors are the requests to the bucket and its key: what lies below the error prefix is listed and read, and a marker
// of each object is read and written. Without s3:ListBucket S3 answers 403 where a marker isn't there.
func (e *evaluation) replayErrors(s *segment, function *Resource, acting Caller, b *bucket, prefix string) {
	q := request{title: "the replay looks for error objects", caller: acting, owner: b.Place.Account, carrier: function.URN}.overTLS()
	s.prove(e, q.with("s3:prefix", prefix).do(b.arn, "s3:ListBucketVersions"))
	s.prove(e, q.do(b.arn, "s3:ListBucket"))
	q.title = "the replay reads error objects"
	read := b.arn + "/" + prefix + "object"
	s.prove(e, q.sampling(read, b.arn+"/"+prefix+"*").do(read, "s3:GetObjectVersion"))
	q.title = "the replay keeps markers"
	marker := b.arn + "/" + replayMarkers + prefix + "object.json"
	s.prove(e, q.sampling(marker, b.arn+"/"+replayMarkers+prefix+"*").do(marker, "s3:GetObject", "s3:PutObject"))
	e.encrypt(s, b, "", marker, request{caller: acting, carrier: function.URN}.sampling(marker, b.arn+"/*").with("kms:CallerAccount", string(function.Place.Account)),
		[]string{"kms:GenerateDataKey", "kms:Decrypt"})
}
