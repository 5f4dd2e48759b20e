package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	_ "time/tzdata" // a stream's CustomTimeZone must be known where the system has no time zones
)

// timePattern is a java.time.format.DateTimeFormatter pattern, as far as it makes sense in a key. Letters that it
// doesn't know are errors, not guesses. See
// https://docs.oracle.com/javase/8/docs/api/java/time/format/DateTimeFormatter.html
type timePattern struct {
	fields []timeField
}

// timeField is literal text, or a letter and how often it is written.
type timeField struct {
	literal string
	letter  byte
	count   int
}

// timeLetters has the letters and the counts that are accepted.
var timeLetters = map[byte]int{
	'y': 4, 'u': 4, // year: y, yy (two digits), yyyy
	'M': 4, 'L': 4, // month: M, MM, MMM (Jan), MMMM (January)
	'd': 2, 'D': 3, // day of the month, of the year
	'E': 4,                         // day of the week: E (Mon), EEEE (Monday)
	'a': 1,                         // AM or PM
	'H': 2, 'k': 2, 'K': 2, 'h': 2, // hour: 0-23, 1-24, 0-11, 1-12
	'm': 2, 's': 2, 'S': 9, // minute, second, fraction of a second
}

func parseTimePattern(pattern string) (*timePattern, error) {
	p := &timePattern{}
	literal := func(s string) {
		if n := len(p.fields); n > 0 && p.fields[n-1].letter == 0 {
			p.fields[n-1].literal += s
		} else {
			p.fields = append(p.fields, timeField{literal: s})
		}
	}
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			text, n, err := quoted(pattern[i:])
			if err != nil {
				return nil, err
			}
			literal(text)
			i += n
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			n := len(pattern[i:]) - len(strings.TrimLeft(pattern[i:], string(c)))
			if most, ok := timeLetters[c]; !ok || n > most || (strings.IndexByte("yu", c) >= 0 && n == 3) {
				return nil, fmt.Errorf("the sandbox doesn't know the time pattern %q: it knows y yy yyyy M MM MMM MMMM d dd D DD DDD E EEEE a H HH k kk K KK h hh m mm s ss S… and 'text'", pattern[i:i+n])
			}
			p.fields = append(p.fields, timeField{letter: c, count: n})
			i += n
		case strings.IndexByte("[]{}#", c) >= 0:
			return nil, fmt.Errorf("%q is reserved in a time pattern: put it in single quotes", c)
		default:
			literal(pattern[i : i+1])
			i++
		}
	}
	return p, nil
}

// quoted reads a text in single quotes at the beginning of s, in which two quotes are one; two alone are one, too. It
// returns the text and the length it takes.
func quoted(s string) (string, int, error) {
	if strings.HasPrefix(s, "''") {
		return "'", 2, nil
	}
	var text strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '\'':
			text.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\'':
			text.WriteByte('\'')
			i++
		default:
			return text.String(), i + 1, nil
		}
	}
	return "", 0, fmt.Errorf("the time pattern ends inside the quotes that begin at %q", s)
}

func (p *timePattern) format(t time.Time) string {
	var out strings.Builder
	for _, f := range p.fields {
		out.WriteString(f.format(t))
	}
	return out.String()
}

func (f timeField) format(t time.Time) string {
	number := func(n int) string { return fmt.Sprintf("%0*d", f.count, n) }
	switch f.letter {
	case 'y', 'u':
		if f.count == 2 {
			return number(t.Year() % 100)
		}
		return number(t.Year())
	case 'M', 'L':
		switch f.count {
		case 3:
			return t.Month().String()[:3]
		case 4:
			return t.Month().String()
		}
		return number(int(t.Month()))
	case 'd':
		return number(t.Day())
	case 'D':
		return number(t.YearDay())
	case 'E':
		if f.count == 4 {
			return t.Weekday().String()
		}
		return t.Weekday().String()[:3]
	case 'a':
		return t.Format("PM")
	case 'H':
		return number(t.Hour())
	case 'k':
		return number((t.Hour()+23)%24 + 1)
	case 'K':
		return number(t.Hour() % 12)
	case 'h':
		return number((t.Hour()+11)%12 + 1)
	case 'm':
		return number(t.Minute())
	case 's':
		return number(t.Second())
	case 'S':
		fraction := fmt.Sprintf("%09d", t.Nanosecond())
		return fraction[:min(f.count, len(fraction))]
	}
	return f.literal
}

// timeZone reads a stream's CustomTimeZone: "" and "UTC" are UTC, otherwise an IANA name with a slash: Firehose takes no
// three-letter ones. See https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
func timeZone(name string) (*time.Location, error) {
	if name == "" || name == "UTC" {
		return time.UTC, nil
	}
	location, err := time.LoadLocation(name)
	if err != nil || !strings.Contains(name, "/") {
		return nil, fmt.Errorf("%s is not UTC or an IANA time zone such as Asia/Shanghai", strconv.Quote(name))
	}
	return location, nil
}
