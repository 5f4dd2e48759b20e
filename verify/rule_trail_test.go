package verify_test

import (
	"testing"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

func selector(category, field string, equals ...any) map[string]any {
	fields := []any{map[string]any{"field": "eventCategory", "equals": []any{category}}}
	if field != "" {
		fields = append(fields, map[string]any{"field": field, "equals": equals})
	}
	return map[string]any{"fieldSelectors": fields}
}

func onTrail(property string, value any) func(*program) {
	return func(p *program) { p.set("Trail", "cloudtrail", property, value) }
}

var trailCases = []ruleCase{
	{rule: "trail-complete", name: "one region", resource: "cloudtrail", reason: "its own region only", change: onTrail("isMultiRegionTrail", false)},
	{rule: "trail-complete", name: "no digests", resource: "cloudtrail", reason: "no digests", change: onTrail("enableLogFileValidation", false)},
	{rule: "trail-complete", name: "stopped", resource: "cloudtrail", reason: "records nothing", change: onTrail("enableLogging", false)},
	{rule: "trail-complete", name: "no global services", resource: "cloudtrail", reason: "global services", change: onTrail("includeGlobalServiceEvents", false)},
	{rule: "trail-complete", name: "reading only", resource: "cloudtrail", reason: "every management event",
		change: onTrail("advancedEventSelectors", []any{selector("Management", "readOnly", "true")})},
	{rule: "trail-complete", name: "without KMS", resource: "cloudtrail", reason: "every management event", change: func(p *program) {
		p.set("Trail", "cloudtrail", "advancedEventSelectors", nil)
		p.set("Trail", "cloudtrail", "eventSelectors", []any{map[string]any{"includeManagementEvents": true, "excludeManagementEventSources": []any{"kms"}}})
	}},
	{rule: "trail-for-events", name: "data events only", resource: "subscribe-created", reason: "no trail records the calls that it waits for",
		change: onTrail("advancedEventSelectors", []any{selector("Data", "resources.type", "AWS::S3::Object")})},
	{rule: "trail-for-events", name: "reading only", resource: "subscribe-created", reason: "no trail records the calls that it waits for",
		change: onTrail("advancedEventSelectors", []any{selector("Management", "readOnly", "true")})},
	{rule: "key-use-bound", name: "any account's trail", resource: "archive-key", reason: "for any account's trail", change: func(p *program) {
		p.edit("Key", "archive-key", "policy", func(d *policy.Document) {
			s := statement(d, "EncryptForTrailsCnNorth1")
			s.Condition = policy.Conditions{}.With("ArnLike", "aws:SourceArn", home.ARN(partition.CloudTrail, "trail/management").String())
		})
	}},
}

// TestManagementEvents: what a trail records by its selectors, through the rule about events.
func TestManagementEvents(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		property string
		value    []any
		recorded bool
	}{
		"none":                         {"eventSelectors", nil, true},
		"advanced, all":                {"advancedEventSelectors", []any{selector("Management", "")}, true},
		"advanced, writing":            {"advancedEventSelectors", []any{selector("Management", "readOnly", "false")}, true},
		"advanced, one source":         {"advancedEventSelectors", []any{selector("Management", "eventSource", "ec2")}, false},
		"advanced, two halves":         {"advancedEventSelectors", []any{selector("Management", "readOnly", "true"), selector("Management", "readOnly", "false")}, true},
		"basic":                        {"eventSelectors", []any{map[string]any{"readWriteType": "All"}}, true},
		"basic, reading":               {"eventSelectors", []any{map[string]any{"readWriteType": "ReadOnly"}}, false},
		"basic, without management":    {"eventSelectors", []any{map[string]any{"includeManagementEvents": false}}, false},
		"basic, without and then with": {"eventSelectors", []any{map[string]any{"includeManagementEvents": false}, map[string]any{"readWriteType": "WriteOnly"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := copyOf(t, "beijing")
			p.set("Trail", "cloudtrail", "advancedEventSelectors", nil)
			p.set("Trail", "cloudtrail", c.property, c.value)
			if found := named(p.verify(verify.Options{}), "trail-for-events"); (len(found) == 0) != c.recorded {
				t.Errorf("violations %v, recorded %t", found, c.recorded)
			}
		})
	}
}
