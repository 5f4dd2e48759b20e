package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/partition"
)

var home = partition.Place{Account: "111122223333", Region: "cn-north-1"}

func delivery(t *testing.T) partition.Principal {
	t.Helper()
	p, err := home.ServicePrincipal(partition.LogDelivery)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func bucketDocument(t *testing.T) Document {
	return Document{ID: "archive", Statements: []Statement{
		{
			Sid: "Deliver", Effect: Allow, Principal: Services(delivery(t)), Action: []string{"s3:PutObject"},
			Resource:  []string{partition.ObjectARN(partition.China, "archive", "a&b/*").String()},
			Condition: Conditions{}.With("StringEquals", "aws:SourceAccount", "111122223333").With("ArnLike", "aws:SourceArn", home.ARN(partition.Logs, "*").String()),
		},
		{
			Sid: "TLSOnly", Effect: Deny, Principal: AnyPrincipal(), Action: []string{"s3:*"},
			Resource:  []string{partition.BucketARN(partition.China, "archive").String(), partition.ObjectARN(partition.China, "archive", "*").String()},
			Condition: Conditions{}.With("Bool", "aws:SecureTransport", "false"),
		},
	}}
}

func TestJSONIsMinifiedAndDeterministic(t *testing.T) {
	t.Parallel()
	doc := bucketDocument(t)
	want := `{"Version":"2012-10-17","Id":"archive","Statement":[` +
		`{"Sid":"Deliver","Effect":"Allow","Principal":{"Service":"` + string(delivery(t)) + `"},"Action":"s3:PutObject",` +
		`"Resource":"` + partition.ObjectARN(partition.China, "archive", "a&b/*").String() + `",` +
		`"Condition":{"ArnLike":{"aws:SourceArn":"` + home.ARN(partition.Logs, "*").String() + `"},"StringEquals":{"aws:SourceAccount":"111122223333"}}},` +
		`{"Sid":"TLSOnly","Effect":"Deny","Principal":"*","Action":"s3:*",` +
		`"Resource":["` + partition.BucketARN(partition.China, "archive").String() + `","` + partition.ObjectARN(partition.China, "archive", "*").String() + `"],` +
		`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
	for range 20 {
		if got := doc.JSON(); got != want {
			t.Fatalf("JSON:\n%s\nwant:\n%s", got, want)
		}
	}
	if problems := doc.Validate(Bucket); len(problems) > 0 {
		t.Errorf("Validate(Bucket): %v", problems)
	}
	back, err := Parse([]byte(want))
	if err != nil {
		t.Fatal(err)
	}
	if back.JSON() != want {
		t.Errorf("parsed and written again:\n%s\nwant:\n%s", back.JSON(), want)
	}
}

func TestWithLeavesTheReceiverAlone(t *testing.T) {
	t.Parallel()
	a := Conditions{}.With("StringEquals", "aws:SourceAccount", "1")
	b := a.With("StringEquals", "aws:SourceArn", "x")
	if len(a["StringEquals"]) != 1 || len(b["StringEquals"]) != 2 {
		t.Errorf("a = %v, b = %v", a, b)
	}
}

func TestParseForms(t *testing.T) {
	t.Parallel()
	got, spans, err := ParseSpans([]byte("{\n \"Statement\": {\"Effect\": \"Deny\", \"NotPrincipal\": {\"AWS\": [\"a\", \"b\"], \"Federated\": \"f\", \"CanonicalUser\": \"c\"},\n" +
		"  \"NotAction\": [\"a:B\"], \"NotResource\": \"*\", \"Condition\": {\"Bool\": {\"x:y\": true}, \"NumericEquals\": {\"x:z\": [1, 2.50]}}}}"))
	if err != nil {
		t.Fatal(err)
	}
	want := Document{Version: Version2008, Statements: []Statement{{
		Effect: Deny, NotPrincipal: &Principals{AWS: []string{"a", "b"}, Federated: []string{"f"}, CanonicalUser: []string{"c"}},
		NotAction: []string{"a:B"}, NotResource: []string{"*"},
		Condition: Conditions{"Bool": {"x:y": {"true"}}, "NumericEquals": {"x:z": {"1", "2.50"}}},
	}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if want := (Span{Position{2, 16}, Position{3, 119}}); len(spans) != 1 || spans[0] != want {
		t.Errorf("spans = %v, want %v", spans, want)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{``, "line 1: not JSON: unexpected end"},
		{`{`, "not JSON"},
		{`[]`, "is not an object"},
		{`{}`, "Statement: is missing"},
		{`{"Statement":[]} x`, "text after the document"},
		{`{"Statement":[]} {}`, "text after the document"},
		{"{\n\"Statment\":[]}", "line 2: Statment: is not an element of a policy"},
		{`{"Version":1,"Statement":[]}`, "Version: is not a string"},
		{`{"Statement":"x"}`, "Statement: is neither an object nor a list"},
		{`{"Statement":[1]}`, "Statement[0]: is not an object"},
		{`{"Statement":[{"Effect":"Allow","Effect":"Deny"}]}`, `"Effect" is given twice`},
		{`{"Statement":[{"Actions":"*"}]}`, "Statement[0].Actions: is not an element of a statement"},
		{`{"Statement":[{"Action":null}]}`, "Statement[0].Action: is null"},
		{`{"Statement":[{"Action":[1]}]}`, "Statement[0].Action: is neither a string nor a list"},
		{`{"Statement":[{"Action":{}}]}`, "Statement[0].Action: is neither a string nor a list"},
		{`{"Statement":[{"Principal":"me"}]}`, `Statement[0].Principal: is neither "*" nor an object`},
		{`{"Statement":[{"Principal":{"Aws":"*"}}]}`, "Statement[0].Principal.Aws: is not a kind of principal"},
		{`{"Statement":[{"Condition":{"Bool":"x"}}]}`, "Statement[0].Condition.Bool: is not an object"},
		{`{"Statement":[{"Condition":{"Bool":{"k":{}}}}]}`, "Statement[0].Condition.Bool.k: is neither a string"},
		{`{"Statement":[{"Condition":[]}]}`, "Statement[0].Condition: is not an object"},
	} {
		_, err := Parse([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%s) = %v, want an error with %q", c.text, err, c.want)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	arnChina := partition.BucketARN(partition.China, "b").String()
	arnAWS := partition.BucketARN(partition.AWS, "b").String()
	valid := func() Statement {
		return Statement{Sid: "S", Effect: Allow, Principal: AWSPrincipals(home.RootARN().String()), Action: []string{"s3:GetObject"}, Resource: []string{arnChina}}
	}
	for _, c := range []struct {
		name string
		kind Kind
		edit func(*Document, *Statement)
		want []string // a part of each problem; none means valid
	}{
		{"valid", Bucket, func(*Document, *Statement) {}, nil},
		{"version", Bucket, func(d *Document, _ *Statement) { d.Version = "2012-10-18" }, []string{`Version: "2012-10-18" is not one of`}},
		{"effect", Bucket, func(_ *Document, s *Statement) { s.Effect = "allow" }, []string{"Statement[0].Effect"}},
		{"no principal", Bucket, func(_ *Document, s *Statement) { s.Principal = nil }, []string{"neither Principal nor NotPrincipal"}},
		{"principal in identity", Identity, func(*Document, *Statement) {}, []string{"a managed policy has no Principal"}},
		{"resource in trust", Trust, func(_ *Document, s *Statement) { s.Action = []string{"sts:AssumeRole"} }, []string{"a role trust policy has no Resource"}},
		{"action of another service", Key, func(*Document, *Statement) {}, []string{"want kms:…"}},
		{"both", Bucket, func(_ *Document, s *Statement) { s.NotAction = []string{"s3:*"} }, []string{"has both Action and NotAction"}},
		{"no action", Bucket, func(_ *Document, s *Statement) { s.Action = nil }, []string{"neither Action nor NotAction"}},
		{"empty lists", Bucket, func(_ *Document, s *Statement) { s.Action, s.Resource = []string{}, []string{} }, []string{"names no action", "names no resource"}},
		{"bad action", Bucket, func(_ *Document, s *Statement) { s.Action = []string{"GetObject", "s*:x"} }, []string{`"GetObject" is not an action`, "wildcard in the service"}},
		{"bad resource", Bucket, func(_ *Document, s *Statement) { s.Resource = []string{"b/*"} }, []string{"is not an ARN"}},
		{"other partition", Bucket, func(_ *Document, s *Statement) { s.Resource = []string{arnAWS} }, []string{"no policy reaches across partitions"}},
		{"partition of a condition", Bucket, func(_ *Document, s *Statement) {
			s.Condition = Conditions{}.With("ArnLike", "aws:SourceArn", partition.Place{Account: home.Account, Region: "us-east-1"}.ARN(partition.Logs, "*").String())
		}, []string{"no policy reaches across partitions"}},
		{"unknown partition", Bucket, func(_ *Document, s *Statement) { s.Resource = []string{"arn:awz:s3:::b"} }, []string{"not one of aws, aws-cn"}},
		{"sid", Identity, func(_ *Document, s *Statement) { s.Principal, s.Sid = nil, "a-b" }, []string{"other characters"}},
		{"sid of a bucket policy", Bucket, func(_ *Document, s *Statement) { s.Sid = "a-b c" }, nil},
		{"wildcard principal", Bucket, func(_ *Document, s *Statement) { s.Principal = AWSPrincipals(home.RoleARN("x*").String()) }, []string{"aws:PrincipalArn"}},
		{"not a service", Bucket, func(_ *Document, s *Statement) { s.Principal = Services("logs.example.com") }, []string{"is not a service principal"}},
		{"NotPrincipal with Allow", Bucket, func(_ *Document, s *Statement) { s.Principal, s.NotPrincipal = nil, s.Principal }, []string{"lets everybody else in"}},
		{"nobody", Bucket, func(_ *Document, s *Statement) { s.Principal = &Principals{} }, []string{"names nobody"}},
		{"any and named", Bucket, func(_ *Document, s *Statement) { s.Principal = &Principals{Any: true, AWS: []string{"*"}} }, []string{"excludes named principals"}},
		{"operator", Bucket, func(_ *Document, s *Statement) {
			s.Condition = Conditions{}.With("StringEqual", "aws:x", "1").With("NullIfExists", "aws:x", "true")
		}, []string{`"NullIfExists" is not a condition operator`, `"StringEqual" is not a condition operator`}},
		{"condition key", Bucket, func(_ *Document, s *Statement) { s.Condition = Conditions{}.With("StringEquals", "SourceArn") }, []string{"is not a condition key", "has no value"}},
		{"rcp principal", ResourceControl, func(*Document, *Statement) {}, []string{`names "*" only`}},
		{"too large", Queue, func(_ *Document, s *Statement) {
			s.Action = []string{"sqs:SendMessage"}
			for range 8192 / len(arnChina) {
				s.Resource = append(s.Resource, arnChina)
			}
		}, []string{"the limit is 8192"}},
		{"too many actions", Queue, func(_ *Document, s *Statement) {
			s.Action = strings.Split(strings.Repeat("sqs:SendMessage ", 8), " ")[:8]
		}, []string{"queue policy actions per statement"}},
		{"same sid", Bucket, func(d *Document, s *Statement) { d.Statements = append(d.Statements, *s) }, []string{"already the Sid of Statement[0]"}},
		{"no statement", Bucket, func(d *Document, _ *Statement) { d.Statements = nil }, []string{"at least one statement"}},
		{"unknown kind", Kind(99), func(*Document, *Statement) {}, []string{"not a kind of policy"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			doc := Document{Statements: []Statement{valid()}}
			c.edit(&doc, &doc.Statements[0])
			problems := doc.Validate(c.kind)
			if len(problems) != len(c.want) {
				t.Fatalf("problems: %v, want %d", problems, len(c.want))
			}
			for i, p := range problems {
				if !strings.Contains(p.String(), c.want[i]) {
					t.Errorf("problem %d: %s, want %q in it", i, p, c.want[i])
				}
			}
		})
	}
}
