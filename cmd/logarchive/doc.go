// Logarchive is the command line of the log archive.
//
//	logarchive demo                          run the main job without AWS
//	logarchive up|preview|refresh|destroy    work on a stack, in AWS or in the sandbox
//	logarchive graph                         show what a stack declares, without engine or AWS
//	logarchive verify                        prove every path of a stack, or of a deployed state
//	logarchive simulate                      decide single requests, as IAM's simulator does
//	logarchive function transform            run the transform function on a Lambda event
//	logarchive replay                        put records back that Firehose couldn't deliver
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
