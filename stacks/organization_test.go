package stacks

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/verify"
)

// inOrganization is the global example with an organisation.
func inOrganization(t *testing.T) *Spec {
	t.Helper()
	config, err := LoadConfig("..", "global")
	if err != nil {
		t.Fatal(err)
	}
	var archive map[string]any
	if err := json.Unmarshal([]byte(config["log-archive:archive"]), &archive); err != nil {
		t.Fatal(err)
	}
	archive["organizationId"] = "o-exampleorgid"
	changed, err := json.Marshal(archive)
	if err != nil {
		t.Fatal(err)
	}
	config["log-archive:archive"] = string(changed)
	spec, err := ParseSpec("global", config)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// With an organisation every path is proven, on the condition that the accounts are its members; otherwise the streams' ways
// are closed, and nobody else's are open.
func TestOrganizationIsProven(t *testing.T) {
	t.Parallel()
	spec := inOrganization(t)
	g, err := graph.Record(context.Background(), graph.Options{Project: Namespace, Stack: "global"}, Program(spec))
	if err != nil {
		t.Fatal(err)
	}
	d := verify.FromGraph(g)
	options := spec.VerifyOptions()
	if r := verify.Run(d, options); r.Failed() || len(r.Unneeded) != 0 {
		t.Errorf("%d violations, the first %+v; %d unneeded", len(r.Violations), r.Violations[0], len(r.Unneeded))
	}
	for name, members := range map[string]verify.Organization{
		"no organisation": {},
		"another one":     {ID: "o-anotherorgid", Accounts: options.Organization.Accounts},
		"other accounts":  {ID: options.Organization.ID, Accounts: options.Organization.Accounts[:0]},
	} {
		options.Organization = members
		r := verify.Run(d, options)
		closed := map[string]bool{}
		for _, v := range r.Violations {
			if v.Rule == "path" {
				closed[v.Resource[strings.LastIndex(v.Resource, ":")+1:]] = true
			}
		}
		if !closed["archive"] {
			t.Errorf("%s: the archive's policies let the streams in: %v", name, r.Violations)
		}
	}
}

func TestOrganizationIsChecked(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"o-exampleorgid": `archive.organizationId: conditions aws:PrincipalOrgID and aws:SourceOrgID: it is not known whether it is available in cn-northwest-1`,
		"exampleorgid":   `archive.organizationId: "exampleorgid"`,
	} {
		_, err := ParseSpec("x", parse(t, whole).with(t, "archive.organizationId", value).engine(t))
		if got := lines(t, err); len(got) != 1 || !strings.HasPrefix(got[0], "log-archive:"+want) {
			t.Errorf("%s: got %q, want %q", value, got, want)
		}
	}
}
