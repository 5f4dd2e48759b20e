package report

import (
	"errors"
	"maps"
)

// Code is AWS's code of an error, "" when it has none: a broken connection, for example.
func Code(err error) string {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) {
		return coded.ErrorCode()
	}
	return ""
}

// Failed writes an error as one line: what failed as its code, AWS's code where it has one, and the fields.
func (l *Log) Failed(what string, err error, fields map[string]any) {
	line := map[string]any{"level": "error", "code": what, "message": err.Error()}
	if aws := Code(err); aws != "" {
		line["awsCode"] = aws
	}
	maps.Copy(line, fields)
	l.Event(line)
}
