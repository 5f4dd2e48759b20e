package stacks

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/stacks/schema"
	"github.com/logarchive/logarchive/verify"
)

// RetentionClassSpec is logs that are kept for another time than the rest.
type RetentionClassSpec struct {
	// Logs are the names of the logs: see [LogNames].
	Logs          []string
	RetentionDays int
	// MaximumDays is the age at which nothing may be left of an object; 0 for no such limit.
	MaximumDays int
	Transitions []TransitionSpec
}

// logFolders are the beginnings of all keys that this program's sources have in the archive, by what the configuration calls
// the logs. What couldn't be delivered is as personal as what could, so it belongs to the same logs. Markers of the replay have
// no name: they hold no log. A folder that is left out here has no rule when there are classes, which the component refuses.
var logFolders = []struct {
	name    string
	folders []string
}{
	{string(ClassLogs), classFolders(ClassLogs)},
	{string(ClassFlowLogs), append(append(classFolders(ClassFlowLogs), classFolders(ClassFlowLogsVended)...), DirectFlowLogPrefix)},
	{string(ClassDatabases), classFolders(ClassDatabases)},
	{string(ClassSyslog), classFolders(ClassSyslog)},
	{"cloudtrail", []string{TrailPrefix}},
	{"config", []string{ConfigPrefix}},
	{"findings", []string{"AWSLogs/"}},
	{"resolver-query-logs", []string{QueryLogPrefix}},
	{"access-logs", []string{components.AccessLogFolder}},
	{"", []string{components.ReplayMarkers}},
}

func classFolders(c Class) []string { return []string{string(c) + "/", "errors/" + string(c) + "/"} }

// LogNames are the names of logs, as archive.classes has them.
func LogNames() []string {
	var names []string
	for _, l := range logFolders {
		if l.name != "" {
			names = append(names, l.name)
		}
	}
	return names
}

// foldersOf are the folders of some logs.
func foldersOf(logs []string) []string {
	var folders []string
	for _, l := range logFolders {
		if slices.Contains(logs, l.name) {
			folders = append(folders, l.folders...)
		}
	}
	return folders
}

// transitionsField describes the steps of the archive, or of a class of logs.
func transitionsField(doc string) schema.Field {
	return schema.Field{Key: "transitions", Kind: schema.List,
		Doc:     doc,
		Accepts: "a list of steps, each later and colder than the one before, all before the retention ends",
		Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
			{Key: "days", Kind: schema.Integer, Required: true, Range: schema.Between(1, maxDays),
				Doc: "The age in days at which objects move. STANDARD_IA takes objects of 30 days or more, and what comes after it must be 30 days later."},
			{Key: "storageClass", Kind: schema.String, Required: true,
				Doc:     "The class that they move to.",
				Accepts: "one of " + strings.Join(storageClasses(), ", ") + "; GLACIER_IR only where it is known to exist"},
		}}}
}

func retentionClassesField() schema.Field {
	return schema.Field{Key: "classes", Kind: schema.List,
		Doc:     "Logs that are kept for another time than the rest. The archive then has a lifecycle rule for each folder. On an archive that is there, this needs maintenance.",
		Accepts: "a list of classes; no logs are in two of them",
		Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
			{Key: "logs", Kind: schema.List, Required: true,
				Doc:     "The logs of the class, with what of them couldn't be delivered.",
				Accepts: "one or more of " + strings.Join(LogNames(), ", "),
				Items:   &schema.Field{Kind: schema.String, Required: true, Values: LogNames()}},
			{Key: "retentionDays", Kind: schema.Integer, Required: true, Range: schema.Between(minRetentionDays, maxDays),
				Doc: "After how many days the logs of the class expire; not before the lock ends, which is the same for all objects."},
			{Key: "maximumDays", Kind: schema.Integer, DefaultText: "no limit", Range: schema.Between(minRetentionDays, maxDays),
				Doc: "The age at which nothing may be left of them, as data protection asks: no noncurrent version and no delete marker. S3 needs 4 days more than retentionDays."},
			transitionsField("When objects of the class move to a cheaper storage class. Those of the archive aren't for the class."),
		}},
	}
}

// retentionClasses reads the classes of logs.
func (p *parser) retentionClasses(v, lockDays schema.Value) {
	taken := map[string]string{}
	for _, item := range v.Items() {
		retention, maximum := item.Get("retentionDays"), item.Get("maximumDays")
		class := RetentionClassSpec{RetentionDays: retention.Number(), MaximumDays: maximum.Number()}
		logs := item.Get("logs")
		if logs.OK() && len(logs.Items()) == 0 {
			p.add(logs, "is empty; want one or more of %s", strings.Join(LogNames(), ", "))
		}
		for _, l := range logs.Items() {
			if !l.OK() {
				continue
			}
			if first := taken[l.Text()]; first != "" {
				p.add(l, "%s is in %s, too; want it in one class", schema.Quote(l.Text()), first)
			}
			taken[l.Text()] = l.Path
			class.Logs = append(class.Logs, l.Text())
		}
		class.Transitions = p.transitions(item.Get("transitions"), retention)
		if retention.OK() && lockDays.OK() && lockDays.Number() > retention.Number() {
			p.add(retention, "%d is less than objects are locked for; want at least archive.objectLock.days, which is %d", retention.Number(), lockDays.Number())
		}
		if least := retention.Number() + components.LifecycleLateDays + 1; retention.OK() && maximum.OK() && maximum.Number() < least {
			p.add(maximum, "%d is too early for objects that expire after %d days; S3 takes a day for the version that is left, and may be %d days late, so want %d or more", maximum.Number(), retention.Number(), components.LifecycleLateDays, least)
		}
		p.spec.ArchiveBucket.Classes = append(p.spec.ArchiveBucket.Classes, class)
	}
}

// outlived finds buckets in front of the archive that keep logs for longer than a class may be kept.
func (p *parser) outlived(root schema.Value) {
	for _, item := range root.Get("archive").Get("classes").Items() {
		maximum := item.Get("maximumDays")
		if !maximum.OK() {
			continue
		}
		for _, key := range []string{"landing", "accessLogs"} {
			days := root.Get(key).Get("expireDays")
			if stays := 2*days.Number() + components.LifecycleLateDays; days.OK() && stays > maximum.Number() {
				p.add(days, "%d days, and as many for noncurrent versions, are more than %s, which is %d; want at most %d", days.Number(), maximum.Path, maximum.Number(), (maximum.Number()-components.LifecycleLateDays)/2)
			}
		}
	}
}

// retentionClasses are the classes as the component takes them, with the folders that are in none.
func (a ArchiveSpec) retentionClasses() (classes []components.RetentionClass, others []string) {
	if len(a.Classes) == 0 {
		return nil, nil
	}
	var taken []string
	for _, c := range a.Classes {
		taken = append(taken, c.Logs...)
		classes = append(classes, components.RetentionClass{
			Name: strings.Join(slices.Sorted(slices.Values(c.Logs)), "-"), Folders: foldersOf(c.Logs),
			RetentionDays: c.RetentionDays, MaximumDays: c.MaximumDays, Transitions: componentTransitions(c.Transitions),
		})
	}
	for _, l := range logFolders {
		if !slices.Contains(taken, l.name) {
			others = append(others, l.folders...)
		}
	}
	return classes, others
}

func componentTransitions(steps []TransitionSpec) []components.Transition {
	var list []components.Transition
	for _, t := range steps {
		list = append(list, components.Transition{Days: t.Days, StorageClass: string(t.StorageClass)})
	}
	return list
}

// limits are the ages that a proof holds the archive's rules against.
func (a ArchiveSpec) limits() []verify.Limit {
	var list []verify.Limit
	for _, c := range a.Classes {
		for _, folder := range foldersOf(c.Logs) {
			if c.MaximumDays > 0 {
				list = append(list, verify.Limit{Prefix: folder, Days: c.MaximumDays})
			}
		}
	}
	return list
}
