package verify

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/logarchive/logarchive/policy"
)

// policyAt is one policy with the resource that carries it.
type policyAt struct {
	carrier *Resource
	kind    policy.Kind
	// name tells several policies of one carrier apart: a role's inline policies.
	name     string
	document policy.Document
	// compiled has a policy of its own for each statement, so that one can be changed without the others being compiled
	// again. The statements of a layer count together, so to the evaluator it is the same.
	compiled []*policy.Policy
	// problems are what AWS would refuse in the document. They are looked for once: it takes longer than most proofs.
	problems []policy.Problem
	size     int // of an inline policy, as AWS counts it
}

// id names the policy in the deployment.
func (at *policyAt) id() string {
	id := at.carrier.URN + "#" + at.kind.String()
	if at.name != "" {
		id += "#" + at.name
	}
	return id
}

// statementAt is a statement by its place.
type statementAt struct {
	*policyAt
	index int // from 0
}

func (s statementAt) statement() policy.Statement { return s.document.Statements[s.index] }

// cause is the statement in a report's words.
func (s statementAt) cause() Cause {
	st := s.statement()
	return Cause{Carrier: s.carrier.URN, Kind: s.kind, Index: s.index, Sid: st.Sid, Effect: st.Effect}
}

// read parses and compiles the policy that a property holds. nil means that there is none, or that it can't be read, which
// is a violation: a proof without it would be worth nothing.
func (d *Deployment) read(carrier *Resource, kind policy.Kind, name string, in object, property string) *policyAt {
	at := &policyAt{carrier: carrier, kind: kind, name: name}
	value := in.value(property)
	var text string
	switch {
	case value.IsNull():
		return nil
	case value.IsString():
		text = value.StringValue()
	case value.IsObject():
		// Programs in other languages may give a document as an object; the provider makes JSON of it.
		data, err := json.Marshal(value.Mappable())
		if err != nil {
			return d.unreadable(at, fmt.Errorf("property %s: %w", property, err), "write the document as JSON text")
		}
		text = string(data)
	default:
		return d.unreadable(at, fmt.Errorf("property %s is encrypted, or not known yet", property), "export the stack with pulumi stack export --show-secrets")
	}
	if text == "" {
		return nil
	}
	doc, err := policy.Parse([]byte(text))
	if err == nil {
		err = d.install(at, doc)
	}
	if err != nil {
		return d.unreadable(at, err, "write the document in the IAM policy grammar")
	}
	return at
}

func (d *Deployment) unreadable(at *policyAt, err error, remedy string) *policyAt {
	d.problems = append(d.problems, Violation{
		Rule: ruleDocument, Resource: at.carrier.URN, Reason: fmt.Sprintf("its %s can't be read: %v", at.kind, err), Remedy: remedy,
	})
	return nil
}

// install compiles a document and makes it the policy's.
func (d *Deployment) install(at *policyAt, doc policy.Document) error {
	compiled := make([]*policy.Policy, 0, len(doc.Statements))
	for i, s := range doc.Statements {
		p, err := compileStatement(at.id()+"#"+strconv.Itoa(i), doc.Version, s)
		if err != nil {
			return err
		}
		compiled = append(compiled, p)
	}
	if len(compiled) == 0 {
		// Also a policy without statements is one: a role or a key that has it trusts nobody.
		p, err := policy.Compile(at.id(), doc)
		if err != nil {
			return err
		}
		compiled = append(compiled, p)
	}
	at.document, at.compiled, at.problems = doc, compiled, doc.Validate(at.kind)
	if at.kind == policy.Inline {
		at.size = doc.Size(policy.Inline)
	}
	d.policies[at.id()] = at
	for i := range doc.Statements {
		d.statements[compiled[i].ID()] = statementAt{at, i}
	}
	return nil
}

// compileStatement makes a policy of one statement.
func compileStatement(id, version string, s policy.Statement) (*policy.Policy, error) {
	return policy.Compile(id, policy.Document{Version: version, Statements: []policy.Statement{s}})
}
