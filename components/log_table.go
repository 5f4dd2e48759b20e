package components

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// TableFormat is how the objects of a [LogTable] are read.
type TableFormat string

// The formats, each with the SerDe that Athena's documents name for it:
// https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html
const (
	// JSONTable reads an object of JSON from each line.
	JSONTable TableFormat = "json"
	// TrailTable reads CloudTrail's files: one object of JSON each, whose records are the rows.
	TrailTable TableFormat = "cloudtrail"
	// ParquetTable reads columns by their names.
	ParquetTable TableFormat = "parquet"
	// FieldsTable reads fields with a space between, below a line of headings.
	FieldsTable TableFormat = "fields"
	// PatternTable reads the groups of a regular expression. A line that it doesn't match is a row of nulls.
	PatternTable TableFormat = "pattern"
)

// LogTable is a table over the objects of an archive whose keys begin with Template. Athena projects its partitions: there is
// nothing to crawl, and what is delivered can be queried at once
// (https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html).
type LogTable struct {
	// Name is of small letters, digits and underscores. Class is the first part of its keys.
	Name, Class string
	Description string
	// Prefix is what all of its keys begin with, such as "logs/".
	Prefix string
	// Template is the same as far as partitions tell, with ${column} for each of them, ending with "/". What lies deeper belongs
	// to the table, too.
	Template   string
	Partitions []TablePartition
	Columns    []TableColumn
	Format     TableFormat
	// Pattern is the regular expression of a PatternTable, with a group for each column.
	Pattern string
	Queries []TableQuery
}

// TableColumn is a column. Name is that of the JSON member or Parquet column; the table has it in small letters. So it is with
// members of structs in Type, which is Hive's: string, bigint, array<struct<name:string>>.
type TableColumn struct{ Name, Type string }

// TableQuery is an example of a query.
type TableQuery struct{ Name, Description, SQL string }

const (
	openxSerDe   = "org.openx.data.jsonserde.JsonSerDe"
	hcatSerDe    = "org.apache.hive.hcatalog.data.JsonSerDe"
	parquetSerDe = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
	fieldsSerDe  = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
	regexSerDe   = "org.apache.hadoop.hive.serde2.RegexSerDe"
	textInput    = "org.apache.hadoop.mapred.TextInputFormat"
	textOutput   = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
	trailInput   = "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
	parquetIn    = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
	parquetOut   = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
)

// SerDe is the class that reads rows, with the formats of input and output.
func (t LogTable) SerDe() (library, input, output string) {
	switch t.Format {
	case TrailTable:
		return hcatSerDe, trailInput, textOutput
	case ParquetTable:
		return parquetSerDe, parquetIn, parquetOut
	case FieldsTable:
		return fieldsSerDe, textInput, textOutput
	case PatternTable:
		return regexSerDe, textInput, textOutput
	}
	return openxSerDe, textInput, textOutput
}

// SerDeParameters are what the SerDe is told.
func (t LogTable) SerDeParameters() map[string]string {
	p := map[string]string{"serialization.format": "1"}
	switch t.Format {
	case JSONTable:
		// Without regard to case, members such as Name and name of one object would be an error.
		p["case.insensitive"] = "FALSE"
		for _, name := range t.members() {
			if column := ColumnName(name); column != name {
				p["mapping."+column] = name
			}
		}
	case FieldsTable:
		p["field.delim"], p["serialization.format"] = " ", " "
	case PatternTable:
		p["input.regex"] = t.Pattern
	}
	return p
}

var structMember = regexp.MustCompile(`([A-Za-z_][\w.-]*):`)

// members are the names of JSON members that columns and their structs have.
func (t LogTable) members() []string {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
		for _, m := range structMember.FindAllStringSubmatch(c.Type, -1) {
			names = append(names, m[1])
		}
	}
	return names
}

var columnForm = regexp.MustCompile(`[^a-z0-9_]`)

// ColumnName is the name of a column for a member of JSON: small letters, digits and underscores.
func ColumnName(member string) string {
	return columnForm.ReplaceAllString(strings.ToLower(member), "_")
}

// HiveType is a column's type as the table has it.
func (c TableColumn) HiveType() string {
	return structMember.ReplaceAllStringFunc(c.Type, func(m string) string { return ColumnName(strings.TrimSuffix(m, ":")) + ":" })
}

// Location is where the table's objects are.
func (t LogTable) Location(bucket string) string { return "s3://" + bucket + "/" + t.Prefix }

// Parameters are the table's properties: how its partitions are projected. Objects that were restored from an archive class are
// read, too (https://docs.aws.amazon.com/athena/latest/ug/querying-glacier.html).
func (t LogTable) Parameters(bucket string) map[string]string {
	p := map[string]string{
		"EXTERNAL": "TRUE", "projection.enabled": "true", "read_restored_glacier_objects": "true",
		"storage.location.template": "s3://" + bucket + "/" + t.Template,
	}
	if t.Format == FieldsTable {
		p["skip.header.line.count"] = "1"
	}
	for _, part := range t.Partitions {
		maps.Copy(p, part.parameters())
	}
	return p
}

// DDL is the statement that makes the table in a catalog of your own, for an archive's bucket
// (https://docs.aws.amazon.com/athena/latest/ug/create-table.html).
func (t LogTable) DDL(bucket string) string {
	var b strings.Builder
	list := func(items []string) { b.WriteString("(\n  " + strings.Join(items, ",\n  ") + "\n)\n") }
	var columns, partitions []string
	for _, c := range t.Columns {
		columns = append(columns, fmt.Sprintf("`%s` %s", ColumnName(c.Name), c.HiveType()))
	}
	for _, p := range t.Partitions {
		partitions = append(partitions, fmt.Sprintf("`%s` %s", p.Name, p.HiveType()))
	}
	fmt.Fprintf(&b, "CREATE EXTERNAL TABLE IF NOT EXISTS `%s` ", t.Name)
	list(columns)
	fmt.Fprintf(&b, "COMMENT %s\n", hiveText(t.Description))
	if len(partitions) > 0 {
		b.WriteString("PARTITIONED BY ")
		list(partitions)
	}
	library, input, output := t.SerDe()
	fmt.Fprintf(&b, "ROW FORMAT SERDE %s\nWITH SERDEPROPERTIES ", hiveText(library))
	list(hivePairs(t.SerDeParameters()))
	fmt.Fprintf(&b, "STORED AS INPUTFORMAT %s\nOUTPUTFORMAT %s\nLOCATION %s\nTBLPROPERTIES ", hiveText(input), hiveText(output), hiveText(t.Location(bucket)))
	parameters := t.Parameters(bucket)
	delete(parameters, "EXTERNAL") // the statement says so
	list(hivePairs(parameters))
	return strings.TrimSuffix(b.String(), "\n") + ";\n"
}

func hivePairs(of map[string]string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(of)) {
		out = append(out, hiveText(key)+" = "+hiveText(of[key]))
	}
	return out
}

// hiveText is a text of Hive's DDL, where a backslash escapes.
func hiveText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
