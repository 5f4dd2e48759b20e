package components

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The environment variables by which functions are configured. The functions' own packages say what each accepts
// (functions/transform and functions/subscribe, FromEnviron); tests give them what is written here.

// TransformSettings is how the transform function works. The zero value is the function's own default.
type TransformSettings struct {
	// ExtraFields are further members of every line: the name of a member of the log event or its envelope, or
	// name=constant.
	ExtraFields []string
	// PartitionKeys are computed for each line, for streams with dynamic partitioning: see [PartitionKeys].
	PartitionKeys []string
	// Class is the partition key class of log groups that no prefix in Classes fits; empty means "logs".
	Class string
	// Classes has the classes of log groups by what their names begin with; nil means that groups of databases have the
	// class "databases".
	Classes map[string]string
	// LogSample writes a line about one of so many invocations; 0 means 100, less than 0 none.
	LogSample int
	// NoMetrics turns the metrics of invocations off.
	NoMetrics bool
}

// PartitionKeys are the partition keys that the transform function knows. Year, month, day and hour are the event's own,
// so that late data goes to the hour that it belongs to.
func PartitionKeys() []string {
	return []string{"account", "region", "logGroup", "databaseInstance", "class", "year", "month", "day", "hour"}
}

func (s *TransformSettings) variables() map[string]string {
	v := map[string]string{}
	set := func(name, value string) {
		if value != "" {
			v["LOGARCHIVE_TRANSFORM_"+name] = value
		}
	}
	set("EXTRA_FIELDS", strings.Join(s.ExtraFields, ","))
	set("PARTITION_KEYS", strings.Join(s.PartitionKeys, ","))
	set("CLASS", s.Class)
	set("CLASS_PREFIXES", pairs(s.Classes))
	switch {
	case s.LogSample > 0:
		set("LOG_SAMPLE", strconv.Itoa(s.LogSample))
	case s.LogSample < 0:
		set("LOG_SAMPLE", "0")
	}
	if s.NoMetrics {
		set("METRICS", "false")
	}
	return v
}

// subscribeSettings is how the subscribe function works.
type subscribeSettings struct {
	filterName, filterPattern string
	include, exclude, own     []string
	groupTags                 map[string]string
	retentionDays             int
}

// The variables whose values become known when AWS has created what they name.
const (
	subscribeQueue       = "LOGARCHIVE_SUBSCRIBE_QUEUE_URL"
	subscribeDestination = "LOGARCHIVE_SUBSCRIBE_DESTINATION_ARN"
	subscribeRole        = "LOGARCHIVE_SUBSCRIBE_ROLE_ARN"
)

func (s *subscribeSettings) variables() map[string]string {
	v := map[string]string{}
	for name, value := range map[string]string{
		"FILTER_NAME":    s.filterName,
		"FILTER_PATTERN": s.filterPattern,
		"INCLUDE":        strings.Join(s.include, ","),
		"EXCLUDE":        strings.Join(s.exclude, ","),
		"OWN_GROUPS":     strings.Join(s.own, ","),
		"TAGS":           pairs(s.groupTags),
	} {
		if value != "" {
			v["LOGARCHIVE_SUBSCRIBE_"+name] = value
		}
	}
	if s.retentionDays != 0 {
		v["LOGARCHIVE_SUBSCRIBE_RETENTION_DAYS"] = strconv.Itoa(s.retentionDays)
	}
	return v
}

// The metric of the subscribe function for groups that have two foreign filters, by destination stream.
const (
	subscribeNamespace    = "LogArchive/Subscribe"
	subscribeDimension    = "Destination"
	subscribeLimitReached = "LimitReached"
)

// pairs writes key=value pairs, always in the same order.
func pairs(m map[string]string) string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, key+"="+m[key])
	}
	return strings.Join(out, ",")
}
