package stacks

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/logarchive/logarchive/partition"
)

// withAccessLogs is the whole configuration with access logs.
func withAccessLogs(t *testing.T, logs map[string]any) document {
	t.Helper()
	return parse(t, whole).with(t, "accessLogs", logs)
}

func TestAccessLogs(t *testing.T) {
	t.Parallel()
	app := beijing.ARN(partition.ELB, "loadbalancer/app/shop/50dc6c495c0c9188").String()
	d := withAccessLogs(t, map[string]any{"bucket": "example-access", "buckets": list("uploads"), "ownBucketsDays": 365, "loadBalancers": list(
		app, beijing.ARN(partition.ELB, "loadbalancer/net/ingest/60dc6c495c0c9188").String(), beijing.ARN(partition.ELB, "loadbalancer/legacy").String())})
	spec, err := ParseSpec("x", d.engine(t))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, b := range spec.AccessLogs.Balancers {
		kinds = append(kinds, b.Kind+" "+b.Name)
	}
	if diff := cmp.Diff([]string{"application-load-balancer shop", "network-load-balancer ingest", "classic-load-balancer legacy"}, kinds); diff != "" {
		t.Error(diff)
	}
	g := record(t, "x", d.engine(t))
	var logged []string
	for _, r := range g.ByType("aws:s3/bucketLoggingV2:BucketLoggingV2") {
		logged = append(logged, r.Place.String()+" "+r.Inputs["bucket"].StringValue()+" "+r.Inputs["targetBucket"].StringValue())
	}
	if diff := cmp.Diff([]string{
		"111122223333/cn-north-1 uploads example-access",
		"222233334444/cn-northwest-1 example-archive example-archive-access",
		"222233334444/cn-north-1 example-landing example-landing-access",
	}, logged, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Error(diff)
	}
	commands := g.Outputs["accessLogs"].ObjectValue()["commands"].ObjectValue()
	if got, want := commands["shop"].StringValue(), "aws elbv2 modify-load-balancer-attributes --region cn-north-1 --load-balancer-arn "+app+
		" --attributes Key=access_logs.s3.enabled,Value=true Key=access_logs.s3.bucket,Value=example-access Key=access_logs.s3.prefix,Value=access-logs/elb"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got := commands["legacy"].StringValue(); !strings.Contains(got, "aws elb modify-load-balancer-attributes") || !strings.Contains(got, `"S3BucketPrefix":"access-logs/elb"`) {
		t.Errorf("got %s", got)
	}
	if elsewhere := spec.VerifyOptions().Elsewhere; len(elsewhere) != 3 {
		t.Errorf("%d load balancers are proven", len(elsewhere))
	}
}

func TestAccessLogProblems(t *testing.T) {
	t.Parallel()
	app := beijing.ARN(partition.ELB, "loadbalancer/app/shop/50dc6c495c0c9188").String()
	for _, c := range []struct {
		name string
		logs map[string]any
		want string
	}{
		{"no bucket", map[string]any{"buckets": list("uploads")}, "accessLogs: there is no bucket for the access logs; want bucket"},
		{"no source", map[string]any{"bucket": "example-access"}, "accessLogs.bucket: nothing is written to it; want loadBalancers or buckets, or leave it out"},
		{"nothing", map[string]any{"expireDays": 20}, "accessLogs: nothing has access logs; want loadBalancers, buckets or ownBucketsDays"},
		{"the landing bucket", map[string]any{"bucket": "example-landing", "buckets": list("uploads")}, `accessLogs.bucket: "example-landing" is another bucket of the archive, too; want another`},
		{"itself", map[string]any{"bucket": "example-access", "buckets": list("example-access")}, `accessLogs.buckets[0]: "example-access" is the bucket of the access logs; each log object would be logged again, for ever`},
		{"the archive", map[string]any{"bucket": "example-access", "buckets": list("example-archive")}, `accessLogs.buckets[0]: "example-archive" is the archive's own; say ownBucketsDays`},
		{"twice", map[string]any{"bucket": "example-access", "loadBalancers": list(app, app)}, `accessLogs.loadBalancers[1]: "` + app + `" is log-archive:accessLogs.loadBalancers[0], too; want each once`},
		{"another region", map[string]any{"bucket": "example-access", "loadBalancers": list(strings.Replace(app, "north-1", "northwest-1", 1))},
			`accessLogs.loadBalancers[0]: "` + strings.Replace(app, "north-1", "northwest-1", 1) + `" is in 111122223333/cn-northwest-1; want 111122223333/cn-north-1: access logs are written to a bucket of the region`},
		{"a gateway", map[string]any{"bucket": "example-access", "loadBalancers": list(strings.Replace(app, "/app/", "/gwy/", 1))},
			`accessLogs.loadBalancers[0]: "` + strings.Replace(app, "/app/", "/gwy/", 1) + `" is not an application, network or classic load balancer; want the ARN of a load balancer of the source account in the home region`},
		{"a short time", map[string]any{"bucket": "example-access", "buckets": list("uploads"), "expireDays": 7}, "accessLogs.expireDays: 7 is out of range; want an integer from 14 to 179"},
		{"own logs for a short time", map[string]any{"ownBucketsDays": 30}, "accessLogs.ownBucketsDays: 30 is out of range; want an integer from 180 to 36500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseSpec("x", withAccessLogs(t, c.logs).engine(t))
			if diff := cmp.Diff([]string{"log-archive:" + c.want}, lines(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
