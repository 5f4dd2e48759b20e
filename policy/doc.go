// Package policy is the IAM policy language: typed documents that the components build their policies with, and an
// evaluator that decides requests as AWS does.
//
// # Documents
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
//
// # Decisions
//
// [Compile] makes a document ready, once; [Evaluate] decides a request by all policies that have their say. It is a
// pure function that collects every statement that matches, and takes a microsecond or two:
//
//	key, err := policy.Compile("archive-key", doc)
//	d := policy.Evaluate(policy.Request{
//		Caller:   policy.Service(delivery),
//		Action:   "kms:GenerateDataKey",
//		Resource: keyARN,
//		Context:  policy.Context{"aws:SourceAccount": policy.One("111122223333")},
//	}.Derived(), policy.Policies{Resource: []*policy.Policy{key}})
//
// d.Outcome is allowed, explicitDeny or implicitDeny, d.Reasons has the statements that matched, and d.Lacking the
// sorts of policies that don't allow. [Explain] says of every statement what keeps it from matching, and [Missing]
// which condition keys the policies ask for in vain.
//
// The decisions are tested against those of another implementation (testdata/corpus). Where AWS's documentation and
// that one differ, the documentation wins.
package policy
