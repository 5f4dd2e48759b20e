package policy

import (
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
)

// holdsFor compiles one condition on the key "aws:k" and asks whether it holds in ctx.
func holdsFor(t *testing.T, op string, policyValues []string, ctx Context) bool {
	t.Helper()
	c, ok := compileCondition(op, "aws:k", policyValues, true)
	if !ok {
		t.Fatalf("%s is not an operator", op)
	}
	return c.holds(ctx)
}

// Every operator with values of a request that hit and miss the policy's values, and its negation if it has one.
var operatorRows = []struct {
	op, not   string
	policy    []string
	hit, miss []string
}{
	{"StringEquals", "StringNotEquals", []string{"a", "b*", "${aws:user}"}, []string{"a", "b*", "ann"}, []string{"A", "bb", "c", " a", "${aws:user}"}},
	{"StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", []string{"Straße", "B"}, []string{"straße", "b", "B"}, []string{"c", "bb"}},
	{"StringLike", "StringNotLike", []string{"a*c?", "x${*}y", "home/${aws:user}/*", ""}, []string{"acd", "abcbcd", "x*y", "home/ann/", "home/ann/x", "ac世", ""}, []string{"ac", "Acd", "xzy", "home/bob/x", "a"}},
	{"ArnEquals", "ArnNotEquals", []string{"arn:p:sns:*:1:t?"}, []string{"arn:p:sns:r:1:t1", "arn:p:sns::1:tt"}, []string{"arn:p:sns:r:1:t", "arn:p:sns:r:x:1:t1", "arn:p:sns:r:1:t1:x", "t1", "*"}},
	{"ArnLike", "ArnNotLike", []string{"arn:p:iam::${aws:user}:role/*", "short"}, []string{"arn:p:iam::ann:role/a/b:c"}, []string{"arn:p:iam::bob:role/a", "short", "arn:p:iam:x:ann:role/a"}},
	{"NumericEquals", "NumericNotEquals", []string{"10", "2.50", "x"}, []string{"10", "10.0", "1e1", "2.5", "+10"}, []string{"11", "9007199254740993", "-10"}},
	{"NumericEquals", "NumericNotEquals", []string{"9007199254740992"}, []string{"9007199254740992"}, []string{"9007199254740993"}},
	{"NumericLessThan", "", []string{"10"}, []string{"9", "-3", "9.99"}, []string{"10", "10.5", "11", "x", ""}},
	{"NumericLessThanEquals", "", []string{"10"}, []string{"9", "10", "10.0"}, []string{"10.5", "11"}},
	{"NumericGreaterThan", "", []string{"10"}, []string{"11", "10.001"}, []string{"10", "9", "nan", "inf", "0xff", "1_1"}},
	{"NumericGreaterThanEquals", "", []string{"10"}, []string{"11", "10"}, []string{"9.9"}},
	{"DateEquals", "DateNotEquals", []string{"2026-01-02T03:04:05Z"}, []string{"2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00", "1767323045", "2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05"}, []string{"2026-01-02", "2026-01-02T03:04Z"}},
	{"DateEquals", "DateNotEquals", []string{"2026-01-02", "2025"}, []string{"2026-01-02T00:00:00Z", "2025-01", "2025-01-01T00:00Z"}, []string{"2026-01-02T00:00:01Z"}},
	{"DateLessThan", "", []string{"2026-01-01T00:00:00Z"}, []string{"2025-12-31T23:59:59Z", "0"}, []string{"2026-01-01T00:00:00Z", "2026-01-02", "yesterday"}},
	{"DateLessThanEquals", "", []string{"2026-01-01T00:00:00Z"}, []string{"2026-01-01"}, []string{"2026-01-01T00:00:01Z"}},
	{"DateGreaterThan", "", []string{"2026-01-01T00:00:00Z"}, []string{"2026-01-01T00:00:01Z"}, []string{"2026-01-01", "2025"}},
	{"DateGreaterThanEquals", "", []string{"2026-01-01T00:00:00Z"}, []string{"2026", "2026-01-01T00:00:00+00:00"}, []string{"2025-12-31"}},
	{"Bool", "", []string{"true"}, []string{"true", "TRUE"}, []string{"false", "1", ""}},
	{"Bool", "", []string{"${aws:flag}"}, []string{"false"}, []string{"true"}},
	{"BinaryEquals", "", []string{"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}, []string{"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}, []string{"ASIAIOSFODNN7EXAMPLE", "QmluYXJ5VmFsdWVJbkJhc2U2NQ==", "?"}},
	{"IpAddress", "NotIpAddress", []string{"203.0.113.0/24", "2001:DB8:1234:5678::/64", "10.0.0.1"}, []string{"203.0.113.0", "203.0.113.255", "2001:db8:1234:5678::1", "10.0.0.1", "::ffff:203.0.113.9"}, []string{"203.0.114.0", "2001:db8:1234:5679::", "10.0.0.2"}},
	{"IpAddress", "NotIpAddress", []string{"2001:db8::1", "::ffff:192.0.2.0/120", "10.1.2.3/8"}, []string{"2001:DB8:0:0::1", "192.0.2.77", "10.9.9.9"}, []string{"2001:db8::2", "192.0.3.1"}},
}

func TestOperators(t *testing.T) {
	t.Parallel()
	context := func(v Value) Context { return Context{"AWS:K": v, "aws:user": One("ann"), "aws:flag": One("false")} }
	check := func(op string, policyValues []string, v Value, want bool) {
		t.Helper()
		for _, name := range []string{op, strings.ToUpper(op)} {
			if got := holdsFor(t, name, policyValues, context(v)); got != want {
				t.Errorf("%s %q of %q (list: %v) = %v, want %v", name, policyValues, v.values, v.list, got, want)
			}
		}
	}
	absent := Value{}
	for _, r := range operatorRows {
		for _, v := range r.hit {
			check(r.op, r.policy, One(v), true)
			check(r.op+"IfExists", r.policy, One(v), true)
			check(r.op, r.policy, Many(v), false)
			check("ForAllValues:"+r.op, r.policy, Many(v, v), true)
			check("ForAnyValue:"+r.op, r.policy, One(v), v != "")
		}
		for _, v := range r.miss {
			check(r.op, r.policy, One(v), false)
			check(r.op+"IfExists", r.policy, One(v), false)
			check("ForAllValues:"+r.op, r.policy, One(v), v == "")
			check("ForAnyValue:"+r.op, r.policy, Many(v, v), false)
			check("ForAllValues:"+r.op, r.policy, Many(r.hit[0], v), false)
			check("ForAnyValue:"+r.op, r.policy, Many(r.hit[0], v), true)
		}
		check(r.op, r.policy, absent, false)
		check(r.op+"IfExists", r.policy, absent, true)
		check("ForAllValues:"+r.op, r.policy, absent, true)
		check("ForAllValues:"+r.op+"IfExists", r.policy, absent, true)
		check("ForAnyValue:"+r.op, r.policy, absent, false)
		check("ForAnyValue:"+r.op+"IfExists", r.policy, absent, false)
		check("ForAllValues:"+r.op, r.policy, Many(""), true)
		check("ForAnyValue:"+r.op, r.policy, Many(""), false)
		if r.not == "" {
			continue
		}
		for _, v := range r.hit {
			check(r.not, r.policy, One(v), false)
			check(r.not+"IfExists", r.policy, One(v), false)
			check("ForAnyValue:"+r.not, r.policy, Many(v, v), false)
			check("ForAllValues:"+r.not, r.policy, Many(r.miss[0], v), false)
		}
		for _, v := range r.miss {
			check(r.not, r.policy, One(v), true)
			check(r.not, r.policy, Many(v), false)
			check("ForAllValues:"+r.not, r.policy, Many(v, v), true)
			check("ForAnyValue:"+r.not, r.policy, Many(r.hit[0], v), true)
		}
		check(r.not, r.policy, absent, true)
		check(r.not+"IfExists", r.policy, absent, true)
		check("ForAllValues:"+r.not, r.policy, absent, true)
		check("ForAnyValue:"+r.not, r.policy, absent, false)
	}
}

// All names of operators are in the table above, but Null.
func TestOperatorRowsAreComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{"null": true}
	for _, r := range operatorRows {
		seen[strings.ToLower(r.op)], seen[strings.ToLower(r.not)] = true, true
	}
	for name := range operators {
		if !seen[name] {
			t.Errorf("operator %s isn't tested", name)
		}
	}
}

func TestNull(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy []string
		value  Value
		want   bool
	}{
		{[]string{"true"}, Value{}, true},
		{[]string{"true"}, One("x"), false},
		{[]string{"TRUE"}, Many(), true},
		{[]string{"true"}, One(""), true},
		{[]string{"true"}, Many("", "x"), false},
		{[]string{"false"}, Value{}, false},
		{[]string{"false"}, One("x"), true},
		{[]string{"False"}, Many("x", "y"), true},
		{[]string{"true", "false"}, One("x"), true},
		{[]string{"yes"}, Value{}, false},
	} {
		if got := holdsFor(t, "Null", c.policy, Context{"aws:k": c.value}); got != c.want {
			t.Errorf("Null %q of %q = %v, want %v", c.policy, c.value.values, got, c.want)
		}
	}
}

// A value of the request that isn't of the operator's type satisfies neither the operator nor its negation.
func TestWrongTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ op, policy, value string }{
		{"NumericEquals", "1", "x"}, {"NumericNotEquals", "1", "x"}, {"DateEquals", "2026", "x"}, {"DateNotEquals", "2026", "x"},
		{"IpAddress", "10.0.0.0/8", "x"}, {"NotIpAddress", "10.0.0.0/8", "x"}, {"Bool", "true", "yes"}, {"Bool", "yes", "yes"},
	} {
		if holdsFor(t, c.op, []string{c.policy}, Context{"aws:k": One(c.value)}) {
			t.Errorf("%s %s of %s holds", c.op, c.policy, c.value)
		}
	}
	// A value of the policy that isn't of the type equals nothing, so a negated operator passes over it.
	for op, value := range map[string]string{"NumericNotEquals": "1", "DateNotEquals": "2026", "NotIpAddress": "10.0.0.1", "ArnNotLike": "arn:p:s:::x"} {
		if !holdsFor(t, op, []string{"?"}, Context{"aws:k": One(value)}) {
			t.Errorf("%s ? of %s doesn't hold", op, value)
		}
	}
}

// "There is no equal or like value" for a variable without one; negated operators match (policy variables with no
// value, IAM User Guide).
func TestVariablesWithoutValueInConditions(t *testing.T) {
	t.Parallel()
	for op, want := range map[string]bool{
		"StringEquals": false, "StringLike": false, "StringEqualsIgnoreCase": false, "ArnLike": false, "Bool": false,
		"StringNotEquals": true, "StringNotLike": true, "StringNotEqualsIgnoreCase": true, "ArnNotEquals": true,
	} {
		value, pattern := "arn:p:s:::x", "arn:p:s:::${aws:none}"
		if op == "Bool" {
			value, pattern = "true", "${aws:none}"
		}
		if got := holdsFor(t, op, []string{pattern}, Context{"aws:k": One(value)}); got != want {
			t.Errorf("%s = %v, want %v", op, got, want)
		}
	}
	for _, c := range []struct {
		pattern, value string
		ctx            Context
		want           bool
	}{
		{"${aws:none, 'd'}", "d", nil, true},
		{"${aws:none,'d'}x", "dx", nil, true},
		{"${aws:none, d}", "d", nil, false},
		{"${aws:list}", "a", Context{"aws:list": Many("a")}, false},
		{"${aws:list, 'd'}", "d", Context{"aws:list": Many("a")}, true},
		{"${}", "", nil, false},
		{"${aws:tag/a}", "\xff*", Context{"aws:tag/a": One("\xff*")}, false}, // no UTF-8
	} {
		ctx := Context{"aws:k": One(c.value)}
		for k, v := range c.ctx {
			ctx[k] = v
		}
		if got := holdsFor(t, "StringLike", []string{c.pattern}, ctx); got != c.want {
			t.Errorf("%s of %q = %v, want %v", c.pattern, c.value, got, c.want)
		}
	}
}

// The other operators take no variables (IAM User Guide, condition operators).
func TestOperatorsWithoutVariables(t *testing.T) {
	t.Parallel()
	ctx := Context{"aws:k": One("1"), "aws:v": One("1"), "aws:t": One("true")}
	for op, pattern := range map[string]string{"NumericEquals": "${aws:v}", "DateEquals": "${aws:v}", "IpAddress": "${aws:v}", "BinaryEquals": "${aws:v}", "Null": "${aws:t}"} {
		if holdsFor(t, op, []string{pattern}, ctx) {
			t.Errorf("%s took a variable", op)
		}
	}
}

// All operators and keys of a statement must hold; of a key's values one.
func TestConditionBlocks(t *testing.T) {
	t.Parallel()
	conditions := Conditions{}.With("StringEquals", "aws:a", "1", "2").With("StringEquals", "aws:b", "3").With("StringNotEquals", "aws:c", "4", "5")
	p, err := Compile("p", Document{Statements: []Statement{{Effect: Allow, Action: []string{"*"}, Resource: []string{"*"}, Condition: conditions}}})
	if err != nil {
		t.Fatal(err)
	}
	caller, _ := ParseCaller(inPartition(partition.AWS, ann))
	for _, c := range []struct {
		a, b, c string
		want    Outcome
	}{
		{"1", "3", "6", Allowed}, {"2", "3", "6", Allowed}, {"3", "3", "6", ImplicitDeny}, {"1", "1", "6", ImplicitDeny}, {"1", "3", "4", ImplicitDeny}, {"1", "3", "5", ImplicitDeny},
	} {
		ctx := Context{"aws:a": One(c.a), "aws:b": One(c.b), "aws:c": One(c.c)}
		if got := Evaluate(Request{Caller: caller, Action: "a:b", Resource: "*", Context: ctx}, Policies{Identity: []*Policy{p}}).Outcome; got != c.want {
			t.Errorf("%v: %s, want %s", c, got, c.want)
		}
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	c := Context{"AWS:a": One("upper"), "aws:A": One("lower"), "aws:b": Many("x", "y")}
	for range 20 {
		if v, ok := c.lookup("aws:a"); !ok || v.values[0] != "upper" {
			t.Fatalf("lookup of a key in another case = %v, %v; want always the same", v, ok)
		}
	}
	d := c.With("AWS:B", "z")
	if v, _ := d.lookup("aws:b"); len(d) != 3 || v.Values()[0] != "z" || len(c) != 3 {
		t.Errorf("With: %v (from %v)", d, c)
	}
	if v, _ := c.lookup("aws:b"); len(v.Values()) != 2 {
		t.Errorf("the context that With began from has changed: %v", c)
	}
}
