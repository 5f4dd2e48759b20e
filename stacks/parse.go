package stacks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// ParseSpec checks a stack's whole configuration and returns it as a Spec. config maps "namespace:key" to what the
// engine hands to a program, defaults of Pulumi.yaml included or not; keys of other namespaces are not looked at. The
// error is a *[ConfigError] with every problem.
func ParseSpec(stack string, config map[string]string) (*Spec, error) {
	return parseSpec(stack, config, time.Now())
}

func parseSpec(stack string, config map[string]string, now time.Time) (*Spec, error) {
	fields := Fields()
	p := &parser{report: &schema.Report{}, spec: &Spec{Stack: stack}, now: now}
	root := schema.Read(Namespace, fields, config, p.report)

	p.places(root)
	p.names(root.Get("namePrefix"))
	p.archive(root.Get("archive"))
	p.landing(root.Get("landing"), root.Get("archive").Get("bucket"))
	p.replica(root.Get("archive"))
	p.pipeline(root.Get("pipeline"))
	p.flowLogs(root.Get("flowLogs"))
	p.logGroups(root.Get("logGroups"))
	p.subscribe(root.Get("subscribe"))
	p.accountSubscription(root.Get("accountSubscription"), root.Get("subscribe"))
	p.instances(root.Get("instances"))
	p.replay(root.Get("replay"))
	p.syslog(root.Get("syslog"))
	p.vpcEndpoints(root.Get("vpcEndpoints"))
	p.databases(root.Get("databases"))
	p.cloudTrail(root.Get("cloudTrail"))
	p.services(root)
	p.backup(root.Get("backup"))
	p.accessLogs(root.Get("accessLogs"))
	p.monitoring(root.Get("monitoring"))
	p.proof(root)
	p.tags(root.Get("tags"))
	p.groupsOnce()
	p.subscribable(root.Get("subscribe"))
	p.leavable(root.Get("accountSubscription"))
	p.accounts(root)
	for i := range p.spec.Accounts {
		p.spec.Accounts[i].Stack.Monitoring = p.spec.Monitoring
	}
	p.spec.flowLogFolders()
	p.databaseExports(root.Get("databaseExports"))
	p.siem(root.Get("siem"))
	p.queries(root.Get("queries"))
	p.outlived(root)
	p.permissionsBoundary(root.Get("permissionsBoundary"))
	p.replayable(root.Get("replay"))
	p.openPartitions(root.Get("pipeline").Get("transform").Get("partitionBy"))

	if problems := p.report.Problems(Namespace, fields); len(problems) > 0 {
		return nil, &ConfigError{stack, problems}
	}
	return p.spec, nil
}

// parser builds the Spec while it checks; what it builds is thrown away if there is a problem.
type parser struct {
	report *schema.Report
	spec   *Spec
	// groups are the log groups that are archived, in the order of the configuration.
	groups []groupUse
	// now is what a waiver's last day is held against.
	now time.Time
}

// groupUse is a log group and the key that archives it.
type groupUse struct{ name, key string }

// add reports a problem that concerns the value.
func (p *parser) add(v schema.Value, format string, args ...any) {
	p.report.Add(v.Path, format, args...)
}

// places reads accounts and regions. A place that couldn't be read stays empty, and what depends on it isn't checked.
func (p *parser) places(root schema.Value) {
	s := p.spec
	source, archive := root.Get("sourceAccount"), root.Get("archive").Get("account")
	home, backup := root.Get("homeRegion"), root.Get("backupRegion")
	if source.OK() {
		s.Home.Account, s.Backup.Account = partition.Account(source.Text()), partition.Account(source.Text())
	}
	if archive.OK() {
		s.Archive.Account = partition.Account(archive.Text())
		if archive.Text() == source.Text() {
			p.add(archive, "%s is the source account, too; want another account, out of reach of the source's administrators", schema.Quote(archive.Text()))
		}
	}
	s.Home.Region = p.region(home)
	if r := p.region(backup); r != "" {
		s.Backup.Region, s.Archive.Region = r, r
		if s.Home.Region != "" {
			if err := partition.CanCopy(s.Home.Region, r); err != nil {
				p.add(backup, "%v", err)
			}
		}
	}
	role, external := root.Get("archive").Get("role"), root.Get("archive").Get("externalId")
	if role.OK() {
		s.ArchiveRole = p.archiveRole(role)
	}
	s.ExternalID = p.externalID(external)
}

// externalID reads what a role's trust policy asks for.
func (p *parser) externalID(v schema.Value) string {
	if n := len(v.Text()); v.OK() && n > maxExternalID {
		p.add(v, "%s has %d characters; want at most %d", schema.Quote(v.Text()), n, maxExternalID)
	}
	return v.Text()
}

// maxExternalID is the longest external id (AssumeRole).
const maxExternalID = 1224

func (p *parser) region(v schema.Value) partition.Region {
	if !v.OK() {
		return ""
	}
	r, err := partition.ParseRegion(v.Text())
	if err == nil {
		return r
	}
	var all []string
	for _, part := range partition.Partitions() {
		for _, known := range part.Regions() {
			all = append(all, string(known))
		}
	}
	p.add(v, "%v%s", err, schema.DidYouMean(v.Text(), all))
	return ""
}

// archiveRole reads a role of the archive account: its name or ARN.
func (p *parser) archiveRole(v schema.Value) partition.ARN {
	return p.role(v, p.spec.Archive, "the archive's")
}

// role reads the name or the ARN of a role of a place's account; whose says whose place that is.
func (p *parser) role(v schema.Value, place partition.Place, whose string) partition.ARN {
	name := v.Text()
	if strings.HasPrefix(name, "arn:") {
		arn, err := partition.ParseARN(name)
		switch {
		case err != nil:
			p.add(v, "%v", err)
			return arn
		case arn.Service != partition.IAM || !strings.HasPrefix(arn.Resource, "role/"):
			p.add(v, "%s is not the ARN of a role", schema.Quote(name))
		case place.Region != "" && arn.Partition != place.Partition():
			p.add(v, "%s is of partition %s; want %s, %s", schema.Quote(name), arn.Partition, place.Partition(), whose)
		case place.Account != "" && arn.Account != place.Account:
			p.add(v, "%s is of account %s; want %s, %s", schema.Quote(name), arn.Account, place.Account, whose)
		}
		name = strings.TrimPrefix(arn.Resource, "role/")
	}
	if err := checkRoleName(name); err != nil {
		p.add(v, "%v", err)
	}
	return place.RoleARN(name)
}

// checkRoleName says whether IAM takes a role's name, with its path.
//
// See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func checkRoleName(name string) error {
	if !iamName(name, maxRoleName) {
		return fmt.Errorf("%s is not a role; want a name of up to %d letters, digits and + = , . @ _ -, with its path if it has one, or an ARN", schema.Quote(name), maxRoleName)
	}
	return nil
}

// iamName says whether something may be called so in IAM, with its path.
func iamName(name string, longest int) bool {
	path, base := "", name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		path, base = name[:i], name[i+1:]
	}
	ok := func(s, extra string) bool {
		for _, c := range s {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(extra, c) {
				return false
			}
		}
		return true
	}
	return base != "" && len(base) <= longest && len(path) <= 510 && ok(base, "+=,.@_-") && ok(path, "+=,.@_-/") && !strings.HasPrefix(name, "/")
}

func (p *parser) pipeline(v schema.Value) {
	s := &p.spec.Pipeline
	s.BufferMiB = v.Get("bufferMiB").Number()
	s.BufferSeconds = v.Get("bufferSeconds").Number()
	s.ErrorLogRetentionDays = p.retention(v.Get("errorLogRetentionDays"))
	s.TimePrefix = v.Get("timePrefix").Text()
	s.KeepStreams = v.Get("keepStreams").Flag()
	p.transform(v.Get("transform"), v.Get("bufferMiB"))
	if t := v.Get("timePrefix"); t.OK() {
		if err := checkTimePrefix(t.Text()); err != nil {
			p.add(t, "%s: %v", schema.Quote(t.Text()), err)
		}
	}
	p.partitionedTime(v.Get("timePrefix"), v.Get("transform").Get("partitionBy"))
}

// retention reads a log group's retention.
func (p *parser) retention(v schema.Value) int {
	if v.OK() && partition.CheckLogRetention(v.Number()) != nil {
		p.add(v, "%d is not a number of days that CloudWatch Logs accepts; the nearest are %s", v.Number(), nearestRetentions(v.Number()))
	}
	return v.Number()
}

// nearestRetentions returns the accepted numbers of days next to days, below and above.
func nearestRetentions(days int) string {
	accepted := partition.LogRetentionDays()
	i, _ := slices.BinarySearch(accepted, days)
	switch i {
	case 0:
		return fmt.Sprintf("%d and %d", accepted[0], accepted[1])
	case len(accepted):
		return fmt.Sprintf("%d and %d", accepted[i-2], accepted[i-1])
	}
	return fmt.Sprintf("%d and %d", accepted[i-1], accepted[i])
}

// maxTags leaves ten of the fifty tags of a resource to what the components add and to other tools.
const maxTags = 40

// tags reads the tags of everything. IAM and others compare keys without regard to case, so that two keys which differ
// only in that can't be on one role.
//
// See https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
func (p *parser) tags(v schema.Value) {
	p.spec.Tags = v.Pairs()
	if len(v.Pairs()) > maxTags {
		p.add(v, "%d tags; want at most %d", len(v.Pairs()), maxTags)
	}
	seen := map[string]string{}
	for _, key := range sortedKeys(v.Pairs()) {
		entry := v.Get(key)
		value := v.Pairs()[key]
		folded := strings.ToLower(key)
		switch {
		case !entry.Valid:
		case key == "" || len([]rune(key)) > 128 || !tagText(key):
			p.add(entry, "%s is not a key of a tag; want 1 to 128 letters, digits, spaces and + - = . _ : / @", schema.Quote(key))
		case strings.HasPrefix(folded, "aws:"):
			p.add(entry, "%s: keys that begin with aws: belong to AWS; want another", schema.Quote(key))
		case len([]rune(value)) > 256 || !tagText(value):
			p.add(entry, "%s is not a value of a tag; want up to 256 letters, digits, spaces and + - = . _ : / @", schema.Quote(value))
		case seen[folded] != "":
			p.add(entry, "%s differs from %s only in upper and lower case, which IAM takes for the same; want one of them", schema.Quote(key), schema.Quote(seen[folded]))
		}
		seen[folded] = key
	}
}
