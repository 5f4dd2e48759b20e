package verify

import "slices"

var replicationRules = []Rule{
	{
		ID: "replication-deletes", Title: "no deletion is replicated",
		Why:    "a replica that follows deletions is no second copy: who deletes in one place deletes in both (S3 User Guide, delete-marker-replication)",
		Remedy: "set deleteMarkerReplication to Disabled, and take s3:ReplicateDelete from the role",
		check:  replicatedDeletes,
	},
	{
		ID: "replication-failures", Title: "a replication that fails is seen",
		Why:    "S3 gives up after some time, and the object then expires in its source like any other: only the metrics tell (S3 User Guide, repl-metrics and lifecycle-expire-general-considerations)",
		Remedy: "enable the metrics of the rule, and set an alarm on OperationsFailedReplication",
		check:  replicationFailures,
	},
	{
		ID: "replication-chain", Title: "no replica is counted on to be replicated again",
		Why:    "S3 doesn't replicate what is a replica itself (S3 User Guide, replication-what-is-isnot-replicated): from A to B and from B to C brings nothing of A to C, without a word",
		Remedy: "replicate the first bucket to the last one as well, by a rule of its own",
		check:  replicationChain,
	},
	{
		ID: "landing-expiry", Title: "what lands is kept until it can have been replicated again",
		Why:    "lifecycle rules don't ask for the replication's status: S3 keeps what is pending, but lets expire what failed, and replicates it only when it is told to (S3 User Guide, lifecycle-expire-general-considerations)",
		Remedy: "expire versions, noncurrent ones as well, after 14 days or more",
		check:  landingExpiry,
	},
	{
		ID: "landing-lock", Title: "a landing bucket doesn't shorten the archive's lock",
		Why:    "a replica takes over the retention of its source, and gets the archive's default only if the source has none (S3 User Guide, object-lock-managing)",
		Remedy: "take away the landing bucket's default retention, or make it as long as the archive's",
		check:  landingLock,
	},
}

// landingDays is how long what lands must be kept: time enough to see that a replication failed, to mend it, and to
// replicate again.
const landingDays = 14

// replicationOf is the replication configuration of a bucket; nil where it has none.
func (e *evaluation) replicationOf(b *bucket) *Resource { return b.settings[typeBucketReplication] }

// passes says whether what is written to a bucket only passes it: it is replicated to a bucket that is declared, and expires
// before the time for which logs must be kept.
func (e *evaluation) passes(b *bucket) bool {
	r := e.replicationOf(b)
	if r == nil {
		return false
	}
	replicated := false
	for _, rule := range r.items("rules") {
		to, ok := e.bucketByARN(rule.item("destination").text("bucket"))
		replicated = replicated || ok && to != b && rule.text("status") == "Enabled"
	}
	if !replicated {
		return false
	}
	for _, l := range b.lifecycles {
		if l.enabled && l.expireDays > 0 && l.expireDays < e.options.minimumRetention() {
			return true
		}
	}
	return false
}

// eachReplication visits the enabled rules of every replication.
func (e *evaluation) eachReplication(visit func(r *Resource, rule object)) {
	for _, r := range e.byType[typeBucketReplication] {
		for _, rule := range r.items("rules") {
			if rule.text("status") == "Enabled" {
				visit(r, rule)
			}
		}
	}
}

func replicatedDeletes(e *evaluation, report reporter) {
	e.eachReplication(func(r *Resource, rule object) {
		// Without a filter the rule is of the old schema, in which deletions are replicated unless the rule says otherwise.
		status := rule.item("deleteMarkerReplication").text("status")
		if status == "Enabled" || status == "" && !rule.has("filter") {
			report(r.URN, "set deleteMarkerReplication to Disabled", "rule %q replicates delete markers", rule.text("id"))
		}
	})
}

// replicationChain finds buckets whose replicas would have to be replicated again to get where the bucket's other objects go.
func replicationChain(e *evaluation, report reporter) {
	to := map[string][]string{} // destinations, by the source's name
	e.eachReplication(func(r *Resource, rule object) {
		from := bucketName(r.text("bucket"))
		to[from] = union(to[from], []string{bucketName(rule.item("destination").text("bucket"))})
	})
	for _, r := range e.byType[typeBucketReplication] {
		first := bucketName(r.text("bucket"))
		for _, middle := range to[first] {
			for _, last := range to[middle] {
				if last != first && !slices.Contains(to[first], last) {
					report(r.URN, "replicate "+first+" to "+last+" as well", "what %s replicates to %s isn't replicated from there to %s", first, middle, last)
				}
			}
		}
	}
}

func replicationFailures(e *evaluation, report reporter) {
	e.eachReplication(func(r *Resource, rule object) {
		if rule.item("destination").item("metrics").text("status") != "Enabled" {
			report(r.URN, "enable the metrics of the rule", "rule %q has no metrics: nothing tells of a failure", rule.text("id"))
			return
		}
		from, to := bucketName(r.text("bucket")), bucketName(rule.item("destination").text("bucket"))
		for _, alarm := range e.byType[typeAlarm] {
			of := alarm.item("dimensions")
			if alarm.text("metricName") == "OperationsFailedReplication" && of.text("SourceBucket") == from && of.text("DestinationBucket") == to && of.text("RuleId") == rule.text("id") {
				return
			}
		}
		report(r.URN, "set an alarm on OperationsFailedReplication", "no alarm goes off when rule %q fails", rule.text("id"))
	})
}

func landingExpiry(e *evaluation, report reporter) {
	for _, name := range sortedKeys(e.buckets) {
		b := e.buckets[name]
		if !e.passes(b) {
			continue
		}
		for _, l := range b.lifecycles {
			for _, of := range []struct {
				what string
				days int
			}{{"versions", l.expireDays}, {"noncurrent versions", l.noncurrent}} {
				if l.enabled && of.days > 0 && of.days < landingDays {
					report(b.URN, "expire after 14 days or more", "rule %q expires %s after %d days; %d are needed to see and to mend a replication that failed", l.id, of.what, of.days, landingDays)
				}
			}
		}
	}
}

func landingLock(e *evaluation, report reporter) {
	e.eachReplication(func(r *Resource, rule object) {
		from, ok := e.buckets[bucketName(r.text("bucket"))]
		to, declared := e.bucketByARN(rule.item("destination").text("bucket"))
		if !ok || !declared {
			return
		}
		if short, long := from.lockDays(), to.lockDays(); short > 0 && short < long {
			report(from.URN, "take away the default retention", "objects are locked for %.0f days, and so are their replicas, which %s would lock for %.0f", short, to.name, long)
		}
	})
}

// lockDays is the default retention of a bucket; 0 for none.
func (b *bucket) lockDays() float64 {
	lock := b.settings[typeBucketObjectLock]
	if lock == nil {
		return 0
	}
	d := lock.item("rule").item("defaultRetention")
	return d.number("days") + 365*d.number("years")
}
