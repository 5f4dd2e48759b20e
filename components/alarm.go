package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// alarm goes off when a metric was above a value within five minutes. Where nothing happens there is no data, and nothing is
// wrong; or, with stays, the alarm remains as it is until there is data again.
type alarm struct {
	stays                        bool
	name, description            string
	namespace, metric, statistic string
	dimensions                   map[string]string
	above                        float64
}

func (a alarm) register(ctx *pulumi.Context, name string, notify pulumi.StringArrayInput, tagged map[string]string, opts ...pulumi.ResourceOption) error {
	missing := "notBreaching"
	if a.stays {
		missing = "ignore"
	}
	_, err := cloudwatch.NewMetricAlarm(ctx, name, &cloudwatch.MetricAlarmArgs{
		Name:               pulumi.String(a.name),
		AlarmDescription:   pulumi.String(a.description),
		Namespace:          pulumi.String(a.namespace),
		MetricName:         pulumi.String(a.metric),
		Dimensions:         pulumi.ToStringMap(a.dimensions),
		Statistic:          pulumi.String(a.statistic),
		ComparisonOperator: pulumi.String("GreaterThanThreshold"),
		Threshold:          pulumi.Float64(a.above),
		Period:             pulumi.Int(300),
		EvaluationPeriods:  pulumi.Int(1),
		TreatMissingData:   pulumi.String(missing),
		AlarmActions:       actions(notify),
		OkActions:          actions(notify),
		Tags:               tags(tagged),
	}, opts...)
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
