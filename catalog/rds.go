package catalog

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Databases are not made by the program, which only ships their logs: the sandbox knows them as existing. The rules
// are those of their identity.
const (
	DBInstance = "aws:rds/instance:Instance"
	DBCluster  = "aws:rds/cluster:Cluster"
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
	complete: func(c *completion) {
		c.id = c.str("clusterIdentifier")
		c.set("clusterResourceId", "cluster-"+strings.ToUpper(c.hex("id", 26)))
		c.set("arn", c.arn(partition.RDS, "cluster:"+c.id))
	},
	references: func(r *referring) { r.keyOf("kmsKeyId") },
}}
