package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	q, p := rule{
		caller: reading, action: "s3:PutObject", resource: "arn:PART:s3:::b/logs/x", owner: "BBBB",
		context:        map[string]string{"aws:SecureTransport": "true"},
		identity:       "allow s3:PutObject on arn:PART:s3:::b/*\nallow s3:Get* on arn:PART:s3:::c/* if StringEquals aws:x 1",
		resourcePolicy: "allow s3:PutObject on * to " + rootB + "\ndeny s3:* on * to everybody if Bool aws:SecureTransport false if Null aws:y false",
	}.request(t, partition.China)
	got := Explain(q, p)
	if len(got) != 4 {
		t.Fatalf("%d verdicts, want 4: %v", len(got), got)
	}
	for i, want := range []struct {
		layer                                Layer
		matched, action, resource, principal bool
		failed                               string
	}{
		{IdentityLayer, true, true, true, true, ""},
		{IdentityLayer, false, false, false, true, "StringEquals aws:x"},
		{ResourceLayer, false, true, true, false, ""},
		{ResourceLayer, false, true, true, true, "Bool aws:SecureTransport|Null aws:y"},
	} {
		v := got[i]
		if v.Layer != want.layer || v.Matched != want.matched || v.Action != want.action || v.Resource != want.resource || v.Principal != want.principal || strings.Join(v.Failed, "|") != want.failed {
			t.Errorf("verdict %d: %+v, want %+v", i, v, want)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		rule rule
		want string
	}{
		{"none", rule{identity: "allow s3:* on * if StringEquals aws:a 1", context: map[string]string{"AWS:A": "2"}}, ""},
		{"one, once", rule{identity: "allow s3:* on * if StringEquals aws:b 1 if StringLike AWS:B 2 if StringEquals aws:a 1"}, "aws:a aws:b"},
		{"of other actions", rule{identity: "allow sqs:* on * if StringEquals aws:a 1"}, ""},
		{"of other resources", rule{identity: "allow s3:* on arn:PART:s3:::c/* if StringEquals aws:a 1"}, ""},
		{"of other callers", rule{resourcePolicy: "allow s3:* on * to " + rootB + " if StringEquals aws:a 1"}, ""},
		{"of this caller", rule{resourcePolicy: "allow s3:* on * to " + rootA + " if Null aws:a true", boundary: "deny s3:* on * if BoolIfExists aws:b true"}, "aws:a aws:b"},
		{"variables", rule{identity: "allow s3:* on arn:PART:s3:::b/${aws:u}/*|arn:PART:sqs:::${aws:v} if StringLike aws:a ${aws:w}${aws:x,'y'} if ArnLike aws:b arn:p:s::${aws:z}:r"}, "aws:a aws:b aws:u aws:w aws:z"},
		{"control policies", rule{scp: []string{"allow * on * if StringEquals aws:s 1"}, rcp: []string{"deny * on * if StringEquals aws:r 1"}, session: "allow * on * if StringEquals aws:t 1"}, "aws:r aws:s aws:t"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := c.rule
			r.caller, r.action, r.resource = ann, "s3:GetObject", object
			if got := strings.Join(Missing(r.request(t, partition.China)), " "); got != c.want {
				t.Errorf("missing %q, want %q", got, c.want)
			}
		})
	}
}

func TestDecisionTexts(t *testing.T) {
	t.Parallel()
	q, p := rule{caller: ann, action: "s3:GetObject", resource: object, identity: "allow s3:* on *", resourcePolicy: "deny s3:* on * to everybody\nallow s3:* on * to everybody"}.request(t, partition.AWS)
	p.Resource[0].statements[0].sid = "No"
	d := Evaluate(q, p)
	var texts []string
	for _, r := range d.Reasons {
		texts = append(texts, r.String())
	}
	want := []string{"Allow by identity policy identity, statement 0", "Deny by resource policy resource, statement 0 (No)", "Allow by resource policy resource, statement 1"}
	if !slices.Equal(texts, want) {
		t.Errorf("reasons %q, want %q", texts, want)
	}
	if got := d.Decisive(); len(got) != 1 || got[0].Sid != "No" || d.Allowed() {
		t.Errorf("decisive: %v", got)
	}
	if s := d.Outcome.String() + " " + Allowed.String() + " " + ImplicitDeny.String(); s != "explicitDeny allowed implicitDeny" {
		t.Error(s)
	}
	if s := Layer(99).String(); s != "Layer(99)" {
		t.Error(s)
	}
	if p.Identity[0].ID() != "identity" {
		t.Error(p.Identity[0].ID())
	}
	if s := Kind(99).String() + ", " + Key.String(); s != "policy of an unknown kind, key policy" {
		t.Error(s)
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	ok := Statement{Effect: Allow, Action: []string{"*"}, Resource: []string{"*"}}
	bad := ok
	bad.Effect = "Permit"
	op := ok
	op.Condition = Conditions{}.With("StringIs", "a:b", "c")
	for want, d := range map[string]Document{
		`policy p: Version: "2010" is not one of`:                         {Version: "2010", Statements: []Statement{ok}},
		`policy p: Statement[1].Effect: "Permit" is not one of`:           {Statements: []Statement{ok, bad}},
		`policy p: Statement[0].Condition: "StringIs" is not a condition`: {Statements: []Statement{op}},
	} {
		if _, err := Compile("p", d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Compile = %v, want %q", err, want)
		}
	}
}
