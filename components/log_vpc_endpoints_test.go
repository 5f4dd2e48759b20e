package components_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

var (
	machines = home.RoleARN("machines").String()
	others   = []string{"logs:GetLogEvents", "s3:GetObject"}
)

func endpointArgs() *components.LogVpcEndpointsArgs {
	return &components.LogVpcEndpointsArgs{
		Place: home, VpcID: "vpc-0a1b2c3d4e5f60718", SubnetIDs: []string{"subnet-0a1b2c3d4e5f60718"}, RouteTableIDs: []string{"rtb-0a1b2c3d4e5f60718"},
		ClientCIDRs: []string{"10.0.0.0/16"}, SecurityGroupName: "endpoints", OtherActions: others,
		Users: []components.EndpointUser{{RoleArn: machines, Packages: true, Policy: policy.Document{Statements: []policy.Statement{
			{Sid: "Put", Effect: policy.Allow, Action: []string{"firehose:PutRecordBatch", "autoscaling:CompleteLifecycleAction"}, Resource: []string{home.ARN(partition.Firehose, "deliverystream/lines").String()}},
			{Sid: "Write", Effect: policy.Allow, Action: []string{"logs:PutLogEvents"}, Resource: []string{home.LogGroupARN("/app").String() + ":*"}},
		}}}},
	}
}

func endpoints(args *components.LogVpcEndpointsArgs) func(*program) error {
	return func(p *program) error {
		_, err := components.NewLogVpcEndpoints(p.ctx, "endpoints", args, p.at(args.Place))
		return err
	}
}

// Each service has one endpoint, under the name that China has for it, which lets through what the role may do and no more.
func TestLogVpcEndpoints(t *testing.T) {
	t.Parallel()
	g := record(t, endpoints(endpointArgs()))
	group := find(t, g, catalog.SecurityGroup, "endpoints")
	want := map[string]partition.EndpointType{"autoscaling": partition.Interface, "firehose": partition.Interface, "logs": partition.Interface, "s3": partition.Gateway}
	if n := len(g.ByType(catalog.VpcEndpoint)); n != len(want) {
		t.Errorf("%d endpoints", n)
	}
	for service, kind := range want {
		r := find(t, g, catalog.VpcEndpoint, "endpoints-"+service)
		name, err := home.Region.EndpointService(partition.Service(service), kind)
		if err != nil || text(t, r, "serviceName") != name || text(t, r, "vpcEndpointType") != string(kind) {
			t.Errorf("%s: %v, %v", service, r.Inputs, err)
		}
		if kind == partition.Gateway {
			if r.Inputs.HasValue("subnetIds") || !r.Inputs.HasValue("routeTableIds") {
				t.Errorf("%s: %v", service, r.Inputs)
			}
		} else if !r.Inputs["privateDnsEnabled"].BoolValue() || r.Inputs["securityGroupIds"].ArrayValue()[0].StringValue() != group.ID {
			t.Errorf("%s: %v", service, r.Inputs)
		}
		doc, err := policy.Parse([]byte(text(t, r, "policy")))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range doc.Statements {
			for _, action := range s.Action {
				if !strings.HasPrefix(action, service+":") || strings.Contains(action, "*") {
					t.Errorf("%s lets through %s", service, action)
				}
			}
			switch {
			case s.Sid == "PackagesOfAWS":
				if service != "s3" || slices.Contains(s.Resource, "*") {
					t.Errorf("%s: %+v", service, s)
				}
			case slices.Contains(others, s.Action[0]):
				if !slices.Equal(s.Condition["StringEquals"]["aws:PrincipalAccount"], s.Condition["StringEquals"]["aws:ResourceAccount"]) {
					t.Errorf("%s: %+v", service, s)
				}
			case !slices.Equal(s.Condition["ArnEquals"]["aws:PrincipalArn"], []string{machines}):
				t.Errorf("%s lets others through: %+v", service, s)
			}
		}
	}
	for _, in := range g.ByType(catalog.SecurityIngress) {
		if in.Inputs["fromPort"].NumberValue() != 443 || in.Inputs["cidrIpv4"].StringValue() != "10.0.0.0/16" {
			t.Errorf("%v", in.Inputs)
		}
	}
	if n := len(g.ByType(catalog.SecurityIngress)); n != 1 || len(g.ByType(catalog.SecurityEgress)) != 0 {
		t.Errorf("%d ways in", n)
	}
	there := endpointArgs()
	there.ClientCIDRs, there.SecurityGroupName, there.SecurityGroupIDs, there.RouteTableIDs = nil, "", []string{"sg-0a1b2c3d4e5f60718"}, nil
	there.Except, there.OtherActions = []partition.Service{partition.Logs}, nil
	g = record(t, endpoints(there))
	if n := len(g.ByType(catalog.VpcEndpoint)); n != 2 || len(g.ByType(catalog.SecurityGroup)) != 0 {
		t.Errorf("%d endpoints, %d groups", n, len(g.ByType(catalog.SecurityGroup)))
	}
}

func TestLogVpcEndpointsArgs(t *testing.T) {
	t.Parallel()
	problems := func(args *components.LogVpcEndpointsArgs, want map[string]string) {
		t.Helper()
		wantProblems(t, refused(t, func(p *program) error {
			_, err := components.NewLogVpcEndpoints(p.ctx, "refused", args, p.at(home))
			return err
		}), want)
	}
	problems(&components.LogVpcEndpointsArgs{
		Place: home, VpcID: "vpc", SubnetIDs: nil, RouteTableIDs: []string{"rtb"}, ClientCIDRs: []string{"0.0.0.0/0"},
	}, map[string]string{
		"VpcID": "a VPC", "SubnetIDs": "at least 1", "RouteTableIDs[0]": "a route table", "ClientCIDRs[0]": "at most a /8", "SecurityGroupName": "the name", "Users": "at least 1",
	})
	bad := endpointArgs()
	bad.SecurityGroupIDs, bad.Users[0].RoleArn = []string{"sg-01234567", "sg-01234567"}, "machines"
	bad.Except, bad.OtherActions = []partition.Service{partition.KMS}, []string{"s3:*", "kms:Decrypt"}
	problems(bad, map[string]string{
		"SecurityGroupIDs[1]": "twice", "ClientCIDRs": "want one of", "Users[0].RoleArn": "is not an ARN", "Except[0]": "nobody needs", "OtherActions[0]": "without wildcards", "OtherActions[1]": "no endpoint for kms",
	})
}
