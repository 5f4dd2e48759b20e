package verify

import (
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
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

	parent   string // the URN of the component that it is part of, or of the stack
	declared bool   // by a program or in a stack's state, so that its options and dependencies are known
}

// Deployment is a set of resources, indexed as AWS finds them. It doesn't change while it is verified, and may be verified by
// several goroutines at a time.
type Deployment struct {
	// Resources are all of them, sorted by URN.
	Resources []*Resource

	byType       map[string][]*Resource
	streams      map[string]*Resource // of Firehose and of Kinesis, by ARN
	buckets      map[string]*bucket   // by name: names are unique in a partition
	keys         map[string]*key      // by ARN
	aliases      map[string]*key      // by "place alias"
	roles        map[string]*role     // by ARN
	groups       map[string]*Resource
	vaults       map[string]*vault    // by ARN
	queues       map[string]*endpoint // by ARN: queues, topics and functions
	destinations map[string]*endpoint // of CloudWatch Logs, by ARN
	policies     map[string]*policyAt // by policyAt.id
	vpcEndpoints []*vpcEndpoint
	// statements are those of all policies, by the id under which each is compiled.
	statements map[string]statementAt
	// deployers are the roles that the providers assume, by the place where they act.
	deployers map[partition.Place]string
	// dependencies are what each resource waits for, by URN.
	dependencies map[string][]string
	problems     []Violation
}

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
	// foreignBoundary is such a policy that is the role's permission boundary.
	foreignBoundary string
}

type vault struct {
	*Resource
	arn, keyARN string
	policy      *policyAt
}

// endpoint is what takes a bucket's events: a queue, a topic or a function.
type endpoint struct {
	*Resource
	arn    string
	policy *policyAt
}

// FromGraph indexes what a program declares, or what a stack's export has.
func FromGraph(g *graph.Graph) *Deployment {
	var rs []*Resource
	for _, r := range g.Resources {
		if !r.Custom || r.IsProvider() {
			continue
		}
		state := make(resource.PropertyMap, len(r.Inputs)+len(r.Outputs))
		for k, v := range r.Inputs {
			state[k] = v
		}
		for k, v := range r.Outputs {
			state[k] = v
		}
		rs = append(rs, &Resource{
			URN: r.URN, Type: r.Type, Name: r.Name, ID: r.ID, Place: r.Place, State: state,
			Protect: r.Protect, RetainOnDelete: r.RetainOnDelete, parent: r.Parent, declared: true,
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
// worth having. Nothing is known of the resources' options and dependencies, so no rule is about them.
func New(resources []*Resource) *Deployment {
	d := &Deployment{
		Resources:    slices.Clone(resources),
		byType:       map[string][]*Resource{},
		streams:      map[string]*Resource{},
		buckets:      map[string]*bucket{},
		keys:         map[string]*key{},
		aliases:      map[string]*key{},
		roles:        map[string]*role{},
		groups:       map[string]*Resource{},
		vaults:       map[string]*vault{},
		queues:       map[string]*endpoint{},
		destinations: map[string]*endpoint{},
		policies:     map[string]*policyAt{},
		statements:   map[string]statementAt{},
		deployers:    map[partition.Place]string{},
	}
	slices.SortFunc(d.Resources, func(a, b *Resource) int { return strings.Compare(a.URN, b.URN) })
	for _, r := range d.Resources {
		d.byType[r.Type] = append(d.byType[r.Type], r)
		if r.Type == typeStream || r.Type == typeDataStream {
			d.streams[r.text("arn")] = r
		}
	}
	d.indexKeys()
	d.indexBuckets()
	d.indexRoles()
	d.indexVaults()
	d.indexEndpoints()
	d.indexDestinations()
	d.indexVpcEndpoints()
	for _, r := range d.byType[typeLogGroup] {
		d.groups[groupKey(r.Place, r.text("name"))] = r
	}
	return d
}

// with is the deployment with sources of elsewhere, which nothing points to.
func (d *Deployment) with(elsewhere []*Resource) *Deployment {
	if len(elsewhere) == 0 {
		return d
	}
	more := *d
	more.byType = maps.Clone(d.byType)
	for _, r := range elsewhere {
		more.byType[r.Type] = append(slices.Clone(more.byType[r.Type]), r)
	}
	return &more
}

// groupKey is a name that is unique within an account and region.
func groupKey(p partition.Place, name string) string { return p.String() + " " + name }
