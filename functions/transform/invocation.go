package transform

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/emmansun/base64"
)

// invocation is what Firehose hands to a transformation function.
type invocation struct {
	id      string
	stream  string // name of the delivery stream, from deliveryStreamArn
	region  string
	kinesis bool // the stream reads from Kinesis, so nothing can be put onto it directly
	records []record
}

// record is one record of the invocation, as spans of its JSON text.
type record struct {
	id   []byte // recordId with its quotes, as it stands
	data []byte // content of the data string between its quotes; nil when there is none
}

var errInvocation = errors.New("not a Firehose transformation event")

// parseInvocation reads the event. Only an event that can't be answered is an error: Lambda then fails the invocation
// and Firehose tries again, up to 3 times, before the whole batch goes to the error prefix.
// https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html
func parseInvocation(b []byte, records []record) (invocation, error) {
	inv := invocation{records: records[:0]}
	s := scanner{b: b} // whitespace and control characters are checked string by string
	i := s.space(0)
	if s.at(i) != '{' {
		return inv, fmt.Errorf("%w: no JSON object", errInvocation)
	}
	seen := false
	end, err := s.object(i, 0, func(key []byte, at int) (int, error) {
		switch string(key) {
		case "invocationId", "deliveryStreamArn", "region", "sourceKinesisStreamArn":
			end := s.value(at, 1)
			if end < 0 {
				return -1, nil
			}
			v, _ := unquote(b[at:end])
			switch string(key) {
			case "invocationId":
				inv.id = v
			case "deliveryStreamArn":
				inv.stream = lastPart(v)
			case "region":
				inv.region = v
			case "sourceKinesisStreamArn":
				inv.kinesis = v != ""
			}
			return end, nil
		case "records":
			seen = true
			inv.records = inv.records[:0]
			return inv.readRecords(&s, at)
		}
		return s.value(at, 1), nil
	})
	switch {
	case err != nil:
		return inv, err
	case end < 0 || s.space(end) != len(b):
		return inv, fmt.Errorf("%w: invalid JSON", errInvocation)
	case !seen:
		return inv, fmt.Errorf("%w: no records", errInvocation)
	}
	return inv, nil
}

func (inv *invocation) readRecords(s *scanner, i int) (int, error) {
	if s.at(i) != '[' {
		return -1, fmt.Errorf("%w: records is not an array", errInvocation)
	}
	if i = s.space(i + 1); s.at(i) == ']' {
		return i + 1, nil
	}
	for {
		var r record
		if s.at(i) != '{' {
			return -1, fmt.Errorf("%w: records[%d] is not an object", errInvocation, len(inv.records))
		}
		end, err := s.object(i, 2, func(key []byte, at int) (int, error) {
			end := s.value(at, 3)
			if end >= 0 && s.b[at] == '"' {
				switch string(key) {
				case "recordId":
					r.id = s.b[at:end]
				case "data":
					r.data = s.b[at+1 : end-1]
				}
			}
			return end, nil
		})
		if end < 0 || err != nil {
			return -1, err
		}
		if r.id == nil {
			return -1, fmt.Errorf("%w: records[%d] has no recordId", errInvocation, len(inv.records))
		}
		inv.records = append(inv.records, r)
		i = s.space(end)
		switch s.at(i) {
		case ',':
			i = s.space(i + 1)
		case ']':
			return i + 1, nil
		default:
			return -1, nil
		}
	}
}

// decode appends the record's bytes to dst.
func (r record) decode(dst []byte) ([]byte, error) {
	data := r.data
	n := len(dst)
	dst = reserve(dst, base64.StdEncoding.DecodedLen(len(data))+simdSlack)
	m, err := base64.StdEncoding.Decode(dst[n:cap(dst)], data)
	if err != nil {
		// A writer of JSON may have escaped a slash or a plus sign.
		text, bad := unquote(append(append([]byte{'"'}, data...), '"'))
		if bad != nil || len(text) == len(data) {
			return dst[:n], err
		}
		if m, err = base64.StdEncoding.Decode(dst[n:cap(dst)], []byte(text)); err != nil {
			return dst[:n], err
		}
	}
	return dst[:n+m], nil
}

// simdSlack is room behind a buffer for a vector loop that stores whole registers.
const simdSlack = 64

// reserve grows dst so that n more bytes fit, and leaves its length.
func reserve(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	grown := make([]byte, len(dst), max(len(dst)+n, 2*cap(dst)))
	copy(grown, dst)
	return grown
}

// unquote decodes a JSON string with its quotes; anything else gives "" and an error.
func unquote(raw []byte) (string, error) {
	var s string
	if len(raw) == 0 || raw[0] != '"' {
		return "", errors.New("not a JSON string")
	}
	err := json.Unmarshal(raw, &s)
	return s, err
}

// unescape decodes the text of a JSON string, which the scanner has accepted.
func unescape(text []byte) []byte {
	quoted := append(append(make([]byte, 0, len(text)+2), '"'), text...)
	s, err := unquote(append(quoted, '"'))
	if err != nil {
		return text
	}
	return []byte(s)
}

// lastPart is what follows the last slash, as the name in an ARN.
func lastPart(arn string) string {
	for i := len(arn) - 1; i >= 0; i-- {
		if arn[i] == '/' {
			return arn[i+1:]
		}
	}
	return arn
}

// object reads an object that begins at i, inside depth others; member is called for each key with the index of its
// value and answers the index behind it, -1 for invalid JSON.
func (s *scanner) object(i, depth int, member func(key []byte, at int) (int, error)) (int, error) {
	if depth >= maxDepth {
		return -1, nil
	}
	if i = s.space(i + 1); s.at(i) == '}' {
		return i + 1, nil
	}
	for {
		key, at := s.key(i)
		if at < 0 {
			return -1, nil
		}
		end, err := member(key, at)
		if end < 0 || err != nil {
			return -1, err
		}
		i = s.space(end)
		switch s.at(i) {
		case ',':
			i = s.space(i + 1)
		case '}':
			return i + 1, nil
		default:
			return -1, nil
		}
	}
}
