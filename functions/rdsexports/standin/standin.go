// Package standin takes RDS's place for package rdsexports: databases whose exports can be changed, with RDS's refusals. It
// is for whoever runs the function without AWS: in Go, or through the AWS SDK by [RDS.ServeHTTP].
package standin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/smithy-go"

	"github.com/logarchive/logarchive/functions/rdsexports"
)

// RDS is the RDS of one account and region. The zero value has no databases and lets everybody do everything.
type RDS struct {
	// ParameterGroups are the values of parameter groups, OptionGroups the options of option groups, by the group's name.
	ParameterGroups map[string]map[string]string
	OptionGroups    map[string][]string
	// LogTypes are those that an engine can export; nil lets every type pass.
	LogTypes func(engine string, cluster bool) ([]string, error)
	// ARN is that of a parameter or option group ("pg:name"); nil leaves its authorization out.
	ARN func(resource string) string
	// Authorize decides a call; nil allows.
	Authorize func(action, arn string, tagKeys []string) error
	// Changed is told of a database whose exports or tags were changed.
	Changed func(rdsexports.Database) error
	// Looks is how often a database is looked at until a change of its exports has been made.
	Looks int

	mu        sync.Mutex
	databases map[string]*database
	calls     []string
}

type database struct {
	rdsexports.Database
	looks int
}

var _ rdsexports.RDS = (*RDS)(nil)

func keyOf(kind rdsexports.Kind, id string) string { return string(kind) + "/" + strings.ToLower(id) }

// Put makes a database, or replaces it.
func (r *RDS) Put(d rdsexports.Database) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.databases == nil {
		r.databases = map[string]*database{}
	}
	r.databases[keyOf(d.Kind, d.ID)] = &database{Database: d}
}

// Delete removes a database.
func (r *RDS) Delete(kind rdsexports.Kind, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.databases, keyOf(kind, id))
}

// Get is a database as it is now.
func (r *RDS) Get(kind rdsexports.Kind, id string) (rdsexports.Database, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.databases[keyOf(kind, id)]
	if !ok {
		return rdsexports.Database{}, false
	}
	return d.copy(), true
}

// Calls are the actions that were called, in order.
func (r *RDS) Calls() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

func (d *database) copy() rdsexports.Database {
	c := d.Database
	c.Exports, c.Enabling, c.Disabling = slices.Clone(c.Exports), slices.Clone(c.Enabling), slices.Clone(c.Disabling)
	c.Tags = maps.Clone(c.Tags)
	return c
}

// Refuse is an error that RDS answers a call with.
func Refuse(code, format string, args ...any) error {
	return &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient}
}

// begin notes a call and decides it.
func (r *RDS) begin(action, arn string, tagKeys ...string) error {
	r.calls = append(r.calls, action)
	if r.Authorize == nil || arn == "" {
		return nil
	}
	return r.Authorize("rds:"+action, arn, tagKeys)
}

func (r *RDS) find(kind rdsexports.Kind, id string) (*database, error) {
	if d, ok := r.databases[keyOf(kind, id)]; ok {
		return d, nil
	}
	if kind == rdsexports.Cluster {
		return nil, Refuse("DBClusterNotFoundFault", "DBCluster %s not found.", id)
	}
	return nil, Refuse("DBInstanceNotFound", "DBInstance %s not found.", id)
}

func action(verb string, kind rdsexports.Kind, plural string) string {
	if kind == rdsexports.Cluster {
		return verb + "DBCluster" + plural
	}
	return verb + "DBInstance" + plural
}

func (r *RDS) arn(resource string) string {
	if r.ARN == nil {
		return ""
	}
	return r.ARN(resource)
}

func (r *RDS) arnOf(kind rdsexports.Kind, id string) string {
	if kind == rdsexports.Cluster {
		return r.arn("cluster:" + id)
	}
	return r.arn("db:" + id)
}

// Describe does what DescribeDBInstances and DescribeDBClusters do for one database.
func (r *RDS) Describe(_ context.Context, kind rdsexports.Kind, id string) (rdsexports.Database, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.begin(action("Describe", kind, "s"), r.arnOf(kind, id)); err != nil {
		return rdsexports.Database{}, err
	}
	d, err := r.find(kind, id)
	if err != nil {
		return rdsexports.Database{}, err
	}
	if len(d.Enabling)+len(d.Disabling) > 0 {
		if d.looks--; d.looks < 0 {
			d.Exports = slices.DeleteFunc(append(slices.Clone(d.Exports), d.Enabling...), func(t string) bool { return slices.Contains(d.Disabling, t) })
			d.Enabling, d.Disabling, d.Status = nil, nil, "available"
		}
	}
	return d.copy(), nil
}

// Export does what ModifyDBInstance and ModifyDBCluster do with a CloudwatchLogsExportConfiguration.
//
// See https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
func (r *RDS) Export(_ context.Context, kind rdsexports.Kind, id string, enable, disable []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.begin(action("Modify", kind, ""), r.arnOf(kind, id)); err != nil {
		return err
	}
	d, err := r.find(kind, id)
	if err != nil {
		return err
	}
	if err := r.refuse(d, enable, disable); err != nil {
		return err
	}
	d.Enabling = slices.DeleteFunc(slices.Clone(enable), func(t string) bool { return slices.Contains(d.Exports, t) })
	d.Disabling = slices.DeleteFunc(slices.Clone(disable), func(t string) bool { return !slices.Contains(d.Exports, t) })
	if len(d.Enabling)+len(d.Disabling) == 0 {
		return nil
	}
	d.Status, d.looks = "configuring-log-exports", r.Looks
	return r.changed(d)
}

func (r *RDS) refuse(d *database, enable, disable []string) error {
	if r.LogTypes != nil {
		accepted, err := r.LogTypes(d.Engine, d.Kind == rdsexports.Cluster)
		if err != nil {
			accepted = nil
		}
		for _, t := range append(slices.Clone(enable), disable...) {
			if !slices.Contains(accepted, t) {
				return Refuse("InvalidParameterCombination", "You cannot use the log types '%s' with engine version %s. For supported log types, see the documentation.", t, d.Engine)
			}
		}
	}
	if slices.ContainsFunc(enable, func(t string) bool { return slices.Contains(disable, t) }) {
		return Refuse("InvalidParameterCombination", "A log type can't be enabled and disabled at the same time.")
	}
	if !slices.Contains([]string{"available", "storage-optimization"}, d.Status) {
		if d.Kind == rdsexports.Cluster {
			return Refuse("InvalidDBClusterStateFault", "DBCluster %s is not in available state.", d.ID)
		}
		return Refuse("InvalidDBInstanceState", "Database instance %s is not in available state.", d.ID)
	}
	return nil
}

func (r *RDS) changed(d *database) error {
	if r.Changed == nil {
		return nil
	}
	c := d.copy()
	c.Exports = slices.DeleteFunc(append(c.Exports, c.Enabling...), func(t string) bool { return slices.Contains(c.Disabling, t) })
	return r.Changed(c)
}

// The actions that read groups.
var readGroup = map[rdsexports.Kind]struct{ action, prefix string }{
	rdsexports.Instance: {"DescribeDBParameters", "pg:"},
	rdsexports.Cluster:  {"DescribeDBClusterParameters", "cluster-pg:"},
}

// Parameters does what DescribeDBParameters and DescribeDBClusterParameters do, of the parameters that have a value.
func (r *RDS) Parameters(_ context.Context, kind rdsexports.Kind, group string) (map[string]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.begin(readGroup[kind].action, r.arn(readGroup[kind].prefix+group)); err != nil {
		return nil, err
	}
	values, ok := r.ParameterGroups[group]
	if !ok {
		return nil, Refuse("DBParameterGroupNotFound", "DBParameterGroup not found: %s", group)
	}
	return values, nil
}

// Tag does what AddTagsToResource does.
func (r *RDS) Tag(_ context.Context, arn, key, value string) error {
	return r.tag("AddTagsToResource", arn, key, func(tags map[string]string) { tags[key] = value })
}

// Untag does what RemoveTagsFromResource does.
func (r *RDS) Untag(_ context.Context, arn, key string) error {
	return r.tag("RemoveTagsFromResource", arn, key, func(tags map[string]string) { delete(tags, key) })
}

func (r *RDS) tag(action, arn, key string, change func(map[string]string)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.begin(action, arn, key); err != nil {
		return err
	}
	for _, d := range r.databases {
		if d.ARN == arn {
			if d.Tags == nil {
				d.Tags = map[string]string{}
			}
			change(d.Tags)
			return r.changed(d)
		}
	}
	return Refuse("DBInstanceNotFound", "%s not found.", arn)
}

// Options does what DescribeOptionGroups does for one group.
func (r *RDS) Options(_ context.Context, group string) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.begin("DescribeOptionGroups", r.arn("og:"+group)); err != nil {
		return nil, err
	}
	names, ok := r.OptionGroups[group]
	if !ok {
		return nil, Refuse("OptionGroupNotFoundFault", "Specified OptionGroupName: %s not found.", group)
	}
	return names, nil
}
