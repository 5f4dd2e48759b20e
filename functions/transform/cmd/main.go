// Command cmd is the transform function as a Lambda custom runtime (provided.al2023: the binary is called bootstrap).
// It is configured by environment variables; see transform.FromEnviron.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/firehose"

	"github.com/logarchive/logarchive/functions/putback"
	"github.com/logarchive/logarchive/functions/transform"
)

func main() {
	cfg, err := transform.FromEnviron(os.Environ())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	h := transform.New(cfg, transform.Options{
		Stream: &putback.Putter{
			API: &client{}, Attempts: cfg.PutAttempts,
			Base: 100 * time.Millisecond, Longest: 5 * time.Second, Margin: 5 * time.Second,
		},
		Log:      os.Stdout,
		OwnGroup: os.Getenv("AWS_LAMBDA_LOG_GROUP_NAME"),
	})
	// The runtime's loop has sent an answer before it takes the next event, unless it runs several at once.
	h.ReuseResponse = lambdacontext.MaxConcurrency() <= 1
	lambda.StartWithOptions(h)
}

// client makes the Firehose client when the first record has to be put back, which most invocations never need.
type client struct {
	once sync.Once
	made *firehose.Client
	err  error
}

// PutRecordBatch passes the call on.
func (c *client) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput, o ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	c.once.Do(func() {
		cfg, err := config.LoadDefaultConfig(context.WithoutCancel(ctx))
		c.made, c.err = firehose.NewFromConfig(cfg, func(o *firehose.Options) {
			o.Retryer = aws.NopRetryer{} // putback retries, and only what was refused
		}), err
	})
	if c.err != nil {
		return nil, fmt.Errorf("configuration of the AWS SDK: %w", c.err)
	}
	return c.made.PutRecordBatch(ctx, in, o...)
}
