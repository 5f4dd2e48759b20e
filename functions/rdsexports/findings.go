package rdsexports

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Finding is a setting of a database that is another than its exported logs need. It is never changed: parameter and
// option groups belong to whoever owns the database, and several databases may share one.
type Finding struct {
	// LogType is the log concerned.
	LogType string `json:"logType"`
	// Setting is the parameter's or option's name, Group the group that lacks it, "" for a property of the database.
	Setting string `json:"setting"`
	Group   string `json:"group,omitempty"`
	// Value is what it is, "" for the engine's default; Want what the log needs.
	Value string `json:"value,omitempty"`
	Want  string `json:"want"`
	// Empty says that without it nothing of the log is written at all; otherwise less is written than auditors expect.
	Empty bool `json:"empty,omitempty"`
}

// String is "slowquery: slow_query_log in shop-mysql is 0, want 1 (without it the log stays empty)".
func (f Finding) String() string {
	at, value, why := "", f.Value, "less than it could be"
	if f.Group != "" {
		at = " in " + f.Group
	}
	if value == "" {
		value = "not set"
	}
	if f.Empty {
		why = "without it the log stays empty"
	}
	return fmt.Sprintf("%s: %s%s is %s, want %s (%s)", f.LogType, f.Setting, at, value, f.Want, why)
}

// need is what one log type of an engine needs of one parameter.
type need struct {
	engines   []string // prefixes of engines
	logType   string
	parameter string
	want      string
	ok        func(value string, all map[string]string) bool
	empty     bool
}

func on(value string, _ map[string]string) bool {
	return slices.Contains([]string{"1", "on", "true"}, strings.ToLower(value))
}

// toFiles accepts MySQL's log_output: TABLE, which is the default of RDS for MySQL, keeps logs in tables that aren't
// exported. Aurora writes files unless told otherwise.
func toFiles(value string, _ map[string]string) bool {
	return slices.Contains(strings.Split(strings.ToUpper(value), ","), "FILE")
}

func atMost(limit float64) func(string, map[string]string) bool {
	return func(value string, _ map[string]string) bool {
		n, err := strconv.ParseFloat(value, 64)
		return value == "" || err == nil && n <= limit
	}
}

func atLeast(limit float64) func(string, map[string]string) bool {
	return func(value string, _ map[string]string) bool {
		n, err := strconv.ParseFloat(value, 64)
		return value == "" || err == nil && n >= limit
	}
}

func listed(in, what string) bool {
	for part := range strings.SplitSeq(in, ",") {
		if strings.TrimSpace(part) == what {
			return true
		}
	}
	return false
}

// statements says whether PostgreSQL logs any statement: all, those of a kind, the slow ones, or audited ones.
func statements(value string, all map[string]string) bool {
	slow, err := strconv.Atoi(all["log_min_duration_statement"])
	return value != "" && value != "none" || err == nil && slow >= 0 || audited(all["pgaudit.log"], all)
}

// audited says whether pgaudit, where it is loaded, has something to log. Where it isn't, nothing is wrong by that alone.
func audited(value string, all map[string]string) bool {
	return listed(all["shared_preload_libraries"], "pgaudit") && value != "" && value != "none"
}

var (
	mySQL      = []string{"mysql", "mariadb"}
	allMySQL   = []string{"mysql", "mariadb", "aurora-mysql"}
	aurora     = []string{"aurora-mysql"}
	postgreSQL = []string{"postgres", "aurora-postgresql"}
	oracle     = []string{"oracle-"}
)

// needs are what AWS documents for the logs
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.MySQLDB.PublishtoCloudWatchLogs.html,
// USER_LogAccess.MariaDB.PublishtoCloudWatchLogs.html, USER_LogAccess.Concepts.PostgreSQL.html, USER_LogAccess.Concepts.Oracle.html,
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Integrating.CloudWatch.html), with what the log
// archive asks for besides: who logged in, and files that outlive a disturbance of the export.
// SQL Server's and Db2's exported logs are always written.
var needs = []need{
	{allMySQL, "general", "general_log", "1", on, true},
	{allMySQL, "slowquery", "slow_query_log", "1", func(v string, all map[string]string) bool { return on(v, nil) || on(all["log_slow_query"], nil) }, true},
	{mySQL, "general", "log_output", "FILE", toFiles, true},
	{mySQL, "slowquery", "log_output", "FILE", toFiles, true},
	{aurora, "general", "log_output", "FILE", func(v string, _ map[string]string) bool { return v == "" || toFiles(v, nil) }, true},
	{aurora, "slowquery", "log_output", "FILE", func(v string, _ map[string]string) bool { return v == "" || toFiles(v, nil) }, true},
	{allMySQL, "slowquery", "long_query_time", "at most 10 seconds, the engine's default", atMost(10), false},
	{aurora, "audit", "server_audit_logging", "1", on, true},
	{aurora, "audit", "server_audit_events", "a list of events, such as CONNECT,QUERY_DDL,QUERY_DCL", func(v string, _ map[string]string) bool { return v != "" }, true},

	{postgreSQL, "postgresql", "log_statement", "ddl, or another choice of statements (log_min_duration_statement or pgaudit would do, too)", statements, false},
	{postgreSQL, "postgresql", "log_connections", "1", func(v string, _ map[string]string) bool {
		// PostgreSQL 18 has a list of aspects in its place.
		return on(v, nil) || v != "" && !slices.Contains([]string{"0", "off", "false", "no"}, strings.ToLower(v))
	}, false},
	{postgreSQL, "postgresql", "rds.log_retention_period", "at least 4320 minutes, RDS's default: what isn't exported in that time is gone", atLeast(4320), false},
	{postgreSQL, "postgresql", "pgaudit.log", "ddl,role or another choice of classes, as pgaudit is loaded", func(v string, all map[string]string) bool {
		return !listed(all["shared_preload_libraries"], "pgaudit") || audited(v, all)
	}, false},

	{oracle, "audit", "audit_trail", "OS, XML or XML,EXTENDED: audit files", func(v string, _ map[string]string) bool {
		return strings.EqualFold(v, "OS") || strings.HasPrefix(strings.ToUpper(v), "XML")
	}, true},
}

// options are the options that a log type needs.
var options = []struct {
	engines         []string
	logType, option string
}{
	{mySQL, "audit", "MARIADB_AUDIT_PLUGIN"},
	{oracle, "oemagent", "OEM_AGENT"},
}

// groups remembers what groups have, for the databases of one invocation: many share one.
type groups map[string]any

// findings compares the settings of a database with what its wanted logs need.
func (h *Handler) findings(ctx context.Context, w *Wanted, d *Database, read groups) ([]Finding, error) {
	var found []Finding
	wants := func(engines []string, logType string) bool {
		return slices.Contains(w.LogTypes, logType) && slices.ContainsFunc(engines, func(e string) bool {
			return d.Engine == e || strings.HasSuffix(e, "-") && strings.HasPrefix(d.Engine, e)
		})
	}
	if slices.ContainsFunc(needs, func(n need) bool { return wants(n.engines, n.logType) }) {
		all, err := h.parameters(ctx, d, read)
		if err != nil {
			return nil, err
		}
		for _, n := range needs {
			if value := all[n.parameter]; wants(n.engines, n.logType) && !n.ok(value, all) {
				found = append(found, Finding{n.logType, n.parameter, strings.Join(d.ParameterGroups, ", "), value, n.want, n.empty})
			}
		}
	}
	for _, o := range options {
		if !wants(o.engines, o.logType) {
			continue
		}
		has, err := h.hasOption(ctx, d, o.option, read)
		if err != nil {
			return nil, err
		}
		if !has {
			found = append(found, Finding{o.logType, o.option, strings.Join(d.OptionGroups, ", "), "", "the option", true})
		}
	}
	if slices.Contains(w.LogTypes, "iam-db-auth-error") && !d.IAMAuthentication {
		found = append(found, Finding{"iam-db-auth-error", "IAMDatabaseAuthenticationEnabled", "", "false", "true", true})
	}
	return found, nil
}

// parameters are those of all groups of a database.
func (h *Handler) parameters(ctx context.Context, d *Database, read groups) (map[string]string, error) {
	all := map[string]string{}
	for _, group := range d.ParameterGroups {
		key := string(d.Kind) + " parameters of " + group
		if read[key] == nil {
			values, err := h.rds.Parameters(ctx, d.Kind, group)
			if err != nil {
				return nil, fmt.Errorf("parameter group %s: %w", group, err)
			}
			read[key] = values
		}
		maps.Copy(all, read[key].(map[string]string))
	}
	return all, nil
}

func (h *Handler) hasOption(ctx context.Context, d *Database, option string, read groups) (bool, error) {
	for _, group := range d.OptionGroups {
		key := "options of " + group
		if read[key] == nil {
			names, err := h.rds.Options(ctx, group)
			if err != nil {
				return false, fmt.Errorf("option group %s: %w", group, err)
			}
			read[key] = names
		}
		if slices.Contains(read[key].([]string), option) {
			return true, nil
		}
	}
	return false, nil
}
