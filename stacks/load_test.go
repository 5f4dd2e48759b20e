package stacks

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"

	"github.com/logarchive/logarchive/stacks/schema"
)

// Generated files must be what the schema says: `go generate ./stacks` rewrites them.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"Pulumi.yaml": ProjectFile(), "docs/configuration.md": Reference()} {
		got, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is out of date; run `go generate ./stacks`\n%s", path, diff)
		}
	}
}

// engineConfig reads a stack's configuration with the code of the Pulumi CLI: what `pulumi up` does before it starts the
// program, checks of kinds included. (E is a type of another module, which nothing here needs to know.)
func engineConfig[E any](t *testing.T, dir, stack string, apply func(context.Context, string, *workspace.Project, E, config.Map, config.Encrypter, config.Decrypter) error) (map[string]string, error) {
	t.Helper()
	project, err := workspace.LoadProject(filepath.Join(dir, "Pulumi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "Pulumi."+stack+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := workspace.LoadProjectStackBytes(nil, project, text, "Pulumi."+stack+".yaml", encoding.YAML)
	if err != nil {
		t.Fatal(err)
	}
	var noEnvironment E
	if err := apply(context.Background(), stack, project, noEnvironment, parsed.Config, config.NewPanicCrypter(), opaque{}); err != nil {
		return nil, err
	}
	values, err := parsed.Config.Decrypt(opaque{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for key, value := range values {
		out[key.String()] = value
	}
	return out, nil
}

func TestLoadConfigReadsWhatTheEngineReads(t *testing.T) {
	t.Parallel()
	for _, stack := range []string{"beijing", "global"} {
		want, err := engineConfig(t, "..", stack, workspace.ValidateStackConfigAndApplyProjectConfig)
		if err != nil {
			t.Fatalf("the engine refuses stack %s: %v", stack, err)
		}
		got, err := LoadConfig("..", stack)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stack %s: %s", stack, diff)
		}
		if _, err := ParseSpec(stack, got); err != nil {
			t.Error(err)
		}
		if off := got["pulumi:disable-default-providers"]; off != `["aws"]` {
			t.Errorf("default providers that are off: %s", off)
		}
	}
}

// project is a folder with the real Pulumi.yaml and a stack file.
func project(t *testing.T, stack, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"Pulumi.yaml": ProjectFile(), "Pulumi." + stack + ".yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const smallestFile = `config:
  log-archive:sourceAccount: "111122223333"
  homeRegion: cn-north-1
  log-archive:backupRegion: cn-northwest-1
  log-archive:archive: {account: "222233334444", role: Deployer, externalId: some-id, bucket: example-archive}
`

func TestTheEngineAcceptsTheSmallestStack(t *testing.T) {
	t.Parallel()
	dir := project(t, "dev", smallestFile)
	want, err := engineConfig(t, dir, "dev", workspace.ValidateStackConfigAndApplyProjectConfig)
	if err != nil {
		t.Fatal(err)
	}
	got, err := LoadConfig(dir, "dev")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	spec, err := ParseSpec("dev", got)
	if err != nil {
		t.Fatal(err)
	}
	direct, err := ParseSpec("dev", parse(t, smallest).engine(t))
	if err != nil {
		t.Fatal(err)
	}
	// The defaults of Pulumi.yaml are those of the schema.
	direct.Stack, direct.Tags, spec.Tags = "dev", nil, nil
	if diff := cmp.Diff(direct, spec); diff != "" {
		t.Error(diff)
	}
}

// A missing required key is an error of the engine before the program starts, and one of ParseSpec without the engine.
func TestMissingKeysAreNamedByTheEngine(t *testing.T) {
	t.Parallel()
	dir := project(t, "dev", "config:\n  log-archive:homeRegion: cn-north-1\n")
	_, err := engineConfig(t, dir, "dev", workspace.ValidateStackConfigAndApplyProjectConfig)
	if err == nil || !strings.Contains(err.Error(), "is missing configuration values 'archive', 'backupRegion' and 'sourceAccount'") {
		t.Error(err)
	}
	config, err := LoadConfig(dir, "dev")
	if err != nil {
		t.Fatal(err)
	}
	_, err = ParseSpec("dev", config)
	if got := lines(t, err); len(got) != 3 {
		t.Errorf("%q", got)
	}
}

func TestLoadConfigKeepsSecretsOpaque(t *testing.T) {
	t.Parallel()
	dir := project(t, "dev", `config:
  log-archive:sourceAccount: {secure: "v1:abc:def"}
  log-archive:archive:
    account: "222233334444"
    externalId: {secure: "v1:abc:def"}
encryptionsalt: v1:xyz
`)
	got, err := LoadConfig(dir, "dev")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"log-archive:sourceAccount": schema.Placeholder,
		"log-archive:archive":       `{"account":"222233334444","externalId":"[secret]"}`,
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: got %s, want %s", key, got[key], value)
		}
	}
	_, err = ParseSpec("dev", got)
	problems := lines(t, err)
	if !reported(problems, "sourceAccount") || reported(problems, "archive.externalId") {
		t.Errorf("%q", problems)
	}
}

func TestLoadConfigErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, stack, text, want string }{
		{"no such stack", "prod", smallestFile, "there is no stack prod (no file Pulumi.prod.yaml); stacks: dev"},
		{"path as name", "../dev", smallestFile, `"../dev" is not a stack name`},
		{"misspelt section", "dev", "confg:\n  a: 1\n", `Pulumi.dev.yaml: line 1: unknown key "confg"; did you mean config? (known here: config, `},
		{"values elsewhere", "dev", "environment: [shared]\n", "line 1: environment: values"},
		{"no mapping", "dev", "- config\n", "Pulumi.dev.yaml: want a mapping with the key config"},
		{"no YAML", "dev", "config: [", "Pulumi.dev.yaml: yaml: "},
		{"key twice", "dev", smallestFile + "  log-archive:homeRegion: cn-north-1\n  log-archive:homeRegion: cn-north-1\n", "already defined"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadConfig(project(t, "dev", test.text), test.stack)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	if empty, err := LoadConfig(project(t, "dev", "# nothing yet\n"), "dev"); err != nil || empty["log-archive:namePrefix"] != "log-archive" {
		t.Errorf("an empty file: %v, %v", empty, err)
	}
	if _, err := LoadConfig(t.TempDir(), "dev"); err == nil || !strings.Contains(err.Error(), "Pulumi.yaml") {
		t.Error(err)
	}
}

// YAML takes digits for numbers, and those with a zero first for octal ones. Whatever comes out must be refused.
func TestAccountsWithoutQuotes(t *testing.T) {
	t.Parallel()
	for digits, ok := range map[string]bool{`"012345670123"`: true, "111122223333": true, "012345670123": false, "012345678901": false} {
		dir := project(t, "dev", strings.Replace(smallestFile, `"111122223333"`, digits, 1))
		config, err := LoadConfig(dir, "dev")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseSpec("dev", config); (err == nil) != ok {
			t.Errorf("%s: %v", digits, err)
		}
	}
}
