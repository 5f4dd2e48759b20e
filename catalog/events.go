package catalog

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// EventRule is the token of an EventBridge rule.
const EventRule = "aws:cloudwatch/eventRule:EventRule"

// badEvents is EventBridge's error code for a parameter that it doesn't accept.
const badEvents = "ValidationException"

// EventBridge. See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html and API_PutTargets.html
var eventModels = []*model{{
	token: EventRule, nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true, code: badEvents,
	// terraform-provider-aws, resource aws_cloudwatch_event_rule: ForceNew of these.
	forceNew: []string{"name", "namePrefix", "eventBusName"},
	defaults: map[string]any{"eventBusName": "default", "forceDestroy": false},
	enums:    map[string][]string{"state": {"ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}},
	texts: map[string]textRule{
		"name":               nameRule(`0-9A-Za-z_.-`, 1, 64, "1 to 64 letters, digits and the signs _.-"),
		"namePrefix":         nameRule(`0-9A-Za-z_.-`, 0, 38, "at most 38 characters: the provider appends 26"),
		"description":        {most: 512, want: "at most 512 characters"},
		"scheduleExpression": {pattern: scheduleForm, most: 256, want: "an expression such as rate(1 hour), rate(5 minutes) or cron(0 2 * * ? *)"},
	},
	arns:  []string{"roleArn"},
	check: checkEventRule,
	complete: func(c *completion) {
		name := c.str("name")
		if bus := busName(c.str("eventBusName")); bus != "default" {
			name = bus + "/" + name
		}
		c.id = name
		c.set("arn", c.arn(partition.Events, "rule/"+name))
		if c.in("isEnabled") && !c.view().bool("isEnabled") {
			c.def("state", "DISABLED")
		}
		c.def("state", "ENABLED")
	},
	references: func(r *referring) { r.roleARN("roleArn", badEvents) },
}, {
	token: "aws:cloudwatch/eventTarget:EventTarget", idFromInputs: true, code: badEvents,
	// terraform-provider-aws, resource aws_cloudwatch_event_target: ForceNew of these.
	forceNew: []string{"rule", "eventBusName", "targetId"},
	defaults: map[string]any{"eventBusName": "default", "forceDestroy": false},
	texts: map[string]textRule{
		"rule":     nameRule(`0-9A-Za-z_.-`, 1, 64, "the name of a rule: 1 to 64 letters, digits and the signs _.-"),
		"targetId": nameRule(`0-9A-Za-z_.-`, 1, 64, "1 to 64 letters, digits and the signs _.-"),
		"input":    {most: 8192, want: "JSON of at most 8192 characters"},
	},
	ranges: map[string]numberRange{"retryPolicy.maximumRetryAttempts": {0, 185}, "retryPolicy.maximumEventAgeInSeconds": {60, 86400}},
	arns:   []string{"arn", "roleArn", "deadLetterConfig.arn"},
	check:  checkEventTarget,
	complete: func(c *completion) {
		if !c.in("targetId") {
			c.set("targetId", "terraform-"+c.digits("target", 26))
		}
		c.id = c.str("rule") + "-" + c.str("targetId")
		if bus := busName(c.str("eventBusName")); bus != "default" {
			c.id = bus + "-" + c.id
		}
	},
	references: func(r *referring) {
		r.name("rule", EventRule, "ResourceNotFoundException")
		targets := map[string]string{"sqs": Queue, "sns": Topic, "lambda:function": Function, "firehose:deliverystream": Stream}
		r.service("arn", targets, Reference{SameRegion: true, Code: badEvents})
		r.service("deadLetterConfig.arn", map[string]string{"sqs": Queue}, Reference{SameRegion: true, Code: badEvents})
		r.roleARN("roleArn", badEvents)
	},
}}

// scheduleForm is the form of an expression; "rate(1 hours)" is refused as "rate(2 hour)" is.
//
// See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
var scheduleForm = regexp.MustCompile(`^$|^rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)$|^cron\([^ ()]+( [^ ()]+){5}\)$`)

// busName is a bus's name, which may be given as its ARN.
func busName(bus string) string { return bus[strings.LastIndexByte(bus, '/')+1:] }

func checkEventRule(c *checking) {
	c.without("name", "namePrefix")
	c.without("isEnabled", "state")
	if !c.in.has("eventPattern") && !c.in.has("scheduleExpression") {
		c.fail("eventPattern", badEvents, "at least one of eventPattern, scheduleExpression is needed")
	}
	if c.in.has("scheduleExpression") {
		if bus := c.in.str("eventBusName"); bus != "" && bus != unknown && busName(bus) != "default" {
			c.fail("scheduleExpression", badEvents, "ScheduleExpression is supported only on the default event bus")
		}
		if c.in.str("state") == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" {
			c.fail("state", badEvents, "not for a rule with a schedule")
		}
	}
	if doc := c.in.str("eventPattern"); doc != "" && doc != unknown {
		if problem := patternProblem(doc); problem != "" {
			c.fail("eventPattern", "InvalidEventPatternException", "Event pattern is not valid. Reason: %s", problem)
		}
	}
}

// patternProblem says why a text isn't an event pattern: an object of objects, with lists at its leaves. The quota of
// 2,048 characters can be raised, to 4,096.
//
// See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html and eb-quota.html
func patternProblem(doc string) string {
	if len(doc) > 4096 {
		return "it has more than 4096 characters"
	}
	var pattern map[string]any
	if err := json.Unmarshal([]byte(doc), &pattern); err != nil {
		return "it is not a JSON object: " + err.Error()
	}
	if len(pattern) == 0 {
		return "it is empty"
	}
	return leafProblem("", pattern)
}

func leafProblem(path string, pattern map[string]any) string {
	for key, value := range pattern {
		at := under(path, key)
		switch v := value.(type) {
		case map[string]any:
			if problem := leafProblem(at, v); problem != "" {
				return problem
			}
		case []any:
			if len(v) == 0 {
				return at + ": empty arrays are not allowed"
			}
		default:
			return at + " must be an object or an array"
		}
	}
	return ""
}

func checkEventTarget(c *checking) {
	c.without("input", "inputPath")
	c.without("input", "inputTransformer")
	c.without("inputPath", "inputTransformer")
	if doc := c.in.str("input"); doc != "" && doc != unknown && !json.Valid([]byte(doc)) {
		c.fail("input", badEvents, "is not JSON")
	}
	arn, ok := c.known("arn")
	if ok && arn.Service == partition.Lambda && arn.Region != c.Place.Region {
		c.fail("arn", badEvents, "%q is not in %s, the rule's region", arn, c.Place.Region)
	}
}
