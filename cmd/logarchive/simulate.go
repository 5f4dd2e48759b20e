package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy/simulate"
)

func (m *Main) simulateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "simulate [FILE]",
		Short: "Decide IAM requests, without AWS",
		Long: `Decide requests by the policies that they bring along, as IAM would, in aws and aws-cn. Nothing is asked of AWS.

The input is JSON in the shape of IAM's SimulateCustomPolicy: one object after the other, each on one line or on several,
from FILE or from standard input. For each, its response is written on a line of its own: allowed, explicitDeny or
implicitDeny, the statements that decided it, and the context that the policies ask for and the request doesn't give.

Unlike IAM's own simulator, it takes a service's name as CallerArn, and every kind of ResourcePolicy: of buckets, queues,
topics and keys, and the trust policy of a role. Exit code 2: the input has a mistake; its line and field are named.

An input:
` + simulateExample(),
		Example: `  logarchive simulate requests.json
  jq -c '.requests[]' cases.json | logarchive simulate | jq -r '.EvaluationResults[].EvalDecision'`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%q takes one file, but was given %q and %q\nSee '%s --help'.", c.CommandPath(), args[0], args[1], c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			name := "-"
			if len(args) > 0 {
				name = args[0]
			}
			in, done, err := m.openInput(name)
			if err != nil {
				return err
			}
			defer done()
			return m.simulate(c.Context(), name, in)
		},
	}
}

// simulate runs until the input ends. It doesn't wait for a standard input that never ends.
func (m *Main) simulate(ctx context.Context, name string, in io.Reader) error {
	ended := make(chan error, 1)
	go func() { ended <- simulate.Run(in, m.Stdout) }()
	select {
	case err := <-ended:
		var wrong *simulate.InputError
		if !errors.As(err, &wrong) {
			return err
		}
		if name != "-" {
			err = fmt.Errorf("%s: %w", name, err)
		}
		return &usageError{err}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// openInput opens a file, or standard input for "-".
func (m *Main) openInput(name string) (in io.Reader, done func(), err error) {
	if name == "-" {
		return m.Stdin, func() {}, nil
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(m.Dir, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, &usageError{err}
	}
	return file, func() { _ = file.Close() }, nil
}

// simulateExample is a request that a test runs: a stream's role writes to the archive of another account.
func simulateExample() string {
	place := partition.Place{Account: "111122223333", Region: "cn-north-1"}
	bucket := partition.BucketARN(place.Partition(), "archive").String()
	return fmt.Sprintf(`  {
    "CallerArn": %q,
    "PolicyInputList": ["{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"s3:PutObject\", \"Resource\": \"%[3]s/logs/*\"}}"],
    "ActionNames": ["s3:PutObject"],
    "ResourceArns": ["%[3]s/logs/x"],
    "ResourceOwner": "222233334444",
    "ResourcePolicy": "{\"Statement\": {\"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"%[2]s\"}, \"Action\": \"s3:PutObject\", \"Resource\": \"%[3]s/*\", \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"true\"}}}}",
    "ContextEntries": [{"ContextKeyName": "aws:SecureTransport", "ContextKeyValues": ["true"], "ContextKeyType": "boolean"}]
  }
`, place.RoleARN("delivery"), place.RootARN(), bucket)
}
