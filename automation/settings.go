package automation

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
)

// stackFile is the name of a stack's settings file.
func stackFile(stack string) string { return "Pulumi." + stack + ".yaml" }

// engineKeys are what the engine itself writes into a stack's settings.
var engineKeys = []string{"encryptionsalt", "encryptedkey", "secretsprovider"}

// copySettings makes to a copy of from. What the engine has written into an earlier copy stays, unless from says
// something else about it: the salt of a passphrase belongs to the secrets that were encrypted with it.
func copySettings(from, to string) error {
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
