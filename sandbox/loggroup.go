package sandbox

import (
	"errors"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// NewLogGroup is a log group that somebody creates in the sandbox, who is no stack.
type NewLogGroup struct {
	Place partition.Place
	Name  string
	// Class is STANDARD, which is also what "" means, or INFREQUENT_ACCESS.
	Class string
	Tags  map[string]string
	// RetentionDays is how long its events are kept; 0 is for ever.
	RetentionDays int
	// Unseen has no trail tell of it: no event comes of it, and only a sweep finds it.
	Unseen bool
}

// CreateLogGroup creates a log group, unless CloudWatch Logs would refuse to. A refusal is an [*APIError] in the error. Where
// a rule listens at the place, the call becomes an event, as by a trail that records management events.
//
// See https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
func (w *World) CreateLogGroup(g NewLogGroup) (Object, error) {
	t, err := lookup(logGroupToken)
	if err != nil {
		return Object{}, err
	}
	inputs := resource.PropertyMap{"name": resource.NewStringProperty(g.Name)}
	if g.Class != "" {
		inputs["logGroupClass"] = resource.NewStringProperty(g.Class)
	}
	if g.RetentionDays != 0 {
		inputs["retentionInDays"] = resource.NewNumberProperty(float64(g.RetentionDays))
	}
	if len(g.Tags) > 0 {
		tags := resource.PropertyMap{}
		for k, v := range g.Tags {
			tags[resource.PropertyKey(k)] = resource.NewStringProperty(v)
		}
		inputs["tags"] = resource.NewObjectProperty(tags)
	}
	var made *Object
	err = w.change(func() (*change, error) {
		if made, err = completeByCall(t, g.Place, inputs, ""); err != nil {
			return nil, err
		}
		made.Created = w.now().UTC()
		if err := w.refuseCreation(t, made); err != nil {
			return nil, err
		}
		c := &change{Put: []*Object{made}}
		if g.Unseen {
			return c, nil
		}
		more, err := w.created(made)
		c.Put = append(c.Put, more...)
		return c, err
	})
	var reasons refusals
	if errors.As(err, &reasons) {
		all := make([]error, len(reasons))
		for i, r := range reasons {
			all[i] = r
		}
		return Object{}, errors.Join(all...)
	}
	if err != nil {
		return Object{}, err
	}
	return *made, nil
}
