package verify

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/policy"
)

var replicaRules = []Rule{
	{
		ID: "replica-writers", Title: "nothing but replications writes to an archive's replica",
		Why:    "who could write there could put something in a log's place, and a replica that follows deletions is no second copy; neither needs a permission in the archive's account",
		Remedy: "deny s3:PutObject, s3:PutObjectTagging, s3:ReplicateObject and s3:ReplicateTags in the replica's policy to everybody but the replications' roles, and s3:ReplicateDelete to everybody",
		check:  replicaWriters,
	},
	{
		ID: "replica-retention", Title: "a replica is kept and locked for as long as its archive",
		Why:    "when the archive is lost, what the replica has let go of is lost, too. Objects bring their lock along; what lands without one gets the replica's default (S3 User Guide, object-lock-managing)",
		Remedy: "give the replica the archive's lifecycle and Object Lock, or longer ones",
		check:  replicaRetention,
	},
}

// eachReplica visits the replicas of buckets that keep logs themselves, each pair once. What a landing bucket is replicated to is
// the archive.
func (e *evaluation) eachReplica(visit func(of, replica *bucket)) {
	var seen []*bucket
	e.eachReplication(func(r *Resource, rule object) {
		of, ok := e.buckets[bucketName(r.text("bucket"))]
		to, declared := e.bucketByARN(rule.item("destination").text("bucket"))
		if !ok || !declared || of == to || e.passes(of) || e.takers[of.name] != nil {
			return
		}
		if !slices.Contains(seen, to) {
			seen = append(seen, to)
			visit(of, to)
		}
	})
}

// Actions that write to a replica, and the one that deletes there.
var (
	replicaWrites  = []string{"s3:PutObject", "s3:PutObjectTagging", "s3:ReplicateObject", "s3:ReplicateTags"}
	replicaDeletes = []string{"s3:ReplicateDelete"}
)

func replicaWriters(e *evaluation, report reporter) {
	e.eachReplica(func(_, b *bucket) {
		open := func(who Caller, actions []string) (out []string) {
			for _, h := range administratorHops(b, actions...) {
				h.Caller = who
				if e.probe(h) != policy.ExplicitDeny {
					out = append(out, h.Action)
				}
			}
			return out
		}
		for _, who := range []Caller{accountAdministrator(b.Resource), stranger(b.Resource)} {
			if list := open(who, slices.Concat(replicaWrites, replicaDeletes)); len(list) > 0 {
				report(b.URN, "deny it in the replica's policy to everybody but the replications' roles", "it isn't denied to %s to %s", who, strings.Join(list, ", "))
			}
		}
		for _, v := range e.arrivals(b) {
			if len(open(v.Caller, replicaDeletes)) > 0 {
				report(b.URN, "deny s3:ReplicateDelete in the replica's policy to everybody", "%s could replicate deletions, if its own policy came to allow it", v.Caller)
				return
			}
		}
	})
}

func replicaRetention(e *evaluation, report reporter) {
	e.eachReplica(func(of, b *bucket) {
		reported := map[string]bool{}
		for _, v := range e.writes(of) {
			key := strings.TrimPrefix(v.Resource, of.arn+"/")
			days, by := expiresAfter(of, key)
			if there, rule := expiresAfter(b, key); there > 0 && (days == 0 || there < days) && !reported[rule] {
				reported[rule] = true
				report(b.URN, "keep for as long as "+of.name, "rule %q expires keys such as %s after %d days; %s keeps them for %d (rule %q; 0 is for ever)", rule, key, there, of.name, days, by)
			}
		}
		switch long, short := of.lockDays(), b.lockDays(); {
		case short < long:
			report(b.URN, "lock for as long as "+of.name, "what comes without a lock is locked for %.0f days, and for %.0f in %s", short, long, of.name)
		case long > 0 && of.lockMode() == "COMPLIANCE" && b.lockMode() != "COMPLIANCE":
			report(b.URN, "lock in mode COMPLIANCE", "some roles may lift the lock in mode %s; nobody may in %s", b.lockMode(), of.name)
		}
	})
}

// expiresAfter is the age in days at which a key expires, and by which rule: the earliest, as S3 decides; 0 for never.
func expiresAfter(b *bucket, key string) (days int, rule string) {
	for _, r := range expiring(b, key) {
		if days == 0 || r.expireDays < days {
			days, rule = r.expireDays, r.id
		}
	}
	return days, rule
}

// lockMode is that of the default retention; "" for none.
func (b *bucket) lockMode() string {
	lock := b.settings[typeBucketObjectLock]
	if lock == nil {
		return ""
	}
	return lock.item("rule").item("defaultRetention").text("mode")
}
