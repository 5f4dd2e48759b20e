package stacks

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// minColdDays is how long AWS Backup keeps at least what it has moved to cold storage.
const minColdDays = 90

// minWindowMinutes is how long a job must at least be allowed to wait before it starts, and then to take.
const minWindowMinutes = 60

// backedUpServices are those whose ARNs AWS Backup takes in a selection.
//
// See https://docs.aws.amazon.com/aws-backup/latest/devguide/whatisbackup.html
var backedUpServices = []string{
	"backup-gateway", "cloudformation", "dynamodb", "ec2", "eks", "elasticfilesystem", "fsx", "rds", "redshift",
	"redshift-serverless", "s3", "ssm-sap", "storagegateway", "timestream",
}

// backup reads the backup plan.
func (p *parser) backup(v schema.Value) {
	rules, selection, vault := v.Get("rules"), v.Get("selection"), v.Get("vault")
	if !v.OK() {
		return
	}
	s := &BackupSpec{Vault: vault.Text()}
	switch {
	case !vault.Given:
		s.Vault = p.spec.NamePrefix
	case s.Vault == "Default":
		p.add(vault, "%s is the vault that AWS Backup makes itself; want another name", schema.Quote(s.Vault))
	}
	p.spec.BackupPlan = s
	names := newOnce(p)
	for _, item := range rules.Items() {
		names.text(item.Get("name"), "is the name of", "want another")
		s.Rules = append(s.Rules, p.backupRule(item))
	}
	p.selectionTags(selection.Get("tags"), s)
	p.selectionARNs(selection.Get("arns"), s)

	selects := len(selection.Get("tags").Items())+len(selection.Get("arns").Items()) > 0
	switch hasRules := len(rules.Items()) > 0; {
	case rules.Valid && !hasRules:
		p.add(rules, "no rule is given; want at least one, or leave backup out")
	case hasRules && selection.Valid && !selects:
		p.add(selection, "nothing is selected; want tags or arns")
	}
}

func (p *parser) backupRule(item schema.Value) BackupRuleSpec {
	schedule, copied := item.Get("schedule"), item.Get("copy")
	start, completion := item.Get("startWindowMinutes"), item.Get("completionWindowMinutes")
	if schedule.OK() {
		if err := checkSchedule(schedule.Text()); err != nil {
			p.add(schedule, "%s: %v", schema.Quote(schedule.Text()), err)
		}
	}
	if start.Valid && completion.Valid && completion.Number() < start.Number()+minWindowMinutes {
		where := completion
		if !completion.Given {
			where = start
		}
		p.add(where, "a job may start within %d minutes and must end within %d; want at least %d minutes between", start.Number(), completion.Number(), minWindowMinutes)
	}
	p.coldStorage(item)
	p.coldStorage(copied)
	return BackupRuleSpec{
		Name: item.Get("name").Text(), Schedule: schedule.Text(),
		StartWindowMinutes: start.Number(), CompletionWindowMinutes: completion.Number(),
		ColdStorageAfterDays:     item.Get("coldStorageAfterDays").Number(),
		DeleteAfterDays:          item.Get("deleteAfterDays").Number(),
		CopyColdStorageAfterDays: copied.Get("coldStorageAfterDays").Number(),
		CopyDeleteAfterDays:      copied.Get("deleteAfterDays").Number(),
	}
}

// coldStorage checks a lifecycle: what has moved to cold storage stays there for 90 days at least.
func (p *parser) coldStorage(v schema.Value) {
	cold, deleted := v.Get("coldStorageAfterDays"), v.Get("deleteAfterDays")
	if cold.OK() && deleted.OK() && deleted.Number() < cold.Number()+minColdDays {
		p.add(deleted, "%d is too early; cold storage after %d days keeps backups for %d days, so want at least %d", deleted.Number(), cold.Number(), minColdDays, cold.Number()+minColdDays)
	}
}

func (p *parser) selectionTags(v schema.Value, s *BackupSpec) {
	seen := newOnce(p)
	for _, item := range v.Items() {
		key, value := item.Get("key"), item.Get("value")
		if !key.OK() || !value.OK() {
			continue
		}
		switch {
		case len([]rune(key.Text())) > 128 || !tagText(key.Text()):
			p.add(key, "%s is not a key of a tag; want 1 to 128 letters, digits, spaces and + - = . _ : / @", schema.Quote(key.Text()))
		case len([]rune(value.Text())) > 256 || !tagText(value.Text()):
			p.add(value, "%s is not a value of a tag; want up to 256 letters, digits, spaces and + - = . _ : / @", schema.Quote(value.Text()))
		}
		seen.value(item, key.Text()+"="+value.Text(), "is selected by", "want each tag once")
		s.Tags = append(s.Tags, BackupTagSpec{key.Text(), value.Text()})
	}
}

// selectionARNs reads ARNs, which must be of the home region and the source account: a plan selects nothing elsewhere,
// and says nothing about it either.
func (p *parser) selectionARNs(v schema.Value, s *BackupSpec) {
	seen := newOnce(p)
	home := p.spec.Home
	for _, item := range v.Items() {
		if !item.OK() {
			continue
		}
		text := schema.Quote(item.Text())
		arn, err := partition.ParseARN(item.Text())
		switch {
		case err != nil:
			p.add(item, "%v", err)
		case home.Region != "" && arn.Partition != home.Partition():
			p.add(item, "%s is of partition %s; want %s, that of the home region", text, arn.Partition, home.Partition())
		case home.Region != "" && arn.Region != "" && arn.Region != home.Region:
			p.add(item, "%s is in %s; want the home region %s", text, arn.Region, home.Region)
		case home.Account != "" && arn.Account != "" && arn.Account != home.Account:
			p.add(item, "%s is of account %s; want the source account %s", text, arn.Account, home.Account)
		case !slices.Contains(backedUpServices, string(arn.Service)):
			p.add(item, "%s: AWS Backup doesn't back up %s; want one of %s", text, arn.Service, strings.Join(backedUpServices, ", "))
		}
		seen.text(item, "is selected by", "want each ARN once")
		s.ARNs = append(s.ARNs, BackupARNSpec{item.Path, arn})
	}
}
