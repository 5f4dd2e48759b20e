package components

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components/build"
	"github.com/logarchive/logarchive/partition"
)

// Architecture is an instruction set of Lambda.
type Architecture = build.Architecture

// The architectures.
const (
	ARM64 = build.ARM64
	X8664 = build.X8664
)

// Package is a function's deployment package.
type Package struct {
	Archive pulumi.Archive
	// Hash is the SHA-256 of the zip in base64, as Lambda answers it: the provider updates the function when it changes,
	// and when the code at AWS has another one.
	Hash string
}

// Code gives a function, named by its folder below functions, its deployment package for an architecture.
type Code func(ctx *pulumi.Context, function string, arch Architecture) (Package, error)

// SourceCode builds the package from this module's source: see package build. Options.Function and Options.Architecture
// are those of the function; what has no MaxBytes has Lambda's limit. In a recording, where nothing is deployed and
// everything must be the same on every machine, it is [PlaceholderCode].
func SourceCode(options build.Options) Code {
	return func(ctx *pulumi.Context, function string, arch Architecture) (Package, error) {
		if ctx.RunningWithMocks() {
			return PlaceholderCode(ctx, function, arch)
		}
		o := options
		o.Function, o.Architecture = function, arch
		if o.MaxBytes == 0 {
			limit, err := partition.Everywhere(partition.FunctionPackage)
			if err != nil {
				return Package{}, err
			}
			o.MaxBytes = limit
		}
		if o.Progress == nil {
			o.Progress = func(line string) { _ = ctx.Log.Info(line, nil) } // the build doesn't fail for want of a log
		}
		zip, err := build.Function(ctx.Context(), o)
		if err != nil {
			return Package{}, err
		}
		return Package{pulumi.NewFileArchive(zip.Path), zip.CodeHash()}, nil
	}
}

// CodeVariable is the environment variable that says where the packages of functions without Code come from: a folder, as
// for [PrebuiltCode]; or "placeholder", for the sandbox; unset, they are built: see [SourceCode].
const CodeVariable = "LOGARCHIVE_FUNCTIONS"

// chosenCode is what a function has without Code.
func chosenCode(getenv func(string) string, maxBytes int64) Code {
	switch chosen := getenv(CodeVariable); chosen {
	case "":
		return SourceCode(build.Options{MaxBytes: maxBytes})
	case "placeholder":
		return PlaceholderCode
	default:
		return func(ctx *pulumi.Context, function string, arch Architecture) (Package, error) {
			if ctx.RunningWithMocks() {
				return PlaceholderCode(ctx, function, arch)
			}
			return PrebuiltCode(chosen)(ctx, function, arch)
		}
	}
}

// PrebuiltCode takes the packages from a folder: function-arm64.zip or function-x86_64.zip. Errors: no such file.
func PrebuiltCode(folder string) Code {
	return func(_ *pulumi.Context, function string, arch Architecture) (Package, error) {
		path, err := filepath.Abs(filepath.Join(folder, function+"-"+string(arch)+".zip"))
		if err != nil {
			return Package{}, err
		}
		file, err := os.Open(path)
		if err != nil {
			return Package{}, fmt.Errorf("the deployment package of function %s: %w", function, err)
		}
		defer file.Close()
		digest := sha256.New()
		if _, err := io.Copy(digest, file); err != nil {
			return Package{}, fmt.Errorf("the deployment package of function %s: %w", function, err)
		}
		return Package{pulumi.NewFileArchive(path), base64.StdEncoding.EncodeToString(digest.Sum(nil))}, nil
	}
}

// PlaceholderCode is a package that does nothing and is always the same: for recordings, and for the sandbox, which runs
// the handlers itself. It needs no toolchain.
func PlaceholderCode(_ *pulumi.Context, function string, arch Architecture) (Package, error) {
	text := fmt.Sprintf("placeholder of function %s for %s\n", function, arch)
	sum := sha256.Sum256([]byte(text))
	return Package{
		Archive: pulumi.NewAssetArchive(map[string]any{"bootstrap": pulumi.NewStringAsset(text)}),
		Hash:    base64.StdEncoding.EncodeToString(sum[:]),
	}, nil
}
