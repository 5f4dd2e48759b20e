package verify

import (
	"fmt"

	"github.com/logarchive/logarchive/partition"
)

// The kinds of sources that services write themselves, besides trails.
const (
	KindConfig   = "config"    // AWS Config
	KindFindings = "guardduty" // GuardDuty
	KindQueryLog = "resolver-query-log"
)

// serviceTokens are the types of the resources that begin their ways. They come before those of sourceTokens, of which replications
// want to know what is delivered.
var serviceTokens = []string{typeDeliveryChannel, typePublishing, typeQueryLogAssociation}

// serviceWrites are the requests of a service that writes objects under its own name, with the bucket's key or another that it
// names.
type serviceWrites struct {
	service partition.Service
	what    string   // "AWS Config"
	looks   []string // at the bucket
	key     string   // that the requests name
	onKey   []string
	folder  string
	names   []string // of objects below the folder
	context func(request) request
}

// writeAsService proves them, and the way on from a bucket that is replicated. The folder is the account's.
func (e *evaluation) writeAsService(s *segment, r *Resource, b *bucket, w serviceWrites) {
	e.keeps(b)
	caller, err := service(r.Place, w.service)
	if s.refuse(r, err) {
		return
	}
	deputy := w.context(request{title: w.what + " looks at the bucket", caller: caller, owner: b.Place.Account, carrier: r.URN}.
		with("aws:SourceAccount", string(r.Place.Account)))
	q := deputy.overTLS()
	s.prove(e, q.do(b.arn, w.looks...))
	q.title = w.what + " writes objects"
	if w.key != "" {
		q = q.with(sseHeader, "aws:kms").with(sseKeyHeader, w.key)
	}
	for _, name := range w.names {
		object := b.arn + "/" + joinKey(w.folder, name)
		put := q.sampling(object, b.arn+"/"+w.folder+"/*")
		// See flowLogToBucket: with and without the ACL.
		s.prove(e, put.with("s3:x-amz-acl", "bucket-owner-full-control").do(object, "s3:PutObject"))
		if ownerEnforced(b) {
			s.prove(e, put.do(object, "s3:PutObject"))
		}
	}
	object := b.arn + "/" + joinKey(w.folder, w.names[0])
	e.encrypt(s, b, w.key, object, deputy.sampling(object, b.arn+"/*"), w.onKey)
	e.lands(s, b, joinKey(w.folder, w.names[0]))
}

// configuration is AWS Config delivering to its channel's bucket, for a recorder that records. A recorder with a role of its own
// tries that first; the service's own name is what both ways end with, and the only one with a service-linked role.
// https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-policy.html and s3-kms-key-policy.html
func (e *evaluation) configuration(s *segment, r *Resource) {
	b, ok := e.toBucket(s, r, "s3BucketName", r.text("s3BucketName"))
	if !ok {
		return
	}
	recorder, started := false, false
	for _, other := range e.byType[typeRecorder] {
		recorder = recorder || other.Place == r.Place
	}
	for _, other := range e.byType[typeRecorderStatus] {
		started = started || other.Place == r.Place && other.flag("isEnabled")
	}
	if !recorder || !started {
		s.broken(r.URN, "", "nothing is delivered: no recorder of its account and region is started", "declare a recorder, and its status with isEnabled")
	}
	region := string(r.Place.Region)
	e.writeAsService(s, r, b, serviceWrites{
		service: partition.Config, what: "AWS Config", looks: []string{"s3:GetBucketAcl", "s3:ListBucket"},
		key: r.text("s3KmsKeyArn"), onKey: []string{"kms:GenerateDataKey", "kms:Decrypt"},
		folder:  joinKey(r.text("s3KeyPrefix"), "AWSLogs", string(r.Place.Account), "Config"),
		names:   []string{joinKey(region, "0000/0/0/ConfigHistory/object.json.gz"), "ConfigWritabilityCheckFile"},
		context: func(q request) request { return q },
	})
}

// findings is GuardDuty publishing to a bucket (https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_exportfindings.html).
func (e *evaluation) findings(s *segment, r *Resource) {
	name, prefix := splitBucketARN(r.text("destinationArn"))
	b, ok := e.toBucket(s, r, "destinationArn", name)
	if !ok {
		return
	}
	if b.Place.Region != r.Place.Region {
		if err := r.Place.Region.Require(partition.FindingsCrossRegionBucket); err != nil {
			s.broken(r.URN, "destinationArn", err.Error(), "publish to a bucket of the detector's region, and replicate it")
		} else if b.Place.Region.OptIn() {
			s.broken(r.URN, "destinationArn", fmt.Sprintf("%s is an opt-in region: GuardDuty publishes to no other region's than its own", b.Place.Region), "publish to a bucket of another region")
		}
	}
	if prefix != "" && b.Place.Account != r.Place.Account {
		s.broken(r.URN, "destinationArn", "GuardDuty makes no folders in another account's bucket: "+prefix+" would have to be there", "leave the prefix out")
	}
	detector := r.Place.ARN(partition.GuardDuty, "detector/"+r.text("detectorId")).String()
	e.writeAsService(s, r, b, serviceWrites{
		service: partition.GuardDuty, what: "GuardDuty", looks: []string{"s3:GetBucketLocation"},
		key: r.text("kmsKeyArn"), onKey: []string{"kms:GenerateDataKey"},
		folder: joinKey(prefix, "AWSLogs", string(r.Place.Account), "GuardDuty"),
		names:  []string{joinKey(string(r.Place.Region), "0000/00/00/object.jsonl.gz")},
		context: func(q request) request {
			return q.with("aws:SourceArn", detector).sampling(detector, r.Place.ARN(partition.GuardDuty, "detector/*").String())
		},
	})
}

// queryLog is the log delivery service writing a VPC's DNS queries, or a log group's events, which its own subscriptions carry on.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-choosing-target-resource.html
func (e *evaluation) queryLog(s *segment, r *Resource) {
	var config *Resource
	for _, c := range e.byType[typeQueryLogConfig] {
		if c.ID == r.text("resolverQueryLogConfigId") {
			config = c
		}
	}
	if config == nil {
		s.to(Stop{Kind: KindNowhere, Name: r.text("resolverQueryLogConfigId")})
		s.broken(r.URN, "resolverQueryLogConfigId", "there is no such configuration of query logs", "declare it, or name one that is declared")
		return
	}
	arn, err := partition.ParseARN(config.text("destinationArn"))
	if err != nil || arn.Service != partition.S3 {
		s.to(Stop{Kind: KindNowhere, Name: config.text("destinationArn")})
		s.broken(config.URN, "destinationArn", "query logs that go elsewhere than to a bucket aren't followed", "send them to a bucket, or waive the rule for this source")
		return
	}
	name, prefix := splitBucketARN(arn.String())
	b, ok := e.toBucket(s, config, "destinationArn", name)
	if !ok {
		return
	}
	e.keeps(b)
	if b.Place.Region != r.Place.Region {
		s.broken(config.URN, "destinationArn", fmt.Sprintf("the bucket is in %s, the VPC in %s", b.Place.Region, r.Place.Region), "use a bucket of the VPC's region, and replicate it")
	}
	folder := joinKey(prefix, "AWSLogs", string(r.Place.Account))
	key := joinKey("vpcdnsquerylogs", r.text("resourceId"), "0000/00/00/object.log.gz")
	e.logDelivery(s, r, b, folder, key)
	e.lands(s, b, joinKey(folder, key))
}
