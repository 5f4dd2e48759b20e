package components

import (
	"fmt"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// FluentBit is the configuration of a Fluent Bit that takes lines by TCP and puts them into a Firehose stream.
//
// Lines are never parsed: a parser drops what it doesn't match. Each becomes a JSON object with the raw text in "message", the
// sender's address in "source" and the time of arrival in "time". What a stream doesn't take stays in files on disk and is tried
// for ever; when many files wait, Fluent Bit stops reading, so that senders wait, instead of dropping the oldest.
type FluentBit struct {
	Place      partition.Place
	StreamName string
	// Port is where lines come in, with TLS by the certificate and key of these files.
	Port                         int
	CertificateFile, PrivateFile string
	// BufferDirectory is where what waits is kept, in at most so many chunks of some 2 MB.
	BufferDirectory string
	BufferChunks    int
	// LineKiB is the longest line; a longer one ends its connection, which Fluent Bit reports.
	LineKiB int
}

// section is one of a configuration: pairs of keys and values.
type fluentBitSection struct {
	kind  string
	pairs [][2]string
}

// Conf returns the configuration in Fluent Bit's classic form
// (https://docs.fluentbit.io/manual/administration/configuring-fluent-bit/classic-mode/format-schema; buffering:
// https://docs.fluentbit.io/manual/administration/buffering-and-storage).
func (f *FluentBit) Conf() string {
	sections := []fluentBitSection{
		{"SERVICE", [][2]string{
			{"flush", "1"},
			{"grace", "30"},
			{"log_level", "info"},
			{"storage.path", f.BufferDirectory},
			{"storage.sync", "full"}, // on disk before a line counts as taken, as far as TCP has such a moment
			{"storage.checksum", "on"},
			{"storage.max_chunks_up", fmt.Sprint(f.BufferChunks)},
			{"storage.backlog.mem_limit", "64M"},
		}},
		{"INPUT", [][2]string{
			{"name", "tcp"},
			{"tag", "syslog"},
			{"listen", "0.0.0.0"},
			{"port", fmt.Sprint(f.Port)},
			{"format", "none"},
			{"separator", `\n`},
			{"chunk_size", "32"},
			{"buffer_size", fmt.Sprint(f.LineKiB)},
			{"source_address_key", "source"},
			{"storage.type", "filesystem"},
			{"storage.pause_on_chunks_overlimit", "on"},
			{"tls", "on"},
			{"tls.crt_file", f.CertificateFile},
			{"tls.key_file", f.PrivateFile},
		}},
		{"FILTER", [][2]string{
			{"name", "modify"},
			{"match", "syslog"},
			{"rename", "log message"},
		}},
		{"OUTPUT", [][2]string{
			{"name", "kinesis_firehose"},
			{"match", "syslog"},
			{"region", string(f.Place.Region)},
			{"delivery_stream", f.StreamName},
			{"time_key", "time"},
			{"time_key_format", "%Y-%m-%dT%H:%M:%S.%3N"},
			{"retry_limit", "no_limits"},
			{"workers", "2"},
		}},
	}
	var b strings.Builder
	for i, s := range sections {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "[%s]\n", s.kind)
		for _, pair := range s.pairs {
			fmt.Fprintf(&b, "    %s %s\n", pair[0], pair[1])
		}
	}
	return b.String()
}
