package partition

import "fmt"

// endpointPrefix has the services whose host name begins otherwise than with their ARN name (BC endpoints.json, H).
var endpointPrefix = map[Service]string{
	CloudWatch: "monitoring",
	ECR:        "api.ecr",
	ECRAPI:     "api.ecr",
	StatesSync: "sync-states",
	Kinesis:    "kinesis",
}

// regional has the services with an endpoint in every region of the table, in both partitions.
var regional = map[Service]bool{
	ApplicationAutoScaling: true, Athena: true, AutoScaling: true, Backup: true, Batch: true, CloudFormation: true, CloudTrail: true,
	CloudWatch: true, Config: true, DynamoDB: true, EBS: true, EC2: true, ECR: true, ECRAPI: true, ECS: true, ELB: true,
	Events: true, Firehose: true, Glue: true, GuardDuty: true, Kinesis: true, KMS: true, Lambda: true, Logs: true,
	RDS: true, S3: true, Scheduler: true, SecretsManager: true, SNS: true, SQS: true, SSM: true, States: true, STS: true,
}

// globalEndpoint has the services with one endpoint for the whole partition (BC endpoints.json partitionEndpoint, H).
var globalEndpoint = map[Service]map[Partition]string{
	IAM:           {AWS: "iam.amazonaws.com", China: "iam.cn-north-1.amazonaws.com.cn"},
	Organizations: {AWS: "organizations.us-east-1.amazonaws.com", China: "organizations.cn-northwest-1.amazonaws.com.cn"},
}

const endpointSource = "BC endpoints.json (H)"

// Endpoint returns the host name that clients of service s call at p, without scheme. Services with one endpoint for
// the partition (IAM, Organizations) give that one. A service without a known endpoint is an error.
func (p Place) Endpoint(s Service) (string, error) {
	suffix := p.Partition().DNSSuffix()
	if suffix == "" {
		return "", fmt.Errorf("endpoint of %q: region %q is not in the table", s, p.Region)
	}
	if byPartition, ok := globalEndpoint[s]; ok {
		return byPartition[p.Partition()], nil
	}
	if !regional[s] {
		return "", fmt.Errorf("endpoint of %q in %s: not in the table", s, p.Region)
	}
	name := string(s)
	if other, ok := endpointPrefix[s]; ok {
		name = other
	}
	return name + "." + string(p.Region) + "." + suffix, nil
}

// viaServices has the services that call KMS for a principal, and so appear in kms:ViaService.
var viaServices = map[Service]string{
	Athena: "athena", Backup: "backup", DynamoDB: "dynamodb", EC2: "ec2", EBS: "ec2", Firehose: "firehose",
	Glue: "glue", Kinesis: "kinesis", Lambda: "lambda", Logs: "logs", RDS: "rds", S3: "s3", SecretsManager: "secretsmanager",
	SNS: "sns", SQS: "sqs", SSM: "ssm",
}

const viaSource = "DOC23 kms conditions-kms#kms-via-service (H in aws); endpoint rule, no China text found (M in aws-cn)"

// ViaService returns the value of the condition key kms:ViaService when service s at p calls KMS for a principal. It
// follows the endpoint's DNS suffix, unlike service principals.
func (p Place) ViaService(s Service) (string, error) {
	suffix := p.Partition().DNSSuffix()
	if suffix == "" {
		return "", fmt.Errorf("kms:ViaService of %q: region %q is not in the table", s, p.Region)
	}
	name, ok := viaServices[s]
	if !ok {
		return "", fmt.Errorf("kms:ViaService of %q: not in the table", s)
	}
	return name + "." + string(p.Region) + "." + suffix, nil
}

// BucketHost returns the virtual-hosted host name of a bucket at p, such as a client uses for HTTPS requests.
func (p Place) BucketHost(bucket string) (string, error) {
	host, err := p.Endpoint(S3)
	if err != nil {
		return "", err
	}
	return bucket + "." + host, nil
}
