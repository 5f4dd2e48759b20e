package sandbox

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
)

// alarmed returns all alarms that are, or were within three hours, in ALARM, but for those that say that nothing has come
// for hours, in a sandbox that has just begun.
func alarmed(t *testing.T, d *Delivery) (found []AlarmStatus, names []string) {
	t.Helper()
	all, err := d.Alarms(3 * time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 60 {
		t.Errorf("%d alarms, want all of the stack", len(all))
	}
	for _, a := range all {
		if a.Raised.IsZero() || strings.HasSuffix(a.Name, "silent") {
			continue
		}
		found = append(found, a)
		if !a.Composite {
			names = append(names, a.Name)
		}
	}
	return found, names
}

func lambdaGroup(t *testing.T, d *Delivery) Source {
	t.Helper()
	for _, s := range d.Sources() {
		if s.Kind == SourceLogGroup && strings.Contains(s.ID, "/aws/lambda/orders-api") {
			return s
		}
	}
	t.Fatal("the example has no such log group")
	return Source{}
}

func sendTo(t *testing.T, d *Delivery, s Source, n int) error {
	t.Helper()
	lines, err := d.Lines(s, "run", n)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Send(context.Background(), s, lines)
	return err
}

// Each way in which delivery stops raises the alarm that is for it, and the composite of its path, which tells the topic; when
// all goes well none is raised.
func TestAlarmsAreRaised(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, test := range []struct {
		name    string
		break_  func(t *testing.T, w *testResources, d *Delivery)
		refused bool // the send itself is
		wait    time.Duration
		alarm   string
	}{
		{name: "all goes well"},
		{name: "the function fails", alarm: "log-archive-transform-function-errors",
			break_: func(_ *testing.T, _ *testResources, d *Delivery) { d.Disturb(DisturbFunctionError, 1) }},
		{name: "the function is throttled", alarm: "log-archive-logs-transform-failed",
			break_: func(_ *testing.T, _ *testResources, d *Delivery) { d.Disturb(DisturbFunctionThrottle, 1) }},
		{name: "records go to the error prefix", alarm: "log-archive-archive-errors-not-empty",
			break_: func(_ *testing.T, _ *testResources, d *Delivery) { d.Disturb(DisturbFunctionError, 10) }},
		{name: "the stream's role may not write", alarm: "log-archive-logs-delivery-failed",
			break_: func(_ *testing.T, w *testResources, _ *Delivery) {
				drop(w, "WriteObjects", "log-archive-logs-delivery-cn-north-1")
			}},
		{name: "it has been so for an hour", alarm: "log-archive-logs-delivery-late", wait: time.Hour,
			break_: func(_ *testing.T, w *testResources, _ *Delivery) {
				drop(w, "WriteObjects", "log-archive-logs-delivery-cn-north-1")
			}},
		{name: "CloudWatch Logs can't forward", alarm: "log-archive-logs-forwarding-failed", refused: true,
			break_: func(_ *testing.T, w *testResources, _ *Delivery) {
				drop(w, "", "log-archive-logs-subscription-cn-north-1")
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := stackResources(t, "beijing")
			d := newTestDelivery(t, w)
			if test.break_ != nil {
				test.break_(t, w, d)
			}
			if err := sendTo(t, d, lambdaGroup(t, d), 20); (err != nil) != test.refused {
				t.Fatalf("sending: %v", err)
			}
			if err := d.Flush(ctx); err != nil && test.alarm == "" {
				t.Fatal(err)
			}
			if test.wait > 0 {
				if _, err := d.clock.Advance(test.wait); err != nil {
					t.Fatal(err)
				}
			}
			found, names := alarmed(t, d)
			if test.alarm == "" {
				if len(names) > 0 {
					t.Errorf("raised: %v", names)
				}
				return
			}
			i := slices.IndexFunc(found, func(a AlarmStatus) bool { return a.Name == test.alarm })
			if i < 0 {
				t.Fatalf("%s isn't raised, but %v", test.alarm, names)
			}
			// The composite of its path tells the people.
			above := w.List(compositeAlarmToken)
			above = slices.DeleteFunc(above, func(o Object) bool {
				return o.Place != found[i].Place || !strings.Contains(o.Text("alarmRule"), `ALARM("`+test.alarm+`")`)
			})
			if len(above) != 1 {
				t.Fatalf("%d composite alarms are about %s", len(above), test.alarm)
			}
			told := slices.ContainsFunc(found, func(a AlarmStatus) bool {
				return a.Name == above[0].Text("alarmName") && a.Place == above[0].Place && len(a.Notified) == 1 && a.Notified[0].Refused == ""
			})
			if !told {
				t.Errorf("nobody is told of %s", test.alarm)
			}
		})
	}
}

// drop takes the statement away from a role's policies, or all of them.
func drop(w *testResources, sid, role string) {
	for i, o := range w.all {
		if o.Type != rolePolicyToken || o.Text("role") != role {
			continue
		}
		w.all[i].State = o.State.Copy()
		text := o.Text("policy")
		if sid == "" {
			sid = `"Effect":"Allow"`
			text = strings.ReplaceAll(text, sid, `"Effect":"Deny"`)
		} else {
			text = strings.Replace(text, `"Sid":"`+sid+`","Effect":"Allow"`, `"Sid":"`+sid+`","Effect":"Deny"`, 1)
		}
		w.all[i].State["policy"] = resource.NewStringProperty(text)
	}
}

// An alarm whose topic doesn't let CloudWatch in says so: at AWS the state changes and nobody hears of it.
func TestAlarmIsNotHeard(t *testing.T) {
	t.Parallel()
	w := stackResources(t, "beijing")
	for i, o := range w.all {
		if o.Type == topicPolicyToken && strings.Contains(o.Text("arn"), "log-archive-alarms") {
			w.all[i].State = o.State.Copy()
			w.all[i].State["policy"] = resource.NewStringProperty(strings.ReplaceAll(o.Text("policy"), `"Effect":"Allow"`, `"Effect":"Deny"`))
		}
	}
	d := newTestDelivery(t, w)
	d.Disturb(DisturbFunctionError, 1)
	if err := sendTo(t, d, lambdaGroup(t, d), 20); err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	refused := 0
	found, _ := alarmed(t, d)
	for _, a := range found {
		for _, n := range a.Notified {
			if strings.HasPrefix(n.Refused, "AccessDenied: ") {
				refused++
			}
		}
	}
	if refused == 0 {
		t.Error("no alarm is refused by its topic")
	}
}

// Missing data count as the alarm says, and of its periods so many must breach as it says.
func TestAlarmEvaluation(t *testing.T) {
	t.Parallel()
	place := sourcePlace
	start := time.Date(2026, time.November, 29, 6, 0, 0, 0, time.UTC)
	at := func(minute int, value float64) datum {
		return datum{At: start.Add(time.Duration(minute) * time.Minute), Place: place, Namespace: "AWS/Lambda", Name: "Errors", Dimensions: map[string]string{"FunctionName": "f"}, Value: value}
	}
	for _, test := range []struct {
		name             string
		values           []datum
		periods, needed  int
		operator, missed string
		statistic        string
		want             AlarmState
	}{
		{"a value above", []datum{at(57, 1)}, 1, 1, "GreaterThanThreshold", "notBreaching", "Sum", AlarmRaised},
		{"the value has passed", []datum{at(50, 1)}, 1, 1, "GreaterThanThreshold", "notBreaching", "Sum", AlarmOK},
		{"nothing, which is fine", nil, 3, 3, "GreaterThanThreshold", "notBreaching", "Sum", AlarmOK},
		{"nothing, which is bad", nil, 3, 3, "LessThanThreshold", "breaching", "Sum", AlarmRaised},
		{"nothing, and nobody says", nil, 3, 3, "GreaterThanThreshold", "missing", "Sum", AlarmInsufficient},
		{"two of three", []datum{at(46, 1), at(56, 1)}, 3, 2, "GreaterThanThreshold", "notBreaching", "Sum", AlarmRaised},
		{"one of three", []datum{at(46, 1)}, 3, 2, "GreaterThanThreshold", "notBreaching", "Sum", AlarmOK},
		{"the least", []datum{at(56, 1), at(57, 0)}, 1, 1, "LessThanThreshold", "notBreaching", "Minimum", AlarmOK},
		{"the most", []datum{at(56, 1), at(57, 0)}, 1, 1, "GreaterThanThreshold", "notBreaching", "Maximum", AlarmRaised},
		{"another function's", []datum{{At: start.Add(57 * time.Minute), Place: place, Namespace: "AWS/Lambda", Name: "Errors", Dimensions: map[string]string{"FunctionName": "g"}, Value: 1}}, 1, 1, "GreaterThanThreshold", "notBreaching", "Sum", AlarmOK},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &meters{now: start.Add(58 * time.Minute), values: map[string][]datum{}}
			for _, v := range test.values {
				m.values[v.key()] = append(m.values[v.key()], v)
			}
			o := Object{Type: catalog.MetricAlarm, Place: place, State: resource.NewPropertyMapFromMap(map[string]any{
				"namespace": "AWS/Lambda", "metricName": "Errors", "dimensions": map[string]any{"FunctionName": "f"}, "statistic": test.statistic, "period": 300,
				"evaluationPeriods": test.periods, "datapointsToAlarm": test.needed, "threshold": 0, "comparisonOperator": test.operator, "treatMissingData": test.missed,
			})}
			w, err := readWatch(o)
			if err != nil {
				t.Fatal(err)
			}
			got, reason, err := m.evaluate(w, m.now)
			if unmodelled := w.unmodelled(); err != nil || unmodelled != "" || got != test.want {
				t.Errorf("%s (%s), %q, %v; want %s", got, reason, unmodelled, err, test.want)
			}
		})
	}
}
