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
)

// Source is something that produces logs, with the way that they take as it is declared.
type Source struct {
	// ID is kind:account:region:name. Name is the flow log's id, the log group's name, or database/log-type.
	ID    string
	Kind  SourceKind
	Place partition.Place
	Name  string
	// Path is for reading: "vpc-… -> flow log fl-… -> s3://bucket/prefix".
	Path string
	// Broken says why the way can't be followed to its end; "" when it can. Whether every hop of it is allowed shows when
	// lines are sent.
	Broken string

	flowLog   *flowLog
	group     string // the log group that it writes to
	logStream string
}

// declared is what the world declares about logs, by what leads from one to the next.
type declared struct {
	groups  map[string]Object   // by place and name
	filters map[string][]Object // by place and name of the log group, ordered by name
	errors  map[string]bool     // log groups of Firehose's error messages
	world   Resources
}

func groupKey(place partition.Place, name string) string { return place.String() + " " + name }

func readDeclared(world Resources) declared {
	d := declared{groups: map[string]Object{}, filters: map[string][]Object{}, errors: map[string]bool{}, world: world}
	for _, o := range world.List(logGroupToken) {
		d.groups[groupKey(o.Place, o.Text("name"))] = o
	}
	for _, o := range world.List(filterToken) {
		k := groupKey(o.Place, o.Text("logGroup"))
		d.filters[k] = append(d.filters[k], o)
	}
	for _, filters := range d.filters {
		slices.SortFunc(filters, func(a, b Object) int { return cmp.Compare(a.Text("name"), b.Text("name")) })
	}
	for _, o := range world.List(streamToken) {
		options := child(child(o.State, "extendedS3Configuration"), "cloudwatchLoggingOptions")
		if name := text(options, "logGroupName"); name != "" {
			d.errors[groupKey(o.Place, name)] = true
		}
	}
	return d
}

// Sources returns every source that the world declares, ordered by id: flow logs, the exported logs of databases, and all
// other log groups but those of Firehose's own error messages.
func (d *Delivery) Sources() []Source {
	all := readDeclared(d.world)
	fed := map[string]bool{} // log groups that have a source already
	var sources []Source
	for _, o := range d.world.List(flowLogToken) {
		s := all.flowLogSource(o)
		if s.group != "" {
			fed[groupKey(s.Place, s.group)] = true
		}
		sources = append(sources, s)
	}
	for _, database := range []struct{ token, kind, stream string }{
		{"aws:rds/instance:Instance", "instance", ""},
		// An Aurora cluster's streams are named after its instances.
		{"aws:rds/cluster:Cluster", "cluster", "-instance-1"},
	} {
		for _, o := range d.world.List(database.token) {
			for _, logType := range strs(o.State["enabledCloudwatchLogsExports"]) {
				s := Source{
					Kind: SourceDatabase, Place: o.Place, Name: o.ID + "/" + logType,
					group: "/aws/rds/" + database.kind + "/" + o.ID + "/" + logType, logStream: o.ID + database.stream,
				}
				s.Path, s.Broken = all.groupPath(s.Place, s.group)
				s.Path = o.ID + " -> " + s.Path
				fed[groupKey(s.Place, s.group)] = true
				sources = append(sources, s)
			}
		}
	}
	for k, o := range all.groups {
		if fed[k] || all.errors[k] {
			continue
		}
		s := Source{Kind: SourceLogGroup, Place: o.Place, Name: o.Text("name"), group: o.Text("name")}
		s.logStream = "i-0" + strings.ReplaceAll(uuidOf(o.Place.String()+s.Name), "-", "")[:16]
		s.Path, s.Broken = all.groupPath(s.Place, s.group)
		sources = append(sources, s)
	}
	for i := range sources {
		s := &sources[i]
		s.ID = fmt.Sprintf("%s:%s:%s:%s", s.Kind, s.Place.Account, s.Place.Region, s.Name)
	}
	slices.SortFunc(sources, func(a, b Source) int { return cmp.Compare(a.ID, b.ID) })
	return sources
}

func (all declared) flowLogSource(o Object) Source {
	s := Source{Kind: SourceFlowLog, Place: o.Place, Name: o.ID}
	f, err := flowLogOf(o)
	if err != nil {
		s.Path, s.Broken = "flow log "+o.ID, err.Error()
		return s
	}
	s.flowLog = f
	s.Path = fmt.Sprintf("%s (%s) -> flow log %s -> ", f.resource, f.traffic, o.ID)
	switch f.to {
	case flowToLogs:
		arn, err := partition.ParseARN(f.destination)
		if err != nil {
			s.Broken = "its logDestination: " + err.Error()
			break
		}
		s.group, s.logStream = strings.TrimPrefix(arn.Resource, "log-group:"), f.logStream()
		var rest string
		rest, s.Broken = all.groupPath(o.Place, s.group)
		s.Path += rest
	case flowToS3:
		arn, err := f.bucket()
		if err != nil {
			s.Broken = err.Error()
			break
		}
		var rest string
		rest, s.Broken = all.bucketPath(arn, f.key.head())
		s.Path += rest
	case flowToFirehose:
		var rest string
		rest, s.Broken = all.streamPath(f.destination)
		s.Path += rest
	default:
		s.Broken = fmt.Sprintf("the sandbox knows no logDestinationType %q", f.to)
	}
	return s
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
		rest, why := all.streamPath(filter.Text("destinationArn"))
		ways = append(ways, "filter "+filter.Text("name")+" -> "+rest)
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
	rest, broken := all.bucketPath(s.bucket, s.prefix.text)
	return "Firehose " + s.name + " -> " + rest, broken
}

func (all declared) bucketPath(arn, prefix string) (path, broken string) {
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	if o, ok := all.world.ByARN(arn); !ok || o.Type != catalog.Bucket {
		broken = fmt.Sprintf("the bucket %s doesn't exist", name)
	}
	return "s3://" + name + "/" + prefix, broken
}

// Source finds a source by its id, by its name, or by any part of its id that no other has.
func (d *Delivery) Source(text string) (Source, error) {
	var found []Source
	sources := d.Sources()
	for _, s := range sources {
		if s.ID == text {
			return s, nil
		}
		if s.Name == text || strings.Contains(s.ID, text) {
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
