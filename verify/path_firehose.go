package verify

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// stream is the way from a Firehose stream to its bucket. Many sources share it, so it is proven once.
func (e *evaluation) stream(r *Resource) *segment {
	return e.shared("stream "+r.text("arn"), streamStop(r), func(s *segment) { e.proveStream(s, r) })
}

func (e *evaluation) proveStream(s *segment, r *Resource) {
	to := r.item("extendedS3Configuration")
	if to == nil {
		s.to(Stop{Kind: KindNowhere, Name: r.text("destination")})
		s.broken(r.URN, "destination", fmt.Sprintf("destination %q isn't followed: only extended_s3 leads to an archive bucket", r.text("destination")), "use destination extended_s3")
		return
	}
	b, ok := e.bucketByARN(to.text("bucketArn"))
	if !ok {
		s.to(Stop{Kind: KindNowhere, Name: to.text("bucketArn")})
		reason, remedy := e.noBucket(to.text("bucketArn"))
		s.broken(r.URN, "extendedS3Configuration.bucketArn", reason, remedy)
		return
	}
	s.to(bucketStop(b))
	caller, err := service(r.Place, partition.Firehose)
	if s.refuse(r, err) {
		return
	}
	// Firehose passes the stream's account as external id:
	// https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#firehose-assume-role
	acting, ok := e.assume(s, r, "extendedS3Configuration.roleArn", to.text("roleArn"),
		request{title: "Firehose acts as the stream's role", caller: caller}.with("sts:ExternalId", string(r.Place.Account)))
	if !ok {
		return
	}
	prefixes := []string{to.text("prefix")}
	if prefix := to.text("errorOutputPrefix"); prefix != "" {
		prefixes = append(prefixes, prefix)
	}
	e.writeAs(s, r, acting, b, prefixes, to.text("kmsKeyArn"))
	e.transform(s, r, acting, to.item("processingConfiguration"))
	e.reportErrors(s, r, acting, to.item("cloudwatchLoggingOptions"))
	e.encryptStream(s, r)
	e.keeps(b)
}

// transform is the call of the function that a stream hands its records to
// (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3).
func (e *evaluation) transform(s *segment, r *Resource, acting Caller, processing object) {
	const property = "extendedS3Configuration.processingConfiguration"
	if !processing.flag("enabled") {
		return
	}
	for _, processor := range processing.items("processors") {
		for _, parameter := range processor.items("parameters") {
			if parameter.text("parameterName") != "LambdaArn" {
				continue
			}
			named := parameter.text("parameterValue")
			arn, err := partition.ParseARN(named)
			if err != nil {
				s.broken(r.URN, property, err.Error(), "name the function by its ARN")
				continue
			}
			// A version or alias follows the function's own ARN.
			plain := arn
			if parts := strings.Split(arn.Resource, ":"); len(parts) > 2 {
				plain.Resource = strings.Join(parts[:2], ":")
			}
			function := e.queues[plain.String()]
			if function == nil {
				s.broken(r.URN, property, "there is no function "+plain.String(), "declare the function, or name one that is declared")
				continue
			}
			s.prove(e, request{title: "Firehose calls the transform function", caller: acting, owner: arn.Account, carrier: r.URN}.
				do(named, "lambda:InvokeFunction", "lambda:GetFunctionConfiguration"))
			e.runTransform(s, function.Resource, r)
		}
	}
}

// writeAs are the requests of Firehose, as its role, to the bucket
// (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3).
func (e *evaluation) writeAs(s *segment, r *Resource, acting Caller, b *bucket, prefixes []string, keyName string) {
	q := request{title: "Firehose looks at the bucket", caller: acting, owner: b.Place.Account, carrier: r.URN}.overTLS()
	s.prove(e, q.do(b.arn, "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"))
	q.title = "Firehose writes objects"
	actions := []string{"s3:PutObject", "s3:AbortMultipartUpload"}
	if b.Place.Account != r.Place.Account {
		// Into another account it writes with the ACL bucket-owner-full-control.
		actions = append(actions, "s3:PutObjectAcl")
	}
	if keyName != "" {
		// A key that the stream names goes into the headers of each object, where the bucket's policy may refuse it.
		q = q.with(sseHeader, "aws:kms").with(sseKeyHeader, keyName)
	}
	for _, prefix := range prefixes {
		object := b.arn + "/" + sampleKey(prefix)
		s.prove(e, q.sampling(object, b.arn+"/"+folderOf(prefix)+"*").do(object, actions...))
	}
	// Which of the keys it is makes no difference to a policy that lets the bucket's objects be encrypted.
	object := b.arn + "/" + sampleKey(prefixes[0])
	e.encrypt(s, b, keyName, object, request{caller: acting, carrier: r.URN}.sampling(object, b.arn+"/*").with("kms:CallerAccount", string(r.Place.Account)),
		[]string{"kms:GenerateDataKey", "kms:Decrypt"})
}

// encrypt are the requests that S3 makes, in the name of who writes, to the key that the writer names, else to that of the
// bucket's default encryption.
func (e *evaluation) encrypt(s *segment, b *bucket, name, object string, q request, actions []string) {
	name = cmp.Or(name, b.keyARN)
	if name == "" {
		return
	}
	k, ok := e.keyOf(b.Place, name)
	if !ok {
		s.broken(b.URN, "kmsMasterKeyId", fmt.Sprintf("what is written is encrypted with key %q, which isn't declared", name), "declare the key: its policy is part of the proof")
		return
	}
	q.title = "S3 encrypts with the bucket's key"
	e.cipher(s, q, b, k, object, actions)
}

// cipher are S3's requests to a key for an object, given by its ARN, of a bucket.
func (e *evaluation) cipher(s *segment, q request, b *bucket, k *key, object string, actions []string) {
	via, err := b.Place.ViaService(partition.S3)
	if err != nil {
		s.broken(b.URN, "", err.Error(), "see package partition for what is known of this partition")
		return
	}
	// With a bucket key the encryption context is the bucket's ARN, without it the object's. A request may turn the bucket
	// key off for its object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
	contexts := []string{object}
	if b.bucketKey {
		contexts = append(contexts, b.arn)
	}
	q.owner = k.Place.Account
	q = q.with("kms:ViaService", via).with("kms:EncryptionContextKeys", "aws:s3:arn")
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
func (e *evaluation) encryptStream(s *segment, r *Resource) {
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

// fixed is what comes before the first expression of a prefix.
func fixed(prefix string) string {
	before, _, _ := strings.Cut(prefix, "!{")
	return before
}

// folderOf is what a policy names of a prefix: its fixed beginning, up to the last slash where it has one.
func folderOf(prefix string) string {
	before := fixed(prefix)
	if i := strings.LastIndexByte(before, '/'); i >= 0 {
		return before[:i+1]
	}
	return before
}

// sampleKey is a key as the prefix makes it, at one point of time. To a prefix without a time Firehose adds one.
func sampleKey(prefix string) string {
	if !strings.Contains(prefix, "!{timestamp:") && !strings.Contains(prefix, "!{firehose:error-output-type}") {
		prefix += "!{timestamp:yyyy/MM/dd/HH}/"
	}
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
	if strings.HasSuffix(key, "/") {
		key += "object"
	}
	return key
}
