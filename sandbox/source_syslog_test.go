package sandbox

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
)

// Lines of syslog arrive exactly once and as they were sent, whatever is in them.
func TestSyslogArrives(t *testing.T) {
	t.Parallel()
	d := newTestDelivery(t, stackResources(t, "beijing"))
	s, err := d.Source("log-archive-syslog")
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{"<34>1 2026-11-21T03:55:00Z fw01 kernel - - - DROP <&>", "no priority at all", `{"json":true}`, strings.Repeat("x", 100_000), "\xe4\xbd\xa0\xe5\xa5\xbd"}
	if _, err := d.Send(t.Context(), s, lines); err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, refs, err := d.Find(t.Context(), s)
	if diff := cmp.Diff(lines, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, ref := range refs {
		if !strings.HasPrefix(ref.Key, "syslog/account=111122223333/region=cn-north-1/") || !strings.HasSuffix(ref.Key, ".json.gz") {
			t.Errorf("key %s", ref.Key)
		}
	}
	if _, err := d.Send(t.Context(), s, []string{"two\nlines"}); err == nil || !strings.Contains(err.Error(), "line feed") {
		t.Errorf("a line feed: %v", err)
	}
}

func TestSyslogIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, code, reason string
		change             func(*testResources, *collectors)
	}{
		{"no policy", "AccessDenied", "firehose:PutRecordBatch", func(w *testResources, _ *collectors) {
			w.remove(rolePolicyToken, "log-archive-syslog-collector-cn-north-1:put-lines")
		}},
		{"no profile", "NoSuchEntity", "instance profile", func(w *testResources, _ *collectors) {
			w.remove(catalog.InstanceProfile, "log-archive-syslog-collector-cn-north-1")
		}},
		{"no stream", "ResourceNotFoundException", "doesn't exist", func(w *testResources, _ *collectors) {
			for _, o := range w.List(streamToken) {
				if o.Text("name") == "log-archive-syslog" {
					w.remove(streamToken, o.ID)
				}
			}
		}},
		{"no listener", "", "no listener", func(w *testResources, _ *collectors) {
			for _, o := range w.List(catalog.Listener) {
				w.remove(catalog.Listener, o.ID)
			}
		}},
		{"another port", "", "port 514", func(w *testResources, c *collectors) {
			w.change(catalog.TargetGroup, strs(c.group.State["targetGroupArns"])[0], func(m resource.PropertyMap) { m["port"] = resource.NewNumberProperty(514) })
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := stackResources(t, "beijing")
			d := newTestDelivery(t, w)
			s, err := d.Source("log-archive-syslog")
			if err != nil {
				t.Fatal(err)
			}
			test.change(w, s.collectors)
			_, err = d.Send(t.Context(), s, []string{"hello"})
			refusal := (*Refusal)(nil)
			if errors.As(err, &refusal) != (test.code != "") || refusal != nil && refusal.Code != test.code || err == nil || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("got %v, want %s %s", err, test.code, test.reason)
			}
		})
	}
}
