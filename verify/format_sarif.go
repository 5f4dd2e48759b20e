package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// The parts of SARIF 2.1.0 that a report needs.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
		Properties Totals        `json:"properties"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string      `json:"id"`
		Name                 string      `json:"name"`
		ShortDescription     sarifText   `json:"shortDescription"`
		FullDescription      sarifText   `json:"fullDescription"`
		Help                 sarifHelp   `json:"help"`
		HelpURI              string      `json:"helpUri"`
		DefaultConfiguration sarifConfig `json:"defaultConfiguration"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifHelp struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifResult struct {
		RuleID              string             `json:"ruleId"`
		RuleIndex           int                `json:"ruleIndex"`
		Level               string             `json:"level"`
		Message             sarifText          `json:"message"`
		Locations           []sarifLocation    `json:"locations"`
		PartialFingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions        []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPhysical  `json:"physicalLocation"`
		LogicalLocations []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		Name               string `json:"name"`
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Kind               string `json:"kind"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification"`
	}
)

const (
	sarifSchema = "https://json.schemastore.org/sarif-2.1.0.json"
	project     = "https://github.com/logarchive/logarchive"
	rulesPage   = project + "/blob/main/docs/verify-rules.md"
	// program is where the resources are declared. A code host wants a file for each result; which line of which file
	// declares a resource, nobody records.
	program = "Pulumi.yaml"
)

// ruleUnneeded is under which SARIF lists what least privilege finds: it isn't a violation.
var ruleUnneeded = Rule{
	ID: "unneeded", Title: "every part of every policy is needed by a path",
	Why:    "what no path needs is only of use to an intruder (IAM User Guide, best-practices: apply least-privilege permissions)",
	Remedy: "take the part out",
}

func (r *Report) sarif() ([]byte, error) {
	driver := sarifDriver{Name: "logarchive verify", InformationURI: project}
	index := map[string]int{}
	add := func(rule Rule, level string) {
		index[rule.ID] = len(driver.Rules)
		driver.Rules = append(driver.Rules, sarifRule{
			ID: rule.ID, Name: camel(rule.ID), ShortDescription: sarifText{sentence(rule.Title)}, FullDescription: sarifText{sentence(rule.Title) + " " + sentence(rule.Why)},
			Help: sarifHelp{
				Text:     sentence(rule.Why) + " To mend it: " + sentence(rule.Remedy),
				Markdown: "**" + sentence(rule.Title) + "**\n\n" + sentence(rule.Why) + "\n\n*To mend it:* " + sentence(rule.Remedy) + "\n",
			},
			HelpURI:              rulesPage + "#" + rule.ID,
			DefaultConfiguration: sarifConfig{level},
		})
	}
	for _, rule := range AllRules() {
		add(rule, "error")
	}
	add(ruleUnneeded, "note")
	results := []sarifResult{}
	result := func(rule, level, resource, message, waived string) {
		s := sarifResult{
			RuleID: rule, RuleIndex: index[rule], Level: level, Message: sarifText{message}, Locations: []sarifLocation{{
				PhysicalLocation: sarifPhysical{sarifArtifact{program}, sarifRegion{1}},
				LogicalLocations: []sarifLogical{{Name: nameOf(resource), FullyQualifiedName: resource, Kind: "resource"}},
			}},
			PartialFingerprints: map[string]string{"violation/v1": fingerprint(rule, resource, message)},
		}
		if waived != "" {
			s.Suppressions = []sarifSuppression{{Kind: "external", Status: "accepted", Justification: waived}}
		}
		results = append(results, s)
	}
	for _, v := range r.Violations {
		message := v.Reason
		if v.Source != "" {
			message += " (concerns " + v.Source + ")"
		}
		message += ". Remedy: " + v.Remedy
		if v.Statement != "" {
			message += ": " + v.Statement
		}
		result(v.Rule, "error", v.Resource, message, v.Waived)
	}
	for _, u := range r.Unneeded {
		result(ruleUnneeded.ID, "note", u.Carrier, u.String()+" is needed by no path. Remedy: take it out", "")
	}
	return encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{{
		Tool: sarifTool{driver}, ColumnKind: "utf16CodeUnits", Results: results, Properties: r.Totals(),
	}}})
}

// fingerprint tells a result of one run from the others, and finds it again in the next.
func fingerprint(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// camel is an id as SARIF wants names: "bucket-tls-only" gives "BucketTlsOnly".
func camel(id string) string {
	var b strings.Builder
	for _, word := range strings.Split(id, "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// sentence begins a text with a capital and ends it with a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("%s%s.", strings.ToUpper(s[:1]), strings.TrimSuffix(s[1:], "."))
}
