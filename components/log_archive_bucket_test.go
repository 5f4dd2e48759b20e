package components_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

var (
	firehoseRole = home.RoleARN("log-archive-logs-firehose").String()
	administer   = archive.RoleARN("log-archive-deploy").String()
	bucketARN    = partition.BucketARN(partition.China, "example-log-archive").String()
)

func object(key string) string {
	return partition.ObjectARN(partition.China, "example-log-archive", key).String()
}

func bucketArgs() *components.LogArchiveBucketArgs {
	return &components.LogArchiveBucketArgs{
		Place:                 archive,
		BucketName:            "example-log-archive",
		KeyAlias:              "log-archive",
		RetentionDays:         400,
		Transitions:           []components.Transition{{Days: 30, StorageClass: "STANDARD_IA"}, {Days: 90, StorageClass: "GLACIER"}},
		ObjectLock:            &components.ObjectLock{Mode: "GOVERNANCE", Days: 180},
		AdministratorRoleArns: []string{administer},
		Deliveries: []components.Delivery{
			{Kind: components.FirehoseDelivery, Source: home, RoleArn: firehoseRole, Prefix: "logs/account=111122223333/", ErrorPrefix: "errors/logs/account=111122223333/"},
			{Kind: components.FlowLogDelivery, Source: home, Prefix: "flow-logs-direct/", Hive: true},
			{Kind: components.FlowLogDelivery, Source: home, Prefix: "flow-logs-direct/", Hive: true}, // a second flow log
			{Kind: components.FlowLogDelivery, Source: home},
		},
		Tags: map[string]string{"data": "logs"},
	}
}

func bucketProgram(args *components.LogArchiveBucketArgs) func(*program) error {
	return func(p *program) error {
		_, err := components.NewLogArchiveBucket(p.ctx, "archive", args, p.at(args.Place))
		return err
	}
}

func TestLogArchiveBucket(t *testing.T) {
	t.Parallel()
	g := record(t, bucketProgram(bucketArgs()))
	bucket, key := find(t, g, "aws:s3/bucketV2:BucketV2", "archive"), find(t, g, "aws:kms/key:Key", "archive-key")
	keyARN := key.Outputs["arn"].StringValue()

	inputs(t, bucket, map[string]any{"bucket": "example-log-archive", "objectLockEnabled": true, "forceDestroy": false, "tags": map[string]any{"data": "logs"}})
	inputs(t, find(t, g, "aws:kms/alias:Alias", "archive-key"), map[string]any{"name": "alias/log-archive", "targetKeyId": key.ID})
	inputs(t, find(t, g, "aws:s3/bucketVersioningV2:BucketVersioningV2", "archive"), map[string]any{
		"bucket": "example-log-archive", "versioningConfiguration": map[string]any{"status": "Enabled"},
	})
	inputs(t, find(t, g, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "archive"), map[string]any{
		"bucket": "example-log-archive", "blockPublicAcls": true, "blockPublicPolicy": true, "ignorePublicAcls": true, "restrictPublicBuckets": true,
	})
	inputs(t, find(t, g, "aws:s3/bucketOwnershipControls:BucketOwnershipControls", "archive"), map[string]any{
		"bucket": "example-log-archive", "rule": map[string]any{"objectOwnership": "BucketOwnerEnforced"},
	})
	inputs(t, find(t, g, "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "archive"), map[string]any{
		"bucket": "example-log-archive",
		"rules": []any{map[string]any{
			"applyServerSideEncryptionByDefault": map[string]any{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": keyARN},
			"bucketKeyEnabled":                   true,
		}},
	})
	inputs(t, find(t, g, "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", "archive"), map[string]any{
		"bucket": "example-log-archive",
		"rules": []any{
			map[string]any{
				"id": "expire", "status": "Enabled", "filter": map[string]any{"prefix": ""}, "expiration": map[string]any{"days": 400},
				"noncurrentVersionExpiration":    map[string]any{"noncurrentDays": 30},
				"abortIncompleteMultipartUpload": map[string]any{"daysAfterInitiation": 7},
			},
			map[string]any{
				"id": "transition", "status": "Enabled", "filter": map[string]any{"objectSizeGreaterThan": 128*1024 - 1},
				"transitions": []any{map[string]any{"days": 30, "storageClass": "STANDARD_IA"}, map[string]any{"days": 90, "storageClass": "GLACIER"}},
			},
		},
	})
	inputs(t, find(t, g, "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2", "archive"), map[string]any{
		"bucket": "example-log-archive", "rule": map[string]any{"defaultRetention": map[string]any{"mode": "GOVERNANCE", "days": 180}},
	})

	for _, r := range g.Resources {
		stays := r == bucket || r == key
		if r.Protect != stays {
			t.Errorf("%s: protect is %t", r.URN, r.Protect)
		}
		setting := r.Custom && !r.IsProvider() && r.Type != "aws:kms/alias:Alias"
		if r.RetainOnDelete != setting {
			t.Errorf("%s: retainOnDelete is %t", r.URN, r.RetainOnDelete)
		}
		if r.Custom && !r.IsProvider() && r.Place != archive {
			t.Errorf("%s is at %s", r.URN, r.Place)
		}
	}
	if rotated := key.Inputs["enableKeyRotation"]; !rotated.IsBool() || !rotated.BoolValue() {
		t.Error("the key isn't rotated")
	}
	policyOf := find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive")
	dependsOn(t, g, policyOf,
		find(t, g, "aws:s3/bucketOwnershipControls:BucketOwnershipControls", "archive"),
		find(t, g, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "archive"),
		find(t, g, "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "archive"))
	dependsOn(t, g, find(t, g, "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2", "archive"),
		find(t, g, "aws:s3/bucketVersioningV2:BucketVersioningV2", "archive"))
}

func deny(sid, action string, resources []string, c policy.Conditions) policy.Statement {
	return policy.Statement{Sid: sid, Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: []string{action}, Resource: resources, Condition: c}
}

func TestArchiveBucketPolicy(t *testing.T) {
	t.Parallel()
	g := record(t, bucketProgram(bucketArgs()))
	keyARN := find(t, g, "aws:kms/key:Key", "archive-key").Outputs["arn"].StringValue()
	all, objects := []string{bucketARN, object("*")}, []string{object("*")}
	when := policy.Conditions{}
	document(t, find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive"), "policy", policy.Bucket,
		deny("DenyPlainHTTP", "s3:*", all, when.With("Bool", "aws:SecureTransport", "false")),
		deny("DenyOldTLS", "s3:*", all, when.With("NumericLessThan", "s3:TlsVersion", "1.2")),
		deny("DenyOtherEncryption", "s3:PutObject", objects, when.
			With("StringNotEquals", "s3:x-amz-server-side-encryption", "aws:kms").
			With("Null", "s3:x-amz-server-side-encryption", "false")),
		deny("DenyOtherKey", "s3:PutObject", objects, when.
			With("StringNotEquals", "s3:x-amz-server-side-encryption-aws-kms-key-id", keyARN).
			With("Null", "s3:x-amz-server-side-encryption-aws-kms-key-id", "false")),
		deny("DenyCustomerKey", "s3:PutObject", objects, when.With("Null", "s3:x-amz-server-side-encryption-customer-algorithm", "false")),
		policy.Statement{
			Sid: "NobodyTurnsOff", Effect: policy.Deny, Principal: policy.AnyPrincipal(), Resource: []string{bucketARN},
			Action: []string{
				"s3:DeleteBucketPolicy", "s3:PutBucketAcl", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketOwnershipControls",
				"s3:PutBucketPublicAccessBlock", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
			},
		},
		policy.Statement{
			Sid: "OnlyDeployerConfigures", Effect: policy.Deny, Principal: policy.AnyPrincipal(), Resource: []string{bucketARN},
			Action:    []string{"s3:PutBucketNotification", "s3:PutBucketPolicy", "s3:PutReplicationConfiguration"},
			Condition: when.With("ArnNotEquals", "aws:PrincipalArn", bucketArgs().AdministratorRoleArns...),
		},
		policy.Statement{
			Sid: "NobodyDeletes", Effect: policy.Deny, Principal: policy.AnyPrincipal(), Resource: []string{bucketARN, object("*")},
			Action: []string{"s3:BypassGovernanceRetention", "s3:DeleteBucket", "s3:DeleteObject", "s3:DeleteObjectVersion"},
		},
		policy.Statement{
			Sid:       "DeliverLogArchiveLogsFirehose",
			Effect:    policy.Allow,
			Principal: policy.AWSPrincipals(home.RootARN().String()),
			Action: []string{"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads",
				"s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"},
			Resource:  []string{bucketARN, object("errors/logs/account=111122223333/*"), object("logs/account=111122223333/*")},
			Condition: when.With("ArnLike", "aws:PrincipalArn", firehoseRole),
		},
		policy.Statement{
			Sid:       "DeliverFlowLogsCnNorth1",
			Effect:    policy.Allow,
			Principal: service(t, partition.LogDelivery),
			Action:    []string{"s3:GetBucketAcl", "s3:ListBucket", "s3:PutObject"},
			Resource: []string{bucketARN, object("AWSLogs/111122223333/*"),
				object("flow-logs-direct/AWSLogs/aws-account-id=111122223333/*")},
			Condition: when.
				With("StringEquals", "aws:SourceAccount", "111122223333").
				With("ArnLike", "aws:SourceArn", home.ARN(partition.Logs, "*").String()),
		},
	)
}

func service(t *testing.T, s partition.Service) *policy.Principals {
	t.Helper()
	name, err := home.ServicePrincipal(s)
	if err != nil {
		t.Fatal(err)
	}
	return policy.Services(name)
}

func TestArchiveKeyPolicy(t *testing.T) {
	t.Parallel()
	g := record(t, bucketProgram(bucketArgs()))
	s3, err := archive.ViaService(partition.S3)
	if err != nil {
		t.Fatal(err)
	}
	document(t, find(t, g, "aws:kms/key:Key", "archive-key"), "policy", policy.Key,
		policy.Statement{
			Sid: "Administer", Effect: policy.Allow, Principal: policy.AWSPrincipals(archive.RootARN().String()), Resource: []string{"*"},
			Action: []string{
				"kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:EnableKey",
				"kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants", "kms:ListKeyPolicies",
				"kms:ListResourceTags", "kms:PutKeyPolicy", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias",
				"kms:UpdateKeyDescription",
			},
			Condition: policy.Conditions{}.With("ArnEquals", "aws:PrincipalArn", administer, archive.RootARN().String()),
		},
		policy.Statement{
			Sid: "EncryptForFirehose", Effect: policy.Allow, Principal: policy.AWSPrincipals(home.RootARN().String()), Resource: []string{"*"},
			Action: []string{"kms:Decrypt", "kms:GenerateDataKey"},
			Condition: policy.Conditions{}.
				With("StringEquals", "kms:ViaService", s3).
				With("StringLike", "kms:EncryptionContext:aws:s3:arn", bucketARN, object("*")).
				With("ArnLike", "aws:PrincipalArn", firehoseRole),
		},
		policy.Statement{
			Sid: "EncryptForFlowLogs", Effect: policy.Allow, Principal: service(t, partition.LogDelivery), Resource: []string{"*"},
			Action: []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"},
			Condition: policy.Conditions{}.
				With("StringEquals", "aws:SourceAccount", "111122223333").
				With("ArnLike", "aws:SourceArn", home.ARN(partition.Logs, "*").String()),
		},
	)
}

// TestBreakGlass: only the named role is left out of the denial of deletion.
func TestBreakGlass(t *testing.T) {
	t.Parallel()
	args := bucketArgs()
	args.BreakGlassRoleArns = []string{archive.RoleARN("break-glass").String()}
	g := record(t, bucketProgram(args))
	doc, err := policy.Parse([]byte(text(t, find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive"), "policy")))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Statements {
		if s.Sid == "NobodyDeletes" {
			if got := s.Condition["ArnNotEquals"]["aws:PrincipalArn"]; !slices.Equal(got, args.BreakGlassRoleArns) {
				t.Errorf("leaves out %q, want %q", got, args.BreakGlassRoleArns)
			}
			return
		}
	}
	t.Error("no statement NobodyDeletes")
}

// TestMaintenance: who deploys may change what is settled only while the switch says so; the policy comes after all of it.
func TestMaintenance(t *testing.T) {
	t.Parallel()
	breaker := archive.RoleARN("break-glass").String()
	for _, maintenance := range []bool{false, true} {
		args := bucketArgs()
		args.Maintenance, args.BreakGlassRoleArns = maintenance, []string{breaker}
		g := record(t, bucketProgram(args))
		bucketPolicy := find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive")
		doc, err := policy.Parse([]byte(text(t, bucketPolicy, "policy")))
		if err != nil {
			t.Fatal(err)
		}
		both := slices.Sorted(slices.Values(append(slices.Clone(args.AdministratorRoleArns), breaker)))
		want := map[string][]string{"NobodyTurnsOff": {breaker}, "OnlyDeployerConfigures": both, "NobodyDeletes": {breaker}}
		if maintenance {
			want["NobodyTurnsOff"] = both
		}
		for _, s := range doc.Statements {
			if roles, ok := want[s.Sid]; ok && !slices.Equal(s.Condition["ArnNotEquals"]["aws:PrincipalArn"], roles) {
				t.Errorf("maintenance %t: %s leaves out %q, want %q", maintenance, s.Sid, s.Condition["ArnNotEquals"]["aws:PrincipalArn"], roles)
			}
			delete(want, s.Sid)
		}
		if len(want) > 0 {
			t.Errorf("there are no statements %v", want)
		}
		dependsOn(t, g, bucketPolicy, find(t, g, "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", "archive"),
			find(t, g, "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2", "archive"))
	}
}

// TestDeliveriesInAnyOrder: a policy is the same document however its deliveries are listed.
func TestDeliveriesInAnyOrder(t *testing.T) {
	t.Parallel()
	args := bucketArgs()
	d := args.Deliveries
	turned := *args
	turned.Deliveries = []components.Delivery{d[3], d[2], d[0]}
	one, other := record(t, bucketProgram(args)), record(t, bucketProgram(&turned))
	for _, of := range [][2]string{{"aws:s3/bucketPolicy:BucketPolicy", "archive"}, {"aws:kms/key:Key", "archive-key"}} {
		a, b := text(t, find(t, one, of[0], of[1]), "policy"), text(t, find(t, other, of[0], of[1]), "policy")
		if a != b {
			t.Errorf("%s depends on the order of deliveries:\n%s\n%s", of[0], a, b)
		}
	}
}

// TestManyAccounts: the policies of 200 source accounts, each with a pipeline and flow logs in two regions, stay within
// the limits of AWS, and no account may write under another's prefix.
func TestManyAccounts(t *testing.T) {
	t.Parallel()
	args := bucketArgs()
	args.Deliveries = nil
	for i := range 200 {
		source := partition.Place{Account: partition.Account(fmt.Sprintf("%012d", 300000000000+i)), Region: "cn-north-1"}
		prefix := fmt.Sprintf("logs/account=%s/", source.Account)
		args.Deliveries = append(args.Deliveries,
			components.Delivery{Kind: components.FirehoseDelivery, Source: source, RoleArn: source.RoleARN("firehose").String(), Prefix: prefix, ErrorPrefix: "errors/" + prefix},
			components.Delivery{Kind: components.FlowLogDelivery, Source: source, Prefix: "flow-logs-direct/"},
			components.Delivery{Kind: components.FlowLogDelivery, Source: partition.Place{Account: source.Account, Region: "cn-northwest-1"}, Prefix: "flow-logs-direct/"})
	}
	g := record(t, bucketProgram(args))
	doc, err := policy.Parse([]byte(text(t, find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive"), "policy")))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("bucket policy for 200 accounts: %d bytes", doc.Size(policy.Bucket))
	for _, p := range doc.Validate(policy.Bucket) {
		t.Error(p)
	}
	const denials = 8
	if len(doc.Statements) != denials+3 {
		t.Fatalf("%d statements, want 8 denials and 3 deliveries", len(doc.Statements))
	}
	for i, want := range []string{
		object("errors/logs/account=${aws:PrincipalAccount}/*"),
		object("flow-logs-direct/AWSLogs/${aws:SourceAccount}/*"),
		object("flow-logs-direct/AWSLogs/${aws:SourceAccount}/*"),
	} {
		if got := doc.Statements[denials+i].Resource[1]; got != want {
			t.Errorf("statement %s allows %s, want %s", doc.Statements[denials+i].Sid, got, want)
		}
	}
}

// TestSameAccount: in the bucket's own account the policy of Firehose's role is enough for the bucket, and the key's policy has
// to name it.
func TestSameAccount(t *testing.T) {
	t.Parallel()
	args := bucketArgs()
	args.Deliveries = []components.Delivery{{Kind: components.FirehoseDelivery, Source: archive, RoleArn: archive.RoleARN("firehose").String(), Prefix: "logs/", ErrorPrefix: "errors/"}}
	args.AdministratorRoleArns = nil
	g := record(t, bucketProgram(args))
	doc, err := policy.Parse([]byte(text(t, find(t, g, "aws:s3/bucketPolicy:BucketPolicy", "archive"), "policy")))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Statements {
		if s.Effect == policy.Allow {
			t.Errorf("statement %s is granted in the bucket's own account", s.Sid)
		}
	}
	doc, err = policy.Parse([]byte(text(t, find(t, g, "aws:kms/key:Key", "archive-key"), "policy")))
	if err != nil {
		t.Fatal(err)
	}
	if c := doc.Statements[0].Condition; c != nil {
		t.Errorf("without administrator roles, IAM policies decide; got the condition %v", c)
	}
	if len(doc.Statements) != 2 || doc.Statements[1].Sid != "EncryptForFirehose" {
		t.Errorf("the key's policy has %d statements, want one for the role of Firehose", len(doc.Statements))
	}
}

func TestLogArchiveBucketProblems(t *testing.T) {
	t.Parallel()
	got := refused(t, func(p *program) error {
		_, err := components.NewLogArchiveBucket(p.ctx, "refused", &components.LogArchiveBucketArgs{
			Place:         partition.Place{Account: "4444", Region: "cn-north-1"},
			BucketName:    "Log.Archive",
			KeyAlias:      "alias/log-archive",
			RetentionDays: 60,
			Transitions: []components.Transition{
				{Days: 7, StorageClass: "STANDARD_IA"}, {Days: 20, StorageClass: "GLACIER"}, {Days: 90, StorageClass: "ONEZONE_IA"}, {Days: 50, StorageClass: "FROZEN"},
			},
			ObjectLock:            &components.ObjectLock{Mode: "STRICT", Days: 90},
			OrganizationID:        "exampleorgid",
			AdministratorRoleArns: []string{home.RoleARN("other").String()},
			Deliveries: []components.Delivery{
				{Kind: "carrier-pigeon", Source: home},
				{Kind: components.FirehoseDelivery, Source: partition.Place{Account: "111122223333", Region: "us-east-1"}, RoleArn: "role", Prefix: "logs/*", ErrorPrefix: "errors"},
				{Kind: components.FlowLogDelivery, Source: home, Prefix: "AWSLogs/", RoleArn: firehoseRole, ErrorPrefix: "errors/"},
			},
		}, p.at(archive))
		return err
	})
	wantProblems(t, got, map[string]string{
		"Place.Account":               `"4444"`,
		"BucketName":                  "lower-case letters",
		"KeyAlias":                    `without "alias/"`,
		"Transitions[0].Days":         "want at least 30",
		"Transitions[1].Days":         "want at least 37, after 7 days for STANDARD_IA",
		"Transitions[2].Days":         "want less than RetentionDays, 60",
		"Transitions[2].StorageClass": "can't move there from GLACIER",
		"Transitions[3].StorageClass": `"FROZEN"`,
		"ObjectLock.Mode":             "want one of GOVERNANCE, COMPLIANCE",
		"ObjectLock.Days":             "want at most RetentionDays, 60",
		"OrganizationID":              "want the id of an organisation",
		"AdministratorRoleArns[0]":    "is not a role of account 4444",
		"Deliveries[0].Kind":          "want one of firehose, flow-log",
		"Deliveries[1].Source":        "from one partition to another",
		"Deliveries[1].RoleArn":       `"role"`,
		"Deliveries[1].Prefix":        "want a key prefix",
		"Deliveries[1].ErrorPrefix":   "want a key prefix",
		"Deliveries[2].Prefix":        "keep for themselves",
		"Deliveries[2].RoleArn":       "without a role",
		"Deliveries[2].ErrorPrefix":   "no error prefix",
	})
}

func TestLogArchiveBucketWithoutArgs(t *testing.T) {
	t.Parallel()
	got := refused(t, func(p *program) error {
		_, err := components.NewLogArchiveBucket(p.ctx, "refused", nil, p.at(archive))
		return err
	})
	wantProblems(t, got, map[string]string{
		"Place.Account": "", "Place.Region": "", "BucketName": "", "KeyAlias": "", "RetentionDays": "want at least 1",
	})
}

// TestPolicyTooLarge: a policy over AWS's limit is refused before anything is registered.
func TestPolicyTooLarge(t *testing.T) {
	t.Parallel()
	args := bucketArgs()
	args.Deliveries = nil
	for i := range 200 {
		role := fmt.Sprintf("firehose-%d", i)
		args.Deliveries = append(args.Deliveries, components.Delivery{Kind: components.FirehoseDelivery, Source: home,
			RoleArn: home.RoleARN(role).String(), Prefix: role + "/", ErrorPrefix: "errors/" + role + "/"})
	}
	got := refused(t, func(p *program) error {
		_, err := components.NewLogArchiveBucket(p.ctx, "refused", args, p.at(archive))
		return err
	})
	wantProblems(t, got, map[string]string{"Deliveries": "the limit is 20480"})
}

func TestBucketNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"ab":              "3 to 63",
		"-logs":           "beginning",
		"xn--logs":        "begin with xn--",
		"logs-s3alias":    "end with -s3alias",
		"amzn-s3-demo-lo": "begin with amzn-s3-demo-",
	} {
		args := bucketArgs()
		args.BucketName = name
		got := refused(t, func(p *program) error {
			_, err := components.NewLogArchiveBucket(p.ctx, "refused", args, p.at(archive))
			return err
		})
		wantProblems(t, got, map[string]string{"BucketName": want})
	}
}
