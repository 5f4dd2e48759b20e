package components

import (
	"fmt"
	"slices"
	"strings"
)

// rdsLogTypes is from the EnableCloudwatchLogsExports of CreateDBInstance and CreateDBCluster (botocore 1.43.11).
type rdsLogTypes struct {
	engines           []string
	instance, cluster []string // nil: this engine has no such thing, or exports nothing from it
}

var rdsLogTypeTable = []rdsLogTypes{
	{[]string{"mysql"}, []string{"audit", "error", "general", "slowquery", "iam-db-auth-error"}, []string{"error", "general", "slowquery", "iam-db-auth-error"}},
	{[]string{"mariadb"}, []string{"audit", "error", "general", "slowquery", "iam-db-auth-error"}, nil},
	{[]string{"postgres"}, []string{"postgresql", "upgrade", "iam-db-auth-error"}, []string{"postgresql", "upgrade", "iam-db-auth-error"}},
	{[]string{"oracle-ee", "oracle-ee-cdb", "oracle-se2", "oracle-se2-cdb"}, []string{"alert", "audit", "listener", "trace", "oemagent"}, nil},
	{[]string{"sqlserver-ee", "sqlserver-se", "sqlserver-ex", "sqlserver-web"}, []string{"agent", "error"}, nil},
	{[]string{"db2-ae", "db2-se"}, []string{"diag.log", "notify.log", "iam-db-auth-error"}, nil},
	{[]string{"aurora-mysql"}, nil, []string{"audit", "error", "general", "instance", "slowquery", "iam-db-auth-error"}},
	{[]string{"aurora-postgresql"}, nil, []string{"instance", "postgresql", "iam-db-auth-error"}},
}

// RdsLogTypes returns the log types that a DB instance, or with cluster a DB cluster, of the engine can export to
// CloudWatch Logs. Errors: an engine that RDS doesn't have (the accepted ones are listed), or has not in this form:
// Aurora exports from its clusters, and only MySQL and PostgreSQL have Multi-AZ DB clusters.
func RdsLogTypes(engine string, cluster bool) ([]string, error) {
	var engines []string
	for _, row := range rdsLogTypeTable {
		engines = append(engines, row.engines...)
		if !slices.Contains(row.engines, engine) {
			continue
		}
		switch {
		case cluster && row.cluster != nil:
			return slices.Clone(row.cluster), nil
		case !cluster && row.instance != nil:
			return slices.Clone(row.instance), nil
		case cluster:
			return nil, fmt.Errorf("%s has no DB clusters: want the DB instance", engine)
		}
		return nil, fmt.Errorf("%s exports its logs from the DB cluster, not from its instances: want the cluster", engine)
	}
	return nil, fmt.Errorf("want one of %s", strings.Join(engines, ", "))
}

// checkLogType says what is probably meant when the type differs from a valid one only in case and punctuation:
// "slow-query", as in many a tutorial, is "slowquery".
func checkLogType(logType, engine string, valid []string) error {
	if slices.Contains(valid, logType) {
		return nil
	}
	for _, v := range valid {
		if bare(v) == bare(logType) {
			return fmt.Errorf("want %s", v)
		}
	}
	return fmt.Errorf("%s has the log types %s", engine, strings.Join(valid, ", "))
}

func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_. ", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}
