package stacks

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/stacks/schema"
)

// ReplaySpec is the function that brings back what Firehose couldn't deliver.
type ReplaySpec struct {
	// Schedule is empty when the function runs only when it is invoked.
	Schedule                      string
	MinAgeMinutes, BytesPerSecond int
}

// onDemand is the schedule of a function that runs when somebody invokes it.
const onDemand = "on-demand"

const (
	defaultReplayAge             = 15
	maxReplayAge                 = 7 * 24 * 60
	defaultReplayRate            = 512 << 10
	minReplayRate, maxReplayRate = 64 << 10, 100 << 20
	replayScheduleAccepts        = "on-demand, rate(n minutes), rate(n hours), rate(n days), or cron(minutes hours day-of-month month day-of-week year)"
)

func replayField() schema.Field {
	return schema.Field{
		Key: "replay", Kind: schema.Object,
		Doc:     "A function that reads what Firehose couldn't deliver, below the error prefixes, and puts its records back onto their streams, each once. `logarchive replay` does the same by hand, and the two get along.",
		Example: "schedule: rate(6 hours)",
		Fields: []schema.Field{
			{Key: "schedule", Kind: schema.String, DefaultText: "on-demand, where another key of replay is given",
				Doc:     "When it runs (UTC): on-demand is when somebody invokes it.",
				Accepts: replayScheduleAccepts},
			{Key: "minAgeMinutes", Kind: schema.Integer, DefaultText: strconv.Itoa(defaultReplayAge), Range: schema.Between(0, maxReplayAge),
				Doc: "Younger objects wait. It bounds how often a record goes round that fails again."},
			{Key: "bytesPerSecond", Kind: schema.Integer, DefaultText: strconv.Itoa(defaultReplayRate), Range: schema.Between(minReplayRate, maxReplayRate),
				Doc: "The most that is put back in a second, so that live logs aren't throttled. A stream in China takes 1 MiB a second."},
		},
	}
}

// replay reads when error objects are brought back.
func (p *parser) replay(v schema.Value) {
	if !v.Given {
		return
	}
	schedule := v.Get("schedule")
	s := &ReplaySpec{MinAgeMinutes: defaultReplayAge, BytesPerSecond: cmp.Or(v.Get("bytesPerSecond").Number(), defaultReplayRate)}
	if age := v.Get("minAgeMinutes"); age.Given {
		s.MinAgeMinutes = age.Number()
	}
	p.spec.Replay = s
	if !schedule.OK() || schedule.Text() == onDemand {
		return
	}
	s.Schedule = schedule.Text()
	if !strings.HasPrefix(s.Schedule, "rate(") && !strings.HasPrefix(s.Schedule, "cron(") {
		p.add(schedule, "%s is not accepted; want %s", schema.Quote(s.Schedule), replayScheduleAccepts)
	} else if err := checkSweep(s.Schedule); err != nil {
		p.add(schedule, "%s: %v", schema.Quote(s.Schedule), err)
	}
}

// replayable says that there is something to replay, once all sources are read.
func (p *parser) replayable(v schema.Value) {
	if p.spec.Replay != nil && v.Valid && len(p.spec.classes()) == 0 && len(p.spec.Accounts) == 0 {
		p.add(v, "there is no stream that it could put records back to; want logGroups, subscribe, databases or flowLogs with method firehose, or no replay")
	}
}

// replays returns the function's access to the archive, for each stream.
func (s *Spec) replays(classes []Class) []components.Delivery {
	var list []components.Delivery
	if s.Replay == nil {
		return nil
	}
	for _, class := range classes {
		list = append(list, components.Delivery{
			Kind: components.ReplayDelivery, Source: s.Home, RoleArn: s.Home.RoleARN(s.ReplayRole()).String(),
			ErrorPrefix: components.FixedPrefix(s.ErrorPrefix(class)),
		})
	}
	return list
}

// replay makes the function for the streams of an account.
func (c *composer) replay() error {
	s := c.spec
	classes := c.classes()
	if s.Replay == nil || len(classes) == 0 {
		return nil
	}
	args := &components.ReplayFunctionArgs{
		Place: s.Home,
		FunctionArgs: components.FunctionArgs{
			FunctionName: s.ReplayFunction(), RoleName: s.ReplayRole(),
			Architecture: s.Pipeline.Transform.Architecture, LogRetentionDays: s.Pipeline.ErrorLogRetentionDays,
		},
		BucketName: s.ArchiveBucket.Bucket, BucketPlace: s.Archive, KeyArn: c.archive.KeyArn,
		Schedule: s.Replay.Schedule, MinAgeMinutes: s.Replay.MinAgeMinutes, BytesPerSecond: s.Replay.BytesPerSecond,
		AlarmActions: c.alarmActions(s.Home),
	}
	for _, class := range classes {
		args.Streams = append(args.Streams, components.ReplayStream{
			StreamName: s.StreamName(class), ErrorPrefix: components.FixedPrefix(s.ErrorPrefix(class)),
		})
		args.DependsOn = append(args.DependsOn, c.pipelines[class].Stream)
	}
	_, err := components.NewReplayFunction(c.ctx, c.scope+"replay", args, c.atHome())
	return err
}
