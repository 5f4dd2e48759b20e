package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// instanceToken is the type of EC2 instances. No stack makes them: the sandbox takes one over for each set of tags that the
// configuration selects.
const instanceToken = "aws:ec2/instance:Instance"

// agentLog is a file or channel that the CloudWatch agent of an instance collects.
type agentLog struct {
	instance, association Object
	run                   catalog.AgentRun
	stream                string // the name of the log stream as it is configured
}

// agentSources returns the sources that are files and channels of instances: for each association that configures the agent,
// those of every instance that it selects. Their paths aren't filled in.
func agentSources(world Resources) []Source {
	var sources []Source
	instances := world.List(instanceToken)
	for _, association := range world.List(catalog.Association) {
		run, ok := agentRunOf(world, association)
		if !ok {
			continue
		}
		for _, instance := range instances {
			if instance.Place != association.Place || !selects(association, instance) {
				continue
			}
			sources = append(sources, instanceSources(world, association, instance, run)...)
		}
	}
	return sources
}

// instanceSources are the files and channels of one instance.
func instanceSources(world Resources, association, instance Object, run catalog.AgentRun) []Source {
	at := agentLog{instance: instance, association: association, run: run}
	broken := func(format string, args ...any) []Source {
		return []Source{{Kind: SourceInstance, Place: instance.Place, Name: instance.ID, Broken: fmt.Sprintf(format, args...)}}
	}
	parameter, ok := named(world, catalog.Parameter, instance.Place, run.Parameter)
	if !ok {
		return broken("the parameter %s, which association %s names, doesn't exist", run.Parameter, association.Text("associationName"))
	}
	logs, err := catalog.AgentLogs(catalog.ParameterValue(parameter.State))
	if err != nil {
		return broken("parameter %s: %v", run.Parameter, err)
	}
	var sources []Source
	for _, l := range logs {
		agent := at
		agent.stream = l.Stream
		sources = append(sources, Source{
			Kind: SourceInstance, Place: instance.Place, Name: instance.ID + ":" + l.From,
			agent: &agent, group: l.Group, logStream: logStreamOf(instance, l.Stream),
		})
	}
	return sources
}

// logStreamOf fills in what the agent knows of its instance.
func logStreamOf(instance Object, name string) string {
	return strings.NewReplacer(catalog.AgentInstanceID, instance.ID, "{hostname}", instance.ID, "{local_hostname}", instance.ID, "{ip_address}", "10.0.0.10").Replace(name)
}

// agentRunOf reads what an association has instances do about the agent.
func agentRunOf(world Resources, association Object) (catalog.AgentRun, bool) {
	content := ""
	if document, ok := named(world, catalog.Document, association.Place, association.Text("name")); ok {
		content = document.Text("content")
	}
	run, ok := catalog.AgentRunOf(association.Text("name"), content, textMap(child(association.State, "parameters")))
	output := child(association.State, "outputLocation")
	run.OutputBucket, run.OutputPrefix = text(output, "s3BucketName"), text(output, "s3KeyPrefix")
	return run, ok
}

func textMap(properties resource.PropertyMap) map[string]string {
	all := map[string]string{}
	for name := range properties {
		all[string(name)] = text(properties, string(name))
	}
	return all
}

// named finds an object by its name in a place.
func named(world Resources, token string, place partition.Place, name string) (Object, bool) {
	return find(world, token, func(o *Object) bool { return o.Place == place && o.Text("name") == name })
}

// selects says whether an instance has the tags, or the id, that an association asks for.
func selects(association, instance Object) bool {
	targets := objects(association.State["targets"])
	instanceTags := textMap(child(instance.State, "tags"))
	for _, target := range targets {
		key, values := text(target, "key"), strs(target["values"])
		have := instance.ID
		if tag, ok := strings.CutPrefix(key, "tag:"); ok {
			have = instanceTags[tag]
		} else if key != "InstanceIds" {
			return false
		}
		if !slices.Contains(values, have) {
			return false
		}
	}
	return len(targets) > 0
}

// profileRole is the role that an instance acts as, by the name of its profile.
func profileRole(world Resources, account partition.Account, profile string) (partition.ARN, bool) {
	p, ok := find(world, catalog.InstanceProfile, func(o *Object) bool { return o.Place.Account == account && o.Text("name") == profile })
	if !ok {
		return partition.ARN{}, false
	}
	role, ok := find(world, catalog.Role, func(o *Object) bool { return o.Place.Account == account && o.Text("name") == p.Text("role") })
	if !ok {
		return partition.ARN{}, false
	}
	arn, err := partition.ParseARN(role.ARN())
	return arn, err == nil
}

// actAs takes the hop in which EC2 acts as the role of an instance's profile. The result is a hop of that role.
func (t *transfer) actAs(place partition.Place, who, profile string) (Hop, error) {
	role, ok := profileRole(t.d.world, place.Account, profile)
	if !ok {
		look := Hop{Step: "EC2 looks for the role of " + who, Action: "sts:AssumeRole", Resource: place.RoleARN(profile).String(), Place: place}
		return look, look.refuse("NoSuchEntity", profile, "the instance profile %s, or its role, doesn't exist", cmp.Or(profile, "of "+who))
	}
	service, err := serviceCaller(place, partition.EC2, partition.Trust)
	if err != nil {
		return Hop{}, err
	}
	assume := Hop{Step: "EC2 acts as the role of " + who, Principal: service, Action: "sts:AssumeRole", Resource: role.String(), Owner: role.Account, Place: place}
	if err := t.authorize(assume); err != nil {
		return assume, err
	}
	caller, context, err := roleCaller(role, "instance")
	acting := Hop{Principal: caller, Owner: place.Account, Place: place}.with(append(context, "aws:SecureTransport", "true", "aws:RequestedRegion", string(place.Region))...)
	return acting, err
}

// authorizeAgent takes the hops by which an instance gets its configuration, and by which its agent writes events.
func (t *transfer) authorizeAgent(s Source) error {
	a := s.agent
	acting, err := t.actAs(s.Place, "instance "+a.instance.ID, a.instance.Text("iamInstanceProfile"))
	if err != nil {
		return err
	}
	// Which VPC the instance is in, nobody says: any that has endpoints.
	for _, e := range t.d.world.List(catalog.VpcEndpoint) {
		if e.Place == s.Place {
			acting.Within = append(acting.Within, e.Text("vpcId"))
		}
	}
	ask := func(title, action, resource string) error {
		acting.Step, acting.Action, acting.Resource = title, action, resource
		return t.authorize(acting)
	}
	for _, q := range a.run.Requests(s.Place, a.instance.ID, a.association.Text("associationId")) {
		if err := ask(q.Title, q.Action, q.Resource); err != nil {
			return err
		}
	}
	stream := s.Place.LogGroupARN(s.group + ":log-stream:" + s.logStream).String()
	for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
		if err := ask("the agent writes events into "+s.group, action, stream); err != nil {
			return err
		}
	}
	return nil
}
