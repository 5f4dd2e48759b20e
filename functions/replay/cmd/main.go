// Command cmd is the replay function as a Lambda custom runtime (provided.al2023: the binary is called bootstrap). It is
// configured by environment variables; see replay.FromEnviron.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/logarchive/logarchive/functions/replay"
	"github.com/logarchive/logarchive/functions/replay/connect"
)

func main() {
	cfg, err := replay.FromEnviron(os.Environ())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	clients, err := connect.New(context.Background(), connect.Places{BucketRegion: cfg.BucketRegion}, cfg.PutAttempts)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lambda.StartWithOptions(replay.New(cfg, clients, os.Stdout))
}
