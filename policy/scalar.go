package policy

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// number is a value of a Numeric operator: an integer, exactly, or a decimal fraction.
type number struct {
	whole   int64
	decimal float64
	isWhole bool
}

// parseNumber reads an integer or a decimal number. The spellings that strconv knows besides (inf, nan, 0x1p4, 1_000)
// are none.
func parseNumber(s string) (number, bool) {
	if s == "" || strings.Trim(s, "+-.0123456789eE") != "" {
		return number{}, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return number{whole: n, decimal: float64(n), isWhole: true}, true
	}
	f, err := strconv.ParseFloat(s, 64)
	return number{decimal: f}, err == nil
}

func (n number) compare(m number) int {
	if n.isWhole && m.isWhole {
		return cmp.Compare(n.whole, m.whole)
	}
	return cmp.Compare(n.decimal, m.decimal)
}

// instant is a value of a Date operator.
type instant struct{ t time.Time }

func (i instant) compare(j instant) int { return i.t.Compare(j.t) }

// The forms of https://www.w3.org/TR/NOTE-datetime, with the seconds' fraction; a time without zone is taken as UTC.
var dateForms = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02", "2006-01", "2006",
}

// parseDate reads a date of those forms, or seconds since 1970. Four digits are a year.
func parseDate(s string) (instant, bool) {
	if len(s) != 4 {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return instant{time.Unix(n, 0).UTC()}, true
		}
	}
	for _, form := range dateForms {
		if t, err := time.Parse(form, s); err == nil {
			return instant{t}, true
		}
	}
	return instant{}, false
}

// parseNetwork reads a CIDR range; an address alone is a range of one.
func parseNetwork(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), true
}

// IsDate says whether s is a date as the Date operators read it.
func IsDate(s string) bool {
	_, ok := parseDate(s)
	return ok
}
