package verify

import (
	"fmt"
	"slices"

	"github.com/logarchive/logarchive/partition"
)

// alarmLists are the properties that say whom an alarm notifies.
var alarmLists = []string{"alarmActions", "okActions", "insufficientDataActions"}

// alarmActions are the ARNs of the topics that an alarm notifies, whatever its state. Other actions, which stop instances
// or scale groups, aren't followed.
func alarmActions(r *Resource) []string {
	var arns []string
	for _, list := range alarmLists {
		for _, arn := range r.texts(list) {
			if isOf(arn, partition.SNS) && !slices.Contains(arns, arn) {
				arns = append(arns, arn)
			}
		}
	}
	return arns
}

// alarmName is the name of a metric's or a composite alarm.
func alarmName(r *Resource) string {
	if r.Type == typeCompositeAlarm {
		return r.text("alarmName")
	}
	return r.text("name")
}

// alarm is the way from an alarm to the topics that it notifies, and on to the queues that are subscribed to them. An alarm
// that may not publish, or not use the topic's key, changes its state and tells nobody
// (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services).
func (e *evaluation) alarm(s *segment, r *Resource) {
	source := s.at
	caller, err := service(r.Place, partition.CloudWatch)
	arn := r.Place.ARN(partition.CloudWatch, "alarm:"+alarmName(r)).String()
	for _, target := range alarmActions(r) {
		s.at = source
		to, ok := e.toEndpoint(s, r, KindTopic, "alarmActions", target)
		if !ok || s.refuse(r, err) {
			continue
		}
		if to.Place.Region != r.Place.Region {
			s.broken(r.URN, "alarmActions", fmt.Sprintf("it is in %s, the alarm in %s", to.Place.Region, r.Place.Region), "use a topic of the alarm's region")
		}
		q := request{title: "an alarm notifies", caller: caller, owner: to.Place.Account, carrier: r.URN, context: map[string][]string{
			"aws:SourceArn": {arn}, "aws:SourceAccount": {string(r.Place.Account)},
		}}.overTLS()
		s.prove(e, q.do(to.arn, "sns:Publish"))
		e.enqueueEncrypted(s, q, to)
		e.fanOut(s, to)
	}
}
