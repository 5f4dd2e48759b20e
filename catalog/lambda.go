package catalog

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// Function is the token of a Lambda function.
const Function = "aws:lambda/function:Function"

// badLambda is Lambda's error code for a parameter that it doesn't accept.
const badLambda = "InvalidParameterValueException"

// Functions. See https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
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
	ranges: map[string]numberRange{"memorySize": {128, 10240}, "timeout": {1, 900}, "ephemeralStorage.size": {512, 10240},
		"reservedConcurrentExecutions": {-1, 1000000}},
	arns:     []string{"role", "kmsKeyArn", "layers", "deadLetterConfig.targetArn"},
	check:    checkFunction,
	complete: completeFunction,
	references: func(r *referring) {
		r.roleARN("role", badLambda)
		r.keyOf("kmsKeyArn")
		r.service("deadLetterConfig.targetArn", map[string]string{"sqs": Queue, "sns": Topic}, Reference{SameRegion: true, Code: badLambda})
		r.name("loggingConfig.logGroup", LogGroup, badLambda)
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
	if c.in.str("runtime") == "provided.al2023" {
		c.feature("runtime", partition.LambdaProvidedAL2023)
	}
	c.variables()
}

// Environment variables: their names, and how much they may have together.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
var (
	variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)
	ownVariables = []string{"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
		"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
		"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"}
)

const maxVariables = 4 << 10

func (c *checking) variables() {
	all, size := c.in.obj("environment").obj("variables"), 0
	for _, key := range slices.Sorted(maps.Keys(all)) {
		name := string(key)
		path := under("environment.variables", name)
		if slices.Contains(ownVariables, name) {
			c.fail(path, badLambda, "Lambda sets this variable itself: its name is reserved")
		} else if !variableName.MatchString(name) {
			c.fail(path, badLambda, "is not the name of a variable: want a letter, then letters, digits and underscores")
		}
		if value := all.str(name); value != unknown {
			size += len(name) + len(value)
		}
	}
	if size > maxVariables {
		c.fail("environment.variables", badLambda, "%d bytes of names and values: Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit", size)
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
	c.set("signingJobArn", "")
	c.set("signingProfileVersionArn", "")
	c.def("architectures", []any{"x86_64"})
	c.def("ephemeralStorage", map[string]any{"size": 512})
	c.def("tracingConfig", map[string]any{"mode": "PassThrough"})
	if c.Place.Region.Feature(partition.LambdaLoggingConfig).Support == partition.Yes {
		c.def("loggingConfig", map[string]any{"logFormat": "Text", "logGroup": "/aws/lambda/" + c.id})
	}
	hash := codeHash(c.view().at("code"))
	if given := c.str("sourceCodeHash"); given != "" {
		hash = given // what the provider is told is the hash of what it uploads
	}
	c.set("codeSha256", hash)
	c.def("sourceCodeHash", hash)
}

// codeHash is the base64 text of the deployment package's SHA-256, which AWS answers. It is the package's own where the
// engine has hashed a zip; for other archives, which the provider packs, and where nothing is hashed (in a recording), it
// is one that changes when the contents do.
func codeHash(code resource.PropertyValue) string {
	if !code.IsArchive() {
		return base64.StdEncoding.EncodeToString(make([]byte, sha256.Size))
	}
	archive := code.ArchiveValue()
	if sum, err := hex.DecodeString(archive.Hash); err == nil && len(sum) == sha256.Size {
		return base64.StdEncoding.EncodeToString(sum)
	}
	sum := sha256.Sum256([]byte(contents(archive)))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// contents describes what is in an archive whose hash isn't known.
func contents(a *resource.Archive) string {
	var b strings.Builder
	fmt.Fprintln(&b, a.Hash, a.Path, a.URI)
	for _, name := range slices.Sorted(maps.Keys(a.Assets)) {
		fmt.Fprintln(&b, name)
		switch part := a.Assets[name].(type) {
		case *resource.Asset:
			fmt.Fprintln(&b, part.Hash, part.Path, part.URI, part.Text)
		case *resource.Archive:
			fmt.Fprintln(&b, contents(part))
		}
	}
	return b.String()
}
