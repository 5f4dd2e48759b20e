package components

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// TransformFunctionArgs are the Args of [NewTransformFunction].
type TransformFunctionArgs struct {
	// Place is where the function is. The streams that it serves must be there, too.
	Place partition.Place
	FunctionArgs
	// StreamNames are the Firehose streams that it serves, and onto which it puts back what doesn't fit into an answer.
	// They need not exist yet.
	StreamNames []string
	Settings    TransformSettings
}

// TransformFunction turns the records of CloudWatch Logs into lines for [FirehoseToS3Pipeline]: one function for any
// number of streams. What it does is described in functions/transform.
type TransformFunction struct {
	pulumi.ResourceState
	Function *lambda.Function
	Arn      pulumi.StringOutput
	RoleArn  pulumi.StringOutput
	// LogGroup is the function's own log group. It must not be subscribed to the streams that the function serves.
	LogGroup string

	place         partition.Place
	arn           string
	streams       []string
	partitionKeys []string
	rolePolicy    *iam.RolePolicy
}

// transformPackage is how large the function's zip may be: what is large starts slowly.
const transformPackage = 8 << 20

// settingName is what needs no escaping in a key of S3; fieldName and fieldValue are what a list of an environment
// variable can hold.
var (
	settingName = nameRule{regexp.MustCompile(`^[0-9A-Za-z_-]+$`), "want letters, digits, hyphens and underscores"}
	extraField  = nameRule{regexp.MustCompile(`^[^,=\s][^,=]*(=[^,]*)?$`), "want a name, or name=constant, without commas"}
	groupPrefix = nameRule{regexp.MustCompile(`^[\w./#-]{1,512}$`), "want what the names of log groups begin with: 1 to 512 letters, digits and _./#-"}
	lineMembers = []string{"id", "timestamp", "message", "logGroup", "logStream", "owner"}
)

func (args *TransformFunctionArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	most, err := partition.Everywhere(partition.FirehoseTransformSeconds)
	p.refuse("TimeoutSeconds", args.TimeoutSeconds, err)
	p.function(&args.FunctionArgs, args.Place, int(most))
	if len(args.StreamNames) == 0 {
		p.add("StreamNames", "", "want at least one stream")
	}
	for i, s := range args.StreamNames {
		field := at("StreamNames", i, "")
		p.name(field, s, streamName)
		if slices.Contains(args.StreamNames[:i], s) {
			p.add(field, s, "is there twice")
		}
	}
	p.settings(&args.Settings)
	if len(p.list) == 0 {
		p.document("StreamNames", "role policy", policy.Inline, args.policy(), nil)
	}
	return p.err("TransformFunction", name)
}

// settings checks what the function would refuse when it starts, which is when the first logs come.
func (p *problems) settings(s *TransformSettings) {
	for i, f := range s.ExtraFields {
		field := at("Settings.ExtraFields", i, "")
		p.name(field, f, extraField)
		member, _, _ := strings.Cut(f, "=")
		if slices.Contains(lineMembers, member) {
			p.add(field, f, "every line has %s", strings.Join(lineMembers, ", "))
		}
		if slices.ContainsFunc(s.ExtraFields[:i], func(other string) bool { o, _, _ := strings.Cut(other, "="); return o == member }) {
			p.add(field, f, "is there twice")
		}
	}
	for i, key := range s.PartitionKeys {
		field := at("Settings.PartitionKeys", i, "")
		p.oneOf(field, key, PartitionKeys()...)
		if slices.Contains(s.PartitionKeys[:i], key) {
			p.add(field, key, "is there twice")
		}
	}
	if s.Class != "" {
		p.name("Settings.Class", s.Class, settingName)
	}
	for prefix, class := range s.Classes {
		p.name("Settings.Classes["+prefix+"]", class, settingName)
		p.name("Settings.Classes["+prefix+"]", prefix, groupPrefix)
	}
	if s.LogSample > 1_000_000 {
		p.add("Settings.LogSample", s.LogSample, "want at most 1000000")
	}
	p.variables("Settings", s.variables())
}

// policy is what the function may do: write its own messages, and put records back onto the streams that it serves.
// Firehose's keys need no grant: Firehose uses them itself.
func (args *TransformFunctionArgs) policy() policy.Document {
	var streams []string
	for _, s := range args.StreamNames {
		streams = append(streams, args.Place.ARN(partition.Firehose, "deliverystream/"+s).String())
	}
	return policy.Document{Statements: []policy.Statement{
		args.writeOwnLogs(args.Place),
		{
			Sid:      "PutBack",
			Effect:   policy.Allow,
			Action:   []string{"firehose:PutRecordBatch"},
			Resource: streams,
		},
	}}
}

// NewTransformFunction registers a log group, a role with its policy, and the function. Errors: [ArgsError]; those of
// Args.Code: no Go command, no source, a compiler's message.
//
// Firehose needs no permission in the function's own policy: it calls as the role of its stream, which has the
// permission (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3).
func NewTransformFunction(ctx *pulumi.Context, name string, args *TransformFunctionArgs, opts ...pulumi.ResourceOption) (*TransformFunction, error) {
	if args == nil {
		args = &TransformFunctionArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	zip, err := args.pack(ctx, args.Place, "transform", transformPackage)
	if err != nil {
		return nil, err
	}
	c := &TransformFunction{
		LogGroup:      args.LogGroup(),
		place:         args.Place,
		arn:           args.FunctionArgs.arn(args.Place),
		streams:       slices.Clone(args.StreamNames),
		partitionKeys: slices.Clone(args.Settings.PartitionKeys),
	}
	if err := ctx.RegisterComponentResource("logarchive:index:TransformFunction", name, c, opts...); err != nil {
		return nil, err
	}
	made, err := deployment{
		FunctionArgs: &args.FunctionArgs,
		Package:      zip,
		place:        args.Place,
		description:  "Turns records of CloudWatch Logs into lines for Firehose",
		policyName:   "log-and-put-back",
		policy:       args.policy(),
		variables:    plainVariables(args.Settings.variables()),
	}.deploy(ctx, name, c)
	if err != nil {
		return nil, err
	}
	c.Function, c.rolePolicy = made.function, made.policy
	c.Arn, c.RoleArn = made.function.Arn, made.role.Arn
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"arn": c.Arn, "roleArn": c.RoleArn})
}

// qualifiedArn is the function's ARN as Firehose documents it, with the version.
func (c *TransformFunction) qualifiedArn() string { return c.arn + ":$LATEST" }
