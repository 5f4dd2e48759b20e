package verify

import (
	"strings"

	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

func (d *Deployment) indexKeys() {
	byID := map[string]*key{} // by id, and by ARN
	for _, r := range d.byType[typeKey] {
		k := &key{Resource: r, arn: r.text("arn")}
		d.keys[k.arn] = k
		byID[k.arn], byID[r.Place.String()+" "+r.ID] = k, k
	}
	find := func(r *Resource, id string) *key {
		if k := byID[id]; k != nil {
			return k
		}
		return byID[r.Place.String()+" "+id]
	}
	// A key's policy may be a resource of its own. The key's property says the same then, or what was before.
	for _, r := range d.byType[typeKeyPolicy] {
		if k := find(r, r.text("keyId")); k != nil {
			k.policy = d.read(r, policy.Key, "", object(r.State), "policy")
		}
	}
	for _, r := range d.byType[typeKey] {
		if k := d.keys[r.text("arn")]; k.Resource == r && k.policy == nil {
			k.policy = d.read(r, policy.Key, "", object(r.State), "policy")
		}
	}
	for _, r := range d.byType[typeAlias] {
		if k := find(r, r.text("targetKeyId")); k != nil {
			d.aliases[groupKey(r.Place, r.text("name"))] = k
		}
	}
}

// keyOf finds a key by what an input may name it with: ARN, id, alias or alias ARN.
func (d *Deployment) keyOf(p partition.Place, name string) (*key, bool) {
	if name == "" {
		return nil, false
	}
	if k, ok := d.keys[name]; ok {
		return k, true
	}
	if arn, err := partition.ParseARN(name); err == nil {
		p, name = arn.Place(), arn.Resource
	}
	if k, ok := d.aliases[groupKey(p, name)]; ok {
		return k, true
	}
	k, ok := d.keys[p.ARN(partition.KMS, "key/"+name).String()]
	return k, ok
}

func (d *Deployment) indexBuckets() {
	for _, r := range d.byType[typeBucket] {
		b := &bucket{Resource: r, name: r.text("bucket"), arn: r.text("arn"), settings: map[string]*Resource{}}
		d.buckets[b.name] = b
	}
	for token, rs := range d.byType {
		if !strings.HasPrefix(token, "aws:s3/bucket") || token == typeBucket || token == typeOldBucket {
			continue
		}
		for _, r := range rs {
			if b, ok := d.buckets[r.text("bucket")]; ok {
				b.settings[token] = r
			}
		}
	}
	for _, name := range sortedKeys(d.buckets) {
		b := d.buckets[name]
		if r := b.settings[typeBucketPolicy]; r != nil {
			b.policy = d.read(r, policy.Bucket, "", object(r.State), "policy")
		}
		if r := b.settings[typeBucketEncryption]; r != nil {
			for _, rule := range r.items("rules") {
				by := rule.item("applyServerSideEncryptionByDefault")
				b.algorithm, b.keyARN = by.text("sseAlgorithm"), by.text("kmsMasterKeyId")
				b.bucketKey = rule.flag("bucketKeyEnabled")
			}
		}
		if r := b.settings[typeBucketLifecycle]; r != nil {
			b.lifecycles = lifecycleRules(r)
		}
	}
}

// bucketByARN finds a declared bucket.
func (d *Deployment) bucketByARN(arn string) (*bucket, bool) {
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	b, ok := d.buckets[name]
	return b, ok && b.arn == arn
}

// noBucket says why a bucket isn't among those that are followed.
func (d *Deployment) noBucket(name string) (reason, remedy string) {
	for _, r := range d.byType[typeOldBucket] {
		if r.text("bucket") == bucketName(name) {
			return "bucket " + bucketName(name) + " is declared as " + typeOldBucket + ", whose inline settings aren't read", "declare it as " + typeBucket + " with its settings as resources"
		}
	}
	return "there is no bucket " + quoted(name), "declare the bucket, or name one that is declared"
}

// bucketName is the name of a bucket, of which that or an ARN is given.
func bucketName(s string) string {
	s = s[strings.LastIndexByte(s, ':')+1:]
	name, _, _ := strings.Cut(s, "/")
	return name
}

func (d *Deployment) indexVaults() {
	byName := map[string]*vault{}
	for _, r := range d.byType[typeVault] {
		v := &vault{Resource: r, arn: r.text("arn"), keyARN: r.text("kmsKeyArn")}
		d.vaults[v.arn] = v
		byName[groupKey(r.Place, r.text("name"))] = v
	}
	for _, r := range d.byType[typeVaultPolicy] {
		if v, ok := byName[groupKey(r.Place, r.text("backupVaultName"))]; ok {
			v.policy = d.read(r, policy.VaultAccess, "", object(r.State), "policy")
		}
	}
}

// indexEndpoints finds what takes a bucket's events. A queue's or topic's policy is a property, or a resource of its own that
// names the queue by its URL and the topic by its ARN.
func (d *Deployment) indexEndpoints() {
	named := map[string]*endpoint{} // by URL or ARN
	for _, sort := range []struct {
		token, policyToken, by string
		kind                   policy.Kind
	}{
		{typeQueue, typeQueuePolicy, "queueUrl", policy.Queue},
		{typeTopic, typeTopicPolicy, "arn", policy.Topic},
	} {
		for _, r := range d.byType[sort.token] {
			e := &endpoint{Resource: r, arn: r.text("arn")}
			d.queues[e.arn] = e
			named[e.arn], named[r.ID], named[r.text("url")] = e, e, e
		}
		for _, r := range d.byType[sort.policyToken] {
			if e := named[r.text(sort.by)]; e != nil && r.text(sort.by) != "" {
				e.policy = d.read(r, sort.kind, "", object(r.State), "policy")
			}
		}
		for _, r := range d.byType[sort.token] {
			if e := d.queues[r.text("arn")]; e.Resource == r && e.policy == nil {
				e.policy = d.read(r, sort.kind, "", object(r.State), "policy")
			}
		}
	}
	for _, r := range d.byType[typeFunction] {
		e := &endpoint{Resource: r, arn: r.text("arn")}
		d.queues[e.arn] = e
	}
	d.indexPermissions()
}

// indexPermissions makes the policy of a function from its permissions: each is a statement.
func (d *Deployment) indexPermissions() {
	for _, r := range d.byType[typePermission] {
		var to *endpoint
		for _, f := range d.byType[typeFunction] {
			if name := r.text("function"); name == f.text("arn") || f.Place == r.Place && (name == f.text("name") || name == f.ID) {
				to = d.queues[f.text("arn")]
				break
			}
		}
		if to == nil {
			continue
		}
		if to.policy == nil {
			to.policy = &policyAt{carrier: r, kind: policy.Function}
		}
		doc := to.policy.document
		doc.Statements = append(doc.Statements, policy.Permission{
			StatementID: r.text("statementId"), Action: r.text("action"), Principal: r.text("principal"), SourceARN: r.text("sourceArn"), SourceAccount: r.text("sourceAccount"),
		}.Statement(to.arn))
		if err := d.install(to.policy, doc); err != nil {
			d.unreadable(to.policy, err, "correct the permission")
		}
	}
}
