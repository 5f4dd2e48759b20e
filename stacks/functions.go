package stacks

import "github.com/logarchive/logarchive/components"

// transformFunction makes the function that all streams of log groups have, if there is one of them.
func (c *composer) transformFunction() (err error) {
	s, t := c.spec, c.spec.Pipeline.Transform
	var streams []string
	for _, class := range c.classes() {
		if s.transforms(class) {
			streams = append(streams, s.StreamName(class))
		}
	}
	if len(streams) == 0 {
		return nil
	}
	c.transform, err = components.NewTransformFunction(c.ctx, c.scope+"transform", &components.TransformFunctionArgs{
		Place: s.Home,
		FunctionArgs: components.FunctionArgs{
			FunctionName: s.TransformFunction(), RoleName: s.TransformRole(),
			Architecture: t.Architecture, MemoryMiB: t.MemoryMiB,
			LogRetentionDays: s.Pipeline.ErrorLogRetentionDays,
		},
		StreamNames: streams,
		Settings:    components.TransformSettings{ExtraFields: t.ExtraFields, PartitionKeys: t.PartitionBy},
	}, c.atHome())
	return err
}

// subscriber makes the function that subscribes what the configuration doesn't name.
func (c *composer) subscriber() error {
	s := c.spec
	if s.Subscribe == nil {
		return nil
	}
	// The subscriber's own, and those of its pipeline, are known to the component.
	var own []string
	if s.Replay != nil {
		own = append(own, s.functionLogGroup(s.ReplayFunction()))
	}
	for _, class := range s.classes() {
		own = append(own, s.ErrorLogGroup(class))
	}
	_, err := components.NewLogGroupSubscriber(c.ctx, "subscribe", &components.LogGroupSubscriberArgs{
		Place: s.Home,
		FunctionArgs: components.FunctionArgs{
			FunctionName: s.SubscribeFunction(), RoleName: s.SubscribeRole(),
			Architecture: s.Pipeline.Transform.Architecture, LogRetentionDays: s.Pipeline.ErrorLogRetentionDays,
		},
		Pipeline:     c.pipelines[ClassLogs],
		Include:      s.Subscribe.Prefixes,
		Exclude:      s.excluded(),
		OwnLogGroups: own,
		Schedule:     s.Subscribe.Schedule,
	}, c.atHome())
	return err
}
