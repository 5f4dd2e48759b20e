package partition

import "fmt"

const elbSource = "RI ELBV2_ACCOUNT (H)"

// elbAccounts has the accounts as which Elastic Load Balancing writes access logs. Regions that are newer than
// August 2022 have none: there the service principal writes (ELBLogDelivery).
var elbAccounts = map[Region]Account{
	"af-south-1":     "098369216593",
	"ap-east-1":      "754344448648",
	"ap-northeast-1": "582318560864",
	"ap-northeast-2": "600734575887",
	"ap-northeast-3": "383597477331",
	"ap-south-1":     "718504428378",
	"ap-southeast-1": "114774131450",
	"ap-southeast-2": "783225319266",
	"ap-southeast-3": "589379963580",
	"ca-central-1":   "985666609251",
	"cn-north-1":     "638102146993",
	"cn-northwest-1": "037604701340",
	"eu-central-1":   "054676820928",
	"eu-north-1":     "897822967062",
	"eu-south-1":     "635631232127",
	"eu-west-1":      "156460612806",
	"eu-west-2":      "652711504416",
	"eu-west-3":      "009996457667",
	"me-south-1":     "076674570225",
	"sa-east-1":      "507241528517",
	"us-east-1":      "127311923021",
	"us-east-2":      "033677994240",
	"us-west-1":      "027434742980",
	"us-west-2":      "797873946194",
}

// ELBAccount returns the account whose root writes the access logs of load balancers in r. Regions without one use
// the service principal of [ELBLogDelivery]; the error says so.
func ELBAccount(r Region) (Account, error) {
	if a, ok := elbAccounts[r]; ok {
		return a, nil
	}
	if r.Partition() == "" {
		_, err := ParseRegion(string(r))
		return "", err
	}
	return "", fmt.Errorf("load balancers in %s have no log delivery account: grant the service principal %s", r, ELBLogDelivery)
}

// cloudTrailAccounts has the accounts of CloudTrail's old bucket policies, which newer ones replace with the service
// principal.
var cloudTrailAccounts = map[Region]Account{
	"cn-north-1":     "193415116832",
	"cn-northwest-1": "681348832753",
}

const cloudTrailSource = "DOC23 cloudtrail-supported-regions.md (H)"

// CloudTrailAccount returns the account in whose name CloudTrail wrote before it had a service principal: found in
// old bucket policies, and not to be used in new ones.
func CloudTrailAccount(r Region) (Account, error) {
	if a, ok := cloudTrailAccounts[r]; ok {
		return a, nil
	}
	return "", fmt.Errorf("CloudTrail's legacy account in %q: not in the table", r)
}

// firehoseCIDRs has the address ranges that Firehose writes from, for destinations behind a firewall.
var firehoseCIDRs = map[Region]string{
	"cn-north-1":     "52.81.151.32/27",
	"cn-northwest-1": "161.189.23.64/27",
	"us-east-1":      "52.70.63.192/27",
}

const firehoseCIDRSource = "RI FIREHOSE_CIDR_BLOCK; DOC23 firehose controlling-access (H)"

// FirehoseCIDR returns the address range that Firehose writes from in r.
func FirehoseCIDR(r Region) (string, error) {
	if c, ok := firehoseCIDRs[r]; ok {
		return c, nil
	}
	return "", fmt.Errorf("address range of Firehose in %q: not in the table", r)
}
