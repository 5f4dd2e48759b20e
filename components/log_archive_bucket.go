package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// LogArchiveBucketArgs are the Args of [NewLogArchiveBucket].
type LogArchiveBucketArgs struct {
	// Place is where the bucket is: the log archive's account, and the region that keeps the logs.
	Place partition.Place
	// BucketName is unique in the partition: 3 to 63 lower-case letters, digits and hyphens (dots are refused: they
	// break TLS with virtual-hosted names).
	BucketName string
	// KeyAlias is the alias of the bucket's key, without "alias/".
	KeyAlias string
	// RetentionDays is the age at which a log object expires; at least 1.
	RetentionDays int
	// NoncurrentDays is how long an overwritten or expired version is kept after that; 0 means 30.
	NoncurrentDays int
	// Transitions move ageing objects to cheaper storage classes, in ascending order of Days.
	Transitions []Transition
	// TransitionMinimumBytes is the size above which objects are moved; 0 means 128 KiB. Smaller objects stay where they
	// are: S3 charges STANDARD_IA for 128 KiB at least, and adds 40 KiB of metadata to each object in Glacier.
	TransitionMinimumBytes int
	// ObjectLock is the retention that every new object gets; nil for none.
	ObjectLock *ObjectLock
	// Deliveries are those who may write, and nobody else is granted anything.
	Deliveries []Delivery
	// AdministratorRoleArns are the roles of the bucket's account that may administer the key, the deploying role among
	// them. None of them can decrypt with it, disable it or delete it. If empty, IAM policies of the account decide.
	AdministratorRoleArns []string
	// Tags are put on the bucket and its key.
	Tags map[string]string
}

// Transition moves objects to a storage class when they are Days old.
type Transition struct {
	Days         int
	StorageClass string // as the lifecycle API writes it: see [partition.StorageRules]
}

// ObjectLock is a default retention: for Days after its creation, no object version can be deleted or overwritten.
type ObjectLock struct {
	Mode string // GOVERNANCE (some roles may lift it) or COMPLIANCE (nobody can)
	Days int
}

// LogArchiveBucket is the bucket that keeps the logs.
type LogArchiveBucket struct {
	pulumi.ResourceState
	Bucket *s3.BucketV2
	// Policy is what the deliveries must wait for: before it they are refused.
	Policy *s3.BucketPolicy
	Key    *kms.Key
	Name   pulumi.StringOutput
	Arn    pulumi.StringOutput
	KeyArn pulumi.StringOutput
}
