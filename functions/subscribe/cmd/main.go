// Command cmd is the subscribe function as a Lambda custom runtime (provided.al2023: the binary is called bootstrap).
// It is configured by environment variables; see subscribe.FromEnviron.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/logarchive/logarchive/functions/subscribe"
	"github.com/logarchive/logarchive/functions/subscribe/connect"
)

func main() {
	cfg, err := subscribe.FromEnviron(os.Environ())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	logs, queue, err := connect.New(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lambda.StartWithOptions(subscribe.New(cfg, logs, queue, os.Stdout))
}
