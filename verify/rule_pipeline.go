package verify

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
)

var pipelineRules = []Rule{
	{
		ID: "pipeline-loop", Title: "the pipeline's own logs don't feed it",
		Why:    "each message about a message would make the next (LZA #773, #106)",
		Remedy: "take the subscription away, or send it to a pipeline that the group doesn't belong to; leave the group out in an account policy's selectionCriteria",
		check:  loops,
	},
	{
		ID: "pipeline-once", Title: "no log group is subscribed by itself and by the account's policy",
		Why:    "the two are additive (PutAccountPolicy, conflict resolution): each event would be in the archive twice",
		Remedy: "leave log groups with filters of their own out in the policy's selectionCriteria",
		check:  subscribedTwice,
	},
	{
		ID: "pipeline-errors", Title: "what Firehose can't deliver is kept and reported",
		Why:    "without an error prefix that is its own, and an error log, failures mix with logs or vanish",
		Remedy: "set errorOutputPrefix with !{firehose:error-output-type}, beside the prefix and not below it; enable cloudwatchLoggingOptions and serverSideEncryption",
		check:  pipelineErrors,
	},
	{
		ID: "pipeline-order", Title: "no source is switched on before its way is open",
		Why:    "CloudWatch Logs skips what it may not deliver: a filter that exists before its role's policy loses logs",
		Remedy: "let the source depend on the policies that its way needs",
		check:  pipelineOrder,
	},
	{
		ID: "quota", Title: "AWS's quotas are kept",
		Why:    "two subscription filters per log group, and one policy for all of an account and region; streams per region (500 in China)",
		Remedy: "let sources share streams; take filters away",
		check:  quotas,
	},
}

func loops(e *evaluation, report reporter) {
	own := map[string]*Resource{}
	for _, r := range e.byType[typeStream] {
		if group := r.item("extendedS3Configuration").item("cloudwatchLoggingOptions").text("logGroupName"); group != "" {
			own[groupKey(r.Place, group)] = r
		}
	}
	for _, r := range e.byType[typeFunction] {
		own[groupKey(r.Place, "/aws/lambda/"+r.text("name"))] = r
	}
	e.subscriberLoops(own, report)
	e.accountLoops(own, report)
	for _, r := range e.byType[typeSubscription] {
		if from, ok := own[groupKey(r.Place, r.text("logGroup"))]; ok {
			report(r.URN, "take the subscription away, or send it to a pipeline that the group doesn't belong to", "log group %s is written by %s, which it would feed", r.text("logGroup"), from.URN)
		}
	}
}

func pipelineErrors(e *evaluation, report reporter) {
	for _, r := range e.byType[typeStream] {
		to := r.item("extendedS3Configuration")
		if to == nil {
			continue
		}
		if !to.item("cloudwatchLoggingOptions").flag("enabled") {
			report(r.URN, "enable cloudwatchLoggingOptions", "nobody sees why a delivery fails")
		}
		prefix, errors := to.text("prefix"), to.text("errorOutputPrefix")
		switch {
		case errors == "":
			report(r.URN, "set errorOutputPrefix", "records that can't be processed have no prefix of their own")
		case !strings.Contains(errors, "!{firehose:error-output-type}"):
			report(r.URN, "put !{firehose:error-output-type} into errorOutputPrefix", "the sorts of errors share a prefix")
		case prefix != "" && strings.HasPrefix(errors, folderOf(prefix)):
			report(r.URN, "begin errorOutputPrefix with something else than prefix", "error objects lie among the logs: %q begins with %q", errors, folderOf(prefix))
		}
		if !r.item("serverSideEncryption").flag("enabled") {
			report(r.URN, "enable serverSideEncryption", "records lie unencrypted in the stream")
		}
	}
}

// pipelineOrder reads the program's dependencies; a deployed stack's have done their work.
func pipelineOrder(e *evaluation, report reporter) {
	for _, r := range e.links() {
		stream := e.streams[r.destination]
		if !r.declared || stream == nil {
			continue
		}
		var needed []*Resource
		if o := e.roles[r.role]; o != nil {
			needed = append(needed, policyCarriers(o)...)
		}
		to := stream.item("extendedS3Configuration")
		if o := e.roles[to.text("roleArn")]; o != nil {
			needed = append(needed, policyCarriers(o)...)
		}
		if b, ok := e.bucketByARN(to.text("bucketArn")); ok && b.policy != nil {
			needed = append(needed, b.policy.carrier)
		}
		for _, n := range needed {
			if !e.waitsFor(r.Resource, n.URN) {
				report(r.URN, "depend on "+n.URN, "the subscription may exist before %s does", n.Name)
			}
		}
	}
}

func policyCarriers(o *role) []*Resource {
	var out []*Resource
	for _, at := range o.identity {
		if at.carrier != o.Resource {
			out = append(out, at.carrier)
		}
	}
	return out
}

// waitsFor says whether a resource depends on another, over however many steps.
func (e *evaluation) waitsFor(r *Resource, urn string) bool {
	if e.reach[r.URN] == nil {
		seen := map[string]bool{}
		todo := []string{r.URN}
		for len(todo) > 0 {
			next := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			for _, d := range e.dependencies[next] {
				if !seen[d] {
					seen[d] = true
					todo = append(todo, d)
				}
			}
		}
		e.reach[r.URN] = seen
	}
	return e.reach[r.URN][urn]
}

func quotas(e *evaluation, report reporter) {
	for _, k := range sortedKeys(e.filters) {
		filters := e.filters[k]
		most, err := filters[0].Place.Region.Limit(partition.SubscriptionFilters)
		if err == nil && int64(len(filters)) > most {
			report(filters[0].URN, "take some away: the quota can't be raised", "log group %s has %d subscription filters, %d at the most", filters[0].text("logGroup"), len(filters), most)
		}
	}
	e.accountQuota(report)
	streams := map[partition.Place][]*Resource{}
	for _, r := range e.byType[typeStream] {
		streams[r.Place] = append(streams[r.Place], r)
	}
	for p, rs := range streams {
		if most, err := p.Region.Limit(partition.FirehoseStreams); err == nil && int64(len(rs)) > most {
			report(rs[0].URN, "let sources share streams", "%d streams in %s, %d at the most", len(rs), p, most)
		}
	}
}
