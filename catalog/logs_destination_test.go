package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
)

func TestDestinations(t *testing.T) {
	t.Parallel()
	const bad = "InvalidParameterException"
	check(t, LogDestination, []change{
		{"name", "a:b", "", bad, "without : and *"},
		{"targetArn", lambdaARN, "", bad, "is not a Firehose or Kinesis stream"},
		{"targetArn", archive.ARN(partition.Firehose, "deliverystream/logs").String(), "", bad, "a stream of its own account"},
		// Another region is accepted.
		{"targetArn", partition.Place{Account: home.Account, Region: archive.Region}.ARN(partition.Firehose, "deliverystream/logs").String(), "", "", ""},
	})
	var many []string
	for i := range 400 {
		many = append(many, fmt.Sprintf(`"%012d"`, 300000000000+i))
	}
	check(t, LogDestinationPolicy, []change{
		{"accessPolicy", "{", "", bad, ""},
		{"accessPolicy", about("s3:PutObject", "*"), "", bad, "s3:PutObject"},
		{"accessPolicy", strings.Replace(destinationPolicy, `"`+string(archive.Account)+`"`, "["+strings.Join(many, ",")+"]", 1), "", bad, "5120"},
	})
	// A filter of another account's log group names a destination, and no role.
	check(t, SubscriptionFilter, []change{
		{"destinationArn", home.ARN(partition.Logs, "destination:central").String(), "roleArn", bad, "cannot be used with roleArn"},
	})
	refs := typeOf(t, SubscriptionFilter).References(properties(m{"destinationArn": archive.ARN(partition.Logs, "destination:central").String()}))
	if len(refs) != 1 || refs[0].TargetToken != LogDestination || refs[0].SameAccount || !refs[0].SameRegion {
		t.Errorf("references %+v", refs)
	}
}
