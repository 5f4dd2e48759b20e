package partition

import (
	"fmt"
	"slices"
	"strings"
)

const retentionSource = "BC logs PutRetentionPolicy retentionInDays (H)"

var logRetentionDays = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// LogRetentionDays returns the numbers of days that CloudWatch Logs accepts as a log group's retention, ascending.
// A group without a retention keeps its events for ever (0 in most APIs), which is not in the list.
func LogRetentionDays() []int { return slices.Clone(logRetentionDays) }

// CheckLogRetention returns nil when CloudWatch Logs accepts the retention; the error lists what it accepts.
func CheckLogRetention(days int) error {
	if slices.Contains(logRetentionDays, days) {
		return nil
	}
	list := make([]string, len(logRetentionDays))
	for i, d := range logRetentionDays {
		list[i] = fmt.Sprint(d)
	}
	return fmt.Errorf("%d is not a retention that CloudWatch Logs accepts: want one of %s days", days, strings.Join(list, ", "))
}
