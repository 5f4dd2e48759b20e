package verify

import "strings"

// lifecycleRule is one rule of a bucket's lifecycle configuration, as far as a proof reads it.
type lifecycleRule struct {
	id, prefix  string
	enabled     bool
	some        bool // it has a filter by size or tag, so that it isn't for every object below the prefix
	markers     bool // delete markers go as soon as no version is left
	expireDays  int  // 0: never
	noncurrent  int  // days that a version is kept which isn't the current one; 0: for ever
	transitions []transition
	minimumSize int // objects must be larger than this many bytes
}

type transition struct {
	days  int
	class string
}

func lifecycleRules(r *Resource) []lifecycleRule {
	var out []lifecycleRule
	for _, item := range r.items("rules") {
		filter := item.item("filter")
		rule := lifecycleRule{
			id: item.text("id"), enabled: item.text("status") == "Enabled", prefix: item.text("prefix"),
			expireDays: int(item.item("expiration").number("days")),
			markers:    item.item("expiration").flag("expiredObjectDeleteMarker"),
			noncurrent: int(item.item("noncurrentVersionExpiration").number("noncurrentDays")),
		}
		for _, f := range []object{filter, filter.item("and")} {
			if p := f.text("prefix"); p != "" {
				rule.prefix = p
			}
			rule.some = rule.some || f.number("objectSizeGreaterThan") > 0 || f.number("objectSizeLessThan") > 0 || f.has("tag") || f.has("tags")
			if n := f.number("objectSizeGreaterThan"); n > 0 {
				rule.minimumSize = int(n)
			}
		}
		for _, t := range item.items("transitions") {
			rule.transitions = append(rule.transitions, transition{int(t.number("days")), t.text("storageClass")})
		}
		out = append(out, rule)
	}
	return out
}

// covers says whether the rule is in force and its prefix is that of the key.
func (r lifecycleRule) covers(key string) bool { return r.enabled && strings.HasPrefix(key, r.prefix) }
