package components

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// unknownKey stands for a key whose ARN isn't known yet. It is as long as a real one, so that a document that is built
// with it has its final size.
func unknownKey(place partition.Place) string {
	return place.ARN(partition.KMS, "key/00000000-0000-0000-0000-000000000000").String()
}

// document checks a policy before anything is registered; field is where its contents come from.
func (p *problems) document(field, what string, kind policy.Kind, doc policy.Document, err error) {
	p.refuse(field, what, err)
	if err != nil {
		return
	}
	for _, problem := range doc.Validate(kind) {
		p.add(field, what, "%s", problem)
	}
}

// inlinePolicies checks the policies of one role, which have one limit together.
func (p *problems) inlinePolicies(field string, docs map[string]policy.Document) {
	total := 0
	for _, what := range slices.Sorted(maps.Keys(docs)) {
		p.document(field, "role policy "+what, policy.Inline, docs[what], nil)
		total += docs[what].Size(policy.Inline)
	}
	if limit, err := partition.Everywhere(partition.InlineRolePolicies); err == nil && int64(total) > limit {
		p.add(field, "role policies", "have %d characters together, the limit is %d", total, limit)
	}
}

// documentOf builds a policy that names a key, when the key's ARN is known.
func documentOf(keyArn pulumi.StringInput, build func(keyArn string) (policy.Document, error)) pulumi.StringOutput {
	return keyArn.ToStringOutput().ApplyT(func(arn string) (string, error) {
		doc, err := build(arn)
		return doc.JSON(), err
	}).(pulumi.StringOutput)
}

// trust is the policy of a role that one service may assume under the given conditions.
func trust(place partition.Place, service partition.Service, conditions policy.Conditions) (policy.Document, error) {
	principal, err := place.PrincipalFor(service, partition.Trust)
	if err != nil {
		return policy.Document{}, err
	}
	return policy.Document{Statements: []policy.Statement{{
		Effect:    policy.Allow,
		Principal: policy.Services(principal),
		Action:    []string{"sts:AssumeRole"},
		Condition: conditions,
	}}}, nil
}

// tags returns nil for none, so that no empty map is declared.
func tags(of map[string]string) pulumi.StringMap {
	if len(of) == 0 {
		return nil
	}
	return pulumi.ToStringMap(of)
}
