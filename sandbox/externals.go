package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks"
	"github.com/logarchive/logarchive/stacks/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// externalKind is what the sandbox makes of a kind of [stacks.External].
type externalKind struct {
	token   string
	service partition.Service
	prefix  string // of the ARN's resource
	name    string // the property that holds the id, "" for none
}

var externalKinds = map[string]externalKind{
	stacks.KindVPC:               {"aws:ec2/vpc:Vpc", partition.EC2, "vpc/", ""},
	stacks.KindSubnet:            {"aws:ec2/subnet:Subnet", partition.EC2, "subnet/", ""},
	stacks.KindENI:               {"aws:ec2/networkInterface:NetworkInterface", partition.EC2, "network-interface/", ""},
	stacks.KindTransitGateway:    {"aws:ec2transitgateway/transitGateway:TransitGateway", partition.EC2, "transit-gateway/", ""},
	stacks.KindRDSInstance:       {"aws:rds/instance:Instance", partition.RDS, "db:", "identifier"},
	stacks.KindRDSCluster:        {"aws:rds/cluster:Cluster", partition.RDS, "cluster:", "clusterIdentifier"},
	stacks.KindLogGroup:          {catalog.LogGroup, partition.Logs, "log-group:", "name"},
	stacks.KindInstance:          {instanceToken, partition.EC2, "instance/", ""},
	stacks.KindDetector:          {catalog.Detector, partition.GuardDuty, "detector/", ""},
	stacks.KindServiceLinkedRole: {catalog.ServiceLinkedRole, partition.IAM, "role/", ""},
	stacks.KindRole:              {catalog.Role, partition.IAM, "role/", "name"},
	stacks.KindOrganization:      {organizationToken, partition.Organizations, "organization/", ""},
	stacks.KindBucket:            {catalog.Bucket, partition.S3, "", "bucket"},
	stacks.KindRouteTable:        {"aws:ec2/routeTable:RouteTable", partition.EC2, "route-table/", ""},
	stacks.KindSecurityGroup:     {catalog.SecurityGroup, partition.EC2, "security-group/", ""},
	stacks.KindPolicy:            {catalog.Policy, partition.IAM, "policy/", "name"},

	stacks.KindApplicationBalancer: {balancerToken, partition.ELB, "loadbalancer/", ""},
	stacks.KindNetworkBalancer:     {balancerToken, partition.ELB, "loadbalancer/", ""},
	stacks.KindClassicBalancer:     {classicBalancerToken, partition.ELB, "loadbalancer/", ""},
}

// Adopt takes over what a stack's configuration refers to and no stack creates, as if it had always been there. What
// exists already stays as it is; of an external only what the configuration says about it is brought up to date. All
// problems are in the error, and then nothing is adopted.
func (w *World) Adopt(externals []stacks.External) error {
	var problems []string
	var objects []*Object
	for _, e := range externals {
		o, err := externalObject(e)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", e.Key, err))
			continue
		}
		objects = append(objects, o)
	}
	if len(problems) > 0 {
		return fmt.Errorf("sandbox: cannot take over what the configuration refers to:\n%s", strings.Join(problems, "\n"))
	}
	return w.change(func() (*change, error) {
		c := &change{}
		for _, o := range objects {
			old := w.objects[keyOf(o)]
			switch {
			case old == nil:
				o.Created = w.now().UTC()
			case !old.External:
				continue // a stack made it: the sandbox knows it better than the configuration does
			default:
				merged := *old
				merged.State = old.State.Copy()
				for k, v := range o.State {
					merged.State[k] = v
				}
				if merged.State.DeepEquals(old.State) {
					continue
				}
				o = &merged
			}
			// The same thing may be referred to twice.
			c.Put = slices.DeleteFunc(c.Put, func(earlier *Object) bool { return keyOf(earlier) == keyOf(o) })
			c.Put = append(c.Put, o)
		}
		return c, nil
	})
}

func externalObject(e stacks.External) (*Object, error) {
	kind, ok := externalKinds[e.Kind]
	if !ok {
		kinds := make([]string, 0, len(externalKinds))
		for k := range externalKinds {
			kinds = append(kinds, k)
		}
		slices.Sort(kinds)
		return nil, fmt.Errorf("the sandbox knows no kind %q, only %s", e.Kind, strings.Join(kinds, ", "))
	}
	if e.ID == "" || e.Place.Partition() == "" {
		return nil, fmt.Errorf("a %s needs an id and a place, this one has %q and %q", e.Kind, e.ID, e.Place)
	}
	o := &Object{Type: kind.token, ID: e.ID, Place: e.Place, External: true, State: resource.PropertyMap{}}
	set := func(name, value string) { o.State[resource.PropertyKey(name)] = resource.NewStringProperty(value) }
	set("arn", e.Place.ARN(kind.service, kind.prefix+e.ID).String())
	if e.Kind == stacks.KindServiceLinkedRole {
		o.ID = o.Text("arn")
	}
	if e.Kind == stacks.KindRole || e.Kind == stacks.KindPolicy {
		// A role's name is the end of its path, and the provider's id.
		o.ID = e.ID[strings.LastIndexByte(e.ID, '/')+1:]
		set("path", "/"+strings.TrimSuffix(e.ID, o.ID))
	}
	if kind.name != "" {
		set(kind.name, o.ID)
	}
	if e.Kind == stacks.KindPolicy {
		o.ID = o.Text("arn")
	}
	if e.Kind == stacks.KindNetworkBalancer {
		set("loadBalancerType", "network")
	}
	for name, value := range e.Attributes {
		switch {
		case value == schema.Placeholder: // encrypted in the stack file: unknown here
		case name == stacks.AttributeAccessLogs:
			bucket, prefix, _ := strings.Cut(value, "/")
			o.State["accessLogs"] = resource.NewPropertyValue(map[string]any{"bucket": bucket, "prefix": prefix, "enabled": true})
		case name == stacks.AttributePolicy && e.Kind == stacks.KindRole:
			o.State["inlinePolicies"] = resource.NewPropertyValue([]any{map[string]any{"name": "own", "policy": value}})
		case name == stacks.AttributeAccounts:
			o.State["accounts"] = resource.NewPropertyValue(list(value))
		case name == stacks.AttributeLogTypes:
			o.State["enabledCloudwatchLogsExports"] = resource.NewPropertyValue(list(value))
		case name == stacks.AttributeTags:
			tags := map[string]any{}
			for _, tag := range list(value) {
				k, v, _ := strings.Cut(tag.(string), "=")
				tags[k] = v
			}
			o.State["tags"] = resource.NewPropertyValue(tags)
		default:
			set(name, value)
		}
	}
	return o, nil
}

func list(commas string) []any {
	all := []any{}
	for value := range strings.SplitSeq(commas, ",") {
		if value != "" {
			all = append(all, value)
		}
	}
	return all
}
