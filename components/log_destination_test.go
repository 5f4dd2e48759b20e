package components_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const (
	destinationType       = "aws:cloudwatch/logDestination:LogDestination"
	destinationPolicyType = "aws:cloudwatch/logDestinationPolicy:LogDestinationPolicy"
)

// central is where other accounts' log groups are subscribed to.
var central = partition.Place{Account: archive.Account, Region: home.Region}

// centralPipeline takes what destinations hand to it.
func centralPipeline(p *program) (*components.FirehoseToS3Pipeline, error) {
	return components.NewFirehoseToS3Pipeline(p.ctx, "central", &components.FirehoseToS3PipelineArgs{
		Place: central, StreamName: "logs", RoleName: "delivers", FromDestinations: true,
		BucketName: "example-log-archive", BucketPlace: archive, KeyArn: pulumi.String(archive.ARN(partition.KMS, "key/1").String()),
		Prefix: "logs/!{timestamp:yyyy}/", ErrorPrefix: "errors/!{firehose:error-output-type}/",
	}, p.at(central))
}

// logDestination declares a destination with its pipeline, and does something with it.
func logDestination(change func(*components.LogDestinationArgs), then func(*program, *components.LogDestination) error) func(*program) error {
	return func(p *program) error {
		pipeline, err := centralPipeline(p)
		if err != nil {
			return err
		}
		args := &components.LogDestinationArgs{
			Place: central, DestinationName: "logs-01", RoleName: "logs-destination", Pipeline: pipeline, SourceAccounts: []partition.Account{"333344445555", home.Account},
		}
		if change != nil {
			change(args)
		}
		d, err := components.NewLogDestination(p.ctx, "destination", args, p.at(central))
		if err == nil && then != nil {
			err = then(p, d)
		}
		return err
	}
}

func TestLogDestination(t *testing.T) {
	t.Parallel()
	ship := func(p *program, d *components.LogDestination) error {
		_, err := components.NewRdsLogShipping(p.ctx, "shop", &components.RdsLogShippingArgs{
			Place: home, Identifier: "shop", Engine: "mysql", LogTypes: []string{"error"}, Destination: d,
		}, p.at(home))
		return err
	}
	g := record(t, logDestination(nil, ship))
	arn := central.ARN(partition.Logs, "destination:logs-01").String()
	inputs(t, find(t, g, destinationType, "destination"), map[string]any{
		"name": "logs-01", "roleArn": central.RoleARN("logs-destination").String(), "targetArn": central.ARN(partition.Firehose, "deliverystream/logs").String(),
	})
	inputs(t, find(t, g, filterType, "shop-error"), map[string]any{
		"name": "logs", "logGroup": "/aws/rds/instance/shop/error", "filterPattern": "", "destinationArn": arn,
	})
	for _, of := range []struct {
		token, property string
		want            policy.Statement
	}{
		{destinationPolicyType, "accessPolicy", policy.Statement{
			Sid: "Subscribe", Effect: policy.Allow, Principal: policy.AWSPrincipals(string(home.Account), "333344445555"),
			Action: []string{"logs:PutSubscriptionFilter"}, Resource: []string{arn},
		}},
		{"aws:iam/role:Role", "assumeRolePolicy", policy.Statement{
			Effect: policy.Allow, Principal: policy.Services(logsPrincipal(t)), Action: []string{"sts:AssumeRole"},
			Condition: policy.Conditions{}.With("ArnLike", "aws:SourceArn", home.ARN(partition.Logs, "*").String(),
				partition.Place{Account: "333344445555", Region: home.Region}.ARN(partition.Logs, "*").String(), central.ARN(partition.Logs, "*").String()),
		}},
	} {
		doc, err := policy.Parse([]byte(text(t, find(t, g, of.token, "destination"), of.property)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]policy.Statement{of.want}, doc.Statements); diff != "" {
			t.Errorf("%s: %s", of.token, diff)
		}
	}
	// The pipeline has no role for subscriptions: each destination has its own.
	for _, r := range g.Resources {
		if r.Name == "central-subscription" {
			t.Errorf("%s is there", r.URN)
		}
	}
	// Nothing is subscribed before the account may.
	filter := find(t, g, filterType, "shop-error")
	dependsOn(t, g, filter, find(t, g, destinationPolicyType, "destination"))
	// One more log group is one more resource.
	if diff := cmp.Diff([]string{filterType + " shop-error"}, added(record(t, logDestination(nil, func(p *program, _ *components.LogDestination) error {
		p.provider(home)
		return nil
	})), g)); diff != "" {
		t.Error(diff)
	}
}

// logsPrincipal is what a role trusts that CloudWatch Logs acts as.
func logsPrincipal(t *testing.T) partition.Principal {
	t.Helper()
	p, err := central.PrincipalFor(partition.Logs, partition.Trust)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLogDestinationProblems(t *testing.T) {
	t.Parallel()
	got := refused(t, logDestination(func(a *components.LogDestinationArgs) {
		a.DestinationName, a.RoleName, a.SourceAccounts = "a:b", "", []partition.Account{"1111", central.Account}
		a.Place.Account = "555566667777"
	}, nil))
	wantProblems(t, got, map[string]string{
		"DestinationName": "without : and *", "RoleName": "1 to 64", "SourceAccounts[0]": `"1111"`, "Pipeline": "a stream of its own account",
	})
	got = refused(t, logDestination(func(a *components.LogDestinationArgs) { a.SourceAccounts = nil }, nil))
	wantProblems(t, got, map[string]string{"SourceAccounts": "at least one"})
	got = refused(t, logDestination(func(a *components.LogDestinationArgs) { a.SourceAccounts = accounts(60) }, nil))
	wantProblems(t, got, map[string]string{"SourceAccounts": "2048"})
	got = refused(t, logDestination(nil, func(p *program, d *components.LogDestination) error {
		_, err := components.NewRdsLogShipping(p.ctx, "shop", &components.RdsLogShippingArgs{
			Place: partition.Place{Account: "999999999999", Region: home.Region}, Identifier: "shop", Engine: "mysql", LogTypes: []string{"error"}, Destination: d,
		}, p.at(home))
		return err
	}))
	wantProblems(t, got, map[string]string{"Destination": "isn't for account 999999999999"})
}

// accounts are n account ids, one after the other.
func accounts(n int) []partition.Account {
	out := make([]partition.Account, n)
	for i := range out {
		out[i] = partition.Account(fmt.Sprintf("%012d", 300000000000+i))
	}
	return out
}

// TestLogDestinationShards: 200 accounts are spread so that each destination's policies fit, in every region of the table, and
// an account's destination depends on the account alone.
func TestLogDestinationShards(t *testing.T) {
	t.Parallel()
	if got := components.LogDestinationShard("555566667777"); got != 555566667777%components.LogDestinationShards {
		t.Errorf("shard %d", got)
	}
	shards := map[int][]partition.Account{}
	for _, a := range accounts(200) {
		s := components.LogDestinationShard(a)
		shards[s] = append(shards[s], a)
	}
	for _, part := range partition.Partitions() {
		for _, region := range part.Regions() {
			place := partition.Place{Account: archive.Account, Region: region}
			for s, of := range shards {
				if err := components.CheckLogDestinationAccounts(place, of); err != nil {
					t.Errorf("%s, destination %d of %d: %v", region, s, len(shards), err)
				}
			}
			// All of them in one wouldn't fit: that is what the shards are for.
			if err := components.CheckLogDestinationAccounts(place, accounts(200)); err == nil {
				t.Errorf("%s: one trust policy has room for 200 accounts", region)
			}
		}
	}
}
