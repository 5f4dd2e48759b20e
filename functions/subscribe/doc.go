// Package subscribe gives every log group that is to be archived its subscription filter, however many there are.
//
// It is three handlers in one function; the event's form says which one it is for.
//
//   - The sweep (a schedule, or {"sweep":true}) pages through the log groups and sends one work item per group to an SQS
//     queue. It never touches a group itself: a sweep that subscribed thousands of groups in one invocation would meet
//     Lambda's 15 minutes, and one bad group would stop all those behind it. Near its deadline it sends its position to
//     the queue, from which another invocation goes on.
//   - The event (CreateLogGroup, from CloudTrail by EventBridge) becomes one work item. It is the quick way for a new
//     group; the next sweep finds whatever an event missed.
//   - The worker (the queue) subscribes the group of each item and answers which items failed, so that SQS delivers
//     only those again, and after maxReceiveCount moves them to the dead letter queue.
//
// # What the worker does with a group
//
//   - It is this pipeline's own, excluded, not included, of another log class than STANDARD, or hasn't the tags: nothing.
//   - It has our filter, as it should be: nothing. Our filter is known by its name.
//   - It has our filter with another destination, role or pattern: our filter is put again, under its name.
//   - A filter with another name leads to our destination already (the stack's configuration names the group):
//     nothing, since a second one would archive every line twice.
//   - It has at most one filter of others: ours is put. A group may have two.
//     https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
//   - It has two filters of others: LimitReached, a metric and an error line. Repeating is no use, so the item is done,
//     or goes to the dead letter queue at once (LOGARCHIVE_SUBSCRIBE_LIMIT_REACHED=dead-letter). Foreign filters are
//     never changed.
//   - It is gone: done.
//   - Throttling, a conflict with another change, a fault of the service: some attempts with growing pauses, then the
//     item fails. Anything else, such as a denied access, fails at once. A failed item never stops the others.
//
// Doing an item twice, in whatever order, alone or at the same time, has the same result as doing it once.
//
// # Retention
//
// With LOGARCHIVE_SUBSCRIBE_RETENTION_DAYS the worker also sets the retention of each group that has our filter and keeps
// its events for ever; a retention that is there is never changed. A group that is older than the retention is left as it
// is, and counted (RetentionOlder): CloudWatch Logs would delete its oldest events at once, and nobody has archived those.
// A group that others subscribe to our destination is theirs, its retention too.
//
// # Feeding back
//
// A pipeline that carries its own functions' logs feeds itself. LOGARCHIVE_SUBSCRIBE_OWN_GROUPS names the prefixes of
// the pipeline's groups; this function's own group and the error log group of the destination stream are known without
// being named. All are refused by the sweep, the event and the worker, whoever sent the item.
package subscribe
