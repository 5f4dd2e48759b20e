package components

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Projection is how Athena computes the values of a partition column:
// https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
type Projection string

const (
	// EnumProjection is a list of values.
	EnumProjection Projection = "enum"
	// IntegerProjection is a range of numbers.
	IntegerProjection Projection = "integer"
	// DateProjection is the time from 2020 to now.
	DateProjection Projection = "date"
	// InjectedProjection is what a query says: it must name a value.
	InjectedProjection Projection = "injected"
)

// TablePartition is a partition column.
type TablePartition struct {
	Name       string
	Projection Projection
	// Values are those of an EnumProjection.
	Values []string
	// Least and Most bound an IntegerProjection, both included; Digits is how many digits each has at least.
	Least, Most, Digits int
	// Layout is the format of a DateProjection, in the letters of Java's DateTimeFormatter.
	Layout string
	// Unit is how fine a time is, or which part of one a number is: YEARS to SECONDS; empty for what is no time.
	Unit string
}

// The first year that tables look for, and the last one of those whose keys have the year alone. An archive keeps logs for years,
// and a table can be younger than what it reads.
const (
	firstTableYear = 2020
	lastTableYear  = 2049
)

// HiveType is the column's type.
func (p TablePartition) HiveType() string {
	if p.Projection == IntegerProjection {
		return "int"
	}
	return "string"
}

func (p TablePartition) parameters() map[string]string {
	at := "projection." + p.Name + "."
	out := map[string]string{at + "type": string(p.Projection)}
	switch p.Projection {
	case EnumProjection:
		out[at+"values"] = strings.Join(p.Values, ",")
	case IntegerProjection:
		out[at+"range"] = fmt.Sprintf("%d,%d", p.Least, p.Most)
		if p.Digits > 0 {
			out[at+"digits"] = strconv.Itoa(p.Digits)
		}
	case DateProjection:
		out[at+"format"] = p.Layout
		out[at+"range"] = p.format(time.Date(firstTableYear, 1, 1, 0, 0, 0, 0, time.UTC)) + ",NOW"
		out[at+"interval"], out[at+"interval.unit"] = "1", p.Unit
	}
	return out
}

// javaLayout has Go's way to write the runs of letters of a layout.
var javaLayout = map[string]string{
	"yyyy": "2006", "MM": "01", "M": "1", "dd": "02", "d": "2", "HH": "15", "mm": "04", "ss": "05",
}

var letterRun = regexp.MustCompile(`y+|M+|d+|H+|m+|s+`)

// goLayout is the layout as package time has it.
func (p TablePartition) goLayout() string {
	return letterRun.ReplaceAllStringFunc(p.Layout, func(run string) string { return javaLayout[run] })
}

func (p TablePartition) format(t time.Time) string { return t.Format(p.goLayout()) }

// pattern matches a value in a key.
func (p TablePartition) pattern() string {
	switch p.Projection {
	case EnumProjection:
		var quoted []string
		for _, v := range p.Values {
			quoted = append(quoted, regexp.QuoteMeta(v))
		}
		return "(" + strings.Join(quoted, "|") + ")"
	case IntegerProjection:
		return "([0-9]+)"
	case DateProjection:
		parts := strings.Count(p.Layout, "/")
		return "([^/]+" + strings.Repeat("/[^/]+", parts) + ")"
	}
	return "([^/]+)"
}

// has says whether a value is projected, now.
func (p TablePartition) has(value string, now time.Time) bool {
	switch p.Projection {
	case EnumProjection:
		return slices.Contains(p.Values, value)
	case IntegerProjection:
		n, err := strconv.Atoi(value)
		return err == nil && n >= p.Least && n <= p.Most && value == fmt.Sprintf("%0*d", p.Digits, n)
	case DateProjection:
		t, err := time.Parse(p.goLayout(), value)
		return err == nil && t.Year() >= firstTableYear && !t.After(now) && p.format(t) == value
	}
	return value != ""
}

var templateColumn = regexp.MustCompile(`\$\{([^}]*)\}`)

// Match says whether a key is one of the table's, at a time, and what its partition values are. Athena would look for it there.
func (t LogTable) Match(key string, now time.Time) (values map[string]string, ok bool) {
	var pattern strings.Builder
	pattern.WriteString("^")
	var columns []TablePartition
	rest := t.Template
	for {
		at := templateColumn.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		i := slices.IndexFunc(t.Partitions, func(p TablePartition) bool { return p.Name == rest[at[2]:at[3]] })
		if i < 0 {
			return nil, false
		}
		columns = append(columns, t.Partitions[i])
		pattern.WriteString(regexp.QuoteMeta(rest[:at[0]]) + t.Partitions[i].pattern())
		rest = rest[at[1]:]
	}
	pattern.WriteString(regexp.QuoteMeta(rest) + ".")
	found := regexp.MustCompile(pattern.String()).FindStringSubmatch(key)
	if found == nil {
		return nil, false
	}
	values = map[string]string{}
	for i, p := range columns {
		if !p.has(found[i+1], now) {
			return nil, false
		}
		values[p.Name] = found[i+1]
	}
	return values, true
}
