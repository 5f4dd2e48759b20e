package components

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// archiveBucketPolicy is the policy of the archive bucket: what everybody is denied, and what the deliveries are
// allowed. It has no NotPrincipal and no NotAction: with either, the creation of flow logs to the bucket fails
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-S3.html).
func archiveBucketPolicy(args *LogArchiveBucketArgs, keyArn string) (policy.Document, error) {
	p := args.Place.Partition()
	bucket := partition.BucketARN(p, args.BucketName).String()
	all := grants(args.Place.Account, args.Deliveries)
	digests, err := digestWriters(args.Place, all)
	if err != nil {
		return policy.Document{}, err
	}
	// Where only replications write, there are no headers to look at: the key is that of their rules.
	denials := transportDenials(bucket)
	if !args.OnlyReplicas {
		denials = bucketDenials(bucket, keyArn, digests)
	}
	doc := policy.Document{Statements: append(denials, append(nobodyTurnsOff(bucket, args), nobodyDeletes(bucket, args.BreakGlassRoleArns))...)}
	if args.OnlyReplicas {
		doc.Statements = append(doc.Statements, onlyReplicas(bucket, args.Deliveries)...)
	}
	given := map[string]int{}
	for _, g := range all {
		if !g.foreign && (g.kind == FirehoseDelivery || g.kind == ReplayDelivery) {
			continue // within an account, the role's own policy is enough
		}
		if g.kind == ReplicationDelivery {
			if g.foreign {
				doc.Statements = append(doc.Statements, replicasFrom(g, p, args.BucketName, sid(given, "ReplicateAs", strings.TrimPrefix(g.roles[0], "role/"))))
			}
			continue
		}
		// One statement has the actions on the bucket and those on the objects: with two, the lists of accounts
		// would count twice against the 20 KB of a bucket policy. An action on a resource of the other kind allows nothing.
		s := policy.Statement{
			Effect:   policy.Allow,
			Resource: append([]string{bucket}, g.objects(p, args.BucketName)...),
		}
		switch g.kind {
		case FirehoseDelivery:
			s.Sid = sid(given, g.words()...)
			s.Principal, s.Condition = args.principals(g, policy.Conditions{}.With("ArnLike", "aws:PrincipalArn", g.roleArns(p)...))
			s.Action = append([]string{"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"}, firehoseObjectActions(true)...)
		case ReplayDelivery:
			s.Sid = sid(given, g.words()...)
			s.Principal, s.Condition = args.principals(g, policy.Conditions{}.With("ArnLike", "aws:PrincipalArn", g.roleArns(p)...))
			// With one statement for what is read and what is written, the list of accounts is in the policy once. That it may
			// write markers only is for the role's own policy, which must allow it as well.
			s.Action = replayActions()
		case FlowLogDelivery:
			service, err := args.Place.PrincipalFor(partition.LogDelivery, partition.Deliver)
			if err != nil {
				return policy.Document{}, err
			}
			s.Sid = sid(given, "DeliverFlowLogs", string(g.region))
			s.Principal = policy.Services(service)
			s.Action = []string{"s3:GetBucketAcl", "s3:ListBucket", "s3:PutObject"}
			// AWS's example also demands s3:x-amz-acl = bucket-owner-full-control. The bucket has no ACLs, and a service
			// that then leaves out the header would be denied without a word.
			s.Condition = policy.Conditions{}.
				With("StringEquals", "aws:SourceAccount", g.accountIDs()...).
				With("ArnLike", "aws:SourceArn", g.sourceArn(p))
		default:
			if err := g.serviceStatement(&s, given, args.Place); err != nil {
				return policy.Document{}, err
			}
		}
		doc.Statements = append(doc.Statements, s)
	}
	doc.Statements = append(doc.Statements, readerStatements(p, args.BucketName, foreignReaders(args.Place.Account, args.Readers), given)...)
	return doc, nil
}

// firehoseObjectActions are what Firehose does with objects
// (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3). Into a bucket of another
// account it puts them with the ACL bucket-owner-full-control, for which it needs s3:PutObjectAcl; without ACLs on the
// bucket, that permission is good for nothing else. s3:GetObject, which AWS's example has, isn't needed for writing, and
// the pipeline must not be able to read the archive.
func firehoseObjectActions(foreignBucket bool) []string {
	actions := []string{"s3:AbortMultipartUpload", "s3:PutObject"}
	if foreignBucket {
		actions = append(actions, "s3:PutObjectAcl")
	}
	return actions
}

// bucketDenials holds for everybody, whatever else allows. Only otherwise may write with S3's own encryption.
func bucketDenials(bucket, keyArn string, otherwise []string) []policy.Statement {
	objects := bucket + "/*"
	deny := func(sid string, actions []string, resources []string, c policy.Conditions) policy.Statement {
		return policy.Statement{Sid: sid, Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: actions, Resource: resources, Condition: c}
	}
	put := []string{"s3:PutObject"}
	const (
		algorithm = "s3:x-amz-server-side-encryption"
		key       = "s3:x-amz-server-side-encryption-aws-kms-key-id"
		ownKey    = "s3:x-amz-server-side-encryption-customer-algorithm"
	)
	named := func(algorithms ...string) policy.Conditions {
		return policy.Conditions{}.With("StringNotEquals", algorithm, algorithms...).With("Null", algorithm, "false")
	}
	otherEncryption := []policy.Statement{deny("DenyOtherEncryption", put, []string{objects}, named("aws:kms"))}
	if len(otherwise) > 0 {
		otherEncryption = []policy.Statement{
			deny("DenyOtherEncryption", put, []string{objects}, named("aws:kms").With("StringNotEqualsIfExists", "aws:PrincipalServiceName", otherwise...)),
			deny("DenyOtherEncryptionToAll", put, []string{objects}, named("aws:kms", "AES256")),
		}
	}
	return slices.Concat(transportDenials(bucket), []policy.Statement{
		// A request that names no encryption gets the bucket's default, which is right. Negated operators match when the key
		// is absent, so Null says that it must be there.
	}, otherEncryption, []policy.Statement{
		deny("DenyOtherKey", put, []string{objects}, policy.Conditions{}.
			With("StringNotEquals", key, keyArn).
			With("Null", key, "false")),
		// Encryption with a key that the client sends with each request (SSE-C) names itself in another header.
		deny("DenyCustomerKey", put, []string{objects}, policy.Conditions{}.With("Null", ownKey, "false")),
	})
}

// transportDenials hold for everybody: no plain HTTP, and no old TLS.
func transportDenials(bucket string) []policy.Statement {
	deny := func(sid string, c policy.Conditions) policy.Statement {
		return policy.Statement{
			Sid: sid, Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: []string{"s3:*"}, Resource: []string{bucket, bucket + "/*"}, Condition: c,
		}
	}
	return []policy.Statement{
		deny("DenyPlainHTTP", policy.Conditions{}.With("Bool", "aws:SecureTransport", "false")),
		// aws:SecureTransport is true for any TLS; this names the least version.
		deny("DenyOldTLS", policy.Conditions{}.With("NumericLessThan", "s3:TlsVersion", "1.2")),
	}
}

// nobodyDeletes holds for the account's administrators as well, the deploying role included. Lifecycle expiry isn't bound
// by the bucket's policy (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html).
func nobodyDeletes(bucket string, breakGlass []string) policy.Statement {
	return denyToAllBut("NobodyDeletes", breakGlass,
		[]string{"s3:BypassGovernanceRetention", "s3:DeleteBucket", "s3:DeleteObject", "s3:DeleteObjectVersion"}, []string{bucket, bucket + "/*"})
}

// settledActions change what keeps the logs, by which they could be made to expire, to be readable, or to be written
// unencrypted. The program itself puts these settings once, before the policy.
var settledActions = []string{
	"s3:DeleteBucketPolicy", "s3:PutBucketAcl", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketOwnershipControls",
	"s3:PutBucketPublicAccessBlock", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
}

// configuringActions are what the program changes as accounts, replicas and consumers come and go.
var configuringActions = []string{"s3:PutBucketNotification", "s3:PutBucketPolicy", "s3:PutReplicationConfiguration"}

// nobodyTurnsOff holds for the account's administrators as well. The deploying role keeps what it needs for every further
// source; the rest it gets with Maintenance only. The root user of the bucket's account can get, put and delete its policy
// whatever that says, so that nobody can be locked out for good
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html).
func nobodyTurnsOff(bucket string, args *LogArchiveBucketArgs) []policy.Statement {
	trusted := slices.Concat(args.AdministratorRoleArns, args.BreakGlassRoleArns)
	settling := args.BreakGlassRoleArns
	if args.Maintenance {
		settling = trusted
	}
	out := []policy.Statement{denyToAllBut("NobodyTurnsOff", settling, settledActions, []string{bucket})}
	if len(args.AdministratorRoleArns) > 0 {
		out = append(out, denyToAllBut("OnlyDeployerConfigures", trusted, configuringActions, []string{bucket}))
	}
	return out
}

// denyToAllBut denies to everybody but the roles, or to everybody.
func denyToAllBut(sid string, roles, actions, resources []string) policy.Statement {
	s := policy.Statement{Sid: sid, Effect: policy.Deny, Principal: policy.AnyPrincipal(), Action: actions, Resource: resources}
	if len(roles) > 0 {
		s.Condition = policy.Conditions{}.With("ArnNotEquals", "aws:PrincipalArn", sorted(roles)...)
	}
	return s
}
