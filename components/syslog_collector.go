package components

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/autoscaling"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// SyslogCollectorArgs are the Args of [NewSyslogCollector].
type SyslogCollectorArgs struct {
	// Place is where the VPC is.
	Place partition.Place
	// Name is that of the load balancer, the target group, the autoscaling group and the security groups: up to 32 characters.
	Name string
	// RoleName is the name of the collectors' role and of their instance profile.
	RoleName string
	// VpcID and SubnetIDs are where load balancer and collectors are: subnets of the VPC in different zones, with a way to the
	// endpoints of Firehose and to the package's repository.
	VpcID     string
	SubnetIDs []string
	// ClientCIDRs are where syslog comes from: those of the VPC and what is connected to it, and never everywhere.
	ClientCIDRs []string
	// EgressCIDRs are where collectors may connect to by HTTPS: Firehose, Auto Scaling, the repository. Empty means anywhere.
	EgressCIDRs []string
	// CertificateArn is the certificate of the load balancer, in ACM, at Place.
	CertificateArn string
	// ImageID is an image of Amazon Linux 2023, as an id, or as "resolve:ssm:" and the name of a public parameter of AWS, which
	// is resolved when an instance starts.
	ImageID string
	// Package is where Fluent Bit comes from; nil for an image that has it below /opt/fluent-bit.
	Package *FluentBitPackage
	// InstanceType must be of the image's architecture.
	InstanceType string
	// MinSize and MaxSize are how many collectors there are; one at least in each of two subnets.
	MinSize, MaxSize int
	// BufferGiB is the size of each collector's own disk for what waits.
	BufferGiB int
	// Pipeline carries Lines.
	Pipeline *FirehoseToS3Pipeline
	// Tags are put on everything that can have some, instances and disks included.
	Tags map[string]string
}

// SyslogCollector takes syslog by TCP and TLS, and puts it, raw, into a pipeline: a network load balancer with the certificate,
// and an autoscaling group of machines that run Fluent Bit and buffer on disks of their own.
//
// What it promises: a line that a collector has taken is on its encrypted disk, and leaves the disk when Firehose has taken it. A
// collector that is replaced lets its buffer run empty first; the disk of one that breaks stays. What it can't promise: syslog by
// TCP has no acknowledgement, so what is on its way when a collector breaks, in the sender's and the receiver's sockets, is lost
// (RFC 6587, 4.), and senders must queue while they can't connect. A line may arrive twice: Firehose may have taken a
// batch whose answer got lost.
type SyslogCollector struct {
	pulumi.ResourceState
	// Endpoint is the load balancer's name, to which the certificate's name must lead.
	Endpoint pulumi.StringOutput
	RoleArn  pulumi.StringOutput
}

// SyslogPort is where senders connect to: that of syslog over TLS (RFC 5425).
const SyslogPort = 6514

var (
	collectorName = nameRule{regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}[a-z0-9]$`), "want 2 to 32 lower-case letters, digits and hyphens, a letter first and no hyphen last"}
	imageID       = nameRule{regexp.MustCompile(`^(ami-(?:[0-9a-f]{8}|[0-9a-f]{17})|resolve:ssm:/aws/service/[\w./-]+)$`), "want the id of an image, or resolve:ssm: and the name of a public parameter of AWS"}
	instanceType  = nameRule{regexp.MustCompile(`^[a-z][a-z0-9-]*\.[a-z0-9-]+$`), "want an instance type, such as t4g.small"}
	vpcID         = nameRule{regexp.MustCompile(`^vpc-(?:[0-9a-f]{8}|[0-9a-f]{17})$`), "want the id of a VPC"}
	subnetID      = nameRule{regexp.MustCompile(`^subnet-(?:[0-9a-f]{8}|[0-9a-f]{17})$`), "want the id of a subnet"}
	repositoryURL = nameRule{regexp.MustCompile(`^https://[\w.-]+(/[\w./$-]*)?$`), "want a URL that begins with https://"}
)

// CheckClientCIDR says whether syslog may come from an address range: one of IPv4, and not the whole internet.
func CheckClientCIDR(text string) error {
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil || !prefix.Addr().Is4() || prefix != prefix.Masked():
		return errCIDR("want an address range of IPv4 without bits behind its length, such as 10.0.0.0/16")
	case prefix.Bits() < 8:
		return errCIDR("want a range of at most a /8: collectors are for what is near, not for the internet")
	}
	return nil
}

type errCIDR string

func (e errCIDR) Error() string { return string(e) }

func (args *SyslogCollectorArgs) streamName() string {
	if args.Pipeline == nil {
		return ""
	}
	return args.Pipeline.streamName
}

func (args *SyslogCollectorArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.name("Name", args.Name, collectorName)
	p.name("RoleName", args.RoleName, roleName)
	p.name("VpcID", args.VpcID, vpcID)
	p.atLeast("SubnetIDs", len(args.SubnetIDs), 2)
	for i, id := range args.SubnetIDs {
		p.name(at("SubnetIDs", i, ""), id, subnetID)
		if slices.Contains(args.SubnetIDs[:i], id) {
			p.add(at("SubnetIDs", i, ""), id, "is there twice")
		}
	}
	p.atLeast("ClientCIDRs", len(args.ClientCIDRs), 1)
	for i, cidr := range args.ClientCIDRs {
		p.refuse(at("ClientCIDRs", i, ""), cidr, CheckClientCIDR(cidr))
	}
	for i, cidr := range args.EgressCIDRs {
		if prefix, err := netip.ParsePrefix(cidr); err != nil || !prefix.Addr().Is4() || prefix != prefix.Masked() {
			p.add(at("EgressCIDRs", i, ""), cidr, "want an address range of IPv4")
		}
	}
	arn, err := partition.ParseARN(args.CertificateArn)
	if err != nil || arn.Service != partition.ACM || arn.Place() != args.Place || !strings.HasPrefix(arn.Resource, "certificate/") {
		p.add("CertificateArn", args.CertificateArn, "want the ARN of a certificate in ACM at %s", args.Place)
	}
	p.name("ImageID", args.ImageID, imageID)
	if pkg := args.Package; pkg != nil {
		p.name("Package.Repository", pkg.Repository, repositoryURL)
		p.name("Package.Key", pkg.Key, repositoryURL)
		if !agentVersion.MatchString(pkg.Version) {
			p.add("Package.Version", pkg.Version, "want a version, or nothing for the newest")
		}
	}
	p.name("InstanceType", args.InstanceType, instanceType)
	p.atLeast("MinSize", args.MinSize, 2)
	p.atLeast("MaxSize", args.MaxSize, args.MinSize+1)
	p.atLeast("BufferGiB", args.BufferGiB, 4)
	switch {
	case args.Pipeline == nil:
		p.add("Pipeline", "", "want the pipeline that carries the lines")
	case args.Pipeline.place != args.Place:
		p.add("Pipeline", args.Pipeline.place, "want a pipeline at %s", args.Place)
	case args.Pipeline.content != Lines:
		p.add("Pipeline", args.Pipeline.content, "want a pipeline of %s", Lines)
	}
	return p.err("SyslogCollector", name)
}

// policy is what a collector may do: put lines into a stream, and say that it is done.
func (args *SyslogCollectorArgs) policy(stream string) policy.Document {
	return policy.Document{Statements: []policy.Statement{
		{
			Sid: "PutLines", Effect: policy.Allow, Action: []string{"firehose:PutRecordBatch"},
			Resource: []string{args.Place.ARN(partition.Firehose, "deliverystream/"+stream).String()},
		},
		{
			// A group's ARN has an id that isn't known before it exists.
			Sid: "Drain", Effect: policy.Allow, Action: []string{"autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"},
			Resource: []string{args.Place.ARN(partition.AutoScaling, "autoScalingGroup:*:autoScalingGroupName/"+args.Name).String()},
		},
	}}
}

// EndpointUser is what the collectors send into a stream, for [LogVpcEndpoints] of their VPC.
func (args *SyslogCollectorArgs) EndpointUser(stream string) EndpointUser {
	return EndpointUser{RoleArn: args.Place.RoleARN(args.RoleName).String(), Policy: args.policy(stream)}
}

// NewSyslogCollector registers the load balancer, the group of collectors and what they may do: some twenty resources. A change
// of what a collector is replaces the collectors one after the other. Errors: [ArgsError].
func NewSyslogCollector(ctx *pulumi.Context, name string, args *SyslogCollectorArgs, opts ...pulumi.ResourceOption) (*SyslogCollector, error) {
	if args == nil {
		args = &SyslogCollectorArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &SyslogCollector{}
	if err := ctx.RegisterComponentResource("logarchive:index:SyslogCollector", name, c, opts...); err != nil {
		return nil, err
	}
	profile, allowed, err := c.registerRole(ctx, name, args)
	if err != nil {
		return nil, err
	}
	outer, inner, err := c.registerFirewall(ctx, name, args)
	if err != nil {
		return nil, err
	}
	targets, err := c.registerBalancer(ctx, name, args, outer)
	if err != nil {
		return nil, err
	}
	// Neither a collector without its permissions nor one without a stream takes lines.
	err = c.registerMachines(ctx, name, args, profile, inner, targets, allowed, args.Pipeline.Stream)
	if err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"endpoint": c.Endpoint, "roleArn": c.RoleArn})
}

func (c *SyslogCollector) registerRole(ctx *pulumi.Context, name string, args *SyslogCollectorArgs) (*iam.InstanceProfile, *iam.RolePolicy, error) {
	trusted, err := trust(args.Place, partition.EC2, nil)
	if err != nil {
		return nil, nil, err
	}
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Name:             pulumi.String(args.RoleName),
		Description:      pulumi.String("Syslog collectors put lines into stream " + args.streamName()),
		AssumeRolePolicy: pulumi.String(trusted.JSON()),
		Tags:             tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, nil, err
	}
	c.RoleArn = role.Arn
	allowed, err := iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{
		Name:   pulumi.String("put-lines"),
		Role:   role.Name,
		Policy: pulumi.String(args.policy(args.streamName()).JSON()),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, nil, err
	}
	profile, err := iam.NewInstanceProfile(ctx, name, &iam.InstanceProfileArgs{
		Name: pulumi.String(args.RoleName),
		Role: role.Name,
		Tags: tags(args.Tags),
	}, pulumi.Parent(c))
	return profile, allowed, err
}

// registerFirewall: senders reach the load balancer, the load balancer the collectors, and these what they need by HTTPS. There is
// no SSH. Names are resolved, and the time is kept, by link-local addresses, which security groups let pass.
func (c *SyslogCollector) registerFirewall(ctx *pulumi.Context, name string, args *SyslogCollectorArgs) (outer, inner *ec2.SecurityGroup, err error) {
	group := func(suffix, what string) (*ec2.SecurityGroup, error) {
		return ec2.NewSecurityGroup(ctx, name+"-"+suffix, &ec2.SecurityGroupArgs{
			Name: pulumi.String(args.Name + "-" + suffix), Description: pulumi.String(what), VpcId: pulumi.String(args.VpcID), Tags: tags(args.Tags),
		}, pulumi.Parent(c))
	}
	if outer, err = group("balancer", "Syslog senders to the load balancer"); err != nil {
		return nil, nil, err
	}
	if inner, err = group("collector", "The load balancer to the collectors"); err != nil {
		return nil, nil, err
	}
	for _, cidr := range args.ClientCIDRs {
		if _, err := vpc.NewSecurityGroupIngressRule(ctx, name+"-from-"+cidr, &vpc.SecurityGroupIngressRuleArgs{
			SecurityGroupId: outer.ID(), CidrIpv4: pulumi.String(cidr), IpProtocol: pulumi.String("tcp"),
			FromPort: pulumi.Int(SyslogPort), ToPort: pulumi.Int(SyslogPort), Description: pulumi.String("syslog over TLS"), Tags: tags(args.Tags),
		}, pulumi.Parent(c)); err != nil {
			return nil, nil, err
		}
	}
	if _, err := vpc.NewSecurityGroupEgressRule(ctx, name+"-to-collectors", &vpc.SecurityGroupEgressRuleArgs{
		SecurityGroupId: outer.ID(), ReferencedSecurityGroupId: inner.ID(), IpProtocol: pulumi.String("tcp"),
		FromPort: pulumi.Int(collectorPort), ToPort: pulumi.Int(collectorPort), Description: pulumi.String("to the collectors"), Tags: tags(args.Tags),
	}, pulumi.Parent(c)); err != nil {
		return nil, nil, err
	}
	if _, err := vpc.NewSecurityGroupIngressRule(ctx, name+"-from-balancer", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId: inner.ID(), ReferencedSecurityGroupId: outer.ID(), IpProtocol: pulumi.String("tcp"),
		FromPort: pulumi.Int(collectorPort), ToPort: pulumi.Int(collectorPort), Description: pulumi.String("from the load balancer"), Tags: tags(args.Tags),
	}, pulumi.Parent(c)); err != nil {
		return nil, nil, err
	}
	egress := args.EgressCIDRs
	if len(egress) == 0 {
		egress = []string{"0.0.0.0/0"}
	}
	for _, cidr := range egress {
		if _, err := vpc.NewSecurityGroupEgressRule(ctx, name+"-to-"+cidr, &vpc.SecurityGroupEgressRuleArgs{
			SecurityGroupId: inner.ID(), CidrIpv4: pulumi.String(cidr), IpProtocol: pulumi.String("tcp"),
			FromPort: pulumi.Int(443), ToPort: pulumi.Int(443), Description: pulumi.String("HTTPS"), Tags: tags(args.Tags),
		}, pulumi.Parent(c)); err != nil {
			return nil, nil, err
		}
	}
	return outer, inner, nil
}

func (c *SyslogCollector) registerBalancer(ctx *pulumi.Context, name string, args *SyslogCollectorArgs, firewall *ec2.SecurityGroup) (*lb.TargetGroup, error) {
	balancer, err := lb.NewLoadBalancer(ctx, name, &lb.LoadBalancerArgs{
		Name: pulumi.String(args.Name), LoadBalancerType: pulumi.String("network"), Internal: pulumi.Bool(true),
		Subnets: pulumi.ToStringArray(args.SubnetIDs), SecurityGroups: pulumi.StringArray{firewall.ID()},
		EnableCrossZoneLoadBalancing: pulumi.Bool(true), Tags: tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	c.Endpoint = balancer.DnsName
	targets, err := lb.NewTargetGroup(ctx, name, &lb.TargetGroupArgs{
		Name: pulumi.String(args.Name), Port: pulumi.Int(collectorPort), Protocol: pulumi.String("TLS"), VpcId: pulumi.String(args.VpcID),
		DeregistrationDelay: pulumi.Int(collectorPause),
		// Senders must see that their connection has ended, and connect again to another collector.
		ConnectionTermination: pulumi.Bool(true),
		HealthCheck: &lb.TargetGroupHealthCheckArgs{
			Protocol: pulumi.String("TCP"), Interval: pulumi.Int(10), HealthyThreshold: pulumi.Int(2), UnhealthyThreshold: pulumi.Int(2),
		},
		Tags: tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	_, err = lb.NewListener(ctx, name, &lb.ListenerArgs{
		LoadBalancerArn: balancer.Arn, Port: pulumi.Int(SyslogPort), Protocol: pulumi.String("TLS"),
		CertificateArn: pulumi.String(args.CertificateArn), SslPolicy: pulumi.String("ELBSecurityPolicy-TLS13-1-2-2021-06"),
		DefaultActions: lb.ListenerDefaultActionArray{&lb.ListenerDefaultActionArgs{Type: pulumi.String("forward"), TargetGroupArn: targets.Arn}},
		Tags:           tags(args.Tags),
	}, pulumi.Parent(c))
	return targets, err
}

func (c *SyslogCollector) registerMachines(ctx *pulumi.Context, name string, args *SyslogCollectorArgs, profile *iam.InstanceProfile, firewall *ec2.SecurityGroup, targets *lb.TargetGroup, after ...pulumi.Resource) error {
	own := map[string]string{"Name": args.Name}
	for key, value := range args.Tags {
		own[key] = value
	}
	var specifications ec2.LaunchTemplateTagSpecificationArray
	for _, kind := range []string{"instance", "volume"} {
		specifications = append(specifications, &ec2.LaunchTemplateTagSpecificationArgs{ResourceType: pulumi.String(kind), Tags: pulumi.ToStringMap(own)})
	}
	template, err := ec2.NewLaunchTemplate(ctx, name, &ec2.LaunchTemplateArgs{
		Name: pulumi.String(args.Name), ImageId: pulumi.String(args.ImageID), InstanceType: pulumi.String(args.InstanceType),
		UserData:             pulumi.String(args.userData()),
		UpdateDefaultVersion: pulumi.Bool(true),
		IamInstanceProfile:   &ec2.LaunchTemplateIamInstanceProfileArgs{Name: profile.Name},
		VpcSecurityGroupIds:  pulumi.StringArray{firewall.ID()},
		MetadataOptions: &ec2.LaunchTemplateMetadataOptionsArgs{
			HttpEndpoint: pulumi.String("enabled"), HttpTokens: pulumi.String("required"), HttpPutResponseHopLimit: pulumi.Int(1),
		},
		BlockDeviceMappings: ec2.LaunchTemplateBlockDeviceMappingArray{
			&ec2.LaunchTemplateBlockDeviceMappingArgs{DeviceName: pulumi.String("/dev/xvda"), Ebs: &ec2.LaunchTemplateBlockDeviceMappingEbsArgs{
				VolumeType: pulumi.String("gp3"), VolumeSize: pulumi.Int(8), Encrypted: pulumi.String("true"), DeleteOnTermination: pulumi.String("true"),
			}},
			// It stays when the instance ends: what couldn't be delivered is on it.
			&ec2.LaunchTemplateBlockDeviceMappingArgs{DeviceName: pulumi.String(collectorDisk), Ebs: &ec2.LaunchTemplateBlockDeviceMappingEbsArgs{
				VolumeType: pulumi.String("gp3"), VolumeSize: pulumi.Int(args.BufferGiB), Encrypted: pulumi.String("true"), DeleteOnTermination: pulumi.String("false"),
			}},
		},
		TagSpecifications: specifications,
		Tags:              tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	group, err := autoscaling.NewGroup(ctx, name, &autoscaling.GroupArgs{
		Name: pulumi.String(args.Name), MinSize: pulumi.Int(args.MinSize), MaxSize: pulumi.Int(args.MaxSize),
		VpcZoneIdentifiers: pulumi.ToStringArray(args.SubnetIDs), TargetGroupArns: pulumi.StringArray{targets.Arn},
		HealthCheckType: pulumi.String("ELB"), HealthCheckGracePeriod: pulumi.Int(300),
		LaunchTemplate: &autoscaling.GroupLaunchTemplateArgs{Id: template.ID(), Version: pulumi.Sprintf("%d", template.LatestVersion)},
		// A new version of the template replaces the collectors, never all of them at a time.
		InstanceRefresh: &autoscaling.GroupInstanceRefreshArgs{
			Strategy:    pulumi.String("Rolling"),
			Preferences: &autoscaling.GroupInstanceRefreshPreferencesArgs{MinHealthyPercentage: pulumi.Int(100), MaxHealthyPercentage: pulumi.Int(150)},
		},
		// The hook is there before the first instance, and so before the first one ends.
		InitialLifecycleHooks: autoscaling.GroupInitialLifecycleHookArray{&autoscaling.GroupInitialLifecycleHookArgs{
			Name: pulumi.String(collectorHookName), LifecycleTransition: pulumi.String("autoscaling:EC2_INSTANCE_TERMINATING"),
			HeartbeatTimeout: pulumi.Int(collectorHeartbeat), DefaultResult: pulumi.String("CONTINUE"),
		}},
		WaitForCapacityTimeout: pulumi.String("0"),
	}, pulumi.Parent(c), pulumi.DependsOn(after))
	if err != nil {
		return err
	}
	_, err = autoscaling.NewPolicy(ctx, name, &autoscaling.PolicyArgs{
		Name: pulumi.String(args.Name), AutoscalingGroupName: group.Name, PolicyType: pulumi.String("TargetTrackingScaling"),
		TargetTrackingConfiguration: &autoscaling.PolicyTargetTrackingConfigurationArgs{
			TargetValue: pulumi.Float64(50),
			PredefinedMetricSpecification: &autoscaling.PolicyTargetTrackingConfigurationPredefinedMetricSpecificationArgs{
				PredefinedMetricType: pulumi.String("ASGAverageCPUUtilization"),
			},
		},
	}, pulumi.Parent(c))
	return err
}
