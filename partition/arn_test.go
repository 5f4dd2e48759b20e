package partition

import "testing"

func TestARNsOfPlaces(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]ARN{
		"arn:aws-cn:s3:::archive":                                           beijing.ARN(S3, "archive"),
		"arn:aws-cn:s3:::archive/logs/*":                                    ObjectARN(China, "archive", "logs/*"),
		"arn:aws:s3:::archive":                                              BucketARN(AWS, "archive"),
		"arn:aws-cn:iam::111122223333:role/service/x":                       beijing.RoleARN("service/x"),
		"arn:aws-cn:iam::111122223333:root":                                 beijing.RootARN(),
		"arn:aws-cn:iam::111122223333:policy/p":                             beijing.PolicyARN("p"),
		"arn:aws-cn:sts::111122223333:assumed-role/r/s":                     beijing.AssumedRoleARN("r", "s"),
		"arn:aws-cn:iam::aws:policy/service-role/AWSBackup":                 ManagedPolicyARN(China, "service-role/AWSBackup"),
		"arn:aws-cn:firehose:cn-north-1:111122223333:deliverystream/logs":   beijing.ARN(Firehose, "deliverystream/logs"),
		"arn:aws-cn:logs:cn-north-1:111122223333:log-group:/aws/x":          beijing.LogGroupARN("/aws/x"),
		"arn:aws-cn:logs:cn-north-1:111122223333:*":                         beijing.ARN(LogDelivery, "*"),
		"arn:aws-cn:ec2:cn-north-1:111122223333:vpc-flow-log/fl-1":          beijing.ARN(VPCFlowLogs, "vpc-flow-log/fl-1"),
		"arn:aws:kms:us-east-1:111122223333:key/1":                          virginia.ARN(KMS, "key/1"),
		"arn:aws-cn:sso:::instance/x":                                       beijing.ARN(SSO, "instance/x"),
		"arn:aws-cn:backup:cn-northwest-1:444455556666:backup-vault:copies": ningxia.ARN(Backup, "backup-vault:copies"),
		"arn:aws-cn:organizations::444455556666:organization/o-1":           ningxia.ARN(Organizations, "organization/o-1"),
	} {
		if got.String() != want {
			t.Errorf("got %s, want %s", got, want)
			continue
		}
		back, err := ParseARN(want)
		if err != nil || back != got {
			t.Errorf("ParseARN(%s) = %+v, %v", want, back, err)
		}
	}
	if s := (ARN{}).String(); s != "" {
		t.Errorf("the zero ARN is %q", s)
	}
	if p := beijing.ARN(KMS, "key/1").Place(); p != beijing {
		t.Errorf("Place = %v", p)
	}
}

func TestParseARNRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "arn", "arn:aws:s3:::", "arn:aws:s3::b", "arn:moon:s3:::b", "arn:aws::::b", "arn:aws:kms:cn-north-1:111122223333:key/1",
		"arn:aws:kms:us-east-1:1:key/1", "arn:aws:kms:us-east-9:111122223333:key/1", "urn:aws:s3:::b", "arn:aws:kms:*:111122223333:key/1",
	} {
		if a, err := ParseARN(s); err == nil {
			t.Errorf("ParseARN(%q) = %+v, want an error", s, a)
		}
	}
}

// FuzzParseARN: what is parsed is written back to the same text, and reads the same again.
func FuzzParseARN(f *testing.F) {
	for _, s := range []string{"arn:aws-cn:s3:::b/k:1", "arn:aws:iam::aws:policy/x", "arn:aws:kms:us-east-1:111122223333:key/1", "arn:aws:s3", "::::::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseARN(s)
		if err != nil {
			return
		}
		if a.String() != s {
			t.Fatalf("ParseARN(%q).String() = %q", s, a)
		}
		if b, err := ParseARN(a.String()); err != nil || b != a {
			t.Fatalf("second parse of %q: %+v, %v", s, b, err)
		}
	})
}
