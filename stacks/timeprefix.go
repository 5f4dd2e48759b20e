package stacks

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// DefaultTimePrefix is how object keys say the time, down to the hour, in a form that Athena and Hive read as partitions.
const DefaultTimePrefix = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"

// maxTimePrefix leaves room for class, account and region in the 512 characters of an evaluated prefix.
const maxTimePrefix = 300

var (
	expressionForm = regexp.MustCompile(`!\{([^}]*)\}`)
	// dateForm has the letters of Java's DateTimeFormatter that make sense in a key, and separators.
	dateForm    = regexp.MustCompile(`^[yMdHms/_.=-]+$`)
	literalForm = regexp.MustCompile(`^[a-zA-Z0-9_.=/-]*$`)
)

// checkTimePrefix says whether Firehose takes the time part of a key prefix, with and without errors' prefix before it.
//
// See https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
func checkTimePrefix(prefix string) error {
	switch {
	case prefix == "":
		return errors.New("empty; want a prefix that ends with a slash")
	case len(prefix) > maxTimePrefix:
		return fmt.Errorf("it has %d characters; want at most %d", len(prefix), maxTimePrefix)
	case strings.HasPrefix(prefix, "/") || strings.Contains(prefix, "//"):
		return errors.New("a part of the key is empty; want no slash first and none doubled")
	case !strings.HasSuffix(prefix, "/"):
		return errors.New("it doesn't end with a slash, so that names would grow out of it; want one at the end")
	}
	for _, match := range expressionForm.FindAllStringSubmatch(prefix, -1) {
		if err := checkExpression(match[1]); err != nil {
			return err
		}
	}
	literal := expressionForm.ReplaceAllString(prefix, "")
	switch {
	case strings.Contains(literal, "!{"):
		return errors.New("an expression isn't closed; want !{namespace:value}")
	case strings.ContainsAny(literal, "{}"):
		return errors.New("braces without an exclamation mark are copied into the key as they are; want !{namespace:value}")
	case !literalForm.MatchString(literal):
		return errors.New("it has characters that are unsafe in keys; want letters, digits and _ . = / -")
	}
	return nil
}

func checkExpression(expression string) error {
	namespace, value, ok := strings.Cut(expression, ":")
	if !ok {
		return fmt.Errorf("!{%s} has no namespace; want !{timestamp:...} or !{firehose:random-string}", expression)
	}
	switch namespace {
	case "timestamp":
		if !dateForm.MatchString(value) {
			return fmt.Errorf("!{%s}: want a pattern of y, M, d, H, m, s and separators, such as yyyy/MM/dd", expression)
		}
	case "firehose":
		if value == "error-output-type" {
			return fmt.Errorf("!{%s} is for the prefix of errors, which has it already; want !{timestamp:...} or !{firehose:random-string}", expression)
		}
		if value != "random-string" {
			return fmt.Errorf("!{%s} is not known to Firehose; want !{firehose:random-string}", expression)
		}
	case "partitionKeyFromQuery", "partitionKeyFromLambda":
		return fmt.Errorf("!{%s} needs dynamic partitioning, which the streams don't have; want !{timestamp:...} or !{firehose:random-string}", expression)
	default:
		return fmt.Errorf("!{%s} is of no namespace that Firehose knows; want !{timestamp:...} or !{firehose:random-string}", expression)
	}
	return nil
}
