package components

import (
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cfg"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// ConfigToS3Args are the Args of [NewConfigToS3].
type ConfigToS3Args struct {
	// Place is what is recorded: AWS Config has one recorder in each account and region.
	Place partition.Place
	// BucketName and KeyArn are of the archive, which may be in another account and region; the key is of the bucket's region
	// (https://docs.aws.amazon.com/config/latest/APIReference/API_DeliveryChannel.html).
	BucketName string
	KeyArn     pulumi.StringInput
	// Prefix is what keys begin with, ending with "/", or empty. AWS Config appends AWSLogs/.
	Prefix string
	// IncludeGlobalResourceTypes records IAM's users, groups, roles and policies here: in one region of an account only, or they
	// are recorded, and paid for, in each.
	IncludeGlobalResourceTypes bool
	// SnapshotFrequency is how often all of the configuration is delivered: One_Hour, Three_Hours, Six_Hours, Twelve_Hours or
	// TwentyFour_Hours. Changes are delivered every six hours in any case.
	SnapshotFrequency string
	// CreateServiceLinkedRole makes the role that AWS Config acts as. An account that has used AWS Config before has it.
	CreateServiceLinkedRole bool
	// DependsOn is what must be there before the channel is: the bucket's policy.
	DependsOn []pulumi.Resource
}

// ConfigToS3 is AWS Config in an account and region, delivered to the archive.
type ConfigToS3 struct {
	pulumi.ResourceState
	Recorder *cfg.Recorder
	Channel  *cfg.DeliveryChannel
	Status   *cfg.RecorderStatus
}

// configName is what AWS calls the recorder and the channel, of which there is one each.
const configName = "default"

// SnapshotFrequencies returns the values of SnapshotFrequency.
func SnapshotFrequencies() []string {
	return []string{"One_Hour", "Three_Hours", "Six_Hours", "Twelve_Hours", "TwentyFour_Hours"}
}

func (args *ConfigToS3Args) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.bucket("BucketName", args.BucketName)
	if args.KeyArn == nil {
		p.add("KeyArn", "", "want the archive key's ARN")
	}
	p.flowLogPrefix("Prefix", args.Prefix)
	p.oneOf("SnapshotFrequency", args.SnapshotFrequency, SnapshotFrequencies()...)
	return p.err("ConfigToS3", name)
}

// NewConfigToS3 registers the recorder of every resource type, the delivery channel and the recorder's status, in the order that
// AWS Config wants: a channel needs a recorder, and a recorder starts when there is a channel. It acts as its service-linked role,
// which AWS keeps: that can read every type, and nothing else; objects are written under the service's own name. All of it stays
// when it leaves the program: what isn't recorded can't be had later. Errors: [ArgsError].
func NewConfigToS3(ctx *pulumi.Context, name string, args *ConfigToS3Args, opts ...pulumi.ResourceOption) (*ConfigToS3, error) {
	if args == nil {
		args = &ConfigToS3Args{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	role, err := args.Place.ServiceLinkedRoleARN(partition.Config)
	if err != nil {
		return nil, err
	}
	c := &ConfigToS3{}
	if err := ctx.RegisterComponentResource("logarchive:index:ConfigToS3", name, c, opts...); err != nil {
		return nil, err
	}
	var roleArn pulumi.StringInput = pulumi.String(role.String())
	stays := pulumi.Composite(pulumi.Parent(c), pulumi.Protect(true), pulumi.RetainOnDelete(true))
	if args.CreateServiceLinkedRole {
		principal, err := args.Place.ServicePrincipal(partition.Config)
		if err != nil {
			return nil, err
		}
		linked, err := iam.NewServiceLinkedRole(ctx, name, &iam.ServiceLinkedRoleArgs{AwsServiceName: pulumi.String(principal)}, stays)
		if err != nil {
			return nil, err
		}
		roleArn = linked.Arn
	}
	c.Recorder, err = cfg.NewRecorder(ctx, name, &cfg.RecorderArgs{
		Name:    pulumi.String(configName),
		RoleArn: roleArn,
		RecordingGroup: &cfg.RecorderRecordingGroupArgs{
			AllSupported:               pulumi.Bool(true),
			IncludeGlobalResourceTypes: pulumi.Bool(args.IncludeGlobalResourceTypes),
		},
	}, stays)
	if err != nil {
		return nil, err
	}
	channel := &cfg.DeliveryChannelArgs{
		Name:                       pulumi.String(configName),
		S3BucketName:               pulumi.String(args.BucketName),
		S3KmsKeyArn:                args.KeyArn.ToStringOutput().ToStringPtrOutput(),
		SnapshotDeliveryProperties: &cfg.DeliveryChannelSnapshotDeliveryPropertiesArgs{DeliveryFrequency: pulumi.String(args.SnapshotFrequency)},
	}
	if args.Prefix != "" {
		channel.S3KeyPrefix = pulumi.String(strings.TrimSuffix(args.Prefix, "/")) // AWS Config puts the slash behind it
	}
	c.Channel, err = cfg.NewDeliveryChannel(ctx, name, channel, stays, pulumi.DependsOn(append([]pulumi.Resource{c.Recorder}, args.DependsOn...)))
	if err != nil {
		return nil, err
	}
	c.Status, err = cfg.NewRecorderStatus(ctx, name, &cfg.RecorderStatusArgs{Name: c.Recorder.Name, IsEnabled: pulumi.Bool(true)},
		stays, pulumi.DependsOn([]pulumi.Resource{c.Channel}))
	if err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"recorder": c.Recorder.Name})
}
