package verify

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// QueryReader is who must be able to query an archive with Athena.
type QueryReader struct {
	// Name says who it is.
	Name string
	// Place is where workgroup, tables and role are.
	Place partition.Place
	// Role is the ARN of the role that queries, and Principals those of the roles that assume it, whose own policies are taken to
	// allow that.
	Role       string
	Principals []string
	// Workgroup, Database and Tables are names.
	Workgroup, Database string
	Tables              []string
}

// queryPaths are the ways of those who query: Athena finds the tables, reads the objects and writes the results with the
// permissions of who queries (https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html).
func (e *evaluation) queryPaths() []*Path {
	var paths []*Path
	for _, r := range e.options.Queries {
		s := &segment{at: Stop{Kind: KindQuery, Name: r.Name, Place: r.Place}}
		urn := e.querying(s, r)
		paths = append(paths, &Path{Source: Source{Kind: KindQuery, Name: r.Name, Place: r.Place, URN: urn}, Steps: s.steps})
	}
	return paths
}

// querying proves the way of one, and returns its workgroup's URN.
func (e *evaluation) querying(s *segment, r QueryReader) string {
	group := e.declared(typeWorkgroup, r.Place, r.Workgroup)
	if group == nil {
		s.to(Stop{Kind: KindNowhere, Name: r.Workgroup})
		s.broken("", "workgroup", "there is no workgroup "+r.Workgroup, "declare it")
		return ""
	}
	s.to(Stop{KindWorkgroup, r.Workgroup, r.Place})
	for _, principal := range r.Principals {
		q := request{title: "the reader's role is assumed", caller: Caller{Role: principal, Unbounded: e.roles[principal] == nil}}.with("aws:SecureTransport", "true")
		if _, ok := e.assume(s, group, "role", r.Role, q); !ok {
			return group.URN
		}
	}
	q := request{title: "the reader starts a query and gets its results", caller: Caller{Role: r.Role}, owner: r.Place.Account, carrier: group.URN}.
		with("aws:SecureTransport", "true")
	s.prove(e, q.do(r.Place.ARN(partition.Athena, "workgroup/"+r.Workgroup).String(), "athena:StartQueryExecution", "athena:StopQueryExecution",
		"athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetQueryRuntimeStatistics", "athena:GetWorkGroup", "athena:ListQueryExecutions",
		"athena:ListNamedQueries", "athena:GetNamedQuery", "athena:BatchGetNamedQuery", "athena:BatchGetQueryExecution"))
	q.title = "Athena finds the tables, for the reader"
	inGlue := func(resource string) string { return r.Place.ARN(partition.Glue, resource).String() }
	for _, resource := range []string{"catalog", "database/default", "database/" + r.Database} {
		s.prove(e, q.do(inGlue(resource), "glue:GetDatabase"))
	}
	for _, resource := range []string{"catalog", "database/" + r.Database} {
		s.prove(e, q.do(inGlue(resource), "glue:GetTable", "glue:GetTables"))
	}
	for _, name := range r.Tables {
		s.prove(e, q.do(inGlue("table/"+r.Database+"/"+name), "glue:GetTable", "glue:GetTables"))
		e.readingTable(s, q, r, name)
	}
	e.keepingResults(s, q, group)
	return group.URN
}

// declared is the declared resource of a type with a name, at a place; nil without one.
func (e *evaluation) declared(token string, place partition.Place, name string) *Resource {
	for _, r := range e.byType[token] {
		if r.Place == place && r.text("name") == name {
			return r
		}
	}
	return nil
}

// readingTable is how Athena lists and reads a table's objects.
func (e *evaluation) readingTable(s *segment, q request, r QueryReader, name string) {
	table := e.declared(typeCatalogTable, r.Place, name)
	if table == nil {
		s.broken("", "table", "there is no table "+name, "declare it")
		return
	}
	bucket, prefix := s3Location(table.item("storageDescriptor").text("location"))
	b := e.buckets[bucket]
	if b == nil {
		s.broken(table.URN, "storageDescriptor.location", "there is no bucket "+bucket, "name the archive")
		return
	}
	object := b.arn + "/" + prefix + "object"
	q.title, q.owner = "Athena reads the table's objects, for the reader", b.Place.Account
	q = q.overTLS()
	s.prove(e, q.do(b.arn, "s3:GetBucketLocation"))
	s.prove(e, q.with("s3:prefix", prefix).do(b.arn, "s3:ListBucket"))
	s.prove(e, q.sampling(object, b.arn+"/"+prefix+"*").do(object, "s3:GetObject"))
	if k, ok := e.keyOf(b.Place, b.keyARN); ok {
		q.title = "S3 decrypts objects for the reader"
		e.cipher(s, q.sampling(object, b.arn+"/*"), b, k, object, []string{"kms:Decrypt"})
	}
}

// keepingResults is how Athena writes the results, and how they are read.
func (e *evaluation) keepingResults(s *segment, q request, group *Resource) {
	result := group.item("configuration").item("resultConfiguration")
	bucket, prefix := s3Location(result.text("outputLocation"))
	b := e.buckets[bucket]
	if b == nil {
		s.broken(group.URN, "configuration.resultConfiguration.outputLocation", "there is no bucket "+bucket, "declare it, or name one that is declared")
		return
	}
	s.to(bucketStop(b))
	object := b.arn + "/" + prefix + "result.csv"
	q.title, q.owner = "Athena keeps the results, for the reader", b.Place.Account
	q = q.overTLS()
	s.prove(e, q.do(b.arn, "s3:GetBucketLocation"))
	s.prove(e, q.with("s3:prefix", prefix).do(b.arn, "s3:ListBucket"))
	s.prove(e, q.sampling(object, b.arn+"/"+prefix+"*").do(object, "s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"))
	if k, ok := e.keyOf(b.Place, result.item("encryptionConfiguration").text("kmsKeyArn")); ok {
		q.title = "S3 encrypts results for the reader"
		e.cipher(s, q.sampling(object, b.arn+"/*"), b, k, object, []string{"kms:GenerateDataKey", "kms:Decrypt"})
	}
}

// s3Location divides s3://bucket/prefix.
func s3Location(location string) (bucket, prefix string) {
	bucket, prefix, _ = strings.Cut(strings.TrimPrefix(location, "s3://"), "/")
	return bucket, prefix
}
