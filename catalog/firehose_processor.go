package catalog

import (
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// processorNumbers are the parameters of a Lambda processor that are numbers, given as text.
//
// See https://docs.aws.amazon.com/firehose/latest/APIReference/API_ProcessorParameter.html; the interval is documented
// with the console's settings (https://docs.aws.amazon.com/firehose/latest/dev/create-transform.html).
var processorNumbers = map[string]numberRange{
	"NumberOfRetries": {0, 300}, "BufferSizeInMBs": {0.2, 3}, "BufferIntervalInSeconds": {0, 900},
}

// processors checks what transforms records.
func (c *checking) processors() {
	const code = "InvalidArgumentException"
	for _, f := range c.in.find(s3Path + ".processingConfiguration.processors") {
		arn := parameter(f.value, "LambdaArn")
		switch {
		case arn == unknown:
		case arn != "":
			c.arn(f.path, arn)
		case object(f.value).str("type") == "Lambda":
			c.fail(f.path, code, "a Lambda processor needs the parameter LambdaArn")
		}
		for i, p := range object(f.value).list("parameters") {
			value := object(p).str("parameterValue")
			limits, ok := processorNumbers[object(p).str("parameterName")]
			if !ok || value == unknown {
				continue
			}
			if n, err := strconv.ParseFloat(value, 64); err != nil || n < limits.min || n > limits.max {
				c.fail(position(f.path+".parameters", i)+".parameterValue", code, "%q is not a number between %s and %s", value, number(limits.min), number(limits.max))
			}
		}
		// The API wants both or neither; the provider leaves out those that equal its defaults of 1 MB and 60 s
		// (https://github.com/hashicorp/terraform-provider-aws/pull/26964).
		size, interval := parameter(f.value, "BufferSizeInMBs"), parameter(f.value, "BufferIntervalInSeconds")
		if (size == "") != (interval == "") {
			c.fail(f.path, code, "BufferSizeInMBs and BufferIntervalInSeconds are given together, or neither")
		}
	}
}

// parameter returns a processor's parameter.
func parameter(processor resource.PropertyValue, name string) string {
	for _, p := range object(processor).list("parameters") {
		if object(p).str("parameterName") == name {
			return object(p).str("parameterValue")
		}
	}
	return ""
}

// transforms adds the functions that transform records; an ARN may go on with a version.
func (r *referring) transforms() {
	for _, f := range r.in.find(s3Path + ".processingConfiguration.processors.parameters") {
		if object(f.value).str("parameterName") != "LambdaArn" {
			continue
		}
		parts := strings.Split(object(f.value).str("parameterValue"), ":")
		value := strings.Join(parts[:min(len(parts), 7)], ":")
		r.add(Reference{Property: f.path + ".parameterValue", TargetToken: Function, By: ByARN, Value: value, SameRegion: true, SameAccount: true, Code: "InvalidArgumentException"})
	}
}
