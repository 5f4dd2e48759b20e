// Package sandbox is a local stand-in for AWS: the real Pulumi engine deploys into it, and log lines flow through what
// was deployed, into objects in files. It needs no account, no network and no credentials.
//
// # The world
//
// A [World] is what exists: objects with a type, a place (account and region) and an id, as package catalog describes
// their types. It is a directory (.sandbox) with an append-only journal, in which every change has a checksum and is on
// disk before it is acknowledged. A process that is killed in the middle of a change leaves a world with or without that
// change, never with half of it. One process at a time may change a world; any number may read it ([OpenWorldReadOnly]).
//
// What a stack refers to and doesn't make itself (VPCs, databases, log groups of others, the role in the log-archive
// account) is taken over from its configuration by [World.Adopt].
//
// # The provider
//
// [Serve] answers Pulumi's provider protocol for the package aws on a TCP port. An engine finds it by the environment
// variable PULUMI_DEBUG_PROVIDERS ([Server.Env]), and opens a connection for each provider instance of the program; the
// connection's Configure call says in which account and region the instance acts, and logs in: an account that isn't
// allowed, or a role that doesn't exist or wants another external id, is refused there.
//
// Resources are checked in three steps, each with all of its findings at once:
//
//   - Check: what the inputs alone tell, by the catalog (unknown and missing properties, names, numbers, ARNs).
//   - Create and Update: what AWS knows besides: names that are taken, things that are referred to and don't exist, or are
//     in another region or account, principals that don't exist, quotas, and services that may not yet use what they are
//     given (a flow log before the bucket's policy, a subscription filter before its role's policy). The errors have
//     AWS's own codes.
//   - Delete: a bucket with objects in it, a role with policies, a vault with recovery points. A KMS key isn't deleted but
//     waits for its deletion.
//
// A resource type that the catalog doesn't model is an error that says so, and so is every function (aws.getX).
//
// Previews make nothing, and what only AWS could tell is unknown in them.
//
// # Functions
//
// A stream with a Lambda processor, a rule and a queue call the project's own functions in this process, as Firehose,
// EventBridge and Lambda would: bytes of JSON in and out, with their limits, retries and timeouts by the sandbox's clock, their
// requests decided by their roles' policies. What goes on by itself, without a call that waits for it, is [Background].
//
// What a function writes to its log is in lambda/<account>/<region>/<function>.log. Which function a declared one runs is told by
// the component that it is of, or by the environment variable LOGARCHIVE_FUNCTION; any other is refused.
//
// # Interrupted creations
//
// When the engine or the sandbox was killed between a creation and the engine's note of it, [World.Finder] finds the
// object again by the URN and the inputs that it was made with.
package sandbox
