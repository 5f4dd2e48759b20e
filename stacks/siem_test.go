package stacks

import (
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
)

func TestSiemProblems(t *testing.T) {
	t.Parallel()
	global := partition.Place{Account: "111122223333", Region: "us-east-1"}
	user := partition.ARN{Partition: partition.China, Service: partition.IAM, Account: "111122223333", Resource: "user/r"}
	roles := strings.NewReplacer("ROLE", exampleRole("111122223333", "r"), "OTHER", exampleRole("111122223333", "s"),
		"GLOBAL", global.RoleARN("r").String(), "USER", user.String())
	for _, c := range []struct{ name, value, path, want string }{
		{"no role", `[{"name":"a","roles":[]}]`, "log-archive:siem[0].roles", "is empty"},
		{"a name as role", `[{"name":"a","roles":["Reader"]}]`, "log-archive:siem[0].roles[0]", "is not an ARN"},
		{"another partition", `[{"name":"a","roles":["GLOBAL"]}]`, "log-archive:siem[0].roles[0]", "want aws-cn"},
		{"a user", `[{"name":"a","roles":["USER"]}]`, "log-archive:siem[0].roles[0]", "is not the ARN of a role"},
		{"a role twice", `[{"name":"a","roles":["ROLE","ROLE"]}]`, "log-archive:siem[0].roles[1]", "want each once"},
		{"a name twice", `[{"name":"a-b","roles":["ROLE"]},{"name":"a-b","roles":["OTHER"]}]`, "log-archive:siem[1].name", "want another"},
		{"a long name", `[{"name":"a23456789012345678901234567890123","roles":["ROLE"]}]`, "log-archive:siem[0].name", "too long"},
		{"an unknown class", `[{"name":"a","roles":["ROLE"],"classes":["database"]}]`, "log-archive:siem[0].classes[0]", "did you mean databases?"},
		{"no class", `[{"name":"a","roles":["ROLE"],"classes":[]}]`, "log-archive:siem[0].classes", "is empty"},
		{"one receive", `[{"name":"a","roles":["ROLE"],"maxReceives":1}]`, "log-archive:siem[0].maxReceives", "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config, err := LoadConfig("..", "beijing")
			if err != nil {
				t.Fatal(err)
			}
			config["log-archive:siem"] = roles.Replace(c.value)
			_, err = ParseSpec("beijing", config)
			if err == nil || !strings.Contains(err.Error(), c.path+":") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want a problem of %s with %q, got %v", c.path, c.want, err)
			}
		})
	}
}

// What is configured is what reads, what is proven and what must be there.
func TestSiemSpec(t *testing.T) {
	t.Parallel()
	config, err := LoadConfig("..", "beijing")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ParseSpec("beijing", config)
	if err != nil {
		t.Fatal(err)
	}
	if got := spec.Siem[0].Classes; !slices.Contains(got, "flow-logs-direct") || slices.Contains(got, "errors") {
		t.Errorf("every class: %q", got)
	}
	readers := spec.VerifyOptions().Readers
	if len(readers) != 2 || readers[1].Name != "elastic" || !slices.Equal(readers[1].Prefixes, []string{"logs/", "databases/"}) {
		t.Errorf("proven readers: %+v", readers)
	}
	roles := map[string]string{}
	for _, e := range spec.Externals() {
		if e.Kind == KindRole && e.Attributes[AttributeQueue] != "" {
			roles[e.ID] = e.Attributes[AttributeQueue]
		}
	}
	if roles["SplunkIngest"] != spec.SiemQueue("splunk") || roles["ElasticAgent"] != spec.SiemQueue("elastic") {
		t.Errorf("roles: %v", roles)
	}
}
