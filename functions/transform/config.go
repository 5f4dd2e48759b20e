package transform

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Config says how the transform works. The zero value is not usable: begin with Defaults.
type Config struct {
	// Extra are further members of every line, after the standard ones: first those that are copied, then the
	// constants, each in this order.
	Extra []Field
	// Partition are the names of the partition keys that each Ok result carries in its metadata, for a stream with
	// dynamic partitioning; empty for none. See PartitionKeys for the names. Firehose keeps 500 partitions open at a
	// time, so that logGroup and databaseInstance are for streams with few of them.
	Partition []string
	// Class is the class of logs from groups that no prefix in Classes matches.
	Class string
	// Classes maps prefixes of log group names to classes; the longest match wins.
	Classes map[string]string
	// Region overrides the region of the partition key; by default it is the delivery stream's.
	Region string
	// MaxResponseBytes bounds the answer. Lambda's limit for a synchronous answer is 6 MB (6,291,456 bytes).
	MaxResponseBytes int
	// MaxInflatedBytes bounds one record when decompressed.
	MaxInflatedBytes int
	// MaxReingestions is how often a record may be put back before it has to fit or fail.
	MaxReingestions int
	// PutAttempts is how many rounds of PutRecordBatch a batch gets in one invocation.
	PutAttempts int
	// Metrics turns the line of metrics per invocation on.
	Metrics bool
	// LogSample writes a line about one of so many invocations; 0 for none.
	LogSample int
}

// Field is an extra member of a line: copied from the log event or, failing that, from the envelope (then Value is
// nil; it is left out where neither has it), or a constant.
type Field struct {
	Name  string
	Value *string
}

// PartitionKeys are the names that Config.Partition may hold. year, month, day and hour are those of the event, in UTC.
func PartitionKeys() []string {
	return []string{"account", "region", "logGroup", "databaseInstance", "class", "year", "month", "day", "hour"}
}

// ResponseLimit is Lambda's limit of a synchronous answer.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const ResponseLimit = 6 << 20

// Defaults is the configuration that nothing has been added to. The response limit keeps a distance from Lambda's,
// which AWS writes as "6 MB" without saying which; class prefixes are those of the database services.
func Defaults() Config {
	return Config{
		Class:            "logs",
		Classes:          map[string]string{"/aws/rds/": "databases", "/aws/docdb/": "databases", "/aws/neptune/": "databases"},
		MaxResponseBytes: 6_000_000,
		MaxInflatedBytes: 32 << 20,
		MaxReingestions:  10,
		PutAttempts:      8,
		Metrics:          true,
		LogSample:        100,
	}
}

// standardFields are the members that every line has.
var standardFields = []string{"id", "timestamp", "message", "logGroup", "logStream", "owner"}

const envPrefix = "LOGARCHIVE_TRANSFORM_"

// setting is one environment variable: what it accepts, and how it is read.
type setting struct {
	name, accepts string
	read          func(c *Config, value string) bool
}

func settings() []setting {
	return []setting{
		{"EXTRA_FIELDS", "names, or name=constant, separated by commas; not one of " + strings.Join(standardFields, ", "), readExtra},
		{"PARTITION_KEYS", "some of " + strings.Join(PartitionKeys(), ", ") + ", separated by commas", readPartition},
		{"CLASS", "letters, digits, '-' and '_'", func(c *Config, v string) bool { c.Class = v; return isName(v) }},
		{"CLASS_PREFIXES", "prefix=class pairs separated by commas", readClasses},
		{"REGION", "a region's name, such as cn-north-1", func(c *Config, v string) bool { c.Region = v; return isName(v) }},
		{"MAX_RESPONSE_BYTES", fmt.Sprintf("a whole number from 65536 to %d", ResponseLimit), whole(65536, ResponseLimit, func(c *Config) *int { return &c.MaxResponseBytes })},
		{"MAX_INFLATED_BYTES", "a whole number from 1048576 to 268435456", whole(1<<20, 1<<28, func(c *Config) *int { return &c.MaxInflatedBytes })},
		{"MAX_REINGESTIONS", "a whole number from 0 to 255", whole(0, 255, func(c *Config) *int { return &c.MaxReingestions })},
		{"PUT_ATTEMPTS", "a whole number from 1 to 20", whole(1, 20, func(c *Config) *int { return &c.PutAttempts })},
		{"METRICS", "true or false", func(c *Config, v string) bool { c.Metrics = v == "true"; return v == "true" || v == "false" }},
		{"LOG_SAMPLE", "a whole number from 0 (never) to 1000000", whole(0, 1_000_000, func(c *Config) *int { return &c.LogSample })},
	}
}

// A ConfigError names every wrong environment variable, its value and what is accepted.
type ConfigError struct{ Problems []string }

func (e *ConfigError) Error() string {
	return "configuration of the transform function:\n  " + strings.Join(e.Problems, "\n  ")
}

// FromEnviron reads the variables LOGARCHIVE_TRANSFORM_… of an environment in the form of os.Environ. A variable that is set to
// nothing counts as absent. Unknown names with the prefix are refused, since they are misspelt ones. The error is a
// *ConfigError with all problems.
func FromEnviron(environ []string) (Config, error) {
	c := Defaults()
	known := settings()
	var problems []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		short, ours := strings.CutPrefix(name, envPrefix)
		if !ours || value == "" {
			continue
		}
		at := slices.IndexFunc(known, func(s setting) bool { return s.name == short })
		if at < 0 {
			names := make([]string, len(known))
			for i, s := range known {
				names[i] = envPrefix + s.name
			}
			problems = append(problems, fmt.Sprintf("%s: unknown; known are %s", name, strings.Join(names, ", ")))
			continue
		}
		if !known[at].read(&c, value) {
			problems = append(problems, fmt.Sprintf("%s: %q is not accepted; accepted: %s", name, value, known[at].accepts))
		}
	}
	if problems != nil {
		sort.Strings(problems)
		return Config{}, &ConfigError{problems}
	}
	return c, nil
}

func whole(low, high int, field func(*Config) *int) func(*Config, string) bool {
	return func(c *Config, v string) bool {
		n, err := strconv.Atoi(v)
		if err != nil || n < low || n > high || strconv.Itoa(n) != v {
			return false
		}
		*field(c) = n
		return true
	}
}

func readExtra(c *Config, v string) bool {
	c.Extra = nil
	taken := slices.Clone(standardFields)
	for part := range strings.SplitSeq(v, ",") {
		name, constant, isConstant := strings.Cut(strings.TrimSpace(part), "=")
		if name == "" || slices.Contains(taken, name) {
			return false
		}
		taken = append(taken, name)
		f := Field{Name: name}
		if isConstant {
			f.Value = &constant
		}
		c.Extra = append(c.Extra, f)
	}
	return true
}

func readPartition(c *Config, v string) bool {
	c.Partition = nil
	for part := range strings.SplitSeq(v, ",") {
		name := strings.TrimSpace(part)
		if !slices.Contains(PartitionKeys(), name) || slices.Contains(c.Partition, name) {
			return false
		}
		c.Partition = append(c.Partition, name)
	}
	return true
}

func readClasses(c *Config, v string) bool {
	c.Classes = map[string]string{}
	for part := range strings.SplitSeq(v, ",") {
		prefix, class, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := c.Classes[prefix]; !ok || prefix == "" || twice || !isName(class) {
			return false
		}
		c.Classes[prefix] = class
	}
	return true
}

// isName accepts what needs no escaping in an S3 key.
func isName(s string) bool {
	for _, c := range []byte(s) {
		if c-'0' > 9 && c|0x20-'a' > 25 && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

// quoted renders a constant as JSON, without HTML escaping.
func quoted(s string) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return []byte(`""`)
	}
	return []byte(strings.TrimRight(b.String(), "\n"))
}
