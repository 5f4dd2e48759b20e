package stacks

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/components"
)

const landingKey = "landing: {bucket: example-landing}\n"

func TestServicesAreRead(t *testing.T) {
	t.Parallel()
	const id = "12abc34d567e8fa901bc2d34e56789f0"
	spec, err := ParseSpec("beijing", smallestWith(t, landingKey+`
config: {snapshotFrequency: One_Hour, includeGlobalResourceTypes: false, createServiceLinkedRole: false}
guardDuty: {detectorId: `+id+`}
resolverQueryLogs: {vpcIds: [vpc-0a1b2c3d4e5f60718], acceptUnknown: true}
`).engine(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&ConfigSpec{Key: "log-archive:config", SnapshotFrequency: "One_Hour"}, spec.Config); diff != "" {
		t.Error(diff)
	}
	// In China findings aren't known to reach another region.
	if diff := cmp.Diff(&FindingsSpec{Key: "log-archive:guardDuty", DetectorID: id, Lands: true}, spec.Findings); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&QueryLogSpec{Key: "log-archive:resolverQueryLogs", VpcIDs: []string{"vpc-0a1b2c3d4e5f60718"}, AcceptUnknown: true}, spec.QueryLogs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]components.Delivery{
		{Kind: components.FindingsDelivery, Source: beijing, Resource: "detector/" + id},
		{Kind: components.QueryLogDelivery, Source: beijing, Prefix: QueryLogPrefix},
	}, spec.landingDeliveries()); diff != "" {
		t.Error(diff)
	}
	var kinds []string
	for _, e := range spec.Externals() {
		kinds = append(kinds, e.Kind)
	}
	if diff := cmp.Diff([]string{KindRole, KindServiceLinkedRole, KindDetector, KindVPC}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestServicesProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ yaml, want string }{
		"config without a frequency": {"config: {createServiceLinkedRole: true}\n", `log-archive:config.snapshotFrequency: is required`},
		"config's frequency":         {"config: {snapshotFrequency: Daily}\n", `log-archive:config.snapshotFrequency: "Daily" is not one of One_Hour`},
		"findings without a landing": {"guardDuty: {frequency: ONE_HOUR}\n", `log-archive:guardDuty: GuardDuty findings to a bucket in another region: it is not known`},
		"both":                       {landingKey + "guardDuty: {frequency: ONE_HOUR, detectorId: 12abc34d567e8fa901bc2d34e56789f0}\n", `log-archive:guardDuty: want exactly one of detectorId`},
		"detector":                   {landingKey + "guardDuty: {detectorId: d}\n", `log-archive:guardDuty.detectorId: "d" is not accepted`},
		"queries in China":           {landingKey + "resolverQueryLogs: {vpcIds: [vpc-0a1b2c3d4e5f60718]}\n", `log-archive:resolverQueryLogs: Route 53 Resolver query logging: it is not known whether it is available in cn-north-1`},
		"queries without a landing":  {"resolverQueryLogs: {vpcIds: [vpc-0a1b2c3d4e5f60718], acceptUnknown: true}\n", `want landing, a bucket in the home region`},
		"a VPC twice":                {landingKey + "resolverQueryLogs: {vpcIds: [vpc-0a1b2c3d, vpc-0a1b2c3d], acceptUnknown: true}\n", `log-archive:resolverQueryLogs.vpcIds[1]: "vpc-0a1b2c3d" is`},
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
