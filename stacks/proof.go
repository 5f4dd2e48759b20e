package stacks

import (
	"slices"
	"strings"
	"time"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
	"github.com/logarchive/logarchive/verify"
)

// What the preflight does about a violation.
const (
	// PreflightEnforce stops before anything is registered.
	PreflightEnforce = "enforce"
	// PreflightWarn tells, and goes on.
	PreflightWarn = "warn"
	// PreflightOff proves nothing.
	PreflightOff = "off"
)

// proofFields describes what is to be proven before anything is deployed, and what is tolerated.
func proofFields() []schema.Field {
	return []schema.Field{
		{
			Key: "preflight", Kind: schema.String, Default: PreflightEnforce, Values: []string{PreflightEnforce, PreflightWarn, PreflightOff},
			Doc:     "What `pulumi preview` and `pulumi up` do about what `logarchive verify` finds: enforce stops before a single resource is registered, warn tells it and goes on, off doesn't look.",
			Example: PreflightWarn,
		},
		{
			Key: "minimumRetentionDays", Kind: schema.Integer, Default: minRetentionDays, Range: schema.Between(minRetentionDays, maxDays),
			Doc:     "For how many days the archive must keep every log. archive.retentionDays says for how long it does; this is what it is held against.",
			Example: "365",
		},
		{
			Key: "waivers", Kind: schema.List,
			Doc: "Violations that are tolerated for a time. A waiver that has ended, or that waives nothing, is a violation itself.",
			Example: strings.Join([]string{
				"- rule: lifecycle-retention",
				"  resource: archive",
				"  reason: a year from the new budget on (SEC-1234)",
				`  until: "2027-03-31"`,
			}, "\n"),
			Items: &schema.Field{Kind: schema.Object, Required: true, Fields: []schema.Field{
				{Key: "rule", Kind: schema.String, Required: true,
					Doc: "What is violated, as `logarchive verify` calls it.", Accepts: "the id of a rule: see verify-rules.md"},
				{Key: "resource", Kind: schema.String, DefaultText: "every resource",
					Doc: "The resource that violates it.", Accepts: "the name of a resource in the program, or its URN"},
				{Key: "reason", Kind: schema.String, Required: true,
					Doc: "Why that is tolerated. Reports show it.", Accepts: "a sentence for those who read the report"},
				{Key: "until", Kind: schema.String, Required: true,
					Doc: "The last day on which the waiver holds (UTC).", Accepts: "a date such as 2027-03-31, not more than a year ahead"},
			}},
		},
	}
}

// proof reads what is to be proven.
func (p *parser) proof(root schema.Value) {
	s := p.spec
	s.PreflightMode = root.Get("preflight").Text()
	s.MinimumRetentionDays = root.Get("minimumRetentionDays").Number()
	seen := map[[2]string]string{}
	for _, item := range root.Get("waivers").Items() {
		w := verify.Waiver{
			Rule: p.waivedRule(item.Get("rule")), Resource: item.Get("resource").Text(),
			Reason: strings.TrimSpace(item.Get("reason").Text()), Until: p.until(item.Get("until")),
		}
		if reason := item.Get("reason"); reason.OK() && w.Reason == "" {
			p.add(reason, "%s says nothing; want a sentence for those who read the report", schema.Quote(reason.Text()))
		}
		key := [2]string{w.Rule, w.Resource}
		if first := seen[key]; first != "" && w.Rule != "" {
			p.add(item, "the same rule and resource as %s; want one waiver", first)
		}
		seen[key] = item.Path
		s.Waivers = append(s.Waivers, w)
	}
}

// waivedRule reads the id of a rule.
func (p *parser) waivedRule(v schema.Value) string {
	if !v.OK() {
		return ""
	}
	known := ruleIDs()
	if !slices.Contains(known, v.Text()) {
		p.add(v, "%s is not a rule%s; want one of %s", schema.Quote(v.Text()), schema.DidYouMean(v.Text(), known), strings.Join(known, ", "))
		return ""
	}
	return v.Text()
}

// ruleIDs are those of the rules that can be waived: all but the one about waivers themselves.
func ruleIDs() []string {
	var ids []string
	for _, r := range verify.AllRules() {
		if r.ID != "waiver" {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// yamlDate is what YAML and the engine make of a date that isn't in quotes, after the date itself.
const yamlDate = " 00:00:00 +0000 UTC"

// until reads a waiver's last day. A waiver is for a time: what is to be so for ever belongs into the program.
func (p *parser) until(v schema.Value) time.Time {
	if !v.OK() {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, strings.TrimSuffix(v.Text(), yamlDate))
	latest := p.now.UTC().AddDate(1, 0, 0)
	switch {
	case err != nil:
		p.add(v, "%s is not a date; want one such as %s", schema.Quote(v.Text()), latest.AddDate(0, -6, 0).Format(time.DateOnly))
	case day.After(latest):
		p.add(v, "%s is more than a year ahead; want %s or earlier", day.Format(time.DateOnly), latest.Format(time.DateOnly))
	}
	return day
}

// breakGlass reads the role that may delete from the archive. The deploying role must not be it: then every deployment
// could delete logs.
func (p *parser) breakGlass(v schema.Value) {
	if !v.OK() {
		return
	}
	role := p.archiveRole(v)
	if role == p.spec.ArchiveRole {
		p.add(v, "%s is the role that deploys, too; want another one, which nobody has but in an emergency", schema.Quote(v.Text()))
	}
	p.spec.ArchiveBucket.BreakGlassRole = role
}

// VerifyOptions are what the configuration demands of a proof.
func (s *Spec) VerifyOptions() verify.Options {
	return verify.Options{MinimumRetention: s.MinimumRetentionDays, Limits: s.ArchiveBucket.limits(), Waivers: s.Waivers, Readers: s.verifyReaders(), Queries: s.verifyQueries(), Elsewhere: s.balancersElsewhere(), Organization: s.verifyOrganization(), Boundaries: s.verifyBoundaries()}
}

// hasBreakGlass says whether a role is named.
func (a ArchiveSpec) hasBreakGlass() bool { return a.BreakGlassRole != partition.ARN{} }
