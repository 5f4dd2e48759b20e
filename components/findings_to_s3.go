package components

import (
	"fmt"
	"regexp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/guardduty"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// FindingsToS3Args are the Args of [NewFindingsToS3].
type FindingsToS3Args struct {
	// Place is what GuardDuty watches: it has one detector in each account and region.
	Place partition.Place
	// BucketPlace, BucketArn and KeyArn are of the bucket; the key is of its region. The bucket is in another region only where
	// the partition is known to allow that, and never in an opt-in region then
	// (https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_exportfindings.html).
	BucketPlace       partition.Place
	BucketArn, KeyArn pulumi.StringInput
	// DetectorID is of a detector that is there; empty to make one.
	DetectorID string
	// Frequency is how often new occurrences of a finding are published: FIFTEEN_MINUTES, ONE_HOUR or SIX_HOURS. It is of a
	// detector that is made.
	Frequency string
	// DependsOn is what must be there before anything is published: the bucket's policy.
	DependsOn []pulumi.Resource
	// Tags are put on the detector.
	Tags map[string]string
}

// FindingsToS3 publishes GuardDuty's findings to the archive.
type FindingsToS3 struct {
	pulumi.ResourceState
	// Detector is nil for one that was there.
	Detector    *guardduty.Detector
	Destination *guardduty.PublishingDestination
}

var detectorID = nameRule{regexp.MustCompile(`^[0-9a-f]{32}$`), "want the id of a detector: 32 hexadecimal digits"}

// FindingFrequencies returns the values of Frequency.
func FindingFrequencies() []string { return []string{"FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS"} }

// CheckFindingsRegion says whether findings of a region can be published to a bucket in another.
func CheckFindingsRegion(of, bucket partition.Region) error {
	if of == bucket {
		return nil
	}
	if err := of.Require(partition.FindingsCrossRegionBucket); err != nil {
		return err
	}
	if bucket.OptIn() {
		return fmt.Errorf("GuardDuty publishes to no opt-in region but its own: %s is one", bucket)
	}
	return nil
}

func (args *FindingsToS3Args) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.place("BucketPlace", args.BucketPlace)
	if args.BucketArn == nil {
		p.add("BucketArn", "", "want the bucket's ARN")
	}
	if args.KeyArn == nil {
		p.add("KeyArn", "", "want the key's ARN: GuardDuty encrypts with one of yours only")
	}
	if len(p.list) == 0 {
		p.refuse("BucketPlace", args.BucketPlace, CheckFindingsRegion(args.Place.Region, args.BucketPlace.Region))
	}
	if args.DetectorID != "" {
		p.name("DetectorID", args.DetectorID, detectorID)
		if args.Frequency != "" {
			p.add("Frequency", args.Frequency, "is for a detector that is made here")
		}
	} else {
		p.oneOf("Frequency", args.Frequency, FindingFrequencies()...)
	}
	return p.err("FindingsToS3", name)
}

// NewFindingsToS3 registers the publishing destination, and the detector if none is named. A detector stays when it leaves the
// program: without it nothing is watched. Findings lie below AWSLogs/ at the bucket's root: in another account's bucket GuardDuty
// makes no folders. Errors: [ArgsError].
func NewFindingsToS3(ctx *pulumi.Context, name string, args *FindingsToS3Args, opts ...pulumi.ResourceOption) (*FindingsToS3, error) {
	if args == nil {
		args = &FindingsToS3Args{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &FindingsToS3{}
	if err := ctx.RegisterComponentResource("logarchive:index:FindingsToS3", name, c, opts...); err != nil {
		return nil, err
	}
	var id pulumi.StringInput = pulumi.String(args.DetectorID)
	var err error
	if args.DetectorID == "" {
		c.Detector, err = guardduty.NewDetector(ctx, name, &guardduty.DetectorArgs{
			Enable:                     pulumi.Bool(true),
			FindingPublishingFrequency: pulumi.String(args.Frequency),
			Tags:                       tags(args.Tags),
		}, pulumi.Parent(c), pulumi.Protect(true), pulumi.RetainOnDelete(true))
		if err != nil {
			return nil, err
		}
		id = c.Detector.ID().ToStringOutput()
	}
	c.Destination, err = guardduty.NewPublishingDestination(ctx, name, &guardduty.PublishingDestinationArgs{
		DetectorId:     id,
		DestinationArn: args.BucketArn,
		KmsKeyArn:      args.KeyArn,
	}, pulumi.Parent(c), pulumi.DependsOn(args.DependsOn))
	if err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"detectorId": id})
}
