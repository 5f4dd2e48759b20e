package components_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/components"
)

// The prefix that a stream has becomes a template, as far as Athena can compute what is in its keys.
func TestTableTemplate(t *testing.T) {
	t.Parallel()
	known := map[string][]string{"account": {"111122223333"}, "region": {"cn-north-1"}}
	for _, test := range []struct{ prefix, template, columns string }{
		{"logs/account=111122223333/region=cn-north-1/year=!{timestamp:yyyy}/month=!{timestamp:MM}/", "logs/account=${account}/region=${region}/year=${year}/month=${month}/", "account enum, region enum, year integer, month integer"},
		{"logs/!{timestamp:yyyy/MM/dd/HH}/", "logs/${hour}/", "hour date"},
		{"logs/dt=!{timestamp:yyyy-MM-dd}/", "logs/dt=${dt}/", "dt date"},
		{"logs/!{timestamp:yyyy}/!{timestamp:M}/", "logs/${year}/${month}/", "year integer, month integer"},
		{"logs/!{timestamp:yyyy}-!{timestamp:MM}/", "logs/${year}-${month}/", "year integer, month integer"},
		{"logs/group=!{partitionKeyFromLambda:logGroup}/x=y/", "logs/group=${group}/x=y/", "group injected"},
		{"logs/account=!{partitionKeyFromLambda:account}/", "logs/account=${account}/", "account enum"},
		{"logs/year=!{partitionKeyFromLambda:year}/year=!{timestamp:yyyy}/", "logs/year=${year}/year=${year_2}/", "year integer, year_2 integer"},
		// What can't be computed ends the template: a random text, the name of a month, a day without its year.
		{"logs/a/!{firehose:random-string}/year=!{timestamp:yyyy}/", "logs/a/", ""},
		{"logs/!{timestamp:yyyy}/!{timestamp:MMM}/", "logs/${year}/", "year integer"},
		{"logs/!{timestamp:MM-dd}/", "logs/", ""},
		{"logs/!{timestamp:yyyy_MM}/", "logs/", ""},
	} {
		template, partitions := components.TableTemplate(test.prefix, known)
		var columns []string
		for _, p := range partitions {
			columns = append(columns, p.Name+" "+string(p.Projection))
		}
		if template != test.template || strings.Join(columns, ", ") != test.columns {
			t.Errorf("%s: got %s with %s", test.prefix, template, strings.Join(columns, ", "))
		}
	}
}

// A key is a table's only where Athena would compute its partitions so.
func TestTableMatch(t *testing.T) {
	t.Parallel()
	day := components.TablePartition{Name: "day", Projection: components.DateProjection, Layout: "yyyy/M/d", Unit: "DAYS"}
	table := components.LogTable{Template: "config/${account}/${day}/n=${n}/", Partitions: []components.TablePartition{
		{Name: "account", Projection: components.EnumProjection, Values: []string{"1", "2"}}, day,
		{Name: "n", Projection: components.IntegerProjection, Least: 1, Most: 31, Digits: 2},
	}}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	got, ok := table.Match("config/2/2026/1/9/n=07/deeper/object.gz", now)
	if diff := cmp.Diff(map[string]string{"account": "2", "day": "2026/1/9", "n": "07"}, got); diff != "" || !ok {
		t.Error(diff)
	}
	for _, key := range []string{
		"config/3/2026/1/9/n=07/o", "config/2/2026/01/09/n=07/o", "config/2/2027/1/9/n=07/o", "config/2/2019/1/9/n=07/o", "config/2/2026/13/9/n=07/o",
		"config/2/2026/1/9/n=7/o", "config/2/2026/1/9/n=32/o", "config/2/2026/1/9/n=07/", "x/config/2/2026/1/9/n=07/o", "config/2/2026/1/n=07/o",
	} {
		if _, ok := table.Match(key, now); ok {
			t.Errorf("%s is taken for the table's", key)
		}
	}
}

// The statement escapes what Hive reads as escapes, and has each name in small letters, mapped from the member's own.
func TestTableDDL(t *testing.T) {
	t.Parallel()
	json := components.LogTable{
		Name: "t", Description: "it's", Prefix: "t/", Template: "t/${day}/", Format: components.JSONTable,
		Columns:    []components.TableColumn{{Name: "logGroup", Type: "string"}, {Name: "items", Type: "array<struct<resourceId:string,n:int>>"}},
		Partitions: []components.TablePartition{{Name: "day", Projection: components.DateProjection, Layout: "yyyy/MM/dd", Unit: "DAYS"}},
	}
	for _, want := range []string{
		"`loggroup` string", "`items` array<struct<resourceid:string,n:int>>", `COMMENT 'it\'s'`, "'mapping.loggroup' = 'logGroup'", "'mapping.resourceid' = 'resourceId'",
		"'projection.day.range' = '2020/01/01,NOW'", "'storage.location.template' = 's3://b/t/${day}/'", "LOCATION 's3://b/t/'",
	} {
		if got := json.DDL("b"); !strings.Contains(got, want) {
			t.Errorf("the statement lacks %s:\n%s", want, got)
		}
	}
	pattern := components.LogTable{Name: "p", Format: components.PatternTable, Pattern: `^\[(x)\]`}
	if got := pattern.DDL("b"); !strings.Contains(got, `'input.regex' = '^\\[(x)\\]'`) || strings.Contains(got, "PARTITIONED BY") {
		t.Error(got)
	}
}

// The examples of AWS's documents match, each its own pattern only, with what they say in the columns.
func TestAccessPatterns(t *testing.T) {
	t.Parallel()
	patterns := map[string]func() (string, []components.TableColumn){
		"application": components.ApplicationBalancerPattern, "network": components.NetworkBalancerPattern,
		"classic": components.ClassicBalancerPattern, "bucket": components.ServerAccessPattern,
	}
	for _, test := range []struct {
		name, line string
		want       map[string]string
	}{
		{"application", `h2 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 10.0.1.252:48160 10.0.0.66:9000 0.000 0.002 0.000 200 200 5 257 "GET https://10.0.2.105:773/ HTTP/2.0" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 group "Root=1-58337327-72bd00b0343d75b906739c42" "-" "-" 1 2018-07-02T22:22:48.364000Z "redirect" "https://example.com:80/" "-" "10.0.0.66:9000" "200" "-" "-" TID_1234abcd5678ef90`,
			map[string]string{"type": "h2", "target_ip": "10.0.0.66", "target_port": "9000", "redirect_url": "https://example.com:80/", "conn_trace_id": "TID_1234abcd5678ef90"}},
		{"application", `http 2018-11-30T22:23:00.186641Z app/lb/50dc 192.168.131.39:2817 - 0.000 -1 -1 502 - 34 366 "GET http://www.example.com:80/ HTTP/1.1" "odd \"agent\"" - - group "Root=1" "-" "-" 0 2018-11-30T22:22:48.364000Z "forward" "-" "LambdaInvalidResponse" "-" "-" "-" "-"`,
			map[string]string{"target_ip": "", "elb_status_code": "502", "target_status_code": "-", "user_agent": `odd \"agent\"`, "error_reason": "LambdaInvalidResponse", "conn_trace_id": ""}},
		{"network", `tls 2.0 2020-04-01T08:51:42 net/my-network-loadbalancer/c6e77e28c25b2234 g3d4b5e8bb8464cd 72.21.218.154:51341 172.100.100.185:443 5 2 98 246 - certificate - ECDHE-RSA-AES128-SHA tlsv12 - my.elb.example h2 h2 "h2","http/1.1" 2020-04-01T08:51:20`,
			map[string]string{"type": "tls", "client_ip": "72.21.218.154", "sent_bytes": "246", "domain_name": "my.elb.example", "alpn_client_preference_list": `"h2","http/1.1"`}},
		{"classic", `2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 - 0.000086 -1 -1 503 0 0 29 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -`,
			map[string]string{"elb": "my-loadbalancer", "backend_ip": "", "elb_status_code": "503", "user_agent": "curl/7.38.0"}},
		{"bucket", `79a59df900b949e5 amzn-s3-demo-bucket [06/Feb/2019:00:00:38 +0000] 192.0.2.3 79a59df900b949e5 3E57427F3EXAMPLE REST.GET.VERSIONING - "GET /?versioning HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" - s9lz= SigV4 ECDHE AuthHeader bucket.example TLSV1.2 point Yes`,
			map[string]string{"time": "06/Feb/2019:00:00:38 +0000", "operation": "REST.GET.VERSIONING", "http_status": "200", "acl_required": "Yes"}},
		{"bucket", `79a5 b [06/Feb/2019:00:00:38 +0000] - 79a5 3E57 S3.EXPIRE.OBJECT key - - - - 7 - - - - -`,
			map[string]string{"operation": "S3.EXPIRE.OBJECT", "request_uri": "", "object_size": "7", "host_id": ""}},
	} {
		for name, pattern := range patterns {
			text, columns := pattern()
			got := matchColumns(text, columns, test.line)
			if name != test.name {
				if got != nil && name != "bucket" && test.name != "bucket" {
					t.Errorf("the pattern of %s matches a line of %s", name, test.name)
				}
				continue
			}
			if got == nil {
				t.Errorf("%s doesn't match: %s", name, test.line)
			}
			for column, want := range test.want {
				if got[column] != want {
					t.Errorf("%s: %s is %q, want %q", name, column, got[column], want)
				}
			}
		}
	}
}

// matchColumns are the columns of a line by a pattern; nil for a line that it doesn't match.
func matchColumns(pattern string, columns []components.TableColumn, line string) map[string]string {
	found := regexp.MustCompile(pattern).FindStringSubmatch(line)
	if len(found) != len(columns)+1 {
		return nil
	}
	out := map[string]string{}
	for i, c := range columns {
		out[c.Name] = found[i+1]
	}
	return out
}
