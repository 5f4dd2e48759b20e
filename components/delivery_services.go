package components

import (
	"regexp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// The services that write to a bucket of any account and region under their own names, without a role.
const (
	// TrailDelivery is CloudTrail. Resource is "trail/" and the trail's name.
	TrailDelivery DeliveryKind = "cloudtrail"
	// ConfigDelivery is AWS Config.
	ConfigDelivery DeliveryKind = "config"
	// FindingsDelivery is GuardDuty. Resource is "detector/" and the detector's id, or a star for one that doesn't exist yet.
	// Prefix is empty: into another account's bucket, GuardDuty wants the folder of a prefix to be there already.
	FindingsDelivery DeliveryKind = "guardduty"
	// QueryLogDelivery is Route 53 Resolver, whose query logs the log delivery service writes as it does flow logs.
	QueryLogDelivery DeliveryKind = "resolver-query-log"
)

// selfDelivery is how a service asks that delivers under its own name.
type selfDelivery struct {
	service partition.Service
	name    string // in the ids of statements
	// onBucket and onKey are what it does with the bucket, besides putting objects, and with the key.
	onBucket, onKey []string
	// arn says that it sends the ARN of what it delivers for as aws:SourceArn; account, that aws:SourceAccount must be demanded
	// although the ARN names the account.
	arn, account bool
	folder       func(Delivery) []string
	context      string // of KMS, whose key's value is the ARN, too
}

var selfDelivered = map[DeliveryKind]selfDelivery{
	// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
	// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
	// The bucket has a bucket key, so kms:Decrypt is needed to create the trail.
	TrailDelivery: {
		service: partition.CloudTrail, name: "Trails", onBucket: []string{"s3:GetBucketAcl"}, onKey: []string{"kms:Decrypt", "kms:DescribeKey"},
		arn: true, context: "kms:EncryptionContext:aws:cloudtrail:arn",
		folder: func(d Delivery) []string {
			folders := []string{d.Prefix + "AWSLogs/" + string(d.Source.Account) + "/"}
			if d.Organization != "" {
				folders = append(folders, d.Prefix+"AWSLogs/"+d.Organization+"/")
			}
			return folders
		},
	},
	// https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-policy.html and s3-kms-key-policy.html
	ConfigDelivery: {
		service: partition.Config, name: "Configuration", onBucket: []string{"s3:GetBucketAcl", "s3:ListBucket"},
		onKey: []string{"kms:Decrypt", "kms:GenerateDataKey"}, account: true, folder: folderOf("Config/"),
	},
	// https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_exportfindings.html
	FindingsDelivery: {
		service: partition.GuardDuty, name: "Findings", onBucket: []string{"s3:GetBucketLocation"}, onKey: []string{"kms:GenerateDataKey"},
		arn: true, account: true, folder: folderOf("GuardDuty/"),
	},
}

func folderOf(service string) func(Delivery) []string {
	return func(d Delivery) []string {
		return []string{d.Prefix + "AWSLogs/" + string(d.Source.Account) + "/" + service}
	}
}

// conditions say for whom the service acts. One account is in the ARN; of many, the ARN has none, and the accounts are listed.
func (g grant) conditions(p partition.Partition) policy.Conditions {
	s, c := selfDelivered[g.kind], policy.Conditions{}
	if s.account || len(g.accounts) > 1 {
		c = c.With("StringEquals", "aws:SourceAccount", g.accountIDs()...)
	}
	if s.arn {
		c = c.With("ArnLike", "aws:SourceArn", g.resourceArn(p))
	}
	return c
}

// resourceArn is what the service delivers for.
func (g grant) resourceArn(p partition.Partition) string {
	return partition.ARN{Partition: p, Service: selfDelivered[g.kind].service, Region: g.region, Account: g.arnAccount(), Resource: g.resource}.String()
}

// serviceStatement completes the bucket policy's statement for a service. AWS's examples demand s3:x-amz-acl, which we don't:
// see the flow logs' statement.
func (g grant) serviceStatement(s *policy.Statement, given map[string]int, bucket partition.Place) error {
	of := selfDelivered[g.kind]
	principal, err := bucket.PrincipalFor(of.service, partition.Deliver)
	if err != nil {
		return err
	}
	s.Sid = sid(given, "Deliver", of.name, string(g.region))
	s.Principal = policy.Services(principal)
	s.Action = append(slices.Clone(of.onBucket), "s3:PutObject")
	s.Condition = g.conditions(bucket.Partition())
	return nil
}

// serviceKeyStatements are those of the key policy.
func serviceKeyStatements(args *LogArchiveBucketArgs, all []grant) ([]policy.Statement, error) {
	var out []policy.Statement
	given, p := map[string]int{}, args.Place.Partition()
	for _, g := range all {
		of, ok := selfDelivered[g.kind]
		if !ok {
			continue
		}
		principal, err := args.Place.PrincipalFor(of.service, partition.Key)
		if err != nil {
			return nil, err
		}
		add := func(what string, c policy.Conditions, actions ...string) {
			out = append(out, policy.Statement{
				Sid: sid(given, what, of.name, string(g.region)), Effect: policy.Allow, Principal: policy.Services(principal),
				Action: actions, Resource: []string{"*"}, Condition: c,
			})
		}
		if of.context != "" {
			// Multi-Region trails encrypt in the name of the trail as each region has it, and the key never for another account's.
			account := partition.Account(string(g.accounts[0]))
			if len(g.accounts) > 1 {
				account = "${aws:SourceAccount}"
			}
			kind, _, _ := strings.Cut(g.resource, "/")
			context := partition.ARN{Partition: p, Service: of.service, Region: "*", Account: account, Resource: kind + "/*"}.String()
			add("EncryptFor", g.conditions(p).With("StringLike", of.context, context), "kms:GenerateDataKey*")
			// The service asks for these before it encrypts anything.
			add("DescribeFor", g.conditions(p), of.onKey...)
			continue
		}
		add("EncryptFor", g.conditions(p), of.onKey...)
	}
	return out, nil
}

// digestWriters are the services that may write with S3's own encryption (SSE-S3) although the bucket has a key. CloudTrail's
// digest files were encrypted so whatever the trail's key, and AWS's newer documents say with the trail's: a Deny that refused
// them would leave log files without the proof that they are whole. Requests that name no encryption get the bucket's in any case.
func digestWriters(bucket partition.Place, all []grant) ([]string, error) {
	if !slices.ContainsFunc(all, func(g grant) bool { return g.kind == TrailDelivery }) {
		return nil, nil
	}
	principal, err := bucket.PrincipalFor(partition.CloudTrail, partition.Deliver)
	return []string{string(principal)}, err
}

var (
	organizationID = nameRule{regexp.MustCompile(`^o-[a-z0-9]{10,32}$`), "want the id of an organisation, such as o-exampleorgid"}
	trailResource  = nameRule{regexp.MustCompile(`^trail/[a-zA-Z0-9]+([._-][a-zA-Z0-9]+)*$`), `want "trail/" and a trail's name`}
	detector       = nameRule{regexp.MustCompile(`^detector/([0-9a-f]{32}|\*)$`), `want "detector/" and a detector's id, or a star`}
)

func (p *problems) serviceDelivery(field string, d Delivery) {
	p.flowLogPrefix(field+".Prefix", d.Prefix)
	if d.RoleArn != "" || d.ErrorPrefix != "" || d.Hive || d.AnyFolder {
		p.add(field, d.Kind, "want no RoleArn, ErrorPrefix, Hive or AnyFolder: a service delivers, without a role")
	}
	switch d.Kind {
	case TrailDelivery:
		p.name(field+".Resource", d.Resource, trailResource)
		if d.Organization != "" {
			p.name(field+".Organization", d.Organization, organizationID)
		}
		return
	case FindingsDelivery:
		p.name(field+".Resource", d.Resource, detector)
		if d.Prefix != "" {
			p.add(field+".Prefix", d.Prefix, "want none: into another account's bucket, GuardDuty makes no folders")
		}
	default:
		if d.Resource != "" {
			p.add(field+".Resource", d.Resource, "want none for %s", d.Kind)
		}
	}
	if d.Organization != "" {
		p.add(field+".Organization", d.Organization, "is for %s", TrailDelivery)
	}
}
