package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/parquet-go/parquet-go"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/stacks"
)

// changedStack is a stack of the project with some keys of its configuration set, as JSON.
func changedStack(t *testing.T, stack string, changes map[string]map[string]any) (*testResources, *stacks.Spec) {
	t.Helper()
	config, err := stacks.LoadConfig("..", stack)
	if err != nil {
		t.Fatal(err)
	}
	for key, members := range changes {
		value := map[string]any{}
		if text := config["log-archive:"+key]; text != "" {
			if err := json.Unmarshal([]byte(text), &value); err != nil {
				t.Fatal(err)
			}
		}
		for name, member := range members {
			value[name] = member
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		config["log-archive:"+key] = string(text)
	}
	return configuredStack(t, stack, config)
}

// Whatever the sources of a stack deliver is read by a table: its key is where the table's partitions are projected to, and its
// content is what the table's columns say. Every table reads something, and nothing in the archive is without a table.
func TestTablesReadWhatIsDelivered(t *testing.T) {
	t.Parallel()
	partitioned := map[string]any{"timePrefix": "!{timestamp:yyyy/MM/dd}/r-!{firehose:random-string}/", "transform": map[string]any{
		"enabled": true, "extraFields": []any{"messageType", "a-b=c", "region=x"}, "partitionBy": []any{"logGroup", "class", "year", "month", "day"},
	}}
	arrival := map[string]any{"timePrefix": "dt=!{timestamp:yyyy-MM-dd-HH}/!{timestamp:mm}/", "transform": map[string]any{"enabled": true}}
	for _, test := range []struct {
		name, stack string
		changes     map[string]map[string]any
	}{
		{"beijing", "beijing", nil},
		{"global", "global", nil},
		{"beijing, partitioned by what is in lines", "beijing", map[string]map[string]any{"pipeline": partitioned}},
		{"global, by the time of arrival", "global", map[string]map[string]any{"pipeline": arrival}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			world, spec := changedStack(t, test.stack, test.changes)
			d := newTestDelivery(t, world)
			for _, s := range d.Sources() {
				lines, err := d.Lines(s, "run", 20)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := d.Send(ctx, s, lines); err != nil {
					t.Fatal(err)
				}
			}
			if err := d.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			objects, err := d.store.List(spec.ArchiveBucket.Bucket, "")
			if err != nil {
				t.Fatal(err)
			}
			tables, read := spec.Tables(), map[string]int{}
			for _, o := range objects {
				if notALog.MatchString(o.Key) {
					continue
				}
				file, _, err := d.store.Open(spec.ArchiveBucket.Bucket, o.Key)
				if err != nil {
					t.Fatal(err)
				}
				var of []components.LogTable
				for _, table := range tables {
					if _, ok := table.Match(o.Key, d.clock.Now()); ok {
						of = append(of, table)
					}
				}
				rows, err := readByTables(of, o, file)
				if err != nil {
					t.Errorf("%s: %v", o.Key, err)
				}
				for name, n := range rows {
					read[name] += n
				}
				if err := file.Close(); err != nil {
					t.Error(err)
				}
			}
			for _, table := range tables {
				if read[table.Name] == 0 {
					t.Errorf("table %s reads nothing: %s", table.Name, table.Template)
				}
			}
		})
	}
}

// notALog matches what the archive has besides logs: what couldn't be delivered, what was brought back, and the proof that
// CloudTrail's files are whole.
var notALog = regexp.MustCompile(`^(errors|replayed)/|/CloudTrail-Digest/|/ConfigWritabilityCheckFile$`)

// readByTables reads an object as Athena would, by the tables whose partitions have it, and counts the rows of each. There may be
// several only where a pattern tells the lines apart: then each line is of exactly one.
func readByTables(of []components.LogTable, o StoredObject, file *os.File) (map[string]int, error) {
	if len(of) == 0 {
		return nil, fmt.Errorf("it is of no table")
	}
	for _, table := range of {
		if len(of) > 1 && table.Format != components.PatternTable {
			return nil, fmt.Errorf("it is of tables %s and %s", of[0].Name, of[1].Name)
		}
	}
	rows := map[string]int{}
	if of[0].Format == components.ParquetTable {
		n, err := parquetFits(of[0], file, o.Size)
		rows[of[0].Name] = n
		return rows, err
	}
	var text io.Reader = file
	if strings.HasSuffix(o.Key, ".gz") { // Athena goes by the name
		unpacked, err := gzip.NewReader(file)
		if err != nil {
			return nil, err
		}
		text = unpacked
	}
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		matched := 0
		for _, table := range of {
			got, err := lineFits(table, n, lines.Text())
			if err != nil {
				return rows, fmt.Errorf("line %d, table %s: %w: %.300s", n, table.Name, err, lines.Text())
			}
			matched += min(got, 1)
			rows[table.Name] += got
		}
		header := of[0].Format == components.FieldsTable && n == 1
		if matched != 1 && !header {
			return rows, fmt.Errorf("line %d is read by %d tables: %.300s", n, matched, lines.Text())
		}
	}
	return rows, lines.Err()
}

// lineFits reads a line by a table, and says how many rows it is.
func lineFits(table components.LogTable, n int, line string) (int, error) {
	switch table.Format {
	case components.PatternTable:
		found := regexp.MustCompile(table.Pattern).FindStringSubmatch(line)
		if found == nil {
			return 0, nil
		}
		if len(found)-1 != len(table.Columns) {
			return 0, fmt.Errorf("%d groups, and %d columns", len(found)-1, len(table.Columns))
		}
		for i, c := range table.Columns {
			if err := textFits(c.Type, found[i+1]); err != nil && found[i+1] != "" {
				return 0, fmt.Errorf("column %s: %w", c.Name, err)
			}
		}
		return 1, nil
	case components.FieldsTable:
		fields := strings.Split(line, " ")
		if len(fields) != len(table.Columns) {
			return 0, fmt.Errorf("%d fields, and %d columns", len(fields), len(table.Columns))
		}
		for i, c := range table.Columns {
			if n == 1 {
				if components.ColumnName(fields[i]) != c.Name {
					return 0, fmt.Errorf("the heading is %s, and the column %s", fields[i], c.Name)
				}
			} else if err := textFits(c.Type, fields[i]); err != nil {
				return 0, fmt.Errorf("column %s: %w", c.Name, err)
			}
		}
		return min(n-1, 1), nil
	}
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return 0, err
	}
	if table.Format == components.JSONTable {
		return 1, membersFit(table, object, false)
	}
	records, _ := object["Records"].([]any)
	for _, r := range records {
		record, _ := r.(map[string]any)
		if err := membersFit(table, record, true); err != nil {
			return 0, err
		}
	}
	return len(records), nil
}

// membersFit says whether each member of an object is a column, or the part of a key that the table has in its place.
func membersFit(table components.LogTable, object map[string]any, anyCase bool) error {
	for name, value := range object {
		i := slices.IndexFunc(table.Columns, func(c components.TableColumn) bool {
			return c.Name == name || anyCase && strings.EqualFold(c.Name, name)
		})
		if i < 0 {
			if !slices.ContainsFunc(table.Partitions, func(p components.TablePartition) bool { return p.Name == components.ColumnName(name) }) {
				return fmt.Errorf("member %s is no column", name)
			}
			continue
		}
		if err := valueFits(table.Columns[i].Type, value, anyCase); err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
	}
	return nil
}

// valueFits says whether a value of JSON is of a type of Hive. A text may be anything: the SerDe gives its JSON.
func valueFits(kind string, value any, anyCase bool) error {
	if value == nil || kind == "string" {
		return nil
	}
	name, inner, _ := strings.Cut(strings.TrimSuffix(kind, ">"), "<")
	switch name {
	case "array":
		items, ok := value.([]any)
		if !ok {
			return fmt.Errorf("%v is no array", value)
		}
		for _, item := range items {
			if err := valueFits(inner, item, anyCase); err != nil {
				return err
			}
		}
		return nil
	case "map", "struct":
		object, ok := value.(map[string]any)
		if !ok {
			return fmt.Errorf("%v is no object", value)
		}
		for member, v := range object {
			of := ""
			for _, f := range typeList(inner) {
				name, kind, _ := strings.Cut(f, ":")
				if name == member || anyCase && strings.EqualFold(name, member) {
					of = kind
				}
			}
			if name == "map" {
				of = typeList(inner)[1]
			}
			if of == "" {
				return fmt.Errorf("member %s isn't in %s", member, kind)
			}
			if err := valueFits(of, v, anyCase); err != nil {
				return err
			}
		}
		return nil
	}
	return textFits(kind, fmt.Sprint(value))
}

// typeList divides the inside of a type at its commas.
func typeList(inner string) []string {
	var list []string
	depth, begin := 0, 0
	for i, c := range inner + "," {
		switch {
		case c == '<':
			depth++
		case c == '>':
			depth--
		case c == ',' && depth == 0:
			list = append(list, inner[begin:i])
			begin = i + 1
		}
	}
	return list
}

// textFits says whether a text is a value of a type: a hyphen is none at all.
func textFits(kind, text string) (err error) {
	switch kind {
	case "string":
	case "int":
		_, err = strconv.ParseInt(text, 10, 32)
	case "bigint":
		_, err = strconv.ParseInt(text, 10, 64)
	case "double":
		_, err = strconv.ParseFloat(text, 64)
	case "boolean":
		_, err = strconv.ParseBool(text)
	default:
		err = fmt.Errorf("%s isn't a type that is known here", kind)
	}
	if text == "-" {
		return nil
	}
	return err
}

// parquetFits says whether every column of a file is one of the table, of its type.
func parquetFits(table components.LogTable, file *os.File, size int64) (rows int, err error) {
	opened, err := parquet.OpenFile(file, size)
	if err != nil {
		return 0, err
	}
	kinds := map[parquet.Kind]string{parquet.ByteArray: "string", parquet.Int32: "int", parquet.Int64: "bigint"}
	for _, f := range opened.Schema().Fields() {
		i := slices.IndexFunc(table.Columns, func(c components.TableColumn) bool { return c.Name == f.Name() })
		if i < 0 {
			return 0, fmt.Errorf("column %s isn't in table %s", f.Name(), table.Name)
		}
		if want := kinds[f.Type().Kind()]; table.Columns[i].Type != want {
			return 0, fmt.Errorf("column %s of table %s is %s, and in the file %s", f.Name(), table.Name, table.Columns[i].Type, want)
		}
	}
	return int(opened.NumRows()), nil
}
