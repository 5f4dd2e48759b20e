package verify_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

// mutant is a policy with one small change.
type mutant struct {
	policy  verify.PolicyAt
	class   string // of the change, for the count
	what    string
	changed policy.Document
}

func (m mutant) String() string {
	return fmt.Sprintf("%s of %s, %s: %s", m.class, m.policy.Carrier[strings.LastIndex(m.policy.Carrier, "$")+1:], m.policy.Kind, m.what)
}

// mutants are all changes of one policy: everything in it removed one at a time, and everything that is allowed widened one at
// a time.
func mutants(p verify.PolicyAt) []mutant {
	var out []mutant
	for i, s := range p.Document.Statements {
		name := fmt.Sprintf("statement %d (%s)", i, s.Sid)
		doc := p.Document
		doc.Statements = slices.Delete(slices.Clone(doc.Statements), i, i+1)
		out = append(out, mutant{p, "statement removed", name, doc})
		for _, c := range statementMutants(p, s) {
			doc := p.Document
			doc.Statements = slices.Clone(doc.Statements)
			doc.Statements[i] = c.changed
			out = append(out, mutant{p, c.class, name + ", " + c.what, doc})
		}
	}
	return out
}

type statementMutant struct {
	class, what string
	changed     policy.Statement
}

func statementMutants(of verify.PolicyAt, s policy.Statement) []statementMutant {
	var out []statementMutant
	add := func(class, what string, change func(*policy.Statement)) {
		c := s
		change(&c)
		out = append(out, statementMutant{class, what, c})
	}
	// What has one entry only can't lose it: without it the document isn't one, and without the statement it is a mutant already.
	removals := func(class string, values []string, set func(*policy.Statement, []string)) {
		for i, v := range values {
			if len(values) > 1 {
				add(class, v, func(c *policy.Statement) { set(c, slices.Delete(slices.Clone(values), i, i+1)) })
			}
		}
	}
	removals("action removed", s.Action, func(c *policy.Statement, v []string) { c.Action = v })
	removals("resource removed", s.Resource, func(c *policy.Statement, v []string) { c.Resource = v })
	if p := s.Principal; p != nil && !p.Any {
		removals("principal removed", p.AWS, func(c *policy.Statement, v []string) { c.Principal = &policy.Principals{AWS: v, Service: p.Service} })
		for i, v := range p.Service {
			if len(p.Service) > 1 {
				add("principal removed", string(v), func(c *policy.Statement) {
					c.Principal = &policy.Principals{AWS: p.AWS, Service: slices.Delete(slices.Clone(p.Service), i, i+1)}
				})
			}
		}
	}
	for _, op := range slices.Sorted(maps.Keys(s.Condition)) {
		for _, key := range slices.Sorted(maps.Keys(s.Condition[op])) {
			add("condition removed", op+" "+key, func(c *policy.Statement) { c.Condition = without(s.Condition, op, key) })
			removals("condition value removed", s.Condition[op][key], func(c *policy.Statement, v []string) {
				c.Condition = s.Condition.With(op, key, v...)
			})
		}
	}
	if s.Effect == policy.Deny {
		return append(out, narrowed(of, s)...)
	}
	if s.Principal != nil {
		add("widened", "principal *", func(c *policy.Statement) { c.Principal = policy.AnyPrincipal() })
	}
	for i, r := range s.Resource {
		if r != "*" {
			add("widened", "resource * for "+r, func(c *policy.Statement) { c.Resource = slices.Clone(s.Resource); c.Resource[i] = "*" })
		}
	}
	for i, a := range s.Action {
		service, _, _ := strings.Cut(a, ":")
		add("widened", service+":* for "+a, func(c *policy.Statement) { c.Action = slices.Clone(s.Action); c.Action[i] = service + ":*" })
	}
	return append(out, loosened(s)...)
}

// loosened are the widenings that don't look like one: no bare "*", no condition less.
func loosened(s policy.Statement) []statementMutant {
	var out []statementMutant
	add := func(what string, change func(*policy.Statement)) {
		c := s
		change(&c)
		out = append(out, statementMutant{"loosened", what, c})
	}
	if p := s.Principal; p != nil {
		add("another account", func(c *policy.Statement) {
			c.Principal = &policy.Principals{AWS: append(slices.Clone(p.AWS), stranger), Service: p.Service}
		})
	}
	for i, a := range s.Action {
		service, verb, _ := strings.Cut(a, ":")
		if wider := service + ":" + verb[:1] + "*"; !slices.Contains(s.Action, wider) {
			add(wider+" for "+a, func(c *policy.Statement) { c.Action = slices.Clone(s.Action); c.Action[i] = wider })
		}
	}
	for i, r := range s.Resource {
		if bucket, key, ok := strings.Cut(r, "/"); ok && strings.Contains(bucket, ":s3:") && key != "*" {
			add(bucket+"/* for "+r, func(c *policy.Statement) { c.Resource = slices.Clone(s.Resource); c.Resource[i] = bucket + "/*" })
		}
	}
	for i, r := range s.Resource {
		for _, wider := range widerARNs(r) {
			add(wider+" for "+r, func(c *policy.Statement) { c.Resource = slices.Clone(s.Resource); c.Resource[i] = wider })
		}
	}
	for _, op := range slices.Sorted(maps.Keys(s.Condition)) {
		for _, key := range slices.Sorted(maps.Keys(s.Condition[op])) {
			values := s.Condition[op][key]
			if op != "Null" && key != "aws:PrincipalArn" { // who is no service always has an ARN
				add(op+"IfExists "+key, func(c *policy.Statement) {
					c.Condition = without(s.Condition, op, key).With(op+"IfExists", key, values...)
				})
			}
			like := strings.NewReplacer("StringEquals", "StringLike", "ArnEquals", "ArnLike").Replace(op)
			if like == "Bool" || op == "Null" {
				continue
			}
			any := "*"
			if strings.HasPrefix(like, "Arn") {
				any = "arn:*:*:*:*:*"
			}
			add(like+" "+key+" "+any, func(c *policy.Statement) { c.Condition = without(s.Condition, op, key).With(like, key, any) })
		}
	}
	return out
}

// widerARNs are an ARN for every account, and for every name.
func widerARNs(arn string) []string {
	f := strings.SplitN(arn, ":", 6)
	if len(f) < 6 {
		return nil
	}
	var out []string
	if f[4] != "" {
		out = append(out, strings.Join([]string{f[0], f[1], f[2], f[3], "*", f[5]}, ":"))
	}
	if i := strings.IndexAny(f[5], ":/"); i >= 0 && f[2] != "s3" && f[5][i+1:] != "*" {
		out = append(out, strings.Join(f[:5], ":")+":"+f[5][:i+1]+"*")
	}
	return out
}

// stranger is an account that has nothing to do with any stack.
const stranger = "999999999999"

// narrowed are the ways to make a Deny miss something.
func narrowed(of verify.PolicyAt, s policy.Statement) []statementMutant {
	var out []statementMutant
	add := func(what string, change func(*policy.Statement)) {
		c := s
		change(&c)
		out = append(out, statementMutant{"deny narrowed", what, c})
	}
	if s.Principal != nil {
		add("for another account only", func(c *policy.Statement) { c.Principal = policy.AWSPrincipals(stranger) })
		add("for the own account only", func(c *policy.Statement) { c.Principal = policy.AWSPrincipals(string(of.Account)) })
	}
	for i, a := range s.Action {
		if service, verb, _ := strings.Cut(a, ":"); verb == "*" {
			add(service+":Get* for "+a, func(c *policy.Statement) { c.Action = slices.Clone(s.Action); c.Action[i] = service + ":Get*" })
		}
	}
	add("under one more condition", func(c *policy.Statement) {
		c.Condition = s.Condition.With("StringEquals", "aws:PrincipalAccount", stranger)
	})
	for _, op := range slices.Sorted(maps.Keys(s.Condition)) {
		for _, key := range slices.Sorted(maps.Keys(s.Condition[op])) {
			weaker := map[string]string{"Bool": "true", "Null": "true", "NumericLessThan": "1.0"}[op]
			if weaker == "" {
				weaker = "x"
			}
			add(op+" "+key+" "+weaker, func(c *policy.Statement) { c.Condition = s.Condition.With(op, key, weaker) })
		}
	}
	return out
}

func without(c policy.Conditions, op, key string) policy.Conditions {
	out := policy.Conditions{}
	for o, keys := range c {
		for k, values := range keys {
			if o != op || k != key {
				out = out.With(o, k, values...)
			}
		}
	}
	return out
}

// TestEveryChangeOfAPolicyIsNoticed is the proof of the proof: everything in the policies of both example stacks is removed, one
// at a time, and everything widened. Each removal must close a path, break a rule, or be reported as unneeded; each widening
// must break a rule. What nobody notices survives, and there are no survivors. Short runs try one of
// seven changes, always the same.
func TestEveryChangeOfAPolicyIsNoticed(t *testing.T) {
	t.Parallel()
	const sampled = 11 // one of so many, unless LOGARCHIVE_LONG is set; a prime, so that it isn't always the same kind
	all := os.Getenv("LOGARCHIVE_LONG") != ""
	for _, stack := range exampleStacks {
		t.Run(stack, func(t *testing.T) {
			t.Parallel()
			d, o := verify.FromGraph(record(t, stack)), options(t, stack)
			report := verify.Run(d, o)
			if report.Failed() || len(report.Unneeded) > 0 {
				t.Fatal("the stack itself isn't proven")
			}
			tried, by := map[string]int{}, map[string]int{}
			survivors, n := 0, 0
			for _, p := range verify.Policies(d) {
				for _, m := range mutants(p) {
					// Each change is a proof of the whole stack: all of them take minutes.
					if n++; !all && n%sampled != 0 {
						continue
					}
					var found []verify.Violation
					if err := verify.With(d, p.ID, m.changed, func() { found = verify.Findings(d, o) }); err != nil {
						t.Fatalf("%s: %v", m, err)
					}
					tried[m.class]++
					killer := noticed(m, found)
					if killer == "" && m.class == "loosened" {
						killer = unneeded(t, d, o, m)
					}
					if killer == "" {
						survivors++
						t.Errorf("survives: %s", m)
						continue
					}
					by[killer]++
				}
			}
			total := 0
			for _, n := range tried {
				total += n
			}
			t.Logf("%s: %d changes of %d policies, %d survivors", stack, total, len(verify.Policies(d)), survivors)
			t.Logf("changes: %s", counts(tried))
			t.Logf("noticed by: %s", counts(by))
		})
	}
}

// noticed returns the rule that a change breaks. That a document is no longer one that AWS takes doesn't count: it says nothing
// about what the change would do.
func noticed(m mutant, found []verify.Violation) string {
	for _, v := range found {
		switch {
		case v.Rule == "policy-size" || v.Rule == "policy-document":
		case v.Rule == "path" && (m.class == "widened" || m.class == "loosened"): // to allow more can't close a way
		default:
			return v.Rule
		}
	}
	return ""
}

// unneeded says whether what a change added is reported as unneeded.
func unneeded(t *testing.T, d *verify.Deployment, o verify.Options, m mutant) string {
	t.Helper()
	var r *verify.Report
	if err := verify.With(d, m.policy.ID, m.changed, func() { r = verify.Run(d, o) }); err != nil {
		t.Fatal(err)
	}
	if len(r.Unneeded) == 0 {
		return ""
	}
	return "unneeded"
}

func counts(m map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(out, ", ")
}
