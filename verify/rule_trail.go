package verify

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

var trailRules = []Rule{
	{
		ID: "trail-complete", Title: "a trail records every region, and can be validated",
		Why:    "a trail of one region misses what is done in another (in China, CloudFront's events are in Ningxia only); without digests nobody can show that no log file was changed or taken away (CloudTrail User Guide, best-practices-security)",
		Remedy: "set isMultiRegionTrail, includeGlobalServiceEvents, enableLogFileValidation and enableLogging, and select all management events",
		check:  trailComplete,
	},
	{
		ID: "trail-for-events", Title: "events of API calls come from a trail that records them",
		Why:    "EventBridge gets an API call only where a trail records it: without one, new log groups wait for the next sweep (EventBridge User Guide, eb-service-event-cloudtrail)",
		Remedy: "have one trail of the account record management events, write-only ones included, in the rule's region",
		check:  trailForEvents,
	},
}

func trailComplete(e *evaluation, report reporter) {
	for _, r := range e.byType[typeTrail] {
		if e.keepers[bucketName(r.text("s3BucketName"))] == nil {
			continue // it isn't the archive's
		}
		for _, setting := range []struct{ property, reason string }{
			{"isMultiRegionTrail", "it records its own region only"},
			{"enableLogFileValidation", "its log files have no digests"},
			{"enableLogging", "it records nothing"},
			{"includeGlobalServiceEvents", "it leaves out global services"},
		} {
			byDefault := setting.property == "enableLogging" || setting.property == "includeGlobalServiceEvents"
			if !r.flag(setting.property) && (object(r.State).has(setting.property) || !byDefault) {
				report(r.URN, "set "+setting.property, "%s", setting.reason)
			}
		}
		if read, write := managementEvents(r); !read || !write {
			report(r.URN, "select the management events, without conditions", "it doesn't record every management event")
		}
	}
}

// managementEvents says which management events a trail records: all of those that read, and of those that write. A trail
// without selectors records both.
func managementEvents(r *Resource) (read, write bool) {
	basic, advanced := r.items("eventSelectors"), r.items("advancedEventSelectors")
	if len(basic)+len(advanced) == 0 {
		return true, true
	}
	for _, s := range basic {
		if s.has("includeManagementEvents") && !s.flag("includeManagementEvents") || len(s.texts("excludeManagementEventSources")) > 0 {
			continue
		}
		kind := s.text("readWriteType")
		read, write = read || kind != "WriteOnly", write || kind != "ReadOnly"
	}
	for _, s := range advanced {
		management, all, readOnly := false, true, ""
		for _, f := range s.items("fieldSelectors") {
			switch values := f.texts("equals"); f.text("field") {
			case "eventCategory":
				management = slices.Contains(values, "Management")
			case "readOnly":
				readOnly = strings.Join(values, "")
			default:
				all = false
			}
		}
		if management && all {
			read, write = read || readOnly != "false", write || readOnly != "true"
		}
	}
	return read, write
}

// trailForEvents looks at trails that are declared: an account may have others, of which nothing is known.
func trailForEvents(e *evaluation, report reporter) {
	for _, rule := range e.byType[typeEventRule] {
		if !slices.ContainsFunc(rule.Place.Partition().CallEventTypes(), func(t string) bool { return strings.Contains(rule.text("eventPattern"), t) }) {
			continue
		}
		var trails []string
		recorded := false
		for _, r := range e.byType[typeTrail] {
			if r.Place.Account != rule.Place.Account || !r.flag("isMultiRegionTrail") && r.Place.Region != rule.Place.Region {
				continue
			}
			_, write := managementEvents(r)
			trails = append(trails, r.URN)
			recorded = recorded || write && (!object(r.State).has("enableLogging") || r.flag("enableLogging"))
		}
		if len(trails) > 0 && !recorded {
			report(rule.URN, "have the trail record management events", "no trail records the calls that it waits for: %s", strings.Join(trails, ", "))
		}
	}
}

// trailKeyBound is a part of key-use-bound: a grant to CloudTrail must say whose trails may be encrypted.
func (e *evaluation) trailKeyBound(report reporter) {
	const context = "kms:EncryptionContext:aws:cloudtrail:arn"
	for _, v := range e.verdicts {
		arn, err := partition.ParseARN(strings.Join(v.Context[context], ""))
		if err != nil || v.Action != "kms:GenerateDataKey" || !v.Allowed {
			continue
		}
		arn.Account = "000000000000"
		k, ok := e.keys[v.Resource]
		if !ok {
			continue
		}
		for _, other := range []Hop{altered(v.Hop, context, arn.String()), without(v.Hop, context)} {
			if e.probe(other) == policy.Allowed {
				report(k.URN, "add a condition StringLike on "+context+" with the account's trails", "CloudTrail could encrypt with it for any account's trail: nothing asks for %s", context)
				break
			}
		}
	}
}

// without is the hop without a context key.
func without(h Hop, key string) Hop {
	out := altered(h, key, "")
	delete(out.Context, key)
	return out
}
