// Package corpus makes the log data that the benchmarks run on: Firehose invocations full of CloudWatch Logs
// subscription records, whose lines look like those of VPC flow logs, nginx, a service that logs JSON, MySQL's slow
// query log, and a mixture of the four. Everything comes from a seed: the same seed gives the same bytes.
//
// What matters for speed is kept like the real thing: the envelope's key order, 56-digit event ids that share a long
// prefix within a record, gzip at level 6 (which CloudWatch Logs uses), about 200 to 900 bytes an event.
package corpus

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// Names lists the corpora, in the order of the printed tables.
func Names() []string { return []string{"vpc", "nginx", "app", "slow", "mixed"} }

// Invocation is one Firehose transformation event with its measures.
type Invocation struct {
	Event        []byte // the JSON that Lambda hands to the function
	Records      int    // Firehose records in it
	Events       int    // log events in all records
	Decompressed int    // bytes of subscription JSON before gzip: the "log data" of MB/s figures
}

// Build makes an invocation of about size decompressed bytes with perRecord log events in each record.
// An unknown name is an error that lists the accepted ones.
func Build(name string, perRecord, size int, seed uint64) (Invocation, error) {
	if perRecord < 1 || size < 1 {
		return Invocation{}, fmt.Errorf("corpus %s: perRecord %d and size %d must be positive", name, perRecord, size)
	}
	r := rand.New(rand.NewPCG(seed, uint64(perRecord)))
	pick, ok := pickers[name]
	if !ok {
		return Invocation{}, fmt.Errorf("corpus %q is unknown; known are %v", name, Names())
	}
	var inv Invocation
	var event bytes.Buffer
	event.WriteString(`{"invocationId":"` + uuid(r) + `","deliveryStreamArn":"` + streamARN + `","region":"cn-north-1","records":[`)
	for inv.Decompressed < size {
		k := pick(r)
		doc := Document(r, k, perRecord)
		packed := Gzip(doc)
		if inv.Records > 0 {
			event.WriteByte(',')
		}
		fmt.Fprintf(&event, `{"recordId":"%049d%06d","approximateArrivalTimestamp":%d,"data":"`, r.Uint64(), inv.Records, startMillis+r.Int64N(60_000))
		event.WriteString(base64.StdEncoding.EncodeToString(packed))
		event.WriteString(`"}`)
		inv.Records++
		inv.Events += perRecord
		inv.Decompressed += len(doc)
	}
	event.WriteString(`]}`)
	inv.Event = event.Bytes()
	return inv, nil
}

// The transform takes only the stream's name from the ARN, so no partition is spelled out here.
const (
	streamARN   = "arn:partition:firehose:cn-north-1:111122223333:deliverystream/logs"
	startMillis = int64(1_795_244_400_000) // 2026-11-21T07:00:00Z
)

// Kind is one sort of log: where it comes from and how its lines look.
type Kind struct {
	group, stream string
	line          func(*rand.Rand, int64) string
}

var kinds = []Kind{
	{"/vpc/flow-logs", "eni-0a1b2c3d4e5f60718-all", flowLine},
	{"/ec2/nginx/access", "i-0c5d8f3a2b1e49d07", nginxLine},
	{"/service/orders", "orders-7c9d5b6f4-x2x8p", appLine},
	{"/aws/rds/instance/orders-db/slowquery", "orders-db", slowLine},
}

var pickers = map[string]func(*rand.Rand) Kind{
	"vpc":   func(*rand.Rand) Kind { return kinds[0] },
	"nginx": func(*rand.Rand) Kind { return kinds[1] },
	"app":   func(*rand.Rand) Kind { return kinds[2] },
	"slow":  func(*rand.Rand) Kind { return kinds[3] },
	"mixed": func(r *rand.Rand) Kind { return kinds[r.IntN(len(kinds))] },
}

// Document makes the JSON of one subscription record, in the key order of CloudWatch Logs.
// Kinds lists the sorts of log that the corpora consist of.
func Kinds() []Kind { return kinds }

func Document(r *rand.Rand, k Kind, events int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"%s","logStream":"%s","subscriptionFilters":["to-archive"],"logEvents":[`, k.group, k.stream)
	at := startMillis + r.Int64N(50_000)
	high, low := r.Uint64N(1e18), r.Uint64N(1e18)
	for i := range events {
		if i > 0 {
			b.WriteByte(',')
		}
		// Ids grow with time; within a batch the leading digits hardly move and the trailing ones count up.
		fmt.Fprintf(&b, `{"id":"%020d%018d%018d","timestamp":%d,"message":`, 36_000_000_000_000_000_00+uint64(at), high, low+uint64(i), at)
		b.Write(quote(k.line(r, at)))
		b.WriteByte('}')
		at += r.Int64N(40)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// quote renders s as CloudWatch Logs does: JSON without HTML escaping.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// Gzip compresses at level 6.
func Gzip(doc []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, 6)
	if err != nil {
		panic(err) // 6 is a valid level
	}
	if _, err := w.Write(doc); err != nil {
		panic(err) // a bytes.Buffer takes everything
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func uuid(r *rand.Rand) string {
	s := strconv.FormatUint(r.Uint64()|1<<63, 16) + strconv.FormatUint(r.Uint64()|1<<63, 16)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
