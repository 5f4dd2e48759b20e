package subscribe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/functions/subscribe/environ"
)

// Config says which groups are subscribed to what.
type Config struct {
	QueueURL string // the queue of work items
	// Destination is the ARN of a Firehose stream or of a CloudWatch Logs destination, in the groups' region.
	Destination string
	Role        string            // what CloudWatch Logs assumes; a destination needs none
	FilterName  string            // by which our filter is known
	Pattern     string            // "" is every event
	Include     []string          // prefixes of group names; none is every group
	Exclude     []string          // group names, or prefixes that end with *
	Own         []string          // prefixes of the pipeline's own groups
	Tags        map[string]string // a group must have all of them; "*" is any value
	// RetentionDays is what subscribed groups without a retention get; 0 leaves them as they are.
	RetentionDays int
	// DeadLetterURL is where the item of a group with two foreign filters goes; "" drops it after the metric.
	DeadLetterURL string
	Attempts      int // how often a call is made that may succeed later
	Metrics       bool
}

const envPrefix = "LOGARCHIVE_SUBSCRIBE_"

// FromEnviron reads the variables LOGARCHIVE_SUBSCRIBE_… of an environment in the form of os.Environ, and of Lambda's own
// the function's name and log group, which it adds to Config.Own. The error is an *environ.Error with all problems.
func FromEnviron(vars []string) (Config, error) {
	c := Config{FilterName: "logarchive", Attempts: 5, Metrics: true}
	limitReached, deadLetterURL := "drop", ""
	text := func(to *string, ok func(string) bool) func(string) bool {
		return func(v string) bool { *to = v; return ok(v) }
	}
	url := func(v string) bool { return strings.HasPrefix(v, "https://") && len(v) > len("https://") }
	group := func(v string) bool { return isGroup(v) }
	settings := []environ.Setting{
		{Name: "QUEUE_URL", Required: true, Accepts: "the URL of an SQS queue", Read: text(&c.QueueURL, url)},
		{Name: "DESTINATION_ARN", Required: true, Accepts: "the ARN of a Firehose stream or of a CloudWatch Logs destination", Read: text(&c.Destination, func(v string) bool { _, ok := readDestination(v); return ok })},
		{Name: "ROLE_ARN", Accepts: "the ARN of an IAM role; a Firehose stream needs one", Read: text(&c.Role, isRole)},
		{Name: "FILTER_NAME", Accepts: "up to 512 characters without ':' and '*'", Read: text(&c.FilterName, func(v string) bool { return len(v) <= 512 && !strings.ContainsAny(v, ":*") })},
		{Name: "FILTER_PATTERN", Accepts: "a filter pattern of up to 1024 characters", Read: text(&c.Pattern, func(v string) bool { return len(v) <= 1024 })},
		{Name: "INCLUDE", Accepts: "prefixes of log group names, separated by commas", Read: environ.List(&c.Include, group)},
		{Name: "EXCLUDE", Accepts: "log group names, or prefixes that end with *, separated by commas", Read: environ.List(&c.Exclude, func(v string) bool { return group(strings.TrimSuffix(v, "*")) })},
		{Name: "OWN_GROUPS", Required: true, Accepts: "prefixes of the pipeline's own log groups, separated by commas", Read: environ.List(&c.Own, group)},
		{Name: "TAGS", Accepts: "key=value pairs separated by commas, * for any value", Read: readTags(&c.Tags)},
		{Name: "RETENTION_DAYS", Accepts: "a whole number of days that CloudWatch Logs takes, up to 3653", Read: environ.Whole(1, 3653, &c.RetentionDays)},
		{Name: "LIMIT_REACHED", Accepts: "drop or dead-letter", Read: text(&limitReached, func(v string) bool { return v == "drop" || v == "dead-letter" })},
		{Name: "DEAD_LETTER_URL", Accepts: "the URL of an SQS queue", Read: text(&deadLetterURL, url)},
		{Name: "ATTEMPTS", Accepts: "a whole number from 1 to 20", Read: environ.Whole(1, 20, &c.Attempts)},
		{Name: "METRICS", Accepts: "true or false", Read: environ.Switch(&c.Metrics)},
	}
	err := environ.Read("subscribe", envPrefix, vars, settings, func() (problems []string) {
		d, _ := readDestination(c.Destination)
		switch {
		case c.Role == "" && d.service == "firehose":
			problems = append(problems, fmt.Sprintf("%sROLE_ARN: missing; %sDESTINATION_ARN is a Firehose stream, for which CloudWatch Logs assumes a role", envPrefix, envPrefix))
		case c.Role != "" && strings.Split(c.Role, ":")[1] != d.partition:
			problems = append(problems, fmt.Sprintf("%sROLE_ARN: %q is in another partition than %sDESTINATION_ARN (%s)", envPrefix, c.Role, envPrefix, d.partition))
		}
		if limitReached == "dead-letter" && deadLetterURL == "" {
			problems = append(problems, envPrefix+"DEAD_LETTER_URL: missing; "+envPrefix+"LIMIT_REACHED=dead-letter needs it")
		}
		if limitReached == "drop" && deadLetterURL != "" {
			problems = append(problems, fmt.Sprintf("%sDEAD_LETTER_URL: %q is never used unless %sLIMIT_REACHED=dead-letter", envPrefix, deadLetterURL, envPrefix))
		}
		return problems
	})
	if err != nil {
		return Config{}, err
	}
	c.DeadLetterURL = deadLetterURL
	for _, v := range vars {
		if own, ok := strings.CutPrefix(v, "AWS_LAMBDA_LOG_GROUP_NAME="); ok && own != "" {
			c.Own = append(c.Own, own)
		}
		if name, ok := strings.CutPrefix(v, "AWS_LAMBDA_FUNCTION_NAME="); ok && name != "" {
			c.Own = append(c.Own, "/aws/lambda/"+name)
		}
	}
	return c, nil
}

// isGroup accepts what a log group's name may hold.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
func isGroup(v string) bool {
	return v != "" && len(v) <= 512 && strings.IndexFunc(v, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("_-/.#", c)
	}) < 0
}

// destination is what an ARN of a destination says.
type destination struct{ partition, service, region, account, name string }

func readDestination(arn string) (destination, bool) {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[1] == "" || p[3] == "" || len(p[4]) != 12 {
		return destination{}, false
	}
	d := destination{partition: p[1], service: p[2], region: p[3], account: p[4]}
	var ok bool
	switch d.service {
	case "firehose":
		d.name, ok = strings.CutPrefix(p[5], "deliverystream/")
	case "logs":
		d.name, ok = strings.CutPrefix(p[5], "destination:")
	}
	return d, ok && d.name != ""
}

func isRole(arn string) bool {
	p := strings.SplitN(arn, ":", 6)
	return len(p) == 6 && p[0] == "arn" && p[2] == "iam" && p[3] == "" && len(p[4]) == 12 && strings.HasPrefix(p[5], "role/") && len(p[5]) > len("role/")
}

func readTags(to *map[string]string) func(string) bool {
	return func(v string) bool {
		tags := map[string]string{}
		for part := range strings.SplitSeq(v, ",") {
			key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
			if _, twice := tags[key]; !ok || key == "" || twice {
				return false
			}
			tags[key] = value
		}
		*to = tags
		return true
	}
}

// prefixes are the include prefixes without those that another one covers, in order; "" for every group.
func (c *Config) prefixes() []string {
	sorted := slices.Sorted(slices.Values(c.Include))
	var out []string
	for _, p := range sorted {
		if len(out) == 0 || !strings.HasPrefix(p, out[len(out)-1]) {
			out = append(out, p)
		}
	}
	if out == nil {
		return []string{""}
	}
	return out
}

// own tells whether a group belongs to the pipeline itself.
func (c *Config) own(group string) bool {
	d, _ := readDestination(c.Destination)
	if d.service == "firehose" && group == "/aws/kinesisfirehose/"+d.name {
		return true
	}
	return slices.ContainsFunc(c.Own, func(p string) bool { return strings.HasPrefix(group, p) })
}

// excluded tells whether the configuration leaves a group out.
func (c *Config) excluded(group string) bool {
	if slices.ContainsFunc(c.Exclude, func(e string) bool {
		prefix, any := strings.CutSuffix(e, "*")
		return group == e || any && strings.HasPrefix(group, prefix)
	}) {
		return true
	}
	return len(c.Include) > 0 && !slices.ContainsFunc(c.Include, func(p string) bool { return strings.HasPrefix(group, p) })
}
