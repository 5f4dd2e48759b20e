package stacks

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/logarchive/logarchive/stacks/schema"
)

// cronField is one of the six fields of an AWS cron expression.
type cronField struct {
	name     string
	min, max int
	names    []string // JAN for 1, and so on
	special  string   // letters and signs that only this field has
}

var cronFields = []cronField{
	{"minutes", 0, 59, nil, ""},
	{"hours", 0, 23, nil, ""},
	{"day-of-month", 1, 31, nil, "?LW"},
	{"month", 1, 12, strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"), ""},
	{"day-of-week", 1, 7, strings.Fields("SUN MON TUE WED THU FRI SAT"), "?L#"},
	{"year", 1970, 2199, nil, ""},
}

// checkSchedule says whether AWS Backup takes the expression: a cron expression, not more often than once an hour.
//
// See https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRuleInput.html
func checkSchedule(expression string) error {
	if err := checkCron(expression); err != nil {
		return err
	}
	minutes := strings.Fields(strings.TrimPrefix(expression, "cron("))[0]
	if _, err := strconv.Atoi(minutes); err != nil {
		return fmt.Errorf("minutes %s: AWS Backup makes backups at most once an hour; want one minute", minutes)
	}
	return nil
}

// checkCron says whether AWS takes the expression: six fields, one of the two days a question mark. cron(0 5 ? * * *),
// AWS Backup's own default, means the same as cron(0 5 * * ? *).
//
// See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
func checkCron(expression string) error {
	inner, ok := strings.CutPrefix(expression, "cron(")
	inner, closed := strings.CutSuffix(inner, ")")
	if !ok || !closed {
		return errors.New("want cron(minutes hours day-of-month month day-of-week year)")
	}
	fields := strings.Fields(inner)
	if len(fields) != len(cronFields) {
		hint := ""
		if len(fields) == 5 {
			hint = "; unlike Unix, AWS wants a year, and ? in one of the days"
		}
		return fmt.Errorf("it has %d fields; want six: minutes hours day-of-month month day-of-week year%s", len(fields), hint)
	}
	for i, f := range cronFields {
		if err := f.check(fields[i]); err != nil {
			return err
		}
	}
	switch days, weekdays := fields[2], fields[4]; {
	case days == "?" && weekdays == "?":
		return errors.New("day-of-month and day-of-week are both ?; want ? in one of them, and * in the other for every day")
	case days != "?" && weekdays != "?":
		return fmt.Errorf("day-of-month %s and day-of-week %s can't both be given; want ? in one of them, such as cron(%s %s * * ? *)", days, weekdays, fields[0], fields[1])
	}
	return nil
}

// check says whether the field takes the text: a comma list of *, a, a-b, a/n, and what is special.
func (f cronField) check(text string) error {
	refuse := func(part string) error {
		return fmt.Errorf("%s %s: want numbers from %d to %d, *, lists with commas, ranges a-b and steps a/n", f.name, schema.Quote(part), f.min, f.max)
	}
	if text == "?" && strings.Contains(f.special, "?") {
		return nil
	}
	for _, part := range strings.Split(text, ",") {
		base, step, stepped := strings.Cut(part, "/")
		if stepped {
			if n, err := strconv.Atoi(step); err != nil || n < 1 || n > f.max {
				return refuse(part)
			}
		}
		if base == "*" || f.specialPart(base) && !stepped {
			continue
		}
		from, to, ranged := strings.Cut(base, "-")
		first, ok := f.number(from)
		if !ok {
			return refuse(part)
		}
		if ranged {
			if last, ok := f.number(to); !ok || last < first {
				return refuse(part)
			}
		}
	}
	return nil
}

// specialPart says whether the part is one of L, 15W, LW (days of the month), 6L, 3#2 (days of the week).
func (f cronField) specialPart(part string) bool {
	switch {
	case strings.Contains(f.special, "L") && part == "L":
		return true
	case strings.Contains(f.special, "W") && strings.HasSuffix(part, "W"):
		day := strings.TrimSuffix(part, "W")
		_, ok := f.number(day)
		return ok || day == "L"
	case strings.Contains(f.special, "#") && strings.Contains(part, "#"):
		day, week, _ := strings.Cut(part, "#")
		n, err := strconv.Atoi(week)
		_, ok := f.number(day)
		return ok && err == nil && n >= 1 && n <= 5
	case strings.Contains(f.special, "#") && strings.HasSuffix(part, "L"):
		_, ok := f.number(strings.TrimSuffix(part, "L"))
		return ok
	}
	return false
}

func (f cronField) number(text string) (int, bool) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.min + i, true
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= f.min && n <= f.max && !strings.HasPrefix(text, "+")
}
