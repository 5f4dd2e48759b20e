package partition

import (
	"fmt"
	"strings"
)

// EndpointType is the kind of a VPC endpoint.
type EndpointType string

// The two kinds that services of AWS offer.
const (
	Interface EndpointType = "Interface"
	Gateway   EndpointType = "Gateway"
)

const (
	vpcEndpointSource      = "CDK vpc-endpoint.js (H)"
	vpcEndpointPlainSource = "CDK vpc-endpoint.js: not in its China list, so without cn (M; H for logs, secretsmanager and glue)"
)

// vpcEndpoint: name is the last part of the endpoint service's name, cn whether China puts "cn." before it.
type vpcEndpoint struct {
	name string
	cn   bool
}

// interfaceEndpoints has the services with an interface endpoint. China mixes two prefixes, with no rule to it.
var interfaceEndpoints = map[Service]vpcEndpoint{
	ApplicationAutoScaling: {"application-autoscaling", true},
	Athena:                 {"athena", true},
	AutoScaling:            {"autoscaling", true},
	Backup:                 {"backup", true},
	Batch:                  {"batch", true},
	CloudFormation:         {"cloudformation", true},
	CloudWatch:             {"monitoring", true},
	Config:                 {"config", false},
	EBS:                    {"ebs", true},
	EC2:                    {"ec2", true},
	EC2Messages:            {"ec2messages", false},
	ECR:                    {"ecr.api", true},
	ECRAPI:                 {"ecr.api", true},
	ECRDocker:              {"ecr.dkr", true},
	ECS:                    {"ecs", false},
	EKS:                    {"eks", true},
	Events:                 {"events", false},
	Firehose:               {"kinesis-firehose", false},
	Glue:                   {"glue", false},
	GuardDuty:              {"guardduty", false},
	Kinesis:                {"kinesis-streams", true},
	KMS:                    {"kms", false},
	Lambda:                 {"lambda", true},
	Logs:                   {"logs", false},
	RDS:                    {"rds", true},
	S3:                     {"s3", true},
	SecretsManager:         {"secretsmanager", false},
	SNS:                    {"sns", false},
	SQS:                    {"sqs", true},
	SSM:                    {"ssm", false},
	SSMMessages:            {"ssmmessages", false},
	States:                 {"states", true},
	StatesSync:             {"sync-states", true},
	STS:                    {"sts", true},
}

// gatewayEndpoints has the services with a gateway endpoint, which are named alike in both partitions.
var gatewayEndpoints = map[Service]string{S3: "s3", DynamoDB: "dynamodb"}

// EndpointService returns the name of the endpoint service through which a VPC in r reaches service s.
func (r Region) EndpointService(s Service, t EndpointType) (string, error) {
	p := r.Partition()
	if p == "" {
		_, err := ParseRegion(string(r))
		return "", err
	}
	switch t {
	case Gateway:
		if name, ok := gatewayEndpoints[s]; ok {
			return "com.amazonaws." + string(r) + "." + name, nil
		}
	case Interface:
		if row, ok := interfaceEndpoints[s]; ok {
			prefix := "com.amazonaws."
			if row.cn && p == China {
				prefix = "cn.com.amazonaws."
			}
			return prefix + string(r) + "." + row.name, nil
		}
	}
	return "", fmt.Errorf("%s endpoint service of %q in %s: not in the table", t, s, r)
}

// CheckEndpointService says whether a VPC in r can have an endpoint of a service by that name: an error names the region or the
// prefix that is wrong. Of services that the table doesn't have nothing is known but the form.
func (r Region) CheckEndpointService(name string, t EndpointType) error {
	service, cn := strings.CutPrefix(name, "cn.")
	service, ok := strings.CutPrefix(service, "com.amazonaws.")
	if !ok || strings.HasPrefix(service, "vpce.") {
		return nil // not one of AWS's own
	}
	region, service, _ := strings.Cut(service, ".")
	if region != string(r) {
		return fmt.Errorf("%q is of region %q; want one of %s", name, region, r)
	}
	if cn && r.Partition() != China {
		return fmt.Errorf("%q begins with cn., which only services in China do", name)
	}
	for s, row := range interfaceEndpoints {
		if row.name != service || t != Interface {
			continue
		}
		if want, err := r.EndpointService(s, t); err == nil && want != name {
			return fmt.Errorf("%q is called %s there", name, want)
		}
	}
	if t == Gateway {
		for _, known := range gatewayEndpoints {
			if known == service && !cn {
				return nil
			}
		}
		return fmt.Errorf("%q has no gateway endpoint", name)
	}
	return nil
}
