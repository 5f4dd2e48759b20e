package policy

import (
	"testing"

	"github.com/logarchive/logarchive/partition"
)

// The request that Firehose's role makes for every object of the archive: across accounts, with both sides' policies,
// a boundary and a control policy.
func archiveDecision(tb testing.TB) (Request, Policies) {
	tb.Helper()
	return rule{
		caller: reading, action: "s3:PutObject", resource: "arn:PART:s3:::archive/logs/account=AAAA/x.gz", owner: "BBBB",
		context: map[string]string{"aws:SecureTransport": "true", "aws:PrincipalArn": reader, "s3:x-amz-server-side-encryption": "aws:kms", "aws:SourceAccount": "AAAA", "aws:CurrentTime": "2026-11-21T00:00:00Z", "aws:SourceIp": "10.1.2.3",
			"aws:RequestedRegion": "r", "s3:x-amz-server-side-encryption-aws-kms-key-id": "k"},
		identity: "allow s3:PutObject|s3:AbortMultipartUpload on arn:PART:s3:::archive/logs/*|arn:PART:s3:::archive/errors/*\nallow s3:GetBucketLocation|s3:ListBucket on arn:PART:s3:::archive\n" +
			"allow kms:GenerateDataKey|kms:Decrypt on arn:PART:kms:*:BBBB:key/* if StringEquals kms:ViaService s3.x\nallow logs:PutLogEvents on *",
		boundary: "allow s3:*|kms:*|logs:* on *\ndeny s3:Delete* on *",
		scp:      []string{"allow * on *\ndeny not iam:*|sts:* on * if StringNotEqualsIfExists aws:RequestedRegion r"},
		resourcePolicy: "allow s3:PutObject on arn:PART:s3:::archive/flow/* to delivery.logs.SUFFIX if StringEquals aws:SourceAccount AAAA if ArnLike aws:SourceArn arn:PART:logs:*:AAAA:*\n" +
			"allow s3:PutObject|s3:AbortMultipartUpload on arn:PART:s3:::archive/logs/*|arn:PART:s3:::archive/errors/* to " + rootA + " if ArnEquals aws:PrincipalArn " + reader + "\n" +
			"deny s3:* on arn:PART:s3:::archive|arn:PART:s3:::archive/* to everybody if Bool aws:SecureTransport false\n" +
			"deny s3:PutObject on arn:PART:s3:::archive/* to everybody if StringNotEqualsIfExists s3:x-amz-server-side-encryption-aws-kms-key-id k\n" +
			"deny s3:DeleteObject*|s3:PutBucketPolicy on * to everybody if ArnNotLike aws:PrincipalArn arn:PART:iam::BBBB:role/break-glass",
	}.request(tb, partition.China)
}

// The goal is at most 5 µs for a decision.
func BenchmarkEvaluate(b *testing.B) {
	q, p := archiveDecision(b)
	if d := Evaluate(q, p); !d.Allowed() {
		b.Fatalf("%+v", d)
	}
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(q, p)
	}
}

func BenchmarkEvaluateDenied(b *testing.B) {
	q, p := archiveDecision(b)
	q.Context = q.Context.With("aws:SecureTransport", "false")
	if d := Evaluate(q, p); d.Outcome != ExplicitDeny {
		b.Fatalf("%+v", d)
	}
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(q, p)
	}
}

func BenchmarkEvaluateVariables(b *testing.B) {
	q, p := rule{caller: ann, action: "s3:GetObject", resource: "arn:PART:s3:::b/home/ann/x", context: map[string]string{"aws:username": "ann"},
		identity: "allow s3:* on arn:PART:s3:::b/home/${aws:username}/*"}.request(b, partition.AWS)
	if d := Evaluate(q, p); !d.Allowed() {
		b.Fatalf("%+v", d)
	}
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(q, p)
	}
}

func BenchmarkDerived(b *testing.B) {
	q, _ := archiveDecision(b)
	b.ReportAllocs()
	for b.Loop() {
		q.Derived()
	}
}

func BenchmarkExplain(b *testing.B) {
	q, p := archiveDecision(b)
	b.ReportAllocs()
	for b.Loop() {
		Explain(q, p)
	}
}

func BenchmarkParseAndCompile(b *testing.B) {
	w := Document{Statements: []Statement{{
		Sid: "Deliver", Effect: Allow, Principal: AWSPrincipals(partition.Place{Account: accountA, Region: "cn-north-1"}.RootARN().String()), Action: []string{"s3:PutObject"},
		Resource:  []string{partition.ObjectARN(partition.China, "archive", "logs/*").String()},
		Condition: Conditions{}.With("StringEquals", "aws:SourceAccount", accountA),
	}}}
	text := []byte(w.JSON())
	b.ReportAllocs()
	for b.Loop() {
		d, err := Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Compile("p", d); err != nil {
			b.Fatal(err)
		}
	}
}
