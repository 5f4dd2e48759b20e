package sandbox

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

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
