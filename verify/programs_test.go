package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

// The places of the example stack beijing.
var (
	home    = partition.Place{Account: "111122223333", Region: "cn-north-1"}
	ningxia = partition.Place{Account: "111122223333", Region: "cn-northwest-1"}
	archive = partition.Place{Account: "222233334444", Region: "cn-northwest-1"}
)

// program is a graph that a test changes. Nothing of it is shared with other tests.
type program struct {
	t *testing.T
	*graph.Graph
}

// copyOf is an example stack's graph, to be changed.
func copyOf(t *testing.T, stack string) *program {
	t.Helper()
	of := record(t, stack)
	g := &graph.Graph{Project: of.Project, Stack: of.Stack, Outputs: of.Outputs}
	for _, r := range of.Resources {
		c := *r
		c.Inputs, c.Outputs = copied(r.Inputs), copied(r.Outputs)
		c.Dependencies = slices.Clone(r.Dependencies)
		g.Resources = append(g.Resources, &c)
	}
	return &program{t, g}
}

func copied(m resource.PropertyMap) resource.PropertyMap {
	out := make(resource.PropertyMap, len(m))
	for k, v := range m {
		out[k] = copiedValue(v)
	}
	return out
}

func copiedValue(v resource.PropertyValue) resource.PropertyValue {
	switch {
	case v.IsArray():
		list := make([]resource.PropertyValue, len(v.ArrayValue()))
		for i, e := range v.ArrayValue() {
			list[i] = copiedValue(e)
		}
		return resource.NewArrayProperty(list)
	case v.IsObject():
		return resource.NewObjectProperty(copied(v.ObjectValue()))
	}
	return v
}

// find returns the resource whose type ends in the given words. There is one.
func (p *program) find(kind, name string) *graph.Resource {
	p.t.Helper()
	for _, r := range p.Resources {
		if strings.HasSuffix(r.Type, ":"+kind) && r.Name == name {
			return r
		}
	}
	p.t.Fatalf("there is no %s %s", kind, name)
	return nil
}

// set changes a property, by its path; nil takes it away.
func (p *program) set(kind, name, path string, value any) {
	p.t.Helper()
	r := p.find(kind, name)
	at, err := resource.ParsePropertyPath(path)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, m := range []resource.PropertyMap{r.Inputs, r.Outputs} {
		if value == nil {
			at.Delete(resource.NewObjectProperty(m))
			continue
		}
		if ok := at.Set(resource.NewObjectProperty(m), resource.NewPropertyValue(value)); !ok {
			p.t.Fatalf("%s can't be set in %s %s", path, kind, name)
		}
	}
}

// drop takes a resource away.
func (p *program) drop(kind, name string) {
	p.t.Helper()
	r := p.find(kind, name)
	p.Resources = slices.DeleteFunc(p.Resources, func(x *graph.Resource) bool { return x == r })
}

// add declares one more resource, with what AWS would answer.
func (p *program) add(token, name string, place partition.Place, state map[string]any) *graph.Resource {
	r := &graph.Resource{
		URN: "urn:pulumi:" + p.Stack + "::" + p.Project + "::" + token + "::" + name, Type: token, Name: name, Custom: true, ID: name, Place: place,
		Inputs: resource.NewPropertyMapFromMap(state), Outputs: resource.NewPropertyMapFromMap(state),
	}
	p.Resources = append(p.Resources, r)
	return r
}

// edit changes the policy document in a property.
func (p *program) edit(kind, name, property string, change func(*policy.Document)) {
	p.t.Helper()
	r := p.find(kind, name)
	doc, err := policy.Parse([]byte(r.Outputs[resource.PropertyKey(property)].StringValue()))
	if err != nil {
		p.t.Fatal(err)
	}
	change(&doc)
	p.set(kind, name, property, doc.JSON())
}

// statement returns the statement whose Sid begins with the given words.
func statement(doc *policy.Document, sid string) *policy.Statement {
	for i := range doc.Statements {
		if strings.HasPrefix(doc.Statements[i].Sid, sid) {
			return &doc.Statements[i]
		}
	}
	panic("there is no statement " + sid)
}

// dropStatements takes the statements away whose Sid begins with the given words.
func dropStatements(doc *policy.Document, sid string) {
	doc.Statements = slices.DeleteFunc(doc.Statements, func(s policy.Statement) bool { return strings.HasPrefix(s.Sid, sid) })
}

func (p *program) verify(o verify.Options) *verify.Report {
	if slices.Contains(exampleStacks, p.Stack) {
		o.Elsewhere = options(p.t, p.Stack).Elsewhere
	}
	return verify.Run(verify.FromGraph(p.Graph), o)
}

// named are the violations of a rule.
func named(r *verify.Report, rule string) []verify.Violation {
	return slices.DeleteFunc(slices.Clone(r.Violations), func(v verify.Violation) bool { return v.Rule != rule })
}
