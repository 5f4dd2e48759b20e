package components

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// InstanceLogShippingArgs are the Args of [NewInstanceLogShipping].
type InstanceLogShippingArgs struct {
	// Place is where the instances are.
	Place partition.Place
	// Agent is what is collected on each instance.
	Agent AgentConfiguration
	// InstanceTags select the instances: those that have all of them, one to five.
	InstanceTags map[string]string
	// RoleName is the name of the role of the instances, and of the instance profile with it.
	RoleName string
	// ParameterName is where the configuration is kept. It begins with AmazonCloudWatch-, which is what AWS's managed policy
	// CloudWatchAgentServerPolicy lets instances read that have a role of their own.
	ParameterName string
	// DocumentName is the document that installs and configures the agent, and also what the association is called.
	DocumentName string
	// AgentVersion is the package's version, such as 1.300049.1b929; empty means the latest.
	AgentVersion string
	// Schedule is how often the state is restored, besides at once after a change and on new instances: "rate(1 day)", which
	// is also what empty means, or another rate from 30 minutes to 31 days.
	Schedule string
	// ComplianceSeverity is of a failure: CRITICAL, HIGH, MEDIUM, LOW or UNSPECIFIED; empty means HIGH.
	ComplianceSeverity string
	// OutputBucket keeps the output of the runs, below OutputPrefix; empty means that Systems Manager keeps its beginning
	// only. The bucket is in the same account.
	OutputBucket, OutputPrefix string
	// CreateLogGroups are those of the agent's log groups that are created here, with RetentionDays, and subscribed to
	// Pipeline. The others must exist.
	CreateLogGroups []string
	RetentionDays   int
	Pipeline        *FirehoseToS3Pipeline
	// DependsOn is what must be there before the first instance is told to send, such as other log groups' subscriptions.
	DependsOn []pulumi.Resource
	// Tags are put on everything that can have some.
	Tags map[string]string
}

// InstanceLogShipping is the way of the files and events of EC2 instances into log groups: the CloudWatch agent's
// configuration, what installs and starts the agent, and what instances may do.
//
// One document does both, and one association runs it. Two associations of the same tag would run in no particular order
// (https://docs.aws.amazon.com/systems-manager/latest/userguide/create-ssm-document-api.html), and a new instance would be
// configured before it has an agent, and then not again before the next interval.
type InstanceLogShipping struct {
	pulumi.ResourceState
	// InstanceProfileName is for the instances.
	InstanceProfileName pulumi.StringOutput
	RoleArn             pulumi.StringOutput
	AssociationID       pulumi.StringOutput
}

const (
	defaultAgentSchedule = "rate(1 day)"
	defaultSeverity      = "HIGH"
	agentPackage         = "AmazonCloudWatchAgent"
	// The documents of AWS that install a package, and that configure the agent.
	packageDocument, agentDocument = "AWS-ConfigureAWSPackage", "AmazonCloudWatch-ManageAgent"
)

var (
	parameterName   = nameRule{regexp.MustCompile(`^AmazonCloudWatch-[\w.-]{1,200}$`), "want AmazonCloudWatch- and up to 200 letters, digits and _.- after it"}
	ssmDocumentName = nameRule{regexp.MustCompile(`^[\w.-]{3,128}$`), "want 3 to 128 letters, digits and _.-, not beginning with aws, amazon or amzn"}
	agentRate       = regexp.MustCompile(`^rate\(([1-9][0-9]{0,4}) (minute|hour|day)s?\)$`)
	agentVersion    = regexp.MustCompile(`^([\w.-]{1,64})?$`)
)

// CheckAssociationRate says whether Systems Manager takes the expression for an association: a rate from 30 minutes to 31
// days (https://docs.aws.amazon.com/systems-manager/latest/userguide/reference-cron-and-rate-expressions.html).
func CheckAssociationRate(expression string) error {
	m := agentRate.FindStringSubmatch(expression)
	minutes := 0
	if m != nil {
		if _, err := fmt.Sscan(m[1], &minutes); err != nil {
			return err
		}
		minutes *= map[string]int{"minute": 1, "hour": 60, "day": 24 * 60}[m[2]]
	}
	if minutes < 30 || minutes > 31*24*60 {
		return fmt.Errorf("want rate(n minutes), rate(n hours) or rate(n days), from 30 minutes to 31 days")
	}
	return nil
}

// ComplianceSeverities returns how severe a failed association may be called.
func ComplianceSeverities() []string {
	return []string{"CRITICAL", "HIGH", "MEDIUM", "LOW", "UNSPECIFIED"}
}

// ParameterTier returns the cheapest tier of Parameter Store that takes a value of the size.
func ParameterTier(size int) (string, error) {
	for _, tier := range []struct {
		name  string
		limit partition.Limit
	}{{"Standard", partition.StandardParameter}, {"Advanced", partition.AdvancedParameter}} {
		limit, err := partition.Everywhere(tier.limit)
		if err != nil {
			return "", err
		}
		if int64(size) <= limit {
			return tier.name, nil
		}
	}
	most, err := partition.Everywhere(partition.AdvancedParameter)
	if err != nil {
		return "", err
	}
	return "", fmt.Errorf("the configuration has %d characters, and a parameter takes %d; spread it over several groups of instances", size, most)
}

func (args *InstanceLogShippingArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	for _, problem := range args.Agent.Problems() {
		field := "Agent"
		if problem.List != "" {
			field = at("Agent."+problem.List, problem.Index, "."+problem.Field)
		}
		p.add(field, problem.Value, "%s", problem.Want)
	}
	if n := len(args.InstanceTags); n == 0 || n > 5 {
		p.add("InstanceTags", n, "want one to five tags")
	}
	p.name("RoleName", args.RoleName, roleName)
	p.name("ParameterName", args.ParameterName, parameterName)
	p.name("DocumentName", args.DocumentName, ssmDocumentName)
	for _, kept := range []string{"aws", "amazon", "amzn"} {
		if strings.HasPrefix(strings.ToLower(args.DocumentName), kept) {
			p.add("DocumentName", args.DocumentName, "names that begin with %s belong to AWS", kept)
		}
	}
	if !agentVersion.MatchString(args.AgentVersion) {
		p.add("AgentVersion", args.AgentVersion, "want a version, or nothing for the latest")
	}
	p.refuse("Schedule", args.Schedule, CheckAssociationRate(args.Schedule))
	p.oneOf("ComplianceSeverity", args.ComplianceSeverity, ComplianceSeverities()...)
	if args.OutputBucket != "" {
		p.bucket("OutputBucket", args.OutputBucket)
	} else if args.OutputPrefix != "" {
		p.add("OutputPrefix", args.OutputPrefix, "there is no OutputBucket")
	}
	args.checkLogGroups(&p)
	_, err := ParameterTier(len(args.Agent.JSON()))
	p.refuse("Agent", len(args.Agent.JSON()), err)
	if len(p.list) == 0 {
		p.document("Agent", "role policy", policy.Inline, args.policy(), nil)
	}
	return p.err("InstanceLogShipping", name)
}

func (args *InstanceLogShippingArgs) checkLogGroups(p *problems) {
	used := args.Agent.LogGroups()
	for i, group := range args.CreateLogGroups {
		if !slices.Contains(used, group) {
			p.add(at("CreateLogGroups", i, ""), group, "nothing is sent to it")
		}
		if slices.Contains(args.CreateLogGroups[:i], group) {
			p.add(at("CreateLogGroups", i, ""), group, "is there twice")
		}
	}
	switch {
	case len(args.CreateLogGroups) == 0 && args.RetentionDays != 0:
		p.add("RetentionDays", args.RetentionDays, "is for log groups that are created: want CreateLogGroups")
	case len(args.CreateLogGroups) == 0:
		return
	default:
		p.refuse("RetentionDays", args.RetentionDays, partition.CheckLogRetention(args.RetentionDays))
	}
	p.carrier(args.Place, CloudWatchLogs, args.Pipeline, nil)
}

// policy is what an instance may do: less than AWS's AmazonSSMManagedInstanceCore and CloudWatchAgentServerPolicy together,
// which also let it read every parameter, open sessions, and create log groups without a retention. What each call is for:
// https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html and
// https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-messageAPIs.html
func (args *InstanceLogShippingArgs) policy() policy.Document {
	place := args.Place
	var groups []string
	for _, group := range args.Agent.LogGroups() {
		groups = append(groups, place.LogGroupARN(group).String()+":*")
	}
	doc := policy.Document{Statements: []policy.Statement{
		{Sid: "WriteLogGroups", Effect: policy.Allow, Action: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, Resource: groups},
		{
			Sid: "ReadConfiguration", Effect: policy.Allow, Action: []string{"ssm:GetParameter"},
			Resource: []string{place.ARN(partition.SSM, "parameter/"+args.ParameterName).String()},
		},
		{
			Sid: "ReadDocuments", Effect: policy.Allow, Action: []string{"ssm:DescribeDocument", "ssm:GetDocument"},
			Resource: []string{
				place.ARN(partition.SSM, "document/"+args.DocumentName).String(),
				place.ManagedDocumentARN(packageDocument).String(), place.ManagedDocumentARN(agentDocument).String(),
			},
		},
		{
			// The instances aren't known beforehand: they are selected by tag.
			Sid: "ReportState", Effect: policy.Allow,
			Action: []string{"ssm:ListInstanceAssociations", "ssm:PutComplianceItems", "ssm:UpdateInstanceAssociationStatus", "ssm:UpdateInstanceInformation"},
			Resource: []string{
				place.ARN(partition.EC2, "instance/*").String(), place.ARN(partition.SSM, "association/*").String(),
			},
		},
		{
			// For none of them AWS offers a resource
			// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html,
			// list_amazonsessionmanagermessagegatewayservice.html, list_amazonmessagedeliveryservice.html).
			Sid: "TalkToSystemsManager", Effect: policy.Allow,
			Action: []string{
				"ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage", "ec2messages:GetEndpoint",
				"ec2messages:GetMessages", "ec2messages:SendReply", "ssm:GetManifest", "ssm:PutConfigurePackageResult",
				"ssmmessages:CreateControlChannel", "ssmmessages:OpenControlChannel",
			},
			Resource: []string{"*"},
		},
	}}
	if args.OutputBucket != "" {
		doc.Statements = append(doc.Statements, policy.Statement{
			Sid: "KeepOutput", Effect: policy.Allow, Action: []string{"s3:PutObject"},
			Resource: []string{partition.ObjectARN(place.Partition(), args.OutputBucket, args.OutputPrefix+"*").String()},
		})
	}
	return doc
}

// EndpointUser is what the instances send, for [LogVpcEndpoints] of their VPCs.
func (args *InstanceLogShippingArgs) EndpointUser() EndpointUser {
	return EndpointUser{RoleArn: args.Place.RoleARN(args.RoleName).String(), Policy: args.policy(), Packages: true}
}

// document installs the agent and then configures it. The second step fails where the first one did, so that the
// association's status tells of both.
func (args *InstanceLogShippingArgs) document() string {
	type object = map[string]any
	install := object{"action": "Install", "name": agentPackage}
	if args.AgentVersion != "" {
		install["version"] = args.AgentVersion
	}
	run := func(document string, parameters object) object {
		return object{"documentType": "SSMDocument", "documentPath": document, "documentParameters": parameters}
	}
	text, err := json.MarshalIndent(object{
		"schemaVersion": "2.2",
		"description":   "Installs the CloudWatch agent and has it send logs",
		"parameters": object{
			"configuration": object{"type": "String", "description": "The parameter that has the agent's configuration", "default": args.ParameterName},
			"revision":      object{"type": "String", "description": "Changes with the configuration, so that a change is applied at once", "default": ""},
		},
		"mainSteps": []object{
			{"action": "aws:runDocument", "name": "installAgent", "inputs": run(packageDocument, install)},
			{"action": "aws:runDocument", "name": "configureAgent", "inputs": run(agentDocument, object{
				"action": "configure", "mode": "ec2", "optionalConfigurationSource": "ssm",
				"optionalConfigurationLocation": "{{ configuration }}", "optionalRestart": "yes",
			})},
		},
	}, "", "  ")
	if err != nil {
		panic(err) // strings can be marshalled
	}
	return string(text)
}

// withDefaults is a copy in which nothing is left open.
func (args InstanceLogShippingArgs) withDefaults() *InstanceLogShippingArgs {
	args.Schedule = cmp.Or(args.Schedule, defaultAgentSchedule)
	args.ComplianceSeverity = cmp.Or(args.ComplianceSeverity, defaultSeverity)
	return &args
}

// NewInstanceLogShipping registers the parameter, the document and its association, role and instance profile, and the log
// groups that are to be created, with their subscriptions: seven resources for any number of instances, and two for each
// log group. Instances that have the tags are told to install the agent, at once and when they start; they need the SSM
// Agent (the images of Amazon Linux, Ubuntu and Windows have it), the instance profile, and a way to the endpoints of
// Systems Manager and CloudWatch Logs. Log groups outlive the program: what they hold is gone otherwise. Errors: [ArgsError].
func NewInstanceLogShipping(ctx *pulumi.Context, name string, given *InstanceLogShippingArgs, opts ...pulumi.ResourceOption) (*InstanceLogShipping, error) {
	if given == nil {
		given = &InstanceLogShippingArgs{}
	}
	args := given.withDefaults()
	if err := args.check(name); err != nil {
		return nil, err
	}
	trusted, err := trust(args.Place, partition.EC2, nil)
	if err != nil {
		return nil, err
	}
	c := &InstanceLogShipping{}
	if err := ctx.RegisterComponentResource("logarchive:index:InstanceLogShipping", name, c, opts...); err != nil {
		return nil, err
	}
	ready := slices.Clone(args.DependsOn)
	for _, groupName := range args.CreateLogGroups {
		group, err := cloudwatch.NewLogGroup(ctx, name+"-"+groupName, &cloudwatch.LogGroupArgs{
			Name:            pulumi.String(groupName),
			RetentionInDays: pulumi.Int(args.RetentionDays),
			Tags:            tags(args.Tags),
		}, pulumi.Parent(c), pulumi.Protect(true), pulumi.RetainOnDelete(true))
		if err != nil {
			return nil, err
		}
		filter, err := args.Pipeline.Subscribe(ctx, name+"-"+groupName, group.Name, "", pulumi.Parent(c))
		if err != nil {
			return nil, err
		}
		ready = append(ready, filter)
	}
	allowed, err := c.registerRole(ctx, name, args, trusted)
	if err != nil {
		return nil, err
	}
	if err := c.registerAgent(ctx, name, args, append(ready, allowed)); err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"instanceProfileName": c.InstanceProfileName, "roleArn": c.RoleArn, "associationId": c.AssociationID})
}

// registerRole: the role of the instances and their profile; the policy is what the association waits for.
func (c *InstanceLogShipping) registerRole(ctx *pulumi.Context, name string, args *InstanceLogShippingArgs, trusted policy.Document) (*iam.RolePolicy, error) {
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Name:             pulumi.String(args.RoleName),
		Description:      pulumi.String("Instances whose CloudWatch agent is configured by parameter " + args.ParameterName),
		AssumeRolePolicy: pulumi.String(trusted.JSON()),
		Tags:             tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	c.RoleArn = role.Arn
	allowed, err := iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{
		Name:   pulumi.String("ship-logs"),
		Role:   role.Name,
		Policy: pulumi.String(args.policy().JSON()),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	profile, err := iam.NewInstanceProfile(ctx, name, &iam.InstanceProfileArgs{
		Name: pulumi.String(args.RoleName),
		Role: role.Name,
		Tags: tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	c.InstanceProfileName = profile.Name
	return allowed, nil
}

// registerAgent: the configuration, the document, and the association that runs it.
func (c *InstanceLogShipping) registerAgent(ctx *pulumi.Context, name string, args *InstanceLogShippingArgs, ready []pulumi.Resource) error {
	configuration := args.Agent.JSON()
	tier, err := ParameterTier(len(configuration))
	if err != nil {
		return err
	}
	parameter, err := ssm.NewParameter(ctx, name, &ssm.ParameterArgs{
		Name:        pulumi.String(args.ParameterName),
		Description: pulumi.String("Configuration of the CloudWatch agent"),
		Type:        pulumi.String("String"),
		Tier:        pulumi.String(tier),
		// Not Value, which is encrypted in the state: a change of what is collected should be seen in a preview.
		InsecureValue: pulumi.String(configuration),
		Tags:          tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	document, err := ssm.NewDocument(ctx, name, &ssm.DocumentArgs{
		Name:           pulumi.String(args.DocumentName),
		DocumentType:   pulumi.String("Command"),
		DocumentFormat: pulumi.String("JSON"),
		TargetType:     pulumi.String("/AWS::EC2::Instance"),
		Content:        pulumi.String(args.document()),
		Tags:           tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	var targets ssm.AssociationTargetArray
	for _, key := range slices.Sorted(maps.Keys(args.InstanceTags)) {
		targets = append(targets, &ssm.AssociationTargetArgs{Key: pulumi.String("tag:" + key), Values: pulumi.StringArray{pulumi.String(args.InstanceTags[key])}})
	}
	sum := sha256.Sum256([]byte(configuration))
	association := &ssm.AssociationArgs{
		AssociationName:    pulumi.String(args.DocumentName),
		Name:               document.Name,
		Targets:            targets,
		ScheduleExpression: pulumi.String(args.Schedule),
		ComplianceSeverity: pulumi.String(args.ComplianceSeverity),
		// One broken instance must not keep the others from sending.
		MaxConcurrency: pulumi.String("25%"),
		MaxErrors:      pulumi.String("100%"),
		Parameters: pulumi.StringMap{
			"configuration": parameter.Name, "revision": pulumi.String(hex.EncodeToString(sum[:8])),
		},
		Tags: tags(args.Tags),
	}
	if args.OutputBucket != "" {
		association.OutputLocation = &ssm.AssociationOutputLocationArgs{
			S3BucketName: pulumi.String(args.OutputBucket), S3KeyPrefix: pulumi.String(args.OutputPrefix), S3Region: pulumi.String(args.Place.Region),
		}
	}
	made, err := ssm.NewAssociation(ctx, name, association, pulumi.Parent(c), pulumi.DependsOn(ready))
	if err != nil {
		return err
	}
	c.AssociationID = made.AssociationId
	return nil
}
