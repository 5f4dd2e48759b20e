package components

import (
	"cmp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

const (
	defaultNoncurrentDays = 30
	abandonedUploadDays   = 7
)

// lifecycle returns the bucket's rules. One rule expires everything, whatever its key: so each delivered object is
// matched by exactly one expiring rule, and the objects of a source that is gone expire, too. Its filter is the empty
// prefix; "/" or "/*" would match no key, for S3 takes prefixes literally. Days also removes the delete markers
// that are left over (https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html).
//
// Transitions are a rule of their own, because their filter by size must not keep small objects from expiring.
func lifecycle(args *LogArchiveBucketArgs) s3.BucketLifecycleConfigurationV2RuleArray {
	rules := s3.BucketLifecycleConfigurationV2RuleArray{
		&s3.BucketLifecycleConfigurationV2RuleArgs{
			Id:     pulumi.String("expire"),
			Status: pulumi.String("Enabled"),
			Filter: &s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String("")},
			Expiration: &s3.BucketLifecycleConfigurationV2RuleExpirationArgs{
				Days: pulumi.Int(args.RetentionDays),
			},
			NoncurrentVersionExpiration: &s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
				NoncurrentDays: pulumi.Int(cmp.Or(args.NoncurrentDays, defaultNoncurrentDays)),
			},
			AbortIncompleteMultipartUpload: &s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{
				DaysAfterInitiation: pulumi.Int(abandonedUploadDays),
			},
		},
	}
	if len(args.Transitions) == 0 {
		return rules
	}
	var transitions s3.BucketLifecycleConfigurationV2RuleTransitionArray
	for _, t := range args.Transitions {
		transitions = append(transitions, &s3.BucketLifecycleConfigurationV2RuleTransitionArgs{
			Days:         pulumi.Int(t.Days),
			StorageClass: pulumi.String(t.StorageClass),
		})
	}
	return append(rules, &s3.BucketLifecycleConfigurationV2RuleArgs{
		Id:     pulumi.String("transition"),
		Status: pulumi.String("Enabled"),
		Filter: &s3.BucketLifecycleConfigurationV2RuleFilterArgs{
			ObjectSizeGreaterThan: pulumi.Int(cmp.Or(args.TransitionMinimumBytes, partition.MinTransitionBytes) - 1),
		},
		Transitions: transitions,
	})
}

// lifecycle checks what S3 demands of transitions and expiry, and that nothing expires while it is locked.
func (p *problems) lifecycle(args *LogArchiveBucketArgs) {
	p.atLeast("RetentionDays", args.RetentionDays, 1)
	p.atLeast("NoncurrentDays", args.NoncurrentDays, 0)
	p.atLeast("TransitionMinimumBytes", args.TransitionMinimumBytes, 0)
	var before *Transition
	var ruleBefore partition.StorageRule
	for i, t := range args.Transitions {
		days := at("Transitions", i, ".Days")
		rule, err := partition.ParseStorageClass(t.StorageClass)
		if err != nil {
			p.refuse(at("Transitions", i, ".StorageClass"), t.StorageClass, err)
			continue
		}
		if fact := rule.Class.Feature(args.Place.Partition()); fact.Support != partition.Yes {
			p.add(at("Transitions", i, ".StorageClass"), t.StorageClass, "in partition %s: %s (%s)", args.Place.Partition(), fact.Support, fact.Source)
		}
		p.atLeast(days, t.Days, max(1, rule.MinAgeDays))
		if t.Days >= args.RetentionDays {
			p.add(days, t.Days, "want less than RetentionDays, %d", args.RetentionDays)
		}
		if before != nil {
			if rule.Order <= ruleBefore.Order {
				p.add(at("Transitions", i, ".StorageClass"), t.StorageClass, "objects can't move there from %s", before.StorageClass)
			}
			least := before.Days + 1
			if ruleBefore.Class == partition.StandardIA || ruleBefore.Class == partition.OneZoneIA {
				least = before.Days + rule.AfterIADays
			}
			if t.Days < least {
				p.add(days, t.Days, "want at least %d, after %d days for %s", least, before.Days, before.StorageClass)
			}
		}
		before, ruleBefore = &args.Transitions[i], rule
	}
	if lock := args.ObjectLock; lock != nil {
		p.oneOf("ObjectLock.Mode", lock.Mode, "GOVERNANCE", "COMPLIANCE")
		p.atLeast("ObjectLock.Days", lock.Days, 1)
		if lock.Days > args.RetentionDays {
			p.add("ObjectLock.Days", lock.Days, "want at most RetentionDays, %d: a locked object can't expire", args.RetentionDays)
		}
		p.refuse("ObjectLock", lock.Mode, args.Place.Region.Require(partition.ObjectLock))
	}
}
