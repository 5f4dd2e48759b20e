package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// allowRule registers a rule and its permission to call a function; the targets, which wait for the permission, are the
// caller's.
func allowRule(ctx *pulumi.Context, name string, place partition.Place, rule *cloudwatch.EventRuleArgs, function *lambda.Function, parent pulumi.Resource) (*cloudwatch.EventRule, *lambda.Permission, error) {
	events, err := place.PrincipalFor(partition.Events, partition.Invoke)
	if err != nil {
		return nil, nil, err
	}
	made, err := cloudwatch.NewEventRule(ctx, name, rule, pulumi.Parent(parent))
	if err != nil {
		return nil, nil, err
	}
	allowed, err := lambda.NewPermission(ctx, name, &lambda.PermissionArgs{
		StatementId: made.Name,
		Action:      pulumi.String("lambda:InvokeFunction"),
		Function:    function.Name,
		Principal:   pulumi.String(events),
		SourceArn:   made.Arn,
	}, pulumi.Parent(parent))
	return made, allowed, err
}
