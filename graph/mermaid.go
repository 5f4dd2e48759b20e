package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// Mermaid returns a flow chart in Mermaid's language: sources on the left, the pipelines that carry their logs, and the
// buckets and vaults that keep them, inside their accounts and regions. Plumbing (roles, keys, policies) is left out,
// and of many sources with the same target only the first are drawn.
//
// See https://mermaid.js.org/syntax/flowchart.html
func (g *Graph) Mermaid() string {
	c := &chart{places: g.bucketPlaces(), nodes: map[string]node{}, edges: map[edge]bool{}}
	for _, r := range g.Resources {
		c.read(r)
	}
	c.fold()
	return c.text()
}

// most is the number of sources of one target that are drawn.
const most = 8

// node is a box. Its key is an ARN.
type node struct {
	kind, name string
	place      partition.Place
}

// edge goes from node to node, by their keys.
type edge struct{ from, to, label string }

type chart struct {
	places map[string]partition.Place // of the graph's buckets, whose ARNs don't tell
	nodes  map[string]node
	edges  map[edge]bool
}

func (g *Graph) bucketPlaces() map[string]partition.Place {
	places := map[string]partition.Place{}
	for _, r := range g.ByType(catalog.Bucket) {
		places[partition.BucketARN(r.Place.Partition(), r.ID).String()] = r.Place
	}
	return places
}

// read adds what a resource carries from where to where.
func (c *chart) read(r *Resource) {
	switch r.Type {
	case catalog.FlowLog:
		for _, kind := range []string{"vpc", "subnet", "eni", "transitGateway", "transitGatewayAttachment"} {
			if id := textAt(r.Inputs, kind+"Id"); id != "" {
				c.connect(c.node(r.Place.ARN(partition.EC2, kind+"/"+id)), c.arn(textAt(r.Outputs, "logDestination")), "flow log")
			}
		}
	case catalog.SubscriptionFilter:
		c.connect(c.node(r.Place.LogGroupARN(textAt(r.Inputs, "logGroup"))), c.arn(textAt(r.Inputs, "destinationArn")), "")
	case catalog.LogAccountPolicy:
		if says, err := catalog.ReadAccountSubscription(textAt(r.Inputs, "policyDocument"), textAt(r.Inputs, "selectionCriteria")); err == nil {
			c.connect(c.node(r.Place.LogGroupARN("*")), c.arn(says.DestinationARN), "account policy")
		}
	case catalog.LogDestination:
		c.connect(c.arn(textAt(r.Outputs, "arn")), c.arn(textAt(r.Inputs, "targetArn")), "")
	case catalog.Stream:
		c.connect(c.arn(textAt(r.Outputs, "arn")), c.arn(textAt(r.Inputs, "extendedS3Configuration", "bucketArn")), "")
	case catalog.Plan:
		c.plan(r)
	}
}

// plan draws a backup plan as the edges from its vaults to the vaults that they are copied to.
func (c *chart) plan(r *Resource) {
	rules := r.Inputs["rules"]
	if !rules.IsArray() {
		return
	}
	for _, rule := range rules.ArrayValue() {
		if !rule.IsObject() {
			continue
		}
		vault := c.node(r.Place.ARN(partition.Backup, "backup-vault:"+textAt(rule.ObjectValue(), "targetVaultName")))
		c.connect(c.node(r.Place.ARN(partition.Backup, "backup-plan:"+textAt(r.Outputs, "name"))), vault, "")
		copies := rule.ObjectValue()["copyActions"]
		if !copies.IsArray() {
			continue
		}
		for _, action := range copies.ArrayValue() {
			if action.IsObject() {
				c.connect(vault, c.arn(textAt(action.ObjectValue(), "destinationVaultArn")), "copy")
			}
		}
	}
}

func (c *chart) connect(from, to, label string) {
	if from != "" && to != "" {
		c.edges[edge{from, to, label}] = true
	}
}

func (c *chart) arn(text string) string {
	arn, err := partition.ParseARN(strings.TrimSuffix(text, ":*"))
	if err != nil {
		return ""
	}
	if arn.Service == partition.S3 { // flow logs name a folder of the bucket
		arn.Resource, _, _ = strings.Cut(arn.Resource, "/")
	}
	return c.node(arn)
}

var kinds = map[string]string{
	"log-group": "log group", "destination": "destination", "deliverystream": "stream", "backup-vault": "vault", "backup-plan": "backup plan",
	"vpc": "VPC", "subnet": "subnet", "eni": "network interface", "transitGateway": "transit gateway",
	"transitGatewayAttachment": "transit gateway attachment",
}

// node returns the key of the node for an ARN, and makes the node.
func (c *chart) node(arn partition.ARN) string {
	key := arn.String()
	n := node{kind: "bucket", name: arn.Resource, place: arn.Place()}
	if arn.Service == partition.S3 {
		n.place = c.places[key]
	} else if i := strings.IndexAny(arn.Resource, ":/"); i >= 0 {
		n.kind, n.name = kinds[arn.Resource[:i]], arn.Resource[i+1:]
	}
	c.nodes[key] = n
	return key
}

// fold replaces the sources of one target beyond the first few by a single node that counts them. Only what nothing
// leads to is folded.
func (c *chart) fold() {
	reached := map[string]bool{}
	sources := map[edge][]string{} // by target, label and kind of source
	for e := range c.edges {
		reached[e.to] = true
	}
	for e := range c.edges {
		if n := c.nodes[e.from]; !reached[e.from] {
			group := edge{n.kind + "@" + n.place.String(), e.to, e.label}
			sources[group] = append(sources[group], e.from)
		}
	}
	for group, froms := range sources {
		if len(froms) <= most+1 {
			continue
		}
		slices.Sort(froms)
		folded := c.nodes[froms[most]]
		folded.name = fmt.Sprintf("and %d more", len(froms)-most)
		key := group.from + "|" + group.to + "|" + group.label
		c.nodes[key] = folded
		c.edges[edge{key, group.to, group.label}] = true
		for _, from := range froms[most:] {
			delete(c.edges, edge{from, group.to, group.label})
		}
	}
}

// text prints the chart: a subgraph for each account, in it one for each region, then the edges.
func (c *chart) text() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	drawn := map[string]bool{}
	for e := range c.edges {
		drawn[e.from], drawn[e.to] = true, true
	}
	ids := identifiers(slices.Sorted(maps.Keys(drawn)), c.nodes)
	byPlace := map[partition.Account]map[partition.Region][]string{}
	for _, key := range slices.Sorted(maps.Keys(drawn)) {
		p := c.nodes[key].place
		if byPlace[p.Account] == nil {
			byPlace[p.Account] = map[partition.Region][]string{}
		}
		byPlace[p.Account][p.Region] = append(byPlace[p.Account][p.Region], key)
	}
	for _, account := range slices.Sorted(maps.Keys(byPlace)) {
		c.account(&b, account, byPlace[account], ids)
	}
	edges := slices.SortedFunc(maps.Keys(c.edges), func(x, y edge) int {
		return strings.Compare(x.from+" "+x.to+" "+x.label, y.from+" "+y.to+" "+y.label)
	})
	for _, e := range edges {
		arrow := "-->"
		if e.label != "" {
			arrow = "-->|" + e.label + "|"
		}
		fmt.Fprintf(&b, "  %s %s %s\n", ids[e.from], arrow, ids[e.to])
	}
	return b.String()
}

// account prints one account's subgraph. What has no known place stands outside of every subgraph.
func (c *chart) account(b *strings.Builder, account partition.Account, regions map[partition.Region][]string, ids map[string]string) {
	indent := "  "
	if account != "" {
		fmt.Fprintf(b, "  subgraph account_%s[\"account %s\"]\n", account, account)
		indent = "      "
		defer b.WriteString("  end\n")
	}
	for _, region := range slices.Sorted(maps.Keys(regions)) {
		if account != "" {
			fmt.Fprintf(b, "    subgraph place_%s_%s[\"%s\"]\n", account, identifier(string(region)), region)
		}
		for _, key := range regions[region] {
			fmt.Fprintf(b, "%s%s%s\n", indent, ids[key], box(c.nodes[key]))
		}
		if account != "" {
			b.WriteString("    end\n")
		}
	}
}

// box draws what keeps logs as a cylinder, what carries them as a box with double sides, and sources round.
func box(n node) string {
	label := strings.ReplaceAll(n.kind+"<br/>"+n.name, `"`, "#quot;")
	switch n.kind {
	case "bucket", "vault":
		return `[("` + label + `")]`
	case "stream", "destination", "backup plan":
		return `[["` + label + `"]]`
	}
	return `(["` + label + `"])`
}

// identifiers gives each node a name that Mermaid accepts and that says what it is.
func identifiers(keys []string, nodes map[string]node) map[string]string {
	ids, taken := map[string]string{}, map[string]bool{}
	for _, key := range keys {
		n := nodes[key]
		id := identifier(n.kind + "_" + n.name)
		if taken[id] {
			id = identifier(n.kind + "_" + n.name + "_" + n.place.String())
		}
		for base, i := id, 2; taken[id]; i++ {
			id = fmt.Sprintf("%s_%d", base, i)
		}
		ids[key], taken[id] = id, true
	}
	return ids
}

func identifier(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, s)
}

// textAt returns the string at a path of keys, or "".
func textAt(m resource.PropertyMap, path ...string) string {
	v := resource.NewObjectProperty(m)
	for _, key := range path {
		if !v.IsObject() {
			return ""
		}
		v = v.ObjectValue()[resource.PropertyKey(key)]
		if v.IsSecret() {
			v = v.SecretValue().Element
		}
	}
	if v.IsString() {
		return v.StringValue()
	}
	return ""
}
