// Command gen writes schema_generated.go of package catalog from the Go source of the Pulumi AWS SDK: for each type
// in its list the properties with their kinds, what is required, secret or deprecated, and what forces a new
// resource where a comment says so. It runs by "go generate ./catalog"; a test repeats it and compares.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const sdkModule = "github.com/pulumi/pulumi-aws/sdk/v6"

func main() {
	if err := run("schema_generated.go"); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// run writes the schemas to the file, relative to the folder that go generate runs in.
func run(file string) error {
	source, err := generate()
	if err != nil {
		return err
	}
	return os.WriteFile(file, source, 0o644)
}

// generate returns the generated file for the SDK version in go.mod.
func generate() ([]byte, error) {
	module, err := goList("{{.Dir}}")
	if err != nil {
		return nil, err
	}
	version, err := goList("{{.Version}}")
	if err != nil {
		return nil, err
	}
	schemas, err := readAll(filepath.Join(module, "go", "aws"), tokens)
	if err != nil {
		return nil, err
	}
	return render(sdkModule+" "+version, schemas)
}

// goList asks the go command about the SDK's module.
func goList(format string) (string, error) {
	cmd := exec.Command("go", "list", "-m", "-f", format, sdkModule)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", cmd, err, errs.String())
	}
	return string(bytes.TrimSpace(out.Bytes())), nil
}
