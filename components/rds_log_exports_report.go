package components

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// answer is the function's, as functions/rdsexports writes it.
type answer struct {
	Database string   `json:"database"`
	Kind     string   `json:"kind"`
	Exports  []string `json:"exports"`
	Ours     []string `json:"ours"`
	Findings []struct {
		LogType string `json:"logType"`
		Setting string `json:"setting"`
		Group   string `json:"group"`
		Value   string `json:"value"`
		Want    string `json:"want"`
		Empty   bool   `json:"empty"`
	} `json:"findings"`
}

// readReport reads the function's answer, and warns of what it found each time that the program runs: until the parameters
// are mended and the function has looked again (see Args.Revision).
func readReport(ctx *pulumi.Context, result pulumi.StringOutput) pulumi.AnyOutput {
	return result.ApplyT(func(text string) (any, error) {
		if text == "" { // a recording has no answer
			return map[string]any{}, nil
		}
		var a answer
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			return nil, fmt.Errorf("the function's answer %q isn't a report: %w", text, err)
		}
		findings := []string{}
		for _, f := range a.Findings {
			at, value, so := "", cmp.Or(f.Value, "not set"), "less is logged than could be"
			if f.Group != "" {
				at = " in " + f.Group
			}
			if f.Empty {
				so = "the log stays empty"
			}
			findings = append(findings, fmt.Sprintf("%s: %s%s is %s, want %s: %s", f.LogType, f.Setting, at, value, f.Want, so))
		}
		for _, finding := range findings {
			if err := ctx.Log.Warn(fmt.Sprintf("DB %s %s: %s", a.Kind, a.Database, finding), nil); err != nil {
				return nil, err
			}
		}
		return map[string]any{"exports": a.Exports, "switchedOn": a.Ours, "findings": findings}, nil
	}).(pulumi.AnyOutput)
}
