package tests

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/logarchive/logarchive"

// rooms says what a room may import of this module, and of the heavy libraries that not every room may know. Everything
// beneath a room's folder belongs to the room. Command lines, tests and generators are the outermost ring.
var rooms = map[string]struct {
	of     []string // rooms of this module
	pulumi bool     // the Pulumi SDK
	aws    bool     // pulumi-aws: some minutes of compilation
	awsSDK bool     // aws-sdk-go-v2 and aws-lambda-go
}{
	"":           {of: []string{"stacks"}, pulumi: true},
	"partition":  {},
	"policy":     {of: []string{"partition"}},
	"catalog":    {of: []string{"partition", "policy"}, pulumi: true},
	"graph":      {of: []string{"catalog", "partition", "policy"}, pulumi: true},
	"components": {of: []string{"partition", "policy"}, pulumi: true, aws: true},
	"stacks":     {of: []string{"components", "partition", "policy", "verify", "graph"}, pulumi: true, aws: true},
	"verify":     {of: []string{"graph", "catalog", "policy", "partition"}, pulumi: true},
	"functions":  {awsSDK: true},
	"automation": {of: []string{"stacks", "partition", "graph", "catalog"}, pulumi: true},
	"sandbox":    {of: []string{"automation", "stacks", "catalog", "graph", "policy", "partition", "verify", "functions"}, pulumi: true},
	"cmd": {of: []string{
		"automation", "stacks", "sandbox", "graph", "catalog", "policy", "partition", "verify", "functions",
	}, pulumi: true},
}

// TestRooms holds docs/architecture.md against the imports: arrows point downwards, and none the other way.
func TestRooms(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		room, _, _ := strings.Cut(name, "/")
		if room == "tests" || room == "tools" || strings.Contains(name, "/gen") {
			continue
		}
		allowed, ok := rooms[room]
		if !ok {
			t.Errorf("%s: room %q isn't in docs/architecture.md and in this test", p.ImportPath, room)
			continue
		}
		seen[room] = true
		for _, imported := range p.Imports {
			switch {
			case imported == module || strings.HasPrefix(imported, module+"/"):
				target, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(imported, module), "/"), "/")
				if target != room && !slices.Contains(allowed.of, target) {
					t.Errorf("%s imports %s: the arrow %s -> %s isn't allowed", p.ImportPath, imported, room, target)
				}
			case strings.HasPrefix(imported, "github.com/pulumi/pulumi-aws/") && !allowed.aws:
				t.Errorf("%s imports %s: only components and stacks may know pulumi-aws", p.ImportPath, imported)
			case strings.HasPrefix(imported, "github.com/pulumi/pulumi/") && !allowed.pulumi:
				t.Errorf("%s imports %s: this room must not know Pulumi", p.ImportPath, imported)
			case (strings.HasPrefix(imported, "github.com/aws/aws-sdk-go-v2") ||
				strings.HasPrefix(imported, "github.com/aws/aws-lambda-go")) && !allowed.awsSDK:
				t.Errorf("%s imports %s: only functions may know the AWS SDK", p.ImportPath, imported)
			}
		}
	}
	for _, room := range []string{"partition", "policy", "catalog", "graph", "components", "stacks", "automation", "sandbox", "cmd"} {
		if !seen[room] {
			t.Errorf("room %s has no package: was it renamed without this test?", room)
		}
	}
}

type listedPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listedPackage
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		packages = append(packages, p)
	}
}
