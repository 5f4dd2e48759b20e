package catalog

import (
	"regexp"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// What may call functions. See https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html and
// API_CreateEventSourceMapping.html
var lambdaTriggerModels = []*model{{
	token: Permission, nameProperty: "statementId", namePrefix: "statementIdPrefix", idFromInputs: true, code: "ValidationException",
	// terraform-provider-aws, resource aws_lambda_permission: everything is ForceNew.
	forceNew: []string{"action", "eventSourceToken", "function", "functionUrlAuthType", "principal", "principalOrgId", "qualifier",
		"sourceAccount", "sourceArn", "statementId", "statementIdPrefix"},
	texts: map[string]textRule{
		"action":        {pattern: regexp.MustCompile(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`), want: "an action such as lambda:InvokeFunction"},
		"statementId":   nameRule(`a-zA-Z0-9_-`, 1, 100, "1 to 100 letters, digits, hyphens and underscores"),
		"sourceAccount": {pattern: regexp.MustCompile(`^\d{12}$`), want: "12 digits"},
	},
	check: func(c *checking) {
		if arn := c.in.str("sourceArn"); arn != "" && arn != unknown {
			c.pattern("sourceArn", arn)
		}
		if p := c.in.str("principal"); strings.Contains(p, ".") && !partition.IsServicePrincipal(p) {
			c.fail("principal", badLambda, "The provided principal was invalid: %q is not the name of a service", p)
		}
	},
	complete: func(c *completion) {
		c.set("function", c.str("function"))
		c.id = c.str("statementId")
	},
	references: func(r *referring) { r.function("function") },
}, {
	token: "aws:lambda/eventSourceMapping:EventSourceMapping", code: badLambda,
	// terraform-provider-aws, resource aws_lambda_event_source_mapping: ForceNew of these.
	forceNew: []string{"eventSourceArn", "startingPosition", "startingPositionTimestamp", "queues", "topics", "selfManagedEventSource",
		"amazonManagedKafkaEventSourceConfig", "selfManagedKafkaEventSourceConfig"},
	defaults: map[string]any{"enabled": true},
	enums:    map[string][]string{"functionResponseTypes": {"ReportBatchItemFailures"}, "startingPosition": {"AT_TIMESTAMP", "LATEST", "TRIM_HORIZON"}},
	ranges: map[string]numberRange{"batchSize": {1, 10000}, "maximumBatchingWindowInSeconds": {0, 300},
		"scalingConfig.maximumConcurrency": {2, 1000}, "parallelizationFactor": {1, 10}, "maximumRetryAttempts": {-1, 10000}},
	arns:     []string{"eventSourceArn", "kmsKeyArn", "destinationConfig.onFailure.destinationArn"},
	check:    checkEventSource,
	complete: completeEventSource,
	references: func(r *referring) {
		r.function("functionName")
		r.service("eventSourceArn", map[string]string{"sqs": Queue}, Reference{SameRegion: true, Code: badLambda})
		r.keyOf("kmsKeyArn")
	},
}}

// Permission is the token of a statement of a function's policy.
const Permission = "aws:lambda/permission:Permission"

// function adds functions that are named by name or ARN.
func (r *referring) function(path string) {
	for _, f := range r.in.find(path) {
		ref := Reference{Property: f.path, TargetToken: Function, By: ByName, Value: text(f.value), SameRegion: true, SameAccount: true, Code: "ResourceNotFoundException"}
		if strings.HasPrefix(ref.Value, "arn:") {
			ref.By = ByARN
		}
		r.add(ref)
	}
}

// checkEventSource finds what Lambda refuses for a queue; other sources have rules that the catalog doesn't know.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
func checkEventSource(c *checking) {
	if !c.in.has("eventSourceArn") && !c.in.has("selfManagedEventSource") {
		c.fail("eventSourceArn", CheckFailure, "one of eventSourceArn, selfManagedEventSource is needed")
	}
	arn, ok := c.known("eventSourceArn")
	if !ok || arn.Service != partition.SQS {
		return
	}
	if arn.Region != c.Place.Region {
		c.fail("eventSourceArn", badLambda, "%q is not in %s, the function's region", arn, c.Place.Region)
	}
	for _, other := range []string{"startingPosition", "startingPositionTimestamp", "parallelizationFactor", "maximumRetryAttempts",
		"maximumRecordAgeInSeconds", "bisectBatchOnFunctionError", "tumblingWindowInSeconds", "destinationConfig"} {
		if c.in.has(other) {
			c.fail(other, badLambda, "is not for queues")
		}
	}
	batch, ok := c.in.num("batchSize")
	if !ok || batch <= 10 {
		return
	}
	if strings.HasSuffix(arn.Resource, ".fifo") {
		c.fail("batchSize", badLambda, "%s messages: a FIFO queue has at most 10", number(batch))
	} else if window, _ := c.in.num("maximumBatchingWindowInSeconds"); window < 1 && !c.in.unknown("maximumBatchingWindowInSeconds") {
		c.fail("maximumBatchingWindowInSeconds", badLambda, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	}
}

// completeEventSource gives the mapping its UUID, which is the id.
func completeEventSource(c *completion) {
	c.id = c.uuid("mapping")
	c.set("uuid", c.id)
	c.set("arn", c.arn(partition.Lambda, "event-source-mapping:"+c.id))
	function := c.str("functionName")
	if !strings.HasPrefix(function, "arn:") && function != unknown {
		function = c.arn(partition.Lambda, "function:"+function)
	}
	c.set("functionArn", function)
	state := "Enabled"
	if !c.view().bool("enabled") && !c.view().unknown("enabled") {
		state = "Disabled"
	}
	c.set("state", state)
	c.set("stateTransitionReason", "USER_INITIATED")
	c.set("lastProcessingResult", "")
	c.set("lastModified", created)
	if arn, err := partition.ParseARN(c.str("eventSourceArn")); err == nil && arn.Service == partition.SQS {
		c.def("batchSize", 10)
	}
}
