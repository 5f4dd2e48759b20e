package stacks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
)

// trailDay and configDay are how keys say the day: AWS Config leaves zeros out.
const (
	trailDay  = "yyyy/MM/dd"
	configDay = "yyyy/M/d"
)

// Table is a table over objects of the archive.
type Table = components.LogTable

// Tables are the tables of everything that the stack archives: one for each class of logs, or several where its objects are not
// all read alike. No object is read by two of them.
func (s *Spec) Tables() []components.LogTable {
	list := s.streamTables()
	list = append(list, s.flowLogTables()...)
	list = append(list, s.serviceTables()...)
	list = append(list, s.accessLogTables()...)
	for i := range list {
		list[i].Class, _, _ = strings.Cut(list[i].Template, "/")
		list[i].Queries = exampleQueries(list[i])
	}
	return list
}

// streamTables are those of what comes through streams. Accounts and regions are values of partitions; a stream whose keys are built
// in another way has a table of its own.
func (s *Spec) streamTables() []components.LogTable {
	var list []components.LogTable
	for _, class := range Classes() {
		streams, known := s.streamsOf(class)
		names := map[string]bool{}
		for _, of := range streams {
			template, partitions := components.TableTemplate(of.Prefix(class), known)
			if names[template] {
				continue
			}
			names[template] = true
			t := components.LogTable{
				Name: tableName(string(class)), Description: "Class " + string(class) + ": " + classWords[class], Prefix: string(class) + "/",
				Template: template, Partitions: partitions, Format: components.JSONTable,
			}
			if n := len(names); n > 1 {
				t.Name = fmt.Sprintf("%s_%d", t.Name, n)
			}
			switch class {
			case ClassSyslog:
				t.Columns = components.CollectorColumns()
			case ClassFlowLogsVended:
				t.Columns = components.VendedColumns()
			default:
				t.Columns = components.LineColumns(s.Pipeline.Transform.ExtraFields...)
			}
			t.Columns = apart(t.Columns, partitions)
			list = append(list, t)
		}
	}
	return list
}

// classWords say what the lines of a class are.
var classWords = map[Class]string{
	ClassLogs:           "the events of log groups.",
	ClassFlowLogs:       "flow logs that go through log groups; a record is the text of message.",
	ClassFlowLogsVended: "flow logs that go straight into a stream; a record is the text of message.",
	ClassDatabases:      "the logs of databases.",
	ClassSyslog:         "syslog, raw in message.",
}

// streamsOf are the stacks that have a stream of a class, as accounts and as what destinations share, and the values of the parts of
// their keys.
func (s *Spec) streamsOf(class Class) ([]*Spec, map[string][]string) {
	var streams []*Spec
	accounts, databases := []string{}, []string{"none"} // what the function calls a group that isn't a database's
	for i, of := range s.everyAccount() {
		if !slices.Contains(of.classes(), class) {
			continue
		}
		accounts = append(accounts, string(of.Home.Account))
		for _, d := range of.Databases {
			databases = append(databases, d.Identifier)
		}
		if i == 0 || s.Accounts[i-1].Way == ViaStreams {
			streams = append(streams, of)
		}
	}
	if slices.Contains(s.centralClasses(), class) {
		streams = append(streams, s.central())
		accounts = append(accounts, string(s.Archive.Account))
	}
	known := map[string][]string{"account": sortedOnce(accounts), "region": {string(s.Home.Region)}, "class": {string(ClassDatabases), string(ClassFlowLogs), string(ClassLogs)}}
	if class == ClassDatabases {
		known["databaseInstance"] = sortedOnce(databases)
	}
	return streams, known
}

func sortedOnce(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

func tableName(class string) string { return strings.ReplaceAll(class, "-", "_") }

// apart leaves out columns that would have the name of a partition. What they hold is in the key.
func apart(columns []components.TableColumn, partitions []components.TablePartition) []components.TableColumn {
	return slices.DeleteFunc(columns, func(c components.TableColumn) bool {
		return slices.ContainsFunc(partitions, func(p components.TablePartition) bool { return p.Name == components.ColumnName(c.Name) })
	})
}

// parts build the partitions of what AWS's services write.
func enum(name string, values ...string) components.TablePartition {
	return components.TablePartition{Name: name, Projection: components.EnumProjection, Values: sortedOnce(values)}
}

func days(layout string) components.TablePartition {
	return components.TablePartition{Name: "day", Projection: components.DateProjection, Layout: layout, Unit: "DAYS"}
}

// flowTable collects the flow logs that one table reads: of one folder, and with or without Hive's names.
type flowTable struct {
	prefix        string
	parquet, hive bool
	hourly        bool // all are
	fields        []string
	accounts      []string
}

// flowLogTables are those of flow logs that are written without a stream.
func (s *Spec) flowLogTables() []components.LogTable {
	var found []*flowTable
	for _, of := range s.everyAccount() {
		for _, f := range of.FlowLogs {
			if !f.direct() {
				continue
			}
			i := slices.IndexFunc(found, func(t *flowTable) bool { return t.prefix == f.Prefix && t.hive == f.HivePartitions })
			if i < 0 {
				i = len(found)
				found = append(found, &flowTable{prefix: f.Prefix, parquet: f.Parquet, hive: f.HivePartitions, hourly: true})
			}
			t := found[i]
			t.hourly = t.hourly && f.HourlyPartitions
			t.accounts = append(t.accounts, string(of.Home.Account))
			for _, field := range f.fields() {
				if !slices.Contains(t.fields, field) {
					t.fields = append(t.fields, field)
				}
			}
		}
	}
	var list []components.LogTable
	for _, f := range found {
		list = append(list, f.table(s.Home.Region))
	}
	return list
}

// table is the table of flow logs. Keys with and without hours are read by the day: what lies deeper belongs to it.
func (f *flowTable) table(region partition.Region) components.LogTable {
	t := components.LogTable{
		Name: "flow_logs_direct", Description: "Flow logs that are written without a stream.",
		Prefix: f.prefix + "AWSLogs/", Format: components.FieldsTable, Columns: components.FlowColumns(f.fields),
	}
	if folder := strings.TrimSuffix(strings.TrimPrefix(f.prefix, DirectFlowLogPrefix), "/"); folder != "" {
		t.Name += "_" + tableName(folder)
	}
	if f.parquet {
		t.Format = components.ParquetTable
	}
	// Columns of the records have these names, too.
	account, at := enum("source_account", f.accounts...), enum("source_region", string(region))
	if !f.hive {
		layout := trailDay
		day := days(layout)
		if f.hourly {
			day = components.TablePartition{Name: "hour", Projection: components.DateProjection, Layout: layout + "/HH", Unit: "HOURS"}
		}
		t.Template = f.prefix + "AWSLogs/${source_account}/vpcflowlogs/${source_region}/${" + day.Name + "}/"
		t.Partitions = []components.TablePartition{account, at, day}
		return t
	}
	t.Name += "_hive"
	t.Template = f.prefix + "AWSLogs/aws-account-id=${source_account}/aws-service=vpcflowlogs/aws-region=${source_region}/"
	t.Partitions = []components.TablePartition{account, at}
	time := "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/"
	if f.hourly {
		time += "hour=!{timestamp:HH}/"
	}
	template, partitions := components.TableTemplate(time, nil)
	t.Template += template
	t.Partitions = append(t.Partitions, partitions...)
	return t
}

// serviceTables are those of what services write themselves.
func (s *Spec) serviceTables() []components.LogTable {
	var list []components.LogTable
	home, region := string(s.Home.Account), string(s.Home.Region)
	if t := s.Trail; t != nil {
		var regions []string
		for _, r := range s.Home.Partition().Regions() {
			regions = append(regions, string(r))
		}
		table := components.LogTable{
			Name: "cloudtrail", Description: "Who did what: the events of the trail, of all regions.", Prefix: TrailPrefix + "AWSLogs/",
			Template:   TrailPrefix + "AWSLogs/${account}/CloudTrail/${region}/${day}/",
			Partitions: []components.TablePartition{enum("account", home), enum("region", regions...), days(trailDay)},
			Format:     components.TrailTable, Columns: components.TrailColumns(),
		}
		if t.Organization != "" {
			// Which accounts the organisation has, the configuration doesn't say.
			table.Partitions[0] = components.TablePartition{Name: "account", Projection: components.InjectedProjection}
			table.Template = strings.Replace(table.Template, "${account}", t.Organization+"/${account}", 1)
		}
		list = append(list, table)
	}
	if s.Config != nil {
		list = append(list, components.LogTable{
			Name: "config", Description: "The configuration of resources, as AWS Config delivers changes and snapshots.", Prefix: ConfigPrefix + "AWSLogs/",
			Template:   ConfigPrefix + "AWSLogs/${account}/Config/${region}/${day}/",
			Partitions: []components.TablePartition{enum("account", home), enum("region", region), days(configDay)},
			Format:     components.JSONTable, Columns: components.ConfigColumns(),
		})
	}
	if s.Findings != nil {
		list = append(list, components.LogTable{
			Name: "guardduty", Description: "The findings of GuardDuty.", Prefix: FindingsPrefix + "AWSLogs/",
			Template:   FindingsPrefix + "AWSLogs/${source_account}/GuardDuty/${source_region}/${day}/",
			Partitions: []components.TablePartition{enum("source_account", home), enum("source_region", region), days(trailDay)},
			Format:     components.JSONTable, Columns: components.FindingColumns(),
		})
	}
	if q := s.QueryLogs; q != nil {
		list = append(list, components.LogTable{
			Name: "resolver_query_logs", Description: "The DNS queries of VPCs.", Prefix: QueryLogPrefix + "AWSLogs/",
			Template:   QueryLogPrefix + "AWSLogs/${source_account}/vpcdnsquerylogs/${vpc}/${day}/",
			Partitions: []components.TablePartition{enum("source_account", home), enum("vpc", q.VpcIDs...), days(trailDay)},
			Format:     components.JSONTable, Columns: components.QueryLogColumns(),
		})
	}
	return list
}

// accessLogTables are those of access logs. Load balancers of all kinds have one prefix, which others set: each kind has a table
// that reads its own lines, and nulls from the others'.
func (s *Spec) accessLogTables() []components.LogTable {
	a := s.AccessLogs
	if !a.collects() {
		return nil
	}
	var list []components.LogTable
	for _, kind := range []struct {
		kind, name string
		pattern    func() (string, []components.TableColumn)
	}{
		{KindApplicationBalancer, "application_load_balancers", components.ApplicationBalancerPattern},
		{KindNetworkBalancer, "network_load_balancers", components.NetworkBalancerPattern},
		{KindClassicBalancer, "classic_load_balancers", components.ClassicBalancerPattern},
	} {
		if !slices.ContainsFunc(a.Balancers, func(b BalancerSpec) bool { return b.Kind == kind.kind }) {
			continue
		}
		t := components.LogTable{
			Name: kind.name, Description: "Access logs; rows of other kinds of load balancers are null: ask for time IS NOT NULL.",
			Prefix:     components.BalancerPrefix + "/AWSLogs/",
			Template:   components.BalancerPrefix + "/AWSLogs/${account}/elasticloadbalancing/${region}/${day}/",
			Partitions: []components.TablePartition{enum("account", string(s.Home.Account)), enum("region", string(s.Home.Region)), days(trailDay)},
			Format:     components.PatternTable,
		}
		t.Pattern, t.Columns = kind.pattern()
		list = append(list, t)
	}
	if len(a.Buckets) > 0 {
		var names []string
		for _, b := range a.Buckets {
			names = append(names, b.Name)
		}
		prefix := strings.TrimSuffix(components.ServerAccessLogPrefix(""), "/")
		t := components.LogTable{
			Name: "s3_access_logs", Description: "Server access logs of buckets. Their keys have no folder for a day.", Prefix: prefix,
			Template: prefix + "${source_bucket}/", Partitions: []components.TablePartition{enum("source_bucket", names...)},
			Format: components.PatternTable,
		}
		t.Pattern, t.Columns = components.ServerAccessPattern()
		list = append(list, t)
	}
	return list
}
