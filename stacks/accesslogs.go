package stacks

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
	"github.com/logarchive/logarchive/verify"
)

// The kinds of load balancers, as in [External] and in the stack's outputs.
const (
	KindApplicationBalancer = "application-load-balancer"
	KindNetworkBalancer     = "network-load-balancer"
	KindClassicBalancer     = "classic-load-balancer"
	KindBucket              = "bucket"
)

// AttributeAccessLogs is, of a load balancer, where its access logs go: bucket/prefix.
const AttributeAccessLogs = "accessLogs"

// AccessLogsSpec is the bucket of access logs, and whose logs it takes.
type AccessLogsSpec struct {
	Bucket     string
	ExpireDays int
	LagMinutes int
	Balancers  []BalancerSpec
	// Buckets are existing buckets of the source account in the home region.
	Buckets []AccessedBucketSpec
	// OwnDays is for how long the access logs of the archive's own buckets are kept; 0 if they have none.
	OwnDays int
}

// BalancerSpec is an existing load balancer.
type BalancerSpec struct {
	Key  string // path in the configuration
	Kind string
	ARN  partition.ARN
	Name string
}

// AccessedBucketSpec is an existing bucket whose server access logs are archived.
type AccessedBucketSpec struct {
	Key  string // path in the configuration
	Name string
}

func accessLogsField() schema.Field {
	return schema.Field{
		Key: "accessLogs", Kind: schema.Object,
		Doc: "Access logs of load balancers and of buckets. They can be delivered only to a bucket of the home region with S3's own encryption and without Object Lock: it is in the source account, is replicated to the archive, and expires soon. A load balancer's own attribute switches its logs on: the stack's output accessLogs has the command for each.",
		Example: strings.Join([]string{
			"bucket: example-access-logs-111122223333-beijing",
			"loadBalancers:",
			"  - " + partition.Place{Account: "111122223333", Region: "cn-north-1"}.ARN(partition.ELB, "loadbalancer/app/shop/50dc6c495c0c9188").String(),
			"buckets: [example-shop-uploads]",
			"ownBucketsDays: 365",
		}, "\n"),
		Accepts: "an object with bucket and loadBalancers, buckets or ownBucketsDays",
		Fields: []schema.Field{
			{Key: "bucket", Kind: schema.String, DefaultText: "none; needed for loadBalancers and buckets",
				Doc:     "The name of the bucket for access logs. Those of the archive's own buckets go to others, whose names are made from those buckets' names.",
				Accepts: "3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last"},
			{Key: "expireDays", Kind: schema.Integer, DefaultText: fmt.Sprint(defaultLandingDays), Range: schema.Between(components.LandingExpireDays, maxLandingDays),
				Doc: "After how many days objects expire here, as log-archive:landing.expireDays."},
			{Key: "lagMinutes", Kind: schema.Integer, DefaultText: fmt.Sprint(defaultLagMinutes), Range: schema.Between(15, 24*60),
				Doc: "The lag of the replication above which an alarm goes off."},
			{Key: "loadBalancers", Kind: schema.List,
				Doc:     "Application, network and classic load balancers. Network load balancers write access logs of TLS listeners only.",
				Accepts: "a list of ARNs of load balancers of the source account in the home region",
				Items:   &schema.Field{Kind: schema.String, Required: true, Accepts: "the ARN of a load balancer; a classic one's ends with loadbalancer/name"}},
			{Key: "buckets", Kind: schema.List,
				Doc:     "Existing buckets of the source account in the home region. Their server access logging is configured by the stack, whatever it was before.",
				Accepts: "a list of names of buckets",
				Items:   &schema.Field{Kind: schema.String, Required: true, Accepts: "the name of a bucket"}},
			{Key: "ownBucketsDays", Kind: schema.Integer, DefaultText: "no access logs of them", Range: schema.Between(minRetentionDays, maxDays),
				Doc: "For how many days the server access logs of the archive, its replica and the landing bucket are kept: each in a bucket beside it, named after it with -access behind. They aren't replicated to the archive, which would log that again, for ever."},
		},
	}
}

// accessLogs reads whose access logs are archived.
func (p *parser) accessLogs(v schema.Value) {
	if !v.Given {
		return
	}
	s := &AccessLogsSpec{
		Bucket: v.Get("bucket").Text(), OwnDays: v.Get("ownBucketsDays").Number(),
		ExpireDays: cmp.Or(v.Get("expireDays").Number(), defaultLandingDays), LagMinutes: cmp.Or(v.Get("lagMinutes").Number(), defaultLagMinutes),
	}
	p.spec.AccessLogs = s
	bucket, names := v.Get("bucket"), newOnce(p)
	if bucket.OK() {
		if err := checkBucketName(s.Bucket); err != nil {
			p.add(bucket, "%v", err)
		}
		if p.spec.keepsIn(s.Bucket) {
			p.add(bucket, "%s is another bucket of the archive, too; want another", schema.Quote(s.Bucket))
		}
	}
	for _, item := range v.Get("loadBalancers").Items() {
		names.text(item, "is", "want each once")
		if b, ok := p.balancer(item); ok {
			s.Balancers = append(s.Balancers, b)
		}
	}
	for _, item := range v.Get("buckets").Items() {
		if !item.OK() {
			continue
		}
		names.text(item, "is", "want each once")
		switch name := item.Text(); {
		case name == s.Bucket:
			p.add(item, "%s is the bucket of the access logs; each log object would be logged again, for ever", schema.Quote(name))
		case p.spec.keepsIn(name):
			p.add(item, "%s is the archive's own; say ownBucketsDays", schema.Quote(name))
		default:
			if err := checkBucketName(name); err != nil {
				p.add(item, "%v", err)
			}
			s.Buckets = append(s.Buckets, AccessedBucketSpec{item.Path, name})
		}
	}
	if own := v.Get("ownBucketsDays"); own.OK() {
		for _, name := range p.spec.ownBuckets() {
			if err := checkBucketName(ownAccessBucket(name)); err != nil {
				p.add(own, "%v", err)
			}
		}
	}
	switch sources := len(v.Get("loadBalancers").Items()) + len(v.Get("buckets").Items()); {
	case sources > 0 && !bucket.Given:
		p.add(v, "there is no bucket for the access logs; want bucket")
	case sources == 0 && bucket.OK():
		p.add(bucket, "nothing is written to it; want loadBalancers or buckets, or leave it out")
	case sources == 0 && !v.Get("ownBucketsDays").Given:
		p.add(v, "nothing has access logs; want loadBalancers, buckets or ownBucketsDays")
	}
}

// balancer reads the ARN of a load balancer.
func (p *parser) balancer(v schema.Value) (BalancerSpec, bool) {
	if !v.OK() {
		return BalancerSpec{}, false
	}
	home, want := p.spec.Home, "want the ARN of a load balancer of the source account in the home region"
	arn, err := partition.ParseARN(v.Text())
	rest, isBalancer := strings.CutPrefix(arn.Resource, "loadbalancer/")
	parts := strings.Split(rest, "/")
	switch {
	case err != nil:
		p.add(v, "%v; %s", err, want)
		return BalancerSpec{}, false
	case arn.Service != partition.ELB || !isBalancer:
		p.add(v, "%s is not the ARN of a load balancer; %s", schema.Quote(v.Text()), want)
		return BalancerSpec{}, false
	case home.Region != "" && arn.Place() != home:
		p.add(v, "%s is in %s; want %s: access logs are written to a bucket of the region", schema.Quote(v.Text()), arn.Place(), home)
		return BalancerSpec{}, false
	}
	b := BalancerSpec{Key: v.Path, ARN: arn}
	switch {
	case len(parts) == 3 && parts[0] == "app":
		b.Kind, b.Name = KindApplicationBalancer, parts[1]
	case len(parts) == 3 && parts[0] == "net":
		b.Kind, b.Name = KindNetworkBalancer, parts[1]
	case len(parts) == 1 && rest != "":
		b.Kind, b.Name = KindClassicBalancer, rest
	default:
		p.add(v, "%s is not an application, network or classic load balancer; %s", schema.Quote(v.Text()), want)
		return b, false
	}
	return b, true
}

// ownBuckets are the archive's own buckets whose requests may be logged.
func (s *Spec) ownBuckets() []string {
	list := []string{s.ArchiveBucket.Bucket}
	if s.lands() {
		list = append(list, s.Landing.Bucket)
	}
	if s.Replica != nil {
		list = append(list, s.Replica.Bucket)
	}
	return list
}

// keepsIn says whether a bucket is the archive, its replica or the landing bucket.
func (s *Spec) keepsIn(bucket string) bool {
	return bucket == s.ArchiveBucket.Bucket || s.Landing != nil && bucket == s.Landing.Bucket || s.Replica != nil && bucket == s.Replica.Bucket
}

// ownAccessBucket is where the server access logs of one of the archive's own buckets go.
func ownAccessBucket(bucket string) string { return bucket + "-access" }

// collects says whether there are access logs that are archived.
func (a *AccessLogsSpec) collects() bool { return a != nil && len(a.Balancers)+len(a.Buckets) > 0 }

// accessLogReplicas are the archive's deliveries for access logs.
func (s *Spec) accessLogReplicas() []components.Delivery {
	if !s.AccessLogs.collects() {
		return nil
	}
	return []components.Delivery{components.AccessLogReplica(s.Home, s.AccessLogRole())}
}

// command is how a load balancer's access logs are switched on: the attribute belongs to the load balancer, which this
// program doesn't own.
func (s *Spec) command(b BalancerSpec) string {
	bucket, prefix := s.AccessLogs.Bucket, components.BalancerPrefix
	if b.Kind == KindClassicBalancer {
		return fmt.Sprintf(`aws elb modify-load-balancer-attributes --region %s --load-balancer-name %s --load-balancer-attributes '{"AccessLog":{"Enabled":true,"S3BucketName":"%s","S3BucketPrefix":"%s","EmitInterval":5}}'`,
			s.Home.Region, b.Name, bucket, prefix)
	}
	return fmt.Sprintf("aws elbv2 modify-load-balancer-attributes --region %s --load-balancer-arn %s --attributes Key=access_logs.s3.enabled,Value=true Key=access_logs.s3.bucket,Value=%s Key=access_logs.s3.prefix,Value=%s",
		s.Home.Region, b.ARN, bucket, prefix)
}

// accessLogExternals are the load balancers, as the commands leave them, and the buckets.
func (s *Spec) accessLogExternals() []External {
	if s.AccessLogs == nil {
		return nil
	}
	var list []External
	for _, b := range s.AccessLogs.Balancers {
		list = append(list, External{Kind: b.Kind, ID: strings.TrimPrefix(b.ARN.Resource, "loadbalancer/"), Place: s.Home, Key: b.Key,
			Attributes: map[string]string{"name": b.Name, AttributeAccessLogs: s.AccessLogs.Bucket + "/" + components.BalancerPrefix}})
	}
	for _, b := range s.AccessLogs.Buckets {
		list = append(list, External{Kind: KindBucket, ID: b.Name, Place: s.Home, Key: b.Key})
	}
	return list
}

// balancersElsewhere are the load balancers as a proof takes them to be: with the attributes that the commands set.
func (s *Spec) balancersElsewhere() []*verify.Resource {
	if s.AccessLogs == nil {
		return nil
	}
	var list []*verify.Resource
	for _, b := range s.AccessLogs.Balancers {
		logs := map[string]any{"bucket": s.AccessLogs.Bucket, "enabled": true, "prefix": components.BalancerPrefix}
		r := &verify.Resource{URN: b.ARN.String(), Type: "aws:lb/loadBalancer:LoadBalancer", Name: b.Name, ID: b.ARN.String(), Place: s.Home}
		state := map[string]any{"name": b.Name, "arn": b.ARN.String(), "accessLogs": logs}
		switch b.Kind {
		case KindApplicationBalancer:
			state["loadBalancerType"] = "application"
		case KindNetworkBalancer:
			state["loadBalancerType"] = "network"
		default:
			r.Type = "aws:elb/loadBalancer:LoadBalancer"
			logs["bucketPrefix"] = logs["prefix"]
			delete(logs, "prefix")
		}
		r.State = resource.NewPropertyMapFromMap(state)
		list = append(list, r)
	}
	return list
}

// accessLogSources are the rows of the table of sources.
func (s *Spec) accessLogSources() []Source {
	if s.AccessLogs == nil {
		return nil
	}
	var rows []Source
	for _, b := range s.AccessLogs.Balancers {
		rows = append(rows, Source{Key: b.Key, Kind: b.Kind, ID: b.Name, Place: s.Home, Path: pathAccess, Prefix: components.BalancerPrefix + "/"})
	}
	for _, b := range s.AccessLogs.Buckets {
		rows = append(rows, Source{Key: b.Key, Kind: KindBucket, ID: b.Name, Place: s.Home, Path: pathAccess, Prefix: components.ServerAccessLogPrefix(b.Name)})
	}
	return rows
}

// accessLogBuckets declares the buckets of access logs: that of the sources, which is replicated, and those of the archive's own
// buckets, which aren't.
func (c *composer) accessLogBuckets() (err error) {
	s, a := c.spec, c.spec.AccessLogs
	if a == nil {
		return nil
	}
	if a.collects() {
		args := &components.AccessLogBucketArgs{
			Place: s.Home, BucketName: a.Bucket, ExpireDays: a.ExpireDays, LagSeconds: a.LagMinutes * 60, AlarmActions: c.alarmActions(s.Home),
			Archive: c.archive, Also: c.replica, ArchivePlace: s.Archive, ArchiveBucketName: s.ArchiveBucket.Bucket, ReplicationRoleName: s.AccessLogRole(),
		}
		commands := pulumi.StringMap{}
		for _, b := range a.Balancers {
			if b.Kind == KindNetworkBalancer {
				args.NetworkBalancerAccounts = []partition.Account{s.Home.Account}
			} else {
				args.BalancerAccounts = []partition.Account{s.Home.Account}
			}
			commands[b.Name] = pulumi.String(s.command(b))
		}
		for _, b := range a.Buckets {
			args.Buckets = append(args.Buckets, b.Name)
		}
		made, err := components.NewAccessLogBucket(c.ctx, "access-logs", args, c.atHome())
		if err != nil {
			return err
		}
		c.ctx.Export("accessLogs", pulumi.Map{"bucket": made.Name, "commands": commands})
	}
	if a.OwnDays == 0 {
		return nil
	}
	own := func(name string, place partition.Place, bucket string, breakGlass partition.ARN, provider pulumi.ProviderResource, waitFor ...pulumi.Resource) error {
		args := &components.AccessLogBucketArgs{Place: place, BucketName: ownAccessBucket(bucket), ExpireDays: a.OwnDays, Buckets: []string{bucket}}
		if breakGlass != (partition.ARN{}) {
			args.BreakGlassRoleArns = []string{breakGlass.String()}
		}
		_, err := components.NewAccessLogBucket(c.ctx, name, args, pulumi.Provider(provider), pulumi.DependsOn(waitFor))
		return err
	}
	deletes := s.ArchiveBucket.BreakGlassRole
	if err := own("archive-access", s.Archive, s.ArchiveBucket.Bucket, deletes, c.providers.archive, c.archive.Bucket); err != nil {
		return err
	}
	if r := s.Replica; r != nil {
		if err := own("replica-access", r.Place, r.Bucket, r.BreakGlassRole, c.providers.replica, c.replica.Replica.Bucket); err != nil {
			return err
		}
	}
	if !s.lands() {
		return nil
	}
	return own("landing-access", s.LandingPlace(), s.Landing.Bucket, deletes, c.providers.landing, c.landing.Landing.Bucket)
}
