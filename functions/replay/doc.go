// Package replay brings back what Firehose could not deliver. Firehose wraps such records as JSON documents, a document
// per record with its bytes in rawData, and writes them under the stream's error prefix
// (https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html). Replay reads these
// objects, decodes the records and puts them onto the stream again. The objects themselves are only ever read.
//
// # Once
//
// Every version of an error object has a marker in the same bucket, <replay prefix><the object's folder><SHA-256 of key and
// version>.json. It is a claim and a record of progress at once, and it is written conditionally only (If-None-Match and If-Match,
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html):
//
//   - claimed: a run works on the object until the time in the marker. Other runs pass over it (Busy).
//   - open: nobody works on it, and some records are not on the stream. The next run tries those, and only those.
//   - done: every record has been accepted by the stream. It is never touched again.
//
// Records go in batches of one PutRecordBatch call (at most 500 records and 4 MiB). After each batch the marker says
// which records the stream has acknowledged, by their number in the object. A record that was acknowledged and recorded
// is never put again, not by a later run and not by one at the same time.
//
// # What remains at-least-once
//
// Firehose has no token that would make a repeated put harmless, so between the stream's acknowledgement and the
// marker's there is a gap that nobody can close:
//
//   - A run that dies there, or can't write the marker, has put one batch that isn't recorded. The next run, which takes
//     the object over when the claim has run out, puts it again: at most one batch, 500 records or 4 MiB, per death. Its
//     report says so (InDoubt).
//   - A connection that breaks before the stream's answer: package putback sends that call again.
//   - A claim is a lease by the clock. A put ends before its lease does, with a tenth of it to spare; only clocks that
//     differ by more than that (of 15 minutes: 90 seconds) can let two runs put the same batch.
//
// Nothing is ever lost by replay: what isn't acknowledged stays open, and the source object stays where it is.
//
// # What is reported
//
// For each object: its records, how many are on the stream by this run and by earlier ones, how many are not, and for
// which reasons. A document that can't be read, or a record above PutRecordBatch's 1,000 KiB, keeps its object open:
// somebody has to look at it.
//
// # A circle with a pause
//
// A record that the transform refuses again comes back as a new error object, with a marker of its own. Run by hand,
// that is what one wants to see. Run by events of the error prefix, it is a circle: it never grows, since a record makes
// at most one new document, and LOGARCHIVE_REPLAY_MIN_AGE_MINUTES bounds how often it goes round.
package replay
