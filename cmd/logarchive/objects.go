package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/klauspost/compress/gzip"
	"github.com/parquet-go/parquet-go"
	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/sandbox"
)

// A listing is what "sandbox ls" prints with --json.
type listing struct {
	Buckets []bucketListing        `json:"buckets,omitempty"`
	Sources []sourceListing        `json:"sources,omitempty"`
	Waiting []sandbox.BufferStatus `json:"waiting,omitempty"`
	// Replications are how the objects of each bucket stand that is replicated.
	Replications []sandbox.ReplicationCount `json:"replications,omitempty"`
	Objects      []sandbox.StoredObject     `json:"objects,omitempty"`
	// Background is what waits for functions, and what was refused where nobody waits for an answer.
	Background *sandbox.BackgroundStatus `json:"background,omitempty"`
}

type bucketListing struct {
	Name    string `json:"name"`
	Objects int    `json:"objects"`
	Bytes   int64  `json:"bytes"`
}

type sourceListing struct {
	ID     string `json:"id"`
	Path   string `json:"path"`
	Broken string `json:"broken,omitempty"`
}

func (m *Main) lsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ls [BUCKET[/PREFIX]]",
		Short: "List sources, buckets, what waits and what was refused; or the objects of a bucket",
		Long: `Without arguments: the buckets with objects, the sources with their paths, what waits in buffers and queues, and what was refused
where nobody waits for an answer (an event on its way to a function, a function that reads a queue). With a bucket, and a prefix
if you like: its objects.`,
		Example: `  logarchive sandbox ls
  logarchive sandbox ls example-log-archive-222233334444-ningxia/logs/`,
		Args: atMostOne,
		RunE: func(c *cobra.Command, args []string) error {
			return m.withArchive(func(a *archive) error {
				if len(args) == 0 {
					return m.listAll(a)
				}
				bucket, prefix := bucketAndKey(args[0])
				objects, err := a.store.List(bucket, prefix)
				if err != nil {
					return err
				}
				if len(objects) == 0 {
					if _, err := knownBucket(a, bucket); err != nil {
						return err
					}
				}
				if m.json {
					return m.printJSON(listing{Objects: objects})
				}
				w := tabwriter.NewWriter(m.Stdout, 0, 0, 2, ' ', 0)
				for _, o := range objects {
					fmt.Fprintf(w, "%s\t%10d\t%s", o.LastModified.Format("2006-01-02 15:04:05"), o.Size, o.Key)
					if o.Replication != "" {
						fmt.Fprintf(w, "\t%s", o.Replication)
					}
					fmt.Fprintln(w)
					if o.Failure != "" {
						fmt.Fprintf(w, "\t\t  %s\n", o.Failure)
					}
				}
				return w.Flush()
			})
		},
	}
}

func (m *Main) listAll(a *archive) error {
	var all listing
	names, err := a.store.Buckets()
	if err != nil {
		return err
	}
	for _, name := range names {
		objects, err := a.store.List(name, "")
		if err != nil {
			return err
		}
		b := bucketListing{Name: name, Objects: len(objects)}
		for _, o := range objects {
			b.Bytes += o.Size
		}
		all.Buckets = append(all.Buckets, b)
	}
	for _, s := range a.delivery.Sources() {
		all.Sources = append(all.Sources, sourceListing{s.ID, s.Path, s.Broken})
	}
	if all.Waiting, err = a.delivery.Status(); err != nil {
		return err
	}
	if all.Replications, err = a.store.Replications(); err != nil {
		return err
	}
	background := sandbox.NewBackground(a.world, a.delivery).Status()
	all.Background = &background
	if m.json {
		return m.printJSON(all)
	}
	fmt.Fprintln(m.Stdout, "Buckets with objects:")
	for _, b := range all.Buckets {
		fmt.Fprintf(m.Stdout, "  %s  %d objects, %d bytes\n", b.Name, b.Objects, b.Bytes)
	}
	if len(all.Buckets) == 0 {
		fmt.Fprintln(m.Stdout, "  none")
	}
	fmt.Fprintln(m.Stdout, "Sources:")
	for _, s := range all.Sources {
		fmt.Fprintf(m.Stdout, "  %s\n      %s\n", s.ID, s.Path)
		if s.Broken != "" {
			fmt.Fprintf(m.Stdout, "      leads nowhere: %s\n", s.Broken)
		}
	}
	if len(all.Replications) > 0 {
		fmt.Fprintln(m.Stdout, "Replication:")
	}
	for _, r := range all.Replications {
		fmt.Fprintf(m.Stdout, "  %s: %d completed, %d pending, %d failed\n", r.Bucket, r.Completed, r.Pending, r.Failed)
		if r.Failure != "" {
			fmt.Fprintf(m.Stdout, "      the last failure: %s\n", r.Failure)
		}
	}
	if len(all.Waiting) > 0 {
		fmt.Fprintln(m.Stdout, "Waiting in buffers (logarchive sandbox flush):")
	}
	for _, b := range all.Waiting {
		fmt.Fprintf(m.Stdout, "  %s %s: %s, %d bytes, due at %s\n", b.Kind, b.Name, lineCount(int(b.Lines)), b.Bytes, b.Due.Format("15:04:05"))
		if b.Attempts > 0 {
			fmt.Fprintf(m.Stdout, "      failed %d times, the last one: %s: %s\n", b.Attempts, b.Code, b.Reason)
		}
	}
	m.listBackground(background)
	return nil
}

func (m *Main) catCommand() *cobra.Command {
	var raw bool
	c := &cobra.Command{
		Use:   "cat BUCKET/KEY",
		Short: "Print an object, unpacked",
		Long: `Print an object of the sandbox: gzip is unpacked, as often as it was packed; Parquet is printed as a JSON object per row.
With --raw, its bytes as they are.`,
		Example: `  logarchive sandbox cat example-log-archive-222233334444-ningxia/logs/.../log-archive-logs-1-... | jq .logEvents
  logarchive sandbox cat --raw BUCKET/KEY | gunzip`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("which object? One, as BUCKET/KEY; 'logarchive sandbox ls BUCKET' lists them")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return m.withArchive(func(a *archive) error {
				bucket, key := bucketAndKey(args[0])
				if _, err := knownBucket(a, bucket); err != nil {
					return err
				}
				file, o, err := a.store.Open(bucket, key)
				if err != nil {
					return err
				}
				defer file.Close()
				if raw {
					_, err := io.Copy(m.Stdout, file)
					return err
				}
				return printObject(m.Stdout, file, o.Size)
			})
		},
	}
	c.Flags().BoolVar(&raw, "raw", false, "print the bytes as they are")
	return c
}

// bucketAndKey takes BUCKET/KEY apart, with or without s3:// before it.
func bucketAndKey(text string) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(text, "s3://"), "/")
	return bucket, key
}

// knownBucket finds a bucket of the sandbox; its error names those that there are.
func knownBucket(a *archive, name string) (sandbox.Object, error) {
	var names []string
	for _, o := range a.world.List("aws:s3/bucketV2:BucketV2") {
		if o.ID == name {
			return o, nil
		}
		names = append(names, o.ID)
	}
	return sandbox.Object{}, fmt.Errorf("there is no bucket %q in the sandbox: %s", name, orNone(names))
}

// atMostOne refuses a second argument.
func atMostOne(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("%q takes one argument at most, but was given %d\nSee '%s --help'.", c.CommandPath(), len(args), c.CommandPath())
	}
	return nil
}

// printObject writes an object unpacked.
func printObject(w io.Writer, file *os.File, size int64) error {
	magic := make([]byte, 4)
	if n, err := file.ReadAt(magic, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	} else if bytes.Equal(magic[:n], []byte("PAR1")) {
		return printParquet(w, file, size)
	}
	in := bufio.NewReader(file)
	for {
		magic, err := in.Peek(2)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
			_, err := io.Copy(w, in)
			return err
		}
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		in = bufio.NewReader(unpacked)
	}
}

// printParquet writes a JSON object for each row.
func printParquet(w io.Writer, file *os.File, size int64) error {
	f, err := parquet.OpenFile(file, size)
	if err != nil {
		return err
	}
	rows := parquet.NewGenericReader[map[string]any](f, f.Schema())
	defer rows.Close()
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	batch := make([]map[string]any, 64)
	for {
		for i := range batch {
			batch[i] = map[string]any{}
		}
		n, err := rows.Read(batch)
		for _, row := range batch[:n] {
			if err := encoder.Encode(row); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
