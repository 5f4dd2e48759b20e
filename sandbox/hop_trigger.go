package sandbox

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// triggerPolicies are the policies of a function, which are its permissions, or of a queue. They are called after what they
// are of, for reasons.
func (a *policyAuthorizer) triggerPolicies(c *carrier, arn partition.ARN) []string {
	switch arn.Service {
	case partition.Lambda:
		return a.permissions(c, arn)
	case partition.SQS:
		c.name = "the policy of queue " + arn.Resource
		queue, ok := a.world.ByARN(arn.String())
		if !ok {
			return nil
		}
		documents := []string{queue.Text("policy")}
		visit(a.world, queuePolicy, func(o *Object) {
			if o.Text("queueUrl") == queue.ID {
				documents = append(documents, o.Text("policy"))
			}
		})
		return documents
	}
	return nil
}

// permissions makes the policy of a function: each permission is a statement.
func (a *policyAuthorizer) permissions(c *carrier, arn partition.ARN) []string {
	c.arn = functionARN(arn.String())
	name := c.arn[strings.LastIndexByte(c.arn, ':')+1:]
	c.name = "the policy of function " + name
	var document policy.Document
	for _, o := range a.world.List(permissionToken) {
		if of := o.Text("function"); of != c.arn && (o.Place != arn.Place() || of != name) {
			continue
		}
		document.Statements = append(document.Statements, policy.Permission{
			StatementID: o.Text("statementId"), Action: o.Text("action"), Principal: o.Text("principal"), SourceARN: o.Text("sourceArn"), SourceAccount: o.Text("sourceAccount"),
		}.Statement(arn.String()))
	}
	if len(document.Statements) == 0 {
		return nil
	}
	return []string{document.JSON()}
}
