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
