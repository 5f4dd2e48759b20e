package verify

import "testing"

func TestGone(t *testing.T) {
	t.Parallel()
	expire := lifecycleRule{id: "expire", enabled: true, expireDays: 400, noncurrent: 30}
	markers := lifecycleRule{id: "markers", prefix: "logs/", enabled: true, markers: true}
	with := func(r lifecycleRule, change func(*lifecycleRule)) lifecycleRule { change(&r); return r }
	for _, c := range []struct {
		name  string
		rules []lifecycleRule
		days  int
		ok    bool
	}{
		{"the marker must be as old as an object", []lifecycleRule{expire}, 803, true},
		{"markers go at once", []lifecycleRule{expire, markers}, 433, true},
		{"markers of another folder", []lifecycleRule{expire, with(markers, func(r *lifecycleRule) { r.prefix = "databases/" })}, 803, true},
		{"markers of a disabled rule", []lifecycleRule{expire, with(markers, func(r *lifecycleRule) { r.enabled = false })}, 803, true},
		{"versions are kept for longer than objects", []lifecycleRule{with(expire, func(r *lifecycleRule) { r.noncurrent = 500 })}, 903, true},
		{"no rule", nil, 0, false},
		{"versions stay", []lifecycleRule{with(expire, func(r *lifecycleRule) { r.noncurrent = 0 })}, 0, false},
		{"small objects stay", []lifecycleRule{with(expire, func(r *lifecycleRule) { r.some = true })}, 0, false},
		{"two rules", []lifecycleRule{expire, expire}, 0, false},
	} {
		days, ok := (&bucket{lifecycles: c.rules}).gone("logs/")
		if days != c.days || ok != c.ok {
			t.Errorf("%s: %d %t, want %d %t", c.name, days, ok, c.days, c.ok)
		}
	}
}
