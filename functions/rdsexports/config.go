package rdsexports

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/functions/subscribe/environ"
)

// Config is how the function works.
type Config struct {
	// TagKey is the tag of a database that remembers what the function has switched on.
	TagKey string
	// Restore switches that off again when the database or the type leaves the program; otherwise it stays on.
	Restore bool
	// Mend has the check switch on what is missing; otherwise it only tells of it.
	Mend bool
	// Metrics writes the metrics of checks.
	Metrics bool
	// Name is the function's own, the dimension of its metrics.
	Name string
}

const envPrefix = "LOGARCHIVE_RDSEXPORTS_"

// FromEnviron reads the variables LOGARCHIVE_RDSEXPORTS_… of an environment in the form of os.Environ, and of Lambda's own
// the function's name. The error is an *environ.Error with all problems.
func FromEnviron(vars []string) (Config, error) {
	c := Config{Metrics: true}
	settings := []environ.Setting{
		{Name: "TAG_KEY", Required: true, Accepts: "the key of a tag, up to 128 characters", Read: func(v string) bool {
			c.TagKey = v
			return len(v) <= 128 && !strings.HasPrefix(v, "aws:")
		}},
		{Name: "ON_REMOVAL", Accepts: "keep or restore", Read: func(v string) bool {
			c.Restore = v == "restore"
			return slices.Contains([]string{"keep", "restore"}, v)
		}},
		{Name: "MEND", Accepts: "true or false", Read: environ.Switch(&c.Mend)},
		{Name: "METRICS", Accepts: "true or false", Read: environ.Switch(&c.Metrics)},
	}
	if err := environ.Read("rdsexports", envPrefix, vars, settings, nil); err != nil {
		return Config{}, err
	}
	for _, v := range vars {
		if name, ok := strings.CutPrefix(v, "AWS_LAMBDA_FUNCTION_NAME="); ok {
			c.Name = name
		}
	}
	return c, nil
}
