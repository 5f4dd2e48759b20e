package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/functions/transform"
)

func (m *Main) functionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "function",
		Short: "Run the Lambda functions on this machine",
		Long:  "Run the Lambda functions on this machine, on an event as Lambda would give it: for debugging and for measuring.",
		Example: `  logarchive function transform < event.json
  logarchive function transform --env LOGARCHIVE_TRANSFORM_PARTITION_KEYS=account,hour < event.json`,
	}
	c.AddCommand(m.functionTransformCommand())
	group(c)
	return c
}

func (m *Main) functionTransformCommand() *cobra.Command {
	var environ []string
	c := &cobra.Command{
		Use:   "transform",
		Short: "Transform a Firehose event, and print the response",
		Long: `Run the transform function on a Firehose transformation event from standard input, and print its response: the handler is the
one that is deployed. What it would log goes to standard error.

There is no stream that it could put records back to, so records that don't fit into the response are ProcessingFailed.

Exit codes: 0 there is a response, even if records in it failed; 1 the event can't be understood, and Lambda would report an
error; 2 bad usage or bad configuration (--env).

An event: a record's data is gzip and base64.
` + transformExample,
		Example: `  logarchive function transform < event.json | jq -r '.records[] | select(.result == "Ok") | .data' | base64 -d
  logarchive function transform --env LOGARCHIVE_TRANSFORM_EXTRA_FIELDS=site=beijing < event.json`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return m.functionTransform(c.Context(), environ) },
	}
	c.Flags().StringArrayVar(&environ, "env", nil, "a variable of the function's environment, as `NAME=VALUE`; may be given several times")
	return c
}

func (m *Main) functionTransform(ctx context.Context, environ []string) error {
	const prefix = "LOGARCHIVE_TRANSFORM_"
	for _, entry := range environ {
		if name, _, ok := strings.Cut(entry, "="); !ok || !strings.HasPrefix(name, prefix) {
			return usagef("--env %s: want NAME=VALUE, with a name that begins with %s", entry, prefix)
		}
	}
	config, err := transform.FromEnviron(environ)
	if err != nil {
		return &usageError{err}
	}
	event, err := m.readAll(ctx)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(event)) == 0 {
		return usagef("there is no event: standard input was empty\nSee 'logarchive function transform --help'.")
	}
	answer, err := transform.New(config, transform.Options{Log: m.Stderr}).Invoke(ctx, event)
	if err != nil {
		return err
	}
	_, err = m.Stdout.Write(append(answer, '\n'))
	return err
}

// readAll reads standard input. It doesn't wait for one that never ends.
func (m *Main) readAll(ctx context.Context) ([]byte, error) {
	type input struct {
		data []byte
		err  error
	}
	ended := make(chan input, 1)
	go func() {
		data, err := io.ReadAll(m.Stdin)
		ended <- input{data, err}
	}()
	select {
	case in := <-ended:
		if in.err != nil {
			return nil, fmt.Errorf("standard input: %w", in.err)
		}
		return in.data, nil
	case <-ctx.Done():
		return nil, errors.New("interrupted while reading standard input")
	}
}

// transformExample is an event that a test transforms: one event, "hello".
const transformExample = `{"invocationId": "1", "deliveryStreamArn": "", "region": "cn-north-1", "records": [{"recordId": "1", "approximateArrivalTimestamp": 0, "data":
"H4sIAAAAAAACA0WOwQrCMAyG3yXngU4Pg90K1p08dTcZUjXOQNeWNlNk7N3NFPG75cuf8E8wYM62x/YVEWrYqVadDtoY1WgoIDw9JtGlsBG2gmgX+iaFMcpmZWP8GsMJ7SCKZM7jOV8SRabg9+QYU4b6CDfoPln9QM+LmYCuy385YZIqbAf5WlbrP8WvouTu6FyAuZvfNic77rgAAAA="}]}
`
