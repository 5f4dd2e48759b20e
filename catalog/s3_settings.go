package catalog

// The resources that configure a bucket. Each has the bucket's name as its id.
var s3BucketModels = []*model{
	bucketSetting("aws:s3/bucketVersioningV2:BucketVersioningV2", &model{}),
	bucketSetting("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", &model{
		defaults: map[string]any{"blockPublicAcls": false, "blockPublicPolicy": false, "ignorePublicAcls": false, "restrictPublicBuckets": false},
	}),
	bucketSetting("aws:s3/bucketOwnershipControls:BucketOwnershipControls", &model{}),
	bucketSetting("aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", &model{}),
	bucketSetting("aws:s3/bucketPolicy:BucketPolicy", &model{}),
	bucketSetting("aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", &model{
		defaults: map[string]any{"transitionDefaultMinimumObjectSize": "all_storage_classes_128K"},
	}),
	bucketSetting("aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2", &model{
		defaults: map[string]any{"objectLockEnabled": "Enabled"},
	}),
	bucketSetting("aws:s3/bucketLoggingV2:BucketLoggingV2", &model{}),
	bucketSetting("aws:s3/bucketNotification:BucketNotification", &model{
		defaults: map[string]any{"eventbridge": false},
	}),
	bucketSetting("aws:s3/bucketReplicationConfig:BucketReplicationConfig", &model{}),
}

// bucketSetting gives a model what all of them share.
func bucketSetting(token string, m *model) *model {
	m.token, m.idFromInputs = token, true
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
