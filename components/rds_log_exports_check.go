package components

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// registerCheck: the rule that has the databases compared; several where they don't fit into one target's input.
func (c *RdsLogExports) registerCheck(ctx *pulumi.Context, name string, args *RdsLogExportsArgs) error {
	inputs, err := args.checks()
	if err != nil {
		return err
	}
	for i, input := range inputs {
		what := "check"
		if i > 0 {
			what = fmt.Sprintf("check-%d", i+1)
		}
		r := functionRule{
			place: args.Place, function: c.Function, target: "check", input: input,
			rule: cloudwatch.EventRuleArgs{
				Name:               pulumi.String(args.FunctionName + "-" + what),
				Description:        pulumi.String("Databases are compared with the exports that they should have"),
				ScheduleExpression: pulumi.String(args.Schedule),
				Tags:               tags(args.Tags),
			},
		}
		if err := r.register(ctx, name+"-"+what, c); err != nil {
			return err
		}
	}
	return nil
}

// registerAlarms: a log that was switched off, a database that can't be read, and a function that fails. The first two have
// data only when a check runs.
func (c *RdsLogExports) registerAlarms(ctx *pulumi.Context, name string, args *RdsLogExportsArgs) error {
	for what, a := range map[string]alarm{
		"drifted": {description: "Databases don't export a log that they should: somebody has switched it off",
			namespace: exportsNamespace, metric: "Drifted", statistic: "Maximum", stays: true},
		"unreachable": {description: "Databases can't be compared: they are gone, or may not be read",
			namespace: exportsNamespace, metric: "Unreachable", statistic: "Maximum", stays: true},
		"errors": {description: "The function that switches exports on fails", namespace: "AWS/Lambda", metric: "Errors", statistic: "Sum"},
	} {
		a.name, a.dimensions = args.FunctionName+"-"+what, map[string]string{"FunctionName": args.FunctionName}
		if err := a.register(ctx, name+"-"+what, args.AlarmActions, args.Tags, pulumi.Parent(c)); err != nil {
			return err
		}
	}
	return nil
}
