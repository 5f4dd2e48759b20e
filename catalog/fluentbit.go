package catalog

import (
	"encoding/json"
	"strings"
)

// FluentBitSection is a section of a Fluent Bit configuration of the classic form.
type FluentBitSection struct {
	// Kind is SERVICE, INPUT, FILTER or OUTPUT.
	Kind string
	// Keys are the settings, by their names in lower case: Fluent Bit doesn't tell upper and lower case apart.
	Keys map[string]string
}

// FluentBitSections reads a configuration as Fluent Bit does: sections in brackets, and below them indented lines of a key, white
// space and a value. Comments begin with #. What is no such line is left out.
// See https://docs.fluentbit.io/manual/administration/configuring-fluent-bit/classic-mode/format-schema
func FluentBitSections(config string) []FluentBitSection {
	var sections []FluentBitSection
	for line := range strings.Lines(config) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			sections = append(sections, FluentBitSection{Kind: strings.ToUpper(strings.Trim(line, "[]")), Keys: map[string]string{}})
		case len(sections) > 0:
			if i := strings.IndexAny(line, " \t"); i > 0 {
				sections[len(sections)-1].Keys[strings.ToLower(line[:i])] = strings.TrimSpace(line[i:])
			}
		}
	}
	return sections
}

// cloudConfigFile returns the file that a cloud-config in JSON, which is YAML, writes below a name.
func cloudConfigFile(text, name string) (string, bool) {
	body, ok := strings.CutPrefix(text, "#cloud-config\n")
	if !ok {
		return "", false
	}
	var config struct {
		Files []struct {
			Path    string `json:"path"`
			Content string `json:"content"`
		} `json:"write_files"`
	}
	if json.Unmarshal([]byte(body), &config) != nil {
		return "", false
	}
	for _, f := range config.Files {
		if strings.HasSuffix(f.Path, "/"+name) {
			return f.Content, true
		}
	}
	return "", false
}
