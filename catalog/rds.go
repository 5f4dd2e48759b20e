package catalog

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Databases are not made by the program, which only ships their logs: the sandbox knows them as existing. The rules
// are those of their identity.
const (
	DBInstance = "aws:rds/instance:Instance"
	DBCluster  = "aws:rds/cluster:Cluster"
	// BackupsReplication is the replication of a DB instance's automated backups to another region. It is made there.
	BackupsReplication = "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
)

// dbIdentifier is the name of a database.
// See https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
var dbIdentifier = nameRule(`a-zA-Z0-9-`, 1, 63, "1 to 63 letters, digits and hyphens")

var rdsModels = []*model{{
	token: DBInstance, stateful: true, nameProperty: "identifier", namePrefix: "identifierPrefix", code: "InvalidParameterValue",
	// terraform-provider-aws, resource aws_db_instance: ForceNew of these, among those that the program could set.
	forceNew: []string{"engine", "username", "kmsKeyId", "storageEncrypted", "snapshotIdentifier", "dbName", "timezone", "availabilityZone"},
	texts:    map[string]textRule{"identifier": dbIdentifier},
	arns:     []string{"kmsKeyId", "monitoringRoleArn"},
	check:    func(c *checking) { c.exports(false) },
	complete: func(c *completion) {
		c.id = "db-" + strings.ToUpper(c.hex("id", 26)) // since v5 the provider's id is the DbiResourceId
		c.set("resourceId", c.id)
		c.set("arn", c.arn(partition.RDS, "db:"+c.str("identifier")))
		c.set("status", "available")
	},
	references: func(r *referring) { r.keyOf("kmsKeyId") },
}, {
	token: DBCluster, stateful: true, nameProperty: "clusterIdentifier", namePrefix: "clusterIdentifierPrefix", idFromInputs: true, code: "InvalidParameterValue",
	// terraform-provider-aws, resource aws_rds_cluster: ForceNew of these, among those that the program could set.
	forceNew: []string{"clusterIdentifier", "clusterIdentifierPrefix", "engine", "masterUsername", "kmsKeyId", "storageEncrypted", "snapshotIdentifier", "databaseName"},
	texts:    map[string]textRule{"clusterIdentifier": dbIdentifier},
	arns:     []string{"kmsKeyId"},
	check:    func(c *checking) { c.exports(true) },
	complete: func(c *completion) {
		c.id = c.str("clusterIdentifier")
		c.set("clusterResourceId", "cluster-"+strings.ToUpper(c.hex("id", 26)))
		c.set("arn", c.arn(partition.RDS, "cluster:"+c.id))
	},
	references: func(r *referring) { r.keyOf("kmsKeyId") },
}, {
	token: BackupsReplication, code: "InvalidParameterValue",
	// terraform-provider-aws, resource aws_db_instance_automated_backups_replication: everything is ForceNew.
	forceNew: []string{"kmsKeyId", "preSignedUrl", "retentionPeriod", "sourceDbInstanceArn"},
	defaults: map[string]any{"retentionPeriod": 7},
	ranges:   map[string]numberRange{"retentionPeriod": {1, 35}},
	arns:     []string{"kmsKeyId", "sourceDbInstanceArn"},
	check:    checkBackupsReplication,
	complete: func(c *completion) {
		c.id = c.arn(partition.RDS, "auto-backup:ab-"+c.hex("id", 40))
	},
	references: func(r *referring) {
		r.keyOf("kmsKeyId")
		r.each("sourceDbInstanceArn", Reference{TargetToken: DBInstance, By: ByARN, SameAccount: true, External: true, Code: "DBInstanceNotFound"})
	},
}}

// exports checks the log types of a database. A wrong one is refused together with the engine that it is wrong for.
func (c *checking) exports(cluster bool) {
	engine := c.in.str("engine")
	accepted, err := partition.DatabaseLogTypes(engine, cluster)
	if err != nil { // an engine that the table doesn't know
		return
	}
	for _, f := range c.in.find("enabledCloudwatchLogsExports") {
		if t := text(f.value); t != unknown && !slices.Contains(accepted, t) {
			c.fail(f.path, "InvalidParameterCombination", "You cannot use the log types '%s' with engine version %s. For supported log types, see the documentation: want one of %s", t, engine, strings.Join(accepted, ", "))
		}
	}
}

// checkBackupsReplication finds what RDS refuses when it is asked to replicate the backups of an instance to the place.
//
// See https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StartDBInstanceAutomatedBackupsReplication.html and
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReplicateBackups.html
func checkBackupsReplication(c *checking) {
	source, ok := c.known("sourceDbInstanceArn")
	switch {
	case !ok: // reported by the table, or not known yet
	case source.Service != partition.RDS || !strings.HasPrefix(source.Resource, "db:"):
		c.fail("sourceDbInstanceArn", "InvalidParameterValue", "%q is not a DB instance: clusters' backups can't be replicated", source)
	case source.Region == c.Place.Region:
		c.fail("sourceDbInstanceArn", "InvalidParameterValue", "Source and destination regions are the same: %s; call it in the region that the backups go to", c.Place.Region)
	default:
		if err := partition.CanCopy(source.Region, c.Place.Region); err != nil {
			c.fail("sourceDbInstanceArn", "InvalidParameterValue", "%v", err)
		}
	}
	if key, ok := c.known("kmsKeyId"); ok && key.Region != c.Place.Region {
		c.fail("kmsKeyId", "KMSKeyNotAccessibleFault", "%q is not in %s: the key must be of the region that the backups go to", key, c.Place.Region)
	}
}
