package policy_test

import (
	"testing"

	"github.com/logarchive/logarchive/policy"
)

func TestPermission(t *testing.T) {
	t.Parallel()
	const arn = "FUNCTION"
	for want, p := range map[string]policy.Permission{
		`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"lambda:InvokeFunction","Resource":"FUNCTION"}]}`: {StatementID: "a", Action: "lambda:InvokeFunction", Principal: "111122223333"},
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"lambda:*","Resource":"FUNCTION","Condition":{"ArnLike":{"aws:SourceArn":"x"},"StringEquals":{"aws:SourceAccount":"1"}}}]}`: {
			Action: "lambda:*", Principal: "*", SourceARN: "x", SourceAccount: "1"},
	} {
		if got := (policy.Document{Statements: []policy.Statement{p.Statement(arn)}}).JSON(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
