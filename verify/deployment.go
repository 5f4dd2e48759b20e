package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

// Resource is one declared or deployed AWS resource.
type Resource struct {
	// URN is the engine's name of it; reports name resources by it.
	URN, Type, Name string
	// ID is the physical id.
	ID string
	// Place is the account and region of its provider instance.
	Place partition.Place
	// State has inputs and outputs together.
	State resource.PropertyMap
	// Protect and RetainOnDelete are the engine's options.
	Protect, RetainOnDelete bool

	declared bool // by a program, so that its options are known
}

// Deployment is a set of resources, indexed as AWS finds them.
type Deployment struct {
	// Resources are all of them, sorted by URN.
	Resources []*Resource

	byType   map[string][]*Resource
	byARN    map[string]*Resource
	buckets  map[string]*bucket // by name: names are unique in a partition
	keys     map[string]*key    // by ARN
	aliases  map[string]*key    // by "place alias"
	roles    map[string]*role   // by ARN
	groups   map[string]*Resource
	vaults   map[string]*vault    // by ARN
	policies map[string]*policyAt // by policyID
	// deployers are the roles that the providers assume, by the place where they act.
	deployers map[partition.Place]string
	// dependencies are what each resource waits for, by URN.
	dependencies map[string][]string
	problems     []Violation
}

// policyAt is one policy with the resource that carries it.
type policyAt struct {
	carrier  *Resource
	kind     policy.Kind
	document policy.Document
	compiled *policy.Policy
}

// policyID names a policy in the evaluator's reasons.
func policyID(carrier *Resource, kind policy.Kind) string { return carrier.URN + "#" + kind.String() }

type bucket struct {
	*Resource
	name, arn  string
	policy     *policyAt
	algorithm  string // of the default encryption: "aws:kms", "AES256", or "" if none is declared
	keyARN     string
	bucketKey  bool
	settings   map[string]*Resource // configuration resources, by type token
	lifecycles []lifecycleRule
}

type key struct {
	*Resource
	arn    string
	policy *policyAt
}

type role struct {
	*Resource
	arn      string
	trust    *policyAt
	identity []*policyAt
	boundary *policyAt
	// foreign are ARNs of managed policies whose documents the program doesn't have.
	foreign []string
}

type vault struct {
	*Resource
	arn, keyARN string
	policy      *policyAt
}

// FromGraph indexes what a program declares.
func FromGraph(g *graph.Graph) *Deployment {
	var rs []*Resource
	for _, r := range g.Resources {
		if !r.Custom || r.IsProvider() {
			continue
		}
		state := r.Inputs.Copy()
		for k, v := range r.Outputs {
			state[k] = v
		}
		rs = append(rs, &Resource{
			URN: r.URN, Type: r.Type, Name: r.Name, ID: r.ID, Place: r.Place, State: state,
			Protect: r.Protect, RetainOnDelete: r.RetainOnDelete, declared: true,
		})
	}
	d := New(rs)
	d.dependencies = map[string][]string{}
	for _, r := range g.Resources {
		d.dependencies[r.URN] = r.Dependencies
	}
	for _, p := range g.Providers() {
		if role := assumedRole(p.Inputs); role != "" {
			d.deployers[p.Place] = role
		}
	}
	return d
}

// New indexes resources. Documents that can't be parsed become violations, not errors: a proof over the rest is still
// worth having.
func New(resources []*Resource) *Deployment {
	d := &Deployment{
		Resources: slices.Clone(resources),
		byType:    map[string][]*Resource{},
		byARN:     map[string]*Resource{},
		buckets:   map[string]*bucket{},
		keys:      map[string]*key{},
		aliases:   map[string]*key{},
		roles:     map[string]*role{},
		groups:    map[string]*Resource{},
		vaults:    map[string]*vault{},
		policies:  map[string]*policyAt{},
		deployers: map[partition.Place]string{},
	}
	slices.SortFunc(d.Resources, func(a, b *Resource) int { return strings.Compare(a.URN, b.URN) })
	for _, r := range d.Resources {
		d.byType[r.Type] = append(d.byType[r.Type], r)
		if arn := r.text("arn"); arn != "" {
			d.byARN[strings.TrimSuffix(arn, ":*")] = r
		}
	}
	d.indexKeys()
	d.indexBuckets()
	d.indexRoles()
	d.indexVaults()
	for _, r := range d.byType[typeLogGroup] {
		d.groups[groupKey(r.Place, r.text("name"))] = r
	}
	return d
}

func groupKey(p partition.Place, name string) string { return p.String() + " " + name }

func (d *Deployment) indexKeys() {
	for _, r := range d.byType[typeKey] {
		k := &key{Resource: r, arn: r.text("arn")}
		k.policy = d.document(r, policy.Key, r.text("policy"))
		d.keys[k.arn] = k
	}
	// A key's policy may be a resource of its own.
	for _, r := range d.byType[typeKeyPolicy] {
		for _, k := range d.keys {
			if id := r.text("keyId"); id == k.ID || id == k.arn {
				k.policy = d.document(r, policy.Key, r.text("policy"))
			}
		}
	}
	for _, r := range d.byType[typeAlias] {
		for _, k := range d.keys {
			if id := r.text("targetKeyId"); id == k.ID || id == k.arn {
				d.aliases[groupKey(r.Place, r.text("name"))] = k
			}
		}
	}
}

// keyOf finds a key by what an input may name it with: ARN, id, alias or alias ARN.
func (d *Deployment) keyOf(p partition.Place, name string) (*key, bool) {
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
		if !strings.HasPrefix(token, "aws:s3/bucket") || token == typeBucket {
			continue
		}
		for _, r := range rs {
			if b, ok := d.buckets[r.text("bucket")]; ok {
				b.settings[token] = r
			}
		}
	}
	for _, b := range d.buckets {
		if r := b.settings[typeBucketPolicy]; r != nil {
			b.policy = d.document(r, policy.Bucket, r.text("policy"))
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

func (d *Deployment) indexRoles() {
	byName := map[string]*role{}
	managed := map[string]*policyAt{}
	for _, r := range d.byType[typePolicy] {
		managed[r.text("arn")] = d.document(r, policy.Identity, r.text("policy"))
	}
	for _, r := range d.byType[typeRole] {
		o := &role{Resource: r, arn: r.text("arn")}
		o.trust = d.document(r, policy.Trust, r.text("assumeRolePolicy"))
		if boundary := r.text("permissionsBoundary"); boundary != "" {
			if p, ok := managed[boundary]; ok {
				o.boundary = p
			} else {
				o.foreign = append(o.foreign, boundary)
			}
		}
		for _, inline := range r.items("inlinePolicies") {
			if p := d.document(r, policy.Inline, inline.text("policy")); p != nil {
				o.identity = append(o.identity, p)
			}
		}
		for _, arn := range r.texts("managedPolicyArns") {
			o.attach(managed, arn)
		}
		d.roles[o.arn] = o
		byName[string(r.Place.Account)+" "+r.text("name")] = o
	}
	for _, r := range d.byType[typeRolePolicy] {
		if o, ok := byName[string(r.Place.Account)+" "+r.text("role")]; ok {
			if p := d.document(r, policy.Inline, r.text("policy")); p != nil {
				o.identity = append(o.identity, p)
			}
		}
	}
	for _, r := range d.byType[typeRolePolicyAttachment] {
		if o, ok := byName[string(r.Place.Account)+" "+r.text("role")]; ok {
			o.attach(managed, r.text("policyArn"))
		}
	}
}

func (o *role) attach(managed map[string]*policyAt, arn string) {
	if p, ok := managed[arn]; ok {
		o.identity = append(o.identity, p)
		return
	}
	o.foreign = append(o.foreign, arn)
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
			v.policy = d.document(r, policy.VaultAccess, r.text("policy"))
		}
	}
}

// document parses and compiles a policy. nil means that there is none, or that it can't be read, which is a violation.
func (d *Deployment) document(carrier *Resource, kind policy.Kind, text string) *policyAt {
	if text == "" {
		return nil
	}
	doc, err := policy.Parse([]byte(text))
	if err != nil {
		d.problems = append(d.problems, Violation{
			Rule: ruleDocument, Resource: carrier.URN,
			Reason: fmt.Sprintf("its %s can't be read: %v", kind, err),
			Remedy: "write the document in the IAM policy grammar",
		})
		return nil
	}
	p := &policyAt{carrier: carrier, kind: kind, document: doc}
	p.compiled, err = policy.Compile(policyID(carrier, kind), doc)
	if err != nil {
		d.problems = append(d.problems, Violation{
			Rule: ruleDocument, Resource: carrier.URN,
			Reason: fmt.Sprintf("its %s can't be evaluated: %v", kind, err),
			Remedy: "correct the statement named in the reason",
		})
		return nil
	}
	d.policies[p.compiled.ID()] = p
	return p
}

// bucketByARN finds a declared bucket.
func (d *Deployment) bucketByARN(arn string) (*bucket, bool) {
	a, err := partition.ParseARN(arn)
	if err != nil {
		return nil, false
	}
	b, ok := d.buckets[a.Resource]
	return b, ok && b.arn == arn
}
