package components_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

func streamMetric(name string) components.Metric {
	return components.Metric{Namespace: partition.FirehoseMetrics, Name: name, Dimensions: map[string]string{"DeliveryStreamName": "logs"}}
}

func alarmArgs() *components.PathAlarmsArgs {
	return &components.PathAlarmsArgs{
		Place: home, NamePrefix: "archive", Path: "logs", Runbook: "https://example.com/runbook",
		Actions: pulumi.StringArray{pulumi.String(home.ARN(partition.SNS, "alarms").String())},
		Alarms: []components.Alarm{
			{Name: "failed", Says: "It fails", Metrics: []components.Metric{streamMetric("DeliveryToS3.Success")}, Statistic: "Minimum", Below: true, Threshold: 1,
				PeriodSeconds: 300, Periods: 1, Missing: components.MissingIsFine},
			{Name: "both", Says: "Either", Runbook: "other", Metrics: []components.Metric{streamMetric("ThrottledRecords"), streamMetric("IncomingRecords")}, Statistic: "Sum",
				PeriodSeconds: 3600, Periods: 24, Datapoints: 2, Missing: components.MissingIsBad},
		},
	}
}

func pathAlarms(change func(*components.PathAlarmsArgs)) func(*program) error {
	return func(p *program) error {
		args := alarmArgs()
		change(args)
		_, err := components.NewPathAlarms(p.ctx, "path", args, p.at(args.Place))
		return err
	}
}

const (
	metricAlarmType    = "aws:cloudwatch/metricAlarm:MetricAlarm"
	compositeAlarmType = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
)

func TestPathAlarms(t *testing.T) {
	t.Parallel()
	g := record(t, pathAlarms(func(*components.PathAlarmsArgs) {}))
	topic := home.ARN(partition.SNS, "alarms").String()
	inputs(t, find(t, g, metricAlarmType, "path-failed"), map[string]any{
		"name": "archive-logs-failed", "alarmDescription": "It fails. Runbook: https://example.com/runbook#failed",
		"namespace": "AWS/Firehose", "metricName": "DeliveryToS3.Success", "dimensions": map[string]any{"DeliveryStreamName": "logs"},
		"statistic": "Minimum", "comparisonOperator": "LessThanThreshold", "threshold": 1, "period": 300,
		"evaluationPeriods": 1, "datapointsToAlarm": 1, "treatMissingData": "notBreaching",
	})
	metric := func(name string) map[string]any {
		return map[string]any{"namespace": "AWS/Firehose", "metricName": name, "stat": "Sum", "period": 3600, "dimensions": map[string]any{"DeliveryStreamName": "logs"}}
	}
	inputs(t, find(t, g, metricAlarmType, "path-both"), map[string]any{
		"name": "archive-logs-both", "alarmDescription": "Either. Runbook: https://example.com/runbook#other",
		"comparisonOperator": "GreaterThanThreshold", "threshold": 0, "evaluationPeriods": 24, "datapointsToAlarm": 2, "treatMissingData": "breaching",
		"metricQueries": []any{
			map[string]any{"id": "m1", "metric": metric("ThrottledRecords")},
			map[string]any{"id": "m2", "metric": metric("IncomingRecords")},
			map[string]any{"id": "sum", "expression": "FILL(m1,0)+FILL(m2,0)", "label": "both", "returnData": true},
		},
	})
	composite := find(t, g, compositeAlarmType, "path")
	inputs(t, composite, map[string]any{
		"alarmName": "archive-logs", "alarmRule": `ALARM("archive-logs-failed") OR ALARM("archive-logs-both")`,
		"alarmDescription": "The path logs of the log archive fails or lags. The alarms below say how: failed, both. Runbook: https://example.com/runbook#alarms",
		"alarmActions":     []any{topic}, "okActions": []any{topic},
	})
	for _, name := range []string{"path-failed", "path-both"} {
		if below := find(t, g, metricAlarmType, name); !strings.Contains(strings.Join(composite.Dependencies, " "), below.URN) {
			t.Errorf("the composite alarm doesn't wait for %s", name)
		}
	}
}

func TestPathAlarmsProblems(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*components.PathAlarmsArgs)
		want   string
	}{
		{"too long names", func(a *components.PathAlarmsArgs) {
			one := a.Alarms[0]
			for i := range 10001 {
				one.Name = fmt.Sprint(i)
				a.Alarms = append(a.Alarms, one)
			}
		}, "want 1 to 10000"},
		{"none", func(a *components.PathAlarmsArgs) { a.Alarms = nil }, "Alarms: \"0\""},
		{"unknown metric", func(a *components.PathAlarmsArgs) { a.Alarms[0].Metrics[0].Name = "Succes" }, "metric Succes of AWS/Firehose in partition aws-cn: unknown"},
		{"same name", func(a *components.PathAlarmsArgs) { a.Alarms[1].Name = "failed" }, "no other alarm of the path"},
		{"long look", func(a *components.PathAlarmsArgs) { a.Alarms[0].Periods = 300 }, "want periods of whole minutes"},
		{"week with minutes", func(a *components.PathAlarmsArgs) { a.Alarms[1].Periods = 24 * 8 }, "or a week"},
		{"datapoints", func(a *components.PathAlarmsArgs) { a.Alarms[0].Datapoints = 2 }, "want at most Periods, 1"},
		{"missing", func(a *components.PathAlarmsArgs) { a.Alarms[0].Missing = "ignore" }, "want one of notBreaching, breaching"},
		{"nobody", func(a *components.PathAlarmsArgs) { a.Actions = nil }, "want something that the alarm notifies"},
		{"eleven metrics", func(a *components.PathAlarmsArgs) {
			for range 10 {
				a.Alarms[0].Metrics = append(a.Alarms[0].Metrics, streamMetric("IncomingBytes"))
			}
		}, "want 1 to 10"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := tryRecord(t, pathAlarms(test.change))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// More alarms than one composite alarm takes are below several, and each is below exactly one.
func TestManyPathAlarms(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		alarms, letters, parts int
	}{{100, 10, 0}, {101, 10, 2}, {250, 10, 3}, {250, 180, 6}} {
		t.Run(fmt.Sprint(test.alarms, " of ", test.letters), func(t *testing.T) {
			t.Parallel()
			g := record(t, pathAlarms(func(a *components.PathAlarmsArgs) {
				one := a.Alarms[0]
				a.Alarms = nil
				for i := range test.alarms {
					one.Name = fmt.Sprintf("%s-%d", strings.Repeat("x", test.letters), i)
					a.Alarms = append(a.Alarms, one)
				}
			}))
			below := map[string]int{}
			var parts []string
			for _, r := range g.Resources {
				if r.Type != "aws:cloudwatch/compositeAlarm:CompositeAlarm" || r.Name == "path" {
					continue
				}
				parts = append(parts, text(t, r, "alarmName"))
				names := catalog.AlarmsIn(text(t, r, "alarmRule"))
				if len(names) > 100 || len(text(t, r, "alarmRule")) > 10240 || r.Inputs["alarmActions"].IsArray() {
					t.Errorf("%s: %d alarms, %d characters, actions %v", r.Name, len(names), len(text(t, r, "alarmRule")), r.Inputs["alarmActions"].IsArray())
				}
				for _, name := range names {
					below[name]++
				}
			}
			top := find(t, g, "aws:cloudwatch/compositeAlarm:CompositeAlarm", "path")
			if len(parts) != test.parts || !top.Inputs["alarmActions"].IsArray() {
				t.Errorf("%d parts, want %d", len(parts), test.parts)
			}
			if len(parts) == 0 {
				for _, name := range catalog.AlarmsIn(text(t, top, "alarmRule")) {
					below[name]++
				}
			} else if got := catalog.AlarmsIn(text(t, top, "alarmRule")); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(parts))) {
				t.Errorf("the path's alarm is about %q, want %q", got, parts)
			}
			for name, n := range below {
				if n != 1 {
					t.Errorf("%s is below %d composite alarms", name, n)
				}
			}
			if len(below) != test.alarms {
				t.Errorf("%d of %d alarms are below a composite alarm", len(below), test.alarms)
			}
		})
	}
}

func TestInTens(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 10, 11, 25} {
		var metrics []components.Metric
		for i := range n {
			metrics = append(metrics, streamMetric(fmt.Sprint(i)))
		}
		alarms := components.InTens(components.Alarm{Name: "a"}, metrics)
		var got []components.Metric
		names := map[string]bool{}
		for _, a := range alarms {
			got = append(got, a.Metrics...)
			names[a.Name] = true
			if a.Runbook != "a" || len(a.Metrics) > 10 {
				t.Errorf("%d metrics: %+v", n, a)
			}
		}
		if diff := cmp.Diff(metrics, got); diff != "" || len(names) != len(alarms) {
			t.Errorf("%d metrics in %d alarms of %d names:\n%s", n, len(alarms), len(names), diff)
		}
	}
}

func alarmTopic(change func(*components.AlarmTopicArgs)) func(*program) error {
	return func(p *program) error {
		args := &components.AlarmTopicArgs{Place: home, TopicName: "archive-alarms", KeyAlias: "archive-alarms", AlarmNamePrefixes: []string{"archive"}, Emails: []string{"a@example.com"}}
		change(args)
		_, err := components.NewAlarmTopic(p.ctx, "alarms", args, p.at(args.Place))
		return err
	}
}

// Who may publish, and use the key for it: alarms of the archive, and nobody else.
func TestAlarmTopic(t *testing.T) {
	t.Parallel()
	g := record(t, alarmTopic(func(*components.AlarmTopicArgs) {}))
	topic, key := find(t, g, "aws:sns/topic:Topic", "alarms"), find(t, g, "aws:kms/key:Key", "alarms-key")
	inputs(t, topic, map[string]any{"name": "archive-alarms", "kmsMasterKeyId": key.Outputs["arn"].StringValue()})
	inputs(t, find(t, g, "aws:sns/topicSubscription:TopicSubscription", "alarms-a@example.com"), map[string]any{
		"topic": topic.Outputs["arn"].StringValue(), "protocol": "email", "endpoint": "a@example.com",
	})
	if !key.Protect || !key.RetainOnDelete || !key.Inputs["enableKeyRotation"].BoolValue() {
		t.Error("the key isn't protected, retained and rotated")
	}
	topicPolicy := find(t, g, "aws:sns/topicPolicy:TopicPolicy", "alarms").Inputs["policy"].StringValue()
	for _, test := range []struct {
		name, source, account, secure string
		allowed                       bool
	}{
		{"its alarm", home.ARN(partition.CloudWatch, "alarm:archive-logs").String(), string(home.Account), "true", true},
		{"another alarm", home.ARN(partition.CloudWatch, "alarm:billing").String(), string(home.Account), "true", false},
		{"an alarm of another account", archive.ARN(partition.CloudWatch, "alarm:archive-logs").String(), string(archive.Account), "true", false},
		{"without TLS", home.ARN(partition.CloudWatch, "alarm:archive-logs").String(), string(home.Account), "false", false},
	} {
		for document, action := range map[string]string{topicPolicy: "sns:Publish", key.Inputs["policy"].StringValue(): "kms:GenerateDataKey"} {
			resource := topic.Outputs["arn"].StringValue()
			if action != "sns:Publish" {
				resource = key.Outputs["arn"].StringValue()
			}
			allowed := test.allowed || test.secure == "false" && action != "sns:Publish"
			alarms, err := home.PrincipalFor(partition.CloudWatch, partition.Deliver)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := policy.Parse([]byte(document))
			if err != nil {
				t.Fatal(err)
			}
			compiled, err := policy.Compile("it", doc)
			if err != nil {
				t.Fatal(err)
			}
			got := policy.Evaluate(policy.Request{
				Caller: policy.Service(alarms), Action: action, Resource: resource,
				Context: policy.Context{"aws:SourceArn": policy.One(test.source), "aws:SourceAccount": policy.One(test.account), "aws:SecureTransport": policy.One(test.secure)},
			}, policy.Policies{Resource: []*policy.Policy{compiled}})
			if (got.Outcome == policy.Allowed) != allowed {
				t.Errorf("%s, %s: %v, want allowed to be %t", test.name, action, got.Outcome, allowed)
			}
		}
	}
}

func TestAlarmTopicProblems(t *testing.T) {
	t.Parallel()
	_, err := tryRecord(t, alarmTopic(func(a *components.AlarmTopicArgs) {
		a.TopicName, a.Emails, a.AlarmNamePrefixes = "no spaces", []string{"nobody"}, nil
	}))
	for _, want := range []string{"TopicName", "Emails[0]", "AlarmNamePrefixes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
}

// The dashboard's widgets lie side by side and never over each other.
func TestDashboard(t *testing.T) {
	t.Parallel()
	graphs := func(n int) (list []components.DashboardGraph) {
		for i := range n {
			list = append(list, components.DashboardGraph{Title: fmt.Sprint(i), Statistic: "Sum", Metrics: []components.Metric{streamMetric("IncomingBytes")}})
		}
		return list
	}
	g := record(t, func(p *program) error {
		parent := &struct{ pulumi.ResourceState }{}
		if err := p.ctx.RegisterComponentResource("test:index:Parent", "parent", parent); err != nil {
			return err
		}
		_, err := components.NewDashboard(p.ctx, "dashboard", &components.DashboardArgs{Place: home, DashboardName: "archive", Title: "Archive", Rows: []components.DashboardRow{
			{Title: "one", Alarms: []string{"archive-logs"}, Graphs: graphs(3)},
			{Title: "two", Graphs: graphs(6)},
		}}, pulumi.Parent(parent), pulumi.Provider(p.provider(home)))
		return err
	})
	var body struct {
		Widgets []struct {
			Type                string
			X, Y, Width, Height int
			Properties          map[string]any
		}
	}
	if err := json.Unmarshal([]byte(find(t, g, "aws:cloudwatch/dashboard:Dashboard", "dashboard").Inputs["dashboardBody"].StringValue()), &body); err != nil {
		t.Fatal(err)
	}
	if len(body.Widgets) != 1+2+1+3+6 {
		t.Errorf("%d widgets", len(body.Widgets))
	}
	taken := map[[2]int]int{}
	for i, w := range body.Widgets {
		if w.X < 0 || w.X+w.Width > 24 {
			t.Errorf("widget %d is outside of the grid: %+v", i, w)
		}
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				if other, there := taken[[2]int{x, y}]; there {
					t.Fatalf("widget %d lies over widget %d", i, other)
				}
				taken[[2]int{x, y}] = i
			}
		}
	}
}
