package stacks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/stacks/schema"
)

// checkLogFormat says whether the flow log service takes the format for a resource of the kind. An empty kind (nobody
// knows what is recorded) accepts the fields of VPCs.
func checkLogFormat(format, kind string) error {
	known := recordFields(kind)
	seen := map[string]bool{}
	tokens := strings.Fields(format)
	if len(tokens) == 0 {
		return fmt.Errorf("%s has no field; want fields such as ${srcaddr}, or leave it out", schema.Quote(format))
	}
	for _, token := range tokens {
		field, open := strings.CutPrefix(token, "${")
		field, closed := strings.CutSuffix(field, "}")
		switch {
		case !open || !closed || strings.ContainsAny(field, "${}"):
			return fmt.Errorf("%s is not a field; want fields such as ${srcaddr} with spaces between", schema.Quote(token))
		case !slices.Contains(known, field):
			hint := ""
			if near := schema.Closest(field, known); near != "" {
				hint = "; did you mean ${" + near + "}?"
			}
			what := "VPC, subnet or network interface"
			if kind == KindTransitGateway {
				what = "transit gateway"
			}
			return fmt.Errorf("%s is not a field of a %s flow log%s", schema.Quote(token), what, hint)
		case seen[field]:
			return fmt.Errorf("%s is there twice; want each field once", schema.Quote(token))
		}
		seen[field] = true
	}
	return nil
}
