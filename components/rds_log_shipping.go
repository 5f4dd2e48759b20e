package components

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// RdsLogShippingArgs are the Args of [NewRdsLogShipping].
type RdsLogShippingArgs struct {
	// Place is where the database is.
	Place partition.Place
	// Identifier is the DB instance's or DB cluster's identifier.
	Identifier string
	// Engine is the engine's name as RDS writes it, such as mysql or aurora-postgresql.
	Engine string
	// Cluster says that Identifier is a DB cluster: Aurora, or a Multi-AZ DB cluster.
	Cluster bool
	// LogTypes are the logs to ship: see [RdsLogTypes].
	LogTypes []string
	// CreateLogGroups creates the log groups, with RetentionDays, before RDS does it without a retention. If false, they
	// must exist.
	CreateLogGroups bool
	RetentionDays   int
	// Pipeline carries the logs.
	Pipeline *FirehoseToS3Pipeline
	// Tags are put on the log groups.
	Tags map[string]string
}

// RdsLogShipping is the way of a database's logs into a pipeline.
type RdsLogShipping struct {
	pulumi.ResourceState
	// EnabledCloudwatchLogsExports is for the property of that name of the rds.Instance or rds.Cluster. It becomes known
	// when the logs are subscribed, so that RDS writes nothing before that.
	EnabledCloudwatchLogsExports pulumi.StringArrayOutput
	// LogGroupNames are in the order of Args.LogTypes.
	LogGroupNames []string
}
