package stacks

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/components"
)

// question is an example for tables whose name begins with table.
type question struct{ table, name, description, sql string }

// questions are the examples. {table} and {lately} stand for the table and for its newest partitions: without them a query reads
// years.
var questions = []question{
	{"logs", "errors", "What log groups said of errors lately.",
		"SELECT from_unixtime(\"timestamp\" / 1000.0) AS at, loggroup, message\nFROM {table}\nWHERE {lately}\n  AND regexp_like(message, '(?i)error|exception|fatal')\nORDER BY \"timestamp\" DESC\nLIMIT 200"},
	{"logs", "failed_logins", "Failed logins to machines, by address.",
		"SELECT regexp_extract(message, 'from ([0-9a-f.:]+)', 1) AS address, count(*) AS attempts\nFROM {table}\nWHERE {lately}\n  AND regexp_like(message, 'Failed password|authentication failure|\"EventID\":\\s*\"?4625')\nGROUP BY 1\nORDER BY 2 DESC\nLIMIT 100"},
	{"logs", "volume", "Which log groups write most.",
		"SELECT loggroup, count(*) AS events, sum(length(message)) AS characters\nFROM {table}\nWHERE {lately}\nGROUP BY loggroup\nORDER BY characters DESC"},
	{"databases", "slow_queries", "The slowest queries of MySQL, and what PostgreSQL logged with a duration.",
		"SELECT from_unixtime(\"timestamp\" / 1000.0) AS at, loggroup,\n  coalesce(try_cast(regexp_extract(message, 'Query_time: ([0-9.]+)', 1) AS double),\n    try_cast(regexp_extract(message, 'duration: ([0-9.]+) ms', 1) AS double) / 1000) AS seconds, message\nFROM {table}\nWHERE {lately}\n  AND regexp_like(message, 'Query_time:|duration:')\nORDER BY seconds DESC NULLS LAST\nLIMIT 100"},
	{"databases", "failed_logins", "Logins that databases refused.",
		"SELECT from_unixtime(\"timestamp\" / 1000.0) AS at, loggroup, message\nFROM {table}\nWHERE {lately}\n  AND regexp_like(message, '(?i)access denied for user|authentication failed|no pg_hba.conf entry')\nORDER BY \"timestamp\" DESC\nLIMIT 200"},
	{"flow_logs_direct", "rejected_top_talkers", "Who is rejected most, and where it knocks.",
		"SELECT srcaddr, dstport, protocol, count(*) AS flows, sum(packets) AS packets\nFROM {table}\nWHERE {lately}\n  AND action = 'REJECT'\nGROUP BY srcaddr, dstport, protocol\nORDER BY flows DESC\nLIMIT 100"},
	{"flow_logs_direct", "top_talkers", "Who sends most.",
		"SELECT srcaddr, dstaddr, sum(bytes) AS bytes\nFROM {table}\nWHERE {lately}\nGROUP BY srcaddr, dstaddr\nORDER BY bytes DESC\nLIMIT 100"},
	{"flow_logs", "rejected_top_talkers", "Who is rejected most: a record of AWS's default format is the text of message.",
		"SELECT split_part(message, ' ', 4) AS srcaddr, split_part(message, ' ', 7) AS dstport, count(*) AS flows\nFROM {table}\nWHERE {lately}\n  AND split_part(message, ' ', 13) = 'REJECT'\nGROUP BY 1, 2\nORDER BY flows DESC\nLIMIT 100"},
	{"syslog", "failed_logins", "Failed logins, by sender.",
		"SELECT source, count(*) AS attempts, max(\"time\") AS latest\nFROM {table}\nWHERE {lately}\n  AND regexp_like(message, '(?i)failed password|authentication failure|login failed')\nGROUP BY source\nORDER BY attempts DESC"},
	{"cloudtrail", "who_deleted_what", "Who deleted, removed or switched off what.",
		"SELECT eventtime, useridentity.arn, sourceipaddress, eventsource, eventname, requestparameters, errorcode\nFROM {table}\nWHERE {lately}\n  AND regexp_like(eventname, '^(Delete|Remove|Terminate|Stop|Disable|Detach|Deregister|Schedule)')\nORDER BY eventtime DESC\nLIMIT 500"},
	{"cloudtrail", "refused", "Who was refused what: a mistake, or somebody who tries doors.",
		"SELECT useridentity.arn, eventsource, eventname, errorcode, count(*) AS times\nFROM {table}\nWHERE {lately}\n  AND errorcode IN ('AccessDenied', 'Client.UnauthorizedOperation', 'UnauthorizedOperation')\nGROUP BY 1, 2, 3, 4\nORDER BY times DESC"},
	{"cloudtrail", "console_logins", "Logins to the console without a second factor, and those that failed.",
		"SELECT eventtime, useridentity.arn, sourceipaddress, responseelements, additionaleventdata\nFROM {table}\nWHERE {lately}\n  AND eventname = 'ConsoleLogin'\n  AND (responseelements LIKE '%Failure%' OR additionaleventdata LIKE '%\"MFAUsed\":\"No\"%')\nORDER BY eventtime DESC"},
	{"config", "changes", "What changed, and what it is now.",
		"SELECT item.configurationitemcapturetime, item.configurationitemstatus, item.resourcetype, item.resourceid, item.configuration\nFROM {table}\nCROSS JOIN UNNEST(configurationitems) AS t(item)\nWHERE {lately}\nORDER BY item.configurationitemcapturetime DESC\nLIMIT 500"},
	{"guardduty", "findings", "Findings, the worst first.",
		"SELECT severity, type, title, count(*) AS findings, max(updatedat) AS latest\nFROM {table}\nWHERE {lately}\nGROUP BY severity, type, title\nORDER BY severity DESC, findings DESC"},
	{"resolver_query_logs", "names_that_do_not_exist", "Names that don't exist, by who asks: malware that looks for its master, or a typing error.",
		"SELECT srcaddr, query_name, count(*) AS queries\nFROM {table}\nWHERE {lately}\n  AND rcode = 'NXDOMAIN'\nGROUP BY srcaddr, query_name\nORDER BY queries DESC\nLIMIT 100"},
	{"application_load_balancers", "server_errors_by_target", "Answers of 500 and above, by target.",
		"SELECT elb, target_ip, target_port, elb_status_code, target_status_code, count(*) AS requests, max(target_processing_time) AS slowest\nFROM {table}\nWHERE {lately}\n  AND \"time\" IS NOT NULL\n  AND elb_status_code >= 500\nGROUP BY 1, 2, 3, 4, 5\nORDER BY requests DESC"},
	{"network_load_balancers", "tls_versions", "Which versions of TLS and ciphers clients use.",
		"SELECT elb, tls_protocol_version, tls_cipher, count(*) AS connections, count(DISTINCT client_ip) AS clients\nFROM {table}\nWHERE {lately}\n  AND \"time\" IS NOT NULL\nGROUP BY 1, 2, 3\nORDER BY connections DESC"},
	{"classic_load_balancers", "server_errors_by_backend", "Answers of 500 and above, by backend.",
		"SELECT elb, backend_ip, elb_status_code, backend_status_code, count(*) AS requests\nFROM {table}\nWHERE {lately}\n  AND \"time\" IS NOT NULL\n  AND elb_status_code >= 500\nGROUP BY 1, 2, 3, 4\nORDER BY requests DESC"},
	{"s3_access_logs", "who_deleted_what", "Who deleted which objects in the last week.",
		"SELECT \"time\", requester, remote_ip, operation, bucket, key, http_status\nFROM {table}\nWHERE {lately}\n  AND operation LIKE '%DELETE%'\n  AND parse_datetime(\"time\", 'dd/MMM/yyyy:HH:mm:ss Z') > current_timestamp - interval '7' day\nORDER BY parse_datetime(\"time\", 'dd/MMM/yyyy:HH:mm:ss Z') DESC\nLIMIT 500"},
}

// exampleQueries are those of a table: of the longest beginning of its name that there are some for, which need only columns that
// it has.
func exampleQueries(t components.LogTable) []components.TableQuery {
	longest := ""
	for _, q := range questions {
		if (t.Name == q.table || strings.HasPrefix(t.Name, q.table+"_")) && len(q.table) > len(longest) {
			longest = q.table
		}
	}
	var list []components.TableQuery
	for _, q := range questions {
		if q.table != longest || !answers(t, q.sql) {
			continue
		}
		sql := strings.NewReplacer("{table}", t.Name, "{lately}", strings.Join(lately(t), "\n  AND ")).Replace(q.sql)
		list = append(list, components.TableQuery{Name: t.Name + "_" + q.name, Description: q.description, SQL: sql})
	}
	return list
}

// answers says whether flow records have the fields that a query asks for.
func answers(t components.LogTable, sql string) bool {
	if t.Format != components.ParquetTable && t.Format != components.FieldsTable {
		return true
	}
	has := map[string]bool{}
	for _, c := range t.Columns {
		has[components.ColumnName(c.Name)] = true
	}
	for _, field := range []string{"srcaddr", "dstaddr", "dstport", "protocol", "packets", "bytes", "action"} {
		if strings.Contains(sql, field) && !has[field] {
			return false
		}
	}
	return true
}

// lately are the conditions that keep a query to the newest partitions: today's, or those of the last day.
func lately(t components.LogTable) []string {
	var list []string
	for _, p := range t.Partitions {
		switch p.Projection {
		case components.EnumProjection:
		case components.IntegerProjection:
			if slices.Contains([]string{"YEARS", "MONTHS", "DAYS"}, p.Unit) {
				part := strings.ToLower(strings.TrimSuffix(p.Unit, "S"))
				list = append(list, p.Name+" = "+part+"(current_timestamp AT TIME ZONE 'UTC')")
			}
		case components.DateProjection:
			// Texts are compared: that is the order of times where numbers have all their digits.
			now := "date_format(current_timestamp AT TIME ZONE 'UTC', '" + sqlLayout.Replace(p.Layout) + "')"
			if strings.Contains(p.Layout, "/M/") {
				list = append(list, p.Name+" = "+now)
				break
			}
			list = append(list, p.Name+" >= "+strings.Replace(now, "current_timestamp", "(current_timestamp - interval '1' day)", 1))
		default:
			list = append(list, p.Name+" = ?") // a query must say which; Athena asks for it
		}
	}
	if len(list) == 0 {
		list = append(list, "true")
	}
	return list
}

// sqlLayout turns the letters of a layout into those of date_format.
var sqlLayout = strings.NewReplacer("yyyy", "%Y", "MM", "%m", "M", "%c", "dd", "%d", "d", "%e", "HH", "%H", "mm", "%i", "ss", "%s")
