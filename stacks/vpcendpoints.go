package stacks

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// VpcEndpointsSpec are the endpoints of a VPC.
type VpcEndpointsSpec struct {
	Key                      string // path in the configuration
	VpcID                    string
	SubnetIDs, RouteTableIDs []string
	ClientCIDRs              []string
	SecurityGroupIDs         []string // empty if the stack makes one
	Except                   []partition.Service
	OtherActions             []string
}

// endpointServices are those that may be left out: what instances and collectors can need.
var endpointServices = []string{"autoscaling", "ec2messages", "firehose", "logs", "s3", "ssm", "ssmmessages"}

var (
	routeTableForm    = resourceForm("rtb")
	securityGroupForm = resourceForm("sg")
)

func vpcEndpointsField() schema.Field {
	ids := func(key, doc, accepts string, required bool, item schema.Field) schema.Field {
		item.Kind, item.Required = schema.String, true
		return schema.Field{Key: key, Kind: schema.List, Required: required, Doc: doc, Accepts: accepts, Items: &item}
	}
	return schema.Field{
		Key: "vpcEndpoints", Kind: schema.List,
		Doc: "VPC endpoints of the source account, for instances and syslog collectors without a way to the internet: one for each service that they send to, with private DNS and a policy that lets through what their roles may do. Requests of everything else in the VPC go through them, too: name what that does in otherActions. What CloudWatch Logs, Firehose and S3 do themselves doesn't pass a VPC.",
		Example: strings.Join([]string{
			"- vpcId: vpc-0a1b2c3d4e5f60718",
			"  subnetIds: [subnet-0a1b2c3d4e5f60718, subnet-0a1b2c3d4e5f60719]",
			"  routeTableIds: [rtb-0a1b2c3d4e5f60718]",
			"  clientCidrs: [10.0.0.0/16]",
			"  otherActions: [logs:PutLogEvents, s3:GetObject]",
		}, "\n"),
		Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
			{Key: "vpcId", Kind: schema.String, Required: true, Pattern: vpcForm, Doc: "The VPC. Instances of `log-archive:instances` may be in any of those that are listed.", Accepts: "an id such as vpc-0a1b2c3d4e5f60718; each VPC once"},
			ids("subnetIds", "Where the interface endpoints are.", "a list of subnets of the VPC, one in each zone", true,
				schema.Field{Pattern: subnetForm, Accepts: "an id such as subnet-0a1b2c3d4e5f60718"}),
			ids("routeTableIds", "The route tables that get a gateway endpoint to S3. It lets packages of Amazon Linux and of Systems Manager through, and s3 actions of otherActions.", "a list of route tables of the VPC", false,
				schema.Field{Pattern: routeTableForm, Accepts: "an id such as rtb-0a1b2c3d4e5f60718"}),
			ids("clientCidrs", "Who reaches the interface endpoints, by HTTPS, through a security group that the stack makes.", "a list of address ranges of the VPC; required without securityGroupIds", false,
				schema.Field{Accepts: "a range of at most a /8, such as 10.0.0.0/16"}),
			ids("securityGroupIds", "Security groups that are there already, instead.", "a list of security groups of the VPC", false,
				schema.Field{Pattern: securityGroupForm, Accepts: "an id such as sg-0a1b2c3d4e5f60718"}),
			ids("except", "Services that the VPC has an endpoint for already.", "a list of "+strings.Join(endpointServices, ", "), false, schema.Field{Values: endpointServices}),
			ids("otherActions", "What else in the VPC does through these endpoints: by principals of the source account, with resources of the source account.", "a list of actions, without wildcards", false,
				schema.Field{Accepts: "an action such as logs:PutLogEvents"}),
		}},
	}
}

// vpcEndpoints reads the endpoints, once instances and collectors are read.
func (p *parser) vpcEndpoints(v schema.Value) {
	seen := newOnce(p)
	for _, item := range v.Items() {
		seen.text(item.Get("vpcId"), "is the VPC of", "want each VPC once")
		e := VpcEndpointsSpec{Key: item.Path, VpcID: item.Get("vpcId").Text()}
		e.SubnetIDs, e.RouteTableIDs, e.SecurityGroupIDs = p.ids(item.Get("subnetIds")), p.ids(item.Get("routeTableIds")), p.ids(item.Get("securityGroupIds"))
		e.ClientCIDRs = p.ranges(item.Get("clientCidrs"))
		switch cidrs, groups := item.Get("clientCidrs"), item.Get("securityGroupIds"); {
		case !item.Valid:
		case len(groups.Items()) == 0 && len(cidrs.Items()) == 0:
			p.add(item, "nobody reaches the endpoints; want clientCidrs, or securityGroupIds of groups that are there")
		case len(groups.Items()) > 0 && len(cidrs.Items()) > 0:
			p.add(cidrs, "the security groups are there; want one of clientCidrs, securityGroupIds")
		}
		services := components.EndpointServices(p.spec.endpointUsers(e.VpcID))
		if item.Get("vpcId").OK() && len(services) == 0 {
			p.add(item.Get("vpcId"), "%s: nothing in it sends; want instances, or syslog in this VPC", schema.Quote(e.VpcID))
			continue
		}
		if len(e.RouteTableIDs) > 0 && !slices.Contains(services, partition.S3) {
			services = append(services, partition.S3)
		}
		p.endpointChoices(item, &e, services)
		p.spec.VpcEndpoints = append(p.spec.VpcEndpoints, e)
	}
}

// endpointChoices reads what is left out and what else is let through.
func (p *parser) endpointChoices(item schema.Value, e *VpcEndpointsSpec, services []partition.Service) {
	once := newOnce(p)
	for _, s := range item.Get("except").Items() {
		if !s.OK() {
			continue
		}
		once.text(s, "is", "want each once")
		service := partition.Service(s.Text())
		if !slices.Contains(services, service) {
			p.add(s, "%s: nothing here needs an endpoint for it", schema.Quote(s.Text()))
		}
		e.Except = append(e.Except, service)
	}
	for _, a := range item.Get("otherActions").Items() {
		if !a.OK() {
			continue
		}
		once.text(a, "is", "want each once")
		if err := components.CheckEndpointAction(a.Text()); err != nil {
			p.add(a, "%s: %v", schema.Quote(a.Text()), err)
			continue
		}
		service, _, _ := strings.Cut(a.Text(), ":")
		made := slices.Contains(services, partition.Service(service)) && !slices.Contains(e.Except, partition.Service(service))
		if !made || service == string(partition.S3) && len(e.RouteTableIDs) == 0 {
			p.add(a, "%s: no endpoint for %s is made in this VPC", schema.Quote(a.Text()), service)
		}
		e.OtherActions = append(e.OtherActions, a.Text())
	}
}

// ids reads a list of ids, each once.
func (p *parser) ids(v schema.Value) []string {
	var list []string
	once := newOnce(p)
	for _, item := range v.Items() {
		once.text(item, "is", "want each once")
		list = append(list, item.Text())
	}
	return list
}

// endpointUsers are who sends from a VPC: the instances, which may be in every one, and the collectors of this one.
func (s *Spec) endpointUsers(vpc string) []components.EndpointUser {
	var users []components.EndpointUser
	for _, g := range s.Instances {
		users = append(users, s.instanceArgs(g).EndpointUser())
	}
	if s.Syslog != nil && s.Syslog.VpcID == vpc {
		users = append(users, (&components.SyslogCollectorArgs{Place: s.Home, Name: s.SyslogName(), RoleName: s.SyslogRole()}).EndpointUser(s.StreamName(ClassSyslog)))
	}
	return users
}

// endpointExternals are the networks that the endpoints are in.
func (s *Spec) endpointExternals() []External {
	var list []External
	for _, e := range s.VpcEndpoints {
		add := func(kind string, ids ...string) {
			for _, id := range ids {
				list = append(list, External{Kind: kind, ID: id, Place: s.Home, Key: e.Key})
			}
		}
		add(KindVPC, e.VpcID)
		add(KindSubnet, e.SubnetIDs...)
		add(KindRouteTable, e.RouteTableIDs...)
		add(KindSecurityGroup, e.SecurityGroupIDs...)
	}
	return list
}

// vpcEndpoints declares the endpoints.
func (c *composer) vpcEndpoints() error {
	s := c.spec
	ids := pulumi.Map{}
	for _, e := range s.VpcEndpoints {
		args := &components.LogVpcEndpointsArgs{
			Place: s.Home, VpcID: e.VpcID, SubnetIDs: e.SubnetIDs, RouteTableIDs: e.RouteTableIDs, ClientCIDRs: e.ClientCIDRs, SecurityGroupIDs: e.SecurityGroupIDs,
			Users: s.endpointUsers(e.VpcID), Except: e.Except, OtherActions: e.OtherActions,
		}
		if len(e.SecurityGroupIDs) == 0 {
			args.SecurityGroupName = s.NamePrefix + "-endpoints-" + e.VpcID
		}
		made, err := components.NewLogVpcEndpoints(c.ctx, "endpoints-"+e.VpcID, args, c.atHome())
		if err != nil {
			return err
		}
		ids[e.VpcID] = made.EndpointIDs
	}
	if len(ids) > 0 {
		c.ctx.Export("vpcEndpoints", ids)
	}
	return nil
}
