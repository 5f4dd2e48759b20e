package policy_test

import (
	"fmt"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// A bucket in Ningxia lets the log delivery service write for one account of the organization, and for no other.
func ExampleEvaluate() {
	archive := partition.Place{Account: "444455556666", Region: "cn-northwest-1"}
	delivery, err := archive.ServicePrincipal(partition.LogDelivery)
	if err != nil {
		fmt.Println(err)
		return
	}
	objects := partition.ObjectARN(archive.Partition(), "archive", "flow-logs-direct/*").String()
	bucket, err := policy.Compile("bucket archive", policy.Document{Statements: []policy.Statement{{
		Sid:       "AllowFlowLogs",
		Effect:    policy.Allow,
		Principal: policy.Services(delivery),
		Action:    []string{"s3:PutObject"},
		Resource:  []string{objects},
		Condition: policy.Conditions{}.With("StringEquals", "aws:SourceAccount", "111122223333"),
	}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, account := range []string{"111122223333", "999999999999"} {
		d := policy.Evaluate(policy.Request{
			Caller:   policy.Service(delivery),
			Action:   "s3:PutObject",
			Resource: partition.ObjectARN(archive.Partition(), "archive", "flow-logs-direct/AWSLogs/x.gz").String(),
			Owner:    archive.Account,
			Context:  policy.Context{"aws:SourceAccount": policy.One(account)},
		}.Derived(), policy.Policies{Resource: []*policy.Policy{bucket}})
		fmt.Println(account, d.Outcome, d.Reasons, d.Lacking)
	}
	// Output:
	// 111122223333 allowed [Allow by resource policy bucket archive, statement 0 (AllowFlowLogs)] []
	// 999999999999 implicitDeny [] [resource policy]
}
