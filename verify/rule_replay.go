package verify

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// replaysList holds a replay function to its own error prefixes when it looks for objects: a listing has no object in its ARN, so
// that only a condition on s3:prefix narrows it.
func (e *evaluation) replaysList(report reporter) {
	for _, f := range e.byType[typeFunction] {
		if !strings.Contains(f.URN, replayComponent) {
			continue
		}
		b, ok := e.bucketByARN(partition.BucketARN(f.Place.Partition(), environment(f, "LOGARCHIVE_REPLAY_BUCKET")).String())
		if !ok {
			continue // its path is broken
		}
		q := request{title: "probe", caller: Caller{Role: f.text("role")}, owner: b.Place.Account, carrier: f.URN}.overTLS()
		for _, elsewhere := range []request{q, q.with("s3:prefix", "elsewhere/")} {
			if e.probe(elsewhere.do(b.arn, "s3:ListBucketVersions")[0]) == policy.Allowed {
				report(f.URN, "demand s3:prefix to be one of its error prefixes, in the role's policy", "it may list the whole of %s", b.name)
				break
			}
		}
	}
}
