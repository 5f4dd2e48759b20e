package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// SourceKind says what produces logs.
type SourceKind string

// The kinds of sources.
const (
	SourceFlowLog  SourceKind = "flow-log"
	SourceLogGroup SourceKind = "log-group"
	SourceDatabase SourceKind = "database"
	// SourceAccessLog is the server access logs of a bucket, SourceBalancer the access logs of a load balancer.
	SourceAccessLog SourceKind = "access-log"
	SourceBalancer  SourceKind = "load-balancer"
	SourceInstance  SourceKind = "instance"
	SourceSyslog    SourceKind = "syslog"
	SourceTrail     SourceKind = "trail"
	SourceConfig    SourceKind = "config"
	SourceFindings  SourceKind = "guardduty"
	SourceQueryLog  SourceKind = "resolver-query-log"
)

// Source is something that produces logs, with the way that they take as it is declared.
type Source struct {
	// ID is kind:account:region:name. Name is the flow log's id, the log group's name, database/log-type, an instance's id
	// with a file's path or a Windows channel behind a colon, or the trail's name, with /cloudwatch-logs behind it for its way
	// through a log group.
	ID    string
	Kind  SourceKind
	Place partition.Place
	Name  string
	// Path is for reading: "vpc-… -> flow log fl-… -> s3://bucket/prefix".
	Path string
	// Broken says why the way can't be followed to its end; "" when it can. Whether every hop of it is allowed shows when
	// lines are sent.
	Broken string

	flowLog *flowLog
	access  *accessLog
	file    *serviceFile
	trail   *Object // that writes to the log group
	agent   *agentLog
	// collectors are what takes it, for syslog; Name is their autoscaling group then.
	collectors *collectors
	group      string // the log group that it writes to
	logStream  string
}

// declared is what the world declares about logs, by what leads from one to the next.
type declared struct {
	groups  map[string]Object   // by place and name
	filters map[string][]Object // by place and name of the log group, ordered by name; the account's policy is the last
	own     map[string]bool     // log groups of Firehose's error messages, and of functions
	world   Resources
}

func groupKey(place partition.Place, name string) string { return place.String() + " " + name }

func readDeclared(world Resources) declared {
	d := declared{groups: map[string]Object{}, filters: map[string][]Object{}, own: map[string]bool{}, world: world}
	visit(world, logGroupToken, func(o *Object) { d.groups[groupKey(o.Place, o.Text("name"))] = *o })
	visit(world, filterToken, func(o *Object) {
		k := groupKey(o.Place, o.Text("logGroup"))
		d.filters[k] = append(d.filters[k], *o)
	})
	for _, filters := range d.filters {
		slices.SortFunc(filters, byName)
	}
	policies := accountSubscriptions(world)
	for k, o := range d.groups {
		d.filters[k] = append(d.filters[k], policies.of(o)...)
	}
	for _, o := range world.List(streamToken) {
		options := child(child(o.State, "extendedS3Configuration"), "cloudwatchLoggingOptions")
		if name := text(options, "logGroupName"); name != "" {
			d.own[groupKey(o.Place, name)] = true
		}
	}
	for _, o := range world.List(catalog.Function) {
		if k := groupKey(o.Place, functionLogGroup(o)); len(d.filters[k]) == 0 {
			d.own[k] = true
		}
	}
	return d
}

// visit gives the objects of a type to a function, in no order: the world need not sort thousands of them for one that is
// looked for.
func visit(world Resources, token string, each func(*Object)) {
	w, ok := world.(*World)
	if !ok {
		for _, o := range world.List(token) {
			each(&o)
		}
		return
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, o := range w.types[token] {
		each(o)
	}
}

// find returns the object of a type that matches.
func find(world Resources, token string, match func(*Object) bool) (found Object, ok bool) {
	visit(world, token, func(o *Object) {
		if !ok && match(o) {
			found, ok = *o, true
		}
	})
	return found, ok
}

func byName(a, b Object) int { return cmp.Compare(a.Text("name"), b.Text("name")) }

// filtersOf returns the subscription filters of a log group, ordered by name, and the account's policy behind them if it
// selects the group.
func filtersOf(world Resources, place partition.Place, group string) []Object {
	var found []Object
	visit(world, filterToken, func(o *Object) {
		if o.Place == place && o.Text("logGroup") == group {
			found = append(found, *o)
		}
	})
	slices.SortFunc(found, byName)
	policies := accountSubscriptions(world)
	if len(policies) == 0 {
		return found
	}
	o, ok := find(world, logGroupToken, func(o *Object) bool { return o.Place == place && o.Text("name") == group })
	if !ok {
		return found
	}
	return append(found, policies.of(o)...)
}

// databases are the types of databases, what their log groups are called after, and the log stream in these: an Aurora
// cluster's are named after its instances.
var databases = []struct{ token, kind, stream string }{
	{"aws:rds/instance:Instance", "instance", ""},
	{"aws:rds/cluster:Cluster", "cluster", "-instance-1"},
}

// databaseSource is the source that is one exported log of a database, without its path.
func databaseSource(o Object, kind, stream, logType string) Source {
	return Source{
		Kind: SourceDatabase, Place: o.Place, Name: o.ID + "/" + logType,
		group: "/aws/rds/" + kind + "/" + o.ID + "/" + logType, logStream: o.ID + stream,
	}
}

// groupSource is the source that is a log group, without its path. An instance writes to it.
func groupSource(place partition.Place, name string) Source {
	return Source{
		Kind: SourceLogGroup, Place: place, Name: name, group: name,
		logStream: "i-0" + strings.ReplaceAll(uuidOf(place.String()+name), "-", "")[:16],
	}
}

func (s *Source) setID() {
	s.ID = fmt.Sprintf("%s:%s:%s:%s", s.Kind, s.Place.Account, s.Place.Region, s.Name)
}

// resolve finds a source by its id as it is declared now, without its path.
func (d *Delivery) resolve(id string) (Source, error) {
	parts := strings.SplitN(id, ":", 4)
	if len(parts) < 4 {
		return d.Source(id)
	}
	place, name := partition.Place{Account: partition.Account(parts[1]), Region: partition.Region(parts[2])}, parts[3]
	var s Source
	switch SourceKind(parts[0]) {
	case SourceFlowLog:
		if o, ok := find(d.world, flowLogToken, func(o *Object) bool { return o.Place == place && o.ID == name }); ok {
			s = flowLogSource(o)
		}
	case SourceDatabase:
		i := strings.LastIndexByte(name, '/')
		for _, database := range databases {
			o, ok := find(d.world, database.token, func(o *Object) bool { return i > 0 && o.Place == place && o.ID == name[:i] })
			if ok && slices.Contains(strs(o.State["enabledCloudwatchLogsExports"]), name[i+1:]) {
				s = databaseSource(o, database.kind, database.stream, name[i+1:])
			}
		}
	case SourceAccessLog, SourceBalancer:
		for _, access := range accessSources(d.world) {
			if string(access.Kind) == parts[0] && access.Place == place && access.Name == name {
				s = access
			}
		}
	case SourceSyslog:
		for _, candidate := range collectorSources(d.world) {
			if candidate.Place == place && candidate.Name == name {
				s = candidate
			}
		}
	case SourceInstance:
		for _, candidate := range agentSources(d.world) {
			if candidate.Place == place && candidate.Name == name {
				s = candidate
			}
		}
	case SourceTrail, SourceConfig, SourceFindings, SourceQueryLog:
		return d.Source(id) // there are few
	case SourceLogGroup:
		if _, ok := find(d.world, logGroupToken, func(o *Object) bool { return o.Place == place && o.Text("name") == name }); ok {
			s = groupSource(place, name)
		}
	}
	if s.setID(); s.ID != id {
		return d.Source(id) // which says what there is instead
	}
	return s, nil
}

// Sources returns every source that the world declares, ordered by id: flow logs, the exported logs of databases, what the
// agents of instances collect, what services write themselves, access logs, and all other log groups but those of Firehose's own error
// messages, and of functions whose log nobody subscribes to.
func (d *Delivery) Sources() []Source {
	all := readDeclared(d.world)
	fed := map[string]bool{} // log groups that have a source already
	var sources []Source
	for _, o := range d.world.List(flowLogToken) {
		s := flowLogSource(o)
		s.Path, s.Broken = all.flowPath(s)
		if s.group != "" {
			fed[groupKey(s.Place, s.group)] = true
		}
		sources = append(sources, s)
	}
	for _, database := range databases {
		for _, o := range d.world.List(database.token) {
			for _, logType := range strs(o.State["enabledCloudwatchLogsExports"]) {
				s := databaseSource(o, database.kind, database.stream, logType)
				s.Path, s.Broken = all.groupPath(s.Place, s.group)
				s.Path = o.ID + " -> " + s.Path
				fed[groupKey(s.Place, s.group)] = true
				sources = append(sources, s)
			}
		}
	}
	for _, s := range collectorSources(d.world) {
		s.Path, s.Broken = all.collectorPath(s)
		sources = append(sources, s)
	}
	for _, s := range agentSources(d.world) {
		if s.Broken == "" {
			s.Path, s.Broken = all.groupPath(s.Place, s.group)
			s.Path = s.Name + " -> " + s.Path
		}
		sources = append(sources, s) // others may write to its log group besides
	}
	for _, f := range serviceFiles(d.world) {
		sources = append(sources, f.asSource(all))
	}
	for _, o := range d.world.List(trailToken) {
		if s, ok := trailCopy(o); ok {
			s.Path, s.Broken = all.groupPath(s.Place, s.group)
			s.Path = "trail " + o.Text("name") + " -> " + s.Path
			fed[groupKey(s.Place, s.group)] = true
			sources = append(sources, s)
		}
	}
	for k, o := range all.groups {
		if fed[k] || all.own[k] {
			continue
		}
		s := groupSource(o.Place, o.Text("name"))
		s.Path, s.Broken = all.groupPath(s.Place, s.group)
		sources = append(sources, s)
	}
	for _, s := range accessSources(d.world) {
		s.Path, s.Broken = all.accessPath(s)
		sources = append(sources, s)
	}
	for i := range sources {
		sources[i].setID()
	}
	slices.SortFunc(sources, func(a, b Source) int { return cmp.Compare(a.ID, b.ID) })
	return sources
}

// flowLogSource is the source that is a flow log, without its path.
func flowLogSource(o Object) Source {
	s := Source{Kind: SourceFlowLog, Place: o.Place, Name: o.ID}
	f, err := flowLogOf(o)
	if err != nil {
		s.Broken = err.Error()
		return s
	}
	s.flowLog = f
	if f.to == flowToLogs {
		arn, err := partition.ParseARN(f.destination)
		if err != nil {
			s.flowLog, s.Broken = nil, fmt.Sprintf("logDestination of flow log %s: %v", o.ID, err)
			return s
		}
		s.group, s.logStream = strings.TrimPrefix(arn.Resource, "log-group:"), f.logStream()
	}
	return s
}

// flowPath reads the way of a flow log.
func (all declared) flowPath(s Source) (path, broken string) {
	f := s.flowLog
	if f == nil {
		return "flow log " + s.Name, s.Broken
	}
	path = fmt.Sprintf("%s (%s) -> flow log %s -> ", f.resource, f.traffic, s.Name)
	rest := f.destination
	switch f.to {
	case flowToLogs:
		rest, broken = all.groupPath(s.Place, s.group)
	case flowToS3:
		if arn, err := f.bucket(); err != nil {
			broken = err.Error()
		} else {
			rest, broken = all.bucketPath(arn, f.key.head())
		}
	case flowToFirehose:
		rest, broken = all.streamPath(f.destination)
	}
	return path + rest, broken
}

// groupPath reads the way from a log group on.
func (all declared) groupPath(place partition.Place, name string) (path, broken string) {
	path = name
	k := groupKey(place, name)
	if _, ok := all.groups[k]; !ok {
		return path, fmt.Sprintf("the log group %s doesn't exist in %s", name, place)
	}
	if len(all.filters[k]) == 0 {
		return path, fmt.Sprintf("the log group %s has no subscription filter", name)
	}
	var ways []string
	for _, filter := range all.filters[k] {
		to := filter.Text("destinationArn")
		further := all.streamPath
		if arn, err := partition.ParseARN(to); err == nil && isDestination(arn) {
			further = all.destinationPath
		}
		rest, why := further(to)
		ways = append(ways, strings.TrimPrefix(subscriptionNoun(filter), "subscription ")+" "+filter.Text("name")+" -> "+rest)
		if why != "" {
			broken = why
		}
	}
	return path + " -> " + strings.Join(ways, " and "), broken
}

func (all declared) streamPath(arn string) (path, broken string) {
	o, ok := all.world.ByARN(arn)
	if !ok || o.Type != streamToken {
		return arn, fmt.Sprintf("%s isn't a Firehose stream that exists", arn)
	}
	s, err := streamOf(o)
	if err != nil {
		return "Firehose " + o.Text("name"), err.Error()
	}
	path = "Firehose " + s.name
	rest, broken := all.bucketPath(s.bucket, s.prefix.text)
	if p := s.processor; p != nil {
		name := functionARN(p.function)
		path += " (function " + name[strings.LastIndexByte(name, ':')+1:] + ")"
		if _, ok, err := functionByARN(all.world, p.function); err != nil {
			broken = err.Error()
		} else if !ok {
			broken = fmt.Sprintf("the function %s doesn't exist", p.function)
		}
	}
	return path + " -> " + rest, broken
}

func (all declared) bucketPath(arn, prefix string) (path, broken string) {
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	if o, ok := all.world.ByARN(arn); !ok || o.Type != catalog.Bucket {
		broken = fmt.Sprintf("the bucket %s doesn't exist", name)
	}
	path = "s3://" + name + "/" + prefix
	if to, passes := kept(all.world, arn); passes {
		path += " -> replicated to s3://" + to[strings.LastIndexByte(to, ':')+1:] + "/" + prefix
	}
	return path, broken
}

// Source finds a source by its id, by its name, or by any part of its id that no other has.
func (d *Delivery) Source(text string) (Source, error) {
	var found []Source
	sources := d.Sources()
	for _, s := range sources {
		if s.ID == text {
			return s, nil
		}
		if s.Name == text || strings.Contains(s.ID, text) || strings.HasPrefix(s.Path, text) {
			found = append(found, s)
		}
	}
	if named := slices.DeleteFunc(slices.Clone(found), func(s Source) bool { return s.Name != text }); len(named) == 1 {
		return named[0], nil
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(found) == 0 {
		found = sources
	}
	ids := make([]string, len(found))
	for i, s := range found {
		ids[i] = s.ID
	}
	if len(ids) == 0 {
		return Source{}, fmt.Errorf("sandbox: there is no source %q: the world declares none", text)
	}
	return Source{}, fmt.Errorf("sandbox: %q is not one source; want one of\n%s", text, strings.Join(ids, "\n"))
}
