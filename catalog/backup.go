package catalog

import "github.com/logarchive/logarchive/partition"

// Tokens of AWS Backup types that others refer to.
const (
	Vault = "aws:backup/vault:Vault"
	Plan  = "aws:backup/plan:Plan"
)

var backupModels = []*model{{
	token: Vault, stateful: true, nameProperty: "name", idFromInputs: true,
	defaults: map[string]any{"forceDestroy": false},
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.Backup, "backup-vault:"+c.id))
		c.set("recoveryPoints", 0)
	},
}, {
	token: "aws:backup/vaultPolicy:VaultPolicy", idFromInputs: true,
	complete: completeVaultSetting,
}, {
	token: "aws:backup/vaultLockConfiguration:VaultLockConfiguration", idFromInputs: true,
	complete: completeVaultSetting,
}, {
	token: Plan, nameProperty: "name",
	complete: func(c *completion) {
		c.id = c.uuid("plan")
		c.set("arn", c.arn(partition.Backup, "backup-plan:"+c.id))
		c.set("version", c.version())
	},
}, {
	token: "aws:backup/selection:Selection", nameProperty: "name",
	complete: func(c *completion) { c.id = c.uuid("selection") },
}}

// completeVaultSetting is for what configures a vault: its id is the vault's name.
func completeVaultSetting(c *completion) {
	c.id = c.str("backupVaultName")
	c.set("backupVaultArn", c.arn(partition.Backup, "backup-vault:"+c.id))
}
