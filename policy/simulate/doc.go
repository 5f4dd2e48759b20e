// Package simulate answers requests in the shape of the IAM API's SimulateCustomPolicy with package policy's evaluator:
// offline, in both partitions, and for callers that IAM's own simulator refuses.
//
// A request is a JSON object with the fields of [Request]; an unknown field, a field given twice and a value of the
// wrong type are errors. It differs from the API in this:
//
//   - CallerArn may be any caller: a role, a role's session, an account root, or a service principal's name. Without
//     CallerArn the caller is some user of the resource's account.
//   - ResourcePolicy may be a bucket, queue or topic policy, a KMS key policy, or a role's trust policy: what it is
//     follows from the resource and the action. As everywhere, a KMS key allows nothing without its key policy.
//   - ResourceOwner may be an account id, too.
//   - PolicyInputList may be left out when there is a ResourcePolicy (services have no policies of their own).
//   - The context is what ContextEntries say, and nothing more. A type ending in List makes the key multivalued: then
//     conditions need ForAllValues or ForAnyValue.
//   - MaxItems and Marker are read, and change nothing: results aren't cut in pages. So is ResourceHandlingOption.
//
// See https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
package simulate
