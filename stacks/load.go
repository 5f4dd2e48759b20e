package stacks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"gopkg.in/yaml.v3"

	"github.com/logarchive/logarchive/stacks/schema"
)

// stackForm is what the Pulumi CLI takes as a stack's name, without organisation and project.
var stackForm = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,100}$`)

// LoadConfig reads Pulumi.yaml and Pulumi.<stack>.yaml in dir and returns the configuration as the engine would hand it
// to the program: "namespace:key" to a scalar's text or to JSON, with the defaults of Pulumi.yaml. It reads them with the
// engine's own code. Secrets are not decrypted: each reads as [schema.Placeholder].
//
// It doesn't look into the values; that is for [ParseSpec]. A stack without a file is an error that names those that
// have one.
func LoadConfig(dir, stack string) (map[string]string, error) {
	if !stackForm.MatchString(stack) {
		return nil, fmt.Errorf("%s is not a stack name; want letters, digits and _ . -", schema.Quote(stack))
	}
	project, err := workspace.LoadProject(filepath.Join(dir, "Pulumi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("reading Pulumi.yaml: %w", err)
	}
	file := "Pulumi." + stack + ".yaml"
	text, err := os.ReadFile(filepath.Join(dir, file))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no stack %s (no file %s); stacks: %s", stack, file, strings.Join(stackFiles(dir), ", "))
	case err != nil:
		return nil, err
	}
	if err := checkStackFile(text); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	parsed, err := workspace.LoadProjectStackBytes(nil, project, text, file, encoding.YAML)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	values, err := parsed.Config.Decrypt(opaque{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	out := map[string]string{}
	for key, value := range values {
		out[key.String()] = value
	}
	for key, declared := range project.Config {
		full := key
		if !strings.Contains(key, ":") {
			full = project.Name.String() + ":" + key
		}
		if _, given := out[full]; given {
			continue
		}
		for _, value := range []any{declared.Value, declared.Default} {
			if value == nil {
				continue
			}
			if out[full], err = render(value); err != nil {
				return nil, fmt.Errorf("reading Pulumi.yaml: default of %s: %w", key, err)
			}
		}
	}
	return out, nil
}

// render returns a default as the engine does: scalars as text, everything else as JSON.
func render(value any) (string, error) {
	switch value.(type) {
	case []any, map[string]any:
		text, err := json.Marshal(value)
		return string(text), err
	}
	return fmt.Sprint(value), nil
}

// stackFiles returns the names of the stacks that have a file in dir.
func stackFiles(dir string) []string {
	files, _ := filepath.Glob(filepath.Join(dir, "Pulumi.*.yaml")) // the pattern is a good one
	var stacks []string
	for _, f := range files {
		stacks = append(stacks, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), "Pulumi."), ".yaml"))
	}
	if len(stacks) == 0 {
		return []string{"none"}
	}
	return stacks
}

// checkStackFile looks at the file's own keys, of which the engine ignores those that it doesn't know: config written as
// confg would be an empty configuration.
func checkStackFile(text []byte) error {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return err
	}
	if len(document.Content) == 0 {
		return nil // empty: ParseSpec says what is missing
	}
	if document.Content[0].Kind != yaml.MappingNode {
		return errors.New("want a mapping with the key config")
	}
	known := []string{"config", "encryptedkey", "encryptionsalt", "secretsprovider"}
	for i, key := range document.Content[0].Content {
		switch {
		case i%2 == 1 || slices.Contains(known, key.Value): // keys and values take turns
		case key.Value == "environment":
			return fmt.Errorf("line %d: environment: values that Pulumi's service keeps can't be read without it; want them in config", key.Line)
		default:
			return fmt.Errorf("line %d: unknown key %s%s (known here: %s)", key.Line, schema.Quote(key.Value), schema.DidYouMean(key.Value, known), strings.Join(known, ", "))
		}
	}
	return nil
}

// opaque is a decrypter that decrypts nothing.
type opaque struct{}

var _ config.Decrypter = opaque{}

// DecryptValue returns the placeholder.
func (opaque) DecryptValue(context.Context, string) (string, error) { return schema.Placeholder, nil }

// BatchDecrypt returns a placeholder for each ciphertext.
func (opaque) BatchDecrypt(_ context.Context, ciphertexts []string) ([]string, error) {
	return slices.Repeat([]string{schema.Placeholder}, len(ciphertexts)), nil
}
