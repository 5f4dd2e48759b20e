package stacks

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// The kinds of externals besides what flow logs record ([KindVPC] and so on).
const (
	KindRDSInstance   = "rds-instance"
	KindRDSCluster    = "rds-cluster"
	KindLogGroup      = "log-group"
	KindLogGroups     = "log-groups" // every one that nothing else names
	KindRole          = "role"
	KindRouteTable    = "route-table"
	KindSecurityGroup = "security-group"
	KindPolicy        = "policy" // a managed policy of the account
)

// Attributes of externals.
const (
	AttributeExternalID = "externalId" // role: what its trust policy asks for
	AttributeEngine     = "engine"     // database: as RDS calls it
	AttributePolicy     = "policy"     // role: what its own policies must allow; policy: what it says; as a policy document
	AttributeQueue      = "queue"      // role: the queue that it receives from
	AttributeLogTypes   = "logTypes"   // database: the exported logs, with commas between
	AttributeTags       = "tags"       // instance: key=value, with commas between
	// AttributeInstanceProfile is the name of an instance's profile.
	AttributeInstanceProfile = "iamInstanceProfile"
)

// External is something that the configuration refers to and that no stack creates: it must be there already.
type External struct {
	Kind  string
	ID    string
	Place partition.Place
	// Key is the path of the key that refers to it.
	Key string
	// Attributes is what must be true of it, by the names above; nil if nothing.
	Attributes map[string]string
}

// Externals returns what must be there before the stack is created, in the order of the configuration.
func (s *Spec) Externals() []External {
	list := []External{{
		Kind: KindRole, ID: strings.TrimPrefix(s.ArchiveRole.Resource, "role/"), Place: s.Archive, Key: Namespace + ":archive.role",
		Attributes: map[string]string{AttributeExternalID: s.ExternalID},
	}}
	for _, a := range s.Accounts {
		list = append(list, a.externals()...)
	}
	return slices.Concat(list, s.organizationExternal(), s.replicaExternals(), s.boundaryExternals(), s.siemExternals(), s.ownExternals(), s.accessLogExternals())
}

// ownExternals are those of the stack's own source account.
func (s *Spec) ownExternals() []External {
	var list []External
	for _, f := range s.FlowLogs {
		list = append(list, External{Kind: f.Kind, ID: f.ID, Place: s.Home, Key: f.Key})
	}
	for _, g := range s.LogGroups {
		if !g.Create {
			list = append(list, External{Kind: KindLogGroup, ID: g.Name, Place: s.Home, Key: g.Key})
		}
	}
	for _, d := range s.Databases {
		attributes := map[string]string{AttributeEngine: d.Engine}
		if !d.EnableExports { // otherwise the stack switches them on
			attributes[AttributeLogTypes] = strings.Join(d.LogTypes, ",")
		}
		list = append(list, External{Kind: d.kind(), ID: d.Identifier, Place: s.Home, Key: d.Key, Attributes: attributes})
		if d.CreateLogGroups {
			continue
		}
		for _, logType := range d.LogTypes {
			list = append(list, External{Kind: KindLogGroup, ID: databaseLogGroup(d, logType), Place: s.Home, Key: d.Key})
		}
	}
	list = append(list, s.instanceExternals()...)
	list = append(list, s.syslogExternals()...)
	list = append(list, s.endpointExternals()...)
	list = append(list, s.serviceExternals()...)
	return append(list, s.backedUp(list)...)
}

// kind returns what the database is.
func (d DatabaseSpec) kind() string {
	if d.Cluster {
		return KindRDSCluster
	}
	return KindRDSInstance
}

// backedUp returns the databases that are named for backup, exactly and not as one of those in the list. What else a
// plan selects may be there or not: a selection that finds nothing is no error.
func (s *Spec) backedUp(list []External) []External {
	if s.BackupPlan == nil {
		return nil
	}
	known := map[[2]string]bool{}
	for _, e := range list {
		known[[2]string{e.Kind, e.ID}] = true
	}
	var more []External
	for _, selected := range s.BackupPlan.ARNs {
		kind, id, _ := strings.Cut(selected.ARN.Resource, ":")
		kinds := map[string]string{"db": KindRDSInstance, "cluster": KindRDSCluster}
		if selected.ARN.Service != partition.RDS || kinds[kind] == "" || strings.ContainsAny(id, "*?") || known[[2]string{kinds[kind], id}] {
			continue
		}
		more = append(more, External{Kind: kinds[kind], ID: id, Place: s.Home, Key: selected.Key})
	}
	return more
}
