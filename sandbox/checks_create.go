package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// Tokens of types that the checks know more about than the catalog.
const (
	bucketToken       = catalog.Bucket
	bucketPolicyToken = "aws:s3/bucketPolicy:BucketPolicy"
	roleToken         = catalog.Role
	rolePolicyToken   = "aws:iam/rolePolicy:RolePolicy"
	attachmentToken   = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
	policyToken       = catalog.Policy
	keyToken          = catalog.Key
	aliasToken        = "aws:kms/alias:Alias"
	logGroupToken     = catalog.LogGroup
	logStreamToken    = catalog.LogStream
	filterToken       = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
	streamToken       = catalog.Stream
	flowLogToken      = "aws:ec2/flowLog:FlowLog"
	vaultToken        = catalog.Vault
	planToken         = catalog.Plan
	selectionToken    = "aws:backup/selection:Selection"
)

// duplicates has the types of which AWS refuses to make a second one of the same name, with its error code and words;
// %[1]s is the name, %[2]s the account. Of the types that aren't here, the second one silently takes the place of the
// first (bucket policies, inline policies, subscription filters), as it does in AWS.
var duplicates = map[string]struct{ code, message string }{
	bucketToken:                        {"BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it: %[1]s"},
	roleToken:                          {"EntityAlreadyExists", "Role with name %[1]s already exists."},
	policyToken:                        {"EntityAlreadyExists", "A policy called %[1]s already exists. Duplicate names are not allowed."},
	aliasToken:                         {"AlreadyExistsException", "An alias with the name %[1]s already exists"},
	logGroupToken:                      {"ResourceAlreadyExistsException", "The specified log group already exists: %[1]s"},
	logStreamToken:                     {"ResourceAlreadyExistsException", "The specified log stream already exists: %[1]s"},
	streamToken:                        {"ResourceInUseException", "Firehose %[1]s under accountId %[2]s already exists"},
	vaultToken:                         {"AlreadyExistsException", "Backup vault with the same name already exists: %[1]s"},
	"aws:sqs/queue:Queue":              {"QueueAlreadyExists", "A queue already exists with the same name: %[1]s"},
	"aws:lambda/function:Function":     {"ResourceConflictException", "Function already exist: %[1]s"},
	"aws:lambda/permission:Permission": {"ResourceConflictException", "The statement id (%[1]s) provided already exists."},
	catalog.InstanceProfile:            {"EntityAlreadyExists", "Instance Profile %[1]s already exists."},
	catalog.Document:                   {"DocumentAlreadyExists", "Document with same name %[1]s already exists"},
	catalog.ServiceLinkedRole:          {"InvalidInput", "Service role name %[1]s has been taken in this account, please try a different suffix."},
	trailToken:                         {"TrailAlreadyExistsException", "Trail %[1]s already exists for customer: %[2]s"},
	"aws:ssm/parameter:Parameter":      {"ParameterAlreadyExists", "The parameter already exists: %[1]s"},
}

// missingCodes are the error codes with which AWS says that something isn't there.
var missingCodes = map[string]string{
	"aws:s3/":         "NoSuchBucket",
	"aws:iam/":        "NoSuchEntity",
	"aws:kms/":        "NotFoundException",
	"aws:ec2/":        "InvalidFlowLogId.NotFound",
	"aws:sqs/":        "AWS.SimpleQueueService.NonExistentQueue",
	"aws:sns/":        "NotFound",
	"aws:ssm/":        "ParameterNotFound",
	"aws:cloudtrail/": "TrailNotFoundException",
	"aws:cfg/":        "NoSuchConfigurationRecorderException",
}

func missingCode(token string) string {
	service, _, _ := strings.Cut(strings.TrimPrefix(token, "aws:"), "/")
	if code, ok := missingCodes["aws:"+service+"/"]; ok {
		return code
	}
	return "ResourceNotFoundException"
}

// refuseCreation returns all reasons for which AWS would not make an object: it is there already, something that it
// refers to is missing or elsewhere, a quota is used up, nobody may use what it connects.
func (x *index) refuseCreation(t *catalog.Type, o *Object) error {
	var refused refusals
	x.refuseDuplicate(&refused, o)
	if o.Type == flowLogToken {
		x.refuseSameFlowLog(&refused, t, o)
	}
	x.refuseCommon(&refused, t, o)
	x.refuseOverQuota(&refused, o)
	return refused.err()
}

// refuseUpdate is refuseCreation for an object that is there.
func (x *index) refuseUpdate(t *catalog.Type, old, o *Object) error {
	var refused refusals
	if there := x.objects[keyOf(o)]; there != nil && there != old {
		x.refuseDuplicate(&refused, o)
	}
	x.refuseCommon(&refused, t, o)
	return refused.err()
}

func (x *index) refuseCommon(refused *refusals, t *catalog.Type, o *Object) {
	x.refuseDangling(refused, t, o)
	x.refuseStrangers(refused, o)
	x.refuseBrokenLinks(refused, o)
	if o.Type == replicationToken {
		x.refuseReplication(refused, o)
	}
}

func (x *index) refuseDuplicate(refused *refusals, o *Object) {
	there := x.objects[keyOf(o)]
	duplicate, ok := duplicates[o.Type]
	switch {
	case there == nil || !ok:
	case o.Type == bucketToken && there.Place.Account != o.Place.Account:
		refused.add("BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again: %s", o.ID)
	default:
		name := nameOf(o)
		if name == "" {
			name = o.ID
		}
		refused.add(duplicate.code, strings.ReplaceAll(duplicate.message, "%[2]s", string(o.Place.Account)), name)
	}
}

// recorded are the inputs of a flow log that say what it records.
var recorded = []string{"vpcId", "subnetId", "eniId", "transitGatewayId"}

// refuseSameFlowLog: two flow logs of one resource must differ in their destination or in what they record.
func (x *index) refuseSameFlowLog(refused *refusals, t *catalog.Type, o *Object) {
	distinct := append([]string{"trafficType", "logDestinationType", "logDestination"}, recorded...)
	for _, r := range t.References(o.Inputs) {
		if !slices.Contains(recorded, r.Property) {
			continue // a bucket may take a thousand flow logs
		}
		for _, other := range x.linked(linkTo(r, o.Place), flowLogToken) {
			if !slices.ContainsFunc(distinct, func(p string) bool { return other.Text(p) != o.Text(p) }) {
				refused.add("FlowLogAlreadyExists", "Error. There is an existing Flow Log with the same configuration and log destination: %s", other.ID)
				return
			}
		}
	}
}

// refuseDangling checks that everything exists that the inputs point to, in the region and account where AWS wants it.
func (x *index) refuseDangling(refused *refusals, t *catalog.Type, o *Object) {
	for _, r := range t.References(o.Inputs) {
		target := x.resolve(r, o.Place)
		code := r.Code
		if code == "" {
			code = missingCode(r.TargetToken)
		}
		switch {
		case target == nil:
			refused.add(code, "%s: %s", r.Property, x.whyMissing(r, o.Place))
		case gone(target):
			refused.add("KMSInvalidStateException", "%s: %s is pending deletion.", r.Property, target.ARN())
		case r.SameAccount && target.Place.Account != o.Place.Account:
			refused.add(foreignCode(r, "AccessDenied"), "%s: %s belongs to account %s, and %s demands one of its own account %s", r.Property, r.Value, target.Place.Account, o.Type, o.Place.Account)
		case r.SameRegion && target.Place.Region != o.Place.Region && !strings.HasPrefix(target.Type, "aws:iam/"):
			refused.add(foreignCode(r, "PermanentRedirect"), "%s: %s is in %s, and %s demands one of its own region %s", r.Property, r.Value, target.Place.Region, o.Type, o.Place.Region)
		}
	}
}

// foreignCode returns the code for what exists elsewhere: S3 says so, other services say that it doesn't exist.
func foreignCode(r catalog.Reference, s3 string) string {
	if r.TargetToken == bucketToken || r.Code == "" {
		return s3
	}
	return r.Code
}

// whyMissing says that a target doesn't exist, and where a namesake does.
func (x *index) whyMissing(r catalog.Reference, place partition.Place) string {
	message := fmt.Sprintf("The %s %s does not exist in %s", noun(r.TargetToken), r.Value, place)
	if arn, err := partition.ParseARN(r.Value); err == nil {
		message = fmt.Sprintf("The %s %s does not exist", noun(r.TargetToken), arn)
	}
	var elsewhere []string
	for _, other := range x.types[r.TargetToken] {
		if other.ID == r.Value && other.Place != place {
			elsewhere = append(elsewhere, other.Place.String())
		}
	}
	if slices.Sort(elsewhere); len(elsewhere) > 0 {
		message += "; one of that name is in " + strings.Join(elsewhere, ", ")
	}
	if r.External {
		message += " (the sandbox takes it over from a stack's configuration)"
	}
	return message
}

// noun returns a type's name in words: "logGroup" of "aws:cloudwatch/logGroup:LogGroup".
func noun(token string) string { return token[strings.LastIndexByte(token, ':')+1:] }
