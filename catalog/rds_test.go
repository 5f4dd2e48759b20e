package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/partition"
)

func TestDatabases(t *testing.T) {
	t.Parallel()
	check(t, DBInstance, []change{
		{"enabledCloudwatchLogsExports", []any{"error", "slow-query"}, "enabledCloudwatchLogsExports[1]", "InvalidParameterCombination", "You cannot use the log types 'slow-query'"},
		{"enabledCloudwatchLogsExports", []any{"error", "slowquery"}, "", "", ""},
	})
	check(t, DBCluster, []change{
		{"enabledCloudwatchLogsExports", []any{"upgrade"}, "enabledCloudwatchLogsExports[0]", "InvalidParameterCombination", "want one of audit, error"},
	})
	elsewhere := partition.Place{Account: home.Account, Region: "cn-northwest-1"}
	check(t, BackupsReplication, []change{
		{"retentionPeriod", 36, "", "InvalidParameterValue", "not between 1 and 35"},
		{"sourceDbInstanceArn", home.ARN(partition.RDS, "db:orders").String(), "", "InvalidParameterValue", "Source and destination regions are the same"},
		{"sourceDbInstanceArn", elsewhere.ARN(partition.RDS, "cluster:orders").String(), "", "InvalidParameterValue", "is not a DB instance"},
		{"kmsKeyId", elsewhere.ARN(partition.KMS, "key/x").String(), "", "KMSKeyNotAccessibleFault", "is not in cn-north-1"},
	})
}

func TestInvocations(t *testing.T) {
	t.Parallel()
	check(t, Invocation, []change{
		{"input", "{", "", CheckFailure, "is not JSON"},
		{"input", "[1]", "", CheckFailure, "requires input to be a JSON object"},
		{"lifecycleScope", "ALWAYS", "", badLambda, "CREATE_ONLY, CRUD"},
	})
	typ := typeOf(t, Invocation)
	inputs := func(scope, input string) m { return m{"functionName": "f", "lifecycleScope": scope, "input": input} }
	for _, test := range []struct {
		before, after m
		want          []string
	}{
		{inputs(CRUD, `{"a":1}`), inputs(CRUD, `{"a":2}`), nil},
		{inputs(CreateOnly, `{"a":1}`), inputs(CreateOnly, `{"a":2}`), []string{"input"}},
		{inputs(CRUD, `{}`), m{"functionName": "g", "lifecycleScope": CRUD, "input": `{}`}, []string{"functionName"}},
	} {
		if diff := cmp.Diff(test.want, typ.Replaces(properties(test.before), properties(test.after))); diff != "" {
			t.Errorf("%v to %v: %s", test.before, test.after, diff)
		}
	}
	const want = `{"a":2,"tf":{"action":"update","prev_input":{"a":1}}}`
	if got := LifecycleInput(`{"a":2}`, `{"a":1}`, "tf", "update"); got != want {
		t.Errorf("the function gets %s, want %s", got, want)
	}
	if got := LifecycleInput(`{}`, "", "tf", "create"); got != `{"tf":{"action":"create","prev_input":null}}` {
		t.Errorf("the function gets %s", got)
	}
}
