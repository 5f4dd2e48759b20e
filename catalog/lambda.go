package catalog

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// Function is the token of a Lambda function.
const Function = "aws:lambda/function:Function"

// badLambda is Lambda's error code for a parameter that it doesn't accept.
const badLambda = "InvalidParameterValueException"

// Lambda. See https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html and API_AddPermission.html
var lambdaModels = []*model{{
	token: Function, nameProperty: "name", idFromInputs: true, code: badLambda,
	forceNew: []string{"name", "packageType"}, // terraform-provider-aws, resource aws_lambda_function
	defaults: map[string]any{
		"memorySize": 128, "timeout": 3, "packageType": "Zip", "publish": false, "reservedConcurrentExecutions": -1, "skipDestroy": false,
	},
	texts: map[string]textRule{"name": nameRule(`a-zA-Z0-9_-`, 1, 64, "1 to 64 letters, digits, hyphens and underscores")},
	enums: map[string][]string{
		"architectures": {"x86_64", "arm64"}, "packageType": {"Zip", "Image"}, "tracingConfig.mode": {"Active", "PassThrough"},
		"loggingConfig.logFormat": {"JSON", "Text"},
		"runtime": {"dotnet8", "java8.al2", "java11", "java17", "java21", "nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x", "provided.al2",
			"provided.al2023", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "ruby3.2", "ruby3.3", "ruby3.4"},
	},
	ranges:   map[string]numberRange{"memorySize": {128, 10240}, "timeout": {1, 900}, "ephemeralStorage.size": {512, 10240}},
	arns:     []string{"role", "kmsKeyArn", "layers", "deadLetterConfig.targetArn"},
	check:    checkFunction,
	complete: completeFunction,
	references: func(r *referring) {
		r.roleARN("role", badLambda)
		r.keyOf("kmsKeyArn")
		r.service("deadLetterConfig.targetArn", map[string]string{"sqs": Queue, "sns": Topic}, Reference{SameRegion: true, Code: badLambda})
		r.name("loggingConfig.logGroup", LogGroup, badLambda)
	},
}, {
	token: "aws:lambda/permission:Permission", nameProperty: "statementId", namePrefix: "statementIdPrefix", idFromInputs: true, code: "ValidationException",
	// terraform-provider-aws, resource aws_lambda_permission: everything is ForceNew.
	forceNew: []string{"action", "eventSourceToken", "function", "functionUrlAuthType", "principal", "principalOrgId", "qualifier",
		"sourceAccount", "sourceArn", "statementId", "statementIdPrefix"},
	texts: map[string]textRule{
		"action":        {pattern: regexp.MustCompile(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`), want: "an action such as lambda:InvokeFunction"},
		"statementId":   nameRule(`a-zA-Z0-9_-`, 1, 100, "1 to 100 letters, digits, hyphens and underscores"),
		"sourceAccount": {pattern: regexp.MustCompile(`^\d{12}$`), want: "12 digits"},
	},
	check: func(c *checking) {
		if arn := c.in.str("sourceArn"); arn != "" && arn != unknown {
			c.pattern("sourceArn", arn)
		}
		if p := c.in.str("principal"); strings.Contains(p, ".") && !partition.IsServicePrincipal(p) {
			c.fail("principal", badLambda, "The provided principal was invalid: %q is not the name of a service", p)
		}
	},
	complete: func(c *completion) {
		c.set("function", c.str("function"))
		c.id = c.str("statementId")
	},
	references: func(r *referring) {
		for _, f := range r.in.find("function") {
			ref := Reference{Property: f.path, TargetToken: Function, By: ByName, Value: text(f.value), SameRegion: true, SameAccount: true, Code: "ResourceNotFoundException"}
			if strings.HasPrefix(ref.Value, "arn:") {
				ref.By = ByARN
			}
			r.add(ref)
		}
	},
}}

func checkFunction(c *checking) {
	image := c.in.str("packageType") == "Image"
	if !image {
		for _, needed := range []string{"handler", "runtime"} {
			if !c.in.has(needed) {
				c.fail(needed, badLambda, "needed for packageType Zip")
			}
		}
	}
	sources := 0
	for _, source := range []string{"code", "s3Bucket", "imageUri"} {
		if c.in.has(source) {
			sources++
		}
	}
	if sources != 1 {
		c.fail("code", CheckFailure, "exactly one of code, s3Bucket, imageUri is needed")
	}
	for _, f := range c.in.find("architectures") {
		if text(f.value) == "arm64" {
			c.feature(f.path, partition.LambdaARM64)
		}
	}
	if c.in.has("loggingConfig") {
		c.feature("loggingConfig", partition.LambdaLoggingConfig)
	}
}

// feature refuses what the partition is known not to have. What isn't known is let through: a deployment finds out.
func (c *checking) feature(path string, f partition.Feature) {
	if fact := c.Place.Region.Feature(f); fact.Support == partition.No {
		c.fail(path, badLambda, "%s: not in %s (%s)", f, c.Place.Region, fact.Source)
	}
}

func completeFunction(c *completion) {
	c.id = c.str("name")
	arn := c.arn(partition.Lambda, "function:"+c.id)
	// API Gateway's own form of a function, in the account of the service.
	invoke := func(function string) string {
		gateway := partition.ARN{Partition: c.Place.Partition(), Service: "apigateway", Region: c.Place.Region, Account: "lambda",
			Resource: "path/2015-03-31/functions/" + function + "/invocations"}
		return gateway.String()
	}
	c.set("arn", arn)
	c.set("qualifiedArn", arn+":$LATEST")
	c.set("invokeArn", invoke(arn))
	c.set("qualifiedInvokeArn", invoke(arn+":$LATEST"))
	c.set("version", "$LATEST")
	c.set("lastModified", created)
	c.def("architectures", []any{"x86_64"})
	c.def("ephemeralStorage", map[string]any{"size": 512})
	c.def("tracingConfig", map[string]any{"mode": "PassThrough"})
	if c.Place.Region.Feature(partition.LambdaLoggingConfig).Support == partition.Yes {
		c.def("loggingConfig", map[string]any{"logFormat": "Text", "logGroup": "/aws/lambda/" + c.id})
	}
	hash := codeHash(c.view().at("code"))
	c.set("codeSha256", hash)
	c.def("sourceCodeHash", hash)
}

// codeHash stands for the hash of the deployment package: it changes when the package does.
func codeHash(code resource.PropertyValue) string {
	content := ""
	if code.IsArchive() {
		content = code.ArchiveValue().Hash
		if content == "" {
			content = fmt.Sprint(code.ArchiveValue().Path, code.ArchiveValue().URI)
		}
	}
	sum := sha256.Sum256([]byte(content))
	return base64.StdEncoding.EncodeToString(sum[:])
}
