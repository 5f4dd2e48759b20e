package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
)

// maxDocument bounds what is kept of one document. A record of 1,000 KiB makes one of 1.4 MB; what is larger than this
// can't hold a record that the stream would take, so it is passed over and reported.
const maxDocument = 4 << 20

// document is one error document: a record that Firehose gave up, or a reason why there is none in it.
type document struct {
	data []byte
	code string // Firehose's or Lambda's error code
	bad  string // why the record can't be had; "" when it can
}

// The reasons.
const (
	badSyntax    = "not a JSON document"
	badTruncated = "a JSON document without an end"
	badSize      = "a document above 4 MiB"
	badNoData    = "a document without rawData"
	badBase64    = "rawData is not base64"
)

// reader reads the documents of an error object one after the other, so that an object of any size takes the memory of
// one document. The object may be plain or gzip. Documents are separated by line ends, or by nothing; they may be
// longer than any buffer. A document that is broken costs itself and the rest of its line, not what follows.
type reader struct {
	b    *bufio.Reader
	doc  []byte
	size int
}

func newReader(r io.Reader) (*reader, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	if head, err := b.Peek(2); err == nil && head[0] == 0x1f && head[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		b = bufio.NewReaderSize(z, 1<<16)
	}
	return &reader{b: b}, nil
}

// next answers the next document. io.EOF is the end of the object; another error means that the object can't be read
// further, after the documents so far.
func (r *reader) next() (document, error) {
	bad, err := r.split()
	if err != nil {
		return document{}, err
	}
	if bad != "" {
		return document{bad: bad}, nil
	}
	var d struct {
		RawData       *string `json:"rawData"`
		ErrorCode     any     `json:"errorCode"`
		LastErrorCode any     `json:"lastErrorCode"` // of failed format conversions
	}
	if err := json.Unmarshal(r.doc, &d); err != nil {
		return document{bad: badSyntax}, nil
	}
	out := document{}
	for _, c := range []any{d.ErrorCode, d.LastErrorCode} {
		if c != nil && out.code == "" {
			out.code = fmt.Sprint(c)
		}
	}
	if d.RawData == nil {
		out.bad = badNoData
		return out, nil
	}
	if out.data, err = base64.StdEncoding.DecodeString(*d.RawData); err != nil {
		out.data, out.bad = nil, badBase64
	}
	return out, nil
}

// split reads the text of one document into r.doc, or answers why there is none.
func (r *reader) split() (bad string, err error) {
	r.doc, r.size = r.doc[:0], 0
	var first byte
	for {
		if first, err = r.b.ReadByte(); err != nil {
			return "", err
		}
		if first != ' ' && first != '\t' && first != '\r' && first != '\n' {
			break
		}
	}
	if first != '{' {
		return badSyntax, r.line()
	}
	r.keep([]byte{first})
	depth, inString, escaped, lineStart := 1, false, false, false
	for {
		if _, err := r.b.Peek(1); err == io.EOF {
			return badTruncated, nil
		} else if err != nil {
			return "", err
		}
		chunk, err := r.b.Peek(r.b.Buffered())
		if err != nil {
			return "", err
		}
		i := 0
		for ; i < len(chunk) && depth > 0; i++ {
			c := chunk[i]
			switch {
			case inString && c == '\n':
				// No JSON string holds a line end: the document has been cut off, and this is where the next begins.
				return badTruncated, r.skip(i + 1)
			case inString && escaped:
				escaped = false
			case inString && c == '\\':
				escaped = true
			case inString && c == '"':
				inString = false
			case inString:
				// The bulk of a document is one long string.
				if n := bytes.IndexAny(chunk[i:], "\"\\\n"); n < 0 {
					i = len(chunk) - 1
				} else {
					i += n - 1
				}
			case c == '"':
				inString = true
			case c == '{' && lineStart:
				return badTruncated, r.skip(i)
			case c == '{', c == '[':
				depth++
			case c == '}', c == ']':
				depth--
			}
			lineStart = c == '\n' && !inString
		}
		r.keep(chunk[:i])
		if err := r.skip(i); err != nil {
			return "", err
		}
		if depth == 0 {
			if r.size > maxDocument {
				return badSize, nil
			}
			return "", nil
		}
	}
}

// keep appends to the document, as far as a document may be long.
func (r *reader) keep(b []byte) {
	if r.size += len(b); r.size <= maxDocument {
		r.doc = append(r.doc, b...)
	}
}

func (r *reader) skip(n int) error {
	_, err := r.b.Discard(n)
	return err
}

// line passes over the rest of the line.
func (r *reader) line() error {
	for {
		_, err := r.b.ReadSlice('\n')
		switch err {
		case bufio.ErrBufferFull:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}
