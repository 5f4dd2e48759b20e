package build

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
)

// format is part of every key: it changes with what a zip looks like.
const format = "logarchive function zip 1"

// flags of the Go command. The build id differs between machines where nothing else does.
var flags = []string{"-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid="}

// compiler makes one zip.
type compiler struct {
	Options
	command string
	run     func(ctx context.Context, cmd *exec.Cmd) ([]byte, error)
}

// main is the function's main package.
func (c *compiler) main() string { return module + "/functions/" + c.Function + "/cmd" }

// environ is what the Go command sees: the caller's environment, without what would make another binary of the same
// source. Lambda's machines have at least these instruction sets.
func (c *compiler) environ() []string {
	return append(os.Environ(), "GOOS=linux", "GOARCH="+goarch[c.Architecture], "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off", "GO111MODULE=on")
}

// call runs the Go command in the source folder and returns what it prints.
func (c *compiler) call(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.command, args...)
	cmd.Dir, cmd.Env = c.Source, c.environ()
	return c.run(ctx, cmd)
}

func runGo(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	said := ""
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		said = "\n" + strings.TrimSpace(string(exit.Stderr))
	}
	return nil, fmt.Errorf("go %s: %w%s", cmd.Args[1], err, said)
}

// listed is a package as "go list" tells of it.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	Module          *struct {
		Main    bool
		Version string
		Replace *struct{ Version string }
	}
	GoFiles, CgoFiles, SFiles, HFiles, EmbedFiles []string
}

// local says whether the package's files can change under the same go.mod and go.sum.
func (p *listed) local() bool {
	switch {
	case p.Standard || p.Module == nil:
		return false
	case p.Module.Replace != nil:
		return p.Module.Replace.Version == ""
	}
	return p.Module.Main
}

// key is the digest of everything that makes the zip.
func (c *compiler) key(ctx context.Context) (string, error) {
	version, err := c.call(ctx, "env", "GOVERSION")
	if err != nil {
		return "", err
	}
	list, err := c.call(ctx, "list", "-deps", "-json=ImportPath,Dir,Standard,Module,GoFiles,CgoFiles,SFiles,HFiles,EmbedFiles", c.main())
	if err != nil {
		return "", err
	}
	digest := sha256.New()
	// Lengths keep apart what would be the same text together.
	part := func(what string, data []byte) { fmt.Fprintf(digest, "%s %d\n%s\n", what, len(data), data) }
	part("format", []byte(format))
	part("go", bytes.TrimSpace(version))
	part("flags", []byte(strings.Join(flags, " ")))
	part("arch", []byte(c.Architecture))
	part("main", []byte(c.main()))
	files := []string{filepath.Join(c.Source, "go.mod"), filepath.Join(c.Source, "go.sum")}
	names := map[string]string{files[0]: "go.mod", files[1]: "go.sum"}
	for packages := json.NewDecoder(bytes.NewReader(list)); ; {
		var p listed
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return "", fmt.Errorf("go list: %w", err)
		}
		if !p.local() {
			continue // go.sum has its digest, or the Go version says which it is
		}
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.SFiles, p.HFiles, p.EmbedFiles) {
			path := filepath.Join(p.Dir, name)
			files, names[path] = append(files, path), p.ImportPath+"/"+filepath.ToSlash(name)
		}
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(names[a], names[b]) })
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil && names[path] != "go.sum" { // a module without dependencies has none
			return "", err
		}
		part(names[path], data)
	}
	return hex.EncodeToString(digest.Sum(nil)[:16]), nil
}

// compile builds the function into a new zip at path.
func (c *compiler) compile(ctx context.Context, path string) error {
	dir, err := os.MkdirTemp(filepath.Dir(path), "building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "bootstrap")
	if _, err := c.call(ctx, slices.Concat([]string{"build"}, flags, []string{"-o", binary, c.main()})...); err != nil {
		return err
	}
	made, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(pack(made, binary), made.Close())
}

// pack writes a zip with the binary, which everybody may read and execute, as Lambda demands.
func pack(to io.Writer, binary string) error {
	from, err := os.Open(binary)
	if err != nil {
		return err
	}
	defer from.Close()
	w := zip.NewWriter(to)
	// Not the standard library's compressor: its output changes with the Go version that this program was built with.
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	entry, err := w.CreateHeader(header)
	if err != nil {
		return err
	}
	if _, err := io.Copy(entry, from); err != nil {
		return err
	}
	return w.Close()
}
