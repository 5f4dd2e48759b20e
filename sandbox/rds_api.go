package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/functions/rdsexports"
	"github.com/logarchive/logarchive/functions/rdsexports/standin"
	"github.com/logarchive/logarchive/partition"
)

// Properties of databases that no schema has: what the sandbox is told of their parameter and option groups. Where it isn't
// told, groups have what logs need.
const (
	parametersProperty = "sandboxParameters" // an object: parameter to value
	optionsProperty    = "sandboxOptions"    // a list
)

// assumedParameters are those of a parameter group that nothing is known of.
var assumedParameters = map[string]string{
	"general_log": "1", "slow_query_log": "1", "log_output": "FILE", "server_audit_logging": "1", "server_audit_events": "CONNECT,QUERY_DDL",
	"log_statement": "ddl", "log_connections": "1", "audit_trail": "OS",
}

var assumedOptions = []string{"MARIADB_AUDIT_PLUGIN", "OEM_AGENT"}

// rdsOf is RDS as a function meets it: the world's databases of the function's place, with the policies of its role. What it
// changes is in the world at once.
func (w *World) rdsOf(f *function, authorize func(Hop) error) *standin.RDS {
	place := f.object.Place
	r := &standin.RDS{
		ParameterGroups: map[string]map[string]string{}, OptionGroups: map[string][]string{}, LogTypes: partition.DatabaseLogTypes, Looks: 1,
		ARN: func(res string) string { return place.ARN(partition.RDS, res).String() },
	}
	r.Authorize = func(action, arn string, tagKeys []string) error {
		hop, err := f.hop("calls RDS", action, arn)
		if err != nil {
			return err
		}
		if len(tagKeys) > 0 {
			hop.Context["aws:TagKeys"] = tagKeys
		}
		var refused *Refusal
		if err := authorize(hop); errors.As(err, &refused) {
			return standin.Refuse("AccessDenied", "User: %s is not authorized to perform: %s on resource: %s: %s", hop.Principal, action, arn, refused.Reason)
		} else if err != nil {
			return err
		}
		return nil
	}
	r.Changed = w.exportsChanged
	for _, kind := range []rdsexports.Kind{rdsexports.Instance, rdsexports.Cluster} {
		for _, o := range w.List(databaseTokens[kind]) {
			if o.Place == place {
				r.Put(databaseOf(o, kind, r))
			}
		}
	}
	return r
}

var databaseTokens = map[rdsexports.Kind]string{rdsexports.Instance: catalog.DBInstance, rdsexports.Cluster: catalog.DBCluster}

// databaseOf is a database as RDS answers it; its groups go into the stand-in.
func databaseOf(o Object, kind rdsexports.Kind, r *standin.RDS) rdsexports.Database {
	id := o.Text(map[rdsexports.Kind]string{rdsexports.Instance: "identifier", rdsexports.Cluster: "clusterIdentifier"}[kind])
	d := rdsexports.Database{
		Kind: kind, ID: id, ARN: o.ARN(), Engine: o.Text("engine"), Status: "available",
		Exports: strs(o.State["enabledCloudwatchLogsExports"]), ParameterGroups: []string{id}, OptionGroups: []string{id},
		IAMAuthentication: true, Tags: map[string]string{},
	}
	if status := o.Text("status"); status != "" {
		d.Status = status
	}
	if v := o.State["iamDatabaseAuthenticationEnabled"]; v.IsBool() {
		d.IAMAuthentication = v.BoolValue()
	}
	for key, value := range child(o.State, "tags") {
		if value.IsString() {
			d.Tags[string(key)] = value.StringValue()
		}
	}
	r.ParameterGroups[id], r.OptionGroups[id] = assumedParameters, assumedOptions
	if _, told := o.State[parametersProperty]; told {
		r.ParameterGroups[id] = map[string]string{}
		for key, value := range child(o.State, parametersProperty) {
			if value.IsString() {
				r.ParameterGroups[id][string(key)] = value.StringValue()
			}
		}
	}
	if v, told := o.State[optionsProperty]; told {
		r.OptionGroups[id] = strs(v)
	}
	return d
}

// exportsChanged puts a database's exports and tags into the world.
func (w *World) exportsChanged(d rdsexports.Database) error {
	return w.changeDatabase(d.ARN, func(state resource.PropertyMap) {
		exports := []any{}
		for _, t := range slices.Sorted(slices.Values(d.Exports)) {
			exports = append(exports, t)
		}
		tags := map[string]any{}
		for key, value := range d.Tags {
			tags[key] = value
		}
		state["enabledCloudwatchLogsExports"], state["tags"] = resource.NewPropertyValue(exports), resource.NewPropertyValue(tags)
	})
}

// changeDatabase changes a database as somebody other than a stack does.
func (w *World) changeDatabase(arn string, modify func(resource.PropertyMap)) error {
	return w.change(func() (*change, error) {
		o := w.arn(arn)
		if o == nil || o.Type != catalog.DBInstance && o.Type != catalog.DBCluster {
			return nil, &APIError{Code: "DBInstanceNotFound", Message: "there is no database " + arn}
		}
		changed := *o
		changed.State = o.State.Copy()
		modify(changed.State)
		return &change{Put: []*Object{&changed}}, nil
	})
}

// SwitchExports switches log types of a database on and off, as somebody does by hand in the console: a database that drifts.
// Errors: there is no such database; a log type that its engine doesn't have (InvalidParameterCombination).
func (w *World) SwitchExports(place partition.Place, identifier string, on, off []string) error {
	for kind, prefix := range map[rdsexports.Kind]string{rdsexports.Instance: "db:", rdsexports.Cluster: "cluster:"} {
		arn := place.ARN(partition.RDS, prefix+identifier).String()
		o, ok := w.ByARN(arn)
		if !ok {
			continue
		}
		accepted, err := partition.DatabaseLogTypes(o.Text("engine"), kind == rdsexports.Cluster)
		if err != nil {
			return fmt.Errorf("sandbox: %s: %w", identifier, err)
		}
		for _, t := range append(slices.Clone(on), off...) {
			if !slices.Contains(accepted, t) {
				return &APIError{Code: "InvalidParameterCombination", Message: fmt.Sprintf("You cannot use the log types '%s' with engine version %s: want one of %s", t, o.Text("engine"), strings.Join(accepted, ", "))}
			}
		}
		return w.changeDatabase(arn, func(state resource.PropertyMap) {
			now := slices.DeleteFunc(append(strs(state["enabledCloudwatchLogsExports"]), on...), func(t string) bool { return slices.Contains(off, t) })
			slices.Sort(now)
			exports := []any{}
			for _, t := range slices.Compact(now) {
				exports = append(exports, t)
			}
			state["enabledCloudwatchLogsExports"] = resource.NewPropertyValue(exports)
		})
	}
	return &APIError{Code: "DBInstanceNotFound", Message: fmt.Sprintf("DBInstance %s not found in %s (the sandbox takes databases over from a stack's configuration)", identifier, place)}
}
