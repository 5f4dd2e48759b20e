package catalog

import (
	"regexp"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Tokens of Athena's and Glue's types.
const (
	Workgroup       = "aws:athena/workgroup:Workgroup"
	NamedQuery      = "aws:athena/namedQuery:NamedQuery"
	CatalogDatabase = "aws:glue/catalogDatabase:CatalogDatabase"
	CatalogTable    = "aws:glue/catalogTable:CatalogTable"
)

// leastCutoff is the least limit of bytes that a query may read:
// terraform-provider-aws, resource aws_athena_workgroup
const leastCutoff = 10_485_760

var (
	workgroupForm = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,128}$`)
	// glueForm: Glue folds names to small letters, and the provider refuses others, which would differ from then on.
	glueForm = regexp.MustCompile(`^[^A-Z/]{1,255}$`)
	s3Form   = regexp.MustCompile(`^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$`)
)

var athenaModels = []*model{{
	token: Workgroup, nameProperty: "name", idFromInputs: true, code: "InvalidRequestException",
	forceNew: []string{"name"}, // terraform-provider-aws, resource aws_athena_workgroup
	defaults: map[string]any{"state": "ENABLED", "forceDestroy": false},
	texts: map[string]textRule{
		"name":        {pattern: workgroupForm, want: "1 to 128 letters, digits and the signs ._-"},
		"description": {most: 1024, want: "at most 1024 characters"},
		"configuration.resultConfiguration.outputLocation": {pattern: s3Form, want: "a location such as s3://bucket/prefix/"},
	},
	enums: map[string][]string{
		"state": {"ENABLED", "DISABLED"},
		"configuration.resultConfiguration.encryptionConfiguration.encryptionOption": {"SSE_S3", "SSE_KMS", "CSE_KMS"},
	},
	ranges: map[string]numberRange{"configuration.bytesScannedCutoffPerQuery": {leastCutoff, 7 << 50}},
	arns:   []string{"configuration.resultConfiguration.encryptionConfiguration.kmsKeyArn", "configuration.executionRole"},
	check:  checkWorkgroup,
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.Athena, "workgroup/"+c.id))
	},
}, {
	token: NamedQuery, code: "InvalidRequestException",
	// terraform-provider-aws, resource aws_athena_named_query: ForceNew of all.
	forceNew: []string{"database", "description", "name", "query", "workgroup"},
	defaults: map[string]any{"workgroup": "primary"},
	// See https://docs.aws.amazon.com/athena/latest/APIReference/API_CreateNamedQuery.html
	texts: map[string]textRule{
		"name": {least: 1, most: 128, want: "1 to 128 characters"}, "description": {least: 1, most: 1024, want: "1 to 1024 characters"},
		"query": {least: 1, most: 262144, want: "1 to 262144 characters"}, "database": {least: 1, most: 255, want: "1 to 255 characters"},
	},
	complete: func(c *completion) { c.id = c.uuid("query") },
	references: func(r *referring) {
		if r.in.str("workgroup") != "primary" {
			r.name("workgroup", Workgroup, "InvalidRequestException")
		}
	},
}, {
	token: CatalogDatabase, nameProperty: "name", idFromInputs: true, code: "InvalidInputException",
	forceNew: []string{"catalogId", "name"}, // terraform-provider-aws, resource aws_glue_catalog_database
	// See https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-databases.html
	texts: map[string]textRule{"name": {pattern: glueForm, want: "1 to 255 characters, without capital letters and slashes"}, "description": {most: 2048, want: "at most 2048 characters"}},
	complete: func(c *completion) {
		c.def("catalogId", string(c.Place.Account))
		c.id = c.str("catalogId") + ":" + c.str("name")
		c.set("arn", c.arn(partition.Glue, "database/"+c.str("name")))
	},
}, {
	token: CatalogTable, nameProperty: "name", idFromInputs: true, code: "InvalidInputException",
	forceNew: []string{"catalogId", "databaseName", "name", "partitionIndices"}, // terraform-provider-aws, resource aws_glue_catalog_table
	// See https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-tables.html
	texts: map[string]textRule{
		"name": {pattern: glueForm, want: "1 to 255 characters, without capital letters and slashes"}, "description": {most: 2048, want: "at most 2048 characters"},
		"partitionKeys.name": {least: 1, most: 255, want: "1 to 255 characters"}, "storageDescriptor.columns.name": {least: 1, most: 255, want: "1 to 255 characters"},
		"storageDescriptor.columns.type": {most: 131072, want: "at most 131072 characters"}, "storageDescriptor.location": {most: 2056, want: "at most 2056 characters"},
	},
	check: checkCatalogTable,
	complete: func(c *completion) {
		c.def("catalogId", string(c.Place.Account))
		c.id = c.str("catalogId") + ":" + c.str("databaseName") + ":" + c.str("name")
		c.set("arn", c.arn(partition.Glue, "table/"+c.str("databaseName")+"/"+c.str("name")))
	},
	references: func(r *referring) {
		if !r.in.has("catalogId") {
			r.name("databaseName", CatalogDatabase, "EntityNotFoundException")
		}
	},
}}

func checkWorkgroup(c *checking) {
	const at = "configuration.resultConfiguration.encryptionConfiguration"
	encryption := nested(c.in, "configuration", "resultConfiguration", "encryptionConfiguration")
	option, key := encryption.str("encryptionOption"), encryption.has("kmsKeyArn")
	switch {
	case strings.HasSuffix(option, "_KMS") && !key:
		c.fail(at+".kmsKeyArn", "InvalidRequestException", "KmsKey is required for encryption option %s", option)
	case option == "SSE_S3" && key:
		c.fail(at+".kmsKeyArn", "InvalidRequestException", "KmsKey is not used with encryption option SSE_S3")
	}
}

// checkCatalogTable: a table's parameters have keys of up to 255 characters, and values of up to 512,000
// (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-tables.html#aws-glue-api-catalog-tables-TableInput).
func checkCatalogTable(c *checking) {
	for key, value := range c.in.obj("parameters") {
		if len(key) > 255 || value.IsString() && len(value.StringValue()) > 512000 {
			c.fail("parameters."+string(key), "InvalidInputException", "a parameter has a key of up to 255 characters and a value of up to 512000")
		}
	}
}

// nested is an object within objects; empty where there is none.
func nested(v view, path ...string) view {
	for _, name := range path {
		v = v.obj(name)
	}
	return v
}
