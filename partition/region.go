package partition

import (
	"fmt"
	"slices"
	"strings"
)

// Partition is a group of regions with accounts, IAM and ARNs of its own. Trust and replication never cross it.
type Partition string

// The partitions that the table knows.
const (
	AWS   Partition = "aws"
	China Partition = "aws-cn"
)

// Region is the code of a region, such as cn-north-1.
type Region string

type regionRow struct {
	region    Region
	partition Partition
	name      string
	// optIn regions are off until an account turns them on. Calls from one into another need regional principals.
	optIn bool
}

const (
	regionSource = "BC endpoints.json regions; RI isOptInRegion (H)"
	suffixSource = "BC endpoints.json dnsSuffix (H)"
)

var regionTable = []regionRow{
	{"af-south-1", AWS, "Africa (Cape Town)", true},
	{"ap-east-1", AWS, "Asia Pacific (Hong Kong)", true},
	{"ap-east-2", AWS, "Asia Pacific (Taipei)", true},
	{"ap-northeast-1", AWS, "Asia Pacific (Tokyo)", false},
	{"ap-northeast-2", AWS, "Asia Pacific (Seoul)", false},
	{"ap-northeast-3", AWS, "Asia Pacific (Osaka)", false},
	{"ap-south-1", AWS, "Asia Pacific (Mumbai)", false},
	{"ap-south-2", AWS, "Asia Pacific (Hyderabad)", true},
	{"ap-southeast-1", AWS, "Asia Pacific (Singapore)", false},
	{"ap-southeast-2", AWS, "Asia Pacific (Sydney)", false},
	{"ap-southeast-3", AWS, "Asia Pacific (Jakarta)", true},
	{"ap-southeast-4", AWS, "Asia Pacific (Melbourne)", true},
	{"ap-southeast-5", AWS, "Asia Pacific (Malaysia)", true},
	{"ap-southeast-6", AWS, "Asia Pacific (New Zealand)", true},
	{"ap-southeast-7", AWS, "Asia Pacific (Thailand)", true},
	{"ca-central-1", AWS, "Canada (Central)", false},
	{"ca-west-1", AWS, "Canada West (Calgary)", true},
	{"cn-north-1", China, "China (Beijing)", false},
	{"cn-northwest-1", China, "China (Ningxia)", false},
	{"eu-central-1", AWS, "Europe (Frankfurt)", false},
	{"eu-central-2", AWS, "Europe (Zurich)", true},
	{"eu-north-1", AWS, "Europe (Stockholm)", false},
	{"eu-south-1", AWS, "Europe (Milan)", true},
	{"eu-south-2", AWS, "Europe (Spain)", true},
	{"eu-west-1", AWS, "Europe (Ireland)", false},
	{"eu-west-2", AWS, "Europe (London)", false},
	{"eu-west-3", AWS, "Europe (Paris)", false},
	{"il-central-1", AWS, "Israel (Tel Aviv)", true},
	{"me-central-1", AWS, "Middle East (UAE)", true},
	{"me-south-1", AWS, "Middle East (Bahrain)", true},
	{"mx-central-1", AWS, "Mexico (Central)", true},
	{"sa-east-1", AWS, "South America (Sao Paulo)", false},
	{"us-east-1", AWS, "US East (N. Virginia)", false},
	{"us-east-2", AWS, "US East (Ohio)", false},
	{"us-west-1", AWS, "US West (N. California)", false},
	{"us-west-2", AWS, "US West (Oregon)", false},
}

var regionIndex = func() map[Region]*regionRow {
	m := make(map[Region]*regionRow, len(regionTable))
	for i := range regionTable {
		m[regionTable[i].region] = &regionTable[i]
	}
	return m
}()

// Partitions returns the partitions that the table knows.
func Partitions() []Partition { return []Partition{AWS, China} }

// ParseRegion returns s as a region of the table. The error names the accepted ones: those of the partition that s
// seems to belong to ("cn-" or not).
func ParseRegion(s string) (Region, error) {
	r := Region(s)
	if _, ok := regionIndex[r]; ok {
		return r, nil
	}
	p := AWS
	if strings.HasPrefix(s, "cn-") {
		p = China
	}
	return "", fmt.Errorf("%q is not a known region: want one of %s", s, joinRegions(p.Regions()))
}

// Partition returns the partition that r belongs to, or "" when the table doesn't have r.
func (r Region) Partition() Partition {
	if row, ok := regionIndex[r]; ok {
		return row.partition
	}
	return ""
}

// Name returns the region's name as AWS writes it, such as "China (Beijing)", or "" when the table doesn't have r.
func (r Region) Name() string {
	if row, ok := regionIndex[r]; ok {
		return row.name
	}
	return ""
}

// OptIn says whether an account must turn the region on before it can be used. Neither China region is one.
func (r Region) OptIn() bool {
	row, ok := regionIndex[r]
	return ok && row.optIn
}

// DNSSuffix returns the suffix of the partition's endpoints, or "" for an unknown partition. Service principals don't
// follow it: see [Place.ServicePrincipal].
func (p Partition) DNSSuffix() string {
	switch p {
	case AWS:
		return "amazonaws.com"
	case China:
		return "amazonaws.com.cn"
	}
	return ""
}

// ConsoleDomain returns the domain of the web console, or "" for an unknown partition.
func (p Partition) ConsoleDomain() string {
	switch p {
	case AWS:
		return "console.aws.amazon.com"
	case China:
		return "console.amazonaws.cn"
	}
	return ""
}

// SAMLAudience returns the value of SAML:aud in role trust policies for console federation, or "" for an unknown
// partition.
func (p Partition) SAMLAudience() string {
	switch p {
	case AWS:
		return "https://signin.aws.amazon.com/saml"
	case China:
		return "https://signin.amazonaws.cn/saml"
	}
	return ""
}

// Regions returns the partition's regions in alphabetical order; none for an unknown partition.
func (p Partition) Regions() []Region {
	var rs []Region
	for _, row := range regionTable {
		if row.partition == p {
			rs = append(rs, row.region)
		}
	}
	slices.Sort(rs)
	return rs
}

// known says whether the table has the partition.
func (p Partition) known() bool { return p == AWS || p == China }

func joinRegions(rs []Region) string {
	s := make([]string, len(rs))
	for i, r := range rs {
		s[i] = string(r)
	}
	return strings.Join(s, ", ")
}
