package stacks

import (
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
)

func TestQueriesProblems(t *testing.T) {
	t.Parallel()
	global := partition.Place{Account: "111122223333", Region: "us-east-1"}
	roles := strings.NewReplacer("ROLE", exampleRole("111122223333", "r"), "GLOBAL", global.RoleARN("r").String())
	const ok = `"readers":[{"name":"a","roles":["ROLE"]}]`
	for _, c := range []struct{ name, value, path, want string }{
		{"no bucket", `{` + ok + `}`, "bucket", "is required"},
		{"not a bucket's name", `{"bucket":"A",` + ok + `}`, "bucket", "A"},
		{"the archive", `{"bucket":"example-log-archive-222233334444-ningxia",` + ok + `}`, "bucket", "is a bucket of logs, too"},
		{"no readers", `{"bucket":"results"}`, "readers", "is required"},
		{"an empty list of readers", `{"bucket":"results","readers":[]}`, "readers", "is empty"},
		{"no role", `{"bucket":"results","readers":[{"name":"a","roles":[]}]}`, "readers[0].roles", "is empty"},
		{"a name as role", `{"bucket":"results","readers":[{"name":"a","roles":["Reader"]}]}`, "readers[0].roles[0]", "is not an ARN"},
		{"another partition", `{"bucket":"results","readers":[{"name":"a","roles":["GLOBAL"]}]}`, "readers[0].roles[0]", "want aws-cn"},
		{"a role twice", `{"bucket":"results","readers":[{"name":"a","roles":["ROLE","ROLE"]}]}`, "readers[0].roles[1]", "want each once"},
		{"a name twice", `{"bucket":"results","readers":[{"name":"a","roles":["ROLE"]},{"name":"a","roles":["ROLE"]}]}`, "readers[1].name", "want another"},
		{"a long name", `{"bucket":"results","readers":[{"name":"a23456789012345678901234567890123","roles":["ROLE"]}]}`, "readers[0].name", "too long"},
		{"an unknown table", `{"bucket":"results","readers":[{"name":"a","roles":["ROLE"],"tables":["database"]}]}`, "readers[0].tables[0]", "did you mean databases?"},
		{"a table twice", `{"bucket":"results","readers":[{"name":"a","roles":["ROLE"],"tables":["logs","logs"]}]}`, "readers[0].tables[1]", "want each once"},
		{"no table", `{"bucket":"results","readers":[{"name":"a","roles":["ROLE"],"tables":[]}]}`, "readers[0].tables", "is empty"},
		{"kept too long", `{"bucket":"results","resultDays":366,` + ok + `}`, "resultDays", "365"},
		{"no limit", `{"bucket":"results","scanLimitGiB":0,` + ok + `}`, "scanLimitGiB", "100000"},
		{"an unknown key", `{"bucket":"results","workgroup":"x",` + ok + `}`, "workgroup", "unknown key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config, err := LoadConfig("..", "beijing")
			if err != nil {
				t.Fatal(err)
			}
			config["log-archive:queries"] = roles.Replace(c.value)
			_, err = ParseSpec("beijing", config)
			if err == nil || !strings.Contains(err.Error(), "log-archive:queries."+c.path+":") || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "has 1 problem;") {
				t.Errorf("want one problem, of %s with %q, got %v", c.path, c.want, err)
			}
		})
	}
}

// What can't be read by a table can't be queried, and two columns can't have one name.
func TestQueriesNeedLines(t *testing.T) {
	t.Parallel()
	queries := map[string]any{"bucket": "results", "readers": []any{map[string]any{"name": "a", "roles": []any{exampleRole("111122223333", "r")}}}}
	for _, c := range []struct {
		name string
		d    document
		want string
	}{
		{"raw", parse(t, smallest).with(t, "logGroups[+].name", "/a").with(t, "pipeline", map[string]any{"transform": map[string]any{"enabled": false}}), "want pipeline.transform.enabled: true"},
		{"one column for two fields", parse(t, smallest).with(t, "logGroups[+].name", "/a").with(t, "pipeline", map[string]any{"transform": map[string]any{"extraFields": list("a-b=x", "a.b=y")}}), "would be one column, a_b"},
		{"nothing", parse(t, smallest), "archives nothing"},
	} {
		_, err := ParseSpec("x", c.d.with(t, "queries", queries).engine(t))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", c.name, c.want, err)
		}
	}
}

// A reader reads what its tables read, and nothing else.
func TestQueryReadersSpec(t *testing.T) {
	t.Parallel()
	config, err := LoadConfig("..", "beijing")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ParseSpec("beijing", config)
	if err != nil {
		t.Fatal(err)
	}
	readers := spec.queryReaders()
	want := []string{"flow-logs-direct/parquet/AWSLogs/", "flow-logs-direct/text/AWSLogs/", "flow-logs/"}
	if len(readers) != 2 || !slices.Equal(readers[1].Prefixes, want) || readers[1].RoleArns[0] != spec.Archive.RoleARN("log-archive-query-network-cn-north-1").String() {
		t.Errorf("%+v", readers)
	}
	if proven := spec.VerifyOptions().Queries; len(proven) != 2 || len(proven[0].Tables) != len(spec.Tables()) || len(proven[1].Tables) != 3 {
		t.Errorf("%+v", proven)
	}
}
