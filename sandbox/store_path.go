package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// An object's file has its key as its path, so that a person can walk through a bucket with the shell. Not every key is
// a path, though: S3 keys are any UTF-8 up to 1,024 bytes, "a" and "a/b" may both exist, and "..", "//" and a slash at
// the end mean nothing. The mapping keeps what is harmless as it is, and writes the rest with "%":
//
//	%25 %3A %0A …  a byte that isn't safe in a file name (also each byte that isn't UTF-8)
//	%2E, %2E%2E    the names "." and ".."
//	%empty         an empty segment: at the beginning, at the end, or between two slashes
//	name%f         the last segment, when it has no dot;     a file always has a dot or "%f",
//	name%d         any other segment, when it has a dot;     a directory never: so they can't collide
//	piece%+/rest   a segment too long for a file name goes on in the next directory
//
// A "%" that isn't followed by two hexadecimal digits in capitals is one of these marks, so the mapping is reversible.
const (
	markEmpty    = "%empty"
	markFile     = "%f"
	markDir      = "%d"
	markContinue = "%+"

	// maxPiece is how many bytes of a segment go into one file name. File systems take 255; the marks need a few.
	maxPiece = 200
)

const hexDigits = "0123456789ABCDEF"

// keyPath returns the path of a key's file below its bucket's directory, with slashes.
func keyPath(key string) string {
	segments := strings.Split(key, "/")
	var out strings.Builder
	for i, segment := range segments {
		last := i == len(segments)-1
		if i > 0 {
			out.WriteByte('/')
		}
		pieces := segmentPieces(segment)
		for _, piece := range pieces[:len(pieces)-1] {
			out.WriteString(piece + markContinue + "/")
		}
		name := pieces[len(pieces)-1]
		out.WriteString(name)
		switch dotted := strings.Contains(name, "."); {
		case last && !dotted:
			out.WriteString(markFile)
		case !last && dotted:
			out.WriteString(markDir)
		}
	}
	return out.String()
}

// segmentPieces escapes a segment and cuts it where a file name would become too long, never inside a character.
func segmentPieces(segment string) []string {
	if segment == "" {
		return []string{markEmpty}
	}
	var pieces []string
	var piece strings.Builder
	for len(segment) > 0 {
		r, size := utf8.DecodeRuneInString(segment)
		unit := segment[:size]
		if r < ' ' || r == 0x7f || strings.ContainsRune(`%\:*?"<>|`, r) || (r == utf8.RuneError && size == 1) {
			unit = "%" + string(hexDigits[unit[0]>>4]) + string(hexDigits[unit[0]&15])
		}
		if piece.Len()+len(unit) > maxPiece {
			pieces = append(pieces, piece.String())
			piece.Reset()
		}
		piece.WriteString(unit)
		segment = segment[size:]
	}
	pieces = append(pieces, piece.String())
	for i, name := range pieces {
		if name == "." || name == ".." {
			pieces[i] = strings.ReplaceAll(name, ".", "%2E")
		}
	}
	return pieces
}

// pathKey returns the key that [keyPath] maps to a path, and an error for a path that it never makes.
func pathKey(path string) (string, error) {
	var key, segment strings.Builder
	names := strings.Split(path, "/")
	for i, name := range names {
		if piece, ok := strings.CutSuffix(name, markContinue); ok && i < len(names)-1 {
			segment.WriteString(piece)
			continue
		}
		if i < len(names)-1 {
			name = strings.TrimSuffix(name, markDir)
		} else {
			name = strings.TrimSuffix(name, markFile)
		}
		if name != markEmpty {
			segment.WriteString(name)
		}
		plain, err := unescape(segment.String())
		if err != nil {
			return "", fmt.Errorf("%q is not the path of a key: %w", path, err)
		}
		key.WriteString(plain)
		if i < len(names)-1 {
			key.WriteByte('/')
		}
		segment.Reset()
	}
	if back := keyPath(key.String()); back != path {
		return "", fmt.Errorf("%q is not the path of a key: %q has the path %q", path, key.String(), back)
	}
	return key.String(), nil
}

func unescape(s string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errors.New("a % without two digits")
		}
		high, low := strings.IndexByte(hexDigits, s[i+1]), strings.IndexByte(hexDigits, s[i+2])
		if high < 0 || low < 0 {
			return "", fmt.Errorf("%q is not a hexadecimal byte", s[i:i+3])
		}
		out.WriteByte(byte(high<<4 | low))
		i += 2
	}
	return out.String(), nil
}
