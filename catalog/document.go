package catalog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
)

// document is a policy that a resource carries.
type document struct {
	path string
	kind policy.Kind
	// code is AWS's error code for a document that it doesn't accept, and sizeCode for one that is too large.
	code, sizeCode string
}

// documents checks the policy documents: what package policy says about the kind, and that every ARN in them is of the
// place's partition.
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
			c.document(d, f.path, text)
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

func (c *checking) document(d document, path, text string) {
	doc, err := policy.Parse([]byte(text))
	if err != nil {
		c.fail(path, d.code, err.Error())
		return
	}
	for _, problem := range doc.Validate(d.kind) {
		if problem.Path == "" { // the document as a whole: it is too large
			c.fail(path, d.sizeCode, problem.Reason)
			continue
		}
		c.fail(path, d.code, problem.String())
	}
	want := c.Place.Partition()
	for i, s := range doc.Statements {
		for _, arn := range arnsIn(s) {
			if of, _, _ := strings.Cut(arn[len("arn:"):], ":"); !strings.ContainsAny(of, "*?$") && of != string(want) {
				c.fail(path, d.code, "Statement[%d]: partition %q is not valid for %q: want %s, the partition of %s", i, of, arn, want, c.Place.Region)
			}
		}
	}
}

// arnsIn returns the ARNs that a statement names, as principals, resources and values of conditions, sorted.
func arnsIn(s policy.Statement) []string {
	all := slices.Concat(s.Resource, s.NotResource)
	for _, p := range []*policy.Principals{s.Principal, s.NotPrincipal} {
		if p != nil {
			all = append(all, p.AWS...)
		}
	}
	for _, keys := range s.Condition {
		for _, values := range keys {
			all = append(all, values...)
		}
	}
	arns := slices.DeleteFunc(all, func(text string) bool { return !strings.HasPrefix(text, "arn:") })
	slices.Sort(arns)
	return slices.Compact(arns)
}

// statements returns the statements of the policy at a top-level path; none when it isn't known or not a policy.
func (c *checking) statements(path string) []policy.Statement {
	doc, err := policy.Parse([]byte(c.in.str(path)))
	if err != nil {
		return nil
	}
	return doc.Statements
}
