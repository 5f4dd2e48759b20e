package sandbox

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks"
)

// A role can have a boundary that is there, gets it and loses it in place, and does what the boundary allows only.
func TestPermissionBoundaryOfARole(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	arn := func(p partition.Place, name string) string { return p.ARN(partition.IAM, "policy/ops/"+name).String() }
	document := func(action string) map[string]string {
		return map[string]string{stacks.AttributePolicy: allowing("*", action)}
	}
	if err := l.w.Adopt([]stacks.External{
		{Kind: stacks.KindPolicy, ID: "ops/Wide", Place: beijing, Key: "k", Attributes: document("firehose:*")},
		{Kind: stacks.KindPolicy, ID: "ops/Narrow", Place: beijing, Key: "k", Attributes: document("s3:*")},
		{Kind: stacks.KindPolicy, ID: "ops/Unknown", Place: beijing, Key: "k"},
		{Kind: stacks.KindPolicy, ID: "ops/Theirs", Place: archive, Key: "k"},
	}); err != nil {
		t.Fatal(err)
	}
	_, err := l.home.update(l.ships, with(l.ships.inputs, "permissionsBoundary", arn(beijing, "Missing")))
	refused(t, err, "NoSuchEntity")
	_, err = l.home.update(l.ships, with(l.ships.inputs, "permissionsBoundary", arn(archive, "Theirs")))
	refused(t, err, "NoSuchEntity")
	for _, c := range []struct{ name, code string }{{"Narrow", "InvalidParameterException"}, {"Wide", ""}, {"Unknown", ""}} {
		news := with(l.ships.inputs, "permissionsBoundary", arn(beijing, c.name))
		diff, err := l.home.p.Diff(t.Context(), plugin.DiffRequest{URN: l.ships.urn, ID: l.ships.id, OldInputs: l.ships.inputs, OldOutputs: l.ships.state, NewInputs: news})
		if err != nil || diff.Changes != plugin.DiffSome || len(diff.ReplaceKeys) > 0 {
			t.Errorf("%s: %+v, %v: a boundary is changed in place", c.name, diff, err)
		}
		updated, err := l.home.update(l.ships, news)
		if err != nil {
			t.Fatal(err)
		}
		l.ships.inputs, l.ships.state = news, updated.Properties
		// PutSubscriptionFilter tries the role out.
		filter, err := l.home.create(filterToken, "filter-"+c.name, l.filterInputs("filter-"+c.name))
		if c.code != "" {
			refused(t, err, c.code)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err := l.home.delete(filter); err != nil {
			t.Fatal(err)
		}
	}
	news := l.ships.inputs.Copy()
	delete(news, resource.PropertyKey("permissionsBoundary"))
	if _, err := l.home.update(l.ships, news); err != nil {
		t.Error(err)
	}
}
