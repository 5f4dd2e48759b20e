package stacks

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
)

// smallestWith is the smallest configuration with more keys, in YAML.
func smallestWith(t *testing.T, more string) document {
	t.Helper()
	var keys map[string]any
	if err := yaml.Unmarshal([]byte(more), &keys); err != nil {
		t.Fatal(err)
	}
	d := parse(t, smallest)
	maps.Copy(d, keys)
	return d
}

func TestCloudTrailIsRead(t *testing.T) {
	t.Parallel()
	objects := func(key string) string { return partition.BucketARN(partition.China, key).String() }
	for name, c := range map[string]struct {
		yaml string
		want TrailSpec
	}{
		"a name": {"cloudTrail: {name: all}\n", TrailSpec{Name: "all"}},
		"everything": {`
cloudTrail:
  name: management
  organizationId: o-exampleorgid
  dataEvents: {s3: [payments, reports/monthly/], lambda: [orders-]}
  cloudWatchLogs: true
  retentionDays: 7
`, TrailSpec{
			Name: "management", Organization: "o-exampleorgid", CloudWatchLogs: true, RetentionDays: 7,
			DataEvents: []components.TrailDataEvents{
				{ResourceType: "AWS::S3::Object", ArnPrefixes: []string{objects("payments/"), objects("reports/monthly/")}},
				{ResourceType: "AWS::Lambda::Function", ArnPrefixes: []string{beijing.ARN(partition.Lambda, "function:orders-").String()}},
			},
		}},
		"all objects": {"cloudTrail: {name: all, dataEvents: {s3: ['*']}}\n", TrailSpec{
			Name: "all", DataEvents: []components.TrailDataEvents{{ResourceType: "AWS::S3::Object"}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec, err := ParseSpec("beijing", smallestWith(t, c.yaml).engine(t))
			if err != nil {
				t.Fatal(err)
			}
			c.want.Key = "log-archive:cloudTrail"
			if diff := cmp.Diff(&c.want, spec.Trail); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCloudTrailProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ yaml, want string }{
		"name":           {"cloudTrail: {name: a--b}\n", `log-archive:cloudTrail.name: "a--b"`},
		"short name":     {"cloudTrail: {name: ab}\n", `log-archive:cloudTrail.name: "ab" has 2 characters; want 3 to 128`},
		"organisation":   {"cloudTrail: {name: all, organizationId: r-1}\n", `log-archive:cloudTrail.organizationId: "r-1"`},
		"bucket":         {"cloudTrail: {name: all, dataEvents: {s3: [bucket-]}}\n", `log-archive:cloudTrail.dataEvents.s3[0]: "bucket-" is not a bucket name`},
		"star and more":  {"cloudTrail: {name: all, dataEvents: {s3: ['*', payments]}}\n", `log-archive:cloudTrail.dataEvents.s3[0]: "*" is every one; want it alone`},
		"twice":          {"cloudTrail: {name: all, dataEvents: {lambda: [a, a]}}\n", `log-archive:cloudTrail.dataEvents.lambda[1]: "a" is log-archive:cloudTrail.dataEvents.lambda[0], too; want each once`},
		"function":       {"cloudTrail: {name: all, dataEvents: {lambda: ['a b']}}\n", `log-archive:cloudTrail.dataEvents.lambda[0]: "a b" is not a function's name`},
		"retention":      {"cloudTrail: {name: all, cloudWatchLogs: true, retentionDays: 2}\n", `log-archive:cloudTrail.retentionDays: 2 is not a number of days`},
		"no log group":   {"cloudTrail: {name: all, retentionDays: 7}\n", `log-archive:cloudTrail.retentionDays: 7: the retention is set only for groups that are created here; leave it out, or say cloudWatchLogs: true`},
		"unknown key":    {"cloudTrail: {name: all, multiRegion: false}\n", `log-archive:cloudTrail.multiRegion`},
		"the same group": {"cloudTrail: {name: all, cloudWatchLogs: true}\nlogGroups: [{name: /log-archive/cloudtrail}]\n", `is archived by`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseSpec("beijing", smallestWith(t, c.yaml).engine(t))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q in it", err, c.want)
			}
		})
	}
}
