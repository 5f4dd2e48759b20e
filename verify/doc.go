// Package verify proves, over what a Pulumi program declares, that every log line can get from its source to the archive,
// and says why not where it can't.
//
// It works on any program's graph, not only on ours: a [Deployment] indexes the resources by what AWS knows them by (ARNs,
// names), finds the sources among them (flow logs, subscription filters, backup selections), and follows each to its end. A
// step of the way is a [Hop]: the request that the service really makes, with the condition context that it sends. Each
// hop is decided by the policy evaluator with the policies of both sides.
//
// What follows from the proofs:
//
//   - a refused hop names the missing or denying statement, the resource that should carry it, and the smallest statement
//     that would mend it ([Remedy]);
//   - compatibility: deliveries that AWS refuses or loses whatever the policies say ([Compatibility]);
//   - posture: rules about the archive itself, each with an id, a reason and a remedy ([Rules]);
//   - least privilege: statements that no path uses.
//
// Nothing here asks AWS. What it can't know (an organisation's SCPs, a policy that is attached outside of the program) is an
// input or is not assumed.
package verify
