package main

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strings"
)

// stackNames are the stacks that have a configuration file.
func stackNames(project string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(project, "Pulumi.*.yaml"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Pulumi."), ".yaml"))
	}
	slices.Sort(names)
	return names, nil
}

// orNone joins names for a message.
func orNone(names []string) string {
	if len(names) == 0 {
		return "there is none"
	}
	return strings.Join(names, ", ")
}

// folderName is a name for what is kept elsewhere about a project: its folder's, and a digest of the whole path.
func folderName(project string) string {
	digest := sha256.Sum256([]byte(project))
	return filepath.Base(project) + "-" + hex.EncodeToString(digest[:4])
}
