package stacks

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
	"github.com/logarchive/logarchive/verify"
)

// QueriesSpec is what the archive is queried with.
type QueriesSpec struct {
	Bucket       string // of results
	ResultDays   int
	ScanLimitGiB int
	Readers      []QueryReaderSpec
}

// QueryReaderSpec is who may query.
type QueryReaderSpec struct {
	Key    string // path in the configuration
	Name   string
	Roles  []partition.ARN // that may assume the reader's role
	Tables []string        // none means all
}

func queriesField() schema.Field {
	return schema.Field{
		Key: "queries", Kind: schema.Object,
		Doc: "Tables over the archive, and who may query them with Athena: a role, a workgroup and examples of queries for each reader. The tables' partitions follow the configuration. See docs/queries.md.",
		Example: strings.Join([]string{
			"bucket: example-log-queries-222233334444-ningxia",
			"readers:",
			`  - {name: security, roles: ["` + exampleRole("333344445555", "SecurityAnalyst") + `"]}`,
			`  - {name: network, roles: ["` + exampleRole("222233334444", "NetworkTeam") + `"], tables: [flow_logs]}`,
		}, "\n"),
		Fields: []schema.Field{
			{Key: "bucket", Kind: schema.String, Required: true,
				Doc:     "The bucket of the results, in the archive's account and region. Results are the archive's lines again: they have a key of their own.",
				Accepts: "a bucket name, another than the archive's, its replica's and the landing bucket's"},
			{Key: "resultDays", Kind: schema.Integer, DefaultText: "7", Range: schema.Between(1, 365), Doc: "For how long results are kept."},
			{Key: "scanLimitGiB", Kind: schema.Integer, DefaultText: "100", Range: schema.Between(1, 100000), Doc: "How much one query may read. Athena cancels one that reads more, and charges what it has read."},
			{Key: "readers", Kind: schema.List, Required: true,
				Doc:     "Who may query.",
				Accepts: "a list with at least one reader",
				Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
					{Key: "name", Kind: schema.String, Required: true, Pattern: nameForm,
						Doc:     "Who it is. Its role and its workgroup are named after it.",
						Accepts: "up to 32 lower-case letters, digits and single hyphens; each name once"},
					{Key: "roles", Kind: schema.List, Required: true,
						Doc:     "The roles that may assume the reader's role, which is in the archive's account. They needn't exist yet.",
						Accepts: "a list of ARNs of roles, of any account of the partition",
						Items:   &schema.Field{Kind: schema.String, Required: true, Accepts: "the ARN of a role"}},
					{Key: "tables", Kind: schema.List, DefaultText: "all tables",
						Doc:     "Which tables it may read, as `logarchive query-ddl` names them.",
						Accepts: "a list of names of the stack's tables",
						Items:   &schema.Field{Kind: schema.String, Required: true, Accepts: "the name of a table of the stack"}},
				}}},
		},
	}
}

// queries reads who may query, once all sources are read: which tables there are follows from them.
func (p *parser) queries(v schema.Value) {
	if !v.Given {
		return
	}
	s := p.spec
	q := &QueriesSpec{Bucket: v.Get("bucket").Text(), ResultDays: v.Get("resultDays").Number(), ScanLimitGiB: v.Get("scanLimitGiB").Number()}
	if !v.Get("resultDays").Given {
		q.ResultDays = 7
	}
	if !v.Get("scanLimitGiB").Given {
		q.ScanLimitGiB = 100
	}
	if r := s.Archive.Region; r != "" {
		if err := r.Require(partition.AthenaProjection); err != nil {
			p.add(v, "%v; leave it out", err)
		}
	}
	p.resultsBucket(v.Get("bucket"))
	if c := s.untransformed(); c != "" {
		p.add(v, "the objects of class %s are what CloudWatch Logs sends, which no table reads; want pipeline.transform.enabled: true", c)
	}
	p.fieldsApart(v)
	var known []string
	if v.Valid && s.Home.Region != "" {
		for _, t := range s.Tables() {
			known = append(known, t.Name)
		}
		if len(known) == 0 {
			p.add(v, "the stack archives nothing that could be queried; leave it out")
		}
	}
	names := newOnce(p)
	for _, item := range v.Get("readers").Items() {
		q.Readers = append(q.Readers, p.queryReader(item, names, known))
	}
	if list := v.Get("readers"); list.OK() && len(list.Items()) == 0 {
		p.add(list, "is empty; want at least one reader")
	}
	s.Queries = q
}

func (p *parser) resultsBucket(bucket schema.Value) {
	if !bucket.OK() {
		return
	}
	if err := checkBucketName(bucket.Text()); err != nil {
		p.add(bucket, "%v", err)
		return
	}
	if a := p.spec.AccessLogs; p.spec.keepsIn(bucket.Text()) || a != nil && a.Bucket == bucket.Text() {
		p.add(bucket, "%s is a bucket of logs, too; want another", schema.Quote(bucket.Text()))
	}
}

// fieldsApart refuses extra fields whose columns would have one name.
func (p *parser) fieldsApart(v schema.Value) {
	columns := map[string]string{}
	for _, c := range components.LineColumns(p.spec.Pipeline.Transform.ExtraFields...) {
		name := components.ColumnName(c.Name)
		if other, there := columns[name]; there && other != c.Name {
			p.add(v, "the fields %s and %s of lines would be one column, %s; want other names in pipeline.transform.extraFields", schema.Quote(other), schema.Quote(c.Name), name)
		}
		columns[name] = c.Name
	}
}

func (p *parser) queryReader(item schema.Value, names *once, known []string) QueryReaderSpec {
	s, name := p.spec, item.Get("name")
	r := QueryReaderSpec{Key: item.Path, Name: name.Text()}
	names.text(name, "is the name of", "want another")
	if role := s.QueryRole(r.Name); name.OK() && (len(r.Name) > 32 || len(role) > maxRoleName) {
		p.add(name, "%s is too long: want at most 32 characters, and at most %d for its role, which would be %s", schema.Quote(r.Name), maxRoleName, role)
	}
	r.Roles = p.readingRoles(item.Get("roles"), s.Archive.Partition())
	if list := item.Get("roles"); list.OK() && len(list.Items()) == 0 {
		p.add(list, "is empty; want at least one role")
	}
	tables, once := item.Get("tables"), newOnce(p)
	for _, table := range tables.Items() {
		switch {
		case !table.OK():
		case known != nil && !slices.Contains(known, table.Text()):
			p.add(table, "%s is no table of the stack%s; want one of %s", schema.Quote(table.Text()), schema.DidYouMean(table.Text(), known), strings.Join(known, ", "))
		default:
			once.text(table, "is", "want each once")
			r.Tables = append(r.Tables, table.Text())
		}
	}
	if tables.OK() && len(tables.Items()) == 0 {
		p.add(tables, "is empty; want at least one table, or leave it out for all")
	}
	return r
}

// untransformed is a class whose objects have what CloudWatch Logs sends, "" if none has.
func (s *Spec) untransformed() Class {
	for _, of := range s.everyAccount() {
		for _, c := range of.classes() {
			if c.subscribes() && !of.transforms(c) {
				return c
			}
		}
	}
	return ""
}

// QueryRole is what a reader queries as; QueryWorkgroup its workgroup, and QueryDatabase the database of the tables.
func (s *Spec) QueryRole(reader string) string      { return s.roleName("query-" + reader) }
func (s *Spec) QueryWorkgroup(reader string) string { return s.NamePrefix + "-" + reader }
func (s *Spec) QueryDatabase() string               { return strings.ReplaceAll(s.NamePrefix, "-", "_") }

// queryReaders are those who read the archive by queries.
func (s *Spec) queryReaders() []components.Reader {
	if s.Queries == nil {
		return nil
	}
	var list []components.Reader
	for _, r := range s.Queries.Readers {
		list = append(list, components.Reader{
			Name: "query-" + r.Name, RoleArns: []string{s.Archive.RoleARN(s.QueryRole(r.Name)).String()}, Prefixes: s.prefixesOf(r), List: true,
		})
	}
	return list
}

// prefixesOf are what the keys begin with that a reader's tables read.
func (s *Spec) prefixesOf(r QueryReaderSpec) []string {
	var list []string
	for _, t := range s.Tables() {
		if len(r.Tables) == 0 || slices.Contains(r.Tables, t.Name) {
			list = append(list, t.Prefix)
		}
	}
	return sortedOnce(list)
}

// verifyQueries are who must be able to query, as the proof asks for it.
func (s *Spec) verifyQueries() []verify.QueryReader {
	if s.Queries == nil {
		return nil
	}
	var list []verify.QueryReader
	for _, r := range s.Queries.Readers {
		q := verify.QueryReader{
			Name: r.Name, Place: s.Archive, Role: s.Archive.RoleARN(s.QueryRole(r.Name)).String(), Workgroup: s.QueryWorkgroup(r.Name),
			Database: s.QueryDatabase(), Tables: r.Tables,
		}
		for _, role := range r.Roles {
			q.Principals = append(q.Principals, role.String())
		}
		if len(q.Tables) == 0 {
			for _, t := range s.Tables() {
				q.Tables = append(q.Tables, t.Name)
			}
		}
		list = append(list, q)
	}
	return list
}

func (c *composer) queries() error {
	s, q := c.spec, c.spec.Queries
	if q == nil {
		return nil
	}
	args := &components.LogQueriesArgs{
		Place: s.Archive, BucketName: s.ArchiveBucket.Bucket, KeyArn: c.archive.KeyArn, DatabaseName: s.QueryDatabase(),
		ResultsBucketName: q.Bucket, KeyAlias: s.NamePrefix + "-query-results", ResultDays: q.ResultDays, ScanLimitMiB: q.ScanLimitGiB << 10,
		Tables: s.Tables(), AdministratorRoleArns: []string{s.ArchiveRole.String()},
	}
	for _, r := range q.Readers {
		reader := components.QueryReader{Name: r.Name, RoleName: s.QueryRole(r.Name), WorkgroupName: s.QueryWorkgroup(r.Name), Tables: r.Tables}
		for _, role := range r.Roles {
			reader.PrincipalArns = append(reader.PrincipalArns, role.String())
		}
		args.Readers = append(args.Readers, reader)
	}
	made, err := components.NewLogQueries(c.ctx, "queries", args, pulumi.Provider(c.providers.archive))
	if err != nil {
		return err
	}
	out := pulumi.Map{}
	for _, r := range q.Readers {
		out[r.Name] = pulumi.Map{
			"roleArn": made.RoleArns[r.Name], "workgroup": made.Workgroups[r.Name].Name,
			"results": pulumi.String("s3://" + q.Bucket + "/" + components.ResultsPrefix(r.Name)),
		}
	}
	c.ctx.Export("queries", pulumi.Map{"database": pulumi.String(s.QueryDatabase()), "readers": out})
	return nil
}
