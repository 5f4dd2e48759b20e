// Logarchive is the command line of the log archive.
//
//	logarchive demo                          run the main job without AWS
//	logarchive up|preview|refresh|destroy    work on a stack, in AWS or in the sandbox
//	logarchive graph                         show what a stack declares, without engine or AWS
//	logarchive sandbox ...                   the local AWS stand-in: send lines, look at what arrived
//	logarchive engine                        find the Pulumi CLI, or build it
//	logarchive version
//
// Results go to standard output, progress and errors to standard error. With --json a result is one JSON document.
//
// # Exit codes
//
//	0  done
//	1  it failed, was refused, or was interrupted
//	2  bad usage or bad configuration; nothing was touched
package main
