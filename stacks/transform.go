package stacks

import (
	"regexp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// TransformSpec is the function that turns the records of log groups into lines.
type TransformSpec struct {
	Enabled bool
	// Architecture is arm64, x86_64, or empty for the partition's default.
	Architecture components.Architecture
	MemoryMiB    int
	ExtraFields  []string
	// PartitionBy are the parts of keys that are computed from each line; none without dynamic partitioning.
	PartitionBy []string
	// PartitionDatabasesBy are those of the databases' logs; nil for those of PartitionBy.
	PartitionDatabasesBy []string
}

// Lambda's limits (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const (
	minFunctionMemory, maxFunctionMemory = 128, 10240
	defaultFunctionMemory                = 512
	maxVariables                         = 4096
)

// extraForm is a member of a line, with a constant or without: a comma would end it where the function reads it.
var extraForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*(=[^,=]*)?$`)

// lineMembers are what every line has.
var lineMembers = []string{"id", "timestamp", "message", "logGroup", "logStream", "owner"}

func transformField() schema.Field {
	return schema.Field{
		Key: "transform", Kind: schema.Object,
		Doc: "The function that turns what CloudWatch Logs sends into lines of JSON, one for each event: one function for all streams of log groups. It is built from source, which takes the Go command.",
		Fields: []schema.Field{
			{Key: "enabled", Kind: schema.Boolean, Default: true,
				Doc: "Without it, the archive has the compressed documents as CloudWatch Logs sends them."},
			{Key: "architecture", Kind: schema.String, Values: []string{string(components.ARM64), string(components.X8664)},
				DefaultText: "arm64 where it is known to exist, else x86_64",
				Doc:         "The function's processor."},
			{Key: "memoryMiB", Kind: schema.Integer, Default: defaultFunctionMemory, Range: schema.Between(minFunctionMemory, maxFunctionMemory),
				Doc: "The function's memory, and with it its share of a processor."},
			{Key: "extraFields", Kind: schema.List,
				Doc:     "What every line has besides " + strings.Join(lineMembers, ", ") + ".",
				Accepts: "a list of names of members of the event or its envelope, such as messageType, or of name=constant",
				Items:   &schema.Field{Kind: schema.String, Required: true, Pattern: extraForm, Accepts: "a name of letters, digits and _ . -, or name=constant without commas and equals signs"}},
			{Key: "partitionBy", Kind: schema.List,
				DefaultText: "no dynamic partitioning",
				Doc:         partitionByDoc,
				Accepts:     "a list of " + strings.Join(components.PartitionKeys(), ", "),
				Items:       &schema.Field{Kind: schema.String, Required: true, Values: components.PartitionKeys()}},
			{Key: "partitionDatabasesBy", Kind: schema.List,
				DefaultText: "as partitionBy",
				Doc:         "The same for the databases' stream alone, which then has a function of its own: [databaseInstance] gives each instance and cluster a prefix db-instance=.../.",
				Accepts:     "a list of " + strings.Join(components.PartitionKeys(), ", "),
				Items:       &schema.Field{Kind: schema.String, Required: true, Values: components.PartitionKeys()}},
		},
	}
}

// transform reads the function that all streams of log groups have.
func (p *parser) transform(v, buffer schema.Value) {
	s := &p.spec.Pipeline.Transform
	home := p.spec.Home.Region
	s.Enabled = v.Get("enabled").Flag()
	s.Architecture = components.Architecture(v.Get("architecture").Text())
	s.MemoryMiB = v.Get("memoryMiB").Number()
	if a := v.Get("architecture"); a.OK() && s.Architecture == components.ARM64 && home != "" {
		if err := home.Require(partition.LambdaARM64); err != nil {
			p.add(a, "%v; want %s", err, components.X8664)
		}
	}
	p.extraFields(v.Get("extraFields"))
	s.PartitionBy = p.partitionBy(v.Get("partitionBy"), buffer)
	s.PartitionDatabasesBy = p.partitionBy(v.Get("partitionDatabasesBy"), buffer)
}

// extraFields reads what the function would refuse only when it starts, which is when the first logs come.
func (p *parser) extraFields(v schema.Value) {
	names := newOnce(p)
	size := 0
	for _, item := range v.Items() {
		name, _, _ := strings.Cut(item.Text(), "=")
		size += len(item.Text()) + 1
		switch {
		case !item.OK():
		case slices.Contains(lineMembers, name):
			p.add(item, "%s is in every line already; want another name", schema.Quote(name))
		default:
			names.value(item, name, "is", "want each name once")
		}
		p.spec.Pipeline.Transform.ExtraFields = append(p.spec.Pipeline.Transform.ExtraFields, item.Text())
	}
	if room := maxVariables / 2; size > room {
		p.add(v, "the fields have %d characters together; want at most %d", size, room)
	}
}

// transforms says whether the stream of a class has the function: what AWS puts directly has no documents of CloudWatch
// Logs.
func (s *Spec) transforms(c Class) bool {
	return s.Pipeline.Transform.Enabled && c.subscribes()
}

// ownLogGroups are the log groups of what carries logs, whether this configuration has it or not: their events would go
// round in a circle.
func (s *Spec) ownLogGroups() []string {
	own := []string{s.functionLogGroup(s.TransformFunction()), s.functionLogGroup(s.DatabaseTransformFunction()),
		s.functionLogGroup(s.SubscribeFunction()), s.functionLogGroup(s.ExportsFunction()), s.functionLogGroup(s.ReplayFunction())}
	for _, c := range Classes() {
		own = append(own, s.ErrorLogGroup(c))
	}
	return own
}
