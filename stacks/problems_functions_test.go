package stacks

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// manyGroups are log groups of the configuration.
func manyGroups(n int) []any {
	var out []any
	for i := range n {
		out = append(out, map[string]any{"name": fmt.Sprint("/app/g", i)})
	}
	return out
}

// functionProblems are the messages of the keys of functions. Each row is one change to the whole configuration.
var functionProblems = []problem{
	// The transform function.
	{"switch in quotes", "pipeline.transform.enabled", "yes", `pipeline.transform.enabled: "yes" is a string; want true or false`},
	{"architecture", "pipeline.transform.architecture", "amd64", `pipeline.transform.architecture: "amd64" is not one of arm64, x86_64`},
	{"architecture in upper case", "pipeline.transform.architecture", "ARM64", `pipeline.transform.architecture: "ARM64" is not one of arm64, x86_64`},
	{"too little memory", "pipeline.transform.memoryMiB", 64, `pipeline.transform.memoryMiB: 64 is out of range; want an integer from 128 to 10240`},
	{"too much memory", "pipeline.transform.memoryMiB", 10241, `pipeline.transform.memoryMiB: 10241 is out of range; want an integer from 128 to 10240`},
	{"memory in quotes", "pipeline.transform.memoryMiB", "512", `pipeline.transform.memoryMiB: "512" is a string; want an integer from 128 to 10240 (without quotes)`},
	{"fields as text", "pipeline.transform.extraFields", "messageType", `pipeline.transform.extraFields: "messageType" is a string; want a list of names of members of the event or its envelope, such as messageType, or of name=constant`},
	{"field with a comma", "pipeline.transform.extraFields", list("a,b"), `pipeline.transform.extraFields[0]: "a,b" is not accepted; want a name of letters, digits and _ . -, or name=constant without commas and equals signs`},
	{"constant with an equals sign", "pipeline.transform.extraFields", list("a=b=c"), `pipeline.transform.extraFields[0]: "a=b=c" is not accepted; want a name of letters, digits and _ . -, or name=constant without commas and equals signs`},
	{"field that is there already", "pipeline.transform.extraFields", list("site=x", "message"), `pipeline.transform.extraFields[1]: "message" is in every line already; want another name`},
	{"constant that is there already", "pipeline.transform.extraFields", list("owner=me"), `pipeline.transform.extraFields[0]: "owner" is in every line already; want another name`},
	{"field twice", "pipeline.transform.extraFields", list("site=x", "site=y"), `pipeline.transform.extraFields[1]: "site" is log-archive:pipeline.transform.extraFields[0], too; want each name once`},
	{"fields too long", "pipeline.transform.extraFields", list("site=" + strings.Repeat("x", 2050)), `pipeline.transform.extraFields: the fields have 2056 characters together; want at most 2048`},
	{"unknown key of the function", "pipeline.transform.memory", 512, `pipeline.transform.memory: unknown key with value 512; known here: enabled, architecture, memoryMiB, extraFields, partitionBy, partitionDatabasesBy`},

	// Dynamic partitioning. The whole configuration's buffers are too small for it, so rows about something else set more.
	{"partitions as text", "pipeline.transform.partitionBy", "class", `pipeline.transform.partitionBy: "class" is a string; want a list of account, region, logGroup, databaseInstance, class, year, month, day, hour`},
	{"buffer too small for partitions", "pipeline.transform.partitionBy", list("class"), `pipeline.transform.partitionBy: streams with dynamic partitioning have buffers of at least 64 MiB; want a bufferMiB of at least that, or no partitionBy`},

	// The subscriber.
	{"no prefixes", "subscribe", map[string]any{"exclude": list()}, `subscribe.prefixes: is required; want a list of beginnings of names, such as /aws/lambda/, or ["*"] for every group`},
	{"every group and another", "subscribe", map[string]any{"prefixes": list("*", "/app/")}, `subscribe.prefixes[0]: "*" is every group; want it alone`},
	{"star behind a prefix", "subscribe", map[string]any{"prefixes": list("/app/*")}, `subscribe.prefixes[0]: "/app/*" is not accepted; want up to 512 letters, digits and _ / . # -, or a star alone`},
	{"prefix twice", "subscribe", map[string]any{"prefixes": list("/app/", "/app/")}, `subscribe.prefixes[1]: "/app/" is log-archive:subscribe.prefixes[0], too; want each once`},
	{"a pipeline's own groups", "subscribe", map[string]any{"prefixes": list("/aws/lambda/archive-transform")}, `subscribe.prefixes[0]: "/aws/lambda/archive-transform" begins a pipeline's own groups, whose events would go round in a circle; want another`},
	{"error log of a pipeline", "subscribe", map[string]any{"prefixes": list("/aws/kinesisfirehose/archive-logs")}, `subscribe.prefixes[0]: "/aws/kinesisfirehose/archive-logs" begins a pipeline's own groups, whose events would go round in a circle; want another`},
	{"star in an exclusion", "subscribe", map[string]any{"prefixes": list("/app/"), "exclude": list("/app/*/x")}, `subscribe.exclude[0]: "/app/*/x" is not accepted; want up to 512 letters, digits and _ / . # -, perhaps with a star behind them`},
	{"exclusion twice", "subscribe", map[string]any{"prefixes": list("/app/"), "exclude": list("/app/a", "/app/a")}, `subscribe.exclude[1]: "/app/a" is log-archive:subscribe.exclude[0], too; want each once`},
	{"no tags", "subscribe", map[string]any{"prefixes": list("*"), "tags": map[string]any{}}, `subscribe.tags: 0 tags; want 1 to 10, or no tags`},
	{"tag with a comma", "subscribe", map[string]any{"prefixes": list("*"), "tags": map[string]any{"team": "a,b"}}, `subscribe.tags.team: "team": "a,b" is not a tag; want a key of up to 128 and a value of up to 256 letters, digits, spaces and + - . _ : / @ (and = in the value), or * for any value`},
	{"= in a tag's key", "subscribe", map[string]any{"prefixes": list("*"), "tags": map[string]any{"a=b": "*"}}, `subscribe.tags["a=b"]: "a=b": "*" is not a tag; want a key of up to 128 and a value of up to 256 letters, digits, spaces and + - . _ : / @ (and = in the value), or * for any value`},
	{"retention that there isn't", "subscribe", map[string]any{"prefixes": list("*"), "retentionDays": 31}, `subscribe.retentionDays: 31 is not a number of days that CloudWatch Logs accepts; the nearest are 30 and 60`},
	{"schedule that is none", "subscribe", map[string]any{"prefixes": list("/app/"), "schedule": "rate(hourly)"}, `subscribe.schedule: "rate(hourly)": want rate(1 hour), or another whole number of minutes, hours or days`},
	{"plural of one", "subscribe", map[string]any{"prefixes": list("/app/"), "schedule": "rate(1 hours)"}, `subscribe.schedule: "rate(1 hours)": EventBridge wants the unit in the singular for 1 and in the plural for more`},
	{"singular of many", "subscribe", map[string]any{"prefixes": list("/app/"), "schedule": "rate(5 minute)"}, `subscribe.schedule: "rate(5 minute)": EventBridge wants the unit in the singular for 1 and in the plural for more`},
	{"too many characters", "subscribe", map[string]any{"prefixes": list("/"+strings.Repeat("a", 500), "/"+strings.Repeat("b", 500), "/"+strings.Repeat("c", 500), "/"+strings.Repeat("d", 500), "/"+strings.Repeat("e", 500), "/"+strings.Repeat("f", 500), "/"+strings.Repeat("g", 500))}, `subscribe: the prefixes, tags and what is excluded, databases and flow logs of this configuration included, have 3608 characters together; want at most 3072`},
	{"unknown key of the subscriber", "subscribe", map[string]any{"prefixes": list("/app/"), "exclud": list()}, `subscribe.exclud: unknown key with value []; did you mean exclude? known here: prefixes, exclude, tags, retentionDays, schedule`},

	// The replay.
	{"schedule in words", "replay", map[string]any{"schedule": "daily"}, `replay.schedule: "daily" is not accepted; want ` + replayScheduleAccepts},
	{"rate in the singular", "replay", map[string]any{"schedule": "rate(6 hour)"}, `replay.schedule: "rate(6 hour)": EventBridge wants the unit in the singular for 1 and in the plural for more`},
	{"cron with five fields", "replay", map[string]any{"schedule": "cron(0 2 * * *)"}, `replay.schedule: "cron(0 2 * * *)": it has 5 fields; want six: minutes hours day-of-month month day-of-week year; unlike Unix, AWS wants a year, and ? in one of the days`},
	{"too old", "replay", map[string]any{"schedule": "on-demand", "minAgeMinutes": 10081}, `replay.minAgeMinutes: 10081 is out of range; want an integer from 0 to 10080`},
	{"too slow", "replay", map[string]any{"schedule": "on-demand", "bytesPerSecond": 1000}, `replay.bytesPerSecond: 1000 is out of range; want an integer from 65536 to 104857600`},
	{"too fast", "replay", map[string]any{"schedule": "on-demand", "bytesPerSecond": 104857601}, `replay.bytesPerSecond: 104857601 is out of range; want an integer from 65536 to 104857600`},
	{"unknown key of the replay", "replay", map[string]any{"schedule": "on-demand", "dryRun": true}, `replay.dryRun: unknown key with value true; known here: schedule, minAgeMinutes, bytesPerSecond`},
	{"switch of streams in quotes", "pipeline.keepStreams", "true", `pipeline.keepStreams: "true" is a string; want true or false (without quotes)`},
}

func TestParseSpecReportsProblemsOfFunctions(t *testing.T) {
	t.Parallel()
	for _, test := range functionProblems {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseSpec("beijing", parse(t, whole).with(t, test.path, test.value).engine(t))
			if diff := cmp.Diff([]string{"log-archive:" + test.want}, lines(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What dynamic partitioning demands of the rest of the configuration, with buffers as large as it needs.
func TestParseSpecReportsPartitions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		keys   []any
		change map[string]any // path and value, besides
		want   string
	}{
		{"unknown key", list("group"), nil, `pipeline.transform.partitionBy[0]: "group" is not one of account, region, logGroup, databaseInstance, class, year, month, day, hour`},
		{"key twice", list("class", "class"), nil, `pipeline.transform.partitionBy[1]: "class" is log-archive:pipeline.transform.partitionBy[0], too; want each key once`},
		{"hour of any day", list("hour"), nil, `pipeline.transform.partitionBy[0]: "hour" without year before it mixes what is apart; want year, month, day, hour in this order`},
		{"day before its month", list("year", "day", "month"), nil, `pipeline.transform.partitionBy[1]: "day" without month before it mixes what is apart; want year, month, day in this order`},
		{"no function", list("class"), map[string]any{"pipeline.transform.enabled": false}, `pipeline.transform.partitionBy: the keys are computed by the function, which isn't enabled; leave it out, or enable the function`},
		{"time twice", list("year", "month"), map[string]any{"pipeline.timePrefix": "year=!{timestamp:yyyy}/"}, `pipeline.timePrefix: "year=!{timestamp:yyyy}/": keys would have year= twice, for partitionBy has it; want another name for the time of arrival, such as in arrival=!{timestamp:yyyy-MM-dd-HH}/`},
		{"prefix too long", list("logGroup", "databaseInstance"), map[string]any{"pipeline.timePrefix": strings.Repeat("x", 180) + "/!{timestamp:yyyy}/"}, `pipeline.transform.partitionBy: prefixes of keys can have 526 characters with these keys and timePrefix, and Firehose takes 512; want fewer keys, or a shorter timePrefix`},
		{"more groups than partitions", list("logGroup"), map[string]any{"logGroups": manyGroups(501)}, `pipeline.transform.partitionBy: one stream would have 501 log groups, and has 500 partitions at a time; want partitionBy without logGroup`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := parse(t, whole).with(t, "pipeline.bufferMiB", 64).with(t, "pipeline.transform.partitionBy", test.keys)
			for path, value := range test.change {
				d = d.with(t, path, value)
			}
			_, err := ParseSpec("beijing", d.engine(t))
			if diff := cmp.Diff([]string{"log-archive:" + test.want}, lines(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A replay without a stream has nothing to do.
func TestParseSpecReportsReplayOfNothing(t *testing.T) {
	t.Parallel()
	_, err := ParseSpec("beijing", parse(t, smallest).with(t, "replay", map[string]any{"schedule": "on-demand"}).engine(t))
	want := []string{"log-archive:replay: there is no stream that it could put records back to; want logGroups, subscribe, databases or flowLogs with method firehose, or no replay"}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}

// What the streams are told with partition keys, and what they are called.
func TestPartitionedPrefixes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		keys         []any
		time         string // "" for the default
		prefix, logs string
	}{
		{list("class"), "", "logs/account=111122223333/region=cn-north-1/class=!{partitionKeyFromLambda:class}/" + DefaultTimePrefix, "archive-logs-partitioned"},
		{list("account", "region", "logGroup", "year", "month", "day", "hour"), "",
			"logs/account=!{partitionKeyFromLambda:account}/region=!{partitionKeyFromLambda:region}/logGroup=!{partitionKeyFromLambda:logGroup}/" +
				"year=!{partitionKeyFromLambda:year}/month=!{partitionKeyFromLambda:month}/day=!{partitionKeyFromLambda:day}/hour=!{partitionKeyFromLambda:hour}/" + ArrivalTimePrefix,
			"archive-logs-partitioned"},
		{list("databaseInstance", "year"), "at=!{timestamp:yyyy}/", "logs/account=111122223333/region=cn-north-1/databaseInstance=!{partitionKeyFromLambda:databaseInstance}/year=!{partitionKeyFromLambda:year}/at=!{timestamp:yyyy}/", "archive-logs-partitioned"},
		{list(), "", "logs/account=111122223333/region=cn-north-1/" + DefaultTimePrefix, "archive-logs"},
	} {
		d := parse(t, whole).with(t, "pipeline.bufferMiB", 64).with(t, "pipeline.transform.partitionBy", test.keys)
		if test.time == "" {
			d = d.with(t, "pipeline.timePrefix", removed{})
		} else {
			d = d.with(t, "pipeline.timePrefix", test.time)
		}
		s, err := ParseSpec("beijing", d.engine(t))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Prefix(ClassLogs); got != test.prefix {
			t.Errorf("%v: prefix %s\nwant %s", test.keys, got, test.prefix)
		}
		if got := s.StreamName(ClassLogs); got != test.logs {
			t.Errorf("%v: stream %s, want %s", test.keys, got, test.logs)
		}
		if strings.Contains(s.ErrorPrefix(ClassLogs), "partitionKey") || strings.Contains(s.Prefix(ClassFlowLogsVended), "partitionKey") {
			t.Errorf("%v: %s, %s", test.keys, s.ErrorPrefix(ClassLogs), s.Prefix(ClassFlowLogsVended))
		}
		if !slices.Contains(s.ownLogGroups(), "/aws/kinesisfirehose/archive-logs") {
			t.Errorf("%v: the stream's error log isn't known as its own", test.keys)
		}
	}
}
