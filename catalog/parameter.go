package catalog

import (
	"cmp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// ParameterValue returns the value of a parameter by its state, whichever of its two properties has it.
func ParameterValue(state resource.PropertyMap) string {
	return cmp.Or(view(state).str("insecureValue"), view(state).str("value"))
}

// SSM parameters. See https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
var parameterModels = []*model{{
	token: "aws:ssm/parameter:Parameter", nameProperty: "name", idFromInputs: true, code: "ValidationException",
	forceNew: []string{"name", "dataType"}, // terraform-provider-aws, resource aws_ssm_parameter
	texts:    map[string]textRule{"name": nameRule(`a-zA-Z0-9_.\-/`, 1, 2048, "1 to 2048 letters, digits and the signs _.-/"), "description": {most: 1024, want: "at most 1024 characters"}},
	enums: map[string][]string{"type": {"String", "StringList", "SecureString"}, "tier": {"Standard", "Advanced", "Intelligent-Tiering"},
		"dataType": {"text", "aws:ssm:integration", "aws:ec2:image"}},
	check: func(c *checking) {
		if c.in.has("value") == c.in.has("insecureValue") {
			c.fail("value", CheckFailure, "exactly one of value, insecureValue is needed")
		}
		if n := strings.TrimPrefix(c.in.str("name"), "/"); strings.HasPrefix(n, "aws") || strings.HasPrefix(n, "ssm") {
			c.fail("name", "ValidationException", "%q: parameter names can't begin with aws or ssm", c.in.str("name"))
		}
		limit := map[bool]int{false: 4096, true: 8192}[c.in.str("tier") == "Advanced"]
		for _, property := range []string{"value", "insecureValue"} {
			if n := len(c.in.str(property)); n > limit && c.in.str("tier") != "Intelligent-Tiering" {
				c.fail(property, "ValidationException", "has %d characters: the tier accepts %d", n, limit)
			}
		}
	},
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.SSM, "parameter/"+strings.TrimPrefix(c.id, "/")))
		c.set("version", 1)
		c.def("tier", "Standard")
		c.def("dataType", "text")
	},
	references: func(r *referring) { r.keyOf("keyId") },
}}
