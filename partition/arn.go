package partition

import (
	"fmt"
	"strings"
)

// ARN names a resource. Region and Account are empty for services that have none in their ARNs: S3 has neither, IAM
// has no region. Account may also be "aws" (managed policies). Resource is everything after the fifth colon, colons
// included.
//
// See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
type ARN struct {
	Partition Partition
	Service   Service
	Region    Region
	Account   Account
	Resource  string
}

// ParseARN reads an ARN. The partition must be one that the table knows, and region and account, where given, must be
// of its form; wildcards are not accepted (they make a pattern, not an ARN). [ARN.String] gives s back.
func ParseARN(s string) (ARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return ARN{}, fmt.Errorf("%q is not an ARN: want arn:partition:service:region:account:resource", s)
	}
	a := ARN{Partition(parts[1]), Service(parts[2]), Region(parts[3]), Account(parts[4]), parts[5]}
	switch {
	case !a.Partition.known():
		return ARN{}, fmt.Errorf("%q: partition %q is not one of aws, aws-cn", s, parts[1])
	case a.Service == "":
		return ARN{}, fmt.Errorf("%q: no service", s)
	case a.Region != "" && a.Region.Partition() != a.Partition:
		return ARN{}, fmt.Errorf("%q: %q is not a region of partition %s: want one of %s", s, parts[3], a.Partition, joinRegions(a.Partition.Regions()))
	case a.Account != "" && a.Account != "aws" && !isAccount(parts[4]):
		return ARN{}, fmt.Errorf("%q: %q is not an account id: want 12 digits", s, parts[4])
	case a.Resource == "":
		return ARN{}, fmt.Errorf("%q: no resource", s)
	}
	return a, nil
}

// String returns the ARN's text. The zero ARN is "".
func (a ARN) String() string {
	if a == (ARN{}) {
		return ""
	}
	return "arn:" + string(a.Partition) + ":" + string(a.Service) + ":" + string(a.Region) + ":" + string(a.Account) + ":" + a.Resource
}

// Place returns the account and region that the ARN names; either may be "".
func (a ARN) Place() Place { return Place{Account: a.Account, Region: a.Region} }

// arnForm says what a service's ARNs leave out, and how the service calls itself in them.
type arnForm struct {
	name                string
	noRegion, noAccount bool
	source              string
}

const arnSource = "DOC23 reference-arns; IAMD resource types (H)"

// arnForms has the services that differ from arn:partition:service:region:account:resource.
var arnForms = map[Service]arnForm{
	S3:            {"s3", true, true, arnSource},
	IAM:           {"iam", true, false, arnSource},
	Organizations: {"organizations", true, false, arnSource},
	STS:           {"sts", true, false, arnSource},
	SSO:           {"sso", true, true, "CN-UG ARNs arn:aws-cn:sso:::… (H)"},
	// EBS volumes and snapshots, the log delivery service and flow logs name their resources under another service.
	EBS:         {"ec2", false, false, arnSource},
	LogDelivery: {"logs", false, false, "DOC26 aws-logs-infrastructure-s3.md (H)"},
	VPCFlowLogs: {"ec2", false, false, arnSource},
	RDSExport:   {"rds", false, false, arnSource},
}

// ARN returns the ARN of a resource of service s at p. It leaves out the region and the account where the service's
// ARNs have none. EC2 snapshots and images, which AWS writes without an account, need an [ARN] literal.
func (p Place) ARN(s Service, resource string) ARN {
	a := ARN{Partition: p.Partition(), Service: s, Region: p.Region, Account: p.Account, Resource: resource}
	if form, ok := arnForms[s]; ok {
		a.Service = Service(form.name)
		if form.noRegion {
			a.Region = ""
		}
		if form.noAccount {
			a.Account = ""
		}
	}
	return a
}

// BucketARN returns the ARN of an S3 bucket, which has neither region nor account.
func BucketARN(p Partition, bucket string) ARN {
	return ARN{Partition: p, Service: S3, Resource: bucket}
}

// ObjectARN returns the ARN of the objects of a bucket that key names; key may be a pattern such as "logs/*".
func ObjectARN(p Partition, bucket, key string) ARN {
	return ARN{Partition: p, Service: S3, Resource: bucket + "/" + key}
}

// ManagedPolicyARN returns the ARN of a policy that AWS keeps; name has its path, such as
// "service-role/AWSBackupServiceRolePolicyForBackup".
func ManagedPolicyARN(p Partition, name string) ARN {
	return ARN{Partition: p, Service: IAM, Account: "aws", Resource: "policy/" + name}
}
