package rdsexports

import (
	"context"
	"errors"
	"slices"

	"github.com/logarchive/logarchive/functions/subscribe/report"
)

// Kind is what exports logs: a DB instance or a DB cluster.
type Kind string

// The kinds.
const (
	Instance Kind = "instance"
	Cluster  Kind = "cluster"
)

// Database is what RDS says about a database.
type Database struct {
	Kind                    Kind
	ID, ARN, Engine, Status string
	// Exports are the log types that are switched on; Enabling and Disabling are changes that RDS is working on.
	Exports, Enabling, Disabling []string
	// ParameterGroups and OptionGroups are those that the database uses.
	ParameterGroups, OptionGroups []string
	// IAMAuthentication says whether users may log in by IAM.
	IAMAuthentication bool
	Tags              map[string]string
}

// on are the types that are, or are about to be, switched on.
func (d *Database) on() []string {
	all := slices.Concat(d.Exports, d.Enabling)
	return slices.DeleteFunc(all, func(t string) bool { return slices.Contains(d.Disabling, t) })
}

// RDS is the part of RDS that is used here. Its errors have AWS's code as ErrorCode() string, as those of the AWS SDK do.
type RDS interface {
	// Describe answers DBInstanceNotFound or DBClusterNotFoundFault for a database that isn't there.
	Describe(ctx context.Context, kind Kind, id string) (Database, error)
	// Export switches log types on and off, and changes nothing else.
	Export(ctx context.Context, kind Kind, id string, enable, disable []string) error
	// Parameters answers the parameters of a group that have a value.
	Parameters(ctx context.Context, kind Kind, group string) (map[string]string, error)
	// Options answers the options of a group.
	Options(ctx context.Context, group string) ([]string, error)
	// Tag gives a database a tag; Untag takes it away.
	Tag(ctx context.Context, arn, key, value string) error
	Untag(ctx context.Context, arn, key string) error
}

func notFound(err error) bool {
	return slices.Contains([]string{"DBInstanceNotFound", "DBInstanceNotFoundFault", "DBClusterNotFoundFault", "DBClusterNotFound"}, report.Code(err))
}

// curable tells whether the same call may succeed in a moment: the database is busy, or RDS or the way to it is.
func curable(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	c := report.Code(err)
	return c == "" || slices.Contains([]string{"InvalidDBInstanceState", "InvalidDBInstanceStateFault", "InvalidDBClusterStateFault",
		"Throttling", "ThrottlingException", "RequestLimitExceeded", "InternalFailure", "InternalError", "ServiceUnavailable", "RequestTimeout"}, c)
}

// hopeless are the states that a database doesn't leave before somebody does something, and what that is.
//
// See https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
var hopeless = map[string]string{
	"stopped":                             "start it",
	"deleting":                            "take it out of the configuration",
	"failed":                              "restore it",
	"restore-error":                       "restore it",
	"inaccessible-encryption-credentials": "give RDS its KMS key back",
	"incompatible-network":                "mend its network",
	"incompatible-option-group":           "mend its option group",
	"incompatible-parameters":             "mend its parameter group",
	"incompatible-restore":                "restore it",
	"incompatible-credentials":            "mend its credentials",
	"insufficient-capacity":               "change its instance class or its subnet group",
	"cloning-failed":                      "delete it",
	"migration-failed":                    "delete it",
	"inaccessible-encryption-credentials-recoverable": "give RDS its KMS key back, and start it",
}

// without are the elements that aren't in the other list, in order.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// both are the elements that are in both lists, in the order of the first.
func both(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !slices.Contains(other, s) })
}
