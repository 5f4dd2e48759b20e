package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/backup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// BackupVaultWithCopyArgs are the Args of [NewBackupVaultWithCopy].
type BackupVaultWithCopyArgs struct {
	// Home is where the backed-up resources are, Copy where copies of the backups go: another region of the same account.
	Home, Copy partition.Place
	// HomeProvider and CopyProvider act at Home and Copy.
	HomeProvider, CopyProvider *aws.Provider
	// VaultName and CopyVaultName are 2 to 50 letters, digits, "-" and "_"; they may be the same. The vaults' keys have
	// the aliases "<name>" at each place.
	VaultName, CopyVaultName string
	// PlanName is the backup plan's name.
	PlanName string
	// RoleName is the role that AWS Backup acts as.
	RoleName string
	// Rules say when is backed up, and how long it is kept. At least one.
	Rules []BackupRule
	// SelectionTags select the resources that carry at least one of them, SelectionArns those that have these ARNs, in
	// which "*" stands for anything. What either selects is backed up.
	SelectionTags []BackupTag
	SelectionArns []string
	// Tags are put on vaults, keys, plan and role.
	Tags map[string]string
}

// BackupTag is a tag of resources to back up.
type BackupTag struct{ Key, Value string }

// BackupRule is a schedule with its retention.
type BackupRule struct {
	Name string
	// Schedule is a cron expression of AWS, in UTC: cron(0 2 ? * * *).
	Schedule string
	// A backup starts within StartWindowMinutes of the schedule (at least 60; 0 means 60), or not at all, and is cancelled
	// when it isn't finished CompletionWindowMinutes after the schedule (0 means 7 days).
	StartWindowMinutes, CompletionWindowMinutes int
	// ColdStorageAfterDays moves backups of the types that support it to cold storage; 0 never.
	ColdStorageAfterDays int
	// DeleteAfterDays is when a backup expires, at least 90 days after it moved to cold storage.
	DeleteAfterDays int
	// The same for the copies.
	CopyColdStorageAfterDays, CopyDeleteAfterDays int
}

// BackupVaultWithCopy is a backup vault with its plan, and the vault that the backups are copied to.
type BackupVaultWithCopy struct {
	pulumi.ResourceState
	Vault, CopyVault       *backup.Vault
	Plan                   *backup.Plan
	VaultArn, CopyVaultArn pulumi.StringOutput
	PlanID                 pulumi.StringOutput
	RoleArn                pulumi.StringOutput
}
