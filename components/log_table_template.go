package components

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// TableTemplate reads the key prefix that a Firehose stream has as the template of a table. known has the values of parts such as
// account=, and of keys that the transform function computes; keys without any are injected. What a table can't project, such as
// a random string, ends the template, and lies below it.
//
//	TableTemplate("logs/account=111122223333/year=!{timestamp:yyyy}/", map[string][]string{"account": {"111122223333"}})
//	// "logs/account=${account}/year=${year}/", account of enum, year of integer
func TableTemplate(prefix string, known map[string][]string) (template string, partitions []TablePartition) {
	for _, part := range keyParts(prefix) {
		text, columns, ok := partTemplate(part, known, partitions)
		if !ok {
			break
		}
		template += text + "/"
		partitions = append(partitions, columns...)
	}
	return template, partitions
}

var keyExpression = regexp.MustCompile(`!\{([a-zA-Z]+):([^}]*)\}`)

// keyParts are what slashes divide, outside of expressions.
func keyParts(prefix string) []string {
	var parts []string
	begin, inside := 0, false
	for i, c := range prefix {
		switch {
		case c == '{':
			inside = true
		case c == '}':
			inside = false
		case c == '/' && !inside:
			parts = append(parts, prefix[begin:i])
			begin = i + 1
		}
	}
	return parts // a prefix ends with a slash
}

// partTemplate is one part of a key. ok is false for what can't be projected.
func partTemplate(part string, known map[string][]string, before []TablePartition) (text string, columns []TablePartition, ok bool) {
	if name, _, named := strings.Cut(part, "="); named && !strings.Contains(part, "!{") && len(known[name]) > 0 {
		p := TablePartition{Name: freeColumn(name, before), Projection: EnumProjection, Values: known[name]}
		return name + "=${" + p.Name + "}", []TablePartition{p}, true
	}
	rest := part
	for {
		at := keyExpression.FindStringSubmatchIndex(rest)
		if at == nil {
			return text + rest, columns, true
		}
		literal, namespace, value := rest[:at[0]], rest[at[2]:at[3]], rest[at[4]:at[5]]
		var p TablePartition
		switch namespace {
		case "timestamp":
			if p, ok = timePartition(value); !ok {
				return "", nil, false
			}
		case strings.TrimSuffix(partitionKeyFrom, ":"):
			p = computedPartition(value, known)
		default:
			return "", nil, false
		}
		if name, named := strings.CutSuffix(literal, "="); named && name != "" {
			p.Name = ColumnName(name)
		}
		p.Name = freeColumn(p.Name, slices.Concat(before, columns))
		text += literal + "${" + p.Name + "}"
		columns = append(columns, p)
		rest = rest[at[1]:]
	}
}

// freeColumn is a name that no column has yet.
func freeColumn(name string, taken []TablePartition) string {
	for n, free := 2, name; ; n++ {
		if !slices.ContainsFunc(taken, func(p TablePartition) bool { return p.Name == free }) {
			return free
		}
		free = fmt.Sprintf("%s_%d", name, n)
	}
}

// numbers are the parts of a time, from coarse to fine, as numbers.
var numbers = []struct {
	letter, name, unit string
	least, most        int
}{
	{"y", "year", "YEARS", firstTableYear, lastTableYear}, {"M", "month", "MONTHS", 1, 12}, {"d", "day", "DAYS", 1, 31},
	{"H", "hour", "HOURS", 0, 23}, {"m", "minute", "MINUTES", 0, 59}, {"s", "second", "SECONDS", 0, 59},
}

// timePartition is the column of a timestamp: a number where the pattern is one, a date where it goes from the year on. AWS's
// documents have both (partition-projection-kinesis-firehose-example).
func timePartition(pattern string) (TablePartition, bool) {
	if strings.Contains(pattern, "_") {
		return TablePartition{}, false // in a layout of package time it may mean a space
	}
	runs := letterRun.FindAllString(pattern, -1)
	for i, run := range runs {
		if _, known := javaLayout[run]; !known || (len(runs) > 1 && (i >= len(numbers) || run[:1] != numbers[i].letter)) {
			return TablePartition{}, false
		}
	}
	switch len(runs) {
	case 0:
		return TablePartition{}, false
	case 1:
		return numberPartition(runs[0], pattern == runs[0])
	}
	finest := numbers[len(runs)-1]
	return TablePartition{Name: finest.name, Projection: DateProjection, Layout: pattern, Unit: finest.unit}, true
}

func numberPartition(run string, alone bool) (TablePartition, bool) {
	for _, n := range numbers {
		if run[:1] == n.letter && alone {
			p := TablePartition{Name: n.name, Projection: IntegerProjection, Least: n.least, Most: n.most, Unit: n.unit}
			if len(run) > 1 {
				p.Digits = len(run)
			}
			return p, true
		}
	}
	return TablePartition{}, false
}

// computedPartition is the column of a key that the transform function computes.
func computedPartition(key string, known map[string][]string) TablePartition {
	for _, n := range numbers {
		if key == n.name {
			digits := 2
			if key == "year" {
				digits = 4
			}
			return TablePartition{Name: key, Projection: IntegerProjection, Least: n.least, Most: n.most, Digits: digits, Unit: n.unit}
		}
	}
	p := TablePartition{Name: ColumnName(key), Projection: InjectedProjection}
	if values := known[key]; len(values) > 0 {
		p.Projection, p.Values = EnumProjection, values
	}
	return p
}
