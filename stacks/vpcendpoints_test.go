package stacks

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestVpcEndpointsProblems(t *testing.T) {
	t.Parallel()
	const ok = `"vpcId":"vpc-0a1b2c3d4e5f60718","subnetIds":["subnet-0f1e2d3c4b5a69788"]`
	const open = ok + `,"clientCidrs":["10.20.0.0/16"]`
	for _, c := range []struct{ name, value, path, want string }{
		{"no VPC", `{"subnetIds":["subnet-0f1e2d3c4b5a69788"],"clientCidrs":["10.20.0.0/16"]}`, ".vpcId", "is required"},
		{"no subnet", `{"vpcId":"vpc-0a1b2c3d4e5f60718","subnetIds":[],"clientCidrs":["10.20.0.0/16"]}`, ".subnetIds", "is empty"},
		{"nobody comes in", `{` + ok + `}`, "", "nobody reaches the endpoints"},
		{"everybody comes in", `{` + ok + `,"clientCidrs":["0.0.0.0/0"]}`, ".clientCidrs[0]", "at most a /8"},
		{"two firewalls", `{` + open + `,"securityGroupIds":["sg-0a1b2c3d4e5f60718"]}`, ".clientCidrs", "want one of"},
		{"not a route table", `{` + open + `,"routeTableIds":["rtb-1"]}`, ".routeTableIds[0]", "rtb-0a1b2c3d4e5f60718"},
		{"a subnet twice", `{"vpcId":"vpc-0a1b2c3d4e5f60718","subnetIds":["subnet-01234567","subnet-01234567"],"clientCidrs":["10.20.0.0/16"]}`, ".subnetIds[1]", "want each once"},
		{"an unknown service", `{` + open + `,"except":["kms"]}`, ".except[0]", "is not one of"},
		{"a wildcard", `{` + open + `,"otherActions":["logs:*"]}`, ".otherActions[0]", "without wildcards"},
		{"an action of a service without an endpoint", `{` + open + `,"otherActions":["kms:Decrypt"]}`, ".otherActions[0]", "no endpoint for kms"},
		{"an action of S3 without a gateway", `{` + open + `,"otherActions":["s3:GetObject"]}`, ".otherActions[0]", "no endpoint for s3"},
		{"an unknown key", `{` + open + `,"policy":"{}"}`, ".policy", "unknown key"},
		{"a VPC twice", `{` + open + `},{` + open + `}`, "[1].vpcId", "want each VPC once"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config, err := LoadConfig("..", "beijing")
			if err != nil {
				t.Fatal(err)
			}
			config["log-archive:vpcEndpoints"] = "[" + c.value + "]"
			_, err = ParseSpec("beijing", config)
			path := c.path
			if !strings.HasPrefix(path, "[") {
				path = "[0]" + path
			}
			if err == nil || !strings.Contains(err.Error(), "log-archive:vpcEndpoints"+path+":") || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "has 1 problem;") {
				t.Errorf("want one problem, of %s with %q, got %v", path, c.want, err)
			}
		})
	}
	_, err := ParseSpec("x", parse(t, smallest).with(t, "vpcEndpoints", []any{map[string]any{"vpcId": "vpc-01234567", "subnetIds": list("subnet-01234567"), "clientCidrs": list("10.0.0.0/16")}}).engine(t))
	if err == nil || !strings.Contains(err.Error(), "nothing in it sends") {
		t.Errorf("endpoints for nobody: %v", err)
	}
}

// What the endpoints are made of must be there.
func TestVpcEndpointsExternals(t *testing.T) {
	t.Parallel()
	_, spec := example(t, "beijing")
	var got []string
	for _, e := range spec.endpointExternals() {
		got = append(got, fmt.Sprint(e.Kind, " ", e.ID))
	}
	want := []string{"vpc vpc-0a1b2c3d4e5f60718", "subnet subnet-0f1e2d3c4b5a69788", "subnet subnet-0f1e2d3c4b5a69799", "route-table rtb-0a1b2c3d4e5f60718"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
