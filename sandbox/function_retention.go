package sandbox

import (
	"github.com/logarchive/logarchive/functions/subscribe/standin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// Retain sets a log group's retention, as PutRetentionPolicy does.
//
// See https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
func (a functionAPI) Retain(name string, days int) error {
	if err := a.logs("sets the retention of", "PutRetentionPolicy", name); err != nil {
		return err
	}
	if err := partition.CheckLogRetention(days); err != nil {
		return standin.Refuse("InvalidParameterException", "%v", err)
	}
	return a.world().change(func() (*change, error) {
		group := a.world().arn(a.place().LogGroupARN(name).String())
		if group == nil {
			return nil, standin.Refuse("ResourceNotFoundException", "The specified log group does not exist.")
		}
		changed := *group
		changed.State = group.State.Copy()
		changed.State["retentionInDays"] = resource.NewNumberProperty(float64(days))
		return &change{Put: []*Object{&changed}}, nil
	})
}
