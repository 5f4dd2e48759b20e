package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// document is a policy that a resource carries.
type document struct {
	path string
	kind documentKind
	// code is AWS's error code for a document that it doesn't understand.
	code string
	// limit is the greatest size, and limitCode the error code beyond it; limit "" for none.
	limit     partition.Limit
	limitCode string
}

// documentKind says which fields the statements of a policy have.
type documentKind string

// The kinds: permissions of an identity have no principal, a role's trust policy no resource, a resource's policy both.
const (
	identityDocument documentKind = "identity policy"
	trustDocument    documentKind = "trust policy"
	resourceDocument documentKind = "resource policy"
)

// statement is one statement of a policy, by field.
type statement map[string]any

// documents checks the policy documents: syntax, the fields of the kind, the partition of every ARN in them, the
// form of service principals, and the size.
//
// See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
func (c *checking) documents() {
	for _, d := range c.t.model.documents {
		for _, f := range c.in.find(d.path) {
			if f.value.IsComputed() {
				continue
			}
			text, err := documentText(f)
			if err != nil {
				c.fail(f.path, d.code, err.Error())
				continue
			}
			c.size(d, f.path, text)
			for _, problem := range problems(d.kind, text, c.Place.Partition()) {
				c.fail(f.path, d.code, problem)
			}
		}
	}
}

// documentText returns a policy's JSON, which programs may also give as an object.
func documentText(f found) (string, error) {
	if f.value.IsString() {
		return f.value.StringValue(), nil
	}
	if !f.value.IsObject() {
		return "", fmt.Errorf("is a %s: want a policy document", f.value.TypeString())
	}
	if f.value.ContainsUnknowns() {
		return "", fmt.Errorf("has unknown parts: want the document as one value")
	}
	text, err := json.Marshal(f.value.Mappable())
	return string(text), err
}

// size compares a document with its limit. AWS doesn't count white space in IAM's policies; it is left out for all.
func (c *checking) size(d document, path, text string) {
	if d.limit == "" {
		return
	}
	limit, err := c.Place.Region.Limit(d.limit)
	if err != nil {
		return // the partition table has no figure for the region
	}
	var compact bytes.Buffer
	if json.Compact(&compact, []byte(text)) == nil && int64(compact.Len()) > limit {
		c.fail(path, d.limitCode, "the policy has %d characters: AWS accepts %d (%s)", compact.Len(), limit, d.limit)
	}
}

// problems returns what AWS doesn't accept in a policy.
func problems(kind documentKind, text string, p partition.Partition) []string {
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return []string{"the policy is not a JSON object: " + err.Error()}
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(doc)) {
		if !slices.Contains([]string{"Version", "Id", "Statement"}, key) {
			out = append(out, fmt.Sprintf("the policy has a field %q: want Version, Id, Statement", key))
		}
	}
	if v, ok := doc["Version"]; ok && v != "2012-10-17" && v != "2008-10-17" {
		out = append(out, fmt.Sprintf("Version %q is not 2012-10-17 or 2008-10-17", fmt.Sprint(v)))
	}
	statements, err := statementsOf(doc)
	if err != nil {
		return append(out, err.Error())
	}
	sids := map[string]bool{}
	for i, s := range statements {
		where := s.name(i)
		for _, problem := range s.problems(kind, p) {
			out = append(out, where+": "+problem)
		}
		if sid, _ := s["Sid"].(string); sid != "" && sids[sid] {
			out = append(out, where+": the Sid is used twice")
		} else {
			sids[sid] = true
		}
	}
	return out
}

func statementsOf(doc map[string]any) ([]statement, error) {
	list, ok := doc["Statement"].([]any)
	if one, single := doc["Statement"].(map[string]any); single {
		list, ok = []any{one}, true
	}
	if !ok || len(list) == 0 {
		return nil, fmt.Errorf("the policy has no Statement")
	}
	var out []statement
	for i, e := range list {
		s, ok := e.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("statement %d is not an object", i)
		}
		out = append(out, s)
	}
	return out, nil
}

func (s statement) name(i int) string {
	if sid, _ := s["Sid"].(string); sid != "" {
		return fmt.Sprintf("statement %d (%s)", i, sid)
	}
	return fmt.Sprintf("statement %d", i)
}

var statementFields = []string{"Action", "Condition", "Effect", "NotAction", "NotPrincipal", "NotResource", "Principal", "Resource", "Sid"}

// sidPattern is IAM's; the services that keep resource policies also accept other characters.
var sidPattern = regexp.MustCompile(`^[A-Za-z0-9]*$`)

func (s statement) problems(kind documentKind, p partition.Partition) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(s)) {
		if !slices.Contains(statementFields, key) {
			out = append(out, fmt.Sprintf("has a field %q: want %s", key, strings.Join(statementFields, ", ")))
		}
	}
	if effect := s["Effect"]; effect != "Allow" && effect != "Deny" {
		out = append(out, fmt.Sprintf("Effect is %q: want Allow or Deny", fmt.Sprint(effect)))
	}
	if sid, _ := s["Sid"].(string); kind != resourceDocument && !sidPattern.MatchString(sid) {
		out = append(out, "the Sid has other characters than letters and digits")
	}
	out = append(out, s.one("Action", true)...)
	out = append(out, s.one("Principal", kind != identityDocument)...)
	out = append(out, s.one("Resource", kind != trustDocument)...)
	out = append(out, s.wrongPrincipals()...)
	for _, arn := range arnsIn(s) {
		if of, _, _ := strings.Cut(arn[len("arn:"):], ":"); !strings.ContainsAny(of, "*?$") && of != string(p) {
			out = append(out, fmt.Sprintf("partition %q is not valid for %q: want %s", of, arn, p))
		}
	}
	return out
}

// one checks that a field or its opposite is there, or that neither is.
func (s statement) one(field string, needed bool) []string {
	_, has := s[field]
	_, hasNot := s["Not"+field]
	switch {
	case has && hasNot:
		return []string{fmt.Sprintf("has both %s and Not%s", field, field)}
	case needed && !has && !hasNot:
		return []string{fmt.Sprintf("has no %s", field)}
	case !needed && (has || hasNot):
		return []string{fmt.Sprintf("has a %s: this kind of policy has none", field)}
	}
	return nil
}

// wrongPrincipals finds services that no partition calls so.
func (s statement) wrongPrincipals() []string {
	var out []string
	for _, field := range []string{"Principal", "NotPrincipal"} {
		by, _ := s[field].(map[string]any)
		for _, name := range stringsIn(by["Service"]) {
			if !partition.IsServicePrincipal(name) {
				out = append(out, fmt.Sprintf("invalid principal: %q is not the name of a service", name))
			}
		}
	}
	return out
}

// arnsIn returns the strings of a statement that are ARNs, sorted.
func arnsIn(s statement) []string {
	all := stringsIn(map[string]any(s))
	arns := slices.DeleteFunc(all, func(text string) bool { return !strings.HasPrefix(text, "arn:") })
	slices.Sort(arns)
	return slices.Compact(arns)
}

// stringsIn returns the strings that a decoded JSON value consists of. The names of fields don't count.
func stringsIn(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, stringsIn(e)...)
		}
		return out
	case map[string]any:
		var out []string
		for _, e := range v {
			out = append(out, stringsIn(e)...)
		}
		return out
	}
	return nil
}

// statements returns the statements of the policy at a top-level path, or none when it isn't known or not a policy.
func (c *checking) statements(path string) []statement {
	var doc map[string]any
	if json.Unmarshal([]byte(c.in.str(path)), &doc) != nil {
		return nil
	}
	statements, err := statementsOf(doc)
	if err != nil {
		return nil
	}
	return statements
}
