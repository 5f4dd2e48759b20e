package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// parquetRows is how many records go into one row group: it bounds the memory of writing and of reading.
const parquetRows = 50_000

// parquetSchema has a column for each field, in the order of the format: strings, and 32 and 64 bit integers as AWS
// documents them. All are optional: a number that isn't known ("-" in text) is null.
func parquetSchema(fields []flowField) *parquet.Schema {
	types := [...]reflect.Type{fieldString: reflect.TypeFor[string](), fieldInt32: reflect.TypeFor[int32](), fieldInt64: reflect.TypeFor[int64]()}
	columns := make([]reflect.StructField, len(fields))
	for i, f := range fields {
		columns[i] = reflect.StructField{
			Name: fmt.Sprintf("F%d", i),
			Type: types[f.kind],
			Tag:  reflect.StructTag(fmt.Sprintf(`parquet:"%s,optional"`, f.column())),
		}
	}
	return parquet.NewSchema("flow_log", parquet.SchemaOf(reflect.New(reflect.StructOf(columns)).Interface()))
}

// parquetWriter writes flow records as text rows into a Parquet file compressed with gzip.
type parquetWriter struct {
	fields []flowField
	writer *parquet.GenericWriter[any]
	row    parquet.Row
}

func newParquetWriter(to io.Writer, fields []flowField) *parquetWriter {
	return &parquetWriter{
		fields: fields,
		writer: parquet.NewGenericWriter[any](to, parquetSchema(fields), parquet.Compression(&parquet.Gzip), parquet.MaxRowsPerRowGroup(parquetRows)),
	}
}

// write adds a record; values are in the order of the fields.
func (w *parquetWriter) write(values []string) error {
	w.row = w.row[:0]
	for i, f := range w.fields {
		v := parquet.NullValue()
		var number int64
		var err error
		switch {
		case f.kind == fieldString:
			v = parquet.ByteArrayValue([]byte(values[i]))
		case values[i] == "-":
		case f.kind == fieldInt32:
			number, err = strconv.ParseInt(values[i], 10, 32)
			v = parquet.Int32Value(int32(number))
		default:
			number, err = strconv.ParseInt(values[i], 10, 64)
			v = parquet.Int64Value(number)
		}
		if err != nil {
			return fmt.Errorf("sandbox: field %s of a flow record: %w", f.name, err)
		}
		defined := 1
		if v.IsNull() {
			defined = 0
		}
		w.row = append(w.row, v.Level(0, defined, i))
	}
	_, err := w.writer.WriteRows([]parquet.Row{w.row})
	return err
}

func (w *parquetWriter) close() error { return w.writer.Close() }

// readParquet gives each record of a Parquet file to a function, as a lookup by the field's name; "" for a column that
// the file doesn't have.
func readParquet(file *os.File, size int64, record func(value func(field string) string) error) error {
	opened, err := parquet.OpenFile(file, size)
	if err != nil {
		return err
	}
	columns := map[string]int{}
	for i, column := range opened.Schema().Columns() {
		if len(column) == 1 {
			columns[column[0]] = i
		}
	}
	buffer := make([]parquet.Row, 512)
	for _, group := range opened.RowGroups() {
		rows := group.Rows()
		for {
			n, err := rows.ReadRows(buffer)
			for _, row := range buffer[:n] {
				value := func(field string) string {
					i, ok := columns[flowField{name: field}.column()]
					if !ok || i >= len(row) {
						return ""
					}
					if row[i].IsNull() {
						return "-"
					}
					return row[i].String()
				}
				if err := record(value); err != nil {
					return errors.Join(err, rows.Close())
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return errors.Join(err, rows.Close())
			}
		}
		if err := rows.Close(); err != nil {
			return err
		}
	}
	return nil
}
