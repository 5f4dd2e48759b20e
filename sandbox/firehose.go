package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/logarchive/logarchive/partition"
)

// stream is a declared Firehose stream to S3.
type stream struct {
	object      Object
	name        string
	arn         string
	role        partition.ARN
	bucket      string // ARN
	prefix      *keyPrefix
	errorPrefix *keyPrefix
	location    *time.Location
	bytes       int64         // an object is written when so much has come,
	interval    time.Duration // or when the oldest record is so old
	gzip        bool
	extension   string
	key         string     // the ARN that objects are encrypted with; "" leaves it to the bucket
	processor   *processor // nil for none
	dynamic     bool       // objects are partitioned by the keys that the processor gives
}

// Defaults of the API: https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html
const (
	defaultStreamMiB     = 5
	defaultStreamSeconds = 300
)

// streamOf reads a stream's configuration. What the sandbox doesn't do is an error that says so.
func streamOf(o Object) (*stream, error) {
	s := &stream{object: o, name: o.Text("name"), arn: o.ARN()}
	fail := func(format string, args ...any) (*stream, error) {
		return nil, fmt.Errorf("stream %s: %s", s.name, fmt.Sprintf(format, args...))
	}
	c := child(o.State, "extendedS3Configuration")
	if destination := o.Text("destination"); destination != "extended_s3" || c == nil {
		return fail("its destination is %q; the sandbox delivers to extended_s3 only", destination)
	}
	if conversion := child(c, "dataFormatConversionConfiguration"); boolean(conversion, "enabled") {
		return fail("it has format conversion (dataFormatConversionConfiguration), which the sandbox doesn't run")
	}
	switch compression := text(c, "compressionFormat"); compression {
	case "", "UNCOMPRESSED":
	case "GZIP":
		s.gzip, s.extension = true, ".gz"
	default:
		return fail("its compressionFormat is %s; the sandbox knows UNCOMPRESSED and GZIP", compression)
	}
	if extension := text(c, "fileExtension"); extension != "" {
		s.extension = extension
	}
	s.bucket, s.key = text(c, "bucketArn"), text(c, "kmsKeyArn")
	s.bytes = int64(integer(c, "bufferingSize", defaultStreamMiB)) << 20
	s.interval = time.Duration(integer(c, "bufferingInterval", defaultStreamSeconds)) * time.Second
	var problems [5]error
	s.role, problems[0] = partition.ParseARN(text(c, "roleArn"))
	s.prefix, problems[1] = parsePrefix(text(c, "prefix"), false)
	s.errorPrefix, problems[2] = parsePrefix(text(c, "errorOutputPrefix"), true)
	s.location, problems[3] = timeZone(text(c, "customTimeZone"))
	s.processor, problems[4] = processorOf(child(c, "processingConfiguration"))
	if err := errors.Join(problems[:]...); err != nil {
		return fail("%v", err)
	}
	s.dynamic = boolean(child(c, "dynamicPartitioningConfiguration"), "enabled")
	switch keys := s.prefix.keys(); {
	case s.dynamic && (s.processor == nil || len(keys) == 0):
		return fail("it has dynamic partitioning, and its Prefix no !{partitionKeyFromLambda:…} of a function; the sandbox partitions by these only")
	case !s.dynamic && len(keys) > 0:
		return fail("its Prefix has the partition key %s, and dynamicPartitioningConfiguration isn't enabled", keys[0])
	}
	if s.prefix.hasExpressions() && text(c, "errorOutputPrefix") == "" {
		return fail("ErrorOutputPrefix can't be missing when Prefix has expressions")
	}
	return s, nil
}

// objectKey is the key of the object whose oldest record arrived at a time. The identity of its records, in place of
// randomness, makes a delivery that is tried again end at the same key.
func (s *stream) objectKey(oldest time.Time, identity string) (string, error) {
	return s.keyBelow(s.prefix, prefixValues{at: oldest}, identity, s.extension)
}

// keyBelow is the key of an object below a prefix. Only time, type of error and partition keys of the values are needed.
func (s *stream) keyBelow(p *keyPrefix, v prefixValues, identity, extension string) (string, error) {
	n := 0
	v.random = func() string {
		n++
		return uuidOf(fmt.Sprint(identity, " ", n))[:11]
	}
	v.at = v.at.In(s.location)
	prefix, err := p.evaluate(v)
	if err != nil {
		return "", fmt.Errorf("stream %s: %w", s.name, err)
	}
	return prefix + s.fileHead() + v.at.Format("2006-01-02-15-04-05-") + uuidOf(identity) + extension, nil
}

// fileHead is what the names of all the stream's objects begin with, in this version of the stream:
// https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
func (s *stream) fileHead() string {
	version := s.object.Text("versionId")
	if version == "" {
		version = "1"
	}
	return s.name + "-" + version + "-"
}

// uuidOf is a UUID (version 4 in form) that follows from a text.
func uuidOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", binary.BigEndian.Uint32(sum[:]), sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// assumeHop is Firehose taking on its role. It sends the stream's account as external id; that it sends aws:SourceAccount
// or aws:SourceArn, too, AWS doesn't document (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html).
func (s *stream) assumeHop() (Hop, error) {
	place := s.object.Place
	caller, err := serviceCaller(place, partition.Firehose, partition.Trust)
	return Hop{
		Step: "Firehose assumes the role of stream " + s.name, Principal: caller, Action: "sts:AssumeRole",
		Resource: s.role.String(), Owner: s.role.Account, Place: place,
	}.with("sts:ExternalId", string(place.Account), "aws:SecureTransport", "true"), err
}

// writer is how the stream asks S3.
func (s *stream) writer() (bucketWriter, error) {
	caller, context, err := roleCaller(s.role, "firehose")
	w := bucketWriter{
		hop: Hop{Principal: caller, Place: s.object.Place}.with(context...),
		who: "Firehose stream " + s.name, account: s.role.Account, key: s.key, acl: true,
	}
	return w, err
}
