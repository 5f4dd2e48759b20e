package stacks

import (
	"strings"

	"github.com/logarchive/logarchive/stacks/schema"
)

// defaultGroupRetention is that of log groups that the stack creates: long enough to look something up, short enough not
// to pay twice for what the archive keeps.
const defaultGroupRetention = 30

// maxFilterPattern is the longest filter pattern (PutSubscriptionFilter).
const maxFilterPattern = 1024

// logGroups reads the log groups.
func (p *parser) logGroups(v schema.Value) {
	for _, item := range v.Items() {
		name, pattern := item.Get("name"), item.Get("filterPattern")
		s := LogGroupSpec{Key: item.Path, Name: name.Text(), Create: item.Get("create").Flag(), FilterPattern: pattern.Text()}
		s.RetentionDays = p.createdRetention(item, "create")
		if name.OK() {
			if strings.HasPrefix(s.Name, "aws/") && s.Create {
				p.add(name, "%s: groups whose names begin with aws/ are created by AWS only; want another name, or create: false", schema.Quote(s.Name))
			}
			p.groups = append(p.groups, groupUse{s.Name, name.Path})
		}
		if len(s.FilterPattern) > maxFilterPattern {
			p.add(pattern, "%s has %d characters; want at most %d", schema.Quote(s.FilterPattern), len(s.FilterPattern), maxFilterPattern)
		}
		if item.Valid {
			p.spec.LogGroups = append(p.spec.LogGroups, s)
		}
	}
}

// createdRetention reads the retention of log groups that the flag named by key says to create. The retention of groups
// that are there already isn't touched.
func (p *parser) createdRetention(item schema.Value, key string) int {
	retention, create := item.Get("retentionDays"), item.Get(key)
	switch {
	case !create.Valid:
		return 0
	case create.Flag() && !retention.Given:
		return defaultGroupRetention
	case create.Flag():
		return p.retention(retention)
	case retention.OK():
		p.add(retention, "%d: the retention is set only for groups that are created here; leave it out, or say %s: true", retention.Number(), key)
	}
	return 0
}

// groupsOnce checks that no log group is archived twice, and that none of the pipelines' own is: its events would go
// round in a circle.
func (p *parser) groupsOnce() {
	own := map[string]bool{}
	for _, group := range p.spec.ownLogGroups() {
		own[group] = true
	}
	first := map[string]string{}
	for _, use := range p.groups {
		switch {
		case own[use.name]:
			p.report.Add(use.key, "%s is a pipeline's own group, whose events would go round in a circle; want another", schema.Quote(use.name))
		case first[use.name] != "":
			p.report.Add(use.key, "%s is archived by %s, too; its events would be archived twice", schema.Quote(use.name), first[use.name])
		default:
			first[use.name] = use.key
		}
	}
}
