package verify

import (
	"regexp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
)

var queryRules = []Rule{
	{
		ID: "workgroup-enforced", Title: "results of queries are encrypted and stay where the workgroup says",
		Why:    "without enforced settings each client chooses where its results go and whether they are encrypted: results are the archive's lines again (Athena User Guide, workgroup settings override client-side settings)",
		Remedy: "set enforceWorkgroupConfiguration, an outputLocation, encryptionOption SSE_KMS with a key that is declared, and bytesScannedCutoffPerQuery",
		check:  workgroupEnforced,
	},
	{
		ID: "results-private", Title: "the bucket of results is private, and forgets",
		Why:    "results are logs without the archive's protection: they must be nobody else's, and go when they have been read",
		Remedy: "set all four settings of the public access block, objectOwnership BucketOwnerEnforced, default encryption aws:kms, and a lifecycle rule that expires everything",
		check:  resultsPrivate,
	},
	{
		ID: "query-confined", Title: "who queries lists below the prefixes of the tables only",
		Why:    "without a condition on s3:prefix, a reader of one table sees the names of all objects, and of everybody's results",
		Remedy: "add a condition on s3:prefix to the statement that allows s3:ListBucket",
		check:  queryConfined,
	},
	{
		ID: "table-location", Title: "every table reads where logs are delivered",
		Why:    "a table over a prefix that nothing is written to answers every query with no rows, which looks like good news",
		Remedy: "name the bucket, and the beginning of the keys that a source writes, as location and in storage.location.template",
		check:  tableLocation,
	},
	{
		ID: "table-projection", Title: "every partition of a table is projected",
		Why:    "Athena refuses every query of a table that lacks a property of a column, or whose template lacks a column (Athena User Guide, partition projection)",
		Remedy: "set projection.enabled, projection.COLUMN.type for every partition key, and a storage.location.template with each of them",
		check:  tableProjection,
	},
}

func workgroupEnforced(e *evaluation, report reporter) {
	for _, g := range e.byType[typeWorkgroup] {
		configuration := g.item("configuration")
		result := configuration.item("resultConfiguration")
		encryption := result.item("encryptionConfiguration")
		if !configuration.flag("enforceWorkgroupConfiguration") {
			report(g.URN, "set enforceWorkgroupConfiguration", "clients choose where results go, and whether they are encrypted")
		}
		if _, ok := e.keyOf(g.Place, encryption.text("kmsKeyArn")); encryption.text("encryptionOption") != "SSE_KMS" || !ok {
			report(g.URN, "set encryptionOption SSE_KMS with a key that is declared", "results are encrypted with %q and key %q", encryption.text("encryptionOption"), encryption.text("kmsKeyArn"))
		}
		if configuration.number("bytesScannedCutoffPerQuery") <= 0 {
			report(g.URN, "set bytesScannedCutoffPerQuery", "one query may read everything, and is paid by what it reads")
		}
		bucket, prefix := s3Location(result.text("outputLocation"))
		if e.buckets[bucket] == nil || prefix == "" {
			report(g.URN, "name a bucket that is declared and a prefix of the workgroup's own", "results go to %q", result.text("outputLocation"))
		}
	}
}

// results are the buckets of queries' results that are no archives, in the order of their names.
func (e *evaluation) results() []*bucket {
	found := map[string]*bucket{}
	for _, g := range e.byType[typeWorkgroup] {
		name, _ := s3Location(g.item("configuration").item("resultConfiguration").text("outputLocation"))
		if b := e.buckets[name]; b != nil && e.keepers[name] == nil {
			found[name] = b
		}
	}
	var list []*bucket
	for _, name := range sortedKeys(found) {
		list = append(list, found[name])
	}
	return list
}

func resultsPrivate(e *evaluation, report reporter) {
	for _, g := range e.byType[typeWorkgroup] {
		if name, _ := s3Location(g.item("configuration").item("resultConfiguration").text("outputLocation")); e.keepers[name] != nil {
			report(g.URN, "name a bucket of their own", "results go to an archive, where they never expire")
		}
	}
	for _, b := range e.results() {
		block := b.settings[typeBucketPublicAccess]
		for _, setting := range []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"} {
			if block == nil || !block.flag(setting) {
				report(b.URN, "set all four settings of the public access block", "public access isn't blocked by %s", setting)
			}
		}
		if !ownerEnforced(b) {
			report(b.URN, "set objectOwnership to BucketOwnerEnforced", "ACLs are in force: an object may belong to its writer")
		}
		if b.algorithm != "aws:kms" {
			report(b.URN, "set default encryption aws:kms", "default encryption is %q", b.algorithm)
		}
		if !expires(b) {
			report(b.URN, "add a lifecycle rule that expires everything", "results are kept for ever")
		}
	}
}

// queryConfined looks at the policies of roles that start queries.
func queryConfined(e *evaluation, report reporter) {
	for _, id := range sortedKeys(e.policies) {
		at := e.policies[id]
		asks := func(s policy.Statement) bool { return slices.Contains(s.Action, "athena:StartQueryExecution") }
		if !slices.ContainsFunc(at.document.Statements, asks) {
			continue
		}
		for i, s := range at.document.Statements {
			if s.Effect == policy.Allow && slices.Contains(s.Action, "s3:ListBucket") && !hasCondition(s, "s3:prefix") {
				report(at.carrier.URN, "add a condition on s3:prefix", "statement %s of its %s lists everything", statementName(s.Sid, i), at.kind)
			}
		}
	}
}

// expires says whether a rule in force expires all of a bucket's objects.
func expires(b *bucket) bool {
	for _, r := range b.lifecycles {
		if r.enabled && r.prefix == "" && r.minimumSize == 0 && r.expireDays > 0 {
			return true
		}
	}
	return false
}

// delivered are the keys, as samples or as patterns, that are written to a bucket, or to one that is replicated to it: by a path, or
// by who is granted it, such as load balancers that nobody has declared.
func (e *evaluation) delivered(b *bucket) []string {
	from := map[string]bool{b.arn: true}
	for _, r := range e.byType[typeBucketReplication] {
		for _, rule := range r.items("rules") {
			if rule.item("destination").text("bucket") == b.arn {
				if source := e.buckets[bucketName(r.text("bucket"))]; source != nil {
					from[source.arn] = true
				}
			}
		}
	}
	var keys []string
	for _, v := range e.verdicts {
		if bucket, key, ok := strings.Cut(v.Resource, "/"); ok && v.Action == "s3:PutObject" && v.Allowed && from[bucket] {
			keys = append(keys, key)
		}
	}
	for _, id := range sortedKeys(e.policies) {
		at := e.policies[id]
		for _, s := range at.document.Statements {
			if at.kind != policy.Bucket || s.Effect != policy.Allow || !slices.Contains(s.Action, "s3:PutObject") {
				continue
			}
			for _, r := range s.Resource {
				if bucket, key, ok := strings.Cut(r, "/"); ok && from[bucket] {
					keys = append(keys, key)
				}
			}
		}
	}
	return keys
}

func tableLocation(e *evaluation, report reporter) {
	keys := map[string][]string{}
	for _, t := range e.byType[typeCatalogTable] {
		location := t.item("storageDescriptor").text("location")
		name, prefix := s3Location(location)
		b := e.buckets[name]
		if b == nil {
			report(t.URN, "name the archive", "its location %s is in no bucket that is declared", location)
			continue
		}
		if keys[name] == nil {
			keys[name] = e.delivered(b)
		}
		found := false
		for _, key := range keys[name] {
			found = found || strings.HasPrefix(key, prefix)
		}
		if !found || prefix == "" || !strings.HasSuffix(prefix, "/") {
			report(t.URN, "name the beginning of the keys that a source writes, with a slash at its end", "nothing is delivered below its location %s", location)
		}
		template := t.item("parameters").text("storage.location.template")
		if !strings.HasPrefix(template, location) {
			report(t.URN, "begin the template with the location", "its template %s isn't below its location %s", template, location)
		}
	}
}

var projected = regexp.MustCompile(`\$\{([^}]*)\}`)

func tableProjection(e *evaluation, report reporter) {
	for _, t := range e.byType[typeCatalogTable] {
		parameters := t.item("parameters")
		template, columns := map[string]bool{}, map[string]bool{}
		for _, m := range projected.FindAllStringSubmatch(parameters.text("storage.location.template"), -1) {
			template[m[1]] = true
		}
		for _, c := range t.item("storageDescriptor").items("columns") {
			if columns[c.text("name")] {
				report(t.URN, "name each column once", "column %s is there twice", c.text("name"))
			}
			columns[c.text("name")] = true
		}
		if parameters.text("projection.enabled") != "true" {
			report(t.URN, "set projection.enabled", "its partitions aren't projected: somebody would have to add each")
		}
		for _, p := range t.items("partitionKeys") {
			name := p.text("name")
			switch {
			case columns[name]:
				report(t.URN, "give the partition another name", "partition %s has the name of a column", name)
			case parameters.text("projection."+name+".type") == "":
				report(t.URN, "set projection."+name+".type", "partition %s isn't projected", name)
			case !template[name]:
				report(t.URN, "put ${"+name+"} into storage.location.template", "the template has no place for partition %s", name)
			}
			delete(template, name)
		}
		for _, name := range sortedKeys(template) {
			report(t.URN, "make it a partition, or leave it out", "the template's ${%s} is no partition", name)
		}
	}
}
