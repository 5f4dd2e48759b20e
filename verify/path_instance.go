package verify

import (
	"fmt"
	"strings"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// agentRun is what an association has instances do about the CloudWatch agent; false when that is nothing.
func (e *evaluation) agentRun(r *Resource) (catalog.AgentRun, bool) {
	content := ""
	if document := e.named(typeDocument, r, r.text("name")); document != nil {
		content = document.text("content")
	}
	given := map[string]string{}
	parameters := r.item("parameters")
	for name := range parameters {
		given[string(name)] = parameters.text(string(name))
	}
	run, ok := catalog.AgentRunOf(r.text("name"), content, given)
	run.OutputBucket, run.OutputPrefix = r.item("outputLocation").text("s3BucketName"), r.item("outputLocation").text("s3KeyPrefix")
	return run, ok
}

// named finds what has a name in the place of a resource.
func (e *evaluation) named(token string, near *Resource, name string) *Resource {
	for _, r := range e.byType[token] {
		if r.Place == near.Place && (r.text("name") == name || r.ID == name) {
			return r
		}
	}
	return nil
}

// association is the way of the files of instances, which a tag selects, into log groups: the SSM Agent of each fetches what
// the association says, the CloudWatch agent reads its configuration and writes events, all as the instance's role.
//
// Which profile instances have is decided when they are started. The one that is declared beside the association, by the
// same component, is taken for theirs.
func (e *evaluation) association(s *segment, r *Resource) {
	run, _ := e.agentRun(r)
	parameter := e.named(typeParameter, r, run.Parameter)
	if parameter == nil {
		s.to(Stop{Kind: KindNowhere, Name: run.Parameter})
		s.broken(r.URN, "parameters", fmt.Sprintf("there is no parameter %q in %s", run.Parameter, r.Place), "declare the parameter, or name one that is declared")
		return
	}
	logs, err := catalog.AgentLogs(catalog.ParameterValue(parameter.State))
	if err != nil {
		s.to(Stop{Kind: KindNowhere, Name: run.Parameter})
		s.broken(parameter.URN, "insecureValue", err.Error(), "correct the configuration")
		return
	}
	from := s.at
	acting, asked := Caller{}, false
	seen := map[string]bool{}
	for _, l := range logs {
		if seen[l.Group] {
			continue
		}
		seen[l.Group] = true
		s.at = from
		group, ok := e.groups[groupKey(r.Place, l.Group)]
		if !ok {
			s.to(Stop{Kind: KindNowhere, Name: l.Group})
			s.broken(parameter.URN, "insecureValue", fmt.Sprintf("%s goes to log group %q, which isn't declared in %s: the agent may not create it", l.From, l.Group, r.Place), "declare the log group, with a retention")
			continue
		}
		s.to(Stop{KindLogGroup, l.Group, group.Place})
		if !asked {
			asked = true
			if acting, ok = e.instanceRole(s, r); !ok {
				return
			}
			for _, q := range run.Requests(r.Place, instanceSample, r.text("associationId")) {
				asks := request{title: q.Title, caller: acting, owner: r.Place.Account, carrier: r.URN, within: e.vpcsAt(r.Place)}
				if q.Pattern != "" {
					asks = asks.sampling(q.Resource, q.Pattern)
				}
				s.prove(e, asks.do(q.Resource, q.Action))
			}
		}
		e.agentWrites(s, r, acting, group)
	}
}

// instanceSample stands for the id of an instance.
const instanceSample = "i-00000000000000000"

// agentWrites is the CloudWatch agent writing to a log group that exists, and then the group's subscriptions
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/create-iam-roles-for-cloudwatch-agent.html).
func (e *evaluation) agentWrites(s *segment, carrier *Resource, acting Caller, group *Resource) {
	name := group.text("name")
	q := request{title: "the agent writes events", caller: acting, owner: group.Place.Account, carrier: carrier.URN, within: e.vpcsAt(group.Place)}
	every := group.Place.LogGroupARN(name + ":*").String()
	stream := group.Place.LogGroupARN(name + ":log-stream:" + instanceSample).String()
	s.prove(e, q.sampling(stream, every).do(stream, "logs:CreateLogStream", "logs:PutLogEvents"))
	if len(e.linksOf(group)) == 0 {
		s.broken(group.URN, "", fmt.Sprintf("what agents send ends in log group %s: no subscription filter carries it to the archive", name), "add a subscription filter to the log group")
	}
	e.carriedOn(s, group)
}

// instanceRole is EC2 acting as the role of the profile that is declared beside a resource.
func (e *evaluation) instanceRole(s *segment, r *Resource) (Caller, bool) {
	for _, profile := range e.byType[typeInstanceProfile] {
		// Resources alone have no parents; a component gives both its own name.
		if profile.parent != "" && profile.parent == r.parent || profile.parent == "" && r.parent == "" && profile.Place == r.Place && profile.Name == r.Name {
			return e.profileRole(s, r, profile)
		}
	}
	s.broken(r.URN, "", "no instance profile is declared beside it: which role the instances have isn't known", "declare the instance profile in the same component")
	return Caller{}, false
}

// profileRole is EC2 acting as the role of a profile.
func (e *evaluation) profileRole(s *segment, r, profile *Resource) (Caller, bool) {
	name := profile.text("role")
	for _, arn := range sortedKeys(e.roles) {
		if o := e.roles[arn]; o.Place.Account == profile.Place.Account && (o.text("name") == name || o.ID == name) {
			caller, err := service(r.Place, partition.EC2)
			if s.refuse(r, err) {
				return Caller{}, false
			}
			return e.assume(s, profile, "role", arn, request{title: "EC2 acts as the instance's role", caller: caller})
		}
	}
	s.broken(profile.URN, "role", "there is no role "+quoted(name), "declare the role, or name one that is declared")
	return Caller{}, false
}

// targetsOf says which instances an association selects.
func targetsOf(r *Resource) string {
	var parts []string
	for _, t := range r.items("targets") {
		parts = append(parts, strings.TrimPrefix(t.text("key"), "tag:")+"="+strings.Join(t.texts("values"), ","))
	}
	return strings.Join(parts, " ")
}
