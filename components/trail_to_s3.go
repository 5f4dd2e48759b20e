package components

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudtrail"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// TrailToS3Args are the Args of [NewTrailToS3].
type TrailToS3Args struct {
	// Place is the trail's home: the account whose events are recorded, and the region that the trail is changed in. Events of
	// all regions are recorded; in China, those of CloudFront are in Ningxia only
	// (https://docs.amazonaws.cn/en_us/aws/latest/userguide/cloudtrail.html).
	Place partition.Place
	// TrailName is 3 to 128 letters and digits, with single . _ - between them.
	TrailName string
	// BucketName and KeyArn are of the archive, which may be in another account and region.
	BucketName string
	KeyArn     pulumi.StringInput
	// Prefix is what keys begin with, ending with "/", or empty. CloudTrail appends AWSLogs/.
	Prefix string
	// Organization says that the trail is that of the organisation, whose management account Place's is.
	Organization bool
	// DataEvents are recorded besides the management events.
	DataEvents []TrailDataEvents
	// CloudWatchLogs also sends the events to a log group, which Pipeline carries to the archive; nil for none.
	CloudWatchLogs *TrailLogGroup
	// DependsOn is what must be there before the trail is: the bucket's policy, and the key's.
	DependsOn []pulumi.Resource
	// Tags are put on everything.
	Tags map[string]string
}

// TrailDataEvents selects events about what is in resources: objects of buckets, calls of functions.
type TrailDataEvents struct {
	// ResourceType is as CloudTrail writes it, such as AWS::S3::Object or AWS::Lambda::Function.
	ResourceType string
	// ArnPrefixes are what the resources' ARNs begin with; all resources of the type if empty.
	ArnPrefixes []string
}

// TrailLogGroup is a log group that gets the events, too.
type TrailLogGroup struct {
	Name          string
	RetentionDays int
	// RoleName is of the role that CloudTrail writes to it as.
	RoleName string
	// Pipeline carries the group to the archive.
	Pipeline *FirehoseToS3Pipeline
}

// TrailToS3 is a trail of CloudTrail, delivered to the archive.
type TrailToS3 struct {
	pulumi.ResourceState
	Trail *cloudtrail.Trail
	// LogGroup is nil without CloudWatchLogs.
	LogGroup *cloudwatch.LogGroup
	Arn      pulumi.StringOutput
}

var (
	trailName    = nameRule{regexp.MustCompile(`^[a-zA-Z0-9]+([._-][a-zA-Z0-9]+)*$`), "want 3 to 128 letters and digits, with single . _ - between them"}
	resourceType = nameRule{regexp.MustCompile(`^AWS::[A-Za-z0-9]+::[A-Za-z0-9]+$`), "want a type such as AWS::S3::Object"}
)

// maxSelectorValues is how many values the selectors of a trail may have together
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html).
const maxSelectorValues = 500

func (args *TrailToS3Args) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.name("TrailName", args.TrailName, trailName)
	if n := len(args.TrailName); n < 3 || n > 128 {
		p.add("TrailName", args.TrailName, "%s", trailName.want)
	}
	p.bucket("BucketName", args.BucketName)
	if args.KeyArn == nil {
		p.add("KeyArn", "", "want the archive key's ARN: without it CloudTrail encrypts with S3's own")
	}
	p.flowLogPrefix("Prefix", args.Prefix)
	if args.Organization {
		p.refuse("Organization", true, args.Place.Region.Require(partition.CloudTrailOrganization))
	}
	values, seen := 1, map[string]bool{}
	for i, e := range args.DataEvents {
		p.name(at("DataEvents", i, ".ResourceType"), e.ResourceType, resourceType)
		if seen[e.ResourceType] {
			p.add(at("DataEvents", i, ".ResourceType"), e.ResourceType, "is there twice")
		}
		seen[e.ResourceType] = true
		for j, arn := range e.ArnPrefixes {
			if !strings.HasPrefix(arn, "arn:"+string(args.Place.Partition())+":") {
				p.add(at("DataEvents", i, at(".ArnPrefixes", j, "")), arn, "want the beginning of an ARN of partition %s", args.Place.Partition())
			}
		}
		values += 2 + len(e.ArnPrefixes)
	}
	if values > maxSelectorValues {
		p.add("DataEvents", values, "the selectors have too many values together: CloudTrail takes %d", maxSelectorValues)
	}
	if l := args.CloudWatchLogs; l != nil {
		p.name("CloudWatchLogs.Name", l.Name, logGroupName)
		p.name("CloudWatchLogs.RoleName", l.RoleName, roleName)
		p.refuse("CloudWatchLogs.RetentionDays", l.RetentionDays, partition.CheckLogRetention(l.RetentionDays))
		switch {
		case l.Pipeline == nil:
			p.add("CloudWatchLogs.Pipeline", "", "want the pipeline that carries the log group")
		case l.Pipeline.place != args.Place:
			p.add("CloudWatchLogs.Pipeline", l.Pipeline.place, "want a pipeline at %s", args.Place)
		case l.Pipeline.content != CloudWatchLogs:
			p.add("CloudWatchLogs.Pipeline", l.Pipeline.content, "want a pipeline of %s", CloudWatchLogs)
		}
	}
	return p.err("TrailToS3", name)
}

// logStreams is the policy of that role
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html). The streams of
// an organisation's trail are named after the organisation, whose id this component needn't know.
func (args *TrailToS3Args) logStreams() policy.Document {
	stream := string(args.Place.Account) + "_CloudTrail_" + string(args.Place.Region)
	if args.Organization {
		stream = ""
	}
	return policy.Document{Statements: []policy.Statement{{
		Sid:      "WriteLogStreams",
		Effect:   policy.Allow,
		Action:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		Resource: []string{args.Place.LogGroupARN(args.CloudWatchLogs.Name + ":log-stream:" + stream + "*").String()},
	}}}
}

// selectors always name the management events: a trail without selectors records them, too, but one with selectors records
// nothing else, and whoever adds data events would lose them.
func (args *TrailToS3Args) selectors() cloudtrail.TrailAdvancedEventSelectorArray {
	field := func(name string, equals ...string) *cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs {
		return &cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs{Field: pulumi.String(name), Equals: pulumi.ToStringArray(equals)}
	}
	all := cloudtrail.TrailAdvancedEventSelectorArray{&cloudtrail.TrailAdvancedEventSelectorArgs{
		Name:           pulumi.String("management events"),
		FieldSelectors: cloudtrail.TrailAdvancedEventSelectorFieldSelectorArray{field("eventCategory", "Management")},
	}}
	for _, e := range args.DataEvents {
		fields := cloudtrail.TrailAdvancedEventSelectorFieldSelectorArray{field("eventCategory", "Data"), field("resources.type", e.ResourceType)}
		if len(e.ArnPrefixes) > 0 {
			arns := slices.Clone(e.ArnPrefixes)
			slices.Sort(arns)
			fields = append(fields, &cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs{
				Field: pulumi.String("resources.ARN"), StartsWiths: pulumi.ToStringArray(slices.Compact(arns)),
			})
		}
		all = append(all, &cloudtrail.TrailAdvancedEventSelectorArgs{Name: pulumi.String("data events of " + e.ResourceType), FieldSelectors: fields})
	}
	return all
}

// NewTrailToS3 registers a trail of all regions with log file validation: one resource, and with CloudWatchLogs a role with its
// policy, a log group and a subscription filter. The trail is protected, and stays when it leaves the program: what isn't
// recorded can't be had later. Errors: [ArgsError].
func NewTrailToS3(ctx *pulumi.Context, name string, args *TrailToS3Args, opts ...pulumi.ResourceOption) (*TrailToS3, error) {
	if args == nil {
		args = &TrailToS3Args{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &TrailToS3{}
	if err := ctx.RegisterComponentResource("logarchive:index:TrailToS3", name, c, opts...); err != nil {
		return nil, err
	}
	trail, waitFor := &cloudtrail.TrailArgs{
		Name:                       pulumi.String(args.TrailName),
		S3BucketName:               pulumi.String(args.BucketName),
		KmsKeyId:                   args.KeyArn.ToStringOutput().ToStringPtrOutput(),
		IsMultiRegionTrail:         pulumi.Bool(true),
		IncludeGlobalServiceEvents: pulumi.Bool(true),
		EnableLogFileValidation:    pulumi.Bool(true),
		EnableLogging:              pulumi.Bool(true),
		AdvancedEventSelectors:     args.selectors(),
		Tags:                       tags(args.Tags),
	}, args.DependsOn
	if args.Prefix != "" {
		// CloudTrail puts the slash behind it.
		trail.S3KeyPrefix = pulumi.String(strings.TrimSuffix(args.Prefix, "/"))
	}
	if args.Organization {
		trail.IsOrganizationTrail = pulumi.Bool(true)
	}
	if args.CloudWatchLogs != nil {
		role, before, err := c.registerLogGroup(ctx, name, args)
		if err != nil {
			return nil, err
		}
		trail.CloudWatchLogsGroupArn = pulumi.Sprintf("%s:*", c.LogGroup.Arn).ToStringPtrOutput()
		trail.CloudWatchLogsRoleArn = role.Arn.ToStringPtrOutput()
		// Not an event before the log group is subscribed: a filter sees only what comes after it.
		waitFor = append(before, waitFor...)
	}
	var err error
	c.Trail, err = cloudtrail.NewTrail(ctx, name, trail, pulumi.Parent(c), pulumi.DependsOn(waitFor), pulumi.Protect(true), pulumi.RetainOnDelete(true))
	if err != nil {
		return nil, err
	}
	c.Arn = c.Trail.Arn
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"arn": c.Arn})
}

func (c *TrailToS3) registerLogGroup(ctx *pulumi.Context, name string, args *TrailToS3Args) (role *iam.Role, before []pulumi.Resource, err error) {
	l := args.CloudWatchLogs
	// CloudTrail isn't documented to say for whom it assumes the role, so nothing is demanded
	// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/send-cloudtrail-events-to-cloudwatch-logs.html).
	trusted, err := trust(args.Place, partition.CloudTrail, nil)
	if err != nil {
		return nil, nil, err
	}
	c.LogGroup, err = cloudwatch.NewLogGroup(ctx, name, &cloudwatch.LogGroupArgs{
		Name:            pulumi.String(l.Name),
		RetentionInDays: pulumi.Int(l.RetentionDays),
		Tags:            tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, nil, err
	}
	role, err = iam.NewRole(ctx, name+"-log-group", &iam.RoleArgs{
		Name:             pulumi.String(l.RoleName),
		Description:      pulumi.Sprintf("CloudTrail writes to log group %s", l.Name),
		AssumeRolePolicy: pulumi.String(trusted.JSON()),
		Tags:             tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, nil, err
	}
	write, err := iam.NewRolePolicy(ctx, name+"-log-group", &iam.RolePolicyArgs{
		Name:   pulumi.String("write-log-group"),
		Role:   role.Name,
		Policy: pulumi.String(args.logStreams().JSON()),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, nil, err
	}
	filter, err := l.Pipeline.Subscribe(ctx, name, c.LogGroup.Name, "", pulumi.Parent(c))
	return role, []pulumi.Resource{write, filter}, err
}
