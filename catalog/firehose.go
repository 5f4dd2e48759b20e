package catalog

import (
	"regexp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Stream is the token of a Firehose stream.
const Stream = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"

// s3Path is the input with the S3 destination, the only one whose rules the catalog knows.
const s3Path = "extendedS3Configuration"

// s3Defaults are the provider's defaults of an S3 destination (terraform-provider-aws, resource
// aws_kinesis_firehose_delivery_stream).
var s3Defaults = map[string]any{
	"bufferingInterval": 300, "bufferingSize": 5, "compressionFormat": "UNCOMPRESSED", "customTimeZone": "UTC",
	"s3BackupMode": "Disabled", "cloudwatchLoggingOptions": map[string]any{"enabled": false},
}

// Firehose streams. See https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html
var firehoseModels = []*model{{
	token: Stream, nameProperty: "name", idFromInputs: true, code: "InvalidArgumentException",
	// terraform-provider-aws, resource aws_kinesis_firehose_delivery_stream: ForceNew of name, destination, the source,
	// and dynamic_partitioning_configuration.enabled ("the provider will recreate the resource").
	forceNew: []string{"name", "destination", "kinesisSourceConfiguration", "mskSourceConfiguration",
		s3Path + ".dynamicPartitioningConfiguration.enabled"},
	texts: map[string]textRule{
		"name": nameRule(`a-zA-Z0-9_.-`, 1, 64, "1 to 64 letters, digits and the signs _.-"),
		s3Path + ".fileExtension": {
			pattern: regexp.MustCompile(`^$|^\.[0-9a-z!\-_.*'()]+$`), most: 128, want: "a dot, and up to 127 lower-case letters, digits and the signs !-_.*'()",
		},
		s3Path + ".prefix":            {most: 1024, want: "at most 1024 characters"},
		s3Path + ".errorOutputPrefix": {most: 1024, want: "at most 1024 characters"},
	},
	enums: map[string][]string{
		"destination":                                       {"elasticsearch", "extended_s3", "http_endpoint", "iceberg", "opensearch", "opensearchserverless", "redshift", "snowflake", "splunk"},
		"serverSideEncryption.keyType":                      {"AWS_OWNED_CMK", "CUSTOMER_MANAGED_CMK"},
		s3Path + ".compressionFormat":                       {"UNCOMPRESSED", "GZIP", "ZIP", "Snappy", "HADOOP_SNAPPY"},
		s3Path + ".s3BackupMode":                            {"Disabled", "Enabled"},
		s3Path + ".processingConfiguration.processors.type": {"RecordDeAggregation", "Decompression", "CloudWatchLogProcessing", "Lambda", "MetadataExtraction", "AppendDelimiterToRecord"},
		s3Path + ".s3BackupConfiguration.compressionFormat": {"UNCOMPRESSED", "GZIP", "ZIP", "Snappy", "HADOOP_SNAPPY"},
		s3Path + ".processingConfiguration.processors.parameters.parameterName": {"LambdaArn", "NumberOfRetries", "MetadataExtractionQuery", "JsonParsingEngine",
			"RoleArn", "BufferSizeInMBs", "BufferIntervalInSeconds", "SubRecordType", "Delimiter", "CompressionFormat", "DataMessageExtraction"},
	},
	ranges: map[string]numberRange{
		s3Path + ".bufferingSize":                                  {1, 128},
		s3Path + ".bufferingInterval":                              {0, 900},
		s3Path + ".dynamicPartitioningConfiguration.retryDuration": {0, 7200},
	},
	arns: []string{s3Path + ".bucketArn", s3Path + ".roleArn", s3Path + ".kmsKeyArn", "serverSideEncryption.keyArn",
		s3Path + ".s3BackupConfiguration.bucketArn", s3Path + ".s3BackupConfiguration.roleArn",
		"kinesisSourceConfiguration.kinesisStreamArn", "kinesisSourceConfiguration.roleArn"},
	check: checkStream,
	complete: func(c *completion) {
		c.id = c.arn(partition.Firehose, "deliverystream/"+c.str("name"))
		c.set("arn", c.id)
		c.set("versionId", "1")
		c.set("destinationId", "destinationId-000000000001")
		if c.view().has(s3Path) {
			c.nested(s3Path, s3Defaults)
		}
	},
	references: func(r *referring) {
		const code = "InvalidArgumentException"
		for _, at := range []string{s3Path, s3Path + ".s3BackupConfiguration"} {
			r.roleARN(at+".roleArn", code)
			r.arn(at+".bucketArn", Bucket, code)
			r.arn(at+".kmsKeyArn", Key, code)
			r.name(at+".cloudwatchLoggingOptions.logGroupName", LogGroup, code)
			r.name(at+".cloudwatchLoggingOptions.logStreamName", LogStream, code)
		}
		r.keyOf("serverSideEncryption.keyArn")
		r.roleARN("kinesisSourceConfiguration.roleArn", code)
		r.transforms()
	},
}}

func checkStream(c *checking) {
	const code = "InvalidArgumentException"
	s3 := c.in.obj(s3Path)
	if c.in.str("destination") == "extended_s3" && !c.in.has(s3Path) {
		c.fail(s3Path, CheckFailure, "required when the destination is extended_s3")
	}
	sse := c.in.obj("serverSideEncryption")
	if sse.str("keyType") == "CUSTOMER_MANAGED_CMK" && !sse.has("keyArn") {
		c.fail("serverSideEncryption.keyArn", code, "needed for keyType CUSTOMER_MANAGED_CMK")
	}
	if sse.bool("enabled") && c.in.has("kinesisSourceConfiguration") {
		c.fail("serverSideEncryption", code, "a stream that reads from Kinesis is encrypted there: want no encryption of its own")
	}
	for _, at := range []string{s3Path, s3Path + ".s3BackupConfiguration"} {
		for _, f := range c.in.find(at + ".cloudwatchLoggingOptions") {
			v := object(f.value)
			if v.bool("enabled") && (!v.has("logGroupName") || !v.has("logStreamName")) {
				c.fail(f.path, code, "logging is enabled: logGroupName and logStreamName are needed")
			}
		}
	}
	if s3.str("s3BackupMode") == "Enabled" && !s3.has("s3BackupConfiguration") {
		c.fail(s3Path+".s3BackupConfiguration", code, "needed for s3BackupMode Enabled")
	}
	c.partitioning(s3)
	c.prefixes(s3)
	c.processors()
}

// partitioning checks the buffer of streams that partition by content or convert formats.
//
// See https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-s3bucketprefix.html
func (c *checking) partitioning(s3 view) {
	size, ok := s3.num("bufferingSize")
	if !ok {
		size = 5
	}
	for _, feature := range []struct {
		on   bool
		name string
	}{
		{s3.obj("dynamicPartitioningConfiguration").bool("enabled"), "Dynamic Partitioning"},
		{converts(s3), "data format conversion"},
	} {
		if feature.on && size < 64 && !s3.unknown("bufferingSize") {
			c.fail(s3Path+".bufferingSize", "InvalidArgumentException", "BufferingHints.SizeInMBs must be at least 64 when %s is enabled: it is %s", feature.name, number(size))
		}
	}
	if format := s3.str("compressionFormat"); converts(s3) && format != "" && format != unknown && format != "UNCOMPRESSED" {
		c.fail(s3Path+".compressionFormat", "InvalidArgumentException", "must be UNCOMPRESSED when data format conversion is enabled: it is %s", format)
	}
}

// converts says whether records become Parquet or ORC; a configuration that doesn't say so does.
func converts(s3 view) bool {
	conversion := s3.obj("dataFormatConversionConfiguration")
	return len(conversion) > 0 && (!conversion.has("enabled") || conversion.bool("enabled"))
}

// expression is one !{namespace:value} of a prefix.
var expression = regexp.MustCompile(`!\{([^}]*)\}`)

// prefixes checks the two key prefixes, which may have expressions.
//
// See https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
func (c *checking) prefixes(s3 view) {
	prefix, errors := s3.str("prefix"), s3.str("errorOutputPrefix")
	if strings.Contains(prefix, unknown) || strings.Contains(errors, unknown) {
		return
	}
	c.expressions(s3, "prefix", prefix)
	c.expressions(s3, "errorOutputPrefix", errors)
	const code = "InvalidArgumentException"
	if strings.Contains(prefix, "!{") && errors == "" {
		c.fail(s3Path+".errorOutputPrefix", code, "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions")
	}
	if strings.Contains(prefix, "!{firehose:error-output-type}") {
		c.fail(s3Path+".prefix", code, "Prefix cannot contain !{firehose:error-output-type}")
	}
	if strings.Contains(errors, "!{") && !strings.Contains(errors, "!{firehose:error-output-type}") {
		c.fail(s3Path+".errorOutputPrefix", code, "%q has expressions: it must contain !{firehose:error-output-type}", errors)
	}
}

func (c *checking) expressions(s3 view, property, text string) {
	path, code := s3Path+"."+property, "InvalidArgumentException"
	if strings.Count(text, "!{") != len(expression.FindAllString(text, -1)) {
		c.fail(path, code, "%q has an expression without its end", text)
	}
	for _, match := range expression.FindAllStringSubmatch(text, -1) {
		namespace, value, ok := strings.Cut(match[1], ":")
		switch {
		case !ok || value == "":
			c.fail(path, code, "%s is not an expression: want !{namespace:value}", match[0])
		case namespace == "timestamp":
		case namespace == "firehose":
			if !slices.Contains([]string{"error-output-type", "random-string"}, value) {
				c.fail(path, code, "%s: want firehose:error-output-type or firehose:random-string", match[0])
			}
		case namespace == "partitionKeyFromQuery" || namespace == "partitionKeyFromLambda":
			if property == "errorOutputPrefix" {
				c.fail(path, code, "%s: partition keys cannot be in ErrorOutputPrefix", match[0])
			} else if !s3.obj("dynamicPartitioningConfiguration").bool("enabled") {
				c.fail(path, code, "%s: partition keys need dynamic partitioning", match[0])
			}
		default:
			c.fail(path, code, "%s: want a namespace of timestamp, firehose, partitionKeyFromQuery, partitionKeyFromLambda", match[0])
		}
	}
}
