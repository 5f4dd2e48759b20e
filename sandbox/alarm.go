package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
)

// AlarmState is the state of an alarm as CloudWatch names it.
type AlarmState string

// The states.
const (
	AlarmOK           AlarmState = "OK"
	AlarmRaised       AlarmState = "ALARM"
	AlarmInsufficient AlarmState = "INSUFFICIENT_DATA"
)

// AlarmStatus is how an alarm stands at the sandbox's present time.
type AlarmStatus struct {
	Name        string          `json:"name"`
	Place       partition.Place `json:"place"`
	Composite   bool            `json:"composite,omitempty"`
	Description string          `json:"description"`
	State       AlarmState      `json:"state"`
	Reason      string          `json:"reason"`
	// Unmodelled is a metric that the sandbox doesn't have, so that the alarm's state says nothing; "" when it has all.
	Unmodelled string `json:"unmodelled,omitempty"`
	// Raised is when it was in ALARM last; the zero time if it wasn't in the time that was looked at.
	Raised time.Time `json:"raised,omitzero"`
	// Notified are the topics that it tells so, and why a topic doesn't take the message.
	Notified []AlarmNotice `json:"notified,omitempty"`
}

// AlarmNotice is a message of an alarm to a topic.
type AlarmNotice struct {
	Topic   string `json:"topic"`
	Refused string `json:"refused,omitempty"`
}

// Alarms evaluates every alarm that the world declares at the present time of the clock, and every five minutes of the time
// before it, as far back as since says: metrics' alarms by the values that the sandbox has measured, composite alarms by
// theirs. Those that are in ALARM, or were, ask for the hops to their topics. What waits in buffers and queues is known as it
// is now: what has been delivered since counts for nothing. The world stays as it is. They are ordered by place and name.
//
// See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
func (d *Delivery) Alarms(since time.Duration) ([]AlarmStatus, error) {
	buffers, err := d.Status()
	if err != nil {
		return nil, err
	}
	now := d.clock.Now()
	m := &meters{d: d, now: now, buffers: buffers}
	if m.values, err = d.measured(now.Add(-since - longestLook)); err != nil {
		return nil, err
	}
	var all []AlarmStatus
	known := map[string]AlarmStatus{} // by place and name
	for _, o := range d.world.List(catalog.MetricAlarm) {
		a := AlarmStatus{Name: o.Text("name"), Place: o.Place, Description: o.Text("alarmDescription")}
		w, err := readWatch(o)
		if err == nil {
			a.Unmodelled = w.unmodelled()
			a.State, a.Reason, err = m.evaluate(w, now)
		}
		if err == nil {
			a.Raised, err = m.lastRaised(w, a.State, since)
		}
		if err != nil {
			return nil, fmt.Errorf("sandbox: alarm %s: %w", a.Name, err)
		}
		known[a.key()] = a
		a.Notified = d.notices(o, a)
		all = append(all, a)
	}
	composites := d.world.List(compositeAlarmToken)
	for again := true; again; { // composite alarms may be about composite alarms
		again = false
		for _, o := range composites {
			a := composite(o, known)
			if before, ok := known[a.key()]; !ok || before.State != a.State || !before.Raised.Equal(a.Raised) {
				known[a.key()], again = a, true
			}
		}
	}
	for _, o := range composites {
		a := composite(o, known)
		a.Notified = d.notices(o, a)
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b AlarmStatus) int {
		return cmp.Or(cmp.Compare(a.Place.String(), b.Place.String()), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}

func (a AlarmStatus) key() string { return a.Place.String() + " " + a.Name }

// alarmStep is how often alarms are looked at in the past.
const alarmStep = 5 * time.Minute

// lastRaised is when an alarm that now has a state was in ALARM last, not earlier than since before now; the zero time if it
// wasn't.
func (m *meters) lastRaised(w *watch, state AlarmState, since time.Duration) (time.Time, error) {
	if state == AlarmRaised {
		return m.now, nil
	}
	if w.unmodelled() != "" {
		return time.Time{}, nil
	}
	for at := m.now.Truncate(alarmStep).Add(-time.Millisecond); !at.Before(m.now.Add(-since)); at = at.Add(-alarmStep) {
		state, _, err := m.evaluate(w, at)
		if err != nil {
			return time.Time{}, err
		}
		if state == AlarmRaised {
			return at, nil
		}
	}
	return time.Time{}, nil
}

// longestLook is the most that an alarm looks back: a week.
const longestLook = 7 * 24 * time.Hour

const compositeAlarmToken = "aws:cloudwatch/compositeAlarm:CompositeAlarm"

// term is one metric of an alarm, with how its values in a period become one.
type term struct {
	of        datum
	statistic string
}

var sumOfFilled = regexp.MustCompile(`^(FILL\(\w+,0\)\+)*FILL\(\w+,0\)$`)

// terms are the metrics of an alarm: one, or several whose sum is watched, with 0 where they have no data.
func terms(o Object) (list []term, period int, err error) {
	one := func(p resource.PropertyMap, statistic string) term {
		t := term{datum{Place: o.Place, Namespace: text(p, "namespace"), Name: text(p, "metricName"), Dimensions: map[string]string{}}, text(p, statistic)}
		if dims := p["dimensions"]; dims.IsObject() {
			for name, value := range dims.ObjectValue() {
				t.of.Dimensions[string(name)] = value.StringValue()
			}
		}
		return t
	}
	queries := objects(o.State["metricQueries"])
	if len(queries) == 0 {
		return []term{one(o.State, "statistic")}, integer(o.State, "period", 60), nil
	}
	for _, q := range queries {
		if e := text(q, "expression"); e != "" {
			if !sumOfFilled.MatchString(e) {
				return nil, 0, fmt.Errorf("the sandbox doesn't know the expression %s, only sums of FILL(metric,0)", e)
			}
			continue
		}
		for _, metric := range objects(q["metric"]) {
			list = append(list, one(metric, "stat"))
			period = integer(metric, "period", 60)
		}
	}
	return list, period, nil
}

// watch is what a metric alarm watches, and when that raises it: of its last periods so many must breach.
type watch struct {
	terms             []term
	period            time.Duration
	periods, needed   int
	threshold         float64
	operator, missing string
}

func readWatch(o Object) (*watch, error) {
	list, seconds, err := terms(o)
	if err != nil {
		return nil, err
	}
	periods := integer(o.State, "evaluationPeriods", 1)
	return &watch{
		terms: list, period: time.Duration(seconds) * time.Second, periods: periods, needed: integer(o.State, "datapointsToAlarm", periods),
		threshold: number(o.State, "threshold"), operator: o.Text("comparisonOperator"), missing: o.Text("treatMissingData"),
	}, nil
}

// unmodelled is a metric that the sandbox doesn't have; "" when it has all.
func (w *watch) unmodelled() string {
	for _, t := range w.terms {
		if !modelled(t.of) {
			return t.of.Namespace + " " + t.of.Name
		}
	}
	return ""
}

// evaluate tells a metric alarm's state at a time, whose period is the last.
func (m *meters) evaluate(w *watch, at time.Time) (state AlarmState, reason string, err error) {
	if w.unmodelled() != "" {
		return AlarmInsufficient, "the sandbox doesn't have the metric", nil
	}
	breaching, present, last := 0, 0, 0.0
	end := at.Truncate(w.period).Add(w.period)
	for i := range w.periods {
		to := end.Add(-time.Duration(i) * w.period)
		value, ok, err := m.point(w.terms, to.Add(-w.period), to, at)
		if err != nil {
			return "", "", err
		}
		if ok {
			if present++; present == 1 {
				last = value
			}
		}
		if ok && breaches(w.operator, value, w.threshold) || !ok && w.missing == "breaching" {
			breaching++
		}
	}
	what := fmt.Sprintf("%d of the last %d periods of %s breach", breaching, w.periods, w.period)
	if present > 0 {
		what += fmt.Sprintf("; the newest value is %g, the threshold %g", last, w.threshold)
	} else {
		what += "; there is no data"
	}
	switch {
	case breaching >= w.needed:
		return AlarmRaised, what, nil
	case present == 0 && w.missing != "notBreaching" && w.missing != "breaching":
		return AlarmInsufficient, what, nil
	}
	return AlarmOK, what, nil
}

// point is the value of a period as it is known at a time: the sum of the metrics'. Without any data there is none.
func (m *meters) point(list []term, from, to, at time.Time) (sum float64, ok bool, err error) {
	for _, t := range list {
		values, err := m.between(t.of, from, to, at)
		if err != nil {
			return 0, false, err
		}
		if len(values) == 0 {
			continue
		}
		ok = true
		switch t.statistic {
		case "Sum":
			for _, v := range values {
				sum += v
			}
		case "Maximum":
			sum += slices.Max(values)
		case "Minimum":
			sum += slices.Min(values)
		default:
			return 0, false, fmt.Errorf("the sandbox doesn't know the statistic %q, only Sum, Maximum and Minimum", t.statistic)
		}
	}
	return sum, ok, nil
}

func breaches(operator string, value, threshold float64) bool {
	switch operator {
	case "GreaterThanThreshold":
		return value > threshold
	case "GreaterThanOrEqualToThreshold":
		return value >= threshold
	case "LessThanThreshold":
		return value < threshold
	}
	return value <= threshold
}

var inAlarm = regexp.MustCompile(`ALARM\("([^"]+)"\)`)

// composite tells how an alarm about others stands, any of which raises it.
func composite(o Object, known map[string]AlarmStatus) AlarmStatus {
	a := AlarmStatus{
		Name: o.Text("alarmName"), Place: o.Place, Composite: true, Description: o.Text("alarmDescription"),
		State: AlarmOK, Reason: "none of its alarms is in ALARM",
	}
	var raised []string
	for _, match := range inAlarm.FindAllStringSubmatch(o.Text("alarmRule"), -1) {
		part := known[AlarmStatus{Place: o.Place, Name: match[1]}.key()]
		if part.State == AlarmRaised {
			raised = append(raised, match[1])
		}
		if part.Raised.After(a.Raised) {
			a.Raised = part.Raised
		}
	}
	if len(raised) > 0 {
		a.State, a.Reason = AlarmRaised, "in ALARM: "+strings.Join(raised, ", ")
	}
	return a
}

// notices are whom an alarm tells that it is, or was, in ALARM.
func (d *Delivery) notices(o Object, a AlarmStatus) []AlarmNotice {
	if a.Raised.IsZero() {
		return nil
	}
	var list []AlarmNotice
	for _, topic := range strs(o.State["alarmActions"]) {
		caller, err := serviceCaller(o.Place, partition.CloudWatch, partition.Deliver)
		if err == nil {
			hop := Hop{Step: "an alarm notifies", Principal: caller, Action: "sns:Publish", Resource: topic, Place: o.Place}.
				with("aws:SourceArn", o.Place.ARN(partition.CloudWatch, "alarm:"+a.Name).String(), "aws:SourceAccount", string(o.Place.Account), "aws:SecureTransport", "true")
			_, err = (&announcement{d: d}).send(hop)
		}
		notice := AlarmNotice{Topic: topic}
		if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
			notice.Refused = refusal.Code + ": " + refusal.Reason
		} else if err != nil {
			notice.Refused = err.Error()
		}
		list = append(list, notice)
	}
	return list
}
