package policy

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
)

//go:embed testdata/corpus/cases.jsonl
var corpusCases []byte

//go:embed testdata/corpus/disagreements.json
var corpusDisagreements []byte

// corpusCase is a request with policies, and what another implementation decides. See testdata/corpus/README.md.
type corpusCase struct {
	ID, Caller, Action, Resource string
	Owner                        partition.Account
	Context                      map[string]any // a string or a list of strings
	Identity, Boundary           []json.RawMessage
	Session, ResourcePolicy      json.RawMessage
	SCP, RCP                     [][]json.RawMessage
	Peer                         string
}

func (c corpusCase) request() (Request, error) {
	caller, err := ParseCaller(c.Caller)
	q := Request{Caller: caller, Action: c.Action, Resource: c.Resource, Owner: c.Owner, Context: Context{}}
	for k, v := range c.Context {
		switch v := v.(type) {
		case string:
			q.Context[k] = One(v)
		case []any:
			values := make([]string, len(v))
			for i := range v {
				values[i] = fmt.Sprint(v[i])
			}
			q.Context[k] = Many(values...)
		}
	}
	return q, err
}

func (c corpusCase) policies() (Policies, error) {
	var failed error
	compile := func(id string, text json.RawMessage) *Policy {
		d, err := Parse(text)
		if err == nil {
			var p *Policy
			if p, err = Compile(id, d); err == nil {
				return p
			}
		}
		failed = fmt.Errorf("%s: %w", id, err)
		return nil
	}
	all := func(id string, texts []json.RawMessage) []*Policy {
		var out []*Policy
		for i, text := range texts {
			out = append(out, compile(fmt.Sprint(id, i), text))
		}
		return out
	}
	one := func(id string, text json.RawMessage) []*Policy {
		if text == nil {
			return nil
		}
		return []*Policy{compile(id, text)}
	}
	levels := func(id string, texts [][]json.RawMessage) [][]*Policy {
		var out [][]*Policy
		for i := range texts {
			out = append(out, all(fmt.Sprint(id, i, "-"), texts[i]))
		}
		return out
	}
	return Policies{
		Identity: all("identity", c.Identity), Boundary: all("boundary", c.Boundary), Session: one("session", c.Session),
		ServiceControl: levels("scp", c.SCP), ResourceControl: levels("rcp", c.RCP), Resource: one("resource", c.ResourcePolicy),
	}, failed
}

func corpus(t testing.TB) []corpusCase {
	t.Helper()
	var cases []corpusCase
	lines := bufio.NewScanner(bytes.NewReader(corpusCases))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		dec := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		dec.DisallowUnknownFields()
		var c corpusCase
		if err := dec.Decode(&c); err != nil {
			t.Fatalf("case %d: %v", len(cases), err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return cases
}

// disagreement has the cases in which the peer contradicts AWS's documentation.
type disagreement struct {
	Reason, Source string
	Cases          map[string]string // id to our decision
}

// The decisions are those of the other implementation, but where it contradicts AWS's documentation.
func TestCorpus(t *testing.T) {
	t.Parallel()
	var disagreements []disagreement
	if err := json.Unmarshal(corpusDisagreements, &disagreements); err != nil {
		t.Fatal(err)
	}
	ours := map[string]string{}
	for _, d := range disagreements {
		if d.Reason == "" || d.Source == "" {
			t.Errorf("a disagreement without reason or source: %+v", d)
		}
		for id, decision := range d.Cases {
			if _, ok := ours[id]; ok {
				t.Errorf("case %s is listed twice", id)
			}
			ours[id] = decision
		}
	}
	cases := corpus(t)
	rules := map[string]int{}
	failures := 0
	for _, c := range cases {
		rule, _, _ := strings.Cut(c.ID, "-")
		rules[rule]++
		want := c.Peer
		if decision, ok := ours[c.ID]; ok {
			if decision == c.Peer {
				t.Errorf("%s is listed as a disagreement, but the peer says the same", c.ID)
			}
			want = decision
			delete(ours, c.ID)
		}
		q, err := c.request()
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		p, err := c.policies()
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		d := Evaluate(q, p)
		checkConsistency(t, q, p, d)
		if got := d.Outcome.String(); got != want {
			if failures++; failures <= 40 {
				text, _ := json.Marshal(c)
				t.Errorf("%s: %s, want %s\n%s\nreasons %v", c.ID, got, want, text, d.Reasons)
			}
		}
	}
	for id := range ours {
		t.Errorf("disagreement on %s, which is no case", id)
	}
	if failures > 0 {
		t.Errorf("%d of %d cases differ", failures, len(cases))
	}
	if len(cases) < 1500 || len(rules) < 12 {
		t.Errorf("%d cases of %d rules: %v", len(cases), len(rules), rules)
	}
}

func BenchmarkCorpus(b *testing.B) {
	type ready struct {
		q Request
		p Policies
	}
	var cases []ready
	for _, c := range corpus(b) {
		q, err := c.request()
		if err != nil {
			b.Fatal(err)
		}
		p, err := c.policies()
		if err != nil {
			b.Fatal(err)
		}
		cases = append(cases, ready{q, p})
	}
	i := 0
	for b.Loop() {
		c := &cases[i%len(cases)]
		Evaluate(c.q, c.p)
		i++
	}
}
