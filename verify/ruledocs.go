package verify

import (
	"fmt"
	"strings"
)

const (
	ruleDocsHead = "# The rules of logarchive verify\n\n" +
		"<!-- Generated from verify.AllRules: go test ./verify -run TestRuleDocs -update. Do not edit. -->\n\n"
	ruleDocsIntroduction = "`logarchive verify` finds every source that a program declares, or that a stack's state has, and decides every " +
		"request on the way from there to the archive with the policies of both sides. Then it holds the archive against the rules on " +
		"this page. A violation names the rule, the resource, what is wrong and what mends it. It can be waived for a time, with a " +
		"reason, in the stack's configuration (`log-archive:waivers`, see [configuration.md](configuration.md))."
)

// RuleDocs returns docs/verify-rules.md: every rule with its reason and its remedy, and the conditions that grants to
// services are held to.
func RuleDocs() string {
	var b strings.Builder
	b.WriteString(ruleDocsHead + wrapped(ruleDocsIntroduction) + "\n\n")
	b.WriteString("| rule | what holds |\n|---|---|\n")
	for _, r := range AllRules() {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", r.ID, r.ID, literal(r.Title))
	}
	for _, r := range append(AllRules(), ruleUnneeded) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s\n\n%s\n", r.ID, wrapped("**"+literal(sentence(r.Title))+"**"), wrapped(literal(sentence(r.Why))),
			wrapped("*To mend it:* "+literal(sentence(r.Remedy))))
		switch r.ID {
		case "grant-deputy":
			b.WriteString(deputyDocs())
		case ruleUnneeded.ID:
			b.WriteString("\nThis is a note and no violation: it doesn't fail a verification.\n")
		}
	}
	return b.String()
}

func deputyDocs() string {
	var b strings.Builder
	b.WriteString("\n| service | in | condition keys | by |\n|---|---|---|---|\n")
	for _, row := range deputyConditions {
		var kinds []string
		for _, k := range row.kinds {
			kinds = append(kinds, k.String())
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s |\n", row.service, strings.Join(kinds, ", "), strings.Join(row.keys, "`, `"), row.source)
	}
	b.WriteString("\n" + wrapped("Any other service in the policy of a resource needs one that names the account: aws:SourceAccount, or aws:SourceArn with the account in it.") + "\n")
	return b.String()
}

// wrapped breaks a paragraph into lines of at most 120 columns.
func wrapped(text string) string { return strings.Join(wrap(text, 120), "\n") }

// literal keeps Markdown from taking a "*" of a policy for its own.
func literal(text string) string { return strings.ReplaceAll(text, "*", `\*`) }
