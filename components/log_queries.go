package components

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/athena"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/glue"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// LogQueriesArgs are the Args of [NewLogQueries].
type LogQueriesArgs struct {
	// Place is the archive's: Athena reads where the objects are.
	Place partition.Place
	// BucketName is the archive, and KeyArn its key, whose policy must let the readers' roles decrypt: [LogArchiveBucketArgs].Readers
	// has them.
	BucketName string
	KeyArn     pulumi.StringInput
	// DatabaseName is Glue's: small letters, digits and underscores.
	DatabaseName string
	// ResultsBucketName is the bucket of queries' results, and KeyAlias the alias of its key, without "alias/".
	ResultsBucketName, KeyAlias string
	// ResultDays is the age at which results expire.
	ResultDays int
	// ScanLimitMiB is how much one query reads at most; Athena then cancels it. At least 10.
	ScanLimitMiB int
	Tables       []LogTable
	// Readers may query; at least one.
	Readers []QueryReader
	// AdministratorRoleArns are the roles that may administer the key, the deploying role among them.
	AdministratorRoleArns []string
	// Tags are put on everything that has tags.
	Tags map[string]string
}

// QueryReader is who may query, in a workgroup of its own, with results that other readers can't read.
type QueryReader struct {
	// Name says who it is, as in [Reader].
	Name string
	// RoleName is the role of the archive's account that queries, and WorkgroupName its workgroup.
	RoleName, WorkgroupName string
	// PrincipalArns are the roles, of any account of the partition, that may assume it. They need not exist yet.
	PrincipalArns []string
	// Tables are the names of those that it may read; none means all.
	Tables []string
}

var (
	glueDatabase  = nameRule{regexp.MustCompile(`^[a-z0-9_]{1,255}$`), "want 1 to 255 small letters, digits and underscores"}
	workgroupName = nameRule{regexp.MustCompile(`^[a-zA-Z0-9._-]{1,128}$`), "want 1 to 128 letters, digits and the signs ._-"}
)

// LogQueries is what an archive is queried with: tables with projected partitions, and for each reader a workgroup, a role and
// examples of queries.
type LogQueries struct {
	pulumi.ResourceState
	ResultsBucket *s3.BucketV2
	key           *kms.Key
	database      *glue.CatalogDatabase
	// RoleArns and Workgroups are by the readers' names.
	RoleArns   map[string]pulumi.StringOutput
	Workgroups map[string]*athena.Workgroup
}

func (args *LogQueriesArgs) check(name string) error {
	var p problems
	p.place("Place", args.Place)
	p.bucket("BucketName", args.BucketName)
	p.bucket("ResultsBucketName", args.ResultsBucketName)
	if args.ResultsBucketName == args.BucketName {
		p.add("ResultsBucketName", args.ResultsBucketName, "is the archive: results would be archived, and never expire")
	}
	p.name("DatabaseName", args.DatabaseName, glueDatabase)
	p.alias("KeyAlias", args.KeyAlias)
	p.atLeast("ResultDays", args.ResultDays, 1)
	p.atLeast("ScanLimitMiB", args.ScanLimitMiB, 10)
	for i, arn := range args.AdministratorRoleArns {
		p.role(at("AdministratorRoleArns", i, ""), arn, args.Place)
	}
	if args.Place.Region != "" {
		p.refuse("Place", args.Place.Region, args.Place.Region.Require(partition.AthenaProjection))
	}
	if len(args.Tables) == 0 {
		p.add("Tables", "", "want at least one")
	}
	if len(args.Readers) == 0 {
		p.add("Readers", "", "want at least one: nobody else may read the results")
	}
	for i, r := range args.Readers {
		field := at("Readers", i, "")
		p.name(field+".Name", r.Name, readerName)
		p.name(field+".RoleName", r.RoleName, roleName)
		p.name(field+".WorkgroupName", r.WorkgroupName, workgroupName)
		if slices.ContainsFunc(args.Readers[:i], func(o QueryReader) bool { return o.Name == r.Name }) {
			p.add(field+".Name", r.Name, "is there twice")
		}
		p.readingRoles(field+".PrincipalArns", r.PrincipalArns, args.Place)
		for j, table := range r.Tables {
			if !slices.ContainsFunc(args.Tables, func(t LogTable) bool { return t.Name == table }) {
				p.add(field+".Tables"+index(j), table, "is no table")
			}
		}
	}
	if len(p.list) == 0 {
		doc, err := args.resultsKeyPolicy()
		p.document("Readers", "key policy", policy.Key, doc, err)
		p.document("ResultsBucketName", "bucket policy", policy.Bucket, args.resultsPolicy(), nil)
		for i, r := range args.Readers {
			p.document(at("Readers", i, "")+".PrincipalArns", "trust policy", policy.Trust, r.trust(), nil)
			doc, err := args.readerPolicy(r, args.Place.ARN(partition.KMS, "key/archive").String(), args.Place.ARN(partition.KMS, "key/results").String())
			p.document(at("Readers", i, ""), "role policy", policy.Inline, doc, err)
		}
	}
	return p.err("LogQueries", name)
}

// tables are those that a reader may read.
func (args *LogQueriesArgs) tables(r QueryReader) []LogTable {
	return slices.DeleteFunc(slices.Clone(args.Tables), func(t LogTable) bool {
		return len(r.Tables) > 0 && !slices.Contains(r.Tables, t.Name)
	})
}

// ResultsPrefix is where the results of a reader lie in the results bucket.
func ResultsPrefix(reader string) string { return reader + "/" }

// NewLogQueries registers tables, workgroups, roles, and the bucket of results. Errors: [ArgsError].
//
// A workgroup's settings are enforced: a client can't send results elsewhere, or leave them unencrypted. Results are the archive's
// lines again, so they have a key of their own, and expire.
func NewLogQueries(ctx *pulumi.Context, name string, args *LogQueriesArgs, opts ...pulumi.ResourceOption) (*LogQueries, error) {
	if args == nil {
		args = &LogQueriesArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &LogQueries{RoleArns: map[string]pulumi.StringOutput{}, Workgroups: map[string]*athena.Workgroup{}}
	if err := ctx.RegisterComponentResource("logarchive:index:LogQueries", name, c, opts...); err != nil {
		return nil, err
	}
	settled, err := c.registerResults(ctx, name, args)
	if err != nil {
		return nil, err
	}
	if err := c.registerTables(ctx, name, args); err != nil {
		return nil, err
	}
	roles := pulumi.StringMap{}
	for _, r := range args.Readers {
		if err := c.registerReader(ctx, name+"-"+r.Name, args, r, settled); err != nil {
			return nil, err
		}
		roles[r.Name] = c.RoleArns[r.Name]
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"database": c.database.Name, "resultsBucket": c.ResultsBucket.Bucket, "roleArns": roles})
}

// registerResults: the bucket of results and its key. It returns what workgroups wait for.
func (c *LogQueries) registerResults(ctx *pulumi.Context, name string, args *LogQueriesArgs) ([]pulumi.Resource, error) {
	doc, err := args.resultsKeyPolicy()
	if err != nil {
		return nil, err
	}
	kept := pulumi.Composite(pulumi.Parent(c), pulumi.Protect(true), pulumi.RetainOnDelete(true))
	c.key, err = keySpec{name: name + "-results", description: "Encrypts the results of queries in bucket " + args.ResultsBucketName, alias: args.KeyAlias, policy: doc, tags: args.Tags}.register(ctx, pulumi.Parent(c))
	if err != nil {
		return nil, err
	}
	c.ResultsBucket, err = s3.NewBucketV2(ctx, name+"-results", &s3.BucketV2Args{
		Bucket: pulumi.String(args.ResultsBucketName), ForceDestroy: pulumi.Bool(false), Tags: tags(args.Tags),
	}, kept)
	if err != nil {
		return nil, err
	}
	bucket, setting := c.ResultsBucket.ID(), pulumi.Composite(pulumi.Parent(c), pulumi.RetainOnDelete(true))
	private, owned, err := registerPrivacy(ctx, name+"-results", bucket, setting)
	if err != nil {
		return nil, err
	}
	encrypted, err := s3.NewBucketServerSideEncryptionConfigurationV2(ctx, name+"-results", &s3.BucketServerSideEncryptionConfigurationV2Args{
		Bucket: bucket,
		Rules: s3.BucketServerSideEncryptionConfigurationV2RuleArray{&s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
			BucketKeyEnabled: pulumi.Bool(true),
			ApplyServerSideEncryptionByDefault: &s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
				SseAlgorithm: pulumi.String("aws:kms"), KmsMasterKeyId: c.key.Arn,
			},
		}},
	}, setting)
	if err != nil {
		return nil, err
	}
	allowed, err := s3.NewBucketPolicy(ctx, name+"-results", &s3.BucketPolicyArgs{
		Bucket: bucket, Policy: pulumi.String(args.resultsPolicy().JSON()),
	}, setting, pulumi.DependsOn([]pulumi.Resource{private, owned, encrypted}))
	if err != nil {
		return nil, err
	}
	// Without versions: what expires is gone.
	expire, err := s3.NewBucketLifecycleConfigurationV2(ctx, name+"-results", &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket, Rules: lifecycle(&LogArchiveBucketArgs{RetentionDays: args.ResultDays, NoncurrentDays: 1}),
	}, setting, pulumi.DependsOn([]pulumi.Resource{allowed}))
	return []pulumi.Resource{allowed, expire}, err
}

func (c *LogQueries) registerTables(ctx *pulumi.Context, name string, args *LogQueriesArgs) (err error) {
	c.database, err = glue.NewCatalogDatabase(ctx, name, &glue.CatalogDatabaseArgs{
		Name: pulumi.String(args.DatabaseName), Description: pulumi.String("The logs in bucket " + args.BucketName), Tags: tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	for _, t := range args.Tables {
		library, input, output := t.SerDe()
		table := &glue.CatalogTableArgs{
			Name: pulumi.String(t.Name), DatabaseName: c.database.Name, Description: pulumi.String(t.Description), TableType: pulumi.String("EXTERNAL_TABLE"),
			Parameters: pulumi.ToStringMap(t.Parameters(args.BucketName)),
		}
		descriptor := &glue.CatalogTableStorageDescriptorArgs{
			Location: pulumi.String(t.Location(args.BucketName)), InputFormat: pulumi.String(input), OutputFormat: pulumi.String(output),
			SerDeInfo: &glue.CatalogTableStorageDescriptorSerDeInfoArgs{
				SerializationLibrary: pulumi.String(library), Parameters: pulumi.ToStringMap(t.SerDeParameters()),
			},
		}
		var columns glue.CatalogTableStorageDescriptorColumnArray
		for _, column := range t.Columns {
			columns = append(columns, &glue.CatalogTableStorageDescriptorColumnArgs{Name: pulumi.String(ColumnName(column.Name)), Type: pulumi.String(column.HiveType())})
		}
		var keys glue.CatalogTablePartitionKeyArray
		for _, p := range t.Partitions {
			keys = append(keys, &glue.CatalogTablePartitionKeyArgs{Name: pulumi.String(p.Name), Type: pulumi.String(p.HiveType())})
		}
		descriptor.Columns, table.PartitionKeys, table.StorageDescriptor = columns, keys, descriptor
		if _, err := glue.NewCatalogTable(ctx, name+"-"+t.Name, table, pulumi.Parent(c)); err != nil {
			return err
		}
	}
	return nil
}

// registerReader: role, workgroup and examples of a reader.
func (c *LogQueries) registerReader(ctx *pulumi.Context, name string, args *LogQueriesArgs, r QueryReader, settled []pulumi.Resource) error {
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Name: pulumi.String(r.RoleName), Description: pulumi.Sprintf("Queries the logs in bucket %s for %s", args.BucketName, r.Name),
		AssumeRolePolicy: pulumi.String(r.trust().JSON()), Tags: tags(args.Tags),
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	c.RoleArns[r.Name] = role.Arn
	doc := pulumi.All(args.KeyArn, c.key.Arn).ApplyT(func(keys []any) (string, error) {
		doc, err := args.readerPolicy(r, keys[0].(string), keys[1].(string))
		return doc.JSON(), err
	}).(pulumi.StringOutput)
	if _, err = iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{Name: pulumi.String("query"), Role: role.Name, Policy: doc}, pulumi.Parent(c)); err != nil {
		return err
	}
	group, err := athena.NewWorkgroup(ctx, name, &athena.WorkgroupArgs{
		Name: pulumi.String(r.WorkgroupName), Description: pulumi.Sprintf("Queries of %s", r.Name), Tags: tags(args.Tags),
		Configuration: &athena.WorkgroupConfigurationArgs{
			EnforceWorkgroupConfiguration: pulumi.Bool(true), PublishCloudwatchMetricsEnabled: pulumi.Bool(true),
			BytesScannedCutoffPerQuery: pulumi.Int(args.ScanLimitMiB << 20),
			ResultConfiguration: &athena.WorkgroupConfigurationResultConfigurationArgs{
				OutputLocation:      pulumi.String(fmt.Sprintf("s3://%s/%s", args.ResultsBucketName, ResultsPrefix(r.Name))),
				ExpectedBucketOwner: pulumi.String(args.Place.Account),
				EncryptionConfiguration: &athena.WorkgroupConfigurationResultConfigurationEncryptionConfigurationArgs{
					EncryptionOption: pulumi.String("SSE_KMS"), KmsKeyArn: c.key.Arn,
				},
			},
		},
	}, pulumi.Parent(c), pulumi.DependsOn(settled))
	if err != nil {
		return err
	}
	c.Workgroups[r.Name] = group
	for _, t := range args.tables(r) {
		for _, q := range t.Queries {
			_, err := athena.NewNamedQuery(ctx, name+"-"+q.Name, &athena.NamedQueryArgs{
				Name: pulumi.String(q.Name), Description: pulumi.String(q.Description), Database: c.database.Name, Workgroup: group.Name, Query: pulumi.String(q.SQL),
			}, pulumi.Parent(c))
			if err != nil {
				return err
			}
		}
	}
	return nil
}
