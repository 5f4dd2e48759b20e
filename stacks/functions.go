package stacks

import "github.com/logarchive/logarchive/components"

// transformFunction makes the function that all streams of log groups have, if there is one of them; the databases' stream has
// one of its own where its keys are others.
func (c *composer) transformFunction() (err error) {
	s := c.spec
	var streams, databases []string
	for _, class := range c.classes() {
		switch {
		case !s.transforms(class):
		case class == ClassDatabases && s.databasesApart():
			databases = append(databases, s.StreamName(class))
		default:
			streams = append(streams, s.StreamName(class))
		}
	}
	if c.transform, err = c.transformOf("transform", s.TransformFunction(), s.TransformRole(), s.Pipeline.Transform.PartitionBy, streams); err != nil {
		return err
	}
	c.databaseTransform, err = c.transformOf("transform-databases", s.DatabaseTransformFunction(), s.DatabaseTransformRole(), s.partitionBy(ClassDatabases), databases)
	return err
}

// transformOf makes a transform function for streams; nil for none.
func (c *composer) transformOf(name, function, role string, partitionBy, streams []string) (*components.TransformFunction, error) {
	s, t := c.spec, c.spec.Pipeline.Transform
	if len(streams) == 0 {
		return nil, nil
	}
	return components.NewTransformFunction(c.ctx, c.scope+name, &components.TransformFunctionArgs{
		Place: s.Home,
		FunctionArgs: components.FunctionArgs{
			FunctionName: function, RoleName: role,
			Architecture: t.Architecture, MemoryMiB: t.MemoryMiB,
			LogRetentionDays: s.Pipeline.ErrorLogRetentionDays,
		},
		StreamNames: streams,
		Settings:    components.TransformSettings{ExtraFields: t.ExtraFields, PartitionKeys: partitionBy},
	}, c.atHome())
}

// transformFor is the function of a class's stream; nil for none.
func (c *composer) transformFor(class Class) *components.TransformFunction {
	if class == ClassDatabases && c.spec.databasesApart() {
		return c.databaseTransform
	}
	return c.transform
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
	if c.databaseTransform != nil {
		own = append(own, c.databaseTransform.LogGroup)
	}
	if s.Exports != nil {
		own = append(own, s.functionLogGroup(s.ExportsFunction()))
	}
	_, err := components.NewLogGroupSubscriber(c.ctx, c.scope+"subscribe", &components.LogGroupSubscriberArgs{
		Place: s.Home,
		FunctionArgs: components.FunctionArgs{
			FunctionName: s.SubscribeFunction(), RoleName: s.SubscribeRole(),
			Architecture: s.Pipeline.Transform.Architecture, LogRetentionDays: s.Pipeline.ErrorLogRetentionDays,
		},
		Pipeline:      c.pipelines[ClassLogs],
		Include:       s.Subscribe.Prefixes,
		Exclude:       s.excluded(),
		GroupTags:     s.Subscribe.Tags,
		RetentionDays: s.Subscribe.RetentionDays,
		OwnLogGroups:  own,
		Schedule:      s.Subscribe.Schedule,
		AlarmActions:  c.alarmActions(s.Home),
		Runbook:       s.runbook(),
	}, c.atHome())
	return err
}
