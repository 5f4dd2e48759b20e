// Package policy is the IAM policy language: typed documents that the components build their policies with, and an
// evaluator that decides requests as AWS does.
//
// A document is built from values, checked by [Document.Validate] against the rules and the size limit of its kind,
// and written by [Document.JSON], always to the same bytes:
//
//	doc := policy.Document{Statements: []policy.Statement{{
//		Sid:       "AllowFlowLogs",
//		Effect:    policy.Allow,
//		Principal: policy.Services(delivery),
//		Action:    []string{"s3:PutObject"},
//		Resource:  []string{partition.ObjectARN(p, bucket, "flow-logs-direct/*").String()},
//		Condition: policy.Conditions{}.With("StringEquals", "aws:SourceAccount", "111122223333"),
//	}}}
//
// The language is that of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
package policy
