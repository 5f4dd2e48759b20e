'use strict';
// The shape of AWS's Lambda blueprint for CloudWatch Logs in Firehose, written from its public description: decode and
// gunzip each record, parse it, transform each log event by a promise, join the results, encode. What an event becomes
// is the same as in our function, so that all peers make the same lines. Putting records back is not part of it here.
const fs = require('fs');
const readline = require('readline');
const zlib = require('zlib');

function transformLogEvent(payload, logEvent) {
  return Promise.resolve(JSON.stringify({
    id: logEvent.id,
    timestamp: logEvent.timestamp,
    message: logEvent.message,
    logGroup: payload.logGroup,
    logStream: payload.logStream,
    owner: payload.owner,
  }) + '\n');
}

function handler(event) {
  return Promise.all(event.records.map((r) => {
    let payload;
    try {
      payload = JSON.parse(zlib.gunzipSync(Buffer.from(r.data, 'base64')));
    } catch (e) {
      return Promise.resolve({ recordId: r.recordId, result: 'ProcessingFailed', data: r.data });
    }
    if (payload.messageType === 'CONTROL_MESSAGE') {
      return Promise.resolve({ recordId: r.recordId, result: 'Dropped' });
    }
    if (payload.messageType !== 'DATA_MESSAGE') {
      return Promise.resolve({ recordId: r.recordId, result: 'ProcessingFailed', data: r.data });
    }
    return Promise.all(payload.logEvents.map((e) => transformLogEvent(payload, e))).then((lines) => ({
      recordId: r.recordId,
      result: 'Ok',
      data: Buffer.from(lines.reduce((a, line) => a + line, '')).toString('base64'),
    }));
  })).then((records) => ({ records }));
}

// The protocol of the peers: a path a line comes in, or "check", a path and where to write the answer; one line with
// the nanoseconds of CPU and of wall time, and the answer's size, goes out. Text in, text out is measured, as Lambda's
// runtime for this language does the parsing of the event, too.
const files = new Map();
readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const [path, answerPath] = line.split('\t');
  if (!files.has(path)) files.set(path, fs.readFileSync(path));
  const bytes = files.get(path);
  const wall = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  const answer = Buffer.from(JSON.stringify(await handler(JSON.parse(bytes.toString()))));
  const used = process.cpuUsage(cpu);
  const took = process.hrtime.bigint() - wall;
  if (answerPath) fs.writeFileSync(answerPath, answer);
  console.log(`${(used.user + used.system) * 1000} ${took} ${answer.length}`);
});
