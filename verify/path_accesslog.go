package verify

import (
	"fmt"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// accessLog is S3 writing the server access logs of a bucket
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html).
func (e *evaluation) accessLog(s *segment, r *Resource) {
	target := r.text("targetBucket")
	b, ok := e.toBucket(s, r, "targetBucket", target)
	if !ok {
		return
	}
	if b.Place != r.Place {
		s.broken(r.URN, "targetBucket", fmt.Sprintf("the target is in %s, the bucket in %s", b.Place, r.Place), "use a target of the bucket's account and region")
	}
	if b.settings[typeBucketACL].acl() == "log-delivery-write" && !ownerEnforced(b) {
		return // the old way: by the bucket's access list, which no policy is needed for
	}
	caller, err := service(r.Place, partition.S3ServerAccessLogs)
	if s.refuse(r, err) {
		return
	}
	q := request{title: "S3 writes server access logs", caller: caller, owner: b.Place.Account, carrier: r.URN}.overTLS().
		with("aws:SourceAccount", string(r.Place.Account)).
		with("aws:SourceArn", partition.BucketARN(r.Place.Partition(), bucketName(r.text("bucket"))).String())
	prefix := b.arn + "/" + r.text("targetPrefix")
	s.prove(e, q.sampling(prefix+"object", prefix+"*").do(prefix+"object", "s3:PutObject"))
	e.takes(b)
	e.lands(s, b, r.text("targetPrefix")+"object")
}

// acl is the canned access list that a resource sets.
func (r *Resource) acl() string {
	if r == nil {
		return ""
	}
	return r.text("acl")
}

// ownerEnforced says whether access lists are switched off.
func ownerEnforced(b *bucket) bool {
	r := b.settings[typeBucketOwnership]
	return r != nil && r.item("rule").text("objectOwnership") == "BucketOwnerEnforced"
}

// toBucket begins the step to the bucket that a property names.
func (e *evaluation) toBucket(s *segment, r *Resource, property, name string) (*bucket, bool) {
	b, ok := e.buckets[bucketName(name)]
	if !ok {
		s.to(Stop{Kind: KindNowhere, Name: name})
		reason, remedy := e.noBucket(name)
		s.broken(r.URN, property, reason, remedy)
		return nil, false
	}
	s.to(bucketStop(b))
	return b, true
}

// balancerLogs are the settings of a load balancer's access logs; nil when it writes none.
func balancerLogs(r *Resource) object {
	logs := r.item("accessLogs")
	// A classic load balancer's are enabled unless it says otherwise.
	if logs.text("bucket") == "" || !logs.flag("enabled") && (r.Type != typeClassicLoadBalancer || logs.has("enabled")) {
		return nil
	}
	return logs
}

// balancer is Elastic Load Balancing writing access logs. Application and classic load balancers write as an account of
// their region's (in China the only way), or under the service's own name in newer regions
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html); network load balancers
// by the log delivery service.
func (e *evaluation) balancer(s *segment, r *Resource) {
	logs := balancerLogs(r)
	b, ok := e.toBucket(s, r, "accessLogs.bucket", logs.text("bucket"))
	if !ok {
		return
	}
	e.takes(b)
	prefix := logs.text("prefix") + logs.text("bucketPrefix")
	folder := joinKey(prefix, "AWSLogs", string(r.Place.Account))
	name := joinKey("elasticloadbalancing", string(r.Place.Region), "object.log.gz")
	if r.text("loadBalancerType") == "network" {
		e.logDelivery(s, r, b, folder, name)
		e.lands(s, b, folder)
		return
	}
	object := b.arn + "/" + joinKey(folder, name)
	q := request{title: "load balancers write access logs", owner: b.Place.Account, carrier: r.URN}.overTLS().sampling(object, b.arn+"/"+folder+"/*")
	var ways []request
	if account, err := partition.ELBAccount(r.Place.Region); err == nil {
		as := q
		as.caller = Caller{Role: partition.Place{Account: account, Region: r.Place.Region}.RootARN().String()}
		ways = append(ways, as)
	}
	caller, err := service(r.Place, partition.ELBLogDelivery)
	if err == nil {
		as := q.with("aws:SourceArn", r.text("arn"))
		as.caller = caller
		ways = append(ways, as)
	}
	if len(ways) == 0 {
		s.refuse(r, err)
		return
	}
	put := func(w request) []Hop { return w.do(object, "s3:PutObject") }
	for _, w := range ways[1:] {
		if e.probe(put(ways[0])[0]) != policy.Allowed && e.probe(put(w)[0]) == policy.Allowed {
			ways[0] = w
		}
	}
	s.prove(e, put(ways[0]))
	e.lands(s, b, folder)
}
