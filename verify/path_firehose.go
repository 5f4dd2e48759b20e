package verify

import (
	"fmt"
	"regexp"

	"github.com/logarchive/logarchive/partition"
)

// stream is the way from a Firehose stream to its bucket. Many sources share it, so it is proven once.
func (e *evaluation) stream(r *Resource) *segment {
	return e.shared("stream "+r.text("arn"), func(s *segment) { e.proveStream(s, r) })
}

func (e *evaluation) proveStream(s *segment, r *Resource) {
	s.route = []string{"stream " + r.text("name")}
	to := r.item("extendedS3Configuration")
	if to == nil {
		s.broken(r.URN, "destination", fmt.Sprintf("destination %q isn't followed: only extendedS3 leads to an archive bucket", r.text("destination")), "use destination extendedS3")
		return
	}
	caller, err := service(r.Place, partition.Firehose)
	if s.refuse(r, err) {
		return
	}
	// Firehose passes the stream's account as external id:
	// https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#firehose-assume-role
	acting, ok := e.assumeARN(s, r, "extendedS3Configuration.roleArn", to.text("roleArn"), "Firehose acts as the stream's role", caller,
		map[string][]string{"sts:ExternalId": {string(r.Place.Account)}})
	if !ok {
		return
	}
	b, ok := e.bucketByARN(to.text("bucketArn"))
	if !ok {
		s.broken(r.URN, "extendedS3Configuration.bucketArn", fmt.Sprintf("there is no bucket %q", to.text("bucketArn")), "declare the bucket, or name one that is declared")
		return
	}
	objects := []string{sampleKey(to.text("prefix"))}
	if prefix := to.text("errorOutputPrefix"); prefix != "" {
		objects = append(objects, sampleKey(prefix))
	}
	e.writeAs(s, r, acting, b, objects)
	e.reportErrors(s, r, acting, to.item("cloudwatchLoggingOptions"))
	e.encryptStream(s, r, acting)
	s.route = append(s.route, "bucket "+b.name)

}

// writeAs are the requests of Firehose, as its role, to the bucket
// (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3).
func (e *evaluation) writeAs(s *segment, r *Resource, acting Caller, b *bucket, keys []string) {
	q := request{title: "Firehose looks at the bucket", caller: acting, owner: b.Place.Account, carrier: r.URN}.with("aws:SecureTransport", "true").
		with("s3:TlsVersion", "1.2")
	s.prove(e, q.do(b.arn, "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"))
	q.title = "Firehose writes objects"
	actions := []string{"s3:PutObject", "s3:AbortMultipartUpload"}
	if b.Place.Account != r.Place.Account {
		// Into another account it writes with the ACL bucket-owner-full-control.
		actions = append(actions, "s3:PutObjectAcl")
	}
	for _, key := range keys {
		s.prove(e, q.do(b.arn+"/"+key, actions...))
	}
	e.encrypt(s, r, acting, b, keys[0], []string{"kms:GenerateDataKey", "kms:Decrypt"}, nil)
}

// encrypt are the requests that S3 makes to the key of the bucket's default encryption, in the name of who writes.
func (e *evaluation) encrypt(s *segment, r *Resource, acting Caller, b *bucket, object string, actions []string, context map[string][]string) {
	if b.keyARN == "" {
		return
	}
	k, ok := e.keyOf(b.Place, b.keyARN)
	if !ok {
		s.broken(b.URN, "kmsMasterKeyId", fmt.Sprintf("the bucket's default encryption names key %q, which isn't declared", b.keyARN), "declare the key: its policy is part of the proof")
		return
	}
	via, err := b.Place.ViaService(partition.S3)
	if s.refuse(r, err) {
		return
	}
	// With a bucket key the encryption context is the bucket's ARN, without it the object's. A request may turn the bucket
	// key off for its object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
	contexts := []string{b.arn + "/" + object}
	if b.bucketKey {
		contexts = append(contexts, b.arn)
	}
	q := request{title: "S3 encrypts with the bucket's key", caller: acting, owner: k.Place.Account, carrier: r.URN, context: context}.
		with("kms:ViaService", via).with("kms:CallerAccount", string(r.Place.Account)).
		with("kms:EncryptionContextKeys", "aws:s3:arn")
	for _, c := range contexts {
		s.prove(e, q.with("kms:EncryptionContext:aws:s3:arn", c).do(k.arn, actions...))
	}
}

// reportErrors is Firehose's own error log. A stream without one fails silently, which a posture rule says.
func (e *evaluation) reportErrors(s *segment, r *Resource, acting Caller, options object) {
	if !options.flag("enabled") {
		return
	}
	group := options.text("logGroupName")
	if _, ok := e.groups[groupKey(r.Place, group)]; !ok {
		s.broken(r.URN, "extendedS3Configuration.cloudwatchLoggingOptions.logGroupName", fmt.Sprintf("there is no log group %q in %s", group, r.Place), "declare the log group")
		return
	}
	s.prove(e, request{title: "Firehose reports errors", caller: acting, owner: r.Place.Account, carrier: r.URN}.
		do(r.Place.LogGroupARN(group+":log-stream:"+options.text("logStreamName")).String(), "logs:PutLogEvents"))
}

// encryptStream is Firehose's use of a customer's key for the records in the stream. It takes grants when the stream is
// created, so its role needs nothing, but the key must exist.
func (e *evaluation) encryptStream(s *segment, r *Resource, _ Caller) {
	sse := r.item("serverSideEncryption")
	if sse.text("keyType") != "CUSTOMER_MANAGED_CMK" {
		return
	}
	if _, ok := e.keyOf(r.Place, sse.text("keyArn")); !ok {
		s.broken(r.URN, "serverSideEncryption.keyArn", fmt.Sprintf("there is no key %q", sse.text("keyArn")), "declare the key")
	}
}

// expression is one !{namespace:value} of a Firehose prefix (https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html).
var expression = regexp.MustCompile(`!\{([^:}]*):([^}]*)\}`)

// sampleKey is a key as the prefix makes it, at one point of time.
func sampleKey(prefix string) string {
	key := expression.ReplaceAllStringFunc(prefix, func(found string) string {
		m := expression.FindStringSubmatch(found)
		switch {
		case m[1] == "timestamp":
			return "00"
		case m[2] == "error-output-type":
			return "format-conversion-failed"
		}
		return "x"
	})
	if key == "" || key[len(key)-1] == '/' {
		key += "object"
	}
	return key
}
