package catalog

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
)

// BucketPolicy is the token of a bucket's policy.
const BucketPolicy = "aws:s3/bucketPolicy:BucketPolicy"

// The resources that configure a bucket. Each has the bucket's name as its id, and the bucket's name forces a new one
// (terraform-provider-aws, resources aws_s3_bucket_*: bucket, expected_bucket_owner "Forces new resource").
var s3BucketModels = []*model{
	bucketSetting("aws:s3/bucketVersioningV2:BucketVersioningV2", &model{
		code: "MalformedXML",
		enums: map[string][]string{
			"versioningConfiguration.status":    {"Enabled", "Suspended", "Disabled"},
			"versioningConfiguration.mfaDelete": {"Enabled", "Disabled"},
		},
	}),
	bucketSetting("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", &model{
		defaults: map[string]any{"blockPublicAcls": false, "blockPublicPolicy": false, "ignorePublicAcls": false, "restrictPublicBuckets": false},
	}),
	bucketSetting("aws:s3/bucketOwnershipControls:BucketOwnershipControls", &model{
		code:  "MalformedXML",
		enums: map[string][]string{"rule.objectOwnership": {"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"}},
	}),
	bucketSetting("aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", &model{
		code:       "InvalidArgument",
		enums:      map[string][]string{"rules.applyServerSideEncryptionByDefault.sseAlgorithm": {"AES256", "aws:kms", "aws:kms:dsse"}},
		check:      checkEncryption,
		references: func(r *referring) { r.keyOf("rules.applyServerSideEncryptionByDefault.kmsMasterKeyId") },
	}),
	bucketSetting(BucketPolicy, &model{
		code:      "MalformedPolicy",
		documents: []document{{"policy", policy.Bucket, "MalformedPolicy", "PolicyTooLarge"}},
		check:     checkBucketPolicy,
	}),
	bucketSetting("aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", &model{
		code:     "InvalidArgument",
		defaults: map[string]any{"transitionDefaultMinimumObjectSize": "all_storage_classes_128K"},
		enums:    lifecycleEnums,
		ranges:   lifecycleRanges,
		texts:    map[string]textRule{"rules.id": {least: 1, most: 255, want: "1 to 255 characters"}},
		check:    checkLifecycle,
	}),
	bucketSetting("aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2", &model{
		code:     "InvalidArgument",
		forceNew: []string{"objectLockEnabled"},
		defaults: map[string]any{"objectLockEnabled": "Enabled"},
		enums:    map[string][]string{"objectLockEnabled": {"Enabled"}, "rule.defaultRetention.mode": {"COMPLIANCE", "GOVERNANCE"}},
		// See https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html: at most 100 years.
		ranges: map[string]numberRange{"rule.defaultRetention.days": {1, 36500}, "rule.defaultRetention.years": {1, 100}},
		check: func(c *checking) {
			retention := c.in.obj("rule").obj("defaultRetention")
			if c.in.obj("rule").has("defaultRetention") && !c.in.obj("rule").unknown("defaultRetention") && retention.has("days") == retention.has("years") {
				c.fail("rule.defaultRetention", "MalformedXML", "exactly one of days, years is needed")
			}
		},
	}),
	bucketSetting("aws:s3/bucketLoggingV2:BucketLoggingV2", &model{
		code: "InvalidTargetBucketForLogging",
		references: func(r *referring) {
			// The target is in the source's region and account: docs AmazonS3 enable-server-access-logging.
			r.name("targetBucket", Bucket, "InvalidTargetBucketForLogging")
		},
	}),
	bucketMetric,
	bucketSetting("aws:s3/bucketNotification:BucketNotification", &model{
		code:     "InvalidArgument",
		defaults: map[string]any{"eventbridge": false},
		required: []string{"queues.events", "topics.events", "lambdaFunctions.events"},
		arns:     []string{"queues.queueArn", "topics.topicArn", "lambdaFunctions.lambdaFunctionArn"},
		check:    checkEvents,
		references: func(r *referring) {
			r.near("queues.queueArn", Queue, "InvalidArgument")
			r.near("topics.topicArn", Topic, "InvalidArgument")
			r.near("lambdaFunctions.lambdaFunctionArn", Function, "InvalidArgument")
		},
	}),
	bucketSetting("aws:s3/bucketReplicationConfig:BucketReplicationConfig", &model{
		code:  "InvalidRequest",
		arns:  []string{"role", "rules.destination.bucket"},
		enums: map[string][]string{"rules.status": {"Enabled", "Disabled"}, "rules.deleteMarkerReplication.status": {"Enabled", "Disabled"}, "rules.destination.accessControlTranslation.owner": {"Destination"}},
		check: checkReplication,
		references: func(r *referring) {
			r.roleARN("role", "InvalidRequest")
			r.arn("rules.destination.bucket", Bucket, "InvalidRequest")
			r.arn("rules.destination.encryptionConfiguration.replicaKmsKeyId", Key, "InvalidRequest")
		},
	}),
}

// bucketSetting gives a model what all of them share.
func bucketSetting(token string, m *model) *model {
	m.token, m.idFromInputs = token, true
	if m.texts == nil {
		m.texts = map[string]textRule{}
	}
	m.texts["bucket"] = textRule{least: 1, want: "the name of a bucket", code: "InvalidBucketName"}
	m.forceNew = append(m.forceNew, "bucket", "expectedBucketOwner")
	more := m.references
	m.references = func(r *referring) {
		r.name("bucket", Bucket, "NoSuchBucket")
		if more != nil {
			more(r)
		}
	}
	m.complete = func(c *completion) {
		c.id = c.str("bucket")
		if owner := c.str("expectedBucketOwner"); owner != "" {
			c.id += "," + owner
		}
	}
	return m
}

// checkEncryption finds keys where the algorithm has none, and keys of another partition.
func checkEncryption(c *checking) {
	for i, rule := range c.in.list("rules") {
		path := position("rules", i) + ".applyServerSideEncryptionByDefault"
		by := object(rule).obj("applyServerSideEncryptionByDefault")
		if !by.has("kmsMasterKeyId") {
			continue
		}
		if by.str("sseAlgorithm") == "AES256" {
			c.fail(path+".kmsMasterKeyId", "InvalidArgument", "a key is given, but the algorithm is AES256: want aws:kms")
		}
		if key := by.str("kmsMasterKeyId"); strings.HasPrefix(key, "arn:") {
			c.arn(path+".kmsMasterKeyId", key)
		}
	}
}

// checkBucketPolicy finds resources that aren't the bucket or its objects.
func checkBucketPolicy(c *checking) {
	bucket := c.in.str("bucket")
	if bucket == "" || bucket == unknown {
		return
	}
	for i, s := range c.statements("policy") {
		for _, res := range slices.Concat(s.Resource, s.NotResource) {
			// The key may have variables, and so colons: "${aws:SourceAccount}".
			parts := strings.SplitN(res, ":", 6)
			name, _, _ := strings.Cut(parts[len(parts)-1], "/")
			if !strings.ContainsAny(name, "*?") && name != bucket {
				c.fail("policy", "MalformedPolicy", "Policy has invalid resource: Statement[%d]: %q is not bucket %q or objects of it", i, res, bucket)
			}
		}
	}
}

// checkEvents finds notifications of events that S3 doesn't have.
//
// See https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
func checkEvents(c *checking) {
	kinds := []string{"ObjectCreated", "ObjectRemoved", "ObjectRestore", "ReducedRedundancyLostObject", "Replication",
		"LifecycleExpiration", "LifecycleTransition", "IntelligentTiering", "ObjectTagging", "ObjectAcl", "TestEvent"}
	for _, target := range []string{"queues", "topics", "lambdaFunctions"} {
		for _, f := range c.in.find(target + ".events") {
			parts := strings.Split(text(f.value), ":")
			if f.value.IsString() && (len(parts) < 2 || parts[0] != "s3" || !slices.Contains(kinds, parts[1])) {
				c.fail(f.path, "InvalidArgument", "%q is not an event: want s3: and one of %s", text(f.value), strings.Join(kinds, ", "))
			}
		}
	}
	checkOverlap(c)
}

// checkReplication finds rules that S3's current schema refuses.
//
// See https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html
func checkReplication(c *checking) {
	priorities, ids := map[float64]bool{}, map[string]bool{}
	for i, r := range c.in.list("rules") {
		path, rule := position("rules", i), object(r)
		if id := rule.str("id"); id != "" {
			if ids[id] {
				c.fail(path+".id", "InvalidRequest", "%s is the id of another rule, too: it must be unique", id)
			}
			ids[id] = true
		}
		if rule.has("filter") && !rule.has("priority") {
			c.fail(path, "InvalidRequest", "Priority must be specified for a rule with a filter")
		}
		if rule.has("filter") && !rule.has("deleteMarkerReplication") {
			c.fail(path, "InvalidRequest", "DeleteMarkerReplication must be specified for a rule with a filter")
		}
		if p, ok := rule.num("priority"); ok {
			if priorities[p] {
				c.fail(path+".priority", "InvalidRequest", "%s is the priority of another rule: want unique ones", number(p))
			}
			priorities[p] = true
		}
		encrypted := rule.obj("sourceSelectionCriteria").obj("sseKmsEncryptedObjects").str("status") == "Enabled"
		if encrypted && !rule.obj("destination").has("encryptionConfiguration") {
			c.fail(path+".destination", "InvalidRequest", "encrypted objects are replicated: EncryptionConfiguration with the replica's key is needed")
		}
		to := rule.obj("destination")
		if owner := to.obj("accessControlTranslation"); to.has("accessControlTranslation") && !to.has("account") {
			c.fail(path+".destination", "InvalidRequest", "AccessControlTranslation (%s) needs Account, the owner of the destination", owner.str("owner"))
		}
		for _, time := range []view{to.obj("replicationTime").obj("time"), to.obj("metrics").obj("eventThreshold")} {
			if n, ok := time.num("minutes"); ok && n != 15 {
				c.fail(path+".destination", "InvalidRequest", "%s minutes: S3 takes 15 only", number(n))
			}
		}
		if to.has("replicationTime") && to.obj("metrics").str("status") == "Disabled" {
			c.fail(path+".destination", "InvalidRequest", "ReplicationTime needs Metrics that are enabled")
		}
		if rule.obj("destination").has("replicationTime") && !rule.obj("destination").has("metrics") {
			c.fail(path+".destination", "InvalidRequest", "ReplicationTime needs Metrics")
		}
	}
}
