// Package verify proves, over what a Pulumi program declares or what a stack's state has, that every log line can get from its
// source to the archive, and says why not where it can't.
//
//	d := verify.FromGraph(g) // of graph.Record, or of graph.FromExport
//	r := verify.Run(d, verify.Options{MinimumRetention: 365})
//	err := verify.Write(os.Stdout, r, verify.FormatTable)
//
// It works on any program, not only on ours. A [Deployment] indexes the resources by what AWS knows them by (ARNs, names).
// [Run] finds the sources among them: flow logs, subscription filters, trails, access logs of buckets and load balancers,
// backup selections, and what a bucket passes on to replicas, queues, topics and functions. Each is followed to its end, over
// log groups, Kinesis and Firehose streams, to the bucket or vault that keeps it. A [Path] has a [Step] from each stop to the
// next, and a step has hops: a [Hop] is a request that a service really makes, with the condition context that it sends. Every
// hop is decided by the policy evaluator with the policies of both sides.
//
// What follows from the proofs:
//
//   - A refused hop names the statement that denies it or is missing, the resource that should carry it, what keeps the nearest
//     statement from allowing it, and the smallest statement that mends it ([Remedy]).
//   - [Rules] about the archive itself, its keys, grants, lifecycle and pipelines, and about what AWS refuses or loses whatever
//     the policies say. Each has an id, a reason with its source, and a remedy; docs/verify-rules.md lists them ([RuleDocs]).
//   - Least privilege: parts of policies that no path needs ([Unneeded]).
//
// A violation can be waived for a time, with a reason ([Waiver]). [Prover] answers for single paths and single requests.
//
// Nothing here asks AWS, and nothing is guessed: a value that can't be read counts as absent, a fact that package partition
// doesn't have is a broken link, and a key or role that isn't declared isn't proven. Three things are taken for granted. A
// managed policy that the program only names is taken to allow what is needed, and the report says so ([Verdict]). A key that
// isn't declared, such as that of a database to back up, is taken to have the default key policy. An organization's control
// policies, and policies that are attached outside of the program, aren't looked at.
//
// The proof is itself tested: every statement, condition, action, resource and principal of both example stacks' policies is
// removed, and every grant widened, one at a time, and each change must be noticed.
package verify
