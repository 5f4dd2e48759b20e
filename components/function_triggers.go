package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// functionRule is a rule of EventBridge that calls a function.
type functionRule struct {
	place    partition.Place
	function *lambda.Function
	target   string // the target's id
	input    string // what the function gets; empty for the event itself
	rule     cloudwatch.EventRuleArgs
}

// register: a rule, its permission to call the function, and then its target.
func (r functionRule) register(ctx *pulumi.Context, name string, parent pulumi.Resource) error {
	events, err := r.place.PrincipalFor(partition.Events, partition.Invoke)
	if err != nil {
		return err
	}
	made, err := cloudwatch.NewEventRule(ctx, name, &r.rule, pulumi.Parent(parent))
	if err != nil {
		return err
	}
	allowed, err := lambda.NewPermission(ctx, name, &lambda.PermissionArgs{
		StatementId: made.Name,
		Action:      pulumi.String("lambda:InvokeFunction"),
		Function:    r.function.Name,
		Principal:   pulumi.String(events),
		SourceArn:   made.Arn,
	}, pulumi.Parent(parent))
	if err != nil {
		return err
	}
	target := &cloudwatch.EventTargetArgs{Rule: made.Name, TargetId: pulumi.String(r.target), Arn: r.function.Arn}
	if r.input != "" {
		target.Input = pulumi.String(r.input)
	}
	_, err = cloudwatch.NewEventTarget(ctx, name, target, pulumi.Parent(parent), pulumi.DependsOn([]pulumi.Resource{allowed}))
	return err
}

// alarm is a metric that must not be above a figure for five minutes. Where nothing happens there is no data, and nothing is
// wrong.
type alarm struct {
	what, description, namespace, metric, dimension, of, statistic string
	above                                                          float64
}

func (a alarm) register(ctx *pulumi.Context, name, function string, notify pulumi.StringArrayInput, tagged map[string]string, parent pulumi.Resource) error {
	_, err := cloudwatch.NewMetricAlarm(ctx, name+"-"+a.what, &cloudwatch.MetricAlarmArgs{
		Name:               pulumi.String(function + "-" + a.what),
		AlarmDescription:   pulumi.String(a.description),
		Namespace:          pulumi.String(a.namespace),
		MetricName:         pulumi.String(a.metric),
		Dimensions:         pulumi.StringMap{a.dimension: pulumi.String(a.of)},
		Statistic:          pulumi.String(a.statistic),
		ComparisonOperator: pulumi.String("GreaterThanThreshold"),
		Threshold:          pulumi.Float64(a.above),
		Period:             pulumi.Int(300),
		EvaluationPeriods:  pulumi.Int(1),
		TreatMissingData:   pulumi.String("notBreaching"),
		AlarmActions:       actions(notify),
		OkActions:          actions(notify),
		Tags:               tags(tagged),
	}, pulumi.Parent(parent))
	return err
}

// actions are those of an alarm, which the SDK takes as an array of anything.
func actions(arns pulumi.StringArrayInput) pulumi.ArrayInput {
	if arns == nil {
		return nil
	}
	return arns.ToStringArrayOutput().ApplyT(func(list []string) []any {
		out := make([]any, len(list))
		for i, arn := range list {
			out[i] = arn
		}
		return out
	}).(pulumi.ArrayOutput)
}
