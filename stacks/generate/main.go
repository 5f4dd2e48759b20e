// Command generate writes what follows from the description of the configuration: Pulumi.yaml and
// docs/configuration.md. `go generate ./stacks` runs it in the folder of package stacks.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/logarchive/logarchive/stacks"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("generate: ")
	for path, text := range map[string]string{
		"Pulumi.yaml":           stacks.ProjectFile(),
		"docs/configuration.md": stacks.Reference(),
	} {
		if err := os.WriteFile(filepath.Join("..", path), []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
