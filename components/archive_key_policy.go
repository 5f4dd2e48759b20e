package components

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// archiveKeyPolicy is the policy of the archive bucket's key. Nobody may decrypt with it but those who deliver, through
// S3 and for this bucket (a multipart upload needs it); readers are granted it where they are configured.
func archiveKeyPolicy(args *LogArchiveBucketArgs) (policy.Document, error) {
	p := args.Place.Partition()
	doc := policy.Document{Statements: []policy.Statement{keyAdministration(args.Place, args.AdministratorRoleArns)}}
	s3, err := args.Place.ViaService(partition.S3)
	if err != nil {
		return policy.Document{}, err
	}
	delivery, err := args.Place.PrincipalFor(partition.LogDelivery, partition.Key)
	if err != nil {
		return policy.Document{}, err
	}
	given, all := map[string]int{}, grants(args.Place.Account, args.Deliveries)
	use := func(sid string, who *policy.Principals, actions []string, c policy.Conditions) {
		doc.Statements = append(doc.Statements, policy.Statement{
			Sid: sid, Effect: policy.Allow, Principal: who, Action: actions, Resource: []string{"*"}, Condition: c,
		})
	}
	for _, kind := range []struct {
		kind DeliveryKind
		sid  string
	}{{FirehoseDelivery, "EncryptForFirehose"}, {ReplayDelivery, "ReadForReplay"}} {
		for _, g := range byAccounts(all, kind.kind) {
			roles := distinct(g, func(one grant) []string { return one.roleArns(p) })
			who, c := args.principals(g[0], throughS3(s3, partition.BucketARN(p, args.BucketName).String()).With("ArnLike", "aws:PrincipalArn", roles...))
			use(sid(given, kind.sid), who, []string{"kms:Decrypt", "kms:GenerateDataKey"}, c)
		}
	}
	for _, g := range byAccounts(all, FlowLogDelivery) {
		sources := distinct(g, func(one grant) []string { return []string{one.sourceArn(p)} })
		use(sid(given, "EncryptForFlowLogs"), policy.Services(delivery),
			// All five are in AWS's key policy for log delivery; without kms:Encrypt, deliveries were seen to fail.
			[]string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"},
			policy.Conditions{}.
				With("StringEquals", "aws:SourceAccount", g[0].accountIDs()...).
				With("ArnLike", "aws:SourceArn", sources...))
	}
	bucket := partition.BucketARN(p, args.BucketName).String()
	for _, g := range byAccounts(all, ReplicationDelivery) {
		if g = slices.DeleteFunc(g, func(one grant) bool { return one.keyless }); len(g) == 0 {
			continue
		}
		roles := distinct(g, func(one grant) []string { return one.roleArns(p) })
		use(sid(given, "EncryptReplicas"), policy.AWSPrincipals(g[0].roots(p)...), replicaKeyActions,
			throughS3(s3, bucket).With("ArnLike", "aws:PrincipalArn", roles...))
	}
	if len(args.ReplicationRoleArns) > 0 {
		use(sid(given, "DecryptForReplication"), policy.AWSPrincipals(args.Place.RootARN().String()), []string{"kms:Decrypt"},
			throughS3(s3, bucket).With("ArnLike", "aws:PrincipalArn", args.ReplicationRoleArns...))
	}
	if s := readerDecryption(args, s3); s != nil {
		doc.Statements = append(doc.Statements, *s)
	}
	services, err := serviceKeyStatements(args, all)
	doc.Statements = append(doc.Statements, services...)
	return doc, err
}

func distinct(grants []grant, of func(grant) []string) []string {
	var out []string
	for _, g := range grants {
		out = append(out, of(g)...)
	}
	return sorted(out)
}

// byAccounts puts grants of a kind together that have the same accounts: a key policy doesn't see prefixes, so they
// need one statement only.
func byAccounts(all []grant, kind DeliveryKind) [][]grant {
	of := map[string][]grant{}
	var order []string
	for _, g := range all {
		if g.kind != kind {
			continue
		}
		accounts := strings.Join(g.accountIDs(), " ")
		if of[accounts] == nil {
			order = append(order, accounts)
		}
		of[accounts] = append(of[accounts], g)
	}
	slices.Sort(order)
	var out [][]grant
	for _, accounts := range order {
		out = append(out, of[accounts])
	}
	return out
}

// throughS3 holds for requests that S3 makes for objects of the bucket. With a bucket key, S3's encryption context is
// the bucket's ARN; Firehose's documentation has the object's, which S3 uses for a request that turns the bucket key
// off.
func throughS3(s3, bucket string) policy.Conditions {
	return policy.Conditions{}.
		With("StringEquals", "kms:ViaService", s3).
		With("StringLike", "kms:EncryptionContext:aws:s3:arn", bucket, bucket+"/*")
}

// keyAdministration lets the account administer a key, or only the given roles and the account's root user if there
// are roles. It has no kms:*, nothing that encrypts or decrypts, no kms:CreateGrant (which could hand on both), and
// nothing that disables or deletes the key, or stops its rotation. kms:PutKeyPolicy must stay: KMS refuses a policy
// that would lock out who puts it, and the way back from a mistake is a new policy.
func keyAdministration(place partition.Place, roles []string) policy.Statement {
	s := policy.Statement{
		Sid:       "Administer",
		Effect:    policy.Allow,
		Principal: policy.AWSPrincipals(place.RootARN().String()),
		Action: []string{
			"kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:EnableKey",
			"kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants", "kms:ListKeyPolicies",
			"kms:ListResourceTags", "kms:PutKeyPolicy", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias",
			"kms:UpdateKeyDescription",
		},
		Resource: []string{"*"},
	}
	if len(roles) > 0 {
		allowed := append([]string{place.RootARN().String()}, roles...)
		slices.Sort(allowed)
		s.Condition = policy.Conditions{}.With("ArnEquals", "aws:PrincipalArn", slices.Compact(allowed)...)
	}
	return s
}
