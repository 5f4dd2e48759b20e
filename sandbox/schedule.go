package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// nextRun returns when a schedule comes due for the first time after a moment. A rate counts from when the rule was made.
// It reports false for a schedule that never comes due again.
//
// See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
func nextRun(expression string, made, after time.Time) (time.Time, bool, error) {
	kind, inside, ok := strings.Cut(strings.TrimSuffix(expression, ")"), "(")
	fields := strings.Fields(inside)
	switch {
	case ok && kind == "rate" && len(fields) == 2:
		n, err := strconv.Atoi(fields[0])
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(fields[1], "s")]
		if err != nil || n < 1 || unit == 0 {
			break
		}
		every := time.Duration(n) * unit
		runs := max(after.Sub(made)/every, 0)
		next := made.Add(runs * every)
		for !next.After(after) || next.Equal(made) {
			next = next.Add(every)
		}
		return next, true, nil
	case ok && kind == "cron" && len(fields) == 6:
		c, err := parseCron(fields)
		if err != nil {
			return time.Time{}, false, fmt.Errorf("sandbox: schedule %s: %w", expression, err)
		}
		next, found := c.next(after.UTC())
		return next, found, nil
	}
	return time.Time{}, false, fmt.Errorf("sandbox: schedule %q is neither rate(…) nor cron(…)", expression)
}

// cronSchedule is an expression of six fields; days are told by day of the month or by day of the week.
type cronSchedule struct {
	minutes, hours, months, years []int
	monthDays, weekDays           []string // the parts of the field; nil for "?"
}

var (
	monthNames = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	dayNames   = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

func parseCron(fields []string) (*cronSchedule, error) {
	c := &cronSchedule{}
	var err error
	for i, f := range []struct {
		to          *[]int
		least, most int
		names       []string
	}{{&c.minutes, 0, 59, nil}, {&c.hours, 0, 23, nil}, {}, {&c.months, 1, 12, monthNames}, {}, {&c.years, 1970, 2199, nil}} {
		if f.to == nil {
			continue
		}
		if *f.to, err = cronValues(fields[i], f.least, f.most, f.names); err != nil {
			return nil, err
		}
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		return nil, fmt.Errorf("one of day-of-month and day-of-week must be ?, and the other not")
	}
	if fields[2] != "?" {
		c.monthDays = strings.Split(fields[2], ",")
	} else {
		c.weekDays = strings.Split(fields[4], ",")
	}
	_, err = c.onDay(time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC))
	return c, err
}

// cronValues reads lists, ranges, steps and stars.
func cronValues(field string, least, most int, names []string) ([]int, error) {
	var values []int
	for part := range strings.SplitSeq(field, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return nil, fmt.Errorf("%q has no step", part)
			}
		}
		from, to := least, most
		if span != "*" {
			first, last, isRange := strings.Cut(span, "-")
			var err error
			if from, err = cronValue(first, least, most, names); err != nil {
				return nil, err
			}
			switch {
			case isRange:
				if to, err = cronValue(last, least, most, names); err != nil {
					return nil, err
				}
			case !stepped:
				to = from
			}
		}
		for v := from; v <= to; v += step {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return slices.Compact(values), nil
}

func cronValue(text string, least, most int, names []string) (int, error) {
	if i := slices.Index(names, strings.ToUpper(text)); i >= 0 {
		return least + i, nil
	}
	v, err := strconv.Atoi(text)
	if err != nil || v < least || v > most {
		return 0, fmt.Errorf("%q is not a value from %d to %d", text, least, most)
	}
	return v, nil
}

// onDay says whether the schedule comes due on a day.
func (c *cronSchedule) onDay(day time.Time) (bool, error) {
	if c.monthDays != nil {
		return anyPart(c.monthDays, func(part string) (bool, error) { return onMonthDay(part, day) })
	}
	return anyPart(c.weekDays, func(part string) (bool, error) { return onWeekDay(part, day) })
}

func anyPart(parts []string, on func(string) (bool, error)) (bool, error) {
	some := false
	for _, part := range parts {
		ok, err := on(part)
		if err != nil {
			return false, err
		}
		some = some || ok
	}
	return some, nil
}

func lastOfMonth(day time.Time) int {
	return time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// onMonthDay knows L, the last day, and nW, the weekday nearest to the n-th of the month.
func onMonthDay(part string, day time.Time) (bool, error) {
	last := lastOfMonth(day)
	if part == "L" {
		return day.Day() == last, nil
	}
	if text, ok := strings.CutSuffix(part, "W"); ok {
		n, err := cronValue(text, 1, 31, nil)
		if err != nil || n > last {
			return false, err
		}
		target := time.Date(day.Year(), day.Month(), n, 0, 0, 0, 0, time.UTC)
		switch {
		case target.Weekday() == time.Saturday && n > 1:
			n--
		case target.Weekday() == time.Saturday:
			n += 2
		case target.Weekday() == time.Sunday && n < last:
			n++
		case target.Weekday() == time.Sunday:
			n -= 2
		}
		return day.Day() == n, nil
	}
	days, err := cronValues(part, 1, 31, nil)
	return slices.Contains(days, day.Day()), err
}

// onWeekDay knows nL, the last such day of the month, L, Saturday, and n#k, the k-th such day of the month.
func onWeekDay(part string, day time.Time) (bool, error) {
	today := int(day.Weekday()) + 1
	if part == "L" {
		return today == 7, nil
	}
	if text, ok := strings.CutSuffix(part, "L"); ok {
		n, err := cronValue(text, 1, 7, dayNames)
		return today == n && day.Day()+7 > lastOfMonth(day), err
	}
	if text, count, ok := strings.Cut(part, "#"); ok {
		n, err := cronValue(text, 1, 7, dayNames)
		if err != nil {
			return false, err
		}
		k, err := cronValue(count, 1, 5, nil)
		return today == n && (day.Day()+6)/7 == k, err
	}
	days, err := cronValues(part, 1, 7, dayNames)
	return slices.Contains(days, today), err
}

// farthest is how far a schedule is looked for: the 29th of February comes within eight years.
const farthest = 10 * 366

// next returns the first minute after a moment at which the schedule comes due.
func (c *cronSchedule) next(after time.Time) (time.Time, bool) {
	day := time.Date(after.Year(), after.Month(), after.Day(), 0, 0, 0, 0, time.UTC)
	if first := c.years[0]; day.Year() < first {
		day = time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	for range farthest {
		// What onDay could complain of, parseCron has found.
		on, _ := c.onDay(day)
		if on && slices.Contains(c.months, int(day.Month())) && slices.Contains(c.years, day.Year()) {
			for _, hour := range c.hours {
				for _, minute := range c.minutes {
					if at := day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute); at.After(after) {
						return at, true
					}
				}
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}
