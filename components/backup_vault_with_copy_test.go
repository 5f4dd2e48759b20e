package components_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const (
	vaultType     = "aws:backup/vault:Vault"
	selectionType = "aws:backup/selection:Selection"
)

func backupArgs(p *program) *components.BackupVaultWithCopyArgs {
	return &components.BackupVaultWithCopyArgs{
		Home: home, Copy: second,
		HomeProvider: p.provider(home), CopyProvider: p.provider(second),
		VaultName: "log-archive", CopyVaultName: "log-archive-copy", PlanName: "log-archive", RoleName: "log-archive-backup",
		Rules: []components.BackupRule{{
			Name: "daily", Schedule: "cron(0 2 ? * * *)", StartWindowMinutes: 60, CompletionWindowMinutes: 180,
			ColdStorageAfterDays: 30, DeleteAfterDays: 120, CopyDeleteAfterDays: 400,
		}},
		SelectionTags: []components.BackupTag{{Key: "backup", Value: "daily"}},
		SelectionArns: []string{home.ARN(partition.RDS, "db:*").String()},
		Tags:          map[string]string{"data": "backups"},
	}
}

func backups(change func(*components.BackupVaultWithCopyArgs)) func(*program) error {
	return func(p *program) error {
		args := backupArgs(p)
		change(args)
		_, err := components.NewBackupVaultWithCopy(p.ctx, "backup", args)
		return err
	}
}

func TestBackupVaultWithCopy(t *testing.T) {
	t.Parallel()
	g := record(t, backups(func(*components.BackupVaultWithCopyArgs) {}))
	vault, copied := find(t, g, vaultType, "backup"), find(t, g, vaultType, "backup-copy")
	key, copyKey := find(t, g, "aws:kms/key:Key", "backup-key"), find(t, g, "aws:kms/key:Key", "backup-copy-key")
	if vault.Place != home || copied.Place != second || key.Place != home || copyKey.Place != second {
		t.Errorf("vaults at %s and %s, keys at %s and %s", vault.Place, copied.Place, key.Place, copyKey.Place)
	}
	for _, r := range g.Resources {
		if stays := slices.Contains([]*graph.Resource{vault, copied, key, copyKey}, r); r.Protect != stays {
			t.Errorf("%s: protect is %t", r.URN, r.Protect)
		} else if (stays || strings.HasSuffix(r.Type, ":VaultPolicy")) != r.RetainOnDelete {
			t.Errorf("%s: retainOnDelete is %t", r.URN, r.RetainOnDelete)
		}
	}
	tags := map[string]any{"data": "backups"}
	inputs(t, vault, map[string]any{"name": "log-archive", "kmsKeyArn": key.Outputs["arn"].StringValue(), "tags": tags})
	inputs(t, copied, map[string]any{"name": "log-archive-copy", "kmsKeyArn": copyKey.Outputs["arn"].StringValue(), "tags": tags})
	inputs(t, find(t, g, "aws:kms/alias:Alias", "backup-copy-key"), map[string]any{"name": "alias/log-archive-copy", "targetKeyId": copyKey.ID})
	plan := find(t, g, "aws:backup/plan:Plan", "backup")
	inputs(t, plan, map[string]any{
		"name": "log-archive", "tags": tags,
		"rules": []any{map[string]any{
			"ruleName": "daily", "schedule": "cron(0 2 ? * * *)", "startWindow": 60, "completionWindow": 180,
			"targetVaultName": "log-archive",
			"lifecycle":       map[string]any{"coldStorageAfter": 30, "deleteAfter": 120},
			"copyActions": []any{map[string]any{
				"destinationVaultArn": second.ARN(partition.Backup, "backup-vault:log-archive-copy").String(),
				"lifecycle":           map[string]any{"deleteAfter": 400},
			}},
		}},
	})
	role := home.RoleARN("log-archive-backup").String()
	inputs(t, find(t, g, selectionType, "backup-tags"), map[string]any{
		"name": "by-tag", "planId": plan.ID, "iamRoleArn": role,
		"selectionTags": []any{map[string]any{"type": "STRINGEQUALS", "key": "backup", "value": "daily"}},
	})
	inputs(t, find(t, g, selectionType, "backup-arns"), map[string]any{
		"name": "by-arn", "planId": plan.ID, "iamRoleArn": role, "resources": []any{home.ARN(partition.RDS, "db:*").String()},
	})
	for _, what := range []string{"vaults", "ec2", "rds", "dynamodb", "s3"} {
		dependsOn(t, g, find(t, g, selectionType, "backup-arns"), find(t, g, rolePolicy, "backup-"+what))
	}
}

func TestBackupPolicies(t *testing.T) {
	t.Parallel()
	g := record(t, backups(func(*components.BackupVaultWithCopyArgs) {}))
	when := policy.Conditions{}
	document(t, find(t, g, roleType, "backup"), "assumeRolePolicy", policy.Trust, policy.Statement{
		Effect: policy.Allow, Principal: service(t, partition.Backup), Action: []string{"sts:AssumeRole"},
		Condition: when.With("StringEquals", "aws:SourceAccount", "111122223333"),
	})
	document(t, find(t, g, "aws:backup/vaultPolicy:VaultPolicy", "backup-copy"), "policy", policy.VaultAccess, policy.Statement{
		Sid: "NobodyDeletes", Effect: policy.Deny, Principal: policy.AnyPrincipal(), Resource: []string{"*"},
		Action: []string{"backup:DeleteBackupVault", "backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"},
	})
	doc, err := policy.Parse([]byte(text(t, find(t, g, "aws:kms/key:Key", "backup-copy-key"), "policy")))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range doc.Validate(policy.Key) {
		t.Error(p)
	}
	linked := home.RoleARN("aws-service-role/" + string(service(t, partition.Backup).Service[0]) + "/AWSServiceRoleForBackup").String()
	byBackup := when.With("ArnEquals", "aws:PrincipalArn", linked, home.RoleARN("log-archive-backup").String())
	account := policy.AWSPrincipals(home.RootARN().String())
	want := []policy.Statement{
		{Sid: "EncryptBackups", Effect: policy.Allow, Principal: account, Resource: []string{"*"}, Condition: byBackup,
			Action: []string{"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"}},
		{Sid: "GrantToServices", Effect: policy.Allow, Principal: account, Resource: []string{"*"}, Action: []string{"kms:CreateGrant"},
			Condition: byBackup.With("Bool", "kms:GrantIsForAWSResource", "true")},
	}
	if diff := cmp.Diff(want, doc.Statements[1:]); diff != "" {
		t.Error(diff)
	}
	vaults, err := policy.Parse([]byte(text(t, find(t, g, rolePolicy, "backup-vaults"), "policy")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		home.ARN(partition.Backup, "backup-vault:log-archive").String(), second.ARN(partition.Backup, "backup-vault:log-archive-copy").String(),
	}, vaults.Statements[0].Resource); diff != "" {
		t.Error(diff)
	}
	last := vaults.Statements[len(vaults.Statements)-1]
	if diff := cmp.Diff([]string{
		find(t, g, "aws:kms/key:Key", "backup-key").Outputs["arn"].StringValue(), find(t, g, "aws:kms/key:Key", "backup-copy-key").Outputs["arn"].StringValue(),
	}, last.Resource); diff != "" {
		t.Error(diff)
	}
	total := 0
	for _, r := range g.ByType(rolePolicy) {
		doc, err := policy.Parse([]byte(text(t, r, "policy")))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range doc.Validate(policy.Inline) {
			t.Errorf("%s: %s", r.Name, p)
		}
		total += doc.Size(policy.Inline)
	}
	if t.Logf("inline policies of the backup role: %d characters", total); total > 10240 {
		t.Error("more than a role can have")
	}
}

// TestBackupSelections: either list alone is enough, and makes one selection.
func TestBackupSelections(t *testing.T) {
	t.Parallel()
	byTag := record(t, backups(func(a *components.BackupVaultWithCopyArgs) { a.SelectionArns = nil }))
	byARN := record(t, backups(func(a *components.BackupVaultWithCopyArgs) { a.SelectionTags = nil }))
	find(t, byTag, selectionType, "backup-tags")
	find(t, byARN, selectionType, "backup-arns")
	if a, b := len(byTag.ByType(selectionType)), len(byARN.ByType(selectionType)); a != 1 || b != 1 {
		t.Errorf("%d and %d selections, want one each", a, b)
	}
}

func TestBackupVaultWithCopyProblems(t *testing.T) {
	t.Parallel()
	got := refused(t, func(p *program) error {
		args := backupArgs(p)
		args.Copy, args.CopyProvider = archive, nil
		args.VaultName = "v"
		args.Rules = append(args.Rules,
			components.BackupRule{Name: "daily", Schedule: "rate(1 day)", StartWindowMinutes: 30, CompletionWindowMinutes: 90, ColdStorageAfterDays: 30, DeleteAfterDays: 100, CopyDeleteAfterDays: 0})
		args.SelectionArns = []string{"db", virginia.ARN(partition.RDS, "db:*").String(), second.ARN(partition.RDS, "db:*").String(), partition.BucketARN(partition.China, "logs-*").String()}
		args.SelectionTags = []components.BackupTag{{Value: "x"}}
		_, err := components.NewBackupVaultWithCopy(p.ctx, "refused", args)
		return err
	})
	wantProblems(t, got, map[string]string{
		"Copy.Account":                 "want the account of Home, 111122223333",
		"CopyProvider":                 "acts at Copy",
		"VaultName":                    "want 2 to 50",
		"Rules[1].Name":                "also the name of Rules[0]",
		"Rules[1].Schedule":            "six fields",
		"Rules[1].StartWindowMinutes":  "want at least 60",
		"Rules[1].DeleteAfterDays":     "want at least 120",
		"Rules[1].CopyDeleteAfterDays": "want at least 1",
		"SelectionTags[0].Key":         "1 to 128",
		"SelectionArns[0]":             "is not an ARN",
		"SelectionArns[1]":             "the partition is aws",
		"SelectionArns[2]":             "the region is cn-northwest-1",
	})
	got = refused(t, func(p *program) error {
		_, err := components.NewBackupVaultWithCopy(p.ctx, "refused", &components.BackupVaultWithCopyArgs{
			Home: home, Copy: home, HomeProvider: p.provider(home), CopyProvider: p.provider(home),
			VaultName: "one", CopyVaultName: "one", PlanName: "p", RoleName: "r",
		})
		return err
	})
	wantProblems(t, got, map[string]string{"Copy.Region": "cn-north-1", "Rules": "at least one", "SelectionTags": "nothing is backed up"})
}
