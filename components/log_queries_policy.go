package components

import (
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// queryActions are what a query editor asks of a workgroup:
// https://docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html
var queryActions = []string{
	"athena:BatchGetNamedQuery", "athena:BatchGetQueryExecution", "athena:GetNamedQuery", "athena:GetQueryExecution", "athena:GetQueryResults",
	"athena:GetQueryRuntimeStatistics", "athena:GetWorkGroup", "athena:ListNamedQueries", "athena:ListQueryExecutions", "athena:StartQueryExecution",
	"athena:StopQueryExecution",
}

// trust lets the principals assume the role: see D3 in docs/decisions.md.
func (r QueryReader) trust() policy.Document {
	return policy.Document{Statements: []policy.Statement{{
		Sid: "AssumeToQuery", Effect: policy.Allow, Principal: policy.AWSPrincipals(accountsOf(r.PrincipalArns)...), Action: []string{"sts:AssumeRole"},
		Condition: policy.Conditions{}.With("ArnEquals", "aws:PrincipalArn", sorted(r.PrincipalArns)...),
	}}}
}

// readerPolicy is what the role of a reader needs. Athena reads tables and objects, and writes results, with the permissions of who
// queries (https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html).
func (args *LogQueriesArgs) readerPolicy(r QueryReader, keyArn, resultsKeyArn string) (policy.Document, error) {
	s3, err := args.Place.ViaService(partition.S3)
	if err != nil {
		return policy.Document{}, err
	}
	p := args.Place.Partition()
	archive, results := partition.BucketARN(p, args.BucketName).String(), partition.BucketARN(p, args.ResultsBucketName).String()
	inGlue := func(resource string) string { return args.Place.ARN(partition.Glue, resource).String() }
	var tables, objects, listed []string
	for _, t := range args.tables(r) {
		tables = append(tables, inGlue("table/"+args.DatabaseName+"/"+t.Name))
		objects = append(objects, partition.ObjectARN(p, args.BucketName, t.Prefix+"*").String())
		listed = append(listed, t.Prefix+"*")
	}
	own := partition.ObjectARN(p, args.ResultsBucketName, ResultsPrefix(r.Name)+"*").String()
	allow := func(sid string, actions, resources []string, c policy.Conditions) policy.Statement {
		return policy.Statement{Sid: sid, Effect: policy.Allow, Action: actions, Resource: resources, Condition: c}
	}
	return policy.Document{Statements: []policy.Statement{
		allow("Query", queryActions, []string{args.Place.ARN(partition.Athena, "workgroup/"+r.WorkgroupName).String()}, nil),
		// Athena asks for the database "default", too: https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
		allow("FindDatabase", []string{"glue:GetDatabase"}, []string{inGlue("catalog"), inGlue("database/default"), inGlue("database/" + args.DatabaseName)}, nil),
		allow("FindTables", []string{"glue:GetTable", "glue:GetTables"}, append([]string{inGlue("catalog"), inGlue("database/" + args.DatabaseName)}, tables...), nil),
		allow("Locate", []string{"s3:GetBucketLocation"}, []string{archive, results}, nil),
		allow("List", []string{"s3:ListBucket"}, []string{archive}, policy.Conditions{}.With("StringLike", "s3:prefix", sorted(listed)...)),
		allow("Read", []string{"s3:GetObject"}, sorted(objects), nil),
		allow("Decrypt", []string{"kms:Decrypt"}, []string{keyArn}, throughS3(s3, archive)),
		allow("ListResults", []string{"s3:ListBucket"}, []string{results}, policy.Conditions{}.With("StringLike", "s3:prefix", ResultsPrefix(r.Name)+"*")),
		allow("KeepResults", []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"}, []string{own}, nil),
		allow("EncryptResults", []string{"kms:Decrypt", "kms:GenerateDataKey"}, []string{resultsKeyArn}, throughS3(s3, results)),
	}}, nil
}

// resultsPolicy is the policy of the bucket of results: TLS only. Who reads and writes is in the readers' policies and the key's:
// all are of the account.
func (args *LogQueriesArgs) resultsPolicy() policy.Document {
	return policy.Document{Statements: transportDenials(partition.BucketARN(args.Place.Partition(), args.ResultsBucketName).String())}
}

// resultsKeyPolicy lets the readers' roles encrypt and decrypt results, and nobody else: not even who administers the account.
func (args *LogQueriesArgs) resultsKeyPolicy() (policy.Document, error) {
	s3, err := args.Place.ViaService(partition.S3)
	if err != nil {
		return policy.Document{}, err
	}
	var roles []string
	for _, r := range args.Readers {
		roles = append(roles, args.Place.RoleARN(r.RoleName).String())
	}
	return policy.Document{Statements: []policy.Statement{
		keyAdministration(args.Place, args.AdministratorRoleArns),
		{
			Sid: "KeepResults", Effect: policy.Allow, Principal: policy.AWSPrincipals(args.Place.RootARN().String()),
			Action: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resource: []string{"*"},
			Condition: throughS3(s3, partition.BucketARN(args.Place.Partition(), args.ResultsBucketName).String()).With("ArnLike", "aws:PrincipalArn", sorted(roles)...),
		},
	}}, nil
}
