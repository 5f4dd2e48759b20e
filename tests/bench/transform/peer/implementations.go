package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"

	kgzip "github.com/klauspost/compress/gzip"

	"github.com/logarchive/logarchive/functions/inflate"
	"github.com/logarchive/logarchive/functions/transform"
)

// handler is our function with all of the invocation in one answer: the limit is lifted, since no peer puts back.
func handler(gunzip transform.Gunzip) *transform.Handler {
	cfg := transform.Defaults()
	cfg.MaxResponseBytes = 1 << 30
	h := transform.New(cfg, transform.Options{Log: io.Discard, Gunzip: gunzip})
	h.ReuseResponse = true
	return h
}

var (
	oursHandler      = handler(nil)
	klauspostHandler = handler(klauspostGunzip)
	klauspostReader  kgzip.Reader
)

func ours(event []byte) ([]byte, error) { return oursHandler.Invoke(context.Background(), event) }

func klauspostScanner(event []byte) ([]byte, error) {
	return klauspostHandler.Invoke(context.Background(), event)
}

func klauspostGunzip(dst, src []byte, limit int) ([]byte, error) {
	if err := klauspostReader.Reset(bytes.NewReader(src)); err != nil {
		return dst, err
	}
	for {
		if cap(dst)-len(dst) < 4096 {
			dst = append(dst, make([]byte, max(4096, len(dst)))...)[:len(dst)]
		}
		n, err := klauspostReader.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > limit:
			return dst, inflate.ErrTooLarge
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, err
		}
	}
}

// naive is the transformation as one writes it with the standard library.
func naive(event []byte) ([]byte, error) {
	type record struct {
		RecordID string `json:"recordId"`
		Result   string `json:"result,omitempty"`
		Data     string `json:"data,omitempty"`
	}
	type message struct {
		MessageType string `json:"messageType"`
		Owner       string `json:"owner"`
		LogGroup    string `json:"logGroup"`
		LogStream   string `json:"logStream"`
		LogEvents   []struct {
			ID        string `json:"id"`
			Timestamp int64  `json:"timestamp"`
			Message   string `json:"message"`
		} `json:"logEvents"`
	}
	type line struct {
		ID        string `json:"id"`
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
		LogGroup  string `json:"logGroup"`
		LogStream string `json:"logStream"`
		Owner     string `json:"owner"`
	}
	var in, out struct {
		Records []record `json:"records"`
	}
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, err
	}
	for _, r := range in.Records {
		packed, err := base64.StdEncoding.DecodeString(r.Data)
		if err != nil {
			return nil, err
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(z)
		if err != nil {
			return nil, err
		}
		var m message
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, err
		}
		if m.MessageType == "CONTROL_MESSAGE" {
			out.Records = append(out.Records, record{RecordID: r.RecordID, Result: "Dropped"})
			continue
		}
		var lines bytes.Buffer
		e := json.NewEncoder(&lines)
		e.SetEscapeHTML(false)
		for _, ev := range m.LogEvents {
			if err := e.Encode(line{ev.ID, ev.Timestamp, ev.Message, m.LogGroup, m.LogStream, m.Owner}); err != nil {
				return nil, err
			}
		}
		out.Records = append(out.Records, record{RecordID: r.RecordID, Result: "Ok", Data: base64.StdEncoding.EncodeToString(lines.Bytes())})
	}
	return json.Marshal(out)
}
