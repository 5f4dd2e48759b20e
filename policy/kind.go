package policy

import "github.com/logarchive/logarchive/partition"

// Kind is what a policy is attached to. It decides which elements a statement must have, and how large a document may
// be.
type Kind int

// The kinds of policies. Those up to ServiceControl have no Principal: what they are attached to says whom they are
// about. The others have one.
const (
	// Identity is a managed policy.
	Identity Kind = iota
	// Inline is an inline policy of a role; its size counts together with the role's other inline policies.
	Inline
	// Session is a policy that is passed to AssumeRole.
	Session
	// Boundary is a managed policy used as a permission boundary.
	Boundary
	// ServiceControl is an SCP of AWS Organizations.
	ServiceControl
	// ResourceControl is an RCP of AWS Organizations. Its statements have a Principal, which is always "*".
	ResourceControl
	// Trust is a role's trust policy: it has no Resource, which is the role.
	Trust
	// Key is a KMS key policy.
	Key
	// Bucket is an S3 bucket policy.
	Bucket
	// Queue is an SQS queue policy.
	Queue
	// Topic is an SNS topic policy.
	Topic
	// VaultAccess is the access policy of an AWS Backup vault.
	VaultAccess
	// LogResource is a resource policy of CloudWatch Logs.
	LogResource
	// LogDestination is the access policy of a CloudWatch Logs destination.
	LogDestination
	// Function is the resource policy of a Lambda function.
	Function
	// Endpoint is the policy of a VPC endpoint.
	Endpoint
)

type kindRow struct {
	name                 string
	principal            bool // statements must have Principal or NotPrincipal; others must not have them
	resource             bool // statements must have Resource or NotResource; others must not have them
	limit                partition.Limit
	countsWhitespace     bool
	sidAnything          bool   // IAM wants letters and digits in a Sid; services with policies of their own are laxer
	actions              string // the only service whose actions make sense, "" for all
	onlyPrincipalAnybody bool
}

var kindTable = map[Kind]kindRow{
	Identity:        {name: "managed policy", resource: true, limit: partition.ManagedPolicy},
	Inline:          {name: "inline policy", resource: true, limit: partition.InlineRolePolicies},
	Session:         {name: "session policy", resource: true, limit: partition.SessionPolicy, countsWhitespace: true},
	Boundary:        {name: "permission boundary", resource: true, limit: partition.ManagedPolicy},
	ServiceControl:  {name: "service control policy", resource: true, limit: partition.ServiceControlPolicy, countsWhitespace: true, sidAnything: true},
	ResourceControl: {name: "resource control policy", principal: true, resource: true, limit: partition.ResourceControlPolicy, countsWhitespace: true, sidAnything: true, onlyPrincipalAnybody: true},
	Trust:           {name: "role trust policy", principal: true, limit: partition.RoleTrustPolicy, countsWhitespace: true, actions: "sts"},
	Key:             {name: "key policy", principal: true, resource: true, limit: partition.KeyPolicy, countsWhitespace: true, sidAnything: true, actions: "kms"},
	Bucket:          {name: "bucket policy", principal: true, resource: true, limit: partition.BucketPolicy, countsWhitespace: true, sidAnything: true, actions: "s3"},
	Queue:           {name: "queue policy", principal: true, resource: true, limit: partition.QueuePolicy, countsWhitespace: true, sidAnything: true, actions: "sqs"},
	Topic:           {name: "topic policy", principal: true, resource: true, limit: partition.TopicPolicy, countsWhitespace: true, sidAnything: true, actions: "sns"},
	VaultAccess:     {name: "backup vault access policy", principal: true, resource: true, limit: partition.VaultAccessPolicy, countsWhitespace: true, sidAnything: true, actions: "backup"},
	LogResource:     {name: "log resource policy", principal: true, resource: true, limit: partition.LogResourcePolicy, countsWhitespace: true, sidAnything: true, actions: "logs"},
	LogDestination:  {name: "log destination policy", principal: true, resource: true, limit: partition.LogDestinationPolicy, countsWhitespace: true, sidAnything: true, actions: "logs"},
	Function:        {name: "function policy", principal: true, resource: true, limit: partition.FunctionPolicy, countsWhitespace: true, sidAnything: true, actions: "lambda"},
	Endpoint:        {name: "VPC endpoint policy", principal: true, resource: true, limit: partition.EndpointPolicy, countsWhitespace: true, sidAnything: true},
}

// String returns the kind's name in words, such as "key policy".
func (k Kind) String() string {
	if row, ok := kindTable[k]; ok {
		return row.name
	}
	return "policy of an unknown kind"
}
