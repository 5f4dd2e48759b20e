package stacks

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// Accounts that go through a destination share streams in the log-archive account, in the home region. The stack as that
// account has it is a Spec as for any other account. It has no sources of its own, and its streams put each line below
// account=<owner>, which the transform function takes from what CloudWatch Logs says about it.

// central is the stack as the streams have it that carry other accounts' logs. Each line says where it comes from, so that
// keys are the same as those of an account's own streams.
func (s *Spec) central() *Spec {
	c := s.at(partition.Place{Account: s.Archive.Account, Region: s.Home.Region})
	by := []string{"account", "region"}
	for _, key := range s.Pipeline.Transform.PartitionBy {
		if !slices.Contains(by, key) {
			by = append(by, key)
		}
	}
	c.Pipeline.Transform.PartitionBy = by
	return c
}

// centralClasses are the classes that some account sends to a destination, in the order of [Classes].
func (s *Spec) centralClasses() []Class {
	used := map[Class]bool{}
	for i := range s.Accounts {
		if a := &s.Accounts[i]; a.Way == ViaDestination {
			for _, c := range a.Stack.classes() {
				used[c] = true
			}
		}
	}
	return slices.DeleteFunc(Classes(), func(c Class) bool { return !used[c] })
}

// shardAccounts are the accounts of each destination: one for a class and a shard. An account is in those of the classes
// that it has.
func (s *Spec) shardAccounts(c Class) map[int][]partition.Account {
	out := map[int][]partition.Account{}
	for i := range s.Accounts {
		if a := &s.Accounts[i]; a.Way == ViaDestination && slices.Contains(a.Stack.classes(), c) {
			shard := components.LogDestinationShard(a.account())
			out[shard] = append(out[shard], a.account())
		}
	}
	return out
}

// DestinationName is a destination for the log groups of a class.
func (s *Spec) DestinationName(c Class, shard int) string {
	return fmt.Sprintf("%s-%s-%02d", s.NamePrefix, c, shard)
}

// DestinationRole is what CloudWatch Logs acts as for a destination.
func (s *Spec) DestinationRole(c Class, shard int) string {
	return s.roleName(fmt.Sprintf("%s-destination-%02d", c, shard))
}

// viaDestination checks what a destination needs: lines that say whose they are.
func (p *parser) viaDestination(item, pipeline schema.Value, a *AccountSpec) {
	s, via := p.spec, item.Get("via")
	for i, f := range a.Stack.FlowLogs {
		if f.class() == ClassFlowLogsVended {
			p.add(item.Get("flowLogs").Items()[i].Get("via"), "%s puts records to a stream of its own account, which this one doesn't have; want %s, or method %s", schema.Quote(f.Via), ViaLogGroup, MethodS3)
		}
	}
	if r := s.Home.Region; r != "" {
		for _, feature := range []partition.Feature{partition.LogDestinations, partition.DynamicPartitioning} {
			if err := r.Require(feature); err != nil {
				p.add(via, "%v; want %s", err, ViaStreams)
			}
		}
	}
	buffer := pipeline.Get("bufferMiB")
	least, err := partition.Everywhere(partition.FirehosePartitionBufferMiB)
	switch {
	case err != nil:
		p.add(via, "%v", err)
	case !s.Pipeline.Transform.Enabled:
		p.add(via, "the transform function tells the lines of accounts apart, and isn't enabled; want %s, or pipeline.transform.enabled: true", ViaStreams)
	case buffer.Valid && int64(buffer.Number()) < least:
		p.add(via, "the shared streams have buffers of at least %d MiB, because they partition by account; want a pipeline.bufferMiB of at least that, or %s", least, ViaStreams)
	}
}

// shards checks that the accounts fit: a stream writes to so many partitions at a time, and the role of a destination can
// trust so many accounts.
func (p *parser) shards(v schema.Value) {
	s := p.spec
	if s.Home.Region == "" || s.Archive.Account == "" {
		return
	}
	place, all, shards := s.central().Home, 0, map[int][]partition.Account{}
	for i := range s.Accounts {
		if a := &s.Accounts[i]; a.Way == ViaDestination && len(a.account()) == 12 {
			all++
			shard := components.LogDestinationShard(a.account())
			if shards[shard] = append(shards[shard], a.account()); len(shards[shard]) == 1 {
				continue
			}
			if err := components.CheckLogDestinationAccounts(place, shards[shard]); err != nil {
				p.report.Add(a.Key+".via", "%v; want %s", err, ViaStreams)
				shards[shard] = shards[shard][:len(shards[shard])-1]
			}
		}
	}
	if most, err := place.Region.Limit(partition.FirehosePartitions); err == nil && int64(all) > most {
		p.add(v, "%d accounts go through destinations, and a stream has %d partitions at a time; want at most that many, and %s for the others", all, most, ViaStreams)
	}
}

// classes are those of the streams that the composer makes.
func (c *composer) classes() []Class {
	if c.carried != nil {
		return c.carried
	}
	return c.spec.classes()
}

// centralProvider is the provider of the streams that destinations share, made when it is first asked for.
func (c *composer) centralProvider() (_ *aws.Provider, err error) {
	if c.central == nil {
		c.central, err = newProvider(c.ctx, c.spec, "central", c.spec.central().Home, c.spec.assumeArchive(c.ctx))
	}
	return c.central, err
}

// centralStreams declares the streams that destinations share, and the destinations: by shard and class. It declares
// nothing for a stack without such accounts.
func (c *composer) centralStreams() (map[int]map[Class]*components.LogDestination, error) {
	classes := c.spec.centralClasses()
	if len(classes) == 0 {
		return nil, nil
	}
	s := c.spec.central()
	provider, err := c.centralProvider()
	if err != nil {
		return nil, err
	}
	of := &composer{
		ctx: c.ctx, spec: s, archive: c.archive, providers: &providers{home: provider},
		scope: "central:", pipelines: map[Class]*components.FirehoseToS3Pipeline{}, carried: classes,
	}
	c.watch(of, s.Home)
	for _, step := range []func() error{of.transformFunction, of.streams, of.replay, of.accountAlarms} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	c.further[s.Home.Account] = of.pipelineTable()
	made := map[int]map[Class]*components.LogDestination{}
	for _, class := range classes {
		shards := c.spec.shardAccounts(class)
		for _, shard := range sortedKeys(shards) {
			d, err := components.NewLogDestination(c.ctx, fmt.Sprintf("%s%s-%02d", of.scope, class, shard), &components.LogDestinationArgs{
				Place:           s.Home,
				DestinationName: s.DestinationName(class, shard),
				RoleName:        s.DestinationRole(class, shard),
				Pipeline:        of.pipelines[class],
				SourceAccounts:  shards[shard],
			}, pulumi.Provider(provider))
			if err != nil {
				return nil, err
			}
			if made[shard] == nil {
				made[shard] = map[Class]*components.LogDestination{}
			}
			made[shard][class] = d
		}
	}
	return made, nil
}
