package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// change is a sample with one property set at a path ("" removes it), and the failure that AWS answers with.
type change struct {
	path     string
	value    any
	property string // of the failure
	code     string
	reason   string // a part of it
}

// elsewhere is the same ARN in the other partition.
func elsewhere(arn string) string {
	return strings.Replace(arn, ":"+string(partition.China)+":", ":"+string(partition.AWS)+":", 1)
}

// long returns a text of n letters.
func long(n int) string { return strings.Repeat("a", n) }

// with returns a copy of a sample's inputs with the value at a path such as rules[0].status; nil removes.
func with(t *testing.T, inputs m, path string, value any) resource.PropertyMap {
	t.Helper()
	object := resource.NewObjectProperty(properties(inputs))
	at, err := resource.ParsePropertyPath(path)
	if err != nil {
		t.Fatal(err)
	}
	if value == nil {
		if !at.Delete(object) {
			t.Fatalf("no %s to remove", path)
		}
		return object.ObjectValue()
	}
	changed, ok := at.Add(object, resource.NewPropertyValue(value))
	if !ok {
		t.Fatalf("no place for %s", path)
	}
	return changed.ObjectValue()
}

// check applies each change to the type's sample and expects its failure. A change without a code must be accepted.
func check(t *testing.T, token string, changes []change) {
	t.Helper()
	typ := typeOf(t, token)
	for _, ch := range changes {
		inputs := with(t, samples[token].inputs, ch.path, ch.value)
		failures := typ.Check(Request{Place: home, Name: "sample", Inputs: inputs})
		name := fmt.Sprintf("%s with %s = %v", token, ch.path, ch.value)
		name = name[:min(len(name), 300)]
		if ch.code == "" {
			if len(failures) > 0 {
				t.Errorf("%s: %v, want no failure", name, failures)
			}
			continue
		}
		if ch.property == "" {
			ch.property = ch.path
		}
		if ch.property == "-" { // the resource as a whole
			ch.property = ""
		}
		if !slices.ContainsFunc(failures, func(f Failure) bool {
			return f.Property == ch.property && f.Code == ch.code && strings.Contains(f.Reason, ch.reason)
		}) {
			t.Errorf("%s: %v, want %s at %q with %q", name, failures, ch.code, ch.property, ch.reason)
		}
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	check(t, lifecycleToken, []change{
		{"bucket", nil, "", CheckFailure, "required"},
		{"bukcet", "x", "", CheckFailure, "no such property: want one of bucket, expectedBucketOwner"},
		{"bucket", 3, "", CheckFailure, "is a number: want string"},
		{"rules[0].status", nil, "rules[0].status", CheckFailure, "required"},
		{"rules[0].transitions[0].days", "30", "", CheckFailure, "is a string: want int"},
		{"rules[0].transitions[0].days", 30.5, "", CheckFailure, "30.5 is not a whole number"},
		{"rules[0].transitions", "x", "", CheckFailure, "want list"},
		{"rules[0].fliter", m{}, "", CheckFailure, "no such property"},
		{"rules[0]", true, "", CheckFailure, "want object"},
	})
	check(t, Bucket, []change{
		{"tags.a", 1, "", CheckFailure, "want string"},
		{"__defaults", []any{"bucket"}, "", "", ""},
		{"bucketPrefix", "logs", "bucket", CheckFailure, "conflicts with bucketPrefix"},
		{"forceDestroy", "true", "", CheckFailure, "want bool"},
	})
	check(t, Function, []change{{"code", "text", "", CheckFailure, "want asset"}})
}

func TestFailuresAreSortedAndAll(t *testing.T) {
	t.Parallel()
	failures := typeOf(t, FlowLog).Check(Request{Place: home, Inputs: properties(m{
		"trafficType": "ALLL", "logDestinationType": "s3", "logDestination": elsewhere(bucketARN), "iamRoleArn": elsewhere(roleARN),
	})})
	var got []string
	for _, f := range failures {
		got = append(got, f.Property)
	}
	if want := []string{"", "iamRoleArn", "iamRoleArn", "logDestination", "trafficType"}; !slices.Equal(got, want) {
		t.Errorf("failures of %q, want %q: %v", got, want, failures)
	}
}

// TestUnknownValuesPass makes every input of every sample unknown, one after the other and all at once.
func TestUnknownValuesPass(t *testing.T) {
	t.Parallel()
	for token, sample := range samples {
		if token == ProviderToken {
			continue // an instance must be known to act
		}
		typ := typeOf(t, token)
		for _, key := range append(properties(sample.inputs).StableKeys(), "") {
			inputs := properties(sample.inputs)
			for k := range inputs {
				if key == "" || k == key {
					inputs[k] = resource.MakeComputed(resource.NewStringProperty(""))
				}
			}
			for _, f := range typ.Check(Request{Place: home, Name: "sample", Inputs: inputs}) {
				t.Errorf("%s with unknown %q: %v", token, key, f)
			}
			if _, _, err := typ.Complete(Request{Place: home, Name: "sample", Inputs: inputs}); err != nil {
				t.Errorf("%s with unknown %q: %v", token, key, err)
			}
			typ.References(inputs)
		}
	}
}

func TestProvider(t *testing.T) {
	t.Parallel()
	check(t, ProviderToken, []change{
		{"region", "cn-nroth-1", "-", CheckFailure, "is not a known region"},
		{"region", nil, "-", CheckFailure, "region"},
		{"allowedAccountIds", []any{}, "-", CheckFailure, "0 accounts and no assumeRole"},
		{"allowedAccountIds", `["111122223333"]`, "", "", ""},
		{"allowedAccountIds[0]", "1234", "-", CheckFailure, "want 12 digits"},
		{"assumeRole", m{"roleArn": archive.RoleARN("writer").String(), "externalId": "x"}, "", "", ""},
		{"assumeRole", `{"roleArn":"` + archive.RoleARN("writer").String() + `"}`, "", "", ""},
		{"assumeRole", m{"roleArn": "writer"}, "-", CheckFailure, "is not an ARN"},
		{"assumeRole", m{"roleArn": elsewhere(roleARN)}, "-", CheckFailure, "not in the partition of region"},
		{"assumeRole", m{"rolearn": "x"}, "assumeRole.rolearn", CheckFailure, "no such property"},
	})
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	const malformed = "MalformedPolicyDocument"
	statement := func(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }
	check(t, RolePolicy, []change{
		{"policy", "{", "", malformed, "not JSON"},
		{"policy", "[]", "", malformed, "is not an object"},
		{"policy", `{"Version":"2012-10-17"}`, "", malformed, "Statement: is missing"},
		{"policy", `{"Version":"2021-10-17","Statement":[]}`, "", malformed, "Version"},
		{"policy", `{"Statements":[]}`, "", malformed, "Statements: is not an element"},
		{"policy", statement(`{"Effect":"allow","Action":"*","Resource":"*"}`), "", malformed, `"allow" is not one of`},
		{"policy", statement(`{"Effect":"Allow","Action":"*"}`), "", malformed, "neither Resource nor NotResource"},
		{"policy", statement(`{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}`), "", malformed, "has no Principal"},
		{"policy", statement(`{"Effect":"Allow","Action":"*","Resource":["` + elsewhere(bucketARN) + `"]}`), "", malformed, `partition "aws" is not valid`},
		{"policy", statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"` + elsewhere(streamARN) + `"}}}`), "", malformed, `partition "aws" is not valid`},
		{"policy", statement(`{"Effect":"Allow","Action":"*","Resource":"arn:*:s3:::b"}`), "", "", ""},
		{"policy", identityPolicy + strings.Repeat(" ", 20000), "", "", ""}, // white space doesn't count
		{"policy", statement(`{"Effect":"Allow","Action":"*","Resource":"` + bucketARN + "/" + long(10240) + `"}`), "", "LimitExceeded", "the limit is 10240"},
		{"policy", m{"Version": "2012-10-17", "Statement": []any{m{"Effect": "Allow", "Action": "*", "Resource": "*"}}}, "", "", ""},
		{"policy", true, "", malformed, "want a policy document"},
	})
	check(t, Role, []change{
		{"assumeRolePolicy", statement(`{"Effect":"Allow","Action":"sts:AssumeRole"}`), "", malformed, "neither Principal nor NotPrincipal"},
		{"assumeRolePolicy", statement(`{"Effect":"Allow","Principal":{"Service":"firehose"},"Action":"sts:AssumeRole"}`), "", malformed, `"firehose" is not a service principal`},
		{"assumeRolePolicy", statement(`{"Effect":"Allow","Principal":{"AWS":"` + elsewhere(roleARN) + `"},"Action":"sts:AssumeRole"}`), "", malformed, "partition"},
		{"inlinePolicies", []any{m{"name": "x", "policy": "{"}}, "inlinePolicies[0].policy", malformed, "not JSON"},
	})
}
