// Package catalog is the one table of the AWS resource types that the program declares: what each takes, what AWS
// makes of it, what AWS refuses, what a change replaces, and what it points to.
//
// Package graph asks it for the outputs of a recorded resource, package sandbox for everything. Half of the table is
// generated from the Go source of the Pulumi AWS SDK (schema_generated.go: properties, kinds, what is required, what
// forces a new resource); the other half, a file for each AWS service, is written by hand from AWS's documentation:
// identity, computed outputs, the provider's defaults, AWS's own limits with its own error codes, and references.
//
// A type that the table doesn't have is answered with false by [Lookup]; callers say so and never guess.
//
// # Values
//
// Property maps are those of the Pulumi engine. Secrets are read through and stay secret in the outputs. An unknown
// value (in a preview) passes every check, and an output that depends on it is unknown, too.
//
// # Paths
//
// A [Failure] names its property by a path such as rules[0].transitions[1].days. The tables of this package name
// properties without the positions: rules.transitions.days means that property of every rule's every transition.
//
// # Ids
//
// Where AWS draws an id at random (a key's UUID, a flow log's number) the id is derived from the type, the place,
// the logical name and [Request.Salt], so that the same program always gives the same graph.
package catalog
