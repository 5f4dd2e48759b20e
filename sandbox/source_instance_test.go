package sandbox

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
)

// The agent's configuration says into which group a file goes, and the tags which instances send it.
func TestInstancesSend(t *testing.T) {
	t.Parallel()
	w := stackResources(t, "beijing")
	d := newTestDelivery(t, w)
	messages, err := d.Source("/var/log/messages")
	if err != nil {
		t.Fatal(err)
	}
	if messages.Kind != SourceInstance || messages.group != "/aws/ec2/system-logs" || !strings.Contains(messages.Path, " -> /aws/ec2/system-logs -> filter ") {
		t.Errorf("%+v", messages)
	}
	// Two files of one group are told apart by their streams, and from what others write to the group.
	sent := map[string][]string{}
	for _, name := range []string{"/var/log/messages", "orders.log", "legacy.log", ":Security", "/aws/ec2/system-logs"} {
		s, err := d.Source(name)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := d.Lines(s, "once", 20)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Send(t.Context(), s, lines); err != nil {
			t.Fatal(err)
		}
		sent[s.ID] = lines
	}
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, lines := range sent {
		s, err := d.Source(id)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := d.Find(t.Context(), s); err != nil || !cmp.Equal(lines, got) {
			t.Errorf("%s: %d of %d lines, %v", id, len(got), len(lines), err)
		}
	}
}

func TestInstancesAreRefused(t *testing.T) {
	t.Parallel()
	const file = "/var/log/messages"
	for _, test := range []struct {
		name   string
		change func(*testResources, Object, Object) // the instance and the association
		code   string                               // "" where there is no such source any more
		reason string
	}{
		{"another tag", func(w *testResources, instance, _ Object) {
			w.change(instanceToken, instance.ID, func(m resource.PropertyMap) {
				m["tags"] = resource.NewPropertyValue(map[string]any{"LogShipping": "no"})
			})
		}, "", "is not one source"},
		{"another file", func(w *testResources, _, _ Object) {
			w.change(catalog.Parameter, "AmazonCloudWatch-log-archive-linux", func(m resource.PropertyMap) {
				m["insecureValue"] = resource.NewStringProperty(strings.Replace(m["insecureValue"].StringValue(), file, "/var/log/secure", 1))
			})
		}, "", "is not one source"},
		{"no profile", func(w *testResources, instance, _ Object) {
			w.change(instanceToken, instance.ID, set("iamInstanceProfile", "mine"))
		}, "NoSuchEntity", "the instance profile mine"},
		{"no policy", func(w *testResources, _, _ Object) {
			w.remove(rolePolicyToken, "log-archive-instances-linux-cn-north-1:ship-logs")
		}, "AccessDenied", "ssm:UpdateInstanceInformation"},
		{"group in another name", func(w *testResources, _, _ Object) {
			w.change(catalog.Parameter, "AmazonCloudWatch-log-archive-linux", func(m resource.PropertyMap) {
				m["insecureValue"] = resource.NewStringProperty(strings.Replace(m["insecureValue"].StringValue(), "/aws/ec2/system-logs", "/aws/ec2/system", 1))
			})
		}, "AccessDenied", "logs:CreateLogStream"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := stackResources(t, "beijing")
			d := newTestDelivery(t, w)
			before, err := d.Source(file)
			if err != nil {
				t.Fatal(err)
			}
			test.change(w, before.agent.instance, before.agent.association)
			s, err := d.Source(file)
			if err == nil {
				_, err = d.Send(t.Context(), s, []string{"hello"})
			}
			refusal := (*Refusal)(nil)
			if errors.As(err, &refusal) != (test.code != "") || refusal != nil && refusal.Code != test.code || err == nil || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("got %v, want %s %s", err, test.code, test.reason)
			}
		})
	}
}
