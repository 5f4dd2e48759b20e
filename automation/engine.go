package automation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/blang/semver"
)

// PinnedVersion is the version of the Pulumi CLI that is built when PATH has none: the one in tools/go.mod.
const PinnedVersion = "v3.226.0"

// MinimumVersion is the oldest Pulumi CLI on PATH that is used. Older ones don't know the options with which the
// Automation API of the pinned SDK calls them (inline programs in refresh and destroy came with v3.181.0, the event
// stream with v3.206.0), and nothing below the pinned version is tested.
const MinimumVersion = PinnedVersion

// An Engine is a Pulumi CLI that was found or built.
type Engine struct {
	Path    string         // absolute path of the CLI's binary
	Version semver.Version // as "pulumi version" reports it
	Built   bool           // built by this call, not found
}

// FindEngine returns the Pulumi CLI: from PATH when it is at least [MinimumVersion] and of the same major version, else
// from the cache directory, else built into it with the Go command, which takes minutes the first time. The cache is
// logarchive/pulumi-<version>-<digest> below [os.UserCacheDir]; the digest covers the pinned go.mod and go.sum, so that
// another set of dependencies is another CLI.
//
// Two processes build once: the second waits for the first. A killed build leaves nothing that is mistaken for a CLI.
// progress, which may be nil, gets a line now and then while something takes longer than a second.
//
// Errors: no cache directory can be had (HOME unset), Go isn't installed, the build failed (with the compiler's last
// lines), ctx ended.
func FindEngine(ctx context.Context, progress func(line string)) (*Engine, error) {
	if progress == nil {
		progress = func(string) {}
	}
	if path, err := exec.LookPath("pulumi"); err == nil {
		engine, err := usable(ctx, path)
		if err == nil {
			return engine, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		progress(fmt.Sprintf("the Pulumi CLI on PATH isn't used: %v", err))
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("no Pulumi CLI on PATH, and no folder to build one in: %w; set HOME or XDG_CACHE_HOME, or install Pulumi %s or later", err, MinimumVersion)
	}
	b := builder{root: filepath.Join(cache, "logarchive"), progress: progress, goCommand: findGo, compile: compileCLI, every: 5 * time.Second}
	path, built, err := b.ensure(ctx)
	if err != nil {
		return nil, err
	}
	engine, err := usable(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("the Pulumi CLI that was built doesn't work: %w; delete %s to build it again", err, filepath.Dir(filepath.Dir(path)))
	}
	engine.Built = built
	return engine, nil
}

// usable asks the CLI at path for its version, and says whether it can be used.
func usable(ctx context.Context, path string) (*Engine, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, "version")
	cmd.Env = append(os.Environ(), "PULUMI_SKIP_UPDATE_CHECK=true")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s version: %w", path, describeExit(err))
	}
	version, err := acceptVersion(strings.TrimSpace(string(out)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Engine{Path: path, Version: version}, nil
}

// acceptVersion parses what "pulumi version" printed; an error when it is too old, or of another major version.
func acceptVersion(printed string) (semver.Version, error) {
	version, err := semver.ParseTolerant(printed)
	if err != nil {
		return semver.Version{}, fmt.Errorf("%q is not a version: %w", printed, err)
	}
	minimum := semver.MustParse(strings.TrimPrefix(MinimumVersion, "v"))
	core := semver.Version{Major: version.Major, Minor: version.Minor, Patch: version.Patch} // a pre-release of the minimum will do
	if core.LT(minimum) || core.Major != minimum.Major {
		return semver.Version{}, fmt.Errorf("version %s, needed is at least %s and below v%d", printed, MinimumVersion, minimum.Major+1)
	}
	return version, nil
}

// describeExit adds the end of what a command wrote to its standard error.
func describeExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if text := lastLines(string(exit.Stderr), 5); text != "" {
			return fmt.Errorf("%w: %s", err, text)
		}
	}
	return err
}

// lastLines returns the last n lines of text that aren't blank.
func lastLines(text string, n int) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n \t"); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
