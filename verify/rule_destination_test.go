package verify_test

import (
	"testing"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

var destinationCases = []ruleCase{
	{rule: "destination-accounts", name: "everybody may subscribe", resource: "central:logs-01", reason: "logs:PutSubscriptionFilter is allowed to every account",
		change: func(p *program) {
			p.edit("LogDestinationPolicy", "central:logs-01", "accessPolicy", func(d *policy.Document) { d.Statements[0].Principal = policy.AnyPrincipal() })
		}},
	{rule: "grant-everybody", name: "a destination's policy", resource: "central:logs-01", reason: "allows everybody",
		change: func(p *program) {
			p.edit("LogDestinationPolicy", "central:logs-01", "accessPolicy", func(d *policy.Document) { d.Statements[0].Principal = policy.AWSPrincipals("*") })
		}},
	{rule: "grant-deputy", name: "a destination's role for any account", resource: "central:logs-01", reason: "for any account",
		change: func(p *program) {
			p.edit("Role", "central:logs-01", "assumeRolePolicy", func(d *policy.Document) {
				d.Statements[0].Condition = policy.Conditions{}.With("ArnLike", "aws:SourceArn", partition.Place{Account: "*", Region: home.Region}.ARN(partition.Logs, "*").String())
			})
		}},
}

// Each link of the way over a destination, taken away, closes the paths of the account's log groups, and no other.
func TestDestinationPaths(t *testing.T) {
	t.Parallel()
	const ours = "555566667777"
	for name, change := range map[string]func(*program){
		"access policy": func(p *program) {
			p.edit("LogDestinationPolicy", "central:logs-01", "accessPolicy", func(d *policy.Document) { d.Statements[0].Principal = policy.AWSPrincipals("999999999999") })
		},
		"trust for the source": func(p *program) {
			p.edit("Role", "central:logs-01", "assumeRolePolicy", func(d *policy.Document) {
				d.Statements[0].Condition = policy.Conditions{}.With("ArnLike", "aws:SourceArn", partition.Place{Account: archive.Account, Region: home.Region}.ARN(partition.Logs, "*").String())
			})
		},
		"trust for the recipient": func(p *program) {
			p.edit("Role", "central:logs-01", "assumeRolePolicy", func(d *policy.Document) {
				d.Statements[0].Condition = policy.Conditions{}.With("ArnLike", "aws:SourceArn", partition.Place{Account: ours, Region: home.Region}.ARN(partition.Logs, "*").String())
			})
		},
		"role's policy": func(p *program) {
			p.edit("RolePolicy", "central:logs-01", "policy", func(d *policy.Document) { d.Statements[0].Action = []string{"firehose:DescribeDeliveryStream"} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := copyOf(t, "beijing")
			change(p)
			closed := map[string]int{}
			for _, path := range p.verify(verify.Options{}).Paths {
				if !path.Proven() {
					closed[string(path.Source.Place.Account)+" "+path.Source.Kind]++
				}
			}
			if len(closed) != 1 || closed[ours+" log-group"] != 2 {
				t.Errorf("closed: %v, want the two log groups of the account", closed)
			}
		})
	}
}
