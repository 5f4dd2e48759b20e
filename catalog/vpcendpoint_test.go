package catalog

import (
	"testing"

	"github.com/logarchive/logarchive/partition"
)

func endpointName(s partition.Service, t partition.EndpointType) string {
	name, err := home.Region.EndpointService(s, t)
	if err != nil {
		panic(err)
	}
	return name
}

func endpointSample() m {
	return m{
		"vpcId": "vpc-01234567", "serviceName": endpointName(partition.Logs, partition.Interface), "vpcEndpointType": "Interface", "privateDnsEnabled": true,
		"subnetIds": []any{"subnet-01234567", "subnet-01234568"}, "securityGroupIds": []any{"sg-01234567"}, "policy": bucketPolicy,
	}
}

// China has two prefixes, and each service one of them.
func TestVpcEndpoints(t *testing.T) {
	t.Parallel()
	s3, firehose := endpointName(partition.S3, partition.Gateway), endpointName(partition.Firehose, partition.Interface)
	check(t, VpcEndpoint, []change{
		{"serviceName", "cn." + firehose, "", "InvalidServiceName", "is called " + firehose},
		{"serviceName", s3, "", "InvalidServiceName", "is called cn." + s3},
		{"serviceName", endpointName(partition.STS, partition.Interface)[len("cn."):], "", "InvalidServiceName", "is called cn."},
		{"serviceName", "com.amazonaws.us-east-1.logs", "", "InvalidServiceName", "is of region"},
		{"serviceName", nil, "-", CheckFailure, "exactly one"},
		{"vpcEndpointType", "Private", "", "InvalidParameter", "Gateway"},
		{"vpcEndpointType", "Gateway", "serviceName", "InvalidServiceName", "has no gateway endpoint"},
		{"routeTableIds", []any{"rtb-01234567"}, "", "InvalidParameter", "takes no routeTableIds"},
		{"policy", "{", "", "InvalidPolicyDocument", "policy"},
		{"policy", identityPolicy, "", "InvalidPolicyDocument", "Principal"},
	})
	names := map[string]string{
		endpointName(partition.Logs, partition.Interface): "logs:PutLogEvents", endpointName(partition.S3, partition.Gateway): "s3:PutObject", firehose: "firehose:PutRecordBatch",
	}
	for name, action := range names {
		for _, c := range []struct {
			change m
			vpcs   []string
			want   bool
		}{
			{m{}, []string{"vpc-1", "vpc-01234567"}, true},
			{m{}, []string{"vpc-1"}, false},
			{m{}, nil, false},
			{m{"privateDnsEnabled": false, "routeTableIds": []any{}}, []string{"vpc-01234567"}, false},
			{m{"serviceName": endpointName(partition.KMS, partition.Interface)}, []string{"vpc-01234567"}, false},
		} {
			state := m{"vpcId": "vpc-01234567", "serviceName": name, "vpcEndpointType": "Interface", "privateDnsEnabled": true}
			if name == s3 {
				state = m{"vpcId": "vpc-01234567", "serviceName": name, "vpcEndpointType": "Gateway", "routeTableIds": []any{"rtb-01234567"}}
			}
			for key, value := range c.change {
				state[key] = value
			}
			if got := EndpointCarries(properties(state), home.Region, c.vpcs, action); got != c.want {
				t.Errorf("%v in %v carries %s: %t", state, c.vpcs, action, got)
			}
		}
	}
}
