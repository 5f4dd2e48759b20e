package stacks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/verify"
)

const everything = `{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`

func TestPermissionsBoundaryProblems(t *testing.T) {
	t.Parallel()
	iam := func(p partition.Partition, account partition.Account, resource string) string {
		return partition.ARN{Partition: p, Service: partition.IAM, Account: account, Resource: resource}.String()
	}
	boundary := func(keys ...any) map[string]any {
		object := map[string]any{"policy": "ops/Boundary"}
		for i := 0; i < len(keys); i += 2 {
			object[keys[i].(string)] = keys[i+1]
		}
		return object
	}
	of := func(account, policy string) map[string]any {
		return map[string]any{"account": account, "policy": policy}
	}
	long := `{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "` + partition.BucketARN(partition.China, strings.Repeat("a", 6200)).String() + `"}}`
	for _, c := range []struct {
		name       string
		value      map[string]any
		path, want string
	}{
		{"no policy", map[string]any{"document": everything}, ".policy", "is required"},
		{"not a name", boundary("policy", "a policy"), ".policy", "is not a managed policy; want a name of up to 128"},
		{"an absolute path", boundary("policy", "/ops/Boundary"), ".policy", "is not a managed policy"},
		{"an ARN of one account", boundary("policy", iam(partition.China, "111122223333", "policy/B")), ".policy", "AWS gives it to no role of another; want its name"},
		{"a role", boundary("policy", iam(partition.China, "aws", "role/B")), ".policy", "is not the ARN of a managed policy"},
		{"another partition", boundary("policy", iam(partition.AWS, "aws", "policy/PowerUserAccess")), ".policy", "want aws-cn, the stack's"},
		{"half an ARN", boundary("policy", "arn:iam"), ".policy", "is not an ARN"},
		{"no JSON", boundary("document", "{"), ".document", "is not a policy document"},
		{"a resource policy", boundary("document", `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}}`), ".document", "Principal"},
		{"too long", boundary("document", long), ".document", "6144"},
		{"another's account", boundary("accounts", []any{of("999999999999", "B")}), ".accounts[0].account", "is not an account of this stack"},
		{"an account twice", boundary("accounts", []any{of("222233334444", "B"), of("222233334444", "C")}), ".accounts[1].account", "want each account once"},
		{"another account's ARN", boundary("accounts", []any{of("222233334444", iam(partition.China, "111122223333", "policy/B"))}), ".accounts[0].policy", "want one of 222233334444"},
		{"an unknown key", boundary("name", "B"), ".name", "unknown key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseSpec("x", parse(t, smallest).with(t, "permissionsBoundary", c.value).engine(t))
			if err == nil || !strings.Contains(err.Error(), "log-archive:permissionsBoundary"+c.path+":") || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "has 1 problem;") {
				t.Errorf("want one problem, of %s with %q, got %v", c.path, c.want, err)
			}
		})
	}
}

// bounded is the configuration of an example with boundaries that differ from account to account.
func bounded(t *testing.T, stack string) (config map[string]string, archive partition.Account) {
	t.Helper()
	config, err := LoadConfig("..", stack)
	if err != nil {
		t.Fatal(err)
	}
	delete(config, "log-archive:permissionsBoundary")
	plain, err := ParseSpec(stack, config)
	if err != nil {
		t.Fatal(err)
	}
	archive = plain.Archive.Account
	config["log-archive:permissionsBoundary"] = fmt.Sprintf(`{"policy": "ops/Boundary", "accounts": [{"account": %q, "policy": %q, "document": %q}]}`,
		archive, partition.ARN{Partition: plain.Home.Partition(), Service: partition.IAM, Account: archive, Resource: "policy/Archive"}, everything)
	return config, archive
}

// Every role of every component has the boundary of its account.
func TestEveryRoleIsBounded(t *testing.T) {
	t.Parallel()
	for _, stack := range exampleStacks {
		config, archive := bounded(t, stack)
		g := record(t, stack, config)
		accounts := map[partition.Account]int{}
		for _, r := range g.ByType("aws:iam/role:Role") {
			name := "policy/ops/Boundary"
			if r.Place.Account == archive {
				name = "policy/Archive"
			}
			accounts[r.Place.Account]++
			want := r.Place.ARN(partition.IAM, name).String()
			if got := r.Inputs["permissionsBoundary"]; !got.IsString() || got.StringValue() != want {
				t.Errorf("%s: role %s has boundary %v, want %s", stack, r.Name, got, want)
			}
		}
		if len(accounts) < 2 {
			t.Errorf("%s: roles in %v only", stack, accounts)
		}
		// Nothing else changes by it.
		delete(config, "log-archive:permissionsBoundary")
		for _, plain := range record(t, stack, config).Resources {
			r, ok := g.Find(plain.Type, plain.Name)
			if !ok {
				t.Errorf("%s: %s is gone", stack, plain.URN)
				continue
			}
			delete(r.Inputs, "permissionsBoundary")
			if !r.Inputs.DeepEquals(plain.Inputs) {
				t.Errorf("%s: %s has changed", stack, plain.URN)
			}
		}
	}
}

// The policies must be there, and proofs know what they say where the configuration does.
func TestBoundariesOfAccounts(t *testing.T) {
	t.Parallel()
	config, archive := bounded(t, "beijing")
	spec, err := ParseSpec("beijing", config)
	if err != nil {
		t.Fatal(err)
	}
	home, of := spec.Home, spec.Accounts[0].Stack.Home
	want := []verify.Boundary{
		{Account: home.Account, ARN: home.ARN(partition.IAM, "policy/ops/Boundary").String()},
		{Account: archive, ARN: spec.Archive.ARN(partition.IAM, "policy/Archive").String(), Document: everything},
		{Account: of.Account, ARN: of.ARN(partition.IAM, "policy/ops/Boundary").String()},
	}
	if diff := cmp.Diff(want, spec.VerifyOptions().Boundaries); diff != "" {
		t.Error(diff)
	}
	var there []string
	for _, e := range spec.Externals() {
		if e.Kind == KindPolicy {
			there = append(there, fmt.Sprint(e.Key, " ", e.ID, " ", e.Place.Account, " ", e.Attributes))
		}
	}
	if diff := cmp.Diff([]string{
		"log-archive:permissionsBoundary.policy ops/Boundary 111122223333 map[]",
		"log-archive:permissionsBoundary.accounts[0].policy Archive 222233334444 map[policy:" + everything + "]",
		"log-archive:permissionsBoundary.policy ops/Boundary 555566667777 map[]",
	}, there); diff != "" {
		t.Error(diff)
	}
	// A policy that AWS keeps is everywhere.
	managed := partition.ManagedPolicyARN(partition.China, "PowerUserAccess").String()
	config["log-archive:permissionsBoundary"] = fmt.Sprintf(`{"policy": %q}`, managed)
	if spec, err = ParseSpec("beijing", config); err != nil {
		t.Fatal(err)
	}
	for _, b := range spec.VerifyOptions().Boundaries {
		if b.ARN != managed {
			t.Errorf("%+v", b)
		}
	}
	if list := spec.boundaryExternals(); len(list) != 0 {
		t.Errorf("%+v must be there", list)
	}
}
