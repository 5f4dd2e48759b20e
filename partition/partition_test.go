package partition

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	beijing  = Place{"111122223333", "cn-north-1"}
	ningxia  = Place{"444455556666", "cn-northwest-1"}
	virginia = Place{"111122223333", "us-east-1"}
	nowhere  = Place{"111122223333", "xx-north-1"}
)

func TestParseAccount(t *testing.T) {
	t.Parallel()
	for in, ok := range map[string]bool{
		"111122223333": true, "000000000001": true, "": false, "11112222333": false, "1111222233334": false, "11112222333a": false, "１１１１": false,
	} {
		if got, err := ParseAccount(in); (err == nil) != ok || (ok && string(got) != in) {
			t.Errorf("ParseAccount(%q) = %q, %v", in, got, err)
		}
	}
}

func TestParseRegion(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Partition{"cn-north-1": China, "cn-northwest-1": China, "us-east-1": AWS, "eu-central-1": AWS, "mx-central-1": AWS} {
		r, err := ParseRegion(in)
		if err != nil || r.Partition() != want || r.Name() == "" {
			t.Errorf("ParseRegion(%q) = %q (%s, %q), %v", in, r, r.Partition(), r.Name(), err)
		}
	}
	if _, err := ParseRegion("cn-north-2"); err == nil || !strings.HasSuffix(err.Error(), "want one of cn-north-1, cn-northwest-1") {
		t.Errorf("error for a China region: %v", err)
	}
	if _, err := ParseRegion("us-east-9"); err == nil || !strings.Contains(err.Error(), "us-east-1") || strings.Contains(err.Error(), "cn-north-1") {
		t.Errorf("error for a commercial region: %v", err)
	}
	if p := Region("xx").Partition(); p != "" {
		t.Errorf("partition of an unknown region: %q", p)
	}
	if n := len(AWS.Regions()); n < 30 {
		t.Errorf("aws has %d regions, want at least 30", n)
	}
	if Region("cn-north-1").OptIn() || !Region("ap-east-1").OptIn() {
		t.Error("opt-in: want false for cn-north-1 and true for ap-east-1")
	}
}

func TestParsePlaceNamesEveryProblem(t *testing.T) {
	t.Parallel()
	if p, err := ParsePlace("111122223333", "cn-north-1"); err != nil || p != beijing {
		t.Errorf("ParsePlace = %v, %v", p, err)
	}
	_, err := ParsePlace("1", "x")
	if err == nil || !strings.Contains(err.Error(), `"1"`) || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("ParsePlace: %v", err)
	}
}

func TestDNSSuffixes(t *testing.T) {
	t.Parallel()
	for p, want := range map[Partition][3]string{
		AWS:        {"amazonaws.com", "console.aws.amazon.com", "https://signin.aws.amazon.com/saml"},
		China:      {"amazonaws.com.cn", "console.amazonaws.cn", "https://signin.amazonaws.cn/saml"},
		"aws-moon": {"", "", ""},
	} {
		if got := [3]string{p.DNSSuffix(), p.ConsoleDomain(), p.SAMLAudience()}; got != want {
			t.Errorf("%s: %v, want %v", p, got, want)
		}
	}
}

func TestServicePrincipals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		place   Place
		service Service
		use     Use
		want    Principal // "" for an error
	}{
		{beijing, LogDelivery, Deliver, "delivery.logs.amazonaws.com"},
		{virginia, LogDelivery, Deliver, "delivery.logs.amazonaws.com"},
		{beijing, Logs, Trust, "logs.amazonaws.com"},
		{virginia, Logs, Trust, "logs.amazonaws.com"},
		{beijing, Logs, Key, "logs.cn-north-1.amazonaws.com"},
		{virginia, Logs, Key, "logs.us-east-1.amazonaws.com"},
		{beijing, Logs, Invoke, "logs.amazonaws.com"},
		{beijing, Logs, Deliver, "logs.cn-north-1.amazonaws.com"},
		{beijing, Firehose, Trust, "firehose.amazonaws.com"},
		{beijing, Backup, Trust, "backup.amazonaws.com"},
		{beijing, VPCFlowLogs, Trust, "vpc-flow-logs.amazonaws.com"},
		{beijing, CodeDeploy, Trust, "codedeploy.amazonaws.com.cn"},
		{beijing, EMR, Trust, "elasticmapreduce.amazonaws.com.cn"},
		{virginia, EMR, Trust, "elasticmapreduce.amazonaws.com"},
		{virginia, ELBLogDelivery, Deliver, "logdelivery.elasticloadbalancing.amazonaws.com"},
		{beijing, ELBLogDelivery, Deliver, ""},
		{beijing, "madeup", Trust, ""},
		{nowhere, Firehose, Trust, ""},
	} {
		got, err := c.place.PrincipalFor(c.service, c.use)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: PrincipalFor(%s, %s) = %q, %v; want %q", c.place, c.service, c.use, got, err, c.want)
		}
	}
	if got, _ := beijing.ServicePrincipal(Logs); got != "logs.amazonaws.com" {
		t.Errorf("ServicePrincipal(Logs) = %q", got)
	}
	passed, err := beijing.PassedTo(EC2)
	if err != nil || !slices.Equal(passed, []Principal{"ec2.amazonaws.com", "ec2.amazonaws.com.cn"}) {
		t.Errorf("PassedTo(EC2) = %v, %v", passed, err)
	}
	if passed, _ := virginia.PassedTo(EC2); len(passed) != 1 {
		t.Errorf("PassedTo(EC2) in aws = %v", passed)
	}
	if passed, _ := beijing.PassedTo(Logs); !slices.Equal(passed, []Principal{"logs.amazonaws.com", "logs.cn-north-1.amazonaws.com", "logs.amazonaws.com.cn"}) {
		t.Errorf("PassedTo(Logs) in aws-cn = %v", passed)
	}
	if passed, _ := virginia.PassedTo(Logs); !slices.Equal(passed, []Principal{"logs.amazonaws.com", "logs.us-east-1.amazonaws.com"}) {
		t.Errorf("PassedTo(Logs) in aws = %v", passed)
	}
	if a, c, n := AWS.CallEventTypes(), China.CallEventTypes(), Partition("x").CallEventTypes(); len(a) != 1 || len(c) != 2 || n != nil {
		t.Errorf("CallEventTypes: %v in aws, %v in aws-cn, %v elsewhere", a, c, n)
	}
	if _, err := beijing.PassedTo("madeup"); err == nil {
		t.Error("PassedTo of an unknown service: no error")
	}
	for s, want := range map[string]bool{
		"s3.amazonaws.com": true, "logs.cn-north-1.amazonaws.com.cn": true, "amazonaws.com": false, ".amazonaws.com": false, "*.amazonaws.com": false,
		"s3.amazonaws.org": false, "arn:aws:iam::1:role/x.amazonaws.com": false,
	} {
		if IsServicePrincipal(s) != want {
			t.Errorf("IsServicePrincipal(%q) = %v", s, !want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	type ask func() (string, error)
	for want, f := range map[string]ask{
		"s3.cn-north-1.amazonaws.com.cn":                func() (string, error) { return beijing.ViaService(S3) },
		"s3.us-east-1.amazonaws.com":                    func() (string, error) { return virginia.ViaService(S3) },
		"ec2.cn-northwest-1.amazonaws.com.cn":           func() (string, error) { return ningxia.ViaService(EBS) },
		"firehose.cn-north-1.amazonaws.com.cn":          func() (string, error) { return beijing.Endpoint(Firehose) },
		"monitoring.cn-north-1.amazonaws.com.cn":        func() (string, error) { return beijing.Endpoint(CloudWatch) },
		"iam.cn-north-1.amazonaws.com.cn":               func() (string, error) { return ningxia.Endpoint(IAM) },
		"iam.amazonaws.com":                             func() (string, error) { return virginia.Endpoint(IAM) },
		"organizations.cn-northwest-1.amazonaws.com.cn": func() (string, error) { return beijing.Endpoint(Organizations) },
		"archive.s3.cn-northwest-1.amazonaws.com.cn":    func() (string, error) { return ningxia.BucketHost("archive") },
		"cn.com.amazonaws.cn-north-1.backup":            func() (string, error) { return beijing.Region.EndpointService(Backup, Interface) },
		"com.amazonaws.cn-north-1.logs":                 func() (string, error) { return beijing.Region.EndpointService(Logs, Interface) },
		"com.amazonaws.cn-north-1.kinesis-firehose":     func() (string, error) { return beijing.Region.EndpointService(Firehose, Interface) },
		"cn.com.amazonaws.cn-north-1.s3":                func() (string, error) { return beijing.Region.EndpointService(S3, Interface) },
		"com.amazonaws.cn-north-1.s3":                   func() (string, error) { return beijing.Region.EndpointService(S3, Gateway) },
		"com.amazonaws.us-east-1.backup":                func() (string, error) { return virginia.Region.EndpointService(Backup, Interface) },
	} {
		if got, err := f(); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	for name, f := range map[string]ask{
		"ViaService of a service that has none": func() (string, error) { return beijing.ViaService(IAM) },
		"ViaService nowhere":                    func() (string, error) { return nowhere.ViaService(S3) },
		"Endpoint of an unknown service":        func() (string, error) { return beijing.Endpoint("madeup") },
		"Endpoint nowhere":                      func() (string, error) { return nowhere.Endpoint(S3) },
		"BucketHost nowhere":                    func() (string, error) { return nowhere.BucketHost("b") },
		"EndpointService nowhere":               func() (string, error) { return nowhere.Region.EndpointService(S3, Gateway) },
		"EndpointService unknown":               func() (string, error) { return beijing.Region.EndpointService(IAM, Interface) },
		"EndpointService of a kind":             func() (string, error) { return beijing.Region.EndpointService(Logs, Gateway) },
	} {
		if got, err := f(); err == nil {
			t.Errorf("%s = %q, want an error", name, got)
		}
	}
}

func TestCanCopy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to Region
		err      string
	}{
		{"cn-north-1", "cn-northwest-1", ""},
		{"cn-northwest-1", "cn-north-1", ""},
		{"us-east-1", "eu-central-1", ""},
		{"cn-north-1", "cn-north-1", "want one of cn-northwest-1"},
		{"cn-north-1", "us-east-1", "want one of cn-northwest-1"},
		{"us-east-1", "cn-north-1", "nothing is copied across partitions"},
		{"us-east-1", "mars", "is not a known region"},
		{"mars", "us-east-1", "is not a known region"},
	} {
		err := CanCopy(c.from, c.to)
		if (err == nil) != (c.err == "") || (err != nil && !strings.Contains(err.Error(), c.err)) {
			t.Errorf("CanCopy(%s, %s) = %v, want %q", c.from, c.to, err, c.err)
		}
	}
	if got := BackupRegions("cn-north-1"); !slices.Equal(got, []Region{"cn-northwest-1"}) {
		t.Errorf("BackupRegions(cn-north-1) = %v", got)
	}
	if got := BackupRegions("mars"); got != nil {
		t.Errorf("BackupRegions(mars) = %v", got)
	}
}

func TestFeatures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		feature    Feature
		aws, china Support
	}{
		{BackupCrossAccountCopy, Yes, No}, {FlowLogsToFirehose, Yes, Unknown}, {ObjectLock, Yes, Yes}, {GlacierIR, Yes, Unknown},
		{OrganizationConditions, Yes, Unknown}, {MultiRegionKeys, Yes, Unknown}, {LogLiveTail, Yes, No}, {BackupCrossRegionCopy, Yes, Yes},
		{LambdaARM64, Yes, Yes}, {FirehoseDecompression, Yes, Unknown}, {ReplicationTimeControl, Yes, Unknown}, {"flying", Unknown, Unknown},
	} {
		if a, b := AWS.Feature(c.feature), China.Feature(c.feature); a.Support != c.aws || b.Support != c.china || a.Source == "" || b.Source == "" {
			t.Errorf("%s: aws %v, aws-cn %v; want %v, %v", c.feature, a, b, c.aws, c.china)
		}
	}
	if err := China.Require(ObjectLock); err != nil {
		t.Error(err)
	}
	if err := China.Require(BackupCrossAccountCopy); err == nil || !strings.Contains(err.Error(), "not available in aws-cn (source: DOC26") {
		t.Errorf("Require of a No: %v", err)
	}
	if err := China.Require(GlacierIR); err == nil || !strings.Contains(err.Error(), "not known") {
		t.Errorf("Require of an Unknown: %v", err)
	}
	if err := Region("cn-northwest-1").Require(AuroraClusterExport); err != nil {
		t.Error(err)
	}
	if err := Region("cn-north-1").Require(AuroraClusterExport); err == nil {
		t.Error("Beijing exports Aurora clusters: want an error")
	}
	if err := Region("eu-central-1").Require(ObjectLock); err != nil {
		t.Error(err)
	}
	if f := Partition("aws-moon").Feature(ObjectLock); f.Support != Unknown {
		t.Errorf("feature of an unknown partition: %v", f)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		region Region
		limit  Limit
		want   int64 // -1 for an error
	}{
		{"us-east-1", FirehoseStreams, 5000}, {"cn-north-1", FirehoseStreams, 500}, {"cn-northwest-1", FirehoseDirectPutMiB, 1},
		{"cn-north-1", BucketPolicy, 20480}, {"eu-central-1", KeyPolicy, 32768}, {"cn-north-1", SubscriptionFilters, 2},
		{"cn-north-1", QueuePolicy, 8192}, {"cn-north-1", TopicPolicy, 30720}, {"cn-north-1", VaultAccessPolicy, -1}, {"mars", BucketPolicy, -1}, {"cn-north-1", "hats", -1},
	} {
		got, err := c.region.Limit(c.limit)
		if (err != nil) != (c.want == -1) || (err == nil && got != c.want) {
			t.Errorf("%s: Limit(%s) = %d, %v; want %d", c.region, c.limit, got, err, c.want)
		}
	}
	if _, err := Everywhere(FirehoseStreams); err == nil {
		t.Error("Everywhere(FirehoseStreams): it differs by region, want an error")
	}
}

func TestLogDeliveryAccounts(t *testing.T) {
	t.Parallel()
	for r, want := range map[Region]Account{"us-east-1": "127311923021", "cn-north-1": "638102146993", "cn-northwest-1": "037604701340", "il-central-1": "", "mars": ""} {
		if got, err := ELBAccount(r); got != want || (err == nil) != (want != "") {
			t.Errorf("ELBAccount(%s) = %s, %v", r, got, err)
		}
	}
	if got, err := CloudTrailAccount("cn-north-1"); err != nil || got != "193415116832" {
		t.Errorf("CloudTrailAccount = %s, %v", got, err)
	}
	if _, err := CloudTrailAccount("us-east-1"); err == nil {
		t.Error("CloudTrailAccount(us-east-1): want an error")
	}
	if got, err := FirehoseCIDR("cn-northwest-1"); err != nil || got != "161.189.23.64/27" {
		t.Errorf("FirehoseCIDR = %s, %v", got, err)
	}
	if _, err := FirehoseCIDR("eu-west-1"); err == nil {
		t.Error("FirehoseCIDR(eu-west-1): want an error")
	}
}

func TestLogRetention(t *testing.T) {
	t.Parallel()
	days := LogRetentionDays()
	if !slices.IsSorted(days) || !slices.Contains(days, 180) || !slices.Contains(days, 3653) {
		t.Errorf("LogRetentionDays = %v", days)
	}
	if err := CheckLogRetention(180); err != nil {
		t.Error(err)
	}
	if err := CheckLogRetention(200); err == nil || !strings.Contains(err.Error(), "150, 180, 365") {
		t.Errorf("CheckLogRetention(200) = %v", err)
	}
}

func TestStorageClasses(t *testing.T) {
	t.Parallel()
	rules := StorageRules()
	if !slices.IsSortedFunc(rules, func(a, b StorageRule) int { return a.Order - b.Order }) {
		t.Errorf("not in the order in which objects move: %v", rules)
	}
	r, err := ParseStorageClass("DEEP_ARCHIVE")
	if err != nil || r.MinStorageDays != 180 || r.AfterIADays != 30 {
		t.Errorf("DEEP_ARCHIVE = %+v, %v", r, err)
	}
	if _, err := ParseStorageClass("GLACIAL"); err == nil || !strings.Contains(err.Error(), "STANDARD_IA") {
		t.Errorf("ParseStorageClass(GLACIAL) = %v", err)
	}
	for _, c := range []struct {
		class StorageClass
		p     Partition
		want  Support
	}{{GlacierInstant, China, Unknown}, {Glacier, China, Yes}, {StandardIA, China, Yes}, {GlacierInstant, AWS, Yes}, {StandardIA, "aws-moon", Unknown}} {
		if got := c.class.Feature(c.p); got.Support != c.want || got.Source == "" {
			t.Errorf("%s in %s: %v, want %v", c.class, c.p, got, c.want)
		}
	}
}

// Every row says where it comes from and how sure it is.
func TestFactsHaveSources(t *testing.T) {
	t.Parallel()
	rows := Facts()
	source := regexp.MustCompile(`\((H|M|L|M-H)( |,|\)|;)|not found|well known`)
	topics := map[string]int{}
	for _, r := range rows {
		topics[r.Topic]++
		if r.Subject == "" || r.Partition == "" || r.Value == "" || r.Source == "" {
			t.Errorf("row with a gap: %+v", r)
		}
		if !source.MatchString(r.Source) && !(r.Topic == "feature" && r.Value == "unknown") {
			t.Errorf("%s %s: source %q has no confidence", r.Topic, r.Subject, r.Source)
		}
	}
	for _, want := range []string{"ARN", "DNS suffix", "VPC endpoint service", "copy", "endpoint", "event of an API call", "feature", "iam:PassedToService", "kms:ViaService", "limit", "log delivery account", "log retention", "metric", "region", "service principal", "storage class"} {
		if topics[want] == 0 {
			t.Errorf("no row on %q", want)
		}
	}
	if again := Facts(); !slices.Equal(rows, again) {
		t.Error("two calls differ")
	}
}
