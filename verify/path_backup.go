package verify

import (
	"fmt"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// selection is the way of what AWS Backup selects: into the home vault, and on to the vaults that the plan copies to.
func (e *evaluation) selection(s *segment, r *Resource) {
	source := s.at
	plan, ok := e.find(typePlan, func(p *Resource) bool { return p.ID == r.text("planId") && p.Place == r.Place })
	if !ok {
		s.broken(r.URN, "planId", fmt.Sprintf("there is no plan %q", r.text("planId")), "declare the plan, or name one that is declared")
		return
	}
	rules := plan.items("rules")
	if len(rules) == 0 {
		s.broken(plan.URN, "rules", "the plan has no rule", "add a rule")
		return
	}
	w := &backupWay{e: e, selection: r, plan: plan, source: source, done: map[[2]*vault]bool{}}
	for i, rule := range rules {
		home, ok := w.home(s, rule)
		if i == 0 {
			caller, err := service(r.Place, partition.Backup)
			if s.refuse(r, err) {
				return
			}
			// https://docs.aws.amazon.com/aws-backup/latest/devguide/confused-deputy.html
			arn := r.Place.ARN(partition.Backup, "backup-plan:"+plan.ID).String()
			w.acting, w.trusted = e.assume(s, r, "iamRoleArn", r.text("iamRoleArn"), request{title: "AWS Backup acts as the selection's role", caller: caller}.
				with("aws:SourceAccount", string(r.Place.Account)).with("aws:SourceArn", arn).
				sampling(arn, r.Place.ARN(partition.Backup, "backup-plan:*").String()))
		}
		if ok && w.trusted {
			w.rule(s, rule, home)
		}
	}
}

// backupWay is the way of one selection through its plan.
type backupWay struct {
	e               *evaluation
	selection, plan *Resource
	source          Stop
	acting          Caller
	trusted         bool
	// done are the steps that another rule of the plan has taken already.
	done map[[2]*vault]bool
}

func vaultStop(v *vault) Stop { return Stop{KindVault, v.text("name"), v.Place} }

func (e *evaluation) find(token string, is func(*Resource) bool) (*Resource, bool) {
	for _, r := range e.byType[token] {
		if is(r) {
			return r, true
		}
	}
	return nil, false
}

// home begins the step to the vault that a rule backs up into.
func (w *backupWay) home(s *segment, rule object) (*vault, bool) {
	name := rule.text("targetVaultName")
	s.at = w.source
	home, ok := w.e.vaults[w.plan.Place.ARN(partition.Backup, "backup-vault:"+name).String()]
	if !ok {
		s.to(Stop{Kind: KindNowhere, Name: name})
		s.broken(w.plan.URN, "rules.targetVaultName", fmt.Sprintf("there is no vault %q in %s: a rule's target is beside the plan", name, w.plan.Place), "name a vault of the plan's account and region; copy to the others")
		return nil, false
	}
	if !w.done[[2]*vault{home}] {
		s.to(vaultStop(home))
	}
	s.at = vaultStop(home)
	return home, true
}

// rule goes into the home vault, and on to those that the rule copies to.
func (w *backupWay) rule(s *segment, rule object, home *vault) {
	if !w.done[[2]*vault{home}] {
		w.done[[2]*vault{home}] = true
		s.join(w.e.backUp(w.selection, w.acting, home))
	}
	for _, copied := range rule.items("copyActions") {
		arn := copied.text("destinationVaultArn")
		to, ok := w.e.vaults[arn]
		if ok && w.done[[2]*vault{home, to}] {
			continue
		}
		s.at = vaultStop(home)
		if !ok {
			s.to(Stop{Kind: KindNowhere, Name: arn})
			s.broken(w.plan.URN, "rules.copyActions.destinationVaultArn", fmt.Sprintf("there is no vault %q", arn), "declare the vault, or name one that is declared")
			continue
		}
		w.done[[2]*vault{home, to}] = true
		s.to(vaultStop(to))
		if err := partition.CanCopy(home.Place.Region, to.Place.Region); err != nil && home.Place.Region != to.Place.Region {
			s.broken(w.plan.URN, "rules.copyActions.destinationVaultArn", err.Error(), "copy to the region's partner")
		}
		if home.Place.Account != to.Place.Account {
			if err := home.Place.Partition().Require(partition.BackupCrossAccountCopy); err != nil {
				s.broken(w.plan.URN, "rules.copyActions.destinationVaultArn", err.Error(), "copy within the account")
			}
		}
		s.join(w.e.copyTo(w.selection, w.acting, to))
	}
}

// backUp are the requests that AWS Backup makes, as its role, for every sort of resource that the role is made for, and to
// the vault's key. A selection by tag doesn't say which sorts there are, so all of them are proven.
func (e *evaluation) backUp(r *Resource, acting Caller, v *vault) *segment {
	return e.shared("backup "+acting.Role+" "+v.arn, vaultStop(v), func(s *segment) { e.proveBackUp(s, r, acting, v) })
}

func (e *evaluation) proveBackUp(s *segment, r *Resource, acting Caller, v *vault) {
	q := request{title: "AWS Backup writes to vault " + v.text("name"), caller: acting, owner: v.Place.Account, carrier: r.URN}
	s.prove(e, q.do(v.arn, "backup:DescribeBackupVault"))
	e.vaultKey(s, q, v)
	for _, w := range backupRequests {
		s.prove(e, w.hops(q, v.Place))
	}
}

// copyTo are the requests for a copy: AWS Backup checks both ends.
func (e *evaluation) copyTo(r *Resource, acting Caller, v *vault) *segment {
	return e.shared("copy "+acting.Role+" "+v.arn, vaultStop(v), func(s *segment) { e.proveCopy(s, r, acting, v) })
}

func (e *evaluation) proveCopy(s *segment, r *Resource, acting Caller, v *vault) {
	q := request{title: "AWS Backup copies to vault " + v.text("name"), caller: acting, owner: v.Place.Account, carrier: r.URN}
	s.prove(e, q.do(v.arn, "backup:CopyIntoBackupVault", "backup:DescribeBackupVault"))
	point := v.Place.ARN(partition.Backup, "recovery-point:"+sample).String()
	s.prove(e, q.sampling(point, v.Place.ARN(partition.Backup, "recovery-point:*").String()).do(point, "backup:CopyFromBackupVault", "backup:TagResource"))
	e.vaultKey(s, q, v)
	for _, w := range copyRequests {
		s.prove(e, w.hops(q, v.Place))
	}
}

func (e *evaluation) vaultKey(s *segment, q request, v *vault) {
	k, ok := e.keyOf(v.Place, v.keyARN)
	if !ok {
		s.broken(v.URN, "kmsKeyArn", fmt.Sprintf("there is no key %q", v.keyARN), "declare the vault's key: its policy is part of the proof")
		return
	}
	// https://docs.aws.amazon.com/aws-backup/latest/devguide/encryption.html#encryption-permissions
	q.title = "AWS Backup uses the key of vault " + v.text("name")
	cryptographic := []string{"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
	linked, err := serviceLinkedBackup(v.Place)
	if s.refuse(v.Resource, err) {
		return
	}
	for _, who := range []Caller{q.caller, linked} {
		q.caller = who
		s.prove(e, q.do(k.arn, append([]string{"kms:DescribeKey"}, cryptographic...)...))
		s.prove(e, q.with("kms:GrantIsForAWSResource", "true").do(k.arn, "kms:CreateGrant"))
	}
}

// serviceLinkedBackup is the role with which AWS Backup makes copies and removes what has expired. AWS wrote its policies.
func serviceLinkedBackup(p partition.Place) (Caller, error) {
	name, err := p.ServicePrincipal(partition.Backup)
	return Caller{Role: p.RoleARN("aws-service-role/" + string(name) + "/AWSServiceRoleForBackup").String(), Unbounded: true}, err
}

// backupRequest is one row of what AWS Backup does as its role. The source is AWS's own managed policies
// AWSBackupServiceRolePolicyForBackup and AWSBackupServiceRolePolicyForS3Backup: what they allow is what it asks for
// (https://docs.aws.amazon.com/aws-backup/latest/devguide/security-iam-awsmanpol.html).
type backupRequest struct {
	what string
	// service and resource make the ARN; an empty service means an action that no single resource has.
	service  partition.Service
	resource string
	// pattern is how a policy names the resource, if not by what comes before the sample.
	pattern string
	// public ARNs (snapshots, images) have no account.
	public  bool
	via     partition.Service // of kms:ViaService
	context map[string][]string
	actions []string
}

func (w backupRequest) hops(q request, p partition.Place) []Hop {
	q.title = "AWS Backup " + w.what
	q.owner = p.Account
	arn := "*"
	switch {
	case w.public:
		arn = partition.ARN{Partition: p.Partition(), Service: w.service, Region: p.Region, Resource: w.resource}.String()
	case w.service != "":
		arn = p.ARN(w.service, w.resource).String()
	}
	for k, values := range w.context {
		q = q.with(k, values...)
	}
	if w.via != "" {
		via, err := p.ViaService(w.via)
		if err != nil {
			return nil
		}
		q = q.with("kms:ViaService", via)
	}
	pattern := strings.ReplaceAll(arn, sample, "*")
	if w.pattern != "" {
		pattern = p.ARN(w.service, w.pattern).String()
	}
	if pattern != arn {
		q = q.sampling(arn, pattern)
	}
	return q.do(arn, w.actions...)
}
