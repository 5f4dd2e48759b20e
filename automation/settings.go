package automation

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"
)

// stackFile is the name of a stack's settings file.
func stackFile(stack string) string { return "Pulumi." + stack + ".yaml" }

// engineKeys are what the engine itself writes into a stack's settings.
var engineKeys = []string{"encryptionsalt", "encryptedkey", "secretsprovider"}

// copySettings makes to a copy of from. What the engine has written into an earlier copy stays, unless from says
// something else about it: the salt of a passphrase belongs to the secrets that were encrypted with it. With a
// placeholder, from's own secrets belong to another passphrase than the copy's: they are left out, see withoutSecrets.
func copySettings(from, to, placeholder string) error {
	data, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s in %s", filepath.Base(from), filepath.Dir(from))
	}
	if err != nil {
		return err
	}
	earlier, err := os.ReadFile(to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if placeholder != "" {
		if data, err = withoutSecrets(data, placeholder); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
	}
	merged, err := keepEngineKeys(data, earlier)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if bytes.Equal(merged, earlier) {
		return nil
	}
	temporary := to + ".new"
	if err := os.WriteFile(temporary, merged, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, to)
}

// keepEngineKeys returns data with those of the engine's keys that only an earlier copy has.
func keepEngineKeys(data, earlier []byte) ([]byte, error) {
	var now, before map[string]any
	if err := yaml.Unmarshal(data, &now); err != nil {
		return nil, err
	}
	if yaml.Unmarshal(earlier, &before) != nil {
		return data, nil // a damaged copy is replaced
	}
	kept := map[string]any{}
	for _, key := range engineKeys {
		if value, ok := before[key]; ok && now[key] == nil {
			kept[key] = value
		}
	}
	if len(kept) == 0 {
		return data, nil
	}
	if now == nil {
		now = map[string]any{}
	}
	for key, value := range kept {
		now[key] = value
	}
	return yaml.Marshal(now)
}

// withoutSecrets takes out of a stack's settings what can only be read with the key that they were encrypted with: the
// engine's keys, and encrypted values (secure: ...), of which each becomes the placeholder.
func withoutSecrets(data []byte, placeholder string) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		return data, nil
	}
	changed := false
	root := document.Content[0]
	for i := len(root.Content) - 2; i >= 0; i -= 2 {
		if slices.Contains(engineKeys, root.Content[i].Value) {
			root.Content = slices.Delete(root.Content, i, i+2)
			changed = true
		}
	}
	var replace func(*yaml.Node)
	replace = func(n *yaml.Node) {
		if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "secure" && n.Content[1].Kind == yaml.ScalarNode {
			*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: placeholder}
			changed = true
			return
		}
		for _, child := range n.Content {
			replace(child)
		}
	}
	replace(root)
	if !changed {
		return data, nil
	}
	return yaml.Marshal(&document)
}
