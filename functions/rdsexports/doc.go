// Package rdsexports switches on the exports of databases to CloudWatch Logs, of databases that the program doesn't own.
//
// It is two handlers in one function; the event's form says which one it is for.
//
//   - The life of one database in the program: {"database": {…}, "tf": {"action": "create"}}, as Pulumi's
//     aws.lambda.Invocation with lifecycleScope CRUD sends it; action is create, update or delete. The answer is a
//     [Report].
//   - The check (a schedule): {"check": [{…}, …]}. The databases are compared with what the program wants; the answer is a
//     [Summary], and metrics tell of what differs.
//
// # What it does with a database
//
//   - Create and update: log types that are wanted and not switched on are switched on, in one ModifyDBInstance or
//     ModifyDBCluster with a list of types and nothing else. RDS applies that at once, without a restart, and without
//     what else may be pending: ApplyImmediately isn't sent.
//   - Types that are switched on already are left as they are, whoever did it.
//   - What the function has switched on is noted in a tag of the database, after RDS has taken it. If the function ends
//     between the two, nobody remembers, and the type stays on: forgetting never stops a log.
//   - Delete, and types that are no longer wanted: with ON_REMOVAL=keep (the default) nothing is switched off, for logs
//     mustn't stop because a stack was destroyed. With restore, those types are switched off that the tag names; what
//     somebody else has switched on never is. A database that is gone is no error then.
//   - A database that can't be changed at the moment is waited for, as long as the invocation's time lasts. Then it is an
//     error that says so: running `pulumi up` again goes on. One that can't be changed before somebody does something
//     (stopped, failed) is an error at once.
//   - The parameters and options that the logs need are read and reported, never changed.
//
// Doing any of it twice, or after it was cut short, has the same result as doing it once.
//
// # Drift
//
// The check counts databases that lack a wanted type (Drifted), and with MEND=true switches those on. It counts databases
// that can't be read or are gone (Unreachable), and what the parameters lack (Findings).
package rdsexports
