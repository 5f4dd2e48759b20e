package catalog

import (
	"math"
	"regexp"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Tokens of AWS Backup types that others refer to.
const (
	Vault     = "aws:backup/vault:Vault"
	Plan      = "aws:backup/plan:Plan"
	Selection = "aws:backup/selection:Selection"
)

// badBackup is AWS Backup's error code for a parameter that it doesn't accept.
const badBackup = "InvalidParameterValueException"

// vaultName and ruleName are AWS Backup's names.
// See https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupVault.html and API_BackupRule.html
var (
	vaultName = nameRule(`a-zA-Z0-9_-`, 2, 50, "2 to 50 letters, digits, hyphens and underscores")
	ruleName  = nameRule(`a-zA-Z0-9_.-`, 1, 50, "1 to 50 letters, digits and the signs -_.")
)

var backupModels = []*model{{
	token: Vault, stateful: true, nameProperty: "name", idFromInputs: true, code: badBackup,
	// terraform-provider-aws, resource aws_backup_vault: ForceNew of these.
	forceNew: []string{"name", "kmsKeyArn"},
	defaults: map[string]any{"forceDestroy": false},
	texts:    map[string]textRule{"name": vaultName},
	arns:     []string{"kmsKeyArn"},
	complete: func(c *completion) {
		c.id = c.str("name")
		c.set("arn", c.arn(partition.Backup, "backup-vault:"+c.id))
		c.set("recoveryPoints", 0)
	},
	references: func(r *referring) { r.keyOf("kmsKeyArn") },
}, {
	token: "aws:backup/vaultPolicy:VaultPolicy", idFromInputs: true, code: badBackup,
	forceNew:  []string{"backupVaultName"}, // terraform-provider-aws, resource aws_backup_vault_policy
	texts:     map[string]textRule{"backupVaultName": vaultName},
	documents: []document{{"policy", policy.VaultAccess, badBackup, badBackup}},
	complete:  completeVaultSetting, references: vaultSettingReferences,
}, {
	token: "aws:backup/vaultLockConfiguration:VaultLockConfiguration", idFromInputs: true, code: badBackup,
	// terraform-provider-aws, resource aws_backup_vault_lock_configuration: everything is ForceNew.
	forceNew: []string{"backupVaultName", "changeableForDays", "maxRetentionDays", "minRetentionDays"},
	// See https://docs.aws.amazon.com/aws-backup/latest/devguide/API_PutBackupVaultLockConfiguration.html
	texts:  map[string]textRule{"backupVaultName": vaultName},
	ranges: map[string]numberRange{"changeableForDays": {3, 36500}, "minRetentionDays": {1, 36500}, "maxRetentionDays": {1, 36500}},
	check: func(c *checking) {
		least, ok1 := c.in.num("minRetentionDays")
		most, ok2 := c.in.num("maxRetentionDays")
		if ok1 && ok2 && least > most {
			c.fail("minRetentionDays", badBackup, "%s is more than maxRetentionDays, %s", number(least), number(most))
		}
	},
	complete: completeVaultSetting, references: vaultSettingReferences,
}, {
	token: Plan, nameProperty: "name", code: badBackup,
	forceNew: []string{"name"}, // terraform-provider-aws, resource aws_backup_plan
	texts:    map[string]textRule{"name": ruleName, "rules.ruleName": ruleName, "rules.targetVaultName": vaultName, "rules.schedule": schedule},
	// StartWindowMinutes "must be at least 60 minutes to avoid errors" (API_BackupRule.html).
	ranges: map[string]numberRange{"rules.startWindow": {60, math.MaxInt32}, "rules.completionWindow": {60, math.MaxInt32}},
	arns:   []string{"rules.copyActions.destinationVaultArn"},
	check:  checkPlan,
	complete: func(c *completion) {
		c.id = c.uuid("plan")
		c.set("arn", c.arn(partition.Backup, "backup-plan:"+c.id))
		c.set("version", c.version())
	},
	references: func(r *referring) {
		r.name("rules.targetVaultName", Vault, badBackup)
		r.arn("rules.copyActions.destinationVaultArn", Vault, badBackup)
	},
}, {
	token: Selection, nameProperty: "name", code: badBackup,
	// terraform-provider-aws, resource aws_backup_selection: everything is ForceNew.
	forceNew: []string{"conditions", "iamRoleArn", "name", "notResources", "planId", "resources", "selectionTags"},
	texts:    map[string]textRule{"name": ruleName},
	enums:    map[string][]string{"selectionTags.type": {"STRINGEQUALS"}},
	arns:     []string{"iamRoleArn"},
	check: func(c *checking) {
		if !c.in.has("resources") && !c.in.has("selectionTags") && !c.in.has("conditions") {
			c.fail("", badBackup, "a selection needs resources, selectionTags or conditions")
		}
		for _, f := range append(c.in.find("resources"), c.in.find("notResources")...) {
			if f.value.IsString() {
				c.pattern(f.path, f.value.StringValue())
			}
		}
	},
	complete: func(c *completion) { c.id = c.uuid("selection") },
	references: func(r *referring) {
		r.each("planId", Reference{TargetToken: Plan, By: ByID, SameRegion: true, SameAccount: true, Code: badBackup})
		r.roleARN("iamRoleArn", badBackup)
	},
}}

// schedule is a cron expression of six fields.
// See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
var schedule = textRule{pattern: regexp.MustCompile(`^cron\(\S+( \S+){5}\)$`), want: "cron(minutes hours day-of-month month day-of-week year)"}

// completeVaultSetting is for what configures a vault: its id is the vault's name.
func completeVaultSetting(c *completion) {
	c.id = c.str("backupVaultName")
	c.set("backupVaultArn", c.arn(partition.Backup, "backup-vault:"+c.id))
}

func vaultSettingReferences(r *referring) {
	r.name("backupVaultName", Vault, "ResourceNotFoundException")
}

// checkPlan finds life cycles, windows and copies that AWS Backup refuses.
//
// See https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html
func checkPlan(c *checking) {
	rules := map[string]bool{}
	for i, r := range c.in.list("rules") {
		path, rule := position("rules", i), object(r)
		if n := rule.str("ruleName"); n != unknown && n != "" {
			if rules[n] {
				c.fail(path+".ruleName", badBackup, "another rule of the plan is called %q", n)
			}
			rules[n] = true
		}
		c.backupLifecycle(path+".lifecycle", rule.obj("lifecycle"))
		c.backupWindows(path, rule)
		if rule.bool("enableContinuousBackup") {
			c.continuous(path, rule.obj("lifecycle"))
		}
		for j, a := range rule.list("copyActions") {
			at := position(path+".copyActions", j)
			c.backupLifecycle(at+".lifecycle", object(a).obj("lifecycle"))
			c.copyTo(at+".destinationVaultArn", object(a).str("destinationVaultArn"))
		}
	}
}

// backupLifecycle checks days: what is moved to cold storage stays there for 90 days at least.
func (c *checking) backupLifecycle(path string, lifecycle view) {
	cold, hasCold := lifecycle.num("coldStorageAfter")
	del, hasDelete := lifecycle.num("deleteAfter")
	if hasDelete && del != 0 && (del < 1 || del > 36500) {
		c.fail(path+".deleteAfter", badBackup, "Invalid lifecycle. DeleteAfterDays cannot be less than 1 or more than 36500 days: it is %s", number(del))
	}
	if hasCold && cold < 0 {
		c.fail(path+".coldStorageAfter", badBackup, "%s is less than 1 day", number(cold))
	}
	if hasCold && cold > 0 && hasDelete && del > 0 && del < cold+90 {
		c.fail(path+".deleteAfter", badBackup, "Invalid lifecycle. DeleteAfterDays must be at least 90 days after MoveToColdStorageAfterDays: %s is less than %s + 90", number(del), number(cold))
	}
}

// backupWindows checks that a job has time after its latest start. Absent windows have the provider's defaults, 60 and
// 180 minutes.
func (c *checking) backupWindows(path string, rule view) {
	start, ok := rule.num("startWindow")
	if !ok {
		start = 60
	}
	if end, ok := rule.num("completionWindow"); ok && end <= start {
		c.fail(path+".completionWindow", badBackup, "%s minutes is not more than the start window of %s", number(end), number(start))
	}
}

// continuous checks point-in-time backups, which live 35 days at most and never in cold storage.
// See https://docs.aws.amazon.com/aws-backup/latest/devguide/point-in-time-recovery.html
func (c *checking) continuous(path string, lifecycle view) {
	del, ok := lifecycle.num("deleteAfter")
	if lifecycle.unknown("deleteAfter") {
		return
	}
	if !ok || del < 1 || del > 35 {
		c.fail(path+".lifecycle.deleteAfter", badBackup, "continuous backups are kept for 1 to 35 days")
	}
	if nonzero(lifecycle, "coldStorageAfter") {
		c.fail(path+".lifecycle.coldStorageAfter", badBackup, "continuous backups can't be moved to cold storage")
	}
}

// copyTo checks that the regions and accounts may copy to each other.
func (c *checking) copyTo(path, vault string) {
	arn, err := partition.ParseARN(vault)
	if err != nil || arn.Partition != c.Place.Partition() {
		return // reported as an ARN
	}
	if arn.Region != c.Place.Region {
		if err := partition.CanCopy(c.Place.Region, arn.Region); err != nil {
			c.fail(path, badBackup, err.Error())
		}
	}
	if arn.Account != c.Place.Account {
		if err := c.Place.Region.Require(partition.BackupCrossAccountCopy); err != nil {
			c.fail(path, badBackup, err.Error())
		}
	}
}
