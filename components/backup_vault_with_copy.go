package components

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/backup"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
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

const (
	// leastStartWindow and the others are AWS Backup's own:
	// https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRule.html and API_Lifecycle.html.
	leastStartWindow        = 60
	defaultCompletionWindow = 7 * 24 * 60
	coldStorageLeastDays    = 90
)

// ruleName and schedule are of the same API reference. AWS's cron has six fields.
var (
	ruleName = nameRule{regexp.MustCompile(`^[\w.-]{1,50}$`), "want 1 to 50 letters, digits and _.-"}
	schedule = nameRule{regexp.MustCompile(`^cron\(\S+( \S+){5}\)$`), "want a cron expression of six fields, such as cron(0 2 ? * * *)"}
)

func (args *BackupVaultWithCopyArgs) vaultArn() string {
	return args.Home.ARN(partition.Backup, "backup-vault:"+args.VaultName).String()
}

func (args *BackupVaultWithCopyArgs) copyVaultArn() string {
	return args.Copy.ARN(partition.Backup, "backup-vault:"+args.CopyVaultName).String()
}

func (args *BackupVaultWithCopyArgs) check(name string) error {
	var p problems
	p.place("Home", args.Home)
	p.place("Copy", args.Copy)
	if args.Copy.Account != args.Home.Account {
		p.add("Copy.Account", args.Copy.Account, "want the account of Home, %s: this component copies between regions of one account", args.Home.Account)
	}
	p.refuse("Copy.Region", args.Copy.Region, partition.CanCopy(args.Home.Region, args.Copy.Region))
	if args.HomeProvider == nil {
		p.add("HomeProvider", "", "want the provider that acts at Home")
	}
	if args.CopyProvider == nil {
		p.add("CopyProvider", "", "want the provider that acts at Copy")
	}
	p.name("VaultName", args.VaultName, vaultName)
	p.name("CopyVaultName", args.CopyVaultName, vaultName)
	p.name("PlanName", args.PlanName, planName)
	p.name("RoleName", args.RoleName, roleName)
	if len(args.Rules) == 0 {
		p.add("Rules", "", "want at least one rule")
	}
	seen := map[string]int{}
	for i, r := range args.Rules {
		field := at("Rules", i, "")
		p.backupRule(field, r)
		if first, ok := seen[r.Name]; ok {
			p.add(field+".Name", r.Name, "is also the name of Rules[%d]", first)
		}
		seen[r.Name] = i
	}
	if len(args.SelectionTags) == 0 && len(args.SelectionArns) == 0 {
		p.add("SelectionTags", "", "want tags or ARNs: without them nothing is backed up")
	}
	for i, t := range args.SelectionTags {
		if t.Key == "" || len(t.Key) > 128 {
			p.add(at("SelectionTags", i, ".Key"), t.Key, "want 1 to 128 characters")
		}
	}
	for i, arn := range args.SelectionArns {
		p.backupARN(at("SelectionArns", i, ""), arn, args.Home)
	}
	if len(p.list) == 0 {
		docs, err := args.backupPolicies(unknownKey(args.Home), unknownKey(args.Copy))
		p.refuse("Home", args.Home, err)
		p.inlinePolicies("Home", docs)
	}
	return p.err("BackupVaultWithCopy", name)
}

func (p *problems) backupRule(field string, r BackupRule) {
	p.name(field+".Name", r.Name, ruleName)
	p.name(field+".Schedule", r.Schedule, schedule)
	start, completion := cmp.Or(r.StartWindowMinutes, leastStartWindow), cmp.Or(r.CompletionWindowMinutes, defaultCompletionWindow)
	p.atLeast(field+".StartWindowMinutes", start, leastStartWindow)
	if completion < start+leastStartWindow {
		p.add(field+".CompletionWindowMinutes", completion, "want at least %d, an hour after the start window", start+leastStartWindow)
	}
	p.backupLifecycle(field+".", r.ColdStorageAfterDays, r.DeleteAfterDays)
	p.backupLifecycle(field+".Copy", r.CopyColdStorageAfterDays, r.CopyDeleteAfterDays)
}

func (p *problems) backupLifecycle(field string, cold, remove int) {
	p.atLeast(field+"ColdStorageAfterDays", cold, 0)
	p.atLeast(field+"DeleteAfterDays", remove, 1)
	if cold > 0 && remove < cold+coldStorageLeastDays {
		p.add(field+"DeleteAfterDays", remove, "want at least %d: what moves to cold storage stays there for %d days", cold+coldStorageLeastDays, coldStorageLeastDays)
	}
}

// selectionARN is an ARN in which parts may be wildcards.
var selectionARN = regexp.MustCompile(`^arn:([^:]+):([^:]+):([^:]*):([^:]*):(.+)$`)

func (p *problems) backupARN(field, value string, home partition.Place) {
	parts := selectionARN.FindStringSubmatch(value)
	if parts == nil {
		p.add(field, value, "is not an ARN, or a pattern for ARNs")
		return
	}
	for _, part := range []struct{ what, got, want string }{
		{"partition", parts[1], string(home.Partition())},
		{"region", parts[3], string(home.Region)},
		{"account", parts[4], string(home.Account)},
	} {
		// Buckets have neither region nor account in their ARNs.
		if part.got != part.want && part.got != "*" && part.got != "" {
			p.add(field, value, "the %s is %s: a plan backs up its own, %s", part.what, part.got, part.want)
		}
	}
}

// NewBackupVaultWithCopy registers a vault with its key at each place, and at home the plan with its selections and its
// role. The options apply to the component; its children take their providers from Args. Errors: [ArgsError].
//
// Vaults and keys are protected, and stay when they leave the program; so do the vaults' policies.
func NewBackupVaultWithCopy(ctx *pulumi.Context, name string, args *BackupVaultWithCopyArgs, opts ...pulumi.ResourceOption) (*BackupVaultWithCopy, error) {
	if args == nil {
		args = &BackupVaultWithCopyArgs{}
	}
	if err := args.check(name); err != nil {
		return nil, err
	}
	c := &BackupVaultWithCopy{}
	if err := ctx.RegisterComponentResource("logarchive:index:BackupVaultWithCopy", name, c, opts...); err != nil {
		return nil, err
	}
	home := pulumi.Composite(pulumi.Parent(c), pulumi.Provider(args.HomeProvider))
	copied := pulumi.Composite(pulumi.Parent(c), pulumi.Provider(args.CopyProvider))
	var key, copyKey *kms.Key
	var err error
	if c.Vault, key, err = args.registerVault(ctx, name, args.Home, args.VaultName, home); err != nil {
		return nil, err
	}
	if c.CopyVault, copyKey, err = args.registerVault(ctx, name+"-copy", args.Copy, args.CopyVaultName, copied); err != nil {
		return nil, err
	}
	if err := c.registerPlan(ctx, name, args, home); err != nil {
		return nil, err
	}
	if err := c.registerSelections(ctx, name, args, key, copyKey, home); err != nil {
		return nil, err
	}
	c.VaultArn, c.CopyVaultArn, c.PlanID = c.Vault.Arn, c.CopyVault.Arn, c.Plan.ID().ToStringOutput()
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"vaultArn": c.VaultArn, "copyVaultArn": c.CopyVaultArn, "planId": c.PlanID, "roleArn": c.RoleArn,
	})
}

func (args *BackupVaultWithCopyArgs) registerVault(ctx *pulumi.Context, name string, place partition.Place, vault string, opts pulumi.ResourceOption) (*backup.Vault, *kms.Key, error) {
	stays := pulumi.Composite(opts, pulumi.Protect(true), pulumi.RetainOnDelete(true))
	key, err := keySpec{name: name + "-key", description: "Encrypts the backups in vault " + vault, alias: vault, policy: vaultKeyPolicy(place, args.RoleName), tags: args.Tags}.register(ctx, opts)
	if err != nil {
		return nil, nil, err
	}
	v, err := backup.NewVault(ctx, name, &backup.VaultArgs{
		Name:      pulumi.String(vault),
		KmsKeyArn: key.Arn.ToStringPtrOutput(),
		Tags:      tags(args.Tags),
	}, stays)
	if err != nil {
		return nil, nil, err
	}
	_, err = backup.NewVaultPolicy(ctx, name, &backup.VaultPolicyArgs{
		BackupVaultName: v.Name,
		Policy:          pulumi.String(vaultPolicy().JSON()),
	}, opts, pulumi.RetainOnDelete(true))
	return v, key, err
}

func (c *BackupVaultWithCopy) registerPlan(ctx *pulumi.Context, name string, args *BackupVaultWithCopyArgs, home pulumi.ResourceOption) (err error) {
	var rules backup.PlanRuleArray
	for _, r := range args.Rules {
		rules = append(rules, &backup.PlanRuleArgs{
			RuleName: pulumi.String(r.Name),
			// A rule backs up to a vault beside it, which has a name and no ARN here, and copies to any other by ARN.
			TargetVaultName:  c.Vault.Name,
			Schedule:         pulumi.String(r.Schedule),
			StartWindow:      pulumi.Int(cmp.Or(r.StartWindowMinutes, leastStartWindow)),
			CompletionWindow: pulumi.Int(cmp.Or(r.CompletionWindowMinutes, defaultCompletionWindow)),
			Lifecycle: &backup.PlanRuleLifecycleArgs{
				ColdStorageAfter: daysOrNever(r.ColdStorageAfterDays),
				DeleteAfter:      pulumi.Int(r.DeleteAfterDays),
			},
			CopyActions: backup.PlanRuleCopyActionArray{&backup.PlanRuleCopyActionArgs{
				DestinationVaultArn: c.CopyVault.Arn,
				Lifecycle: &backup.PlanRuleCopyActionLifecycleArgs{
					ColdStorageAfter: daysOrNever(r.CopyColdStorageAfterDays),
					DeleteAfter:      pulumi.Int(r.CopyDeleteAfterDays),
				},
			}},
		})
	}
	c.Plan, err = backup.NewPlan(ctx, name, &backup.PlanArgs{
		Name:  pulumi.String(args.PlanName),
		Rules: rules,
		Tags:  tags(args.Tags),
	}, home)
	return err
}

func daysOrNever(days int) pulumi.IntPtrInput {
	if days == 0 {
		return nil
	}
	return pulumi.Int(days)
}

// registerSelections registers the role, and a selection each for tags and ARNs. In one selection AWS would back up only
// what satisfies both, and a list that was meant to add something would take away.
func (c *BackupVaultWithCopy) registerSelections(ctx *pulumi.Context, name string, args *BackupVaultWithCopyArgs, key, copyKey *kms.Key, home pulumi.ResourceOption) error {
	trusted, err := backupTrust(args.Home)
	if err != nil {
		return err
	}
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Name:             pulumi.String(args.RoleName),
		Description:      pulumi.Sprintf("AWS Backup backs up to vault %s and copies to %s", args.VaultName, args.CopyVaultName),
		AssumeRolePolicy: pulumi.String(trusted.JSON()),
		Tags:             tags(args.Tags),
	}, home)
	if err != nil {
		return err
	}
	c.RoleArn = role.Arn
	docs, err := args.backupPolicies("", "")
	if err != nil {
		return err
	}
	var allowed []pulumi.Resource
	for _, what := range slices.Sorted(maps.Keys(docs)) {
		var text pulumi.Input = pulumi.String(docs[what].JSON())
		if what == "vaults" {
			text = pulumi.All(key.Arn, copyKey.Arn).ApplyT(func(arns []any) (string, error) {
				docs, err := args.backupPolicies(fmt.Sprint(arns[0]), fmt.Sprint(arns[1]))
				return docs["vaults"].JSON(), err
			}).(pulumi.StringOutput)
		}
		p, err := iam.NewRolePolicy(ctx, name+"-"+what, &iam.RolePolicyArgs{
			Name:   pulumi.String(what),
			Role:   role.Name,
			Policy: text,
		}, home)
		if err != nil {
			return err
		}
		allowed = append(allowed, p)
	}
	with := pulumi.Composite(home, pulumi.DependsOn(allowed))
	if len(args.SelectionTags) > 0 {
		var selected backup.SelectionSelectionTagArray
		for _, t := range args.SelectionTags {
			selected = append(selected, &backup.SelectionSelectionTagArgs{
				Type: pulumi.String("STRINGEQUALS"), Key: pulumi.String(t.Key), Value: pulumi.String(t.Value),
			})
		}
		if _, err := backup.NewSelection(ctx, name+"-tags", &backup.SelectionArgs{
			Name: pulumi.String("by-tag"), PlanId: c.Plan.ID(), IamRoleArn: role.Arn, SelectionTags: selected,
		}, with); err != nil {
			return err
		}
	}
	if len(args.SelectionArns) > 0 {
		_, err := backup.NewSelection(ctx, name+"-arns", &backup.SelectionArgs{
			Name: pulumi.String("by-arn"), PlanId: c.Plan.ID(), IamRoleArn: role.Arn, Resources: pulumi.ToStringArray(args.SelectionArns),
		}, with)
		return err
	}
	return nil
}
