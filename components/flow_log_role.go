package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// FlowLogRoleArgs are the Args of [NewFlowLogRole].
type FlowLogRoleArgs struct {
	// Place is where the flow logs are.
	Place partition.Place
	// RoleName is the role's name.
	RoleName string
	// LogGroupPrefix is what the names of all the log groups begin with that the flow logs write to, such as
	// "/log-archive/flow-logs/". The role may write to those, and to no others.
	LogGroupPrefix string
	// Tags are put on the role.
	Tags map[string]string
}

// FlowLogRole is what the flow log service acts as when it writes to log groups. One role serves all flow logs of a
// place.
type FlowLogRole struct {
	pulumi.ResourceState
	Arn pulumi.StringOutput

	place  partition.Place
	prefix string
	policy *iam.RolePolicy
}

func (args *FlowLogRoleArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.name("RoleName", args.RoleName, roleName)
	p.name("LogGroupPrefix", args.LogGroupPrefix, logGroupName)
	return p.err("FlowLogRole", name)
}

// trusted lets the flow log service act as the role for flow logs of the place
// (https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html).
func (args *FlowLogRoleArgs) trusted() (policy.Document, error) {
	return trust(args.Place, partition.VPCFlowLogs, policy.Conditions{}.
		With("StringEquals", "aws:SourceAccount", string(args.Place.Account)).
		With("ArnLike", "aws:SourceArn", args.Place.ARN(partition.EC2, "vpc-flow-log/*").String()))
}

// policy has less than AWS's example, which also lets the service create log groups and list all of them: ours exist
// before the flow log does, with their retention.
func (args *FlowLogRoleArgs) policy() policy.Document {
	return policy.Document{Statements: []policy.Statement{{
		Sid:      "WriteLogGroups",
		Effect:   policy.Allow,
		Action:   []string{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
		Resource: []string{args.Place.LogGroupARN(args.LogGroupPrefix + "*").String()},
	}}}
}

// NewFlowLogRole registers the role and its policy. Errors: [ArgsError].
func NewFlowLogRole(ctx *pulumi.Context, name string, args *FlowLogRoleArgs, opts ...pulumi.ResourceOption) (*FlowLogRole, error) {
	if args == nil {
		args = &FlowLogRoleArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	trusted, err := args.trusted()
	if err != nil {
		return nil, err
	}
	c := &FlowLogRole{place: args.Place, prefix: args.LogGroupPrefix}
	if err := ctx.RegisterComponentResource("logarchive:index:FlowLogRole", name, c, opts...); err != nil {
		return nil, err
	}
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Name:             pulumi.String(args.RoleName),
		Description:      pulumi.Sprintf("VPC flow logs write to log groups %s*", args.LogGroupPrefix),
		AssumeRolePolicy: pulumi.String(trusted.JSON()),
		Tags:             tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	c.Arn = role.Arn
	c.policy, err = iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{
		Name:   pulumi.String("write-log-groups"),
		Role:   role.Name,
		Policy: pulumi.String(args.policy().JSON()),
	}, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"arn": c.Arn})
}
