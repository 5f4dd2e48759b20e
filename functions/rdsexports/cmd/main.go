// Command cmd is the rdsexports function as a Lambda custom runtime (provided.al2023: the binary is called bootstrap).
// It is configured by environment variables; see rdsexports.FromEnviron.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/logarchive/logarchive/functions/rdsexports"
	"github.com/logarchive/logarchive/functions/rdsexports/connect"
)

func main() {
	cfg, err := rdsexports.FromEnviron(os.Environ())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	rds, err := connect.New(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lambda.StartWithOptions(rdsexports.New(cfg, rds, os.Stdout))
}
