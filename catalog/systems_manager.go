package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Tokens of Systems Manager that others refer to or that delivery follows.
const (
	Parameter   = "aws:ssm/parameter:Parameter"
	Document    = "aws:ssm/document:Document"
	Association = "aws:ssm/association:Association"
)

// InstanceProfile is the token of an instance profile.
const InstanceProfile = "aws:iam/instanceProfile:InstanceProfile"

// Documents, their associations, and what instances carry a role in. See
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html, API_CreateAssociation.html and
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateInstanceProfile.html
var systemsManagerModels = []*model{{
	token: Document, nameProperty: "name", idFromInputs: true, code: "ValidationException",
	forceNew: []string{"name", "documentType"}, // terraform-provider-aws, resource aws_ssm_document
	defaults: map[string]any{"documentFormat": "JSON"},
	enums: map[string][]string{"documentFormat": {"JSON", "TEXT", "YAML"},
		"documentType": {"Command", "Policy", "Automation", "Session", "Package", "ApplicationConfiguration", "ApplicationConfigurationSchema", "DeploymentStrategy", "ChangeCalendar", "Automation.ChangeTemplate"}},
	texts: map[string]textRule{"name": nameRule(`a-zA-Z0-9_\-.`, 3, 128, "3 to 128 letters, digits and the signs _-."), "content": {least: 1, want: "the document's text"}},
	check: checkDocument,
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.SSM, "document/"+c.id))
		sum := sha256.Sum256([]byte(c.str("content")))
		c.set("hash", hex.EncodeToString(sum[:]))
		c.set("hashType", "Sha256")
		c.set("owner", string(c.Place.Account))
		c.set("status", "Active")
		c.set("createdDate", created)
		for _, version := range []string{"defaultVersion", "latestVersion", "documentVersion"} {
			c.set(version, "1")
		}
		content := documentContent(c.str("content"))
		c.set("schemaVersion", content.SchemaVersion)
		c.set("description", content.Description)
	},
}, {
	token: Association, code: "ValidationException",
	// terraform-provider-aws, resource aws_ssm_association: ForceNew of these.
	forceNew: []string{"name", "instanceId", "automationTargetParameterName"},
	required: []string{"name"},
	enums:    map[string][]string{"complianceSeverity": {"UNSPECIFIED", "LOW", "MEDIUM", "HIGH", "CRITICAL"}, "syncCompliance": {"AUTO", "MANUAL"}},
	texts: map[string]textRule{
		"associationName":            nameRule(`a-zA-Z0-9_\-.`, 3, 128, "3 to 128 letters, digits and the signs _-."),
		"maxConcurrency":             {pattern: regexp.MustCompile(`^([1-9][0-9]{0,6}|[1-9][0-9]%|[1-9]%|100%)$`), want: "a number, or a percentage from 1% to 100%"},
		"maxErrors":                  {pattern: regexp.MustCompile(`^([1-9][0-9]{0,6}|0|[1-9][0-9]%|[0-9]%|100%)$`), want: "a number, or a percentage from 0% to 100%"},
		"scheduleExpression":         {pattern: regexp.MustCompile(`^(rate\([1-9]\d* (minute|hour|day)s?\)|cron\([^()]+\)|at\([^()]+\))$`), want: "rate(…), cron(…) or at(…)", code: "InvalidSchedule"},
		"outputLocation.s3KeyPrefix": {most: 500, want: "at most 500 characters", code: "InvalidOutputLocation"},
	},
	check: checkAssociation,
	complete: func(c *completion) {
		c.id = c.uuid("association")
		c.set("associationId", c.id)
		c.set("arn", c.arn(partition.SSM, "association/"+c.id))
		c.def("documentVersion", "$DEFAULT")
	},
	references: func(r *referring) {
		if name := r.in.str("name"); !ManagedDocument(name) {
			r.name("name", Document, "InvalidDocument")
		}
	},
}, {
	token: InstanceProfile, nameProperty: "name", namePrefix: "namePrefix", idFromInputs: true, code: "ValidationError",
	// terraform-provider-aws, resource aws_iam_instance_profile: ForceNew of name, name_prefix, path.
	forceNew: []string{"name", "namePrefix", "path"},
	defaults: map[string]any{"path": "/"},
	texts:    map[string]textRule{"name": roleRule, "path": iamPath},
	check:    func(c *checking) { c.without("name", "namePrefix") },
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.IAM, "instance-profile"+c.str("path")+c.id))
		c.set("uniqueId", c.uniqueID("AIPA"))
		c.set("createDate", created)
		if c.in("role") {
			c.set("role", c.str("role"))
		}
	},
	references: func(r *referring) { r.global("role", Role) },
}}

// ManagedDocument says whether a document's name is one of those that AWS keeps for its own.
func ManagedDocument(name string) bool {
	return strings.HasPrefix(name, "AWS") || strings.HasPrefix(name, "Amazon")
}

// mostDocument is the size of a document at most, in bytes.
const mostDocument = 64 * 1024

func checkDocument(c *checking) {
	for _, kept := range []string{"aws", "amazon", "amzn"} {
		if name := c.in.str("name"); strings.HasPrefix(strings.ToLower(name), kept) {
			c.fail("name", "ValidationException", "%q: names that begin with %s belong to AWS", name, kept)
		}
	}
	content := c.in.str("content")
	if content == "" || content == unknown || c.in.has("documentFormat") && c.in.str("documentFormat") != "JSON" {
		return
	}
	switch parsed := documentContent(content); {
	case len(content) > mostDocument:
		c.fail("content", "MaxDocumentSizeExceeded", "has %d bytes: a document can have %d", len(content), mostDocument)
	case !json.Valid([]byte(content)):
		c.fail("content", "InvalidDocumentContent", "is not JSON")
	case c.in.str("documentType") == "Command" && parsed.SchemaVersion != "1.2" && parsed.SchemaVersion != "2.0" && parsed.SchemaVersion != "2.2":
		c.fail("content", "InvalidDocumentSchemaVersion", "schemaVersion %q: a Command document has 1.2, 2.0 or 2.2", parsed.SchemaVersion)
	case strings.HasPrefix(parsed.SchemaVersion, "2.") && len(parsed.Steps) == 0:
		c.fail("content", "InvalidDocumentContent", "has no mainSteps")
	}
}

func checkAssociation(c *checking) {
	if !c.in.has("targets") && !c.in.has("instanceId") {
		c.fail("targets", "InvalidTarget", "names no instances")
	}
	if n := len(c.in.list("targets")); n > 5 {
		c.fail("targets", "InvalidTarget", "%d targets: an association can have 5", n)
	}
	for _, f := range c.in.find("targets") {
		if f.value.IsComputed() {
			continue
		}
		target := object(f.value)
		switch key := target.str("key"); {
		case key == unknown, key == "InstanceIds", key == "resource-groups:Name", strings.HasPrefix(key, "tag:") && len(key) > len("tag:"), key == "tag-key":
		default:
			c.fail(under(f.path, "key"), "InvalidTarget", "%q is not InstanceIds or tag: with a tag's key behind it", key)
		}
		if len(target.list("values")) == 0 && !target.unknown("values") {
			c.fail(under(f.path, "values"), "InvalidTarget", "has no values")
		}
	}
	expression := c.in.str("scheduleExpression")
	if m := rateInMinutes.FindStringSubmatch(expression); m != nil {
		if minutes, err := strconv.Atoi(m[1]); err != nil || minutes < 30 {
			c.fail("scheduleExpression", "InvalidSchedule", "%q: the shortest rate of an association is 30 minutes", expression)
		}
	}
	if strings.HasPrefix(expression, "rate(") && c.in.bool("applyOnlyAtCronInterval") {
		c.fail("applyOnlyAtCronInterval", "ValidationException", "is not supported for rate expressions")
	}
}

// rateInMinutes is such a rate, of an association.
// See https://docs.aws.amazon.com/systems-manager/latest/userguide/reference-cron-and-rate-expressions.html
var rateInMinutes = regexp.MustCompile(`^rate\((\d+) minutes?\)$`)
