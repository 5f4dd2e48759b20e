package sandbox

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// processor is the Lambda function that a stream has its records transformed by. See
// https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
type processor struct {
	function string        // ARN, as it is configured: perhaps with a version or an alias
	role     partition.ARN // that Firehose invokes it as; the zero ARN is the stream's
	bytes    int64         // an invocation takes so much,
	interval time.Duration // or what has come when its oldest record is so old
	retries  int
}

// Defaults of the processor: https://docs.aws.amazon.com/firehose/latest/APIReference/API_ProcessorParameter.html
const (
	defaultProcessorMB      = 1.0
	defaultProcessorSeconds = 60
	defaultRetries          = 3
)

// firehoseTimeout is how long Firehose waits for an answer of the function:
// https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
const firehoseTimeout = 5 * time.Minute

// processorOf reads a processing configuration, nil when there is none. What the sandbox doesn't do is an error.
func processorOf(c resource.PropertyMap) (*processor, error) {
	if !boolean(c, "enabled") {
		return nil, nil
	}
	processors := objects(c["processors"])
	if len(processors) != 1 || text(processors[0], "type") != "Lambda" {
		var types []string
		for _, p := range processors {
			types = append(types, text(p, "type"))
		}
		return nil, fmt.Errorf("its processors are %q; the sandbox runs one of type Lambda", types)
	}
	p := &processor{bytes: defaultProcessorMB * (1 << 20), interval: defaultProcessorSeconds * time.Second, retries: defaultRetries}
	var problems error
	for _, parameter := range objects(processors[0]["parameters"]) {
		name, value := text(parameter, "parameterName"), text(parameter, "parameterValue")
		if err := p.set(name, value); err != nil {
			problems = errors.Join(problems, fmt.Errorf("the processor's %s is %q: %w", name, value, err))
		}
	}
	if problems == nil && p.function == "" {
		problems = errors.New("its processor has no LambdaArn")
	}
	return p, problems
}

func (p *processor) set(name, value string) error {
	// number reads a value between two.
	number := func(least, most float64) (float64, error) {
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || !(n >= least && n <= most) {
			return 0, fmt.Errorf("want a number from %v to %v", least, most)
		}
		return n, nil
	}
	switch name {
	case "LambdaArn":
		arn, err := partition.ParseARN(value)
		if err == nil && arn.Service != partition.Lambda {
			err = errors.New("want the ARN of a function")
		}
		p.function = value
		return err
	case "RoleArn":
		var err error
		p.role, err = partition.ParseARN(value)
		return err
	case "BufferSizeInMBs":
		n, err := number(0.2, 3)
		p.bytes = int64(n * (1 << 20))
		return err
	case "BufferIntervalInSeconds":
		n, err := number(0, 900)
		p.interval = time.Duration(n * float64(time.Second))
		return err
	case "NumberOfRetries":
		n, err := number(0, 300)
		p.retries = int(n)
		return err
	}
	return errors.New("a Lambda processor has no such parameter")
}
