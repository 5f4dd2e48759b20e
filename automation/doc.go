// Package automation runs Pulumi stacks: preview, up, refresh, destroy, history, with typed events and results, on the
// real engine through Pulumi's Automation API.
//
// # The engine
//
// [FindEngine] takes the Pulumi CLI from PATH when it is recent enough; otherwise it builds the pinned version from its
// Go module, once, into the user's cache directory. Nothing is downloaded but Go modules.
//
// # The workspace
//
// [Open] prepares a private folder with copies of Pulumi.yaml and Pulumi.<stack>.yaml: the engine writes into its stack
// file (encryptionsalt), and the user's own files must never change because a command was run. The program runs
// inline, in this process; no language host is needed.
//
// # Interrupted at any moment
//
// Whatever was killed, the next operation starts from a sound state:
//
//   - A lock whose process is dead on this host is released ([Lock.Stale]); a lock of a living process, or of another
//     host, is an error that says whose it is ([LockedError]).
//   - Creations that the engine had begun and not finished are looked for with the workspace's [Finder]. Those that did
//     happen are written into the state, so that the resource is neither lost nor made twice; the others are cleared.
//     Unfinished updates and deletions are cleared too: the next up repeats them, and both are idempotent.
//
// Each of these is reported as an event of kind [Recovered].
//
// # When this process dies
//
// The CLI runs in a process group of its own, so that Ctrl-C in a terminal reaches it once, by way of the context. On
// Linux the kernel signals it when this process dies: it is killed at once when its provider was served by this
// process ([Options.ProviderInside]), because the provider died in the same moment and a dying provider must not look
// like a failed creation; otherwise it is interrupted, finishes what AWS has begun, writes its state and ends. On other
// systems the engine loses its program in that moment, which ends it in the same orderly way.
package automation
