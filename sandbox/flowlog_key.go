package sandbox

import (
	"fmt"
	"strings"
	"time"

	"github.com/logarchive/logarchive/partition"
)

// flowWindow is how often flow logs publish to S3, and flowFileBytes how large a file becomes at most:
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
const (
	flowWindow    = 5 * time.Minute
	flowFileBytes = 75 << 20
)

// flowKey is what the key of a flow log's file is made of.
type flowKey struct {
	folder                string // what the destination's ARN has after the bucket
	place                 partition.Place
	flowLog               string // its id
	hive, hourly, parquet bool
	window                time.Time // when the five minutes of the records began
	hash                  uint32
}

// String returns the key as AWS documents it:
//
//	folder/AWSLogs/account/vpcflowlogs/region/yyyy/MM/dd/[HH/]file
//	folder/AWSLogs/aws-account-id=account/aws-service=vpcflowlogs/aws-region=region/year=yyyy/month=MM/day=dd/[hour=HH/]file
//	file = account_vpcflowlogs_region_flow-log-id_yyyyMMddTHHmmZ_hash.log.gz (or .log.parquet)
//
// Transit gateways have the same keys. (Their guide writes "service=vpcflowlogs" for Hive, as the VPC guide once did,
// too; the objects that are seen have "aws-service=".)
func (k flowKey) String() string {
	account, region, t := k.place.Account, k.place.Region, k.window.UTC()
	path, date, hour := "%s/vpcflowlogs/%s/", "2006/01/02/", "15/"
	if k.hive {
		path, date, hour = "aws-account-id=%s/aws-service=vpcflowlogs/aws-region=%s/", "year=2006/month=01/day=02/", "hour=15/"
	}
	if k.hourly {
		date += hour
	}
	extension := ".log.gz"
	if k.parquet {
		extension = ".log.parquet"
	}
	return k.head() + fmt.Sprintf(path, account, region) + t.Format(date) + k.fileHead() + fmt.Sprintf("%s_%08x%s", t.Format("20060102T1504Z"), k.hash, extension)
}

// head is what all keys of the destination begin with.
func (k flowKey) head() string {
	if folder := strings.Trim(k.folder, "/"); folder != "" {
		return folder + "/AWSLogs/"
	}
	return "AWSLogs/"
}

// fileHead is what all file names of the flow log begin with.
func (k flowKey) fileHead() string {
	return fmt.Sprintf("%s_vpcflowlogs_%s_%s_", k.place.Account, k.place.Region, k.flowLog)
}

// matches says whether a key is that of a file of the flow log, whatever its options were when it was written.
func (k flowKey) matches(key string) bool {
	return strings.HasPrefix(key, k.head()) && strings.HasPrefix(key[strings.LastIndexByte(key, '/')+1:], k.fileHead())
}
