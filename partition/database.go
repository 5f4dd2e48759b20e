package partition

import (
	"fmt"
	"slices"
	"strings"
)

// databaseLogTypes is what an engine exports to CloudWatch Logs.
type databaseLogTypes struct {
	engines           []string
	instance, cluster []string // nil: this engine has no such thing, or exports nothing from it
}

// databaseLogTable is from the EnableCloudwatchLogsExports of CreateDBInstance and CreateDBCluster (BC rds, botocore 1.43.11:
// H). The partitions don't differ.
var databaseLogTable = []databaseLogTypes{
	{[]string{"mysql"}, []string{"audit", "error", "general", "slowquery", "iam-db-auth-error"}, []string{"error", "general", "slowquery", "iam-db-auth-error"}},
	{[]string{"mariadb"}, []string{"audit", "error", "general", "slowquery", "iam-db-auth-error"}, nil},
	{[]string{"postgres"}, []string{"postgresql", "upgrade", "iam-db-auth-error"}, []string{"postgresql", "upgrade", "iam-db-auth-error"}},
	{[]string{"aurora-mysql"}, nil, []string{"audit", "error", "general", "instance", "slowquery", "iam-db-auth-error"}},
	{[]string{"aurora-postgresql"}, nil, []string{"instance", "postgresql", "iam-db-auth-error"}},
	{[]string{"oracle-ee", "oracle-ee-cdb", "oracle-se2", "oracle-se2-cdb"}, []string{"alert", "audit", "listener", "trace", "oemagent"}, nil},
	{[]string{"sqlserver-ee", "sqlserver-se", "sqlserver-ex", "sqlserver-web"}, []string{"agent", "error"}, nil},
	{[]string{"db2-ae", "db2-se"}, []string{"diag.log", "notify.log", "iam-db-auth-error"}, nil},
}

// DatabaseEngines returns the engines as RDS calls them, in the order of the table.
func DatabaseEngines() []string {
	var engines []string
	for _, row := range databaseLogTable {
		engines = append(engines, row.engines...)
	}
	return engines
}

// DatabaseLogTypes returns the log types that a DB instance, or with cluster a DB cluster, of the engine can export to
// CloudWatch Logs. Errors: an engine that RDS doesn't have (the accepted ones are listed), or has not in this form:
// Aurora exports from its clusters, and only MySQL and PostgreSQL have Multi-AZ DB clusters.
func DatabaseLogTypes(engine string, cluster bool) ([]string, error) {
	i := slices.IndexFunc(databaseLogTable, func(row databaseLogTypes) bool { return slices.Contains(row.engines, engine) })
	if i < 0 {
		return nil, fmt.Errorf("want one of %s", strings.Join(DatabaseEngines(), ", "))
	}
	switch row := databaseLogTable[i]; {
	case cluster && row.cluster != nil:
		return slices.Clone(row.cluster), nil
	case !cluster && row.instance != nil:
		return slices.Clone(row.instance), nil
	case cluster:
		return nil, fmt.Errorf("%s has no DB clusters: want the DB instance", engine)
	}
	return nil, fmt.Errorf("%s exports its logs from the DB cluster, not from its instances: want the cluster", engine)
}
