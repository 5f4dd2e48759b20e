package catalog

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/logarchive/logarchive/partition"
)

// textRule is the form of a string.
type textRule struct {
	// pattern must match the whole string; nil for any.
	pattern *regexp.Regexp
	// least and most are the accepted lengths in characters; most 0 means no end.
	least, most int
	// want says in words what is accepted.
	want string
	// code is AWS's error code, or "" for the type's.
	code string
}

// nameRule returns the rule for a name: letters of a class, and a length.
func nameRule(class string, least, most int, want string) textRule {
	return textRule{pattern: regexp.MustCompile(`^[` + class + `]*$`), least: least, most: most, want: want}
}

// enums checks the values that only a few texts can have.
func (c *checking) enums() {
	m := c.t.model
	for _, path := range slices.Sorted(maps.Keys(m.enums)) {
		for _, f := range c.in.find(path) {
			if f.value.IsString() && !slices.Contains(m.enums[path], f.value.StringValue()) {
				c.fail(f.path, m.code, "%q is not one of %s", f.value.StringValue(), strings.Join(m.enums[path], ", "))
			}
		}
	}
}

// ranges checks numbers.
func (c *checking) ranges() {
	m := c.t.model
	for _, path := range slices.Sorted(maps.Keys(m.ranges)) {
		for _, f := range c.in.find(path) {
			r := m.ranges[path]
			if f.value.IsNumber() && (f.value.NumberValue() < r.min || f.value.NumberValue() > r.max) {
				c.fail(f.path, m.code, "%s is not between %s and %s", number(f.value.NumberValue()), number(r.min), number(r.max))
			}
		}
	}
}

// texts checks the form of strings.
func (c *checking) texts() {
	m := c.t.model
	for _, path := range slices.Sorted(maps.Keys(m.texts)) {
		rule := m.texts[path]
		for _, f := range c.in.find(path) {
			if f.value.IsString() && !rule.accepts(f.value.StringValue()) {
				code := rule.code
				if code == "" {
					code = m.code
				}
				c.fail(f.path, code, "%q is not accepted: want %s", f.value.StringValue(), rule.want)
			}
		}
	}
}

func (r textRule) accepts(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= r.least && (r.most == 0 || n <= r.most) && (r.pattern == nil || r.pattern.MatchString(s))
}

// arns checks that ARNs are ones, and of the place's partition: a resource of another can't be reached.
func (c *checking) arns() {
	for _, path := range c.t.model.arns {
		for _, f := range c.in.find(path) {
			if f.value.IsString() {
				c.arn(f.path, f.value.StringValue())
			}
		}
	}
}

func (c *checking) arn(path, text string) (partition.ARN, bool) {
	arn, err := partition.ParseARN(text)
	if err != nil {
		c.fail(path, c.t.model.code, err.Error())
		return arn, false
	}
	if want := c.Place.Partition(); arn.Partition != want {
		c.fail(path, c.t.model.code, "%q is in partition %s: want %s, the partition of %s", text, arn.Partition, want, c.Place.Region)
		return arn, false
	}
	return arn, true
}

// known returns the ARN at a top-level path when it is a good one; the tables report the others.
func (c *checking) known(path string) (partition.ARN, bool) {
	arn, err := partition.ParseARN(c.in.str(path))
	return arn, err == nil && arn.Partition == c.Place.Partition()
}

// pattern checks an ARN in which parts may be wildcards, as selections of resources have them.
func (c *checking) pattern(path, text string) {
	parts := strings.SplitN(text, ":", 6)
	if text == "*" || len(parts) > 1 && parts[1] == "*" {
		return
	}
	if len(parts) < 6 || parts[0] != "arn" {
		c.fail(path, c.t.model.code, "%q is not an ARN or a pattern of ARNs", text)
		return
	}
	if want := c.Place.Partition(); parts[1] != string(want) {
		c.fail(path, c.t.model.code, "%q is in partition %s: want %s, the partition of %s", text, parts[1], want, c.Place.Region)
	}
}

// exactlyOne checks the groups of inputs that exclude each other and of which one is needed.
func (c *checking) exactlyOne() {
	for _, group := range c.t.model.exactly {
		given := slices.DeleteFunc(slices.Clone(group), func(name string) bool { return !c.in.has(name) })
		if len(given) != 1 {
			got := "none is given"
			if len(given) > 0 {
				got = strings.Join(given, ", ") + " are given"
			}
			c.fail("", CheckFailure, "exactly one of %s is needed: %s", strings.Join(group, ", "), got)
		}
	}
}

// without checks that an input isn't given together with another.
func (c *checking) without(name, other string) {
	if c.in.has(name) && c.in.has(other) {
		c.fail(name, CheckFailure, "conflicts with %s: give one of them", other)
	}
}
