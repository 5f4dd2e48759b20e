package components

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// RdsLogTypes returns the log types that a DB instance, or with cluster a DB cluster, of the engine can export to
// CloudWatch Logs. Errors: those of [partition.DatabaseLogTypes].
func RdsLogTypes(engine string, cluster bool) ([]string, error) {
	return partition.DatabaseLogTypes(engine, cluster)
}

// checkLogType says what is probably meant when the type differs from a valid one only in case and punctuation:
// "slow-query", as in many a tutorial, is "slowquery".
func checkLogType(logType, engine string, valid []string) error {
	if slices.Contains(valid, logType) {
		return nil
	}
	for _, v := range valid {
		if bare(v) == bare(logType) {
			return fmt.Errorf("want %s", v)
		}
	}
	return fmt.Errorf("%s has the log types %s", engine, strings.Join(valid, ", "))
}

func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_. ", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}
