package simulate

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// The bounds of the API's parameters (botocore's model of IAM).
const (
	maxPolicy   = 131_072
	maxAction   = 128
	maxResource = 2_048
)

// simulation is a request that was found right, compiled.
type simulation struct {
	policies  policy.Policies
	spans     map[string][]policy.Span // by the policies' ids
	actions   []string
	resources []string
	owner     partition.Account
	caller    *policy.Caller // nil for some user of the resource's account
	context   policy.Context
}

// build checks what the fields say. line gives the line of a field.
func (d *decoder) build(q Request, line func(field string) int) *simulation {
	s := &simulation{spans: map[string][]policy.Span{}, context: policy.Context{}, actions: q.ActionNames, resources: q.ResourceArns}
	if q.PolicyInputList == nil && q.ResourcePolicy == "" {
		d.add(line("PolicyInputList"), "PolicyInputList", "is missing")
	}
	s.policies.Identity = d.policies(s, "PolicyInputList", q.PolicyInputList, line)
	if n := len(q.PermissionsBoundaryPolicyInputList); n > 1 {
		d.add(line("PermissionsBoundaryPolicyInputList"), "PermissionsBoundaryPolicyInputList", fmt.Sprintf("has %d policies: want at most one", n))
	}
	s.policies.Boundary = d.policies(s, "PermissionsBoundaryPolicyInputList", q.PermissionsBoundaryPolicyInputList, line)
	if q.ResourcePolicy != "" {
		if p := d.policy(s, "ResourcePolicy", "ResourcePolicy", q.ResourcePolicy, true, line("ResourcePolicy")); p != nil {
			s.policies.Resource = []*policy.Policy{p}
		}
	}
	if len(q.ActionNames) == 0 {
		d.add(line("ActionNames"), "ActionNames", "is missing or empty: want at least one action")
	}
	for i, a := range q.ActionNames {
		service, name, ok := strings.Cut(a, ":")
		if !ok || service == "" || name == "" || len(a) > maxAction || strings.ContainsAny(a, "*? \t\r\n") || strings.Contains(name, ":") {
			d.add(line("ActionNames"), fmt.Sprintf("ActionNames[%d]", i), fmt.Sprintf("%q is not an action: want service:Name, without wildcards", a))
		}
	}
	for i, r := range q.ResourceArns {
		if r != "*" && (!strings.HasPrefix(r, "arn:") || strings.Count(r, ":") < 5) || len(r) > maxResource {
			d.add(line("ResourceArns"), fmt.Sprintf("ResourceArns[%d]", i), fmt.Sprintf("%q is neither an ARN nor *", r))
		}
	}
	if len(s.resources) == 0 {
		s.resources = []string{"*"}
	}
	d.caller(s, q, line)
	d.context(s, q.ContextEntries, line("ContextEntries"))
	return s
}

func (d *decoder) caller(s *simulation, q Request, line func(string) int) {
	switch {
	case q.CallerArn != "":
		c, err := policy.ParseCaller(q.CallerArn)
		if err != nil {
			d.add(line("CallerArn"), "CallerArn", err.Error())
		}
		s.caller = &c
	case q.ResourcePolicy != "":
		d.add(line("CallerArn"), "CallerArn", "is missing: with a ResourcePolicy it must be known who calls")
	}
	if q.ResourceOwner == "" {
		return
	}
	account := q.ResourceOwner
	if parts := strings.SplitN(account, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		account = parts[4]
	}
	a, err := partition.ParseAccount(account)
	if err != nil {
		d.add(line("ResourceOwner"), "ResourceOwner", fmt.Sprintf("%q is neither an account id nor an ARN of an account", q.ResourceOwner))
	}
	s.owner = a
}

func (d *decoder) policies(s *simulation, field string, texts []string, line func(string) int) []*policy.Policy {
	var out []*policy.Policy
	for i, text := range texts {
		if p := d.policy(s, fmt.Sprintf("%s.%d", field, i+1), fmt.Sprintf("%s[%d]", field, i), text, false, line(field)); p != nil {
			out = append(out, p)
		}
	}
	return out
}

// policy compiles a document under an id, and keeps where its statements stand. nil when it isn't one.
func (d *decoder) policy(s *simulation, id, field, text string, ofResource bool, line int) *policy.Policy {
	if len(text) > maxPolicy {
		d.add(line, field, fmt.Sprintf("has %d characters: want at most %d", len(text), maxPolicy))
		return nil
	}
	doc, spans, err := policy.ParseSpans([]byte(text))
	if err != nil {
		d.add(line, field, err.Error())
		return nil
	}
	before := len(d.problems)
	for i, st := range doc.Statements {
		d.statement(fmt.Sprintf("%s.Statement[%d]", field, i), st, ofResource, line)
	}
	p, err := policy.Compile(id, doc)
	if err != nil {
		d.add(line, field, err.Error())
	}
	if len(d.problems) > before {
		return nil
	}
	s.spans[id] = spans
	return p
}

// statement checks what IAM calls the grammar: which elements a statement must have.
func (d *decoder) statement(at string, s policy.Statement, ofResource bool, line int) {
	if (s.Action == nil) == (s.NotAction == nil) {
		d.add(line, at, "want either Action or NotAction")
	}
	principal, notPrincipal := s.Principal != nil, s.NotPrincipal != nil
	switch {
	case ofResource && principal == notPrincipal:
		d.add(line, at, "want either Principal or NotPrincipal in a policy of a resource")
	case !ofResource && (principal || notPrincipal):
		d.add(line, at, "has a Principal: a policy of a resource goes into ResourcePolicy")
	}
	resource, notResource := s.Resource != nil, s.NotResource != nil
	if (resource && notResource) || (!ofResource && !resource && !notResource) {
		d.add(line, at, "want either Resource or NotResource")
	}
}

var contextTypes = []string{"string", "stringList", "numeric", "numericList", "boolean", "booleanList", "ip", "ipList", "binary", "binaryList", "date", "dateList"}

func (d *decoder) context(s *simulation, entries []ContextEntry, line int) {
	seen := map[string]int{}
	for i, e := range entries {
		at := fmt.Sprintf("ContextEntries[%d]", i)
		if e.ContextKeyName == "" {
			d.add(line, at+".ContextKeyName", "is empty")
			continue
		}
		lower := strings.ToLower(e.ContextKeyName)
		if first, ok := seen[lower]; ok {
			d.add(line, at+".ContextKeyName", fmt.Sprintf("%q is already ContextEntries[%d]", e.ContextKeyName, first))
		}
		seen[lower] = i
		kind := e.ContextKeyType
		if kind == "" {
			kind = "string"
		}
		if !slices.Contains(contextTypes, kind) {
			d.add(line, at+".ContextKeyType", fmt.Sprintf("%q is not one of %s", kind, strings.Join(contextTypes, ", ")))
			continue
		}
		single, isList := strings.CutSuffix(kind, "List")
		for j, v := range e.ContextKeyValues {
			if !isOfType(single, v) {
				d.add(line, fmt.Sprintf("%s.ContextKeyValues[%d]", at, j), fmt.Sprintf("%q is not of type %s", v, single))
			}
		}
		switch {
		case !isList && len(e.ContextKeyValues) == 1:
			s.context[e.ContextKeyName] = policy.One(e.ContextKeyValues[0])
		case len(e.ContextKeyValues) > 0:
			s.context[e.ContextKeyName] = policy.Many(e.ContextKeyValues...)
		}
	}
}

// isOfType says whether a value can be read as a context key's type.
func isOfType(kind, v string) bool {
	var err error
	switch kind {
	case "numeric":
		_, err = strconv.ParseFloat(v, 64)
	case "boolean":
		return strings.EqualFold(v, "true") || strings.EqualFold(v, "false")
	case "ip":
		if _, err = netip.ParseAddr(v); err != nil {
			_, err = netip.ParsePrefix(v)
		}
	case "binary":
		_, err = base64.StdEncoding.DecodeString(v)
	case "date":
		return policy.IsDate(v)
	}
	return err == nil
}
