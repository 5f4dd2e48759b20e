package policy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/logarchive/logarchive/partition"
)

// seeded returns a source of random numbers, and says how to get the same again.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	const seed = 20261121
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// The matcher agrees with a regular expression made from the pattern.
func TestMatchesAgreesWithRegexp(t *testing.T) {
	t.Parallel()
	r := seeded(t)
	word := func(alphabet string, n int) string {
		var b strings.Builder
		runes := []rune(alphabet)
		for range r.IntN(n) {
			b.WriteRune(runes[r.IntN(len(runes))])
		}
		return b.String()
	}
	hits := 0
	for range 5_000 {
		pattern, s := word("ab世**?", 9), word("ab世", 9)
		expr := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		want := regexp.MustCompile("^(?s:" + expr + ")$").MatchString(s)
		if got := matches(encodeWildcards(pattern, true), s); got != want {
			t.Fatalf("matches(%q, %q) = %v, want %v", pattern, s, got, want)
		}
		if want {
			hits++
		}
	}
	if hits < 500 {
		t.Errorf("only %d patterns matched: the test says little", hits)
	}
}

// A pattern of many stars takes no exponential time.
func TestMatchesIsFast(t *testing.T) {
	t.Parallel()
	pattern := encodeWildcards(strings.Repeat("a*", 200)+"b", true)
	start := time.Now()
	if matches(pattern, strings.Repeat("a", 20_000)) {
		t.Error("matched")
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
}

// world makes random requests and policies over a small vocabulary, so that they often meet.
type world struct{ r *rand.Rand }

func pick[T any](w world, values ...T) T { return values[w.r.IntN(len(values))] }

func (w world) some(values ...string) []string {
	out := []string{pick(w, values...)}
	for w.r.IntN(3) == 0 {
		out = append(out, pick(w, values...))
	}
	return out
}

var callers = []string{"", rootA, ann, "arn:PART:iam::AAAA:user/bob", reader, reading, feds, "s3.SUFFIX", "firehose.SUFFIX", "arn:PART:iam::BBBB:role/archive", "arn:PART:iam::AAAA:saml-provider/idp"}

func (w world) request(p partition.Partition) Request {
	c, err := ParseCaller(inPartition(p, pick(w, callers...)))
	if err != nil {
		panic(err)
	}
	q := Request{
		Caller: c, Action: pick(w, "s3:GetObject", "s3:PutObject", "kms:Decrypt", "sts:AssumeRole", "s3:ListAllMyBuckets"),
		Resource: inPartition(p, pick(w, object, "arn:PART:s3:::b/home/ann/x", key, roleB, "arn:PART:iam::AAAA:role/x", "*")),
		Owner:    partition.Account(inPartition(p, pick(w, "", "AAAA", "BBBB"))), Context: Context{},
	}
	for _, k := range []string{"aws:a", "aws:b", "aws:username", "aws:SourceArn"} {
		switch w.r.IntN(4) {
		case 0:
			q.Context[k] = One(pick(w, "ann", "bob", "1", "true", inPartition(p, ann)))
		case 1:
			q.Context[k] = Many(w.some("ann", "bob", "1", "")...)
		}
	}
	return q
}

func (w world) statement(p partition.Partition, ofResource bool) Statement {
	s := Statement{Effect: pick(w, Allow, Allow, Allow, Deny)}
	actions := w.some("*", "s3:*", "s3:Get*", "kms:Decrypt", "sts:AssumeRole", "S3:PutObject")
	if w.r.IntN(5) == 0 {
		s.NotAction = actions
	} else {
		s.Action = actions
	}
	resources := w.some("*", "arn:PART:s3:::b/*", "arn:PART:s3:::b/home/${aws:username}/*", "arn:PART:kms:*:*:key/*", "arn:PART:iam::BBBB:role/*", "arn:PART:s3")
	for i := range resources {
		resources[i] = inPartition(p, resources[i])
	}
	if w.r.IntN(5) == 0 {
		s.NotResource = resources
	} else {
		s.Resource = resources
	}
	if ofResource {
		names := w.some(append([]string{"everybody", rootB, "BBBB"}, callers[1:]...)...)
		for i := range names {
			names[i] = inPartition(p, names[i])
		}
		who := shorthandPrincipals(names)
		if w.r.IntN(6) == 0 {
			s.NotPrincipal = who
		} else {
			s.Principal = who
		}
	}
	for w.r.IntN(3) == 0 {
		op := pick(w, "", "", "ForAllValues:", "ForAnyValue:") + pick(w, "StringEquals", "StringNotEquals", "StringLike", "NumericLessThan", "Bool", "ArnLike", "ArnNotLike") + pick(w, "", "IfExists")
		if w.r.IntN(8) == 0 {
			op = "Null"
		}
		s.Condition = s.Condition.With(op, pick(w, "aws:a", "AWS:B", "aws:username", "aws:SourceArn"), w.some("ann", "b*", "1", "true", "${aws:username}", inPartition(p, "arn:PART:iam::*:user/*"))...)
	}
	return s
}

func (w world) document(p partition.Partition, ofResource bool) Document {
	d := Document{Version: pick(w, Version2012, Version2012, Version2012, Version2008)}
	for range w.r.IntN(4) {
		d.Statements = append(d.Statements, w.statement(p, ofResource))
	}
	return d
}

// documents are Policies before they are compiled.
type documents struct {
	identity, boundary, session, resource []Document
	scp, rcp                              [][]Document
}

func (w world) documents(p partition.Partition) documents {
	maybe := func(odds int, ofResource bool) []Document {
		if w.r.IntN(odds) > 0 {
			return nil
		}
		return []Document{w.document(p, ofResource)}
	}
	d := documents{identity: append(maybe(1, false), maybe(2, false)...), boundary: maybe(4, false), session: maybe(4, false), resource: maybe(2, true)}
	for w.r.IntN(4) == 0 {
		d.scp = append(d.scp, maybe(1, false))
	}
	for w.r.IntN(4) == 0 {
		d.rcp = append(d.rcp, maybe(1, true))
	}
	return d
}

func (d documents) compile(t testing.TB) Policies {
	t.Helper()
	n := 0
	all := func(docs []Document) []*Policy {
		var out []*Policy
		for _, doc := range docs {
			p, err := Compile(fmt.Sprint("p", n), doc)
			if err != nil {
				t.Fatal(err)
			}
			n++
			out = append(out, p)
		}
		return out
	}
	levels := func(docs [][]Document) (out [][]*Policy) {
		for _, level := range docs {
			out = append(out, all(level))
		}
		return out
	}
	return Policies{Identity: all(d.identity), Boundary: all(d.boundary), Session: all(d.session), Resource: all(d.resource), ServiceControl: levels(d.scp), ResourceControl: levels(d.rcp)}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	w := world{seeded(t)}
	outcomes := map[Outcome]int{}
	for range 2_000 {
		p := pick(w, partition.Partitions()...)
		q, docs := w.request(p), w.documents(p)
		policies := docs.compile(t)
		d := Evaluate(q, policies)
		outcomes[d.Outcome]++
		if again := Evaluate(q, policies); !reflect.DeepEqual(d, again) {
			t.Fatalf("two decisions differ: %+v, %+v", d, again)
		}
		checkConsistency(t, q, policies, d)

		// One more Deny never allows more; one more Allow never makes an explicit deny.
		deny, allow := docs, docs
		st := w.statement(p, false)
		st.Effect = Deny
		deny.identity = append(slices.Clone(docs.identity), Document{Statements: []Statement{st}})
		if got := Evaluate(q, deny.compile(t)); got.Allowed() && !d.Allowed() {
			t.Fatalf("a Deny allowed: %+v", got)
		}
		st.Effect = Allow
		allow.identity = append(slices.Clone(docs.identity), Document{Statements: []Statement{st}})
		if got := Evaluate(q, allow.compile(t)); (got.Outcome == ExplicitDeny) != (d.Outcome == ExplicitDeny) || (d.Allowed() && !got.Allowed()) {
			t.Fatalf("an Allow made %s of %s", got.Outcome, d.Outcome)
		}
		// A boundary, a session policy and a control policy take away only.
		for _, limit := range []func(*documents, []Document){
			func(d *documents, l []Document) { d.boundary = l },
			func(d *documents, l []Document) { d.session = l },
			func(d *documents, l []Document) { d.scp = append(slices.Clone(d.scp), l) },
			func(d *documents, l []Document) { d.rcp = append(slices.Clone(d.rcp), l) },
		} {
			limited, without := docs, docs
			without.boundary, without.session = nil, nil
			limited.boundary, limited.session = nil, nil
			limit(&limited, []Document{w.document(p, false)})
			if Evaluate(q, limited.compile(t)).Allowed() && !Evaluate(q, without.compile(t)).Allowed() {
				t.Fatal("a limit allowed")
			}
		}
		// The order of statements doesn't matter.
		shuffled := docs
		shuffled.resource = slices.Clone(docs.resource)
		for i := range shuffled.resource {
			s := slices.Clone(shuffled.resource[i].Statements)
			slices.Reverse(s)
			shuffled.resource[i].Statements = s
		}
		if got := Evaluate(q, shuffled.compile(t)).Outcome; got != d.Outcome {
			t.Fatalf("another order: %s, was %s", got, d.Outcome)
		}
	}
	for _, o := range []Outcome{Allowed, ExplicitDeny, ImplicitDeny} {
		if outcomes[o] < 100 {
			t.Errorf("only %d times %s: the test says little", outcomes[o], o)
		}
	}
}

// checkConsistency checks a decision against itself, Explain and Missing.
func checkConsistency(t *testing.T, q Request, p Policies, d Decision) {
	t.Helper()
	var matched []Reason
	for _, v := range Explain(q, p) {
		if v.Matched {
			matched = append(matched, v.Reason)
		}
	}
	if !slices.Equal(matched, d.Reasons) {
		t.Fatalf("Explain matches %v, Evaluate %v", matched, d.Reasons)
	}
	if (d.Outcome == ImplicitDeny) != (len(d.Lacking) > 0) {
		t.Fatalf("%s lacks %v", d.Outcome, d.Lacking)
	}
	denies := slices.ContainsFunc(d.Reasons, func(r Reason) bool { return r.Effect == Deny })
	if denies != (d.Outcome == ExplicitDeny) {
		t.Fatalf("%s by %v", d.Outcome, d.Reasons)
	}
	for _, key := range Missing(q, p) {
		if _, ok := q.Context.lookup(key); ok {
			t.Fatalf("%s isn't missing", key)
		}
	}
}

// Documents survive being written and read.
func TestDocumentsRoundTrip(t *testing.T) {
	t.Parallel()
	w := world{seeded(t)}
	for range 500 {
		d := w.document(partition.China, w.r.IntN(2) == 0)
		text := d.JSON()
		back, err := Parse([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if back.JSON() != text || !json.Valid([]byte(text)) {
			t.Fatalf("written again: %s\nwas: %s", back.JSON(), text)
		}
	}
}

// FuzzEvaluate: whatever a policy says, no panic, the same decision twice, and a Deny more never allows more.
func FuzzEvaluate(f *testing.F) {
	w := world{rand.New(rand.NewPCG(1, 2))}
	for range 200 {
		p := pick(w, partition.Partitions()...)
		q := w.request(p)
		f.Add(w.document(p, true).JSON(), w.document(p, false).JSON(), q.Caller.String(), q.Action, q.Resource, "aws:username", "ann", w.r.IntN(2) == 0)
	}
	denyAll, err := Compile("deny", Document{Statements: []Statement{{Effect: Deny, Principal: AnyPrincipal(), Action: []string{"s3:*"}, Resource: []string{"*"}}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, resourcePolicy, identityPolicy, caller, action, resource, k, v string, list bool) {
		var policies Policies
		for text, set := range map[string]func(*Policy){
			resourcePolicy: func(p *Policy) { policies.Resource = []*Policy{p} },
			identityPolicy: func(p *Policy) { policies.Identity, policies.Boundary = []*Policy{p}, []*Policy{p} },
		} {
			doc, spans, err := ParseSpans([]byte(text))
			if err != nil {
				continue
			}
			if len(spans) != len(doc.Statements) {
				t.Fatalf("%d spans for %d statements", len(spans), len(doc.Statements))
			}
			for kind := range kindTable {
				doc.Validate(kind)
			}
			compiled, err := Compile("fuzz", doc)
			if err != nil {
				continue
			}
			back, err := Parse([]byte(doc.JSON()))
			if err != nil || back.JSON() != doc.JSON() {
				t.Fatalf("%s: written and read: %v", text, err)
			}
			set(compiled)
		}
		c, err := ParseCaller(caller)
		if err != nil {
			return
		}
		q := Request{Caller: c, Action: action, Resource: resource, Context: Context{k: One(v)}}
		if list {
			q.Context[k] = Many(v, "x")
		}
		q = q.Derived()
		d := Evaluate(q, policies)
		if again := Evaluate(q, policies); !reflect.DeepEqual(d, again) {
			t.Fatalf("two decisions differ: %+v, %+v", d, again)
		}
		if action != "sts:getcalleridentity" && !strings.EqualFold(action, "sts:getcalleridentity") {
			checkConsistency(t, q, policies, d)
		}
		policies.Resource = append(slices.Clone(policies.Resource), denyAll)
		if Evaluate(q, policies).Allowed() && !d.Allowed() {
			t.Fatal("a Deny allowed")
		}
	})
}
