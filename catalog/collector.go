package catalog

import (
	"encoding/base64"
	"net/netip"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// Tokens of what machines behind a load balancer are made of.
const (
	AutoScalingGroup = "aws:autoscaling/group:Group"
	LaunchTemplate   = "aws:ec2/launchTemplate:LaunchTemplate"
	Listener         = "aws:lb/listener:Listener"
	LoadBalancer     = "aws:lb/loadBalancer:LoadBalancer"
	ScalingPolicy    = "aws:autoscaling/policy:Policy"
	SecurityGroup    = "aws:ec2/securityGroup:SecurityGroup"
	SecurityIngress  = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	SecurityEgress   = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
	TargetGroup      = "aws:lb/targetGroup:TargetGroup"
)

// Tokens of what EC2 has that no stack makes.
const (
	vpcToken    = "aws:ec2/vpc:Vpc"
	subnetToken = "aws:ec2/subnet:Subnet"
)

const badELB = "ValidationError"

// See https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html, API_CreateTargetGroup.html
// and API_CreateListener.html
var balancerModels = []*model{{
	token: LoadBalancer, nameProperty: "name", namePrefix: "namePrefix", code: badELB,
	// terraform-provider-aws, resource aws_lb: ForceNew of these.
	forceNew: []string{"name", "namePrefix", "internal", "loadBalancerType", "customerOwnedIpv4Pool"},
	defaults: map[string]any{"loadBalancerType": "application", "internal": false, "ipAddressType": "ipv4"},
	enums:    map[string][]string{"loadBalancerType": {"application", "network", "gateway"}, "ipAddressType": {"ipv4", "dualstack", "dualstack-without-public-ipv4"}},
	texts:    map[string]textRule{"name": balancerName},
	check: func(c *checking) {
		c.without("name", "namePrefix")
		if !c.in.has("subnets") && !c.in.has("subnetMappings") {
			c.fail("subnets", badELB, "At least one subnet must be specified")
		}
	},
	complete: func(c *completion) {
		kind := map[string]string{"network": "net", "gateway": "gwy"}[c.str("loadBalancerType")]
		if kind == "" {
			kind = "app"
		}
		suffix := kind + "/" + c.str("name") + "/" + c.hex("balancer", 16)
		c.id = c.arn(partition.ELB, "loadbalancer/"+suffix)
		c.set("arn", c.id)
		c.set("arnSuffix", suffix)
		c.set("zoneId", "Z"+strings.ToUpper(c.hex("zone", 13)))
		c.set("dnsName", c.host(c.str("name")+"-"+c.hex("balancer", 16), "elb", string(c.Place.Region)))
	},
	references: func(r *referring) {
		r.id("subnets", subnetToken, "SubnetNotFound")
		r.id("securityGroups", SecurityGroup, "InvalidSecurityGroup")
	},
}, {
	token: TargetGroup, nameProperty: "name", namePrefix: "namePrefix", code: badELB,
	// terraform-provider-aws, resource aws_lb_target_group: ForceNew of these.
	forceNew: []string{"name", "namePrefix", "port", "protocol", "protocolVersion", "targetType", "vpcId", "ipAddressType"},
	defaults: map[string]any{"targetType": "instance", "deregistrationDelay": 300},
	enums: map[string][]string{"protocol": {"HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE"}, "targetType": {"instance", "ip", "lambda", "alb"},
		"healthCheck.protocol": {"HTTP", "HTTPS", "TCP"}},
	texts:  map[string]textRule{"name": balancerName},
	ranges: map[string]numberRange{"port": {1, 65535}, "deregistrationDelay": {0, 3600}, "healthCheck.interval": {5, 300}, "healthCheck.healthyThreshold": {2, 10}, "healthCheck.unhealthyThreshold": {2, 10}},
	complete: func(c *completion) {
		suffix := "targetgroup/" + c.str("name") + "/" + c.hex("targets", 16)
		c.id = c.arn(partition.ELB, suffix)
		c.set("arn", c.id)
		c.set("arnSuffix", suffix)
	},
	references: func(r *referring) { r.id("vpcId", vpcToken, "ValidationError") },
}, {
	token: Listener, code: badELB,
	forceNew: []string{"loadBalancerArn"}, // terraform-provider-aws, resource aws_lb_listener
	required: []string{"defaultActions", "loadBalancerArn"},
	enums:    map[string][]string{"protocol": {"HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"}},
	ranges:   map[string]numberRange{"port": {1, 65535}},
	arns:     []string{"loadBalancerArn", "certificateArn", "defaultActions.targetGroupArn"},
	check: func(c *checking) {
		secure := c.in.str("protocol") == "TLS" || c.in.str("protocol") == "HTTPS"
		if secure && !c.in.has("certificateArn") {
			c.fail("certificateArn", "CertificateNotFound", "a certificate must be specified for %s listeners", c.in.str("protocol"))
		}
		if !secure && c.in.has("certificateArn") && c.in.str("protocol") != unknown {
			c.fail("certificateArn", badELB, "certificates can be specified only for HTTPS and TLS listeners")
		}
	},
	complete: func(c *completion) {
		c.id = strings.Replace(c.str("loadBalancerArn"), ":loadbalancer/", ":listener/", 1) + "/" + c.hex("listener", 16)
		c.set("arn", c.id)
	},
	references: func(r *referring) {
		r.near("loadBalancerArn", LoadBalancer, "LoadBalancerNotFound")
		r.near("defaultActions.targetGroupArn", TargetGroup, "TargetGroupNotFound")
	},
}}

var balancerName = textRule{pattern: regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$`), most: 32, want: "up to 32 letters, digits and hyphens, no hyphen first or last"}

// See https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html, API_CreateSecurityGroup.html,
// API_AuthorizeSecurityGroupIngress.html, https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
// and API_PutScalingPolicy.html
var machineModels = []*model{{
	token: LaunchTemplate, nameProperty: "name", namePrefix: "namePrefix", code: "InvalidParameterValue",
	forceNew: []string{"name", "namePrefix"}, // terraform-provider-aws, resource aws_launch_template
	enums:    map[string][]string{"metadataOptions.httpTokens": {"optional", "required"}, "metadataOptions.httpEndpoint": {"enabled", "disabled"}},
	texts:    map[string]textRule{"name": nameRule(`a-zA-Z0-9()./_-`, 3, 128, "3 to 128 letters, digits and the signs ()./_-")},
	ranges:   map[string]numberRange{"metadataOptions.httpPutResponseHopLimit": {1, 64}, "blockDeviceMappings.ebs.volumeSize": {1, 65536}},
	check: func(c *checking) {
		text := c.in.str("userData")
		if text == "" || text == unknown {
			return
		}
		decoded, err := base64.StdEncoding.DecodeString(text)
		switch {
		case err != nil:
			c.fail("userData", "InvalidUserData.Malformed", "Invalid BASE64 encoding of user data")
		case len(decoded) > mostUserData:
			c.fail("userData", "InvalidParameterValue", "User data is limited to %d bytes: it has %d", mostUserData, len(decoded))
		}
	},
	complete: func(c *completion) {
		c.id = "lt-0" + c.hex("template", 16)
		c.set("arn", c.arn(partition.EC2, "launch-template/"+c.id))
		c.set("latestVersion", 1)
		c.def("defaultVersion", 1)
	},
	references: func(r *referring) {
		r.global("iamInstanceProfile.name", InstanceProfile)
		r.id("vpcSecurityGroupIds", SecurityGroup, "InvalidGroup.NotFound")
	},
}, {
	token: SecurityGroup, nameProperty: "name", namePrefix: "namePrefix", code: "InvalidParameterValue",
	forceNew: []string{"name", "namePrefix", "description", "vpcId"}, // terraform-provider-aws, resource aws_security_group
	defaults: map[string]any{"description": "Managed by Pulumi", "revokeRulesOnDelete": false},
	texts:    map[string]textRule{"name": {most: 255, want: "at most 255 characters"}, "description": {least: 1, most: 255, want: "1 to 255 characters"}},
	check: func(c *checking) {
		if strings.HasPrefix(c.in.str("name"), "sg-") {
			c.fail("name", "InvalidParameterValue", "Group names may not be in the format sg-*")
		}
	},
	complete: func(c *completion) {
		c.id = "sg-0" + c.hex("group", 16)
		c.set("arn", c.arn(partition.EC2, "security-group/"+c.id))
		c.set("ownerId", string(c.Place.Account))
	},
	references: func(r *referring) { r.id("vpcId", vpcToken, "InvalidVpcID.NotFound") },
}, securityRule(SecurityIngress), securityRule(SecurityEgress), {
	token: AutoScalingGroup, nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true, code: badELB,
	forceNew: []string{"name", "namePrefix"}, // terraform-provider-aws, resource aws_autoscaling_group
	defaults: map[string]any{"healthCheckType": "EC2", "healthCheckGracePeriod": 300},
	enums:    map[string][]string{"healthCheckType": {"EC2", "ELB"}},
	texts:    map[string]textRule{"name": {least: 1, most: 255, want: "1 to 255 characters"}},
	arns:     []string{"targetGroupArns"},
	check: func(c *checking) {
		least, _ := c.in.num("minSize")
		if most, ok := c.in.num("maxSize"); ok && most < least {
			c.fail("maxSize", badELB, "Max bound, %s, must be greater than or equal to min bound, %s", number(most), number(least))
		}
		for _, f := range c.in.find("initialLifecycleHooks.heartbeatTimeout") {
			if f.value.IsNumber() && (f.value.NumberValue() < 30 || f.value.NumberValue() > 7200) {
				c.fail(f.path, badELB, "%s is not between 30 and 7200", number(f.value.NumberValue()))
			}
		}
		if !c.in.has("launchTemplate") && !c.in.has("launchConfiguration") && !c.in.has("mixedInstancesPolicy") {
			c.fail("launchTemplate", badELB, "exactly one of launchTemplate, launchConfiguration, mixedInstancesPolicy is needed")
		}
	},
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.AutoScaling, "autoScalingGroup:"+c.uuid("group")+":autoScalingGroupName/"+c.id))
	},
	references: func(r *referring) {
		r.near("targetGroupArns", TargetGroup, badELB)
		r.id("launchTemplate.id", LaunchTemplate, badELB)
		r.id("vpcZoneIdentifiers", subnetToken, badELB)
	},
}, {
	token: ScalingPolicy, nameProperty: "name", idFromInputs: true, code: badELB,
	forceNew: []string{"name", "autoscalingGroupName"}, // terraform-provider-aws, resource aws_autoscaling_policy
	defaults: map[string]any{"policyType": "SimpleScaling", "enabled": true},
	enums:    map[string][]string{"policyType": {"SimpleScaling", "StepScaling", "TargetTrackingScaling", "PredictiveScaling"}},
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.AutoScaling, "scalingPolicy:"+c.uuid("policy")+":autoScalingGroupName/"+c.str("autoscalingGroupName")+":policyName/"+c.id))
	},
	references: func(r *referring) { r.name("autoscalingGroupName", AutoScalingGroup, badELB) },
}}

// mostUserData is the size of user data at most, before it is encoded.
const mostUserData = 16 * 1024

// securityRule is one rule of a security group, in either direction.
func securityRule(token string) *model {
	return &model{
		token: token, code: "InvalidParameterValue",
		forceNew: []string{"securityGroupId"}, // terraform-provider-aws, resource aws_vpc_security_group_ingress_rule
		ranges:   map[string]numberRange{"fromPort": {-1, 65535}, "toPort": {-1, 65535}},
		exactly:  [][]string{{"cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"}},
		check: func(c *checking) {
			for _, property := range []string{"cidrIpv4", "cidrIpv6"} {
				if text := c.in.str(property); text != "" && text != unknown {
					if prefix, err := netip.ParsePrefix(text); err != nil || prefix != prefix.Masked() {
						c.fail(property, "InvalidParameterValue", "%q is not a valid CIDR block", text)
					}
				}
			}
		},
		complete: func(c *completion) {
			c.id = "sgr-0" + c.hex("rule", 16)
			c.set("securityGroupRuleId", c.id)
			c.set("arn", c.arn(partition.EC2, "security-group-rule/"+c.id))
		},
		references: func(r *referring) {
			r.id("securityGroupId", SecurityGroup, "InvalidGroup.NotFound")
			r.id("referencedSecurityGroupId", SecurityGroup, "InvalidGroup.NotFound")
		},
	}
}

// FluentBit is what is read of a Fluent Bit configuration.
type FluentBit struct {
	// Ports are those on which it takes lines by TCP.
	Ports []string
	// Streams are the Firehose streams that it puts records into, as region/name.
	Streams []string
}

// FluentBitOf reads the Fluent Bit configuration that a launch template's user data, a cloud-config, writes. False when it
// writes none that puts records into a stream.
func FluentBitOf(state resource.PropertyMap) (FluentBit, bool) {
	decoded, err := base64.StdEncoding.DecodeString(view(state).str("userData"))
	if err != nil {
		return FluentBit{}, false
	}
	config, ok := cloudConfigFile(string(decoded), "fluent-bit.conf")
	if !ok {
		return FluentBit{}, false
	}
	var f FluentBit
	for _, s := range FluentBitSections(config) {
		switch {
		case s.Kind == "INPUT" && s.Keys["name"] == "tcp":
			f.Ports = append(f.Ports, s.Keys["port"])
		case s.Kind == "OUTPUT" && s.Keys["name"] == "kinesis_firehose":
			f.Streams = append(f.Streams, s.Keys["region"]+"/"+s.Keys["delivery_stream"])
		}
	}
	return f, len(f.Streams) > 0
}
