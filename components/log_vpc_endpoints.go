package components

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// EndpointUser is a role that sends from within a VPC, and what it sends.
type EndpointUser struct {
	// RoleArn is the role of the machines.
	RoleArn string
	// Policy is what the role may do: its endpoints let through just that.
	Policy policy.Document
	// Packages says that the SSM Agent of the machines downloads packages from AWS's buckets.
	Packages bool
}

// LogVpcEndpointsArgs are the Args of [NewLogVpcEndpoints].
type LogVpcEndpointsArgs struct {
	// Place is where the VPC is.
	Place partition.Place
	VpcID string
	// SubnetIDs are where the interface endpoints are: subnets of the VPC, one in each zone.
	SubnetIDs []string
	// RouteTableIDs are those of the subnets whose machines reach S3; none for no gateway endpoint.
	RouteTableIDs []string
	// ClientCIDRs are the VPC's ranges, from which the endpoints are reached by HTTPS, through a security group called
	// SecurityGroupName; empty with SecurityGroupIDs, which are there already.
	ClientCIDRs       []string
	SecurityGroupName string
	SecurityGroupIDs  []string
	// Users are who sends through the endpoints. There is an endpoint for each service that their policies name.
	Users []EndpointUser
	// Except are services that the VPC has an endpoint for already: it can have one with private DNS only.
	Except []partition.Service
	// OtherActions are what other machines and functions of the VPC do through the same endpoints, within their own account:
	// private DNS brings everybody's requests there.
	OtherActions []string
	// Tags are put on everything that can have some.
	Tags map[string]string
}

// LogVpcEndpoints are a VPC's own ways to what takes its logs, for machines that have no way to the internet: interface endpoints
// with private DNS, and a gateway endpoint to S3. Each has a policy that lets through what the users' own policies allow, in the
// name of their roles.
type LogVpcEndpoints struct {
	pulumi.ResourceState
	// EndpointIDs are the endpoints, by service.
	EndpointIDs pulumi.StringMap
}

var (
	routeTableID    = nameRule{regexp.MustCompile(`^rtb-(?:[0-9a-f]{8}|[0-9a-f]{17})$`), "want the id of a route table"}
	securityGroupID = nameRule{regexp.MustCompile(`^sg-(?:[0-9a-f]{8}|[0-9a-f]{17})$`), "want the id of a security group"}
)

// EndpointServices are those that users need an endpoint for, sorted.
func EndpointServices(users []EndpointUser) []partition.Service {
	services := map[partition.Service]bool{}
	for _, u := range users {
		for _, s := range u.Policy.Statements {
			for _, action := range s.Action {
				services[serviceOf(action)] = true
			}
		}
		if u.Packages {
			services[partition.S3] = true
		}
	}
	return slices.Sorted(maps.Keys(services))
}

func serviceOf(action string) partition.Service {
	service, _, _ := strings.Cut(action, ":")
	return partition.Service(service)
}

// services are those that get an endpoint, each with its kind.
func (args *LogVpcEndpointsArgs) services() map[partition.Service]partition.EndpointType {
	kinds := map[partition.Service]partition.EndpointType{}
	for _, s := range EndpointServices(args.Users) {
		switch {
		case slices.Contains(args.Except, s):
		case s != partition.S3:
			kinds[s] = partition.Interface
		case len(args.RouteTableIDs) > 0:
			kinds[s] = partition.Gateway
		}
	}
	if len(args.RouteTableIDs) > 0 && !slices.Contains(args.Except, partition.S3) {
		kinds[partition.S3] = partition.Gateway
	}
	return kinds
}

// policyFor is what the endpoint of a service lets through. A gateway endpoint knows principals by aws:PrincipalArn only, and an
// interface endpoint takes it as well (https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html).
func (args *LogVpcEndpointsArgs) policyFor(service partition.Service) policy.Document {
	only := func(actions []string) []string {
		return slices.DeleteFunc(slices.Clone(actions), func(a string) bool { return serviceOf(a) != service })
	}
	var doc policy.Document
	for _, u := range args.Users {
		for _, s := range u.Policy.Statements {
			if s.Action = only(s.Action); len(s.Action) == 0 {
				continue
			}
			s.Sid, s.Principal = "", policy.AnyPrincipal()
			s.Condition = s.Condition.With("ArnEquals", "aws:PrincipalArn", u.RoleArn)
			doc.Statements = append(doc.Statements, s)
		}
	}
	if others := only(args.OtherActions); len(others) > 0 {
		account := string(args.Place.Account)
		doc.Statements = append(doc.Statements, policy.Statement{
			// Which resources they are isn't known: all of the account's, and no other's.
			Sid: "OthersOfTheAccount", Effect: policy.Allow, Principal: policy.AnyPrincipal(), Action: others, Resource: []string{"*"},
			Condition: policy.Conditions{}.With("StringEquals", "aws:PrincipalAccount", account).With("StringEquals", "aws:ResourceAccount", account),
		})
	}
	if service == partition.S3 {
		doc.Statements = append(doc.Statements, policy.Statement{
			// Package managers and the SSM Agent read these without credentials.
			Sid: "PackagesOfAWS", Effect: policy.Allow, Principal: policy.AnyPrincipal(), Action: []string{"s3:GetObject"}, Resource: args.packages(),
		})
	}
	return doc
}

// packages are AWS's own buckets in the region: the repositories of Amazon Linux 2023, and what the SSM Agent needs
// (https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent-technical-details.html). For China these names aren't
// confirmed by any document.
func (args *LogVpcEndpointsArgs) packages() []string {
	region := string(args.Place.Region)
	buckets := []string{"al2023-repos-" + region + "-de612dc2"}
	if slices.ContainsFunc(args.Users, func(u EndpointUser) bool { return u.Packages }) {
		buckets = append(buckets, "amazon-ssm-"+region, "amazon-ssm-packages-"+region, "aws-ssm-"+region, "aws-ssm-distributor-file-"+region,
			"aws-ssm-document-attachments-"+region, region+"-birdwatcher-prod")
	}
	for i, b := range buckets {
		buckets[i] = partition.ObjectARN(args.Place.Partition(), b, "*").String()
	}
	return buckets
}

func (args *LogVpcEndpointsArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.name("VpcID", args.VpcID, vpcID)
	p.atLeast("SubnetIDs", len(args.SubnetIDs), 1)
	each := func(field string, ids []string, rule nameRule) {
		for i, id := range ids {
			p.name(at(field, i, ""), id, rule)
			if slices.Contains(ids[:i], id) {
				p.add(at(field, i, ""), id, "is there twice")
			}
		}
	}
	each("SubnetIDs", args.SubnetIDs, subnetID)
	each("RouteTableIDs", args.RouteTableIDs, routeTableID)
	each("SecurityGroupIDs", args.SecurityGroupIDs, securityGroupID)
	switch {
	case len(args.SecurityGroupIDs) == 0:
		p.atLeast("ClientCIDRs", len(args.ClientCIDRs), 1)
		if args.SecurityGroupName == "" {
			p.add("SecurityGroupName", "", "want the name of the security group")
		}
	case len(args.ClientCIDRs) > 0:
		p.add("ClientCIDRs", strings.Join(args.ClientCIDRs, ", "), "the security groups are there: want one of ClientCIDRs, SecurityGroupIDs")
	}
	for i, cidr := range args.ClientCIDRs {
		p.refuse(at("ClientCIDRs", i, ""), cidr, CheckClientCIDR(cidr))
	}
	p.atLeast("Users", len(args.Users), 1)
	for i, u := range args.Users {
		p.role(at("Users", i, ".RoleArn"), u.RoleArn, args.Place)
	}
	made := args.services()
	for i, s := range args.Except {
		if !slices.Contains(EndpointServices(args.Users), s) && s != partition.S3 {
			p.add(at("Except", i, ""), s, "nobody needs an endpoint for it")
		}
	}
	for i, action := range args.OtherActions {
		if err := CheckEndpointAction(action); err != nil {
			p.refuse(at("OtherActions", i, ""), action, err)
		} else if made[serviceOf(action)] == "" {
			p.add(at("OtherActions", i, ""), action, "there is no endpoint for %s here", serviceOf(action))
		}
	}
	if len(p.list) == 0 {
		for _, s := range slices.Sorted(maps.Keys(made)) {
			p.document("Users", "policy of the endpoint for "+string(s), policy.Endpoint, args.policyFor(s), nil)
			_, err := args.Place.Region.EndpointService(s, made[s])
			p.refuse("Users", s, err)
		}
	}
	return p.err("LogVpcEndpoints", name)
}

var endpointAction = regexp.MustCompile(`^[a-z0-9]+:[A-Za-z]+$`)

// CheckEndpointAction says whether something is an action that other machines may do: one, by its whole name.
func CheckEndpointAction(action string) error {
	if !endpointAction.MatchString(action) {
		return fmt.Errorf("want an action without wildcards, such as logs:PutLogEvents")
	}
	return nil
}

// NewLogVpcEndpoints registers an endpoint for each service, and the security group of the interface endpoints. Errors: [ArgsError].
func NewLogVpcEndpoints(ctx *pulumi.Context, name string, args *LogVpcEndpointsArgs, opts ...pulumi.ResourceOption) (*LogVpcEndpoints, error) {
	if args == nil {
		args = &LogVpcEndpointsArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &LogVpcEndpoints{EndpointIDs: pulumi.StringMap{}}
	if err := ctx.RegisterComponentResource("logarchive:index:LogVpcEndpoints", name, c, opts...); err != nil {
		return nil, err
	}
	groups := pulumi.ToStringArray(args.SecurityGroupIDs)
	if len(args.SecurityGroupIDs) == 0 {
		group, err := c.registerFirewall(ctx, name, args)
		if err != nil {
			return nil, err
		}
		groups = pulumi.StringArray{group.ID()}
	}
	made := args.services()
	for _, service := range slices.Sorted(maps.Keys(made)) {
		called, err := args.Place.Region.EndpointService(service, made[service])
		if err != nil {
			return nil, err
		}
		endpoint := &ec2.VpcEndpointArgs{
			VpcId: pulumi.String(args.VpcID), ServiceName: pulumi.String(called), VpcEndpointType: pulumi.String(made[service]),
			Policy: pulumi.String(args.policyFor(service).JSON()), Tags: tags(args.Tags),
		}
		if made[service] == partition.Gateway {
			endpoint.RouteTableIds = pulumi.ToStringArray(args.RouteTableIDs)
		} else {
			endpoint.PrivateDnsEnabled, endpoint.SubnetIds, endpoint.SecurityGroupIds = pulumi.Bool(true), pulumi.ToStringArray(args.SubnetIDs), groups
		}
		r, err := ec2.NewVpcEndpoint(ctx, name+"-"+string(service), endpoint, pulumi.Parent(c))
		if err != nil {
			return nil, err
		}
		c.EndpointIDs[string(service)] = r.ID().ToStringOutput()
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"endpointIds": c.EndpointIDs})
}

// registerFirewall: the VPC reaches the endpoints by HTTPS. Nothing goes out from them.
func (c *LogVpcEndpoints) registerFirewall(ctx *pulumi.Context, name string, args *LogVpcEndpointsArgs) (*ec2.SecurityGroup, error) {
	group, err := ec2.NewSecurityGroup(ctx, name, &ec2.SecurityGroupArgs{
		Name: pulumi.String(args.SecurityGroupName), Description: pulumi.String("The VPC to its endpoints"), VpcId: pulumi.String(args.VpcID), Tags: tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	for _, cidr := range args.ClientCIDRs {
		if _, err := vpc.NewSecurityGroupIngressRule(ctx, name+"-from-"+cidr, &vpc.SecurityGroupIngressRuleArgs{
			SecurityGroupId: group.ID(), CidrIpv4: pulumi.String(cidr), IpProtocol: pulumi.String("tcp"),
			FromPort: pulumi.Int(443), ToPort: pulumi.Int(443), Description: pulumi.String("HTTPS"), Tags: tags(args.Tags),
		}, pulumi.Parent(c)); err != nil {
			return nil, err
		}
	}
	return group, nil
}
