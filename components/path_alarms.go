package components

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// Metric is a CloudWatch metric with its dimensions.
type Metric struct {
	Namespace, Name string
	Dimensions      map[string]string
}

// Missing says what an alarm makes of a time without data.
type Missing string

// The treatments of missing data that delivery needs. (CloudWatch's other two, "missing" and "ignore", leave an alarm in
// INSUFFICIENT_DATA or in its last state, where nobody looks.)
const (
	// MissingIsFine: nothing happened, so nothing failed.
	MissingIsFine Missing = "notBreaching"
	// MissingIsBad: something should have happened.
	MissingIsBad Missing = "breaching"
)

// Alarm watches a metric, or the sum of up to ten.
type Alarm struct {
	// Name is the end of the alarm's name, behind the path's.
	Name string
	// Says is what is wrong when it goes off, in a sentence without a full stop.
	Says string
	// Runbook is the heading's anchor in the runbook; empty means Name.
	Runbook string
	// Metrics are watched; several are added up (metric math takes ten, see PutMetricAlarm).
	Metrics []Metric
	// Statistic is Sum, Average, Minimum, Maximum or SampleCount.
	Statistic string
	// Below makes it go off below Threshold, and not above it.
	Below     bool
	Threshold float64
	// PeriodSeconds times Periods is what it looks at: a day at most, seven with periods of an hour or more. Datapoints of
	// the Periods must be bad; 0 means all.
	PeriodSeconds, Periods, Datapoints int
	Missing                            Missing
}

// PathAlarmsArgs are the Args of [NewPathAlarms].
type PathAlarmsArgs struct {
	// Place is where the metrics are.
	Place partition.Place
	// NamePrefix begins the names of all alarms, and Path is what they watch: together the composite alarm's name.
	NamePrefix, Path string
	// Runbook is the document, or its URL, that tells what to do; each alarm adds its anchor.
	Runbook string
	Alarms  []Alarm
	// Actions are the ARNs of what the composite alarm notifies: SNS topics of the same region. The alarms below it have
	// none of their own, so that one failure is one call.
	Actions pulumi.StringArrayInput
	// Tags are put on all alarms.
	Tags map[string]string
}

// PathAlarms are the alarms of one path, and a composite alarm over them.
type PathAlarms struct {
	pulumi.ResourceState
	Composite *cloudwatch.CompositeAlarm
}

// Limits of alarms. See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
const (
	mostAlarmMetrics   = 10
	mostAlarmName      = 255
	mostCompositeParts = 100
	mostAlarmRule      = 10240
	mostAlarmSays      = 1024
)

func (args *PathAlarmsArgs) name(a Alarm) string {
	return args.NamePrefix + "-" + args.Path + "-" + a.Name
}

func (args *PathAlarmsArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.refuse("Place", args.Place, args.Place.Region.Require(partition.CompositeAlarms))
	if args.NamePrefix == "" || args.Path == "" {
		p.add("Path", args.NamePrefix+"-"+args.Path, "want a prefix and a path")
	}
	if args.Runbook == "" {
		p.add("Runbook", args.Runbook, "want where people read what to do")
	}
	if args.Actions == nil {
		p.add("Actions", "", "want something that the alarm notifies")
	}
	if n := len(args.Alarms); n == 0 || len(args.parts()) > mostCompositeParts {
		p.add("Alarms", n, "want 1 to %d, with names so short that composite alarms over composite alarms take them", mostCompositeParts*mostCompositeParts)
	}
	seen := map[string]bool{}
	for i, a := range args.Alarms {
		field := func(rest string) string { return at("Alarms", i, "."+rest) }
		if a.Name == "" || seen[a.Name] || len(args.name(a)) > mostAlarmName {
			p.add(field("Name"), a.Name, "want a name that no other alarm of the path has, of at most %d characters with what comes before it", mostAlarmName)
		}
		seen[a.Name] = true
		if a.Says == "" || len(args.describe(a)) > mostAlarmSays {
			p.add(field("Says"), a.Says, "want a sentence; with the runbook at most %d characters", mostAlarmSays)
		}
		if n := len(a.Metrics); n == 0 || n > mostAlarmMetrics {
			p.add(field("Metrics"), n, "want 1 to %d", mostAlarmMetrics)
		}
		for _, m := range a.Metrics {
			p.refuse(field("Metrics"), m.Namespace+" "+m.Name, args.Place.Partition().RequireMetric(m.Namespace, m.Name))
		}
		p.oneOf(field("Statistic"), a.Statistic, "Sum", "Average", "Minimum", "Maximum", "SampleCount")
		p.oneOf(field("Missing"), string(a.Missing), string(MissingIsFine), string(MissingIsBad))
		most := 24 * 60 * 60
		if a.PeriodSeconds >= 60*60 {
			most *= 7
		}
		if a.PeriodSeconds < 60 || a.PeriodSeconds%60 != 0 || a.Periods < 1 || a.PeriodSeconds*a.Periods > most {
			p.add(field("PeriodSeconds"), fmt.Sprintf("%d x %d", a.Periods, a.PeriodSeconds), "want periods of whole minutes, a day together at most, or a week with periods of an hour or more")
		}
		if a.Datapoints < 0 || a.Datapoints > a.Periods {
			p.add(field("Datapoints"), a.Datapoints, "want at most Periods, %d", a.Periods)
		}
	}
	return p.err("PathAlarms", name)
}

// describe is what the person reads who is called: what is wrong, and where it says what to do.
func (args *PathAlarmsArgs) describe(a Alarm) string {
	return a.Says + ". Runbook: " + args.Runbook + "#" + cmp.Or(a.Runbook, a.Name)
}

const orElse = " OR "

// inAlarm is what a composite alarm's rule says of an alarm below it; such terms are joined with orElse.
func inAlarm(name string) string { return fmt.Sprintf("ALARM(%q)", name) }

// parts are the rules' terms for the alarms, divided into as many as a composite alarm takes.
func (args *PathAlarmsArgs) parts() [][]string {
	var parts [][]string
	length := 0 // of the last part's rule
	for _, a := range args.Alarms {
		term := inAlarm(args.name(a))
		length += len(orElse) + len(term)
		if n := len(parts) - 1; n >= 0 && len(parts[n]) < mostCompositeParts && length <= mostAlarmRule {
			parts[n] = append(parts[n], term)
		} else {
			parts, length = append(parts, []string{term}), len(term)
		}
	}
	return parts
}

// NewPathAlarms registers a path's alarms. Errors: [ArgsError], also for a metric that isn't known in the partition.
func NewPathAlarms(ctx *pulumi.Context, name string, args *PathAlarmsArgs, opts ...pulumi.ResourceOption) (*PathAlarms, error) {
	if args == nil {
		args = &PathAlarmsArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &PathAlarms{}
	if err := ctx.RegisterComponentResource("logarchive:index:PathAlarms", name, c, opts...); err != nil {
		return nil, err
	}
	var alarms []pulumi.Resource
	var says []string
	for _, a := range args.Alarms {
		made, err := cloudwatch.NewMetricAlarm(ctx, name+"-"+a.Name, args.metricAlarm(a), pulumi.Parent(c))
		if err != nil {
			return nil, err
		}
		alarms = append(alarms, made)
		says = append(says, a.Name)
	}
	parts := args.parts()
	below, terms := alarms, parts[0]
	if len(parts) > 1 {
		// More than one composite alarm takes: it is about composite alarms over some of them each, which notify nobody.
		below, terms = nil, nil
		for i, part := range parts {
			suffix := fmt.Sprintf("-part-%d", i+1)
			made, err := cloudwatch.NewCompositeAlarm(ctx, name+suffix, &cloudwatch.CompositeAlarmArgs{
				AlarmName:        pulumi.String(args.NamePrefix + "-" + args.Path + suffix),
				AlarmDescription: pulumi.String(fmt.Sprintf("%d alarms of the path %s of the log archive. Runbook: %s#alarms", len(part), args.Path, args.Runbook)),
				AlarmRule:        pulumi.String(strings.Join(part, orElse)),
				Tags:             tags(args.Tags),
			}, pulumi.Parent(c), pulumi.DependsOn(alarms))
			if err != nil {
				return nil, err
			}
			below, terms = append(below, made), append(terms, inAlarm(args.NamePrefix+"-"+args.Path+suffix))
		}
	}
	var err error
	c.Composite, err = cloudwatch.NewCompositeAlarm(ctx, name, &cloudwatch.CompositeAlarmArgs{
		AlarmName: pulumi.String(args.NamePrefix + "-" + args.Path),
		AlarmDescription: pulumi.String(fmt.Sprintf("The path %s of the log archive fails or lags. The alarms below say how: %s. Runbook: %s#alarms",
			args.Path, cutTo(strings.Join(says, ", "), 600), args.Runbook)),
		AlarmRule:    pulumi.String(strings.Join(terms, orElse)),
		AlarmActions: args.Actions,
		OkActions:    args.Actions,
		Tags:         tags(args.Tags),
	}, pulumi.Parent(c), pulumi.DependsOn(below)) // CloudWatch refuses a rule about alarms that don't exist
	if err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"arn": c.Composite.Arn})
}

func cutTo(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:strings.LastIndex(text[:most], ",")] + " and others"
}

func (args *PathAlarmsArgs) metricAlarm(a Alarm) *cloudwatch.MetricAlarmArgs {
	comparison := "GreaterThanThreshold"
	if a.Below {
		comparison = "LessThanThreshold"
	}
	out := &cloudwatch.MetricAlarmArgs{
		Name:               pulumi.String(args.name(a)),
		AlarmDescription:   pulumi.String(args.describe(a)),
		ComparisonOperator: pulumi.String(comparison),
		Threshold:          pulumi.Float64(a.Threshold),
		EvaluationPeriods:  pulumi.Int(a.Periods),
		DatapointsToAlarm:  pulumi.Int(cmp.Or(a.Datapoints, a.Periods)),
		TreatMissingData:   pulumi.String(string(a.Missing)),
		Tags:               tags(args.Tags),
	}
	if len(a.Metrics) == 1 {
		m := a.Metrics[0]
		out.Namespace, out.MetricName = pulumi.String(m.Namespace), pulumi.String(m.Name)
		out.Dimensions, out.Statistic, out.Period = pulumi.ToStringMap(m.Dimensions), pulumi.String(a.Statistic), pulumi.Int(a.PeriodSeconds)
		return out
	}
	var queries cloudwatch.MetricAlarmMetricQueryArray
	var ids []string
	for i, m := range a.Metrics {
		id := fmt.Sprintf("m%d", i+1)
		ids = append(ids, id)
		queries = append(queries, &cloudwatch.MetricAlarmMetricQueryArgs{
			Id: pulumi.String(id),
			Metric: &cloudwatch.MetricAlarmMetricQueryMetricArgs{
				Namespace: pulumi.String(m.Namespace), MetricName: pulumi.String(m.Name),
				Dimensions: pulumi.ToStringMap(m.Dimensions), Stat: pulumi.String(a.Statistic), Period: pulumi.Int(a.PeriodSeconds),
			},
		})
	}
	// FILL makes a sum of those that have data: without it, one metric without data leaves none of the sum.
	for i, id := range ids {
		ids[i] = "FILL(" + id + ",0)"
	}
	out.MetricQueries = append(queries, &cloudwatch.MetricAlarmMetricQueryArgs{
		Id: pulumi.String("sum"), Expression: pulumi.String(strings.Join(ids, "+")), Label: pulumi.String(a.Name), ReturnData: pulumi.Bool(true),
	})
	return out
}

// InTens divides metrics into alarms of ten, as many as an alarm takes. The first has the name as it is.
func InTens(a Alarm, metrics []Metric) []Alarm {
	var out []Alarm
	for part := range slices.Chunk(metrics, mostAlarmMetrics) {
		one := a
		one.Metrics = part
		one.Runbook = cmp.Or(a.Runbook, a.Name)
		if len(out) > 0 {
			one.Name = fmt.Sprintf("%s-%d", a.Name, len(out)+1)
		}
		out = append(out, one)
	}
	return out
}
