package replay

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/logarchive/logarchive/functions/subscribe/environ"
)

// Route says which stream the records under an error prefix go back to.
type Route struct{ Prefix, Stream string }

// Config says what the function may bring back.
type Config struct {
	Bucket         string
	BucketRegion   string // "" for the function's own
	Routes         []Route
	ReplayPrefix   string
	MinAge         time.Duration
	BytesPerSecond int
	PutAttempts    int // rounds of PutRecordBatch a batch gets
	Metrics        bool
}

const envPrefix = "LOGARCHIVE_REPLAY_"

// FromEnviron reads the variables LOGARCHIVE_REPLAY_… of an environment in the form of os.Environ. The error is an
// *environ.Error with all problems.
func FromEnviron(vars []string) (Config, error) {
	c := Config{ReplayPrefix: DefaultReplayPrefix, PutAttempts: 8, Metrics: true}
	minutes := 0
	settings := []environ.Setting{
		{Name: "BUCKET", Required: true, Accepts: "the name of the bucket with the error objects", Read: func(v string) bool { c.Bucket = v; return !strings.ContainsAny(v, "/: ") }},
		{Name: "BUCKET_REGION", Accepts: "a region's name, such as cn-northwest-1", Read: func(v string) bool {
			c.BucketRegion = v
			return strings.Count(v, "-") >= 2 && !strings.ContainsAny(v, "/: .")
		}},
		{Name: "STREAMS", Required: true, Accepts: "prefix=stream pairs separated by commas, such as errors/logs/=archive-logs", Read: func(v string) bool { return c.readRoutes(v) }},
		{Name: "PREFIX", Accepts: "a prefix of keys that ends with a slash, for the markers", Read: func(v string) bool {
			c.ReplayPrefix = v
			return strings.HasSuffix(v, "/") && !strings.HasPrefix(v, "/")
		}},
		{Name: "MIN_AGE_MINUTES", Accepts: "a whole number from 0 to 10080", Read: environ.Whole(0, 10080, &minutes)},
		{Name: "BYTES_PER_SECOND", Accepts: fmt.Sprintf("0 (no bound) or a whole number from %d to 104857600", slowest), Read: func(v string) bool {
			return environ.Whole(0, 100<<20, &c.BytesPerSecond)(v) && (c.BytesPerSecond == 0 || c.BytesPerSecond >= slowest)
		}},
		{Name: "PUT_ATTEMPTS", Accepts: "a whole number from 1 to 20", Read: environ.Whole(1, 20, &c.PutAttempts)},
		{Name: "METRICS", Accepts: "true or false", Read: environ.Switch(&c.Metrics)},
	}
	err := environ.Read("replay", envPrefix, vars, settings, func() (problems []string) {
		for _, r := range c.Routes {
			if strings.HasPrefix(r.Prefix, c.ReplayPrefix) {
				problems = append(problems, fmt.Sprintf("%sSTREAMS: %q lies where the markers are (%q); accepted: error prefixes", envPrefix, r.Prefix, c.ReplayPrefix))
			}
		}
		return problems
	})
	if err != nil {
		return Config{}, err
	}
	c.MinAge = time.Duration(minutes) * time.Minute
	return c, nil
}

func (c *Config) readRoutes(v string) bool {
	c.Routes = nil
	for part := range strings.SplitSeq(v, ",") {
		part = strings.TrimSpace(part)
		i := strings.LastIndexByte(part, '=') // prefixes have more of them, names of streams none
		if i < 0 {
			return false
		}
		prefix, stream := part[:i], part[i+1:]
		if prefix == "" || strings.HasPrefix(prefix, "/") || stream == "" || strings.ContainsAny(stream, ":/ ") {
			return false
		}
		for _, r := range c.Routes {
			// A key must have one stream only.
			if strings.HasPrefix(r.Prefix, prefix) || strings.HasPrefix(prefix, r.Prefix) {
				return false
			}
		}
		c.Routes = append(c.Routes, Route{prefix, stream})
	}
	return true
}

// options are those of a run under one route.
func (c *Config) options(r Route) Options {
	return Options{Bucket: c.Bucket, Prefix: r.Prefix, Stream: r.Stream, ReplayPrefix: c.ReplayPrefix, MinAge: c.MinAge, BytesPerSecond: c.BytesPerSecond}
}

// under answers the routes that a prefix asks for: the one it lies in, or those that lie in it.
func (c *Config) under(prefix string) []Route {
	var out []Route
	for _, r := range c.Routes {
		switch {
		case strings.HasPrefix(prefix, r.Prefix):
			return []Route{{prefix, r.Stream}}
		case strings.HasPrefix(r.Prefix, prefix):
			out = append(out, r)
		}
	}
	return slices.Clip(out)
}
