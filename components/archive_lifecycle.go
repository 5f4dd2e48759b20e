package components

import (
	"cmp"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

const (
	defaultNoncurrentDays = 30
	abandonedUploadDays   = 7
)

// RetentionClass is a class of logs that is kept for another time than the rest.
//
// Object Lock has no classes: new objects get the bucket's default retention, and the services that deliver can't ask for
// another one. So each class must be kept for the lock's days at least.
type RetentionClass struct {
	// Name is in the ids of the class's rules: lower-case letters, digits and hyphens.
	Name string
	// Folders are what the keys of the class begin with, each ending with "/".
	Folders []string
	// RetentionDays is the age at which the class's objects expire; at least 1.
	RetentionDays int
	// MaximumDays is the age at which nothing may be left of an object, neither a noncurrent version nor a delete marker;
	// 0 for no such limit. It shortens how long noncurrent versions are kept.
	MaximumDays int
	// Transitions are the class's own; those of the bucket aren't for it.
	Transitions []Transition
}

// LifecycleLateDays is by how much S3 may be late with what a rule says: it rounds the end of an object's life, and the end of
// the noncurrent version's, up to the next midnight (UTC), and removes the delete marker in a later run.
//
// See https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
const LifecycleLateDays = 3

// noncurrentDays is how long noncurrent versions of the class are kept: as long as others, or what the limit leaves.
func (c RetentionClass) noncurrentDays(days int) int {
	if c.MaximumDays == 0 {
		return days
	}
	return min(days, c.MaximumDays-c.RetentionDays-LifecycleLateDays)
}

// lifecycle returns the bucket's rules. Without classes one rule expires everything, whatever its key: so each delivered
// object is matched by exactly one expiring rule, and the objects of a source that is gone expire, too. Its filter is the
// empty prefix; "/" or "/*" would match no key, for S3 takes prefixes literally. Days also removes the delete markers
// that are left over (https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html).
//
// With classes each folder has a rule, and no two rules match one key: of two that do, S3 takes the earlier expiry, so that
// nothing could be kept for longer than what is expired by a rule for the rest
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html).
//
// Transitions are rules of their own, because their filter by size must not keep small objects from expiring.
func lifecycle(args *LogArchiveBucketArgs) s3.BucketLifecycleConfigurationV2RuleArray {
	noncurrent := cmp.Or(args.NoncurrentDays, defaultNoncurrentDays)
	if len(args.Classes) == 0 {
		return append(s3.BucketLifecycleConfigurationV2RuleArray{expireRule("expire", "", args.RetentionDays, noncurrent)},
			args.transitionRules("transition", []string{""}, args.Transitions)...)
	}
	var rules s3.BucketLifecycleConfigurationV2RuleArray
	for _, folder := range args.OtherFolders {
		rules = append(rules, expireRule(ruleID("expire", folder), folder, args.RetentionDays, noncurrent))
	}
	rules = append(rules, args.transitionRules("transition", args.OtherFolders, args.Transitions)...)
	for _, c := range args.Classes {
		for _, folder := range c.Folders {
			rules = append(rules, expireRule(ruleID(c.Name+"-expire", folder), folder, c.RetentionDays, c.noncurrentDays(noncurrent)))
			if c.MaximumDays > 0 {
				rules = append(rules, markerRule(ruleID(c.Name+"-markers", folder), folder))
			}
		}
		rules = append(rules, args.transitionRules(c.Name+"-transition", c.Folders, c.Transitions)...)
	}
	return rules
}

// ruleID is unique: there is one rule of a kind for a folder.
func ruleID(kind, folder string) string {
	return kind + "-" + strings.ReplaceAll(strings.TrimSuffix(folder, "/"), "/", "-")
}

func expireRule(id, prefix string, days, noncurrent int) *s3.BucketLifecycleConfigurationV2RuleArgs {
	return &s3.BucketLifecycleConfigurationV2RuleArgs{
		Id:     pulumi.String(id),
		Status: pulumi.String("Enabled"),
		Filter: &s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String(prefix)},
		Expiration: &s3.BucketLifecycleConfigurationV2RuleExpirationArgs{
			Days: pulumi.Int(days),
		},
		NoncurrentVersionExpiration: &s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
			NoncurrentDays: pulumi.Int(noncurrent),
		},
		AbortIncompleteMultipartUpload: &s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{
			DaysAfterInitiation: pulumi.Int(abandonedUploadDays),
		},
	}
}

// markerRule removes delete markers, whose names are keys, as soon as no version is left. The rule that expires would leave
// them until they are as old as an object must be, and S3 takes Days and ExpiredObjectDeleteMarker in two rules only
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleExpiration.html).
func markerRule(id, prefix string) *s3.BucketLifecycleConfigurationV2RuleArgs {
	return &s3.BucketLifecycleConfigurationV2RuleArgs{
		Id:         pulumi.String(id),
		Status:     pulumi.String("Enabled"),
		Filter:     &s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String(prefix)},
		Expiration: &s3.BucketLifecycleConfigurationV2RuleExpirationArgs{ExpiredObjectDeleteMarker: pulumi.Bool(true)},
	}
}

// transitionRules move what lies in the folders; the folder "" is the whole bucket.
func (args *LogArchiveBucketArgs) transitionRules(kind string, folders []string, list []Transition) s3.BucketLifecycleConfigurationV2RuleArray {
	if len(list) == 0 {
		return nil
	}
	var transitions s3.BucketLifecycleConfigurationV2RuleTransitionArray
	for _, t := range list {
		transitions = append(transitions, &s3.BucketLifecycleConfigurationV2RuleTransitionArgs{
			Days:         pulumi.Int(t.Days),
			StorageClass: pulumi.String(t.StorageClass),
		})
	}
	larger := pulumi.Int(cmp.Or(args.TransitionMinimumBytes, partition.MinTransitionBytes) - 1)
	var rules s3.BucketLifecycleConfigurationV2RuleArray
	for _, folder := range folders {
		rule := &s3.BucketLifecycleConfigurationV2RuleArgs{
			Id:          pulumi.String(kind),
			Status:      pulumi.String("Enabled"),
			Filter:      &s3.BucketLifecycleConfigurationV2RuleFilterArgs{ObjectSizeGreaterThan: larger},
			Transitions: transitions,
		}
		if folder != "" {
			rule.Id = pulumi.String(ruleID(kind, folder))
			rule.Filter = &s3.BucketLifecycleConfigurationV2RuleFilterArgs{
				And: &s3.BucketLifecycleConfigurationV2RuleFilterAndArgs{Prefix: pulumi.String(folder), ObjectSizeGreaterThan: larger},
			}
		}
		rules = append(rules, rule)
	}
	return rules
}
