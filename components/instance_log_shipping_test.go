package components_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

func shippingArgs() *components.InstanceLogShippingArgs {
	return &components.InstanceLogShippingArgs{
		Place: home, Agent: agentConfiguration(), InstanceTags: map[string]string{"Stage": "production", "Logs": "yes"},
		RoleName: "instances", ParameterName: "AmazonCloudWatch-instances", DocumentName: "instances",
		CreateLogGroups: []string{"/ec2/app", "/ec2/windows"}, RetentionDays: 14, Tags: map[string]string{"data": "logs"},
	}
}

// shipping declares a pipeline and a group of instances.
func shipping(args *components.InstanceLogShippingArgs) func(*program) error {
	return func(p *program) error {
		pipeline, err := components.NewFirehoseToS3Pipeline(p.ctx, "logs", pipelineArgs(), p.at(args.Place))
		if err != nil {
			return err
		}
		args.Pipeline = pipeline
		made, err := components.NewInstanceLogShipping(p.ctx, "web", args, p.at(args.Place))
		if err != nil {
			return err
		}
		p.ctx.Export("profile", made.InstanceProfileName)
		return nil
	}
}

func TestInstanceLogShipping(t *testing.T) {
	t.Parallel()
	g := record(t, shipping(shippingArgs()))
	association, document, parameter := find(t, g, catalog.Association, "web"), find(t, g, catalog.Document, "web"), find(t, g, catalog.Parameter, "web")
	given := map[string]string{}
	for key, value := range association.Inputs["parameters"].ObjectValue() {
		given[string(key)] = value.StringValue()
	}
	run, ok := catalog.AgentRunOf(document.ID, document.Inputs["content"].StringValue(), given)
	want := catalog.AgentRun{
		Documents: []string{"instances", "AWS-ConfigureAWSPackage", "AmazonCloudWatch-ManageAgent"},
		Packages:  []string{"AmazonCloudWatchAgent"}, Parameter: "AmazonCloudWatch-instances",
	}
	if diff := cmp.Diff(want, run); diff != "" || !ok {
		t.Error(diff)
	}
	if parameter.ID != run.Parameter || parameter.Inputs["tier"].StringValue() != "Standard" {
		t.Errorf("the agent reads %s, and the parameter is %s of tier %v", run.Parameter, parameter.ID, parameter.Inputs["tier"])
	}
	var targets []string
	for _, target := range association.Inputs["targets"].ArrayValue() {
		targets = append(targets, fmt.Sprint(target.ObjectValue()["key"].StringValue(), "=", target.ObjectValue()["values"].ArrayValue()[0].StringValue()))
	}
	if diff := cmp.Diff([]string{"tag:Logs=yes", "tag:Stage=production"}, targets); diff != "" {
		t.Error(diff)
	}
	for property, want := range map[string]string{"scheduleExpression": "rate(1 day)", "complianceSeverity": "HIGH", "maxErrors": "100%"} {
		if got := association.Inputs[resourceKey(property)]; !got.IsString() || got.StringValue() != want {
			t.Errorf("%s is %v, want %s", property, got, want)
		}
	}
	if got := g.Outputs["profile"].StringValue(); got != "instances" {
		t.Errorf("the profile is %s", got)
	}
	// No agent starts before it may write, and before what it writes is subscribed.
	for _, needed := range []string{find(t, g, rolePolicy, "web").URN, find(t, g, filterType, "logs-web-/ec2/app").URN, find(t, g, filterType, "logs-web-/ec2/windows").URN} {
		if !strings.Contains(strings.Join(association.Dependencies, "\n"), needed) {
			t.Errorf("the association doesn't wait for %s", needed)
		}
	}
	group := find(t, g, groupType, "web-/ec2/app")
	if !group.Protect || !group.RetainOnDelete || group.Inputs["retentionInDays"].NumberValue() != 14 {
		t.Errorf("group %+v", group)
	}
}

// A change of the configuration is one of the association, too: Systems Manager then applies it at once.
func TestInstanceLogShippingAppliesChanges(t *testing.T) {
	t.Parallel()
	revision := func(args *components.InstanceLogShippingArgs) string {
		return find(t, record(t, shipping(args)), catalog.Association, "web").Inputs["parameters"].ObjectValue()["revision"].StringValue()
	}
	changed := shippingArgs()
	changed.Agent.Files[0].Path = "/var/log/secure"
	if before, after := revision(shippingArgs()), revision(changed); before == after || before != revision(shippingArgs()) {
		t.Errorf("revisions %s and %s", before, after)
	}
}

func TestInstanceLogShippingPolicy(t *testing.T) {
	t.Parallel()
	args := shippingArgs()
	args.OutputBucket, args.OutputPrefix = "runs", "agents/"
	doc, err := policy.Parse([]byte(find(t, record(t, shipping(args)), rolePolicy, "web").Inputs["policy"].StringValue()))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Statements {
		for _, action := range s.Action {
			if strings.Contains(action, "*") {
				t.Errorf("%s allows %s", s.Sid, action)
			}
		}
		if len(s.Resource) == 1 && s.Resource[0] == "*" && s.Sid != "TalkToSystemsManager" {
			t.Errorf("%s allows every resource", s.Sid)
		}
		switch s.Sid {
		case "WriteLogGroups":
			var want []string
			for _, group := range []string{"/ec2/app", "/ec2/system", "/ec2/windows"} {
				want = append(want, home.LogGroupARN(group).String()+":*")
			}
			if diff := cmp.Diff(want, s.Resource); diff != "" {
				t.Error(diff)
			}
		case "KeepOutput":
			if diff := cmp.Diff([]string{partition.ObjectARN(partition.China, "runs", "agents/*").String()}, s.Resource); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestInstanceLogShippingTier(t *testing.T) {
	t.Parallel()
	many := func(n int) *components.InstanceLogShippingArgs {
		args := shippingArgs()
		args.Agent = components.AgentConfiguration{}
		args.CreateLogGroups, args.RetentionDays = nil, 0
		for i := range n {
			args.Agent.Files = append(args.Agent.Files, components.AgentFile{Path: fmt.Sprintf("/var/log/%04d", i), LogGroup: "/g", LogStream: fmt.Sprintf("s%04d", i)})
		}
		return args
	}
	if tier := find(t, record(t, shipping(many(60))), catalog.Parameter, "web").Inputs["tier"].StringValue(); tier != "Advanced" {
		t.Errorf("tier %s", tier)
	}
	wantProblems(t, refused(t, shipping(many(120))), map[string]string{"Agent": "a parameter takes 8192"})
}

func TestInstanceLogShippingArgs(t *testing.T) {
	t.Parallel()
	bad := &components.InstanceLogShippingArgs{
		Place: home, Agent: components.AgentConfiguration{Files: []components.AgentFile{{Path: "messages", LogGroup: "/a"}}},
		RoleName: "a b", ParameterName: "instances", DocumentName: "AWS-mine", AgentVersion: "a b", Schedule: "rate(10 minutes)", ComplianceSeverity: "high",
		OutputPrefix: "a/", CreateLogGroups: []string{"/b"}, RetentionDays: 2,
	}
	wantProblems(t, refused(t, func(p *program) error {
		_, err := components.NewInstanceLogShipping(p.ctx, "web", bad, p.at(home))
		return err
	}), map[string]string{
		"Agent.Files[0].Path": "from the root", "InstanceTags": "one to five", "RoleName": "64", "ParameterName": "AmazonCloudWatch-",
		"DocumentName": "belong to AWS", "AgentVersion": "the latest", "Schedule": "30 minutes", "ComplianceSeverity": "CRITICAL", "OutputPrefix": "no OutputBucket",
		"CreateLogGroups[0]": "nothing is sent", "RetentionDays": "2", "Pipeline": "carries the logs",
	})
	for expression, ok := range map[string]bool{"rate(30 minutes)": true, "rate(29 minutes)": false, "rate(31 days)": true, "rate(32 days)": false, "rate(1 hour)": true, "cron(0 2 * * ? *)": false, "": false} {
		if got := components.CheckAssociationRate(expression) == nil; got != ok {
			t.Errorf("%q is accepted: %t", expression, got)
		}
	}
}
