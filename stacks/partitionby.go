package stacks

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

const partitionByDoc = "Parts of keys that are computed from each line, before timePrefix (dynamic partitioning, which AWS charges for). " +
	"account and region are the line's own and stand in the place of the stack's; year, month, day and hour are those of the event, so that late lines go to the hour that they belong to. " +
	"A stream has 500 combinations open at a time, and what is beyond them goes below the error prefix. Streams can't change between with and without, so new ones are made, with -partitioned behind their names."

// ArrivalTimePrefix is how keys say the time when the event's own time is in them already: without any time of arrival
// Firehose would append one, yyyy/MM/dd/HH/ (https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html).
const ArrivalTimePrefix = "arrival=!{timestamp:yyyy-MM-dd-HH}/"

// partitioned ends the names of streams with dynamic partitioning. A stream can't be switched between with and without
// (https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-enable.html): with a name of its own, the new one
// is there, and fed, before the old one goes.
const partitioned = "-partitioned"

// eventTimes are the keys of the event's time, from coarse to fine.
var eventTimes = []string{"year", "month", "day", "hour"}

// The longest values of keys: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html for databases, and for
// log groups what functions/transform makes of longer names.
const (
	maxGroupValue    = 200
	maxInstanceValue = 63
	maxRegionValue   = 20
)

// partitionBy reads the keys of dynamic partitioning, whose prefixes AWS checks when the stream is made, and whose limits
// it enforces when lines come.
func (p *parser) partitionBy(v, buffer schema.Value) (keys []string) {
	s := &p.spec.Pipeline.Transform
	once, times := newOnce(p), 0
	for _, item := range v.Items() {
		key := item.Text()
		once.text(item, "is", "want each key once")
		keys = append(keys, key)
		at := slices.Index(eventTimes, key)
		switch {
		case at < 0 || !item.OK():
		case at > times:
			p.add(item, "%s without %s before it mixes what is apart; want %s in this order", schema.Quote(key), eventTimes[times], strings.Join(eventTimes[:at+1], ", "))
		default:
			times = at + 1
		}
	}
	if len(keys) == 0 {
		return nil
	}
	if home := p.spec.Home.Region; home != "" {
		if err := home.Require(partition.DynamicPartitioning); err != nil {
			p.add(v, "%v; leave it out", err)
		}
	}
	least, err := partition.Everywhere(partition.FirehosePartitionBufferMiB)
	switch {
	case err != nil:
		p.add(v, "%v", err)
	case buffer.Valid && int64(buffer.Number()) < least:
		p.add(v, "streams with dynamic partitioning have buffers of at least %d MiB; want a bufferMiB of at least that, or no partitionBy", least)
	case !s.Enabled:
		p.add(v, "the keys are computed by the function, which isn't enabled; leave it out, or enable the function")
	}
	return keys
}

// partitionedTime checks timePrefix beside the partition keys.
func (p *parser) partitionedTime(v, by schema.Value) {
	s := &p.spec.Pipeline
	keys := slices.Concat(s.Transform.PartitionBy, s.Transform.PartitionDatabasesBy)
	if len(keys) == 0 {
		return
	}
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		if s.TimePrefix != DefaultTimePrefix && strings.Contains("/"+s.TimePrefix, "/"+key+"=") {
			p.add(v, "%s: keys would have %s= twice, for partitionBy has it; want another name for the time of arrival, such as in %s", schema.Quote(v.Text()), key, ArrivalTimePrefix)
		}
	}
	most, err := partition.Everywhere(partition.FirehosePrefix)
	if err != nil {
		p.add(by, "%v", err)
		return
	}
	longest := 0
	for _, c := range Classes() {
		if p.spec.transforms(c) {
			longest = max(longest, len(p.spec.longestPrefix(c)))
		}
	}
	if int64(longest) > most {
		p.add(by, "prefixes of keys can have %d characters with these keys and timePrefix, and Firehose takes %d; want fewer keys, or a shorter timePrefix", longest, most)
	}
}

// openPartitions checks what the configuration itself has of combinations, once everything is read.
func (p *parser) openPartitions(v schema.Value) {
	most, err := partition.Everywhere(partition.FirehosePartitions)
	if err != nil || !v.Given {
		return // the table is tested
	}
	stacks := []*Spec{p.spec} // each account has streams of its own
	for _, a := range p.spec.Accounts {
		stacks = append(stacks, a.Stack)
	}
	for _, s := range stacks {
		instances, groups := map[string]bool{}, 0
		for _, d := range s.Databases {
			instances[d.Identifier] = true
			groups += len(d.LogTypes)
		}
		for _, count := range []struct {
			class     Class
			key, what string
			n         int
		}{
			{ClassLogs, "logGroup", "log groups", len(s.LogGroups)},
			{ClassDatabases, "logGroup", "log groups", groups},
			{ClassDatabases, "databaseInstance", "databases", len(instances)},
		} {
			if slices.Contains(s.partitionBy(count.class), count.key) && int64(count.n) > most {
				p.add(v, "one stream would have %d %s, and has %d partitions at a time; want partitionBy without %s", count.n, count.what, most, count.key)
			}
		}
	}
}

// partitions says whether the stream of a class has dynamic partitioning.
func (s *Spec) partitions(c Class) bool {
	return s.transforms(c) && len(s.partitionBy(c)) > 0
}

// partitionBy are the keys of a class that are computed from each line.
func (s *Spec) partitionBy(c Class) []string {
	if t := s.Pipeline.Transform; c == ClassDatabases && len(t.PartitionDatabasesBy) > 0 {
		return t.PartitionDatabasesBy
	}
	return s.Pipeline.Transform.PartitionBy
}

// partName is what a part of keys is called: that of a database db-instance, where databases have keys of their own.
func (s *Spec) partName(c Class, key string) string {
	if key == "databaseInstance" && c == ClassDatabases && len(s.Pipeline.Transform.PartitionDatabasesBy) > 0 {
		return "db-instance"
	}
	return key
}

// databasesApart says whether the databases' stream has a function of its own: a function computes one set of keys.
func (s *Spec) databasesApart() bool {
	return !slices.Equal(s.partitionBy(ClassDatabases), s.Pipeline.Transform.PartitionBy)
}

// timePrefix is how the keys of a class end. The default's names are those of the event's time, where keys have that.
func (s *Spec) timePrefix(c Class) string {
	if s.partitions(c) && slices.Contains(s.partitionBy(c), eventTimes[0]) && s.Pipeline.TimePrefix == DefaultTimePrefix {
		return ArrivalTimePrefix
	}
	return s.Pipeline.TimePrefix
}

// partitionPrefix is what keys have for what is computed from each line.
func (s *Spec) partitionPrefix(c Class) string {
	var b strings.Builder
	if s.partitions(c) {
		for _, key := range s.partitionBy(c) {
			b.WriteString(s.partName(c, key) + "=!{partitionKeyFromLambda:" + key + "}/")
		}
	}
	return b.String()
}

// longestPrefix is a prefix of a class as long as its evaluation can be.
func (s *Spec) longestPrefix(c Class) string {
	longest := map[string]int{
		"account": 12, "region": maxRegionValue, "logGroup": maxGroupValue, "databaseInstance": maxInstanceValue,
		"class": len(ClassDatabases), "year": 4, "month": 2, "day": 2, "hour": 2,
	}
	return expressionForm.ReplaceAllStringFunc(s.Prefix(c), func(e string) string {
		namespace, value, _ := strings.Cut(strings.Trim(e, "!{}"), ":")
		switch namespace {
		case "timestamp":
			return value
		case "firehose":
			return strings.Repeat("x", 11)
		}
		return strings.Repeat("x", longest[value])
	})
}
