package stacks

import (
	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
)

// Source is one row of the table of sources: where logs come from, and where they end up.
type Source struct {
	// Key is the path of the key that configures it: log-archive:flowLogs[0].
	Key string `json:"key"`
	// Kind is vpc, subnet, eni, transit-gateway, log-group, log-groups, instance, rds-instance, rds-cluster, trail, bucket, or one of
	// the load balancers.
	Kind string `json:"kind"`
	// ID is the resource's id; for a log group its name, for all of them *, for a database "identifier/log type", for
	// instances "name/path" or "name/channel".
	ID string `json:"id"`
	// Place is the source's account and region.
	Place partition.Place `json:"place"`
	// Path is the way of a line in words: flow log > log group > firehose > bucket.
	Path string `json:"path"`
	// LogGroup is the log group that the lines pass, if there is one.
	LogGroup string `json:"logGroup,omitempty"`
	// Stream is the Firehose stream that they pass, if there is one.
	Stream string `json:"stream,omitempty"`
	// Prefix is what the keys of the objects begin with, as Firehose or the flow log service gets it.
	Prefix string `json:"prefix"`
}

// Ways of a line.
const (
	pathS3       = "flow log > bucket"
	pathLanding  = "flow log > landing bucket > bucket"
	pathFlowLog  = "flow log > log group > firehose > bucket"
	pathDirect   = "flow log > firehose > bucket"
	pathAccess   = "access log > access log bucket > bucket"
	pathLogGroup = "log group > firehose > bucket"
	// The log groups that nothing else here is about.
	pathLogGroups = "log groups > firehose > bucket"
	pathDatabase  = "database > log group > firehose > bucket"
)

// Sources returns the table of sources in the order of the configuration, those of further accounts last; a database has a
// row for each log.
func (s *Spec) Sources() []Source {
	rows := append(s.ownSources(), s.accessLogSources()...)
	for i := range s.Accounts {
		rows = append(rows, s.Accounts[i].sources()...)
	}
	return rows
}

// ownSources are those of the stack's own source account.
func (s *Spec) ownSources() []Source {
	var rows []Source
	for _, f := range s.FlowLogs {
		row := Source{Key: f.Key, Kind: f.Kind, ID: f.ID, Path: pathS3, Prefix: f.Prefix}
		switch class := f.class(); class {
		case "":
			if f.Method == MethodLanding {
				row.Path = pathLanding
			}
		case ClassFlowLogsVended:
			row.Path, row.Stream, row.Prefix = pathDirect, s.StreamName(class), s.Prefix(class)
		default:
			row.Path, row.Stream, row.Prefix = pathFlowLog, s.StreamName(class), s.Prefix(class)
			row.LogGroup = s.FlowLogGroup(f.Name)
		}
		rows = append(rows, row)
	}
	for _, g := range s.LogGroups {
		rows = append(rows, Source{
			Key: g.Key, Kind: KindLogGroup, ID: g.Name, Path: pathLogGroup, LogGroup: g.Name,
			Stream: s.StreamName(ClassLogs), Prefix: s.Prefix(ClassLogs),
		})
	}
	rows = append(rows, s.accountSubscriptionSource()...)
	rows = append(rows, s.instanceSources()...)
	rows = append(rows, s.syslogSources()...)
	for _, d := range s.Databases {
		for _, logType := range d.LogTypes {
			rows = append(rows, Source{
				Key: d.Key, Kind: d.kind(), ID: d.Identifier + "/" + logType, Path: pathDatabase,
				LogGroup: databaseLogGroup(d, logType), Stream: s.StreamName(ClassDatabases), Prefix: s.Prefix(ClassDatabases),
			})
		}
	}
	rows = append(rows, s.serviceSources()...)
	for i := range rows {
		rows[i].Place = s.Home
	}
	return rows
}

// class returns the class of the stream that carries the flow log, or "" if none does.
func (f FlowLogSpec) class() Class {
	switch {
	case f.Method != MethodFirehose:
		return ""
	case f.Via == ViaDirect:
		return ClassFlowLogsVended
	}
	return ClassFlowLogs
}

// classes returns the classes that have a source, in the order of [Classes].
func (s *Spec) classes() []Class {
	used := map[Class]bool{
		ClassLogs:      len(s.LogGroups) > 0 || s.Subscribe != nil || s.AccountSubscription != nil || len(s.Instances) > 0 || s.Trail != nil && s.Trail.CloudWatchLogs,
		ClassDatabases: len(s.Databases) > 0,
		ClassSyslog:    s.Syslog != nil,
	}
	for _, f := range s.FlowLogs {
		used[f.class()] = true
	}
	var list []Class
	for _, c := range Classes() {
		if used[c] {
			list = append(list, c)
		}
	}
	return list
}

// sourceTable returns the table as the stack output "sources": a line for each source, such as
//
//	vpc vpc-0a1b2c3d4e5f60718: flow log > bucket, below flow-logs-direct/
func (s *Spec) sourceTable() map[string]string {
	table := map[string]string{}
	for _, row := range s.Sources() {
		name := row.Kind + " " + row.ID
		if row.Place.Account != s.Home.Account {
			name += " of " + string(row.Place.Account)
		}
		table[name] = row.Path + ", below " + components.FixedPrefix(row.Prefix)
	}
	return table
}
