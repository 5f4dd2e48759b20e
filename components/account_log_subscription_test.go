package components_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
)

const accountPolicyType = "aws:cloudwatch/logAccountPolicy:LogAccountPolicy"

// accountSubscribing is a pipeline with a transform function, a log group with a filter of its own, and the policy for all others.
func accountSubscribing(name string, change func(*components.FirehoseToS3PipelineArgs, *components.AccountLogSubscriptionArgs)) func(*program) error {
	return func(p *program) error {
		pipelined := pipelineArgs()
		args := &components.AccountLogSubscriptionArgs{
			Place: home, PolicyName: "log-archive-all", Exclude: []string{"/private"}, Subscribed: []string{"/app/web"}, OwnLogGroups: []string{"/aws/lambda/replay"},
		}
		function, err := components.NewTransformFunction(p.ctx, "transform", transformArgs(), p.at(home))
		if err != nil {
			return err
		}
		if change != nil {
			change(pipelined, args)
		}
		if pipelined.Content != components.VendedLogs && !pipelined.FromDestinations {
			pipelined.Transform = function
		}
		pipeline, err := components.NewFirehoseToS3Pipeline(p.ctx, "logs", pipelined, p.at(home))
		if err != nil {
			return err
		}
		if args.PolicyName != "without a pipeline" {
			args.Pipeline = pipeline
		}
		_, err = components.NewAccountLogSubscription(p.ctx, name, args, p.at(home))
		return err
	}
}

func TestAccountLogSubscription(t *testing.T) {
	t.Parallel()
	g := record(t, accountSubscribing("all", func(_ *components.FirehoseToS3PipelineArgs, args *components.AccountLogSubscriptionArgs) {
		args.FilterPattern = `{ $.level = "ERROR" }`
	}))
	policy := find(t, g, accountPolicyType, "all")
	stream := home.ARN(partition.Firehose, "deliverystream/"+pipelineArgs().StreamName).String()
	inputs(t, policy, map[string]any{
		"policyName": "log-archive-all", "policyType": "SUBSCRIPTION_FILTER_POLICY", "scope": "ALL",
		"policyDocument": `{"DestinationArn":"` + stream + `","RoleArn":"` + home.RoleARN(pipelineArgs().SubscriptionRoleName).String() + `","FilterPattern":"{ $.level = \"ERROR\" }"}`,
		"selectionCriteria": `LogGroupName NOT IN ["/app/web","/aws/kinesisfirehose/` + pipelineArgs().StreamName + `","/aws/lambda/` + transformArgs().FunctionName +
			`","/aws/lambda/replay","/private"]`,
	})
	// The way is open before CloudWatch Logs tries it.
	dependsOn(t, g, policy, find(t, g, streamType, "logs"), find(t, g, rolePolicy, "logs-subscription"), find(t, g, rolePolicy, "logs-delivery"))
	if !policy.DeleteBeforeReplace {
		t.Error("the policy would be deleted after its replacement, which has its name")
	}
	if n := len(added(record(t, transformed("logs", nil)), g)); n != 1 {
		t.Errorf("%d resources more, want the policy alone", n)
	}
}

// A filter of a group that gets one is there before the policy leaves the group out.
func TestAccountLogSubscriptionWaitsForFilters(t *testing.T) {
	t.Parallel()
	g := record(t, func(p *program) error {
		pipeline, err := components.NewFirehoseToS3Pipeline(p.ctx, "logs", pipelineArgs(), p.at(home))
		if err != nil {
			return err
		}
		filter, err := pipeline.Subscribe(p.ctx, "web", pulumi.String("/app/web"), "")
		if err != nil {
			return err
		}
		_, err = components.NewAccountLogSubscription(p.ctx, "all", &components.AccountLogSubscriptionArgs{
			Place: home, PolicyName: "all", Pipeline: pipeline, Subscribed: []string{"/app/web", "/app/web"}, DependsOn: []pulumi.Resource{filter},
		}, p.at(home))
		return err
	})
	policy := find(t, g, accountPolicyType, "all")
	dependsOn(t, g, policy, find(t, g, filterType, "logs-web"))
	if got := text(t, policy, "selectionCriteria"); strings.Count(got, `"/app/web"`) != 1 {
		t.Errorf("criteria %s", got)
	}
}

func TestAccountLogSubscriptionArgs(t *testing.T) {
	t.Parallel()
	many := func(_ *components.FirehoseToS3PipelineArgs, args *components.AccountLogSubscriptionArgs) {
		for i := range 60 {
			args.Exclude = append(args.Exclude, fmt.Sprintf("/%03d%s", i, strings.Repeat("x", 450)))
		}
	}
	for name, test := range map[string]struct {
		change func(*components.FirehoseToS3PipelineArgs, *components.AccountLogSubscriptionArgs)
		want   map[string]string
	}{
		"several": {func(_ *components.FirehoseToS3PipelineArgs, args *components.AccountLogSubscriptionArgs) {
			args.PolicyName, args.Exclude, args.FilterPattern = "aws/all", []string{"/app/*"}, strings.Repeat("x", 1025)
		}, map[string]string{"PolicyName": "doesn't begin with aws/", "Exclude[0]": "want 1 to 512 letters", "FilterPattern": "at most 1024"}},
		"nothing": {func(_ *components.FirehoseToS3PipelineArgs, args *components.AccountLogSubscriptionArgs) {
			*args = components.AccountLogSubscriptionArgs{PolicyName: "without a pipeline"}
		}, map[string]string{"Place.Account": "", "Place.Region": "", "Place": "account-level subscription", "Pipeline": "want the pipeline"}},
		"of vended logs": {func(p *components.FirehoseToS3PipelineArgs, _ *components.AccountLogSubscriptionArgs) {
			p.Content, p.SubscriptionRoleName = components.VendedLogs, ""
		}, map[string]string{"Pipeline": "want a pipeline of cloudwatch-logs"}},
		"of destinations": {func(p *components.FirehoseToS3PipelineArgs, _ *components.AccountLogSubscriptionArgs) {
			p.FromDestinations, p.SubscriptionRoleName = true, ""
		}, map[string]string{"Pipeline": "of its own account"}},
		"elsewhere": {func(_ *components.FirehoseToS3PipelineArgs, args *components.AccountLogSubscriptionArgs) {
			args.Place = second
		}, map[string]string{"Pipeline": "want a pipeline at"}},
		"too many": {many, map[string]string{"Exclude": "CloudWatch Logs takes 25600"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantProblems(t, refused(t, accountSubscribing("refused", test.change)), test.want)
		})
	}
}

// What is left out is one text for one set of groups, whatever their order: another text would replace the policy.
func TestAccountSubscriptionCriteria(t *testing.T) {
	t.Parallel()
	groups := []string{"/b", "/a", "/b", "/c"}
	want := `LogGroupName NOT IN ["/a","/b","/c"]`
	if got := components.AccountSubscriptionCriteria(groups...); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if !slices.Equal(groups, []string{"/b", "/a", "/b", "/c"}) {
		t.Error("the caller's list was changed")
	}
}
