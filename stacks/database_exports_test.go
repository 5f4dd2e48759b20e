package stacks

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/components"
)

func TestDatabaseExports(t *testing.T) {
	t.Parallel()
	shop := func(more map[string]any) map[string]any {
		out := map[string]any{"identifier": "shop", "engine": "mysql", "logTypes": list("error")}
		for key, value := range more {
			out[key] = value
		}
		return out
	}
	spec, err := ParseSpec("beijing", parse(t, whole).with(t, "databases", list(shop(map[string]any{
		"enableExports": true, "backupReplication": map[string]any{"retentionDays": 14},
	}))).with(t, "databaseExports", map[string]any{"mend": true}).engine(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&ExportsSpec{Schedule: "rate(1 hour)", Mend: true, OnRemoval: components.KeepExports}, spec.Exports); diff != "" {
		t.Error(diff)
	}
	if d := spec.Databases[0]; !d.EnableExports || d.ReplicatedDays != 14 {
		t.Errorf("%+v", d)
	}
	for _, e := range spec.Externals() {
		if _, told := e.Attributes[AttributeLogTypes]; e.Kind == KindRDSInstance && told {
			t.Error("the stack switches exports on: they needn't be on before")
		}
	}
	replicated := map[string]any{"backupReplication": map[string]any{"retentionDays": 7}}
	many := []any{}
	for i := range 21 {
		d := shop(replicated)
		d["identifier"] = fmt.Sprintf("shop-%d", i)
		many = append(many, d)
	}
	aurora := shop(replicated)
	aurora["engine"] = "aurora-mysql"
	for _, test := range []struct {
		databases []any
		exports   map[string]any
		want      string
	}{
		{list(shop(nil)), map[string]any{"mend": true}, `log-archive:databaseExports: no database has enableExports; leave it out, or say enableExports: true for those that this stack doesn't own`},
		{list(shop(map[string]any{"enableExports": true})), map[string]any{"schedule": "rate(1 hours)"}, `log-archive:databaseExports.schedule: "rate(1 hours)": EventBridge wants the unit in the singular for 1 and in the plural for more`},
		{list(shop(map[string]any{"enableExports": true})), map[string]any{"onRemoval": "drop"}, `log-archive:databaseExports.onRemoval: "drop" is not one of keep, restore`},
		{list(aurora), nil, `log-archive:databases[0].backupReplication: RDS replicates automated backups of DB instances only, and this is a cluster; leave it out, and select the cluster in backup.selection`},
		{many, nil, `log-archive:databases: 21 databases have backupReplication; RDS replicates the automated backups of at most 20 instances to a region`},
	} {
		d := parse(t, whole).with(t, "databases", test.databases)
		if test.exports != nil {
			d = d.with(t, "databaseExports", test.exports)
		}
		_, err := ParseSpec("beijing", d.engine(t))
		if err == nil {
			t.Errorf("accepted, want %s", test.want)
			continue
		}
		if diff := cmp.Diff([]string{test.want}, lines(t, err)); diff != "" {
			t.Error(diff)
		}
	}
}
