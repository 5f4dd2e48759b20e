package components

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// registerCheck: the rule that has the databases compared, and its targets.
func (c *RdsLogExports) registerCheck(ctx *pulumi.Context, name string, args *RdsLogExportsArgs) error {
	inputs, err := args.checks()
	if err != nil {
		return err
	}
	rule, allowed, err := allowRule(ctx, name+"-check", args.Place, &cloudwatch.EventRuleArgs{
		Name:               pulumi.String(args.FunctionName + "-check"),
		Description:        pulumi.String("Databases are compared with the exports that they should have"),
		ScheduleExpression: pulumi.String(args.Schedule),
		Tags:               tags(args.Tags),
	}, c.Function, c)
	if err != nil {
		return err
	}
	for i, input := range inputs {
		target := fmt.Sprintf("check-%d", i+1)
		if _, err := cloudwatch.NewEventTarget(ctx, name+"-"+target, &cloudwatch.EventTargetArgs{
			Rule:     rule.Name,
			TargetId: pulumi.String(target),
			Arn:      c.Function.Arn,
			Input:    pulumi.String(input),
		}, pulumi.Parent(c), pulumi.DependsOn([]pulumi.Resource{allowed})); err != nil {
			return err
		}
	}
	return nil
}

// registerAlarms: a log that was switched off, a database that can't be read, and a function that fails. The first two have
// data only when a check runs: between two checks an alarm stays as it is.
func (c *RdsLogExports) registerAlarms(ctx *pulumi.Context, name string, args *RdsLogExportsArgs) error {
	for _, alarm := range []struct{ what, description, namespace, metric, statistic, missing string }{
		{"drifted", "Databases don't export a log that they should: somebody has switched it off", exportsNamespace, "Drifted", "Maximum", "ignore"},
		{"unreachable", "Databases can't be compared: they are gone, or may not be read", exportsNamespace, "Unreachable", "Maximum", "ignore"},
		{"errors", "The function that switches exports on fails", "AWS/Lambda", "Errors", "Sum", "notBreaching"},
	} {
		_, err := cloudwatch.NewMetricAlarm(ctx, name+"-"+alarm.what, &cloudwatch.MetricAlarmArgs{
			Name:               pulumi.String(args.FunctionName + "-" + alarm.what),
			AlarmDescription:   pulumi.String(alarm.description),
			Namespace:          pulumi.String(alarm.namespace),
			MetricName:         pulumi.String(alarm.metric),
			Dimensions:         pulumi.StringMap{"FunctionName": pulumi.String(args.FunctionName)},
			Statistic:          pulumi.String(alarm.statistic),
			ComparisonOperator: pulumi.String("GreaterThanThreshold"),
			Threshold:          pulumi.Float64(0),
			Period:             pulumi.Int(300),
			EvaluationPeriods:  pulumi.Int(1),
			TreatMissingData:   pulumi.String(alarm.missing),
			AlarmActions:       actions(args.AlarmActions),
			OkActions:          actions(args.AlarmActions),
			Tags:               tags(args.Tags),
		}, pulumi.Parent(c))
		if err != nil {
			return err
		}
	}
	return nil
}
