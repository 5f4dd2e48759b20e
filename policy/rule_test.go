package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
)

// The tests write policies in a shorthand, one statement to a line:
//
//	allow|deny [not] ACTION|… [on [not] RESOURCE|…] [to [not] PRINCIPAL|…] [if OPERATOR KEY VALUE|…]…
//
// In all texts PART stands for the partition, SUFFIX for the end of service principals, A and B for two accounts: every
// rule is tried in both partitions.
const (
	accountA = "111122223333"
	accountB = "444455556666"
)

func inPartition(p partition.Partition, s string) string {
	return strings.NewReplacer("PART", string(p), "SUFFIX", partition.AWS.DNSSuffix(), "AAAA", accountA, "BBBB", accountB).Replace(s)
}

func shorthand(t testing.TB, p partition.Partition, id, text string) *Policy {
	t.Helper()
	doc := Document{Version: Version2012}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line = strings.TrimSpace(inPartition(p, line)); line != "" {
			doc.Statements = append(doc.Statements, shorthandStatement(t, line))
		}
	}
	compiled, err := Compile(id, doc)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func shorthandStatement(t testing.TB, line string) Statement {
	t.Helper()
	words := strings.Fields(line)
	next := func() string {
		if len(words) == 0 {
			t.Fatalf("statement %q ends too early", line)
		}
		w := words[0]
		words = words[1:]
		return w
	}
	list := func() (values []string, not bool) {
		w := next()
		if w == "not" {
			not, w = true, next()
		}
		return strings.Split(w, "|"), not
	}
	s := Statement{Effect: map[string]Effect{"allow": Allow, "deny": Deny}[next()]}
	if v, not := list(); not {
		s.NotAction = v
	} else {
		s.Action = v
	}
	for len(words) > 0 {
		switch w := next(); w {
		case "on":
			if v, not := list(); not {
				s.NotResource = v
			} else {
				s.Resource = v
			}
		case "to":
			if v, not := list(); not {
				s.NotPrincipal = shorthandPrincipals(v)
			} else {
				s.Principal = shorthandPrincipals(v)
			}
		case "if":
			op, key := next(), next()
			v, _ := list()
			s.Condition = s.Condition.With(op, key, v...)
		default:
			t.Fatalf("statement %q: %q", line, w)
		}
	}
	return s
}

func shorthandPrincipals(names []string) *Principals {
	p := &Principals{}
	for _, n := range names {
		switch {
		case n == "everybody":
			p.Any = true
		case partition.IsServicePrincipal(n):
			p.Service = append(p.Service, partition.Principal(n))
		case strings.Contains(n, "-provider/"):
			p.Federated = append(p.Federated, n)
		default:
			p.AWS = append(p.AWS, n)
		}
	}
	return p
}

// rule is one case of Evaluate in shorthand.
type rule struct {
	name                     string
	caller, action, resource string
	owner                    string
	context                  map[string]string
	identity, boundary       string
	session, resourcePolicy  string
	scp, rcp                 []string // a policy for each level
	want                     Outcome
	lacking                  []Layer
	matched                  int // how many reasons, -1 for any
}

const none = "none" // a policy that is there and has no statement

func (r rule) request(t testing.TB, p partition.Partition) (Request, Policies) {
	t.Helper()
	c, err := ParseCaller(inPartition(p, r.caller))
	if err != nil {
		t.Fatal(err)
	}
	q := Request{Caller: c, Action: r.action, Resource: inPartition(p, r.resource), Owner: partition.Account(inPartition(p, r.owner)), Context: Context{}}
	for k, v := range r.context {
		q.Context[k] = One(inPartition(p, v))
	}
	one := func(id, text string) []*Policy {
		switch text {
		case "":
			return nil
		case none:
			return []*Policy{shorthand(t, p, id, "")}
		}
		return []*Policy{shorthand(t, p, id, text)}
	}
	levels := func(id string, texts []string) (out [][]*Policy) {
		for i, text := range texts {
			out = append(out, one(fmt.Sprint(id, i), text))
		}
		return out
	}
	return q, Policies{
		Identity: one("identity", r.identity), Boundary: one("boundary", r.boundary), Session: one("session", r.session),
		Resource: one("resource", r.resourcePolicy), ServiceControl: levels("scp", r.scp), ResourceControl: levels("rcp", r.rcp),
	}
}

func tryRules(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		for _, p := range partition.Partitions() {
			t.Run(r.name+"/"+string(p), func(t *testing.T) {
				t.Parallel()
				q, policies := r.request(t, p)
				d := Evaluate(q, policies)
				if d.Outcome != r.want {
					t.Fatalf("%s, want %s; reasons %v, lacking %v", d.Outcome, r.want, d.Reasons, d.Lacking)
				}
				if d.Outcome == ImplicitDeny && !slices.Equal(d.Lacking, r.lacking) {
					t.Errorf("lacking %v, want %v", d.Lacking, r.lacking)
				}
				if d.Outcome != ImplicitDeny && d.Lacking != nil {
					t.Errorf("%s, yet lacking %v", d.Outcome, d.Lacking)
				}
				if r.matched > 0 && len(d.Reasons) != r.matched {
					t.Errorf("%d reasons, want %d: %v", len(d.Reasons), r.matched, d.Reasons)
				}
			})
		}
	}
}

const (
	ann     = "arn:PART:iam::AAAA:user/staff/ann"
	reader  = "arn:PART:iam::AAAA:role/service/reader"
	reading = "arn:PART:sts::AAAA:assumed-role/reader/s1"
	rootA   = "arn:PART:iam::AAAA:root"
	rootB   = "arn:PART:iam::BBBB:root"
	feds    = "arn:PART:sts::AAAA:federated-user/ann"
	object  = "arn:PART:s3:::b/k"
	key     = "arn:PART:kms:REGION:AAAA:key/1"
	roleB   = "arn:PART:iam::BBBB:role/archive"
)

var (
	both         = []Layer{IdentityLayer, ResourceLayer}
	onlyResource = []Layer{ResourceLayer}
)

func TestIdentityPolicies(t *testing.T) {
	t.Parallel()
	tryRules(t, []rule{
		{name: "nothing", caller: ann, action: "s3:GetObject", resource: object, want: ImplicitDeny, lacking: both},
		{name: "allow", caller: ann, action: "s3:GetObject", resource: object, identity: "allow s3:GetObject on " + object, want: Allowed, matched: 1},
		{name: "deny wins", caller: ann, action: "s3:GetObject", resource: object, identity: "allow * on *\ndeny s3:* on *\ndeny *:GetObject on *", want: ExplicitDeny, matched: 3},
		{name: "action in another case", caller: ann, action: "S3:getobject", resource: object, identity: "allow s3:GETObject on *", want: Allowed},
		{name: "action with wildcards", caller: ann, action: "s3:GetObject", resource: object, identity: "allow s3:G?tOb* on *", want: Allowed},
		{name: "action that only begins alike", caller: ann, action: "s3:GetObjectAcl", resource: object, identity: "allow s3:GetObject on *", want: ImplicitDeny, lacking: both},
		{name: "NotAction", caller: ann, action: "s3:GetObject", resource: object, identity: "allow not iam:*|sts:* on *", want: Allowed},
		{name: "NotAction names it", caller: ann, action: "iam:GetRole", resource: "*", identity: "allow not iam:*|sts:* on *", want: ImplicitDeny, lacking: both},
		{name: "Deny with NotAction", caller: ann, action: "s3:GetObject", resource: object, identity: "allow * on *\ndeny not iam:* on *", want: ExplicitDeny},
		{name: "NotResource", caller: ann, action: "s3:GetObject", resource: object, identity: "allow s3:* on not arn:PART:s3:::c/*", want: Allowed},
		{name: "NotResource names it", caller: ann, action: "s3:GetObject", resource: object, identity: "allow s3:* on not arn:PART:s3:::b/*", want: ImplicitDeny, lacking: both},
		{name: "Deny with NotResource", caller: ann, action: "s3:GetObject", resource: object, identity: "allow * on *\ndeny s3:* on not arn:PART:s3:::c/*", want: ExplicitDeny},
		{name: "NotResource and no resource", caller: ann, action: "s3:ListAllMyBuckets", resource: "*", identity: "allow s3:* on not arn:PART:s3:::c/*", want: Allowed},
		{name: "one resource does not cover all", caller: ann, action: "s3:ListAllMyBuckets", resource: "*", identity: "allow s3:* on arn:PART:s3:::*", want: ImplicitDeny, lacking: both},
		{name: "all resources", caller: ann, action: "s3:ListAllMyBuckets", resource: "", identity: "allow s3:* on *", want: Allowed},
		{name: "other partition", caller: ann, action: "s3:GetObject", resource: "arn:other:s3:::b/k", identity: "allow * on *", want: ImplicitDeny, lacking: onlyResource},
		{name: "root needs no policy", caller: rootA, action: "s3:GetObject", resource: object, want: Allowed},
		{name: "root by account id", caller: "AAAA", action: "s3:GetObject", resource: object, want: Allowed},
		{name: "caller identity", caller: ann, action: "sts:GetCallerIdentity", resource: "*", identity: "deny * on *", want: Allowed},
		{name: "anonymous", caller: "", action: "s3:GetObject", resource: object, identity: "allow * on *", want: ImplicitDeny, lacking: onlyResource},
	})
}

func TestResourcePatterns(t *testing.T) {
	t.Parallel()
	q := func(name, pattern, resource string, want Outcome) rule {
		r := rule{name: name, caller: ann, action: "logs:PutLogEvents", resource: resource, identity: "allow logs:* on " + pattern, want: want}
		if want == ImplicitDeny {
			r.lacking = both
		}
		return r
	}
	group := "arn:PART:logs:REGION:AAAA:log-group:/aws/x:log-stream:s"
	tryRules(t, []rule{
		q("exact", group, group, Allowed),
		q("colons in the last field", "arn:PART:logs:REGION:AAAA:log-group:*", group, Allowed),
		q("star in the middle", "arn:PART:logs:*:AAAA:log-group:*:log-stream:?", group, Allowed),
		q("star stays in its field", "arn:PART:logs:*:log-group:*", group, ImplicitDeny),
		q("star as account", "arn:PART:logs:REGION:*:*", group, Allowed),
		q("star as partition", "arn:*:logs:REGION:*:*", group, Allowed),
		q("question mark is one character", "arn:PART:logs:REGION:AAAA:log-group:/aws/?:log-stream:s", group, Allowed),
		q("question mark is no empty text", "arn:PART:logs:REGION:AAAA:log-group:/aws/x?:log-stream:s", group, ImplicitDeny),
		q("case matters", "arn:PART:logs:REGION:AAAA:log-group:/AWS/*", group, ImplicitDeny),
		q("short", "arn:PART:logs", group, Allowed),
		q("short with a wildcard", "arn:PART:logs:*", group, Allowed),
		q("short of another service", "arn:PART:s3", group, ImplicitDeny),
		q("empty account isn't any account", "arn:PART:logs:REGION::*", group, ImplicitDeny),
		q("not an ARN", "log-group:*", group, ImplicitDeny),
		q("prefix without star", "arn:PART:logs:REGION:AAAA:log-group:/aws", group, ImplicitDeny),
		{name: "short in a resource's policy", caller: ann, action: "sqs:SendMessage", resource: "arn:PART:sqs:REGION:AAAA:q",
			resourcePolicy: "allow sqs:* on arn:PART:sqs to " + ann, want: ImplicitDeny, lacking: both},
		{name: "short with a wildcard in a resource's policy", caller: ann, action: "sqs:SendMessage", resource: "arn:PART:sqs:REGION:AAAA:q",
			resourcePolicy: "allow sqs:* on arn:PART:sqs:* to " + ann, want: Allowed},
	})
}

func TestVariables(t *testing.T) {
	t.Parallel()
	home := func(name, pattern, k string, ctx map[string]string, want Outcome) rule {
		r := rule{name: name, caller: ann, action: "s3:GetObject", resource: "arn:PART:s3:::b/" + k, identity: "allow s3:* on " + pattern, context: ctx, want: want}
		if want == ImplicitDeny {
			r.lacking = both
		}
		return r
	}
	user := map[string]string{"aws:username": "ann"}
	tryRules(t, []rule{
		home("value", "arn:PART:s3:::b/${aws:username}/*", "ann/x", user, Allowed),
		home("other value", "arn:PART:s3:::b/${aws:username}/*", "bob/x", user, ImplicitDeny),
		home("key in another case", "arn:PART:s3:::b/${AWS:UserName}/*", "ann/x", user, Allowed),
		home("no value", "arn:PART:s3:::b/${aws:username}/*", "${aws:username}/x", nil, ImplicitDeny),
		home("empty value", "arn:PART:s3:::b/${aws:username}*", "x", map[string]string{"aws:username": ""}, ImplicitDeny),
		home("no value in NotResource", "not arn:PART:s3:::b/${aws:username}/*", "ann/x", nil, Allowed),
		home("default", "arn:PART:s3:::b/${aws:username,'nobody'}/*", "nobody/x", nil, Allowed),
		home("default not used", "arn:PART:s3:::b/${aws:username,'nobody'}/*", "nobody/x", user, ImplicitDeny),
		home("star in a value is text", "arn:PART:s3:::b/${aws:username}/*", "ann/x", map[string]string{"aws:username": "*"}, ImplicitDeny),
		home("star in a value matches a star", "arn:PART:s3:::b/${aws:username}/*", "*/x", map[string]string{"aws:username": "*"}, Allowed),
		home("literal star", "arn:PART:s3:::b/${*}", "x", nil, ImplicitDeny),
		home("literal star matches", "arn:PART:s3:::b/${*}", "*", nil, Allowed),
		home("literal question mark", "arn:PART:s3:::b/a${?}", "a?", nil, Allowed),
		home("literal dollar", "arn:PART:s3:::b/${$}{aws:username}", "${aws:username}", user, Allowed),
		home("without brace it's text", "arn:PART:s3:::b/${aws:username", "${aws:username", user, Allowed),
		home("not before the fifth colon", "arn:PART:${aws:username}:::b/*", "x", map[string]string{"aws:username": "s3"}, ImplicitDeny),
		home("two", "arn:PART:s3:::b/${aws:username}-${aws:userid}/*", "ann-1/x", map[string]string{"aws:username": "ann", "aws:userid": "1"}, Allowed),
	})
}

func TestVersion2008HasNoVariables(t *testing.T) {
	t.Parallel()
	doc := Document{Version: Version2008, Statements: []Statement{{Effect: Allow, Action: []string{"s3:*"},
		Resource:  []string{partition.ObjectARN(partition.AWS, "b", "${aws:username}/*").String()},
		Condition: Conditions{}.With("StringLike", "aws:x", "${aws:username}-*")}}}
	p, err := Compile("old", doc)
	if err != nil {
		t.Fatal(err)
	}
	caller, _ := ParseCaller(inPartition(partition.AWS, ann))
	try := func(resource, x string) Outcome {
		return Evaluate(Request{Caller: caller, Action: "s3:GetObject", Resource: partition.ObjectARN(partition.AWS, "b", resource).String(),
			Context: Context{"aws:username": One("ann"), "aws:x": One(x)}}, Policies{Identity: []*Policy{p}}).Outcome
	}
	if got := try("${aws:username}/k", "${aws:username}-1"); got != Allowed {
		t.Errorf("the literal text: %s", got)
	}
	if got := try("ann/k", "${aws:username}-1"); got != ImplicitDeny {
		t.Errorf("a value in the resource: %s", got)
	}
	if got := try("${aws:username}/k", "ann-1"); got != ImplicitDeny {
		t.Errorf("a value in a condition: %s", got)
	}
}
