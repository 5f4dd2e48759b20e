package verify_test

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/logarchive/logarchive/verify"
)

// TestRuleDocs holds docs/verify-rules.md against the rules; -update writes it anew.
func TestRuleDocs(t *testing.T) {
	t.Parallel()
	compareFile(t, filepath.Join("..", "docs", "verify-rules.md"), verify.RuleDocs())
	for _, rule := range verify.AllRules() {
		if !strings.Contains(verify.RuleDocs(), "\n## "+rule.ID+"\n") {
			t.Errorf("rule %s has no section", rule.ID)
		}
	}
	for line := range strings.Lines(verify.RuleDocs()) {
		if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > 120 && !strings.HasPrefix(line, "|") {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
}
