package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Problem is something that AWS would refuse, or that can't be meant.
type Problem struct {
	Path   string // the element, such as "Statement[1].Condition.StringEquals"
	Value  string // what it says, "" where it is absent
	Reason string // what is wrong, and what is accepted
}

func (p Problem) String() string {
	if p.Value == "" {
		return p.Path + ": " + p.Reason
	}
	return fmt.Sprintf("%s: %q %s", p.Path, p.Value, p.Reason)
}

// Validate returns everything in the document that a policy of the kind must not have or say, and a problem when it is
// larger than the kind's limit. None means that AWS would take it, as far as that follows from the text: whether the
// principals and resources exist is not looked at.
func (d Document) Validate(kind Kind) []Problem {
	row, ok := kindTable[kind]
	if !ok {
		return []Problem{{"", fmt.Sprint(int(kind)), "is not a kind of policy"}}
	}
	v := &validator{kind: row, partitions: map[partition.Partition]string{}, sids: map[string]int{}}
	if d.Version != "" && d.Version != Version2012 && d.Version != Version2008 {
		v.add("Version", d.Version, "is not one of 2012-10-17, 2008-10-17")
	}
	if len(d.Statements) == 0 {
		v.add("Statement", "", "a policy has at least one statement")
	}
	for i, s := range d.Statements {
		v.statement(fmt.Sprintf("Statement[%d]", i), i, s)
	}
	if kind == Queue {
		v.queue(d)
	}
	v.size(d, kind)
	return v.problems
}

// Size returns the size of the document as AWS counts it against the limit of the kind: characters, without white
// space for managed and inline policies.
func (d Document) Size(kind Kind) int {
	text := d.JSON()
	if kindTable[kind].countsWhitespace {
		return len(text)
	}
	n := 0
	for _, r := range text {
		if !strings.ContainsRune(" \t\r\n", r) {
			n++
		}
	}
	return n
}

type validator struct {
	kind       kindRow
	problems   []Problem
	partitions map[partition.Partition]string // partition of an ARN to where it was first seen
	sids       map[string]int
}

func (v *validator) add(path, value, reason string) {
	v.problems = append(v.problems, Problem{path, value, reason})
}

func (v *validator) size(d Document, kind Kind) {
	// A kind whose limit the table doesn't have can't be checked; that is no problem of the document.
	limit, err := partition.Everywhere(v.kind.limit)
	if err != nil {
		return
	}
	if size := d.Size(kind); int64(size) > limit {
		v.add("", "", fmt.Sprintf("the %s has %d characters, the limit is %d", kind, size, limit))
	}
}

func (v *validator) statement(path string, index int, s Statement) {
	if s.Sid != "" {
		if first, ok := v.sids[s.Sid]; ok {
			v.add(path+".Sid", s.Sid, fmt.Sprintf("is already the Sid of Statement[%d]", first))
		} else {
			v.sids[s.Sid] = index
		}
		if !v.kind.sidAnything && strings.ContainsFunc(s.Sid, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		}) {
			v.add(path+".Sid", s.Sid, "has other characters than letters A-Z a-z and digits")
		}
	}
	if s.Effect != Allow && s.Effect != Deny {
		v.add(path+".Effect", string(s.Effect), "is not one of Allow, Deny")
	}
	v.exactlyOne(path, "Principal", s.Principal != nil, s.NotPrincipal != nil, v.kind.principal)
	v.exactlyOne(path, "Action", s.Action != nil, s.NotAction != nil, true)
	v.exactlyOne(path, "Resource", s.Resource != nil, s.NotResource != nil, v.kind.resource)
	v.principals(path+".Principal", s.Principal)
	v.principals(path+".NotPrincipal", s.NotPrincipal)
	if s.NotPrincipal != nil && s.Effect == Allow {
		v.add(path+".NotPrincipal", "", "with Allow lets everybody else in, the anonymous included: use Principal")
	}
	v.actions(path+".Action", s.Action)
	v.actions(path+".NotAction", s.NotAction)
	v.resources(path+".Resource", s.Resource)
	v.resources(path+".NotResource", s.NotResource)
	v.conditions(path+".Condition", s.Condition)
}

// exactlyOne checks that a statement has the element or its negation, not both; neither where the kind has none.
func (v *validator) exactlyOne(path, name string, plain, not, wanted bool) {
	switch {
	case plain && not:
		v.add(path, "", "has both "+name+" and Not"+name+": want one of them")
	case !wanted && plain:
		v.add(path+"."+name, "", "a "+v.kind.name+" has no "+name)
	case !wanted && not:
		v.add(path+".Not"+name, "", "a "+v.kind.name+" has no Not"+name)
	case wanted && !plain && !not:
		v.add(path, "", "has neither "+name+" nor Not"+name)
	}
}

func (v *validator) principals(path string, p *Principals) {
	if p == nil {
		return
	}
	named := len(p.AWS) + len(p.Service) + len(p.Federated) + len(p.CanonicalUser)
	if p.Any && named > 0 {
		v.add(path, "*", "excludes named principals")
	}
	if !p.Any && named == 0 {
		v.add(path, "", "names nobody")
	}
	if v.kind.onlyPrincipalAnybody && !p.Any && !slices.Equal(p.AWS, []string{"*"}) {
		v.add(path, "", `a resource control policy names "*" only`)
	}
	for i, a := range p.AWS {
		at := fmt.Sprintf("%s.AWS[%d]", path, i)
		switch {
		case a == "*":
		case strings.HasPrefix(a, "arn:"):
			if strings.ContainsAny(a, "*?") {
				v.add(at, a, `has a wildcard: the AWS principal is "*" or one whole name; use a condition on aws:PrincipalArn`)
			}
			v.arn(at, a)
		case strings.ContainsAny(a, "*?:/"):
			v.add(at, a, "is neither an ARN, an account id, a unique id nor *")
		}
	}
	for i, s := range p.Service {
		if !partition.IsServicePrincipal(string(s)) {
			v.add(fmt.Sprintf("%s.Service[%d]", path, i), string(s), "is not a service principal")
		}
	}
}

func (v *validator) actions(path string, actions []string) {
	if actions != nil && len(actions) == 0 {
		v.add(path, "", "names no action")
	}
	for i, a := range actions {
		if a == "*" {
			continue
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		service, name, ok := strings.Cut(a, ":")
		switch {
		case !ok || service == "" || name == "" || strings.ContainsAny(a, " \t\r\n") || strings.Contains(name, ":"):
			v.add(at, a, "is not an action: want service:Name or *")
		case strings.ContainsAny(service, "*?"):
			v.add(at, a, "has a wildcard in the service: want service:Name or *")
		case v.kind.actions != "" && !strings.EqualFold(service, v.kind.actions):
			v.add(at, a, fmt.Sprintf("is not an action of a %s: want %s:…", v.kind.name, v.kind.actions))
		}
	}
}

func (v *validator) resources(path string, resources []string) {
	if resources != nil && len(resources) == 0 {
		v.add(path, "", "names no resource")
	}
	for i, r := range resources {
		if r == "*" {
			continue
		}
		v.arn(fmt.Sprintf("%s[%d]", path, i), r)
	}
}

// arn checks the form of an ARN or a pattern of ARNs, and that all of a document are of one partition.
func (v *validator) arn(path, s string) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		v.add(path, s, "is not an ARN: want arn:partition:service:region:account:resource or *")
		return
	}
	if strings.ContainsAny(parts[1], "*?$") {
		return
	}
	p := partition.Partition(parts[1])
	if !slices.Contains(partition.Partitions(), p) {
		v.add(path, s, "is of a partition that is not one of aws, aws-cn")
		return
	}
	for other, where := range v.partitions {
		if other != p {
			v.add(path, s, fmt.Sprintf("is of partition %s, but %s is of %s: no policy reaches across partitions", p, where, other))
			return
		}
	}
	if v.partitions[p] == "" {
		v.partitions[p] = path
	}
}

func (v *validator) conditions(path string, c Conditions) {
	for _, op := range sortedKeys(c) {
		at := path + "." + op
		if _, ok := parseOperator(op); !ok {
			v.add(at, op, "is not a condition operator")
		}
		if len(c[op]) == 0 {
			v.add(at, "", "names no condition key")
		}
		for _, key := range sortedKeys(c[op]) {
			if key == "" || !strings.Contains(key, ":") || strings.ContainsAny(key, " \t\r\n") {
				v.add(at, key, "is not a condition key: want prefix:name")
			}
			if len(c[op][key]) == 0 {
				v.add(at+"."+key, "", "has no value")
			}
			for _, value := range c[op][key] {
				if strings.HasPrefix(value, "arn:") && strings.Count(value, ":") >= 5 {
					v.arn(at+"."+key, value)
				}
			}
		}
	}
}

// queue checks the counts that SQS limits (SQSDeveloperGuide, quotas-policies).
func (v *validator) queue(d Document) {
	check := func(path string, n int, l partition.Limit) {
		if limit, err := partition.Everywhere(l); err == nil && int64(n) > limit {
			v.add(path, fmt.Sprint(n), fmt.Sprintf("is more than the limit: %s %d", l, limit))
		}
	}
	principals, conditions := 0, 0
	for i, s := range d.Statements {
		check(fmt.Sprintf("Statement[%d].Action", i), len(s.Action)+len(s.NotAction), partition.QueuePolicyActions)
		for _, p := range []*Principals{s.Principal, s.NotPrincipal} {
			if p != nil {
				principals += len(p.AWS) + len(p.Service) + len(p.Federated) + len(p.CanonicalUser)
			}
		}
		for _, keys := range s.Condition {
			conditions += len(keys)
		}
	}
	check("Statement", len(d.Statements), partition.QueuePolicyStatements)
	check("Principal", principals, partition.QueuePolicyPrincipals)
	check("Condition", conditions, partition.QueuePolicyConditions)
}
