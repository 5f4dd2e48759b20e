package verify

// lifecycleRule is one rule of a bucket's lifecycle configuration, as far as a proof reads it.
type lifecycleRule struct {
	id, prefix  string
	enabled     bool
	expireDays  int // 0: never
	noncurrent  int // days that a version is kept which isn't the current one; 0: for ever
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
			noncurrent: int(item.item("noncurrentVersionExpiration").number("noncurrentDays")),
		}
		for _, f := range []object{filter, filter.item("and")} {
			if p := f.text("prefix"); p != "" {
				rule.prefix = p
			}
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
