package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// agentContent is a document that installs and configures the CloudWatch agent.
const agentContent = `{"schemaVersion":"2.2","description":"agents","parameters":{"configuration":{"type":"String","default":"AmazonCloudWatch-all"}},"mainSteps":[` +
	`{"action":"aws:runDocument","name":"install","inputs":{"documentType":"SSMDocument","documentPath":"AWS-ConfigureAWSPackage","documentParameters":{"action":"Install","name":"AmazonCloudWatchAgent"}}},` +
	`{"action":"aws:runDocument","name":"configure","inputs":{"documentType":"SSMDocument","documentPath":"AmazonCloudWatch-ManageAgent","documentParameters":{"action":"configure","optionalConfigurationSource":"ssm","optionalConfigurationLocation":"{{configuration}}"}}}]}`

func TestSystemsManager(t *testing.T) {
	t.Parallel()
	check(t, Document, []change{
		{"name", "ab", "", "ValidationException", "3 to 128"},
		{"name", "Amazon-agents", "", "ValidationException", "belong to AWS"},
		{"documentType", "Script", "", "ValidationException", "Command"},
		{"content", "{", "", "InvalidDocumentContent", "not JSON"},
		{"content", `{"schemaVersion":"3.0"}`, "", "InvalidDocumentSchemaVersion", "2.2"},
		{"content", `{"schemaVersion":"2.2"}`, "", "InvalidDocumentContent", "no mainSteps"},
		{"content", `{"schemaVersion":"2.2","description":"` + long(64*1024) + `"}`, "", "MaxDocumentSizeExceeded", "65536"},
	})
	check(t, Association, []change{
		{"targets", nil, "", "InvalidTarget", "names no instances"},
		{"targets[0].key", "Logs", "", "InvalidTarget", "tag:"},
		{"targets[0].values", []any{}, "", "InvalidTarget", "no values"},
		{"scheduleExpression", "rate(29 minutes)", "", "InvalidSchedule", "30 minutes"},
		{"scheduleExpression", "rate(30 minutes)", "", "", ""},
		{"scheduleExpression", "every day", "", "InvalidSchedule", "rate(…)"},
		{"applyOnlyAtCronInterval", true, "", "ValidationException", "rate expressions"},
		{"complianceSeverity", "SEVERE", "", "ValidationException", "CRITICAL"},
		{"maxErrors", "101%", "", "ValidationException", "100%"},
		{"maxConcurrency", "0", "", "ValidationException", "100%"},
		{"name", nil, "", CheckFailure, "required"},
	})
	check(t, InstanceProfile, []change{
		{"name", "a b", "", "ValidationError", "letters"},
		{"path", "web", "", "ValidationError", "slash"},
	})
	for token, change := range map[string]string{Document: "name", Association: "name", InstanceProfile: "path"} {
		inputs := properties(samples[token].inputs)
		changed := inputs.Copy()
		changed[resource.PropertyKey(change)] = resource.NewStringProperty("/another/")
		if got := typeOf(t, token).Replaces(inputs, changed); !slices.Contains(got, change) {
			t.Errorf("%s: a change of %s replaces %q", token, change, got)
		}
	}
	if refs := typeOf(t, Association).References(properties(m{"name": "AWS-RunPatchBaseline"})); len(refs) > 0 {
		t.Errorf("a document of AWS needn't be declared: %v", refs)
	}
}

func TestAgentRunOf(t *testing.T) {
	t.Parallel()
	own := AgentRun{Documents: []string{"agents", "AWS-ConfigureAWSPackage", "AmazonCloudWatch-ManageAgent"}, Packages: []string{"AmazonCloudWatchAgent"}}
	for _, test := range []struct {
		name, document, content string
		parameters              map[string]string
		want                    string // the parameter, "" for none
	}{
		{"default", "agents", agentContent, nil, "AmazonCloudWatch-all"},
		{"parameter", "agents", agentContent, map[string]string{"configuration": "AmazonCloudWatch-web"}, "AmazonCloudWatch-web"},
		{"no default", "agents", strings.Replace(agentContent, `,"default":"AmazonCloudWatch-all"`, "", 1), nil, "{{configuration}}"},
		{"from a file", "agents", strings.Replace(agentContent, `"ssm"`, `"default"`, 1), nil, ""},
		{"another document", "agents", strings.Replace(agentContent, "AmazonCloudWatch-ManageAgent", "AWS-RunShellScript", 1), nil, ""},
		{"no JSON", "agents", "mainSteps:", nil, ""},
		{"AWS's own", "AmazonCloudWatch-ManageAgent", "", map[string]string{"optionalConfigurationSource": "ssm", "optionalConfigurationLocation": "a"}, "a"},
		{"AWS's other", "AWS-ConfigureAWSPackage", "", map[string]string{"name": "AmazonCloudWatchAgent"}, ""},
	} {
		got, ok := AgentRunOf(test.document, test.content, test.parameters)
		if got.Parameter != test.want || ok != (test.want != "") {
			t.Errorf("%s: %t, %+v", test.name, ok, got)
		}
		if test.name == "default" {
			own.Parameter = test.want
			if diff := cmp.Diff(own, got); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestAgentLogs(t *testing.T) {
	t.Parallel()
	for configuration, want := range map[string]string{
		`{"logs":{"logs_collected":{"files":{"collect_list":[{"file_path":"/a","log_group_name":"g"}]}}}}`:                                     "/a g {instance_id}",
		`{"logs":{"log_stream_name":"all","logs_collected":{"files":{"collect_list":[{"file_path":"/a","log_group_name":"g"}]}}}}`:             "/a g all",
		`{"logs":{"logs_collected":{"windows_events":{"collect_list":[{"event_name":"System","log_group_name":"g","log_stream_name":"s"}]}}}}`: "System g s",
		`{"logs":{"logs_collected":{"files":{"collect_list":[{"file_path":"/a"}]}}}}`:                                                          "no log_group_name",
		`{"metrics":{}}`: "collects no logs",
		`{`:              "isn't JSON",
	} {
		logs, err := AgentLogs(configuration)
		got := ""
		for _, l := range logs {
			got += l.From + " " + l.Group + " " + l.Stream
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", configuration, got, want)
		}
	}
}

func FuzzAgent(f *testing.F) {
	f.Add(agentContent, "configuration", "a")
	f.Add(`{"mainSteps":[{"inputs":{"documentParameters":{"a":1}}}]}`, "", "{{ a }}")
	f.Fuzz(func(t *testing.T, content, name, value string) {
		run, ok := AgentRunOf("agents", content, map[string]string{name: value})
		if ok != (run.Parameter != "") {
			t.Errorf("%q: %t", run.Parameter, ok)
		}
		for _, q := range run.Requests(home, "i-1", "a") {
			if !strings.HasPrefix(q.Resource, "arn:") {
				t.Errorf("%+v", q)
			}
		}
		if logs, err := AgentLogs(content); (err == nil) != (len(logs) > 0) {
			t.Errorf("%v, %v", logs, err)
		}
	})
}
