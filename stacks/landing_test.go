package stacks

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
)

// Where flow logs to another region aren't known to work, a flow log without a method lands, and says what is missing for it.
func TestFlowLogsLandWhereNothingElseIsKnownToWork(t *testing.T) {
	t.Parallel()
	_, err := ParseSpec("x", parse(t, whole).with(t, "landing", removed{}).engine(t))
	if diff := cmp.Diff([]string{
		"log-archive:flowLogs[2]: whether flow logs can be written to a bucket in another region is unknown (AWS documents neither allow nor forbid it: not found); configure log-archive:landing, or say method: s3 or firehose",
		"log-archive:flowLogs[3].method: there is no landing bucket; configure log-archive:landing",
	}, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}

// What lands is delivered to the landing bucket, and its folder is replicated to the archive by a role of that account.
func TestLandingDeliveries(t *testing.T) {
	t.Parallel()
	spec, err := ParseSpec("x", parse(t, whole).engine(t))
	if err != nil {
		t.Fatal(err)
	}
	landing := partition.Place{Account: "222233334444", Region: "cn-north-1"}
	if diff := cmp.Diff(&LandingSpec{Bucket: "example-landing", ExpireDays: 21, LagMinutes: 30}, spec.Landing); diff != "" {
		t.Error(diff)
	}
	if got := spec.LandingPlace(); got != landing {
		t.Errorf("the landing bucket is at %s", got)
	}
	if diff := cmp.Diff([]components.Delivery{
		{Kind: components.FlowLogDelivery, Source: beijing, Prefix: DirectFlowLogPrefix, AnyFolder: true},
	}, spec.landingDeliveries()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]components.Delivery{{
		Kind: components.ReplicationDelivery, Source: landing, Prefix: DirectFlowLogPrefix,
		RoleArn: landing.RoleARN("archive-landing-replication-cn-north-1").String(),
	}}, spec.replicas()); diff != "" {
		t.Error(diff)
	}
}

// A landing bucket that nothing is delivered to isn't made, nor is a provider for it.
func TestNothingLands(t *testing.T) {
	t.Parallel()
	d := parse(t, smallest).with(t, "landing", map[string]any{"bucket": "example-landing"})
	g := record(t, "x", d.engine(t))
	for _, r := range g.Resources {
		if r.Name == "landing" {
			t.Errorf("%s is declared", r.URN)
		}
	}
}
