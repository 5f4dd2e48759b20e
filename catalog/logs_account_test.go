package catalog

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/partition"
)

func TestAccountPolicies(t *testing.T) {
	t.Parallel()
	const bad = "InvalidParameterException"
	elsewhereStream := archive.ARN(partition.Firehose, "deliverystream/logs").String()
	central := archive.ARN(partition.Logs, "destination:central").String()
	homeCentral := partition.Place{Account: archive.Account, Region: home.Region}.ARN(partition.Logs, "destination:central").String()
	check(t, LogAccountPolicy, []change{
		{"policyName", "aws/mine", "", bad, "belong to AWS"},
		{"policyType", "SUBSCRIPTION", "", bad, "is not one of DATA_PROTECTION_POLICY"},
		{"scope", "SOME", "", bad, "is not one of ALL"},
		{"policyDocument", "{", "", CheckFailure, "is not JSON"},
		{"policyDocument", `["a"]`, "", bad, "is not a JSON object of texts"},
		{"policyDocument", `{"FilterPattern":""}`, "", bad, "has no DestinationArn"},
		{"policyDocument", `{"destinationArn":"` + streamARN + `","FilterPattern":""}`, "", bad, "has no DestinationArn"},
		{"policyDocument", `{"DestinationArn":"` + streamARN + `","RoleArn":"` + roleARN + `"}`, "", bad, "has no FilterPattern"},
		{"policyDocument", accountDocument("nowhere", roleARN), "", bad, "nowhere"},
		{"policyDocument", accountDocument(elsewhere(streamARN), roleARN), "", bad, "is not a region of partition"},
		{"policyDocument", accountDocument(streamARN, elsewhere(roleARN)), "", bad, "is in partition"},
		{"policyDocument", accountDocument(streamARN, ""), "", bad, "cannot be used without roleArn"},
		{"policyDocument", accountDocument(lambdaARN, roleARN), "", bad, "cannot be used with roleArn"},
		{"policyDocument", accountDocument(lambdaARN, ""), "", "", ""},
		{"policyDocument", accountDocument(elsewhereStream, roleARN), "", bad, "must be in the log group's account and region"},
		{"policyDocument", accountDocument(homeCentral, ""), "", "", ""},
		{"policyDocument", accountDocument(central, ""), "", bad, "must be in the log group's region"},
		{"policyDocument", accountDocument(bucketARN, roleARN), "", bad, "is not a Firehose or Kinesis stream"},
		{"policyDocument", strings.Replace(accountDocument(streamARN, roleARN), `""`, `"`+long(1025)+`"`, 1), "", bad, "FilterPattern has 1025 characters"},
		{"policyDocument", strings.Replace(accountDocument(streamARN, roleARN), `{`, `{"Distribution":"Even",`, 1), "", bad, `Distribution "Even"`},
		{"policyDocument", strings.Replace(accountDocument(streamARN, roleARN), `{`, `{"Distribution":"Random",`, 1), "", "", ""},
		{"policyDocument", accountDocument(streamARN, roleARN) + strings.Repeat(" ", 30_720), "", bad, "want at most 30720"},
		{"selectionCriteria", nil, "", "", ""},
		{"selectionCriteria", `LogGroupName IN ["a"]`, "", bad, "NOT IN"},
		{"selectionCriteria", `LogGroupNamePrefix NOT IN ["a"]`, "", bad, "NOT IN"},
		{"selectionCriteria", `LogGroupName NOT IN [a]`, "", bad, "NOT IN"},
		{"selectionCriteria", `LogGroupName NOT IN ["a"] AND more`, "", bad, "NOT IN"},
		{"selectionCriteria", `LogGroupName NOT IN null`, "", bad, "NOT IN"},
		{"selectionCriteria", `LogGroupName NOT IN ["` + long(25*1024) + `"]`, "", bad, "want at most 25600"},
		{"selectionCriteria", `LogGroupName NOT IN []`, "", "", ""},
	})
	// Another type's criteria and document are its own.
	failures := typeOf(t, LogAccountPolicy).Check(Request{Place: home, Inputs: properties(m{
		"policyName": "index", "policyType": "FIELD_INDEX_POLICY", "policyDocument": `{"Fields":["a"]}`, "selectionCriteria": `LogGroupNamePrefix IN ["a"]`,
	})})
	if len(failures) > 0 {
		t.Errorf("an index policy: %v", failures)
	}
}

func TestReadAccountSubscription(t *testing.T) {
	t.Parallel()
	s, err := ReadAccountSubscription(`{"DestinationArn":"d","RoleArn":"r","FilterPattern":"ERROR","Distribution":"Random"}`, "LogGroupName  NOT IN\t[ \"/INFO/a\", \"b*\" ]")
	if err != nil {
		t.Fatal(err)
	}
	want := &AccountSubscription{DestinationARN: "d", RoleARN: "r", FilterPattern: "ERROR", Distribution: "Random", Excluded: []string{"/INFO/a", "b*"}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
	for _, test := range []struct {
		group, class string
		want         bool
	}{
		{"/INFO/a", "STANDARD", false}, {"/INFO/a/b", "", true}, {"b*", "", false},
		{"bc", "STANDARD", true}, // a star means nothing
		{"c", "INFREQUENT_ACCESS", false}, {"c", "DELIVERY", false},
	} {
		if got := s.Selects(test.group, test.class); got != test.want {
			t.Errorf("%s of class %q is selected: %t, want %t", test.group, test.class, got, test.want)
		}
	}
}

// A change of what is left out makes a new policy, of the same name: what deletes the old one must come first.
func TestAccountPolicyReplacement(t *testing.T) {
	t.Parallel()
	sample := samples[LogAccountPolicy].inputs
	typ := typeOf(t, LogAccountPolicy)
	for property, value := range map[string]string{
		"selectionCriteria": `LogGroupName NOT IN ["a"]`, "policyName": "other", "policyType": "DATA_PROTECTION_POLICY",
	} {
		if got := typ.Replaces(properties(sample), with(t, sample, property, value)); len(got) != 1 || got[0] != property {
			t.Errorf("a changed %s replaces by %q", property, got)
		}
	}
	if got := typ.Replaces(properties(sample), with(t, sample, "policyDocument", accountDocument(streamARN+"-2", roleARN))); len(got) > 0 {
		t.Errorf("a changed document replaces by %q", got)
	}
}

func TestAccountPolicyReferences(t *testing.T) {
	t.Parallel()
	of := func(destination, role string) []Reference {
		return typeOf(t, LogAccountPolicy).References(with(t, samples[LogAccountPolicy].inputs, "policyDocument", accountDocument(destination, role)))
	}
	const bad = "InvalidParameterException"
	want := []Reference{
		{Property: "policyDocument", TargetToken: Stream, By: ByARN, Value: streamARN, SameRegion: true, SameAccount: true, Code: bad},
		{Property: "policyDocument", TargetToken: Role, By: ByARN, Value: roleARN, SameAccount: true, Code: bad},
	}
	if diff := cmp.Diff(want, of(streamARN, roleARN)); diff != "" {
		t.Error(diff)
	}
	if got := of(lambdaARN, ""); len(got) != 1 || got[0].TargetToken != Function {
		t.Errorf("of a function: %+v", got)
	}
	if got := of(archive.ARN(partition.Logs, "destination:central").String(), ""); len(got) != 1 || got[0].TargetToken != LogDestination || got[0].SameAccount {
		t.Errorf("of a destination: %+v", got)
	}
}
