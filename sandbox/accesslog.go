package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const (
	loggingToken         = "aws:s3/bucketLoggingV2:BucketLoggingV2"
	balancerToken        = "aws:lb/loadBalancer:LoadBalancer"
	classicBalancerToken = "aws:elb/loadBalancer:LoadBalancer"
)

// accessWindow is how often access logs are published. Load balancers do so every five minutes; S3 says that most server
// access logs come within a few hours, for which nobody waits here.
const accessWindow = 5 * time.Minute

// accessLog is a load balancer with access logs, or the logging configuration of a bucket.
type accessLog struct {
	object  Object
	name    string // of the load balancer or the bucket
	arn     string // of it
	bucket  string // the name of the target
	prefix  string
	network bool
	classic bool
}

// ofBucket says whether it is S3 that writes.
func (a *accessLog) ofBucket() bool { return a.object.Type == loggingToken }

// buffer is the name of its buffer.
func (a *accessLog) buffer() string {
	if a.ofBucket() {
		return "bucket-" + a.name
	}
	return "balancer-" + strings.ReplaceAll(a.object.ID, "/", ".")
}

func accessLogOf(o Object) (*accessLog, bool) {
	a := &accessLog{object: o}
	if o.Type == loggingToken {
		a.name, a.bucket, a.prefix = o.Text("bucket"), o.Text("targetBucket"), o.Text("targetPrefix")
		a.arn = partition.BucketARN(o.Place.Partition(), a.name).String()
		return a, a.bucket != ""
	}
	logs := child(o.State, "accessLogs")
	a.name, a.arn, a.bucket = o.Text("name"), o.Text("arn"), text(logs, "bucket")
	a.prefix = cmp.Or(text(logs, "prefix"), text(logs, "bucketPrefix"))
	a.classic = o.Type == classicBalancerToken
	a.network = o.Text("loadBalancerType") == "network"
	return a, a.bucket != "" && boolean(logs, "enabled")
}

// accessSources are the sources that are access logs, without their paths.
func accessSources(world Resources) []Source {
	var sources []Source
	for _, token := range []string{loggingToken, balancerToken, classicBalancerToken} {
		for _, o := range world.List(token) {
			if a, ok := accessLogOf(o); ok {
				kind := SourceBalancer
				if a.ofBucket() {
					kind = SourceAccessLog
				}
				sources = append(sources, Source{Kind: kind, Place: o.Place, Name: a.name, access: a})
			}
		}
	}
	return sources
}

// accessPath reads the way of access logs.
func (all declared) accessPath(s Source) (path, broken string) {
	rest, broken := all.bucketPath(partition.BucketARN(s.Place.Partition(), s.access.bucket).String(), s.access.prefix)
	return s.Name + " -> access logs -> " + rest, broken
}

// key is the key of the log object of a window.
//
//   - Buckets: prefix + yyyy-MM-dd-HH-mm-ss-UNIQUE
//   - Load balancers: prefix/AWSLogs/account/elasticloadbalancing/region/yyyy/MM/dd/account_elasticloadbalancing_region_id_end_…,
//     where end is when the window ended, and id is app.name.id, net.name.id, or a classic one's name
//
// See https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html and
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html.
func (a *accessLog) key(window time.Time, unique uint32) string {
	end := window.Add(accessWindow).UTC()
	if a.ofBucket() {
		return a.prefix + end.Format("2006-01-02-15-04-05-") + fmt.Sprintf("%016X", unique)
	}
	place := a.object.Place
	id := strings.ReplaceAll(a.object.ID, "/", ".")
	name := fmt.Sprintf("%s_elasticloadbalancing_%s_%s_%s", place.Account, place.Region, id, end.Format("20060102T1504Z"))
	switch {
	case a.network:
		name += fmt.Sprintf("_%08x.log.gz", unique)
	case a.classic:
		name += fmt.Sprintf("_192.0.2.1_%08x.log", unique)
	default:
		name += fmt.Sprintf("_192.0.2.1_%08x.log.gz", unique)
	}
	return a.head() + fmt.Sprintf("%s/elasticloadbalancing/%s/%s", place.Account, place.Region, end.Format("2006/01/02/")) + name
}

// head is what all its keys begin with.
func (a *accessLog) head() string {
	switch folder := strings.Trim(a.prefix, "/"); {
	case a.ofBucket():
		return a.prefix
	case folder == "":
		return "AWSLogs/"
	default:
		return folder + "/AWSLogs/"
	}
}

// packed says whether its objects are compressed.
func (a *accessLog) packed() bool { return !a.ofBucket() && !a.classic }

// writer is who writes the objects: S3's logging service, the log delivery service for network load balancers, for others the
// account of Elastic Load Balancing in the region, or where it has none the service itself.
func (a *accessLog) writer(b *archiveBucket) (bucketWriter, error) {
	place, w := a.object.Place, bucketWriter{who: "Elastic Load Balancing, for " + a.name + ","}
	hop := Hop{Place: place}.with("aws:SecureTransport", "true", "aws:RequestedRegion", string(b.object.Place.Region))
	var err error
	switch account, none := partition.ELBAccount(place.Region); {
	case a.ofBucket():
		w.who = "S3's access logging of " + a.name
		hop = hop.with("aws:SourceAccount", string(place.Account), "aws:SourceArn", a.arn)
		hop.Principal, err = serviceCaller(place, partition.S3ServerAccessLogs, partition.Deliver)
	case a.network:
		w.who = "the log delivery service of " + a.name
		hop = hop.with("aws:SourceAccount", string(place.Account), "aws:SourceArn", place.ARN(partition.LogDelivery, "*").String())
		hop.Principal, err = serviceCaller(place, partition.LogDelivery, partition.Deliver)
	case none == nil:
		w.account = account
		hop.Principal, err = policy.ParseCaller(partition.Place{Account: account, Region: place.Region}.RootARN().String())
	default:
		hop = hop.with("aws:SourceArn", a.arn)
		hop.Principal, err = serviceCaller(place, partition.ELBLogDelivery, partition.Deliver)
	}
	w.hop = hop
	return w, err
}

// target finds the bucket, and refuses what AWS can't deliver to.
func (d *Delivery) accessTarget(a *accessLog) (*archiveBucket, bucketWriter, error) {
	place := a.object.Place
	arn := partition.BucketARN(place.Partition(), a.bucket).String()
	look := Hop{Step: "the bucket of the access logs of " + a.name + " is looked for", Action: "s3:PutObject", Resource: arn, Place: place}
	b, ok := bucketByARN(d.world, arn)
	switch {
	case !ok:
		return nil, bucketWriter{}, look.refuse("NoSuchBucket", arn, "the bucket %s, which takes the access logs of %s, doesn't exist", a.bucket, a.name)
	case b.object.Place.Region != place.Region || a.ofBucket() && b.object.Place.Account != place.Account:
		return nil, bucketWriter{}, look.refuse("InvalidTargetBucketForLogging", arn, "the bucket %s is at %s, and %s at %s: access logs stay in the region, those of buckets in the account, too", a.bucket, b.object.Place, a.name, place)
	case b.encryption.Algorithm == kmsAlgorithm && !a.network:
		return nil, bucketWriter{}, look.refuse("InvalidTargetBucketForLogging", arn, "the bucket %s encrypts with KMS: these access logs are delivered with SSE-S3 only", a.bucket)
	case b.lock != nil && a.ofBucket():
		return nil, bucketWriter{}, look.refuse("InvalidTargetBucketForLogging", arn, "the bucket %s has a default retention, and so takes no server access logs", a.bucket)
	}
	w, err := a.writer(b)
	return b, w, err
}

// sendAccess puts lines of an access log into its buffer, when their object could be written now.
func (t *transfer) sendAccess(s Source, lines []string) error {
	err := checkLines(s, lines, func(line string) error {
		if line == "" || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
			return errors.New("want one line of text, in UTF-8")
		}
		return nil
	})
	if err != nil {
		return err
	}
	b, w, err := t.d.accessTarget(s.access)
	if err != nil {
		return err
	}
	if s.access.network {
		look := w.hop
		look.Step, look.Action, look.Resource, look.Owner = w.who+" looks at the bucket", "s3:GetBucketAcl", b.arn, b.object.Place.Account
		if err := t.authorize(look); err != nil {
			return err
		}
	}
	hops, _, err := t.d.authorizeWrite(w, b, s.access.key(t.now.Truncate(accessWindow), 0))
	t.receipt.Hops = append(t.receipt.Hops, hops...)
	if err != nil || len(lines) == 0 {
		return err
	}
	a, err := t.open(accessBuffers, s.Place, s.access.buffer())
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(lines, 500) {
		if err := t.add(a, len(chunk), []byte(strings.Join(chunk, "\n")+"\n")); err != nil {
			return err
		}
	}
	t.receipt.Selected += len(lines)
	return nil
}
