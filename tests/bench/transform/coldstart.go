package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/logarchive/logarchive/tests/bench/corpus"
)

// coldStart builds the function as components/build does, prints the size of its zip for both architectures, and measures from
// the start of the process to the arrival of its first answer, over Lambda's runtime API on the loopback.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func coldStart(dir string, rounds int) error {
	fmt.Println()
	binary := ""
	for _, arch := range []string{"amd64", "arm64"} {
		path := filepath.Join(dir, "bootstrap-"+arch)
		build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", path, "./functions/transform/cmd")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+arch)
		if out, err := command(build); err != nil {
			return fmt.Errorf("building the function for %s: %w\n%s", arch, err, out)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		size, err := zipped(b)
		if err != nil {
			return err
		}
		fmt.Printf("zip for %s: %.1f MB (binary %.1f MB), goal at most 8 MB\n", arch, float64(size)/1e6, float64(len(b))/1e6)
		if arch == runtime.GOARCH {
			binary = path
		}
	}
	if binary == "" {
		return nil
	}
	r := rand.New(rand.NewPCG(1, 1))
	data := base64.StdEncoding.EncodeToString(corpus.Gzip(corpus.Document(r, corpus.Kinds()[0], 3)))
	event := `{"invocationId":"i","deliveryStreamArn":"arn:partition:firehose:cn-north-1:111122223333:deliverystream/logs","region":"cn-north-1","records":[{"recordId":"1","data":"` + data + `"}]}`
	var took []float64
	for range rounds {
		d, err := firstAnswer(binary, event)
		if err != nil {
			return err
		}
		took = append(took, float64(d.Microseconds())/1000)
	}
	slices.Sort(took)
	fmt.Printf("cold start, process start to first answer, %d rounds: median %.1f ms, best %.1f, worst %.1f, goal at most 25 ms\n",
		rounds, took[len(took)/2], took[0], took[len(took)-1])
	return nil
}

func zipped(binary []byte) (int, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	w, err := z.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := w.Write(binary); err != nil {
		return 0, err
	}
	err = z.Close()
	return b.Len(), err
}

// firstAnswer starts the function and hands it one event.
func firstAnswer(binary, event string) (time.Duration, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	answers := make(chan string, 1)
	given := false
	done := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, _ *http.Request) {
		if given {
			<-done // the next event never comes
			return
		}
		given = true
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
		_, _ = io.WriteString(w, event)
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/1/response", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		answers <- string(b)
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answers <- "unexpected " + r.Method + " " + r.URL.Path
		w.WriteHeader(http.StatusAccepted)
	})
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	defer close(done)

	cmd := exec.Command(binary)
	cmd.Stderr = os.Stderr
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=transform", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_REGION=cn-north-1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1024", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/transform", "LOGARCHIVE_TRANSFORM_PARTITION_KEYS=class,hour"}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	select {
	case answer := <-answers:
		took := time.Since(start)
		if !strings.Contains(answer, `"result":"Ok"`) {
			return 0, fmt.Errorf("the function answered %.200s", answer)
		}
		return took, nil
	case <-time.After(20 * time.Second):
		return 0, fmt.Errorf("the function didn't answer within 20 s")
	}
}
