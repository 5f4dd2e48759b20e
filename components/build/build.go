package build

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// Architecture is an instruction set of Lambda, by Lambda's name.
type Architecture string

// The architectures (https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html).
const (
	ARM64 Architecture = "arm64"
	X8664 Architecture = "x86_64"
)

// goarch is the Go command's name for an architecture.
var goarch = map[Architecture]string{ARM64: "arm64", X8664: "amd64"}

// Options say what to build.
type Options struct {
	// Function is the name of a function: the folder below functions whose cmd folder holds its main package.
	Function     string
	Architecture Architecture
	// MaxBytes is how large the zip may be; 0 for no limit.
	MaxBytes int64
	// Source is the module's folder; empty means that it is looked for: see the package comment.
	Source string
	// Cache is the folder of the zips; empty means logarchive/functions in the user's cache directory.
	Cache string
	// Progress gets a line before something that takes longer than a moment; nil for none.
	Progress func(line string)
}

// Zip is a deployment package.
type Zip struct {
	// Path is the zip in the cache. It stays there for at least a month after its last use.
	Path   string
	SHA256 [sha256.Size]byte
	Bytes  int64
	// Built says that this call has compiled it.
	Built bool
}

// CodeHash is the SHA-256 in base64: Lambda's CodeSha256, and the sourceCodeHash of the provider's function.
func (z Zip) CodeHash() string { return base64.StdEncoding.EncodeToString(z.SHA256[:]) }

// ErrNoGo says that there is no Go command.
var ErrNoGo = errors.New("no Go command on PATH")

// TooLargeError says that a zip is larger than Options.MaxBytes. It is kept nowhere.
type TooLargeError struct {
	Function        string
	Bytes, MaxBytes int64
}

// Error names the function and both sizes.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the deployment package of function %s has %d bytes: the limit is %d", e.Function, e.Bytes, e.MaxBytes)
}

var functionName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// Function returns the zip of a function, from the cache or newly built, which takes some seconds, and with an empty
// build cache of the Go command about a minute.
//
// Errors: an unknown function or architecture; [ErrNoGo]; a [SourceError]; what the compiler says; a [TooLargeError]; no
// folder for the cache; ctx's.
func Function(ctx context.Context, o Options) (Zip, error) {
	zip, err := function(ctx, o, toolchain{find: findGo, run: runGo})
	if err != nil {
		return Zip{}, fmt.Errorf("the deployment package of function %s: %w", o.Function, err)
	}
	return zip, nil
}

func function(ctx context.Context, o Options, tools toolchain) (Zip, error) {
	if !functionName.MatchString(o.Function) {
		return Zip{}, fmt.Errorf("%q is not the name of a function: want lower-case letters and digits", o.Function)
	}
	if goarch[o.Architecture] == "" {
		return Zip{}, fmt.Errorf("%q is not an architecture: want %s or %s", o.Architecture, ARM64, X8664)
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	command, err := tools.find()
	if err != nil {
		return Zip{}, fmt.Errorf("%w: it is compiled from source; install Go (https://go.dev/dl), or give the component a zip that was built elsewhere", err)
	}
	if o.Source == "" {
		if o.Source, err = locate(ctx, command, o.Function); err != nil {
			return Zip{}, err
		}
	} else if err := holds(o.Source, o.Function); err != nil {
		return Zip{}, &SourceError{Looked: []string{err.Error()}}
	}
	if o.Cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return Zip{}, fmt.Errorf("no folder for what is built: %w; set HOME or XDG_CACHE_HOME", err)
		}
		o.Cache = filepath.Join(dir, "logarchive", "functions")
	}
	c := compiler{Options: o, run: tools.run, command: command}
	key, err := c.key(ctx)
	if err != nil {
		return Zip{}, err
	}
	return c.cached(ctx, key)
}

// toolchain is the Go command; tests count its calls, or take it away.
type toolchain struct {
	find func() (string, error)
	run  func(ctx context.Context, cmd *exec.Cmd) ([]byte, error)
}

// findGo returns the Go command: that of PATH, or where Go's own installers put it.
func findGo() (string, error) {
	if path, err := exec.LookPath("go"); err == nil {
		return path, nil
	}
	if path, err := exec.LookPath("/usr/local/go/bin/go"); err == nil {
		return path, nil
	}
	return "", ErrNoGo
}
