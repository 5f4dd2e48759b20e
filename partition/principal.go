package partition

import (
	"fmt"
	"strings"
)

// Principal is the name of an AWS service as a principal in a policy.
type Principal string

// Use is the kind of policy that names a service principal. CloudWatch Logs is called differently in each.
type Use string

// The uses that the table distinguishes.
const (
	// Trust is a role's trust policy.
	Trust Use = "trust"
	// Key is a KMS key policy.
	Key Use = "key"
	// Invoke is a Lambda function's resource policy.
	Invoke Use = "invoke"
	// Deliver is a bucket, queue or topic policy.
	Deliver Use = "deliver"
)

// principalRow: form holds {region} and {suffix} where the name has them.
type principalRow struct {
	service Service
	use     Use // "" for every use that has no row of its own
	aws     string
	china   string
	awsBy   string
	chinaBy string
	note    string
}

const riDefault = "RI lib/default.js: principals are globally SERVICE.amazonaws.com, the China regions are not opt-in"

var principalTable = []principalRow{
	{Athena, "", "athena.amazonaws.com", "athena.amazonaws.com", "RI (H)", "CLO (H)", ""},
	{Backup, "", "backup.amazonaws.com", "backup.amazonaws.com", "RI, CDK default (H)", "CDK default, no exception in TF or RI (M)", ""},
	{Batch, "", "batch.amazonaws.com", "batch.amazonaws.com", "RI default (H)", "RI default (M)", ""},
	{CloudTrail, "", "cloudtrail.amazonaws.com", "cloudtrail.amazonaws.com", "RI default (H)", "no exception in RI or TF (M)", ""},
	{CodeDeploy, "", "codedeploy.amazonaws.com", "codedeploy.amazonaws.com.cn", "RI default (H)", "TF table of exceptions (H)", ""},
	{Config, "", "config.amazonaws.com", "config.amazonaws.com", "RI default (H)", "no exception in RI or TF (M)", ""},
	{EC2, "", "ec2.amazonaws.com", "ec2.amazonaws.com", "RI default (H)", "CLO ec2-iam-instance-profile.ts:113 (H)", "iam:PassedToService may also be the .cn form: see PassedTo"},
	{ECSTasks, "", "ecs-tasks.amazonaws.com", "ecs-tasks.amazonaws.com", "RI default (H)", "CLO (H)", ""},
	{ELBLogDelivery, "", "logdelivery.elasticloadbalancing.amazonaws.com", "", "CDK base-load-balancer.js (H)", "RI ELBV2_ACCOUNT: China delivers as an account, see ELBAccount (H)", ""},
	{EMR, "", "elasticmapreduce.amazonaws.com", "elasticmapreduce.amazonaws.com.cn", "RI default (H)", "TF table of exceptions (H)", ""},
	{Events, "", "events.amazonaws.com", "events.amazonaws.com", "RI default (H)", "CLO (H)", ""},
	{Firehose, "", "firehose.amazonaws.com", "firehose.amazonaws.com", "RI, CDK default (H)", "LZA, CLO (H)", ""},
	{Glue, "", "glue.amazonaws.com", "glue.amazonaws.com", "RI default (H)", "CLO (H)", ""},
	{GuardDuty, "", "guardduty.amazonaws.com", "guardduty.amazonaws.com", "RI default (H)", "no exception in RI or TF (M)", ""},
	{Lambda, "", "lambda.amazonaws.com", "lambda.amazonaws.com", "RI default (H)", "CLO, RI (H)", ""},
	{LogDelivery, "", "delivery.logs.amazonaws.com", "delivery.logs.amazonaws.com", "CDK vpc-flow-logs.js (H)", "LZA logging-stack.ts:397; CLO main-stack.ts:362 (H)", "never with .cn"},
	{Logs, Trust, "logs.amazonaws.com", "logs.amazonaws.com", "CDK 2.276 firehose.js, kinesis.js (H)", "CLO cw-to-firehose-to-s3-stack.ts:101; CDK 2.276 (M-H, not live-tested)", "LZA uses logs.{region}.amazonaws.com in both partitions; older tables say .cn"},
	{Logs, Key, "logs.{region}.amazonaws.com", "logs.{region}.amazonaws.com", "DOC26 encrypt-log-data-kms.md (H)", "LZA key-stack.ts:77 (M)", "the region must be the key's"},
	{Logs, Deliver, "logs.{region}.amazonaws.com", "logs.{region}.amazonaws.com", "DOC26 s3exporttasks (H)", "LZA convention (M)", "export tasks: the bucket is in the same region"},
	{Logs, Invoke, "logs.amazonaws.com", "logs.amazonaws.com", "CDK 2.276 lambda.js (H)", "CDK 2.276 (M, not live-tested)", "in China logs.{region}.amazonaws.com was refused (serverless #7589, H) and the .cn form was required until 2023"},
	{RDS, "", "rds.amazonaws.com", "rds.amazonaws.com", "RI default (H)", riDefault + " (M)", ""},
	{RDSExport, "", "export.rds.amazonaws.com", "export.rds.amazonaws.com", "DOC23/DOC26 USER_ExportSnapshot (H)", "no China variant documented (M)", ""},
	{S3, "", "s3.amazonaws.com", "s3.amazonaws.com", "RI default (H)", "CLO main-stack.ts:353 (H)", ""},
	{S3BatchOperations, "", "batchoperations.s3.amazonaws.com", "batchoperations.s3.amazonaws.com", "DOC23 s3 batch-ops (H)", riDefault + " (M)", ""},
	{S3ServerAccessLogs, "", "logging.s3.amazonaws.com", "logging.s3.amazonaws.com", "DOC23 s3 enable-server-access-logging.md (H)", "CLO main-stack.ts:692 (H)", ""},
	{Scheduler, "", "scheduler.amazonaws.com", "scheduler.amazonaws.com", "RI default (H)", riDefault + " (M)", ""},
	{SNS, "", "sns.amazonaws.com", "sns.amazonaws.com", "RI default (H)", "CLO (H)", ""},
	{SQS, "", "sqs.amazonaws.com", "sqs.amazonaws.com", "RI default (H)", "CLO (H)", ""},
	{SSM, "", "ssm.amazonaws.com", "ssm.amazonaws.com", "RI default (H)", "no exception in RI or TF (M)", ""},
	{States, "", "states.amazonaws.com", "states.amazonaws.com", "RI default (H)", "CLO (H)", ""},
	{CloudWatch, "", "cloudwatch.amazonaws.com", "cloudwatch.amazonaws.com", "RI default (H)", riDefault + " (M)", ""},
	{VPCFlowLogs, "", "vpc-flow-logs.amazonaws.com", "vpc-flow-logs.amazonaws.com", "CDK vpc-flow-logs.js (H)", "CDK, RI (M)", "flow logs to CloudWatch Logs only; to S3 they need no role"},
}

// ServicePrincipal returns the name of service s as a principal in a role's trust policy, and in every other policy
// for services that have one name only. For CloudWatch Logs see also [Place.PrincipalFor]. A service without a row,
// or without a known name in the partition, is an error.
func (p Place) ServicePrincipal(s Service) (Principal, error) { return p.PrincipalFor(s, Trust) }

// PrincipalFor returns the name of service s as a principal in the given kind of policy.
func (p Place) PrincipalFor(s Service, u Use) (Principal, error) {
	for i := range principalTable {
		row := &principalTable[i]
		if row.service != s || (row.use != "" && row.use != u) {
			continue
		}
		form, source := row.aws, row.awsBy
		switch p.Partition() {
		case AWS:
		case China:
			form, source = row.china, row.chinaBy
		default:
			return "", fmt.Errorf("service principal of %q: region %q is not in the table", s, p.Region)
		}
		if form == "" {
			return "", fmt.Errorf("service principal of %q in partition %s: there is none (%s)", s, p.Partition(), source)
		}
		return Principal(strings.ReplaceAll(form, "{region}", string(p.Region))), nil
	}
	return "", fmt.Errorf("service principal of %q for use %q: not in the table", s, u)
}

// passedForms has the values that iam:PassedToService may have besides the service's name in a trust policy. A
// condition that misses the one that is sent refuses the call, and one more name of the same service opens nothing.
var passedForms = []struct {
	service Service
	in      Partition // "" for all
	form    string
	source  string
}{
	{EC2, China, "ec2.amazonaws.com.cn", "DOC23 AWSBatchServiceRole (H)"},
	{Logs, "", "logs.{region}.amazonaws.com", "the form in AWS's own trust policies, DOC23 SubscriptionFilters; LZA in both partitions, what is sent isn't documented (M)"},
	{Logs, China, "logs.amazonaws.com.cn", "TF table of exceptions, what is sent isn't documented (M)"},
}

// PassedTo returns every value that iam:PassedToService may have for service s at p, the name in trust policies first. A
// condition must list them all.
func (p Place) PassedTo(s Service) ([]Principal, error) {
	name, err := p.ServicePrincipal(s)
	if err != nil {
		return nil, err
	}
	names := []Principal{name}
	for _, f := range passedForms {
		if f.service == s && (f.in == "" || f.in == p.Partition()) {
			names = append(names, Principal(strings.ReplaceAll(f.form, "{region}", string(p.Region))))
		}
	}
	return names, nil
}

// callTypes are the values of detail-type in an event that CloudTrail passes on to EventBridge. The edition of the
// documents for China writes Amazon where it means AWS, in examples of events, too; what is sent isn't known.
var callTypes = []struct {
	in           Partition // "" for all
	name, source string
}{
	{"", "AWS API Call via CloudTrail", "EventBridge User Guide, eb-service-event-cloudtrail (H in aws, M in aws-cn)"},
	{China, "Amazon API Call via CloudTrail", "docs.amazonaws.cn eventbridge events-ref-logs (M)"},
}

// CallEventTypes returns every value that detail-type may have in the events that EventBridge gets of API calls. A pattern
// must list them all.
func (p Partition) CallEventTypes() []string {
	var names []string
	for _, t := range callTypes {
		if p.known() && (t.in == "" || t.in == p) {
			names = append(names, t.name)
		}
	}
	return names
}

// IsServicePrincipal says whether s has the form of a service principal in any partition. It looks at the form only:
// the service need not be in the table.
func IsServicePrincipal(s string) bool {
	for _, p := range Partitions() {
		if name, ok := strings.CutSuffix(s, "."+p.DNSSuffix()); ok {
			return name != "" && !strings.ContainsAny(name, "/: *")
		}
	}
	return false
}
