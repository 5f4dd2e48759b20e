package verify_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/policy"
	"github.com/logarchive/logarchive/verify"
)

// What keeps a line of syslog from the archive is found.
func TestSyslogIsFollowed(t *testing.T) {
	t.Parallel()
	drop := func(sid string) func(*program) {
		return func(p *program) {
			p.edit("RolePolicy", "syslog", "policy", func(d *policy.Document) { dropStatements(d, sid) })
		}
	}
	for _, test := range []struct {
		name    string
		change  func(*program)
		refused []string
		broken  string
	}{
		{"nothing", func(*program) {}, nil, ""},
		{"no stream", drop("PutLines"), []string{"firehose:PutRecordBatch"}, ""},
		{"no drain", drop("Drain"), []string{"autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"}, ""},
		{"another group's drain", func(p *program) {
			p.edit("RolePolicy", "syslog", "policy", func(d *policy.Document) {
				s := statement(d, "Drain")
				s.Resource[0] = strings.Replace(s.Resource[0], "log-archive-syslog", "another", 1)
			})
		}, []string{"autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"}, ""},
		{"profile gone", func(p *program) { p.drop("InstanceProfile", "syslog") }, nil, "no instance profile"},
		{"listener gone", func(p *program) { p.drop("Listener", "syslog") }, nil, "no listener"},
		{"plain listener", func(p *program) { p.set("Listener", "syslog", "protocol", "TCP") }, nil, "without TLS"},
		{"no load balancer", func(p *program) { p.set("Group", "syslog", "targetGroupArns", nil) }, nil, "no load balancer"},
		{"another port", func(p *program) { p.set("TargetGroup", "syslog", "port", 514.0) }, nil, "port 514, where no collector listens"},
		{"another stream", func(p *program) {
			r := p.find("LaunchTemplate", "syslog")
			text, err := base64.StdEncoding.DecodeString(r.Inputs["userData"].StringValue())
			if err != nil {
				p.t.Fatal(err)
			}
			p.set("LaunchTemplate", "syslog", "userData", base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(text), "delivery_stream log-archive-syslog", "delivery_stream other", 1))))
		}, nil, "there is no Firehose stream"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := copyOf(t, "beijing")
			test.change(p)
			refused, broken, found := notOpen(p, verify.KindSyslog, "log-archive-syslog")
			if !found || !slices.Equal(refused, test.refused) {
				t.Errorf("found: %t; refused %q, want %q", found, refused, test.refused)
			}
			if (test.broken == "") != (broken == "") || !strings.Contains(broken, test.broken) {
				t.Errorf("broken: %q, want %q", broken, test.broken)
			}
		})
	}
}

// notOpen returns the refused actions and the breaks of a source's way, and whether there is one.
func notOpen(p *program, kind, name string) (refused []string, broken string, found bool) {
	for _, path := range p.verify(verify.Options{}).Paths {
		if path.Source.Kind != kind || path.Source.Name != name {
			continue
		}
		found = true
		for _, v := range path.Hops() {
			if !v.Allowed && !slices.Contains(refused, v.Action) {
				refused = append(refused, v.Action)
			}
		}
		for _, b := range path.Breaks() {
			broken += b.Reason + "\n"
		}
	}
	slices.Sort(refused)
	return refused, broken, found
}
