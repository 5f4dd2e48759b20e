package verify_test

import (
	"compress/gzip"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/verify"
)

// exportedState is what `pulumi stack export` wrote of the example stack beijing when it had been deployed into the sandbox.
func exportedState(t *testing.T) []byte {
	t.Helper()
	f, err := os.Open("testdata/beijing-export.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestADeployedStackIsProven proves what the real engine has in its state, options and dependencies included.
func TestADeployedStackIsProven(t *testing.T) {
	t.Parallel()
	g, err := graph.FromExport(exportedState(t))
	if err != nil {
		t.Fatal(err)
	}
	r := verify.Run(verify.FromGraph(g), verify.Options{})
	if r.Failed() || len(r.Paths) != 73 {
		t.Errorf("%d paths:%s", len(r.Paths), violations(r))
	}
	// What the state says of options and dependencies is held against the rules as well.
	for _, x := range g.Resources {
		switch x.Name {
		case "archive":
			x.Protect = false
		case "logs-/app/payments":
			x.Dependencies = nil
		}
	}
	r = verify.Run(verify.FromGraph(g), verify.Options{})
	for _, rule := range []string{"bucket-versioned", "pipeline-order"} {
		if len(named(r, rule)) == 0 {
			t.Errorf("rule %s isn't broken in a changed state", rule)
		}
	}
}

// A set of resources alone, such as the sandbox's world, has no options and no dependencies; no rule is about them then.
func TestResourcesAlone(t *testing.T) {
	t.Parallel()
	var rs []*verify.Resource
	for _, r := range record(t, "beijing").Resources {
		if r.Custom && !r.IsProvider() {
			rs = append(rs, &verify.Resource{URN: r.URN, Type: r.Type, Name: r.Name, ID: r.ID, Place: r.Place, State: r.Outputs})
		}
	}
	d := verify.New(rs)
	if r := verify.Run(d, verify.Options{}); r.Failed() {
		t.Errorf("resources without a program aren't proven:%s", violations(r))
	}
	// Who deploys is told, as the state of a provider would.
	if err := d.Deployer(archive, archive.RoleARN("SomebodyElse").String()); err != nil {
		t.Fatal(err)
	}
	if r := verify.Run(d, verify.Options{}); len(named(r, "key-administrable")) == 0 {
		t.Error("another role may administer the key")
	}
	if err := d.Deployer(archive, "admin"); err == nil || !strings.Contains(err.Error(), "isn't the ARN of a role") {
		t.Errorf("got %v", err)
	}
}

// TestProver proves single paths, and decides single requests.
func TestProver(t *testing.T) {
	t.Parallel()
	d := verify.FromGraph(record(t, "beijing"))
	p := verify.NewProver(d)
	for _, path := range verify.Run(d, verify.Options{}).Paths {
		if path.Source.Kind == verify.KindReplication || path.Source.Kind == verify.KindReader {
			continue // a replication is about what all others have written; a reader's way begins with no resource of its own
		}
		got, ok := p.Path(path.Source.URN)
		if !ok || !got.Proven() || len(got.Hops()) != len(path.Hops()) || got.Source != path.Source {
			t.Errorf("%s: %v, %v", path.Source.URN, got, ok)
		}
	}
	if _, ok := p.Path("urn:pulumi:beijing::log-archive::aws:s3/bucketV2:BucketV2::none"); ok {
		t.Error("a path begins nowhere")
	}
	h := verify.Hop{Caller: verify.Caller{Role: home.RoleARN("log-archive-logs-delivery-cn-north-1").String()}, Action: "s3:PutObject",
		Resource: bucketARN + "/logs/account=111122223333/region=cn-north-1/x", Owner: archive.Account,
		Context: map[string][]string{"aws:SecureTransport": {"true"}, "s3:TlsVersion": {"1.3"}}}
	if v := p.Decide(h); !v.Allowed || len(v.Causes) != 2 {
		t.Errorf("allowed %v by %v, want by the role's policy and the bucket's", v.Allowed, v.Causes)
	}
	h.Action = "s3:DeleteObject"
	if v := p.Decide(h); v.Allowed || len(v.Causes) != 1 || v.Causes[0].Sid != "NobodyDeletes" {
		t.Errorf("allowed %v by %v, want NobodyDeletes against it", v.Allowed, v.Causes)
	}
}

// TestNothingCrashes takes resources and properties away at random, or makes them something else. A proof of what is left may
// fail, and always ends.
func TestNothingCrashes(t *testing.T) {
	t.Parallel()
	const seed = 7
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	nonsense := []resource.PropertyValue{
		resource.NewNullProperty(), resource.NewStringProperty(""), resource.NewStringProperty("{"), resource.NewStringProperty("arn:x"), resource.NewNumberProperty(-1),
		resource.NewBoolProperty(true), resource.NewArrayProperty(nil), resource.NewArrayProperty([]resource.PropertyValue{resource.NewNullProperty()}),
		resource.NewObjectProperty(resource.PropertyMap{}), resource.MakeComputed(resource.NewStringProperty("")), resource.MakeSecret(resource.NewStringProperty("x")),
	}
	for range 60 {
		p := copyOf(t, exampleStacks[random.IntN(2)])
		for _, w := range worlds {
			if random.IntN(3) == 0 {
				w.build(p)
			}
		}
		for i := len(p.Resources) - 1; i >= 0; i-- {
			r := p.Resources[i]
			switch random.IntN(12) {
			case 0:
				p.Resources = append(p.Resources[:i], p.Resources[i+1:]...)
			case 1:
				r.Place = partition.Place{}
			case 2, 3, 4:
				for _, m := range []resource.PropertyMap{r.Inputs, r.Outputs} {
					for _, k := range m.StableKeys() {
						if random.IntN(4) == 0 {
							m[k] = nonsense[random.IntN(len(nonsense))]
						}
					}
				}
			}
		}
		r := p.verify(verify.Options{})
		for _, f := range verify.Formats() {
			written(t, r, f)
		}
	}
}

// Buckets of the old sort carry their settings inline, which isn't read; they don't get in the way.
func TestBucketsOfTheOldSort(t *testing.T) {
	t.Parallel()
	p := copyOf(t, "beijing")
	p.add("aws:s3/bucket:Bucket", "old", archive, map[string]any{
		"bucket": bucketName, "policy": `{`, "serverSideEncryptionConfiguration": map[string]any{"rule": 1}, "lifecycleRules": []any{"x"}, "replicationConfiguration": nil,
	})
	if r := p.verify(verify.Options{}); r.Failed() {
		t.Errorf("an old bucket gets in the way:%s", violations(r))
	}
}
