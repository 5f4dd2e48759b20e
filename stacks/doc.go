// Package stacks is the Pulumi program: it reads a stack's configuration into a validated [Spec] and composes the
// components of package components from it.
//
// # From configuration to resources
//
// The configuration is described once, in the schema of this package ([Fields]). [ParseSpec] checks a whole
// configuration against it and against what AWS accepts, and reports every problem in one [ConfigError] before any
// resource is registered; nothing is guessed. [Compose] then declares the resources.
//
// # Places
//
// A stack acts in three places, and each has a provider of its own, made here:
//
//	home     the source account in the home region: sources, pipelines, the vault that backups are made in
//	backup   the source account in the backup region: the vault that backups are copied to
//	archive  the log-archive account in the backup region, by AssumeRole with an external id: the archive bucket, its key
//
// Every resource gets one of them. The default provider is never used, so that aws:region, aws:profile and the like in
// a stack's configuration have no influence.
//
// # Readings
//
// [Run] is the program of main.go, for `pulumi up`. [Program] is the same for a Spec that is there already: for inline
// programs of the Automation API and for package graph. [LoadConfig] reads a stack's files the way the engine does.
//
//go:generate go run ./generate
package stacks
