package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

// What breaks the way of instances' files is found, and said of what should be changed.
func TestInstancesAreFollowed(t *testing.T) {
	t.Parallel()
	drop := func(sid string) func(*program) {
		return func(p *program) {
			p.edit("RolePolicy", "linux", "policy", func(d *policy.Document) { dropStatements(d, sid) })
		}
	}
	for _, test := range []struct {
		name   string
		change func(*program)
		// refused are actions that must be refused, broken a part of a break's reason.
		refused []string
		broken  string
	}{
		{"nothing", func(*program) {}, nil, ""},
		{"no log groups", drop("WriteLogGroups"), []string{"logs:CreateLogStream", "logs:PutLogEvents"}, ""},
		{"no configuration", drop("ReadConfiguration"), []string{"ssm:GetParameter"}, ""},
		{"no documents", drop("ReadDocuments"), []string{"ssm:DescribeDocument", "ssm:GetDocument"}, ""},
		{"no reports", drop("ReportState"), []string{"ssm:ListInstanceAssociations", "ssm:PutComplianceItems", "ssm:UpdateInstanceAssociationStatus", "ssm:UpdateInstanceInformation"}, ""},
		{"no channel", drop("TalkToSystemsManager"), []string{"ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage", "ec2messages:GetEndpoint", "ec2messages:GetMessages", "ec2messages:SendReply",
			"ssm:GetManifest", "ssm:PutConfigurePackageResult", "ssmmessages:CreateControlChannel", "ssmmessages:OpenControlChannel"}, ""},
		{"EC2 may not act", func(p *program) {
			p.edit("Role", "linux", "assumeRolePolicy", func(d *policy.Document) {
				d.Statements[0].Principal = policy.AWSPrincipals(home.RootARN().String())
			})
		}, []string{"sts:AssumeRole"}, ""},
		{"parameter gone", func(p *program) { p.drop("Parameter", "linux") }, nil, "there is no parameter"},
		{"configuration that isn't one", func(p *program) { p.set("Parameter", "linux", "insecureValue", "{") }, nil, "isn't JSON"},
		{"group gone", func(p *program) { p.drop("LogGroup", "linux-/app/orders") }, nil, `log group "/app/orders", which isn't declared`},
		{"filter gone", func(p *program) { p.drop("LogSubscriptionFilter", "logs-linux-/app/orders") }, nil, "no subscription filter"},
		{"profile gone", func(p *program) { p.drop("InstanceProfile", "linux") }, nil, "no instance profile"},
		{"role gone", func(p *program) { p.drop("Role", "linux") }, nil, "there is no role"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := copyOf(t, "beijing")
			test.change(p)
			refused, got, found := notOpen(p, verify.KindInstances, "LogShipping=linux")
			if !found || !slices.Equal(refused, test.refused) {
				t.Errorf("found: %t; refused %q, want %q", found, refused, test.refused)
			}
			if (test.broken == "") != (got == "") || !strings.Contains(got, test.broken) {
				t.Errorf("broken: %q, want %q", got, test.broken)
			}
		})
	}
	// Another document has nothing to do with logs.
	p := copyOf(t, "beijing")
	p.set("Association", "linux", "name", "AWS-RunPatchBaseline")
	if _, _, found := notOpen(p, verify.KindInstances, "LogShipping=linux"); found {
		t.Error("an association of another document is followed")
	}
}
