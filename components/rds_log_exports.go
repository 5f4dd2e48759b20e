package components

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// What becomes of exports that the function has switched on, when the database or the log type leaves the program.
const (
	// KeepExports leaves them on: logs don't stop because a stack was destroyed.
	KeepExports = "keep"
	// RestoreExports switches them off. What somebody else has switched on stays on in any case.
	RestoreExports = "restore"
)

// RdsLogExportsArgs are the Args of [NewRdsLogExports].
type RdsLogExportsArgs struct {
	// Place is where the databases are.
	Place partition.Place
	// FunctionArgs.FunctionName is also what the rule and the alarms are named after; it has at most 50 characters.
	// FunctionArgs.TimeoutSeconds is 60 to 900; 0 means 300. A database that can't be changed in that time is an error.
	FunctionArgs
	// Databases are whose exports are switched on: those that are shipped, and that the program doesn't own.
	Databases []*RdsLogShipping
	// TagKey is the tag of a database that remembers what the function has switched on, up to 128 letters, digits and
	// + - = . _ : / @.
	TagKey string
	// OnRemoval is [KeepExports], which is also what empty means, or [RestoreExports].
	OnRemoval string
	// Schedule is when the databases are compared with the program: "rate(1 hour)", which is also what empty means, or
	// "cron(…)".
	Schedule string
	// Mend switches on what a check finds missing; otherwise an alarm tells of it.
	Mend bool
	// Revision has every database looked at again when it changes, although nothing else has.
	Revision string
	// AlarmActions are the ARNs of what the alarms notify, such as SNS topics; none means that they only show.
	AlarmActions pulumi.StringArrayInput
}

// RdsLogExports switches on the exports to CloudWatch Logs of databases that the program doesn't own, without importing
// them: one function, which each database's creation, change and removal in the program calls, and a schedule, which
// notices when somebody has switched a log off since. What it does is described in functions/rdsexports.
//
// The function reads the parameters that the logs need and reports what is missing; it never changes them.
type RdsLogExports struct {
	pulumi.ResourceState
	Function *lambda.Function
	RoleArn  pulumi.StringOutput
	// LogGroup is the function's own log group.
	LogGroup string
	// Reports are what the function answered, by the name of the database's RdsLogShipping: exports (the log types that are
	// switched on), switchedOn (those that the function has switched on), findings (a sentence for each parameter or option
	// without which exported logs lack something).
	Reports map[string]pulumi.AnyOutput
}

const (
	defaultExportSeconds    = 300
	leastExportSeconds      = 60
	mostExportSeconds       = 900
	mostExporterName        = 50 // names of the alarms are made of it
	defaultExportSchedule   = "rate(1 hour)"
	exportsNamespace        = "LogArchive/RdsExports" // see functions/rdsexports
	mostTargetInput         = 8192                    // PutTargets
	exportsDefaultMemoryMiB = 256
)

var tagKeyForm = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$`)

// wanted is a database as functions/rdsexports reads it.
type wanted struct {
	Identifier string   `json:"identifier"`
	Cluster    bool     `json:"cluster,omitempty"`
	Engine     string   `json:"engine"`
	LogTypes   []string `json:"logTypes"`
}

func (c *RdsLogShipping) wanted() wanted {
	return wanted{c.args.Identifier, c.args.Cluster, c.args.Engine, c.args.LogTypes}
}

// input is what the function gets about one database.
func (args *RdsLogExportsArgs) input(d *RdsLogShipping) (string, error) {
	type input struct {
		Database wanted `json:"database"`
		Revision string `json:"revision,omitempty"`
	}
	text, err := json.Marshal(input{d.wanted(), args.Revision})
	return string(text), err
}

// checks are the inputs of the schedule's rules: as many databases in each as fit.
func (args *RdsLogExportsArgs) checks() ([]string, error) {
	const head, tail = `{"check":[`, `]}`
	var inputs, items []string
	size := len(head) + len(tail)
	end := func() {
		inputs, items, size = append(inputs, head+strings.Join(items, ",")+tail), nil, len(head)+len(tail)
	}
	for _, d := range args.Databases {
		item, err := json.Marshal(d.wanted())
		if err != nil {
			return nil, err
		}
		if len(items) > 0 && size+len(item)+1 > mostTargetInput {
			end()
		}
		items, size = append(items, string(item)), size+len(item)+1
	}
	end()
	return inputs, nil
}

func (args *RdsLogExportsArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.function(&args.FunctionArgs, args.Place, mostExportSeconds)
	if args.TimeoutSeconds < leastExportSeconds {
		p.add("TimeoutSeconds", args.TimeoutSeconds, "want at least %d: RDS takes its time to change a database", leastExportSeconds)
	}
	if len(args.FunctionName) > mostExporterName {
		p.add("FunctionName", args.FunctionName, "want at most %d characters: names of the rule and the alarms are made of it", mostExporterName)
	}
	if !tagKeyForm.MatchString(args.TagKey) || strings.HasPrefix(strings.ToLower(args.TagKey), "aws:") {
		p.add("TagKey", args.TagKey, "want 1 to 128 letters, digits, spaces and + - = . _ : / @, not beginning with aws:")
	}
	p.oneOf("OnRemoval", args.OnRemoval, KeepExports, RestoreExports)
	p.schedule("Schedule", args.Schedule)
	if len(args.Databases) == 0 {
		p.add("Databases", "", "want at least one")
	}
	seen := map[string]bool{}
	for i, d := range args.Databases {
		switch field := at("Databases", i, ""); {
		case d == nil:
			p.add(field, "", "want a database that is shipped")
		case d.args.Place != args.Place:
			p.add(field, d.args.Place, "want a database at %s", args.Place)
		case seen[d.arn()]:
			p.add(field, d.args.Identifier, "is there twice")
		default:
			seen[d.arn()] = true
		}
	}
	if len(p.list) == 0 {
		p.document("Databases", "role policy", policy.Inline, args.policy(), nil)
	}
	return p.err("RdsLogExports", name)
}

// schedule checks the form of an expression of EventBridge.
func (p *problems) schedule(field, value string) {
	if !strings.HasPrefix(value, "rate(") && !strings.HasPrefix(value, "cron(") {
		p.add(field, value, "want an expression such as rate(1 hour) or cron(0 2 * * ? *)")
	}
}

// arn is the database's own.
func (c *RdsLogShipping) arn() string {
	kind := "db:"
	if c.args.Cluster {
		kind = "cluster:"
	}
	return c.args.Place.ARN(partition.RDS, kind+c.args.Identifier).String()
}

// withDefaults is a copy in which nothing is left open.
func (args RdsLogExportsArgs) withDefaults() *RdsLogExportsArgs {
	args.TimeoutSeconds = cmp.Or(args.TimeoutSeconds, defaultExportSeconds)
	args.MemoryMiB = cmp.Or(args.MemoryMiB, exportsDefaultMemoryMiB)
	args.OnRemoval = cmp.Or(args.OnRemoval, KeepExports)
	args.Schedule = cmp.Or(args.Schedule, defaultExportSchedule)
	args.Databases = slices.Clone(args.Databases)
	slices.SortFunc(args.Databases, func(a, b *RdsLogShipping) int {
		if a == nil || b == nil {
			return 0
		}
		return cmp.Compare(a.name, b.name)
	})
	return &args
}

// NewRdsLogExports registers the function with its log group and role, an invocation for each database, the schedule and
// the alarms. Errors: [ArgsError]; those of Args.Code.
//
// An invocation fails, and with it the update, when the database isn't there, is of another engine, doesn't have a log type,
// or can't be changed in time. It is changed in place and, if it must be replaced, deleted first: the end of the former mustn't
// undo what the new one did.
func NewRdsLogExports(ctx *pulumi.Context, name string, given *RdsLogExportsArgs, opts ...pulumi.ResourceOption) (*RdsLogExports, error) {
	if given == nil {
		given = &RdsLogExportsArgs{}
	}
	args := given.withDefaults()
	if err := args.check(name); err != nil {
		return nil, err
	}
	zip, err := args.pack(ctx, args.Place, "rdsexports", 0)
	if err != nil {
		return nil, err
	}
	c := &RdsLogExports{LogGroup: args.LogGroup(), Reports: map[string]pulumi.AnyOutput{}}
	if err := ctx.RegisterComponentResource("logarchive:index:RdsLogExports", name, c, opts...); err != nil {
		return nil, err
	}
	made, err := deployment{
		FunctionArgs: &args.FunctionArgs,
		Package:      zip,
		place:        args.Place,
		description:  "Switches on the exports of databases to CloudWatch Logs",
		policyName:   "switch-on-exports",
		policy:       args.policy(),
		variables:    plainVariables(args.variables()),
	}.deploy(ctx, name, c)
	if err != nil {
		return nil, err
	}
	c.Function, c.RoleArn = made.function, made.role.Arn
	for _, d := range args.Databases {
		if err := c.registerDatabase(ctx, name, args, d); err != nil {
			return nil, err
		}
	}
	if err := c.registerCheck(ctx, name, args); err != nil {
		return nil, err
	}
	if err := c.registerAlarms(ctx, name, args); err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"functionArn": c.Function.Arn, "roleArn": c.RoleArn})
}

// registerDatabase has the function called at each change of a database in the program, when its logs have a way to the
// archive. No triggers: these would replace the invocation, and with it call the function with delete.
func (c *RdsLogExports) registerDatabase(ctx *pulumi.Context, name string, args *RdsLogExportsArgs, d *RdsLogShipping) error {
	input, err := args.input(d)
	if err != nil {
		return err
	}
	made, err := lambda.NewInvocation(ctx, name+"-"+d.name, &lambda.InvocationArgs{
		FunctionName:   c.Function.Name,
		Input:          pulumi.String(input),
		LifecycleScope: pulumi.String("CRUD"),
	}, pulumi.Parent(c), pulumi.DependsOn(d.filters), pulumi.DeleteBeforeReplace(true))
	if err != nil {
		return err
	}
	c.Reports[d.name] = readReport(ctx, made.Result)
	return nil
}
