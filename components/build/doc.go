// Package build makes the deployment packages of this module's Lambda functions from their source: a zip with one file,
// bootstrap, which is what the runtimes provided.al2 and provided.al2023 start
// (https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html).
//
// # Same source, same bytes
//
// The binary has no paths (-trimpath), no build id, no symbols and no version control data; the zip has one entry with a
// fixed time, compressed by a library whose version go.mod pins. So two machines with the same Go version make the same
// file, its SHA-256 is what AWS answers as CodeSha256, and nothing is updated that hasn't changed.
//
// # Cache
//
// A zip is kept in the user's cache directory under the digest of everything that makes it: the Go version, the flags,
// the architecture, go.mod, go.sum, and the source files of the packages of this module that the function depends on, and
// of no others. Finding a function unchanged takes one call of "go list". Processes that need the same zip build it once:
// the second waits for the first. A zip is renamed into place, so that a killed build leaves none.
//
// # Where the source is
//
// In this order:
//
//  1. the folder that the environment variable LOGARCHIVE_SOURCE names;
//  2. the working directory or the nearest folder above it that holds this module: for "pulumi up" that is the project;
//  3. where this program was compiled, if it is still there: for a binary that was built in a checkout;
//  4. the module's zip of the version that this program was built of: for "go install module@version". The go command
//     has it in its module cache, or downloads it.
//
// # What it needs
//
// A Go command. Where there is none, or no source, the error says what to do.
package build
