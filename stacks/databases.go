package stacks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/stacks/schema"
)

// maxDatabaseIdentifier is the longest identifier of an instance or cluster (CreateDBInstance).
const maxDatabaseIdentifier = 63

// databases reads the databases.
func (p *parser) databases(v schema.Value) {
	identifiers := newOnce(p)
	for _, item := range v.Items() {
		identifier, engine, cluster := item.Get("identifier"), item.Get("engine"), item.Get("cluster")
		s := DatabaseSpec{
			Key:             item.Path,
			Identifier:      identifier.Text(),
			Engine:          engine.Text(),
			Cluster:         cluster.Flag(),
			CreateLogGroups: item.Get("createLogGroups").Flag(),
		}
		aurora := strings.HasPrefix(s.Engine, "aurora-")
		s.Cluster = s.Cluster || aurora
		s.RetentionDays = p.createdRetention(item, "createLogGroups")
		s.EnableExports = item.Get("enableExports").Flag()
		s.ReplicatedDays = p.replicated(item, s)
		if identifier.OK() {
			p.identifier(identifier)
			compared := strings.ToLower(s.Identifier)
			if s.Cluster {
				compared = "cluster " + compared
			}
			identifiers.value(identifier, compared, "is the database of", "want each database once")
		}
		switch {
		case !engine.OK():
		case aurora && cluster.OK() && !cluster.Flag():
			p.add(cluster, "false is not accepted for %s, whose logs are those of the cluster; leave it out", s.Engine)
		default:
			s.LogTypes = p.logTypes(item, s)
		}
		if item.Valid {
			p.spec.Databases = append(p.spec.Databases, s)
		}
	}
	p.replications(v)
}

// identifier checks what the pattern doesn't. RDS keeps identifiers in lower case, and the names of the log groups have
// them as they are kept.
func (p *parser) identifier(v schema.Value) {
	switch name := v.Text(); {
	case len(name) > maxDatabaseIdentifier:
		p.add(v, "%s has %d characters; want at most %d", schema.Quote(name), len(name), maxDatabaseIdentifier)
	case name != strings.ToLower(name):
		p.add(v, "%s has upper-case letters, but RDS keeps identifiers in lower case; say %s", schema.Quote(name), strings.ToLower(name))
	}
}

// logTypes reads the logs of a database and notes their groups.
func (p *parser) logTypes(item schema.Value, s DatabaseSpec) []string {
	accepted, err := components.RdsLogTypes(s.Engine, s.Cluster)
	if err != nil {
		where := item.Get("engine")
		if item.Get("cluster").OK() {
			where = item.Get("cluster")
		}
		p.add(where, "%v", err)
		return nil
	}
	what := s.Engine
	if s.Cluster {
		what += " clusters"
	}
	var types []string
	seen := newOnce(p)
	for _, v := range item.Get("logTypes").Items() {
		if !v.OK() {
			continue
		}
		if !slices.Contains(accepted, v.Text()) {
			hint := ""
			if near := schema.Closest(v.Text(), accepted); near != "" {
				hint = fmt.Sprintf("; say %s", near)
			}
			p.add(v, "%s is not a log type of %s%s; want one of %s", schema.Quote(v.Text()), what, hint, strings.Join(accepted, ", "))
			continue
		}
		seen.text(v, "is", "want each log type once")
		types = append(types, v.Text())
		p.groups = append(p.groups, groupUse{databaseLogGroup(s, v.Text()), v.Path})
	}
	return types
}
