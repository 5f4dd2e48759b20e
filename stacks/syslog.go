package stacks

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// ClassSyslog is what machines send by syslog.
const ClassSyslog Class = "syslog"

// pathSyslog is the way of a line of syslog.
const pathSyslog = "syslog > collector > firehose > bucket"

// KindSyslog is the source that is everything which sends to the collectors.
const KindSyslog = "syslog"

// SyslogSpec is the collectors of syslog.
type SyslogSpec struct {
	Key                      string // path in the configuration
	VpcID                    string
	SubnetIDs                []string
	ClientCIDRs, EgressCIDRs []string
	CertificateARN           string
	ImageID, InstanceType    string
	Package                  *components.FluentBitPackage // nil if the image has it
	MinSize, MaxSize         int
	BufferGiB                int
}

// defaultCollectorType is small: a collector moves lines, and waits.
const defaultCollectorType = "t4g.small"

// Fluent Bit's own repository (https://docs.fluentbit.io/manual/installation/downloads/linux/amazon-linux).
const (
	fluentBitRepository = "https://packages.fluentbit.io/amazonlinux/2023/"
	fluentBitKey        = "https://packages.fluentbit.io/fluentbit.key"
	// collectorImage is Amazon Linux 2023 for arm64, as AWS publishes it in every region
	// (https://docs.aws.amazon.com/linux/al2023/ug/ec2.html#launch-from-ssm-parameter; in China docs.amazonaws.cn has the same page).
	collectorImage = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
)

// maxBalancerName is how long the name of a load balancer may be (CreateLoadBalancer).
const maxBalancerName = 32

var (
	imageForm        = regexp.MustCompile(`^(ami-(?:[0-9a-f]{8}|[0-9a-f]{17})|resolve:ssm:/aws/service/[\w./-]+)$`)
	instanceTypeForm = regexp.MustCompile(`^[a-z][a-z0-9-]*\.[a-z0-9-]+$`)
	urlForm          = regexp.MustCompile(`^https://[\w.-]+(/[\w./$-]*)?$`)
)

func syslogField() schema.Field {
	const url = "a URL that begins with https://"
	return schema.Field{
		Key: "syslog", Kind: schema.Object,
		Doc: "Collectors of syslog: a network load balancer that takes TCP with TLS on port 6514, and machines behind it that run Fluent Bit and put every line, raw, into a stream. Senders end each message with a line feed (what rsyslog and syslog-ng do by default), queue while they can't connect, and check the certificate. What can't be promised: docs/operations.md.",
		Example: strings.Join([]string{
			"vpcId: vpc-0a1b2c3d4e5f60718",
			"subnetIds: [subnet-0a1b2c3d4e5f60718, subnet-0a1b2c3d4e5f60719]",
			"clientCidrs: [10.0.0.0/16]",
			"certificateArn: " + partition.Place{Account: "111122223333", Region: "cn-north-1"}.ARN(partition.ACM, "certificate/0b0c0d0e-0000-4000-8000-000000000000").String(),
		}, "\n"),
		Fields: []schema.Field{
			{Key: "vpcId", Kind: schema.String, Required: true, Pattern: vpcForm, Doc: "The VPC of load balancer and collectors.", Accepts: "an id such as vpc-0a1b2c3d4e5f60718"},
			{Key: "subnetIds", Kind: schema.List, Required: true, Doc: "Subnets of the VPC, in different zones, with a way to Firehose, Auto Scaling and the package's repository.", Accepts: "a list of two subnets or more",
				Items: &schema.Field{Kind: schema.String, Required: true, Pattern: subnetForm, Accepts: "an id such as subnet-0a1b2c3d4e5f60718"}},
			{Key: "clientCidrs", Kind: schema.List, Required: true, Doc: "Where syslog comes from: the VPC's ranges, and those that are connected to it.", Accepts: "a list of address ranges",
				Items: &schema.Field{Kind: schema.String, Required: true, Accepts: "a range of IPv4 of at most a /8, such as 10.0.0.0/16"}},
			{Key: "egressCidrs", Kind: schema.List, DefaultText: "anywhere", Doc: "Where collectors may connect to, by HTTPS only.", Accepts: "a list of address ranges",
				Items: &schema.Field{Kind: schema.String, Required: true, Accepts: "a range of IPv4 of at most a /8, such as 10.0.0.0/16"}},
			{Key: "certificateArn", Kind: schema.String, Required: true, Doc: "The certificate that senders see, in ACM. Its name must lead to the load balancer.", Accepts: "the ARN of a certificate in ACM, of the source account and the home region"},
			{Key: "image", Kind: schema.String, DefaultText: "Amazon Linux 2023 for arm64, the newest", Pattern: imageForm, Doc: "The machines' image, of Amazon Linux 2023.", Accepts: "the id of an image, or resolve:ssm: and the name of a public parameter of AWS"},
			{Key: "instanceType", Kind: schema.String, DefaultText: defaultCollectorType, Pattern: instanceTypeForm, Doc: "The machines' type, of the image's architecture.", Accepts: "an instance type, such as t4g.small"},
			{Key: "package", Kind: schema.Object, DefaultText: "Fluent Bit's own repository", Doc: "Where Fluent Bit comes from. A copy of the repository near by is safer and, in China, faster.", Accepts: "an object with repository, key, and version if it has one",
				Fields: []schema.Field{
					{Key: "install", Kind: schema.Boolean, Default: true, Doc: "Whether it is installed when a machine starts, or is in the image, below /opt/fluent-bit."},
					{Key: "repository", Kind: schema.String, DefaultText: fluentBitRepository, Pattern: urlForm, Doc: "The base URL of a repository of RPM packages.", Accepts: url},
					{Key: "key", Kind: schema.String, DefaultText: fluentBitKey, Pattern: urlForm, Doc: "The key that the packages are signed with.", Accepts: url},
					{Key: "version", Kind: schema.String, DefaultText: "the newest", Pattern: versionForm, Doc: "The package's version.", Accepts: "a version, such as 4.0.3"},
				}},
			{Key: "minSize", Kind: schema.Integer, DefaultText: "2", Range: schema.Between(2, 100), Doc: "How many machines there are at least."},
			{Key: "maxSize", Kind: schema.Integer, DefaultText: "6", Range: schema.Between(3, 200), Doc: "How many there are at most; more than minSize."},
			{Key: "bufferGiB", Kind: schema.Integer, DefaultText: "8", Range: schema.Between(4, 1024), Doc: "The size of each machine's disk for what Firehose hasn't taken yet."},
		},
	}
}

// syslog reads the collectors.
func (p *parser) syslog(v schema.Value) {
	if !v.Given {
		return
	}
	s := &SyslogSpec{
		Key: v.Path, VpcID: v.Get("vpcId").Text(), CertificateARN: v.Get("certificateArn").Text(), ImageID: cmp.Or(v.Get("image").Text(), collectorImage), InstanceType: cmp.Or(v.Get("instanceType").Text(), defaultCollectorType),
		MinSize: cmp.Or(v.Get("minSize").Number(), 2), MaxSize: cmp.Or(v.Get("maxSize").Number(), 6), BufferGiB: cmp.Or(v.Get("bufferGiB").Number(), 8),
	}
	p.spec.Syslog = s
	prefixFits := len(p.spec.DeliveryRole(ClassFlowLogsVended)) <= maxRoleName // otherwise it is reported already
	if n := len(p.spec.SyslogName()); n > maxBalancerName && prefixFits {
		p.add(v, "the load balancer %s would have %d characters, and AWS takes %d; want a shorter namePrefix", p.spec.SyslogName(), n, maxBalancerName)
	}
	once := newOnce(p)
	for _, subnet := range v.Get("subnetIds").Items() {
		once.text(subnet, "is", "want each once")
		s.SubnetIDs = append(s.SubnetIDs, subnet.Text())
	}
	if subnets := v.Get("subnetIds"); subnets.OK() && len(subnets.Items()) < 2 {
		p.add(subnets, "%d subnets; want two or more, in different zones", len(subnets.Items()))
	}
	s.ClientCIDRs, s.EgressCIDRs = p.ranges(v.Get("clientCidrs")), p.ranges(v.Get("egressCidrs"))
	if most := v.Get("maxSize"); v.Get("minSize").Valid && most.Valid && s.MaxSize <= s.MinSize {
		p.add(v.Get("maxSize"), "%d is not more than minSize %d: a machine is replaced by starting another one first", s.MaxSize, s.MinSize)
	}
	if c := v.Get("certificateArn"); c.OK() {
		arn, err := partition.ParseARN(c.Text())
		switch {
		case err != nil:
			p.add(c, "%v", err)
		case arn.Service != partition.ACM || !strings.HasPrefix(arn.Resource, "certificate/"):
			p.add(c, "%s is not the ARN of a certificate in ACM", schema.Quote(c.Text()))
		case p.spec.Home.Region != "" && p.spec.Home.Account != "" && arn.Place() != p.spec.Home:
			p.add(c, "%s is at %s; want %s, the home region of the source account", schema.Quote(c.Text()), arn.Place(), p.spec.Home)
		}
	}
	p.syslogPackage(v.Get("package"), s)
}

// ranges reads address ranges.
func (p *parser) ranges(v schema.Value) []string {
	var list []string
	once := newOnce(p)
	for _, item := range v.Items() {
		if !item.OK() {
			continue
		}
		if err := components.CheckClientCIDR(item.Text()); err != nil {
			p.add(item, "%s: %v", schema.Quote(item.Text()), err)
		}
		once.text(item, "is", "want each once")
		list = append(list, item.Text())
	}
	return list
}

func (p *parser) syslogPackage(v schema.Value, s *SyslogSpec) {
	install := !v.Given || v.Get("install").Flag()
	if !install {
		for _, key := range []string{"repository", "key", "version"} {
			if given := v.Get(key); given.OK() {
				p.add(given, "nothing is installed; leave it out, or say install: true")
			}
		}
		return
	}
	s.Package = &components.FluentBitPackage{Repository: fluentBitRepository, Key: fluentBitKey}
	if v.Given {
		if text := v.Get("repository").Text(); text != "" {
			s.Package.Repository = text
		}
		if text := v.Get("key").Text(); text != "" {
			s.Package.Key = text
		}
		s.Package.Version = v.Get("version").Text()
	}
}

// SyslogName is the load balancer of the collectors, and what else they are made of. AWS takes 32 characters.
func (s *Spec) SyslogName() string { return s.NamePrefix + "-syslog" }

// SyslogRole is what collectors act as.
func (s *Spec) SyslogRole() string { return s.roleName("syslog-collector") }

// syslogExternals are the network that the collectors are in.
func (s *Spec) syslogExternals() []External {
	if s.Syslog == nil {
		return nil
	}
	list := []External{{Kind: KindVPC, ID: s.Syslog.VpcID, Place: s.Home, Key: s.Syslog.Key}}
	for _, id := range s.Syslog.SubnetIDs {
		list = append(list, External{Kind: KindSubnet, ID: id, Place: s.Home, Key: s.Syslog.Key})
	}
	return list
}

func (s *Spec) syslogSources() []Source {
	if s.Syslog == nil {
		return nil
	}
	return []Source{{Key: s.Syslog.Key, Kind: KindSyslog, ID: s.SyslogName(), Path: pathSyslog, Stream: s.StreamName(ClassSyslog), Prefix: s.Prefix(ClassSyslog)}}
}

// syslog declares the collectors.
func (c *composer) syslog() error {
	s := c.spec.Syslog
	if s == nil {
		return nil
	}
	made, err := components.NewSyslogCollector(c.ctx, "syslog", &components.SyslogCollectorArgs{
		Place: c.spec.Home, Name: c.spec.SyslogName(), RoleName: c.spec.SyslogRole(), VpcID: s.VpcID, SubnetIDs: s.SubnetIDs,
		ClientCIDRs: s.ClientCIDRs, EgressCIDRs: s.EgressCIDRs, CertificateArn: s.CertificateARN, ImageID: s.ImageID, Package: s.Package,
		InstanceType: s.InstanceType, MinSize: s.MinSize, MaxSize: s.MaxSize, BufferGiB: s.BufferGiB, Pipeline: c.pipelines[ClassSyslog],
		Tags: c.spec.Tags, // a provider's default tags don't reach what a launch template starts
	}, c.atHome())
	if err != nil {
		return err
	}
	c.ctx.Export("syslog", pulumi.Map{"endpoint": made.Endpoint, "port": pulumi.Int(components.SyslogPort)})
	return nil
}
