package build

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
)

// SourceVariable is the environment variable that names the folder of this module's source.
const SourceVariable = "LOGARCHIVE_SOURCE"

// SourceError says that this module's source wasn't found, and why nowhere.
type SourceError struct{ Looked []string }

// Error lists where it was looked for, and says what can be done.
func (e *SourceError) Error() string {
	return fmt.Sprintf("the source of module %s isn't here:\n  %s\nSet %s to a checkout of it, or run in one.",
		module, strings.Join(e.Looked, "\n  "), SourceVariable)
}

// module is the path of this module, as it was compiled: a fork under another name finds its own source.
var module = strings.TrimSuffix(reflect.TypeFor[Options]().PkgPath(), "/components/build")

// locate returns the module's folder; see the package comment.
func locate(ctx context.Context, command, function string) (string, error) {
	f := finder{variable: os.Getenv(SourceVariable), version: builtVersion()}
	if dir, err := os.Getwd(); err == nil {
		f.start = dir
	}
	// With -trimpath this is the package's import path, and no folder.
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		f.compiled = filepath.Dir(filepath.Dir(filepath.Dir(file)))
	}
	f.download = func(version string) (string, error) { return download(ctx, command, version) }
	return f.find(function)
}

// finder is what is known about where the source may be.
type finder struct {
	variable, start, compiled, version string
	download                           func(version string) (string, error)
}

func (f finder) find(function string) (string, error) {
	if f.variable != "" {
		// Whoever sets it wants this source and no other.
		if err := holds(f.variable, function); err != nil {
			return "", &SourceError{Looked: []string{SourceVariable + ": " + err.Error()}}
		}
		return filepath.Abs(f.variable)
	}
	looked := []string{SourceVariable + " isn't set"}
	for dir := f.start; dir != ""; dir = parent(dir) {
		if holds(dir, function) == nil {
			return dir, nil
		}
	}
	looked = append(looked, fmt.Sprintf("neither %s nor a folder above it holds the module", f.start))
	if f.compiled != "" {
		err := holds(f.compiled, function)
		if err == nil {
			return f.compiled, nil
		}
		looked = append(looked, "where this program was compiled: "+err.Error())
	}
	if f.version == "" {
		return "", &SourceError{Looked: append(looked, "this program wasn't built of a published version, which could be downloaded")}
	}
	dir, err := f.download(f.version)
	if err == nil {
		err = holds(dir, function)
	}
	if err != nil {
		return "", &SourceError{Looked: append(looked, fmt.Sprintf("version %s, of which this program was built: %v", f.version, err))}
	}
	return dir, nil
}

// parent is the folder above, or "" for none.
func parent(dir string) string {
	if up := filepath.Dir(dir); up != dir {
		return up
	}
	return ""
}

// holds says why a folder isn't this module's with the function in it; nil if it is.
func holds(dir, function string) error {
	file, err := os.Open(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "module" {
			continue
		}
		if name := strings.Trim(words[1], `"`); name != module {
			return fmt.Errorf("%s is module %s, not %s", dir, name, module)
		}
		main := filepath.Join(dir, "functions", function, "cmd")
		if _, err := os.Stat(main); err != nil {
			return fmt.Errorf("module %s has no such function: %w", module, err)
		}
		return nil
	}
	return fmt.Errorf("%s/go.mod names no module", dir)
}

// builtVersion is the published version of this module that the program was built of, as its main module or as one that
// it depends on; "" for none.
func builtVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		// A checkout is "(devel)", or a version with what was changed: neither can be downloaded, and neither has a sum.
		if m.Path == module && m.Replace == nil && m.Sum != "" {
			return m.Version
		}
	}
	return ""
}

// download has the go command fetch a version into its module cache, if it isn't there, and returns its folder. The go
// command checks it against the checksum database.
func download(ctx context.Context, command, version string) (string, error) {
	cmd := exec.CommandContext(ctx, command, "mod", "download", "-json", module+"@"+version)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GO111MODULE=on")
	cmd.Dir = os.TempDir()
	out, err := cmd.Output() // what is wrong is in the answer
	var answer struct{ Dir, Error string }
	if json.Unmarshal(out, &answer) != nil || answer.Dir == "" {
		if answer.Error != "" {
			return "", fmt.Errorf("go mod download: %s", answer.Error)
		}
		return "", fmt.Errorf("go mod download: %w", err)
	}
	return answer.Dir, nil
}
