package components

import (
	"cmp"
	"maps"
	"os"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// FunctionArgs are what every function of ours has.
type FunctionArgs struct {
	// FunctionName is the function's name, 1 to 64 letters, digits, hyphens and underscores. Its log group is
	// /aws/lambda/ and the name.
	FunctionName string
	// RoleName is the role that the function acts as.
	RoleName string
	// Architecture is the instruction set; empty means arm64 where it is known to be available, else x86_64.
	Architecture Architecture
	// MemoryMiB is the function's memory, and so its share of a processor; 0 means 512.
	MemoryMiB int
	// TimeoutSeconds ends an invocation; 0 means 180.
	TimeoutSeconds int
	// ReservedConcurrency is how many invocations there may be at a time, taken from the account's; 0 means that it has no
	// limit of its own.
	ReservedConcurrency int
	// LogRetentionDays is how long the function's own messages are kept; 0 means 30.
	LogRetentionDays int
	// Code gives the deployment package; nil means what [CodeVariable] says, or else [SourceCode].
	Code Code
	// Tags are put on the function, its role and its log group.
	Tags map[string]string
}

const (
	defaultFunctionMemory = 512
	// DefaultFunctionSeconds is how long an invocation may take where the Args don't say.
	DefaultFunctionSeconds = 180
	// Lambda's limits (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
	leastFunctionMemory, mostFunctionMemory = 128, 10240
	mostVariables                           = 4096
)

// LogGroup is the function's own log group, to which Lambda writes.
func (args *FunctionArgs) LogGroup() string { return "/aws/lambda/" + args.FunctionName }

func (args *FunctionArgs) arn(place partition.Place) string {
	return place.ARN(partition.Lambda, "function:"+args.FunctionName).String()
}

func (args *FunctionArgs) seconds() int { return cmp.Or(args.TimeoutSeconds, DefaultFunctionSeconds) }

// architecture chooses the cheaper one where it is known to be there.
func (args *FunctionArgs) architecture(place partition.Place) Architecture {
	switch {
	case args.Architecture != "":
		return args.Architecture
	case place.Region.Require(partition.LambdaARM64) == nil:
		return ARM64
	}
	return X8664
}

// function checks what every function has; mostSeconds is the longest invocation that its caller waits for.
func (p *problems) function(args *FunctionArgs, place partition.Place, mostSeconds int) {
	p.name("FunctionName", args.FunctionName, functionName)
	p.name("RoleName", args.RoleName, roleName)
	switch args.architecture(place) {
	case ARM64:
		p.refuse("Architecture", ARM64, place.Region.Require(partition.LambdaARM64))
	case X8664:
	default:
		p.oneOf("Architecture", string(args.Architecture), string(ARM64), string(X8664))
	}
	if err := place.Region.Require(partition.LambdaProvidedAL2023); err != nil && place.Partition() != "" {
		p.refuse("Place", place, err)
	}
	if memory := cmp.Or(args.MemoryMiB, defaultFunctionMemory); memory < leastFunctionMemory || memory > mostFunctionMemory {
		p.add("MemoryMiB", args.MemoryMiB, "want %d to %d", leastFunctionMemory, mostFunctionMemory)
	}
	if seconds := args.seconds(); seconds < 1 || seconds > mostSeconds {
		p.add("TimeoutSeconds", args.TimeoutSeconds, "want 1 to %d", mostSeconds)
	}
	if args.ReservedConcurrency < 0 {
		p.add("ReservedConcurrency", args.ReservedConcurrency, "want at least 1, or 0 for no limit of its own")
	}
	p.refuse("LogRetentionDays", args.LogRetentionDays, partition.CheckLogRetention(cmp.Or(args.LogRetentionDays, defaultErrorLogDays)))
}

// variables checks the size of an environment. Outputs that aren't known yet are left out.
func (p *problems) variables(field string, all map[string]string) {
	size := 0
	for name, value := range all {
		size += len(name) + len(value)
	}
	if size > mostVariables {
		p.add(field, size, "the function's environment variables have %d bytes, Lambda takes %d", size, mostVariables)
	}
}

// writeOwnLogs is what a function may do for its own messages. It can't create the log group: ours exists before the
// function does, with its retention (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html).
func (args *FunctionArgs) writeOwnLogs(place partition.Place) policy.Statement {
	return policy.Statement{
		Sid:      "WriteOwnLogs",
		Effect:   policy.Allow,
		Action:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		Resource: []string{place.LogGroupARN(args.LogGroup() + ":*").String()},
	}
}

// pack gives the deployment package of the function whose source is in the folder below functions. maxBytes, if not 0, is
// less than Lambda's limit. It comes before anything is registered, for it can fail.
func (args *FunctionArgs) pack(ctx *pulumi.Context, place partition.Place, folder string, maxBytes int64) (Package, error) {
	code := args.Code
	if code == nil {
		code = chosenCode(os.Getenv, maxBytes)
	}
	return code(ctx, folder, args.architecture(place))
}

// deployment is a function to be registered.
type deployment struct {
	*FunctionArgs
	Package
	place       partition.Place
	description string
	policyName  string
	policy      policy.Document
	document    pulumi.StringInput // of the policy, if it becomes known later
	variables   pulumi.StringMap
}

// deployed is what was registered.
type deployed struct {
	function *lambda.Function
	role     *iam.Role
	policy   *iam.RolePolicy
}

// deploy registers a log group, a role with one policy, and the function, which waits for all three.
func (d deployment) deploy(ctx *pulumi.Context, name string, parent pulumi.Resource, after ...pulumi.Resource) (*deployed, error) {
	// Lambda documents no condition for this call, and one that isn't sent would refuse every invocation
	// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html).
	trusted, err := trust(d.place, partition.Lambda, nil)
	if err != nil {
		return nil, err
	}
	group, err := cloudwatch.NewLogGroup(ctx, name, &cloudwatch.LogGroupArgs{
		Name:            pulumi.String(d.LogGroup()),
		RetentionInDays: pulumi.Int(cmp.Or(d.LogRetentionDays, defaultErrorLogDays)),
		Tags:            tags(d.Tags),
	}, pulumi.Parent(parent))
	if err != nil {
		return nil, err
	}
	out := &deployed{}
	out.role, err = iam.NewRole(ctx, name, &iam.RoleArgs{
		Name:             pulumi.String(d.RoleName),
		Description:      pulumi.Sprintf("Function %s", d.FunctionName),
		AssumeRolePolicy: pulumi.String(trusted.JSON()),
		Tags:             tags(d.Tags),
	}, pulumi.Parent(parent))
	if err != nil {
		return nil, err
	}
	document := d.document
	if document == nil {
		document = pulumi.String(d.policy.JSON())
	}
	out.policy, err = iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{
		Name:   pulumi.String(d.policyName),
		Role:   out.role.Name,
		Policy: document,
	}, pulumi.Parent(parent))
	if err != nil {
		return nil, err
	}
	args := &lambda.FunctionArgs{
		Name:           pulumi.String(d.FunctionName),
		Description:    pulumi.String(d.description),
		Role:           out.role.Arn,
		Runtime:        pulumi.String("provided.al2023"),
		Handler:        pulumi.String("bootstrap"),
		Architectures:  pulumi.StringArray{pulumi.String(d.architecture(d.place))},
		Code:           d.Archive,
		SourceCodeHash: pulumi.String(d.Hash),
		MemorySize:     pulumi.Int(cmp.Or(d.MemoryMiB, defaultFunctionMemory)),
		Timeout:        pulumi.Int(d.seconds()),
		Tags:           tags(d.Tags),
	}
	if len(d.variables) > 0 {
		args.Environment = &lambda.FunctionEnvironmentArgs{Variables: d.variables}
	}
	if d.ReservedConcurrency > 0 {
		args.ReservedConcurrentExecutions = pulumi.Int(d.ReservedConcurrency)
	}
	out.function, err = lambda.NewFunction(ctx, name, args, pulumi.Parent(parent),
		pulumi.DependsOn(append([]pulumi.Resource{out.policy, group}, after...)))
	return out, err
}

// plainVariables are an environment that is known.
func plainVariables(all map[string]string) pulumi.StringMap {
	out := pulumi.StringMap{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out[name] = pulumi.String(all[name])
	}
	return out
}
