package catalog

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// VpcEndpoint is the token of a VPC's own way to a service.
const VpcEndpoint = "aws:ec2/vpcEndpoint:VpcEndpoint"

const routeTableToken = "aws:ec2/routeTable:RouteTable"

// See https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html
var vpcEndpointModels = []*model{{
	token: VpcEndpoint, code: "InvalidParameter",
	// terraform-provider-aws, resource aws_vpc_endpoint: ForceNew of these.
	forceNew: []string{"resourceConfigurationArn", "serviceName", "serviceNetworkArn", "serviceRegion", "vpcEndpointType", "vpcId"},
	defaults: map[string]any{"vpcEndpointType": "Gateway", "privateDnsEnabled": false},
	enums:    map[string][]string{"vpcEndpointType": {"Gateway", "GatewayLoadBalancer", "Interface", "Resource", "ServiceNetwork"}, "ipAddressType": {"ipv4", "dualstack", "ipv6"}},
	exactly:  [][]string{{"serviceName", "resourceConfigurationArn", "serviceNetworkArn"}},
	documents: []document{
		{"policy", policy.Endpoint, "InvalidPolicyDocument", "InvalidPolicyDocument"},
	},
	check: func(c *checking) {
		kind := partition.EndpointType(c.in.str("vpcEndpointType"))
		if kind == "" {
			kind = partition.Gateway
		}
		if kind == unknown {
			return
		}
		if name := c.in.str("serviceName"); name != "" && name != unknown && !c.in.has("serviceRegion") {
			if err := c.Place.Region.CheckEndpointService(name, kind); err != nil {
				c.fail("serviceName", "InvalidServiceName", "The Vpc Endpoint Service does not exist: %v", err)
			}
		}
		others := []string{"routeTableIds"}
		if kind == partition.Gateway {
			others = []string{"subnetIds", "securityGroupIds", "privateDnsEnabled", "dnsOptions"}
		}
		for _, property := range others {
			if c.in.has(property) && !(property == "privateDnsEnabled" && !c.in.bool(property)) {
				c.fail(property, "InvalidParameter", "an endpoint of type %s takes no %s", kind, property)
			}
		}
	},
	complete: func(c *completion) {
		c.id = "vpce-0" + c.hex("endpoint", 16)
		c.set("arn", c.arn(partition.EC2, "vpc-endpoint/"+c.id))
		c.set("ownerId", string(c.Place.Account))
		c.set("state", "available")
		c.set("requesterManaged", false)
		c.def("serviceRegion", string(c.Place.Region))
		c.def("policy", openEndpoint)
		if c.str("vpcEndpointType") != string(partition.Interface) {
			c.set("prefixListId", "pl-"+c.hex("prefixes", 8))
			return
		}
		c.def("ipAddressType", "ipv4")
		service := c.str("serviceName")
		service = service[strings.LastIndexByte(service, '.')+1:]
		c.set("dnsEntries", []any{map[string]any{"dnsName": c.host(c.id+"-"+c.hex("name", 8), service, string(c.Place.Region), "vpce"), "hostedZoneId": "Z" + strings.ToUpper(c.hex("zone", 13))}})
		var interfaces []any
		for _, subnet := range c.view().list("subnetIds") {
			interfaces = append(interfaces, "eni-0"+c.hex("interface "+text(subnet), 16))
		}
		c.set("networkInterfaceIds", interfaces)
	},
	references: func(r *referring) {
		r.id("vpcId", vpcToken, "InvalidVpcId.NotFound")
		r.id("subnetIds", subnetToken, "InvalidSubnetID.NotFound")
		r.id("securityGroupIds", SecurityGroup, "InvalidGroup.NotFound")
		r.id("routeTableIds", routeTableToken, "InvalidRouteTableID.NotFound")
	},
}}

// openEndpoint is the policy of an endpoint that is given none
// (https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html).
const openEndpoint = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

// EndpointCarries says whether a request that is made in one of some VPCs goes through an endpoint: one of the service, in one of
// the VPCs, that is a gateway in route tables, or has the service's name by private DNS.
func EndpointCarries(state resource.PropertyMap, region partition.Region, vpcs []string, action string) bool {
	v := view(state)
	in := false
	for _, vpc := range vpcs {
		in = in || vpc == v.str("vpcId")
	}
	if !in {
		return false
	}
	service, _, _ := strings.Cut(action, ":")
	for _, kind := range []partition.EndpointType{partition.Gateway, partition.Interface} {
		name, err := region.EndpointService(partition.Service(service), kind)
		if err != nil || name != v.str("serviceName") {
			continue
		}
		gateway := v.str("vpcEndpointType") != string(partition.Interface)
		if gateway == (kind == partition.Gateway) {
			return gateway && len(v.list("routeTableIds")) > 0 || !gateway && v.bool("privateDnsEnabled")
		}
	}
	return false
}
