package verify

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// compatibilityRules are about what AWS refuses, or loses without a word, whatever the policies say.
var compatibilityRules = []Rule{
	{
		ID: "compatible-access-logs", Title: "server access logs and ALB logs go to a bucket with SSE-S3 and no lock",
		Why:    "S3 and ELB deliver with SSE-S3 only, and S3 not to a bucket with a default retention (S3 User Guide, enable-server-access-logging; ELB, enable-access-logging): deliveries just stop",
		Remedy: "send these logs to a bucket of their own with SSE-S3, without a lock, in the source's region",
		check:  accessLogs,
	},
	{
		ID: "compatible-lock-replication", Title: "a replica of a locked bucket is locked",
		Why:    "S3 refuses replication from a bucket with Object Lock to one without (S3 User Guide, object-lock-managing)",
		Remedy: "enable Object Lock on the replica",
		check:  lockedReplica,
	},
	{
		ID: "compatible-replication-region", Title: "a replica is where the partition can copy to",
		Why:    "nothing is replicated between China and other partitions",
		Remedy: "replicate to the region's partner",
		check:  replicaRegion,
	},
	{
		ID: "compatible-key", Title: "the archive's key is a customer's, named by its ARN, in the bucket's region",
		Why:    "log delivery doesn't work with the AWS managed key, and S3 reads a bare key id in the writer's account (CloudWatch Logs User Guide, AWS-logs-infrastructure-S3)",
		Remedy: "name a key of the bucket's region by its ARN",
		check:  keyForm,
	},
	{
		ID: "compatible-backup", Title: "backups are copied where AWS Backup can",
		Why:    "no copy from cold storage; 90 days there at least; no copy to another account in aws-cn (AWS Backup Developer Guide, feature availability)",
		Remedy: "delete 90 days after the move to cold storage, or later",
		check:  backupCopies,
	},
	{
		ID: "vault-undeletable", Title: "nobody deletes backups by hand",
		Why:    "a backup that an administrator can delete isn't one against that administrator",
		Remedy: "deny the deletion of recovery points, and of the vault, in its access policy to everybody; set protect and retainOnDelete",
		check:  vaultUndeletable,
	},
}

func accessLogs(e *evaluation, report reporter) {
	for _, token := range []string{typeBucketLogging, typeLoadBalancer, typeOldLoadBalancer, typeClassicLoadBalancer} {
		for _, r := range e.byType[token] {
			name := r.text("targetBucket")
			if token != typeBucketLogging {
				if r.text("loadBalancerType") == "network" || balancerLogs(r) == nil {
					continue // network load balancers write by the log delivery service, which can do more
				}
				name = balancerLogs(r).text("bucket")
			}
			b := e.buckets[bucketName(name)]
			if b == nil {
				continue
			}
			if b.algorithm != "" && b.algorithm != "AES256" {
				report(b.URN, "send these logs to a bucket with SSE-S3", "%s delivers to it, which can't use %s", r.URN, b.algorithm)
			}
			if b.locked() || token == typeBucketLogging && b.flag("objectLockEnabled") {
				report(b.URN, "send these logs to a bucket without Object Lock", "%s delivers to it, and can't to a bucket with a lock", r.URN)
			}
			if token != typeBucketLogging && b.Place.Region != r.Place.Region {
				report(r.URN, "use a bucket in the load balancer's region", "the bucket is in %s, the load balancer in %s", b.Place.Region, r.Place.Region)
			}
		}
	}
}

// locked says whether new objects of a bucket get a retention.
func (b *bucket) locked() bool {
	return b.flag("objectLockEnabled") && b.settings[typeBucketObjectLock] != nil
}

func (e *evaluation) replications(visit func(config *Resource, from, to *bucket)) {
	for _, r := range e.byType[typeBucketReplication] {
		from := e.buckets[r.text("bucket")]
		for _, rule := range r.items("rules") {
			if to, ok := e.bucketByARN(rule.item("destination").text("bucket")); ok && from != nil {
				visit(r, from, to)
			}
		}
	}
}

func lockedReplica(e *evaluation, report reporter) {
	e.replications(func(r *Resource, from, to *bucket) {
		if from.flag("objectLockEnabled") && !to.flag("objectLockEnabled") {
			report(to.URN, "enable Object Lock on the replica", "%s has Object Lock and is replicated to it", from.name)
		}
	})
}

func replicaRegion(e *evaluation, report reporter) {
	e.replications(func(r *Resource, from, to *bucket) {
		if from.Place.Region == to.Place.Region {
			return
		}
		if err := partition.CanCopy(from.Place.Region, to.Place.Region); err != nil {
			report(r.URN, "replicate to the region's partner", "%v", err)
		}
	})
}

func keyForm(e *evaluation, report reporter) {
	for _, b := range e.archives() {
		arn, err := partition.ParseARN(b.keyARN)
		switch {
		case b.keyARN == "":
		case err != nil || arn.Service != partition.KMS:
			report(b.URN, "name the key by its ARN", "the key is named %q", b.keyARN)
		case arn.Region != b.Place.Region:
			report(b.URN, "use a key of the bucket's region", "the key is in %s, the bucket in %s", arn.Region, b.Place.Region)
		}
	}
}

// coldStorageDays is how long a backup stays in cold storage at least (AWS Backup API, Lifecycle).
const coldStorageDays = 90

func backupCopies(e *evaluation, report reporter) {
	for _, plan := range e.byType[typePlan] {
		for _, rule := range plan.items("rules") {
			lifecycles := []object{rule.item("lifecycle")}
			for _, c := range rule.items("copyActions") {
				lifecycles = append(lifecycles, c.item("lifecycle"))
			}
			for _, l := range lifecycles {
				cold, end := l.number("coldStorageAfter"), l.number("deleteAfter")
				if cold > 0 && end > 0 && end < cold+coldStorageDays {
					report(plan.URN, "delete 90 days after the move, or later", "rule %s moves to cold storage after %.0f days and deletes after %.0f", rule.text("ruleName"), cold, end)
				}
			}
		}
	}
}

func vaultUndeletable(e *evaluation, report reporter) {
	for _, arn := range sortedKeys(e.vaults) {
		v := e.vaults[arn]
		var open []string
		for _, who := range []Caller{accountAdministrator(v.Resource), stranger(v.Resource)} {
			q := request{caller: who, owner: v.Place.Account, carrier: v.URN}
			for _, h := range q.do(v.arn, "backup:DeleteBackupVault", "backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle") {
				if e.probe(h) != policy.ExplicitDeny {
					open = union(open, []string{h.Action})
				}
			}
		}
		if len(open) > 0 {
			report(v.URN, "deny it in the vault's access policy", "it isn't denied to everybody to %s", strings.Join(open, ", "))
		}
		if v.declared && (!v.Protect || !v.RetainOnDelete) {
			report(v.URN, "set protect and retainOnDelete", "the vault isn't protected from the program's own upgrades")
		}
	}
}
