package policy

import (
	"maps"
	"slices"
	"strings"
)

// operator is a condition operator taken apart: "ForAllValues:StringNotLikeIfExists" is comparison stringLike, negated,
// ifExists, forAll.
type operator struct {
	comparison comparison
	negated    bool
	ifExists   bool
	set        setQualifier
}

type comparison int

const (
	compareNull comparison = iota
	stringEquals
	stringEqualsIgnoreCase
	stringLike
	numericEquals
	numericLess
	numericLessEquals
	numericGreater
	numericGreaterEquals
	dateEquals
	dateLess
	dateLessEquals
	dateGreater
	dateGreaterEquals
	boolEquals
	binaryEquals
	ipAddress
	arnLike
)

type setQualifier int

const (
	noSet setQualifier = iota
	forAllValues
	forAnyValue
)

// operators has every operator in lower case: AWS takes them in any case. ArnEquals and ArnLike behave alike.
var operators = map[string]operator{
	"null":                      {comparison: compareNull},
	"stringequals":              {comparison: stringEquals},
	"stringnotequals":           {comparison: stringEquals, negated: true},
	"stringequalsignorecase":    {comparison: stringEqualsIgnoreCase},
	"stringnotequalsignorecase": {comparison: stringEqualsIgnoreCase, negated: true},
	"stringlike":                {comparison: stringLike},
	"stringnotlike":             {comparison: stringLike, negated: true},
	"numericequals":             {comparison: numericEquals},
	"numericnotequals":          {comparison: numericEquals, negated: true},
	"numericlessthan":           {comparison: numericLess},
	"numericlessthanequals":     {comparison: numericLessEquals},
	"numericgreaterthan":        {comparison: numericGreater},
	"numericgreaterthanequals":  {comparison: numericGreaterEquals},
	"dateequals":                {comparison: dateEquals},
	"datenotequals":             {comparison: dateEquals, negated: true},
	"datelessthan":              {comparison: dateLess},
	"datelessthanequals":        {comparison: dateLessEquals},
	"dategreaterthan":           {comparison: dateGreater},
	"dategreaterthanequals":     {comparison: dateGreaterEquals},
	"bool":                      {comparison: boolEquals},
	"binaryequals":              {comparison: binaryEquals},
	"ipaddress":                 {comparison: ipAddress},
	"notipaddress":              {comparison: ipAddress, negated: true},
	"arnequals":                 {comparison: arnLike},
	"arnlike":                   {comparison: arnLike},
	"arnnotequals":              {comparison: arnLike, negated: true},
	"arnnotlike":                {comparison: arnLike, negated: true},
}

// parseOperator takes an operator's name apart; false when there is none of that name. Null has no IfExists form.
func parseOperator(name string) (operator, bool) {
	rest := strings.ToLower(name)
	set := noSet
	if after, ok := strings.CutPrefix(rest, "forallvalues:"); ok {
		rest, set = after, forAllValues
	} else if after, ok := strings.CutPrefix(rest, "foranyvalue:"); ok {
		rest, set = after, forAnyValue
	}
	base, ifExists := strings.CutSuffix(rest, "ifexists")
	op, ok := operators[base]
	if !ok || (ifExists && op.comparison == compareNull) {
		return operator{}, false
	}
	op.ifExists, op.set = ifExists, set
	return op, true
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
