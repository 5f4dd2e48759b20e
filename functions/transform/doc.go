// Package transform is the function that Firehose calls for every buffer of CloudWatch Logs subscription data: gzip
// JSON in, newline-delimited JSON out, one object per log event:
//
//	{"id":…,"timestamp":…,"message":…,"logGroup":…,"logStream":…,"owner":…[,extra fields]}
//
// The values are the JSON text that came in, byte for byte: a message is never decoded and encoded again, so whatever
// it holds, escapes, lone surrogates, CRLF, a megabyte, is what arrives. Keys may come in any order, unknown ones are
// passed over, a record may hold several documents and several gzip members.
//
// # Results
//
// Every recordId of the event gets exactly one result, in the order of the event.
//
//   - Ok: its lines.
//   - Dropped: it held no log events (a CONTROL_MESSAGE, by which CloudWatch Logs tests the destination), or it was put
//     back onto the stream.
//   - ProcessingFailed: it can't be read, or fits no answer and couldn't be put back. Its data comes back untouched, and
//     Firehose writes it to the error prefix, whole.
//
// https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
//
// # The response limit
//
// An answer is limited to 6 MB, and a buffer of 1 MB of gzip usually becomes more. At any time room is kept for every
// record that is not settled yet to fail with its data, so the limit holds whatever comes last.
//
//   - A record that doesn't fit any more is put back onto the stream as it is, often without being decompressed.
//     If the stream takes it, its result is Dropped; if not, ProcessingFailed. Never both, never neither.
//   - A record that fits no answer at all is divided: as many events as fit are delivered, all others go back as one
//     smaller record. It is one record so that the stream's answer is one, too: if it is taken, the result is Ok with
//     the events delivered; if not, ProcessingFailed with nothing delivered. With several smaller records the stream
//     could take some and refuse others, and then there is no right result any more.
//   - An event that fits no answer alone fails alone, after the others of its record have left it.
//
// Putting back costs a second ingestion, so the buffer should be small enough to make it rare: text logs become about
// 12 times as large as their gzip, in base64, so that BufferSizeInMBs 0.4 fits (of a full 1 MB, more than half goes
// back). Gzip in the answer was weighed and left out: it would halve the throughput of every invocation, and a buffer
// of the right size has the same effect for nothing.
//
// A stream that reads from Kinesis accepts no records, so there what doesn't fit fails.
//
// # Recursion is bounded, and visible
//
// A record carries how often it has been put back in the extra field of its gzip header (subfield "LA", one byte): the
// log data is not touched, and any gzip reader passes over it. Records with the highest count find room first. At
// Config.MaxReingestions a record has to fit or fail. The metrics Reingested and MaxReingestions show both.
//
// # Partition keys
//
// With Config.Partition set, a result carries the keys for dynamic partitioning, year to hour being the event's own, so
// that late data goes to the hour that it belongs to. One result has one set of keys. When a record's events belong to
// several hours, or groups, those of the first event's partition are delivered and the others are put back, a record
// for each partition, which in the next invocation has keys of its own. If the stream refuses such a part, or the
// record has been put back too often, its events are delivered under the first event's keys and counted in the metric
// Misplaced: a line in the wrong hour can be found, one delivered twice or not at all can't be mended.
//
// # What it writes
//
// One line of metrics per invocation (embedded metric format), one line per kind of problem with a count and the first
// recordId, a sample of invocations. Never log data. The number of lines doesn't grow with the events, and an
// invocation that carried only lines of the function's own log group writes nothing, so that a subscription to that
// group dies down instead of feeding itself.
//
// # Speed
//
// Nearly all the time is decompression. The lines of CloudWatch Logs' own layout are copied with two moves per event,
// and the answer is written once, base64 straight into the response's JSON. All memory is used again: there is no
// allocation per event or per record.
package transform
