package catalog

import (
	"math"
	"sort"

	"github.com/logarchive/logarchive/partition"
)

// S3 lifecycle rules. See https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html

var lifecycleEnums = map[string][]string{
	"rules.status":                       {"Enabled", "Disabled"},
	"transitionDefaultMinimumObjectSize": {"all_storage_classes_128K", "varies_by_storage_class"},
}

var lifecycleRanges = map[string]numberRange{
	"rules.expiration.days":                                     {0, math.MaxInt32},
	"rules.transitions.days":                                    {0, math.MaxInt32},
	"rules.noncurrentVersionExpiration.noncurrentDays":          {1, math.MaxInt32},
	"rules.noncurrentVersionExpiration.newerNoncurrentVersions": {1, 100},
	"rules.noncurrentVersionTransitions.noncurrentDays":         {0, math.MaxInt32},
	"rules.abortIncompleteMultipartUpload.daysAfterInitiation":  {1, math.MaxInt32},
}

// lifecycleActions are the inputs of which a rule needs one.
var lifecycleActions = []string{"expiration", "transitions", "noncurrentVersionExpiration", "noncurrentVersionTransitions", "abortIncompleteMultipartUpload"}

func checkLifecycle(c *checking) {
	rules := c.in.list("rules")
	if len(rules) > 1000 {
		c.fail("rules", "InvalidArgument", "%d rules: S3 accepts 1000", len(rules))
	}
	ids := map[string]bool{}
	for i, r := range rules {
		path, rule := position("rules", i), object(r)
		if rule == nil {
			continue
		}
		if id := rule.str("id"); id != unknown {
			if id != "" && ids[id] {
				c.fail(path+".id", "InvalidArgument", "Rule ID must be unique: another rule is called %q", id)
			}
			ids[id] = true
		}
		c.lifecycleRule(path, rule)
	}
}

func (c *checking) lifecycleRule(path string, rule view) {
	actions := 0
	for _, action := range lifecycleActions {
		if rule.has(action) {
			actions++
		}
	}
	if actions == 0 {
		c.fail(path, "InvalidRequest", "at least one action needs to be specified in a rule")
	}
	if rule.has("filter") && rule.has("prefix") {
		c.fail(path, "MalformedXML", "filter and prefix exclude each other")
	}
	expiration := rule.obj("expiration")
	if expiration.bool("expiredObjectDeleteMarker") && (nonzero(expiration, "days") || expiration.has("date")) {
		c.fail(path+".expiration", "MalformedXML", "expiredObjectDeleteMarker excludes days and date")
	}
	days, expires := expiration.num("days")
	c.transitions(path+".transitions", steps(rule, "transitions", "days"), days, expires && days > 0, "Expiration")
	days, expires = rule.obj("noncurrentVersionExpiration").num("noncurrentDays")
	c.transitions(path+".noncurrentVersionTransitions", steps(rule, "noncurrentVersionTransitions", "noncurrentDays"), days, expires, "NoncurrentVersionExpiration")
}

func nonzero(v view, key string) bool {
	n, ok := v.num(key)
	return ok && n != 0
}

// step is one transition of a rule.
type step struct {
	path  string
	days  float64
	class string
	dated bool // by date or of unknown days: its order isn't known
}

func steps(rule view, property, daysKey string) []step {
	var out []step
	for i, t := range rule.list(property) {
		v := object(t)
		days, ok := v.num(daysKey)
		out = append(out, step{position("", i), days, v.str("storageClass"), !ok})
	}
	return out
}

// transitions checks the classes, the least age in each, the order of the steps, and that what expires has arrived.
func (c *checking) transitions(base string, list []step, expires float64, hasExpiry bool, expiry string) {
	seen := map[string]bool{}
	var known []step
	for _, s := range list {
		path := base + s.path
		if s.class == "" || s.class == unknown {
			continue
		}
		rule, err := partition.ParseStorageClass(s.class)
		if err != nil {
			c.fail(path+".storageClass", "MalformedXML", err.Error())
			continue
		}
		if seen[s.class] {
			c.fail(path+".storageClass", "InvalidRequest", "another transition of the rule goes to %s as well", s.class)
		}
		seen[s.class] = true
		if s.dated {
			continue
		}
		if s.days < float64(rule.MinAgeDays) {
			c.fail(path, "InvalidArgument", "'Days' in Transition action must be greater than or equal to %d for storageClass '%s': it is %s", rule.MinAgeDays, s.class, number(s.days))
		}
		if hasExpiry && expires <= s.days {
			c.fail(path, "InvalidArgument", "'Days' in the %s action must be greater than 'Days' in the Transition action: %s is not greater than %s", expiry, number(expires), number(s.days))
		}
		s.path = path
		known = append(known, s)
	}
	c.order(known)
}

// order checks that classes grow colder, and that objects stay in an infrequent-access class for the time it takes.
func (c *checking) order(list []step) {
	sort.SliceStable(list, func(i, j int) bool { return list[i].days < list[j].days })
	for i := 1; i < len(list); i++ {
		before, err1 := partition.ParseStorageClass(list[i-1].class)
		after, err2 := partition.ParseStorageClass(list[i].class)
		if err1 != nil || err2 != nil {
			continue
		}
		if after.Order <= before.Order {
			c.fail(list[i].path, "InvalidArgument", "a transition from %s to %s is not possible: want a colder class", before.Class, after.Class)
			continue
		}
		ia := before.Class == partition.StandardIA || before.Class == partition.OneZoneIA
		if stay := float64(after.AfterIADays); ia && list[i].days < list[i-1].days+stay {
			c.fail(list[i].path, "InvalidArgument", "'Days' in the 'Transition' action for StorageClass '%s' must be %s days more than 'Days' in the 'Transition' action for StorageClass '%s': %s is not %s more than %s",
				after.Class, number(stay), before.Class, number(list[i].days), number(stay), number(list[i-1].days))
		}
	}
}
